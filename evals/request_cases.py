"""Request cases: conversations with what must be true of the answer to their last message."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from convrec.evals.errors import EvaluationError


class Condition(BaseModel):
    """What a field of every shown item must meet. A missing value meets only `none` and `not_contains`."""

    model_config = ConfigDict(extra="allow", frozen=True)
    field: str
    any: tuple[str | float | bool, ...] | None = None
    all: tuple[str | float | bool, ...] | None = None
    none: tuple[str | float | bool, ...] | None = None
    min: float | None = None
    max: float | None = None
    contains: str | tuple[str, ...] | None = None
    not_contains: str | tuple[str, ...] | None = None


class PreviousEntry(BaseModel):
    """One item shown earlier: `turn` and `rank` count from 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    turn: int
    rank: int


class Expectation(BaseModel):
    """What must be true of the last answer. Everything is optional."""

    model_config = ConfigDict(extra="allow", frozen=True)
    at_least: int | None = None
    every: tuple[Condition, ...] = ()
    exclude_titles: tuple[str, ...] = ()
    exclude_history: bool = False
    include_any_titles: tuple[str, ...] = ()
    relevant_ids: tuple[str, ...] = ()
    clarify: Literal[True, "either"] | None = None
    impossible: bool = False
    no_items: bool = False
    exclude_previous: Literal["all"] | PreviousEntry | None = None


class RequestCase(BaseModel):
    """One conversation and what is expected of its end."""

    model_config = ConfigDict(extra="allow", frozen=True, coerce_numbers_to_str=True)
    id: str
    tags: tuple[str, ...] = ()
    user: str | None = None
    turns: tuple[str, ...] = Field(min_length=1)
    expect: Expectation = Expectation()

    def unknown_keys(self) -> Iterator[str]:
        """Keys that this version does not know: reported, never fatal."""
        yield from (self.model_extra or {})
        yield from (f"expect.{key}" for key in self.expect.model_extra or {})
        for condition in self.expect.every:
            yield from (f"expect.every.{key}" for key in condition.model_extra or {})


def read_cases(path: Path) -> tuple[list[RequestCase], list[str]]:
    """The cases of a JSONL file, and a sentence for every line or key that could not be used.

    Raises:
        EvaluationError: the file cannot be read, or no line of it is a case.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise EvaluationError(f"{path} cannot be read: {error.strerror}.") from error
    cases, problems = [], []
    unknown: dict[str, list[str]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            raw: Any = json.loads(line)
            case = RequestCase.model_validate(raw)
        except (json.JSONDecodeError, ValidationError) as error:
            problems.append(f"line {number}: {str(error).splitlines()[0]}")
            continue
        for key in case.unknown_keys():
            unknown.setdefault(key, []).append(f"line {number} ({case.id})")
        cases.append(case)
    for key, places in unknown.items():
        more = f" and {len(places) - 1} more" if len(places) > 1 else ""
        problems.append(f"{places[0]}{more}: unknown key {key!r}")
    if not cases:
        raise EvaluationError(f"{path} holds no request case; see docs/evaluation.md for their form.")
    return cases, problems


def write_cases(cases: Sequence[RequestCase], path: Path) -> None:
    """The cases as JSONL, the inverse of `read_cases`."""
    lines = (case.model_dump_json(exclude_defaults=True) for case in cases)
    path.write_text("".join(line + "\n" for line in lines), "utf-8")
