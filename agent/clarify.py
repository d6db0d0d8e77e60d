"""One short question whose answers split the candidates best; asked only when it would change the list."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convrec.agent.labels import currency_symbol, label_number, label_value, seconds_per_unit
from convrec.agent.types import Clarify
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.filters import Contains, Filter, In, Range
from convrec.retrieval.request import Constraint, Provenance, Request, RequestEdit
from convrec.retrieval.schema import Attribute, AttributeKind, Role

POOL = 200
"""candidates looked at, best first"""
FEWEST = 12
"""candidates below which the list is short enough to show"""
LARGEST_VOCABULARY = 400
"""values beyond which people cannot be asked to pick one by name"""
ANSWERABLE = {Role.TOPIC: 1.0, Role.PRICE: 0.9, Role.DURATION: 0.85, Role.YEAR: 0.8, Role.LANGUAGE: 0.6}
"""how readily a person has an opinion on an attribute, in [0, 1]; other attributes are not asked about"""
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Question:
    """A question, the attribute it is about, and what each of its options does to the request."""

    clarify: Clarify
    attribute: str
    edits: tuple[RequestEdit, ...]
    gain: float
    """entropy of the answers over the candidates, in [0, 1], weighted by how readily people answer"""


@dataclass(frozen=True)
class _Option:
    text: str
    filter: Filter
    members: NDArray[np.bool_]
    """(n,) which candidates it keeps"""


def is_vague(request: Request) -> bool:
    """Whether the request leaves most open: no example, at most one positive condition and a few words."""
    if any(r.weight > 0 for r in request.references):
        return False
    conditions = sum(not c.negated and c.provenance.source != "profile" for c in request.constraints)
    words = len(WORD.findall(request.text))
    return conditions <= 1 and words <= 3 and conditions * 3 + words <= 4


def choose_question(
    request: Request, rows: NDArray[np.int32], catalogue: Catalogue, asked: frozenset[str]
) -> Question | None:
    """The question that splits the candidates best, or None where none is worth asking.

    `rows` are candidates, best first; `asked` names attributes that were asked about before. Each option can be sent
    back as a message, or applied as the edit of the same position.
    """
    if rows.size < FEWEST or not is_vague(request):
        return None
    pool = rows[:POOL]
    taken = {name for c in request.constraints if not c.negated for name in c.fields} | asked
    best: Question | None = None
    for attribute in catalogue.schema.attributes:
        if attribute.name in taken or attribute.role not in ANSWERABLE:
            continue
        options = _options(attribute, pool, catalogue)
        if len(options) < 2 or not _changes_list(options, request.wishes.count):
            continue
        gain = _entropy(options) * ANSWERABLE.get(attribute.role or Role.PERSON, 0.0)
        if best is None or gain > best.gain + 1e-9:
            best = _question(attribute, options, gain)
    return best if best is not None and best.gain >= 0.25 else None


def _question(attribute: Attribute, options: Sequence[_Option], gain: float) -> Question:
    edits = tuple(
        RequestEdit(
            op="add",
            part=Constraint(
                filter=option.filter, label=option.text, provenance=Provenance(words=option.text, source="click")
            ),
        )
        for option in options
    )
    clarify = Clarify(question=_wording(attribute), options=tuple(option.text for option in options))
    return Question(clarify=clarify, attribute=attribute.name, edits=edits, gain=gain)


def _wording(attribute: Attribute) -> str:
    if attribute.role is Role.YEAR:
        return "From which time?"
    if attribute.role is Role.PRICE:
        return "What may it cost?"
    if attribute.role is Role.DURATION:
        return "How long should it be?"
    if attribute.role is Role.LANGUAGE:
        return "In which language?"
    return f"Which {attribute.label} would you like?"


def _options(attribute: Attribute, pool: NDArray[np.int32], catalogue: Catalogue) -> list[_Option]:
    if attribute.kind in (AttributeKind.CATEGORY, AttributeKind.CATEGORIES):
        return _value_options(attribute, pool, catalogue)
    if attribute.numeric:
        return _range_options(attribute, pool, catalogue)
    return []


def _value_options(attribute: Attribute, pool: NDArray[np.int32], catalogue: Catalogue) -> list[_Option]:
    """Up to four values, each carried by a fair share of the candidates, that overlap as little as possible."""
    column = catalogue.categories(attribute.name)
    if len(column.vocabulary) > LARGEST_VOCABULARY:
        return []
    codes: dict[int, NDArray[np.bool_]] = {}
    for position, row in enumerate(pool):
        for code in column.codes[column.indptr[row] : column.indptr[row + 1]]:
            codes.setdefault(int(code), np.zeros(pool.size, dtype=bool))[position] = True
    fair = {code: held for code, held in codes.items() if 0.08 <= held.mean() <= 0.75}
    covered = np.zeros(pool.size, dtype=bool)
    options: list[_Option] = []
    while fair and len(options) < 4:
        code = max(fair, key=lambda c: (int((fair[c] & ~covered).sum()), -c))
        held = fair.pop(code)
        if (held & ~covered).mean() < 0.05:
            break
        covered |= held
        value = column.vocabulary[code]
        node: Filter = (
            Contains(field=attribute.name, values=(value,))
            if attribute.kind is AttributeKind.CATEGORIES
            else In(field=attribute.name, values=(value,))
        )
        options.append(_Option(_value_text(attribute, value), node, held))
    return options


def _value_text(attribute: Attribute, value: str) -> str:
    shown = label_value(attribute, value)
    if attribute.role is Role.LANGUAGE:
        return f"in {shown}"
    return shown.lower() if shown.istitle() or shown.capitalize() == shown else shown


def _range_options(attribute: Attribute, pool: NDArray[np.int32], catalogue: Catalogue) -> list[_Option]:
    """Three ranges cut at round numbers near the thirds of the candidates; two where the cuts coincide."""
    values = catalogue.number(attribute.name)[pool]
    known = values[~np.isnan(values)]
    if known.size < FEWEST or (attribute.kind is AttributeKind.DATE and attribute.role is not Role.YEAR):
        return []
    thirds = [float(q) for q in np.quantile(known, (1 / 3, 2 / 3))]
    if attribute.role is Role.YEAR:
        return _year_options(attribute, values, thirds)
    step = _cut_step(attribute, thirds)
    cuts = sorted({round(round(cut / step) * step, 6) for cut in thirds})
    cuts = [c for c in cuts if known.min() < c <= known.max()]
    if not cuts:
        return []
    name = attribute.name
    low, high = (label_number(attribute, c) for c in (cuts[0], cuts[-1]))
    short, long = (
        ("something short (under {})", "something long (over {})")
        if attribute.role is Role.DURATION
        else ("under {}", "over {}")
    )
    options = [(short.format(low), Range(field=name, maximum=cuts[0], maximum_open=True))]
    if len(cuts) > 1:
        options.append((f"{low} to {high}", Range(field=name, minimum=cuts[0], maximum=cuts[-1])))
    options.append((long.format(high), Range(field=name, minimum=cuts[-1], minimum_open=len(cuts) > 1)))
    return [_Option(text, node, _within(node, values)) for text, node in options]


def _year_options(attribute: Attribute, values: NDArray[np.float64], thirds: list[float]) -> list[_Option]:
    in_days = attribute.kind is AttributeKind.DATE
    to_year: Callable[[float], int] = (lambda d: int(1970 + d / 365.2425)) if in_days else int

    def bound(year: int) -> float:
        return float(np.datetime64(f"{year:04d}-01-01", "D").astype(int)) if in_days else float(year)

    first, second = (to_year(cut) // 10 * 10 for cut in thirds)
    name = attribute.name
    options: list[tuple[str, Range]] = []
    if first == second:
        options = [
            (f"before {first}", Range(field=name, maximum=bound(first), maximum_open=True)),
            (f"from the {first}s", Range(field=name, minimum=bound(first), maximum=bound(first + 10) - 1)),
            (f"since {first + 10}", Range(field=name, minimum=bound(first + 10))),
        ]
    else:
        middle = f"from the {first}s" if second == first + 10 else f"between {first} and {second - 1}"
        options = [
            (f"before {first}", Range(field=name, maximum=bound(first), maximum_open=True)),
            (middle, Range(field=name, minimum=bound(first), maximum=bound(second) - 1)),
            (f"since {second}", Range(field=name, minimum=bound(second))),
        ]
    built = [_Option(text, node, _within(node, values)) for text, node in options]
    return [option for option in built if option.members.mean() >= 0.05]


def _cut_step(attribute: Attribute, thirds: list[float]) -> float:
    scale = seconds_per_unit(attribute.unit)
    if scale is not None:
        return (600 if thirds[1] * scale >= 3600 else 300 if thirds[1] * scale >= 600 else 60) / scale
    magnitude = float(10.0 ** math.floor(math.log10(max(thirds[1], 1e-6))))
    step = magnitude / 2 if thirds[1] / magnitude < 4 else magnitude
    return max(step, 1.0) if attribute.integer or currency_symbol(attribute.unit) else step


def _within(node: Range, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    inside = ~np.isnan(values)
    if node.minimum is not None:
        inside &= values > node.minimum if node.minimum_open else values >= node.minimum
    if node.maximum is not None:
        inside &= values < node.maximum if node.maximum_open else values <= node.maximum
    return inside


def _entropy(options: Sequence[_Option]) -> float:
    """Entropy of the answers, as a share of the largest possible, times the share of candidates that any answer keeps.

    A candidate that several options keep counts for the rarest of them: answers that overlap split badly.
    """
    n = options[0].members.size
    owned = np.zeros(n, dtype=bool)
    shares = []
    for option in sorted(options, key=lambda o: int(o.members.sum())):
        shares.append(float((option.members & ~owned).sum()) / n)
        owned |= option.members
    kept = sum(shares)
    if kept == 0:
        return 0.0
    parts = [s / kept for s in shares if s > 0]
    return kept * -sum(p * math.log(p) for p in parts) / math.log(len(options))


def _changes_list(options: Sequence[_Option], count: int) -> bool:
    """Whether every answer would replace at least a fifth of the list that is shown now."""
    return all(float(option.members[:count].mean()) <= 0.8 for option in options)
