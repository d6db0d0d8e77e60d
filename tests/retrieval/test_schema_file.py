"""The schema file: what is written comes back, what a person edits is taken, what does not fit is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convrec.retrieval.errors import ConvrecError, SchemaError
from convrec.retrieval.ingest import ColumnOverrides, read_items
from convrec.retrieval.schema import Attribute, AttributeKind, CatalogueSchema, Role, ValueCount
from convrec.retrieval.schema_file import dump_schema_toml, load_log_columns, load_schema_toml, schema_to_toml

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
counts = st.integers(0, 10**9)
attributes = st.builds(
    Attribute,
    name=names,
    label=names,
    kind=st.sampled_from([k for k in AttributeKind if k is not AttributeKind.CATEGORIES]),
    role=st.none() | st.sampled_from(list(Role)),
    unit=st.none() | names,
    minimum=st.none() | st.floats(-1e9, 1e9),
    maximum=st.none() | st.floats(-1e9, 1e9),
    integer=st.booleans(),
    separator=st.none() | st.sampled_from(["|", ";", "json"]),
    date_format=st.none() | st.just("%d.%m.%Y"),
    distinct=counts,
    vocabulary=st.lists(st.builds(ValueCount, value=names, count=counts), max_size=4).map(tuple),
    synonyms=st.dictionaries(names, st.lists(names, max_size=3).map(tuple), max_size=3),
    meanings=st.dictionaries(names, st.lists(names, max_size=3).map(tuple), max_size=3),
    missing=counts,
    provenance=st.none() | names,
)
schemas = st.builds(
    CatalogueSchema,
    name=names,
    noun=names,
    id_column=names,
    title_column=names,
    text_columns=st.lists(names, max_size=3).map(tuple),
    attributes=st.lists(attributes, max_size=4, unique_by=lambda a: a.name).map(tuple),
    count=counts,
)


@settings(max_examples=150, deadline=None)
@given(schema=schemas)
def test_a_schema_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, schema: CatalogueSchema) -> None:
    path = tmp_path_factory.getbasetemp() / "schema.toml"
    dump_schema_toml(schema, path)
    assert load_schema_toml(path) == schema


@pytest.fixture
def items(tmp_path: Path) -> Path:
    path = tmp_path / "tools.csv"
    rows = "".join(f"{n},Tool {n},{n * 10} g,{'kitchen;garden' if n % 2 else 'kitchen'},2\n" for n in range(30))
    path.write_text(f"id,title,weight,rooms,rank\n{rows}")
    return path


def test_reading_by_the_written_schema_gives_the_same_catalogue(tmp_path: Path, items: Path) -> None:
    catalogue, _ = read_items(items)
    path = tmp_path / "schema.toml"
    dump_schema_toml(catalogue.schema, path)
    again, report = read_items(items, schema=load_schema_toml(path))
    assert again.schema == catalogue.schema
    assert [again.item(row) for row in range(30)] == [catalogue.item(row) for row in range(30)]
    assert (report.warnings, report.notes) == ((), ())


def test_what_a_person_edits_is_taken(tmp_path: Path, items: Path) -> None:
    path = tmp_path / "schema.toml"
    path.write_text(
        """
        noun = "implement"
        id = "id"
        title = "title"
        [attributes.rooms]
        kind = "category"
        role = "topic"
        synonyms = { "kitchen" = ["cookery"] }
        [attributes.weight]
        kind = "number"
        unit = "kg"
        [interactions]
        user = "who"
        """
    )
    catalogue, report = read_items(items, schema=load_schema_toml(path))
    assert catalogue.schema.noun == "implement"
    assert [a.name for a in catalogue.schema.attributes] == ["rooms", "weight"]
    assert catalogue.value(1, "rooms") == "kitchen;garden"
    assert catalogue.value(1, "weight") == pytest.approx(0.01)
    assert catalogue.schema.attribute("rooms").synonyms == {"kitchen": ("cookery",)}
    assert catalogue.schema.attribute("rooms").label == "room"
    assert report.notes == ("columns that the schema does not mention are left out: rank",)
    chosen = ColumnOverrides(item="what").or_else(load_log_columns(path))
    assert (chosen.user, chosen.item, chosen.value) == ("who", "what", None)


BASE = 'id = "id"\ntitle = "title"\n'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('title = "title"', 'add the line: id = "COLUMN"'),
        (BASE + "[attributes.weigth]\nkind = 'number'", "'weigth' that tools.csv does not have; did you mean 'weight'"),
        (BASE + "[attributes.weight]\nkind = 'numbre'", "'numbre', which does not exist; did you mean 'number'?"),
        (BASE + "[attributes.weight]\nunit = 'g'", "attributes.weight.kind is missing; choose one of: category"),
        (
            BASE + "[attributes.weight]\nkind = 'number'\nrol = 'price'",
            "attributes.weight.rol; did you mean attributes.weight.role?",
        ),
        (BASE + "[attributes.weight]\nkind = 'number'\nrole = 'cost'", "attributes.weight.role is 'cost'"),
        (BASE + "nuon = 'tool'", "unknown entry nuon; did you mean noun?"),
        (BASE + "attributes = 3", "must be a table"),
        (BASE + "text = 3", "must be a list"),
        (BASE + "text = ['story']", "'story' that tools.csv does not have"),
        ("id = ", "is not valid TOML"),
    ],
)
def test_a_schema_file_that_does_not_fit_is_told_why(tmp_path: Path, items: Path, text: str, sentence: str) -> None:
    path = tmp_path / "schema.toml"
    path.write_text(text)
    with pytest.raises(ConvrecError) as caught:
        read_items(items, schema=load_schema_toml(path))
    assert sentence in str(caught.value)


def test_a_missing_schema_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ConvrecError, match="There is no schema file"):
        load_schema_toml(tmp_path / "none.toml")
    with pytest.raises(ConvrecError, match="is a folder"):
        load_schema_toml(tmp_path)


def test_the_file_explains_itself_and_keeps_what_is_edited_first(items: Path) -> None:
    text = schema_to_toml(read_items(items)[0].schema)
    assert text.startswith("# ")
    for word in (*AttributeKind, *Role):
        assert word in text.split("\n\n")[0]
    assert text.index("[attributes.weight]") < text.index("[measured")


def test_a_schema_error_is_a_mistake_of_the_person() -> None:
    assert SchemaError.exit_code == 2
