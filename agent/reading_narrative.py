"""Clauses that tell a story: their words describe, they neither deny nor bind."""

from __future__ import annotations

from dataclasses import replace

from convrec.agent.reading_grammar import Grammar, phrases
from convrec.agent.reading_text import Chart, Span, key_of
from convrec.agent.reading_wanted import Wanted
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.request import Strength
from convrec.retrieval.schema import Role

_PLAIN_HOWS = frozenset(["number", "time", "nation"])


class NarrativeReader:
    """Finds 'who hates his job', 'about a man without a past', and softens the topics named there."""

    def __init__(self, catalogue: Catalogue, grammar: Grammar) -> None:
        self.catalogue = catalogue
        self.grammar = grammar
        own = grammar.narrative
        self._openings = phrases(own.open)
        self._about = phrases(own.about)
        self._someone = frozenset(own.someone)
        self._taste = frozenset(own.taste)
        self._owners = frozenset(own.owners)
        self._nouns = grammar.noun_words | {key_of(catalogue.schema.noun)}

    def read(self, chart: Chart) -> frozenset[int]:
        """The places of a story's words; topics among them are no longer binding."""
        places: set[int] = set()
        for position in range(len(chart)):
            if position not in places and (first := self._opens(chart, position)):
                places.update(range(first, self._end(chart, first)))
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
            return 0 if recipient or chart.norms(after, after + 1) in self._taste else after
        after = position + chart.phrase_at(position, self._about)
        if after > position and chart.norms(after, after + 1) in self._someone:
            return after
        if position and chart.tokens[position].norm in ("that", "which") and chart.owner[position] is None:
            return 0 if self._of_item(chart, position) else position + 1
        return 0

    def _of_item(self, chart: Chart, position: int) -> bool:
        """'films that never', 'horror that isn't': said of the items, not of somebody in a story."""
        before, span = chart.tokens[position - 1], chart.owner[position - 1]
        if before.norm in self.grammar.plain_words or before.stem in self._nouns or chart.breaks(position, ".,;!?\n"):
            return True
        return span is not None and not (
            span.kind == "want" and isinstance(span.payload, list) and all(w.how == "keyword" for w in span.payload)
        )

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
