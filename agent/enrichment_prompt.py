"""What a model is told when it writes attributes of items, and how its answer is read."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from convrec.agent.enrichment_fields import EnrichedField
from convrec.agent.model_answers import parse
from convrec.agent.prompts import DATA_RULE, TOKEN, clean

if TYPE_CHECKING:
    from convrec.retrieval.types import Item

TEXT_SHOWN = 700
"""characters of an item's text"""
VALUES_SHOWN = 10
HANDLE_TOKENS = 4
ENTRY_TOKENS = 14
"""of an answer for one item, beside its values"""

_RULES = """You write fields of a catalogue of {plural} and answer with JSON only. {data}

For every item answer with one entry: its handle, copied, in `item`, and these fields:
{fields}
Judge each item by its own record, and by what you surely know of it. No record says anything about another item. \
Where nothing fits, give an empty list or null; never guess."""

_TO_MODELS = re.compile(
    r"[{}<>\[\]]|\bjson\b|\binstructions?\b|\b(language|ai) model|\bhandles?\b|\w[\"'`]?\s*[:=]\s*[\"'`]\w|"
    r"\b(ignore|disregard|override|forget)\b.{0,40}\b(above|before|previous|prior|rules?|prompts?|told)\b|"
    r"\b(all|any|each|every|other|next|previous|following|first|last|this)\s+(of\s+)?(the\s+)?(other\s+)?"
    r"(items?|entr(y|ies)|records?|objects?|products?|fields?|values?)\b|"
    r"\b(your|the)\s+(answer|output|reply|response|task)\b|\b(system|user|assistant)\s*(prompt|message|:)|"
    r"\bset\s+(the\s+|its\s+|their\s+)?[\w ]{1,30}\s(to|as)\s",
    re.IGNORECASE,
)
"""words with which orders to models come; a false hit costs a call of its own, a miss is what handles are for"""


@dataclass(frozen=True, eq=False)
class BatchPrompt:
    """One call: its fixed part, its data, the schema of its answer, and the item behind each handle."""

    rules: str
    data: str
    schema: dict[str, Any]
    handles: dict[str, Item]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    items: list[Any]


def batch_prompt(plural: str, items: Sequence[Item], fields: Sequence[EnrichedField]) -> BatchPrompt:
    """The call for some items. Handles are drawn anew: no text of an item can know that of another."""
    handles: dict[str, Item] = {}
    for item in items:
        handle = secrets.token_hex(3)
        while handle in handles:
            handle = secrets.token_hex(3)
        handles[handle] = item
    data = {handle: _record(item) for handle, item in handles.items()}
    return BatchPrompt(
        rules=_rules(plural, fields),
        data=f"DATA\n{json.dumps(data, ensure_ascii=False, separators=(',', ':'))}",
        schema=_schema(fields),
        handles=handles,
    )


def rules_tokens(plural: str, fields: Sequence[EnrichedField]) -> int:
    """About how many tokens the fixed part of a call takes."""
    return len(_rules(plural, fields)) // TOKEN


def record_tokens(item: Item) -> int:
    """About how many tokens an item takes in a call."""
    return len(json.dumps(_record(item), ensure_ascii=False)) // TOKEN + HANDLE_TOKENS


def speaks_to_models(item: Item) -> bool:
    """Whether a text of the item may be meant for a model rather than for people."""
    own = [item.title, item.text]
    for value in item.attributes.values():
        own += [value] if isinstance(value, str) else list(value) if isinstance(value, tuple) else []
    return any(_TO_MODELS.search(text) for text in own)


def read_batch(
    said: tuple[str, dict[str, Item]], fields: Sequence[EnrichedField]
) -> tuple[dict[str, dict[str, tuple[str, ...]]], int]:
    """Values by item id and field, and how many values or entries were dropped.

    Entries for handles that the call did not have, or had an entry before, are dropped.

    Raises:
        ModelCallError: the text is no such answer.
    """
    text, handles = said
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    dropped = 0
    for entry in parse(text, _Answer).items:
        item = handles.get(str(entry.get("item")).strip()) if isinstance(entry, dict) else None
        if item is None or item.id in found:
            dropped += 1
            continue
        found[item.id] = {}
        for field in fields:
            found[item.id][field.name], wrong = field.read(entry.get(field.name))
            dropped += wrong
    return found, dropped


def _rules(plural: str, fields: Sequence[EnrichedField]) -> str:
    listed = "\n".join(f"- {field.asked}" for field in fields)
    return _RULES.format(plural=plural, data=DATA_RULE, fields=listed)


def _record(item: Item) -> dict[str, Any]:
    record: dict[str, Any] = {"title": clean(item.title, 200)}
    for name, value in item.attributes.items():
        if isinstance(value, tuple):
            record[clean(name, 60)] = [clean(part, 80) for part in value[:VALUES_SHOWN]]
        else:
            record[clean(name, 60)] = clean(value, 200) if isinstance(value, str) else value
    if item.text:
        record["text"] = clean(item.text, TEXT_SHOWN)
    return record


def _schema(fields: Sequence[EnrichedField]) -> dict[str, Any]:
    properties = {"item": {"type": "string"}, **{field.name: field.answer_schema for field in fields}}
    entry = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {
        "type": "object",
        "properties": {"items": {"type": "array", "items": entry}},
        "required": ["items"],
        "additionalProperties": False,
    }
