"""Edit one part of the request by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.widgets import Button, Input, Label, Select, Static

from convrec.tui.faces import removal
from convrec.tui.screen_panel import Panel
from convrec.tui.text import line

if TYPE_CHECKING:
    from convrec.retrieval.filters import Contains, In, NotIn, Range
    from convrec.retrieval.request import Constraint, Part, Request, RequestEdit
    from convrec.retrieval.schema import CatalogueSchema
    from convrec.tui.widget_chips import ChipFace

STRENGTHS = (
    ("must hold, never loosened", "must"),
    ("firm, loosened only when nothing fits", "hard"),
    ("a preference", "soft"),
)
SIGNS = (("wanted", "1"), ("not wanted", "-1"))


class EditScreen(Panel["list[RequestEdit]"]):
    """Bounds, values, words and strength of one chip."""

    HEADING = "Edit"

    def __init__(self, request: Request, face: ChipFace, schema: CatalogueSchema) -> None:
        super().__init__()
        self._face = face
        self._schema = schema
        self._part: Part | None = next((p for p in request.parts() if p.id == face.target), None)
        self._count = request.wishes.count

    def compose_body(self) -> ComposeResult:
        yield Static(Content(line(self._face.text)), id="was")
        part = self._part
        if part is not None and part.provenance.words:
            yield Static(Content(f"You said: “{line(part.provenance.words)}”"), classes="hint")
        for label, widget in self._rows():
            with Horizontal(classes="row"):
                yield Label(label)
                yield widget
        yield Static("", id="told")
        with Horizontal(classes="buttons"):
            yield Button("Apply", id="apply", variant="primary", compact=True)
            yield Button("Remove", id="remove", compact=True)
            yield Button("Cancel", id="cancel", compact=True)

    def _rows(self) -> list[tuple[str, Input | Select[str]]]:
        part = self._part
        if part is None:
            return [("How many", Input(str(self._count), type="integer", id="count", compact=True))]
        if part.kind == "constraint":
            return [
                *self._filter_rows(part),
                (
                    "Strength",
                    Select(STRENGTHS, value=part.strength.value, allow_blank=False, id="strength", compact=True),
                ),
            ]
        sign = "1" if part.kind != "exclusion" and part.weight > 0 else "-1"
        rows: list[tuple[str, Input | Select[str]]] = [
            ("It is", Select(SIGNS, value=sign, allow_blank=False, id="sign", compact=True))
        ]
        if part.kind == "description":
            rows.insert(0, ("Words", Input(part.text, id="words", compact=True)))
        return rows

    def _filter_rows(self, part: Constraint) -> list[tuple[str, Input | Select[str]]]:
        node = part.filter
        if node.op == "range":
            return [
                ("At least", Input(_number(node.minimum), id="minimum", compact=True)),
                ("At most", Input(_number(node.maximum), id="maximum", compact=True)),
            ]
        if node.op in ("in", "not_in", "contains"):
            known = (
                [entry.value for entry in self._schema.attribute(node.field).vocabulary]
                if node.field in self._schema
                else []
            )
            suggester = SuggestFromList(known, case_sensitive=False)
            values = ", ".join(str(value) for value in node.values)
            return [("Values", Input(values, suggester=suggester, id="values", compact=True))]
        return []

    def on_mount(self) -> None:
        self.head(f"Edit: {self._face.text}")
        first = next(iter(self.query("Input, Select")), None)
        if first is not None:
            first.focus()

    def on_input_submitted(self) -> None:
        self._apply()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "apply":
            self._apply()
        elif event.button.id == "remove":
            self.dismiss([removal(self._face)])
        else:
            self.dismiss(None)

    def _apply(self) -> None:
        try:
            self.dismiss(self._edits())
        except ValueError as error:
            self.query_one("#told", Static).update(Content(f"✗ {line(str(error))}"))

    def _edits(self) -> list[RequestEdit]:
        from convrec.retrieval.request import Provenance, RequestEdit

        part = self._part
        if part is None:
            count = self._value("count")
            if not count.isdigit() or not 1 <= int(count) <= 100:
                raise ValueError("Say a number from 1 to 100.")
            return [RequestEdit(op="wish", wishes={"count": int(count)})]
        update: dict[str, object] = {"provenance": Provenance(words=part.provenance.words, source="click")}
        if part.kind == "constraint":
            update |= self._constraint(part)
        elif part.kind != "exclusion":
            update["weight"] = abs(part.weight) * int(self._choice("sign"))
            if part.kind == "description":
                update["text"] = self._value("words") or part.text
        return [RequestEdit(op="replace", target=part.id, part=part.model_copy(update=update))]

    def _constraint(self, part: Constraint) -> dict[str, object]:
        from convrec.agent.labels import label_constraint
        from convrec.retrieval.request import Strength

        node = part.filter
        if node.op == "range":
            node = self._bounds(node)
        elif node.op in ("in", "not_in", "contains"):
            node = self._values(node)
        changed = part.model_copy(update={"filter": node, "strength": Strength(self._choice("strength"))})
        label = label_constraint(changed, self._schema)
        return {"filter": node, "strength": changed.strength, "label": label, "relative_to": None}

    def _bounds(self, node: Range) -> Range:
        low, high = self._bound("minimum"), self._bound("maximum")
        if low is None and high is None:
            raise ValueError("Give at least one bound, or remove the condition.")
        if low is not None and high is not None and low > high:
            raise ValueError("The lower bound is above the upper one.")
        update = {
            "minimum": low,
            "maximum": high,
            "minimum_open": node.minimum_open and low == node.minimum,
            "maximum_open": node.maximum_open and high == node.maximum,
        }
        return node.model_copy(update=update)

    def _bound(self, name: str) -> float | None:
        text = self._value(name).replace(",", ".")
        if not text:
            return None
        try:
            return float(text)
        except ValueError:
            raise ValueError(f"{text} is not a number.") from None

    def _values(self, node: In | NotIn | Contains) -> In | NotIn | Contains:
        typed = [value.strip() for value in self._value("values").split(",") if value.strip()]
        if not typed:
            raise ValueError("Give at least one value, or remove the condition.")
        known: dict[str, str | float | bool] = {str(value).casefold(): value for value in node.values}
        if node.field in self._schema:
            vocabulary = self._schema.attribute(node.field).vocabulary
            known.update((entry.value.casefold(), entry.value) for entry in vocabulary)
        return node.model_copy(update={"values": tuple(known.get(value.casefold(), value) for value in typed)})

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _choice(self, name: str) -> str:
        return str(self.query_one(f"#{name}", Select).value)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
