"""From how a model would tell a list to a list that holds: known candidates, true sentences, every condition met."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from convrec.agent.claims.index import stems
from convrec.agent.facts import inside
from convrec.agent.grounding import unsupported
from convrec.agent.mind import ListTelling, narration_context, recommendation, shown_fields
from convrec.agent.narrate import TemplateNarrator, facts_for
from convrec.agent.prompts import as_data, clean, request_state, telling_rules
from convrec.agent.types import (
    Evidence,
    FieldEvidence,
    HistoryEvidence,
    Reason,
    Recommendation,
    ReferenceEvidence,
    WordsEvidence,
)
from convrec.retrieval.filter_compile import mask
from convrec.retrieval.schema import AttributeKind

if TYPE_CHECKING:
    from convrec.agent.claims.index import ClaimIndex
    from convrec.agent.facts import Facts
    from convrec.agent.model_answers import ModelTelling, SaidReason
    from convrec.ranking.types import ScoredItem

SPARE = 10
"""candidates beyond the list that a model may choose from"""
REASONS = 2
VALUES = 5
"""values of one attribute on a candidate's card"""
SENTENCES = 2
"""of a model before the list"""
ECHO = 4
"""words in a row that are not said by chance"""
_ADDRESS = re.compile(r"://|@|www\.|\b\w+\.(?:com|net|org|example)\b")
_SENTENCE = re.compile(r"[^.!?…。！？]*[.!?…。！？]+[\"”')\]]*(?=\s|$)")


@dataclass(frozen=True, eq=False)
class Selection:
    """A list made of a model's answer, and what of the answer could not be used."""

    items: tuple[Recommendation, ...]
    unknown: int
    unfit: int
    removed: int
    filled: int

    def notes(self) -> tuple[str, ...]:
        """What went differently than the model wanted, in sentences."""
        said = (
            (self.unknown, "pick", "picks", "of the model were not among the candidates and left out"),
            (self.unfit, "pick", "picks", "of the model did not meet the request and were left out"),
            (self.removed, "sentence", "sentences", "of the model were not backed and left out"),
            (self.filled, "place", "places", "were filled by the ranker"),
        )
        return tuple(
            f"{n} {one if n == 1 else many} {what if n > 1 else what.replace('were', 'was')}."
            for n, one, many, what in said
            if n
        )


