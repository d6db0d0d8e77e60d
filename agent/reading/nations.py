"""Names of languages and countries for the codes or names that a catalogue uses, from the locale data of Babel."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from babel import Locale

from convrec.agent.reading.grammar import Grammar, phrases
from convrec.agent.reading.text import Chart, key_of, preceded
from convrec.agent.reading.unmet import Unmet
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.schema import Role

if TYPE_CHECKING:
    from convrec.agent.reading.values import ValueIndex


@lru_cache(maxsize=1)
def _languages() -> dict[str, str]:
    return {code.casefold(): name for code, name in Locale("en").languages.items()}


@lru_cache(maxsize=1)
def _territories() -> dict[str, str]:
    return {code: name for code, name in Locale("en").territories.items() if len(code) == 2}


def is_language(value: str) -> bool:
    """Whether a value names a language or is the code of one; 'Instrumental' is neither."""
    code = value.casefold().replace("-", "_")
    return code.split("_")[0] in _languages() or key_of(value) in _language_keys()


@lru_cache(maxsize=1)
def _language_keys() -> frozenset[str]:
    return frozenset(key_of(name) for name in _languages().values())


def language_words(values: Iterable[str], grammar: Grammar) -> dict[str, tuple[str, ...]]:
    """Value -> names for it: 'fr' -> French; 'French' stays as it is."""
    named = {}
    for value in values:
        code = value.casefold().replace("-", "_")
        aliases = grammar.languages.aliases.get(code.split("_")[0], ())
        own = _languages().get(code) or _languages().get(code.split("_")[0])
        named[value] = tuple(dict.fromkeys((*((own,) if own else ()), *aliases)))
    return named


def country_words(
    values: Collection[str], grammar: Grammar, regions: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Value -> names and nationalities: 'France' or 'FR' -> France, French; and the `regions` (name -> codes)."""
    by_name = {key_of(name): code for code, name in _territories().items()}
    for iso, aliases in grammar.countries.aliases.items():
        by_name.update({key_of(alias): iso for alias in aliases})
    named = {}
    own = {key_of(value) for value in values}
    parts = {part: names for part, names in grammar.countries.parts.items() if part in own}
    for value in values:
        code: str | None = value.upper() if value.upper() in _territories() and len(value) == 2 else None
        code = code or by_name.get(key_of(value))
        words: list[str] = []
        if code is not None:
            words = [_territories().get(code, value), *grammar.countries.aliases.get(code, ())]
            words += grammar.countries.demonyms.get(code, ())
            words += [region for region, codes in regions.items() if code in codes]
        # Where England and Scotland are two values, neither is called by the other's names.
        others = {key_of(word) for part, names in parts.items() if part != key_of(value) for word in (part, *names)}
        named[value] = tuple(word for word in dict.fromkeys(words) if key_of(word) not in others)
    return named


class UnknownNations:
    """Languages and countries that exist in the world and not in the catalogue."""

    def __init__(self, catalogue: Catalogue, grammar: Grammar, values: ValueIndex) -> None:
        self.grammar = grammar
        self._fields: dict[str, str] = {}
        language = next(iter(catalogue.schema.with_role(Role.LANGUAGE)), None)
        country = next(iter(catalogue.schema.with_role(Role.COUNTRY)), None)
        if language is not None:
            for code, name in _languages().items():
                if len(code) == 2:
                    self._fields[key_of(name)] = language.name
        if country is not None:
            for name in _territories().values():
                self._fields.setdefault(key_of(name), country.name)
            for words in grammar.countries.demonyms.values():
                for word in words:
                    self._fields.setdefault(key_of(word), country.name)
        self._country = country
        self._nouns = grammar.noun_words | values.nouns
        known = [a.name for a in (language, country) if a is not None]
        for key in tuple(self._fields):
            read = any(hit.attribute.name in known or values.controlled(hit.attribute) for hit in values.find(key))
            if read or key in grammar.plain_words:
                del self._fields[key]

    def read(self, chart: Chart) -> list[Unmet]:
        """Names of nations without an item: capitalised within a sentence, or before a noun."""
        found = []
        for start in range(len(chart)):
            for length in (2, 1):
                end = start + length
                field = self._fields.get(chart.stems(start, end)) if end <= len(chart) else None
                if field is None or any(o is not None and o.kind != "want" for o in chart.owner[start:end]):
                    continue
                noun = any(token.stem in self._nouns for token in chart.tokens[end : end + 2])
                noun = noun or self._placed(chart, start, field)
                if self._denied(chart, start):
                    chart.put(start, end, "skip")
                    break
                if noun or (chart.tokens[start].capital and start > 0 and not chart.message.istitle()):
                    found.append(Unmet(field, chart.words(start, end), ()))
                    chart.put(start, end, "missing")
                    break
        return found

    @staticmethod
    def _denied(chart: Chart, start: int) -> bool:
        """'nothing from Japan': that no item is from there is what is wanted."""
        before = {token.norm for token in chart.tokens[max(0, start - 3) : start]}
        return not before.isdisjoint(["no", "not", "nothing", "without", "except", "non", "isnt", "arent"])

    def _placed(self, chart: Chart, start: int, field: str) -> bool:
        """'in japan', 'from egypt', in lower case as well."""
        country = self._country is not None and field == self._country.name
        cues = (*self.grammar.languages.country_before, "in") if country else self.grammar.languages.language_before
        return preceded(chart, start, phrases(cues)) is not None
