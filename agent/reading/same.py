"""'Same director as X', 'from the maker of X', 'as long as X': values taken over from a named item."""

from __future__ import annotations

from convrec.agent.reading.build import Draft
from convrec.agent.reading.grammar import Grammar
from convrec.agent.reading.ranges import Bounds, range_label, year_bounds, year_of
from convrec.agent.reading.references import Named, ReferenceReader
from convrec.agent.reading.text import Chart, key_of
from convrec.agent.reading.wanted import value_filter
from convrec.agent.titles import TitleHit
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.filters import Filter
from convrec.retrieval.request import Constraint, Exclusion, Reference
from convrec.retrieval.schema import Attribute, AttributeKind, Role

_WORDS = {
    "director": ("director", "filmmaker", "maker", "creator"),
    "star": ("star", "actor", "actress", "cast", "lead"),
    "author": ("author", "writer", "maker", "creator"),
    "brand": ("brand", "maker", "manufacturer"),
}
_SLACK = 0.1


class SameReader:
    """Reads 'same ATTRIBUTE as TITLE' and 'the ATTRIBUTE of TITLE'."""

    def __init__(self, catalogue: Catalogue, references: ReferenceReader, grammar: Grammar) -> None:
        self.catalogue = catalogue
        self.references = references
        self._names: dict[str, Attribute] = {}
        for attribute in catalogue.schema.attributes:
            if attribute.kind is AttributeKind.TEXT:
                continue
            words = {key_of(attribute.label), key_of(attribute.name.replace("_", " "))}
            words |= {key_of(w) for w in grammar.measures.get(attribute.role or "", ())}
            for label, alike in _WORDS.items():
                if label in key_of(f"{attribute.label} {attribute.name}"):
                    words |= set(alike)
            if attribute.role is Role.YEAR:
                words |= {"decade", "era", "period"}
            if attribute.role is Role.TOPIC:
                words |= {"genre", "kind", "type"}
            for word in words:
                self._names.setdefault(word, attribute)
        makers = [a for a in catalogue.schema.with_role(Role.PERSON) if _maker(a, grammar)]
        self._maker = next(iter(makers or catalogue.schema.with_role(Role.PERSON)), None)
        self._makes = frozenset(grammar.people.makes)
        self._somebody = frozenset(grammar.people.somebody)
        self._as = frozenset(grammar.title_cues.of)

    def read(self, chart: Chart, draft: Draft) -> None:
        for position in range(len(chart)):
            if chart.owner[position] is not None:
                continue
            for length in (2, 1):
                attribute = self._names.get(chart.stems(position, position + length))
                end = position + length
                if attribute is None:
                    continue
                same = position > 0 and chart.tokens[position - 1].norm == "same"
                if end >= len(chart) or chart.tokens[end].norm not in self._as:
                    continue
                if not same and (chart.tokens[position - 1].norm != "the" or attribute.role is not Role.PERSON):
                    continue
                self._take(chart, draft, attribute, position - 1, end)
                break
            self._whoever(chart, draft, position)

    def _whoever(self, chart: Chart, draft: Draft, position: int) -> None:
        """'from whoever made X', 'by the guy who wrote X'."""
        if self._maker is None or chart.norms(position + 1, position + 2) not in self._makes:
            return
        start, word = position, chart.tokens[position].norm
        while start > 0 and chart.tokens[start - 1].norm in self._somebody and chart.free(start - 1, start):
            start -= 1
        if word == "whoever" or (word in ("who", "that") and start < position):
            self._take(chart, draft, self._maker, start, position + 1)

    def last_named(self, chart: Chart, draft: Draft) -> None:
        """'more by that director', 'anything else from the same author': of the item that was talked about last.

        Reads after the titles of the message.
        """
        for position in range(1, len(chart)):
            for length in (2, 1):
                attribute = self._names.get(chart.stems(position, position + length))
                if position + length > len(chart):
                    continue
                if attribute is not None and chart.free(position, position + length):
                    self._last_named(chart, draft, attribute, position, position + length)
                    break

    def _last_named(self, chart: Chart, draft: Draft, attribute: Attribute, position: int, end: int) -> None:
        if attribute.role is not Role.PERSON or not position or not chart.free(position - 1, end):
            return
        context = draft.context
        excluded = (x for x in context.request.exclusions if x.reason in ("seen", "named"))
        named: list[Reference | Exclusion] = [*context.request.references, *excluded]
        latest = max(named, key=lambda part: part.provenance.turn, default=None)
        item = context.talked_of or (latest.item_id if latest is not None else None)
        item = item or (context.shown[0].id if context.shown else None)
        titles = [s.payload for s in chart.spans("title") if s.start < position and isinstance(s.payload, Named)]
        item = self.catalogue.ids[titles[-1].hit.row] if titles else item
        if (
            chart.tokens[position - 1].norm not in ("that", "this", "same")
            or item is None
            or item not in self.catalogue
        ):
            return
        start = position - 1
        while start > 0 and chart.tokens[start - 1].norm in ("the", "by", "from", "with", "of"):
            start -= 1
        chart.put(start, end, "skip")
        self._same(draft, attribute, self.catalogue.row(item), span=(start, end))

    def _take(self, chart: Chart, draft: Draft, attribute: Attribute, start: int, link: int) -> None:
        first = link + 1
        while (
            first < len(chart)
            and chart.tokens[first].norm in ("in", "that", "made", "the", "who", "directed")
            and not self._title(chart, first)
        ):
            first += 1
        found = self._title(chart, first)
        if found is None:
            return
        hit, end = found
        while (
            start > 0
            and chart.tokens[start - 1].norm in ("the", "by", "from", "with", "of", "same")
            and chart.free(start - 1, start)
        ):
            start -= 1
        chart.put(start, end, "skip")
        row = hit.row
        if hit.how != "exact" or not hit.clear:
            draft.note(f"I took “{chart.words(first, end)}” as {self.references.titles.label(row)}.")
        self._same(draft, attribute, row, span=(start, end))

    def _same(self, draft: Draft, attribute: Attribute, row: int, *, span: tuple[int, int]) -> None:
        """The value of an item is asked for, the item itself is not."""
        start, end = span
        title = self.catalogue.titles[row]
        draft.exclude(row, "named", start, end)
        read = self._filter(attribute, row)
        if read is None:
            draft.note(f"The {attribute.label} of {title} is not known here.")
            return
        node, label = read
        draft.add(
            Constraint(
                filter=node,
                label=f"{label} (as {title})",
                relative_to=self.catalogue.ids[row],
                provenance=draft.provenance(start, end),
            )
        )

    def _title(self, chart: Chart, first: int) -> tuple[TitleHit, int] | None:
        return self.references.title_at(chart, first)

    def _filter(self, attribute: Attribute, row: int) -> tuple[Filter, str] | None:
        value = self.catalogue.value(row, attribute.name)
        if value is None:
            return None
        if isinstance(value, float):
            if attribute.role is Role.YEAR:
                first = year_of(attribute, value) // 10 * 10
                bounds = year_bounds(attribute, first, first + 9)
            else:
                bounds = Bounds(value - abs(value) * _SLACK, value + abs(value) * _SLACK)
            return bounds.filter(attribute.name), range_label(attribute, bounds)
        values = value if isinstance(value, tuple) else (str(value),)
        mode = "all" if attribute.role is Role.TOPIC and len(values) <= 2 else "any"
        return value_filter(attribute, values, mode), f"{attribute.label} {' or '.join(values[:3])}"


def _maker(attribute: Attribute, grammar: Grammar) -> bool:
    own = f"{attribute.name} {attribute.label}".casefold()
    return any(label in own for label in grammar.people.maker_labels)
