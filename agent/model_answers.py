"""The shapes in which a language model answers, and how its text becomes one of them."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from convrec.agent.llm import ModelCallError
from convrec.agent.tool_types import ConstraintArgument


def _listed(value: Any) -> Any:
    """A model often gives one value where a list is due, and null for an empty one."""
    if value is None:
        return []
    return value if isinstance(value, list | tuple) else [value]


Part = TypeVar("Part")
Many = Annotated[list[Part], BeforeValidator(_listed), Field(max_length=50)]
"""some of a kind: a model that gives one, or null, is understood"""


class _Answer(BaseModel):
    """Unknown keys of an answer are passed over: they change nothing."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class SaidConstraint(_Answer):
    """A condition, with the words that say it."""

    words: str = ""
    field: str
    any_of: Many[str | float | bool] = Field(default_factory=list)
    all_of: Many[str | float | bool] = Field(default_factory=list)
    none_of: Many[str | float | bool] = Field(default_factory=list)
    minimum: float | str | None = None
    maximum: float | str | None = None
    strength: Literal["must", "hard", "soft"] | None = None

    def argument(self) -> ConstraintArgument:
        """The same as an argument of a tool."""
        return ConstraintArgument(
            field=self.field[:300] or "?",
            any_of=self.any_of or None,
            all_of=self.all_of or None,
            none_of=self.none_of or None,
            minimum=self.minimum,
            maximum=self.maximum,
            strength=self.strength,
        )


class SaidText(_Answer):
    """A description or a title, with the words that say it."""

    words: str = ""
    text: str


Act = Literal[
    "ask",
    "more",
    "something_else",
    "undo",
    "start_over",
    "thanks",
    "help",
    "surprise",
    "more_like",
    "reject",
    "seen",
    "like",
    "explain",
    "compare",
    "tell_more",
]


class ModelReading(_Answer):
    """What a model reads in a message."""

    act: Act = "ask"
    act_words: str = ""
    ranks: Many[int] = Field(default_factory=list)
    constraints: Many[SaidConstraint] = Field(default_factory=list)
    wanted: Many[SaidText] = Field(default_factory=list)
    unwanted: Many[SaidText] = Field(default_factory=list)
    like: Many[SaidText] = Field(default_factory=list)
    unlike: Many[SaidText] = Field(default_factory=list)
    exclude: Many[SaidText] = Field(default_factory=list)
    drop: Many[SaidText] = Field(default_factory=list)
    question: str | None = None
    options: Many[str] = Field(default_factory=list)


class SaidReason(_Answer):
    """A sentence on a pick, with handles of the facts that it rests on."""

    text: str
    evidence: Many[str] = Field(default_factory=list)


class ModelPick(_Answer):
    """A candidate to show."""

    item: str
    reasons: Many[SaidReason] = Field(default_factory=list)


class ModelTelling(_Answer):
    """How a model would tell a list."""

    message: str = ""
    picks: Many[ModelPick] = Field(default_factory=list)


Answer = TypeVar("Answer", bound=BaseModel)


def parse(text: str, kind: type[Answer]) -> Answer:
    """An answer out of a model's text: the JSON object in it, whatever stands around.

    Raises:
        ModelCallError: no object of that shape is there.
    """
    match = re.search(r"\{.*\}", text, re.DOTALL)
    if match is None:
        raise ModelCallError("garbled")
    try:
        return kind.model_validate(json.loads(match.group()))
    except (ValueError, ValidationError, RecursionError) as error:
        raise ModelCallError("garbled") from error


@cache
def answer_schema(kind: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of an answer in the strict form."""
    from convrec.agent.tool_schemas import strict

    schema = kind.model_json_schema()
    for part in (schema, *schema.get("$defs", {}).values()):
        part.pop("description", None)
        for entry in part.get("properties", {}).values():
            entry.pop("maxItems", None)
    return strict(schema)


_START = re.compile(r'^\s*(?:```(?:json)?\s*)?\{\s*"message"\s*:\s*"')
_ESCAPES = {"n": "\n", "t": "\t", "r": " ", "b": " ", "f": " "}


class StreamedMessage:
    """Decodes the text of "message" out of a JSON object while it is still being written."""

    def __init__(self) -> None:
        self._raw = ""
        self._at: int | None = None
        self.text = ""
        self.complete = False

    def feed(self, piece: str) -> None:
        """Take in more of the object."""
        self._raw += piece
        if self._at is None:
            match = _START.match(self._raw)
            if match is None:
                return
            self._at = match.end()
        while not self.complete and self._at < len(self._raw):
            step = self._decoded(self._at)
            if step is None:
                return
            self._at += step

    def _decoded(self, at: int) -> int | None:
        """Decode one character; how many were read, None where more is needed."""
        here = self._raw[at]
        if here == '"':
            self.complete = True
            return 1
        if here != "\\":
            self.text += here
            return 1
        if at + 1 >= len(self._raw):
            return None
        escape = self._raw[at + 1]
        if escape != "u":
            self.text += _ESCAPES.get(escape, escape)
            return 2
        digits = self._raw[at + 2 : at + 6]
        if len(digits) < 4:
            return None
        if re.fullmatch(r"[0-9a-fA-F]{4}", digits) and not 0xD800 <= int(digits, 16) <= 0xDFFF:
            self.text += chr(int(digits, 16))
        return 6
