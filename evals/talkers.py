"""Systems that simulated people talk to: convrec itself, and what it must be better than."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from convrec.agent.recommender import Recommender


@dataclass(frozen=True)
class Turn:
    """What a person sees of an answer. `question` and `options` are None and empty where nothing was asked."""

    ids: tuple[str, ...]
    question: str | None = None
    options: tuple[str, ...] = ()


class Talker(Protocol):
    """One conversation. It gets the messages and nothing else of the person."""

    def say(self, message: str) -> Turn: ...


class FullSystem:
    """convrec, as it is."""

    def __init__(self, recommender: Recommender) -> None:
        self._conversation = recommender.session(stored=False)

    def say(self, message: str) -> Turn:
        reply = self._conversation.send(message)
        clarify = reply.clarify
        ids = tuple(item.id for item in reply.items)
        return Turn(ids, clarify.question, clarify.options) if clarify is not None else Turn(ids)


class WithoutQuestions:
    """convrec whose questions are not passed on."""

    def __init__(self, recommender: Recommender) -> None:
        self._system = FullSystem(recommender)

    def say(self, message: str) -> Turn:
        return Turn(self._system.say(message).ids)


class _PlainSearch:
    """A search engine for everything the person said, without what was shown before."""

    def __init__(self, recommender: Recommender, count: int = 10) -> None:
        self._recommender = recommender
        self._count = count
        self._words: list[str] = []
        self._shown: dict[str, None] = {}

    def say(self, message: str) -> Turn:
        self._words.append(message)
        return _next(self._best(self._count + len(self._shown)), self._shown, self._count)

    def _best(self, count: int) -> list[str]:
        raise NotImplementedError


class PlainDense(_PlainSearch):
    """Chroma similarity."""

    def _best(self, count: int) -> list[str]:
        vector = self._recommender.engine.encode([". ".join(self._words)])[0]
        return self._recommender.generation.store.query(vector, count)[0]


class PlainLexical(_PlainSearch):
    """BM25."""

    def _best(self, count: int) -> list[str]:
        scores = self._recommender.generation.lexical.scores(" ".join(self._words))
        if scores is None:
            return []
        best = np.argsort(-np.nan_to_num(scores), kind="stable")[:count].tolist()
        return [self._recommender.catalogue.ids[row] for row in best if scores[row] > 0]


class Popular:
    """The best known items, whatever is said."""

    def __init__(self, recommender: Recommender, count: int = 10) -> None:
        order = np.argsort(-recommender.engine.recall.popularity, kind="stable")
        self._ids = [recommender.catalogue.ids[row] for row in order[: count * 20].tolist()]
        self._count = count
        self._shown: dict[str, None] = {}

    def say(self, message: str) -> Turn:
        del message
        return _next(self._ids, self._shown, self._count)


def _next(ids: list[str], shown: dict[str, None], count: int) -> Turn:
    fresh = tuple(item_id for item_id in ids if item_id not in shown)[:count]
    shown.update(dict.fromkeys(fresh))
    return Turn(fresh)


SYSTEMS: dict[str, Callable[[Recommender], Talker]] = {
    "convrec": FullSystem,
    "no questions": WithoutQuestions,
    "plain dense": PlainDense,
    "BM25": PlainLexical,
    "popularity": Popular,
}
"""by the name under which the figures appear, ours first"""
