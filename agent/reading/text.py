"""Messages as tokens: cleaning, folding, singular forms, and the chart that records what each token was read as."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

MAX_CHARACTERS = 2000
"""what is read of one message; a request is a sentence or two, and work must stay bounded"""
MAX_TOKENS = 200

_TOKEN = re.compile(
    r"\d+(?:s|st|nd|rd|th)\b|\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’`´][^\W\d_]+)*|[€$£¥₹#%]",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"<(?:script|style)\b.*?</(?:script|style)>|<!--.*?-->|</?[a-zA-Z][^<>]{0,400}>", re.DOTALL)
_LINK = re.compile(r"https?://\S+|www\.\S+")
_DECADE = re.compile(r"(\d0)['’]s\b")
_SHORT = frozenset(
    ["st", "mt", "mr", "mrs", "ms", "dr", "vs", "jr", "sr", "approx", "incl", "excl", "min", "max", "ca"]
)
"""written short with a full stop that ends no sentence"""
_APOSTROPHES = str.maketrans("", "", "'’`´")


def clean(message: str) -> tuple[str, bool]:
    """The readable text of a message (no control or direction characters, markup or links) and whether it was cut."""
    cut = len(message) > MAX_CHARACTERS
    text = message[: 4 * MAX_CHARACTERS] if cut else message
    text = "".join(
        c if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn") else " " for c in text
    )
    if "<" in text:
        text = _MARKUP.sub(" ", text)
    if "://" in text or "www." in text:
        text = _LINK.sub(" ", text)
    text = _DECADE.sub(r"\1s", unicodedata.normalize("NFC", text))
    return text[:MAX_CHARACTERS], cut


@lru_cache(maxsize=65536)
def fold(word: str) -> str:
    """Lower case, without accents and apostrophes: the form in which words compare."""
    lowered = word.casefold().translate(_APOSTROPHES)
    if lowered.isascii():
        return lowered
    return "".join(c for c in unicodedata.normalize("NFKD", lowered) if not unicodedata.combining(c))


@lru_cache(maxsize=65536)
def singular(word: str) -> str:
    """A folded English word without its plural ending."""
    if len(word) <= 3 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("ie") and len(word) > 4:
        return word[:-2] + "y"
    if word.endswith("oes") and len(word) > 5:
        return word[:-2]
    if word.endswith(("ches", "shes", "xes", "sses", "zes")):
        return word[:-2]
    if word.endswith("ves") and word[:-3] in ("kni", "shel", "lea", "wol", "hal", "loa"):
        return {"kni": "knife"}.get(word[:-3], word[:-3] + "f")
    return word.removesuffix("s")


def words_of(text: str) -> list[str]:
    """The folded words of a text."""
    return [fold(m.group()) for m in _TOKEN.finditer(text)]


@lru_cache(maxsize=65536)
def key_of(text: str) -> str:
    """The form under which a name is looked up: folded singular words."""
    return " ".join(singular(word) for word in words_of(text))


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number or sign. `gap` is the text between the token before and this one; `start`, `end` its place in
    the message. `translated`: it stands for a phrase of another language."""

    text: str
    norm: str
    stem: str
    start: int
    end: int
    gap: str = ""
    translated: bool = False

    @property
    def capital(self) -> bool:
        return not self.translated and self.text[:1].isupper()


def tokenise(text: str, *, offset: int = 0) -> list[Token]:
    """Tokens of a text; hyphens and punctuation are gaps."""
    tokens: list[Token] = []
    last = 0
    for match in _TOKEN.finditer(text):
        norm = fold(match.group())
        start, end = match.span()
        tokens.append(Token(match.group(), norm, singular(norm), start + offset, end + offset, text[last:start]))
        last = end
    return tokens


class Phrases(frozenset[str]):
    """Folded phrases, with their first words so that most places of a message need no look-up."""

    firsts: frozenset[str]
    longest: int

    def __new__(cls, phrases: Iterable[str]) -> Phrases:
        own = super().__new__(cls, phrases)
        own.firsts = frozenset(phrase.split(" ", 1)[0] for phrase in own)
        own.longest = max((phrase.count(" ") + 1 for phrase in own), default=0)
        return own


@dataclass(frozen=True, slots=True)
class Span:
    """Tokens `start` (inclusive) to `end` (exclusive), read as `kind`; `payload` depends on the kind."""

    start: int
    end: int
    kind: str
    payload: object = None


@dataclass
class Chart:
    """Tokens and what they were read as. Spans never overlap; the first reader to take a token keeps it."""

    message: str
    tokens: list[Token]
    owner: list[Span | None] = field(default_factory=list)
    _norms: list[str] = field(default_factory=list, repr=False)
    _ends: list[bool] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        self.owner = [None] * len(self.tokens)
        self._norms = [token.norm for token in self.tokens]
        self._ends = [i > 0 and self.breaks(i, ".;!?\n") for i in range(len(self.tokens))]

    def __len__(self) -> int:
        return len(self.tokens)

    def free(self, start: int, end: int) -> bool:
        """Whether nobody has read any of these tokens."""
        return all(own is None for own in self.owner[start:end])

    def put(self, start: int, end: int, kind: str, payload: object = None) -> Span:
        """Read tokens as something; whoever held them loses them."""
        span = Span(start, end, kind, payload)
        for position in range(start, end):
            self.owner[position] = span
        return span

    def spans(self, *kinds: str) -> Iterator[Span]:
        """Spans in order, of some kinds or all."""
        last: Span | None = None
        for own in self.owner:
            if own is not None and own is not last and (not kinds or own.kind in kinds):
                yield own
            last = own

    def words(self, start: int, end: int) -> str:
        """The verbatim text of tokens."""
        if start >= end:
            return ""
        return self.message[self.tokens[start].start : self.tokens[end - 1].end]

    def said(self, start: int, end: int) -> str:
        """The words as the grammar reads them: verbatim, or translated."""
        if any(token.translated for token in self.tokens[start:end]):
            return " ".join(token.text for token in self.tokens[start:end])
        return self.words(start, end)

    def norms(self, start: int, end: int) -> str:
        return " ".join(self._norms[start:end])

    def stems(self, start: int, end: int) -> str:
        return " ".join(t.stem for t in self.tokens[start:end])

    def gap(self, position: int) -> str:
        """The text before a token, '' at the beginning and at the end."""
        return self.tokens[position].gap if 0 < position < len(self.tokens) else ""

    def breaks(self, position: int, signs: str = "") -> bool:
        """Whether a sentence ends before a token, or one of some signs stands there."""
        if not signs:
            return 0 <= position < len(self._ends) and self._ends[position]
        gap = self.gap(position)
        if gap == ". " and self.tokens[position - 1].norm in _SHORT:
            return False
        return any(sign in gap for sign in signs)

    def phrase_at(self, position: int, phrases: Phrases) -> int:
        """Number of tokens of the longest phrase that starts here, over tokens that nobody has read; or 0."""
        if position >= len(self.tokens) or self.tokens[position].norm not in phrases.firsts:
            return 0
        for length in range(min(phrases.longest, len(self) - position), 0, -1):
            if self.norms(position, position + length) in phrases and self.free(position, position + length):
                if any(self.breaks(p) for p in range(position + 1, position + length)):
                    continue
                return length
        return 0


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
