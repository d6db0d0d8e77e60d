"""The parts of a score as bars. Each part has a pattern and a name of its own besides its colour."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content

from convrec.tui.text import line

PATTERNS = "█▓▒░▚▞▤▥"
COLOURS = ("$primary", "$accent", "$success", "$secondary", "$error", "$warning", "$foreground 62%", "$foreground")
EIGHTHS = " ▏▎▍▌▋▊▉█"
SHOWN_FROM = 0.005
"""smaller parts are not shown"""


def order_of(terms: Mapping[str, float]) -> list[tuple[str, float]]:
    """The parts of a score, largest first, without those that count for nothing."""
    shown = [(name, value) for name, value in terms.items() if abs(value) >= SHOWN_FROM]
    return sorted(shown, key=lambda part: (-part[1], part[0]))


class Legend:
    """Which pattern and colour each part has; the same for all items of a list."""

    def __init__(self, names: list[str]) -> None:
        self._place = {name: position for position, name in enumerate(names)}

    def glyph(self, name: str) -> str:
        return PATTERNS[self._place.get(name, 0) % len(PATTERNS)]

    def colour(self, name: str) -> str:
        return COLOURS[self._place.get(name, 0) % len(COLOURS)]


def legend_of(lists: list[Mapping[str, float]]) -> Legend:
    """A legend for a list: the parts that count most in it come first."""
    totals: dict[str, float] = {}
    for terms in lists:
        for name, value in terms.items():
            totals[name] = totals.get(name, 0.0) + abs(value)
    return Legend(sorted(totals, key=lambda name: (-totals[name], name)))


def stacked(terms: Mapping[str, float], columns: int, scale: float, legend: Legend) -> Content:
    """The parts that lift the score beside each other; `scale` is the sum that fills all columns."""
    parts: list[tuple[str, str]] = []
    used = 0
    exact = 0.0
    for name, value in order_of(terms):
        if value <= 0:
            continue
        exact += value / scale * columns if scale > 0 else 0
        cells = min(columns, round(exact)) - used
        if cells > 0:
            parts.append((legend.glyph(name) * cells, legend.colour(name)))
            used += cells
    parts.append(("·" * (columns - used), "$foreground 30%"))
    return Content.assemble(*parts)


def named(terms: Mapping[str, float], legend: Legend, most: int) -> Content:
    """The largest parts in words: '█ request 0.9  ▓ taste 0.6'."""
    largest = sorted(order_of(terms), key=lambda part: -abs(part[1]))[:most]
    pieces: list[Content | str | tuple[str, str]] = []
    for name, value in largest:
        if pieces:
            pieces.append("  ")
        pieces.append((legend.glyph(name) if value > 0 else "−", legend.colour(name)))
        pieces.append((f" {line(name)} {number(abs(value))}", "$foreground 62%"))
    return Content.assemble(*pieces)


def signed(value: float, columns: int, scale: float, colour: str, glyph: str = "█") -> Content:
    """One part from the middle: to the right where it lifts, to the left where it lowers."""
    half = columns // 2
    cells = min(half, round(abs(value) / scale * half)) if scale > 0 else 0
    if abs(value) >= SHOWN_FROM:
        cells = max(cells, 1)
    left = glyph * cells if value < 0 else ""
    right = glyph * cells if value > 0 else ""
    return Content.assemble(
        (f"{left:>{half}}", colour),
        ("│", "$foreground 62%"),
        (f"{right:<{half}}", colour),
    )


def gauge(share: float, columns: int) -> str:
    """A bar in eighths of a cell; `share` in [0, 1]."""
    eighths = round(max(0.0, min(1.0, share)) * columns * 8)
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (EIGHTHS[rest] if rest else "")).ljust(columns)


def number(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
