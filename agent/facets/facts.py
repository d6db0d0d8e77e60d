"""What an item is, where that was not spoken of yet: its standing, its kind, one plain field."""

from __future__ import annotations

from collections.abc import Iterator

from convrec.agent.claims.index import stems
from convrec.agent.facets.facet import Facet, field_evidence
from convrec.agent.facets.shared import carriers, is_telling
from convrec.agent.grounding import Facts
from convrec.agent.labels import label_number, label_value
from convrec.agent.narration_context import NarrationContext
from convrec.agent.phrases import fragment, plural_label, sentence_case, standing_alone
from convrec.agent.types import Evidence
from convrec.agent.wording import counted_value, counts_raters, says_about
from convrec.retrieval.schema import AttributeKind, Role

_Part = tuple[str, str, tuple[Evidence, ...]]
"""an attribute's name, its value in words, and the evidence"""
_SHOWN = (Role.TOPIC, Role.YEAR, Role.DURATION, Role.PRICE)
LONGEST_THEME = 28
"""characters of a theme that is named in a sentence"""


def fact_facets(context: NarrationContext, facts: Facts, used: frozenset[str]) -> Iterator[Facet]:
    """What is particular to the item, from fields that were not spoken of: its themes, its standing, its kind."""
    yield from about_facets(context, facts, used)
    yield from _standing_facets(facts, used)
    yield from _kind_facets(context, facts, used)
    yield from _little_known_facets(context, facts, used)


def about_facets(context: NarrationContext, facts: Facts, used: frozenset[str]) -> Iterator[Facet]:
    """'About con artists and prison': the rarer themes of the item, those that the person's words touch first."""
    said = {s for d in context.request.descriptions if d.weight > 0 for s in stems(d.text)}
    for attribute in facts.schema.with_role(Role.TOPIC):
        value = facts.item.attributes.get(attribute.name)
        if not says_about(attribute, facts.schema) or attribute.name in used or value is None:
            continue
        own = [v for v in (value if isinstance(value, tuple) else (value,)) if isinstance(v, str)]
        fitting = [v for v in own if is_telling(facts, attribute, v) and len(v) <= LONGEST_THEME]
        ranked = sorted(fitting, key=lambda v: (not said & set(stems(v)), carriers(facts, attribute, v) < 3))
        if not ranked:
            continue
        chosen = tuple(ranked[:2])
        listed = fragment(attribute, chosen, facts.schema)
        if any(attribute.name in c.fields and not c.negated for c in context.request.binding):
            yield Facet(
                "about",
                (f"It is also {listed}.", f"Also {listed}.", f"Besides, it is {listed}."),
                field_evidence(attribute.name, chosen),
                frozenset({attribute.name}),
                joined=(f", it is also {listed}.",),
            )
            continue
        yield Facet(
            "about",
            (
                f"It is {listed}.",
                f"{listed}.",
                f"This one is {listed}.",
                f"Among its {plural_label(attribute)}: {listed.removeprefix('about ')}.",
            ),
            field_evidence(attribute.name, chosen),
            frozenset({attribute.name}),
            joined=(f", it is {listed}.",),
        )


def _kind_facets(context: NarrationContext, facts: Facts, used: frozenset[str]) -> Iterator[Facet]:
    """Two or three fields in which the items of the list differ, first those that lists do not show with the title."""
    asked = {name for c in context.request.constraints for name in c.fields}
    people = _of_role(facts, Role.PERSON, used | asked, 2)
    own = [*people, *_uncommon_language(facts, used | asked), *_others(context, facts, used | asked)]
    chosen = own[:3]
    if not people and len(own) < 2:
        shown = [part for role in _SHOWN for part in _of_role(facts, role, used | asked, 1)]
        chosen = [*shown, *own][:3]
        if len(chosen) < 2:
            return
    listed = ", ".join(text for _, text, _ in chosen)
    yield Facet(
        "kind",
        (f"{listed}.", f"What it is: {listed}.", f"In short: {listed}.", f"Here you get: {listed}.")
        if not people
        else (f"{listed}.", f"It is {listed}."),
        tuple(e for _, _, proof in chosen for e in proof),
        frozenset(name for name, _, _ in chosen),
        joined=(f": {listed}.",),
    )


def _of_role(facts: Facts, role: Role, used: frozenset[str] | set[str], most: int) -> list[_Part]:
    """The item's values in the first attributes of a role that were not spoken of."""
    fresh = [a for a in facts.schema.with_role(role) if a.name not in used and a.name in facts.values]
    parts = []
    for attribute in fresh[:most]:
        value = facts.item.attributes[attribute.name]
        if attribute.kind is AttributeKind.TEXT or says_about(attribute, facts.schema):
            continue
        if isinstance(value, tuple):
            value = value[:2]
        text = standing_alone(attribute, value, facts.schema)
        parts.append((attribute.name, text, field_evidence(attribute.name, value)))
    return parts


