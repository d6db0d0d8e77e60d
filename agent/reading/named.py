"""What becomes of the items that a message names: examples, exclusions, a question which one is meant."""

from __future__ import annotations

from convrec.agent.reading.build import Draft
from convrec.agent.reading.references import Named, ReferenceReader
from convrec.agent.reading.text import Chart, Span, key_of
from convrec.agent.reading.values import ValueIndex
from convrec.agent.reading.walk import Words
from convrec.agent.reading.wanted import value_filter
from convrec.agent.titles import TitleIndex
from convrec.agent.types import Clarify
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.request import Constraint
from convrec.retrieval.schema import Role


class NamedItems:
    """Carries named items into the draft."""

    def __init__(
        self, catalogue: Catalogue, titles: TitleIndex, references: ReferenceReader, values: ValueIndex
    ) -> None:
        self.catalogue = catalogue
        self.titles = titles
        self.references = references
        self.values = values

    def use(self, chart: Chart, draft: Draft, shunned: set[int]) -> Clarify | None:
        """References and exclusions for the items named."""
        clarify = None
        for span in chart.spans("title"):
            named = span.payload
            assert isinstance(named, Named)  # noqa: S101
            row, hit = named.hit.row, named.hit
            label = self.titles.label(row)
            if not hit.clear and len(hit.rows) > 1:
                options = tuple(self.titles.label(r) for r in hit.rows[:4])
                noun = self.catalogue.schema.noun
                clarify = Clarify(question=f"Which {noun} do you mean?", options=options)
                draft.note(f"I took “{named.words}” as {label}.")
            elif hit.how in ("partial", "close") or len(hit.rows) > 1:
                draft.note(f"I took “{named.words}” as {label}.")
            use = "hated" if span.start in shunned and named.use in ("like", "loved", "bare") else named.use
            _use(draft, use, row, span.start, span.end)
            if use == "like":
                self._of_its_kind(draft, row, named, span)
            for other in hit.rows[1:] if use in ("seen", "avoid") and hit.how == "partial" else ():
                draft.exclude(other, "seen" if use == "seen" else "named", span.start, span.end)
        return clarify

    def lone(self, chart: Chart, only: Words) -> bool:
        """Whether a message says nothing but a few words that look like a title, even misspelt or in part."""
        if only.negated or only.end - only.start > 9 or any(True for _ in chart.spans("title", "act")):
            return False
        start, end = only.start, only.end
        while start > 0 and chart.owner[start - 1] is None and chart.tokens[start - 1].norm in ("the", "a", "an"):
            start -= 1
        hit = self.references.lone(chart, start, end) if start == 0 and end == len(chart) else None
        if hit is None:
            return False
        chart.put(start, end, "title", Named(hit, "bare", chart.words(start, end)))
        return True

    def _of_its_kind(self, draft: Draft, row: int, named: Named, span: Span) -> None:
        """'like the Larkspur pressure cooker': who names the kind at the end of a title wants one of that kind."""
        words = [word for word in key_of(named.words).split() if word.isalpha()]
        for attribute in self.values.attributes:
            if attribute.role is not Role.TOPIC or not self.values.controlled(attribute):
                continue
            value = self.catalogue.value(row, attribute.name)
            for own in value if isinstance(value, tuple) else (value,):
                last = key_of(str(own)).split()
                if own is not None and words[-len(last) :] == last:
                    draft.add(
                        Constraint(
                            filter=value_filter(attribute, (str(own),)),
                            label=str(own),
                            provenance=draft.provenance(span.start, span.end),
                        )
                    )
                    return


def _use(draft: Draft, use: str, row: int, start: int, end: int) -> None:
    if use in ("like", "loved", "bare"):
        draft.refer(row, 1.0, start, end)
    elif use == "seen":
        draft.exclude(row, "seen", start, end)
    elif use == "hated":
        draft.refer(row, -1.0, start, end)
        draft.exclude(row, "rejected", start, end)
    elif use == "avoid":
        draft.exclude(row, "named", start, end)
