"""What is wrong with the starter companion, how much it covers, and a sample of it for reading.

`python -m tests.starter_sample [--count 20] [--seed 1] [--items items.jsonl]`; the items file (written by
`convrec demo` into its cache) adds titles, the checks that need titles, and the share of ratings covered.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from babel import Locale
from rapidfuzz import fuzz, process

from convrec.retrieval.starter import starter_vocabulary

Record = dict[str, Any]

KEYS = ("id", "directors", "actors", "runtime", "countries", "languages", "themes", "moods", "description")
COUNTS = {
    "directors": (1, 4),
    "actors": (1, 5),
    "countries": (1, 6),
    "languages": (1, 4),
    "themes": (2, 5),
    "moods": (1, 3),
}
USUAL_NAMES = {"Hong Kong", "Czech Republic", "Soviet Union", "Yugoslavia", "Mandarin"}
"""names in everyday use that the locale data list differently, or no longer"""
_NAME = re.compile(r"[^\W\d_][\w'.-]*( (?!\W)[\w'.-]+)*")
_UNSPACED_INITIALS = re.compile(r"\b[A-Z]\.[A-Z]")


def companion() -> list[Record]:
    """The shipped records, in the order of the file."""
    text = resources.files("convrec.retrieval").joinpath("data/starter_companion.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def problems(records: list[Record]) -> list[str]:
    """Everything that is wrong with the records taken by themselves; empty when all is well."""
    found = [f"{record.get('id')}: {fault}" for record in records for fault in _record_faults(record)]
    ids = [int(record["id"]) for record in records]
    if ids != sorted(set(ids)):
        found.append("ids are not unique and in order")
    return [*found, *_spellings(records), *_near_duplicates(records)]


def _record_faults(record: Record) -> Iterator[str]:
    if [key for key in KEYS if key in record] != list(record):
        yield f"keys {list(record)}"
    if not re.fullmatch(r"[1-9]\d{0,3}", str(record["id"])) or int(record["id"]) > 1682:
        yield "no id of MovieLens-100K"
    for key, (low, high) in COUNTS.items():
        values = record.get(key)
        if values is not None and not (low <= len(values) <= high and len(set(values)) == len(values)):
            yield f"{len(values)} {key}, or one twice"
    for key, vocabulary in starter_vocabulary().items():
        yield from (
            f"{value!r} is not one of the {key}" for value in record.get(key, ["none"]) if value not in vocabulary
        )
    locale = Locale("en")
    places = {*locale.territories.values(), *USUAL_NAMES}
    tongues = {*locale.languages.values(), *USUAL_NAMES}
    yield from (f"country {name!r}" for name in record.get("countries", []) if name not in places)
    yield from (f"language {name!r}" for name in record.get("languages", []) if name not in tongues)
    runtime = record.get("runtime")
    if runtime is not None and not (type(runtime) is int and 1 <= runtime <= 600):
        yield f"runtime {runtime!r}"
    for name in (*record.get("directors", []), *record.get("actors", [])):
        if not _NAME.fullmatch(name) or not name[0].isupper() or len(name) > 40 or _UNSPACED_INITIALS.search(name):
            yield f"name {name!r}"
    yield from _description_faults(record.get("description", ""))


def _description_faults(text: str) -> Iterator[str]:
    if not 60 <= len(text) <= 260:
        yield f"description of {len(text)} characters"
    if text != " ".join(text.split()) or not text.endswith((".", "!", "?", ".'")):
        yield "description is not one or two clean sentences"
    if re.search(r"\((?:1[89]|20)\d\d\)|https?:|[<>\[\]{}|]", text):
        yield "description holds a year in brackets, an address or markup"


def _folded(name: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFD", name.casefold()) if not unicodedata.combining(c))
    return re.sub(r"[^\w]", "", plain)


def _spellings(records: list[Record]) -> Iterator[str]:
    spellings: dict[str, set[str]] = defaultdict(set)
    for record in records:
        for name in (*record.get("directors", []), *record.get("actors", [])):
            spellings[_folded(name)].add(name)
    yield from (f"one person, two spellings: {sorted(names)}" for names in spellings.values() if len(names) > 1)


def _near_duplicates(records: list[Record]) -> Iterator[str]:
    sentences: list[tuple[str, str]] = []
    for record in records:
        parts = re.split(r"(?<=[.!?]) ", record["description"])
        whole = [record["description"]] if len(parts) > 1 else []
        sentences += [(record["id"], part) for part in (*parts, *whole) if len(part) > 25]
    texts = [text.casefold() for _, text in sentences]
    scores = process.cdist(texts, texts, scorer=fuzz.token_sort_ratio, score_cutoff=70)
    for row, column in zip(*np.nonzero(np.triu(scores, 1)), strict=True):
        (first, text), (second, other) = sentences[row], sentences[column]
        if first != second:
            yield f"{first} and {second} say nearly the same: {text!r}, {other!r}"


def _facts(record: Record) -> Record:
    return {key: value for key, value in record.items() if key not in ("id", "description")}


def title_problems(records: list[Record], titles: dict[str, str]) -> list[str]:
    """Records without a film, and descriptions that lean on the title.

    The starter lists a film once where the data set has it under two ids, so the id that is not listed has no title
    of its own: its record is right when it is that of a listed film in other words.
    """
    listed = [_facts(record) for record in records if record["id"] in titles]
    found = [
        f"{record['id']}: no such film"
        for record in records
        if record["id"] not in titles and _facts(record) not in listed
    ]
    for record in records:
        title = re.sub(r" \(.*", "", titles.get(record["id"], "")).casefold()
        words = f" {record['description'].casefold()} "
        if len(title) > 3 and re.search(rf"\b{re.escape(title)}\b", words):
            found.append(f"{record['id']}: the description repeats the title {title!r}")
    return found


def coverage(records: list[Record]) -> list[str]:
    """A line a field: how many records have it, and how many different values there are."""
    lines = []
    for key in KEYS[1:]:
        values = [record[key] for record in records if key in record]
        different = {v for value in values for v in (value if isinstance(value, list) else [value])}
        lines.append(
            f"{key:<12} {len(values):>5} of {len(records)} ({len(values) / len(records):6.1%}), {len(different)} values"
        )
    return lines


def _share_of_ratings(records: list[Record], log: Path) -> str:
    with log.open(encoding="utf-8", newline="") as lines:
        counts = Counter(row["item_id"] for row in csv.DictReader(lines))
    covered = sum(counts[record["id"]] for record in records)
    return (
        f"{'ratings':<12} {covered:,} of {counts.total():,} ({covered / counts.total():.1%}) are of films with a record"
    )


def main(arguments: list[str] | None = None) -> int:
    """Print coverage, faults and a sample; 1 where a fault was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.starter_sample", description=__doc__)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--items", type=Path)
    chosen = parser.parse_args(arguments)
    records = companion()
    titles: dict[str, str] = {}
    faults = problems(records)
    lines = coverage(records)
    if chosen.items is not None:
        films = [json.loads(line) for line in chosen.items.read_text("utf-8").splitlines()]
        titles = {film["id"]: f"{film['title']} ({film['year']})" for film in films}
        faults += title_problems(records, titles)
        log = chosen.items.with_name("interactions.csv")
        lines += [_share_of_ratings(records, log)] if log.is_file() else []
    lines += [f"FAULT {fault}" for fault in faults] or ["no faults"]
    sample = random.Random(chosen.seed).sample(records, min(chosen.count, len(records)))
    for record in sorted(sample, key=lambda r: int(r["id"])):
        lines.append(f"\n{record['id']} {titles.get(record['id'], '')}")
        lines += [
            f"  {key}: {', '.join(value) if isinstance(value, list) else value}"
            for key, value in record.items()
            if key != "id"
        ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
