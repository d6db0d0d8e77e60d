"""The shipped companion, vocabulary, schema and demo of the starter catalogue, and the checks themselves."""

from __future__ import annotations

import copy
import tomllib
from collections import Counter
from importlib import resources
from pathlib import Path

import pytest

from convrec.retrieval.schema import AttributeKind, Role
from convrec.retrieval.schema_file import load_schema_toml
from convrec.retrieval.starter import schema_toml, starter_vocabulary
from tests.starter_sample import KEYS, Record, companion, coverage, problems, title_problems


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return companion()


def test_the_companion_has_no_faults(records: list[Record]) -> None:
    assert problems(records) == []


def test_it_covers_what_was_promised(records: list[Record]) -> None:
    assert len(records) >= 1100
    known = {key: sum(key in record for record in records) / len(records) for key in KEYS}
    assert min(known[key] for key in ("themes", "moods", "description")) == 1
    assert min(known[key] for key in ("directors", "actors", "countries", "languages")) > 0.98
    assert known["runtime"] > 0.95
    assert len(coverage(records)) == len(KEYS) - 1


def test_every_word_of_the_vocabulary_filters_to_something(records: list[Record]) -> None:
    for key, vocabulary in starter_vocabulary().items():
        counts = Counter(value for record in records for value in record[key])
        assert {value for value in vocabulary if counts[value] < 5} == set()
        assert max(counts.values()) < len(records) / 4


def test_other_words_are_no_values_themselves() -> None:
    """One word may stand for several values ('sad'), but never for another value than the one it is."""
    for vocabulary in starter_vocabulary().values():
        values = {value.casefold() for value in vocabulary}
        for entry in vocabulary.values():
            others = [other.casefold() for other in entry["also"]]
            assert others
            assert len(set(others)) == len(others)
            assert not values & set(others)
            assert len(entry["means"]) >= 2
            assert all(phrase == " ".join(phrase.split()) for phrase in entry["means"])


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        ("id", "1683", "no id"),
        ("runtime", 0, "runtime"),
        ("runtime", 90.5, "runtime"),
        ("themes", ["robots in love", "family"], "robots in love"),
        ("themes", ["family"], "1 themes"),
        ("moods", ["warm", "warm"], "2 moods"),
        ("countries", ["Freedonia"], "Freedonia"),
        ("languages", ["Klingon of Mars"], "Klingon"),
        ("directors", ["J.R. Someone"], "J.R. Someone"),
        ("actors", ["someone else"], "someone else"),
        ("description", "Too short.", "characters"),
        ("description", "x" * 261 + ".", "characters"),
        ("description", "A toy cowboy (1995) meets a toy spaceman <b>who</b> does not know that he is one.", "year"),
        ("rating", 5, "keys"),
    ],
)
def test_each_kind_of_fault_is_found(records: list[Record], key: str, value: object, fault: str) -> None:
    broken = {**copy.deepcopy(records[0]), key: value}
    assert any(fault in problem for problem in problems([broken]))


def test_near_duplicates_doubled_ids_and_two_spellings_are_found(records: list[Record]) -> None:
    first, second = copy.deepcopy(records[0]), copy.deepcopy(records[1])
    second["description"] = first["description"].replace(" a ", " one ").replace(" the ", " that ")
    assert any("nearly the same" in problem for problem in problems([first, second]))
    assert any("unique" in problem for problem in problems([records[1], records[0]]))
    first["actors"], second["actors"] = ["Andre Techine"], ["André Téchiné"]
    assert any("two spellings" in problem for problem in problems([first, second]))


def test_a_description_that_leans_on_its_title_is_found(records: list[Record]) -> None:
    record = {
        **records[0],
        "description": "In Quiet Harbour nothing is as quiet as it seems, least of all the harbour.",
    }
    assert len(title_problems([record], {record["id"]: "Quiet Harbour (1990)"})) == 1
    assert title_problems([record], {record["id"]: "The Lighthouse (1990)"}) == []
    assert len(title_problems([record], {})) == 1


def test_a_film_under_two_ids_needs_one_title(records: list[Record]) -> None:
    first, second = records[0], {**records[0], "id": "2", "description": "The same film, told in other words."}
    titles = {first["id"]: "Quiet Harbour (1990)"}
    assert title_problems([first, second], titles) == []
    assert title_problems([first, {**second, "runtime": 1}], titles) == ["2: no such film"]


def test_the_schema_gives_each_column_its_meaning(tmp_path: Path) -> None:
    path = tmp_path / "schema.toml"
    path.write_text(schema_toml(), "utf-8")
    schema = load_schema_toml(path)
    assert (schema.noun, schema.id_column, schema.title_column, schema.text_columns) == (
        "film",
        "id",
        "title",
        ("description",),
    )
    roles = {attribute.name: attribute.role for attribute in schema.attributes}
    assert roles == {
        "year": Role.YEAR,
        "genres": Role.TOPIC,
        "directors": Role.PERSON,
        "actors": Role.PERSON,
        "runtime": Role.DURATION,
        "countries": Role.COUNTRY,
        "languages": Role.LANGUAGE,
        "themes": Role.TOPIC,
        "moods": Role.TOPIC,
        "description": None,
    }
    assert schema.attribute("runtime").unit == "minutes"
    assert schema.attribute("description").kind is AttributeKind.TEXT
    assert schema.attribute("genres").synonyms["Sci-Fi"][0] == "science fiction"
    for attribute in schema.attributes:
        written_here = attribute.name in KEYS
        assert (attribute.provenance == "written by the convrec authors") == written_here
    for name, vocabulary in starter_vocabulary().items():
        assert {value: tuple(entry["also"]) for value, entry in vocabulary.items()} == schema.attribute(name).synonyms
        assert {value: tuple(entry["means"]) for value, entry in vocabulary.items()} == schema.attribute(name).meanings


def test_the_demo_offers_three_suggestions_and_three_turns() -> None:
    text = resources.files("convrec.retrieval").joinpath("data/starter_demo.toml").read_text("utf-8")
    demo = tomllib.loads(text)["demo"]
    for lines in (demo["suggestions"], demo["turns"]):
        assert len(lines) == len(set(lines)) == 3
        assert all(10 < len(line) < 90 for line in lines)
