"""The words that requests are made of, as data: the English grammar file, validated and indexed."""

from __future__ import annotations

import re
import tomllib
from functools import cache, cached_property, lru_cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from convrec.agent.reading.text import Phrases, fold, key_of, singular

Side = Literal["low", "high", "top"]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))


class Words(_Data):
    function: str
    filler: str
    nouns: str
    hesitations: str
    ordinary: str


class Negation(_Data):
    cues: tuple[str, ...]
    idioms: tuple[str, ...]
    indifferent: tuple[str, ...]
    allowed: tuple[str, ...]
    allowed_after: tuple[str, ...]
    stops: tuple[str, ...]


class Narrative(_Data):
    """Where a story is told."""

    open: tuple[str, ...]
    about: tuple[str, ...]
    someone: tuple[str, ...]
    taste: tuple[str, ...]
    owners: tuple[str, ...]
    persons: str
    told: tuple[str, ...]
    sayings: tuple[str, ...]
    words: str
    times: str


class StrengthWords(_Data):
    must: tuple[str, ...]
    soft: tuple[str, ...]
    instead: tuple[str, ...]
    also: tuple[str, ...]
    drop: tuple[str, ...]
    drop_after: tuple[str, ...]
    drop_tail: tuple[str, ...]
    waive: tuple[str, ...]
    waive_tail: tuple[str, ...]
    unbound: tuple[str, ...]


class Joins(_Data):
    or_: tuple[str, ...] = Field(alias="or")
    and_: tuple[str, ...] = Field(alias="and")
    either: tuple[str, ...]
    both: tuple[str, ...]


class Comparator(_Data):
    side: Literal["min", "max", "about", "exact"]
    open: bool = False
    role: str | None = None
    dimension: str | None = None
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


class HeadcountWords(_Data):
    """How many people something is for."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    room: tuple[str, ...]
    alone: dict[str, int]


class Times(_Data):
    decades: dict[str, int]
    early: tuple[str, ...]
    mid: tuple[str, ...]
    late: tuple[str, ...]
    century: tuple[str, ...]
    ordinals: dict[str, int]
    between: tuple[str, ...]
    range_start: tuple[str, ...]
    range_join: tuple[str, ...]
    this_year: tuple[str, ...]
    last_year: tuple[str, ...]
    last_years: tuple[str, ...]
    year_word: tuple[str, ...]
    decade_word: tuple[str, ...]
    this_century: tuple[str, ...]
    last_century: tuple[str, ...]
    this_decade: tuple[str, ...]
    last_decade: tuple[str, ...]
    lead: tuple[str, ...]


class Adjective(_Data):
    """Words for a part of a numeric attribute's range, or for a wish about the list."""

    words: tuple[str, ...]
    role: str | None = None
    dimension: str | None = None
    side: Side = "low"
    strength: Literal["hard", "soft"] = "hard"
    novelty: float | None = None
    describe: bool = False
    and_role: str | None = None
    and_side: Side = "high"


class Comparative(_Data):
    """Words that compare with an item; `else_`: the plain word where the catalogue has no such attribute."""

    words: tuple[str, ...]
    role: str | None = None
    dimension: str | None = None
    side: Side
    else_: str | None = Field(default=None, alias="else")


class TitleCues(_Data):
    like: tuple[str, ...]
    loved: tuple[str, ...]
    seen: tuple[str, ...]
    hated: tuple[str, ...]
    avoid: tuple[str, ...]
    than: tuple[str, ...]
    same: tuple[str, ...]
    of: tuple[str, ...]
    pronouns: tuple[str, ...]


class People(_Data):
    maker: tuple[str, ...]
    performer: tuple[str, ...]
    loose: tuple[str, ...]
    """cues that stand before other words as well"""
    maker_after: tuple[str, ...]
    performer_after: tuple[str, ...]
    absent: tuple[str, ...]
    maker_labels: tuple[str, ...]
    performer_labels: tuple[str, ...]
    titles: tuple[str, ...]
    makes: tuple[str, ...]
    somebody: tuple[str, ...]


class Tagged(_Data):
    cues: tuple[str, ...]


