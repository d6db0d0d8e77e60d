"""Simulated people whose words a language model finds. What they need, and when they are served, is decided by rules.

The model sees the person's own need, what was said, and what the person has looked at, none of which is acceptable.
It sees neither ids nor titles of acceptable items, and a message of its own that names one is not sent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from convrec.agent.model_answers import Many
from convrec.agent.prompts import as_data, clean
from convrec.evals.endpoint import EvaluationModel
from convrec.evals.generator_facts import Wish
from convrec.evals.generator_words import plain_word
from convrec.evals.simulator import Need, SimulatedPerson
from convrec.evals.talkers import Turn
from convrec.retrieval.catalogue import Catalogue

LONGEST = 300
"""characters of a message"""
MOST_VALUES = 6
"""values of an attribute that a person reads"""
_HIDDEN = "…"

_RULES = """You play one person who looks for {plural} and talks to a recommender. You know no titles at all.
- `message`: what you type next, one short everyday sentence.
- Say only what your `need` holds. Never name a title, never add a wish of your own, never invent a fact.
- Your first message says the wishes that are marked `first`, and no other.
- Later, answer what you were asked; else say what is wrong with what was shown ("too long", "not that one"). Say at \
most one wish that you have not said yet.
- `wishes`: the handles of the wishes that your message says."""


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    message: str = Field(min_length=1, max_length=LONGEST)
    wishes: Many[str] = Field(default_factory=list)


@dataclass
class Spoken:
    """How the messages of all people came about."""

    by_model: int = 0
    unanswered: int = 0
    """the model gave no message: the rules spoke"""
    leaking: int = 0
    """the model's message named an acceptable item: the rules spoke"""


class ModelPerson(SimulatedPerson):
    """One person in one conversation. Where the model gives no message that may be sent, the rules speak."""

    def __init__(
        self, need: Need, catalogue: Catalogue, model: EvaluationModel, spoken: Spoken, *, seed: int = 0
    ) -> None:
        super().__init__(need, catalogue, seed=seed)
        self._model = model
        self._spoken = spoken
        self._rules = _RULES.format(plural=clean(catalogue.schema.plural))
        self._handles = {f"w{n}": wish for n, wish in enumerate((*need.stated, *need.hidden), 1)}
        rows = np.flatnonzero(need.acceptable).tolist()
        own = set(plain_word(" ".join(_words(wish) for wish in self._handles.values())).split())
        titles = {plain_word(catalogue.titles[row]) for row in rows}
        # A title made of the need's own words tells nothing that the need does not.
        self._titles = {title for title in titles if title and not set(title.split()) <= own}
        self._ids = {catalogue.ids[row].casefold() for row in rows if not catalogue.ids[row].isdigit()}
        self._sent: list[str] = []

    def first_message(self) -> str:
        """How the person starts."""
        return self._send(None) or self._kept(super().first_message())

    def answer(self, turn: Turn) -> str:
        """The next message, when nothing acceptable was shown."""
        return self._send(turn) or self._kept(super().answer(turn))

    def names_a_target(self, message: str) -> bool:
        """Whether a message holds the title or the id of an acceptable item."""
        words = f" {plain_word(message)} "
        return any(f" {title} " in words for title in self._titles) or any(i in message.casefold() for i in self._ids)

    def _send(self, turn: Turn | None) -> str:
        said = self._model.answer(self._rules, as_data(self._seen(turn)), _Said)
        message = clean(said.message, LONGEST) if said is not None else ""
        if said is None or not message:
            self._spoken.unanswered += 1
            return ""
        if self.names_a_target(message):
            self._spoken.leaking += 1
            return ""
        self._spoken.by_model += 1
        for handle in said.wishes:
            wish = self._handles.get(handle)
            if wish is not None and wish in self._open:
                self._open.remove(wish)
                self.said.append(wish)
        return self._kept(message)

    def _kept(self, message: str) -> str:
        self._sent.append(message)
        return message

    def _seen(self, turn: Turn | None) -> dict[str, object]:
        """All that the model learns."""
        need = [
            {"handle": handle, "wish": _words(wish), "first": wish in self.need.stated, "said": wish not in self._open}
            for handle, wish in self._handles.items()
        ]
        data: dict[str, object] = {"need": need, "you said": self._sent}
        if turn is None:
            return data
        fields = dict.fromkeys(wish.condition.field for wish in self._handles.values())
        shown = []
        for item_id in self._looked_at(turn):
            row = self._catalogue.row(item_id)
            values = {name: _readable(self._catalogue.value(row, name)) for name in fields}
            shown.append({"title": self._seemly(self._catalogue.titles[row]), **values})
        data["recommender"] = {
            "question": self._seemly(turn.question or ""),
            "options": [self._seemly(option) for option in turn.options],
            "shown": shown,
        }
        return data

    def _seemly(self, text: str) -> str:
        """A text of the recommender's, unless it names an acceptable item: another item may bear the same title."""
        return _HIDDEN if self.names_a_target(text) else text


def _words(wish: Wish) -> str:
    return f"no {wish.words}" if wish.form == "not" else wish.words


def _readable(value: object) -> object:
    return list(value[:MOST_VALUES]) if isinstance(value, tuple) else value
