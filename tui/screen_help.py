"""Keys and commands."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from convrec.tui.commands import COMMANDS
from convrec.tui.screen_panel import Panel
from convrec.tui.text import fit, wrapped

SAY = (
    "funny science fiction from the eighties",
    "like the second one but shorter",
    "no horror · nothing before 1990 · at most two hours",
    "why 2? · compare 1 and 4 · more · something else",
    "forget the year · go back · start over",
)
KEYS = (
    ("Enter", "send; on a card: why; on a chip: edit"),
    ("Ctrl+J, Shift+Enter", "a new line in the message"),
    ("↑ ↓, Ctrl+R", "earlier messages, search in them"),
    ("Tab", "complete a title or a command; else go on"),
    ("Esc", "cancel the turn; back to the input"),
    ("F8, Ctrl+L", "to the list and back"),
    ("1 … 9, 0, j k", "on the list: go to an entry"),
    ("l d s x", "on a card: like, not for me, seen, never again"),
    ("m", "on a card: more like it"),
    ("c, C", "on a card: pick for comparing; compare"),
    ("u, Ctrl+Z", "take back the last thing done"),
    ("y, Y", "copy the message or item; copy the list"),
    ("Ctrl+T", "to the request; there Space makes firm or soft, Delete removes"),
    ("Ctrl+P", "command palette, also for themes"),
    ("Ctrl+N, Ctrl+Q", "new conversation; leave"),
)
SIGNS = (
    ("■ ● ○ ≈", "must hold · firm · a preference · matched by meaning"),
    ("▲ ▼ new", "moved up, moved down, not on the list before"),
    ("♥ ✗ ✓ ⊘", "liked · not for me · seen · never again"),
    ("█ ▓ ▒ ░", "the parts of the score, named beside the bar"),
)
KEY = 21


class HelpScreen(Panel[None]):
    """Everything that can be done, on one page."""

    HEADING = "Help"

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(id="body"):
            for title in ("Say it in your own words", "Keys", "Commands", "Signs"):
                section = Static("", classes="section")
                section.border_title = Content(title)
                yield section

    def on_mount(self) -> None:
        self.query_one("#body").focus()

    def redraw(self) -> None:
        columns = max(self.query_one("#body").size.width - 6, 24)
        commands = [
            (command.usage, command.help + (f" ({command.key})" if command.key else "")) for command in COMMANDS
        ]
        tables = (None, KEYS, commands, SIGNS)
        for section, table in zip(self.query(".section").results(Static), tables, strict=True):
            if table is None:
                section.update(Content("\n").join(Content(f"› {text}") for text in SAY))
            else:
                section.update(Content("\n").join(part for row in table for part in _row(*row, columns)))


def _row(name: str, text: str, columns: int) -> list[Content]:
    if columns < 50:
        return [Content.styled(name, "bold $text-primary"), *(Content(f"  {x}") for x in wrapped(text, columns - 2, 4))]
    parts = wrapped(text, columns - KEY, 4)
    head = [Content.assemble((fit(name, KEY), "bold $text-primary"), parts[0] if parts else "")]
    return head + [Content(" " * KEY + part) for part in parts[1:]]
