"""A catalogue's vocabularies and titles as token n-grams: what sentences name is read by longest match."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from convrec.agent.claims import lexicon
from convrec.agent.labels import label_value
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.schema import Attribute, AttributeKind, Role

LARGE_VOCABULARY = 200
"""values beyond which a vocabulary holds everyday words too (tags, keywords)"""
LONGEST_PHRASE = 10

_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:'[^\W\d_]+)*")
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "’": "'", "‘": "'", "\u00a0": " "})
_YEAR_SUFFIX = re.compile(r"\s*\(\d{4}\)\s*$")
_ARTICLE_SUFFIX = re.compile(r"^(.+), (The|A|An|Le|La|Les|Il|El|Der|Die|Das|L')$")

UNIT_NAMES = {
    "gram": "g", "kilo": "kg", "kilogram": "kg", "metre": "m", "meter": "m", "litre": "l", "liter": "l",
    "page": "pages", "inch": "in", "pound": "lb", "lb": "lb", "ounce": "oz", "watt": "w",
}  # fmt: skip

MASSES = frozenset({"g", "kg", "mg", "lb", "oz", "t", "ton"})


@dataclass(frozen=True, slots=True)
class Token:
    """A word or number: as written, folded, and without its plural ending."""

    text: str
    folded: str
    stem: str
    start: int
    end: int

    @property
    def capitalised(self) -> bool:
        return self.text[:1].isupper()


@dataclass(frozen=True, slots=True)
class Meaning:
    """A value that a phrase may name; True for a flag."""

    attribute: str
    value: str | bool


def normalise(text: str) -> str:
    """The text as claims are read from it: composed characters, straight quotes."""
    return unicodedata.normalize("NFC", text).translate(_QUOTES)


def stem(word: str) -> str:
    """A folded word without possessive and plural endings: 'comedies' and 'comedy' agree."""
    word = word.removesuffix("'s").removesuffix("'")
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        word = word[:-2] if word.endswith(("ches", "shes", "xes", "sses")) else word[:-1]
    return word[:-2] + "y" if len(word) > 3 and word.endswith("ie") else word


def tokens(text: str) -> list[Token]:
    """Words and numbers of a normalised text."""
    found = []
    for match in _TOKEN.finditer(text):
        folded = match.group().casefold()
        found.append(Token(match.group(), folded, stem(folded), match.start(), match.end()))
    return found


@lru_cache(maxsize=32_768)
def stems(text: str) -> tuple[str, ...]:
    """The stems of a text's words."""
    return tuple(t.stem for t in tokens(normalise(text)))


def unit_name(word: str) -> str:
    """A measure's unit in one spelling."""
    folded = (*stems(word), word)[0]
    return UNIT_NAMES.get(folded, (*stems(folded), folded)[0])


def title_forms(title: str) -> Iterator[str]:
    """A title as people write it: without a year in brackets, with its article in front."""
    yield title
    bare = _YEAR_SUFFIX.sub("", title)
    if bare and bare != title:
        yield bare
    swapped = _ARTICLE_SUFFIX.match(bare)
    if swapped:
        yield f"{swapped[2]} {swapped[1]}"


