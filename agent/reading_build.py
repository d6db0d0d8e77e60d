"""From what was said to edits of the request: later words win, and what contradicts is told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from convrec.agent.interpret import ReadingContext
from convrec.agent.reading_joins import Said
from convrec.agent.reading_ranges import Bounds, bounds_of, range_label
from convrec.agent.reading_text import Chart
from convrec.agent.reading_wanted import Wanted, either
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.filters import And, Contains, In, NotIn, Range, leaves
from convrec.retrieval.request import (
    Constraint,
    Description,
    Exclusion,
    Part,
    Provenance,
    Reference,
    RequestEdit,
    Strength,
)
from convrec.retrieval.schema import AttributeKind, Role


@dataclass
class Draft:
    """The edits of one message as they are collected."""

    catalogue: Catalogue
    context: ReadingContext
    chart: Chart
    edits: list[RequestEdit] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    wishes: dict[str, int | float | bool | None] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)

    def provenance(self, start: int, end: int) -> Provenance:
        return Provenance(turn=self.context.turn, words=self.chart.words(start, end))

    def add(self, part: Part) -> None:
        self.edits.append(RequestEdit(op="add", part=part))

    def drop(self, part_id: str) -> None:
        if part_id not in self.dropped:
            self.dropped.add(part_id)
            self.edits.append(RequestEdit(op="drop", target=part_id))

    def note(self, sentence: str) -> None:
        if sentence and sentence not in self.notes:
            self.notes.append(sentence)

    def finish(self) -> tuple[RequestEdit, ...]:
        if self.wishes:
            self.edits.append(RequestEdit(op="wish", wishes=self.wishes))
        return tuple(self.edits)

    def exclude(self, row: int, reason: str, start: int, end: int) -> None:
        """The item is not shown."""
        self.add(
            Exclusion.model_validate(
                {
                    "item_id": self.catalogue.ids[row],
                    "title": self.catalogue.titles[row],
                    "reason": reason,
                    "provenance": self.provenance(start, end),
                }
            )
        )

    def refer(self, row: int, weight: float, start: int, end: int) -> None:
        """The item is an example of what is wanted, or not wanted."""
        self.add(
            Reference(
                item_id=self.catalogue.ids[row],
                title=self.catalogue.titles[row],
                weight=weight,
                provenance=self.provenance(start, end),
            )
        )

    def describe(self, text: str, weight: float, start: int, end: int) -> None:
        self.add(Description(text=text, weight=weight, provenance=self.provenance(start, end)))


class Builder:
    """Turns wishes into constraints and reconciles them with each other and with the request so far."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def build(self, draft: Draft, said: list[Said]) -> None:
        """Adds an edit for every wish; earlier words that contradict later ones go."""
        kept = self._reconciled(draft, self._feasible(draft, said))
        ranges: dict[tuple[str, bool], list[Said]] = {}
        for entry in kept:
            wanted = entry.wanted
            if wanted.novelty is not None:
                draft.wishes["novelty"] = -wanted.novelty if entry.negated else wanted.novelty
            if not wanted.field:
                continue
            if wanted.bounds is not None and not entry.negated:
                soft = self._strength(entry) is Strength.SOFT
                ranges.setdefault((wanted.field, soft), []).append(entry)
            else:
                self._values(draft, entry)
            draft.note(wanted.note)
        for entries in ranges.values():
            self._range(draft, entries)

    def _reconciled(self, draft: Draft, said: list[Said]) -> list[Said]:
        """Drops what a later wish of the same message contradicts."""
        kept: list[Said] = []
        for entry in said:
            for other in tuple(kept):
                if self._contradict(other, entry):
                    kept.remove(other)
                    if not entry.instead:
                        first, second = self._label(other), self._label(entry)
                        draft.note(f"You said both “{first}” and “{second}”; I kept “{second}”.")
            kept.append(entry)
        return kept

    def _feasible(self, draft: Draft, said: list[Said]) -> list[Said]:
        """Names, and values of which an item has only one, that no item has together are taken as alternatives."""
        result: list[Said] = []
        for entry in said:
            last = result[-1] if result else None
            if last is None or not self._rivals(last, entry):
                result.append(entry)
                continue
            draft.note(f"Nothing has both {last.wanted.label} and {entry.wanted.label}, so I look for either.")
            result[-1] = replace(last, wanted=either(last.wanted, entry.wanted), end=entry.end)
        return result

    def _rivals(self, first: Said, second: Said) -> bool:
        a, b = first.wanted, second.wanted
        if (
            not a.field
            or a.field != b.field
            or first.negated
            or second.negated
            or second.instead
            or not (a.values and b.values)
        ):
            return False
        attribute = self.catalogue.schema.attribute(a.field)
        if attribute.role is not Role.PERSON and attribute.kind is not AttributeKind.CATEGORY:
            return False
        column = self.catalogue.categories(a.field)
        rows = []
        for values in (a.values, b.values):
            codes = [code for code in (column.code(v) for v in values) if code is not None]
            rows.append(np.concatenate([column.rows(code) for code in codes]) if codes else np.zeros(0, np.int32))
        return bool(np.intersect1d(rows[0], rows[1]).size == 0)

    @staticmethod
    def _contradict(first: Said, second: Said) -> bool:
        a, b = first.wanted, second.wanted
        if a.field != b.field or not a.field:
            return False
        if a.shun or b.shun:
            return False
        if a.values and b.values and first.negated != second.negated:
            return bool(set(a.values) & set(b.values))
        if a.bounds is not None and b.bounds is not None and not first.negated and not second.negated:
            if "adjective" in (a.how, b.how) and a.how != b.how:
                return a.how == "adjective"
            return not a.bounds.meet(b.bounds).possible
        return bool(a.values and b.values and second.instead and not (first.instead or second.negated or first.negated))

    @staticmethod
    def _label(entry: Said) -> str:
        return entry.wanted.not_label if entry.negated else entry.wanted.label

    @staticmethod
    def _strength(entry: Said) -> Strength:
        if entry.negated:
            return Strength.SOFT if entry.strength is Strength.SOFT else Strength.MUST
        if entry.wanted.strength is Strength.SOFT:
            return Strength.SOFT
        return entry.strength or entry.wanted.strength

    def _range(self, draft: Draft, entries: list[Said]) -> None:
        """One constraint for all bounds of one attribute, joined with an opposite bound from before."""
        attribute = self.catalogue.schema.attribute(entries[0].wanted.field)
        bounds = Bounds()
        stated = [e for e in entries if e.wanted.how != "adjective"]
        for entry in stated or entries:
            assert entry.wanted.bounds is not None  # noqa: S101
            bounds = bounds.meet(entry.wanted.bounds)
        instead = any(entry.instead for entry in entries)
        for old in self._alive(draft):
            leaf = old.filter
            if old.fields != (attribute.name,) or not isinstance(leaf, Range) or old.negated:
                if old.fields == (attribute.name,) and old.negated and not isinstance(leaf, Range):
                    self._drop_if_impossible(draft, old)
                continue
            before = bounds_of(leaf)
            if not instead and _one_sided_opposite(before, bounds) and before.meet(bounds).possible:
                bounds = before.meet(bounds)
            draft.drop(old.id)
        start, end = min(e.start for e in entries), max(e.end for e in entries)
        strengths = [self._strength(e) for e in entries]
        strength = Strength.MUST if Strength.MUST in strengths else strengths[-1]
        draft.add(
            Constraint(
                filter=bounds.filter(attribute.name),
                strength=strength,
                label=range_label(attribute, bounds),
                provenance=draft.provenance(start, end),
            )
        )

    @staticmethod
    def _drop_if_impossible(draft: Draft, old: Constraint) -> None:
        """A negated range of before gives way when the attribute is asked for again."""
        if any(isinstance(leaf, Range) for leaf in leaves(old.filter)):
            draft.drop(old.id)

    def _alive(self, draft: Draft) -> list[Constraint]:
        return [c for c in draft.context.request.constraints if c.id not in draft.dropped]

    def _values(self, draft: Draft, entry: Said) -> None:
        wanted = entry.wanted
        if entry.negated and wanted.negative == And(parts=()):
            return
        strength = self._strength(entry)
        if strength is not Strength.SOFT:
            self._give_way(draft, entry)
        provenance = draft.provenance(entry.start, entry.end)
        draft.add(
            Constraint(
                filter=wanted.negative if entry.negated else wanted.filter,
                strength=strength,
                negated=entry.negated,
                label=self._label(entry),
                weight=0.2 if wanted.how == "keyword" else 1.0,
                provenance=provenance,
            )
        )
        for companion, label in wanted.soft if not entry.negated else ():
            draft.add(
                Constraint(filter=companion, strength=Strength.SOFT, label=label, weight=0.5, provenance=provenance)
            )

    def _give_way(self, draft: Draft, entry: Said) -> None:
        """Drops the constraints of before that this wish replaces or contradicts."""
        wanted = entry.wanted
        attribute = self.catalogue.schema.attribute(wanted.field)
        single = attribute.kind is AttributeKind.CATEGORY or attribute.role in (Role.LANGUAGE, Role.COUNTRY)
        for old in self._alive(draft):
            if wanted.field not in old.fields and not (single and _nation(self.catalogue, old, wanted)):
                continue
            if old.strength is Strength.SOFT and not entry.instead:
                continue
            if old.negated == entry.negated:
                if not entry.negated and (entry.instead or (single and not entry.also)):
                    draft.drop(old.id)
                continue
            if _mentions(old, wanted) and not wanted.shun:
                draft.drop(old.id)
                if entry.negated or old.strength is Strength.MUST:
                    draft.note(f"Earlier you said “{old.label}”; I now go by “{self._label(entry)}”.")


def _one_sided_opposite(a: Bounds, b: Bounds) -> bool:
    lower = a.maximum is None and b.minimum is None
    upper = a.minimum is None and b.maximum is None
    return lower or upper


def _nation(catalogue: Catalogue, old: Constraint, wanted: Wanted) -> bool:
    """Both about where or in which tongue."""
    if wanted.how != "nation":
        return False
    roles = {catalogue.schema.attribute(name).role for name in old.fields}
    return roles <= {Role.LANGUAGE, Role.COUNTRY}


def _mentions(old: Constraint, wanted: Wanted) -> bool:
    """Whether a constraint speaks of a value of this wish."""
    if wanted.bounds is not None:
        return True
    own = {v.casefold() for v in wanted.values}
    if not own:
        return {leaf.model_dump_json() for leaf in leaves(wanted.filter)} & {
            leaf.model_dump_json() for leaf in leaves(old.filter)
        } != set()
    return any(
        isinstance(leaf, In | NotIn | Contains) and {str(v).casefold() for v in leaf.values} & own
        for leaf in leaves(old.filter)
    )
