"""Other languages: their phrases become the English words that the grammar knows, in their place in the message."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources

from babel import Locale
from pydantic import BaseModel, ConfigDict, Field

from convrec.agent.reading.text import Token, fold, singular, tokenise

CODES = ("es", "de", "fr", "zh")
_CJK = re.compile(r"[\u3400-\u9fff\u3040-\u30ff]")
_ELIDED = re.compile(r"(?:l|d|qu|j|n|s|c|m|t)['’](?=\w{2})", re.IGNORECASE)
_DIGITS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"两": 2}
_TIMES = {"十": 10, "百": 100, "千": 1000}
_LONGEST = 8


class _Pattern(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    find: str
    to: str


class _File(BaseModel):
    """A language file: `phrases` maps English words to what they are called; `patterns` reorder."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    code: str
    function: str
    suffixes: dict[str, tuple[str, ...]] = {}
    """what an entry is called in English -> ends of compounds that call it so"""
    endings: tuple[str, ...] = ()
    """of adjectives: a phrase that stands there with the first of them is known with all"""
    numbers: dict[str, int] = Field(default_factory=dict)
    patterns: tuple[_Pattern, ...] = ()
    phrases: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Unit:
    norm: str
    start: int
    end: int
    gap: str
    text: str


class LanguagePack:
    """One language: recognises itself and translates into the grammar's words."""

    def __init__(self, data: _File) -> None:
        self.code = data.code
        self.joiner = "" if data.code == "zh" else " "
        self.function = frozenset(fold(w) for w in data.function.split())
        ends = ((fold(end), noun) for noun, own in data.suffixes.items() for end in own)
        self.suffixes = dict(sorted(ends, key=lambda pair: -len(pair[0])))
        self.numbers = {fold(word): str(value) for word, value in data.numbers.items()}
        self._phrases: dict[str, str] = {}
        for name, words in (*_locale_names(data.code), *data.phrases.items()):
            for word in words:
                self._phrases[self._key(word)] = name
        for word in [w for w in self._phrases if data.endings and w + data.endings[0] in self._phrases]:
            for ending in data.endings[1:]:
                self._phrases.setdefault(word + ending, self._phrases[word])
        self._firsts = frozenset(_units(phrase)[0].norm for phrase in self._phrases if phrase)
        self._patterns = [(re.compile(p.find), p.to) for p in data.patterns]

    def _key(self, phrase: str) -> str:
        return self.joiner.join(unit.norm for unit in _units(phrase))

    def knows(self, units: list[_Unit]) -> int:
        """How many of the words are this language's."""
        count = 0
        position = 0
        while position < len(units):
            found = self._phrase(units, position)
            if found is not None:
                count += found[1] - position
                position = found[1]
            else:
                norm = units[position].norm
                count += norm in self.function or norm in self.numbers or self._compound(norm)
                position += 1
        return count

    def _compound(self, norm: str) -> bool:
        """Whether a word is made of a known one and a suffix."""
        return any(norm.removesuffix(suffix) in self._phrases for suffix in self.suffixes if norm.endswith(suffix))

    def translate(self, units: list[_Unit]) -> list[Token]:
        """The message in the grammar's words; what is not known stays as it is."""
        tokens: list[Token] = []
        position = 0
        while position < len(units):
            found = self._pattern(units, position) or self._phrase(units, position) or _numeral(units, position)
            if found is None:
                found = self._suffixed(units[position], position)
            if found is None:
                end = self._unknown_end(units, position)
                own = units[position]
                text = own.text if end == position + 1 else "".join(u.text for u in units[position:end])
                norm = fold(text)
                if norm in self.numbers:
                    text = norm = self.numbers[norm]
                if norm not in self.function:
                    tokens.append(
                        Token(text, norm, singular(norm), own.start, units[end - 1].end, _spaced(own.gap, tokens))
                    )
                position = end
                continue
            english, end = found
            first, last = units[position], units[end - 1]
            for number, token in enumerate(tokenise(english)):
                gap = _spaced(first.gap, tokens) if number == 0 else token.gap
                tokens.append(Token(token.text, token.norm, token.stem, first.start, last.end, gap, translated=True))
            position = end
        return tokens

    def _unknown_end(self, units: list[_Unit], position: int) -> int:
        """Unknown characters of a script without spaces stay together."""
        end = position + 1
        if not _CJK.match(units[position].text):
            return end
        while (
            end < len(units)
            and _CJK.match(units[end].text)
            and not units[end].gap
            and self._pattern(units, end) is None
            and self._phrase(units, end) is None
            and units[end].norm not in self.function
        ):
            end += 1
        return end

    def _phrase(self, units: list[_Unit], position: int) -> tuple[str, int] | None:
        if units[position].norm not in self._firsts:
            return None
        for length in range(min(_LONGEST, len(units) - position), 0, -1):
            own = units[position : position + length]
            if any(_stops(u.gap) for u in own[1:]):
                continue
            found = self._phrases.get(self.joiner.join(u.norm for u in own))
            if found is not None:
                return found, position + length
        return None

    def _pattern(self, units: list[_Unit], position: int) -> tuple[str, int] | None:
        if not self._patterns:
            return None
        text, ends = "", []
        for unit in units[position : position + 14]:
            if text and _stops(unit.gap):
                break
            text = f"{text}{self._glue(text, unit.norm)}{unit.norm}"
            ends.append(len(text))
        for pattern, to in self._patterns:
            found = pattern.match(text)
            if found and found.end() in ends:
                groups = [self._group(g) for g in found.groups()]
                return to.format("", *groups), position + ends.index(found.end()) + 1
        return None

    def _glue(self, text: str, norm: str) -> str:
        if self.joiner:
            return self.joiner if text else ""
        return " " if text and not _CJK.match(norm) and not _CJK.match(text[-1]) else ""

    def _group(self, group: str | None) -> str:
        if group is None:
            return ""
        return self.numbers.get(group) or self._phrases.get(group) or group

    def _suffixed(self, unit: _Unit, position: int) -> tuple[str, int] | None:
        """'Horrorfilme' is 'Horror' and 'Filme'."""
        for suffix, noun in self.suffixes.items():
            if unit.norm.endswith(suffix) and len(unit.norm) > len(suffix) + 2:
                stem = unit.norm.removesuffix(suffix).removesuffix("-")
                for form in (stem, stem.removesuffix("s")):
                    if form in self._phrases:
                        return f"{self._phrases[form]} {noun}", position + 1
                return f"{stem} {noun}", position + 1
        return None


