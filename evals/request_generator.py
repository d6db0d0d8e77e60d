"""Request cases for any catalogue, from its schema: what is asked, in several wordings, and what must then hold.

Constraints are drawn so that between `FEWEST` items and `WIDEST` of the catalogue fit: fewer would test the ranking of
near misses, more would let a popular list pass by luck. The answer is known from the data, never from the system.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import numpy as np

from convrec.evals.errors import EvaluationError
from convrec.evals.generator_facts import FEWEST, WIDEST, Facts, Wish, rows_of, together
from convrec.evals.generator_words import negated, opening, phrase, with_typo
from convrec.evals.request_cases import Expectation, PreviousEntry, RequestCase
from convrec.retrieval.catalogue import Catalogue

SHARES: dict[str, int] = {
    "value": 4,
    "number": 3,
    "year": 3,
    "conjunction": 4,
    "theme": 2,
    "alternatives": 2,
    "negation": 3,
    "typo": 2,
    "reference": 2,
    "critique": 2,
    "edit": 3,
    "replace": 2,
    "drop": 2,
    "shown": 3,
    "impossible": 1,
    "no_items": 1,
}
"""kinds of cases and how often each is drawn; a kind that a catalogue cannot offer is left out"""

TWO_PAGES = 15
"""items that fit, so that something is left to show after ten"""
ATTEMPTS = 40
"""draws of one case before its kind is given up"""


class Generator:
    """Draws cases from a catalogue; equal seeds give equal cases."""

    def __init__(self, catalogue: Catalogue, seed: int = 0) -> None:
        self.facts = Facts(catalogue)
        self._random = random.Random(seed)
        self._makers: dict[str, Callable[[], tuple[list[str], Expectation] | None]] = {
            "value": lambda: self._plain([self._value()]),
            "number": lambda: self._plain([self._value(), self.facts.number(self._random)]),
            "year": lambda: self._plain([self._value(), self.facts.year(self._random)]),
            "conjunction": self._conjunction,
            "theme": self._theme,
            "alternatives": self._alternatives,
            "negation": self._negation,
            "typo": self._typo,
            "reference": self._reference,
            "critique": self._critique,
            "edit": self._edit,
            "replace": self._replace,
            "drop": self._drop,
            "shown": self._shown,
            "impossible": self._impossible,
            "no_items": self._no_items,
        }

    def cases(self, count: int = 150) -> list[RequestCase]:
        """`count` cases, spread over the kinds that the catalogue offers, no two with the same words.

        Raises:
            EvaluationError: the catalogue offers nothing to ask for.
        """
        plan = [kind for kind, share in SHARES.items() for _ in range(share)]
        found: list[RequestCase] = []
        said: set[tuple[str, ...]] = set()
        dry: set[str] = set()
        turn = 0
        while len(found) < count and len(dry) < len(SHARES):
            kind = plan[turn % len(plan)]
            turn += 1
            if kind in dry:
                continue
            made = self._draw(kind, said)
            if made is None:
                dry.add(kind)
                continue
            turns, expect = made
            said.add(tuple(turns))
            found.append(RequestCase(id=f"g{len(found) + 1:03d}", tags=(kind,), turns=tuple(turns), expect=expect))
        if not any(case.expect.every for case in found):
            raise EvaluationError("The catalogue offers no attribute to ask for: no category and no number.")
        return found

    def _draw(self, kind: str, said: set[tuple[str, ...]]) -> tuple[list[str], Expectation] | None:
        for _ in range(ATTEMPTS):
            made = self._makers[kind]()
            if made is not None and tuple(made[0]) not in said:
                return made
        return None

    def _value(self) -> Wish | None:
        return self.facts.value(self._random)

    def _say(self, wishes: Sequence[Wish]) -> str:
        return opening(phrase(wishes, self.facts.schema, self._random), self._random)

    def _enough(self, wishes: Sequence[Wish]) -> bool:
        fitting = int(together(wishes).sum())
        return FEWEST <= fitting <= max(FEWEST, WIDEST * self.facts.size)

    def _plain(self, wishes: Sequence[Wish | None]) -> tuple[list[str], Expectation] | None:
        known = _all(wishes)
        return ([self._say(known)], _expect(known)) if known and self._enough(known) else None

    def _conjunction(self) -> tuple[list[str], Expectation] | None:
        first, second = self._value(), self._value()
        if first is None or second is None or first.condition.field == second.condition.field:
            return None
        third = self.facts.year(self._random) if self._random.random() < 0.4 else None
        return self._plain([w for w in (first, second, third) if w is not None])

    def _theme(self) -> tuple[list[str], Expectation] | None:
        wish = self.facts.theme(self._random)
        if wish is None:
            return None
        catalogue, rows = self.facts.catalogue, np.flatnonzero(wish.mask).tolist()
        ids, titles = (tuple(column[row] for row in rows) for column in (catalogue.ids, catalogue.titles))
        # Without a tagged item in the list, any list at all would pass.
        return [self._say([wish])], Expectation(at_least=FEWEST, relevant_ids=ids, include_any_titles=titles)

    def _alternatives(self) -> tuple[list[str], Expectation] | None:
        wish = self.facts.either(self._random)
        return self._plain([wish])

    def _negation(self) -> tuple[list[str], Expectation] | None:
        wanted = self._value()
        # The denied value must be common among what is asked for, or leaving it out proves nothing.
        unwanted = self.facts.without(self._random, wanted.mask) if wanted is not None else None
        if wanted is None or unwanted is None or not self._enough([wanted, unwanted]):
            return None
        both = [wanted, unwanted]
        words = negated(phrase([wanted], self.facts.schema, self._random), unwanted, self._random)
        return [opening(words, self._random)], _expect(both)

    def _typo(self) -> tuple[list[str], Expectation] | None:
        wish = self._value()
        if wish is None or not self._enough([wish]):
            return None
        wrong = with_typo(wish.words, self._random)
        if wrong is None or self.facts.says_something(wrong):
            return None
        return [self._say([wish.reworded(wrong)])], _expect([wish])

    def _reference(self) -> tuple[list[str], Expectation] | None:
        row = self.facts.known_item(self._random)
        if row is None:
            return None
        title = self.facts.catalogue.titles[row]
        words = self._random.choice(("something like {}", "anything similar to {}?", "i loved {}, what else is there"))
        return [words.format(title)], Expectation(at_least=FEWEST, exclude_titles=(title,))

    def _critique(self) -> tuple[list[str], Expectation] | None:
        row, wish = self.facts.critique(self._random)
        if row is None or wish is None or not self._enough([wish]):
            return None
        title = self.facts.catalogue.titles[row]
        return [f"something {wish.words} than {title}"], _expect([wish], exclude_titles=(title,))

    def _edit(self) -> tuple[list[str], Expectation] | None:
        wishes = _all([self._value(), self.facts.narrowing(self._random)])
        if not wishes or wishes[0].condition.field == wishes[1].condition.field or not self._enough(wishes):
            return None
        turns = [self._say(wishes[:1]), self._random.choice(("only {}", "and {} please", "{}")).format(wishes[1].words)]
        return turns, _expect(wishes)

    def _replace(self) -> tuple[list[str], Expectation] | None:
        wishes = _all([self._value(), self.facts.decade(self._random), self.facts.decade(self._random)])
        if not wishes or wishes[1].words == wishes[2].words:
            return None
        kept = [wishes[0], wishes[2]]
        if not self._enough(kept) or not self._enough(wishes[:2]):
            return None
        change = self._random.choice(("actually {}", "make that {}", "hmm, rather {}"))
        return [self._say(wishes[:2]), change.format(wishes[2].words)], _expect(kept)

    def _drop(self) -> tuple[list[str], Expectation] | None:
        wishes = _all([self._value(), self.facts.year(self._random)])
        if not wishes or not self._enough(wishes):
            return None
        label = self.facts.label(wishes[1])
        turns = [
            self._say(wishes),
            self._random.choice(("forget the {}", "never mind the {}", "drop the {}")).format(label),
        ]
        return turns, _expect(wishes[:1])

    def _shown(self) -> tuple[list[str], Expectation] | None:
        wish = self._value()
        if wish is None or int(wish.mask.sum()) < TWO_PAGES or not self._enough([wish]):
            return None
        first = self._say([wish])
        if self._random.random() < 0.5:
            words = self._random.choice(("more", "show me others", "something else"))
            return [first, words], _expect([wish], exclude_previous="all")
        rank = self._random.randint(1, 4)
        words = self._random.choice(("not number {}", "i know number {} already", "seen #{}")).format(rank)
        return [first, words], _expect([wish], exclude_previous=PreviousEntry(turn=1, rank=rank))

    def _impossible(self) -> tuple[list[str], Expectation] | None:
        wishes = _all([self._value(), self._value(), self.facts.narrowing(self._random)])
        fields = {w.condition.field for w in wishes}
        if len(fields) < 3 or together(wishes).any():
            return None
        return [self._say(wishes)], Expectation(impossible=True)

    def _no_items(self) -> tuple[list[str], Expectation] | None:
        words = ("hello", "hi!", "thanks a lot", "good morning", "thank you, bye", "who won the election?")
        return [self._random.choice(words)], Expectation(no_items=True)


def generate(catalogue: Catalogue, count: int = 150, seed: int = 0) -> list[RequestCase]:
    """`count` cases for a catalogue; the same seed gives the same cases."""
    return Generator(catalogue, seed).cases(count)


def fitting_rows(case: RequestCase, catalogue: Catalogue) -> list[int]:
    """Rows of a catalogue that a case's conditions allow: proof that it can be met."""
    return np.flatnonzero(rows_of(case.expect.every, catalogue)).tolist()


def _all(wishes: Sequence[Wish | None]) -> list[Wish]:
    """The wishes, or none of them where one could not be drawn."""
    known = [wish for wish in wishes if wish is not None]
    return known if len(known) == len(wishes) else []


def _expect(wishes: Sequence[Wish], **more: object) -> Expectation:
    every = tuple(wish.condition for wish in wishes)
    return Expectation.model_validate({"at_least": FEWEST, "every": every, **more})
