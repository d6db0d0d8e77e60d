"""A language model in two calls: one reads the message, one chooses and explains among the ranked candidates."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from convrec.agent.interpret import Ask, Reading, ReadingContext
from convrec.agent.llm import ModelCallError
from convrec.agent.mind import ListTelling, Mode, Told
from convrec.agent.model_answers import ModelReading, ModelTelling, StreamedMessage, answer_schema, parse
from convrec.agent.model_reading import Joined, join_readings
from convrec.agent.model_telling import SPARE, Opening, Telling
from convrec.agent.prompts import problems_said, reading_data, reading_rules, telling_rules
from convrec.agent.types import Event, ItemReady, LLMUsage, Token, Understood

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

    from convrec.agent.claims.index import ClaimIndex
    from convrec.agent.llm_calls import ModelCalls, Piece
    from convrec.agent.mind import OfflineMind, TurnScope
    from convrec.agent.settings import Settings
    from convrec.agent.title_match import TitleIndex
    from convrec.agent.value_words import ValueWords
    from convrec.retrieval.catalogue import Catalogue

Result = TypeVar("Result")

SHORT = 4
"""words up to which an act that the rules recognised needs no model"""


class ModelShelf:
    """Lookups that models' answers need, built once a catalogue at first use."""

    def __init__(self, catalogue: Catalogue, index: ClaimIndex) -> None:
        self.catalogue = catalogue
        self.index = index

    @cached_property
    def titles(self) -> TitleIndex:
        from convrec.agent.title_match import TitleIndex

        return TitleIndex(self.catalogue)

    @cached_property
    def values(self) -> ValueWords:
        from convrec.agent.value_words import ValueWords

        return ValueWords(self.catalogue)

    @cached_property
    def reading_rules(self) -> str:
        return reading_rules(self.catalogue.schema)


class StructuredTurn:
    """One turn with a model. Whatever the model fails at is done by the offline mind, and said in a note."""

    spare = SPARE
    name: Mode = "structured"

    def __init__(
        self, offline: OfflineMind, calls: ModelCalls, shelf: ModelShelf, settings: Settings, scope: TurnScope
    ) -> None:
        self._offline = offline
        self._calls = calls
        self._shelf = shelf
        self._settings = settings
        self._scope = scope
        self._spoke = False
        self._given_up = False
        self._notes: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self._notes)

    @property
    def mode(self) -> Mode:
        return self.name if self._spoke else "offline"

    @property
    def usage(self) -> LLMUsage:
        return self._calls.usage

    def read(self, message: str, context: ReadingContext) -> Generator[Event, None, Reading]:
        """The rules' reading at once, then what the model adds to it."""
        rules = self._offline.read(message, context)
        if not isinstance(rules.act, Ask) and len(message.split()) <= SHORT and not rules.unread:
            return rules
        yield self._first_view(rules, context)
        try:
            joined = yield from self._ask(message, context, rules)
        except ModelCallError as fault:
            self._given_up = fault.of_endpoint
            self._notes.append(f"{fault}: your message was read by the built-in rules.")
            return rules
        self._spoke = True
        if joined.left_out:
            many = "parts" if joined.left_out > 1 else "part"
            self._notes.append(f"{joined.left_out} {many} of the model's reading without words of yours left out.")
        return joined.reading

    def _first_view(self, rules: Reading, context: ReadingContext) -> Understood:
        from convrec.agent.describe import describe_request
        from convrec.retrieval.request import apply_edits

        request = apply_edits(context.request, rules.edits)
        return Understood(request=request, summary=describe_request(request, self._shelf.catalogue.schema))

    def _ask(self, message: str, context: ReadingContext, rules: Reading) -> Generator[Event, None, Joined]:
        """The joined reading, put right once by the model where it named what does not exist."""
        from langchain_core.messages import AIMessage, HumanMessage

        messages = self._reading_messages(message, context, rules)
        problems: Sequence[str] = ()
        for _ in range(2):
            text = yield from silently(self._calls.complete("read", messages, answer_schema(ModelReading)))
            try:
                joined = join_readings(parse(text, ModelReading), message, context, rules, self._shelf)
                problems = joined.problems
            except ModelCallError:
                problems = ("It is not one JSON object of the shape that was asked for.",)
            else:
                if not problems:
                    return joined
            messages = [*messages, AIMessage(text[:4000]), HumanMessage(problems_said(problems))]
        raise ModelCallError("garbled")

    def _reading_messages(self, message: str, context: ReadingContext, rules: Reading) -> list[BaseMessage]:
        from langchain_core.messages import HumanMessage, SystemMessage

        fixed = self._shelf.reading_rules
        limit = self._settings.llm.max_input_tokens - len(fixed) // 4
        data = reading_data(
            message,
            context=context,
            rules=rules,
            scope=self._scope,
            values=self._shelf.values,
            privacy=self._settings.privacy,
            limit=max(limit, 200),
        )
        return [SystemMessage(fixed), HumanMessage(data)]

    def tell(self, telling: ListTelling) -> Generator[Event, None, Told]:
        """The model's words as far as they hold, the templates' for the rest."""
        if not telling.ranked.items or self._given_up:
            return (yield from self._tell_offline(telling))
        list_ = Telling(telling, self._offline.narrator, self._shelf.index)
        opening = Opening(list_)
        said = ModelTelling()
        failed = False
        try:
            text = yield from self._stream(telling, list_, opening)
            said = parse(text, ModelTelling)
        except ModelCallError as fault:
            self._notes.append(f"{fault}: the list was told by the built-in templates.")
            failed = True
            if not opening.kept:
                return (yield from self._tell_offline(telling))
        self._spoke = True
        for sentence in opening.take(said.message.strip(), complete=True):
            yield Token(text=f"{sentence} ")
        yield Token(text=list_.opening)
        selection = list_.select(said)
        selection = replace(selection, removed=selection.removed + opening.removed)
        for item in selection.items:
            yield ItemReady(item=item)
        message = " ".join([*opening.kept, list_.opening])
        if not failed:
            self._notes += selection.notes()
        return Told(message, selection.items)

    def _stream(self, telling: ListTelling, list_: Telling, opening: Opening) -> Generator[Event, None, str]:
        """The whole answer; sentences of its message go out as they are complete."""
        from langchain_core.messages import HumanMessage, SystemMessage

        count = len(telling.ranked.items)
        messages = [
            SystemMessage(telling_rules(self._shelf.catalogue.schema, count)),
            HumanMessage(list_.data(self._settings.privacy.history)),
        ]
        pieces = self._calls.complete("tell", messages, answer_schema(ModelTelling))
        attempt, streamed = 0, StreamedMessage()
        while True:
            try:
                piece = next(pieces)
            except StopIteration as done:
                return str(done.value)
            if piece.attempt != attempt:
                attempt, streamed = piece.attempt, StreamedMessage()
            if piece.attempt == 0:
                streamed.feed(piece.text)
                for sentence in opening.take(streamed.text, complete=streamed.complete):
                    yield Token(text=f"{sentence} ")

    def _tell_offline(self, telling: ListTelling) -> Generator[Event, None, Told]:
        from convrec.agent.mind import events_of

        told = self._offline.tell(telling)
        yield from events_of(told)
        return told


def silently(pieces: Generator[Piece, None, Result]) -> Generator[Event, None, Result]:
    """The result of calls whose pieces nobody sees."""
    yield from ()
    while True:
        try:
            next(pieces)
        except StopIteration as done:
            result: Result = done.value
            return result
