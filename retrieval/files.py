"""Open a table in any of the formats that people have: CSV, TSV, JSON, JSON lines, Parquet, gzipped or not.

The whole file is held in memory once, and its columns a second time.
"""

from __future__ import annotations

import difflib
import gzip
import io
import itertools
import json
import zlib
from collections.abc import Container
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from convrec.retrieval.delimited import read_delimited, unique_names
from convrec.retrieval.errors import InputFileError
from convrec.retrieval.reports import Reject, count, sanitise_text

_LARGE_JSON = 32 << 20
_TEXT_SUFFIXES = {".csv", ".tsv", ".tab", ".txt", ".dat", ".psv", ".item", ".inter"}
_JSON_SUFFIXES = {".json", ".jsonl", ".ndjson"}
_CONTROLS = bytes(set(range(1, 32)) - {0x09, 0x0A, 0x0D, 0x1B, 0x1F})
_LETTERS_BEYOND_ASCII = "’‘“”–—…€£¥°«»¿¡·´©®™½¼¾ªº§²³×•†ß\xa0"


@dataclass
class Table:
    """A file as columns: strings, or the numbers and dates of a Parquet file. `lines` (rows,) are line numbers."""

    path: Path
    frame: pl.DataFrame
    lines: NDArray[np.int64]
    rejects: list[Reject] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_table(path: Path, known: Container[str] = ()) -> Table:
    """Read a file into columns.

    `known`: values that no column is called, so that a first line which holds one is data and not a header.

    Raises:
        InputFileError: the file is missing, empty, damaged, or in a format that is not read.
    """
    raw = _read_bytes(path)
    raw, suffix = _decompress(raw, path)
    if not raw.strip():
        raise InputFileError(f"{path} is empty; give a file with a header line and one row an item or event.")
    if raw[:4] == b"PAR1" or suffix in {".parquet", ".pq"}:
        return _read_parquet(raw, path)
    if raw[:4] == b"PK\x03\x04":
        raise InputFileError(f"{path} is a zip archive or a spreadsheet; save it as CSV, or unpack it first.")
    warnings: list[str] = []
    data = _as_utf8(raw, path, warnings)
    start = data[:4096].lstrip()[:1]
    if suffix in _JSON_SUFFIXES or (suffix not in _TEXT_SUFFIXES and start in (b"{", b"[")):
        table = _read_json(data, path)
    else:
        separator = "\t" if suffix in {".tsv", ".tab"} and b"\t" in data[: 1 << 16] else None
        parsed = read_delimited(data, name=str(path), separator=separator, known=known)
        table = Table(path, parsed.frame, parsed.lines, parsed.rejects, parsed.warnings, parsed.notes)
    table.warnings[:0] = warnings
    return table


def _read_bytes(path: Path) -> bytes:
    if path.is_dir():
        raise InputFileError(f"{path} is a folder; name the file inside it.")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputFileError(f"There is no file {path}; {_nearby(path)}") from None
    except OSError as error:
        raise InputFileError(f"{path} cannot be read: {error.strerror or error}; check its permissions.") from error


def _nearby(path: Path) -> str:
    try:
        names = sorted(entry.name for entry in path.parent.iterdir() if entry.is_file())
    except OSError:
        return f"its folder {path.parent} does not exist either: check the path."
    near = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean {path.parent / near[0]}?" if near else "check the path."


def _decompress(raw: bytes, path: Path) -> tuple[bytes, str]:
    suffix = path.suffix.lower()
    if raw[:2] != b"\x1f\x8b":
        if suffix == ".gz":
            raise InputFileError(f"{path} ends in .gz but is not gzip-compressed; rename it, or compress it again.")
        return raw, suffix
    try:
        unpacked = gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise InputFileError(f"{path} is a damaged gzip file ({error}); fetch or compress it again.") from error
    return unpacked, Path(path.stem).suffix.lower() if suffix == ".gz" else suffix


