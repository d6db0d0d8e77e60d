"""'forget the year', 'no time limit', 'price doesn't matter', 'it needn't be French': parts of the request that go."""

from __future__ import annotations

from convrec.agent.reading.build import Draft
from convrec.agent.reading.grammar import Grammar, phrases
from convrec.agent.reading.text import Chart, key_of, words_of
from convrec.agent.reading.values import ValueIndex
from convrec.agent.reading.walk import Scoped
from convrec.agent.reading.wanted import Wanted, mentions
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.filters import Contains, In, Not, NotIn, leaves
from convrec.retrieval.request import Constraint, Description, Part, Strength
from convrec.retrieval.schema import Role

_ROLE_WORDS = {
    "year": ("year", "date", "decade", "era", "period", "time period", "how old", "how recent", "when"),
    "duration": ("length", "duration", "runtime", "running time", "time", "how long"),
    "price": ("price", "cost", "budget", "money", "how expensive", "how much"),
    "quality": ("rating", "score", "quality"),
    "popularity": ("popularity", "vote", "how popular"),
    "language": ("language",),
    "country": ("country", "origin", "nationality", "where"),
    "person": ("actor", "director", "person", "name", "author", "star", "actress", "cast", "people"),
    "topic": ("genre", "topic", "theme", "kind", "category", "type"),
}
_SKIPPED = frozenset(
    ["the", "about", "that", "my", "it", "its", "any", "a", "on", "being", "what", "which", "is", "of"]
)
_LONGEST = 7
"""words that a command may name"""


