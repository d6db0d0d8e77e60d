"""A stored conversation as a document."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from convrec.agent.types import Reply
from convrec.agent.views import TurnView

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|])")


def transcript(name: str, turns: Sequence[TurnView], form: Literal["markdown", "json"]) -> str:
    """The turns as Markdown, or as JSON with the whole results."""
    if form == "json":
        told = [turn.model_dump(mode="json") for turn in turns]
        return json.dumps({"name": name, "turns": told}, ensure_ascii=False, indent=2) + "\n"
    lines = [f"# {_literal(name or 'A conversation')}", ""]
    for turn in turns:
        when = datetime.fromtimestamp(turn.time, UTC).strftime("%Y-%m-%d %H:%M UTC")
        lines += [f"**You** ({when}): {_literal(turn.message)}", "", *_answer(turn.reply)]
    return "\n".join(lines).rstrip() + "\n"


def _answer(reply: Reply) -> list[str]:
    lines = [_literal(reply.message), ""]
    for item in reply.items:
        reasons = " ".join(_literal(reason.text) for reason in item.reasons)
        lines.append(f"{item.rank}. **{_literal(item.title)}**" + (f" – {reasons}" if reasons else ""))
    if reply.items:
        lines.append("")
    if reply.clarify is not None:
        options = " / ".join(_literal(option) for option in reply.clarify.options)
        lines += [f"{_literal(reply.clarify.question)} {options}".strip(), ""]
    return lines


def _literal(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