class LanguageWords(_Data):
    language_before: tuple[str, ...]
    language_after: tuple[str, ...]
    country_before: tuple[str, ...]
    country_after: tuple[str, ...]
    no_translation: tuple[str, ...]
    foreign: tuple[str, ...]
    aliases: dict[str, tuple[str, ...]]


class CountryWords(_Data):
    aliases: dict[str, tuple[str, ...]]
    demonyms: dict[str, tuple[str, ...]]
    regions: dict[str, tuple[str, ...]]
    landscapes: dict[str, tuple[str, ...]]
    """regions that a work is set in, whatever country made it, and that a place lies in"""
    parts: dict[str, tuple[str, ...]]
    """parts of one country that a catalogue may tell apart, and what is theirs"""


class Concept(_Data):
    """Words for values that many catalogues have under one of several names; 'A+B' needs both."""

    values: tuple[str, ...]
    words: tuple[str, ...]
    soft: bool = False
    told: bool = True
    """whether a catalogue that has none of the values says so: a kind of work, not a material or a dish"""
    first: bool = False
    """of the values only the first that a catalogue has"""
    narrower: bool = False
    """the words name a part of the values only: 'no slashers' does not mean 'no horror'"""
    group: bool = False
    """the words stand for all of the values together with one of their own name: 'no nuts' leaves out almonds"""
    absent: bool = False
    """the words say that an item does not have it: 'clean' of explicit lyrics; of flags alone"""


class ActWords(_Data):
    ranks: dict[str, int]
    rank_prefix: tuple[str, ...]
    rank_suffix: tuple[str, ...]
    focus: tuple[str, ...]
    everything: tuple[str, ...]
    both: tuple[str, ...]


class ActPattern(_Data):
    kind: str
    whole: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    find: tuple[str, ...] = ()


class Lasting(_Data):
    veto: tuple[str, ...]
    like: tuple[str, ...]
    dislike: tuple[str, ...]


class WishWords(_Data):
    count_most: tuple[str, ...]
    count_before: tuple[str, ...]
    count_after: tuple[str, ...]
    single: tuple[str, ...]
    diverse: tuple[str, ...]
    similar: tuple[str, ...]
    history: tuple[str, ...]
    familiar: tuple[str, ...]
    novel: tuple[str, ...]


class Vague(_Data):
    lead: tuple[str, ...]
    whole: tuple[str, ...]


class Colours(_Data):
    names: str