class Telling:
    """The candidates of one list under handles, and the way back from handles to items and evidence."""

    def __init__(self, telling: ListTelling, narrator: TemplateNarrator, index: ClaimIndex) -> None:
        self._telling = telling
        self._narrator = narrator
        self._index = index
        self._catalogue = telling.engine.catalogue
        self._context = narration_context(telling)
        self.candidates = (*telling.ranked.items, *telling.ranked.spare)
        self._count = len(telling.ranked.items)
        self._handles = {f"c{number}": picked for number, picked in enumerate(self.candidates, 1)}
        self._facts: dict[int, Facts] = {}
        fit = mask(telling.ranked.request.hard_filter(), self._catalogue)
        fit[self._catalogue.rows(x.item_id for x in telling.ranked.request.exclusions)] = False
        self._fits = fit

    def data(self, privacy_history: str) -> str:
        """The changing part of a prompt for telling."""
        history = [f"h{n}" for n in range(1, 9)] if privacy_history == "titles" else []
        said: dict[str, Any] = {
            "request": request_state(self._telling.ranked.request),
            "words": clean(self._telling.words.split("\n")[-1], 400),
            "candidates": {handle: self._card(picked) for handle, picked in self._handles.items()},
        }
        titles = list(self._context.history.values())
        if history and titles:
            said["history"] = dict(zip(history, titles, strict=False))
        if self._context.references:
            named = self._context.references.values()
            said["named by the person"] = {f"r{n}": title for n, title in enumerate(named, 1)}
        return f"DATA\n{as_data(said)}"

    def _card(self, picked: ScoredItem) -> dict[str, Any]:
        """The facts of a candidate that matter for a choice: no numbers that say nothing, no long texts."""
        card: dict[str, Any] = {"title": self._catalogue.titles[picked.row]}
        schema = self._catalogue.schema
        for name, value in shown_fields(self._catalogue, picked.row).items():
            attribute = schema.attribute(name)
            if attribute.kind is AttributeKind.TEXT and attribute not in schema.added_texts:
                continue
            card[name] = list(value[:VALUES]) if isinstance(value, tuple) else value
        if text := self._catalogue.texts[picked.row]:
            card["text"] = text
        return card

    def facts(self, picked: ScoredItem) -> Facts:
        known = self._facts.get(picked.row)
        if known is None:
            known = facts_for(self._context, picked.row, picked.breakdown, self._index)
            self._facts[picked.row] = known
        return known

    def true_of_all(self, sentence: str) -> bool:
        """Whether a sentence about the whole list holds for every candidate."""
        reason = Reason(text=sentence)
        return bool(self.candidates) and not any(unsupported(reason, self.facts(picked)) for picked in self.candidates)

    def echoes(self, sentence: str) -> bool:
        """Whether a sentence repeats the instructions or the texts of items: then somebody else speaks through it."""
        said = stems(sentence)
        return any(said[start : start + ECHO] in self._repeatable for start in range(len(said) - ECHO + 1))

    @cached_property
    def _repeatable(self) -> frozenset[tuple[str, ...]]:
        rows = [picked.row for picked in self.candidates]
        texts = [self._catalogue.titles[row] for row in rows] + [self._catalogue.texts[row] for row in rows]
        found: set[tuple[str, ...]] = set()
        for text in (telling_rules(self._catalogue.schema, self._count), *texts):
            words = stems(text)
            found.update(words[start : start + ECHO] for start in range(len(words) - ECHO + 1))
        return frozenset(found)

    @cached_property
    def opening(self) -> str:
        """The opening of the templates: how the request was understood, how many fit, what was loosened."""
        telling = self._telling
        parts = [telling.outcome.lead, opening := self._narrator.opening(self._context)]
        if telling.clarify is not None and telling.clarify.question not in opening:
            parts.append(telling.clarify.question)
        return " ".join(part for part in parts if part)

    def select(self, said: ModelTelling) -> Selection:
        """The model's picks that hold, in its order, then the ranker's; `moved` says by how much each was."""
        chosen: dict[int, tuple[SaidReason, ...]] = {}
        unknown = unfit = 0
        by_row = {picked.row: picked for picked in self.candidates}
        for pick in said.picks:
            picked = self._picked(pick.item)
            if picked is None:
                unknown += 1
            elif not self._fits[picked.row]:
                unfit += 1
            elif len(chosen) < self._count:
                chosen.setdefault(picked.row, tuple(pick.reasons))
        own = len(chosen)
        for picked in self._telling.ranked.items:
            if len(chosen) < self._count and self._fits[picked.row]:
                chosen.setdefault(picked.row, ())
        before = {picked.row: rank for rank, picked in enumerate(self.candidates, 1)}
        items, removed = [], 0
        for rank, (row, reasons) in enumerate(chosen.items(), 1):
            kept = list(self._reasons(by_row[row], reasons))
            removed += min(len(reasons), REASONS) - len(kept)
            told = tuple(kept) or self._narrator.reasons(self._context, row, by_row[row].breakdown, rank - 1)
            moved = before[row] - rank
            items.append(recommendation(self._catalogue, by_row[row], rank, told, moved=moved))
        return Selection(tuple(items), unknown, unfit, removed, len(chosen) - own)

    def _picked(self, name: str) -> ScoredItem | None:
        found = self._handles.get(name.strip())
        if found is None and name in self._catalogue:
            row = self._catalogue.row(name)
            found = next((picked for picked in self.candidates if picked.row == row), None)
        return found

    def _reasons(self, picked: ScoredItem, said: tuple[SaidReason, ...]) -> Iterator[Reason]:
        """The sentences that rest on facts and say nothing else."""
        for one in said[:REASONS]:
            text = clean(one.text, 300)
            evidence = tuple(self._evidence(picked, text, one.evidence))
            reason = Reason(text=text, evidence=evidence)
            if evidence and not _ADDRESS.search(text) and not unsupported(reason, self.facts(picked)):
                yield reason

    def _evidence(self, picked: ScoredItem, text: str, handles: list[str]) -> Iterator[Evidence]:
        """What the handles of a sentence stand for; those of other items, or of nothing, are passed over."""
        own = {handle for handle, other in self._handles.items() if other.row == picked.row}
        history = list(self._context.history.items())
        references = list(self._context.references.items())
        for handle in dict.fromkeys(handles[:8]):
            head, _, name = handle.strip().partition(".")
            if head in own and name:
                yield from self._fields(picked, text, name)
            elif match := re.fullmatch(r"([hr])(\d{1,3})", head):
                known, position = history if match[1] == "h" else references, int(match[2]) - 1
                if 0 <= position < len(known):
                    item_id, title = known[position]
                    kind = HistoryEvidence if match[1] == "h" else ReferenceEvidence
                    yield kind(item_id=item_id, title=title)
            elif head == "words" and (last := self._telling.words.split("\n")[-1].strip()):
                yield WordsEvidence(words=last[:200])

    def _fields(self, picked: ScoredItem, text: str, name: str) -> Iterator[FieldEvidence]:
        """The values of an attribute that a sentence names, or its first one."""
        if name in {"title", "text"} and name not in self._catalogue.schema:
            item = self._catalogue.item(picked.row)
            if whole := (item.title if name == "title" else item.text):
                yield FieldEvidence(field=name, value=whole[:200])
            return
        value = self._catalogue.value(picked.row, name) if name in self._catalogue.schema else None
        if value is None:
            return
        values: tuple[str | float | bool, ...] = value if isinstance(value, tuple) else (value,)
        said = stems(text)
        named = [v for v in values if isinstance(v, str) and inside(stems(v), said)]
        for one in named or values[:1]:
            yield FieldEvidence(field=name, value=one)


class Opening:
    """The model's sentences before the list, let through one by one as they are complete and true."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling
        self._read = 0
        self.kept: list[str] = []
        self.removed = 0

    def take(self, text: str, *, complete: bool) -> Iterator[str]:
        """Sentences of the text so far that are new; the last one counts once the text is complete."""
        for match in _SENTENCE.finditer(text, self._read):
            if match.end() == len(text) and not complete:
                return
            self._read = match.end()
            sentence = clean(match.group(), 300)
            if not sentence or len(self.kept) >= SENTENCES:
                continue
            if _ADDRESS.search(sentence) or self._telling.echoes(sentence) or not self._telling.true_of_all(sentence):
                self.removed += 1
                continue
            self.kept.append(sentence)
            yield sentence
