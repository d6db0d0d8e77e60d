"""One thing to say of an item, in several wordings, with its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from convrec.agent.claims.index import stems
from convrec.agent.grounding import Facts
from convrec.agent.types import (
    Evidence,
    FieldEvidence,
    HistoryEvidence,
    WordsEvidence,
)


@dataclass(frozen=True)
class Facet:
    """One thing to say. Wordings at even places read differently from those at odd places.

    `joined` are wordings that may follow a measure in the same sentence: ', it is about prison.' after 'At 1 h 33'.
    """

    name: str
    wordings: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    fields: frozenset[str] = frozenset()
    joined: tuple[str, ...] = ()

    @property
    def history(self) -> tuple[str, ...]:
        """Ids of the items of the person's history that it names."""
        return tuple(e.item_id for e in self.evidence if isinstance(e, HistoryEvidence))


def field_evidence(name: str, values: Sequence[str | float | bool] | str | float | bool) -> tuple[Evidence, ...]:
    parts = (values,) if isinstance(values, str | float | int | bool) else tuple(values)
    return tuple(FieldEvidence(field=name, value=part) for part in parts)


def words_evidence(words: str, facts: Facts) -> tuple[Evidence, ...]:
    """The person's words where they really said them in this conversation."""
    said = stems(words)
    whole = facts.word_stems
    inside = said and any(whole[i : i + len(said)] == said for i in range(len(whole) - len(said) + 1))
    return (WordsEvidence(words=words),) if inside else ()
