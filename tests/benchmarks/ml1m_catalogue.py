"""MovieLens-1M as the files that `convrec build` reads: items with their abstracts, and the log in its own order.

    python tests/benchmarks/ml1m_catalogue.py FOLDER_OF_ML1M OUT
    convrec build --items OUT/items.csv --interactions OUT/interactions.csv --workspace WORKSPACE

FOLDER_OF_ML1M holds `movies.dat`, `abstracts.json` and `sequences.txt`. The sequences have an order but no times: each
event gets the second after the one before it.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import polars as pl

TITLE = re.compile(r"(?P<title>.+) \((?P<year>\d{4})\)$")


def items(folder: Path) -> pl.DataFrame:
    """A row for each item that the log names: id, title, year, genres, abstract."""
    abstracts = json.loads((folder / "abstracts.json").read_text(encoding="utf-8"))
    rows = []
    for line in (folder / "movies.dat").read_text(encoding="latin-1").splitlines():
        item, name, genres = line.split("::")
        found = TITLE.match(name)
        title, year = (found["title"], int(found["year"])) if found else (name, None)
        rows.append((item, title, year, genres, abstracts.get(item)))
    return pl.DataFrame(rows, ["id", "title", "year", "genres", "abstract"], orient="row")


def events(folder: Path) -> pl.DataFrame:
    """A row for each event: user_id, item_id, timestamp (seconds)."""
    people = [line.split() for line in (folder / "sequences.txt").read_text(encoding="utf-8").splitlines()]
    return (
        pl.DataFrame({"user_id": [p[0] for p in people], "item_id": [p[1:] for p in people]})
        .with_columns(timestamp=pl.col("item_id").list.len().map_elements(range, pl.List(pl.Int64)))
        .explode("item_id", "timestamp")
        .with_columns(pl.col("timestamp") + 946_684_800)
    )


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    log = events(given.folder)
    met = items(given.folder).filter(pl.col("id").is_in(log["item_id"].unique().implode()))
    met.write_csv(given.out / "items.csv")
    log.write_csv(given.out / "interactions.csv")
    print(f"{met.height:,} items, {log.height:,} events in {given.out}")


if __name__ == "__main__":
    main()
