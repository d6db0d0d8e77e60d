"""Finds people in a chart: whole names, surnames, nicknames and misspelt names."""

from __future__ import annotations

from dataclasses import replace

from convrec.agent.reading.english import is_common, is_word
from convrec.agent.reading.grammar import Grammar, phrases
from convrec.agent.reading.people import Name, PeopleIndex
from convrec.agent.reading.text import Chart, Span, fold, preceded, words_of
from convrec.agent.reading.unmet import Unmet
from convrec.agent.reading.values import ValueIndex
from convrec.agent.reading.wanted import Wanted, either, value_filter, wanted_values
from convrec.retrieval.filters import And, Filter
from convrec.retrieval.schema import Attribute

_BARE = frozenset(["by", "from", "of", "with", "w", "has", "in which", "where", "stars", "feat"])
"""cues that may stand for any part somebody has in an item"""
_GAPS = (" ", ". ", "-", ".")


class NameFinder:
    """Puts 'want' spans for people."""

    def __init__(self, grammar: Grammar, people: PeopleIndex, values: ValueIndex) -> None:
        self.grammar = grammar
        self.people = people
        self.values = values

    def whole_names(self, chart: Chart) -> None:
        """Whole names, in any case."""
        for start in range(len(chart)):
            if chart.owner[start] is None and chart.tokens[start].norm in self.people.firsts:
                self._whole(chart, start)

    def parts(self, chart: Chart) -> list[Unmet]:
        """Surnames and misspelt names; names after a cue that nobody bears are returned."""
        missing: list[Unmet] = []
        if not self.people:
            return missing
        for start in range(len(chart)):
            if chart.owner[start] is None and chart.tokens[start].norm.isalpha():
                cue = self._cue(chart, start)
                if not (self._surname(chart, start, cue) or self._misspelt(chart, start, cue)) and cue:
                    self._unknown(chart, start, cue, missing)
        return missing

    def elsewhere(self, chart: Chart) -> list[Unmet]:
        """'directed by X', who is known here for something else: that nothing is by them is said."""
        own = self.grammar.people
        found: list[Unmet] = []
        for span in chart.spans("want"):
            wanted = _person(span)
            for cues, attributes in ((own.maker, self.people.makers), (own.performer, self.people.performers)):
                told = phrases(tuple(cue for cue in cues if cue not in _BARE))
                ends = range(span.start + 1, min(span.end, span.start + told.longest + 1))
                length = max((end - span.start for end in ends if chart.norms(span.start, end) in told), default=0)
                known = wanted is None or wanted.field in {a.name for a in attributes}
                if wanted is not None and length and attributes and not known:
                    found.append(Unmet(attributes[0].name, chart.words(span.start + length, span.end), ()))
        return found

    def _whole(self, chart: Chart, start: int) -> None:
        for length in range(min(self.people.longest, len(chart) - start), 0, -1):
            end = start + length
            if not chart.free(start, end) or any(chart.breaks(p, ",;!?\n") for p in range(start + 1, end)):
                continue
            name = self.people.full(chart.norms(start, end))
            if name is not None and (length > 1 or chart.tokens[start].capital):
                self._put(chart, start, end, name)
                return

    def _surname(self, chart: Chart, start: int, cue: str) -> bool:
        """The person of a surname: after a cue, capitalised, or a rare word."""
        for length in (3, 2, 1):
            end = start + length
            if end > len(chart) or not chart.free(start, end):
                continue
            if any(chart.gap(p) not in _GAPS for p in range(start + 1, end)):
                continue
            found = self.people.surname(chart.norms(start, end))
            if found is None:
                continue
            best, others = found
            if not self._plausible(chart, start, end, best, cue) or self._stranger(chart, start, end, best):
                continue
            if self._goes_on(chart, end) and (
                chart.norms(start, end) in self.people.first_names or self._close_whole(chart, start, end)
            ):
                continue
            rivals = [o for o in others if o.count * 2 > best.count]
            if len(rivals) > 2:
                continue
            self._family(chart, start, end, [best, *rivals], told=bool(others))
            return True
        return False

    def _goes_on(self, chart: Chart, end: int) -> bool:
        """Whether a word follows that could be the rest of a name."""
        if end >= len(chart) or chart.owner[end] is not None or chart.gap(end) != " ":
            return False
        token = chart.tokens[end]
        return token.norm not in self.grammar.plain_words and token.stem not in self.grammar.noun_words

    def _close_whole(self, chart: Chart, start: int, end: int) -> bool:
        """Whether a surname and the word behind it are a slip away from a whole name that begins with it."""
        close = self.people.close(chart.norms(start, end + 1))
        return close is not None and fold(close.value).startswith(chart.norms(start, end))

    def _family(self, chart: Chart, start: int, end: int, names: list[Name], *, told: bool) -> None:
        """Any of the people of one surname who are about equally well known."""
        after = chart.tokens[end].stem if end < len(chart) else ""
        if after in ("brother", "sister", "sibling", "twin"):
            end += 1
        label = " or ".join(name.value for name in names)
        note = f"I took {chart.words(start, end)} as {label}." if told else ""
        span = self._put(chart, start, end, names[0], note=note)
        wanted = _person(span)
        if len(names) < 2 or wanted is None:
            return
        for other in names[1:]:
            wanted = either(wanted, self._wanted(other, self._cue(chart, span.start) or self._cue(chart, start)))
        chart.put(span.start, span.end, "want", [replace(wanted, note=note)])

    def _plausible(self, chart: Chart, start: int, end: int, name: Name, cue: str) -> bool:
        """Whether a surname that is also a word is meant as a name."""
        token = chart.tokens[end - 1]
        if end - start == 1 and not token.capital:
            if not cue and token.norm in self.grammar.ordinary_words:
                return False
            if is_common(token.norm) and not (cue and self._told(chart, start)):
                return False
        if cue or (token.capital and start > 0 and not chart.message.isupper()):
            return True
        beside = [chart.tokens[p].stem for p in (start - 1, end) if 0 <= p < len(chart)]
        near_noun = any(stem in self.grammar.noun_words for stem in beside)
        unusual = self.values.common_words if near_noun else self.values.known_words
        if token.stem in unusual or token.norm in unusual:
            return False
        return near_noun or name.count > 2

    def _stranger(self, chart: Chart, start: int, end: int, name: Name) -> bool:
        """Whether a capitalised word beside belongs to another name: 'Carter' of 'June Carter'."""
        for gap, neighbour in ((start, start - 1), (end, end)):
            if not 0 <= neighbour < len(chart) or chart.gap(gap) != " " or not chart.free(neighbour, neighbour + 1):
                continue
            token = chart.tokens[neighbour]
            opening = neighbour == 0 or chart.breaks(neighbour)
            known = token.norm in self.grammar.plain_words or token.stem in self.grammar.noun_words
            if token.capital and not opening and not known and not self.values.find(token.stem):
                return not (neighbour < start and self._nickname(token.norm, name))
        return False

    @staticmethod
    def _nickname(word: str, name: Name) -> bool:
        """'leo' of 'Leonardo'."""
        return len(word) > 2 and fold(name.value).startswith(word)

    def _misspelt(self, chart: Chart, start: int, cue: str) -> bool:
        token = chart.tokens[start]
        beside = chart.tokens[start + 1].stem if start + 1 < len(chart) and chart.gap(start + 1) == " " else ""
        unheard = not is_word(token.norm) and beside in self.grammar.noun_words and not self.values.find(token.stem)
        if not (cue or token.capital or unheard or self._strange(chart, start)):
            return False
        for stop in range(min(start + 4, len(chart)), start + 1, -1):
            if not chart.free(start, stop) or any(chart.gap(p) not in _GAPS for p in range(start + 1, stop)):
                continue
            plain = [t for t in chart.tokens[start:stop] if t.norm in self.grammar.plain_words]
            if plain and (not (cue and token.capital) or plain[-1] is chart.tokens[stop - 1]):
                continue
            close = self.people.close(chart.norms(start, stop))
            if close is not None:
                self._put(chart, start, stop, close)
                return True
        word = token.norm in self.values.known_words or is_word(token.norm)
        close = None if word else self.people.close_surname(token.norm)
        if close is None or self._stranger(chart, start, start + 1, close):
            return False
        self._put(chart, start, start + 1, close)
        return True

    def _strange(self, chart: Chart, start: int) -> bool:
        """'arnold schwarzeneger comedies': a first name before what is no word."""
        if start + 1 >= len(chart) or chart.gap(start + 1) != " " or not chart.free(start + 1, start + 2):
            return False
        following = chart.tokens[start + 1]
        heard = is_word(following.norm) or following.stem in self.values.known_words
        return not heard and following.norm.isalpha() and not self.values.find(following.stem)

    def _unknown(self, chart: Chart, start: int, cue: str, missing: list[Unmet]) -> None:
        """A name of two words or more after a cue: capitalised, or in lower case with a word that English lacks."""
        end = start
        while end < len(chart) and end - start < 4 and chart.free(end, end + 1):
            token = chart.tokens[end]
            if (end > start and chart.gap(end) not in _GAPS) or not (token.capital or self._nameless(chart, start)):
                break
            if token.norm in self.grammar.plain_words:
                if not token.capital:
                    break
                return
            end += 1
        if end - start > 1:
            words = chart.words(start, end)
            missing.append(Unmet(self._cued(cue)[0].name, words, self.people.nearest(words)))
            begin = preceded(chart, start, phrases((*self.grammar.people.maker, *self.grammar.people.performer)))
            chart.put(start if begin is None else begin, end, "missing")

    def _nameless(self, chart: Chart, start: int) -> bool:
        """'designed by uwe rosenberg': two words after a cue that a name follows, one of them no English."""
        own = chart.tokens[start : start + 2]
        if len(own) < 2 or chart.gap(start + 1) != " " or not self._told(chart, start):
            return False
        begin = preceded(chart, start, phrases((*self.grammar.people.maker, *self.grammar.people.performer)))
        verb = begin is not None and chart.norms(begin, start) not in ("with", "w", "by", "has")
        known = any(t.norm in self.grammar.plain_words or self.values.find(t.stem) for t in own)
        return verb and not known and not all(is_word(t.norm) for t in own) and all(t.norm.isalpha() for t in own)

    def _cue(self, chart: Chart, start: int) -> str:
        """'maker' or 'performer' when the words before a name say so, else ''."""
        for kind, cues in (("maker", self.grammar.people.maker), ("performer", self.grammar.people.performer)):
            if preceded(chart, start, phrases(cues)) is not None:
                return kind
        before = chart.tokens[start - 1].norm if start else ""
        own = chart.owner[start - 2] if start > 1 else None
        if before in ("and", "or", "nor") and own is not None and (wanted := _person(own)) is not None:
            return "performer" if wanted.field in {a.name for a in self.people.performers} else "maker"
        return ""

    def _cue_after(self, chart: Chart, end: int) -> tuple[str, int]:
        """'Woody Allen directed', 'Clint Eastwood as director': the cue after a name, and its length."""
        own = self.grammar.people
        if end < len(chart) and not chart.breaks(end, ",;!?\n"):
            for kind, cues in (("maker", own.maker_after), ("performer", own.performer_after)):
                if (length := chart.phrase_at(end, phrases(cues))) and self._of_kind(kind):
                    return kind, length
        return "", 0

    def _of_kind(self, kind: str) -> tuple[Attribute, ...]:
        """The attributes that a kind of cue speaks of; none without one."""
        return self.people.makers if kind == "maker" else self.people.performers if kind == "performer" else ()

    def absent(self, chart: Chart) -> None:
        """'… but isn't in', 'where he's not acting himself': made by the person named before, without them."""
        for position in range(len(chart)):
            length = chart.phrase_at(position, phrases(self.grammar.people.absent))
            span = self._person_before(chart, position) if length and self.people.performers else None
            name = self._bearer(span)
            if span is None or name is None or not self.people.makers:
                continue
            chart.put(span.start, span.end, "want", [self._wanted(name, "maker")])
            end = position + length
            end += chart.norms(end, end + 1) in ("himself", "herself", "themselves", "it", "them")
            inside = self._wanted(name, "performer")
            away = replace(
                inside,
                filter=inside.negative,
                negative=inside.filter,
                label=inside.not_label,
                negative_label=inside.label,
                values=(),
            )
            chart.put(position, end, "want", [away])

    @staticmethod
    def _person_before(chart: Chart, position: int) -> Span | None:
        """The last person of the sentence before a place."""
        for place in range(position - 1, -1, -1):
            if chart.breaks(place + 1, ".;!?\n"):
                return None
            own = chart.owner[place]
            if own is not None and _person(own) is not None:
                return own
        return None

    def _bearer(self, span: Span | None) -> Name | None:
        wanted = _person(span) if span is not None else None
        if wanted is None or not wanted.values:
            return self.people.full(fold(wanted.label)) if wanted is not None else None
        return self.people.full(" ".join(words_of(wanted.values[0])))

    def _told(self, chart: Chart, start: int) -> bool:
        """Whether the cue before a word says by itself that a name follows: 'starring cash', not 'out of the cash'."""
        own = self.grammar.people
        begin = preceded(chart, start, phrases((*own.maker, *own.performer)))
        return begin is not None and chart.norms(begin, start) in {*own.maker, *own.performer} - {*own.loose}

    def _cued(self, cue: str) -> tuple[Attribute, ...]:
        return self._of_kind(cue) or self.people.attributes

    def _put(self, chart: Chart, start: int, end: int, name: Name, *, note: str = "") -> Span:
        if start and chart.free(start - 1, start) and chart.gap(start) == " ":
            before = chart.tokens[start - 1].norm
            if self._nickname(before, name) and before not in self.grammar.plain_words:
                start -= 1
        cue = self._cue(chart, start)
        first = start
        if cue:
            cues = self.grammar.people.maker if cue == "maker" else self.grammar.people.performer
            begin = preceded(chart, start, phrases(cues))
            first = start if begin is None else begin
        else:
            cue, length = self._cue_after(chart, end)
            end += length
        said = note or ("" if name.sure else f"I took “{chart.words(start, end)}” as {name.value}.")
        return chart.put(first, end, "want", [replace(self._wanted(name, cue), note=said)])

    def _wanted(self, name: Name, cue: str) -> Wanted:
        """Items by or with a person: in the attribute of the cue, else wherever the name is at home."""
        counts = {a.name: n for a, n in name.counts}
        everywhere = [a for a, _ in name.counts]
        pool = [a for a in self._cued(cue) if a.name in counts] or everywhere
        against = pool if cue else everywhere
        if not cue and len(pool) > 1:
            top = max(counts[a.name] for a in pool)
            pool = [a for a in pool if counts[a.name] * 3 >= top and counts[a.name] > 1] or pool
        wanted = wanted_values(pool[0], (name.value,), "person")
        for other in pool[1:]:
            wanted = either(wanted, wanted_values(other, (name.value,), "person"))
        negatives: tuple[Filter, ...] = tuple(value_filter(a, (name.value,), "none") for a in against)
        label = f"by {name.value}" if cue == "maker" else f"with {name.value}" if cue == "performer" else name.value
        negative = negatives[0] if len(negatives) == 1 else And(parts=negatives)
        return replace(wanted, label=label, negative=negative)


def _person(span: Span) -> Wanted | None:
    """The person that a span asks for."""
    if span.kind != "want" or not isinstance(span.payload, list) or not span.payload:
        return None
    wanted = span.payload[0]
    return wanted if isinstance(wanted, Wanted) and wanted.how == "person" else None
