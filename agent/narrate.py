"""Explanations: why each item, and how the request was understood. The template narrator needs no model.

It speaks of attributes by label, kind, unit and role alone. Every sentence passes `grounding.unsupported` before it
leaves; one that does not gives way to a plainer one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from convrec.agent.claim_index import ClaimIndex
from convrec.agent.facet import Facet
from convrec.agent.facets_asked import asked_facets
from convrec.agent.facets_facts import fact_facets, plain_facets
from convrec.agent.facets_shared import example_facets
from convrec.agent.facets_tradeoff import tradeoff_facets
from convrec.agent.grounding import Facts, unsupported
from convrec.agent.labels import join_words, label_constraint
from convrec.agent.narration_context import NarrationContext
from convrec.agent.phrases import choose, count_word, counted, request_phrase, sentence_case, spoken
from convrec.agent.types import Reason
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


class TemplateNarrator:
    """Sentences from templates, varied by item and turn, the same for the same turn."""

    def __init__(self, catalogue: Catalogue, index: ClaimIndex) -> None:
        self._catalogue = catalogue
        self._index = index

    def reasons(
        self, context: NarrationContext, row: int, breakdown: Mapping[str, float], position: int
    ) -> tuple[Reason, ...]:
        """Up to two sentences and a trade-off, each verified."""
        facts = facts_for(context, row, breakdown, self._index)
        seed = (context.seed, context.turn, facts.item.id)
        kept: list[Reason] = []
        used: set[str] = set()

        def add(facets: Iterator[Facet], most: int) -> None:
            for facet in facets:
                if len(kept) >= most:
                    return
                if facet.fields and facet.fields <= used:
                    continue
                reason = self._worded(facet, facts, position, seed)
                if reason is not None:
                    kept.append(reason)
                    used.update(facet.fields)

        add(asked_facets(context, facts), 1)
        add(example_facets(context, facts, row), 2)
        add(fact_facets(context, facts, frozenset(used)), 2 if kept else 1)
        if not kept:
            add(plain_facets(facts), 1)
        add(tradeoff_facets(context, facts), len(kept) + 1)
        return tuple(kept)

    @staticmethod
    def _worded(facet: Facet, facts: Facts, position: int, seed: tuple[object, ...]) -> Reason | None:
        """The facet in the wording of its place, else in any wording that the verifier passes."""
        first = choose(facet.wordings, position, *seed, facet.name)
        for text in dict.fromkeys((first, *facet.wordings)):
            reason = Reason(text=sentence_case(text), evidence=facet.evidence)
            if not unsupported(reason, facts):
                return reason
        return None

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
                yield f"Nothing fits: the catalogue has no {request_phrase(request, schema, 1)}."
            return
        order = "closest to your taste first" if context.history else "best matches first"
        if request.empty:
            start = f"{counted(context.shown, schema)} for you"
            yield sentence_case(f"{start}, {order}.") if context.shown > 1 else sentence_case(f"{start}.")
            return
        if not applied and context.eligible < request.wishes.count:
            phrase = request_phrase(request, schema, context.shown, article=True)
            yield f"Only {count_word(context.eligible)} {'fits' if context.eligible == 1 else 'fit'}: {phrase}."
            return
        phrase = request_phrase(request, schema, context.shown)
        many = context.eligible > context.shown and not applied and bool(request.binding)
        total = f" {context.eligible:,} fit." if many else ""
        yield sentence_case(f"{phrase}, {order}.{total}" if context.shown > 1 else f"{phrase}.{total}")

    @staticmethod
    def _loosened(context: NarrationContext) -> Iterator[str]:
        for relaxation in context.relaxations:
            before, after = spoken(relaxation.constraint), spoken(relaxation.to)
            preferred = after.replace("ideally ", "") == before
            gained = count_word(relaxation.gained)
            if relaxation.applied:
                lead = "Nothing fits all of that, so " if relaxation.fits_before == 0 else ""
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
