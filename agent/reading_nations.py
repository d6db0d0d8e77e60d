"""Names of languages and countries for the codes or names that a catalogue uses, from the locale data of Babel."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from babel import Locale

from convrec.agent.reading_grammar import Grammar
from convrec.agent.reading_text import key_of


@lru_cache(maxsize=1)
def _languages() -> dict[str, str]:
    return {code.casefold(): name for code, name in Locale("en").languages.items()}


@lru_cache(maxsize=1)
def _territories() -> dict[str, str]:
    return {code: name for code, name in Locale("en").territories.items() if len(code) == 2}


def language_words(values: Iterable[str], grammar: Grammar) -> dict[str, tuple[str, ...]]:
    """Value -> names for it: 'fr' -> French; 'French' stays as it is."""
    named = {}
    for value in values:
        code = value.casefold().replace("-", "_")
        aliases = grammar.languages.aliases.get(code.split("_")[0], ())
        own = _languages().get(code) or _languages().get(code.split("_")[0])
        named[value] = tuple(dict.fromkeys((*((own,) if own else ()), *aliases)))
    return named


def country_words(values: Iterable[str], grammar: Grammar) -> dict[str, tuple[str, ...]]:
    """Value -> names and nationalities: 'France' or 'FR' -> France, French."""
    by_name = {key_of(name): code for code, name in _territories().items()}
    for iso, aliases in grammar.countries.aliases.items():
        by_name.update({key_of(alias): iso for alias in aliases})
    named = {}
    for value in values:
        code: str | None = value.upper() if value.upper() in _territories() and len(value) == 2 else None
        code = code or by_name.get(key_of(value))
        words: list[str] = []
        if code is not None:
            words = [_territories().get(code, value), *grammar.countries.aliases.get(code, ())]
            words += grammar.countries.demonyms.get(code, ())
        named[value] = tuple(dict.fromkeys(words))
    return named
