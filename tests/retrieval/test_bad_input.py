"""Files as they come: a clear sentence or counted, line-numbered rejects; nothing is lost silently."""

from __future__ import annotations

import csv
import gzip
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.errors import ConvrecError, InputFileError, SchemaError
from convrec.retrieval.ingest import ColumnOverrides, RowReport, read_interactions, read_items

HEADER = b"id,title,year,genres,story\n"
ROWS = [
    f"{n},Title {n},{1990 + n},Comedy|Drama,A quiet story about {n} people in a small town by the cold sea\n".encode()
    for n in range(1, 21)
]
GOOD = HEADER + b"".join(ROWS)
AFTER = len(ROWS) + 2
"""line number of what is put below the good rows"""


def read(tmp_path: Path, data: bytes, name: str = "items.csv") -> tuple[Catalogue, RowReport]:
    path = tmp_path / name
    path.write_bytes(data)
    catalogue, report = read_items(path)
    assert report.read == report.loaded + len(report.rejected)
    assert report.loaded == len(catalogue)
    return catalogue, report


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("empty.csv", b"", "is empty; give a file"),
        ("blank.csv", b" \n\n\n", "is empty; give a file"),
        ("header.csv", HEADER, "has a header line but no rows; add"),
        ("noid.csv", b"genre,mood\n" + b"a,b\na,b\nc,d\n" * 4, "tells its rows apart; name one with --id"),
        ("short.csv", b"id,title,year\n1,a\n2,b\n", "line 2, has too few fields; correct the file"),
        ("wrong.csv.gz", GOOD, "ends in .gz but is not gzip-compressed; rename it"),
        ("cut.csv.gz", gzip.compress(GOOD)[:-20], "is a damaged gzip file"),
        ("wrong.parquet", GOOD, "is called Parquet but is not; rename it"),
        ("damaged.parquet", b"PAR1" + b"x" * 50, "is a damaged Parquet file"),
        ("broken.jsonl", b'{"id": 1,\n{"id"\n', "no JSON object to read; its first bad line is 1"),
        ("numbers.json", b"[1, 2, 3]", "no JSON object to read"),
        ("sheet.csv", b"PK\x03\x04" + b"x" * 50, "is a zip archive or a spreadsheet; save it as CSV"),
        ("image.csv", bytes(range(256)) * 40, "is not text; give CSV"),
    ],
)
def test_a_file_that_cannot_be_used_gets_a_sentence(tmp_path: Path, name: str, data: bytes, sentence: str) -> None:
    with pytest.raises(ConvrecError) as caught:
        read(tmp_path, data, name)
    text = str(caught.value)
    assert sentence in text
    assert name in text
    assert "\n" not in text


def test_a_missing_file_names_the_nearest_and_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_bytes(GOOD)
    with pytest.raises(InputFileError, match=r"did you mean .*items\.csv\?"):
        read_items(tmp_path / "itmes.csv")
    with pytest.raises(InputFileError, match="is a folder; name the file inside"):
        read_items(tmp_path)
    with pytest.raises(InputFileError, match="check the path"):
        read_items(tmp_path / "nowhere" / "items.csv")


def test_repeated_and_missing_ids_are_rejected_with_their_lines(tmp_path: Path) -> None:
    catalogue, report = read(tmp_path, GOOD + ROWS[2] + b",Nameless,1999,Drama,x\n" + b"\n" + ROWS[4])
    assert len(catalogue) == 20
    found = [(reject.line_number, reject.reason) for reject in report.rejected]
    assert found == [(AFTER, "id already used above"), (AFTER + 1, "no id"), (AFTER + 3, "id already used above")]
    assert report.rejected[1].excerpt.startswith("Nameless")
    assert report.reasons() == {"id already used above": 2, "no id": 1}
    target = tmp_path / "rejects.csv"
    report.write_rejects(target)
    with target.open(newline="") as file:
        assert [row[0] for row in csv.reader(file)] == ["line", str(AFTER), str(AFTER + 1), str(AFTER + 3)]


