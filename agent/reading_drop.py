"""'forget the year', 'drop the French thing', 'any language is fine': parts of the request that go."""

from __future__ import annotations

from convrec.agent.reading_build import Draft
from convrec.agent.reading_grammar import Grammar, phrases
from convrec.agent.reading_text import Chart, key_of
from convrec.agent.reading_values import ValueIndex
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.filters import Contains, In, Not, NotIn, leaves
from convrec.retrieval.request import Constraint, Description, Part, Strength
from convrec.retrieval.schema import Role

_ROLE_WORDS = {
    "year": ("year", "date", "decade", "era", "age", "period", "time"),
    "duration": ("length", "duration", "runtime", "running time", "time", "long"),
    "price": ("price", "cost", "budget", "money"),
    "quality": ("rating", "score", "quality"),
    "popularity": ("popularity", "vote"),
    "language": ("language",),
    "country": ("country", "origin", "nationality", "where"),
    "person": ("actor", "director", "person", "name", "author", "star", "actress", "cast", "people"),
    "topic": ("genre", "topic", "theme", "kind", "category", "type"),
}


class DropReader:
    """Takes parts back; a command that names nothing of the request is left to be read as something else."""

    def __init__(self, catalogue: Catalogue, grammar: Grammar, values: ValueIndex) -> None:
        self.catalogue = catalogue
        self.values = values
        self._cues = phrases(grammar.strength.drop)
        self._after = frozenset(grammar.strength.drop_after)
        self._tail = phrases(grammar.strength.drop_tail)
        self._names: dict[str, set[str]] = {}
        for attribute in catalogue.schema.attributes:
            words = {key_of(attribute.label), key_of(attribute.name.replace("_", " "))}
            words |= {key_of(w) for w in _ROLE_WORDS.get(attribute.role or "", ())}
            for word in words:
                self._names.setdefault(word, set()).add(attribute.name)

    def read(self, chart: Chart, draft: Draft) -> None:
        if draft.context.request.empty and not draft.context.request.exclusions:
            return
        for position in range(len(chart)):
            length = chart.phrase_at(position, self._cues)
            if length:
                self._command(chart, draft, position, position + length)
        for position in range(len(chart)):
            length = chart.phrase_at(position, self._tail)
            if length and chart.free(max(0, position - 2), position):
                self._command(
                    chart, draft, max(0, position - 2), max(0, position - 2), until=position, end=position + length
                )

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

    def _command(
        self, chart: Chart, draft: Draft, start: int, first: int, *, until: int | None = None, end: int | None = None
    ) -> None:
        stop = until if until is not None else self._stop(chart, first)
        while first < stop and chart.tokens[first].norm in (
            "the",
            "about",
            "that",
            "my",
            "it",
            "any",
            "a",
            "on",
            "being",
        ):
            first += 1
        last = stop
        while last > first and chart.tokens[last - 1].norm in self._after:
            last -= 1
        for size in range(last - first, 0, -1):
            found = self._parts(chart.stems(first, first + size), draft)
            if found:
                for part_id in found:
                    draft.drop(part_id)
                close = end if end is not None else (stop if first + size == last else first + size)
                chart.put(start, close, "drop")
                return

    @staticmethod
    def _stop(chart: Chart, first: int) -> int:
        stop = first
        while stop < len(chart) and stop - first < 7 and chart.free(stop, stop + 1):
            if stop > first and (
                chart.breaks(stop, ".,;!?\n") or chart.tokens[stop].norm in ("and", "but", "show", "give")
            ):
                break
            stop += 1
        return stop

    def _parts(self, key: str, draft: Draft) -> list[str]:
        """Ids of the parts of the request that some words name."""
        fields = self._names.get(key, set())
        values = {(h.attribute.name, v.casefold()) for h in self.values.find(key) for v in h.values}
        return [p.id for p in draft.context.request.parts() if self._named(p, fields, values, key)]

    def _named(self, part: Part, fields: set[str], values: set[tuple[str, str]], key: str) -> bool:
        if isinstance(part, Constraint):
            return bool(set(part.fields) & fields) or self._carries(part, values, key)
        if isinstance(part, Description):
            return key in (key_of(part.text), key_of(part.provenance.words))
        return key == key_of(part.title)

    @staticmethod
    def _carries(part: Constraint, values: set[tuple[str, str]], key: str) -> bool:
        for leaf in leaves(part.filter):
            if isinstance(leaf, In | NotIn | Contains):
                own = {(leaf.field, str(v).casefold()) for v in leaf.values}
                if own & values or any(key_of(str(v)) == key for v in leaf.values):
                    return True
        return key in (key_of(part.provenance.words), key_of(part.label))
