"""Logs of interactions, and what the readers cost."""

from __future__ import annotations

import io
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.errors import SchemaError
from convrec.retrieval.ingest import ColumnOverrides, read_interactions, read_items
from convrec.retrieval.preview import render_preview


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    path = tmp_path_factory.mktemp("items") / "books.csv"
    path.write_text("book_id,title\n" + "".join(f"b{n},Book {n}\n" for n in range(30)))
    return read_items(path)[0]


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_ratings_are_sorted_by_person_then_time_then_the_order_of_the_file(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    path = write(
        tmp_path / "ratings.csv",
        "reader,book_id,stars,when\nz,b3,5,2000\na,b1,3,1500\nz,b2,4,1000\nz,b9,1,2000\na,b1,2,1500\nz,b5,2,\n".replace(
            ",2000", ",1600002000").replace(",1500", ",1600001500").replace(",1000", ",1600001000"),
    )  # fmt: skip
    log, report = read_interactions(path, catalogue)
    assert log.user_ids == ("z", "a")
    assert log.indptr.tolist() == [0, 4, 6]
    assert [catalogue.ids[row] for row in log.items] == ["b5", "b2", "b3", "b9", "b1", "b1"]
    assert log.values.tolist() == [2, 4, 5, 1, 3, 2]
    assert np.isnan(log.timestamps[0])
    assert log.timestamps[1:].tolist() == [1600001000, 1600002000, 1600002000, 1600001500, 1600001500]
    assert (report.read, report.loaded, len(report.rejected)) == (6, 6, 0)


def test_events_with_types(tmp_path: Path, catalogue: Catalogue) -> None:
    path = write(
        tmp_path / "events.jsonl",
        "".join(
            f'{{"visitor": "v{n % 5}", "product": "b{n % 30}", "action": "{["view", "view", "buy"][n % 3]}", '
            f'"at": "2023-05-{n % 28 + 1:02d}T10:00:00Z"}}\n'
            for n in range(90)
        ),
    )
    log, _ = read_interactions(path, catalogue)
    assert log.event_names == ("view", "buy")
    assert np.bincount(log.events).tolist() == [60, 30]
    assert np.isnan(log.values).all()
    assert float(log.timestamps.min()) == np.datetime64("2023-05-01T10:00:00").astype("datetime64[s]").astype(float)


def test_bare_pairs_without_a_header(tmp_path: Path, catalogue: Catalogue) -> None:
    log, report = read_interactions(write(tmp_path / "pairs.csv", "u1,b1\nu1,b2\nu2,b1\n"), catalogue)
    assert (log.users, len(log), report.read) == (2, 3, 3)
    assert log.history(0).tolist() == catalogue.rows(["b1", "b2"]).tolist()
    assert np.isnan(log.values).all()
    assert np.isnan(log.timestamps).all()


def test_numbers_for_people_and_items_are_told_apart(tmp_path: Path) -> None:
    items = write(tmp_path / "items.csv", "id,title\n" + "".join(f"{n},T {n}\n" for n in range(1, 101)))
    numbered = read_items(items)[0]
    rows = [(n % 60 + 1, n % 100 + 1, n % 5 + 1, 880_000_000 + n) for n in range(600)]
    for name, separator, header in (
        ("u.data", "\t", ""),
        ("ratings.dat", "::", ""),
        ("ratings.csv", ",", "userId,movieId,rating,timestamp\n"),
        ("log.inter", "\t", "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"),
    ):
        text = header + "".join(separator.join(map(str, row)) + "\n" for row in rows)
        log, report = read_interactions(write(tmp_path / name, text), numbered)
        assert (log.users, len(log)) == (60, 600), (name, report.notes)
        assert log.timestamps.min() == 880_000_000
        assert set(log.values.tolist()) == {1, 2, 3, 4, 5}


def test_parquet_with_typed_columns(tmp_path: Path, catalogue: Catalogue) -> None:
    path = tmp_path / "log.parquet"
    moments = pl.Series(["2020-01-02 03:04:05", "2020-01-01 00:00:00"]).str.to_datetime()
    pl.DataFrame({"who": [7, 7], "book_id": ["b1", "b2"], "liked": [True, False], "ts": moments}).write_parquet(path)
    log, _ = read_interactions(path, catalogue, overrides=ColumnOverrides(user="who", value="liked"))
    assert log.user_ids == ("7",)
    assert [catalogue.ids[row] for row in log.items] == ["b2", "b1"]
    assert log.values.tolist() == [0, 1]
    assert log.timestamps.tolist() == [1577836800, 1577934245]


def test_columns_of_the_log_can_be_named(tmp_path: Path, catalogue: Catalogue) -> None:
    path = write(tmp_path / "x.csv", "p,q,book_id,n\nb1,x,b2,4\nb3,y,b4,5\n")
    log, report = read_interactions(path, catalogue, overrides=ColumnOverrides(user="q", item="p"))
    assert log.user_ids == ("x", "y")
    assert [catalogue.ids[row] for row in log.items] == ["b1", "b3"]
    assert any("not used: book_id" in note for note in report.notes)
    with pytest.raises(SchemaError, match="no column 'rating'"):
        read_interactions(path, catalogue, overrides=ColumnOverrides(value="rating"))


events = st.tuples(
    st.sampled_from("uvw"), st.integers(0, 35), st.sampled_from(["", "1", "2.5", "x"]), st.integers(0, 3)
)


@settings(max_examples=100, deadline=None)
@given(st.lists(events, min_size=1, max_size=30))
def test_every_event_is_loaded_once_or_rejected_once(
    tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue, rows: list[tuple[str, int, str, int]]
) -> None:
    rows = [("u", 1, "1", 1), *rows]
    path = tmp_path_factory.mktemp("log") / "log.csv"
    text = "user,item,rating,time\n" + "".join(f"{u},b{i},{v},{1_600_000_000 + t}\n" for u, i, v, t in rows)
    log, report = read_interactions(write(path, text), catalogue, overrides=ColumnOverrides(value="rating"))
    good = [(u, i, t) for u, i, _, t in rows if i < 30]
    unknown = [line for line, (_, i, _, _) in enumerate(rows, 2) if i >= 30]
    assert [reject.line_number for reject in report.rejected] == unknown
    assert report.read == report.loaded + len(report.rejected) == len(rows)
    for number, user in enumerate(log.user_ids):
        expected = [i for _, _, i in sorted((t, order, i) for order, (u, i, t) in enumerate(good) if u == user)]
        assert [int(catalogue.ids[row][1:]) for row in log.history(number)] == expected


def test_the_dry_run_is_readable_and_prints_text_as_text(tmp_path: Path) -> None:
    rows = "".join(f"{n},[bold]T {n}[/bold],{'[red]a|b' if n % 2 else 'b'},{n * 10} g\n" for n in range(40))
    catalogue, report = read_items(write(tmp_path / "tools.csv", f"id,title,tags,weight\n{rows}0,again,b,1 g\n"))
    console = Console(width=100, file=io.StringIO())
    with console.capture() as capture:
        console.print(render_preview(catalogue.schema, [report]))
    shown = capture.get()
    assert "tools: 40 tools" in shown
    assert "0 to 390 g" in shown
    assert "[red]a" in shown
    assert "41 rows read, 40 loaded, 1 rejected" in shown
    assert "rejected 1: id already used above (line 42)" in shown


@pytest.mark.slow
def test_a_million_events_read_in_seconds(tmp_path: Path, catalogue: Catalogue) -> None:
    chance = np.random.default_rng(0)
    size = 1_000_000
    frame = pl.DataFrame(
        {
            "user": chance.integers(0, 50_000, size),
            "item": np.array(catalogue.ids)[chance.integers(0, 30, size)],
            "rating": chance.integers(1, 6, size),
            "time": chance.integers(10**9, 16 * 10**8, size),
        }
    )
    path = tmp_path / "big.csv"
    frame.write_csv(path)
    started = time.perf_counter()
    log, _ = read_interactions(path, catalogue)
    assert len(log) == size
    assert time.perf_counter() - started < 20
