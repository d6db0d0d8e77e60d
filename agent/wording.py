"""How a value takes its place in a sentence: 'directed by X', 'with Y', 'about Z', 'a comedy', '352 votes'."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from importlib import resources

from pydantic import BaseModel, ConfigDict

from convrec.agent.labels import label_value
from convrec.agent.reading.english import is_word
from convrec.agent.reading.grammar import english
from convrec.agent.reading.text import key_of
from convrec.retrieval.hints import singular
from convrec.retrieval.schema import Attribute, AttributeKind, CatalogueSchema, Role

_IN_VES = re.compile(r"(?:kni|li|wi)fe$|(?:shel|lea|loa|hal|wol)f$")


class _Wording(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    countable: str
    manner: tuple[str, ...]
    kind: tuple[str, ...]
    look: tuple[str, ...]
    rated_by: tuple[str, ...]


@lru_cache(maxsize=1)
def _wording() -> _Wording:
    text = resources.files("convrec.agent").joinpath("wording.toml").read_text(encoding="utf-8")
    return _Wording.model_validate(tomllib.loads(text))


@lru_cache(maxsize=1)
def _countable() -> frozenset[str]:
    return frozenset(_wording().countable.split())


@lru_cache(maxsize=1)
def idle_words() -> frozenset[str]:
    """Words of a message that describe nothing: what entries are called, and chat around a request."""
    return english().filler_words


def running(value: str) -> str:
    """A value of a vocabulary inside a sentence: 'science fiction' for 'Science Fiction', 'NASA' as it is."""
    if key_of(value) in _nationalities():
        return value
    return value.lower() if value.istitle() or value.capitalize() == value else value


@lru_cache(maxsize=1)
def _nationalities() -> frozenset[str]:
    """'Chinese', 'Italian': written with a capital wherever they stand."""
    return frozenset(key_of(word) for words in english().countries.demonyms.values() for word in words)


def with_article(phrase: str) -> str:
    """'a comedy film', 'an action film'."""
    return f"{'an' if phrase[:1].casefold() in 'aeiou' else 'a'} {phrase}"


def plural(word: str) -> str:
    """The plural: 'comedies' for 'comedy', 'knives' for 'knife'."""
    if _IN_VES.search(word):
        return f"{word.removesuffix('e')[:-1]}ves"
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "x", "ch", "sh")) else f"{word}s"


def common_start(one: str, other: str) -> int:
    """How many letters two words have in common from the beginning."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def is_countable(kind: str) -> bool:
    """Whether a kind takes an article: 'a comedy', but 'horror'."""
    return kind.casefold() in _countable()


def names_things(kind: str) -> bool:
    """Whether entries can be called by a kind: 'tents' or 'hotel', but 'cookware'."""
    last = kind.casefold().rpartition(" ")[2]
    return singular(last) != last or is_word(plural(last))


def kind_phrase(value: str) -> str:
    """A kind on its own: 'a comedy', 'horror', 'science fiction'."""
    shown = running(value)
    return with_article(shown) if is_countable(shown) else shown


@lru_cache(maxsize=256)
def credit(label: str) -> str:
    """What stands before a name: 'directed by' for a director, 'by' for a brand, 'with' for a star; else the label."""
    people = english().people
    folded = label.casefold()
    if any(hint in folded for hint in people.maker_labels):
        for phrase in people.maker:
            verb = phrase.removesuffix(" by")
            shared = common_start(verb, folded)
            if verb != phrase and " " not in verb and shared >= 4 and shared >= len(folded) - 3:
                return phrase
        return "by"
    return "with" if any(hint in folded for hint in people.performer_labels) else label


def is_credit(attribute: Attribute) -> bool:
    """Whether the attribute names people or makers."""
    if attribute.role is Role.PERSON:
        return True
    text = attribute.kind in (AttributeKind.CATEGORY, AttributeKind.CATEGORIES)
    return text and attribute.role is None and credit(attribute.label) == "by"


def says_about(attribute: Attribute, schema: CatalogueSchema) -> bool:
    """Whether values of a topic say what the item is about: themes and tags, not the main kind, moods or uses."""
    if attribute.role is not Role.TOPIC or schema.with_role(Role.TOPIC)[:1] == (attribute,):
        return False
    named = _labelled(attribute, (*_wording().manner, *_wording().kind))
    return attribute.kind is AttributeKind.CATEGORIES and not named


def says_how(attribute: Attribute) -> bool:
    """Whether values of a topic say how the item is: moods and tones."""
    return attribute.role is Role.TOPIC and _labelled(attribute, _wording().manner)


def says_look(attribute: Attribute) -> bool:
    """Whether values stand before a noun: colours and materials."""
    return attribute.role is None and _labelled(attribute, _wording().look)


def _labelled(attribute: Attribute, words: tuple[str, ...]) -> bool:
    return any(word in attribute.label.casefold().split() for word in words)


def counts_raters(attribute: Attribute) -> bool:
    """Whether a measure of popularity counts the people who rated."""
    return any(word in attribute.label.casefold() for word in _wording().rated_by)


def counts_things(attribute: Attribute) -> bool:
    """Whether a number without a unit counts what its column is called: 'pages', 'players'."""
    bare = attribute.kind is AttributeKind.NUMBER and attribute.role is None and attribute.unit is None
    return bare and attribute.integer and attribute.name.casefold() == plural(attribute.label)


def counted_noun(attribute: Attribute) -> str:
    """What a measure of popularity counts: 'votes' for 'vote count', 'sales' for 'sales'."""
    words = [w for w in attribute.label.split() if w.casefold() not in ("count", "number", "of", "total", "num")]
    noun = " ".join(words) or attribute.label
    return noun if noun.endswith("s") else plural(noun)


def counted_value(attribute: Attribute, value: float) -> str:
    """A measure of popularity: '352 votes', '1 vote'; a bare score keeps its label."""
    if value != int(value):
        return f"{attribute.label} {label_value(attribute, value)}"
    noun = counted_noun(attribute)
    return f"{int(value):,} {noun.removesuffix('s') if value == 1 else noun}"
