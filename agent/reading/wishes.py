"""How many, how varied, how well known: wishes about the list as a whole."""

from __future__ import annotations

from convrec.agent.reading.build import Draft
from convrec.agent.reading.grammar import Grammar, phrases
from convrec.agent.reading.numbers import number_at
from convrec.agent.reading.text import Chart, singular
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.schema import Role

_MOST = 100


class WishReader:
    """Reads counts and list-wide wishes into the draft."""

    def __init__(self, catalogue: Catalogue, grammar: Grammar, measured: frozenset[str]) -> None:
        """`measured`: words for what the catalogue counts or measures ('player'): no number of items precedes them."""
        self.grammar = grammar
        self._measured = measured
        nouns = {singular(w) for w in grammar.noun_words} | {singular(catalogue.schema.noun.casefold())}
        self._nouns = frozenset(nouns)
        self._before = phrases(grammar.wishes.count_before)
        self._most = phrases(grammar.wishes.count_most)
        self._compared = frozenset(grammar.comparators_before) - self._before
        self._after = frozenset(singular(w) for w in phrases(grammar.wishes.count_after))
        self._language = next(iter(catalogue.schema.with_role(Role.LANGUAGE)), None)

    def read(self, chart: Chart, draft: Draft) -> None:
        own = self.grammar.wishes
        for cues, wish in (
            (own.single, {"count": 1}),
            (own.diverse, {"diversity": 0.8}),
            (own.similar, {"diversity": 0.0}),
            (own.history, {"include_history": True}),
            (own.familiar, {"novelty": -0.5}),
            (own.novel, {"novelty": 0.6}),
        ):
            for position in range(len(chart)):
                length = chart.phrase_at(position, phrases(cues))
                # 'only one owner' counts owners, not items.
                if length and not (
                    "count" in wish and chart.stems(position + length, position + length + 1) in self._measured
                ):
                    chart.put(position, position + length, "skip")
                    draft.wishes.update(wish)
        for position in range(len(chart)):
            if chart.owner[position] is None and self._count(chart, position, draft):
                break

    def number(self, words: str) -> int | None:
        """How many 'five more' asks for."""
        for word in words.split():
            number = int(word) if word.isdigit() else self.grammar.numbers.get(word, 0)
            if 1 < number <= _MOST:
                return number
        return None

    def _count(self, chart: Chart, position: int, draft: Draft) -> bool:
        token = chart.tokens[position]
        if not token.norm.isdigit() and token.norm not in self.grammar.numbers:
            return False
        number = number_at(chart, position, self.grammar)
        if number is None or not number[0].is_integer() or not 1 <= number[0] <= 1000:
            return False
        end = number[1]
        cued = any(chart.norms(position - n, position) in self._before for n in (1, 2, 3) if n <= position)
        limit = next((n for n in (3, 2, 1) if n <= position and chart.norms(position - n, position) in self._most), 0)
        if limit and number[0] <= _MOST and self._noun_ahead(chart, end):
            draft.wishes["count"] = int(number[0])
            chart.put(position - limit, end, "skip")
            return True
        if any(chart.norms(position - n, position) in self._compared for n in (1, 2, 3) if n <= position):
            return False
        final = end >= len(chart) or chart.breaks(end, ".,;!?:\n")
        noun = not final and (chart.tokens[end].stem in self._nouns or chart.tokens[end].stem in self._after)
        unit = not final and (
            (chart.tokens[end].stem in self._measured and not noun)
            or chart.tokens[end].norm in self.grammar.unit_index
            or chart.tokens[end].stem in self.grammar.unit_index
        )
        if token.norm == "one" and not (cued and (noun or final)):
            return False
        if unit or not (noun or (cued and (final or self._content(chart, end)))):
            return False
        if not cued and position > 0 and not chart.breaks(position, ".,;!?:\n"):
            before = chart.tokens[position - 1].norm
            if before not in self.grammar.plain_words:
                return False
        if number[0] >= 1800:
            return False
        start = position
        for n in (3, 2, 1):
            if (
                n <= position
                and chart.norms(position - n, position) in self._before
                and chart.free(position - n, position)
            ):
                start = position - n
                break
        draft.wishes["count"] = int(min(number[0], _MOST))
        if number[0] > _MOST:
            draft.note(f"I show at most {_MOST} at a time.")
        chart.put(start, end, "skip")
        return True

    def _noun_ahead(self, chart: Chart, end: int) -> bool:
        """'at most 3 Italian films' counts films."""
        for position in range(end, min(end + 3, len(chart))):
            token = chart.tokens[position]
            if chart.breaks(position, ".,;!?:\n") or token.norm in self.grammar.function_words:
                return False
            if position == end and not {token.norm, token.stem}.isdisjoint(self.grammar.unit_index):
                return False
            if chart.tokens[position].stem in self._nouns:
                return True
        return False

    def _content(self, chart: Chart, end: int) -> bool:
        """'give me 5 comedies': the number counts what follows, not minutes."""
        token = chart.tokens[end]
        return token.norm.isalpha() and token.norm not in ("to", "or", "and", "out", "percent", "star", "stars")
