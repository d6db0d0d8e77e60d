"""Slash commands are read, completed and all carried out by an action of the app."""

from __future__ import annotations

import inspect

import pytest

from convrec.tui.app import ConvrecApp
from convrec.tui.commands import COMMANDS, UnknownCommandError, completions, parse


def test_reading() -> None:
    found = parse("/why 2")
    assert found is not None
    assert (found[0].name, found[1]) == ("why", ["2"])
    assert parse("something funny") is None
    assert parse("//not a command") is None
    unique = parse("/prof")
    assert unique is not None
    assert unique[0].name == "profile"


@pytest.mark.parametrize("text", ["/", "/nonsense", "/s"])
def test_what_is_no_command_says_so(text: str) -> None:
    with pytest.raises(UnknownCommandError, match="/"):
        parse(text)


def test_completion() -> None:
    assert [command.name for command in completions("/s")] == [
        "seen",
        "similar",
        "sessions",
        "settings",
        "start",
        "save",
    ]
    assert completions("/xyz") == ()


def test_every_command_has_its_action() -> None:
    for command in COMMANDS:
        action = getattr(ConvrecApp, f"action_{command.action}")
        takes = [p for p in inspect.signature(action).parameters.values() if p.kind is p.VAR_POSITIONAL]
        assert bool(takes) == bool(command.takes), command.name
