"""`convrec history import`: a person's own history out of another service's export."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convrec.agent.commands.options import JsonOption, UserOption, WorkspaceOption

if TYPE_CHECKING:
    from convrec.agent.history_import import HistoryReport, MatchedRow
    from convrec.retrieval.catalogue import Catalogue

TABLE_ROWS = 20
"""rows of each kind that the table shows; --json shows all"""

history = typer.Typer(help="A person's own history.", no_args_is_help=True)


@history.callback()
def _history() -> None:
    """Bring in a person's own history from another service."""


@history.command("import")
def import_history(
    file: Annotated[Path, typer.Argument(help="An export (CSV, JSON), or any table with a title column.")],
    user: UserOption = None,
    person: Annotated[
        str | None, typer.Option("--person", help="Whose rows, where the file holds several people's.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Take what matched; doubtful titles are left out.")] = False,
    take: Annotated[
        list[int] | None, typer.Option("--take", help="Line of a doubtful title whose first candidate is right.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be taken, and take nothing.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read an export of Letterboxd, IMDb, Trakt, MovieLens, Goodreads, Spotify or Last.fm, or any CSV with titles.

    Titles are matched to the catalogue; what is doubtful is asked about and never taken silently. Your file is only
    read, never changed.

    Example: convrec history import ratings.csv --user ann
    """
    from convrec.agent.errors import HistoryImportError
    from convrec.agent.history_import import read_history, store_history
    from convrec.agent.recommender import Recommender

    if user is None:
        raise HistoryImportError("Say whose history this is with --user NAME.")
    with Recommender.open(workspace) as recommender:
        catalogue = recommender.catalogue
        report = read_history(file, catalogue, person=person)
        for line in take or ():
            report = _taken(report, line)
        if not as_json:
            print_table(report, catalogue)
        asked = not (yes or dry_run or as_json) and sys.stdin.isatty()
        if asked:
            report = _ask_doubtful(report, catalogue)
        sure = len(report.of("matched"))
        stored = 0
        if not dry_run and (yes or (asked and typer.confirm(f"Take {sure:,} titles as {user}'s history?"))):
            stored = store_history(report, catalogue, recommender.people, user)
        if as_json:
            json.dump(as_record(report, catalogue, stored), sys.stdout, ensure_ascii=False, indent=2)
            sys.stdout.write("\n")
            return
        left = len(report.of("doubtful"))
        said = f"{stored:,} items are now in {user}'s history." if stored else "Nothing was taken."
        if not (yes or asked or dry_run):
            said += " Add --yes to take what matched."
        if left:
            said += f" {left:,} doubtful titles were left out; --take LINE takes the first candidate of one."
        sys.stdout.write(said + "\n")


def _taken(report: HistoryReport, line: int) -> HistoryReport:
    from convrec.agent.errors import HistoryImportError

    doubtful = {entry.row.line: entry for entry in report.of("doubtful")}
    if line not in doubtful:
        known = ", ".join(str(n) for n in list(doubtful)[:10]) or "none"
        raise HistoryImportError(f"Line {line} is not doubtful; doubtful lines are: {known}.")
    return report.accept(line, doubtful[line].match.candidates[0])


def _ask_doubtful(report: HistoryReport, catalogue: Catalogue) -> HistoryReport:
    """Let the person decide each doubtful title; an empty answer skips it, 'q' skips the rest."""
    for entry in report.of("doubtful"):
        sys.stdout.write(f"\n{_named(entry)} may be:\n")
        for number, candidate in enumerate(entry.match.candidates, 1):
            sys.stdout.write(f"  {number}. {catalogue.titles[candidate.row]}\n")
        answer = typer.prompt("Which one? (number, empty: none, q: none of the rest)", default="", show_default=False)
        if answer.strip().casefold() == "q":
            break
        if answer.strip().isdigit() and 1 <= int(answer) <= len(entry.match.candidates):
            report = report.accept(entry.row.line, entry.match.candidates[int(answer) - 1])
    return report


def _named(entry: MatchedRow) -> str:
    year = f" ({entry.row.query.year})" if entry.row.query.year else ""
    return f"Line {entry.row.line}: {entry.row.title}{year}"


def print_table(report: HistoryReport, catalogue: Catalogue) -> None:
    """The titles by what became of them."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from convrec.agent.history_import import summary

    console = Console()
    table = Table(box=None, pad_edge=False)
    for name in ("line", "in the file", "", "in the catalogue", "why"):
        table.add_column(name)
    for kind in ("matched", "doubtful", "unknown"):
        rows = report.of(kind)
        for entry in rows[:TABLE_ROWS]:
            year = f" ({entry.row.query.year})" if entry.row.query.year else ""
            found = " | ".join(catalogue.titles[c.row] for c in entry.match.candidates[:3])
            cells = (str(entry.row.line), f"{entry.row.title}{year}", kind, found, entry.match.why)
            table.add_row(*(Text(cell) for cell in cells))
        if len(rows) > TABLE_ROWS:
            table.add_row("", f"… {len(rows) - TABLE_ROWS:,} more", kind, "", "")
    console.print(table)
    console.print(Text(summary(report)))


def as_record(report: HistoryReport, catalogue: Catalogue, stored: int) -> dict[str, Any]:
    """The whole report for `--json`."""
    return {
        "file": str(report.path),
        "format": report.format,
        "skipped": report.skipped,
        "stored": stored,
        "rows": [
            {
                "line": entry.row.line,
                "title": entry.row.title,
                "year": entry.row.query.year,
                "rating": entry.row.rating,
                "time": entry.row.time,
                "match": entry.match.kind,
                "why": entry.match.why,
                "candidates": [
                    {"id": catalogue.ids[c.row], "title": catalogue.titles[c.row], "similarity": c.similarity}
                    for c in entry.match.candidates
                ],
            }
            for entry in report.rows
        ],
    }