class Grammar(_Data):
    """All of the English file."""

    code: str
    words: Words
    shorthand: dict[str, str]
    kin: dict[str, str]
    colour: Colours
    negation: Negation
    narrative: Narrative
    strength: StrengthWords
    joins: Joins
    numbers: dict[str, int]
    multipliers: dict[str, int]
    fractions: dict[str, float]
    units: dict[str, dict[str, float]]
    currencies: dict[str, tuple[str, ...]]
    comparator: tuple[Comparator, ...]
    measures: dict[str, tuple[str, ...]]
    headcount: HeadcountWords
    time: Times
    adjective: tuple[Adjective, ...]
    comparative: tuple[Comparative, ...]
    comparisons: dict[str, str]
    comparisons_of: dict[Side, tuple[str, ...]]
    title_cues: TitleCues
    people: People
    tagged: Tagged
    languages: LanguageWords
    countries: CountryWords
    concept: tuple[Concept, ...]
    same: tuple[str, ...]
    asked_after: tuple[str, ...]
    acts: ActWords
    act: tuple[ActPattern, ...]
    lasting: Lasting
    wishes: WishWords
    vague: Vague

    @cached_property
    def colours(self) -> frozenset[str]:
        return frozenset(self.colour.names.split())

    @cached_property
    def function_words(self) -> frozenset[str]:
        return frozenset(fold(word) for word in self.words.function.split())

    @cached_property
    def filler_words(self) -> frozenset[str]:
        return frozenset(fold(word) for word in self.words.filler.split()) | self.noun_words

    @cached_property
    def noun_words(self) -> frozenset[str]:
        words = self.words.nouns.split()
        return frozenset(words) | {singular(word) for word in words}

    @cached_property
    def hesitations(self) -> frozenset[str]:
        return frozenset(self.words.hesitations.split())

    @cached_property
    def ordinary_words(self) -> frozenset[str]:
        """Words that are also names: in lower case they are words."""
        return frozenset(self.words.ordinary.split())

    @cached_property
    def story_words(self) -> frozenset[str]:
        return frozenset(self.narrative.words.split())

    @cached_property
    def persons(self) -> frozenset[str]:
        """Those whom a story may be about."""
        return frozenset(self.narrative.persons.split())

    @cached_property
    def plain_words(self) -> frozenset[str]:
        """Words that are neither a name nor a topic: function words, chat, numbers, cues."""
        cues = (*self.negation.cues, *self.strength.must, *self.strength.soft, *self.strength.instead)
        return (
            self.function_words
            | self.filler_words
            | frozenset(self.numbers)
            | frozenset(word for cue in cues for word in cue.split())
        )

    @cached_property
    def unit_index(self) -> dict[str, tuple[tuple[str, float], ...]]:
        """Unit word -> its dimensions and sizes ('pound' is a mass and a currency)."""
        index: dict[str, list[tuple[str, float]]] = {}
        for dimension, units in self.units.items():
            for word, size in units.items():
                index.setdefault(word, []).append((dimension, size))
                if singular(word) != word:
                    index.setdefault(singular(word), []).append((dimension, size))
        return {word: tuple(dict.fromkeys(entries)) for word, entries in index.items()}

    @cached_property
    def comparators_before(self) -> dict[str, Comparator]:
        return {phrase_key(p): c for c in self.comparator for p in c.before}

    @cached_property
    def comparators_after(self) -> dict[str, Comparator]:
        return {phrase_key(p): c for c in self.comparator for p in c.after}

    @cached_property
    def adjectives(self) -> dict[str, tuple[Adjective, ...]]:
        index: dict[str, list[Adjective]] = {}
        for entry in self.adjective:
            for word in entry.words:
                index.setdefault(phrase_key(word), []).append(entry)
        return {word: tuple(entries) for word, entries in index.items()}

    @cached_property
    def comparatives(self) -> dict[str, tuple[Comparative, ...]]:
        index: dict[str, list[Comparative]] = {}
        for entry in self.comparative:
            for word in entry.words:
                index.setdefault(phrase_key(word), []).append(entry)
        return {word: tuple(entries) for word, entries in index.items()}

    @cached_property
    def adjective_phrases(self) -> Phrases:
        return Phrases(self.adjectives)

    @cached_property
    def comparative_phrases(self) -> Phrases:
        return Phrases(self.comparatives)

    @cached_property
    def same_as(self) -> dict[str, tuple[str, ...]]:
        """Phrase (folded singular words) -> others that name the same."""
        groups = [tuple(dict.fromkeys(key_of(part) for part in line.split(","))) for line in self.same]
        found: dict[str, tuple[str, ...]] = {}
        for group in groups:
            for phrase in group:
                others = tuple(other for other in group if other != phrase)
                found[phrase] = (*found.get(phrase, ()), *others)
        return found

    @cached_property
    def concepts(self) -> dict[str, Concept]:
        index: dict[str, Concept] = {}
        for concept in self.concept:
            for word in concept.words:
                index.setdefault(key_of(word), concept)
        return index


def phrase_key(phrase: str) -> str:
    """A phrase of the grammar as the words of a message are compared."""
    return " ".join(fold(word) for word in phrase.replace("-", " ").split())


@cache
def phrases(entries: tuple[str, ...]) -> Phrases:
    """A list of the grammar as a set to look phrases up in."""
    return Phrases(phrase_key(entry) for entry in entries)


@lru_cache(maxsize=1)
def english() -> Grammar:
    """The grammar that ships with the package."""
    own = resources.files("convrec.agent").joinpath("languages")
    texts = [own.joinpath(name).read_text(encoding="utf-8") for name in ("en.toml", "en_concepts.toml", "en_same.toml")]
    return Grammar.model_validate({key: value for text in texts for key, value in tomllib.loads(text).items()})


def alternation(words: tuple[str, ...] | list[str]) -> str:
    """A regular expression for any of some phrases, longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=lambda w: (-len(w), w)))
