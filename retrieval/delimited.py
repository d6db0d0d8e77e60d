"""Delimited text (CSV, TSV and kin) into string columns, with the line number of every row and every reject.

Lines that are whole records with the header's number of fields go through polars, all at once. What starts on another
line (quoted line breaks, stray quotes, too many fields) is read one record at a time, so that a broken row never costs
its neighbours.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Container
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
_BLOCK = 1 << 24
_QUOTE = 0x22
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
            np.flatnonzero(self.bytes[start : start + _BLOCK] == 0x0A) + start
            for start in range(0, self.bytes.size, _BLOCK)
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

    def regular(self, separator: str, width: int, start: int) -> NDArray[np.bool_]:
        """(lines,) whether a line from `start` on is a whole record of `width` fields with sound quoting."""
        mask = np.zeros(len(self), np.bool_)
        first = start
        while first < len(self):
            last = int(np.searchsorted(self.ends, self.starts[first] + _BLOCK, side="right"))
            last = max(last, first + 1)
            mask[first:last] = self._regular_block(first, last, ord(separator), width)
            first = last
        return mask

    def _regular_block(self, first: int, last: int, separator: int, width: int) -> NDArray[np.bool_]:
        offset = int(self.starts[first])
        block = self.bytes[offset : int(self.ends[last - 1])]
        starts, ends = self.starts[first:last] - offset, self.ends[first:last] - offset
        separators = np.flatnonzero(block == separator)
        quotes = np.flatnonzero(block == _QUOTE)
        sound = ends > starts
        if quotes.size:
            before = np.searchsorted(quotes, starts)
            number = np.searchsorted(quotes, ends) - before
            line = np.repeat(np.arange(starts.size), number)
            opens = (np.arange(quotes.size) - before[line]) % 2 == 0
            beside = np.where(opens, quotes - 1, quotes + 1)
            edge = (beside < starts[line]) | (beside >= ends[line])
            neighbour = block[np.clip(beside, 0, block.size - 1)]
            stray = ~(edge | (neighbour == separator) | (neighbour == _QUOTE))
            sound &= (number % 2 == 0) & (np.bincount(line[stray], minlength=starts.size) == 0)
            line = np.searchsorted(ends, separators, side="right")
            outside = (np.searchsorted(quotes, separators) - before[np.minimum(line, starts.size - 1)]) % 2 == 0
            separators = separators[outside]
        fields = np.searchsorted(separators, ends) - np.searchsorted(separators, starts) + 1
        return np.asarray(sound & (fields == width))


def _read_rows(data: bytes, lines: _LineIndex, start: int, separator: str, names: list[str]) -> Delimited:
    regular = lines.regular(separator, len(names), start)
    for match in re.finditer(rb"\xed[\xa0-\xbf]", data) if b"\xed" in data else ():
        regular[np.searchsorted(lines.ends, match.start())] = False
    rescued, consumed = _recover(lines, regular, start, separator, names)
    regular[consumed] = False
    frame = _parse_regular(data, lines, regular, separator, names)
    if frame is None:
        return _recover(lines, np.zeros_like(regular), start, separator, names)[0]
    numbers = np.flatnonzero(regular).astype(np.int64) + 1
    if rescued.frame.height:
        numbers = np.concatenate([numbers, rescued.lines])
        order = np.argsort(numbers, kind="stable")
        frame, numbers = pl.concat([frame, rescued.frame])[order], numbers[order]
    return Delimited(frame, numbers, rescued.rejects, rescued.warnings)


def _parse_regular(
    data: bytes, lines: _LineIndex, regular: NDArray[np.bool_], separator: str, names: list[str]
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
            quote_char='"',
            infer_schema=False,
        )
    except pl.exceptions.PolarsError:
        return None
    return frame if frame.height == total and frame.width == len(names) else None


def _recover(
    lines: _LineIndex, regular: NDArray[np.bool_], start: int, separator: str, names: list[str]
) -> tuple[Delimited, NDArray[np.int64]]:
    """Read what starts on a line that is not regular, record by record; and the lines that this took."""
    blocks: list[pl.DataFrame] = []
    rows: list[list[str]] = []
    numbers: list[int] = []
    rejects: list[Reject] = []
    consumed: list[int] = []
    mended = 0
    schema = dict.fromkeys(names, pl.String)
    following = start
    for number in (np.flatnonzero(~regular[start:]) + start).tolist():
        if number < following or not lines.text(number).strip():
            continue
        used, fields, sound = _record(lines, number, separator, len(names))
        following = number + used
        consumed.extend(range(number, following))
        fields, problem = _judged(fields, len(names), sound=sound)
        if problem:
            rejects.append(Reject(number + 1, problem, lines.text(number)[:2000]))
            continue
        mended += not sound
        rows.append(fields)
        numbers.append(number + 1)
        if len(rows) == _RECORDS_A_BLOCK:
            blocks.append(pl.DataFrame(rows, schema=schema, orient="row"))
            rows = []
    blocks.append(pl.DataFrame(rows, schema=schema, orient="row"))
    warnings = [f"{count(mended, 'row')} had a stray quotation mark and was read as it stands"] if mended else []
    found = Delimited(pl.concat(blocks), np.array(numbers, dtype=np.int64), rejects, warnings)
    return found, np.array(consumed, dtype=np.int64)


def _judged(fields: list[str], width: int, *, sound: bool) -> tuple[list[str], str | None]:
    if any("\ud800" <= character <= "\udfff" for value in fields if not value.isascii() for character in value):
        return fields, "broken UTF-8"
    if len(fields) > width and not any(value.strip() for value in fields[width:]):
        fields = fields[:width]
    if len(fields) == width:
        return fields, None
    if not sound:
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
