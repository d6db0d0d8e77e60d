"""Names of people and makers: whole names, unique surnames, misspelt names."""

from __future__ import annotations

from dataclasses import dataclass

from rapidfuzz import fuzz, process

from convrec.agent.reading.grammar import Grammar
from convrec.agent.reading.text import fold, words_of
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.schema import Attribute, AttributeKind, Role


@dataclass(frozen=True, slots=True)
class Name:
    """A name and the attributes that know it, with the number of items each. `sure`: spelled as in the catalogue."""

    value: str
    counts: tuple[tuple[Attribute, int], ...]
    sure: bool = True

    @property
    def count(self) -> int:
        return max(count for _, count in self.counts)


class PeopleIndex:
    """Names of the attributes whose role is person."""

    def __init__(self, catalogue: Catalogue, grammar: Grammar, known_words: frozenset[str]) -> None:
        self.attributes = tuple(
            a
            for a in catalogue.schema.attributes
            if a.role is Role.PERSON and a.kind in (AttributeKind.CATEGORY, AttributeKind.CATEGORIES)
        )
        self.makers = tuple(a for a in self.attributes if _labelled(a, grammar.people.maker_labels))
        self.performers = tuple(a for a in self.attributes if _labelled(a, grammar.people.performer_labels))
        self._plain = grammar.plain_words
        self._common = known_words
        names: dict[str, tuple[str, list[tuple[Attribute, int]]]] = {}
        for attribute in self.attributes:
            column = catalogue.categories(attribute.name)
            for value, count in zip(column.vocabulary, column.counts.tolist(), strict=True):
                key = " ".join(words_of(value))
                if key:
                    names.setdefault(key, (value, []))[1].append((attribute, count))
        self._names = {key: Name(value, tuple(own)) for key, (value, own) in names.items()}
        self._surnames: dict[str, list[Name]] = {}
        for key, name in self._names.items():
            words = [w for w in key.split() if w not in ("jr", "sr", "ii", "iii")]
            for tail in {words[-1], " ".join(words[-2:]), " ".join(words[-3:])} if len(words) > 1 else ():
                if tail != key:
                    self._surnames.setdefault(tail, []).append(name)
        self.first_names = {k: n for k, n in _first_names(self._names).items() if k not in self._surnames}
        self._surnames |= self.first_names
        self._singles = [tail for tail in self._surnames if " " not in tail and len(tail) > 5]
        self._keys = list(self._names)
        self.longest = max((key.count(" ") + 1 for key in self._names), default=0)
        self.firsts = frozenset(key.split(" ", 1)[0] for key in self._names)

    def __bool__(self) -> bool:
        return bool(self._names)

    def full(self, key: str) -> Name | None:
        """The person of that whole name; a single word must not be an ordinary one."""
        name = self._names.get(key)
        if name is None and key.endswith("s"):
            name = self._names.get(key[:-1])
        if name is not None and " " not in key and (key in self._plain or key in self._common):
            return None
        return name

    def surname(self, key: str) -> tuple[Name, tuple[Name, ...]] | None:
        """The best-known person of a surname, and the others; None for a word of the grammar."""
        if key in self._plain or len(key) < 3:
            return None
        found = self._surnames.get(key) or (self._surnames.get(key[:-1]) if key.endswith("s") else None)
        if not found:
            return None
        ranked = sorted(found, key=lambda n: (-n.count, n.value))
        return ranked[0], tuple(ranked[1:])

    def close(self, words: str) -> Name | None:
        """The person whose name is a slip away from these words (at least two words, seven letters)."""
        key = " ".join(words_of(words))
        if " " not in key or len(key) < 7:
            return None
        found = process.extractOne(key, self._keys, scorer=fuzz.ratio, score_cutoff=86)
        if found is None:
            return None
        hit = self._names[found[0]]
        return Name(hit.value, hit.counts, sure=False) if fold(hit.value)[:1] == key[:1] else None

    def close_surname(self, key: str) -> Name | None:
        """The best-known person of a surname that is a slip away from a word of six letters or more."""
        if len(key) < 6:
            return None
        found = process.extractOne(key, self._singles, scorer=fuzz.ratio, score_cutoff=85)
        if found is None or found[0][0] != key[0]:
            return None
        ranked = sorted(self._surnames[found[0]], key=lambda n: (-n.count, n.value))
        if len(ranked) > 1 and ranked[0].count < 2 * ranked[1].count:
            return None
        return Name(ranked[0].value, ranked[0].counts, sure=False)

    def nearest(self, words: str, limit: int = 3) -> tuple[str, ...]:
        """Names that look most like these words."""
        key = " ".join(words_of(words))
        found = process.extract(key, self._keys, scorer=fuzz.ratio, score_cutoff=65, limit=limit)
        return tuple(self._names[name].value for name, _, _ in found)


def _first_names(names: dict[str, Name]) -> dict[str, list[Name]]:
    """First names by which one well-known person is known: nobody else of that name comes near."""
    found: dict[str, list[Name]] = {}
    for key, name in names.items():
        if " " in key:
            found.setdefault(key.split(" ", 1)[0], []).append(name)
    ranked = {key: sorted(own, key=lambda n: -n.count) for key, own in found.items() if len(key) > 3}
    return {k: own[:1] for k, own in ranked.items() if own[0].count >= 5 * (own[1].count if len(own) > 1 else 1)}


def _labelled(attribute: Attribute, labels: tuple[str, ...]) -> bool:
    own = f"{attribute.name} {attribute.label}".casefold()
    return any(label in own for label in labels)
