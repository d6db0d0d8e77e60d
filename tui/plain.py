"""The conversation line by line: for pipes, scripts and screen readers."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING, TextIO, cast

from convrec.retrieval.errors import ConvrecError
from convrec.tui.commands import UnknownCommandError, parse

if TYPE_CHECKING:
    from convrec.agent.conversation import Conversation
    from convrec.agent.people import FeedbackKind
    from convrec.agent.types import Recommendation
    from convrec.tui.commands import Command

MESSAGES = {"why": "why {}?", "compare": "compare {}", "similar": "more like {}", "more": "more", "undo": "undo"}
OPINIONS = ("like", "dislike", "seen", "never")
HELP = "Say what you want. Commands: /why 2, /compare 1 3, /like 3, /dislike 3, /seen 1, /never 4, /more, /undo, /quit."


def converse(place: str | None, user: str | None, session: str | None, *, as_json: bool = False) -> int:
    """Read messages from standard input until it ends; the exit code tells whether each of them was answered."""
    from convrec.agent.recommender import Recommender

    failed = 0
    with Recommender.open(place) as recommender:
        conversation = recommender.session(user, session)
        talk = _Talk(conversation, sys.stdout, as_json=as_json)
        for line in _lines():
            if not line.strip():
                continue
            try:
                if not talk.take(line.strip()):
                    break
            except (ConvrecError, UnknownCommandError) as error:
                failed = getattr(error, "exit_code", 2)
                talk.fail(str(error))
        if conversation.id is not None:
            words = ["convrec", "chat", "--plain", "--session", conversation.id]
            words += ["--user", user] if user else []
            words += ["--workspace", place] if place else []
            print(f"Go on with this conversation: {shlex.join(words)}", file=sys.stderr)
    return failed


def _lines() -> TextIO | _Asked:
    return _Asked() if sys.stdin.isatty() else sys.stdin


class _Asked:
    """Lines that a person is asked for."""

    def __iter__(self) -> _Asked:
        return self

    def __next__(self) -> str:
        try:
            return input("You: ")
        except EOFError:
            print()
            raise StopIteration from None


class _Talk:
    """Takes messages and commands and writes what comes of them."""

    def __init__(self, conversation: Conversation, out: TextIO, *, as_json: bool) -> None:
        self._conversation = conversation
        self._out = out
        self._as_json = as_json

    def take(self, line: str) -> bool:
        """One message; False when it was the last."""
        found = parse(line)
        if found is None:
            self._send(line.removeprefix("/") if line.startswith("//") else line)
            return True
        return self._command(*found)

    def _command(self, command: Command, arguments: list[str]) -> bool:
        if command.name == "quit":
            return False
        if command.name == "help":
            self._say(HELP)
        elif command.name in MESSAGES:
            self._send(MESSAGES[command.name].format(" and ".join(arguments)).strip())
        elif command.name == "profile":
            self._send("what do you know about me?")
        elif command.name in OPINIONS:
            item = self._item(command, arguments)
            self._conversation.feedback(item.id, cast("FeedbackKind", command.name))
            self._say(f"Noted: {command.name}, {item.title}.")
        else:
            raise UnknownCommandError(f"/{command.name} needs the full app; leave out --plain.")
        return True

    def _item(self, command: Command, arguments: list[str]) -> Recommendation:
        ranks = {str(item.rank): item for item in self._conversation.state.items}
        if not arguments or arguments[0] not in ranks:
            raise UnknownCommandError(f"/{command.name} needs a number of the last list, such as {command.usage}.")
        return ranks[arguments[0]]

    def _send(self, message: str) -> None:
        from convrec.agent.plain import render

        reply = self._conversation.send(message)
        self._write(
            reply.model_dump_json()
            if self._as_json
            else f"\n{render(reply, self._conversation.engine.catalogue.schema)}\n"
        )

    def _say(self, text: str) -> None:
        self._write(json.dumps({"message": text}, ensure_ascii=False) if self._as_json else text)

    def fail(self, text: str) -> None:
        """A message that could not be answered."""
        if self._as_json:
            self._write(json.dumps({"error": text}, ensure_ascii=False))
        print(f"convrec: {text}", file=sys.stderr)

    def _write(self, text: str) -> None:
        self._out.write(text + "\n")
        self._out.flush()
