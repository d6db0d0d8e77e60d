"""The request: what a person wants, as a typed state that every message edits and every surface shows.

A request is a value: applying an edit gives a new one. Every part has an id that is unique within the request and
remembers the words it came from.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from convrec.retrieval.filters import And, Filter, leaves


class Strength(StrEnum):
    """How much a constraint binds."""

    MUST = "must"
    """never loosened: negations, 'must', lasting vetoes of the profile"""
    HARD = "hard"
    """holds, or its relaxation is stated"""
    SOFT = "soft"
    """lifts an item's score, excludes nothing"""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Provenance(_Part):
    """Where a part came from."""

    turn: int = 0
    words: str = ""
    """the words of the message, verbatim"""
    source: Literal["message", "profile", "tool", "click"] = "message"


class Constraint(_Part):
    """A condition on attributes."""

    kind: Literal["constraint"] = "constraint"
    id: str = ""
    filter: Filter
    strength: Strength = Strength.HARD
    negated: bool = False
    """said as something not wanted: never loosened"""
    label: str = ""
    """short, for a chip: 'year 1980–1989', 'not Horror'"""
    relative_to: str | None = None
    """id of the item that a critique ('shorter than X') took the bound from"""
    weight: float = 1.0
    """of a soft constraint"""
    provenance: Provenance = Provenance()

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(leaf.field for leaf in leaves(self.filter)))

    @property
    def loosenable(self) -> bool:
        return self.strength is Strength.HARD and not self.negated


class Description(_Part):
    """Free words that describe what is wanted (weight > 0) or not wanted (weight < 0); matched by meaning."""

    kind: Literal["description"] = "description"
    id: str = ""
    text: str
    weight: float = 1.0
    provenance: Provenance = Provenance()


class Reference(_Part):
    """An item named as an example: like it (weight > 0) or unlike it (weight < 0). It is never shown itself."""

    kind: Literal["reference"] = "reference"
    id: str = ""
    item_id: str
    title: str
    weight: float = 1.0
    provenance: Provenance = Provenance()


class Exclusion(_Part):
    """An item that must not be shown."""

    kind: Literal["exclusion"] = "exclusion"
    id: str = ""
    item_id: str
    title: str = ""
    reason: Literal["seen", "rejected", "named", "shown"] = "named"
    provenance: Provenance = Provenance()


class Wishes(_Part):
    """How the list as a whole should be. None means: the default of the ranker."""

    kind: Literal["wishes"] = "wishes"
    count: int = Field(default=10, ge=1, le=100)
    diversity: float | None = Field(default=None, ge=0, le=1)
    """0: as similar as the scores say; 1: as different as possible"""
    novelty: float = Field(default=0.0, ge=-1, le=1)
    """-1: well known ones; 1: hidden gems"""
    include_history: bool = False
    """whether items of the person's history may be shown"""


Part = Annotated[Constraint | Description | Reference | Exclusion, Field(discriminator="kind")]


class Request(_Part):
    """Everything that the person asked for so far in this conversation and did not take back."""

    constraints: tuple[Constraint, ...] = ()
    descriptions: tuple[Description, ...] = ()
    references: tuple[Reference, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    wishes: Wishes = Wishes()
    next_id: int = 1

    def parts(self) -> Iterator[Constraint | Description | Reference | Exclusion]:
        yield from self.constraints
        yield from self.descriptions
        yield from self.references
        yield from self.exclusions

    @property
    def empty(self) -> bool:
        """Nothing asked for: the person's taste alone decides. Exclusions and wishes do not count."""
        return not (self.constraints or self.descriptions or self.references)

    @property
    def binding(self) -> tuple[Constraint, ...]:
        """The constraints that every shown item must meet."""
        return tuple(c for c in self.constraints if c.strength is not Strength.SOFT)

    @property
    def soft(self) -> tuple[Constraint, ...]:
        return tuple(c for c in self.constraints if c.strength is Strength.SOFT)

    def hard_filter(self) -> And:
        """The conjunction of the binding constraints."""
        return And(parts=tuple(c.filter for c in self.binding))

    @property
    def text(self) -> str:
        """The wanted descriptions as one query."""
        return ", ".join(d.text for d in self.descriptions if d.weight > 0)


class RequestEdit(_Part):
    """One change of a request.

    `add` puts `part` in. `replace` drops what `target` names, then puts `part` in. `drop` drops what `target` names.
    `reset` empties the request (wishes too). `wish` sets the list-wide wishes named in `wishes`.

    `target` is a part's id ('c3'), a kind ('constraint', 'description', 'reference', 'exclusion'), or
    'field:NAME' for all constraints on an attribute.
    """

    op: Literal["add", "replace", "drop", "reset", "wish"]
    target: str | None = None
    part: Part | None = None
    wishes: dict[str, int | float | bool | None] = Field(default_factory=dict)


_PREFIX = {"constraint": "c", "description": "d", "reference": "r", "exclusion": "x"}
_SLOT = {
    "constraint": "constraints",
    "description": "descriptions",
    "reference": "references",
    "exclusion": "exclusions",
}


def apply_edit(request: Request, edit: RequestEdit) -> Request:
    """The request after one edit. Unknown targets change nothing; applying the same `drop` twice equals once."""
    if edit.op == "reset":
        return Request(next_id=request.next_id)
    if edit.op == "wish":
        wishes = Wishes.model_validate({**request.wishes.model_dump(), **edit.wishes})
        return request.model_copy(update={"wishes": wishes})
    if edit.op in ("drop", "replace") and edit.target:
        request = _drop(request, edit.target)
    if edit.op in ("add", "replace") and edit.part is not None:
        request = _add(request, edit.part)
    return request


def apply_edits(request: Request, edits: tuple[RequestEdit, ...] | list[RequestEdit]) -> Request:
    """The request after several edits, in order."""
    for edit in edits:
        request = apply_edit(request, edit)
    return request


def _add(request: Request, part: Constraint | Description | Reference | Exclusion) -> Request:
    slot = _SLOT[part.kind]
    present: tuple[Constraint | Description | Reference | Exclusion, ...] = getattr(request, slot)
    if any(_same(part, other) for other in present):
        return request
    named = part.model_copy(update={"id": f"{_PREFIX[part.kind]}{request.next_id}"})
    return request.model_copy(update={slot: (*present, named), "next_id": request.next_id + 1})


def _same(part: _Part, other: _Part) -> bool:
    skip = {"id", "provenance", "label"}
    return part.model_dump(exclude=skip) == other.model_dump(exclude=skip)


def _drop(request: Request, target: str) -> Request:
    if target in _SLOT:
        return request.model_copy(update={_SLOT[target]: ()})
    if target.startswith("field:"):
        name = target.removeprefix("field:")
        kept = tuple(c for c in request.constraints if name not in c.fields)
        return request.model_copy(update={"constraints": kept})
    return request.model_copy(
        update={slot: tuple(p for p in getattr(request, slot) if p.id != target) for slot in _SLOT.values()}
    )
