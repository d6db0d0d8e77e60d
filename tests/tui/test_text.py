"""Text keeps its columns and shows exactly its characters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from convrec.tui.bars import legend_of, named, order_of, signed, stacked
from convrec.tui.text import clean, cut, fit, width, wrapped

WORDS = st.text(alphabet=st.sampled_from("ab Z9é千と🤖[]\\\x1b\t\n\u202ë"), max_size=60)


@given(WORDS, st.integers(1, 40))
def test_fit_takes_exactly_its_columns(text: str, columns: int) -> None:
    assert width(fit(text, columns)) == columns
    assert width(cut(text, columns)) <= columns


@given(WORDS, st.integers(2, 30), st.integers(1, 5))
def test_wrapped_lines_fit_and_lose_nothing_unless_cut(text: str, columns: int, most: int) -> None:
    lines = wrapped(text, columns, most)
    assert len(lines) <= most
    assert all(width(part) <= columns for part in lines)
    if not any(part.endswith("…") for part in lines):
        assert "".join("".join(lines).split()) == "".join(clean(text).split())


def test_width_agrees_with_rich() -> None:
    for text in ("千と千尋", "🤖 robot", "plain", "e\u0301"):
        assert width(text) == cell_len(text)


def test_control_sequences_never_reach_the_terminal() -> None:
    assert clean("\x1b[31mred\x1b[0m \x1b]0;title\x07bell\x07 \u202eevil") == "red bell evil"
    assert clean("two\nlines") == "two\nlines"


@given(
    st.dictionaries(st.sampled_from(["request", "taste", "popularity", "diversity"]), st.floats(-2, 2), min_size=1),
    st.integers(4, 40),
)
def test_bars_fill_their_columns_and_name_every_part(terms: dict[str, float], columns: int) -> None:
    legend = legend_of([terms])
    scale = sum(value for value in terms.values() if value > 0)
    assert stacked(terms, columns, scale, legend).cell_length == columns
    said = named(terms, legend, len(terms)).plain
    for name, value in order_of(terms):
        assert name in said
        assert (f"− {name}" in said) == (value < 0)
        assert signed(value, columns | 1, 2.0, "$primary").cell_length == columns | 1


def test_parts_differ_by_pattern_and_not_by_colour_alone() -> None:
    names = ["request", "taste", "popularity", "diversity", "novelty"]
    legend = legend_of([dict.fromkeys(names, 1.0)])
    assert len({legend.glyph(name) for name in names}) == len(names)
