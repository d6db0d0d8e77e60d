"""The result as plain text, for pipes, logs and screen readers."""

from __future__ import annotations

import textwrap

from convrec.agent.labels import label_value
from convrec.agent.types import Recommendation, Reply
from convrec.retrieval.schema import CatalogueSchema, Role

WIDTH = 100
_HEADLINE = (Role.TOPIC, Role.PRICE, Role.DURATION, Role.LANGUAGE, Role.QUALITY)


def render(reply: Reply, schema: CatalogueSchema) -> str:
    """The message, the list as numbered lines with their reasons, and the question with its answers."""
    parts = ["\n".join(textwrap.fill(line, WIDTH) for line in reply.message.splitlines())]
    if reply.items:
        parts.append("\n".join(_entry(item, schema) for item in reply.items))
    if reply.clarify is not None:
        if reply.clarify.question not in reply.message:
            parts.append(reply.clarify.question)
        if reply.clarify.options:
            parts.append("  → " + " / ".join(reply.clarify.options))
    return "\n\n".join(parts)


def titled(item: Recommendation, schema: CatalogueSchema) -> str:
    """The title, with the year where the catalogue has one: 'Alien (1979)'."""
    for attribute in schema.with_role(Role.YEAR)[:1]:
        value = item.fields.get(attribute.name)
        year = str(value)[:4] if isinstance(value, str) else str(int(value)) if isinstance(value, float) else ""
        if year and f"({year})" not in item.title:
            return f"{item.title} ({year})"
    return item.title


def headline(item: Recommendation, schema: CatalogueSchema, most: int = 3) -> tuple[str, ...]:
    """The two or three fields that matter most, worded: ('Comedy, Romance', '2 h 2', 'French')."""
    shown = []
    for role in _HEADLINE:
        for attribute in schema.with_role(role)[:1]:
            value = item.fields.get(attribute.name)
            if value is not None and value != ():
                first = value[:3] if isinstance(value, tuple) else value
                shown.append(label_value(attribute, first))
    return tuple(shown[:most])


def _entry(item: Recommendation, schema: CatalogueSchema) -> str:
    lead = f"{item.rank}. {' · '.join((titled(item, schema), *headline(item, schema)))}"
    reasons = " ".join(reason.text for reason in item.reasons)
    if not reasons:
        return lead
    return f"{lead}\n{textwrap.fill(reasons, WIDTH, initial_indent='     ', subsequent_indent='     ')}"