def _as_utf8(raw: bytes, path: Path, warnings: list[str]) -> bytes:
    """The text as UTF-8 with '\\n' line breaks and no NUL; broken characters become lone surrogates."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            raw = raw.decode("utf-16").encode()
        except UnicodeError as error:
            raise InputFileError(f"{path} starts like UTF-16 text but is damaged; save it again as UTF-8.") from error
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    nuls = raw.count(b"\0")
    head = raw[: 1 << 16]
    if nuls > len(raw) * 0.2 or len(head) - len(head.translate(None, _CONTROLS)) > 0.05 * len(head):
        raise InputFileError(f"{path} is not text; give CSV, TSV, JSON lines or Parquet.")
    if nuls:
        raw = raw.replace(b"\0", b"")
        warnings.append(f"{count(nuls, 'NUL byte')} removed")
    if b"\r" in raw:
        raw = raw.replace(b"\r\n", b"\n") if b"\n" in raw else raw.replace(b"\r", b"\n")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return _not_utf8(raw, warnings)
    return raw


def _not_utf8(raw: bytes, warnings: list[str]) -> bytes:
    """Text with bytes that are not UTF-8: a file in a Western 8-bit encoding, or single broken rows."""
    beyond = [line for line in raw.split(b"\n") if not line.isascii()]
    broken = [line for line in beyond if not _is_utf8(line)]
    if len(broken) * 2 > len(beyond) and all(_looks_western(line) for line in broken[:1000]):
        try:
            text = raw.decode("cp1252")
            name = "Windows-1252"
        except UnicodeDecodeError:
            text = raw.decode("latin-1")
            name = "Latin-1"
        warnings.append(f"the text is not UTF-8; it was read as {name}: check accented letters")
        return text.encode()
    return raw.decode("utf-8", "surrogateescape").encode("utf-8", "surrogatepass")


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _looks_western(line: bytes) -> bool:
    text = line.decode("cp1252", "replace")
    odd = [c for c in text if ord(c) > 127]
    # 'ÿ' is the byte 0xFF, which damaged data is full of and hardly any word.
    good = sum((c.isalpha() and c != "ÿ") or c in _LETTERS_BEYOND_ASCII for c in odd)
    return good >= 0.9 * len(odd)


def _read_parquet(raw: bytes, path: Path) -> Table:
    if raw[:4] != b"PAR1":
        raise InputFileError(
            f"{path} is called Parquet but is not; rename it after its real format, or export it again."
        )
    try:
        frame = pl.read_parquet(io.BytesIO(raw))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputFileError(f"{path} is a damaged Parquet file; export it again ({_brief(error)}).") from error
    if frame.height == 0 or frame.width == 0:
        raise InputFileError(f"{path} has columns but no rows; export it again with rows.")
    notes = []
    names, renamed = unique_names([sanitise_text(name) for name in frame.columns])
    frame.columns = names
    for name, dtype in frame.schema.items():
        if dtype in (pl.Binary, pl.Object):
            frame = frame.drop(name)
            notes.append(f"column {name} holds raw bytes and is left out")
        elif dtype.is_nested():
            frame = frame.with_columns(pl.Series(name, [_flat(v) for v in frame[name].to_list()], dtype=pl.String))
        elif isinstance(dtype, pl.Categorical | pl.Enum):
            frame = frame.with_columns(pl.col(name).cast(pl.String))
        elif dtype.is_decimal():
            frame = frame.with_columns(pl.col(name).cast(pl.Float64))
    return Table(path, frame, np.arange(1, frame.height + 1, dtype=np.int64), notes=[*renamed, *notes])


def _brief(error: Exception) -> str:
    return sanitise_text(str(error).split("\n", maxsplit=1)[0])[:120]


def _flat(value: Any) -> str | None:
    """One JSON value as a cell: scalars as text, lists and objects as JSON."""
    if value is None:
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str) if value else None
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    return str(value)


def _read_json(data: bytes, path: Path) -> Table:
    start = data[:4096].lstrip()[:1]
    if len(data) > _LARGE_JSON and start == b"{":
        table = _read_large_json_lines(data, path)
        if table is not None:
            return table
    whole = _whole_json(data)
    if whole is not None:
        records, rejects = whole
        return _from_records(path, records, list(range(1, len(records) + 1)), rejects)
    records, numbers, rejects = [], [], []
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        record, problem = _json_line(line)
        if problem:
            rejects.append(Reject(number, problem, line[:2000].decode("utf-8", "replace")))
        else:
            records.append(record)
            numbers.append(number)
    return _from_records(path, records, numbers, rejects)


def _json_line(line: bytes) -> tuple[dict[str, Any], str | None]:
    try:
        record = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return {}, "broken UTF-8"
    except (json.JSONDecodeError, RecursionError):
        return {}, "not valid JSON"
    if not isinstance(record, dict):
        return {}, "not a JSON object"
    return record, None


def _whole_json(data: bytes) -> tuple[list[dict[str, Any]], list[Reject]] | None:
    """Records of a single JSON array, or of one object of objects by id; None for JSON lines."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if isinstance(document, dict) and document and all(isinstance(v, dict) for v in document.values()):
        return [{"id": key, **value} for key, value in document.items()], []
    if not isinstance(document, list):
        return None
    records = []
    rejects = []
    for number, value in enumerate(document, 1):
        if isinstance(value, dict):
            records.append(value)
        else:
            rejects.append(Reject(number, "not a JSON object", str(value)[:2000]))
    return records, rejects


