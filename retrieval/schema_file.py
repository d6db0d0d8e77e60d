"""The schema as a TOML file that a person edits: columns and attributes first, what was measured after them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convrec.retrieval.errors import InputFileError, SchemaError
from convrec.retrieval.hints import label, number_label
from convrec.retrieval.schema import Attribute, AttributeKind, CatalogueSchema, Role, ValueCount

if TYPE_CHECKING:
    from convrec.retrieval.inference import ColumnOverrides

_TOP = ("name", "noun", "id", "title", "text", "count", "attributes", "interactions", "measured")
_ATTRIBUTE = ("label", "kind", "role", "unit", "separator", "date_format", "synonyms", "meanings", "provenance")
_MEASURED = ("minimum", "maximum", "integer", "distinct", "missing", "vocabulary")
_LOG = ("user", "item", "value", "time", "event")
_HELP = (
    "What convrec understood of the catalogue. Correct it, then: convrec build --items FILE --schema THIS_FILE\n"
    "An attribute that is deleted here is not read. kind: {kinds}; role (optional): {roles}."
)


def dump_schema_toml(schema: CatalogueSchema, path: Path) -> None:
    """Write a schema.

    Raises:
        InputFileError: the file cannot be written.
    """
    try:
        path.write_text(schema_to_toml(schema), encoding="utf-8")
    except OSError as error:
        raise InputFileError(f"{path} cannot be written: {error.strerror or error}; choose another place.") from error


def schema_to_toml(schema: CatalogueSchema) -> str:
    """A schema as the text of its file; `load_schema_toml` gives an equal schema back."""
    import tomlkit

    document = tomlkit.document()
    help_text = _HELP.format(kinds=", ".join(AttributeKind), roles=", ".join(Role))
    for line in help_text.splitlines():
        document.add(tomlkit.comment(line))
    document.add(tomlkit.nl())
    document.add("name", tomlkit.item(schema.name))
    document.add("noun", tomlkit.item(schema.noun).comment("what one entry is called, singular"))
    document.add("id", tomlkit.item(schema.id_column).comment("column"))
    document.add("title", tomlkit.item(schema.title_column).comment("column"))
    document.add("text", tomlkit.item(list(schema.text_columns)).comment("columns of free text, in order"))
    document.add("count", tomlkit.item(schema.count).comment("number of items at the last build"))
    attributes = tomlkit.table(is_super_table=True)
    measured = tomlkit.table()
    measured.comment("as of the last build; nothing here needs editing")
    for attribute in schema.attributes:
        attributes.add(attribute.name, _attribute_table(attribute))
        measured.add(attribute.name, _measured_table(attribute))
    document.add("attributes", attributes)
    document.add("measured", measured)
    return tomlkit.dumps(document)


def _attribute_table(attribute: Attribute) -> Any:
    import tomlkit

    table = tomlkit.table()
    table.add("label", attribute.label)
    table.add("kind", attribute.kind.value)
    for key in ("role", "unit", "separator", "date_format", "provenance"):
        value = getattr(attribute, key)
        if value is not None:
            table.add(key, str(value))
    for key, words in (("synonyms", attribute.synonyms), ("meanings", attribute.meanings)):
        if words:
            entries = tomlkit.inline_table()
            for value, others in words.items():
                entries.add(value, list(others))
            table.add(key, entries)
    return table


def _measured_table(attribute: Attribute) -> Any:
    import tomlkit

    table = tomlkit.table()
    for key in ("minimum", "maximum"):
        value = getattr(attribute, key)
        if value is not None:
            table.add(key, value)
    if attribute.integer:
        table.add("integer", value=True)
    table.add("distinct", attribute.distinct)
    table.add("missing", attribute.missing)
    if attribute.vocabulary:
        vocabulary = tomlkit.array()
        for entry in attribute.vocabulary:
            vocabulary.append([entry.value, entry.count])
        vocabulary.multiline(multiline=True)
        table.add("vocabulary", vocabulary)
    return table


def load_schema_toml(path: Path) -> CatalogueSchema:
    """Read a schema.

    Raises:
        InputFileError: the file is missing or is not TOML.
        SchemaError: it has a key, kind or role that does not exist, or lacks the id or the title.
    """
    document = _document(path)
    _known_keys(document, _TOP, path, "")
    for key in ("id", "title"):
        if not isinstance(document.get(key), str):
            raise SchemaError(f'{path.name} does not say which column is the {key}; add the line: {key} = "COLUMN".')
    measured = _table(document, "measured", path)
    attributes = tuple(
        _attribute(name, entry, measured.get(name), path)
        for name, entry in _table(document, "attributes", path).items()
    )
    return CatalogueSchema(
        name=_text(document, "name", "catalogue", path),
        noun=_text(document, "noun", "item", path),
        id_column=document["id"],
        title_column=document["title"],
        text_columns=_names(document.get("text", []), "text", path),
        attributes=attributes,
        count=document["count"] if isinstance(document.get("count"), int) else 0,
    )


def load_log_columns(path: Path) -> ColumnOverrides:
    """The columns of the log that a schema file names in its `[interactions]` table; all None where it has none."""
    from convrec.retrieval.inference import ColumnOverrides

    table = _table(_document(path), "interactions", path)
    _known_keys(table, _LOG, path, "interactions.")
    user, item, value, time, event = (_text(table, key, "", path) or None for key in _LOG)
    return ColumnOverrides(user=user, item=item, value=value, time=time, event=event)


def _document(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise InputFileError(
            f"There is no schema file {path}; write one with build --dry-run --write-schema."
        ) from None
    except IsADirectoryError:
        raise InputFileError(f"{path} is a folder; name the schema file inside it.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputFileError(f"{path} cannot be read as UTF-8 text ({error}); save it again.") from error
    except tomllib.TOMLDecodeError as error:
        raise InputFileError(f"{path} is not valid TOML: {error}; correct that line.") from error


def _known_keys(table: Mapping[str, Any], known: Iterable[str], path: Path, where: str) -> None:
    names = list(known)
    for key in table:
        if key not in names:
            near = difflib.get_close_matches(key, names, n=1)
            hint = f"did you mean {where}{near[0]}?" if near else f"known are: {', '.join(names)}."
            raise SchemaError(f"{path.name} has an unknown entry {where}{key}; {hint}")


def _table(document: Mapping[str, Any], key: str, path: Path) -> dict[str, Any]:
    value = document.get(key, {})
    if not isinstance(value, dict):
        raise SchemaError(f"{path.name}: {key} must be a table, written [{key}].")
    return value


def _text(table: Mapping[str, Any], key: str, default: str, path: Path) -> str:
    value = table.get(key, default)
    if not isinstance(value, str):
        raise SchemaError(f"{path.name}: {key} must be a text in quotation marks.")
    return value


def _names(value: Any, key: str, path: Path) -> tuple[str, ...]:
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise SchemaError(f'{path.name}: {key} must be a list of texts, such as ["COLUMN"].')
    return tuple(found)


def _attribute(name: str, entry: Any, measured: Any, path: Path) -> Attribute:
    where = f"attributes.{name}."
    if not isinstance(entry, dict):
        raise SchemaError(f"{path.name}: the attribute {name} must be a table, written [attributes.{name}].")
    _known_keys(entry, _ATTRIBUTE, path, where)
    if "kind" not in entry:
        raise SchemaError(f"{path.name}: {where}kind is missing; choose one of: {', '.join(AttributeKind)}.")
    kind = _choice(entry["kind"], [k.value for k in AttributeKind], f"{where}kind", path)
    role = _choice(entry["role"], [r.value for r in Role], f"{where}role", path) if entry.get("role") else None
    optional = {key: _text(entry, key, "", path) or None for key in ("unit", "separator", "date_format", "provenance")}
    if kind == AttributeKind.CATEGORIES and optional["separator"] is None:
        optional["separator"] = "|"
    named = number_label if kind == AttributeKind.NUMBER else label
    return Attribute(
        name=name,
        label=_text(entry, "label", "", path) or named(name, optional["unit"]),
        kind=AttributeKind(kind),
        role=Role(role) if role else None,
        synonyms=_words_of_values(entry, "synonyms", where, path),
        meanings=_words_of_values(entry, "meanings", where, path),
        **optional,
        **_statistics(measured),
    )


def _words_of_values(entry: Mapping[str, Any], key: str, where: str, path: Path) -> dict[str, tuple[str, ...]]:
    table = entry.get(key, {})
    if not isinstance(table, dict):
        raise SchemaError(f'{path.name}: {where}{key} must look like {{ value = ["other words"] }}.')
    return {value: _names(words, f"{where}{key}", path) for value, words in table.items()}


def _choice(value: Any, allowed: list[str], key: str, path: Path) -> str:
    if value in allowed:
        return str(value)
    near = difflib.get_close_matches(str(value), allowed, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"choose one of: {', '.join(allowed)}."
    raise SchemaError(f"{path.name}: {key} is {value!r}, which does not exist; {hint}")


def _statistics(measured: Any) -> dict[str, Any]:
    """What an earlier build measured; entries that do not fit are left out, for the next build measures again."""
    if not isinstance(measured, dict):
        return {}
    found = {key: measured[key] for key in _MEASURED if key in measured}
    vocabulary = found.pop("vocabulary", [])
    counts = [ValueCount(value=pair[0], count=pair[1]) for pair in vocabulary if _is_count(pair)]
    return {**found, "vocabulary": tuple(counts)}


def _is_count(pair: Any) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) and isinstance(pair[1], int)
