"""Quantities in sentences: clock times, money, years and decades, measures and bare numbers, with their comparators."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from convrec.agent.labels import CURRENCY_SYMBOLS, currency_symbol, seconds_per_unit

Unit = Literal["seconds", "money", "year", "ratio", "percent", "measure", "plain"]
Comparator = Literal["=", "<", "<=", ">", ">=", "~"]

NUMBER_WORDS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90,
    "hundred": 100, "thousand": 1000, "million": 1_000_000, "dozen": 12,
}  # fmt: skip
DECADE_WORDS = {
    "twenties": 20, "thirties": 30, "forties": 40, "fifties": 50, "sixties": 60, "seventies": 70, "eighties": 80,
    "nineties": 90,
}  # fmt: skip
MULTIPLIERS = {"k": 1e3, "thousand": 1e3, "million": 1e6, "m": 1e6, "billion": 1e9}
MEASURES = frozenset(
    "kg g mg t ton tons gram grams kilo kilos kilogram kilograms oz ounce ounces lb lbs pound pounds cm mm m km inch "
    "inches ft feet metre metres meter meters l ml cl litre litres liter liters page pages gb mb tb watt watts w kw "
    "hp mph kcal calories star stars season seasons episode episodes chapter chapters piece pieces players".split()
)

_N = r"\d+(?:[.,]\d+)*"
_W = "|".join(NUMBER_WORDS)
_HOURS = r"(?:h|hrs?|hours?)"
_MINUTES = r"(?:m|mins?|minutes?)"
PATTERN = re.compile(
    rf"""
      (?P<hhalf>\ban\ hour\ and\ a\ half\b|\bhalf\ an\ hour\b|\ban\ hour\b)
    | \b(?P<hw>{_W})\ and\ a\ half\ hours?\b
    | (?<![\w.])(?P<h>\d+|(?<!\w)(?:{_W}))\s*{_HOURS}\s*(?:and\s*)?(?P<hm>\d{{1,2}})\b(?:\s*{_MINUTES}\b)?
    | (?<![\w.])(?P<clock>(?P<t>{_N}|(?<!\w)(?:{_W}))[\s-]*(?P<tu>h|hrs?|hours?|mins?|minutes?|secs?|seconds?))\b
    | (?P<sym>[$€£¥₹₩])\s*(?P<sv>{_N})
    | (?<![\w.])(?P<mv>{_N}|(?:{_W})\b)\s*(?P<mu>[€$£¥₹₩]|(?:euros?|dollars?|bucks|usd|eur|gbp|quid)\b)
    | (?<![\w.])(?P<dec>(?:1[0-9]|20)\d0)'?s\b
    | (?<![\w.])'?(?P<dd>[1-9]0)'?s\b
    | \b(?P<dw>{"|".join(DECADE_WORDS)})\b
    | (?<![\w.])(?P<rv>{_N})\s*(?:/|out\ of)\s*(?P<rd>5|10|20|100)\b
    | (?<![\w.])(?P<pv>{_N})\s*(?:%|per\ ?cent\b)
    | (?<![\w.])(?P<range>(?P<r1>{_N})\s*(?:–|-|to)\s*(?P<r2>{_N}))(?:\s*(?P<ru>[^\W\d_]+))?
    | (?<![\w.])(?P<v>{_N}|(?:{_W})\b)(?P<mult>\s*(?:k|thousand|million|billion)\b)?(?:[\s-]*(?P<u>[^\W\d_]+))?
    """,
    re.VERBOSE | re.IGNORECASE,
)
BEFORE: tuple[tuple[re.Pattern[str], Comparator], ...] = (
    (
        re.compile(
            r"(?:under|below|less than|fewer than|shorter than|cheaper than|before|older than|<)\s*$", re.IGNORECASE
        ),
        "<",
    ),
    (re.compile(r"(?:at most|up to|no more than|no longer than|within|maximum|until|≤)\s*$", re.IGNORECASE), "<="),
    (re.compile(r"(?:over|above|more than|longer than|after|newer than|>)\s*$", re.IGNORECASE), ">"),
    (re.compile(r"(?:at least|no less than|minimum|since|≥)\s*$", re.IGNORECASE), ">="),
    (re.compile(r"(?:about|around|roughly|nearly|almost|some|approximately|circa|~|close to)\s*$", re.IGNORECASE), "~"),
)
AFTER: tuple[tuple[re.Pattern[str], Comparator], ...] = (
    (re.compile(r"^\s*(?:or (?:less|earlier|under|below|older|shorter|cheaper)|at most|max\b)", re.IGNORECASE), "<="),
    (re.compile(r"^\s*(?:\+|or (?:more|later|over|above|newer|longer)|at least)", re.IGNORECASE), ">="),
)
_DETERMINER = re.compile(r"\b(?:the|its|your|only|just|a)\s*$")


@dataclass(frozen=True)
class Quantity:
    """A number as a sentence states it: seconds, an amount of money, years, or a bare number with its unit word."""

    value: float
    unit: Unit
    start: int
    end: int
    high: float | None = None
    """upper end of a stated range or decade"""
    comparator: Comparator = "="
    decimals: int = 0
    word: str = ""
    """the currency's symbol, or the word after a bare number: a unit, or the noun that it counts"""