def test_a_rejects_file_holds_no_formulas(tmp_path: Path) -> None:
    _, report = read(tmp_path, GOOD + b'=HYPERLINK("http://x"),too few\n')
    report.write_rejects(tmp_path / "rejects.csv")
    with (tmp_path / "rejects.csv").open(newline="") as file:
        assert list(csv.reader(file))[1][2].startswith("'=")


def test_a_missing_title_shows_the_id_and_is_counted(tmp_path: Path) -> None:
    catalogue, report = read(tmp_path, GOOD + b"99,,1999,Drama,x\n98, ,1999,Drama,x\n")
    assert catalogue.titles[-2:] == ("99", "98")
    assert report.warnings == (f"2 titles missing, the id is shown instead (lines {AFTER}, {AFTER + 1})",)


def test_rows_with_too_many_or_too_few_fields(tmp_path: Path) -> None:
    extra = b"50,too few\n" + ROWS[0].replace(b"1,", b"60,", 1) + b"51,a,1990,b,c,d,e\n52,Fine,1990,Drama,text,,,\n"
    catalogue, report = read(tmp_path, GOOD + extra)
    assert catalogue.ids[-2:] == ("60", "52")
    found = [(reject.line_number, reject.reason) for reject in report.rejected]
    assert found == [(AFTER, "too few fields"), (AFTER + 2, "too many fields")]


def test_quoted_line_breaks_and_broken_quotes(tmp_path: Path) -> None:
    lines = [
        b'50,"over\ntwo lines, and a comma",1999,Drama,"a ""quoted"" word"\n',
        b"51,too few\n",
        b'52,"never closed,1999,Drama,abc\n',
        ROWS[0].replace(b"1,", b"53,", 1),
        b'54,"The "Best" of all",1999,Drama,x\n',
        b'55,Seven 7" singles,1999,Drama,x\n',
        b"56\n",
    ]
    catalogue, report = read(tmp_path, GOOD + b"".join(lines))
    assert catalogue.ids[-4:] == ("50", "53", "54", "55")
    assert catalogue.titles[-4] == "over two lines, and a comma"
    assert catalogue.texts[-4] == 'a "quoted" word'
    assert catalogue.titles[-1] == 'Seven 7" singles'
    found = [(reject.line_number - AFTER, reject.reason) for reject in report.rejected]
    assert found == [(2, "too few fields"), (3, "quotation mark without its partner"), (7, "too few fields")]
    assert any("stray quotation mark" in warning for warning in report.warnings)


def test_a_quote_that_never_closes_does_not_take_the_rest_of_the_file(tmp_path: Path) -> None:
    many = b"".join(f"{n},Title {n},2000,Drama,story\n".encode() for n in range(100, 30_100))
    started = time.perf_counter()
    catalogue, report = read(tmp_path, HEADER + ROWS[0] + b'2,"open,2000,Drama,x\n' + many)
    assert len(catalogue) == 30_001
    assert [reject.line_number for reject in report.rejected] == [3]
    assert time.perf_counter() - started < 10


def test_latin_1_is_read_with_a_warning(tmp_path: Path) -> None:
    catalogue, report = read(tmp_path, GOOD + "99,Café Société – “Été”,1999,Drama,Voilà\n".encode("cp1252"))
    assert catalogue.titles[-1] == "Café Société – “Été”"
    assert any("not UTF-8" in warning and "Windows-1252" in warning for warning in report.warnings)


def test_single_rows_of_broken_utf_8_are_rejected(tmp_path: Path) -> None:
    rows = (
        "98,Café,1999,Drama,é\n97,Caffè,1999,Drama,ü\n".encode()
        + b"99,Caf\xff\xfe\x81,1999,Drama,x\n"
        + b'96,"a ""b""",1,D,x\n'
    )
    catalogue, report = read(tmp_path, GOOD + rows)
    assert catalogue.titles[-3:] == ("Café", "Caffè", 'a "b"')
    assert [(reject.line_number, reject.reason) for reject in report.rejected] == [(AFTER + 2, "broken UTF-8")]


def test_byte_order_mark_and_nul_bytes(tmp_path: Path) -> None:
    catalogue, report = read(tmp_path, b"\xef\xbb\xbf" + GOOD + b"99,a\0b,1999,Drama,x\n")
    assert (catalogue.schema.id_column, catalogue.titles[-1]) == ("id", "ab")
    assert report.warnings == ("1 NUL byte removed",)


