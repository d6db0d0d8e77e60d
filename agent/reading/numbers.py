"""Numbers in words and digits, with units, and the conversion between the unit said and the attribute's own."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from rapidfuzz import process
from rapidfuzz.distance import OSA

from convrec.agent.reading.grammar import Grammar
from convrec.agent.reading.text import Chart, fold, key_of
from convrec.retrieval.schema import Attribute

_SHORTEST = 5
"""letters of a word for a number that may be misspelt"""
LARGEST = 1e12
"""larger numbers are taken as this one: no attribute holds them"""
_UNITS_AT_THE_END = frozenset(["in", "min", "g", "l", "m", "h", "w", "c"])
"""units that only the last word of a column's name can be: 'screen_size_in', 'min_players'"""
_UNITS_BY_CHANCE = frozenset(["in", "min", "second", "day", "cup", "pound", "foot", "degree"])
_SIGNS = ("-", "−")
"""units that mean something else in the name of an attribute"""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number and what was said with it. `dimensions`: (dimension, value in its base unit); none for a bare number."""

    value: float
    unit: str
    dimensions: tuple[tuple[str, float], ...]
    start: int
    end: int
    implied: bool = False
    """said as 'a day', without a number"""


def parse_digits(text: str) -> float | None:
    """The number of a token of digits, separators of thousands and a decimal point or comma."""
    body = text.rstrip("sthndr")
    if not body or not body[0].isdigit():
        return None
    if len(body) > 18:
        return LARGEST
    for thousands, decimal in ((",", "."), (".", ",")):
        groups = body.split(thousands)
        if len(groups) > 1 and all(len(g) == 3 for g in groups[1:-1]) and len(groups[-1].split(decimal)[0]) == 3:
            body = "".join(groups).replace(decimal, ".")
            break
    else:
        body = body.replace(",", ".")
    try:
        value = float(body)
    except ValueError:
        return None
    return min(value, LARGEST)


def number_at(chart: Chart, position: int, grammar: Grammar) -> tuple[float, int] | None:
    """The number that starts at a token, and the position after it."""
    tokens = chart.tokens
    if position >= len(tokens):
        return None
    first = tokens[position]
    if first.norm == "one" and position and tokens[position - 1].norm in ("that", "this", "which", "another"):
        return None
    if first.text[:1].isdigit():
        value = parse_digits(first.norm)
        if value is None:
            return None
        end = position + 1
    elif first.norm in grammar.numbers:
        value, end = _spelled(chart, position, grammar)
    elif (misspelt := _misspelt(chart, position, grammar)) is not None:
        value, end = float(misspelt), position + 1
    elif (
        first.norm in ("a", "an")
        and position + 1 < len(tokens)
        and tokens[position + 1].norm in ("hundred", "thousand", "dozen", "couple", "million")
    ):
        value, end = 1.0, position + 1
        if tokens[end].norm in grammar.numbers:
            value, end = float(grammar.numbers[tokens[end].norm]), end + 1
    else:
        return None
    if end < len(tokens) and tokens[end].norm in grammar.multipliers and not _unit_follows(chart, end):
        value, end = value * grammar.multipliers[tokens[end].norm], end + 1
    value = min(value, LARGEST)
    return _with_half(chart, value, end, grammar)


def _misspelt(chart: Chart, position: int, grammar: Grammar) -> int | None:
    """'ninty minutes': a slip in a word for a number, right before a unit."""
    word = chart.tokens[position].norm
    if len(word) < _SHORTEST or word in grammar.plain_words or _unit_at(chart, position + 1, grammar) is None:
        return None
    names = [name for name in grammar.numbers if name[0] == word[0] and len(name) >= _SHORTEST]
    near = process.extractOne(word, names, scorer=OSA.distance, score_cutoff=1)
    return None if near is None else grammar.numbers[near[0]]


def _unit_follows(chart: Chart, position: int) -> bool:
    """Whether 'm' or 'k' here is a unit: spelled with a space before it, or a unit in its own right."""
    token = chart.tokens[position]
    return token.norm in ("m", "k") and token.gap != ""


def _spelled(chart: Chart, position: int, grammar: Grammar) -> tuple[float, int]:
    value = float(grammar.numbers[chart.tokens[position].norm])
    end = position + 1
    if 20 <= value < 100 and end < len(chart):
        ones = grammar.numbers.get(chart.tokens[end].norm, 0)
        if 0 < ones < 10 and not chart.breaks(end, ".,;!?"):
            return value + ones, end + 1
    if end + 1 < len(chart) and chart.tokens[end].norm == "point" and chart.tokens[end + 1].norm in grammar.numbers:
        digit = grammar.numbers[chart.tokens[end + 1].norm]
        if digit < 10:
            return value + digit / 10, end + 2
    return value, end


def _with_half(chart: Chart, value: float, end: int, grammar: Grammar) -> tuple[float, int]:
    """'two and a half' is 2.5."""
    if end < len(chart) and chart.tokens[end].norm == "and":
        for length in (2, 1):
            fraction = grammar.fractions.get(chart.norms(end + 1, end + 1 + length))
            if fraction is not None and end + 1 + length <= len(chart):
                return value + fraction, end + 1 + length
    return value, end


def _fraction_at(chart: Chart, position: int, grammar: Grammar) -> tuple[float, int] | None:
    for length in (4, 3, 2, 1):
        if position + length <= len(chart):
            fraction = grammar.fractions.get(chart.norms(position, position + length))
            if fraction is not None:
                return fraction, position + length
    return None


def _unit_at(chart: Chart, position: int, grammar: Grammar) -> str | None:
    if position >= len(chart) or chart.breaks(position, ".,;!?\n"):
        return None
    token = chart.tokens[position]
    for word in (token.norm, token.stem, token.text):
        if word in grammar.unit_index:
            return word
    return None


def quantity_at(chart: Chart, position: int, grammar: Grammar) -> Quantity | None:
    """The number with its unit that starts at a token: '2h', 'an hour and a half', '$20', 'half a kilo', '7.5'."""
    if position >= len(chart) or chart.owner[position] is not None:
        return None
    first = chart.tokens[position]
    if first.text in grammar.units["currency"] and first.text != "pound" and not first.text.isalpha():
        number = number_at(chart, position + 1, grammar)
        if number is not None:
            return Quantity(number[0], first.text, (("currency", number[0]),), position, number[1])
        return None
    if chart.norms(position, position + 1) == "minus":
        above = quantity_at(chart, position + 1, grammar)
        return None if above is None or above.implied else below_zero(above, position)
    part = _fraction_at(chart, position, grammar)
    number = part if part and _unit_at(chart, part[1], grammar) else number_at(chart, position, grammar)
    implied = number is None
    if number is None:
        number = _implied_one(chart, position, grammar)
    if number is None:
        return None
    value, end = number
    if not chart.free(position, end):
        return None
    if end < len(chart) and chart.tokens[end].norm in ("%", "percent") and chart.free(end, end + 1):
        return Quantity(value, "%", (), position, end + 1)
    unit = _unit_at(chart, end, grammar)
    if unit is None or not chart.free(end, end + 1):
        bare = Quantity(value, "", (), position, end)
        return below_zero(bare, position) if _signed(chart, position) else bare
    if unit == "in" and not (chart.tokens[end].gap == "" or end + 1 == len(chart)):
        return Quantity(value, "", (), position, end)
    sizes = dict(grammar.unit_index[unit])
    dimensions = {dimension: value * size for dimension, size in sizes.items()}
    end += 1
    end, dimensions = _compound(chart, end, dimensions, sizes, grammar)
    quantity = Quantity(value, unit, tuple(dimensions.items()), position, end, implied)
    return below_zero(quantity, position) if "temperature" in dimensions and _signed(chart, position) else quantity


def below_zero(quantity: Quantity, start: int) -> Quantity:
    """The same amount below zero."""
    dimensions = tuple((dimension, -amount) for dimension, amount in quantity.dimensions)
    return replace(quantity, value=-quantity.value, dimensions=dimensions, start=start)


def _signed(chart: Chart, position: int) -> bool:
    """'-10', but not '5-10'."""
    gap = chart.tokens[position].gap
    return gap.endswith(_SIGNS) and (position == 0 or gap[:-1].endswith(" "))


def _implied_one(chart: Chart, position: int, grammar: Grammar) -> tuple[float, int] | None:
    """'an hour', 'half an hour', 'half a kilo'."""
    fraction = _fraction_at(chart, position, grammar)
    if fraction is not None and _unit_at(chart, fraction[1], grammar):
        return fraction
    if chart.tokens[position].norm in ("a", "an", "one"):
        unit = _unit_at(chart, position + 1, grammar)
        if unit is not None and len(unit) > 2:
            return 1.0, position + 1
    return None


def _compound(
    chart: Chart, end: int, dimensions: dict[str, float], sizes: dict[str, float], grammar: Grammar
) -> tuple[int, dict[str, float]]:
    """'1 h 45', '2 hours and 10 minutes', 'an hour and a half'."""
    position = end + 1 if end < len(chart) and chart.tokens[end].norm == "and" else end
    if position >= len(chart) or chart.breaks(position, ".,;!?\n"):
        return end, dimensions
    fraction = _fraction_at(chart, position, grammar)
    if fraction is not None and position > end:
        return fraction[1], {d: v + fraction[0] * sizes[d] for d, v in dimensions.items()}
    if "time" not in dimensions:
        return end, dimensions
    if chart.tokens[position].norm.isdigit() and chart.norms(position + 1, position + 2) == "m":
        return position + 2, {"time": dimensions["time"] + (parse_digits(chart.tokens[position].norm) or 0)}
    number = number_at(chart, position, grammar)
    if number is None:
        return end, dimensions
    value, after = number
    unit = _unit_at(chart, after, grammar)
    if unit is not None and dict(grammar.unit_index[unit]).get("time", math.inf) < sizes["time"]:
        return after + 1, {"time": dimensions["time"] + value * dict(grammar.unit_index[unit])["time"]}
    if unit is None and position == end and sizes["time"] == 60 and value < 60:
        return after, {"time": dimensions["time"] + value}
    return end, dimensions


def attribute_dimension(attribute: Attribute, grammar: Grammar) -> tuple[str, float] | None:
    """The dimension of a numeric attribute's unit and the size of one unit; None for a bare number.

    Where there is no unit, the attribute's label may itself be one ('pages').
    """
    if attribute.unit:
        unit = attribute.unit.strip()
        words = key_of(unit).split()
        amount = unit.partition("/")[0]
        for word in (unit, *((amount,) if amount != unit else ()), fold(unit), *words[-1:]):
            entries = grammar.unit_index.get(word)
            if entries:
                wanted = "currency" if attribute.role == "price" else None
                return next((e for e in entries if e[0] == wanted), entries[0])
        if attribute.role == "price":
            return "currency", 1.0
        return None
    if attribute.role == "price":
        return "currency", 1.0
    if attribute.role == "duration":
        return "time", 1.0
    words = attribute.name.casefold().replace("_", " ").split()
    if len(words) > 1 and words[-1] in _UNITS_AT_THE_END:
        return grammar.unit_index[words[-1]][0]
    for word in key_of(f"{attribute.name} {attribute.label}".replace("_", " ")).split():
        if word in ("page", "pg"):
            return "pages", 1.0
        entries = grammar.unit_index.get(word)
        if entries and len(word) > 1 and word not in _UNITS_BY_CHANCE:
            return entries[0]
    return None


def currency_of(unit: str, grammar: Grammar) -> str | None:
    """ISO code of a currency word or sign, upper case."""
    folded = fold(unit)
    for code, words in grammar.currencies.items():
        if unit in words or folded in words or folded == code:
            return code.upper()
    return None
