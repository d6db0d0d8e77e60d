"""Delimited text (CSV, TSV and kin) into string columns, with the line number of every row and every reject.

Regular lines go through polars. Lines that do not have the header's number of fields, quoted line breaks and stray
quotes are read one record at a time, so that one broken row never costs its neighbours.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from convrec.retrieval.errors import InputFileError
from convrec.retrieval.reports import Reject, count, sanitise_text

SEPARATORS = ("\t", ",", ";", "|", "::")
_UNIT_SEPARATOR = "\x1f"
"""stands in for a separator of two characters"""
_RECORDS_A_BLOCK = 100_000
_TYPED_HEADER = re.compile(r"^(\w+):(?:token|token_seq|float|float_seq)$")
_NUMBER = re.compile(r"^[+-]?\d+(?:[.,]\d+)?$")

csv.field_size_limit(2**31 - 1)


@dataclass
class Delimited:
    """Rows as string columns; `lines` (rows,) int64 are the line numbers."""

    frame: pl.DataFrame
    lines: NDArray[np.int64]
    rejects: list[Reject] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_delimited(data: bytes, *, name: str, separator: str | None = None, known: Container[str] = ()) -> Delimited:
    """Read a delimited table.

    `known`: values that no column is called, so that a first line which holds one is data and not a header.
    `data` is UTF-8, where bytes of broken characters are encoded as lone surrogates ('surrogatepass').

    Raises:
        InputFileError: there is no header, or nothing below it.
    """
    separator = separator or _sniff(data)
    if separator == "::":
        data, separator = data.replace(b"::", _UNIT_SEPARATOR.encode()), _UNIT_SEPARATOR
    lines = _LineIndex(data)
    first = next((number for number in range(len(lines)) if lines.text(number).strip()), None)
    if first is None:
        raise InputFileError(f"{name} is empty; give a file with a header line and one row an item or event.")
    used, header, _ = _record(lines, first, separator, None)
    second = next((n for n in range(first + used, len(lines)) if lines.text(n).strip()), None)
    below = _record(lines, second, separator, len(header))[1] if second is not None else []
    names, notes, headed = _column_names(header, below, known)
    start = first + used if headed else first
    if second is None and headed:
        raise InputFileError(f"{name} has a header line but no rows; add at least one row below the header.")
    result = _read_rows(data, lines, start, separator, names)
    result.notes[:0] = notes
    if separator == _UNIT_SEPARATOR:
        result.notes.append("fields are separated by '::'")
    return result


class _LineIndex:
    """Where each physical line of the data starts and ends."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.bytes = np.frombuffer(data, dtype=np.uint8)
        breaks = [
            np.flatnonzero(self.bytes[start : start + (1 << 24)] == 0x0A) + start
            for start in range(0, self.bytes.size, 1 << 24)
        ]
        ends = np.concatenate(breaks) if breaks else np.zeros(0, np.int64)
        if self.bytes.size and (ends.size == 0 or ends[-1] != self.bytes.size - 1):
            ends = np.append(ends, self.bytes.size)
        self.ends = ends.astype(np.int64)
        self.starts = np.concatenate([np.zeros(min(1, ends.size), np.int64), self.ends[:-1] + 1])

    def __len__(self) -> int:
        return int(self.ends.size)

    def text(self, number: int) -> str:
        return self.data[self.starts[number] : self.ends[number]].decode("utf-8", "surrogatepass")

    def counts(self, byte: int) -> NDArray[np.int64]:
        """(lines,) how often a byte occurs in each line."""
        found = [
            np.flatnonzero(self.bytes[start : start + (1 << 24)] == byte) + start
            for start in range(0, self.bytes.size, 1 << 24)
        ]
        places = np.concatenate(found) if found else np.zeros(0, np.int64)
        return np.searchsorted(places, self.ends) - np.searchsorted(places, self.starts)


