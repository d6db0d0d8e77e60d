"""A build with a long log: how long it takes and how much memory, from files to a serving generation.

    python -m tests.benchmarks.large_log [--events 5000000] [--items 20000] [--people 100000]

The catalogue and the log are made up: items in clusters, popularity by a power law, people who keep to a few clusters.
The figures tell cost, not quality. The log is written piece by piece, so that this script itself stays small.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from tests.benchmarks.build import build

PIECE = 500_000
CLUSTERS = 200


def write_items(path: Path, items: int, rng: np.random.Generator) -> None:
    """Short titles and one attribute: what is measured here is the log."""
    cluster = rng.integers(CLUSTERS, size=items)
    pl.DataFrame(
        {
            "id": [f"i{n}" for n in range(items)],
            "title": [f"Item {n} of shelf {c}" for n, c in enumerate(cluster)],
            "shelf": [f"shelf {c}" for c in cluster],
        }
    ).write_csv(path)


def write_log(path: Path, events: int, items: int, people: int, rng: np.random.Generator) -> None:
    """Events of people in a row, each person's in the order of time."""
    weight = 1 / np.arange(1, items + 1) ** 0.8
    popularity = np.cumsum(weight / weight.sum())
    with path.open("wb") as file:
        for start in range(0, events, PIECE):
            count = min(PIECE, events - start)
            person = np.sort(rng.integers(people, size=count))
            favourite = person * 7919 % items
            drawn = np.minimum(np.searchsorted(popularity, rng.random(count)), items - 1)
            near = (favourite + rng.integers(0, items // CLUSTERS, size=count)) % items
            item = np.where(rng.random(count) < 0.5, near, drawn)
            frame = pl.DataFrame(
                {
                    "user_id": person,
                    "item_id": item,
                    "rating": rng.integers(1, 6, size=count),
                    "timestamp": 1_600_000_000 + np.arange(start, start + count),
                }
            ).with_columns(pl.format("u{}", "user_id").alias("user_id"), pl.format("i{}", "item_id").alias("item_id"))
            frame.write_csv(file, include_header=start == 0)


def main() -> None:
    """Write the files, build from them in a process of its own, and print what that took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--people", type=int, default=100_000)
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        files, workspace = Path(folder), Path(folder) / "workspace"
        write_items(files / "items.csv", given.items, rng)
        write_log(files / "log.csv", given.events, given.items, given.people, rng)
        print(f"{given.events:,} events, {given.items:,} items, {given.people:,} people", flush=True)
        build("from nothing", files / "items.csv", files / "log.csv", workspace, [])


if __name__ == "__main__":
    main()
