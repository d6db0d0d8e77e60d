"""From what was said to edits of the request: later words win, and what contradicts is told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from convrec.agent.interpret import ReadingContext
from convrec.agent.reading.joins import Said
from convrec.agent.reading.ranges import Bounds, bounds_of, range_label
from convrec.agent.reading.text import Chart
from convrec.agent.reading.wanted import Wanted, either, either_filter, mentions
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.filter_compile import mask
from convrec.retrieval.filters import And, Contains, Filter, In, Range, leaves
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
from convrec.retrieval.schema import Attribute, AttributeKind, Role

COMPANION = 0.2
"""weight of a wish that a word brings along: the tag beside the kind of the same name"""
GUESSED = 0.4
"""that of a wish that was understood, not said: 'explosions' for action; one that was said counts 1"""
QUOTED = 0.08
"""that of a tag whose words the description holds anyway"""


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
                    if not entry.instead and not self._sharper(other, entry):
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
            wanted, denied = (b, a) if first.negated else (a, b)
            # 'in the Alps but not in Switzerland': what is left of the wanted ones.
            return set(wanted.values) <= set(denied.values)
        if a.bounds is not None and b.bounds is not None and not first.negated and not second.negated:
            if "adjective" in (a.how, b.how) and a.how != b.how:
                return a.how == "adjective"
            return not a.bounds.meet(b.bounds).possible
        return bool(a.values and b.values and second.instead and not (first.instead or second.negated or first.negated))

    @staticmethod
    def _sharper(first: Said, second: Said) -> bool:
        """'short, under 150 pages': the number says what the word meant."""
        a, b = first.wanted, second.wanted
        if a.how != "adjective" or a.bounds is None or b.bounds is None or first.negated or second.negated:
            return False
        return a.bounds.meet(b.bounds).possible

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
        node: Filter | None = None
        for old in self._alive(draft):
            leaf = old.filter
            if old.fields != (attribute.name,):
                continue
            if not instead and self._widens(old, entries, bounds):
                node = self._widened(attribute, leaf, bounds)
                draft.drop(old.id)
                continue
            if not isinstance(leaf, Range) or old.negated:
                if not isinstance(leaf, Range):
                    draft.drop(old.id)
                continue
            before = bounds_of(leaf)
            if not instead and _one_sided_opposite(before, bounds) and before.meet(bounds).possible:
                bounds = before.meet(bounds)
            draft.drop(old.id)
        start, end = min(e.start for e in entries), max(e.end for e in entries)
        strengths = [self._strength(e) for e in entries]
        strength = Strength.MUST if Strength.MUST in strengths else strengths[-1]
        node = node or bounds.filter(attribute.name)
        draft.add(
            Constraint(
                filter=node,
                strength=strength,
                label=" or ".join(range_label(attribute, bounds_of(x)) for x in leaves(node) if isinstance(x, Range)),
                provenance=draft.provenance(start, end),
            )
        )

    @staticmethod
    def _widens(old: Constraint, entries: list[Said], bounds: Bounds) -> bool:
        """Whether a range adds to one of before: '2006 is fine too', '2006 too' after 2005."""
        if old.negated or old.strength is Strength.SOFT:
            return False
        if any(entry.allowed for entry in entries):
            return True
        also = any(entry.also for entry in entries)
        ranges = [bounds_of(leaf) for leaf in leaves(old.filter) if isinstance(leaf, Range)]
        return also and not any(own.meet(bounds).possible for own in ranges)

    @staticmethod
    def _widened(attribute: Attribute, old: Filter, bounds: Bounds) -> Filter:
        """An old range and a new one: either, or the old one moved so far that it holds the new one."""
        reached = bounds_of(old).reach(bounds) if isinstance(old, Range) else None
        return either_filter(old, (reached or bounds).filter(attribute.name))

    def _alive(self, draft: Draft) -> list[Constraint]:
        return [c for c in draft.context.request.constraints if c.id not in draft.dropped]

    def _values(self, draft: Draft, entry: Said) -> None:
        wanted = entry.wanted
        if entry.negated and wanted.negative == And(parts=()):
            return
        strength = self._strength(entry)
        if strength is not Strength.SOFT and self._give_way(draft, entry):
            return
        provenance = draft.provenance(entry.start, entry.end)
        old = None if entry.negated or strength is Strength.SOFT else self._beside(draft, entry)
        if old is not None:
            draft.drop(old.id)
        node = wanted.negative if entry.negated else wanted.filter
        draft.add(
            Constraint(
                filter=node if old is None else either_filter(old.filter, node),
                strength=strength,
                negated=entry.negated,
                label=self._label(entry) if old is None else f"{old.label} or {self._label(entry)}",
                weight=_weight(entry),
                provenance=provenance,
            )
        )
        for companion, label in wanted.soft if not entry.negated else ():
            draft.add(
                Constraint(
                    filter=companion, strength=Strength.SOFT, label=label, weight=COMPANION, provenance=provenance
                )
            )

    def _beside(self, draft: Draft, entry: Said) -> Constraint | None:
        """The constraint of before that a wish adds to: allowed beside it, or no item has both."""
        if not (entry.allowed or entry.also):
            return None
        for old in reversed(self._alive(draft)):
            same = entry.wanted.field in old.fields or _nation(self.catalogue, old, entry.wanted)
            if not same or old.negated or old.strength is Strength.SOFT or old.filter == entry.wanted.filter:
                continue
            both = mask(old.filter, self.catalogue) & mask(entry.wanted.filter, self.catalogue)
            if entry.allowed or not both.any():
                return old
        return None

    def _give_way(self, draft: Draft, entry: Said) -> bool:
        """Drops what this wish replaces or contradicts of before; whether that was all that it asked for."""
        freed = False
        wanted = entry.wanted
        attribute = self.catalogue.schema.attribute(wanted.field)
        single = (
            attribute.kind is AttributeKind.CATEGORY
            or attribute.numeric
            or attribute.role in (Role.LANGUAGE, Role.COUNTRY)
        )
        for old in self._alive(draft):
            if wanted.field not in old.fields and not (single and _nation(self.catalogue, old, wanted)):
                continue
            if old.strength is Strength.SOFT and not entry.instead:
                continue
            if old.negated == entry.negated:
                beside = entry.also or entry.allowed
                if not entry.negated and (entry.instead or (single and not beside)):
                    draft.drop(old.id)
                continue
            if mentions(old, wanted) and not wanted.shun and not _leaves_some(old, entry):
                draft.drop(old.id)
                if entry.allowed and not entry.instead:
                    freed = True
                    continue
                if entry.negated or old.strength is Strength.MUST:
                    draft.note(f"Earlier you said “{old.label}”; I now go by “{self._label(entry)}”.")
        return freed


def _leaves_some(old: Constraint, entry: Said) -> bool:
    """Whether something of a wish remains beside what is denied now: the Alps without Switzerland."""
    node = old.filter
    several = isinstance(node, In) or (isinstance(node, Contains) and node.mode == "any")
    if not entry.negated or old.negated or not several:
        return False
    return not {str(v) for leaf in leaves(node) if isinstance(leaf, In | Contains) for v in leaf.values} <= set(
        entry.wanted.values
    )


def _one_sided_opposite(a: Bounds, b: Bounds) -> bool:
    lower = a.maximum is None and b.minimum is None
    upper = a.minimum is None and b.maximum is None
    return lower or upper


def _nation(catalogue: Catalogue, old: Constraint, wanted: Wanted) -> bool:
    """Both about where or in which tongue."""
    if wanted.how != "nation":
        return False
    roles = {catalogue.schema.attribute(name).role for name in old.fields}
    return bool(roles) and roles <= {Role.LANGUAGE, Role.COUNTRY}


def _weight(entry: Said) -> float:
    if entry.wanted.how == "keyword":
        return QUOTED
    return GUESSED if entry.wanted.strength is Strength.SOFT and entry.strength is not Strength.SOFT else 1.0
