"""What a catalogue's attributes are and mean: the one place that every reader of requests and filters asks."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

from convrec.retrieval.errors import SchemaError


class AttributeKind(StrEnum):
    """How an attribute's values compare."""

    CATEGORY = "category"
    """one value of a vocabulary"""
    CATEGORIES = "categories"
    """several values of a vocabulary"""
    NUMBER = "number"
    DATE = "date"
    """days since 1970-01-01, shown as ISO dates"""
    TEXT = "text"
    """free text: searched, never filtered"""
    FLAG = "flag"


class Role(StrEnum):
    """What an attribute means to a person, whatever its column is called. None means: just an attribute."""

    YEAR = "year"
    """when the item came out: a number of years, or a date"""
    DURATION = "duration"
    PRICE = "price"
    QUALITY = "quality"
    """the higher the better: an average rating"""
    POPULARITY = "popularity"
    """the higher the better known: a count of votes, sales, downloads"""
    LANGUAGE = "language"
    COUNTRY = "country"
    PERSON = "person"
    """names of people or makers: a large vocabulary, matched by name, never by meaning"""
    TOPIC = "topic"
    """what it is about or which kind it is: genres, tags, keywords, themes, moods"""


class ValueCount(BaseModel):
    """A value of a vocabulary and the number of items that carry it."""

    model_config = ConfigDict(frozen=True)
    value: str
    count: int


class Attribute(BaseModel):
    """One attribute of the catalogue."""

    model_config = ConfigDict(frozen=True)

    name: str
    """column name in the source, and name in filters"""
    label: str
    """name in sentences, singular and lower case: 'genre', 'release year'"""
    kind: AttributeKind
    role: Role | None = None
    unit: str | None = None
    """'minutes', 'USD', 'kg'; None for bare numbers"""
    minimum: float | None = None
    maximum: float | None = None
    integer: bool = False
    separator: str | None = None
    """between values of a categories column in the source: one character, or 'json'"""
    date_format: str | None = None
    distinct: int = 0
    """size of the vocabulary"""
    vocabulary: tuple[ValueCount, ...] = ()
    """the most frequent values, at most 200; the whole vocabulary is `Catalogue.vocabulary(name)`"""
    synonyms: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """value -> other words for it"""
    meanings: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """value -> what it means, in a phrase or several: compared with requests by meaning, never read as its name"""
    missing: int = 0
    provenance: str | None = None
    """who wrote the values where it is not the person's own file"""

    @property
    def filterable(self) -> bool:
        return self.kind is not AttributeKind.TEXT

    @property
    def numeric(self) -> bool:
        return self.kind in (AttributeKind.NUMBER, AttributeKind.DATE)


class CatalogueSchema(BaseModel):
    """Columns, attributes and their meaning; inferred from the data, editable as TOML."""

    model_config = ConfigDict(frozen=True)

    name: str = "catalogue"
    noun: str = "item"
    """what one entry is called, singular: 'film', 'book', 'tool'"""
    id_column: str
    title_column: str
    text_columns: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    count: int = 0
    """number of items"""

    @cached_property
    def _by_name(self) -> dict[str, Attribute]:
        return {attribute.name: attribute for attribute in self.attributes}

    def attribute(self, name: str) -> Attribute:
        """The attribute of that name.

        Raises:
            SchemaError: the catalogue has no such attribute.
        """
        found = self._by_name.get(name)
        if found is None:
            known = ", ".join(self._by_name) or "none"
            raise SchemaError(f"The catalogue has no attribute {name!r}; it has: {known}.")
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def with_role(self, role: Role) -> tuple[Attribute, ...]:
        """Attributes of a role, in the order of the schema (the first one is the main one)."""
        return tuple(a for a in self.attributes if a.role is role)

    @property
    def added_texts(self) -> tuple[Attribute, ...]:
        """Texts that somebody wrote for the catalogue beside its own: searched and told like those."""
        texts = (a for a in self.attributes if a.kind is AttributeKind.TEXT and a.provenance is not None)
        return tuple(a for a in texts if a.name not in self.text_columns)

    @property
    def plural(self) -> str:
        """The noun for several items."""
        if self.noun.endswith(("s", "x", "ch", "sh")):
            return f"{self.noun}es"
        if self.noun.endswith("y") and self.noun[-2:-1] not in "aeiou":
            return f"{self.noun[:-1]}ies"
        return f"{self.noun}s"
