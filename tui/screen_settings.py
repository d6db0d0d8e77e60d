"""Connect a language model, probe it, and see what it can do; also what works otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Label, Select, Static

from convrec.retrieval.errors import ConvrecError
from convrec.tui.screen_panel import Panel
from convrec.tui.text import clean, fit, line

if TYPE_CHECKING:
    from convrec.agent.views import Finding

MODES = (
    ("what the endpoint can do", "auto"),
    ("structured output", "structured"),
    ("tool calls", "tools"),
    ("offline", "offline"),
)
SIGNS = {"ok": "✓", "note": "·", "fault": "✗"}
WORDS = (
    "convrec works offline; a language model only reads and words things more freely. "
    "Any OpenAI-compatible endpoint will do, also one on this machine, such as http://localhost:11434/v1. "
    "What is typed here is not kept; CONVREC_LLM__MODEL, CONVREC_LLM__BASE_URL and CONVREC_LLM__API_KEY are."
)


class SettingsScreen(Panel[None]):
    """The form, the probe, and the findings of `convrec doctor`."""

    HEADING = "Settings"

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(id="body", can_focus=False):
            yield Static(Content(WORDS), classes="hint")
            for name, label, hint, secret in (
                ("model", "Model", "name at the endpoint", False),
                ("url", "Endpoint", "empty: OpenAI's own", False),
                ("key", "Key", "empty: as in the environment", True),
            ):
                with Horizontal(classes="row"):
                    yield Label(label)
                    yield Input(placeholder=hint, password=secret, id=name, compact=True)
            with Horizontal(classes="row"):
                yield Label("Use")
                yield Select(MODES, value="auto", allow_blank=False, id="mode", compact=True)
            with Horizontal(classes="buttons"):
                yield Button("Connect and probe", id="connect", variant="primary", compact=True)
                yield Button("Work offline", id="offline", compact=True)
                yield Button("What works?", id="doctor", compact=True)
            yield Static("", id="told")

    def on_mount(self) -> None:
        opened = self.convrec.opened
        if opened is not None and opened.model:
            self.query_one("#model", Input).value = opened.model
        self.query_one("#model").focus()

    def on_input_submitted(self) -> None:
        self.run_worker(self._connect(str(self.query_one("#mode", Select).value)), exclusive=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "connect":
            self.run_worker(self._connect(str(self.query_one("#mode", Select).value)), exclusive=True)
        elif event.button.id == "offline":
            self.run_worker(self._connect("offline"), exclusive=True)
        else:
            self.run_worker(self._examine(), exclusive=True)

    async def _connect(self, mode: str) -> None:
        told = self.query_one("#told", Static)
        values = {name: self.query_one(f"#{name}", Input).value.strip() for name in ("model", "url", "key")}
        if mode != "offline" and not values["model"]:
            told.update(Content("✗ Name a model."))
            return
        told.update(Content("Asking the endpoint …" if mode != "offline" else "…"))
        try:
            check = await self.backend.connect(values["model"], values["url"], values["key"], mode)
        except ConvrecError as error:
            told.update(Content(f"✗ {line(str(error))}"))
            return
        able = [f"  {'✓' if can else '–'} {line(name)}" for name, can in check.abilities.items()]
        told.update(Content("\n".join([f"{'✓' if check.ok else '✗'} {clean(check.text)}", *able])))
        told.call_after_refresh(told.scroll_visible, animate=False)
        if check.ok:
            status = self.convrec.chat.status
            status.set(mode="offline" if mode == "offline" else "connected", model=values["model"] or None)

    async def _examine(self) -> None:
        told = self.query_one("#told", Static)
        told.update(Content("Looking …"))
        try:
            findings = await self.backend.doctor()
        except ConvrecError as error:
            told.update(Content(f"✗ {line(str(error))}"))
            return
        told.update(Content("\n").join(_finding(finding) for finding in findings))
        told.call_after_refresh(told.scroll_visible, animate=False)


def _finding(finding: Finding) -> Content:
    remedy = f"\n  → {line(finding.remedy)}" if finding.remedy else ""
    return Content.assemble(
        f"{SIGNS[finding.state]} ", (fit(finding.subject, 16), "bold"), line(finding.text), (remedy, "$foreground 62%")
    )
