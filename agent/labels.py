"""How filters, constraints and values are worded for people."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

from convrec.agent.reading.nations import is_language
from convrec.retrieval.catalogue import EPOCH, iso_date
from convrec.retrieval.filters import And, Contains, Filter, In, Mentions, Missing, Not, NotIn, Or, Range, Value
from convrec.retrieval.request import Constraint, Strength
from convrec.retrieval.schema import Attribute, AttributeKind, CatalogueSchema, Role
from convrec.retrieval.types import AttributeValue

CURRENCY_SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "cny": "¥", "inr": "₹", "krw": "₩"}
SECONDS = {"second": 1, "sec": 1, "s": 1, "minute": 60, "min": 60, "mins": 60, "hour": 3600, "hr": 3600, "h": 3600}


def seconds_per_unit(unit: str | None) -> int | None:
    """Seconds in one clock unit ('minutes', 'h', …); None for any other unit."""
    if not unit:
        return None
    folded = unit.casefold().strip(". ")
    return SECONDS.get(folded) or SECONDS.get(folded.removesuffix("s"))


def currency_symbol(unit: str | None) -> str | None:
    """'$' for 'USD' or '$'; None where the unit is not a currency with a symbol."""
    if not unit:
        return None
    folded = unit.casefold().strip()
    if folded in ("euro", "euros"):
        return "€"
    if folded in ("quid", "pound sterling"):
        return "£"
    if folded in ("dollar", "dollars", "bucks"):
        return "$"
    return folded if folded in CURRENCY_SYMBOLS.values() else CURRENCY_SYMBOLS.get(folded)


@cache
def _locale_names(kind: str) -> dict[str, str]:
    from babel import Locale

    english = Locale("en")
    names = english.languages if kind == "language" else english.territories
    return {str(code).casefold(): str(name) for code, name in names.items()}


def language_name(value: str) -> str:
    """'French' for 'fr'; any other text as it is."""
    return _locale_names("language").get(value.casefold(), value) if 2 <= len(value) <= 3 else value


def country_name(value: str) -> str:
    """'France' for 'FR'; any other text as it is."""
    return _locale_names("country").get(value.casefold(), value) if len(value) == 2 and value.isupper() else value


def plain_number(value: float, *, grouped: bool = True) -> str:
    """A number as people write it: no trailing zeros, thousands separated from 10,000 on."""
    rounded = round(value, 2)
    if rounded == int(rounded):
        whole = int(rounded)
        return f"{whole:,}" if grouped and abs(whole) >= 10_000 else str(whole)
    return f"{rounded:,.2f}".rstrip("0") if abs(rounded) >= 10_000 else f"{rounded:.2f}".rstrip("0")


def clock(seconds: float) -> str:
    """A duration: '2 h 11', '45 min', '30 s'."""
    if 0 < seconds < 60:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    if hours == 0:
        return f"{rest} min"
    return f"{hours} h" if rest == 0 else f"{hours} h {rest:02d}"


def label_number(attribute: Attribute, value: float) -> str:
    """A number or date with its unit: '2 h 11', '€12.50', '240 g', '1994'."""
    if attribute.kind is AttributeKind.DATE:
        return iso_date(value)
    if attribute.role is Role.YEAR:
        return plain_number(value, grouped=False)
    scale = seconds_per_unit(attribute.unit)
    if scale is not None and value >= 0:
        return clock(value * scale)
    symbol = currency_symbol(attribute.unit)
    if symbol is not None:
        amount = plain_number(value) if value == int(value) else f"{value:,.2f}"
        return f"{amount} €" if symbol == "€" else f"{symbol}{amount}"
    shown = plain_number(value)
    return f"{shown} {attribute.unit}" if attribute.unit else shown


def label_value(attribute: Attribute, value: AttributeValue) -> str:
    """One value of an attribute, with its unit, as it is shown to a person."""
    if isinstance(value, tuple):
        return ", ".join(label_value(attribute, part) for part in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return label_number(attribute, float(value))
    if attribute.role is Role.LANGUAGE:
        return language_name(value)
    return country_name(value) if attribute.role is Role.COUNTRY else value


def join_words(words: list[str] | tuple[str, ...], conjunction: str = "and") -> str:
    """'a', 'a and b', 'a, b and c'."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {conjunction} {words[-1]}"


