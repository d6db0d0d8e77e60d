"""From the typed arguments of a tool to edits of a request, checked against the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Protocol

from convrec.agent.errors import ToolError
from convrec.agent.labels import label_constraint, plain_number
from convrec.agent.title_match import TitleQuery
from convrec.agent.tool_types import ConstraintArgument, RecommendArguments, RefineArguments
from convrec.retrieval.catalogue import EPOCH, iso_date
from convrec.retrieval.filter_compile import validate
from convrec.retrieval.filters import And, Contains, Filter, In, Missing, NotIn, Range, Value
from convrec.retrieval.request import (
    Constraint,
    Description,
    Exclusion,
    Provenance,
    Reference,
    Request,
    RequestEdit,
    Strength,
    apply_edits,
)
from convrec.retrieval.schema import Attribute, AttributeKind

if TYPE_CHECKING:
    from convrec.agent.engine import Engine
    from convrec.agent.title_match import TitleIndex
    from convrec.retrieval.catalogue import Catalogue

_LISTED = 12


class Shelf(Protocol):
    """Where attributes, values, ids and titles are looked up."""

    @property
    def catalogue(self) -> Catalogue: ...

    @property
    def titles(self) -> TitleIndex: ...


_SOURCE = Provenance(source="tool")


def attribute_summary(attribute: Attribute, listed: int = _LISTED) -> str:
    """One line on an attribute: kind, unit, range or the `listed` commonest values."""
    unit = f", {attribute.unit}" if attribute.unit else ""
    head = f"- {attribute.name} ({attribute.kind.value}{unit})"
    if attribute.kind is AttributeKind.TEXT:
        return f"{head}: free text, no constraint; describe it in words"
    if attribute.numeric and attribute.minimum is not None and attribute.maximum is not None:
        return f"{head}: {_bound(attribute, attribute.minimum)} to {_bound(attribute, attribute.maximum)}"
    if attribute.kind is AttributeKind.FLAG:
        return f"{head}: any_of [true] or [false]"
    shown = ", ".join(entry.value for entry in attribute.vocabulary[:listed])
    more = attribute.distinct - listed
    return f"{head}: {shown}" + (f" and {more:,} more" if more > 0 else "")


def _bound(attribute: Attribute, number: float) -> str:
    return iso_date(number) if attribute.kind is AttributeKind.DATE else plain_number(number, grouped=False)


def edits_of(asked: RecommendArguments | RefineArguments, shelf: Shelf) -> list[RequestEdit]:
    """The edits that the typed arguments mean.

    Raises:
        ToolError, FilterError: an attribute, a value or an item is unknown; the sentence names the nearest ones.
    """
    parts: list[Constraint | Description | Reference | Exclusion] = [*constraints_of(asked.constraints or (), shelf)]
    catalogue = shelf.catalogue
    for names, weight in ((asked.like, 1.0), (asked.unlike, -1.0)):
        rows = [row_of(name, shelf) for name in names or ()]
        parts += [
            Reference(item_id=catalogue.ids[row], title=catalogue.titles[row], weight=weight, provenance=_SOURCE)
            for row in rows
        ]
    rows = [row_of(name, shelf) for name in asked.exclude or ()]
    parts += [Exclusion(item_id=catalogue.ids[row], title=catalogue.titles[row], provenance=_SOURCE) for row in rows]
    edits = [RequestEdit(op="add", part=part) for part in parts]
    wishes = {
        name: value
        for name in ("count", "diversity", "novelty", "include_history")
        if (value := getattr(asked, name)) is not None
    }
    return [*edits, RequestEdit(op="wish", wishes=wishes)] if wishes else edits


def dropped(names: Sequence[str], request: Request) -> list[RequestEdit]:
    """The edits that take back parts of a request, by attribute or by id.

    Raises:
        ToolError: the request holds nothing of that name.
    """
    edits = []
    ids = {part.id: part for part in request.parts()}
    fields = {name for constraint in request.constraints for name in constraint.fields}
    for name in names:
        if name in ids:
            edits.append(RequestEdit(op="drop", target=name))
        elif name in fields:
            edits.append(RequestEdit(op="drop", target=f"field:{name}"))
        else:
            known = ", ".join([*sorted(fields), *ids]) or "nothing yet"
            raise ToolError(f"The request holds nothing called {name[:60]!r}; it holds: {known}.")
    return edits


def constraints_of(arguments: Iterable[ConstraintArgument], shelf: Shelf) -> list[Constraint]:
    """Checked constraints.

    Raises:
        ToolError, FilterError: see `edits_of`.
    """
    schema = shelf.catalogue.schema
    constraints = []
    for argument in arguments:
        validate(Missing(field=argument.field), schema)
        attribute = schema.attribute(argument.field)
        node = _filter(argument, attribute)
        validate(node, schema, shelf.catalogue)
        only_negative = isinstance(node, NotIn) or (isinstance(node, Contains) and node.mode == "none")
        constraint = Constraint(
            filter=node, strength=Strength(argument.strength or "hard"), negated=only_negative, provenance=_SOURCE
        )
        constraints.append(constraint.model_copy(update={"label": label_constraint(constraint, schema)}))
    return constraints


def _filter(argument: ConstraintArgument, attribute: Attribute) -> Filter:
    categories = attribute.kind in (AttributeKind.CATEGORY, AttributeKind.CATEGORIES)
    name = attribute.name
    parts: list[Filter] = []
    if argument.any_of:
        values = tuple(_value(v, attribute) for v in argument.any_of)
        parts.append(
            Contains(field=name, values=tuple(map(str, values))) if categories else In(field=name, values=values)
        )
    if argument.all_of:
        parts.append(Contains(field=name, values=tuple(map(str, argument.all_of)), mode="all"))
    if argument.none_of:
        values = tuple(_value(v, attribute) for v in argument.none_of)
        parts.append(
            Contains(field=name, values=tuple(map(str, values)), mode="none")
            if categories
            else NotIn(field=name, values=values)
        )
    low, high = (_number(bound, attribute) for bound in (argument.minimum, argument.maximum))
    if low is not None and high is not None and low > high:
        raise ToolError(f"The smallest {name!r} is larger than the largest; swap minimum and maximum.")
    if low is not None or high is not None:
        parts.append(Range(field=name, minimum=low, maximum=high))
    if not parts:
        raise ToolError(f"The constraint on {name!r} says nothing; give any_of, all_of, none_of, minimum or maximum.")
    return parts[0] if len(parts) == 1 else And(parts=tuple(parts))


def _value(value: Value, attribute: Attribute) -> Value:
    if attribute.numeric:
        number = _number(value, attribute) if not isinstance(value, bool) else None
        return value if number is None else number
    if attribute.kind is AttributeKind.FLAG and isinstance(value, str) and value.casefold() in ("true", "false"):
        return value.casefold() == "true"
    return value


def _number(bound: float | str | None, attribute: Attribute) -> float | None:
    if bound is None or isinstance(bound, float | int):
        return bound
    try:
        if attribute.kind is AttributeKind.DATE:
            return float((date.fromisoformat(bound) - EPOCH).days)
        return float(bound)
    except ValueError as error:
        wanted = "a date as YYYY-MM-DD" if attribute.kind is AttributeKind.DATE else "a number"
        raise ToolError(f"{attribute.name!r} wants {wanted}, not {bound[:60]!r}.") from error


def row_of(name: str, shelf: Shelf) -> int:
    """Row of an item by its id, or by a title that means exactly one.

    Raises:
        ToolError: there is none, or several; the sentence names candidates.
    """
    catalogue = shelf.catalogue
    if name in catalogue:
        return catalogue.row(name)
    match = shelf.titles.match(TitleQuery((name,)))
    if match.kind == "matched":
        return match.candidates[0].row
    if not match.candidates:
        raise ToolError(f"No item has the id or title {name[:80]!r}; look it up with search.")
    near = [f"{catalogue.titles[c.row]!r} (id {catalogue.ids[c.row]!r})" for c in match.candidates[:3]]
    raise ToolError(f"{name[:80]!r} is not clear; did you mean {' or '.join(near)}?")


def search(
    engine: Engine, shelf: Shelf, query: str, constraints: Sequence[Constraint], count: int
) -> tuple[list[int], int]:
    """Rows that fit words, best first: titles of those words, then what the words describe; and how many may fit."""
    from convrec.ranking.types import Person
    from convrec.retrieval.filter_compile import mask

    edits = [RequestEdit(op="add", part=part) for part in (*constraints, Description(text=query))]
    request = apply_edits(Request(), edits)
    allowed = mask(request.hard_filter(), engine.catalogue)
    titled = [c.row for c in shelf.titles.match(TitleQuery((query,))).candidates if allowed[c.row]]
    recalled = engine.recall.recall(engine.query(request, Person()))
    rows = list(dict.fromkeys([*titled, *recalled.rows.tolist()]))
    return rows[:count], int(allowed.sum())
