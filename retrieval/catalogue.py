"""The catalogue in memory: items as columns, so that filters, rankers and explanations read them by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from convrec.retrieval.errors import UnknownItemError
from convrec.retrieval.filters import mentioned, searched
from convrec.retrieval.schema import AttributeKind, CatalogueSchema, ValueCount
from convrec.retrieval.types import AttributeValue, Item

if TYPE_CHECKING:
    import polars as pl

EPOCH = date(1970, 1, 1)
_MENTIONS_KEPT = 200
"""words whose rows are remembered"""


def iso_date(days: float) -> str:
    """ISO date of a number of days since 1970-01-01."""
    return (EPOCH + timedelta(days=int(days))).isoformat()


@dataclass(frozen=True, eq=False)
class NumberColumn:
    """Numbers, or dates in days since 1970; NaN where missing. `values` (I,) float64."""

    values: NDArray[np.float64]

    def value(self, row: int) -> float | None:
        number = float(self.values[row])
        return None if np.isnan(number) else number


@dataclass(frozen=True, eq=False)
class FlagColumn:
    """Yes and no; `values` (I,) int8: 1, 0, or -1 where missing."""

    values: NDArray[np.int8]

    def value(self, row: int) -> bool | None:
        flag = int(self.values[row])
        return None if flag < 0 else bool(flag)


@dataclass(frozen=True, eq=False)
class CategoryColumn:
    """Values of a vocabulary, one or several an item, as codes: item i has `codes[indptr[i]:indptr[i + 1]]`.

    `vocabulary` holds the values as the source writes them, most frequent first; spellings that differ only in case
    share the code of the most frequent one.
    """

    vocabulary: tuple[str, ...]
    indptr: NDArray[np.int64]
    codes: NDArray[np.int32]
    multiple: bool

    @cached_property
    def _index(self) -> dict[str, int]:
        return {value.casefold(): code for code, value in enumerate(self.vocabulary)}

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """(V,) number of items that carry each value."""
        return np.bincount(self.codes, minlength=len(self.vocabulary)).astype(np.int64)

    @cached_property
    def rows_by_code(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """The inverse: value v is carried by `rows[starts[v]:starts[v + 1]]`."""
        owners = np.repeat(np.arange(self.indptr.size - 1, dtype=np.int32), np.diff(self.indptr))
        order = np.argsort(self.codes, kind="stable")
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.counts)])
        return starts, owners[order]

    def code(self, value: str) -> int | None:
        """Code of a value, whatever its case; None for a value that no item has."""
        return self._index.get(value.casefold())

    def rows(self, code: int) -> NDArray[np.int32]:
        """Rows that carry a value."""
        starts, rows = self.rows_by_code
        return rows[starts[code] : starts[code + 1]]

    def value(self, row: int) -> tuple[str, ...] | str | None:
        own = self.codes[self.indptr[row] : self.indptr[row + 1]]
        if own.size == 0:
            return None
        return tuple(self.vocabulary[c] for c in own) if self.multiple else self.vocabulary[int(own[0])]

    @classmethod
    def from_values(cls, values: Iterable[Sequence[str]], *, multiple: bool) -> CategoryColumn:
        """Code lists of values, one list an item (at most one value each when not `multiple`)."""
        spellings: dict[str, dict[str, int]] = {}
        lists = [list(dict.fromkeys(own)) for own in values]
        for own in lists:
            for value in own:
                forms = spellings.setdefault(value.casefold(), {})
                forms[value] = forms.get(value, 0) + 1
        ranked = sorted(spellings.items(), key=lambda entry: (-sum(entry[1].values()), entry[0]))
        vocabulary = tuple(max(forms, key=lambda form: (forms[form], form)) for _, forms in ranked)
        code = {folded: number for number, (folded, _) in enumerate(ranked)}
        coded = [list(dict.fromkeys(code[value.casefold()] for value in own)) for own in lists]
        lengths = np.fromiter((len(own) for own in coded), dtype=np.int64, count=len(coded))
        flat = np.fromiter((c for own in coded for c in own), dtype=np.int32, count=int(lengths.sum()))
        return cls(vocabulary, np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]), flat, multiple)


@dataclass(frozen=True, eq=False)
class TextColumn:
    """Free text; '' where missing."""

    values: tuple[str, ...]

    def value(self, row: int) -> str | None:
        return self.values[row] or None


Column = NumberColumn | FlagColumn | CategoryColumn | TextColumn


@dataclass(frozen=True, eq=False)
class Catalogue:
    """All items, by row. `columns` has one entry for each attribute of the schema."""

    schema: CatalogueSchema
    ids: tuple[str, ...]
    titles: tuple[str, ...]
    texts: tuple[str, ...]
    columns: Mapping[str, Column]

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {item_id: row for row, item_id in enumerate(self.ids)}

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._rows

    def row(self, item_id: str) -> int:
        """Row of an item.

        Raises:
            UnknownItemError: no item has that id.
        """
        found = self._rows.get(item_id)
        if found is None:
            raise UnknownItemError(f"The catalogue has no item {item_id!r}.")
        return found

    def rows(self, item_ids: Iterable[str]) -> NDArray[np.int32]:
        """Rows of the ids that exist; unknown ones are left out."""
        known = (self._rows.get(item_id) for item_id in item_ids)
        return np.array([row for row in known if row is not None], dtype=np.int32)

    def value(self, row: int, name: str) -> AttributeValue | None:
        """One attribute of one item, or None where it is missing."""
        return self.columns[name].value(row)

    def item(self, row: int) -> Item:
        """The whole record of a row."""
        attributes = {}
        for name, column in self.columns.items():
            value = column.value(row)
            if value is not None:
                attributes[name] = value
        return Item(self.ids[row], self.titles[row], self.texts[row], attributes)

    def number(self, name: str) -> NDArray[np.float64]:
        """A numeric attribute of all items: (I,) float64, NaN where missing."""
        column = self.columns[name]
        if not isinstance(column, NumberColumn):
            raise TypeError(f"{name} is not numeric")
        return column.values

    def categories(self, name: str) -> CategoryColumn:
        """A category attribute of all items."""
        column = self.columns[name]
        if not isinstance(column, CategoryColumn):
            raise TypeError(f"{name} has no vocabulary")
        return column

    def vocabulary(self, name: str) -> tuple[ValueCount, ...]:
        """The whole vocabulary of a category attribute, most frequent first."""
        column = self.categories(name)
        return tuple(ValueCount(value=v, count=int(n)) for v, n in zip(column.vocabulary, column.counts, strict=True))

    @cached_property
    def _searched(self) -> tuple[str, ...]:
        return tuple(searched(title, text) for title, text in zip(self.titles, self.texts, strict=True))

    @cached_property
    def _mentions(self) -> dict[str, NDArray[np.bool_]]:
        return {}

    def mentioning(self, words: str) -> NDArray[np.bool_]:
        """Rows whose title or free text has some words: (I,) bool."""
        found = self._mentions.get(words)
        if found is None:
            found = np.fromiter((mentioned(words, text) for text in self._searched), dtype=np.bool_, count=len(self))
            if len(self._mentions) < _MENTIONS_KEPT:
                self._mentions[words] = found
        return found

    def document(self, row: int) -> str:
        """The text that is embedded and indexed for an item: title, then its categories, then its texts."""
        parts = [self.titles[row]]
        added = {attribute.name for attribute in self.schema.added_texts}
        for attribute in self.schema.attributes:
            value = self.columns[attribute.name].value(row)
            if value is None or attribute.kind in (AttributeKind.NUMBER, AttributeKind.FLAG, AttributeKind.DATE):
                continue
            if attribute.kind is AttributeKind.TEXT and attribute.name not in added:
                continue
            shown = ", ".join(value[:12]) if isinstance(value, tuple) else str(value)
            parts.append(f"{attribute.label}: {shown}")
        if self.texts[row]:
            parts.append(self.texts[row])
        return ". ".join(parts)

    def to_frame(self) -> pl.DataFrame:
        """As a table for Parquet: id, title, text, and one column 'a:NAME' an attribute."""
        import polars as pl

        data: dict[str, Any] = {"id": self.ids, "title": self.titles, "text": self.texts}
        for name, column in self.columns.items():
            if isinstance(column, NumberColumn):
                data[f"a:{name}"] = pl.Series(column.values).fill_nan(None)
            elif isinstance(column, FlagColumn):
                data[f"a:{name}"] = pl.Series([None if v < 0 else bool(v) for v in column.values], dtype=pl.Boolean)
            elif isinstance(column, TextColumn):
                data[f"a:{name}"] = pl.Series(column.values, dtype=pl.String)
            else:
                data[f"a:{name}"] = _category_series(column)
        return pl.DataFrame(data)

    @classmethod
    def from_frame(cls, frame: pl.DataFrame, schema: CatalogueSchema) -> Catalogue:
        """The inverse of `to_frame`. Category columns may be String or List(String), missing as null or []."""
        columns = {a.name: _column(frame[f"a:{a.name}"], a.kind) for a in schema.attributes}
        texts = tuple(text or "" for text in frame["text"].to_list())
        return cls(schema, tuple(frame["id"].to_list()), tuple(frame["title"].to_list()), texts, columns)


def _category_series(column: CategoryColumn) -> pl.Series:
    import polars as pl

    values = [column.value(row) for row in range(column.indptr.size - 1)]
    if column.multiple:
        return pl.Series([[] if v is None else list(v) for v in values], dtype=pl.List(pl.String))
    return pl.Series(values, dtype=pl.String)


def _column(series: pl.Series, kind: AttributeKind) -> Column:
    import polars as pl

    if kind in (AttributeKind.NUMBER, AttributeKind.DATE):
        return NumberColumn(series.cast(pl.Float64).fill_null(float("nan")).to_numpy().astype(np.float64))
    if kind is AttributeKind.FLAG:
        return FlagColumn(series.cast(pl.Int8).fill_null(-1).to_numpy().astype(np.int8))
    if kind is AttributeKind.TEXT:
        return TextColumn(tuple(text or "" for text in series.to_list()))
    values = series.to_list()
    if kind is AttributeKind.CATEGORIES:
        return CategoryColumn.from_values(([v for v in own or [] if v] for own in values), multiple=True)
    return CategoryColumn.from_values(([own] if own else [] for own in values), multiple=False)
