"""Dialogue acts: what a message does, beside what it asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from convrec.agent.interpret import ReadingContext, shown_ids
from convrec.agent.reading.grammar import Grammar, alternation
from convrec.agent.reading.text import Chart

_TITLE = r".{1,90}?"
_ASKING = frozenset(["need", "want", "looking", "recommend", "suggest", "find", "fancy"])
"""words of a sentence that asks for an item"""
_RELATIVES = frozenset(["where", "who", "whose", "when", "with", "about", "which"])
_MODES = ("whole", "start", "find")


@dataclass(frozen=True, slots=True)
class ActHit:
    """An act found in a message: its kind, the shown items it is about, words read as titles, and its tokens."""

    kind: str
    ids: tuple[str, ...]
    titles: tuple[str, ...]
    start: int
    end: int
    whole: bool = False
    words: str = ""


class ActReader:
    """Finds dialogue acts by the patterns of the grammar."""

    def __init__(self, grammar: Grammar, counted: frozenset[str] = frozenset()) -> None:
        """`counted`: words for what the catalogue counts or measures: '2 or 3 doors' are no ranks."""
        self.grammar = grammar
        self._counted = counted
        own = grammar.acts
        ordinals = [word for word, rank in own.ranks.items() if word not in grammar.numbers]
        cardinals = [word for word in own.ranks if word in grammar.numbers]
        prefix = alternation(own.rank_prefix)
        suffix = alternation(own.rank_suffix)
        numbered = alternation([p for p in own.rank_prefix if p != "the"])
        one = (
            rf"(?:(?:(?:{prefix}) )*(?:(?:first|last) (?:{alternation(cardinals)}|\d)"
            rf"|{alternation(ordinals)}|\d{{1,2}}(?:st|nd|rd|th)?)"
            rf"|(?:the )?(?:{numbered}) (?:{alternation(cardinals)}))(?: (?:{suffix}))?"
        )
        pointed = (
            rf"(?:(?:{prefix}) )*(?:(?:first|last) (?:{alternation(cardinals)}|\d)|{alternation(ordinals)})"
            rf"(?: (?:{suffix}))?|(?:the )?(?:{numbered}) (?:{alternation(cardinals)}|\d{{1,2}})"
        )
        ranks = rf"(?:{one})(?: (?:(?:and|or|vs|versus|to|with|from) )?(?:{one}))*"
        whole_list = alternation([*own.everything, *own.both, *own.focus])
        self._than = re.compile(rf"(?<!\S)than (?P<r>{pointed}|{whole_list})(?!\S)")
        self._rank = re.compile(
            rf"(first|last) ({alternation(cardinals)}|\d)\b"
            rf"|\b({alternation(ordinals)}|\d{{1,2}})(?:st|nd|rd|th)?\b|\b({alternation(cardinals)})\b"
        )
        macros = {
            "{R2}": rf"(?:{one}) (?:vs|versus|or|against) (?:{one})",
            "{R}": rf"(?:{ranks}|{whole_list})",
            "{T}": _TITLE,
        }
        self._patterns: dict[str, list[tuple[str, re.Pattern[str]]]] = {mode: [] for mode in _MODES}
        for act in grammar.act:
            for mode in _MODES:
                for pattern in getattr(act, mode):
                    for macro, body in macros.items():
                        pattern = pattern.replace(macro, body)  # noqa: PLW2901
                    tail = r"(?: (?:please|now|then|again))*$" if "(?P<t>" in pattern else r"(?!\S)"
                    bound = {
                        "whole": rf"^(?:{pattern})$",
                        "start": rf"^(?:{pattern})(?!\S)",
                        "find": rf"(?<!\S)(?:{pattern}){tail}",
                    }
                    self._patterns[mode].append((act.kind, re.compile(bound[mode])))
        self._lead = re.compile(rf"^(?:(?:{alternation(grammar.vague.lead)}) )+")
        self._vague = [re.compile(rf"^(?:{p})$") for p in grammar.vague.whole]

    def whole(self, chart: Chart, context: ReadingContext, start: int = 0) -> ActHit | None:
        """An act that all of the message from a token on is."""
        text, _ = _text(chart, start)
        for kind, pattern in self._patterns["whole"]:
            if pattern.match(text) and not (kind == "off_topic" and self._wanted(chart, start)):
                ids = self._focus(context) if kind in ("explain", "tell_more", "seen") else ()
                return ActHit(kind, ids, (), start, len(chart), whole=True, words=text)
        return None

    def _wanted(self, chart: Chart, start: int) -> bool:
        """'how do I clean water? I need a gadget for that': a later sentence asks for something."""
        later = next((p for p in range(start + 1, len(chart)) if chart.breaks(p)), len(chart))
        return any(token.norm in _ASKING for token in chart.tokens[later:])

    def opening(self, chart: Chart, start: int) -> ActHit | None:
        """An act that the message begins with, from a token on."""
        text, offsets = _text(chart, start)
        for kind, pattern in self._patterns["start"]:
            found = pattern.match(text)
            if found and found.end() > 0:
                return ActHit(kind, (), (), start, _token_after(offsets, found.end(), start))
        return None

    def anywhere(self, chart: Chart, context: ReadingContext) -> list[ActHit]:
        """Acts on shown items or on titles, over tokens that nobody has read."""
        hits: list[ActHit] = []
        begins = [0, *(p for p in range(1, len(chart)) if chart.breaks(p))]
        for begin, stop in zip(begins, [*begins[1:], len(chart)], strict=True):
            text, offsets = _text(chart, begin, stop)
            for kind, pattern in self._patterns["find"]:
                for found in pattern.finditer(text):
                    start = _token_after(offsets, found.start(), begin)
                    end = _token_after(offsets, found.end(), begin)
                    if not chart.free(start, end) or any(h.start < end and start < h.end for h in hits):
                        continue
                    hit = self._hit(kind, found, chart, context, span=(start, end))
                    if hit is not None:
                        hits.append(hit)
        return sorted(hits, key=lambda h: h.start)

    def compared_with(self, chart: Chart, context: ReadingContext) -> None:
        """'than the first one', 'than #3': puts 'than' spans for the shown items that something is compared with."""
        text, offsets = _text(chart, 0)
        for found in self._than.finditer(text):
            start, end = _token_after(offsets, found.start(), 0), _token_after(offsets, found.end(), 0)
            ids = self.items(found["r"], context)
            if ids and chart.free(start, end) and not (end < len(chart) and self._measured(chart, end)):
                chart.put(start, end, "than", ids)

    def vague(self, chart: Chart) -> bool:
        """Whether the message points at something nobody but the person can know."""
        text, _ = _text(chart, 0)
        text = self._lead.sub("", text)
        return any(p.match(text) for p in self._vague)

    def _hit(
        self, kind: str, found: re.Match[str], chart: Chart, context: ReadingContext, *, span: tuple[int, int]
    ) -> ActHit | None:
        start, end = span
        groups = found.groupdict()
        words = groups.get("r") or groups.get("f")
        if words is None:
            titles = tuple(t for t in (groups.get("t"), groups.get("t2")) if t)
            return ActHit(kind, (), titles, start, end) if titles else None
        if end < len(chart) and (self._measured(chart, end) or self._told(chart, end, words)):
            return None
        named = context.request.references if kind == "more_like" and words in self.grammar.acts.focus else ()
        # 'loved Inception', then 'like that': what was named goes before what was shown.
        ids = (named[-1].item_id,) if named and context.talked_of is None else self.items(words, context)
        if not ids and (context.shown or kind not in ("explain", "compare", "tell_more")):
            return None
        return ActHit(kind, ids, (), start, end)

    def _told(self, chart: Chart, position: int, words: str) -> bool:
        """'that one where a guy is stuck' is told of, not pointed at."""
        goes_on = not chart.breaks(position, ".,;!?\n") and chart.tokens[position].norm in _RELATIVES
        return goes_on and words in self.grammar.acts.focus

    def _measured(self, chart: Chart, position: int) -> bool:
        """'not 2 hours' is no rank."""
        if chart.breaks(position, ".,;!?\n"):
            return False
        token = chart.tokens[position]
        return (
            token.norm in self.grammar.unit_index
            or token.stem in self.grammar.noun_words
            or token.stem in ("star", "time")
            or token.stem in self._counted
        )

    def items(self, words: str, context: ReadingContext) -> tuple[str, ...]:
        """The shown items that words like 'the second one' or '1 and 4' point at."""
        own = self.grammar.acts
        if words in own.everything:
            return tuple(entry.id for entry in context.shown)
        if words in own.both:
            return tuple(entry.id for entry in context.shown[:2])
        if words in own.focus:
            return self._focus(context)
        ranks: list[int] = []
        last = max((entry.rank for entry in context.shown), default=0)
        for several, count, single, cardinal in self._rank.findall(words):
            if several:
                number = own.ranks.get(count) or int(count)
                ranks += range(1, number + 1) if several == "first" else range(last - number + 1, last + 1)
                continue
            word = single or cardinal
            if word == "one" and ranks:
                continue
            rank = own.ranks.get(word) or int(word)
            ranks.append(last if rank < 0 else rank)
        return shown_ids(context, ranks)

    @staticmethod
    def _focus(context: ReadingContext) -> tuple[str, ...]:
        if context.last_focus is not None:
            return (context.last_focus,)
        return tuple(entry.id for entry in context.shown[:1])


def _text(chart: Chart, start: int, stop: int | None = None) -> tuple[str, list[tuple[int, int]]]:
    """The folded words from a token on, up to another, and where in them each token begins."""
    offsets: list[tuple[int, int]] = []
    parts: list[str] = []
    at = 0
    for position in range(start, len(chart) if stop is None else stop):
        norm = chart.tokens[position].norm
        offsets.append((at, position))
        parts.append(norm)
        at += len(norm) + 1
    return " ".join(parts), offsets


def _token_after(offsets: list[tuple[int, int]], at: int, start: int) -> int:
    """The first token that begins at or after a character."""
    for begin, position in offsets:
        if begin >= at:
            return position
    return offsets[-1][1] + 1 if offsets else start
