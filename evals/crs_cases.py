"""Public dialogues for recommendation: their one form here, and the way from ReDial's raw form to it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from convrec.evals.errors import EvaluationError

_MENTION = re.compile(r"@(\d+)")


class DialogueCase(BaseModel):
    """A moment of a dialogue: what was said until then, and which items the next message recommends.

    `mentioned` are the titles that the context names; a target may be among them.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)
    id: str
    context: tuple[str, ...]
    targets: tuple[str, ...]
    mentioned: tuple[str, ...] = ()


def read_dialogues(path: Path) -> list[DialogueCase]:
    """The cases of a JSONL file.

    Raises:
        EvaluationError: the file cannot be read, or a line of it is no case.
    """
    found = []
    for number, line in enumerate(_lines(path), 1):
        try:
            found.append(DialogueCase.model_validate_json(line))
        except ValidationError as error:
            raise EvaluationError(
                f"Line {number} of {path} is no dialogue: it needs id, context, targets and mentioned."
            ) from error
    return [case for case in found if case.targets]


def convert_redial(path: Path) -> list[DialogueCase]:
    """Cases from ReDial's raw JSONL (Li et al., NeurIPS 2018): one a message of the recommender that names films.

    Raises:
        EvaluationError: the file is not in that form.
    """
    cases = []
    for number, line in enumerate(_lines(path), 1):
        try:
            raw = json.loads(line)
            cases += list(_moments(raw, f"{raw.get('conversationId', number)}"))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise EvaluationError(f"Line {number} of {path} is not in ReDial's raw form.") from error
    return cases


def write_dialogues(cases: list[DialogueCase], path: Path) -> None:
    """The cases as JSONL."""
    path.write_text("".join(case.model_dump_json() + "\n" for case in cases), "utf-8")


def _moments(raw: dict[str, Any], name: str) -> Iterator[DialogueCase]:
    # ReDial writes an empty list where no film is mentioned at all.
    titles = {key: " ".join(str(value).split()) for key, value in dict(raw["movieMentions"] or {}).items() if value}
    messages = raw["messages"]
    seeker = raw.get("initiatorWorkerId")
    if seeker is None:
        seeker = _asker(messages)
    context: list[str] = []
    mentioned: dict[str, None] = {}
    for place, message in enumerate(messages):
        named = [titles[m] for m in _MENTION.findall(message["text"]) if m in titles]
        if named and context and message["senderWorkerId"] != seeker:
            yield DialogueCase(
                id=f"{name}-{place}",
                context=tuple(context),
                targets=tuple(dict.fromkeys(named)),
                mentioned=tuple(mentioned),
            )
        mentioned.update(dict.fromkeys(named))
        context.append(_MENTION.sub(lambda m: titles.get(m[1], ""), message["text"]))


def _asker(messages: list[dict[str, Any]]) -> object:
    """Who looks for a film, where the file does not say: the first to write that they look for, like or want one."""
    for message in messages:
        if re.search(r"\b(looking for|i like|i love|i want|i enjoy|in the mood)\b", message["text"].casefold()):
            return message["senderWorkerId"]
    return messages[0]["senderWorkerId"] if messages else None


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path} cannot be read as text.") from error
