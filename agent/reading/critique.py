"""Comparisons with an item that is known: its values become bounds, the rest shifts the description."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from convrec.agent.reading.adjectives import AdjectiveReader
from convrec.agent.reading.build import Draft
from convrec.agent.reading.comparatives import Compared
from convrec.agent.reading.joins import Said
from convrec.agent.reading.ranges import Bounds, bounds_of, shown_number
from convrec.agent.reading.references import Named
from convrec.agent.reading.text import Chart, Span, key_of
from convrec.agent.reading.values import ValueIndex
from convrec.agent.reading.wanted import value_filter, wanted_range
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.filters import Range
from convrec.retrieval.request import Constraint, Strength
from convrec.retrieval.schema import Attribute, Role

if TYPE_CHECKING:
    from convrec.agent.reading.grammar import Comparative


_APART = 3
"""words that may stand between a comparison and the items that it is with"""


class CritiqueReader:
    """Applies 'compare' spans and 'same X as' to the draft."""

    def __init__(self, catalogue: Catalogue, adjectives: AdjectiveReader, values: ValueIndex) -> None:
        self.catalogue = catalogue
        self.adjectives = adjectives
        self.values = values

    def read(self, chart: Chart, draft: Draft) -> list[Said]:
        """Adds bounds relative to items; wishes that need no item are returned."""
        said: list[Said] = []
        for span in chart.spans("compare"):
            assert isinstance(span.payload, Compared)  # noqa: S101
            said += self._compare(chart, draft, span, span.payload)
        return said

    def fields(self, spans: list[Span]) -> set[str]:
        """Names of the attributes that comparisons are about."""
        found = set()
        for span in spans:
            assert isinstance(span.payload, Compared)  # noqa: S101
            attributes = (self._attribute(span.payload, entry) for entry in span.payload.entries)
            found |= {attribute.name for attribute in attributes if attribute is not None}
        return found

    def too(self, draft: Draft, said: list[Said]) -> list[Said]:
        """'too long', said of a list: the bound lies below what was shown, not only below what is long in general."""
        shown = [self.catalogue.row(s.id) for s in draft.context.shown if s.id in self.catalogue]
        if draft.context.last_focus in self.catalogue and draft.context.last_focus is not None:
            shown = [self.catalogue.row(draft.context.last_focus)]
        result = []
        for entry in said:
            own = entry.wanted
            if (
                entry.too
                and shown
                and own.how == "adjective"
                and own.bounds is not None
                and isinstance(own.negative, Range)
            ):
                values = np.array([self.catalogue.number(own.field)[row] for row in shown])
                values = values[~np.isnan(values)]
                if values.size:
                    middle = float(np.sort(values)[(values.size - 1) // 2])
                    low = own.bounds.maximum is not None
                    bound = (
                        Bounds(minimum=middle, minimum_open=True) if low else Bounds(maximum=middle, maximum_open=True)
                    )
                    attribute = self.catalogue.schema.attribute(own.field)
                    joint = bound.meet(bounds_of(own.negative))
                    entry = replace(entry, wanted=wanted_range(attribute, joint, "number"), negated=False)  # noqa: PLW2901
            result.append(entry)
        return result

    def _compare(self, chart: Chart, draft: Draft, span: Span, compared: Compared) -> list[Said]:
        rows, end = self._against(chart, draft, span)
        for entry in compared.entries:
            attribute = self._attribute(compared, entry)
            if attribute is None:
                continue
            if end == span.end and entry.side == "low" and attribute.role is Role.POPULARITY:
                half = self.adjectives.quantiles.side(attribute, "low", share=0.5)
                return [Said(wanted_range(attribute, half, "number"), span.start, span.end)] if half else []
            beyond = (span.start, end, compared.negated)
            if rows and self._bound(draft, attribute, entry, rows, span=beyond):
                return []
            side = "low" if entry.side == "low" else "high"
            bounds = self.adjectives.quantiles.side(attribute, side)
            if bounds is not None:
                return [Said(wanted_range(attribute, bounds, "adjective"), span.start, span.end)]
        plain = (
            compared.plain
            or next((e.else_ for e in compared.entries if e.else_), None)
            or chart.words(span.start, span.end)
        )
        self._shift(draft, plain, span.start, span.end, less=compared.less)
        for row in self._named_than(chart, span):
            draft.refer(row, 1.0, span.start, end)
        return []

    def _attribute(self, compared: Compared, entry: Comparative) -> Attribute | None:
        """The numeric attribute that a comparison is about."""
        if compared.attribute is not None:
            return self.catalogue.schema.attribute(compared.attribute)
        return self.adjectives.of_role_or_dimension(entry.role, entry.dimension)

    def _named_than(self, chart: Chart, span: Span) -> list[int]:
        return [
            s.payload.hit.row
            for s in chart.spans("title")
            if isinstance(s.payload, Named) and s.payload.use == "than" and s.start >= span.end
        ][:1]

    def _against(self, chart: Chart, draft: Draft, span: Span) -> tuple[list[int], int]:
        """The items compared with: named after 'than', named as examples, or shown; and where they end."""
        titles = [(s, s.payload) for s in chart.spans("title") if isinstance(s.payload, Named)]
        after = [(s, n) for s, n in titles if n.use == "than" and s.start >= span.end]
        if after:
            return [after[0][1].hit.row], after[0][0].end
        for pointed in chart.spans("than"):
            if span.end <= pointed.start <= span.end + _APART and isinstance(pointed.payload, tuple):
                return [self.catalogue.row(i) for i in pointed.payload if i in self.catalogue], pointed.end
        named = [n.hit.row for _, n in titles if n.use in ("like", "bare", "loved")]
        if named:
            return named, span.end
        request = draft.context.request
        acted = [e.part.item_id for e in draft.edits if e.part is not None and e.part.kind == "reference"]
        known = acted or [r.item_id for r in request.references if r.weight > 0]
        if draft.context.last_focus:
            known = known or [draft.context.last_focus]
        rows = [self.catalogue.row(i) for i in known if i in self.catalogue]
        if rows:
            return rows, span.end
        return [self.catalogue.row(s.id) for s in draft.context.shown if s.id in self.catalogue], span.end

    def _bound(
        self, draft: Draft, attribute: Attribute, entry: Comparative, rows: list[int], *, span: tuple[int, int, bool]
    ) -> bool:
        """A bound beyond the items' own value, or there when negated; False where the value is not known."""
        start, end, negated = span
        values = [(row, self.catalogue.number(attribute.name)[row]) for row in rows]
        known = [(row, float(v)) for row, v in values if not np.isnan(v)]
        if not known:
            title = self.catalogue.titles[rows[0]]
            draft.note(f"The {attribute.label} of {title} is not known here.")
            return False
        shown = {s.id for s in draft.context.shown}
        low = (entry.side == "low") != negated
        listed = len(known) > 1 and all(self.catalogue.ids[row] in shown for row, _ in known)
        if listed:
            row, value = sorted(known, key=lambda pair: pair[1])[(len(known) - 1) // 2]
        else:
            row, value = (min if low else max)(known, key=lambda pair: pair[1])
        beyond = not negated
        bounds = Bounds(maximum=value, maximum_open=beyond) if low else Bounds(minimum=value, minimum_open=beyond)
        for old in draft.context.request.constraints:
            if old.fields == (attribute.name,) and not old.negated and isinstance(old.filter, Range):
                joint = bounds.meet(bounds_of(old.filter))
                bounds = joint if joint.possible else bounds
                draft.drop(old.id)
        against = "these" if listed else self.catalogue.titles[row]
        draft.add(
            Constraint(
                filter=bounds.filter(attribute.name),
                label=f"{'not ' if negated else ''}{entry.words[0]} than {against} ({shown_number(attribute, value)})",
                relative_to=None if listed else self.catalogue.ids[row],
                provenance=draft.provenance(start, end),
            )
        )
        if self.catalogue.ids[row] not in shown:
            draft.exclude(row, "named", start, end)
        return True

    def _shift(self, draft: Draft, plain: str, start: int, end: int, *, less: bool) -> None:
        """'darker', 'less violent': a softer wish and the description."""
        hits = [h for h in self.values.find(key_of(plain)) if self.values.controlled(h.attribute)]
        for hit in hits[:1]:
            label = f"less {plain}" if less else f"more {plain}"
            node = value_filter(hit.attribute, hit.values, "none" if less else "any")
            draft.add(
                Constraint(
                    filter=node,
                    strength=Strength.SOFT,
                    negated=less,
                    label=label,
                    provenance=draft.provenance(start, end),
                )
            )
        draft.describe(plain, -1.0 if less else 1.0, start, end)