class ClaimIndex:
    """What a catalogue's values and titles look like in a sentence. Built once a catalogue, read-only."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.schema = catalogue.schema
        self._values: dict[tuple[str, ...], list[Meaning]] = {}
        self._titles: dict[tuple[str, ...], list[str]] = {}
        self._longest: dict[str, int] = {}
        self.people: set[str] = set()
        """last words of the names of people"""
        self.large: set[str] = set()
        """attributes with a vocabulary so large that it holds everyday words"""
        for attribute in catalogue.schema.attributes:
            self._add_attribute(attribute)
        for item_id, title in zip(catalogue.ids, catalogue.titles, strict=True):
            for form in title_forms(title):
                self._add_title(stems(form), item_id)
        self.plain = frozenset(
            word
            for phrase in (self.schema.noun, self.schema.plural, *(a.label for a in self.schema.attributes))
            for word in stems(phrase)
        )
        """words by which sentences name items and attributes; they claim nothing"""
        self.masses = frozenset(
            a.name for a in self.schema.attributes if a.numeric and a.unit and unit_name(a.unit) in MASSES
        )
        """attributes in units of mass"""
        self._labels: set[tuple[str, ...]] = set()
        for attribute in catalogue.schema.attributes:
            if attribute.kind is not AttributeKind.FLAG and (label := stems(attribute.label)):
                self._labels.add(label)
                self._longest[label[0]] = max(len(label), self._longest.get(label[0], 0))

    def values(self, phrase: tuple[str, ...]) -> tuple[Meaning, ...]:
        """What values a phrase of stems names."""
        return tuple(self._values.get(phrase, ()))

    def titles(self, phrase: tuple[str, ...]) -> tuple[str, ...]:
        """Ids of the items whose title a phrase of stems is."""
        return tuple(self._titles.get(phrase, ()))

    def is_label(self, phrase: tuple[str, ...]) -> bool:
        """Whether a phrase of stems is the name of an attribute."""
        return phrase in self._labels

    def known(self, phrase: tuple[str, ...]) -> bool:
        """Whether a phrase of stems names anything."""
        return phrase in self._values or phrase in self._titles or phrase in self._labels

    def longest(self, first: str) -> int:
        """Length of the longest value or title that begins with a stem; 0 where none does."""
        return self._longest.get(first, 0)

    def share_below(self, name: str, value: float) -> float:
        """The share of known values of a numeric attribute at or below `value`, in [0, 1]."""
        ordered = self._sorted[name]
        return float(np.searchsorted(ordered, value, side="right")) / ordered.size if ordered.size else 0.5

    def share_under(self, name: str, value: float) -> float:
        """The share of known values of a numeric attribute strictly below `value`, in [0, 1]."""
        ordered = self._sorted[name]
        return float(np.searchsorted(ordered, value, side="left")) / ordered.size if ordered.size else 0.5

    @cached_property
    def _sorted(self) -> dict[str, NDArray[np.float64]]:
        columns = {a.name: self.catalogue.number(a.name) for a in self.schema.attributes if a.numeric}
        return {name: np.sort(values[~np.isnan(values)]) for name, values in columns.items()}

    def _add_attribute(self, attribute: Attribute) -> None:
        if attribute.kind is AttributeKind.FLAG:
            self._add_value(stems(attribute.label), Meaning(attribute.name, True))
            return
        if attribute.kind not in (AttributeKind.CATEGORY, AttributeKind.CATEGORIES):
            return
        vocabulary = self.catalogue.categories(attribute.name).vocabulary
        if len(vocabulary) > LARGE_VOCABULARY:
            self.large.add(attribute.name)
        for value in vocabulary:
            self._add_vocabulary(attribute, value)
        for value, others in attribute.synonyms.items():
            for other in others:
                self._add_value(stems(other), Meaning(attribute.name, value.casefold()))

    def _add_vocabulary(self, attribute: Attribute, value: str) -> None:
        meaning = Meaning(attribute.name, value.casefold())
        shown = label_value(attribute, value)
        phrase = stems(shown)
        if attribute.role is Role.PERSON:
            self.people.update(phrase[-1:])
        if shown == value and attribute.role in (Role.LANGUAGE, Role.COUNTRY) and len(value) < 4:
            return
        self._add_value(phrase, meaning)
        if attribute.role is Role.COUNTRY:
            for alias in lexicon.COUNTRY_ALIASES.get(shown.casefold(), ()):
                self._add_value(stems(alias), meaning)

    def _add_value(self, phrase: tuple[str, ...], meaning: Meaning) -> None:
        if phrase and len(phrase) <= LONGEST_PHRASE:
            known = self._values.setdefault(phrase, [])
            if meaning not in known:
                known.append(meaning)
            self._longest[phrase[0]] = max(len(phrase), self._longest.get(phrase[0], 0))

    def _add_title(self, phrase: tuple[str, ...], item_id: str) -> None:
        if phrase and len(phrase) <= LONGEST_PHRASE * 2:
            known = self._titles.setdefault(phrase, [])
            if item_id not in known:
                known.append(item_id)
            self._longest[phrase[0]] = max(len(phrase), self._longest.get(phrase[0], 0))
