"""Explanations: why each item, and how the request was understood. The template narrator needs no model.

It speaks of attributes by label, kind, unit and role alone. Every sentence passes `grounding.unsupported` before it
leaves; one that does not gives way to a plainer one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from convrec.agent.claims.index import ClaimIndex
from convrec.agent.facets.asked import asked_facets, meaning_facets, measured
from convrec.agent.facets.facet import Facet
from convrec.agent.facets.facts import fact_facets, plain_facets
from convrec.agent.facets.shared import APART, history_facets, reference_facets
from convrec.agent.facets.text import excerpt_facets
from convrec.agent.facets.tradeoff import tradeoff_facets
from convrec.agent.grounding import Facts, unsupported
from convrec.agent.labels import join_words, label_constraint
from convrec.agent.narration_context import NarrationContext, Said
from convrec.agent.phrases import choose, count_word, counted, request_phrase, sentence_case, spoken
from convrec.agent.types import FieldEvidence, Reason
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.request import Constraint

__all__ = ["NarrationContext", "Narrator", "TemplateNarrator", "facts_for"]


class Narrator(Protocol):
    """Whoever writes the sentences: the templates here, or a language model."""

    def reasons(
        self, context: NarrationContext, row: int, breakdown: Mapping[str, float], position: int
    ) -> tuple[Reason, ...]:
        """Why an item is in the list, at `position` counted from 0; every claim is backed."""
        ...

    def opening(self, context: NarrationContext) -> str:
        """How the request was understood, how many items fit, what was loosened and what was not read."""
        ...


def facts_for(context: NarrationContext, row: int, breakdown: Mapping[str, float], index: ClaimIndex) -> Facts:
    """What a reason about one item of the list may rest on."""
    catalogue = context.catalogue
    return Facts(
        item=catalogue.item(row),
        schema=catalogue.schema,
        index=index,
        history=context.history,
        references=context.references,
        breakdown=breakdown,
        words=context.words,
        constraints=context.request.constraints,
        disliked=context.disliked,
    )


class _Telling:
    """The reasons of one item as they come together."""

    def __init__(self, facts: Facts, position: int, seed: tuple[object, ...]) -> None:
        self.facts = facts
        self.position = position
        self.seed = seed
        self.kept: list[Reason] = []
        self.used: set[str] = set()
        self.names: set[str] = set()
        self.history: set[str] = set()
        self.measure: Facet | None = None

    def add(self, facets: Iterator[Facet], most: int) -> None:
        """Say facets until there are `most` reasons; each kind, and each field, once."""
        while len(self.kept) < most:
            facet = next(facets, None)
            if facet is None:
                return
            if (facet.fields and facet.fields <= self.used) or facet.name in self.names:
                continue
            self._say(facet)

    def add_measure(self) -> None:
        """Say the measure by itself where no sentence took it and there is room."""
        if self.measure is not None and len(self.kept) < 2:
            measure, self.measure = self.measure, None
            self._keep(measure, measure.wordings)

    def _say(self, facet: Facet) -> None:
        measure = self.measure
        if measure is not None and facet.joined and not measure.fields & facet.fields:
            lead = measure.wordings[0].removesuffix(".")
            joined = replace(facet, evidence=(*measure.evidence, *facet.evidence), fields=facet.fields | measure.fields)
            if self._keep(joined, [f"{lead}{rest}" for rest in facet.joined]):
                self.measure = None
                return
        self._keep(facet, facet.wordings)

    def _keep(self, facet: Facet, wordings: Sequence[str]) -> bool:
        """The facet in the wording of its place, else in any wording that the verifier passes."""
        first = choose(wordings, self.position, *self.seed, facet.name)
        for text in dict.fromkeys((first, *wordings)):
            reason = Reason(text=sentence_case(text), evidence=facet.evidence)
            if not unsupported(reason, self.facts):
                self.kept.append(reason)
                self.used.update(facet.fields)
                self.names.add(facet.name)
                self.history.update(facet.history)
                return True
        return False


class TemplateNarrator:
    """Sentences from templates, varied by item and turn, the same for the same turn."""

    def __init__(self, catalogue: Catalogue, index: ClaimIndex) -> None:
        self._catalogue = catalogue
        self._index = index

    def entries(self, context: NarrationContext) -> tuple[tuple[Reason, ...], ...]:
        """The reasons of every item of `context.picks`, each in knowledge of those before it."""
        said = Said()
        return tuple(
            self.reasons(context, row, breakdown, position, said)
            for position, (row, breakdown) in enumerate(context.picks)
        )

    def reasons(
        self,
        context: NarrationContext,
        row: int,
        breakdown: Mapping[str, float],
        position: int,
        said: Said | None = None,
    ) -> tuple[Reason, ...]:
        """Up to two sentences and a trade-off, each verified. `said` is what the entries before it have said."""
        facts = facts_for(context, row, breakdown, self._index)
        said = said if said is not None else Said()
        telling = _Telling(facts, position, (context.seed, context.turn, facts.item.id))
        telling.measure = measured(context, facts)
        telling.add(asked_facets(context, facts, position), 1)
        if "critique" not in telling.names or position % APART == 0:
            telling.add(reference_facets(context, facts), len(telling.kept) + 1)
        liked = history_facets(context, facts, row, said.history, position)
        words = excerpt_facets(context, facts, said.quoted)
        first, second = (words, liked) if position % 3 else (liked, words)
        telling.add(first, min(len(telling.kept) + 1, 2))
        telling.add(second, 2)
        telling.add(fact_facets(context, facts, frozenset(telling.used)), 2)
        telling.add(meaning_facets(context, facts), 1)
        telling.add_measure()
        telling.add(plain_facets(facts), 1)
        if said.trade_off is None or position - said.trade_off >= APART:
            before = len(telling.kept)
            telling.add(tradeoff_facets(context, facts), before + 2)
            if len(telling.kept) > before:
                said.trade_off = position
        said.quoted.update(str(e.value) for r in telling.kept for e in r.evidence if isinstance(e, FieldEvidence))
        said.history.update((item_id, position) for item_id in telling.history)
        return tuple(telling.kept)

    def opening(self, context: NarrationContext) -> str:
        """One to four short sentences."""
        parts = [*self._head(context), *self._loosened(context), *context.notes]
        return " ".join(part.strip() for part in parts if part.strip())

    def _head(self, context: NarrationContext) -> Iterator[str]:
        schema = self._catalogue.schema
        request = context.request
        for group in context.contradictions[:2]:
            yield _contradiction(group, self._catalogue)
        applied = any(r.applied for r in context.relaxations)
        if context.shown == 0:
            if not context.contradictions:
                other = "no other" if context.told else "no"
                yield f"Nothing fits: the catalogue has {other} {request_phrase(request, schema, 1)}."
            return
        order = "closest to your taste first" if context.personal else "best matches first"
        if request.empty:
            start = f"{counted(context.shown, schema)} for you"
            yield sentence_case(f"{start}, {order}.") if context.shown > 1 else sentence_case(f"{start}.")
            return
        if not applied and context.eligible < request.wishes.count:
            phrase = request_phrase(request, schema, context.shown, article=True)
            fits = "fits" if context.eligible == 1 else "fit"
            more = " more" if context.told else ""
            yield f"Only {count_word(context.eligible)}{more} {fits}: {phrase}."
            return
        phrase = request_phrase(request, schema, context.shown)
        many = context.eligible > context.shown and not applied and bool(request.binding)
        total = f" {context.eligible:,} fit." if many else ""
        yield sentence_case(f"{phrase}, {order}.{total}" if context.shown > 1 else f"{phrase}.{total}")

    @staticmethod
    def _loosened(context: NarrationContext) -> Iterator[str]:
        none = "You have seen all that fit, so " if context.told else "Nothing fits all of that, so "
        for relaxation in context.relaxations:
            before, after = spoken(relaxation.constraint), spoken(relaxation.to)
            preferred = after.replace("ideally ", "") == before
            gained = count_word(relaxation.gained)
            if relaxation.applied:
                lead = none if relaxation.fits_before == 0 else ""
                change = f"I took {before} as a wish" if preferred else f"I loosened {before} to {after}"
                yield sentence_case(f"{lead}{change}, which lets {gained} in.")
            else:
                change = f"Taking {before} as a wish" if preferred else f"Loosening {before} to {after}"
                yield f'{change} would add {gained}: say "yes" to take it.'
                return


def _contradiction(group: tuple[Constraint, ...], catalogue: Catalogue) -> str:
    labels = [spoken(label_constraint(c, catalogue.schema)) for c in group]
    if len(labels) == 1:
        return f"Nothing in the catalogue is {labels[0]}."
    lead = "both " if len(labels) == 2 else ""
    return f"Nothing in the catalogue is {lead}{join_words(labels)}."
