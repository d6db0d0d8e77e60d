"""Tables of every format give the same rows, and every row knows its line."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convrec.retrieval import files
from convrec.retrieval.delimited import read_delimited
from convrec.retrieval.files import read_table
from convrec.retrieval.reports import sanitise_text
from convrec.retrieval.values import clean

ROWS = [("a1", "Über dem Fluss", "x|y"), ("a2", "Second, with a comma", ""), ("a3", 'She said "no"', "z")]


def as_csv(separator: str) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\n")
    writer.writerows([("id", "title", "tags"), *ROWS])
    return out.getvalue().encode()


def as_json_lines() -> bytes:
    frame = pl.DataFrame(ROWS, schema=["id", "title", "tags"], orient="row")
    return frame.write_ndjson().encode()


def as_parquet() -> bytes:
    out = io.BytesIO()
    pl.DataFrame(ROWS, schema=["id", "title", "tags"], orient="row").write_parquet(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("t.csv", as_csv(",")),
        ("t.txt", as_csv(";")),
        ("t.tsv", as_csv("\t")),
        ("t.jsonl", as_json_lines()),
        ("t.json", b"[" + as_json_lines().strip().replace(b"\n", b",") + b"]"),
        ("t.parquet", as_parquet()),
        ("t.csv", as_csv(",").replace(b"\n", b"\r\n")),
        ("t.csv", b"\xef\xbb\xbf" + as_csv(",")),
        ("t.csv", as_csv(",").decode().encode("utf-16")),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str, data: bytes, zipped: bool) -> None:
    path = tmp_path / (f"{name}.gz" if zipped else name)
    path.write_bytes(gzip.compress(data) if zipped else data)
    table = read_table(path)
    assert [tuple(cell or "" for cell in row) for row in table.frame.rows()] == ROWS
    assert table.frame.columns == ["id", "title", "tags"]
    assert not table.rejects
    first = 1 if "json" in name or "parquet" in name else 2
    assert table.lines.tolist() == [first, first + 1, first + 2]


cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00", exclude_categories=["Cs", "Cc"]), max_size=12)
fields = st.one_of(cells, st.sampled_from(['"', 'a"b', "x\ny", ",", ";", "a,b", "\n\n", "é"]))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(fields, fields, fields).filter(lambda row: any(c.strip() for c in row)), min_size=1, max_size=8)
)
def test_what_the_standard_writer_writes_comes_back_with_its_line_numbers(rows: list[tuple[str, str, str]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["one", "two", "three"])
    starts = []
    for row in rows:
        starts.append(out.getvalue().count("\n") + 1)
        writer.writerow(row)
    parsed = read_delimited(out.getvalue().encode(), name="t", separator=",")
    assert [tuple(cell or "" for cell in row) for row in parsed.frame.rows()] == rows
    assert parsed.lines.tolist() == starts
    assert not parsed.rejects


def test_two_colons_and_no_header(tmp_path: Path) -> None:
    path = tmp_path / "movies.dat"
    path.write_bytes("1::Alpha: the first (1990)::A|B\n2::Béta (1991)::A\n".encode("latin-1"))
    table = read_table(path)
    assert table.frame.rows() == [("1", "Alpha: the first (1990)", "A|B"), ("2", "Béta (1991)", "A")]
    assert table.lines.tolist() == [1, 2]
    assert any("no header" in note for note in table.notes)
    assert any("Windows-1252" in warning for warning in table.warnings)


def test_large_json_lines_read_like_small_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log.jsonl"
    lines = [f'{{"user": "u{n % 7}", "item": {n}, "rating": {n / 2}, "ok": true}}' for n in range(500)]
    path.write_text("\n".join(lines) + "\n\n")
    careful = read_table(path)
    monkeypatch.setattr(files, "_LARGE_JSON", 100)
    fast = read_table(path)
    assert fast.frame.equals(careful.frame)
    assert fast.lines.tolist() == careful.lines.tolist()
    path.write_text("\n".join([*lines, '{"user": "u1", "item": ']))
    assert [reject.line_number for reject in read_table(path).rejects] == [501]


def test_nested_values_of_parquet_become_lists(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame({"id": [1, 2], "tags": [["a", "b"], []], "raw": [b"x", b"y"]}).write_parquet(path)
    table = read_table(path)
    assert table.frame["tags"].to_list() == ['["a", "b"]', None]
    assert "raw" not in table.frame.columns
    assert any("raw" in note for note in table.notes)


@pytest.mark.parametrize(
    ("dirty", "safe"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07shown", "shown"),
        ("a\x00b\x08c", "abc"),
        ("one\r\n\ttwo\u2028three", "one two three"),
        ("\u202eevil\u202c", "evil"),
        ("\x9b2Jclear", "clear"),
        ("naïve ☕ 日本", "naïve ☕ 日本"),
    ],
)
def test_text_is_made_safe_in_cells_and_columns_alike(dirty: str, safe: str) -> None:
    assert sanitise_text(dirty) == safe
    assert clean(pl.Series("c", [dirty]))[0].to_list() == [safe]


@settings(deadline=None)
@given(st.text())
def test_safe_text_stays_as_it_is_and_holds_no_control_characters(text: str) -> None:
    safe = sanitise_text(text)
    assert sanitise_text(safe) == safe
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 for c in safe)
