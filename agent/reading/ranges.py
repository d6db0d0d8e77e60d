"""Ranges of numeric attributes: as filters, and as the short labels that a person reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from convrec.retrieval.catalogue import EPOCH, Catalogue, iso_date
from convrec.retrieval.filters import Range
from convrec.retrieval.schema import Attribute, AttributeKind, Role


@dataclass(frozen=True, slots=True)
class Bounds:
    """minimum ≤ value ≤ maximum in the attribute's own unit; an open side excludes its bound."""

    minimum: float | None = None
    maximum: float | None = None
    minimum_open: bool = False
    maximum_open: bool = False

    def meet(self, other: Bounds) -> Bounds:
        """Both at once."""
        low, low_open = _tighter(self.minimum, self.minimum_open, other.minimum, other.minimum_open, 1)
        high, high_open = _tighter(self.maximum, self.maximum_open, other.maximum, other.maximum_open, -1)
        return Bounds(low, high, low_open, high_open)

    def join(self, other: Bounds) -> Bounds | None:
        """Either; None where values between the two belong to neither."""
        if not self.meet(other).possible:
            return None
        low = None if None in (self.minimum, other.minimum) else _looser(self, other, lower=True)
        high = None if None in (self.maximum, other.maximum) else _looser(self, other, lower=False)
        return Bounds(
            low.minimum if low else None,
            high.maximum if high else None,
            low is not None and low.minimum_open,
            high is not None and high.maximum_open,
        )

    def reach(self, other: Bounds) -> Bounds | None:
        """A range with one side, moved so far that it holds another; None for a range with two sides."""
        if self.minimum is None and self.maximum is not None and other.maximum is not None:
            return replace(_looser(self, other, lower=False), minimum=None, minimum_open=False)
        if self.maximum is None and self.minimum is not None and other.minimum is not None:
            return replace(_looser(self, other, lower=True), maximum=None, maximum_open=False)
        return None

    @property
    def beyond(self) -> Bounds | None:
        """What lies on the other side; None for a range with two sides."""
        if self.minimum is not None and self.maximum is not None:
            return None
        if self.maximum is not None:
            return Bounds(minimum=self.maximum, minimum_open=not self.maximum_open)
        return Bounds(maximum=self.minimum, maximum_open=not self.minimum_open)

    @property
    def possible(self) -> bool:
        """Whether any number lies within."""
        if self.minimum is None or self.maximum is None or self.minimum < self.maximum:
            return True
        return self.minimum == self.maximum and not (self.minimum_open or self.maximum_open)

    def filter(self, name: str) -> Range:
        return Range(
            field=name,
            minimum=self.minimum,
            maximum=self.maximum,
            minimum_open=self.minimum_open,
            maximum_open=self.maximum_open,
        )


def bounds_of(leaf: Range) -> Bounds:
    return Bounds(leaf.minimum, leaf.maximum, leaf.minimum_open, leaf.maximum_open)


def _looser(a: Bounds, b: Bounds, *, lower: bool) -> Bounds:
    """That of two ranges, each with a bound on one side, which goes farther there."""
    if lower:
        return min(a, b, key=lambda own: (own.minimum or 0.0, own.minimum_open))
    return max(a, b, key=lambda own: (own.maximum or 0.0, not own.maximum_open))


def _tighter(a: float | None, a_open: bool, b: float | None, b_open: bool, sign: int) -> tuple[float | None, bool]:
    if a is None or b is None:
        return (b, b_open) if a is None else (a, a_open)
    if a == b:
        return a, a_open or b_open
    return (a, a_open) if sign * a > sign * b else (b, b_open)


def year_bounds(attribute: Attribute, first: int | None, last: int | None) -> Bounds:
    """Whole years, both included, for an attribute that holds years or dates."""
    if attribute.kind is not AttributeKind.DATE:
        return Bounds(None if first is None else float(first), None if last is None else float(last))
    start = None if first is None else float((date(_calendar(first), 1, 1) - EPOCH).days)
    end = None if last is None else float((date(_calendar(last), 12, 31) - EPOCH).days)
    return Bounds(start, end)


def _calendar(year: int) -> int:
    return min(max(year, 1), 9999)


def year_of(attribute: Attribute, value: float) -> int:
    """The year of a value of an attribute that holds years or dates."""
    if attribute.kind is not AttributeKind.DATE:
        return int(value)
    return int(iso_date(value)[:4])


def year_extent(catalogue: Catalogue, attribute: Attribute) -> tuple[int, int]:
    """First and last year of the catalogue; (0, 9999) where nothing is dated."""
    values = catalogue.number(attribute.name)
    known = values[~np.isnan(values)]
    if known.size == 0:
        return 0, 9999
    return year_of(attribute, float(known.min())), year_of(attribute, float(known.max()))


