"""What an attribute means to a person: by the name of its column, held against its values; by the values alone where
the name says nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

from convrec.retrieval.hints import is_maker_name, is_opaque, name_score, never_a_role, phrase, units
from convrec.retrieval.schema import Attribute, AttributeKind, Role

_NAMES = frozenset({AttributeKind.CATEGORY, AttributeKind.CATEGORIES})
_KINDS: dict[Role, frozenset[AttributeKind]] = {
    Role.YEAR: frozenset({AttributeKind.NUMBER, AttributeKind.DATE}),
    Role.DURATION: frozenset({AttributeKind.NUMBER}),
    Role.PRICE: frozenset({AttributeKind.NUMBER}),
    Role.QUALITY: frozenset({AttributeKind.NUMBER}),
    Role.POPULARITY: frozenset({AttributeKind.NUMBER}),
    Role.LANGUAGE: _NAMES,
    Role.COUNTRY: _NAMES,
    Role.PERSON: _NAMES,
    Role.TOPIC: _NAMES,
}
_PERSONAL_NAME = re.compile(r"^(?:[^\W\d_][\w.'’\-]*\s+){1,3}[^\W\d_][\w.'’\-]+$")


def assign_roles(attributes: Sequence[Attribute]) -> list[Attribute]:
    """The attributes with their roles; of two numbers that compete for the year, the one with the better name wins."""
    found = [a if a.role is not None else a.model_copy(update={"role": _role(a)}) for a in attributes]
    found = _one_of(found, Role.YEAR, AttributeKind.NUMBER)
    if not any(a.role is Role.TOPIC for a in found):
        found = [
            a.model_copy(update={"role": Role.TOPIC}) if a.role is None and a.kind is AttributeKind.CATEGORIES else a
            for a in found
        ]
    return found


def _one_of(attributes: list[Attribute], role: Role, kind: AttributeKind) -> list[Attribute]:
    """At most one number of the role that was found by its values alone, and none beside one found by its name."""
    own = [a for a in attributes if a.role is role]
    named = [a for a in own if name_score(a.name, "roles", role.value)]
    keep = {a.name for a in (named or own[:1])}
    return [
        a.model_copy(update={"role": None}) if a.role is role and a.kind is kind and a.name not in keep else a
        for a in attributes
    ]


def _role(attribute: Attribute) -> Role | None:
    if attribute.kind in (AttributeKind.TEXT, AttributeKind.FLAG):
        return None
    scored = []
    for order, role in enumerate(Role):
        score = name_score(attribute.name, "roles", role.value)
        # A count and a length are named by the end of their names: 'time signature' is no time.
        if score < (50 if role in (Role.DURATION, Role.POPULARITY) else 1):
            continue
        if attribute.kind in _KINDS[role] and _plausible(attribute, role):
            scored.append((score, -order, role))
    if scored:
        return max(scored)[2]
    return _by_values(attribute)


def _plausible(attribute: Attribute, role: Role) -> bool:
    """Whether the values allow what the name suggests."""
    low, high = attribute.minimum, attribute.maximum
    if attribute.kind in _NAMES:
        return not (role is Role.LANGUAGE and _share_of(attribute, _language_names()) < 0.2)
    if attribute.kind is AttributeKind.DATE:
        return True
    if low is None or high is None or (never_a_role(attribute.name) and role is not Role.DURATION):
        return False
    dimension = _dimension(attribute.unit)
    if role is Role.YEAR:
        return attribute.integer and attribute.unit is None and 900 <= high <= 2200
    if role is Role.DURATION:
        return low >= 0 and dimension in (None, "time")
    if role is Role.PRICE:
        return low >= 0 and (dimension is None or _currency(dimension))
    if role is Role.QUALITY:
        return low >= -1 and high <= 100 and dimension in (None, "share")
    return low >= 0 and (attribute.integer or phrase(attribute.name) == "popularity") and (high > 10 or high == low)


def _by_values(attribute: Attribute) -> Role | None:
    if attribute.kind is AttributeKind.NUMBER:
        return _by_numbers(attribute)
    if attribute.kind not in _NAMES or not attribute.vocabulary:
        return None
    shapes = [value.value for value in attribute.vocabulary]
    if len(shapes) >= 2 and _share_of(attribute, _language_names()) >= 0.95:
        return Role.LANGUAGE
    if len(shapes) >= 2 and _share_of(attribute, _country_names()) >= 0.95:
        return Role.COUNTRY
    if not is_maker_name(attribute.name):
        people = sum(_like_a_person(value) for value in shapes) / len(shapes)
        carried = sum(value.count for value in attribute.vocabulary) / len(shapes)
        if people >= 0.85 and attribute.distinct >= 50 and carried < 12:
            return Role.PERSON
    return None


def _like_a_person(value: str) -> bool:
    last, comma, first = value.partition(", ")
    name = f"{first} {last}" if comma else value
    return bool(_PERSONAL_NAME.match(name)) and name[:1].isupper() and name.split()[-1][:1].isupper()


def _by_numbers(attribute: Attribute) -> Role | None:
    low, high, unit = attribute.minimum, attribute.maximum, attribute.unit
    if low is None or high is None or never_a_role(attribute.name):
        return None
    dimension = _dimension(unit)
    if dimension is not None and _currency(dimension):
        return Role.PRICE
    if dimension == "time" and attribute.distinct > 1:
        return Role.DURATION
    this_year = datetime.now(tz=UTC).year
    if attribute.integer and unit is None and 1850 <= low < high <= this_year + 5 and high >= 1980:
        return Role.YEAR
    if not is_opaque(attribute.name) or low < 0:
        return None
    if not attribute.integer and 3 < high <= 10:
        return Role.QUALITY
    return None


def _dimension(unit: str | None) -> str | None:
    """'time', 'mass', a currency's code; a unit that no table has is its own dimension."""
    if unit is None:
        return None
    known = units().get(unit.lower())
    return known[1] if known else unit


def _currency(dimension: str) -> bool:
    return len(dimension) == 3 and dimension.isupper()


def _share_of(attribute: Attribute, known: frozenset[str]) -> float:
    """Share of the values' uses that are in a set of names."""
    total = sum(value.count for value in attribute.vocabulary)
    return sum(v.count for v in attribute.vocabulary if v.value.casefold() in known) / total if total else 0.0


@cache
def _language_names() -> frozenset[str]:
    from babel import Locale

    languages = dict(Locale("en").languages)
    names = {name.casefold() for name in languages.values()}
    codes = {code.casefold() for code in languages if len(code) in (2, 3)}
    three = {
        "eng",
        "fre",
        "fra",
        "ger",
        "deu",
        "spa",
        "ita",
        "jpn",
        "chi",
        "zho",
        "rus",
        "por",
        "dut",
        "nld",
        "en-us",
        "en-gb",
    }
    return frozenset(names | codes | three | {"mandarin", "cantonese", "farsi", "cn", "xx"})


@cache
def _country_names() -> frozenset[str]:
    from babel import Locale

    territories = {code: name for code, name in Locale("en").territories.items() if len(code) == 2}
    names = {name.casefold() for name in territories.values()}
    codes = {code.casefold() for code in territories}
    usual = {
        "usa", "uk", "united states of america", "great britain", "england", "scotland", "wales", "czech republic",
        "south korea", "north korea", "hong kong", "soviet union", "west germany", "east germany", "yugoslavia",
        "czechoslovakia", "bosnia and herzegovina", "ivory coast", "turkey", "macedonia", "russia", "taiwan", "holland",
    }  # fmt: skip
    return frozenset(names | codes | usual)
