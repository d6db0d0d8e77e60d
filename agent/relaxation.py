"""The smallest loosening of a request that lets more items in, and which of its constraints exclude each other.

Every item that misses the request has a pattern: the set of loosenable constraints that it breaks. The items with the
fewest broken constraints are the nearest misses; loosening exactly their constraints, by as little as they need, is
the smallest loosening. Negated and `must` constraints are never touched.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convrec.agent.labels import join_words, label_constraint, seconds_per_unit
from convrec.agent.types import Relaxation
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.filter_compile import mask
from convrec.retrieval.filters import Contains, Range
from convrec.retrieval.request import Constraint, Request, RequestEdit, Strength
from convrec.retrieval.schema import Attribute, AttributeKind, Role

SOFT_COST = 1.0
DISJUNCTION_COST = 0.5
FARTHEST_STEP = 0.5
"""of the spread of an attribute: a bound that had to move farther becomes a preference instead"""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Loosening:
    """One way to let more items in: `loosened` replaces the constraints of the same ids."""

    loosened: tuple[Constraint, ...]
    before: str
    after: str
    fits_before: int
    gained: int
    cost: float

    @property
    def constraint_id(self) -> str:
        return self.loosened[0].id

    @property
    def edits(self) -> tuple[RequestEdit, ...]:
        """What carries it out on the request."""
        return tuple(RequestEdit(op="replace", target=c.id, part=c) for c in self.loosened)

    def relaxation(self, *, applied: bool) -> Relaxation:
        """As it is told in the reply."""
        return Relaxation(
            constraint=self.before,
            to=self.after,
            fits_before=self.fits_before,
            gained=self.gained,
            applied=applied,
            constraint_id=self.constraint_id,
            constraint_ids=tuple(c.id for c in self.loosened),
        )


def find_relaxations(request: Request, catalogue: Catalogue, excluded: Mask, wanted: int) -> tuple[Loosening, ...]:
    """Loosenings that let items in, smallest first; empty when none helps.

    `excluded` (I,) bool marks rows that may not be shown whatever the request says. Loosenings of one constraint
    are returned where any helps, else those of the fewest constraints together.
    """
    loosenable = [c for c in request.binding if c.loosenable][:60]
    if not loosenable:
        return ()
    eligible = ~excluded
    for constraint in request.binding:
        if constraint not in loosenable:
            eligible &= mask(constraint.filter, catalogue)
    rows = np.flatnonzero(eligible)
    met = np.array([mask(c.filter, catalogue)[rows] for c in loosenable])  # (C, R)
    broken = (~met).sum(axis=0)
    fits = int((broken == 0).sum())
    misses = broken[broken > 0]
    if misses.size == 0:
        return ()
    nearest = broken == misses.min()
    bits = np.uint64(1) << np.arange(len(loosenable), dtype=np.uint64)
    patterns = ((~met).astype(np.uint64) * bits[:, None]).sum(axis=0)
    found = []
    for pattern in np.unique(patterns[nearest]):
        chosen = [i for i in range(len(loosenable)) if int(pattern) >> i & 1]
        near = rows[nearest & (patterns == pattern)]
        others = [i for i in range(len(loosenable)) if i not in chosen]
        open_rows = rows[met[others].all(axis=0)] if others else rows
        found.append(_loosen([loosenable[i] for i in chosen], near, open_rows, catalogue, fits=fits, wanted=wanted))
    few = min(wanted, 3)
    return tuple(sorted(found, key=lambda x: (x.cost + (0.3 if x.fits_before + x.gained < few else 0.0), -x.gained)))


def contradictions(request: Request, catalogue: Catalogue) -> tuple[tuple[Constraint, ...], ...]:
    """Constraints that no item meets: alone, else two together, else one smallest set; empty when some item meets all.

    Each inner tuple excludes itself: no item of the catalogue meets all of its constraints.
    """
    binding = request.binding
    masks = [mask(c.filter, catalogue) for c in binding]
    if not binding or np.logical_and.reduce(masks).any():
        return ()
    alone = tuple((c,) for c, m in zip(binding, masks, strict=True) if not m.any())
    if alone:
        return alone
    pairs = [
        (binding[i], binding[j])
        for i in range(len(binding))
        for j in range(i + 1, len(binding))
        if not (masks[i] & masks[j]).any()
    ]
    if pairs:
        return tuple(pairs)
    kept = list(range(len(binding)))
    for i in range(len(binding)):
        rest = [k for k in kept if k != i]
        if not np.logical_and.reduce([masks[k] for k in rest]).any():
            kept = rest
    return (tuple(binding[k] for k in kept),)


def _loosen(
    constraints: Sequence[Constraint],
    near: NDArray[np.intp],
    open_rows: NDArray[np.intp],
    catalogue: Catalogue,
    *,
    fits: int,
    wanted: int,
) -> Loosening:
    """The least change of `constraints` that lets the best of the rows `near` in; `open_rows` meet everything else."""
    steps = np.array([_steps(c, near, catalogue) for c in constraints])  # (C, N)
    total = steps.sum(axis=0)
    order = np.argsort(total, kind="stable")
    limit = max(float(total[order[0]]) * 1.5, 0.15)
    needed = max(wanted - fits, 1)
    picked = order[: max(needed, 1)]
    picked = picked[total[picked] <= limit]
    loosened = tuple(_least(c, near[picked], steps[i][picked], catalogue) for i, c in enumerate(constraints))
    inside = np.ones(open_rows.size, dtype=bool)
    for constraint in loosened:
        if constraint.strength is not Strength.SOFT:
            inside &= mask(constraint.filter, catalogue)[open_rows]
    schema = catalogue.schema
    return Loosening(
        loosened=loosened,
        before=join_words([label_constraint(c, schema) for c in constraints]),
        after=join_words([label_constraint(c, schema) for c in loosened]),
        fits_before=fits,
        gained=int(inside.sum()) - fits,
        cost=float(steps.max(axis=1, initial=0.0).sum() if picked.size == 0 else steps[:, picked].max(axis=1).sum()),
    )


def _steps(constraint: Constraint, rows: NDArray[np.intp], catalogue: Catalogue) -> NDArray[np.float64]:
    """(N,) how far the constraint must give way for each row: below `SOFT_COST` by a step, at it as a preference."""
    node = constraint.filter
    cost = np.full(rows.size, SOFT_COST)
    if isinstance(node, Range):
        outside = _outside(node, catalogue.number(node.field)[rows]) / _spread(catalogue, node.field)
        near = outside <= FARTHEST_STEP
        cost[near] = outside[near]
    elif isinstance(node, Contains) and node.mode == "all" and len(node.values) > 1:
        cost[mask(node.model_copy(update={"mode": "any"}), catalogue)[rows]] = DISJUNCTION_COST
    return cost


def _least(
    constraint: Constraint, rows: NDArray[np.intp], steps: NDArray[np.float64], catalogue: Catalogue
) -> Constraint:
    """The constraint, given way just enough for `rows`."""
    node = constraint.filter
    schema = catalogue.schema
    loosened = constraint.model_copy(update={"strength": Strength.SOFT})
    if steps.max() < SOFT_COST:
        if isinstance(node, Range):
            moved = _moved(node, catalogue.number(node.field)[rows], schema.attribute(node.field))
            loosened = constraint.model_copy(update={"filter": moved})
        elif isinstance(node, Contains):
            loosened = constraint.model_copy(update={"filter": node.model_copy(update={"mode": "any"})})
    return loosened.model_copy(update={"label": label_constraint(loosened, schema)})


def _outside(node: Range, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) distance of values from the range, in their own unit; infinite where missing, tiny at an open bound."""
    below = np.maximum(0.0, node.minimum - values) if node.minimum is not None else np.zeros_like(values)
    above = np.maximum(0.0, values - node.maximum) if node.maximum is not None else np.zeros_like(values)
    return np.where(np.isnan(values), np.inf, np.maximum(below, above))


