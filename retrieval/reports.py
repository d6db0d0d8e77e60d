"""What became of every row of an input file, and the cleaning that makes its text safe to print."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload

from convrec.retrieval.errors import InputFileError

EXCERPT = 160
"""characters of a rejected row that the report shows"""

# Terminal sequences first, as whole units, so that their letters do not stay behind when the escape character goes.
ESCAPES = (
    r"(?:\x1b\]|\x9d)[^\x07\x1b\x9c]{0,4096}(?:\x07|\x1b\\|\x9c)?"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[PX^_][^\x1b]{0,4096}(?:\x1b\\)?"
    r"|\x1b[ -/]*[0-~]?"
)
SPACES = r"[\t\n\x0b\x0c\r\x85\u2028\u2029]+"
INVISIBLE = r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"

_ESCAPES = re.compile(ESCAPES)
_SPACES = re.compile(SPACES)
_INVISIBLE = re.compile(INVISIBLE)
_SURROGATES = re.compile("[\ud800-\udfff]")


def sanitise_text(text: str) -> str:
    """Text that is safe in a terminal, a file and an index.

    Terminal escape sequences, control characters, direction overrides and lone surrogates go; line breaks and tabs
    become one space.
    """
    text = _ESCAPES.sub("", _SURROGATES.sub("\ufffd", text))
    return _INVISIBLE.sub("", _SPACES.sub(" ", text)).strip()


@dataclass(frozen=True, slots=True)
class Reject:
    """One row that was not loaded. `line_number` counts from 1, the header included."""

    line_number: int
    reason: str
    excerpt: str = ""


@dataclass(frozen=True, eq=False)
class Rejects(Sequence[Reject]):
    """Rejected rows in columns: a log may have a million of them."""

    line_numbers: list[int] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    excerpts: list[str] = field(default_factory=list)

    @classmethod
    def collect(cls, rejects: Iterable[Reject]) -> Rejects:
        """The rejects in the order of their lines, excerpts made safe and short."""
        ordered = sorted(rejects, key=lambda reject: reject.line_number)
        return cls(
            [reject.line_number for reject in ordered],
            [reject.reason for reject in ordered],
            [shorten(reject.excerpt) for reject in ordered],
        )

    def __len__(self) -> int:
        return len(self.line_numbers)

    @overload
    def __getitem__(self, index: int) -> Reject: ...

    @overload
    def __getitem__(self, index: slice) -> Rejects: ...

    def __getitem__(self, index: int | slice) -> Reject | Rejects:
        if isinstance(index, slice):
            return Rejects(self.line_numbers[index], self.reasons[index], self.excerpts[index])
        return Reject(self.line_numbers[index], self.reasons[index], self.excerpts[index])

    def __iter__(self) -> Iterator[Reject]:
        for entry in zip(self.line_numbers, self.reasons, self.excerpts, strict=True):
            yield Reject(*entry)


@dataclass(frozen=True)
class RowReport:
    """How many rows a file had, how many were loaded, and why the others were not: `read == loaded + rejected`."""

    path: Path
    read: int
    loaded: int
    rejected: Sequence[Reject] = ()
    warnings: tuple[str, ...] = ()
    """what was changed or left out of rows that were loaded, with counts"""
    notes: tuple[str, ...] = ()
    """how the file was understood"""

    def reasons(self) -> dict[str, int]:
        """Number of rejected rows for each reason, most frequent first."""
        reasons = self.rejected.reasons if isinstance(self.rejected, Rejects) else [r.reason for r in self.rejected]
        return dict(Counter(reasons).most_common())

    def write_rejects(self, path: Path) -> None:
        """Write the rejected rows as CSV: line, reason, row."""
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["line", "reason", "row"])
            writer.writerows((r.line_number, r.reason, _inert(r.excerpt)) for r in self.rejected)


def shorten(raw: str) -> str:
    """A rejected row as the report shows it."""
    clean = sanitise_text(raw[: EXCERPT * 4])
    return clean if len(clean) <= EXCERPT else f"{clean[: EXCERPT - 1]}…"


def _inert(cell: str) -> str:
    """A spreadsheet opens the rejects file: a cell that starts like a formula must stay text."""
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@"} else cell


def count(number: int, singular: str, plural: str | None = None) -> str:
    """'1 row', '4,794 rows'."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def lines_phrase(numbers: Sequence[int], shown: int = 3) -> str:
    """'line 7', 'lines 7, 9, 12 and 40 more'."""
    head = ", ".join(str(n) for n in numbers[:shown])
    more = f" and {len(numbers) - shown:,} more" if len(numbers) > shown else ""
    return f"line{'' if len(numbers) == 1 else 's'} {head}{more}"


def nothing_loaded(path: Path, rejected: Rejects) -> InputFileError:
    """The error of a file of which no row can be used."""
    if not len(rejected):
        return InputFileError(f"{path} has no rows; add at least one row below the header.")
    first = rejected[0]
    return InputFileError(
        f"None of the {count(len(rejected), 'row')} of {path} can be used; the first, line {first.line_number}, has "
        f"{first.reason}; correct the file and try again."
    )
