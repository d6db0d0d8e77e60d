"""How requests and items are put into chips and cards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from convrec.tui.text import counted
from convrec.tui.widget_chips import ChipFace

if TYPE_CHECKING:
    from convrec.agent.types import Recommendation
    from convrec.retrieval.request import Constraint, Request, RequestEdit
    from convrec.retrieval.schema import CatalogueSchema


def chip_faces(request: Request, schema: CatalogueSchema) -> list[ChipFace]:
    """The chips of a request, in the order in which it was said."""
    from convrec.agent.labels import label_constraint

    faces = [ChipFace(c.id, c.label or label_constraint(c, schema), c.strength.value) for c in request.constraints]
    faces += [ChipFace(d.id, d.text if d.weight > 0 else f"not {d.text}") for d in request.descriptions]
    faces += [ChipFace(r.id, f"{'like' if r.weight > 0 else 'unlike'} {r.title}") for r in request.references]
    left_out = request.exclusions
    if len(left_out) > 1:
        faces.append(ChipFace("exclusion", f"{len(left_out)} left out", "must", editable=False))
    elif left_out:
        faces.append(ChipFace(left_out[0].id, f"without {left_out[0].title}", "must", editable=False))
    faces += _wish_faces(request, schema)
    return faces


def _wish_faces(request: Request, schema: CatalogueSchema) -> list[ChipFace]:
    wishes = request.wishes
    faces = []
    if wishes.count != 10:
        faces.append(ChipFace("wish:count", counted(wishes.count, schema.noun, schema.plural)))
    if wishes.novelty:
        faces.append(ChipFace("wish:novelty", "hidden gems" if wishes.novelty > 0 else "well known", editable=False))
    if wishes.diversity is not None:
        faces.append(ChipFace("wish:diversity", "varied" if wishes.diversity >= 0.5 else "alike", editable=False))
    if wishes.include_history:
        faces.append(ChipFace("wish:include_history", "also what you know", editable=False))
    return faces


def removal(face: ChipFace) -> RequestEdit:
    """The edit that takes a chip away."""
    from convrec.retrieval.request import RequestEdit, Wishes

    if face.target.startswith("wish:"):
        name = face.target.removeprefix("wish:")
        return RequestEdit(op="wish", wishes={name: getattr(Wishes(), name)})
    return RequestEdit(op="drop", target=face.target)


def toggled(constraint: Constraint, schema: CatalogueSchema) -> RequestEdit:
    """The edit that makes a firm constraint a preference, or the other way round."""
    from convrec.agent.labels import label_constraint
    from convrec.retrieval.request import Provenance, RequestEdit, Strength

    strength = Strength.HARD if constraint.strength is Strength.SOFT else Strength.SOFT
    part = constraint.model_copy(update={"strength": strength, "label": ""})
    words = constraint.provenance.words
    update = {"label": label_constraint(part, schema), "provenance": Provenance(words=words, source="click")}
    return RequestEdit(op="replace", target=constraint.id, part=part.model_copy(update=update))


def changes(items: Sequence[Recommendation], before: Sequence[Recommendation]) -> dict[str, str]:
    """How each item moved since the list before: 'new', '▲ 2', '▼ 1'; nothing where there was no list."""
    if not before:
        return {}
    old = {item.id: item.rank for item in before}
    if not any(item.id in old for item in items):
        return {}
    told = {}
    for item in items:
        if item.id not in old:
            told[item.id] = "new"
        elif old[item.id] != item.rank:
            step = old[item.id] - item.rank
            told[item.id] = f"▲ {step}" if step > 0 else f"▼ {-step}"
    return told
