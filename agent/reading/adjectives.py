"""Adjectives that mean a part of a number's range: 'short', 'cheap', 'well rated', 'spicy', 'low calorie'."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from convrec.agent.reading.comparatives import adjectives_of
from convrec.agent.reading.english import is_word
from convrec.agent.reading.grammar import Adjective, Grammar
from convrec.agent.reading.joins import Said
from convrec.agent.reading.numbers import attribute_dimension
from convrec.agent.reading.people import PeopleIndex
from convrec.agent.reading.ranges import Quantiles
from convrec.agent.reading.text import Chart, key_of
from convrec.agent.reading.values import ValueIndex, catalogue_nouns
from convrec.agent.reading.wanted import Wanted, wanted_range
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.filter_compile import mask
from convrec.retrieval.filters import And, In, Range
from convrec.retrieval.request import Request, Strength
from convrec.retrieval.schema import Attribute, AttributeKind, Role

_KEPT = ("strength", "novelty", "describe", "soft", "degree", "extreme", "note")
"""what a wish keeps when its bounds are taken among fewer items"""
_ANYBODY = frozenset(["someone", "somebody", "nobody", "everybody", "everyone"])
_DEGREES = frozenset(["too", "so", "very", "quite", "really", "a", "bit", "rather", "pretty", "way", "getting"])
_SCORES = ("rating", "score", "points", "stars", "grade", "review")
"""names of a column of quality"""


class AdjectiveReader:
    """Puts 'want' spans for adjectives; knows which numeric attribute plays a role here."""

    def __init__(
        self,
        catalogue: Catalogue,
        grammar: Grammar,
        values: ValueIndex,
        people: PeopleIndex,
        main_topic: Attribute | None,
    ) -> None:
        """`main_topic`: the attribute that names the kinds of items, where there is one."""
        self.catalogue = catalogue
        self.grammar = grammar
        self.values = values
        self.people = people
        self._nouns = grammar.noun_words | catalogue_nouns(catalogue, grammar)
        self._closing = grammar.plain_words - grammar.noun_words
        self.quantiles = Quantiles(catalogue)
        self.amounts = self._amount_words()
        self._kind = None
        if main_topic is not None and main_topic.kind is AttributeKind.CATEGORY:
            self._kind = main_topic.name
        self._degrees = {w: a for noun, a in self.amounts.items() for w in adjectives_of(noun) if not values.find(w)}

    def find(self, chart: Chart) -> None:
        """'short', 'cheap', 'recent', 'well rated', 'hidden gem'."""
        for start in range(len(chart)):
            if self._of_somebody(chart, start):
                continue
            self._amount(chart, start)
            length = chart.phrase_at(start, self.grammar.adjective_phrases)
            for size in range(length, 0, -1):
                entries = self.grammar.adjectives.get(chart.norms(start, start + size), ())
                if any(e.novelty is not None for e in entries) and self._of_content(chart, start):
                    break
                if any(e.role == Role.YEAR for e in entries) and self._of_thing(chart, start + size, start):
                    chart.put(start, start + size + 1, "words")
                    break
                wanted = [w for w in (self.adjective(e) for e in entries) if w is not None][:1]
                if wanted:
                    extreme = _superlative(chart.norms(start, start + size))
                    chart.put(start, start + size, "want", [replace(w, extreme=extreme) for w in wanted])
                    break
            self._degree(chart, start)

    @staticmethod
    def _of_content(chart: Chart, position: int) -> bool:
        """'something with a hidden treasure': what is in it, not how well known it is."""
        before = [token.norm for token in chart.tokens[max(0, position - 2) : position]]
        return "about" in before or (before[-1:] == ["a"] and before[:1] == ["with"])

    def _of_somebody(self, chart: Chart, position: int) -> bool:
        """'an old man', 'my old bag': said of somebody in a story, or of what the person has."""
        if position and chart.norms(position - 1, position) in ("my", "our"):
            return True
        if self._of_speaker(chart, position):
            return True
        person = chart.norms(position + 1, position + 2) in self.grammar.persons - _ANYBODY
        return person and not chart.breaks(position + 1, ".,;!?\n") and chart.free(position + 1, position + 2)

    def _of_thing(self, chart: Chart, position: int, start: int) -> bool:
        """'in an old lighthouse': old is the lighthouse, not the item."""
        article = start and chart.tokens[start - 1].norm in ("a", "an", "the", "some")
        if not article or position >= len(chart) or chart.gap(position) != " " or chart.owner[position] is not None:
            return False
        token, after = chart.tokens[position], position + 1
        known = (
            token.norm in self.grammar.plain_words | self.grammar.adjectives.keys()
            or token.stem in self._nouns
            or self.values.find(token.stem)
            or self.people.surname(token.norm)
        )
        if known or not is_word(token.norm):
            return False
        return after >= len(chart) or chart.breaks(after, ".,;!?\n") or chart.tokens[after].norm in self._closing

    @staticmethod
    def _of_speaker(chart: Chart, position: int) -> bool:
        """'I'm too old for that' is about whoever says it."""
        before = position
        while before and chart.tokens[before - 1].norm in _DEGREES and not chart.breaks(before, ".,;!?\n"):
            before -= 1
        said = chart.norms(max(0, before - 1), before) == "im" or chart.norms(max(0, before - 2), before) == "i am"
        if said:
            chart.put(before - 1, position + 1, "skip")
        return said

    def adjective(self, entry: Adjective) -> Wanted | None:
        """What an adjective means here; None where the catalogue has no such attribute and no wish follows."""
        attribute = self.of_role_or_dimension(entry.role, entry.dimension)
        if attribute is None:
            if entry.novelty is None:
                return None
            nothing = And(parts=())
            return Wanted(
                "", nothing, nothing, "", "wish", Strength.SOFT, describe=entry.describe, novelty=entry.novelty
            )
        bounds = self.quantiles.side(attribute, entry.side)
        against = self.quantiles.side(attribute, entry.side, negated=True)
        if bounds is None:
            return None
        wanted = replace(wanted_range(attribute, bounds, "adjective", negative=against), degree=entry.side)
        companion = self.of_role_or_dimension(entry.and_role, None) if entry.and_role else None
        if companion is not None:
            also = self.quantiles.side(companion, entry.and_side, share=0.3)
            if also is not None:
                second = wanted_range(companion, also, "adjective")
                both = And(parts=(wanted.filter, second.filter))
                label = f"{wanted.label}, {second.label}"
                wanted = replace(wanted, filter=both, label=label, bounds=None, degree="")
        strength = Strength.SOFT if entry.strength == "soft" else Strength.HARD
        return replace(wanted, strength=strength, novelty=entry.novelty, describe=entry.describe)

    def within(self, said: list[Said], request: Request) -> list[Said]:
        """'a light tent' is light for a tent: degrees are taken among the kind of thing that is asked for.

        Only where an item is of one kind; a film of several genres is short among films.
        """
        rows = self._asked_kind(said, request) if any(entry.wanted.degree for entry in said) else None
        said = said if rows is None else [self._among(entry, rows) for entry in said]
        return [self._extreme(entry, said, request) for entry in _unlimited(said)]

    def _extreme(self, entry: Said, said: list[Said], request: Request) -> Said:
        """'the cheapest steakhouse': of those that meet all else that is asked for."""
        wanted = entry.wanted
        if not (wanted.extreme and wanted.degree) or entry.negated or wanted.field not in self.catalogue.schema:
            return entry
        attribute = self.catalogue.schema.attribute(wanted.field)
        others = [other for other in said if not other.wanted.extreme and other.wanted.field]
        filters = [other.wanted.negative if other.negated else other.wanted.filter for other in others]
        told = {other.wanted.field for other in others} | {wanted.field}
        filters += [c.filter for c in request.binding if told.isdisjoint(c.fields)]
        rows = mask(And(parts=tuple(filters)), self.catalogue)
        bounds = Quantiles(self.catalogue, [attribute.name], rows).extreme(attribute, wanted.degree)
        if bounds is None:
            return entry
        own = wanted_range(attribute, bounds, "adjective")
        return replace(entry, wanted=replace(own, **{name: getattr(wanted, name) for name in _KEPT}))

    def _asked_kind(self, said: list[Said], request: Request) -> NDArray[np.bool_] | None:
        if self._kind is None:
            return None
        own = [s.wanted.filter for s in said if s.wanted.field == self._kind and not s.negated]
        own = own or [
            c.filter
            for c in request.binding
            if not c.negated and isinstance(c.filter, In) and c.filter.field == self._kind
        ]
        return mask(own[-1], self.catalogue) if own else None

    def _among(self, entry: Said, rows: NDArray[np.bool_]) -> Said:
        wanted = entry.wanted
        if not wanted.degree or wanted.field not in self.catalogue.schema:
            return entry
        attribute = self.catalogue.schema.attribute(wanted.field)
        among = self.quantiles.among(rows, attribute)
        bounds = None if among is None else among.side(attribute, wanted.degree)
        if among is None or bounds is None:
            return entry
        own = wanted_range(attribute, bounds, "adjective", negative=among.side(attribute, wanted.degree, negated=True))
        return replace(entry, wanted=replace(own, **{name: getattr(wanted, name) for name in _KEPT}))

    def of_role_or_dimension(self, role: str | None, dimension: str | None) -> Attribute | None:
        """The numeric attribute of a role, or whose unit measures one of some dimensions."""
        numeric = [a for a in self.catalogue.schema.attributes if a.numeric]
        if role is not None:
            same = [a for a in numeric if a.role == role]
            if role == Role.QUALITY.value:
                same = sorted(same, key=self._counts_stars) or [a for a in numeric if not a.role and self._scores(a)]
            return next(iter(same), None)
        for wanted in (dimension or "").split():
            for attribute in numeric:
                own = attribute_dimension(attribute, self.grammar) if attribute.role is not Role.YEAR else None
                if own is not None and own[0] == wanted:
                    return attribute
        return None

    def _amount_words(self) -> dict[str, Attribute]:
        """Words of the labels of numeric attributes that only one of them has ('calorie')."""
        numeric = [a for a in self.catalogue.schema.attributes if a.numeric and a.role is not Role.YEAR]
        counts = Counter(word for a in numeric for word in set(key_of(a.label).split()))
        return {w: a for a in numeric for w in key_of(a.label).split() if counts[w] == 1 and len(w) > 2}

    def _amount(self, chart: Chart, start: int) -> None:
        """'low calorie', 'high in alcohol'."""
        side = chart.tokens[start].norm
        if side not in ("low", "high") or chart.owner[start] is not None:
            return
        end = start + (2 if chart.norms(start + 1, start + 2) == "in" else 1)
        attribute = self.amounts.get(chart.stems(end, end + 1)) if end < len(chart) else None
        if attribute is None or not chart.free(start, end + 1):
            return
        bounds = self.quantiles.side(attribute, side)
        if bounds is not None:
            against = self.quantiles.side(attribute, side, negated=True)
            chart.put(start, end + 1, "want", [wanted_range(attribute, bounds, "adjective", negative=against)])

    def _degree(self, chart: Chart, start: int) -> None:
        """'spicy' where there is a spice level."""
        attribute = self._degrees.get(chart.tokens[start].norm)
        bounds = self.quantiles.much(attribute) if attribute is not None else None
        if attribute is not None and bounds is not None and chart.owner[start] is None:
            chart.put(start, start + 1, "want", [wanted_range(attribute, bounds, "adjective")])

    @staticmethod
    def _counts_stars(attribute: Attribute) -> bool:
        """Stars may be a class of comfort: where there is another rating, that one says how good something is."""
        return "star" in key_of(attribute.label)

    def _scores(self, attribute: Attribute) -> bool:
        """Whether an attribute without a role is called a score."""
        words = set(key_of(f"{attribute.label} {attribute.name.replace('_', ' ')}").split())
        return attribute.unit is None and not words.isdisjoint(key_of(w) for w in _SCORES)


def _unlimited(said: list[Said]) -> list[Said]:
    """'a light one, max 160 g', 'a hidden gem with fewer than 200 votes': the number says what the word means."""
    numbered = {entry.wanted.field for entry in said if entry.wanted.how == "number" and not entry.negated}

    def limited(entry: Said) -> bool:
        own = entry.wanted
        parts = own.filter.parts if isinstance(own.filter, And) else (own.filter,)
        vague = own.how == "adjective" and not own.extreme and not entry.negated
        return vague and any(isinstance(part, Range) and part.field in numbered for part in parts)

    return [entry for entry in said if not limited(entry)]


def _superlative(words: str) -> bool:
    return words.endswith("est") or words.split(maxsplit=1)[0] in ("most", "least")
