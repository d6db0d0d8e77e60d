"""The result as plain text, for pipes, logs and screen readers."""

from __future__ import annotations

import textwrap

from convrec.agent.types import Recommendation, Reply

WIDTH = 100


def render(reply: Reply) -> str:
    """The message, the list as numbered lines with their reasons, what could be loosened, and the question."""
    parts = [textwrap.fill(line, WIDTH) if line else "" for line in reply.message.splitlines()]
    parts += [_entry(item) for item in reply.items]
    if reply.clarify is not None:
        if reply.clarify.question not in reply.message:
            parts.append(reply.clarify.question)
        if reply.clarify.options:
            parts.append("  (" + " / ".join(reply.clarify.options) + ")")
    return "\n".join(parts)


def _entry(item: Recommendation) -> str:
    reasons = " ".join(reason.text for reason in item.reasons)
    body = textwrap.fill(reasons, WIDTH, initial_indent="     ", subsequent_indent="     ") if reasons else ""
    return f"{item.rank}. {item.title}" + (f"\n{body}" if body else "")