def shown_number(attribute: Attribute, value: float) -> str:
    """A value as a person says it: '2 h 11', '7.5', '20 USD', '1999'."""
    if attribute.kind is AttributeKind.DATE:
        return iso_date(value)
    number = f"{value:.0f}" if float(value).is_integer() else f"{value:.2f}".rstrip("0").rstrip(".")
    if attribute.role is Role.YEAR:
        return number
    if attribute.role is Role.DURATION and (attribute.unit or "minutes").startswith("min") and value >= 60:
        hours, minutes = divmod(round(value), 60)
        return f"{hours} h {minutes:02d}" if minutes else f"{hours} h"
    if attribute.role is Role.DURATION and attribute.unit is None:
        return f"{number} min"
    return f"{number} {attribute.unit}" if attribute.unit else number


def range_label(attribute: Attribute, bounds: Bounds) -> str:
    """A chip: 'year 1980–1989', 'runtime ≤ 2 h', 'price < 20 EUR'."""
    if attribute.kind is AttributeKind.DATE and attribute.role is Role.YEAR:
        return _year_label(attribute, bounds)
    low = None if bounds.minimum is None else shown_number(attribute, bounds.minimum)
    high = None if bounds.maximum is None else shown_number(attribute, bounds.maximum)
    if low is not None and low == high:
        return f"{attribute.label} {low}"
    if low is not None and high is not None:
        return f"{attribute.label} {low}–{high}"
    if high is not None:
        return f"{attribute.label} {'<' if bounds.maximum_open else '≤'} {high}"
    return f"{attribute.label} {'>' if bounds.minimum_open else '≥'} {low}"


def _year_label(attribute: Attribute, bounds: Bounds) -> str:
    low = None if bounds.minimum is None else year_of(attribute, bounds.minimum)
    high = None if bounds.maximum is None else year_of(attribute, bounds.maximum)
    if low is not None and high is not None:
        return f"{attribute.label} {low}" if low == high else f"{attribute.label} {low}–{high}"
    return f"{attribute.label} ≤ {high}" if low is None else f"{attribute.label} ≥ {low}"


Rows = NDArray[np.bool_]
FEWEST = 8
"""known values from which on a quarter of them means something"""
LISTED = 10
"""items that 'the cheapest' is chosen among"""


class Quantiles:
    """Quantiles of the numeric attributes, sorted once."""

    def __init__(self, catalogue: Catalogue, names: Iterable[str] | None = None, rows: Rows | None = None) -> None:
        """Of all numeric attributes and items, or of some."""
        self._catalogue = catalogue
        self._sorted: dict[str, NDArray[np.float64]] = {}
        for name in names or [a.name for a in catalogue.schema.attributes if a.numeric]:
            values = catalogue.number(name) if rows is None else catalogue.number(name)[rows]
            self._sorted[name] = np.sort(values[~np.isnan(values)])

    def among(self, rows: Rows, attribute: Attribute) -> Quantiles | None:
        """Those of an attribute among some items; None where too few of them have a value."""
        own = Quantiles(self._catalogue, [attribute.name], rows)
        return own if own._sorted[attribute.name].size >= FEWEST else None

    def extreme(self, attribute: Attribute, side: str) -> Bounds | None:
        """What 'the cheapest' means among these: the lowest or highest values, a list of them at least."""
        values = self._sorted[attribute.name]
        if values.size == 0:
            return None
        last = min(values.size, LISTED) - 1
        return Bounds(maximum=float(values[last])) if side == "low" else Bounds(minimum=float(values[-1 - last]))

    def at(self, name: str, quantile: float) -> float | None:
        """The value below which that share of the items lies; None where nothing is known."""
        values = self._sorted.get(name)
        if values is None or values.size == 0:
            return None
        return float(values[round(quantile * (values.size - 1))])

    def much(self, attribute: Attribute) -> Bounds | None:
        """What a degree such as 'spicy' means: the upper third of the items that have any of it."""
        values = self._sorted[attribute.name]
        having = values[values > 0]
        return Bounds(minimum=float(having[round(2 / 3 * (having.size - 1))])) if having.size else None

    def side(self, attribute: Attribute, side: str, *, share: float = 0.25, negated: bool = False) -> Bounds | None:
        """What 'short' or 'long' means: the lowest or highest share of the items.

        Negated ('not too long') it is all but that share. `top` is the highest tenth.
        """
        if side == "top":
            share = 0.1
        low = side == "low"
        cut = self.at(attribute.name, share if low else 1 - share)
        if cut is None:
            return None
        if low:
            return Bounds(minimum=cut, minimum_open=True) if negated else Bounds(maximum=cut)
        return Bounds(maximum=cut, maximum_open=True) if negated else Bounds(minimum=cut)