def _from_records(path: Path, records: list[dict[str, Any]], numbers: list[int], rejects: list[Reject]) -> Table:
    if not records:
        hint = f"; its first bad line is {rejects[0].line_number} ({rejects[0].reason})" if rejects else ""
        raise InputFileError(f"{path} has no JSON object to read{hint}; write one object a line.")
    keys = list(dict.fromkeys(key for record in records for key in record))
    names, notes = unique_names([sanitise_text(key) for key in keys])
    columns = {
        name: pl.Series(name, [_utf8(_flat(record.get(key))) for record in records], dtype=pl.String)
        for name, key in zip(names, keys, strict=True)
    }
    return Table(path, pl.DataFrame(columns), np.array(numbers, dtype=np.int64), rejects, notes=notes)


def _utf8(value: str | None) -> str | None:
    """JSON may spell lone surrogates, which no column can hold."""
    return None if value is None else value.encode("utf-8", "replace").decode()


def _read_large_json_lines(data: bytes, path: Path) -> Table | None:
    """Millions of flat objects through polars; None where a line needs the careful reader."""
    part = 1 << 20
    middle, end = len(data) // 2, max(0, len(data) - part)
    samples = [
        data[:part].split(b"\n")[:-1],
        data[middle : middle + part].split(b"\n")[1:-1],
        data[end:].split(b"\n")[1:],
    ]
    keys: dict[str, bool] = {}
    for line in itertools.chain(*samples):
        record, problem = _json_line(line) if line.strip() else ({}, None)
        if problem or any(isinstance(value, list | dict) for value in record.values()):
            return None
        for key, value in record.items():
            keys[key] = keys.get(key, False) or isinstance(value, float)
    try:
        frame = pl.read_ndjson(io.BytesIO(data), schema=dict.fromkeys(keys, pl.String))
    except pl.exceptions.PolarsError:
        return None
    filled = [number for number, line in enumerate(data.split(b"\n"), 1) if line.strip()]
    if frame.height != len(filled):
        return None
    floats = [key for key, is_float in keys.items() if is_float]
    frame = frame.with_columns(pl.col(floats).str.replace(r"\.0$", "")) if floats else frame
    return Table(path, frame, np.array(filled, dtype=np.int64))