def _spread(catalogue: Catalogue, name: str) -> float:
    values = catalogue.number(name)
    known = values[~np.isnan(values)]
    if known.size == 0:
        return 1.0
    low, high = np.quantile(known, (0.1, 0.9))
    return float(high - low) or float(known.max() - known.min()) or 1.0


def _moved(node: Range, values: NDArray[np.float64], attribute: Attribute) -> Range:
    """The range with its bounds moved outwards, to round numbers, so that it holds `values`."""
    update: dict[str, float | bool] = {}
    low, high = float(values.min()), float(values.max())
    step = _round_step(node, low, high, attribute)
    if node.minimum is not None and (low < node.minimum or (node.minimum_open and low == node.minimum)):
        update |= {"minimum": round(math.floor(round(low / step, 9)) * step, 6), "minimum_open": False}
    if node.maximum is not None and (high > node.maximum or (node.maximum_open and high == node.maximum)):
        update |= {"maximum": _ceiling(high, step, attribute), "maximum_open": False}
    return node.model_copy(update=update)


def _ceiling(high: float, step: float, attribute: Attribute) -> float:
    """The round upper bound; a range of years ends with the last year of its step: 1984 or 1989, not 1990."""
    if attribute.role is Role.YEAR and attribute.kind is AttributeKind.NUMBER and step > 1:
        return math.floor(high / step) * step + step - 1
    return round(math.ceil(round(high / step, 9)) * step, 6)


def _round_step(node: Range, low: float, high: float, attribute: Attribute) -> float:
    """What new bounds are rounded to: 5 years, 5 minutes, or a tenth of the size of the move's own scale."""
    moved = max(
        (node.minimum - low) if node.minimum is not None else 0.0,
        (high - node.maximum) if node.maximum is not None else 0.0,
    )
    if attribute.kind is AttributeKind.DATE:
        return 1.0
    if attribute.role is Role.YEAR:
        return 5.0 if moved > 2 else 1.0
    scale = seconds_per_unit(attribute.unit)
    if scale is not None:
        return max(300 / scale, 1.0) if moved * scale > 120 else 60 / scale
    if moved <= 0:
        return 10.0 ** math.floor(math.log10(abs(high) or 1.0)) / 100
    rounded = float(10.0 ** math.floor(math.log10(moved)))
    return max(rounded, 1.0) if attribute.integer else rounded
