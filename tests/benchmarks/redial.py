"""What `convrec eval crs` needs of ReDial: a catalogue, a log from another catalogue, and two halves of the dialogues.

    python tests/benchmarks/redial.py movies.json valid.jsonl --out DIR --catalogue items.csv --log interactions.csv
    convrec build --items DIR/items.jsonl --interactions DIR/interactions.csv --workspace DIR/workspace
    convrec eval crs --cases DIR/report.jsonl --workspace DIR/workspace

`movies.json` maps ReDial's ids to name, genre, plot, director, writer and star; `valid.jsonl` is ReDial's raw form. The
log is that of any catalogue with titles: its items are found again by title and year, others are left out. Parameters
are chosen on `choose.jsonl`, every second conversation, and reported on `report.jsonl`, the others.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import polars as pl

from convrec.evals.crs_cases import convert_redial, write_dialogues
from convrec.evals.request_judge import plain_title

YEAR = re.compile(r"\s*\((\d{4})\)\s*$")


def item_lines(movies: Path) -> list[dict[str, object]]:
    """Items with their title and year apart, sorted by id."""
    found = []
    for key, movie in sorted(json.loads(movies.read_text("utf-8")).items()):
        name = " ".join(movie["name"].split())
        year = YEAR.search(name)
        found.append(
            {
                "item_id": key,
                "title": YEAR.sub("", name),
                "year": int(year[1]) if year else None,
                "genres": movie["genre"],
                "directors": movie["director"],
                "stars": movie["star"],
                "writers": movie["writer"],
                "plot": movie["plot"],
            }
        )
    return found


def mapped_log(items: list[dict[str, object]], catalogue: Path, log: Path) -> pl.DataFrame:
    """The events of another catalogue's log whose items are among ours, by title and a year at most one apart."""
    ours: dict[str, list[tuple[object, object]]] = {}
    for item in items:
        ours.setdefault(plain_title(str(item["title"])), []).append((item["item_id"], item["year"]))
    theirs = pl.read_csv(catalogue)
    pairs = {
        str(key): own
        for key, title, year in theirs.select("item_id", "title", "year").iter_rows()
        for own, when in ours.get(plain_title(title), [])
        if when is None or year is None or abs(int(str(when)) - year) <= 1
    }
    events = pl.read_csv(log, schema_overrides={"item_id": pl.String})
    return events.filter(pl.col("item_id").is_in(list(pairs))).with_columns(pl.col("item_id").replace_strict(pairs))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("movies", type=Path)
    parser.add_argument("dialogues", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--catalogue", type=Path, help="items.csv with item_id, title and year")
    parser.add_argument("--log", type=Path, help="interactions.csv of that catalogue")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    items = item_lines(args.movies)
    (args.out / "items.jsonl").write_text("".join(json.dumps(i, ensure_ascii=False) + "\n" for i in items), "utf-8")
    cases = convert_redial(args.dialogues)
    conversations = {name: number for number, name in enumerate(dict.fromkeys(c.id.rsplit("-", 1)[0] for c in cases))}
    for half, name in enumerate(("choose", "report")):
        part = [case for case in cases if conversations[case.id.rsplit("-", 1)[0]] % 2 == half]
        write_dialogues(part, args.out / f"{name}.jsonl")
        print(f"{name}: {len(part)} moments, {sum(len(c.targets) for c in part)} targets")
    if args.catalogue and args.log:
        events = mapped_log(items, args.catalogue, args.log)
        events.write_csv(args.out / "interactions.csv")
        print(f"{len(items)} items; {len(events)} events of {events['item_id'].n_unique()} of them")


if __name__ == "__main__":
    main()
