"""What a catalogue lets a person ask for: conditions on its attributes, each with words and the items that fit."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from convrec.agent.labels import country_name, language_name
from convrec.evals.generator_words import bound_words, comparative, decade_words, plain_word, value_words
from convrec.evals.request_cases import Condition
from convrec.retrieval.catalogue import Catalogue, CategoryColumn, NumberColumn
from convrec.retrieval.filter_compile import mask
from convrec.retrieval.filters import And, Contains, Filter, In, Range
from convrec.retrieval.schema import Attribute, AttributeKind, Role

FEWEST = 5
"""items that fit, at least"""
WIDEST = 0.6
"""share of the catalogue that fits, at most"""
VALUES = 80
"""values of an attribute that are drawn from, the most frequent ones"""
DENIALS = 60
"""values drawn in search of one that can be denied"""
LARGE = 400
"""values from which a vocabulary of topics is a heap of tags: what it says ranks items, it does not bind"""

MACRO_LANGUAGES = frozenset(("zh", "ar", "fa", "no", "sw", "ms"))
"""codes of language families: people who name one may mean items with the code of a member"""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Wish:
    """A condition, how it is said, and the items that meet it. `form` says where the words stand in a sentence."""

    condition: Condition
    words: str
    form: str
    mask: Mask
    values: frozenset[str] = field(default_factory=frozenset)

    def reworded(self, words: str) -> Wish:
        """The same wish in other words."""
        return replace(self, words=words)


def together(wishes: Sequence[Wish]) -> Mask:
    """(I,) items that meet every wish."""
    met = wishes[0].mask.copy()
    for wish in wishes[1:]:
        met &= wish.mask
    return met


def rows_of(conditions: Sequence[Condition], catalogue: Catalogue) -> Mask:
    """(I,) items that meet every condition, over the catalogue's columns."""
    met = np.ones(len(catalogue), bool)
    for condition in conditions:
        met &= mask(as_filter(condition, catalogue), catalogue)
    return met


def as_filter(condition: Condition, catalogue: Catalogue) -> Filter:
    """A condition on an attribute as a filter with the same meaning; `contains` has none."""
    name = condition.field
    parts: list[Filter] = []
    categorical = isinstance(catalogue.columns[name], CategoryColumn)
    for mode in ("any", "all", "none"):
        values = getattr(condition, mode)
        if values is None:
            continue
        if categorical:
            parts.append(Contains(field=name, values=tuple(str(v) for v in values), mode=mode))
        else:
            parts.append(In(field=name, values=values))
    if condition.min is not None or condition.max is not None:
        parts.append(Range(field=name, minimum=condition.min, maximum=condition.max))
    return And(parts=tuple(parts))


