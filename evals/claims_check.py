"""A second reading of what is said of an item, that shares no code with the product's verifier.

It is simple on purpose: every quoted title must have been named or be in the history; every value of the catalogue's
vocabularies that a sentence mentions, and every number, must be in the item's record, or else in the person's words,
the request, or the record of an item that the sentence refers to.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from convrec.agent.labels import country_name, language_name
from convrec.agent.types import HistoryEvidence, Recommendation, ReferenceEvidence, Reply
from convrec.retrieval.catalogue import Catalogue, CategoryColumn, NumberColumn
from convrec.retrieval.filters import Range, leaves
from convrec.retrieval.schema import Role

LONGEST = 5
"""words of a value that is looked for"""

SCALE_WORDS = frozenset(
    "common short long high low well good best better great known loved liked years year hours minutes".split()
)
"""words that sentences use to compare, whatever a vocabulary of keywords makes of them"""

_QUOTED = re.compile(r"[\"“«]([^\"”»]+)[\"”»]")
_CLOCK = re.compile(r"(\d+) h(?: (\d+))?")
_NUMBER = re.compile(r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_DENIAL = re.compile(r"\b(no|not|nor|without|isn't|never|instead of|rather than|outside)\b")


class ClaimCheck:
    """Reads sentences against one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._values: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for attribute in catalogue.schema.attributes:
            column = catalogue.columns[attribute.name]
            if not isinstance(column, CategoryColumn):
                continue
            for value in column.vocabulary:
                for form in {value, language_name(value) if attribute.role is Role.LANGUAGE else value}:
                    key = _words(form)
                    if key and len("".join(key)) > 3 and not (len(key) == 1 and key[0] in SCALE_WORDS):
                        self._values[key].add(value.casefold())

    def unsupported(self, item: Recommendation, reply: Reply, messages: Iterable[str]) -> tuple[int, list[str]]:
        """How many claims the item's sentences make, and those that nothing backs."""
        said = " ".join((*messages, *(d.text for d in reply.request.descriptions)))
        said = " ".join((said, *(c.label for c in reply.request.constraints)))
        count, wrong = 0, []
        for reason in item.reasons:
            named = [e.item_id for e in reason.evidence if isinstance(e, (HistoryEvidence, ReferenceEvidence))]
            titles = {_words(e.title) for e in reason.evidence if isinstance(e, (HistoryEvidence, ReferenceEvidence))}
            rows = [self._catalogue.row(i) for i in (item.id, *named) if i in self._catalogue]
            for quoted in _QUOTED.findall(reason.text):
                count += 1
                own = _words(quoted) in titles or _words(quoted) == _words(item.title)
                if not own and not self._quotes(quoted, rows[:1], said):
                    wrong.append(f'"{quoted}" was not named')
            plain = _QUOTED.sub(" ", reason.text).replace(item.title, " ")
            claims = [*self._value_claims(plain, rows, said), *self._number_claims(plain, rows, said, reply)]
            count += len(claims)
            wrong += [claim for claim, backed in claims if not backed]
        return count, wrong

    def _quotes(self, quoted: str, rows: list[int], said: str) -> bool:
        """Whether words in quotes are the item's own text or the person's."""
        words = " ".join(_words(quoted))
        texts = (said, *(self._catalogue.texts[row] for row in rows))
        return any(words in " ".join(_words(text)) for text in texts)

    def _value_claims(self, text: str, rows: list[int], said: str) -> list[tuple[str, bool]]:
        words = _words(text)
        held = {form for row in rows for form in self._held(row)}
        spoken = " ".join(_words(said))
        claims, at = [], 0
        while at < len(words):
            for length in range(min(LONGEST, len(words) - at), 0, -1):
                key = words[at : at + length]
                if key in self._values:
                    phrase = " ".join(key)
                    before = " ".join(words[max(0, at - 4) : at])
                    backed = bool(self._values[key] & held) or phrase in spoken or self._in_text(key, rows)
                    claims.append((phrase, backed or bool(_DENIAL.search(before))))
                    at += length
                    break
            else:
                at += 1
        return claims

    def _held(self, row: int) -> set[str]:
        held: set[str] = set()
        for name, column in self._catalogue.columns.items():
            value = column.value(row)
            parts = value if isinstance(value, tuple) else (value,)
            held |= {part.casefold() for part in parts if isinstance(part, str)}
            if self._catalogue.schema.attribute(name).role is Role.COUNTRY:
                held |= {country_name(part).casefold() for part in parts if isinstance(part, str)}
        return held

    def _in_text(self, key: tuple[str, ...], rows: list[int]) -> bool:
        """Whether the item's own words hold it: its title, description, labels of attributes or any other value."""
        phrase = f" {' '.join(key)} "
        texts = [self._catalogue.document(row) for row in rows[:1]]
        texts += [a.label for a in self._catalogue.schema.attributes] + [self._catalogue.schema.plural]
        texts.append(self._catalogue.schema.noun)
        return any(phrase in f" {' '.join(_words(text))} " for text in texts)

    def _number_claims(self, text: str, rows: list[int], said: str, reply: Reply) -> list[tuple[str, bool]]:
        true = self._numbers_of(rows, reply)
        spoken = {_float(n) for n in _NUMBER.findall(said)}
        claims = []
        for hours, minutes in _CLOCK.findall(text):
            total = int(hours) * 60 + int(minutes or 0)
            claims.append((f"{hours} h {minutes}".strip(), total in true or total in spoken or int(hours) in spoken))
        for found in _NUMBER.findall(_CLOCK.sub(" ", text)):
            value = _float(found)
            near = any(abs(value - t) <= 0.051 * (1 if abs(t) < 20 else 10) for t in true)
            claims.append((found, near or value in spoken))
        return claims

    def _numbers_of(self, rows: list[int], reply: Reply) -> set[float]:
        """The numbers of the items, of the request's bounds, their differences, and the decades of years."""
        own: dict[str, list[float]] = defaultdict(list)
        for name, column in self._catalogue.columns.items():
            if isinstance(column, NumberColumn):
                own[name] += [float(column.values[row]) for row in rows if not np.isnan(column.values[row])]
        for constraint in reply.request.constraints:
            for leaf in leaves(constraint.filter):
                if isinstance(leaf, Range):
                    own[leaf.field] += [b for b in (leaf.minimum, leaf.maximum) if b is not None]
        true: set[float] = set()
        for values in own.values():
            true |= set(values) | {round(v) for v in values} | {abs(a - b) for a in values for b in values}
            true |= {v // 10 * 10 for v in values} | {v // 10 * 10 % 100 for v in values}
        return true


def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[\w']+", text.casefold()))


def _float(text: str) -> float:
    return float(text.replace(",", ""))