@pytest.mark.parametrize("cell", [b"x" * 10_000_000, b'"' + b"word, \n" * 1_400_000 + b'"'])
def test_ten_megabytes_in_one_field_are_cut_and_counted(tmp_path: Path, cell: bytes) -> None:
    catalogue, report = read(tmp_path, GOOD + b"99,big,1999,Drama," + cell + b"\n" + ROWS[0].replace(b"1,", b"77,", 1))
    assert catalogue.ids[-2:] == ("99", "77")
    assert 19_000 < len(catalogue.texts[-2]) <= 20_000
    assert any("1 cell longer than 20,000 characters" in warning for warning in report.warnings)


def test_terminal_escapes_do_not_reach_titles_values_or_names(tmp_path: Path) -> None:
    header = HEADER.replace(b"genres", b"gen\x1b[31mres")
    catalogue, _ = read(
        tmp_path, header + b"".join(ROWS) + b"99,\x1b[31mRed\x1b[0m \x1b]0;own\x07sky,1999,Dra\x1b[2Jma,x\n"
    )
    assert catalogue.titles[-1] == "Red sky"
    assert catalogue.value(20, "genres") == ("Drama",)


def test_nan_infinity_and_words_among_numbers_are_counted_as_missing(tmp_path: Path) -> None:
    prices = [b"NaN", b"inf", b"-Infinity", b"12.5", b"$1,299", b"$3", b"large", b"", *[b"7"] * 12]
    rows = b"".join(b'%d,t %d,"%s"\n' % (n, n, price) for n, price in enumerate(prices))
    catalogue, report = read(tmp_path, b"id,title,price\n" + rows)
    values = catalogue.number("price")
    assert np.flatnonzero(np.isnan(values)).tolist() == [0, 1, 2, 6, 7]
    assert np.isfinite(values[~np.isnan(values)]).all()
    assert values[4] == 1299
    assert catalogue.schema.attribute("price").maximum == 1299
    assert len(report.warnings) == 1
    assert "3 values could not be read as a number" in report.warnings[0]
    assert "lines 3, 4, 8" in report.warnings[0]


def test_a_column_of_mixed_words_and_numbers_keeps_every_value(tmp_path: Path) -> None:
    sizes = ["S", "M", "42", "44", "XL"]
    rows = "".join(f"{n},t {n},{sizes[n % 5]}\n" for n in range(40))
    catalogue, report = read(tmp_path, b"id,title,size\n" + rows.encode())
    assert {value.value for value in catalogue.vocabulary("size")} == set(sizes)
    assert report.warnings == ()


def test_broken_json_lines_are_rejected_one_by_one(tmp_path: Path) -> None:
    data = b'{"id": 1, "title": "a"}\n{"id": 2, "title":\n[1]\n\n'
    data += b'{"id": 3, "title": "c \\ud800"}\n{"id": 4, "title": "\xff"}\n'
    catalogue, report = read(tmp_path, data, "items.jsonl")
    assert catalogue.ids == ("1", "3")
    found = [(reject.line_number, reject.reason) for reject in report.rejected]
    assert found == [(2, "not valid JSON"), (3, "not a JSON object"), (6, "broken UTF-8")]


def test_repeated_and_empty_column_names_are_told(tmp_path: Path) -> None:
    catalogue, report = read(tmp_path, b"id,title,title,\n" + b"".join(b"%d,a %d,b,c\n" % (n, n) for n in range(9)))
    assert catalogue.titles[0] == "a 0"
    assert any("title_2" in note for note in report.notes)
    assert any("column_4" in note for note in report.notes)


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return read(tmp_path, GOOD)[0]


def log_of(tmp_path: Path, rows: str, header: str = "user,item,rating,time\n") -> Path:
    path = tmp_path / "log.csv"
    path.write_text(header + rows)
    return path


