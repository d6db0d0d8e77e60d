"""Pieces of sentences: values as fragments, requests as noun phrases, numbers as words."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from convrec.agent.claim_index import title_forms
from convrec.agent.labels import join_words, label_constraint, label_filter, label_number, label_value
from convrec.retrieval.filters import Contains, Filter, In, Range
from convrec.retrieval.request import Constraint, Request, Strength
from convrec.retrieval.schema import Attribute, AttributeKind, CatalogueSchema, Role
from convrec.retrieval.types import AttributeValue

_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def count_word(number: int) -> str:
    """'ten' for 10; digits from 13 on."""
    return _COUNTS[number] if 0 <= number < len(_COUNTS) else f"{number:,}"


def counted(number: int, schema: CatalogueSchema) -> str:
    """'one film', 'ten films'."""
    return f"{count_word(number)} {schema.noun if number == 1 else schema.plural}"


def sentence_case(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def with_article(phrase: str) -> str:
    """'a comedy film', 'an action film'."""
    return f"{'an' if phrase[:1].casefold() in 'aeiou' else 'a'} {phrase}"


def plural_label(attribute: Attribute) -> str:
    """An attribute's label for several values: 'genres', 'countries'."""
    label = attribute.label
    if label.endswith("y") and label[-2:-1] not in "aeiou":
        return f"{label[:-1]}ies"
    return label if label.endswith("s") else f"{label}s"


def running(value: str) -> str:
    """A value of a vocabulary inside a sentence: 'science fiction' for 'Science Fiction', 'NASA' as it is."""
    return value.lower() if value.istitle() or value.capitalize() == value else value


def quoted_title(title: str) -> str:
    """A title in quotes, as people say it: without a year in brackets, with its article in front."""
    spoken = list(title_forms(title))[-1]
    return spoken if '"' in spoken else f'"{spoken}"'


def choose(options: Sequence[str], position: int, *seed: object) -> str:
    """One of several wordings: places next to each other draw from different halves, so that none repeats at once.

    Deterministic in `position` and `seed`.
    """
    half = options[position % 2 :: 2] or options
    digest = hashlib.blake2b("\x1f".join(map(str, seed)).encode(), digest_size=4).digest()
    return half[int.from_bytes(digest, "big") % len(half)]


def fragment(attribute: Attribute, value: AttributeValue) -> str:
    """A value as part of a list in a sentence: 'comedy', 'from 1985', 'in French', '1 h 37', 'rated 8.1', 'steel'."""
    if attribute.kind is AttributeKind.FLAG:
        return attribute.label if value else f"not {attribute.label}"
    shown = (
        join_words([label_value(attribute, part) for part in value])
        if isinstance(value, tuple)
        else label_value(attribute, value)
    )
    if attribute.numeric:
        return _number_fragment(attribute, shown)
    if attribute.role is Role.LANGUAGE:
        return f"in {shown}"
    if attribute.role is Role.COUNTRY:
        return f"from {shown}"
    if attribute.role is Role.PERSON:
        several = isinstance(value, tuple) and len(value) > 1
        return f"{plural_label(attribute) if several else attribute.label} {shown}"
    if attribute.role is Role.TOPIC:
        return running(shown)
    return f"{attribute.label} {running(shown)}"


def _number_fragment(attribute: Attribute, shown: str) -> str:
    if attribute.role is Role.YEAR:
        return f"from {shown}"
    if attribute.role is Role.QUALITY:
        return f"rated {shown}"
    if attribute.role in (Role.DURATION, Role.PRICE) and not shown.replace(".", "").replace(",", "").isdigit():
        return shown
    return f"{shown} in {attribute.label}" if attribute.unit else f"{attribute.label} {shown}"


def bound_phrase(node: Range, attribute: Attribute) -> str:
    """A range after a noun: 'from 1980–1989', 'under 2 h', 'rated at least 7.5'."""
    low = None if node.minimum is None else label_number(attribute, node.minimum)
    high = None if node.maximum is None else label_number(attribute, node.maximum)
    lead = {Role.YEAR: "from ", Role.QUALITY: "rated ", Role.DURATION: "", Role.PRICE: ""}.get(
        attribute.role or Role.TOPIC, f"{attribute.label} "
    )
    if low is not None and high is not None:
        return f"{lead}{low}" if low == high else f"{lead}{low}–{high}"
    if attribute.role is Role.YEAR and attribute.kind is not AttributeKind.DATE:
        if low is not None:
            return f"from after {low}" if node.minimum_open else f"from {low} or later"
        return f"from before {high}" if node.maximum_open else f"from {high} or earlier"
    if low is not None:
        return f"{lead}{'over' if node.minimum_open else 'at least'} {low}"
    return f"{lead}{'under' if node.maximum_open else 'at most'} {high}"


def request_phrase(request: Request, schema: CatalogueSchema, number: int | None = None) -> str:
    """What is asked for as one noun phrase: 'ten comedy films in French from 2000–2009, without horror'."""
    front: list[str] = []
    back: list[str] = []
    apart: list[str] = []
    for constraint in request.constraints:
        _place(constraint, schema, front, back, apart)
    noun = schema.noun if number == 1 else schema.plural
    words = [count_word(number)] if number is not None else []
    words += [*front, noun, *back]
    phrase = " ".join(words)
    liked = [quoted_title(r.title) for r in request.references if r.weight > 0]
    unlike = [quoted_title(r.title) for r in request.references if r.weight < 0]
    if liked:
        phrase += f" like {join_words(liked)}"
    if unlike:
        phrase += f" unlike {join_words(unlike)}"
    wanted = [f'"{d.text}"' for d in request.descriptions if d.weight > 0]
    unwanted = [f'away from "{d.text}"' for d in request.descriptions if d.weight < 0]
    if wanted:
        phrase += f" matching {join_words(wanted)}"
    return ", ".join([phrase, *apart, *unwanted])


def _place(
    constraint: Constraint, schema: CatalogueSchema, front: list[str], back: list[str], apart: list[str]
) -> None:
    """Put a constraint before the noun, after it, or in a clause of its own."""
    node = constraint.filter
    if constraint.strength is Strength.SOFT or constraint.negated:
        apart.append(label_constraint(constraint, schema))
        return
    if not isinstance(node, In | Contains | Range) or node.field not in schema:
        apart.append(label_filter(node, schema))
        return
    attribute = schema.attribute(node.field)
    if isinstance(node, Range):
        back.append(bound_phrase(node, attribute))
    elif isinstance(node, Contains) and node.mode == "none":
        apart.append(label_filter(node, schema))
    elif attribute.role is Role.TOPIC and len(front) < 3:
        values = [running(label_value(attribute, v)) for v in node.values]
        both = isinstance(node, Contains) and node.mode == "all"
        front.append(join_words(values, "and" if both else "or"))
    elif attribute.kind is AttributeKind.FLAG and isinstance(node, In) and node.values == (True,):
        front.append(attribute.label)
    elif attribute.role in (Role.LANGUAGE, Role.COUNTRY):
        back.append(label_filter(node, schema))
    elif attribute.kind is AttributeKind.FLAG or attribute.numeric:
        apart.append(label_filter(node, schema))
    else:
        back.append(f"with {label_filter(node, schema)}")


def states_value(node: Filter) -> bool:
    """Whether a filter names values or bounds that an item can be said to have."""
    return isinstance(node, In | Range) or (isinstance(node, Contains) and node.mode != "none")
