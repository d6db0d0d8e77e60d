"""Items named in a message."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from convrec.agent.reading.grammar import Grammar, phrases
from convrec.agent.reading.people import PeopleIndex
from convrec.agent.reading.text import Chart, fold
from convrec.agent.reading.title_rules import TitleJudge
from convrec.agent.reading.values import ValueIndex
from convrec.agent.titles import TitleHit, TitleIndex

_WHICH = re.compile(r"(?:the )?(?:very )?(?:first|1st|original|old) (?:ones?|film|movie|part|book|game|version)(?!\S)")
"""says which of several of a name is meant: 'Saw (the first one)'"""
_FEW_WORDS = 2
"""a title of no more words may be somebody's name"""
_QUOTES = {"“": "”", "«": "»", "《": "》", '"': '"', "„": "“", "‘": "’", "「": "」", "'": "'"}


@dataclass(frozen=True, slots=True)
class Named:
    """An item named in the message. `use`: like, loved, seen, hated, avoid, than, same, of or bare."""

    hit: TitleHit
    use: str
    words: str


class ReferenceReader:
    """Puts titles ('title' spans) into a chart."""

    def __init__(self, titles: TitleIndex, values: ValueIndex, people: PeopleIndex, grammar: Grammar) -> None:
        self.titles = titles
        self.values = values
        self.judge = TitleJudge(values, people, grammar)
        self.grammar = grammar
        cues = grammar.title_cues
        self._cues: dict[str, str] = {}
        for use in ("than", "like", "loved", "seen", "hated", "avoid"):
            for phrase in getattr(cues, use):
                self._cues[fold(phrase)] = use
        self._longest_cue = max(cue.count(" ") + 1 for cue in self._cues)
        self._pronouns = phrases(cues.pronouns)
        self.unknown: list[str] = []

    def find_titles(self, chart: Chart) -> list[str]:
        """Quoted titles, titles after a cue, and clear whole titles anywhere; returns those that are unknown."""
        self.unknown = self._quoted(chart)
        position = 0
        while position < len(chart):
            position = self._cued(chart, position) or position + 1
        for start in range(len(chart)):
            if chart.owner[start] is None:
                self._bare(chart, start)
        return self.unknown

    def find_whole(self, chart: Chart) -> None:
        """Whole titles of three words or more after a cue: 'like Bodega Quebrada Piedra Roja' names no maker."""
        for position in range(len(chart)):
            for length in range(min(self._longest_cue, len(chart) - position), 0, -1):
                start = position + length
                use = self._cues.get(chart.norms(position, start))
                if use is None or start >= len(chart) or not chart.free(position, start) or chart.breaks(start):
                    continue
                found = self._exact_from(chart, start, use, joined=False)
                if found is not None and found[1] - start > _FEW_WORDS:
                    self._put(chart, (position, found[1]), start, found[0], use)
                break

    def title_at(self, chart: Chart, start: int) -> tuple[TitleHit, int] | None:
        """The title that starts at a token and where it ends, as after a cue."""
        return self._title_from(chart, start, "like")

    def lookup(self, words: str) -> TitleHit | None:
        """The item that folded words name, however roughly."""
        return self.titles.exact(words) or self.titles.close(words) or self.titles.partial(words)

    def lone(self, chart: Chart, start: int, end: int) -> TitleHit | None:
        """The item that a whole message of a few words names."""
        key = chart.norms(start, end)
        if self.judge.is_value(chart, start, end):
            return None
        hit = self.titles.exact(key) if end - start > 1 else None
        if end - start > 1 or chart.tokens[start].stem not in self.values.known_words:
            hit = hit or self.titles.close(key, cutoff=88.0)
        rare = [
            t
            for t in chart.tokens[start:end]
            if t.norm not in self.grammar.plain_words and t.stem not in self.values.known_words
        ]
        if hit is None and end - start > 1 and (rare or any(t.capital for t in chart.tokens[start + 1 : end])):
            hit = self.titles.partial(key)
        return hit

    def _quoted(self, chart: Chart) -> list[str]:
        unknown = []
        text, position = chart.message, 0
        while position < len(text):
            closing = _QUOTES.get(text[position])
            if closing is None or (text[position] == "'" and position and text[position - 1].isalnum()):
                position += 1
                continue
            end = text.find(closing, position + 1)
            if end < 0 or end - position > 120:
                position += 1
                continue
            inside = [i for i, t in enumerate(chart.tokens) if t.start > position and t.end <= end]
            if inside and chart.free(inside[0], inside[-1] + 1):
                hit = self._dated(chart, inside[0], inside[-1] + 1)
                use, start = self._use_before(chart, inside[0])
                if hit is not None:
                    self._put(chart, (start, inside[-1] + 1), inside[0], hit, use)
                elif closing not in ("'", '"') or use != "bare":
                    unknown.append(text[position + 1 : end])
            position = end + 1
        return unknown

    def _dated(self, chart: Chart, start: int, end: int) -> TitleHit | None:
        key = chart.norms(start, end)
        year = self._year_after(chart, end)
        return self.titles.exact(key, year) or self.titles.close(key, year) or self.titles.partial(key, year)

    def _year_after(self, chart: Chart, end: int) -> int | None:
        if (
            end < len(chart)
            and chart.tokens[end].norm.isdigit()
            and len(chart.tokens[end].norm) == 4
            and "(" in chart.gap(end)
        ):
            return int(chart.tokens[end].norm)
        return None

    def _use_before(self, chart: Chart, start: int) -> tuple[str, int]:
        """What the words before a title say of it, and where they begin."""
        for skip in (0, 1):
            end = start - skip
            if skip and (
                start < 1 or chart.tokens[start - 1].norm not in ("the", "a", "movie", "film", "book", "maybe")
            ):
                break
            for length in range(min(self._longest_cue, end), 0, -1):
                use = self._cues.get(chart.norms(end - length, end))
                if (
                    use is not None
                    and chart.free(end - length, end)
                    and not any(chart.breaks(p) for p in range(end - length + 1, start + 1))
                ):
                    return use, end - length
        return "bare", start

    def _cued(self, chart: Chart, position: int) -> int | None:
        """A title right after a cue that starts here, and those joined to it; the position after the last."""
        for length in range(min(self._longest_cue, len(chart) - position), 0, -1):
            end = position + length
            use = self._cues.get(chart.norms(position, end))
            if use is None or not chart.free(position, end) or end >= len(chart) or chart.breaks(end, ".;!?\n"):
                continue
            if use == "like" and length == 1 and self._is_verb(chart, position):
                use = "loved"
            start = end
            found = None if self._limits_number(chart, start) else self._title_from(chart, start, use)
            if found is None:
                unknown = None if use == "avoid" else self.judge.unknown(chart, start)
                if unknown is not None and (use in ("like", "than") or unknown[1] - unknown[0] > 1):
                    self.unknown.append(chart.words(*unknown))
                    chart.put(position, unknown[1], "skip")
                    return unknown[1]
                continue
            self._put(chart, (position, found[1]), start, found[0], use)
            return self._more_titles(chart, found[1], use)
        return None

    def _limits_number(self, chart: Chart, start: int) -> bool:
        """'like max 90 minutes': the word belongs to the number behind it."""
        number = start + 1 < len(chart) and chart.tokens[start + 1].text[:1].isdigit()
        return number and chart.norms(start, start + 1) in self.grammar.comparators_before

    @staticmethod
    def _is_verb(chart: Chart, position: int) -> bool:
        before = chart.tokens[position - 1].norm if position else ""
        return before in ("i", "we", "also", "really", "id", "would")

    def _more_titles(self, chart: Chart, position: int, use: str) -> int:
        while position < len(chart):
            word = chart.tokens[position].norm
            joined = word in ("and", "or", "nor", "plus")
            if not joined and "," not in chart.gap(position) and "/" not in chart.gap(position):
                break
            start = position + 1 if joined else position
            if start < len(chart) and chart.tokens[start].norm in ("and", "or"):
                start += 1
            found = self._title_from(chart, start, use, joined=True)
            if found is None:
                break
            self._put(chart, (start, found[1]), start, found[0], use)
            if joined:
                chart.put(position, start, "join")
            position = found[1]
        return position

    def _title_from(self, chart: Chart, start: int, use: str, *, joined: bool = False) -> tuple[TitleHit, int] | None:
        """The title that starts here: whole, else misspelt or in part up to the end of the phrase."""
        if start >= len(chart) or not chart.free(start, start + 1):
            return None
        exact = self._exact_from(chart, start, use, joined=joined)
        if exact is not None:
            return exact
        end = self.judge.phrase_end(chart, start)
        verb = use in ("loved", "seen", "hated", "avoid", "than") or joined
        for stop in range(end, end - 1 if use == "avoid" else start, -1):
            key = chart.norms(start, stop)
            noun = chart.tokens[stop - 1].stem in self.grammar.noun_words and not chart.tokens[stop - 1].capital
            if self.judge.cut(chart, start, stop) or (use == "avoid" and noun):
                continue
            if all(t.norm in self.grammar.plain_words for t in chart.tokens[start:stop]) or self.judge.is_value(
                chart, start, stop
            ):
                continue
            capital = any(t.capital for t in chart.tokens[start:stop])
            year = self._year_after(chart, stop)
            hit = self.titles.close(key, year, 88.0 if not verb or capital else 91.0)
            if hit is None and (capital or (stop == end and not verb)) and self.judge.weighty(chart, start, stop):
                hit = self.titles.partial(key, year)
            if hit is not None:
                return hit, stop + (1 if year is not None else 0)
        return None

    def _exact_from(self, chart: Chart, start: int, use: str, *, joined: bool) -> tuple[TitleHit, int] | None:
        """A whole title from here on, before the beginning of one."""
        found = self._whole_from(chart, start, use, self.titles.exact, joined=joined)
        if found is None and chart.tokens[start].norm in ("the", "a", "an") and start + 1 < len(chart):
            found = self._whole_from(chart, start + 1, use, self.titles.exact, joined=joined)
        return found or self._whole_from(chart, start, use, self.titles.series, joined=joined)

    def _whole_from(
        self, chart: Chart, start: int, use: str, find: Callable[[str, int | None], TitleHit | None], *, joined: bool
    ) -> tuple[TitleHit, int] | None:
        for stop in range(min(len(chart), start + self.titles.longest), start, -1):
            if not chart.free(start, stop) or any(
                chart.breaks(p, ".;!?\n") and chart.gap(p).strip() in (";", "!", "?", "\n")
                for p in range(start + 1, stop)
            ):
                continue
            year = self._year_after(chart, stop)
            key = chart.norms(start, stop)
            hit = find(key, year)
            if hit is not None and year is None and self.judge.cut(chart, start, stop):
                continue
            if hit is not None and self._counts(chart, start, stop, use, joined=joined, dated=year is not None):
                return hit, stop + (1 if year is not None else 0)
        return None

    def _counts(self, chart: Chart, start: int, stop: int, use: str, *, joined: bool, dated: bool) -> bool:
        """Whether an exact title after a cue is meant as one ('like her' is not, 'like Her' is)."""
        capital = chart.tokens[start].capital or (stop - start > 1 and any(t.capital for t in chart.tokens[start:stop]))
        if use == "like" and start > 0 and capital and not self.judge.is_exact_value(chart, start, stop):
            return True
        if self.judge.is_value(chart, start, stop) and not dated:
            return use == "like" and start > 1 and not self.judge.is_exact_value(chart, start, stop)
        if dated or (capital and start > 0):
            return True
        words = [t.norm for t in chart.tokens[start:stop]]
        plain = self.grammar.plain_words
        final = stop == len(chart) or chart.breaks(stop, ".,;!?\n")
        if use == "like" and final and start > 1 and words[0] not in self._pronouns and stop - start == 1:
            return not self.judge.is_value(chart, start, stop)
        if all(w in self._pronouns or w in plain for w in words) or self.judge.is_value(chart, start, stop):
            return False
        known = all(t.stem in self.values.known_words for t in chart.tokens[start:stop])
        if use == "avoid" and (known or chart.tokens[stop - 1].stem in self.grammar.noun_words):
            return False
        wary = joined or use in ("avoid", "hated", "loved", "seen")
        return not (wary and stop - start == 1 and words[0] in self.values.common_words)

    def _bare(self, chart: Chart, start: int) -> None:
        """A whole title without a cue: dated, capitalised, or three words with two of weight."""
        if chart.tokens[start].norm not in self.titles.firsts:
            return
        for stop in range(min(len(chart), start + self.titles.longest), start, -1):
            if not chart.free(start, stop):
                continue
            year = self._year_after(chart, stop)
            key = chart.norms(start, stop)
            hit = self.titles.exact(key, year) or (self.titles.series(key, year) if stop - start > 1 else None)
            tag = hit is not None and hit.how == "partial" and self.values.find(chart.stems(start, stop))
            if tag and not chart.tokens[start].capital:
                continue
            lettered = any(t.norm.isalpha() for t in chart.tokens[start:stop])
            if (
                hit is None
                or not lettered
                or not ((year is not None and hit.clear) or self._evident(chart, start, stop))
            ):
                continue
            self._put(chart, (start, stop + (1 if year is not None else 0)), start, hit, "bare")
            return

    def _evident(self, chart: Chart, start: int, stop: int) -> bool:
        tokens = chart.tokens[start:stop]
        content = [t for t in tokens if t.norm not in self.grammar.plain_words]
        if self.judge.is_value(chart, start, stop) or self.judge.cut(chart, start, stop):
            return False
        shouting = chart.message.isupper()
        named = [t.capital or t.norm in self.grammar.function_words or not t.text[0].isalpha() for t in tokens]
        capital = all(named) and tokens[0].text[0].isalnum() and not shouting
        if stop - start == len(chart):
            exact = self.titles.exact(chart.norms(start, stop)) is not None
            return (exact and (stop - start > 1 or tokens[0].capital)) or len(content) > 1
        if not content:
            return False
        if stop - start == 1:
            rare = content[0].stem not in self.values.known_words and self.judge.people.surname(content[0].norm) is None
            return capital and start > 0 and rare
        if capital and any(t.capital for t in content):
            return start > 0 or stop - start > 2 or tokens[1].capital
        beside = [chart.tokens[p].stem for p in (start - 1, stop) if 0 <= p < len(chart)]
        if len(content) >= 2 and any(stem in self.grammar.noun_words for stem in beside):
            return True
        return stop - start >= 3 and len(content) >= 2 and any(t.stem not in self.values.common_words for t in content)

    def _put(self, chart: Chart, span: tuple[int, int], title: int, hit: TitleHit, use: str) -> None:
        start, end = span
        negated = {"like": "avoid", "loved": "hated"}
        if (
            start > 0
            and chart.tokens[start - 1].norm in ("not", "nothing", "never", "dont", "didnt")
            and use in negated
            and chart.free(start - 1, start)
        ):
            use, start = negated[use], start - 1
        chart.put(start, end, "title", Named(hit, use, chart.words(title, end)))
        told = _WHICH.match(chart.norms(end, min(end + 4, len(chart))))
        stop = end + len(told[0].split()) if told else end
        if told and chart.free(end, stop) and not chart.breaks(end, ";!?\n"):
            chart.put(end, stop, "skip")