def test_events_of_unknown_items_and_nobody_are_rejected_and_grouped(tmp_path: Path, catalogue: Catalogue) -> None:
    path = log_of(
        tmp_path, "u1,1,5,1600000000\nu1,999,4,1600000000\n,2,3,1600000000\nu2,,3,1600000000\nu3,998,1,1600000000\n"
    )
    log, report = read_interactions(path, catalogue)
    assert len(log) == 1
    found = [(reject.line_number, reject.reason) for reject in report.rejected]
    unknown = "item not in the catalogue"
    assert found == [(3, unknown), (4, "no person"), (5, "no item"), (6, unknown)]
    assert report.reasons()[unknown] == 2


def test_times_in_the_future_or_unreadable_become_unknown_and_are_counted(tmp_path: Path, catalogue: Catalogue) -> None:
    ahead = int(time.time()) + 10 * 86_400
    rows = [f"u,{n},5,{1600000000 + n}" for n in range(1, 11)]
    rows += [f"u,11,5,{ahead}", "u,12,5,soon", "u,13,5,-5", "u,14,5,", "u,15,inf,1600000000", "u,16,good,1600000000"]
    log, report = read_interactions(log_of(tmp_path, "\n".join(rows) + "\n"), catalogue)
    assert len(log) == 16
    unknown = {catalogue.ids[row] for row in log.items[np.isnan(log.timestamps)]}
    assert unknown == {"11", "12", "13", "14"}
    assert {catalogue.ids[row] for row in log.items[np.isnan(log.values)]} == {"15", "16"}
    text = " ".join(report.warnings)
    for phrase in (
        "1 time in the future",
        "1 time could not be read",
        "1 time not after 1970",
        "2 values not a number",
    ):
        assert phrase in text
    assert "(line 12)" in text


def test_a_log_of_another_catalogue_is_refused(tmp_path: Path, catalogue: Catalogue) -> None:
    path = log_of(tmp_path, "u1,x1,5,1600000000\nu2,x2,5,1600000000\n")
    with pytest.raises(InputFileError, match=r"column item has 'x1' where the catalogue's ids look like '1'; name"):
        read_interactions(path, catalogue)


def test_a_log_without_people_says_which_flag_helps(tmp_path: Path, catalogue: Catalogue) -> None:
    with pytest.raises(SchemaError, match="--user-column COLUMN"):
        read_interactions(log_of(tmp_path, "1\n2\n", "item\n"), catalogue)
    with pytest.raises(InputFileError, match="no rows"):
        read_interactions(log_of(tmp_path, ""), catalogue)


def test_an_id_column_that_is_named_but_empty_leaves_nothing_to_load(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_bytes(b"key,title\n,a\n,b\n")
    with pytest.raises(InputFileError, match=r"None of the 2 rows .* line 2, has no id; correct"):
        read_items(path, overrides=ColumnOverrides(id="key"))


junk = st.sampled_from(
    [b'"', b",", b"\n", b"\r", b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"{", b"[", b"\x1b[2J", b"nan", b"\t", b"::"]
)


@settings(max_examples=60, deadline=None)
@given(
    damage=st.lists(st.tuples(st.integers(0, len(GOOD)), junk), min_size=1, max_size=8),
    name=st.sampled_from(["a.csv", "a.tsv", "a.dat", "a.jsonl"]),
)
def test_no_damage_is_more_than_a_sentence_or_counted_rejects(
    tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[int, bytes]], name: str
) -> None:
    data = GOOD
    for place, bytes_in in damage:
        data = data[:place] + bytes_in + data[place:]
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(data)
    try:
        catalogue, report = read_items(path)
    except ConvrecError:
        return
    assert report.read == report.loaded + len(report.rejected)
    assert report.loaded == len(catalogue) > 0
    lines = [reject.line_number for reject in report.rejected]
    assert lines == sorted(lines)
    assert all(1 <= line <= data.count(b"\n") + data.count(b"\r") + 1 for line in lines)


@settings(max_examples=50, deadline=None)
@given(place=st.integers(len(HEADER), len(GOOD)), damage=junk)
def test_damage_in_one_row_never_costs_its_neighbours(
    tmp_path_factory: pytest.TempPathFactory, place: int, damage: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "one.csv"
    path.write_bytes(GOOD[:place] + damage + GOOD[place:])
    catalogue, report = read_items(path)
    assert len(catalogue) >= len(ROWS) - 1
    assert report.read == report.loaded + len(report.rejected)
    assert catalogue.schema.text_columns == ("story",)
