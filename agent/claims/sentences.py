"""What a sentence claims about an item, read from its text alone: the independent half of grounding."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from convrec.agent.claims import lexicon
from convrec.agent.claims.index import ClaimIndex, Meaning, Token, normalise, stems, tokens
from convrec.agent.claims.numbers import Quantity, quantities
from convrec.retrieval.schema import Attribute, AttributeKind, Role

ClaimKind = Literal[
    "value", "title", "quote", "name", "number", "comparison", "degree", "praise", "liked", "known", "asked"
]
Against = Literal["", "title", "asked", "typical", "itself", "other"]

_SENTENCE = re.compile(r"(?:[^.!?\n]|[.!?](?=[^\s\"]))+[.!?\n\"]*\s*")
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St|Jr|Sr|vs|No|Vol|[A-Z])\.(?=\s)")
_QUOTED = re.compile(r'"([^"]{1,300})"')
_PAUSE = re.compile(r"[;:()—–]|,(?!\d)|\s-\s|\b(?:and (?:this|it)|but|while|though|although|whereas)\b", re.IGNORECASE)
_INSIDE_VALUE = frozenset(" -'.&/")
_INSIDE_TITLE = _INSIDE_VALUE | frozenset(",:()!?")
_DETERMINER = re.compile(r"(?:the\s+|your\s+|in\s+)*\"?", re.IGNORECASE)
_DENIED = re.compile(r"\s*[:=]\s*(?:no|not|none|false)\b", re.IGNORECASE)
_AFFIRMED = re.compile(
    r"\b(?:not (?:only|just|merely)|nothing but|no less)\b(?:\s+(?:a|an|the|in|from|by))*\s*$", re.IGNORECASE
)


@dataclass(frozen=True)
class Claim:
    """One checkable statement of a text.

    `meanings` are the values that a 'value' may be, `item_ids` the items that a 'title' may be (empty: unknown).
    `negated`: stated as absent. `attributed`: said of the person's wish ("you asked for …"); `taste`: said of the
    person's taste ("you like …"); else said of the item. `role`, `direction`, `quantity` and `against` describe
    comparisons and degrees; `fields` the attributes that the words around a number or a name point at.
    """

    kind: ClaimKind
    text: str
    start: int
    end: int
    sentence: str
    meanings: tuple[Meaning, ...] = ()
    item_ids: tuple[str, ...] = ()
    negated: bool = False
    attributed: bool = False
    taste: bool = False
    fields: frozenset[str] = frozenset()
    quantity: Quantity | None = None
    role: Role | None = None
    direction: int = 0
    against: Against = ""


@lru_cache(maxsize=256)
def claims_in(text: str, index: ClaimIndex) -> tuple[Claim, ...]:
    """Every checkable claim of a text, in order: values, titles, quotes, names, numbers, comparisons, praise, history.

    Nothing is known of the item here; whether a claim holds is another question, asked of every candidate of a list
    for the same few sentences.
    """
    found: list[Claim] = []
    whole = normalise(text)
    for start, end in _sentences(whole):
        found += _Sentence(whole[start:end], start, index).claims()
    return tuple(found)


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    """Where each sentence begins and ends; a full stop inside quotes or after an abbreviation ends none."""
    shielded = _QUOTED.sub(lambda quote: re.sub(r"[.!?\n]", "_", quote.group()), text)
    shielded = _ABBREVIATION.sub(lambda short: short.group().replace(".", "_"), shielded)
    for match in _SENTENCE.finditer(shielded):
        if match.group().strip():
            yield match.span()


class _Sentence:
    """One sentence and what has been read of it; `used` marks characters that belong to a claim already."""

    def __init__(self, text: str, offset: int, index: ClaimIndex) -> None:
        self.text = text
        self.offset = offset
        self.index = index
        self.tokens = tokens(text)
        self.stems = tuple(t.stem for t in self.tokens)
        self.used = bytearray(len(text))
        self.pauses = [(m.start(), m.end()) for m in _PAUSE.finditer(text)]
        self.asked = list(lexicon.ASKED.finditer(text))
        self.liked = list(lexicon.LIKED.finditer(text))
        self.found: list[Claim] = []
        self.quoted = [m.span() for m in _QUOTED.finditer(text)]

    def claims(self) -> list[Claim]:
        self._quotes()
        self._phrases()
        self._numbers()
        self._names()
        self._comparisons()
        self._degrees()
        self._praise()
        self._person()
        scoped = [self._scoped(claim) for claim in self.found]
        return sorted(scoped, key=lambda c: (c.start, c.end))

    def _claim(self, kind: ClaimKind, start: int, end: int, **more: object) -> Claim:
        where = (self.offset + start, self.offset + end)
        claim = Claim(kind, self.text[start:end], *where, self.text.strip(), **more)  # type: ignore[arg-type]
        self.found.append(claim)
        return claim

    def _take(self, start: int, end: int) -> None:
        self.used[start:end] = b"\x01" * (end - start)

    def _free(self, start: int, end: int) -> bool:
        return not any(self.used[start:end])

    def _quotes(self) -> None:
        for match in _QUOTED.finditer(self.text):
            ids = self.index.titles(stems(match[1]))
            self._claim("title" if ids else "quote", match.start(1), match.end(1), item_ids=ids)
            self._take(*match.span())

    def _phrases(self) -> None:
        """Values and titles by longest match, left to right."""
        position = 0
        while position < len(self.tokens):
            position += self._phrase_at(position) or 1

    def _phrase_at(self, position: int) -> int:
        first = self.tokens[position]
        for length in range(min(self.index.longest(first.stem), len(self.tokens) - position), 0, -1):
            phrase = self.stems[position : position + length]
            if not self.index.known(phrase):
                continue
            words = self.tokens[position : position + length]
            start, end = first.start, words[-1].end
            if not self._free(start, end) or self._broken(words, _INSIDE_TITLE):
                continue
            meanings: tuple[Meaning, ...] = ()
            if not self._broken(words, _INSIDE_VALUE):
                meanings = tuple(m for m in self.index.values(phrase) if self._says(m, words, position))
            if meanings:
                names = any(self.index.schema.attribute(m.attribute).role is Role.PERSON for m in meanings)
                fields = self._pointed_people(position) if names else frozenset[str]()
                self._claim("value", start, end, meanings=meanings, fields=fields)
                self._take(start, end)
                return length
            ids = self.index.titles(phrase)
            if ids and self._title_case(words, position):
                self._claim("title", start, end, item_ids=ids)
                self._take(start, end)
                return length
            if length > 1 and self.index.is_label(phrase):
                self._take(start, end)
                return length
        return 0

    def _broken(self, words: Sequence[Token], glue: frozenset[str]) -> bool:
        """Whether anything but `glue` lies between the words of a phrase."""
        between = (self.text[a.end : b.start] for a, b in pairwise(words))
        return any(not glue.issuperset(gap) or gap.count(" ") > 2 for gap in between)

    def _says(self, meaning: Meaning, words: Sequence[Token], position: int) -> bool:
        """Whether words that look like a value are meant as one."""
        if len(words) > 1:
            return not all(w.folded in lexicon.FUNCTION_WORDS for w in words)
        word = words[0]
        if len(word.text) < 2 or word.folded in lexicon.FUNCTION_WORDS:
            return False
        attribute = self.index.schema.attribute(meaning.attribute)
        if attribute.role is Role.PERSON:
            return word.capitalised and (not self._initial(position) or word.folded not in lexicon.TONE_WORDS)
        if attribute.role in (Role.LANGUAGE, Role.COUNTRY):
            return word.capitalised
        if word.text[0].isdigit():
            return False
        if attribute.name in self.index.large:
            everyday = word.folded in lexicon.TONE_WORDS or word.stem in lexicon.TONE_WORDS
            return not (everyday or word.stem in self.index.plain)
        return word.stem not in self.index.plain or attribute.kind is AttributeKind.FLAG

    def _initial(self, position: int) -> bool:
        """Whether a token begins the sentence, or what follows a colon, dash or quote."""
        if position == 0:
            return True
        gap = self.text[self.tokens[position - 1].end : self.tokens[position].start]
        return bool(set(gap) & set(':—–"(')) or " - " in gap

    def _title_case(self, words: Sequence[Token], position: int) -> bool:
        if not all(w.capitalised or len(w.text) <= 3 or w.text[0].isdigit() for w in words):
            return False
        if not words[0].capitalised:
            return False
        return len(words) > 1 or (not self._initial(position) and len(words[0].text) > 2)

    def _pointed_people(self, position: int) -> frozenset[str]:
        """Attributes of people whose label the words before a name recall: 'directed by' recalls 'director'."""
        near = self.tokens[max(0, position - 3) : position]
        before = [t.folded for t in near if self._free(t.start, t.end)]
        pointed = set()
        for attribute in self.index.schema.with_role(Role.PERSON):
            label = attribute.label.casefold()
            size = min(len(label), 5) if len(label) < 6 else len(label) - 3
            if any(word[:size] == label[:size] for word in before if len(word) >= size):
                pointed.add(attribute.name)
        return frozenset(pointed)

    def _numbers(self) -> None:
        for quantity in quantities(self.text):
            if self._free(quantity.start, quantity.end):
                fields = self._pointed_numbers(quantity)
                self._claim("number", quantity.start, quantity.end, quantity=quantity, fields=fields)
                self._take(quantity.start, quantity.end)

    def _pointed_numbers(self, quantity: Quantity) -> frozenset[str]:
        """Numeric attributes that the words around a number name."""
        lo, hi = self._clause(quantity.start)
        before = [t for t in self.tokens if lo <= t.start and t.end <= quantity.start][-3:]
        after = [t for t in self.tokens if t.start >= quantity.end and t.end <= hi][:3]
        near = {t.folded for t in (*before, *after)} | {t.stem for t in (*before, *after)}
        if quantity.word:
            near.add(quantity.word)
        pointed = set()
        for attribute in self.index.schema.attributes:
            if attribute.numeric and (near & self._number_words(attribute)):
                pointed.add(attribute.name)
        return frozenset(pointed)

    def _number_words(self, attribute: Attribute) -> frozenset[str]:
        words = frozenset(stems(attribute.label)) | frozenset(stems(attribute.unit or ""))
        return words | lexicon.ROLE_WORDS.get(attribute.role, frozenset()) if attribute.role else words

    def _clause(self, at: int) -> tuple[int, int]:
        """Start and end of the clause around a position."""
        lo = max((end for start, end in self.pauses if end <= at), default=0)
        hi = min((start for start, end in self.pauses if start >= at), default=len(self.text))
        return lo, hi

    def _names(self) -> None:
        """Capitalised words that nothing else explains."""
        position = 0
        while position < len(self.tokens):
            group = self._name_at(position)
            if group:
                self._claim("name", group[0].start, group[-1].end, fields=self._pointed_people(position))
                position += len(group)
            else:
                position += 1

    def _name_at(self, position: int) -> list[Token]:
        group: list[Token] = []
        for token in self.tokens[position:]:
            near = not group or self.text[group[-1].end : token.start] in (" ", "-", ". ", " & ")
            if not (near and token.capitalised and self._free(token.start, token.end)):
                break
            group.append(token)
        if not group or group[0].folded in lexicon.ALLOWED_CAPITALS:
            return []
        if self._initial(position):
            rest = group[1:]
            lone = group[0]
            if rest and (lone.folded in lexicon.FUNCTION_WORDS or lone.stem in self.index.plain):
                return []
            if not rest and not self._lone_name(lone, position):
                return []
        return group

    def _lone_name(self, token: Token, position: int) -> bool:
        """Whether a single word at the beginning is somebody's name and not just a beginning."""
        if token.folded in lexicon.FUNCTION_WORDS or token.stem in self.index.plain:
            return False
        following = self.tokens[position + 1].folded if position + 1 < len(self.tokens) else ""
        if following in lexicon.MAKES:
            return True
        known = token.stem in self.index.people
        return known and (token.folded.endswith("'s") or following.endswith("s")) and following not in ("is", "has")

    def _comparisons(self) -> None:
        for match in self._clauses_matching(lexicon.COMPARATIVE):
            role, direction = lexicon.COMPARATIVES[_plain(match[1])]
            self._comparison(match, match.start(2), role, direction)
        if self.index.masses:
            for match in self._clauses_matching(lexicon.HEAVIER):
                direction = 1 if match[1].casefold() == "heavier" else -1
                self._comparison(match, match.start(2), None, direction)
        for match in self._clauses_matching(lexicon.EQUATIVE):
            role, direction = lexicon.EQUATIVES[_plain(match[2])]
            if match[1]:
                self._comparison(match, match.start(3), role, -direction)

    def _clauses_matching(self, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        at = 0
        while match := pattern.search(self.text, at):
            if not any(start <= match.start(1) < end for start, end in self.quoted):
                yield match
            at = match.start(match.lastindex or 0)

    def _comparison(self, match: re.Match[str], object_start: int, role: Role | None, direction: int) -> None:
        rest = self.text[object_start:]
        against: Against = "other"
        lead = _DETERMINER.match(rest)
        named = object_start + (lead.end() if lead else 0)
        titles = [c for c in self.found if c.kind == "title" and abs(c.start - self.offset - named) <= 1]
        if titles:
            against = "title"
        elif lexicon.THAN_ASKED.search(f"than {rest}"[:40]):
            against = "asked"
        elif lexicon.THAN_TYPICAL.search(rest):
            against = "typical"
        elif any(c.kind == "number" and 0 <= c.start - self.offset - object_start <= 4 for c in self.found):
            return
        self._claim(
            "comparison",
            match.start(),
            object_start,
            role=role,
            direction=direction,
            fields=frozenset(a.name for a in self.index.schema.with_role(role)) if role else self.index.masses,
            against=against,
            item_ids=titles[0].item_ids if titles else (),
            quantity=self._difference(match.start()),
        )

    def _difference(self, at: int) -> Quantity | None:
        """The quantity just before a comparative: 'half an hour shorter'."""
        for claim in self.found:
            if claim.kind == "number" and 0 <= at - (claim.end - self.offset) <= 2:
                return claim.quantity
        return None

    def _degrees(self) -> None:
        for match in lexicon.QUALIFIER.finditer(self.text):
            if self._free(*match.span(1)) and not re.match(r"\s+(?:in|with|among)\b", self.text[match.end() :]):
                role, direction = lexicon.QUALIFIERS[_plain(match[1])]
                self._claim("degree", *match.span(1), role=role, direction=direction)
        noun = re.escape(self.index.schema.noun)
        for match in re.finditer(lexicon.GRADED.pattern.replace("NOUN", noun), self.text, re.IGNORECASE):
            if self._free(*match.span(1)):
                role, direction = lexicon.GRADABLE[_plain(match[1])]
                self._claim("degree", *match.span(1), role=role, direction=direction)

    def _praise(self) -> None:
        for match in lexicon.EVALUATIVE.finditer(self.text):
            if self._free(*match.span()):
                self._claim("praise", *match.span())
        noun = re.escape(self.index.schema.noun)
        for match in re.finditer(lexicon.SUPERLATIVE.pattern.replace("NOUN", noun), self.text, re.IGNORECASE):
            last = match.group().split()[-1].casefold()
            if self._free(match.end() - len(last), match.end()) and last not in lexicon.NOT_SUPERLATIVE:
                self._claim("praise", *match.span())

    def _person(self) -> None:
        for wishes in (self.asked, self.liked):
            for match in wishes:
                end = self._reach(match.end())
                if self._free(*match.span()) and self.text[match.end() : end].strip(' .!?"'):
                    self._claim("asked", match.end(), end, taste=wishes is self.liked)
        for pattern, kind in ((lexicon.LIKED, "liked"), (lexicon.KNEW, "known"), (lexicon.TASTE, "known")):
            for match in pattern.finditer(self.text):
                if self._free(*match.span()):
                    end = self._reach(match.end())
                    itself = lexicon.ITSELF.match(self.text[match.end() : end])
                    ids = tuple(
                        i
                        for c in self.found
                        if c.kind == "title" and match.end() <= c.start - self.offset < end
                        for i in c.item_ids
                    )
                    self._claim(
                        "liked" if kind == "liked" else "known",
                        *match.span(),
                        item_ids=ids,
                        against="itself" if itself and not ids else "",
                    )

    def _reach(self, start: int) -> int:
        """How far words about the person reach: to the next pause that is not a comma between titles or values."""
        for pause, end in self.pauses:
            if pause >= start and not self.text[start:pause].strip():
                return pause
            if pause >= start and self.text[pause:end] != ",":
                return pause
            if pause >= start and not self._listing(end):
                return pause
        return len(self.text)

    def _listing(self, comma: int) -> bool:
        at = self.offset + comma
        return any(c.kind in ("title", "value") and 0 <= c.start - at <= 3 for c in self.found) and bool(
            re.match(r"[^,;:.]*(?:\b(?:and|or)\b|,)", self.text[comma:])
        )

    def _scoped(self, claim: Claim) -> Claim:
        """The claim, marked with whose it is and whether it is denied."""
        start = claim.start - self.offset
        attributed = claim.kind in ("value", "name", "number", "degree") and self._within(self.asked, start)
        taste = claim.kind == "value" and not attributed and self._within(self.liked, start)
        negated = claim.kind in ("value", "degree", "praise", "name", "comparison") and (
            self._negated(start) or bool(_DENIED.match(self.text[start + len(claim.text) :]))
        )
        if attributed or taste or negated:
            return replace(claim, attributed=attributed, taste=taste, negated=negated)
        return claim

    def _within(self, wishes: Sequence[re.Match[str]], start: int) -> bool:
        return any(m.end() <= start < self._reach(m.end()) for m in wishes)

    def _negated(self, start: int) -> bool:
        lo = self._clause(start)[0]
        before = [t for t in self.tokens if lo <= t.start and t.end <= start]
        words = [t.folded for t in before]
        near = words[-4:]
        if _AFFIRMED.search(self.text[max(0, start - 24) : start]):
            return False
        if any(w in lexicon.NEGATORS or w.endswith("n't") for w in near):
            return True
        if words and words[-1] in lexicon.JOINERS and len(before) > 1:
            earlier = before[-2]
            for claim in self.found:
                if claim.kind == "value" and claim.end - self.offset == earlier.end:
                    return self._negated(claim.start - self.offset)
        return False


def _plain(phrase: str) -> str:
    return re.sub(r"[\s-]+", " ", phrase).casefold()
