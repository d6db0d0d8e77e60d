"""Sentences that tell a story: their words describe, they neither deny nor bind."""

from __future__ import annotations

from dataclasses import replace

from convrec.agent.reading.grammar import Grammar, phrases
from convrec.agent.reading.text import Chart, Span, key_of
from convrec.agent.reading.wanted import Wanted
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.request import Strength
from convrec.retrieval.schema import Role

_PLAIN_HOWS = frozenset(["number", "time", "nation"])
_OWNERS = frozenset(["his", "her", "their"])
_ARTICLES = frozenset(["a", "an", "the", "two", "three", "some"])
_HEADS = frozenset(["about", "with", "for", "like", "than", "something", "anything", "on", "featuring", "starring"])


class NarrativeReader:
    """Finds 'who hates his job', 'about a man without a past', and softens the topics named there."""

    def __init__(self, catalogue: Catalogue, grammar: Grammar, main_topic: str) -> None:
        """`main_topic`: the attribute that names the kinds of items; '' where there is none."""
        self.catalogue = catalogue
        self._main = main_topic
        self.grammar = grammar
        own = grammar.narrative
        self._openings = phrases(own.open)
        self._about = phrases(own.about)
        self._someone = frozenset(own.someone)
        self._taste = frozenset(own.taste)
        self._owners = frozenset(own.owners)
        self._told = frozenset(own.told)
        self._nouns = grammar.noun_words | {key_of(catalogue.schema.noun)}

    def read(self, chart: Chart) -> frozenset[int]:
        """The places of a story's words; topics among them are no longer binding."""
        places: set[int] = set()
        for position in range(len(chart)):
            if position in places:
                continue
            first = self._opens(chart, position)
            if first:
                places.update(range(self._begin(chart, first), self._end(chart, first)))
            elif self._of_somebody(chart, position):
                places.update(range(position, self._end(chart, position + 1)))
        for span in list(chart.spans("want")):
            owned = span.start > 0 and chart.tokens[span.start - 1].norm in self._owners
            if (owned or places.issuperset(range(span.start, span.end))) and self._topic(span):
                assert isinstance(span.payload, list)  # noqa: S101
                soft = [replace(w, strength=Strength.SOFT, describe=True, how="keyword") for w in span.payload]
                chart.put(span.start, span.end, "want", soft)
        return frozenset(places)

    def _opens(self, chart: Chart, position: int) -> int:
        """Where the story begins that opens here; 0 where none does."""
        after = position + chart.phrase_at(position, self._openings)
        if after > position:
            recipient = any(token.norm == "for" for token in chart.tokens[max(0, position - 3) : position])
            tastes = chart.norms(after, after + 1) in self._taste and not self._first_is_somebody(chart, position)
            return 0 if recipient or tastes else after
        after = position + chart.phrase_at(position, self._about)
        if after > position and chart.norms(after, after + 1) in self._someone:
            return after
        owned = position and chart.tokens[position].norm == "and" and chart.norms(position + 1, position + 2) in _OWNERS
        if owned and not chart.breaks(position, ".,;!?\n"):
            return position + 1
        if position and chart.tokens[position].norm in ("that", "which") and chart.owner[position] is None:
            beside = position + 1 >= len(chart) or self._denies(chart, position + 1)
            return 0 if beside or self._of_item(chart, position) else position + 1
        return 0

    @staticmethod
    def _denies(chart: Chart, position: int) -> bool:
        """'walks that aren't hard': a value that is not wanted."""
        span = chart.owner[position + 1] if position + 1 < len(chart) else None
        return chart.tokens[position].norm in ("arent", "isnt", "aint") and span is not None and span.kind == "want"

    def _of_item(self, chart: Chart, position: int) -> bool:
        """'films that never', 'horror that isn't': said of the items, not of somebody in a story."""
        before, span = chart.tokens[position - 1], chart.owner[position - 1]
        if before.norm in self.grammar.plain_words or before.stem in self._nouns or chart.breaks(position, ".,;!?\n"):
            return True
        return span is not None and not (
            span.kind == "want" and isinstance(span.payload, list) and all(w.how == "keyword" for w in span.payload)
        )

    def _begin(self, chart: Chart, first: int) -> int:
        """Where the sentence of a story begins: with those of whom it tells, after what it belongs to."""
        begin = first
        for position in range(first - 1, -1, -1):
            token, span = chart.tokens[position], chart.owner[position]
            if chart.breaks(position + 1, ".,;!?\n") or token.norm in _HEADS or self._is_item(chart, position):
                break
            if span is not None and not (span.kind == "words" or self._told_of(span)):
                break
            plain = token.norm in self.grammar.plain_words - self.grammar.function_words - self.grammar.persons
            if span is None and plain and token.norm not in self.grammar.story_words:
                break
            if token.norm not in self.grammar.function_words - self.grammar.persons:
                begin = position
        return begin

    def _of_somebody(self, chart: Chart, position: int) -> bool:
        """'a boy learns …', 'people looking back': a sentence that begins with somebody."""
        if position and not chart.breaks(position, ".,;!?\n") and chart.tokens[position - 1].norm != "about":
            return False
        place = position
        while place < len(chart) and chart.tokens[place].norm in _ARTICLES:
            place += 1
        person = place < len(chart) and chart.tokens[place].norm in self.grammar.persons
        if not person or not self._word_of_clause(chart, place + 1):
            return False
        following, span = chart.tokens[place + 1].norm, chart.owner[place + 1]
        free = span is None or span.kind == "words"
        return free and following not in self._told and not self._is_item(chart, place + 1)

    def _first_is_somebody(self, chart: Chart, end: int) -> bool:
        """Whether the sentence up to here is 'people', 'a man'."""
        before = [token.norm for token in chart.tokens[max(0, end - 2) : end]]
        alone = before[:-1] == [] or before[0] in _ARTICLES
        return bool(before) and alone and before[-1] in self.grammar.persons and end <= 2

    @staticmethod
    def _word_of_clause(chart: Chart, position: int) -> bool:
        return position < len(chart) and not chart.breaks(position, ".,;!?\n")

    def _is_item(self, chart: Chart, position: int) -> bool:
        """Whether a word is what an entry is called, or a kind of them by its name."""
        token, span = chart.tokens[position], chart.owner[position]
        if (token.norm in self._nouns or token.stem in self._nouns) and token.norm not in self.grammar.persons:
            return True
        read = span.payload if span is not None and span.kind == "want" else None
        return isinstance(read, list) and any(w.how == "name" and w.field == self._main for w in read)

    def _told_of(self, span: Span) -> bool:
        """Whether a span is a topic or a cue that a story may be made of."""
        return span.kind == "cue" or (span.kind == "want" and self._topic(span))

    @staticmethod
    def _end(chart: Chart, first: int) -> int:
        for position in range(first, len(chart)):
            span = chart.owner[position]
            read = span.payload[0].how if span and span.kind == "want" and isinstance(span.payload, list) else ""
            other = read in _PLAIN_HOWS or (span is not None and span.kind in ("title", "act", "drop"))
            if other or chart.breaks(position, ".,;!?\n") or chart.tokens[position].norm == "but":
                return position
        return len(chart)

    def _topic(self, span: Span) -> bool:
        payload = span.payload
        return isinstance(payload, list) and all(
            isinstance(w, Wanted) and w.field and self.catalogue.schema.attribute(w.field).role is Role.TOPIC
            for w in payload
        )
