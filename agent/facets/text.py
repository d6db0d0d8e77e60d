"""The item's own words: a short excerpt of its text, the sentence nearest to what was asked."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from convrec.agent.claims.index import stems
from convrec.agent.claims.lexicon import FUNCTION_WORDS
from convrec.agent.facets.facet import Facet, words_evidence
from convrec.agent.grounding import Facts
from convrec.agent.narration_context import NarrationContext
from convrec.agent.types import FieldEvidence
from convrec.agent.wording import common_start, idle_words
from convrec.retrieval.filters import leaves
from convrec.retrieval.schema import AttributeKind, Role

LONGEST = 100
"""characters of an excerpt, the ellipsis not counted"""
SHORTEST = 15
READ = 4000
"""characters of a text in which an excerpt is looked for"""

_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?](?!\s|$)[^.!?\n]*)*[.!?]*", re.DOTALL)
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St|Jr|Sr|vs|No|Vol|Prof|Lt|Col|Gen|Sgt|Capt|[A-Z])\.$")
_BREAK = re.compile(r"[,;:]\s|\s[–—-]\s")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+")
_UNQUOTABLE = re.compile(r"[\"“”„«»<>\[\]`|\\{}\x00-\x08\x0b-\x1f\u200b-\u200f\u202a-\u202e\u2060-\u2069]")
_ENDINGS = frozenset({"ly", "ed", "ing", "er", "es", "y", "ness", "less", "ful"})


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A verbatim piece of a text; `shown` adds an ellipsis where it was cut. `word`: the person's word it answers."""

    text: str
    shown: str
    word: str = ""


def excerpt_facets(context: NarrationContext, facts: Facts, quoted: Collection[str] = frozenset()) -> Iterator[Facet]:
    """What the item's text says of itself, first where it meets the person's words; not what was `quoted` before."""
    wanted = _wanted_words(context, facts)
    found = excerpt(facts.item.text, tuple(wanted), _known(facts))
    if found is None or found.text in quoted:
        return
    columns = facts.schema.text_columns
    evidence = FieldEvidence(field=columns[0] if len(columns) == 1 else "text", value=found.text)
    quote = f'"{found.shown}"'
    said = words_evidence(wanted.get(found.word, ""), facts) if found.word else ()
    if said:
        word = wanted[found.word]
        yield Facet(
            "excerpt",
            (
                f'You said "{word}": {quote}',
                f'For your "{word}": {quote}',
                f'"{word}", you said; its description has it: {quote}',
                f'Its description meets your "{word}": {quote}',
            ),
            (*said, evidence),
            joined=(f', and for your "{word}": {quote}',),
        )
    yield Facet(
        "excerpt",
        (quote, f"In its own words: {quote}", f"Its description: {quote}", quote),
        (evidence,),
        joined=(f": {quote}",),
    )


def _wanted_words(context: NarrationContext, facts: Facts) -> dict[str, str]:
    """Content words by which the person described what they want: stem to the word as said."""
    texts = [d.text for d in context.request.descriptions if d.weight > 0]
    topics = {attribute.name for attribute in facts.schema.with_role(Role.TOPIC)}
    for constraint in context.request.constraints:
        tagged = any(leaf.field in topics & facts.index.large for leaf in leaves(constraint.filter))
        if tagged and not constraint.negated and constraint.provenance.source == "message":
            texts.append(constraint.provenance.words)
    found: dict[str, str] = {}
    for word in (match.group() for text in texts for match in _WORD.finditer(text)):
        own = stems(word)
        kind = any(meaning.attribute not in facts.index.large for meaning in facts.index.values(own))
        if len(own) == 1 and not kind and tells(own[0], facts) and word.casefold() not in idle_words():
            found.setdefault(own[0], word)
    return found


def tells(stem: str, facts: Facts) -> bool:
    """Whether a word of a message says something about items."""
    return len(stem) > 2 and not (stem in FUNCTION_WORDS or stem in facts.index.plain or stem in idle_words())