def _read_rows(data: bytes, lines: _LineIndex, start: int, separator: str, names: list[str]) -> Delimited:
    quoted = b'"' in data
    broken = b"\xed" in data and _has_surrogates(data)
    fields = lines.counts(ord(separator)) + 1
    regular = fields == len(names)
    if quoted:
        regular &= lines.counts(0x22) % 2 == 0
    regular[:start] = False
    blank = lines.ends == lines.starts
    blank[:start] = True
    if broken or (quoted and not bool((regular | blank).all())):
        return _recover(lines, start, separator, names)
    odd = [n for n in np.flatnonzero(~regular & ~blank).tolist() if lines.text(n).strip()]
    rescued = _recover(lines, 0, separator, names, only=odd)
    frame = _parse_regular(data, lines, regular, separator, names, quoted=quoted)
    numbers = np.flatnonzero(regular).astype(np.int64) + 1
    if frame is None:
        return _recover(lines, start, separator, names)
    if rescued.frame.height:
        numbers = np.concatenate([numbers, rescued.lines])
        order = np.argsort(numbers, kind="stable")
        frame, numbers = pl.concat([frame, rescued.frame])[order], numbers[order]
    return Delimited(frame, numbers, rescued.rejects, rescued.warnings)


def _has_surrogates(data: bytes) -> bool:
    return re.search(rb"\xed[\xa0-\xbf]", data) is not None


def _parse_regular(
    data: bytes, lines: _LineIndex, regular: NDArray[np.bool_], separator: str, names: list[str], *, quoted: bool
) -> pl.DataFrame | None:
    """The regular lines through polars; None when its count of rows differs from ours."""
    total = int(regular.sum())
    if total == 0:
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], regular.astype(np.int8), [0]])))
    runs = [data[lines.starts[a] : min(int(lines.ends[b - 1]) + 1, len(data))] for a, b in edges.reshape(-1, 2)]
    try:
        frame = pl.read_csv(
            runs[0] if len(runs) == 1 else b"".join(runs),
            has_header=False,
            new_columns=names,
            separator=separator,
            quote_char='"' if quoted else None,
            infer_schema=False,
        )
    except pl.exceptions.PolarsError:
        return None
    return frame if frame.height == total and frame.width == len(names) else None


def _recover(
    lines: _LineIndex, start: int, separator: str, names: list[str], only: list[int] | None = None
) -> Delimited:
    """Read record by record. `only`: these physical lines alone, each a record of its own."""
    blocks: list[pl.DataFrame] = []
    rows: list[list[str]] = []
    numbers: list[int] = []
    rejects: list[Reject] = []
    mended = 0
    schema = dict.fromkeys(names, pl.String)
    for number, fields, problem, lenient in _records(lines, start, separator, len(names), only):
        if problem:
            rejects.append(Reject(number + 1, problem, lines.text(number)))
            continue
        mended += lenient
        rows.append(fields)
        numbers.append(number + 1)
        if len(rows) == _RECORDS_A_BLOCK:
            blocks.append(pl.DataFrame(rows, schema=schema, orient="row"))
            rows = []
    blocks.append(pl.DataFrame(rows, schema=schema, orient="row"))
    warnings = [f"{count(mended, 'row')} had a stray quotation mark and was read as it stands"] if mended else []
    return Delimited(pl.concat(blocks), np.array(numbers, dtype=np.int64), rejects, warnings)


def _records(
    lines: _LineIndex, start: int, separator: str, width: int, only: list[int] | None
) -> Iterator[tuple[int, list[str], str | None, bool]]:
    """(physical line, fields, why it is rejected or None, whether it was read leniently)."""
    number = start
    for number_given in only or ():
        yield number_given, *_judged(_record(lines, number_given, separator, width)[1], width, strict=True), False
    while only is None and number < len(lines):
        if lines.starts[number] == lines.ends[number] or not lines.text(number).strip():
            number += 1
            continue
        used, fields, strict = _record(lines, number, separator, width)
        yield number, *_judged(fields, width, strict=strict), not strict
        number += used