def _uncommon_language(facts: Facts, used: frozenset[str] | set[str]) -> Iterator[_Part]:
    """A language other than the catalogue's most frequent one."""
    for attribute in facts.schema.with_role(Role.LANGUAGE)[:1]:
        value = facts.item.attributes.get(attribute.name)
        if not isinstance(value, str) or attribute.name in used:
            continue
        vocabulary = facts.index.catalogue.categories(attribute.name).vocabulary
        if vocabulary and vocabulary[0].casefold() != value.casefold():
            yield attribute.name, fragment(attribute, value, facts.schema), field_evidence(attribute.name, value)


def _others(context: NarrationContext, facts: Facts, used: frozenset[str] | set[str]) -> Iterator[_Part]:
    """Attributes without a role: flags that hold, categories, measures."""
    for attribute in facts.schema.attributes:
        value = facts.item.attributes.get(attribute.name)
        if attribute.role is not None or value is None or attribute.name in used or value is False:
            continue
        if attribute.kind in (AttributeKind.TEXT, AttributeKind.DATE) or not context.varies(attribute.name):
            continue
        if isinstance(value, tuple):
            value = value[:2]
        yield attribute.name, fragment(attribute, value, facts.schema), field_evidence(attribute.name, value)


def _standing_facets(facts: Facts, used: frozenset[str]) -> Iterator[Facet]:
    """How well it is rated, where that is well."""
    quality = next((a for a in facts.schema.with_role(Role.QUALITY) if a.numeric), None)
    if quality is None or quality.name in used:
        return
    value = facts.measures.number(quality.name)
    if value is None or facts.index.share_below(quality.name, value) < 0.7:
        return
    shown = label_number(quality, value)
    evidence = field_evidence(quality.name, value)
    popularity = next((a for a in facts.schema.with_role(Role.POPULARITY) if a.numeric), None)
    number = facts.measures.number(popularity.name) if popularity else None
    wordings: tuple[str, ...] = (
        f"Well rated: {shown}.",
        f"Highly rated at {shown}.",
        f"Rated {shown}.",
        f"Its rating is high: {shown}.",
    )
    if popularity and number is not None:
        if facts.index.share_below(popularity.name, number) < 0.15:
            return
        evidence += field_evidence(popularity.name, number)
        if counts_raters(popularity) and number == int(number):
            people = f"{int(number):,} people"
            wordings = (
                f"Rated {shown} by {people}.",
                f"{people} rate it {shown}.",
                f"Well rated: {shown}, by {people}.",
                f"Highly rated at {shown} by {people}.",
            )
        else:
            tail = counted_value(popularity, number)
            wordings = (f"Well rated: {shown}, {tail}.", f"Rated {shown}, with {tail}.")
    joined = f", {wordings[0][0].lower()}{wordings[0][1:]}"
    yield Facet("standing", wordings, evidence, frozenset({quality.name}), joined=(joined,))


def _little_known_facets(context: NarrationContext, facts: Facts, used: frozenset[str]) -> Iterator[Facet]:
    """That few know the item, where nobody asked for that."""
    if context.request.wishes.novelty > 0:
        return
    for attribute in facts.schema.with_role(Role.POPULARITY)[:1]:
        value = facts.measures.number(attribute.name)
        if value is None or not attribute.numeric or attribute.name in used:
            continue
        if facts.index.share_below(attribute.name, value) <= 0.15:
            shown = fragment(attribute, value, facts.schema)
            yield Facet(
                "little known",
                (f"Little known: {shown}.", f"Few people know it: {shown}."),
                field_evidence(attribute.name, value),
                frozenset({attribute.name}),
            )


def plain_facets(facts: Facts) -> Iterator[Facet]:
    """One field, said as plainly as can be: what is left when nothing else passes."""
    for attribute in facts.schema.attributes:
        value = facts.item.attributes.get(attribute.name)
        if value is None or attribute.kind is AttributeKind.TEXT:
            continue
        first = value[0] if isinstance(value, tuple) else value
        shown = label_value(attribute, first)
        flag = attribute.kind is AttributeKind.FLAG
        yield Facet(
            "plain",
            (
                f"{fragment(attribute, first, facts.schema)}."
                if flag
                else f"{sentence_case(attribute.label)}: {shown}.",
            ),
            field_evidence(attribute.name, first),
            frozenset({attribute.name}),
        )
