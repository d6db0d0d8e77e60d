"""The slash commands: one table that completion, help, buttons and the palette share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command. `takes` names its argument for the help; `action` is the app's action that carries it out."""

    name: str
    help: str
    action: str
    takes: str = ""
    key: str = ""

    @property
    def usage(self) -> str:
        return f"/{self.name} {self.takes}".rstrip()


COMMANDS = (
    Command("why", "explain one item of the list", "why", "2", "Enter on a card"),
    Command("compare", "set two or three items side by side", "compare", "1 3", "c on cards, then C"),
    Command("like", "like an item", "like", "3", "l on a card"),
    Command("dislike", "not for me", "dislike", "3", "d on a card"),
    Command("seen", "I know it already", "seen", "1", "s on a card"),
    Command("never", "never show it again", "never", "4", "x on a card"),
    Command("similar", "more like this one", "similar", "2", "m on a card"),
    Command("more", "the next items", "more", "", "F2"),
    Command("undo", "take back the last thing done", "undo", "", "Ctrl+Z, u on a card"),
    Command("new", "start a new conversation", "new", "", "Ctrl+N"),
    Command("user", "say who is asking", "user", "NAME"),
    Command("profile", "what is known of you", "profile", "", "F3"),
    Command("history", "what you saw, rated and liked", "history", "", "F4"),
    Command("sessions", "earlier conversations", "sessions", "", "F5"),
    Command("settings", "connect a language model", "settings", "", "F6"),
    Command("log", "what happens behind", "log", "", "F7"),
    Command("start", "another catalogue: starter data or your own file", "start"),
    Command("copy", "copy the list, or one item", "copy", "[2]", "y on a card, Y for the list"),
    Command("save", "write the conversation to a file (.md or .json)", "save", "[FILE]"),
    Command("theme", "another colour theme", "theme", "[NAME]"),
    Command("help", "keys and commands", "help", "", "F1"),
    Command("quit", "leave; the conversation is kept", "quit", "", "Ctrl+Q"),
)
_BY_NAME = {command.name: command for command in COMMANDS}


class UnknownCommandError(ValueError):
    """What was typed is no command; the message says which ones there are."""


def parse(text: str) -> tuple[Command, list[str]] | None:
    """The command and arguments of a message, or None for an ordinary message.

    A unique beginning of a name will do. Two slashes send a message that starts with one.

    Raises:
        UnknownCommandError: no command, or several, begin like that.
    """
    if not text.startswith("/") or text.startswith("//"):
        return None
    name, *arguments = text[1:].split() or [""]
    if name in _BY_NAME:
        return _BY_NAME[name], arguments
    found = completions(f"/{name}")
    if name and len(found) == 1:
        return found[0], arguments
    if len(found) > 1 and name:
        raise UnknownCommandError(f"/{name} could be {', '.join('/' + c.name for c in found)}.")
    raise UnknownCommandError(f"There is no command /{name}; /help lists them all.")


def completions(text: str) -> tuple[Command, ...]:
    """Commands that begin with what was typed, slash included."""
    typed = text.removeprefix("/").casefold()
    return tuple(command for command in COMMANDS if command.name.startswith(typed))