def label_filter(node: Filter, schema: CatalogueSchema) -> str:
    """A filter in a few words: 'year 1980–1989', '≤ 2 h', 'not Horror', 'rated at least 7.5'."""
    if isinstance(node, And):
        # One value of two attributes, a kind and a tag, is said once.
        said = {label.casefold(): label for label in (label_filter(p, schema) for p in reversed(node.parts))}
        return ", ".join(reversed(said.values())) or "anything"
    if isinstance(node, Or):
        parts = [label_filter(part, schema) for part in node.parts]
        wrapped = [f"({p})" if isinstance(n, And) else p for p, n in zip(parts, node.parts, strict=True)]
        return " or ".join(wrapped) or "nothing"
    if isinstance(node, Not):
        return _label_negation(node.part, schema)
    if isinstance(node, Mentions):
        return f"mentions “{node.words}”"
    if node.field not in schema:
        return f"{node.field} (unknown)"
    attribute = schema.attribute(node.field)
    if isinstance(node, Range):
        return _label_range(node, attribute, schema)
    if isinstance(node, Missing):
        return f"without a known {attribute.label}"
    if isinstance(node, NotIn) or (isinstance(node, Contains) and node.mode == "none"):
        return _label_values(node.values, attribute, schema, negated=True)
    conjunction = "and" if isinstance(node, Contains) and node.mode == "all" else "or"
    return _label_values(node.values, attribute, schema, conjunction=conjunction)


def label_constraint(constraint: Constraint, schema: CatalogueSchema) -> str:
    """A constraint for a chip; a preference says 'ideally'."""
    label = label_filter(constraint.filter, schema)
    return f"ideally {label}" if constraint.strength is Strength.SOFT else label


def _label_negation(part: Filter, schema: CatalogueSchema) -> str:
    if isinstance(part, Not):
        return label_filter(part.part, schema)
    if isinstance(part, Missing):
        label = schema.attribute(part.field).label if part.field in schema else part.field
        return f"with a known {label}"
    if isinstance(part, Contains) and part.mode == "any":
        return label_filter(part.model_copy(update={"mode": "none"}), schema)
    if isinstance(part, In):
        return label_filter(NotIn(field=part.field, values=part.values), schema)
    if isinstance(part, Mentions):
        return f"no mention of “{part.words}”"
    inner = label_filter(part, schema)
    return f"not ({inner})" if isinstance(part, And | Or) else f"not {inner}"


def _label_values(
    values: tuple[Value, ...],
    attribute: Attribute,
    schema: CatalogueSchema,
    *,
    conjunction: str = "or",
    negated: bool = False,
) -> str:
    if attribute.kind is AttributeKind.FLAG:
        wanted = bool(values and values[0]) != negated
        return attribute.label if wanted else f"not {attribute.label}"
    shown = [label_value(attribute, value) for value in values]
    tongue = attribute.role is Role.LANGUAGE and any(is_language(str(value)) for value in values)
    prefix = "" if attribute.role is Role.LANGUAGE and not tongue else _prefix(attribute, schema)
    if negated:
        return ", ".join(f"not {prefix}{value}" for value in shown) or "anything"
    return f"{prefix}{join_words(shown, conjunction)}" if shown else "nothing"


def _prefix(attribute: Attribute, schema: CatalogueSchema) -> str:
    """Words before a value that say which attribute it is of, where the value alone does not."""
    if attribute.role is Role.LANGUAGE:
        return "in "
    if attribute.role is Role.COUNTRY:
        return "from "
    if attribute.role is Role.TOPIC:
        return ""
    if attribute.numeric and attribute.role in (Role.DURATION, Role.PRICE):
        main = next((a for a in schema.attributes if a.role is attribute.role), attribute)
        return "" if attribute == main else f"{attribute.label} "
    return f"{attribute.label} "


def _bounds(node: Range, attribute: Attribute) -> tuple[str | None, str | None]:
    def shown(bound: float | None, *, upper: bool) -> str | None:
        if bound is None:
            return None
        if attribute.kind is AttributeKind.DATE and attribute.role is Role.YEAR:
            day = EPOCH + timedelta(days=int(bound))
            if (day.month, day.day) == ((12, 31) if upper else (1, 1)):
                return str(day.year)
        return label_number(attribute, bound)

    return shown(node.minimum, upper=False), shown(node.maximum, upper=True)


def _label_range(node: Range, attribute: Attribute, schema: CatalogueSchema) -> str:
    low, high = _bounds(node, attribute)
    prefix = _prefix(attribute, schema)
    if attribute.role is Role.QUALITY:
        return _label_quality(node, low, high)
    if low is not None and high is not None:
        return f"{prefix}{low}" if low == high else f"{prefix}{low}–{high}"
    if attribute.role is Role.YEAR:
        if low is not None:
            return f"{prefix}after {low}" if node.minimum_open else f"{prefix}{low} or later"
        if high is not None:
            return f"{prefix}before {high}" if node.maximum_open else f"{prefix}{high} or earlier"
    if low is not None:
        return f"{prefix}{'>' if node.minimum_open else '≥'} {low}"
    if high is not None:
        return f"{prefix}{'<' if node.maximum_open else '≤'} {high}"
    return f"any {attribute.label}"


def _label_quality(node: Range, low: str | None, high: str | None) -> str:
    if low is not None and high is not None:
        return f"rated {low}–{high}"
    if low is not None:
        return f"rated {'above' if node.minimum_open else 'at least'} {low}"
    if high is not None:
        return f"rated {'below' if node.maximum_open else 'at most'} {high}"
    return "rated"