class Facts:
    """Draws wishes. Values that two attributes share, or that hold another value within, are left out: asking for
    them would be ambiguous, and the case's answer would be an opinion."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.schema = catalogue.schema
        self.size = len(catalogue)
        self._values = self._clear_values()
        self._numbers = [a for a in self.schema.attributes if self._speakable(a)]
        self._years = [a for a in self.schema.with_role(Role.YEAR) if a.kind is AttributeKind.NUMBER]

    def value(self, draw: random.Random) -> Wish | None:
        """One value of one attribute, every attribute as likely as any other."""
        names = [name for name, values in self._values.items() if values]
        if not names:
            return None
        attribute = self.schema.attribute(draw.choice(names))
        return self._value_wish(attribute, draw.choice(self._values[attribute.name]))

    def theme(self, draw: random.Random) -> Wish | None:
        """A tag out of a large vocabulary: the items that carry it are what a good list begins with."""
        return self._value_wish(*draw.choice(self._themes)) if self._themes else None

    def either(self, draw: random.Random) -> Wish | None:
        """One of two values of an attribute."""
        names = [name for name, values in self._values.items() if len(values) > 1]
        if not names:
            return None
        attribute = self.schema.attribute(draw.choice(names))
        first, second = draw.sample(self._values[attribute.name], 2)
        parts = [self._value_wish(attribute, first), self._value_wish(attribute, second)]
        condition = Condition(field=attribute.name, any=(first, second))
        words = f"{parts[0].words} or {parts[1].words.removeprefix(_lead(parts[1].words))}"
        return Wish(condition, words, parts[0].form, parts[0].mask | parts[1].mask, parts[0].values | parts[1].values)

    def without(self, draw: random.Random, among: Mask | None = None) -> Wish | None:
        """Not one value: one that a fair share of the items (of those `among`, where given) carries."""
        for _ in range(DENIALS):
            denied = self.value(draw)
            if denied is None:
                return None
            share = denied.mask[among].mean() if among is not None else denied.mask.mean()
            if among is None or 0.1 <= share <= 0.6:
                condition = Condition(field=denied.condition.field, none=denied.condition.any)
                return Wish(condition, denied.words, "not", ~denied.mask, denied.values)
        return None

    def number(self, draw: random.Random) -> Wish | None:
        """A bound on a number, at a round figure within the middle of its range."""
        if not self._numbers:
            return None
        attribute = draw.choice(self._numbers)
        values = self.catalogue.number(attribute.name)
        known = values[~np.isnan(values)]
        if known.size < FEWEST:
            return None
        shares = draw.sample((0.2, 0.35, 0.5, 0.65, 0.8), 2)
        low, high = sorted(_round(float(np.quantile(known, share)), known) for share in shares)
        if low == high:
            return None
        kind = draw.choice(("max", "min", "between"))
        bounds = {"max": (None, high), "min": (low, None), "between": (low, high)}[kind]
        return self._range(attribute, bounds, bound_words(attribute, *bounds, draw=draw))

    def decade(self, draw: random.Random) -> Wish | None:
        """The items of one decade."""
        if not self._years:
            return None
        attribute = self._years[0]
        values = self.catalogue.number(attribute.name)
        starts = [d for d, n in Counter((values[~np.isnan(values)] // 10 * 10).tolist()).items() if n >= FEWEST]
        starts = [d for d in starts if 1900 < d < 2100]
        if not starts:
            return None
        start = draw.choice(sorted(starts))
        return self._range(attribute, (start, start + 9), decade_words(int(start), draw))

    def year(self, draw: random.Random) -> Wish | None:
        """A decade, or a bound on the year."""
        if not self._years:
            return None
        kind = draw.choice(("decade", "before", "since", "between"))
        if kind == "decade":
            return self.decade(draw)
        attribute = self._years[0]
        values = self.catalogue.number(attribute.name)
        known = values[~np.isnan(values)]
        if known.size < FEWEST:
            return None
        low, high = sorted(int(np.quantile(known, q)) for q in draw.sample((0.2, 0.4, 0.6, 0.8), 2))
        if kind == "before":
            return self._range(attribute, (None, high - 1), f"before {high}")
        if kind == "since":
            return self._range(attribute, (low, None), f"since {low}")
        return self._range(attribute, (low, high), f"between {low} and {high}") if low < high else None

    def narrowing(self, draw: random.Random) -> Wish | None:
        """A bound on a number or a year: what a second message adds."""
        return self.year(draw) if self._years and draw.random() < 0.5 else self.number(draw) or self.value(draw)

    def critique(self, draw: random.Random) -> tuple[int | None, Wish | None]:
        """'shorter than X': a well-known item and the bound that follows from its own value."""
        pairs = [(a, word, less) for a in self._numbers + self._years for word, less in comparative(a)]
        row = self.known_item(draw)
        if not pairs or row is None:
            return None, None
        attribute, word, less = draw.choice(pairs)
        value = float(self.catalogue.number(attribute.name)[row])
        if np.isnan(value):
            return None, None
        node = Range(
            field=attribute.name,
            minimum=None if less else value,
            maximum=value if less else None,
            minimum_open=not less,
            maximum_open=less,
        )
        met = mask(node, self.catalogue)
        met[row] = False
        edge = self.catalogue.number(attribute.name)[met]
        if not edge.size:
            return None, None
        bound = {"max": float(edge.max())} if less else {"min": float(edge.min())}
        return row, Wish(Condition(field=attribute.name, **bound), word, "compared", met)

    def known_item(self, draw: random.Random) -> int | None:
        """An item with a title that nothing else could be meant by: two words or more, unique, none within another."""
        return draw.choice(self._clear_titles) if self._clear_titles else None

    def label(self, wish: Wish) -> str:
        """What the attribute of a wish is called."""
        return self.schema.attribute(wish.condition.field).label

    def says_something(self, words: str) -> bool:
        """Whether words are, whole, a value or a title of the catalogue."""
        return plain_word(words) in self._vocabulary or plain_word(words) in self._title_words

    @property
    def _vocabulary(self) -> set[str]:
        return {plain_word(v) for values in self._all_values.values() for v in values}

    def _range(self, attribute: Attribute, bounds: tuple[float | None, float | None], words: str) -> Wish:
        node = Range(field=attribute.name, minimum=bounds[0], maximum=bounds[1])
        condition = Condition(field=attribute.name, min=bounds[0], max=bounds[1])
        return Wish(condition, words, "after", mask(node, self.catalogue))

    def _value_wish(self, attribute: Attribute, value: str) -> Wish:
        shown = value
        if attribute.role is Role.LANGUAGE:
            shown = language_name(value)
        elif attribute.role is Role.COUNTRY:
            shown = country_name(value)
        words, form = value_words(attribute, shown)
        node = Contains(field=attribute.name, values=(value,))
        return Wish(
            Condition(field=attribute.name, any=(value,)), words, form, mask(node, self.catalogue), frozenset({value})
        )

    def _clear_values(self) -> dict[str, list[str]]:
        self._all_values: dict[str, list[str]] = {}
        owners: Counter[str] = Counter()
        for attribute in self.schema.attributes:
            column = self.catalogue.columns[attribute.name]
            if isinstance(column, CategoryColumn):
                self._all_values[attribute.name] = list(column.vocabulary)
                owners.update({_stem(v) for v in column.vocabulary})
                owners.update({_stem(word) for words in attribute.synonyms.values() for word in words})
        words = Counter(plain_word(v) for values in self._all_values.values() for v in values)
        titles = self._title_words = {plain_word(title) for title in self.catalogue.titles}
        self._clear_titles = self._titles()
        clear: dict[str, list[str]] = {}
        self._themes: list[tuple[Attribute, str]] = []
        for name, values in self._all_values.items():
            counts = self.catalogue.categories(name).counts
            clear[name] = [
                value
                for value, count in zip(values[:VALUES], counts[:VALUES].tolist(), strict=False)
                if count >= FEWEST
                and owners[_stem(value)] == 1
                and words[plain_word(value)] == 1
                and plain_word(value) not in titles
                and re.fullmatch(r"[\w .'’\-]{2,40}", value)
                and (not re.fullmatch(r"[\d .]+", value))
                and not self._nameless(name, value)
            ]
            attribute = self.schema.attribute(name)
            if attribute.role is Role.TOPIC and len(values) > LARGE:
                self._themes += [(attribute, value) for value in clear.pop(name)]
        return clear

    def _nameless(self, name: str, value: str) -> bool:
        """A code of a language that has no name, or whose name means other codes as well."""
        if self.schema.attribute(name).role is not Role.LANGUAGE:
            return False
        return value.casefold() in MACRO_LANGUAGES or (len(value) <= 3 and language_name(value) == value)

    def _titles(self) -> list[int]:
        counts = Counter(plain_word(title) for title in self.catalogue.titles)
        return [
            row
            for row, title in enumerate(self.catalogue.titles)
            if counts[plain_word(title)] == 1
            and 2 <= len(title.split()) <= 6
            and re.fullmatch(r"[A-Za-z][A-Za-z '’]{6,40}", title)
        ][:4000]

    def _speakable(self, attribute: Attribute) -> bool:
        """A number that people would name a bound of."""
        column = self.catalogue.columns[attribute.name]
        if attribute.kind is not AttributeKind.NUMBER or not isinstance(column, NumberColumn):
            return False
        return attribute.role in (Role.DURATION, Role.PRICE, Role.QUALITY) or bool(attribute.unit)


def _lead(words: str) -> str:
    for word in ("with ", "from ", "in "):
        if words.startswith(word):
            return word
    return ""


def _stem(value: str) -> str:
    """A value without what inflection adds, so that 'war' and 'Wars', 'adventure' and 'adventurous' count as one."""
    plain = plain_word(value)
    return plain[:6] if len(plain) > 7 and " " not in plain else re.sub(r"(ies|es|s|al|y)$", "", plain)


def _round(value: float, known: NDArray[np.float64]) -> float:
    """The nearest figure that people say: steps of a tenth of the usual spread, rounded to 1, 2 or 5."""
    spread = float(np.quantile(known, 0.9) - np.quantile(known, 0.1))
    if spread <= 0:
        return value
    step = 10.0 ** np.floor(np.log10(spread / 8))
    step = min((step * m for m in (1, 2, 5, 10)), key=lambda s: abs(s - spread / 8))
    return float(round(round(value / step) * step, 6))