def _numeral(units: list[_Unit], position: int) -> tuple[str, int] | None:
    """'一万五千' is 15000; a single digit is a word of its own."""
    end = position
    total = section = digit = 0
    while end < len(units) and (end == position or not units[end].gap):
        sign = units[end].norm
        if sign in _DIGITS:
            digit = _DIGITS[sign]
        elif sign in _TIMES:
            section, digit = section + (digit or 1) * _TIMES[sign], 0
        elif sign == "万":
            total, section, digit = (section + digit or 1) * 10_000, 0, 0
        else:
            break
        end += 1
    return (str(total + section + digit), end) if end - position > 1 else None


def _spaced(gap: str, tokens: list[Token]) -> str:
    return gap or (" " if tokens else "")


def _stops(gap: str) -> bool:
    return any(sign in gap for sign in ".,;!?\n、，。；！？：")


def _units(text: str) -> list[_Unit]:
    """Words, and each character of a script without spaces."""
    units: list[_Unit] = []
    last = 0
    for token in tokenise(text):
        pieces = [(token.start, token.end)]
        if _CJK.search(token.text):
            pieces = [
                (m.start() + token.start, m.end() + token.start)
                for m in re.finditer(rf"{_CJK.pattern}|[^\u3400-\u9fff\u3040-\u30ff]+", token.text)
            ]
        elif elided := _ELIDED.match(token.text):
            cut = token.start + elided.end()
            pieces = [(token.start, cut), (cut, token.end)]
        for start, end in pieces:
            word = text[start:end]
            units.append(
                _Unit(
                    fold(word),
                    start,
                    end,
                    text[last:start].replace("，", ", ").replace("。", ". ").replace("、", ", "),
                    word,
                )
            )
            last = end
    return units


def _locale_names(code: str) -> list[tuple[str, tuple[str, ...]]]:
    """English names of languages and countries, and what they are called in a language."""
    own, english = Locale(code), Locale("en")
    pairs = [(english.languages[k], (v,)) for k, v in own.languages.items() if len(k) == 2 and k in english.languages]
    pairs += [
        (english.territories[k], (v,)) for k, v in own.territories.items() if len(k) == 2 and k in english.territories
    ]
    return [(name, words) for name, words in pairs if len(words[0]) > 1 and fold(words[0]) != fold(name)]


@cache
def pack(code: str) -> LanguagePack:
    """The pack of a language, from its file."""
    text = resources.files("convrec.agent").joinpath(f"languages/{code}.toml").read_text(encoding="utf-8")
    return LanguagePack(_File.model_validate(tomllib.loads(text)))


def expand(tokens: list[Token], shorthand: dict[str, str]) -> list[Token]:
    """Tokens with what was written short ('ww2') in full."""
    result: list[Token] = []
    longest = max(phrase.count(" ") + 1 for phrase in shorthand)
    position = 0
    while position < len(tokens):
        for length in range(longest, 0, -1):
            own = tokens[position : position + length]
            full = shorthand.get(" ".join(token.norm for token in own))
            if full is not None and not any(_stops(token.gap) for token in own[1:]):
                first, last = own[0], own[-1]
                result += [
                    replace(token, start=first.start, end=last.end, gap=token.gap or first.gap, translated=True)
                    for token in tokenise(full)
                ]
                break
        else:
            length = 1
            result.append(tokens[position])
        position += length
    return result


def read_tokens(
    text: str, english: Callable[[Token], bool], is_title: Callable[[str], bool]
) -> tuple[list[Token], str]:
    """The tokens of a message in the grammar's words, and the language it was written in.

    `english`: whether a word is the grammar's or names a value as it stands. `is_title`: whether a text is a title.
    """
    plain = tokenise(text)
    if len(plain) == 0:
        return plain, "en"
    if _CJK.search(text):
        return pack("zh").translate(_units(text)), "zh"
    known = sum(english(token) for token in plain)
    if known == len(plain) or is_title(text):
        return plain, "en"
    units = _units(text)
    best, score = "en", known
    for code in CODES[:-1]:
        own = pack(code).knows(units)
        if own > score and (own > 1 or own == len(units)):
            best, score = code, own
    return (plain, "en") if best == "en" else (pack(best).translate(units), best)
