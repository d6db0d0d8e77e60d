"""Simulated people who know what they need and no titles: they open with part of it, answer, criticise, give up.

The need is drawn from the catalogue's attributes; a system sees nothing of it but the messages. What a person says is
written from the attributes' own words, so no message holds the id or the title of an item that would satisfy them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convrec.evals.errors import EvaluationError
from convrec.evals.generator_facts import Facts, Wish, together
from convrec.evals.generator_words import opening, phrase
from convrec.evals.talkers import Turn
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.schema import Attribute, Role

FEWEST_ACCEPTABLE = 3
WIDEST_ACCEPTABLE = 0.01
"""share of the catalogue that satisfies a person, at most"""
BEST_KNOWN = 100
"""items that everybody has seen already, the best known ones (a quarter of a small catalogue): popularity alone finds
nothing acceptable among them, by construction"""
ATTEMPTS = 400
RETICENT = 0.5
"""share of people who do not volunteer what they miss"""

_CUES = {
    Role.YEAR: ("which time", "year", "how old", "decade", "new"),
    Role.DURATION: ("how long", "length", "short", "time do you have"),
    Role.PRICE: ("cost", "price", "budget", "spend"),
    Role.LANGUAGE: ("language",),
    Role.COUNTRY: ("country", "where"),
}


@dataclass(frozen=True, eq=False)
class Need:
    """What a person wants: `stated` is said at once, `hidden` only when asked or when a list goes against it.

    `acceptable` (I,) are the items that satisfy all of it and that the person does not know; `seen` (I,) those they do.
    """

    name: str
    stated: tuple[Wish, ...]
    hidden: tuple[Wish, ...]
    acceptable: NDArray[np.bool_]
    seen: NDArray[np.bool_]
    patience: int
    """turns after which the person gives up"""
    reticent: bool = False
    """says at first only that it is not right, and names what is missing when asked, or the next time"""


class SimulatedPerson:
    """One person in one conversation."""

    def __init__(self, need: Need, catalogue: Catalogue, *, attention: int = 5, seed: int = 0) -> None:
        self.need = need
        self._catalogue = catalogue
        self._attention = attention
        self._random = random.Random(f"{seed}-{need.name}")
        self.said: list[Wish] = list(need.stated)
        self._open: list[Wish] = list(need.hidden)
        self._complained: list[str] = []

    def first_message(self) -> str:
        """How the person starts."""
        return opening(phrase(self.need.stated, self._catalogue.schema, self._random), self._random)

    def satisfied(self, turn: Turn) -> bool:
        """Whether the person finds something acceptable among what they look at."""
        return any(self.need.acceptable[self._catalogue.row(i)] for i in self._looked_at(turn))

    def violations(self, turn: Turn) -> tuple[int, int]:
        """Of the items looked at: how many go against something the person has said, and how many there are."""
        rows = [self._catalogue.row(i) for i in self._looked_at(turn)]
        met = together(self.said)
        return sum(not met[row] for row in rows), len(rows)

    def answer(self, turn: Turn) -> str:
        """The next message, when nothing acceptable was shown."""
        if turn.question is not None:
            asked = self._asked(turn)
            if asked is not None:
                return self._reveal(asked)
            if not turn.ids:
                return self._reveal(self._open[0]) if self._open else "no preference, you choose"
        for row in (self._catalogue.row(i) for i in self._looked_at(turn)):
            broken = next((wish for wish in self._open if not wish.mask[row]), None)
            if broken is not None:
                return self._critique(broken, row)
        return self._random.choice(("something else please", "none of these, what else?", "show me others"))

    def _looked_at(self, turn: Turn) -> Sequence[str]:
        return [i for i in turn.ids[: self._attention] if i in self._catalogue]

    def _asked(self, turn: Turn) -> Wish | None:
        """The unsaid wish that a question is about."""
        text = " ".join((turn.question or "", *turn.options)).casefold()
        for wish in self._open:
            attribute = self._catalogue.schema.attribute(wish.condition.field)
            if any(value.casefold() in text for value in wish.values) or _is_about(text, attribute):
                return wish
        return None

    def _reveal(self, wish: Wish) -> str:
        self._open.remove(wish)
        self.said.append(wish)
        return f"no {_bare(wish.words)}" if wish.form == "not" else wish.words

    def _critique(self, wish: Wish, row: int) -> str:
        """At first only 'too long' (of the reticent: 'not quite'); the wish itself when that did not help."""
        attribute = self._catalogue.schema.attribute(wish.condition.field)
        complaint = _complaint(attribute, wish, self._catalogue.value(row, attribute.name))
        if complaint and complaint not in self._complained:
            self._complained.append(complaint)
            return complaint
        if not complaint and self.need.reticent and wish.words not in self._complained:
            self._complained.append(wish.words)
            return self._random.choice(("not quite what i had in mind, something else", "hmm no, show me others"))
        told = self._reveal(wish)
        return f"{complaint}, {told}" if complaint else f"hmm, {told} please"


def draw_needs(
    catalogue: Catalogue, popularity: NDArray[np.floating], count: int, seed: int = 0, patience: int = 5
) -> list[Need]:
    """`count` needs of one stated and up to two hidden wishes; the same seed draws the same people.

    Raises:
        EvaluationError: the catalogue's attributes do not tell its items apart well enough.
    """
    facts, draw = Facts(catalogue), random.Random(seed)
    size = len(catalogue)
    best_known = np.argsort(-popularity, kind="stable")[: min(BEST_KNOWN, size // 4)]
    seen = np.zeros(size, bool)
    seen[best_known] = True
    widest = max(FEWEST_ACCEPTABLE, int(WIDEST_ACCEPTABLE * size))
    needs: list[Need] = []
    for _ in range(ATTEMPTS * count):
        if len(needs) == count:
            break
        wishes = [facts.value(draw), facts.narrowing(draw)]
        wishes.append(facts.without(draw) if draw.random() < 0.3 else facts.value(draw))
        known = [wish for wish in wishes if wish is not None]
        if len({wish.condition.field for wish in known}) < max(2, len(known)):
            continue
        acceptable = together(known) & ~seen
        # Every wish must tell items apart, or hearing of it would not matter.
        telling = all((together([w for w in known if w is not wish]) & ~wish.mask).any() for wish in known)
        if telling and FEWEST_ACCEPTABLE <= int(acceptable.sum()) <= widest:
            name = f"person{len(needs) + 1:03d}"
            reticent = draw.random() < RETICENT
            needs.append(Need(name, tuple(known[:1]), tuple(known[1:]), acceptable, seen, patience, reticent))
    if not needs:
        raise EvaluationError("No simulated person could be drawn: the catalogue has too few attributes or items.")
    return needs


def _is_about(text: str, attribute: Attribute) -> bool:
    cues = _CUES.get(attribute.role, ()) if attribute.role is not None else ()
    return any(cue in text for cue in cues) or attribute.label.casefold() in text


def _bare(words: str) -> str:
    for lead in ("about ", "with ", "by "):
        words = words.removeprefix(lead)
    return words


def _complaint(attribute: Attribute, wish: Wish, value: object) -> str:
    """'too long' and its like, for a number beyond a bound."""
    if not isinstance(value, float) or wish.condition.any is not None:
        return ""
    much = wish.condition.max is not None and value > wish.condition.max
    words = {
        Role.DURATION: ("too long", "too short"),
        Role.PRICE: ("too expensive", "too cheap"),
        Role.YEAR: ("too new", "too old"),
    }.get(attribute.role or Role.TOPIC)
    return "" if words is None else words[0] if much else words[1]
