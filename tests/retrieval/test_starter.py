"""Reading the starter data set in either form, out of archives of our own making."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from convrec.retrieval import starter
from convrec.retrieval.errors import StarterError
from convrec.retrieval.starter import Film, Rating, display_title, fetch, parse_grouplens, parse_wheel, read_archive

GENRES = (
    "unknown|Action|Adventure|Animation|Children's|Comedy|Crime|Documentary|Drama|Fantasy|Film-Noir|Horror|Musical|"
    "Mystery|Romance|Sci-Fi|Thriller|War|Western"
).split("|")
ROWS = [
    ("1", "Lighthouse, The", "1990", ["Drama", "Film-Noir"]),
    ("2", "Où est l'été?", "1984", ["Comedy"]),
    ("267", "unknown", "", ["unknown"]),
    ("1412", "Harbour Tales III: The Storm", "V1995", ["Animation", "Children's"]),
]
RATINGS = [("7", "1", "5", "881250949"), ("7", "267", "3", "881250950"), ("8", "1412", "1", "891717742")]
FILMS = [
    Film("1", "The Lighthouse", 1990, ("Drama", "Film-Noir")),
    Film("2", "Où est l'été?", 1984, ("Comedy",)),
    Film("1412", "Harbour Tales III: The Storm", 1995, ("Animation", "Children's")),
]


def grouplens_form() -> tuple[bytes, bytes]:
    lines = []
    for key, title, year, genres in ROWS:
        shown = f"{title} ({year.removeprefix('V')}){' (V)' if year.startswith('V') else ''}" if year else title
        flags = "|".join("1" if genre in genres else "0" for genre in GENRES)
        lines.append(f"{key}|{shown}|01-Jan-1990||http://example.org/|{flags}")
    return "\n".join(lines).encode("latin-1"), "\n".join("\t".join(row) for row in RATINGS).encode()


def wheel_form() -> tuple[bytes, bytes]:
    lines = ["item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq"]
    for key, title, year, genres in ROWS:
        if year.startswith("V"):
            lines.append(f"{key}\t{title} ({year[1:]})\tV\t{' '.join(genres)}")
        elif not year:
            lines.append(f"{key}\tunkonwn\tunkonwn\tunknown")
        else:
            lines.append(f"{key}\t{title}\t{year}\t{' '.join(genres)}")
    header = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
    return "\n".join(lines).encode(), "\n".join([header, *("\t".join(row) for row in RATINGS)]).encode()


def archive(items: bytes, ratings: bytes, items_name: str, ratings_name: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as zipped:
        zipped.writestr(items_name, items)
        zipped.writestr(ratings_name, ratings)
    return packed.getvalue()


def grouplens_archive() -> bytes:
    return archive(*grouplens_form(), "ml-100k/u.item", "ml-100k/u.data")


def wheel_archive() -> bytes:
    return archive(*wheel_form(), f"{starter.WHEEL_FOLDER}ml-100k.item", f"{starter.WHEEL_FOLDER}ml-100k.inter")


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> None:
    """The archives of this file count as the published ones."""
    monkeypatch.setattr(starter, "GROUPLENS_MD5", hashlib.md5(grouplens_archive()).hexdigest())
    monkeypatch.setattr(starter, "WHEEL_SHA256", hashlib.sha256(wheel_archive()).hexdigest())


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a test reached for the network")

    monkeypatch.setattr(httpx, "stream", refuse)
    monkeypatch.setattr("subprocess.run", refuse)


def test_both_forms_give_the_same_rows() -> None:
    films, ratings = parse_grouplens(*grouplens_form())
    assert (films, ratings) == parse_wheel(*wheel_form())
    assert films == FILMS
    assert ratings[0] == Rating("7", "1", 5, 881250949)


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("Lighthouse, The", "The Lighthouse"),
        ("Été, L'", "L'Été"),
        ("Big Sea, The (Grande mer, La)", "The Big Sea (La Grande mer)"),
        ("Lighthouse, The (1st Cut)", "The Lighthouse (1st Cut)"),
        ("Salt, Wind, The End", "Salt, Wind, The End"),
        ("Theatre", "Theatre"),
    ],
)
def test_a_trailing_article_moves_to_the_front(stored: str, shown: str) -> None:
    assert display_title(stored) == shown


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("make", [grouplens_archive, wheel_archive])
def test_an_archive_of_either_form_is_read(make: Callable[[], bytes]) -> None:
    assert read_archive(make())[0] == FILMS


@pytest.mark.parametrize("make", [grouplens_archive, wheel_archive])
def test_an_archive_with_another_digest_is_refused(make: Callable[[], bytes]) -> None:
    with pytest.raises(StarterError, match="published digest"):
        read_archive(make())


def test_what_is_no_such_archive_is_refused() -> None:
    with pytest.raises(StarterError, match="not a zip"):
        read_archive(b"<html>not found</html>")
    with pytest.raises(StarterError, match="holds no MovieLens"):
        read_archive(archive(b"", b"", "a.txt", "b.txt"))


@pytest.mark.usefixtures("published")
def test_files_are_written_merged_and_kept(tmp_path: Path) -> None:
    source = tmp_path / "mine.zip"
    source.write_bytes(wheel_archive())
    files = fetch(tmp_path / "cache", archive=source)
    rows = [json.loads(line) for line in files.items.read_text("utf-8").splitlines()]
    assert [row["id"] for row in rows] == ["1", "2", "1412"]
    assert rows[0]["title"] == "The Lighthouse"
    assert rows[0]["genres"] == ["Drama", "Film-Noir"]
    assert {"directors", "themes", "moods", "description"} <= rows[0].keys()
    assert "themes" not in rows[2]
    with files.interactions.open(encoding="utf-8", newline="") as lines:
        assert [row["item_id"] for row in csv.DictReader(lines)] == ["1", "1412"]
    assert files.schema.read_text("utf-8") == starter.schema_toml()
    source.unlink()
    assert fetch(tmp_path / "cache").source == "cache"


def test_a_film_that_is_listed_twice_becomes_one() -> None:
    films = [Film("1", "A", 1990, ("Drama",)), Film("5", "A", 1990, ("Drama",)), Film("6", "A", 1991, ())]
    ratings = [
        Rating("7", "1", 2, 10),
        Rating("7", "5", 5, 20),
        Rating("8", "5", 3, 30),
        Rating("8", "6", 4, 40),
        Rating("8", "267", 1, 50),
    ]
    kept, moved = starter.merge_doubles(films, ratings)
    assert [film.id for film in kept] == ["1", "6"]
    assert moved == [Rating("7", "1", 5, 20), Rating("8", "1", 3, 30), Rating("8", "6", 4, 40)]


def test_an_unpacked_folder_is_taken_and_an_empty_one_refused(tmp_path: Path) -> None:
    items, ratings = grouplens_form()
    (tmp_path / "u.item").write_bytes(items)
    (tmp_path / "u.data").write_bytes(ratings)
    assert fetch(tmp_path / "cache", archive=tmp_path).source == str(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(StarterError, match="holds no u"):
        fetch(tmp_path / "other", archive=tmp_path / "empty")
    with pytest.raises(StarterError, match="There is no file"):
        fetch(tmp_path / "other", archive=tmp_path / "nowhere.zip")


@pytest.mark.usefixtures("published")
def test_the_wheel_is_asked_for_when_grouplens_is_out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> bytes:
        raise httpx.ConnectTimeout("out of reach")

    monkeypatch.setattr(starter, "_from_grouplens", unreachable)
    monkeypatch.setattr(starter, "_from_package_index", wheel_archive)
    assert "recbole" in fetch(tmp_path / "cache").source

    def no_pip() -> bytes:
        raise StarterError("pip found no such wheel.")

    monkeypatch.setattr(starter, "_from_package_index", no_pip)
    with pytest.raises(StarterError, match=r"ConnectTimeout.*pip found no such wheel.*--from FILE"):
        fetch(tmp_path / "elsewhere")


@pytest.mark.usefixtures("published")
def test_the_archive_is_kept_when_the_companion_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starter, "_from_grouplens", lambda *_: grouplens_archive())
    assert fetch(tmp_path).source == "GroupLens"
    monkeypatch.setattr(starter, "schema_toml", lambda: "# another schema\n")
    files = fetch(tmp_path)
    assert files.source == "cache"
    assert files.schema.read_text("utf-8") == "# another schema\n"