def _judged(fields: list[str], width: int, *, strict: bool) -> tuple[list[str], str | None]:
    if any("\ud800" <= character <= "\udfff" for value in fields for character in value if character > "\ud7ff"):
        return fields, "broken UTF-8"
    if len(fields) > width and not any(value.strip() for value in fields[width:]):
        fields = fields[:width]
    if len(fields) == width:
        return fields, None
    if not strict:
        return fields, "quotation mark without its partner"
    return fields, "too many fields" if len(fields) > width else "too few fields"


def _record(lines: _LineIndex, number: int, separator: str, width: int | None) -> tuple[int, list[str], bool]:
    """(physical lines used, fields, whether the quoting was correct) of the record that starts on a line."""
    line = lines.text(number)
    if '"' not in line:
        return 1, line.rstrip("\r").split(separator), True
    # A quote that is never closed reads on to the next quote of the file, so each line is read twice at most.
    reader = csv.reader((f"{lines.text(n)}\n" for n in range(number, len(lines))), delimiter=separator, strict=True)
    try:
        fields = next(reader)
    except (csv.Error, StopIteration):
        return 1, _split(line, separator), False
    used = reader.line_num
    if (
        used > 1
        and width is not None
        and len(fields) != width
        and _swallows_rows(lines, number, used, separator, width)
    ):
        return 1, _split(line, separator), False
    return used, fields, True


def _split(line: str, separator: str) -> list[str]:
    """The fields of one line whose quoting may be wrong."""
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return line.split(separator)


def _swallows_rows(lines: _LineIndex, number: int, used: int, separator: str, width: int) -> bool:
    """Whether a quote that was never closed took in lines that are rows of their own."""
    following = itertools.islice(range(number + 1, number + used), 100)
    return any(len(_split(lines.text(n), separator)) == width for n in following)


def _column_names(header: list[str], below: list[str], known: Container[str]) -> tuple[list[str], list[str], bool]:
    """(names, notes, whether the first line is a header)."""
    cells = [sanitise_text(cell) for cell in header]
    pairs = list(zip(cells, below, strict=False))
    numbers = any(_NUMBER.match(cell) and _NUMBER.match(value.strip()) for cell, value in pairs)
    if numbers or any(cell in known for cell in cells):
        names = [f"column_{number}" for number in range(1, len(cells) + 1)]
        return names, [f"no header line: the columns are called {names[0]} to {names[-1]}"], False
    typed = [_TYPED_HEADER.match(cell) for cell in cells]
    if all(typed):
        cells = [match.group(1) for match in typed if match]
    names, notes = unique_names(cells)
    return names, notes, True


def unique_names(cells: list[str]) -> tuple[list[str], list[str]]:
    """Column names without gaps and repetitions, and notes on what was renamed."""
    names: list[str] = []
    notes = []
    for number, cell in enumerate(cells, 1):
        name = cell or f"column_{number}"
        suffix = 2
        while name in names:
            name = f"{cell or 'column'}_{suffix}"
            suffix += 1
        if name != cell:
            notes.append(f"column {number} is called {name}" + (f" (a second {cell})" if cell else " (it has no name)"))
        names.append(name)
    return names, notes


def _sniff(data: bytes) -> str:
    """The separator that divides the first lines most evenly."""
    sample = data[: 1 << 16].decode("utf-8", "replace")
    text = [line for line in sample.split("\n")[:200] if line.strip()]
    if len(text) > 1 and len(data) > 1 << 16:
        text = text[:-1]
    best, best_score = ",", (0.0, 0)
    for separator in SEPARATORS:
        widths = [len(line.split("::") if separator == "::" else _split(line, separator)) for line in text]
        if not widths or widths[0] < 2:
            continue
        even = sum(width == widths[0] for width in widths) / len(widths)
        score = (round(even, 1), widths[0])
        if even >= 0.3 and score > best_score:
            best, best_score = separator, score
    return best
