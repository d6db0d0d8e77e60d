"""The shipped tables of column names and units, and the words of a name."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from convrec.retrieval.reports import sanitise_text

_MEASURED = {
    "volume": frozenset({"capacity", "volume", "size"}),
    "temperature": frozenset({"temp", "temperature"}),
    "time": frozenset({"duration", "runtime", "time", "battery", "playtime"}),
    "length": frozenset({"length", "height", "width", "depth", "diameter", "distance", "screen", "elevation"}),
}
"""dimension -> words of a name beside which even a letter is its unit: 'capacity_l'"""


_BRACKETS = re.compile(r"\(([a-zA-Z]{1,6}/[0-9a-zA-Z ]{1,8})\)\s*$")


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads((files("convrec.retrieval") / "data" / "column_hints.toml").read_text("utf-8"))


def units() -> dict[str, tuple[str, str, float]]:
    """Spelling of a unit -> (shown as, dimension, factor to the base of the dimension)."""
    return {spelling: tuple(entry) for spelling, entry in _tables()["units"].items()}


def words(name: str) -> list[str]:
    """The words of a column or file name, lower case: 'releaseYear_min' -> release, year, min."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", sanitise_text(name))
    return [word for word in re.split(r"[^\w%€$£]+|_+", spaced.lower()) if word]


def singular(word: str) -> str:
    """The singular of an English word."""
    irregular: dict[str, str] = _tables()["words"]["irregular"]
    if word in irregular:
        return irregular[word]
    if len(word) < 4 or word.endswith(("ss", "us", "is", "ous")):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    if word.endswith(("sses", "xes", "ches", "shes", "zzes")):
        return word[:-2]
    return word.removesuffix("s")


def phrase(name: str) -> str:
    """A name as hints are written: lower case words, each singular."""
    return " ".join(singular(word) for word in words(name))


def name_score(name: str, table: str, key: str) -> int:
    """How well a name fits a hint: 0 not at all; longer hints weigh more, and the whole name weighs most."""
    own = phrase(name)
    padded = f" {own} "
    best = 0
    for hint in _tables()[table][key]:
        hint_phrase = " ".join(singular(word) for word in hint.split())
        if own == hint_phrase:
            best = max(best, 100 + len(hint_phrase))
        elif padded.endswith(f" {hint_phrase} "):
            best = max(best, 50 + len(hint_phrase))
        elif f" {hint_phrase} " in padded:
            best = max(best, 20 + len(hint_phrase))
        elif " " not in own and own == hint_phrase.replace(" ", ""):
            best = max(best, 100 + len(hint_phrase))
        elif len(hint_phrase) >= 6 and own.endswith(hint_phrase):
            best = max(best, 50 + len(hint_phrase))
    return best


def unit_in_name(name: str) -> str | None:
    """The unit that a name states: 'weight_g' -> 'g', 'price (€)' -> '€', 'use (l/100km)' -> 'l/100km'."""
    found = words(name)
    bracketed = _BRACKETS.search(sanitise_text(name))
    if bracketed and "/" in bracketed.group(1):
        return bracketed.group(1).lower()
    if bracketed and bracketed.group(1).lower() in _tables()["words"]["plain_units"]:
        return bracketed.group(1)
    if len(found) < 2:
        return None
    last = found[-1]
    known = units().get(last)
    ambiguous = last in {"s", "m", "in", "b", "l", "h", "w", "c", "day", "days", "pound", "pounds", "second", "minute"}
    measured = known is not None and not _MEASURED.get(known[1], frozenset()).isdisjoint(found[:-1])
    return last if known and (name.rstrip().endswith(")") or measured or not ambiguous) else None


def label(name: str, unit: str | None = None) -> str:
    """The name for sentences: 'genres' -> 'genre', 'vote_average' -> 'vote average', 'weight_g' -> 'weight'."""
    found = words(name)
    if unit is not None and (stated := unit_in_name(name)) is not None:
        found = found[: -len(words(stated))]
    if not found:
        return sanitise_text(name).lower() or "attribute"
    counted = any(word in {"number", "num", "count", "of"} for word in found[:-1])
    return " ".join(found if counted else [*found[:-1], singular(found[-1])])


def number_label(name: str, unit: str | None = None) -> str:
    """The name of a number for sentences; one that counts things keeps its plural: 'pages', 'max players'."""
    found = words(name)
    plural = unit is None and found and singular(found[-1]) != found[-1]
    return " ".join(found) if plural else label(name, unit)


def file_words(path: Path) -> tuple[str, str]:
    """(name of the catalogue, noun for one entry) from a path: books.csv and books/items.csv -> books, book."""
    stem = path.name.split(".")[0]
    found = words(stem)
    noun = singular(found[-1]) if found else ""
    nouns = _tables()["words"]["nouns"]
    vague = noun in {"item", "catalog", "catalogue", "data", "dataset", "export", ""}
    name = path.resolve().parent.name if vague else stem
    if vague:
        # A folder is named for many things; only a plural says what its items are.
        last = (words(name) or [""])[-1]
        noun = singular(last) if singular(last) != last and singular(last) in nouns else noun
    telling = noun in nouns or (not vague and noun not in _tables()["words"]["not_nouns"] and _plural(found))
    return sanitise_text(name) or "catalogue", noun if telling else "item"


def _plural(found: list[str]) -> bool:
    """Whether the last word of a name is an ordinary plural, as files are named for what they hold."""
    return bool(found) and singular(found[-1]) != found[-1] and found[-1].isalpha() and len(found[-1]) > 4


def is_column_word(text: str) -> bool:
    """Whether a text is exactly what a column of a log is often called."""
    own = text.lower()
    return any(own in _tables()["columns"][key] for key in ("user", "item", "value", "time", "event", "id"))


def never_a_role(name: str) -> bool:
    """Whether a name says that its numbers are not a price, a popularity, a rating or a year."""
    return any(word in set(_tables()["not_role"]["words"]) for word in phrase(name).split())


def is_maker_name(name: str) -> bool:
    """Whether a name says that its values are brands or places, which look like names of people."""
    return any(word in set(_tables()["not_role"]["makers"]) for word in phrase(name).split())


def is_code_name(name: str) -> bool:
    """Whether a name says that its values are codes, not quantities."""
    own = phrase(name)
    return any(own == code or own.endswith(f" {code}") for code in _tables()["not_role"]["opaque_codes"])


def is_opaque(name: str) -> bool:
    """Whether a name says nothing: column_3, c7, x."""
    return re.fullmatch(r"(?:column|col|c|f|field|x|v|attr|attribute|feature|var)?[ _]?\d*", name.lower()) is not None
