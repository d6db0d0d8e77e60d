"""The walk over a chart that carries what earlier words say about later ones."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from convrec.agent.reading.grammar import Grammar, phrases
from convrec.agent.reading.joins import Said
from convrec.agent.reading.text import Chart, Phrases, Span
from convrec.agent.reading.wanted import Wanted
from convrec.retrieval.request import Strength

_CORRECTIONS = frozenset(
    [
        "no wait",
        "wait no",
        "no sorry",
        "wait",
        "i meant",
        "scratch that",
        "correction",
        "make that",
        "on second thought",
    ]
)
_DEGREES = frozenset(["too", "very", "so", "overly", "really", "that"])
_OF_DEGREE = frozenset(["adjective", "concept", "flag"])
_TURNS = frozenset(["but", "just", "however", "instead"])


def _one_sided(wanted: Wanted) -> bool:
    bounds = wanted.bounds
    return bounds is not None and (bounds.minimum is None) != (bounds.maximum is None)


@dataclass(frozen=True, slots=True)
class Words:
    """Free words of a description."""

    start: int
    end: int
    negated: bool = False
    mild: bool = False
    """not wanted in that degree: 'not too dark'"""
    must: bool = False


@dataclass
class Scoped:
    """A walked chart: wishes in order, words for the description, and where titles that are not wanted start."""

    said: list[Said] = field(default_factory=list)
    words: list[Words] = field(default_factory=list)
    shunned: set[int] = field(default_factory=set)
    needless: list[tuple[Wanted, bool]] = field(default_factory=list)
    """wishes said to be needless, and whether they were said to be allowed beside others"""
    ignored: set[str] = field(default_factory=set)
    """the words, folded, that were said not to matter"""
    yielding: list[Span] = field(default_factory=list)
    """comparisons that were said to be allowed: 'it can be longer'"""


@dataclass
class Walk:
    """Where the walk stands: what the words so far say about those to come."""

    grammar: Grammar
    labels: frozenset[str]
    chart: Chart
    story: frozenset[int]
    replaces: bool
    looks: frozenset[str] = frozenset()
    """attributes whose values stand before what has them: colours"""
    found: Scoped = field(default_factory=Scoped)
    negated: bool = False
    used: bool = False
    """whether the negation has met what it denies"""
    denied: int = 0
    """where the words that denied end"""
    once: bool = False
    about: bool = False
    ignore: bool = False
    allow: bool = False
    """whether what is ignored was said to be allowed"""
    also: bool = False
    alternative: bool = False
    """whether the clause begins with 'or': it adds to what was asked for before"""
    clause: int = 0
    """number of wishes before this clause"""
    clause_start: int = 0
    too: bool = False
    corrected: int = 0
    """where the message takes back what it said before; 0 where it does not"""
    degree: bool = False
    """whether the negation is of a degree: 'not too'"""
    strength: Strength | None = None
    vital: bool = False
    """whether what follows is a thing that must be there: 'must have', not 'must be'"""

    def enter(self, position: int) -> None:
        """A new sentence, or the end of a negated list, forgets what was said before."""
        if self.chart.breaks(position) or (self.negated and self.used and self._clause_ends(position)):
            self.negated = self.used = self.about = self.ignore = self.allow = False
            self.strength, self.vital = None, False
        if self.chart.breaks(position, ".,;!?\n"):
            self.clause, self.clause_start = len(self.found.said), position
            self.alternative = False
        if "," in self.chart.gap(position):
            self.ignore = self.allow = False
            # 'I have no time, something short': what was denied carried no meaning here.
            self.negated = self.negated and (self.used or position == self.denied)
            span = self.chart.owner[position]
            read = span.payload[0].how if span and span.kind == "want" and isinstance(span.payload, list) else ""
            if self.strength is Strength.SOFT and read in ("number", "time"):
                self.strength = None

    def take(self, span: Span) -> None:
        """Something that was read: a wish takes on what was said about it."""
        if span.kind == "want" and isinstance(span.payload, list):
            self._wish(span, span.payload)
        elif span.kind == "compare" and self.ignore:
            self._yield(span)
        elif span.kind == "words":
            self.found.words.append(Words(span.start, span.end, self.negated))
            self.used = True
        elif span.kind == "veto":
            self.negated, self.used = True, False
        elif span.kind in ("title", "compare", "act") and self.negated:
            self.used = True
            if span.kind == "title":
                self.found.shunned.add(span.start)

    def _wish(self, span: Span, wishes: list[Wanted]) -> None:
        # 'no horror for my kids': whom it is for is not denied with it.
        self.negated = self.negated and not (self.used and self.chart.tokens[span.start].norm == "for")
        measured = all(wanted.how in ("number", "time") for wanted in wishes)
        # 'no nuts that takes under 30 minutes': the limit is wanted.
        self.negated = self.negated and not (self.used and wishes[0].how == "number" and _one_sided(wishes[0]))
        if self.ignore and self.allow and measured:
            self.found.said += [Said(w, span.start, span.end, allowed=True) for w in wishes]
        elif self.ignore:
            self.found.needless += [(wanted, self.allow) for wanted in wishes]
            self.found.ignored |= {token.norm for token in self.chart.tokens[span.start : span.end]}
        for wanted in () if self.ignore else wishes:
            against = self.negated or self.too
            if self._of_degree(span, wanted):
                self.found.words.append(Words(span.start, span.end, negated=True, mild=True))
                continue
            if self.corrected:
                self._take_back(wanted.field)
            if not (against and wanted.how == "meaning"):
                self.found.said.append(
                    Said(
                        wanted,
                        span.start,
                        span.end,
                        against,
                        self.strength,
                        instead=self.replaces,
                        also=self.also,
                        allowed=self.alternative and not against,
                        too=self.too,
                    )
                )
            if wanted.describe or (wanted.shun and against):
                self.found.words.append(Words(span.start, span.end, against))
        self.used, self.also, self.too = True, False, False
        alone = (self.degree or wishes[0].how == "flag") and self._before_kind(span)
        if self.once or alone or self._looks_of(span, wishes):
            self.negated = self.once = False
        self.degree = False

    def _yield(self, span: Span) -> None:
        """'it can be longer': the comparison frees its attribute instead of binding it."""
        self.found.yielding.append(span)
        self.chart.put(span.start, span.end, "skip")

    def _take_back(self, field: str) -> None:
        """'musicals, no wait, dramas': what was said of the same attribute before the correction goes."""
        gone = [e for e in self.found.said if e.end <= self.corrected and e.wanted.field == field]

        def within(start: int) -> bool:
            return any(entry.start <= start < entry.end for entry in gone)

        self.found.said = [e for e in self.found.said if not within(e.start)]
        self.found.words = [w for w in self.found.words if not within(w.start)]

    def _twice(self, start: int, end: int) -> bool:
        """'not without wifi', 'never show me any without subtitles': what is denied twice is wanted."""
        without = self.chart.tokens[end - 1].norm in ("without", "w/o", "lacking")
        first = self.chart.norms(start, end) in ("not without", "nothing without", "never without", "none without")
        return without and (first or (self.negated and not self.used))

    def _no_alone(self, start: int, end: int) -> bool:
        """'a musical? no, comedies'."""
        before, after = self.chart.gap(start), self.chart.gap(end) if end < len(self.chart) else ""
        return start > 0 and self.chart.norms(start, end) == "no" and bool(set("?.;…") & set(before)) and "," in after

    def cue(self, kind: str, start: int, end: int) -> None:
        """A word that says how the next ones are meant."""
        said = self.found.said
        if kind == "negation" and self._no_alone(start, end):
            self.corrected = start
        elif kind == "negation" and self._twice(start, end):
            self.negated, self.strength = False, Strength.MUST
        elif kind == "negation":
            self.negated, self.used, self.denied = True, False, end
            self.once = self.chart.norms(start, end) in ("non", "anti")
            self.too = self.chart.tokens[end - 1].norm == "too"
            self.degree = self.chart.tokens[end - 1].norm in _DEGREES
        elif kind == "must":
            self.strength, self.vital = Strength.MUST, self.chart.tokens[end - 1].norm in ("have", "has")
            self.replaces = self.replaces or self.chart.norms(start, end) == "only"
        elif kind == "soft":
            if said and self._trailing(end) and self._next_to(said[-1].end, start):
                said[-1] = replace(said[-1], strength=Strength.SOFT)
            else:
                self.strength = Strength.SOFT
        elif kind == "instead":
            self._instead(start, end)
        elif kind == "also":
            self._also(start, end)
        elif kind in ("allowed after", "needless after"):
            self._in_hindsight(end, needless=kind == "needless after")
        else:
            self.ignore, self.allow = True, kind == "allowed"

    def _instead(self, start: int, end: int) -> None:
        """'actually', 'make it': what follows, or what was just said, replaces what was asked for before."""
        self.replaces = True
        if self.chart.norms(start, end) in _CORRECTIONS:
            self.corrected = start
        self.negated = self.negated and not self.used
        if self.found.said and self._trailing(end) and not self.chart.norms(start, end).endswith("about"):
            self.found.said = [replace(entry, instead=True) for entry in self.found.said]

    def _in_hindsight(self, end: int, *, needless: bool) -> None:
        """'Italian is fine too', 'Italian doesn't matter': about what the clause has said."""
        if not self._trailing(end):
            return
        said = self.found.said[self.clause :]
        del self.found.said[self.clause :]
        for span in list(self.chart.spans("compare")):
            if self.clause_start <= span.start < end:
                self._yield(span)
        if needless:
            self.found.needless += [(entry.wanted, False) for entry in said]
            self.found.words = [w for w in self.found.words if w.start < self.clause_start]
        else:
            self.found.said += [replace(entry, allowed=not entry.negated) for entry in said]

    def _also(self, start: int, end: int) -> None:
        """'comedies too' is about what was said, 'also comedies' about what follows, 'too long' is a degree."""
        said = self.found.said
        ahead = end < len(self.chart) and self.chart.owner[end] is not None
        if ahead and self.chart.tokens[start].norm == "too":
            self.also, self.too = False, True
        elif not ahead and len(said) > self.clause and self._trailing(end):
            said[self.clause :] = [replace(entry, also=True) for entry in said[self.clause :]]
        else:
            self.also = True

    def word(self, position: int) -> None:
        """A word that nobody has read: it may end a negation, or belong in the description."""
        token = self.chart.tokens[position]
        word = token.norm
        if word == "about":
            self.about = True
        if word in ("including", "includes", "include") and self.found.said and self.found.said[-1].negated:
            # 'no wool, that includes merino'
            self.negated, self.used = True, False
            return
        if word in ("or", "and") and (position == 0 or self.chart.breaks(position)):
            self.alternative, self.also = word == "or", word == "and"
        if word == "but" and self._all_before(position):
            self.negated, self.used = True, False
        elif self.negated and ((self.used and word in self.grammar.negation.stops) or word in _TURNS):
            self.negated = False
        self.ignore = self.ignore and word not in _TURNS
        self.too = word == "too"
        plain = word in self.grammar.plain_words
        if plain and (self.about or position in self.story) and word not in self.grammar.function_words:
            plain = word not in self.grammar.filler_words - self.grammar.noun_words
        if self.ignore:
            self.found.ignored.add(word)
        if plain or self.ignore or token.stem in self.labels or len(word) < 2:
            return
        mild = self.degree and self.negated
        self.found.words.append(Words(position, position + 1, self.negated, mild, self.vital))
        self.used = True

    def _looks_of(self, span: Span, wishes: list[Wanted]) -> bool:
        """'no black jackets': jackets, in another colour."""
        following = self.chart.owner[span.end] if span.end < len(self.chart) else None
        if following is None or following.kind != "want" or self.chart.gap(span.end).strip():
            return False
        ahead = following.payload if isinstance(following.payload, list) else []
        another = any(wanted.field in self.looks for wanted in ahead)
        return not another and all(wanted.field in self.looks for wanted in wishes)

    def _before_kind(self, span: Span) -> bool:
        """'not too long horror films', 'no assembly required tables': what is denied is not what it belongs to."""
        following = self.chart.owner[span.end] if span.end < len(self.chart) else None
        degree = isinstance(span.payload, list) and span.payload[0].how in _OF_DEGREE
        return degree and following is not None and not self.chart.breaks(span.end, ".,;!?\n")

    def _of_degree(self, span: Span, wanted: Wanted) -> bool:
        """'not too scary horror': horror, a mild one."""
        return self.negated and self.degree and wanted.how == "concept" and self._before_kind(span)

    def _all_before(self, position: int) -> bool:
        """'any brand but': what follows is left out of all there is."""
        for before in range(position - 1, max(-1, position - 4), -1):
            token = self.chart.tokens[before]
            if self.chart.breaks(before + 1, ".,;!?\n"):
                return False
            if token.norm in ("any", "every", "all", "anyone", "everyone", "anybody", "everybody"):
                return True
            if token.norm not in self.grammar.plain_words and token.stem not in self.labels:
                return False
        return False

    def _trailing(self, position: int) -> bool:
        """Whether nothing more is said in this clause."""
        while position < len(self.chart) and not self.chart.breaks(position, ".,;!?\n"):
            if again := self.chart.phrase_at(position, self._mild):
                position += again
                continue
            if self.chart.owner[position] is not None:
                return False
            if self.chart.tokens[position].norm not in self.grammar.plain_words:
                return False
            position += 1
        return True

    @property
    def _mild(self) -> Phrases:
        """'… would be lovely but isn't essential': the same said twice."""
        return phrases(self.grammar.strength.soft)

    def _next_to(self, start: int, end: int) -> bool:
        """Whether nothing else was read between two places, and no sentence ends there."""
        for position in range(start, end):
            if self.chart.breaks(position) or self.chart.tokens[position].norm == "but":
                return False
            if self.chart.owner[position] is not None:
                return False
        return not self.chart.breaks(end)

    def _clause_ends(self, position: int) -> bool:
        """Whether a comma or an 'and' ends the reach of a negation here."""
        if "," in self.chart.gap(position):
            return not self._list_goes_on(position)
        if self.chart.tokens[position].norm != "and" or self.chart.owner[position] is not None:
            return False
        if position + 1 >= len(self.chart):
            return False
        following = self.chart.owner[position + 1]
        if following is None:
            return self.chart.tokens[position + 1].norm in self.grammar.plain_words
        if following.kind != "want" or not self.found.said or not isinstance(following.payload, list):
            return True
        wanted = following.payload[0]
        return wanted.how in ("number", "time", "adjective") or self.found.said[-1].wanted.field != wanted.field

    def _list_goes_on(self, position: int) -> bool:
        """'no horror, thriller or romance': the comma continues where an 'or' or 'nor' closes the list."""
        for seen in range(6):
            if position >= len(self.chart) or self.chart.breaks(position):
                return False
            word = self.chart.tokens[position].norm
            own = self.chart.owner[position]
            if word in ("or", "nor") and seen:
                return True
            if own is None and word in self.grammar.plain_words and word not in ("a", "an", "the", "any"):
                return word in ("no", "nor")
            position = own.end if own is not None else position + 1
        return False