def quantities(text: str) -> tuple[Quantity, ...]:
    """All quantities of a text, left to right."""
    found = []
    for match in PATTERN.finditer(text):
        quantity = _read(match)
        if quantity is not None:
            found.append(_compared(quantity, text))
    return tuple(found)


def _compared(quantity: Quantity, text: str) -> Quantity:
    before = _DETERMINER.sub("", text[max(0, quantity.start - 26) : quantity.start])
    for pattern, comparator in BEFORE:
        if pattern.search(before):
            return replace(quantity, comparator=comparator)
    for pattern, comparator in AFTER:
        if pattern.search(text[quantity.end : quantity.end + 16]):
            return replace(quantity, comparator=comparator)
    return quantity


def number(text: str) -> tuple[float, int]:
    """Value and number of decimals of '11,800', '7.5', '7,5' or 'two'."""
    if text.casefold() in NUMBER_WORDS:
        return float(NUMBER_WORDS[text.casefold()]), 0
    plain = re.sub(r",(?=\d{3}(?:\D|$))", "", text).replace(",", ".")
    head, *tail = plain.split(".")
    if len(tail) > 1:
        plain, tail = head + "".join(tail), []
    return float(plain[:300]), len(tail[0]) if tail else 0


def _read(match: re.Match[str]) -> Quantity | None:
    group = match.groupdict()
    start, end = match.span()
    if group["hhalf"]:
        phrase = group["hhalf"].casefold()
        seconds = 5400 if phrase.endswith("half") else 1800 if phrase.startswith("half") else 3600
        return Quantity(seconds, "seconds", start, end)
    if group["hw"]:
        return Quantity((NUMBER_WORDS[group["hw"].casefold()] + 0.5) * 3600, "seconds", start, end)
    if group["h"]:
        return Quantity(number(group["h"])[0] * 3600 + int(group["hm"]) * 60, "seconds", start, end)
    if group["clock"]:
        value, decimals = number(group["t"])
        return Quantity(value * (seconds_per_unit(group["tu"]) or 60), "seconds", start, end, decimals=decimals)
    if group["sym"] or group["mu"]:
        value, decimals = number(group["sv"] or group["mv"])
        word = currency_symbol(group["sym"] or group["mu"]) or ""
        return Quantity(value, "money", start, end, decimals=decimals, word=word)
    return _read_years(match) or _read_plain(match)


def _read_years(match: re.Match[str]) -> Quantity | None:
    group = match.groupdict()
    start, end = match.span()
    if group["dec"]:
        first = float(group["dec"])
    elif group["dd"] or group["dw"]:
        short = int(group["dd"]) if group["dd"] else DECADE_WORDS[group["dw"].casefold()]
        first = float(1900 + short if short >= 30 else 2000 + short)
    else:
        return None
    return Quantity(first, "year", start, end, high=first + 9)


def _read_plain(match: re.Match[str]) -> Quantity | None:
    group = match.groupdict()
    start, end = match.span()
    if group["rv"]:
        value, decimals = number(group["rv"])
        return Quantity(value, "ratio", start, end, high=float(group["rd"]), decimals=decimals)
    if group["pv"]:
        value, decimals = number(group["pv"])
        return Quantity(value, "percent", start, end, decimals=decimals)
    if group["range"]:
        low, decimals = number(group["r1"])
        high, _ = number(group["r2"])
        word = (group["ru"] or "").casefold()
        scale = seconds_per_unit(word) if len(word) > 1 or word == "h" else None
        if scale:
            return Quantity(low * scale, "seconds", start, end, high=high * scale)
        unit: Unit = "money" if word in CURRENCY_SYMBOLS or word.startswith(("euro", "dollar")) else "plain"
        return Quantity(low, unit, start, match.end("range"), high=high, decimals=decimals, word=word)
    value, decimals = number(group["v"])
    multiplier = (group["mult"] or "").strip().casefold()
    value *= MULTIPLIERS.get(multiplier, 1.0)
    word = (group["u"] or "").casefold()
    unit = "measure" if word in MEASURES else "plain"
    stop = match.end("u") if unit == "measure" else match.end("mult") if multiplier else match.end("v")
    return Quantity(value, unit, start, stop, decimals=decimals, word=word)
