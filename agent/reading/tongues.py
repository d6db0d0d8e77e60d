"""Nationalities: what is spoken, where something is from, and what is foreign here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convrec.agent.reading.grammar import Grammar, phrases
from convrec.agent.reading.text import Chart, preceded
from convrec.agent.reading.values import Hit, ValueIndex
from convrec.agent.reading.wanted import Wanted, value_filter, wanted_values
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.filters import And, Missing, Not, holds
from convrec.retrieval.schema import Attribute, AttributeKind, Role

_DEMONYMS = ("ish", "ch", "an", "ese")
"""endings of words that say where something is from"""
_ENOUGH = 0.7
"""share of a language's items that its country must keep for a nationality to mean both"""


class TongueReader:
    """Says what a nationality asks for in a catalogue of languages, of countries, or of both."""

    def __init__(self, catalogue: Catalogue, grammar: Grammar, values: ValueIndex) -> None:
        self.catalogue = catalogue
        self.grammar = grammar
        self.values = values
        self._main_language = _main_language(catalogue)
        self._both_nations: dict[tuple[str, str], bool] = {}

    def find(self, chart: Chart) -> None:
        """'foreign', 'without subtitles': anything but, or only, the language that most items are in."""
        if self._main_language is None:
            return
        attribute, main = self._main_language
        own = self.grammar.languages
        home = wanted_values(attribute, (main,), "nation", label=f"{attribute.label} {main}")
        for cues in (own.foreign, own.no_translation):
            for position in range(len(chart)):
                length = chart.phrase_at(position, phrases(cues))
                if not length:
                    continue
                wanted = home
                if cues is own.foreign:
                    there = And(parts=(home.negative, Not(part=Missing(field=attribute.name))))
                    label = f"{attribute.label} other than {main}"
                    wanted = replace(home, filter=there, negative=home.filter, label=label, values=())
                    exact = self.values.find(chart.stems(position, position + length))
                    wanted = self._narrowed(wanted, exact)
                chart.put(position, position + length, "want", [wanted])

    def read(self, chart: Chart, start: int, end: int, hits: list[Hit]) -> Wanted:
        """'French' is the language, and the country too where most items of the language are from there."""
        words = self.grammar.languages
        language = next((h for h in hits if h.attribute.role is Role.LANGUAGE), None)
        country = next((h for h in hits if h.attribute.role is Role.COUNTRY), None)
        if language is not None and country is not None:
            if (
                preceded(chart, start, phrases(words.language_before)) is not None
                or chart.norms(end, end + 1) in words.language_after
            ):
                country = None
            elif (
                preceded(chart, start, phrases(words.country_before)) is not None
                or chart.norms(end, end + 1) in words.country_after
            ):
                language = None
        if language is None or country is None:
            only = language or country
            assert only is not None  # noqa: S101
            label = self._label(chart, start, end, only)
            return wanted_values(only.attribute, only.values, "nation", label=label)
        spoken = wanted_values(language.attribute, language.values, "nation")
        made = wanted_values(country.attribute, country.values, "nation")
        label = chart.said(start, end).capitalize()
        if self._agree(language, country):
            joint = And(parts=(spoken.filter, made.filter))
            return replace(
                spoken, filter=joint, negative=And(parts=(spoken.negative, made.negative)), label=label, values=()
            )
        return replace(
            spoken, label=label, negative=And(parts=(spoken.negative, made.negative)), soft=((made.filter, label),)
        )

    def meant(self, chart: Chart, start: int) -> bool:
        """'polish comedies' and 'from turkey' are nations, 'to polish' and 'turkey sandwiches' are not."""
        own = self.grammar.languages
        if chart.tokens[start].capital and start > 0 and not chart.message.isupper():
            return True
        if any(preceded(chart, start, phrases(cues)) is not None for cues in (own.language_before, own.country_before)):
            return True
        before = chart.tokens[start - 1].norm if start else ""
        if not chart.tokens[start].norm.endswith(_DEMONYMS) or before == "to" or start + 1 >= len(chart):
            return len(chart) == 1
        following = chart.tokens[start + 1]
        return following.stem in self.grammar.noun_words or bool(self.values.find(following.stem))

    def _narrowed(self, wanted: Wanted, hits: list[Hit]) -> Wanted:
        """With a value of the same name, where that leaves enough to choose from."""
        for hit in hits:
            if hit.how == "name" and self.values.controlled(hit.attribute):
                both = And(parts=(wanted.filter, value_filter(hit.attribute, hit.values)))
                if (
                    sum(
                        holds(both, self.catalogue.item(int(row)))
                        for row in _rows(self.catalogue, hit.attribute, hit.values)
                    )
                    >= 5
                ):
                    return replace(wanted, filter=both, label=hit.values[0])
        return wanted

    @staticmethod
    def _label(chart: Chart, start: int, end: int, hit: Hit) -> str:
        word = chart.said(start, end).capitalize()
        if hit.attribute.role is Role.LANGUAGE:
            return f"in {word}"
        return f"from {hit.values[0]}" if len(hit.values) == 1 else word

    def _agree(self, language: Hit, country: Hit) -> bool:
        key = (language.values[0], country.values[0])
        if key not in self._both_nations:
            spoken = _rows(self.catalogue, language.attribute, language.values)
            made = _rows(self.catalogue, country.attribute, country.values)
            both = np.intersect1d(spoken, made).size
            self._both_nations[key] = bool(
                spoken.size and both >= _ENOUGH * spoken.size and spoken.size <= 0.5 * len(self.catalogue)
            )
        return self._both_nations[key]


def _rows(
    catalogue: Catalogue, attribute: Attribute, values: tuple[str, ...]
) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    column = catalogue.categories(attribute.name)
    codes = [code for code in (column.code(value) for value in values) if code is not None]
    return np.concatenate([column.rows(code) for code in codes]) if codes else np.zeros(0, np.int32)


def _main_language(catalogue: Catalogue) -> tuple[Attribute, str] | None:
    """The language of most items, where there is one."""
    for attribute in catalogue.schema.with_role(Role.LANGUAGE):
        if attribute.kind in (AttributeKind.CATEGORY, AttributeKind.CATEGORIES):
            vocabulary = catalogue.vocabulary(attribute.name)
            if vocabulary and vocabulary[0].count > 0.5 * len(catalogue):
                return attribute, vocabulary[0].value
    return None
