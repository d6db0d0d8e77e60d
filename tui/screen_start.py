"""The first start: the starter data, or a file of one's own; built inside the app."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.suggester import Suggester
from textual.widgets import Button, Input, Label, ProgressBar, RadioButton, RadioSet, Static

from convrec.retrieval.errors import ConvrecError
from convrec.tui.screen_panel import Panel
from convrec.tui.text import counted, fit, line, wrapped

if TYPE_CHECKING:
    from convrec.agent.views import SchemaPreview
    from convrec.retrieval.schema import Attribute

WELCOME = (
    "convrec recommends from a catalogue, in conversation. Begin with the starter data, 1,682 films with the ratings "
    "of 943 people (MovieLens-100K, fetched once; for research, not for selling), or with a table of your own: films, "
    "books, tools, anything with titles. A second table says who liked what; without one the items alone are used."
)
SUFFIXES = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".parquet", ".gz", ".zst", ".zip")


def path_completions(typed: str, most: int = 40) -> Iterable[str]:
    """Folders and tables that begin with what was typed."""
    path = Path(typed).expanduser()
    folder, begin = (path, "") if typed.endswith("/") else (path.parent, path.name)
    head = typed if typed.endswith("/") else typed[: len(typed) - len(begin)]
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return
    for entry in found[:2000]:
        if not entry.name.startswith(begin) or (entry.name.startswith(".") and not begin.startswith(".")):
            continue
        if entry.is_dir():
            yield f"{head}{entry.name}/"
        elif entry.suffix.casefold() in SUFFIXES:
            yield f"{head}{entry.name}"
        most -= 1
        if most == 0:
            return


class PathSuggester(Suggester):
    """Completes a path as it is typed; the right arrow takes it."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        return next(iter(path_completions(value)), None) if value else None


class StartScreen(Panel[str]):
    """Ends with the workspace that was built, or None."""

    HEADING = "Begin"

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(id="body", can_focus=False):
            yield Static(Content(WELCOME), classes="hint")
            with RadioSet(id="choice", compact=True):
                yield RadioButton("the starter data", value=True, id="starter")
                yield RadioButton("a file of my own", id="own")
            with Vertical(id="files"):
                for name, label, hint in (
                    ("items", "Items", "CSV, TSV, JSON lines or Parquet; → completes"),
                    ("log", "Log", "optional: who liked what"),
                ):
                    with Horizontal(classes="row"):
                        yield Label(label)
                        yield Input(placeholder=hint, suggester=PathSuggester(), id=name, compact=True)
            with Horizontal(classes="buttons"):
                yield Button("Build", id="build", variant="primary", compact=True)
                yield Button("Preview", id="preview", compact=True)
                yield Button("Leave", id="leave", compact=True)
            yield Static("", id="stage")
            yield ProgressBar(id="progress", show_eta=False)
            yield Static("", id="told")

    def on_mount(self) -> None:
        self._own(False)
        self.query_one("#progress").display = False
        self.query_one("#choice").focus()

    def _own(self, own: bool) -> None:
        self.query_one("#files").display = own
        self.query_one("#preview").display = own

    @property
    def chosen_own(self) -> bool:
        return self.query_one("#own", RadioButton).value

    def on_radio_set_changed(self) -> None:
        self._own(self.chosen_own)
        if self.chosen_own:
            self.query_one("#items").focus()

    def on_input_submitted(self) -> None:
        self.run_worker(self._preview(), exclusive=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "leave":
            self.dismiss(None)
        elif event.button.id == "preview":
            self.run_worker(self._preview(), exclusive=True)
        else:
            self.run_worker(self._build(), exclusive=True)

    def _paths(self) -> tuple[str | None, str | None]:
        items, log = (self.query_one(f"#{name}", Input).value.strip() for name in ("items", "log"))
        return (str(Path(items).expanduser()) if items else None, str(Path(log).expanduser()) if log else None)

    async def _preview(self) -> None:
        told = self.query_one("#told", Static)
        items, log = self._paths()
        if items is None:
            told.update(Content("✗ Name the file with the items."))
            return
        told.update(Content("Reading …"))
        try:
            preview = await self.backend.preview(items, log)
        except ConvrecError as error:
            told.update(Content(f"✗ {line(str(error))}"))
            return
        told.update(_preview(preview, max(told.size.width, 30)))
        told.call_after_refresh(told.scroll_visible, animate=False)

    async def _build(self) -> None:
        told, stage = self.query_one("#told", Static), self.query_one("#stage", Static)
        progress = self.query_one("#progress", ProgressBar)
        items, log = self._paths() if self.chosen_own else (None, None)
        if self.chosen_own and items is None:
            told.update(Content("✗ Name the file with the items."))
            return
        button = self.query_one("#build", Button)
        button.disabled = progress.display = True
        workspace = self.convrec.workspace
        self.convrec.chat.status.set(engine="building")
        try:
            async for step in self.backend.build(workspace, items, log):
                workspace = step.workspace or workspace
                stage.update(Content(f"{line(step.stage)} …"))
                progress.update(total=max(step.total, 1), progress=step.done)
        except ConvrecError as error:
            told.update(Content(f"✗ {line(str(error))}"))
            self.convrec.chat.status.set(engine="closed")
            button.disabled = progress.display = False
            stage.update("")
            return
        self.dismiss(workspace)


def _preview(preview: SchemaPreview, columns: int) -> Content:
    schema = preview.catalogue
    head = f"{counted(preview.loaded, schema.noun, schema.plural)}"
    if preview.interactions:
        head += f", {preview.interactions:,} interactions of {preview.people:,} people"
    if preview.rejected:
        head += f"; {preview.rejected:,} rows rejected"
    columns_line = (
        f"id: {schema.id_column} · title: {schema.title_column} · text: {', '.join(schema.text_columns) or 'none'}"
    )
    lines = [Content.styled(line(head), "bold"), Content.styled(line(columns_line), "$foreground 62%")]
    for attribute in schema.attributes:
        role = attribute.role.value if attribute.role else ""
        lines.append(
            Content.assemble(
                (fit(attribute.name, 16), "bold"),
                f" {fit(attribute.kind.value, 10)} {fit(role, 10)} ",
                (fit(_values(attribute), max(columns - 40, 8)), "$foreground 62%"),
            )
        )
    for warning in preview.warnings:
        lines += [Content.styled(part, "$text-warning") for part in wrapped(f"! {warning}", columns, 3)]
    return Content("\n").join(lines)


def _values(attribute: Attribute) -> str:
    if attribute.numeric and attribute.minimum is not None and attribute.maximum is not None:
        unit = f" {attribute.unit}" if attribute.unit else ""
        return f"{attribute.minimum:g} to {attribute.maximum:g}{unit}"
    return ", ".join(entry.value for entry in attribute.vocabulary[:6])