def _known(facts: Facts) -> frozenset[str]:
    """Stems of the title and of the item's values: a sentence of nothing else says nothing new."""
    parts = [facts.item.title]
    for name, value in facts.item.attributes.items():
        if name in facts.schema and facts.schema.attribute(name).kind is not AttributeKind.TEXT:
            parts += [part for part in (value if isinstance(value, tuple) else (value,)) if isinstance(part, str)]
    return frozenset(s for part in parts for s in stems(part))


def excerpt(text: str, wanted: tuple[str, ...] = (), known: frozenset[str] = frozenset()) -> Excerpt | None:
    """The sentence of a text that shares most words with `wanted` (stems), cut to `LONGEST` characters at a word.

    Without shared words it is the first sentence. Sentences that consist of `known` stems are passed over. None where
    no sentence can be quoted as it stands.
    """
    best: tuple[int, int, str, str] | None = None
    for place, sentence in enumerate(_sentences(text[:READ])):
        if len(sentence) < SHORTEST or _UNQUOTABLE.search(sentence):
            continue
        said = stems(sentence)
        if known and known.issuperset(said):
            continue
        hits = [w for w in wanted if any(akin(w, own) for own in said)]
        if best is None or len(hits) > best[0]:
            best = (len(hits), place, sentence, hits[0] if hits else "")
        if not wanted:
            break
    if best is None:
        return None
    _, _, sentence, word = best
    return _cut(sentence, word)


def _sentences(text: str) -> Iterator[str]:
    start = 0
    for match in _SENTENCE.finditer(text):
        whole = text[start : match.end()].strip()
        if _ABBREVIATION.search(whole):
            continue
        start = match.end()
        if whole:
            yield whole
    if text[start:].strip():
        yield text[start:].strip()


def akin(one: str, other: str) -> bool:
    """Whether two stems are forms of one word: 'loneliness' and 'lonely', 'slow' and 'slowly'."""
    if one == other:
        return True
    shared = common_start(one, other)
    shorter, longer = sorted((one, other), key=len)
    if shared >= 5 and shared >= len(shorter) - 1 and len(longer) - len(shorter) <= 5:
        return True
    return shared == len(shorter) >= 4 and longer[shared:] in _ENDINGS


def _cut(sentence: str, word: str) -> Excerpt:
    """The sentence, or the stretch of it that holds the word, at most `LONGEST` characters."""
    if len(sentence) <= LONGEST:
        return Excerpt(sentence, sentence, word)
    start = 0
    at = next((m.end() for m in _WORD.finditer(sentence) if word and any(akin(word, s) for s in stems(m.group()))), 0)
    if at > LONGEST:
        clauses = [m.end() for m in _BREAK.finditer(sentence) if at - LONGEST <= m.end() < at]
        words = [m.start() for m in _WORD.finditer(sentence) if at - LONGEST * 2 // 3 <= m.start() < at]
        start = (clauses or words or [0])[0]
    end = _end(sentence, start, max(at, start + LONGEST * 3 // 4))
    piece = _trimmed(sentence[start:end]) if end < len(sentence) else sentence[start:end]
    lead = "…" if start else ""
    tail = "" if end >= len(sentence) else "…"
    return Excerpt(piece, f"{lead}{piece}{tail}", word)


def _trimmed(piece: str) -> str:
    """A piece that was cut, without the small words and the open bracket at its end."""
    if piece.count("(") > piece.count(")"):
        piece = piece[: piece.rindex("(")]
    words = list(_WORD.finditer(piece))
    while len(words) > 4 and words[-1].group().casefold() in FUNCTION_WORDS:
        words.pop()
        piece = piece[: words[-1].end()]
    return piece.rstrip(" ,;:–—-")


def _end(sentence: str, start: int, least: int) -> int:
    """Where an excerpt that begins at `start` ends: at the last clause that fits, else at the last word."""
    limit = start + LONGEST
    if len(sentence) <= limit:
        return len(sentence)
    clauses = [m.start() for m in _BREAK.finditer(sentence, start, limit + 1) if m.start() >= least]
    if clauses:
        return clauses[-1]
    words = [m.end() for m in _WORD.finditer(sentence, start) if m.end() <= limit]
    return words[-1] if words else limit