class DropReader:
    """Takes parts back; a command that names nothing of the request is left to be read as something else."""

    def __init__(self, catalogue: Catalogue, grammar: Grammar, values: ValueIndex) -> None:
        self.catalogue = catalogue
        self.grammar = grammar
        self.values = values
        own = grammar.strength
        self._commands = phrases(own.drop)
        self._waivers = phrases(own.waive)
        self._unbound = phrases(own.unbound)
        self._after = frozenset(own.drop_after)
        self._tail = phrases(own.drop_tail)
        self._waiver_tail = phrases(own.waive_tail)
        self._names: dict[str, set[str]] = {key_of(w): set() for words in _ROLE_WORDS.values() for w in words}
        attributes = catalogue.schema.attributes
        own_names = {a.name: {key_of(a.label), key_of(a.name.replace("_", " "))} for a in attributes}
        # Where one column is called 'theme', the word does not stand for every topic.
        taken = frozenset[str]().union(*own_names.values())
        for attribute in attributes:
            words = {key_of(w) for w in _ROLE_WORDS.get(attribute.role or "", ())} - taken
            named = own_names[attribute.name]
            for word in words | named.union(*(grammar.same_as.get(name, ()) for name in named)):
                self._names.setdefault(word, set()).add(attribute.name)

    def read(self, chart: Chart, draft: Draft) -> None:
        for position in range(len(chart)):
            if (length := self.waiver(chart, position)) and self._waived(chart, draft, position, length):
                continue
            if length := chart.phrase_at(position, self._unbound):
                self._limit(chart, draft, position, position + length)
        if draft.context.request.empty and not draft.context.request.exclusions:
            return
        for position in range(len(chart)):
            if length := chart.phrase_at(position, self._commands):
                self._command(chart, draft, position, position + length)
        for position in range(len(chart)):
            if length := chart.phrase_at(position, self._tail):
                self._before(chart, draft, position, position + length)

    def waiver(self, chart: Chart, position: int) -> int:
        """Length of the words before the name of an attribute that say that it does not matter; 0 without."""
        length = chart.phrase_at(position, self._waivers)
        return length if length and self._named_at(chart, position + length) else 0

    def person(self, chart: Chart, draft: Draft) -> None:
        """'without him': the person asked for last is not wanted."""
        words = {token.norm for token in chart.tokens}
        if not words & {"him", "her", "them"} or not words & {"without", "not", "no", "except", "minus"}:
            return
        for part in reversed(draft.context.request.constraints):
            roles = {self.catalogue.schema.attribute(name).role for name in part.fields}
            if roles == {Role.PERSON} and not part.negated:
                against = Not(part=part.filter)
                draft.drop(part.id)
                draft.add(
                    Constraint(
                        filter=against,
                        strength=Strength.MUST,
                        negated=True,
                        label=f"not {part.label}",
                        provenance=draft.provenance(0, len(chart)),
                    )
                )
                return

    def needless(self, draft: Draft, scoped: Scoped, yielding: set[str]) -> None:
        """Drops what need not be any more ('it doesn't have to be French', 'it can be long too').

        `yielding`: names of attributes that a comparison frees ('it can be longer').
        """
        for part in draft.context.request.constraints:
            free = bool(part.fields) and set(part.fields) <= yielding
            if free or any(self._needless(part, wanted, allowed) for wanted, allowed in scoped.needless):
                draft.drop(part.id)
        if not scoped.ignored:
            return
        for description in draft.context.request.descriptions:
            content = {w for w in words_of(description.text) if w not in self.grammar.plain_words}
            if content and content <= scoped.ignored:
                draft.drop(description.id)

    @staticmethod
    def _needless(part: Constraint, wanted: Wanted, allowed: bool) -> bool:
        """Whether a constraint goes; what is only allowed as well takes back no wish for the same."""
        if wanted.field not in part.fields:
            return False
        if wanted.bounds is not None:
            return not (allowed and part.filter == wanted.filter)
        own = mentions(part, wanted) or any(part.filter == companion for companion, _ in wanted.soft)
        return own and (part.negated or not allowed)

    def _named_at(self, chart: Chart, first: int) -> int:
        """Where the name of an attribute that starts here ends, when nothing else is said of it; 0 without one."""
        if chart.breaks(first, ".,;!?\n"):
            return 0
        first = self._start(chart, first, len(chart))
        for end in range(min(first + 3, len(chart)), first, -1):
            if self._names_attribute(chart, first, end):
                last = end + (1 if chart.norms(end, end + 1) in self._after else 0)
                closed = last >= len(chart) or chart.breaks(last, ".,;!?\n")
                return last if closed or self._goes_on(chart, last) else 0
        return 0

    def _goes_on(self, chart: Chart, position: int) -> bool:
        """'any length is fine' goes on about the attribute, 'any star wars film' and 'any kind of soup' do not."""
        return chart.tokens[position].norm in self.grammar.plain_words - {"of", "with", "who", "that", "which"}

    def _names_attribute(self, chart: Chart, start: int, end: int) -> bool:
        inside = range(start + 1, end)
        return (
            chart.free(start, end)
            and chart.stems(start, end) in self._names
            and not any(chart.breaks(p, ".,;!?\n") for p in inside)
        )

    def _waived(self, chart: Chart, draft: Draft, start: int, length: int) -> bool:
        """'any length', 'whatever language': done even where nothing of the request is to go."""
        last = self._named_at(chart, start + length)
        name = self._start(chart, start + length, last)
        end = last - (1 if chart.tokens[last - 1].norm in self._after and last - 1 > name else 0)
        tail = chart.phrase_at(last, self._waiver_tail) or chart.phrase_at(last, self._tail)
        self._take(chart, draft, (name, end), (start, last + tail), values=False)
        return True

    def _limit(self, chart: Chart, draft: Draft, start: int, first: int) -> None:
        """'no time limit'."""
        for end in range(min(first + 3, len(chart) - 1), first, -1):
            tail = chart.tokens[end]
            if (tail.norm in self._after or tail.stem in self._after) and self._names_attribute(chart, first, end):
                self._take(chart, draft, (first, end), (start, end + 1), values=False)
                return

    def _before(self, chart: Chart, draft: Draft, position: int, end: int) -> None:
        """'price doesn't matter'."""
        for start in range(max(0, position - 3), position):
            if any(chart.breaks(p, ".,;!?\n") for p in range(start + 1, position + 1)) or not chart.free(
                start, position
            ):
                continue
            if self._take(chart, draft, (start, position), (start, end), values=True):
                return

    def _take(self, chart: Chart, draft: Draft, name: tuple[int, int], span: tuple[int, int], *, values: bool) -> bool:
        """Drops what some words name; whether they name anything."""
        key = chart.stems(*name)
        found = self._parts(key, draft, values=values)
        if not found and key not in self._names:
            return False
        for part_id in found:
            draft.drop(part_id)
        chart.put(*span, "drop")
        return True

    def _command(self, chart: Chart, draft: Draft, start: int, first: int) -> None:
        """'forget the year', 'drop the French thing'."""
        stop = self._stop(chart, first)
        first = self._start(chart, first, stop)
        last = stop
        while last > first and chart.tokens[last - 1].norm in self._after:
            last -= 1
        for size in range(last - first, 0, -1):
            found = self._parts(chart.stems(first, first + size), draft)
            if found:
                for part_id in found:
                    draft.drop(part_id)
                chart.put(start, stop if first + size == last else first + size, "drop")
                return

    @staticmethod
    def _start(chart: Chart, first: int, stop: int) -> int:
        while first < stop and chart.tokens[first].norm in _SKIPPED:
            first += 1
        return first

    @staticmethod
    def _stop(chart: Chart, first: int) -> int:
        stop = first
        while stop < len(chart) and stop - first < _LONGEST and chart.free(stop, stop + 1):
            if stop > first and (
                chart.breaks(stop, ".,;!?\n") or chart.tokens[stop].norm in ("and", "but", "show", "give")
            ):
                break
            stop += 1
        return stop

    def _parts(self, key: str, draft: Draft, *, values: bool = True) -> list[str]:
        """Ids of the parts of the request that some words name, by their attribute or also by their `values`."""
        fields = self._names.get(key, set())
        named = {(h.attribute.name, v.casefold()) for h in self.values.find(key) if values for v in h.values}
        return [p.id for p in draft.context.request.parts() if self._named(p, fields, named, key if values else "")]

    def _named(self, part: Part, fields: set[str], values: set[tuple[str, str]], key: str) -> bool:
        if isinstance(part, Constraint):
            return bool(set(part.fields) & fields) or (bool(key) and self._carries(part, values, key))
        if isinstance(part, Description):
            return bool(key) and key in (key_of(part.text), key_of(part.provenance.words))
        return bool(key) and key == key_of(part.title)

    @staticmethod
    def _carries(part: Constraint, values: set[tuple[str, str]], key: str) -> bool:
        for leaf in leaves(part.filter):
            if isinstance(leaf, In | NotIn | Contains):
                own = {(leaf.field, str(v).casefold()) for v in leaf.values}
                if own & values or any(key_of(str(v)) == key for v in leaf.values):
                    return True
        return key in (key_of(part.provenance.words), key_of(part.label))
