"""The reach of 'no', 'must' and 'ideally' over what was found in a message."""

from __future__ import annotations

from dataclasses import replace

from convrec.agent.reading.grammar import Grammar, phrases
from convrec.agent.reading.joins import joined
from convrec.agent.reading.text import Chart, Phrases
from convrec.agent.reading.walk import Scoped, Walk, Words


class ScopeReader:
    """Walks a chart from left to right and says what is wanted, not wanted, ideal or a must."""

    def __init__(self, grammar: Grammar, labels: frozenset[str], looks: frozenset[str] = frozenset()) -> None:
        """`labels`: what attributes and entries are called; `looks`: attributes of colour and material."""
        self._looks = looks
        self.grammar = grammar
        self._labels = labels
        self._idioms = phrases(grammar.negation.idioms)
        self._comparators = Phrases(grammar.comparators_before)
        self._cues = (
            ("negation", phrases(grammar.negation.cues)),
            ("must", phrases(grammar.strength.must)),
            ("soft", phrases(grammar.strength.soft)),
            ("instead", phrases(grammar.strength.instead)),
            ("also", phrases(grammar.strength.also)),
            ("indifferent", phrases(grammar.negation.indifferent)),
            ("allowed", phrases(grammar.negation.allowed)),
            ("allowed after", phrases(grammar.negation.allowed_after)),
            ("needless after", phrases(grammar.strength.drop_tail)),
        )

    def mark_idioms(self, chart: Chart) -> None:
        """'not sure', 'why not', 'no problem': no negation of what follows."""
        for position in range(len(chart)):
            length = chart.phrase_at(position, self._idioms)
            if length > max(self._cue(chart, position)[0], self._compared(chart, position)):
                chart.put(position, position + length, "skip")

    def read(self, chart: Chart, *, story: frozenset[int], instead: bool = False) -> Scoped:
        """What is said; `instead`: the message takes back what was understood before.

        `story`: places of words that tell what happens; they say nothing about how others are meant.
        """
        walk = Walk(self.grammar, self._labels, chart, story, replaces=instead, looks=self._looks)
        position = 0
        while position < len(chart):
            walk.enter(position)
            span = chart.owner[position]
            if span is not None:
                walk.take(span)
                position = span.end
                continue
            length, kind = (0, "") if position in story else self._cue(chart, position)
            if kind:
                walk.cue(kind, position, position + length)
                chart.put(position, position + length, "cue")
                position += length
                continue
            walk.word(position)
            position += 1
        found = walk.found
        if not found.said and not found.words:
            found.words += self._story(chart)
        return replace(found, said=joined(self.grammar, chart, found.said), words=_segments(chart, found.words))

    def _story(self, chart: Chart) -> list[Words]:
        """'two guys in love': words of chat, when nothing else was said and they are not about the person."""
        places = [
            p
            for p, token in enumerate(chart.tokens)
            if token.norm in self.grammar.story_words and chart.owner[p] is None and not own_feeling(chart, p)
        ]
        return [Words(places[0], places[-1] + 1)] if len(places) > 1 else []

    def _compared(self, chart: Chart, position: int) -> int:
        """'no longer than' is no 'no longer'."""
        length = chart.phrase_at(position, self._comparators)
        return length if chart.norms(position + length - 1, position + length) == "than" else 0

    def _cue(self, chart: Chart, position: int) -> tuple[int, str]:
        best, kind = 0, ""
        for name, cues in self._cues:
            length = chart.phrase_at(position, cues)
            if length > best:
                best, kind = length, name
        return best, kind


def _segments(chart: Chart, words: list[Words]) -> list[Words]:
    """Content words that stand together, function words between them included."""
    segments: list[Words] = []
    for word in words:
        last = segments[-1] if segments else None
        if last is not None and last.negated == word.negated and _bridge(chart, last.end, word.start):
            segments[-1] = replace(last, end=word.end)
        else:
            segments.append(word)
    return segments


def own_feeling(chart: Chart, position: int) -> bool:
    """'I'd love', 'thanks mate': said of the person, not of a story."""
    before = chart.tokens[position - 1].norm if position else ""
    return before in ("", "i", "id", "we", "wed", "would", "really", "you", "thanks")


def _bridge(chart: Chart, start: int, end: int) -> bool:
    if end - start > 4 or any(chart.breaks(p, ".,;!?\n") for p in range(start, end + 1)):
        return False
    return chart.free(start, end)
