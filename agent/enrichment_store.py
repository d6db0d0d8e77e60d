"""What language models wrote of items, kept by item record, field and model, and put into catalogues built later."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from convrec.agent.enrichment_fields import MARK, EnrichedField
from convrec.agent.errors import EnrichmentError
from convrec.retrieval.schema import AttributeKind

if TYPE_CHECKING:
    from convrec.retrieval.catalogue import Catalogue
    from convrec.retrieval.types import AttributeValue, Item

FILE = "enrichment.sqlite"
_TABLES = """
CREATE TABLE IF NOT EXISTS answers (
    record TEXT, field TEXT, model TEXT, answer TEXT, PRIMARY KEY (record, field, model)
);
CREATE TABLE IF NOT EXISTS fields (name TEXT PRIMARY KEY, definition TEXT, models TEXT);
"""
_CHUNK = 500


class EnrichmentStore:
    """One SQLite file in the workspace; every batch of answers is committed as it comes."""

    def __init__(self, workspace: Path) -> None:
        self._file = workspace / FILE

    @property
    def exists(self) -> bool:
        return self._file.is_file()

    def keep(self, field_answers: Iterable[tuple[str, EnrichedField, Sequence[str]]], model: str) -> None:
        """Keep answers: record digest, field, and its values, none being an answer too.

        Raises:
            EnrichmentError: the file cannot be written.
        """
        rows = [(record, field.digest, model, json.dumps(list(values))) for record, field, values in field_answers]
        with self._open() as database, database:
            database.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", rows)

    def answers(
        self, records: Sequence[str], field: EnrichedField, models: Sequence[str]
    ) -> dict[str, tuple[str, tuple[str, ...]]]:
        """Record digest -> who answered, and the values; of several models the first in `models` counts."""
        found: dict[str, tuple[str, tuple[str, ...]]] = {}
        if not self.exists:
            return found
        with self._open() as database:
            for model in reversed(models):
                for start in range(0, len(records), _CHUNK):
                    part = records[start : start + _CHUNK]
                    marks = ",".join("?" * len(part))
                    query = f"SELECT record, answer FROM answers WHERE field = ? AND model = ? AND record IN ({marks})"  # noqa: S608
                    for record, answer in database.execute(query, (field.digest, model, *part)):
                        found[record] = (model, tuple(json.loads(answer)))
        return found

    def apply(self, fields: Iterable[EnrichedField], model: str) -> None:
        """From now on every catalogue that is built here has these fields. The latest model comes first."""
        with self._open() as database, database:
            for field in fields:
                known = _fields(database).get(field.name)
                earlier = known[1] if known is not None and known[0] == field else ()
                models = [model, *(other for other in earlier if other != model)]
                database.execute(
                    "INSERT OR REPLACE INTO fields VALUES (?, ?, ?)",
                    (field.name, field.model_dump_json(), json.dumps(models)),
                )

    def drop(self, name: str) -> None:
        """Leave a field out of catalogues that are built from now on; its answers are kept.

        Raises:
            EnrichmentError: no such field was written.
        """
        known = self.fields()
        if name not in known:
            listed = ", ".join(known) or "none"
            raise EnrichmentError(f"No field {name!r} was written by convrec enrich; those that were: {listed}.")
        with self._open() as database, database:
            database.execute("DELETE FROM fields WHERE name = ?", (name,))

    def fields(self) -> dict[str, tuple[EnrichedField, tuple[str, ...]]]:
        """The fields that catalogues built here have, with the models that wrote them, the latest first."""
        if not self.exists:
            return {}
        with self._open() as database:
            return _fields(database)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._file, timeout=30)) as database:
                database.executescript(_TABLES)
                yield database
        except (sqlite3.Error, OSError, ValueError) as error:
            raise EnrichmentError(
                f"{self._file} cannot be used ({error}): make room, or move it aside and enrich again."
            ) from error


def _fields(database: sqlite3.Connection) -> dict[str, tuple[EnrichedField, tuple[str, ...]]]:
    rows = database.execute("SELECT name, definition, models FROM fields ORDER BY rowid")
    return {
        name: (EnrichedField.model_validate_json(definition), tuple(json.loads(models)))
        for name, definition, models in rows
    }


def given(catalogue: Catalogue) -> Catalogue:
    """The catalogue as its own file has it, without what was written by a model."""
    from convrec.retrieval.extension import without

    written = [a.name for a in catalogue.schema.attributes if (a.provenance or "").endswith(MARK)]
    return without(catalogue, written) if written else catalogue


def record_digest(item: Item) -> str:
    """Changes with anything that the item's own record says; letters' case aside, which a catalogue unifies."""
    fields = {name: _folded(value) for name, value in sorted(item.attributes.items())}
    whole = json.dumps([item.id, item.title, item.text, fields], ensure_ascii=False)
    return hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()


def _folded(value: AttributeValue) -> AttributeValue:
    if isinstance(value, tuple):
        return tuple(part.casefold() for part in value)
    return value.casefold() if isinstance(value, str) else value


def enriched(catalogue: Catalogue, workspace: Path) -> Catalogue:
    """The catalogue with the fields that models wrote in this workspace, where an item's record is as it was then.

    A field that the catalogue's own file has is never replaced.

    Raises:
        EnrichmentError: the file of answers is damaged.
    """
    from convrec.retrieval.extension import extended

    store = EnrichmentStore(workspace)
    fields = store.fields()
    if not store.exists:
        return catalogue
    own = given(catalogue)
    if not fields:
        return own
    records = [record_digest(own.item(row)) for row in range(len(own))]
    added = []
    for field, models in fields.values():
        if field.name.casefold() in taken_names(own):
            continue
        answers = store.answers(records, field, models)
        wrote = [model for model in models if any(who == model for who, values in answers.values() if values)]
        if wrote:
            added.append((field.attribute(wrote), [_value(field, record, answers) for record in records]))
    return extended(own, added)


def taken_names(catalogue: Catalogue) -> frozenset[str]:
    """Names that the catalogue's own file uses, folded."""
    schema = catalogue.schema
    columns = (schema.id_column, schema.title_column, *schema.text_columns, "id", "title", "text", "item")
    return frozenset(name.casefold() for name in (*columns, *(attribute.name for attribute in schema.attributes)))


def _value(
    field: EnrichedField, record: str, answers: Mapping[str, tuple[str, tuple[str, ...]]]
) -> AttributeValue | None:
    values = answers[record][1] if record in answers else ()
    if not values:
        return None
    return values if field.kind is AttributeKind.CATEGORIES else values[0]
