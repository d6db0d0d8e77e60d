"""The reach of 'no', 'or', 'must' and 'ideally' over what was found in a message."""

from __future__ import annotations

from dataclasses import dataclass, replace

from convrec.agent.reading_grammar import Grammar, phrases
from convrec.agent.reading_text import Chart
from convrec.agent.reading_wanted import Wanted, either
from convrec.retrieval.filters import Contains
from convrec.retrieval.request import Strength


@dataclass(frozen=True, slots=True)
class Said:
    """A wish as it was said. `instead`: it replaces earlier ones of its attribute; `also`: it joins them."""

    wanted: Wanted
    start: int
    end: int
    negated: bool = False
    strength: Strength | None = None
    instead: bool = False
    also: bool = False
    too: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """Free words of a description."""

    start: int
    end: int
    negated: bool = False


class ScopeReader:
    """Walks a chart from left to right and says what is wanted, not wanted, ideal or a must."""

    def __init__(self, grammar: Grammar, labels: frozenset[str]) -> None:
        self.grammar = grammar
        self._labels = labels
        self._negations = phrases(grammar.negation.cues)
        self._idioms = phrases(grammar.negation.idioms)
        self._stops = phrases(grammar.negation.stops)
        self._must = phrases(grammar.strength.must)
        self._soft = phrases(grammar.strength.soft)
        self._instead = phrases(grammar.strength.instead)
        self._also = phrases(grammar.strength.also)
        self._indifferent = phrases(grammar.negation.indifferent)
        self._or = phrases(grammar.joins.or_)
        self._and = phrases(grammar.joins.and_)

    def mark_idioms(self, chart: Chart) -> None:
        """'not sure', 'why not', 'no problem': no negation of what follows."""
        for position in range(len(chart)):
            length = chart.phrase_at(position, self._idioms, 4)
            if length and not chart.breaks(position + 1, ",") or length > 1:
                chart.put(position, position + length, "skip")

    def negated_at(self, chart: Chart, position: int) -> int:
        """Number of tokens of the negation that starts here, or 0."""
        return chart.phrase_at(position, self._negations, 5)

    def read(self, chart: Chart, *, instead: bool = False) -> tuple[list[Said], list[Words], frozenset[int]]:
        """Everything said, in order; the words left over for the description; and where titles not wanted start."""
        shunned: set[int] = set()
        said: list[Said] = []
        words: list[Words] = []
        negated, used, about, ignore = False, False, False, False
        strength: Strength | None = None
        replace_next, also, too, once = instead, False, False, False
        position = 0
        while position < len(chart):
            if chart.breaks(position) or self._clause_ends(chart, position, negated and used, said):
                negated, used, strength, about, ignore = False, False, None, False, False
            span = chart.owner[position]
            if span is not None:
                if span.kind == "want" and isinstance(span.payload, list):
                    for wanted in [] if ignore else span.payload:
                        against = negated or too
                        said.append(Said(wanted, span.start, span.end, against, strength, replace_next, also, too))
                        if wanted.describe or (wanted.shun and negated):
                            words.append(Words(span.start, span.end, negated))
                    used, also, too = True, False, False
                    if once:
                        negated, once = False, False
                elif span.kind == "veto":
                    negated, used = True, False
                elif span.kind in ("title", "compare", "act") and negated:
                    used = True
                    if span.kind == "title":
                        shunned.add(span.start)
                position = span.end
                continue
            if chart.tokens[position].norm == "about":
                about = True
            length, kind = self._cue(chart, position)
            if kind == "negation":
                negated, used = True, False
                once = chart.norms(position, position + length) in ("non", "anti")
                too = chart.tokens[position + length - 1].norm == "too"
            elif kind == "must":
                strength = Strength.MUST
                replace_next = replace_next or chart.norms(position, position + length) == "only"
            elif kind == "soft":
                if self._trailing(chart, position + length) and said and self._next_to(chart, said[-1].end, position):
                    said[-1] = replace(said[-1], strength=Strength.SOFT)
                else:
                    strength = Strength.SOFT
            elif kind == "instead":
                replace_next = True
                if negated and used:
                    negated = False
                if said and self._trailing(chart, position + length):
                    said = [replace(s, instead=True) for s in said]
            elif kind == "also":
                ahead = chart.owner[position + length] if position + length < len(chart) else None
                also, too = ahead is None, ahead is not None and chart.tokens[position].norm == "too"
            elif kind == "indifferent":
                ignore = True
            if kind:
                chart.put(position, position + length, "cue")
                position += length
                continue
            word = chart.tokens[position].norm
            if word in self._stops and negated and used:
                negated = False
            elif word in ("but", "just", "however", "instead") and negated:
                negated = False
            too = word == "too"
            content = word not in self.grammar.plain_words or (
                about
                and word not in self.grammar.function_words
                and word in self.grammar.filler_words - self.grammar.noun_words
            )
            content = content and not ignore and chart.tokens[position].stem not in self._labels
            if content and len(word) > 1:
                words.append(Words(position, position + 1, negated))
                used = True
            position += 1
        return self._joined(chart, said), self._segments(chart, words), frozenset(shunned)

    def _cue(self, chart: Chart, position: int) -> tuple[int, str]:
        best, kind = 0, ""
        for name, cues in (
            ("negation", self._negations),
            ("must", self._must),
            ("soft", self._soft),
            ("instead", self._instead),
            ("also", self._also),
            ("indifferent", self._indifferent),
        ):
            length = chart.phrase_at(position, cues, 5)
            if length > best:
                best, kind = length, name
        return best, kind

    def _trailing(self, chart: Chart, position: int) -> bool:
        """Whether nothing more is said in this clause."""
        while position < len(chart) and not chart.breaks(position, ".,;!?\n"):
            if chart.owner[position] is not None or chart.tokens[position].norm not in self.grammar.plain_words:
                return False
            position += 1
        return True

    @staticmethod
    def _next_to(chart: Chart, start: int, end: int) -> bool:
        """Whether nothing else was read between two places, and no sentence ends there."""
        for position in range(start, end):
            if chart.breaks(position) or chart.tokens[position].norm == "but" or chart.owner[position] is not None:
                return False
        return not chart.breaks(end)

    def _clause_ends(self, chart: Chart, position: int, used: bool, said: list[Said]) -> bool:
        """Whether a comma or an 'and' ends the reach of a negation here."""
        if not used:
            return False
        if "," in chart.gap(position):
            return not self._list_goes_on(chart, position)
        own = chart.owner[position]
        word = chart.tokens[position].norm
        if word != "and" or own is not None:
            return False
        following = chart.owner[position + 1] if position + 1 < len(chart) else None
        if following is None:
            return position + 1 < len(chart) and chart.tokens[position + 1].norm in self.grammar.plain_words
        if following.kind != "want" or not said or not isinstance(following.payload, list):
            return True
        return (
            following.payload[0].how in ("number", "time", "adjective")
            or said[-1].wanted.field != following.payload[0].field
        )

    def _list_goes_on(self, chart: Chart, position: int) -> bool:
        """'no horror, thriller or romance': the comma continues where an 'or' or 'nor' closes the list."""
        seen = 0
        while position < len(chart) and seen < 6:
            if chart.breaks(position):
                return False
            word = chart.tokens[position].norm
            if word in ("or", "nor") and seen:
                return True
            if (
                chart.owner[position] is None
                and word in self.grammar.plain_words
                and word not in ("a", "an", "the", "any")
            ):
                return word == "no" or word == "nor"
            seen += 1
            own = chart.owner[position]
            position = own.end if own is not None else position + 1
        return False

    def _joined(self, chart: Chart, said: list[Said]) -> list[Said]:
        """Alternatives become one wish; what only stands side by side stays apart."""
        links = [self._link(chart, a, b) for a, b in zip(said, said[1:], strict=False)]
        joined: list[Said] = []
        position = 0
        while position < len(said):
            stop = position
            while stop < len(links) and links[stop] in ("or", "comma") and "or" in links[stop : self._run(links, stop)]:
                stop += 1
            current = said[position]
            for other in said[position + 1 : stop + 1]:
                if current.negated:
                    joined.append(current)
                    current = other
                else:
                    current = replace(current, wanted=either(current.wanted, other.wanted), end=other.end)
            joined.append(current)
            position = stop + 1
        return joined

    @staticmethod
    def _run(links: list[str], start: int) -> int:
        """The end of a run of commas that an 'or' may close."""
        end = start
        while end < len(links) and links[end] in ("or", "comma"):
            end += 1
        return end

    def _link(self, chart: Chart, a: Said, b: Said) -> str:
        """How two neighbours are joined: or, and, comma, or ''."""
        if a.negated != b.negated or a.end > b.start or a.start == b.start:
            return ""
        kind = ""
        for position in range(a.end, b.start + 1):
            gap = chart.gap(position)
            if any(sign in gap for sign in ".;!?\n"):
                return ""
            if "/" in gap:
                mixed = isinstance(a.wanted.filter, Contains) and a.wanted.how not in ("nation", "person")
                kind = "and" if mixed and gap == "/" else "or"
            elif "," in gap and not kind:
                kind = "comma"
            if position == b.start:
                break
            word = chart.tokens[position].norm
            own = chart.owner[position]
            if own is not None and own.kind not in ("cue", "join"):
                return ""
            if word in ("or", "nor"):
                kind = "or"
            elif word in ("and", "but", "with", "plus"):
                kind = "and"
            elif (
                word
                not in (
                    "a",
                    "an",
                    "the",
                    "some",
                    "maybe",
                    "even",
                    "else",
                    "perhaps",
                    "either",
                    "from",
                    "in",
                    "by",
                    "of",
                    "something",
                    "anything",
                )
                and chart.tokens[position].stem not in self.grammar.noun_words
            ):
                return ""
        return kind

    def _segments(self, chart: Chart, words: list[Words]) -> list[Words]:
        """Content words that stand together, function words between them included."""
        segments: list[Words] = []
        for word in words:
            last = segments[-1] if segments else None
            if last is not None and last.negated == word.negated and self._bridge(chart, last.end, word.start):
                segments[-1] = Words(last.start, word.end, last.negated)
            else:
                segments.append(word)
        return segments

    def _bridge(self, chart: Chart, start: int, end: int) -> bool:
        if end - start > 4 or any(chart.breaks(p, ".,;!?\n") for p in range(start, end + 1)):
            return False
        return chart.free(start, end)
