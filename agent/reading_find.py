"""Finds values, people, flags and adjectives in a chart, the longest and surest first."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from convrec.agent.reading_comparatives import adjectives_of
from convrec.agent.reading_grammar import Adjective, Grammar, phrases
from convrec.agent.reading_ranges import Quantiles
from convrec.agent.reading_text import Chart, Phrases, key_of
from convrec.agent.reading_values import Hit, ValueIndex
from convrec.agent.reading_wanted import Wanted, value_filter, wanted_range, wanted_values
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.filters import And, In, Missing, Not, NotIn, holds
from convrec.retrieval.request import Strength
from convrec.retrieval.schema import Attribute, AttributeKind, Role

_DENIALS = frozenset(["not", "isnt", "arent"])
_LINKS = frozenset(["is", "are"])
_SCORES = ("rating", "score", "points", "stars", "grade", "review")
"""names of a column of quality"""
_DEMONYMS = ("ish", "ch", "an", "ese")
"""endings of words that say where something is from"""
_ENOUGH = 0.7
"""share of a language's items that its country must keep for a nationality to mean both"""


class Finder:
    """Turns words into `Wanted`; every method puts what it reads into the chart as a 'want' span."""

    def __init__(self, catalogue: Catalogue, grammar: Grammar, values: ValueIndex) -> None:
        self.catalogue = catalogue
        self.grammar = grammar
        self.values = values
        self.quantiles = Quantiles(catalogue)
        self.flags = self._flag_words()
        self.amounts = self._amount_words()
        self._degrees = {w: a for noun, a in self.amounts.items() for w in adjectives_of(noun) if not values.find(w)}
        self._main_language = _main_language(catalogue)
        topics = [a for a in values.attributes if a.role is Role.TOPIC and values.controlled(a)]
        self.main_topic = topics[0] if topics else None
        self._both_nations: dict[tuple[str, str], bool] = {}

    def _flag_words(self) -> dict[str, Attribute]:
        """Names of flags, and the first word of a name where only one flag has it ('dishwasher')."""
        flags = [a for a in self.catalogue.schema.attributes if a.kind is AttributeKind.FLAG]
        keys = {key: a for a in flags for key in _flag_keys(a)}
        for attribute in flags:
            first = key_of(attribute.label).split(" ")[0]
            alone = sum(key_of(a.label).split(" ")[0] == first for a in flags) == 1
            if alone and len(first) > 2 and first not in self.grammar.plain_words and not self.values.find(first):
                keys.setdefault(first, attribute)
        return keys

    def _amount_words(self) -> dict[str, Attribute]:
        """Words of the labels of numeric attributes that only one of them has ('calorie')."""
        numeric = [a for a in self.catalogue.schema.attributes if a.numeric and a.role is not Role.YEAR]
        counts = Counter(word for a in numeric for word in set(key_of(a.label).split()))
        return {w: a for a in numeric for w in key_of(a.label).split() if counts[w] == 1 and len(w) > 2}

    def _amount(self, chart: Chart, start: int) -> None:
        """'low calorie', 'high in alcohol'."""
        side = chart.tokens[start].norm
        if side not in ("low", "high") or chart.owner[start] is not None:
            return
        end = start + (2 if chart.norms(start + 1, start + 2) == "in" else 1)
        attribute = self.amounts.get(chart.stems(end, end + 1)) if end < len(chart) else None
        if attribute is None or not chart.free(start, end + 1):
            return
        bounds = self.quantiles.side(attribute, side)
        if bounds is not None:
            against = self.quantiles.side(attribute, side, negated=True)
            chart.put(start, end + 1, "want", [wanted_range(attribute, bounds, "adjective", negative=against)])

    def _degree(self, chart: Chart, start: int) -> None:
        """'spicy' where there is a spice level."""
        attribute = self._degrees.get(chart.tokens[start].norm)
        bounds = self.quantiles.much(attribute) if attribute is not None else None
        if attribute is not None and bounds is not None and chart.owner[start] is None:
            chart.put(start, start + 1, "want", [wanted_range(attribute, bounds, "adjective")])

    def find_flags(self, chart: Chart) -> None:
        """'dishwasher safe', 'breakfast not included', 'no gluten' where there is 'gluten free'."""
        for start in range(len(chart)):
            for length in range(min(5, len(chart) - start), 0, -1):
                if not chart.free(start, start + length):
                    continue
                words = chart.stems(start, start + length).split()
                if words[-1] in _DENIALS | _LINKS:
                    continue
                denied = any(w in _DENIALS for w in words[1:])
                key = " ".join([words[0], *(w for w in words[1:] if w not in _DENIALS | _LINKS)])
                attribute = self.flags.get(key)
                if attribute is None:
                    continue
                yes = In(field=attribute.name, values=(True,))
                no = NotIn(field=attribute.name, values=(True,))
                wanted = Wanted(attribute.name, yes, no, attribute.label, "flag")
                if denied != (key_of(attribute.label) == f"{key} free"):
                    label = f"not {attribute.label}"
                    wanted = Wanted(attribute.name, no, yes, label, "flag", negative_label=attribute.label)
                chart.put(start, start + length, "want", [wanted])
                break

    def find_tongues(self, chart: Chart) -> None:
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

    def find_values(self, chart: Chart, *, shortest: int = 1) -> None:
        """Names, synonyms, concepts and nationalities of at least so many words."""
        for start in range(len(chart)):
            if chart.owner[start] is not None or not self.values.starts(chart.tokens[start].stem):
                continue
            least = max(shortest, chart.phrase_at(start, self.grammar.adjective_phrases) + 1) if shortest > 1 else 1
            for length in range(min(self.values.longest, len(chart) - start), least - 1, -1):
                end = start + length
                if not chart.free(start, end) or any(chart.breaks(p, ".,;!?\n") for p in range(start + 1, end)):
                    continue
                hits = self._allowed(chart, start, end, self.values.find(chart.stems(start, end)))
                if hits and not self._names_apart(chart, start, end, hits):
                    self._put(chart, start, end, hits)
                    break

    def _names_apart(self, chart: Chart, start: int, end: int, hits: list[Hit]) -> bool:
        """'horror comedy' is also a tag, but each of its words names a kind."""
        if end - start < 2 or any(self.values.controlled(hit.attribute) for hit in hits):
            return False
        alone = [self.values.find(chart.stems(position, position + 1)) for position in range(start, end)]
        return all(any(h.how == "name" and self.values.controlled(h.attribute) for h in own) for own in alone)

    def _allowed(self, chart: Chart, start: int, end: int, hits: list[Hit]) -> list[Hit]:
        """Leaves out tags that are ordinary words of a request, and codes in the middle of a sentence."""
        if not hits or end - start > 1:
            return hits
        token = chart.tokens[start]
        plain = token.norm in self.grammar.plain_words
        kept = []
        for hit in hits:
            controlled = self.values.controlled(hit.attribute)
            if hit.attribute.role is Role.COUNTRY and len(token.norm) == 2:
                placed = preceded(chart, start, phrases(self.grammar.languages.country_before)) is not None
                placed = placed and token.norm not in self.grammar.plain_words
                if placed or (token.text.isupper() and not chart.message.isupper()):
                    kept.append(hit)
                continue
            nation = hit.attribute.role in (Role.LANGUAGE, Role.COUNTRY)
            if nation and token.norm in self.grammar.ordinary_words and not self._nation_meant(chart, start):
                continue
            if plain and not (controlled and hit.how == "name" and token.norm not in self.grammar.function_words):
                continue
            ours = token.stem == key_of(self.catalogue.schema.noun)
            noun = token.stem in self.grammar.noun_words and not ours
            if plain and token.norm in self.grammar.filler_words and not (token.capital or noun):
                continue
            kept.append(hit)
        return kept

    def _nation_meant(self, chart: Chart, start: int) -> bool:
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

    def _put(self, chart: Chart, start: int, end: int, hits: list[Hit]) -> None:
        tagged = preceded(chart, start, phrases(self.grammar.tagged.cues))
        first = tagged if tagged is not None else start
        wanted = self._tag(hits) if tagged is not None else self.read_hits(chart, start, end, hits)
        if wanted:
            words = chart.words(start, end)
            chart.put(first, end, "want", [replace(w, label=w.label or words) for w in wanted])

    def _tag(self, hits: list[Hit]) -> list[Wanted]:
        """'tagged X' is about the larger vocabulary, and binding."""
        large = max(hits, key=lambda h: self.values.sizes[h.attribute.name])
        return [wanted_values(large.attribute, large.values, "name")]

    def read_hits(self, chart: Chart, start: int, end: int, hits: list[Hit]) -> list[Wanted]:
        """What the hits of some words ask for together."""
        nations = [h for h in hits if h.attribute.role in (Role.LANGUAGE, Role.COUNTRY)]
        # What the schema calls a topic goes before what a language calls a nation ('Hollywood').
        topics = [h for h in hits if h.attribute.role is Role.TOPIC and h.how == "synonym"]
        if nations and not topics:
            return [self._nation(chart, start, end, nations)]
        hits = [h for h in hits if h not in nations]
        sure = [h for h in hits if self.values.controlled(h.attribute) or h.attribute.role is not Role.TOPIC]
        tags = [h for h in hits if h not in sure]
        if not sure:
            return [self._keyword(tags[0])]
        order = {"name": 0, "synonym": 0, "concept": 1, "free": 2, "part": 2}
        best = min(sure, key=lambda h: (order.get(h.how, 3), h.attribute.role is not Role.TOPIC))
        if self._needs_capital(chart, start, end, best):
            return []
        same = {key_of(v) for v in best.values}
        companions = tuple(
            (value_filter(t.attribute, t.values), t.values[0]) for t in tags if key_of(t.values[0]) not in same
        )
        if best.every:
            together = value_filter(best.attribute, best.values, "all")
            label = " and ".join(best.values)
            return [Wanted(best.attribute.name, together, Not(part=together), label, best.how)]
        wanted = wanted_values(best.attribute, best.values, best.how)
        if best.how == "free":
            label = f"not {wanted.label}"
            return [
                replace(
                    wanted, filter=wanted.negative, negative=wanted.filter, label=label, negative_label=wanted.label
                )
            ]
        against = (
            *(() if best.narrower else (wanted.negative,)),
            *(value_filter(t.attribute, t.values, "none") for t in tags),
        )
        negative = against[0] if len(against) == 1 else And(parts=against)
        return [
            replace(
                wanted,
                negative=negative,
                soft=companions,
                strength=Strength.SOFT if best.soft else Strength.HARD,
                describe=best.soft,
                shun=best.narrower,
                negative_label=f"not {chart.words(start, end)}" if best.narrower else "",
            )
        ]

    def _needs_capital(self, chart: Chart, start: int, end: int, hit: Hit) -> bool:
        """A single ordinary word counts as a value of a large vocabulary of names only when it is capitalised."""
        if self.values.controlled(hit.attribute) or end - start > 1:
            return False
        token = chart.tokens[start]
        return not token.capital and token.stem in self.values.known_words

    def _keyword(self, hit: Hit) -> Wanted:
        wanted = wanted_values(hit.attribute, hit.values, "keyword")
        return replace(wanted, strength=Strength.SOFT, describe=True)

    def _nation(self, chart: Chart, start: int, end: int, hits: list[Hit]) -> Wanted:
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
            label = self._nation_label(chart, start, end, only)
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

    @staticmethod
    def _nation_label(chart: Chart, start: int, end: int, hit: Hit) -> str:
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

    def find_adjectives(self, chart: Chart) -> None:
        """'short', 'cheap', 'recent', 'well rated', 'hidden gem'."""
        for start in range(len(chart)):
            self._amount(chart, start)
            length = chart.phrase_at(start, self.grammar.adjective_phrases)
            for size in range(length, 0, -1):
                entries = self.grammar.adjectives.get(chart.norms(start, start + size), ())
                wanted = [w for w in (self.adjective(e) for e in entries) if w is not None][:1]
                if wanted:
                    chart.put(start, start + size, "want", wanted)
                    break
            self._degree(chart, start)

    def adjective(self, entry: Adjective) -> Wanted | None:
        """What an adjective means here; None where the catalogue has no such attribute and no wish follows."""
        attribute = self.of_role_or_dimension(entry.role, entry.dimension)
        if attribute is None:
            if entry.novelty is None:
                return None
            nothing = And(parts=())
            return Wanted(
                "", nothing, nothing, "", "wish", Strength.SOFT, describe=entry.describe, novelty=entry.novelty
            )
        bounds = self.quantiles.side(attribute, entry.side)
        against = self.quantiles.side(attribute, entry.side, negated=True)
        if bounds is None:
            return None
        wanted = wanted_range(attribute, bounds, "adjective", negative=against)
        companion = self.of_role_or_dimension(entry.and_role, None) if entry.and_role else None
        if companion is not None:
            also = self.quantiles.side(companion, entry.and_side, share=0.3)
            if also is not None:
                second = wanted_range(companion, also, "adjective")
                both = And(parts=(wanted.filter, second.filter))
                wanted = replace(wanted, filter=both, label=f"{wanted.label}, {second.label}", bounds=None)
        strength = Strength.SOFT if entry.strength == "soft" else Strength.HARD
        return replace(wanted, strength=strength, novelty=entry.novelty, describe=entry.describe)

    @staticmethod
    def _counts_stars(attribute: Attribute) -> bool:
        """Stars may be a class of comfort: where there is another rating, that one says how good something is."""
        return "star" in key_of(attribute.label)

    def _scores(self, attribute: Attribute) -> bool:
        """Whether an attribute without a role is called a score."""
        words = set(key_of(f"{attribute.label} {attribute.name.replace('_', ' ')}").split())
        return attribute.unit is None and not words.isdisjoint(key_of(w) for w in _SCORES)

    def of_role_or_dimension(self, role: str | None, dimension: str | None) -> Attribute | None:
        """The numeric attribute of a role, or whose unit measures one of some dimensions."""
        numeric = [a for a in self.catalogue.schema.attributes if a.numeric]
        if role is not None:
            same = [a for a in numeric if a.role == role]
            if role == Role.QUALITY.value:
                same = sorted(same, key=self._counts_stars) or [a for a in numeric if not a.role and self._scores(a)]
            return next(iter(same), None)
        from convrec.agent.reading_numbers import attribute_dimension

        for wanted in (dimension or "").split():
            for attribute in numeric:
                own = attribute_dimension(attribute, self.grammar) if attribute.role is not Role.YEAR else None
                if own is not None and own[0] == wanted:
                    return attribute
        return None


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


def _flag_keys(attribute: Attribute) -> set[str]:
    keys = {key_of(attribute.label), key_of(attribute.name.replace("_", " "))}
    return {key.removeprefix("is ").removeprefix("has ") for key in keys if key}


def preceded(chart: Chart, start: int, cues: Phrases) -> int | None:
    """Where a cue begins that ends right before a token, an article between allowed; None without one."""
    for skip in (0, 1):
        end = start - skip
        if skip and (start < 1 or chart.tokens[start - 1].norm not in ("the", "a", "an", "in", "my")):
            break
        for length in range(min(cues.longest, end), 0, -1):
            begin = end - length
            if (
                chart.norms(begin, end) in cues
                and not any(chart.breaks(p, ".,;!?\n") for p in range(begin + 1, start + 1))
                and (chart.free(begin, end) or all(o is None or o.kind == "cue" for o in chart.owner[begin:end]))
            ):
                return begin
    return None
