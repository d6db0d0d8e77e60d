"""The attributes that a language model may write, and how its words become their values or are dropped."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from convrec.agent.errors import EnrichmentError
from convrec.agent.prompts import clean
from convrec.retrieval.hints import label
from convrec.retrieval.schema import Attribute, AttributeKind, Role

MOST_VALUES = 4
"""values of one item"""
TERM_WORDS = 4
TERM_LENGTH = 40
TEXT_LENGTH = 200
"""characters of a text"""
MARK = ", added by convrec enrich"
"""end of the provenance of every attribute written here"""
_TERM = re.compile(r"[^\W_][\w '’&/-]*")
_ADDRESS = re.compile(r"https?:|www\.|\w@\w", re.IGNORECASE)
_NAMED = re.compile(r"\s*(?P<name>[^\W\d_][\w -]{0,39}?)\s*(?:(?P<many>\+?)=(?P<values>.*))?", re.DOTALL)


class EnrichedField(BaseModel):
    """An attribute to be written: one of several categories, free terms, or a text."""

    model_config = ConfigDict(frozen=True)

    name: str
    kind: AttributeKind
    allowed: tuple[str, ...] = ()
    """the values that it may take; any short term where there are none"""
    role: Role | None = None
    instruction: str = ""

    @property
    def digest(self) -> str:
        """Changes with anything that changes what a model is asked."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def asked(self) -> str:
        """What a model is told of it."""
        if not self.allowed:
            return f"{self.name}: {self.instruction}"
        many = f"up to {MOST_VALUES} of" if self.kind is AttributeKind.CATEGORIES else "one of"
        return f"{self.name}: {self.instruction}{many} {json.dumps(self.allowed, ensure_ascii=False)}"

    @property
    def answer_schema(self) -> dict[str, Any]:
        """JSON schema of its value in an answer."""
        term: dict[str, Any] = {"type": "string", "enum": list(self.allowed)} if self.allowed else {"type": "string"}
        return {"type": "array", "items": term} if self.kind is AttributeKind.CATEGORIES else _or_null(term)

    def attribute(self, models: Sequence[str]) -> Attribute:
        """The attribute of the catalogue, its values written by `models`."""
        return Attribute(
            name=self.name,
            label=label(self.name, None),
            kind=self.kind,
            role=self.role,
            provenance=f"written by {' and '.join(models)}{MARK}",
        )

    def read(self, said: Any) -> tuple[tuple[str, ...], int]:
        """The values of an answer that may stand, and how many others were dropped."""
        parts = [part for part in (said if isinstance(said, list) else [said]) if part not in (None, "", [])]
        most = MOST_VALUES if self.kind is AttributeKind.CATEGORIES else 1
        kept: dict[str, str] = {}
        for part in parts:
            value = self._value(part) if isinstance(part, str) else None
            if value is not None and len(kept) < most:
                kept.setdefault(value.casefold(), value)
        return tuple(kept.values()), len(parts) - len(kept)

    def _value(self, said: str) -> str | None:
        if self.allowed:
            return {value.casefold(): value for value in self.allowed}.get(" ".join(said.split()).casefold())
        text = clean(said, TEXT_LENGTH)
        if _ADDRESS.search(text):
            return None
        if self.kind is AttributeKind.TEXT:
            return text or None
        term = text.casefold().strip(" .,;:")
        short = len(term) <= TERM_LENGTH and len(term.split()) <= TERM_WORDS
        return term if short and _TERM.fullmatch(term) else None


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


_MOODS = (
    "calm, cheerful, cosy, dark, dreamy, eerie, exciting, funny, gentle, gritty, hopeful, inspiring, melancholic, "
    "mysterious, nostalgic, playful, quirky, romantic, sad, scary, serious, tense, thoughtful, warm"
)
STANDARD = {
    field.name: field
    for field in (
        EnrichedField(
            name="themes",
            kind=AttributeKind.CATEGORIES,
            role=Role.TOPIC,
            instruction="two to four terms of one to three words, lower case, for what it is about or for",
        ),
        EnrichedField(name="moods", kind=AttributeKind.CATEGORIES, role=Role.TOPIC, allowed=tuple(_MOODS.split(", "))),
        EnrichedField(
            name="summary",
            kind=AttributeKind.TEXT,
            instruction="one plain sentence of at most 25 words that says what it is",
        ),
    )
}
"""what is written where nothing else is asked for"""


def parse_field(text: str) -> EnrichedField:
    """A field as it is named on the command line: `themes`, `pace=slow,steady,fast`, or `fits+=home,travel`.

    `=` is for one value an item, `+=` for several.

    Raises:
        EnrichmentError: it is none of these.
    """
    found = _NAMED.fullmatch(text)
    if found is None:
        raise EnrichmentError(f"{text!r} is no field: write it as NAME=VALUE,VALUE, for example pace=slow,fast.")
    name = " ".join(found["name"].split())
    if found["values"] is None:
        if name not in STANDARD:
            raise EnrichmentError(
                f"The field {name!r} has no allowed values: write {name}=VALUE,VALUE; "
                f"without values there are {', '.join(STANDARD)}."
            )
        return STANDARD[name]
    values: dict[str, str] = {}
    for value in found["values"].split(","):
        if own := clean(value, 60):
            values.setdefault(own.casefold(), own)
    if not 2 <= len(values) <= 200:
        raise EnrichmentError(f"The field {name!r} needs 2 to 200 different allowed values, such as {name}=low,high.")
    kind = AttributeKind.CATEGORIES if found["many"] else AttributeKind.CATEGORY
    return EnrichedField(name=name, kind=kind, allowed=tuple(values.values()))
