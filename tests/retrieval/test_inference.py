"""Schemas of catalogues that nobody here thought of."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.errors import SchemaError
from convrec.retrieval.hints import file_words, label
from convrec.retrieval.ingest import ColumnOverrides, read_items
from convrec.retrieval.schema import Attribute, AttributeKind, Role
from convrec.retrieval.values import read_dates, read_numbers, read_times

WORDS = "river storm lantern winter garden stone mirror harbour secret paper glass iron road map clock salt".split()
FIRST = "Anna Bo Carla Dimitri Eva Farid Gita Hugo Ines Jonas Kira Lev Mia Nils Olga Pavel".split()
LAST = "Berg Castro Dumont Eriksen Fontaine Gupta Hansen Ito Jansen Klein Lopez Moreau Novak Okafor".split()


def prose(chance: random.Random, words: int = 20) -> str:
    return " ".join(chance.choice(WORDS) for _ in range(words)).capitalize() + "."


def write(path: Path, rows: list[dict[str, object]], separator: str = ",") -> Path:
    pl.DataFrame(rows, infer_schema_length=None).write_csv(path, separator=separator)
    return path


def kinds(catalogue: Catalogue) -> dict[str, tuple[str, str | None]]:
    return {a.name: (a.kind.value, a.role.value if a.role else None) for a in catalogue.schema.attributes}


def test_books_in_german_with_decimal_commas(tmp_path: Path) -> None:
    chance = random.Random(1)
    rows: list[dict[str, object]] = [
        {
            "ISBN": str(9780000000000 + n),
            "Buchtitel": f"The {chance.choice(WORDS).title()} of {chance.choice(WORDS).title()} {n}",
            "Autor": f"{chance.choice(LAST)}, {chance.choice(FIRST)}",
            "Seiten": str(chance.randrange(90, 900)),
            "Erschienen": f"{chance.randrange(1, 29):02d}.{chance.randrange(1, 13):02d}.{chance.randrange(1950, 2024)}",
            "Preis": "1.299,50 €" if n == 7 else f"{chance.randrange(5, 60)},{chance.randrange(100):02d} €",
            "Sprache": chance.choice(["German", "English", "French"]),
            "Schlagworte": ", ".join(chance.sample(["Krimi", "Roman", "Reise", "Lyrik", "Kinder"], 2)),
            "Klappentext": prose(chance),
        }
        for n in range(200)
    ]
    catalogue, report = read_items(write(tmp_path / "books.csv", rows, ";"))
    assert (report.loaded, report.warnings) == (200, ())
    assert catalogue.schema.noun == "book"
    assert (catalogue.schema.id_column, catalogue.schema.title_column) == ("ISBN", "Buchtitel")
    assert catalogue.schema.text_columns == ("Klappentext",)
    assert kinds(catalogue) == {
        "Autor": ("category", "person"),
        "Seiten": ("number", None),
        "Erschienen": ("date", "year"),
        "Preis": ("number", "price"),
        "Sprache": ("category", "language"),
        "Schlagworte": ("categories", "topic"),
    }
    price = catalogue.schema.attribute("Preis")
    assert (price.unit, price.maximum) == ("EUR", 1299.5)
    assert catalogue.value(0, "Autor") == rows[0]["Autor"]


def test_software_packages_as_json_lines(tmp_path: Path) -> None:
    chance = random.Random(2)
    path = tmp_path / "packages.jsonl"
    rows = [
        {
            "name": f"{chance.choice(WORDS)}-{n}",
            "summary": prose(chance, 9),
            "keywords": chance.sample(["http", "cli", "async", "parser"], chance.randrange(3)),
            "license": chance.choice(["MIT", "Apache-2.0", "GPL-3.0"]),
            "downloads": chance.randrange(10, 10**7),
            "stars": chance.randrange(0, 40_000),
            "last_release": f"20{chance.randrange(10, 24)}-03-{chance.randrange(1, 29):02d}T10:00:00Z",
            "deprecated": chance.random() < 0.2,
            "maintainers": [{"name": f"{chance.choice(FIRST)} {chance.choice(LAST)}", "email": "x@example.org"}],
            "homepage": f"https://example.org/{n}",
            "size_kb": round(chance.uniform(1, 9000), 1),
            "python": chance.choice(["3.8", "3.9", "3.10"]),
        }
        for n in range(200)
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    catalogue, _ = read_items(path)
    assert (catalogue.schema.id_column, catalogue.schema.title_column) == ("name", "name")
    assert catalogue.schema.text_columns == ("summary",)
    assert kinds(catalogue) == {
        "keywords": ("categories", "topic"),
        "license": ("category", None),
        "downloads": ("number", "popularity"),
        "stars": ("number", "popularity"),
        "last_release": ("date", "year"),
        "deprecated": ("flag", None),
        "maintainers": ("categories", "person"),
        "homepage": ("text", None),
        "size_kb": ("number", None),
        "python": ("category", None),
    }
    size = catalogue.schema.attribute("size_kb")
    assert (size.unit, size.label) == ("KB", "size")
    assert catalogue.value(0, "maintainers") == (rows[0]["maintainers"][0]["name"],)  # type: ignore[index]
    assert catalogue.value(0, "last_release") == np.datetime64(str(rows[0]["last_release"])[:10]).astype(int)


def test_recipes_with_spoken_durations(tmp_path: Path) -> None:
    chance = random.Random(3)
    larder = ["olive oil", "garlic", "onion", "tomato", "rice", "basil", "chicken breast", "black pepper"]
    times = ["10 min", "1h 30m", "45 minutes", "2 h 11", "1 hour", "PT1H5M"]
    rows: list[dict[str, object]] = [
        {
            "recipe_id": n + 1,
            "name": f"{chance.choice(WORDS).title()} soup {n}",
            "cuisine": chance.choice(["Italian", "Thai", "Mexican"]),
            "ingredients": ", ".join(chance.sample(larder, 4)),
            "prep_time": times[n % 6],
            "servings": chance.choice(["4 servings", "1 serving", "6"]),
            "calories": chance.randrange(1900, 2020),
            "vegetarian": chance.choice("yn"),
            "steps": prose(chance, 30),
            "date_added": f"{chance.randrange(1, 13)}/{chance.randrange(1, 29)}/2021",
            "photo": f"/img/{n}.jpg",
        }
        for n in range(120)
    ]
    catalogue, report = read_items(write(tmp_path / "recipes.tsv", rows, "\t"))
    assert report.warnings == ()
    assert catalogue.schema.text_columns == ("steps",)
    found = kinds(catalogue)
    assert found["ingredients"][0] == "categories"
    assert found["prep_time"] == ("number", "duration")
    assert found["calories"] == ("number", None)
    assert found["vegetarian"] == ("flag", None)
    assert found["date_added"][0] == "date"
    assert found["cuisine"] == ("category", "topic")
    assert found["photo"] == ("text", None)
    assert [catalogue.value(n, "prep_time") for n in range(6)] == [10, 90, 45, 131, 60, 65]
    assert catalogue.schema.attribute("prep_time").unit == "minutes"
    assert catalogue.schema.attribute("ingredients").distinct == len(larder)


def test_columns_without_names_are_told_by_their_values(tmp_path: Path) -> None:
    chance = random.Random(4)
    rows: list[dict[str, object]] = [
        {
            "c1": f"K{n:04d}",
            "c2": f"{chance.choice(WORDS).title()} whisk no. {n}",
            "c3": chance.choice(["steel", "wood", "silicone"]),
            "c4": chance.choice(["$1,299", "$12.50", "$7.99"]),
            "c5": chance.choice(["350 g", "1.2 kg", "80g"]),
            "c6": chance.choice(["Yes", "No", ""]),
            "c7": chance.choice(["fr", "en", "de", "ja"]),
            "c8": chance.choice(["France", "Japan", "United States of America"]),
            "c9": str(chance.randrange(1960, 2020)),
            "c10": f"{chance.choice(FIRST)} {chance.choice(LAST)}",
            "c11": "|".join(chance.sample(["baking", "frying", "serving", "cutting"], 2)),
            "c12": prose(chance),
        }
        for n in range(200)
    ]
    catalogue, _ = read_items(write(tmp_path / "kitchen_tools.csv", rows))
    assert catalogue.schema.noun == "tool"
    assert (catalogue.schema.id_column, catalogue.schema.title_column) == ("c1", "c2")
    assert catalogue.schema.text_columns == ("c12",)
    assert kinds(catalogue) == {
        "c3": ("category", None),
        "c4": ("number", "price"),
        "c5": ("number", None),
        "c6": ("flag", None),
        "c7": ("category", "language"),
        "c8": ("category", "country"),
        "c9": ("number", "year"),
        "c10": ("category", "person"),
        "c11": ("categories", "topic"),
    }
    weights = set(catalogue.number("c5").tolist())
    assert weights == {350.0, 1200.0, 80.0}


def test_stars_are_people_ratings_or_popularity_by_their_values(tmp_path: Path) -> None:
    for values, expected in (
        (["Ana Silva|Bo Lind", "Cy Roe"], ("categories", "person")),
        (["4.5", "3.0"], ("number", "quality")),
        (["1200", "15"], ("number", "popularity")),
    ):
        rows: list[dict[str, object]] = [{"id": n, "title": f"T {n}", "stars": values[n % 2]} for n in range(40)]
        catalogue, _ = read_items(write(tmp_path / "items.csv", rows))
        assert kinds(catalogue)["stars"] == expected


def test_a_year_in_the_title_becomes_an_attribute_where_no_column_has_it(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"id": n, "title": f"Story {n} ({1990 + n})"} for n in range(20)]
    rows[4]["title"] = "Undated"
    catalogue, report = read_items(write(tmp_path / "items.csv", rows))
    assert catalogue.titles[:2] == ("Story 0", "Story 1")
    assert [catalogue.value(n, "year") for n in (0, 1, 4)] == [1990, 1991, None]
    assert catalogue.schema.with_role(Role.YEAR)[0].missing == 1
    assert any("year" in note for note in report.notes)
    again, _ = read_items(tmp_path / "items.csv", schema=catalogue.schema)
    assert (again.schema, again.titles) == (catalogue.schema, catalogue.titles)
    with_column, _ = read_items(write(tmp_path / "items.csv", [{**row, "released": 1999} for row in rows]))
    assert with_column.titles[0] == "Story 0 (1990)"


def test_a_list_of_few_words_and_a_sentence_are_told_apart(tmp_path: Path) -> None:
    chance = random.Random(5)
    tags = ["dark", "slow burn", "funny", "warm"]
    rows: list[dict[str, object]] = [
        {
            "id": n,
            "title": f"T {n}",
            "what": "; ".join(chance.sample(tags, 2)),
            "listed": str(chance.sample(tags, 2)),
            "told": f"It is {chance.choice(tags)}, they say, and {prose(chance, 8)}",
        }
        for n in range(50)
    ]
    catalogue, _ = read_items(write(tmp_path / "items.csv", rows))
    assert catalogue.schema.attribute("what").separator == ";"
    assert catalogue.schema.attribute("listed").separator == "json"
    assert catalogue.schema.text_columns == ("told",)
    assert {v.value for v in catalogue.vocabulary("listed")} == set(tags)


def test_spellings_that_differ_in_case_are_one_value(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"id": n, "title": f"T {n}", "mood": ["Dark", "dark", "Dark", "warm"][n % 4]} for n in range(40)
    ]
    catalogue, _ = read_items(write(tmp_path / "items.csv", rows))
    mood = catalogue.schema.attribute("mood")
    assert [(v.value, v.count) for v in mood.vocabulary] == [("Dark", 30), ("warm", 10)]
    assert tuple(mood.vocabulary) == catalogue.vocabulary("mood")


def test_overrides_are_taken_and_checked(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"id": n, "title": f"T {n}", "code": f"x{n}", "alias": f"A {n}"} for n in range(20)
    ]
    path = write(tmp_path / "items.csv", rows)
    catalogue, _ = read_items(path, overrides=ColumnOverrides(id="code", title="alias", text=("title",)), noun="gem")
    assert (catalogue.ids[3], catalogue.titles[3], catalogue.texts[3]) == ("x3", "A 3", "T 3")
    assert catalogue.schema.noun == "gem"
    with pytest.raises(SchemaError, match=r"no column 'titel'; did you mean 'title'"):
        read_items(path, overrides=ColumnOverrides(title="titel"))


@pytest.mark.parametrize(
    ("cells", "unit", "values"),
    [
        (["$1,299", "12.50", "$7"], "USD", [1299, 12.5, 7]),
        (["1.299,50 €", "12,50 €", "1.299 €"], "EUR", [1299.5, 12.5, 1299]),
        (["12.50 €", "3 €"], "EUR", [12.5, 3]),
        (["1 299,5", "1'000", "7"], None, [1299.5, 1000, 7]),
        (["350 g", "1.2 kg", "2 kg", "1 kg"], "kg", [0.35, 1.2, 2, 1]),
        (["90 min", "2 h", "45 mins"], "minutes", [90, 120, 45]),
        (["1h 30m", "2 h 11", "PT45M", "1:05:00"], "minutes", [90, 131, 45, 65]),
        (["85%", "7 %"], "%", [85, 7]),
        (["-3.5", "1e3", "NaN"], None, [-3.5, 1000, None]),
        (["1,234,567", "12"], None, [1234567, 12]),
        (["0,5", "1,25"], None, [0.5, 1.25]),
        (["4 players", "1 player"], "players", [4, 1]),
    ],
)
def test_numbers_as_people_write_them(cells: list[str], unit: str | None, values: list[float | None]) -> None:
    reading = read_numbers(pl.Series("x", cells))
    assert reading.unit == unit
    assert reading.values.to_list() == pytest.approx(values)
    assert reading.failures == 0


def test_numbers_that_cannot_be_read_are_counted() -> None:
    reading = read_numbers(pl.Series("x", ["1", "inf", "-Infinity", "tt0114", "€5", "$7", "$8", None, ""]))
    assert reading.values.to_list() == [1, None, None, None, None, 7, 8, None, None]
    assert reading.failures == 4


@pytest.mark.parametrize(
    ("cells", "first"),
    [
        (["2020-03-01", "1999-12-31"], "2020-03-01"),
        (["01/03/2020", "25/12/2020"], "2020-03-01"),
        (["03/01/2020", "12/25/2020"], "2020-03-01"),
        (["01.03.2020", "24.12.2020"], "2020-03-01"),
        (["01-Mar-2020", "24-Dec-2020"], "2020-03-01"),
        (["March 1, 2020", "December 24, 2020"], "2020-03-01"),
        (["2020-03-01T12:30:00Z", "2020-03-02 01:00:00"], "2020-03-01"),
        (["1890-03-01", "1950-01-01"], "1890-03-01"),
    ],
)
def test_dates_in_several_formats(cells: list[str], first: str) -> None:
    reading = read_dates(pl.Series("x", cells))
    assert reading.failures == 0
    assert reading.values[0] == np.datetime64(first).astype(int)


@pytest.mark.parametrize(
    "cells",
    [
        pl.Series([1600000000, 1600000100]),
        pl.Series(["1600000000", "1600000100"]),
        pl.Series([1600000000000, 1600000100000]),
        pl.Series([1600000000000000, 1600000100000000]),
        pl.Series(["2020-09-13T12:26:40Z", "2020-09-13 12:28:20"]),
        pl.Series(["2020-09-13T14:26:40+02:00", "2020-09-13T12:28:20.000Z"]),
    ],
)
def test_moments_in_seconds_milliseconds_microseconds_and_iso(cells: pl.Series) -> None:
    reading = read_times(cells)
    assert reading.values.to_list() == [1600000000.0, 1600000100.0]
    assert reading.failures == 0


def test_labels_and_nouns() -> None:
    names = ["genres", "vote_average", "release_year", "countries", "weight_g", "categories", "isFree", "series"]
    units = [None, None, None, None, "g", None, None, None]
    shown = [label(name, unit) for name, unit in zip(names, units, strict=True)]
    assert shown == ["genre", "vote average", "release year", "country", "weight", "category", "is free", "series"]
    nouns = {
        name: file_words(Path("x") / name)[1]
        for name in (
            "books.csv",
            "items.csv",
            "products.tsv",
            "movies.dat",
            "my_recipes.jsonl.gz",
            "data.csv",
            "export-2024.csv",
        )
    }
    assert list(nouns.values()) == ["book", "item", "product", "movie", "recipe", "item", "item"]


def test_every_kind_survives_the_way_to_disk_and_back(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {
            "id": n,
            "title": f"T {n}",
            "tags": "a|b" if n % 2 else "",
            "year": 1990 + n,
            "on": "yes" if n % 3 else "no",
            "sort": "xyz"[n % 3],
            "day": f"2020-01-{n + 1:02d}",
        }
        for n in range(20)
    ]
    catalogue, _ = read_items(write(tmp_path / "items.csv", rows))
    again = Catalogue.from_frame(catalogue.to_frame(), catalogue.schema)
    assert [again.item(n) for n in range(20)] == [catalogue.item(n) for n in range(20)]
    assert {a.kind for a in catalogue.schema.attributes} == set(AttributeKind) - {AttributeKind.TEXT}
    year: Attribute = catalogue.schema.attribute("year")
    assert (year.minimum, year.maximum, year.integer, year.missing) == (1990, 2009, True, 0)
    assert catalogue.schema.attribute("tags").missing == 10


def test_shop_export_with_nested_fields(tmp_path: Path) -> None:
    chance = random.Random(6)
    path = tmp_path / "items.jsonl"
    rows = [
        {
            "parent_asin": f"B{n:07d}",
            "main_category": chance.choice(["Kitchen", "Garden"]),
            "title": f"{chance.choice(WORDS).title()} peeler {n}",
            "average_rating": chance.choice([3.5, 4.0, 4.8]),
            "rating_number": chance.randrange(1, 9000),
            "description": [prose(chance), prose(chance)] if n % 3 else [],
            "price": None if n % 4 == 0 else 12.99 + n,
            "images": [{"thumb": f"https://example.org/{n}.jpg", "large": None}],
            "categories": ["Home", "Kitchen", "Peelers"][: n % 4],
            "details": {"Brand": "Okami", "Weight": "3 g"},
            "ingredients": None,
        }
        for n in range(80)
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    catalogue, report = read_items(path)
    assert report.warnings == ()
    assert (catalogue.schema.id_column, catalogue.schema.title_column) == ("parent_asin", "title")
    assert catalogue.schema.text_columns == ("description",)
    assert catalogue.texts[1] == " ".join(rows[1]["description"])  # type: ignore[arg-type]
    found = kinds(catalogue)
    assert found["price"] == ("number", "price")
    assert found["average_rating"] == ("number", "quality")
    assert found["rating_number"][0] == "number"
    assert found["categories"] == ("categories", "topic")
    assert found["images"] == found["details"] == ("text", None)
    assert any("ingredients is empty" in note for note in report.notes)


def test_songs_whose_names_share_words_with_roles(tmp_path: Path) -> None:
    chance = random.Random(7)
    rows: list[dict[str, object]] = [
        {
            "track_id": f"5SuOik{n:04d}",
            "artists": ";".join(f"{chance.choice(FIRST)} {chance.choice(LAST)}" for _ in range(n % 2 + 1)),
            "album_name": f"{chance.choice(WORDS)} {n // 2}",
            "track_name": f"{chance.choice(WORDS)} {chance.choice(WORDS)} {n}",
            "popularity": chance.randrange(0, 100),
            "duration_ms": chance.randrange(90_000, 400_000),
            "explicit": chance.choice(["True", "False"]),
            "key": chance.randrange(12),
            "time_signature": chance.randrange(3, 6),
            "track_genre": chance.choice(["acoustic", "black metal", "j-pop"]),
        }
        for n in range(150)
    ]
    catalogue, _ = read_items(write(tmp_path / "songs.csv", rows))
    assert (catalogue.schema.id_column, catalogue.schema.title_column) == ("track_id", "track_name")
    found = kinds(catalogue)
    assert found["artists"] == ("categories", "person")
    assert found["duration_ms"] == ("number", "duration")
    assert catalogue.schema.attribute("duration_ms").unit == "milliseconds"
    assert found["explicit"] == ("flag", None)
    assert found["time_signature"] == found["key"] == ("number", None)
    assert found["popularity"] == ("number", "popularity")
    assert found["track_genre"] == ("category", "topic")
