"""The one result, and the events on the way to it. Every surface shows exactly these."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from convrec.retrieval.request import Request


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FieldEvidence(_Record):
    """A value in the item's own record."""

    kind: Literal["field"] = "field"
    field: str
    value: str | float | bool
    provenance: str | None = Field(default=None, exclude_if=lambda value: value is None)
    """who wrote the value where it is not the catalogue's own file"""


class HistoryEvidence(_Record):
    """An item that the person liked, saw or rated."""

    kind: Literal["history"] = "history"
    item_id: str
    title: str


class ReferenceEvidence(_Record):
    """An item that the person named as an example in this conversation."""

    kind: Literal["reference"] = "reference"
    item_id: str
    title: str


class ScoreEvidence(_Record):
    """A term of the score."""

    kind: Literal["score"] = "score"
    term: str
    value: float


class WordsEvidence(_Record):
    """The person's own words."""

    kind: Literal["words"] = "words"
    words: str


Evidence = Annotated[
    FieldEvidence | HistoryEvidence | ReferenceEvidence | ScoreEvidence | WordsEvidence, Field(discriminator="kind")
]


class Reason(_Record):
    """One sentence that explains a pick, with what backs each of its claims."""

    text: str
    evidence: tuple[Evidence, ...] = ()


class Recommendation(_Record):
    """One entry of the list. `fields` are the item's attributes as they are shown."""

    rank: int
    id: str
    title: str
    score: float
    breakdown: dict[str, float]
    moved: int = 0
    """by how many ranks an LLM lifted (positive) or lowered (negative) it"""
    reasons: tuple[Reason, ...] = ()
    fields: dict[str, str | float | bool | tuple[str, ...]] = Field(default_factory=dict)


class Relaxation(_Record):
    """A constraint that was loosened (`applied`) or could be (`applied=False`, offered)."""

    constraint: str
    to: str
    fits_before: int
    gained: int
    applied: bool = True
    constraint_id: str | None = None
    constraint_ids: tuple[str, ...] = ()
    """all constraints that it loosens, the first one included"""


class Clarify(_Record):
    """One short question with two to four answers, each of which can be sent back as a message."""

    question: str
    options: tuple[str, ...] = ()


class LLMUsage(_Record):
    """What language models took. `cost` in US dollars where the price is known."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None

    def plus(self, other: LLMUsage) -> LLMUsage:
        """Both together; a cost is known as far as one of them is."""
        known = [usage.cost for usage in (self, other) if usage.cost is not None]
        return LLMUsage(
            calls=self.calls + other.calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost=sum(known) if known else None,
        )


class Trace(_Record):
    """How the turn went."""

    mode: Literal["offline", "structured", "tools"] = "offline"
    recalled: int = 0
    eligible: int = 0
    plan: str = ""
    timings_ms: dict[str, float] = Field(default_factory=dict)
    llm: LLMUsage = LLMUsage()
    notes: tuple[str, ...] = ()
    """what went differently than asked: a model that failed, claims that were removed, words that were not read"""
    session: str | None = None
    turn: int = 0


class Reply(_Record):
    """The answer to one message: the same object in the terminal, `--json`, MCP, LangChain, OpenAI tools and evals."""

    message: str
    request: Request
    items: tuple[Recommendation, ...] = ()
    relaxed: tuple[Relaxation, ...] = ()
    clarify: Clarify | None = None
    trace: Trace = Trace()


class Understood(_Record):
    """The message was read: this is the request now."""

    type: Literal["understood"] = "understood"
    request: Request
    summary: str


class RecallDone(_Record):
    """Candidates were recalled."""

    type: Literal["recalled"] = "recalled"
    recalled: int
    eligible: int


class RankDone(_Record):
    """Candidates were scored and a list was selected."""

    type: Literal["ranked"] = "ranked"
    count: int


class Token(_Record):
    """A piece of the message as it streams."""

    type: Literal["token"] = "token"
    text: str


class ItemReady(_Record):
    """One entry of the list is final."""

    type: Literal["item"] = "item"
    item: Recommendation


class Done(_Record):
    """The turn is over; `reply` is the whole result."""

    type: Literal["done"] = "done"
    reply: Reply


Event = Annotated[Understood | RecallDone | RankDone | Token | ItemReady | Done, Field(discriminator="type")]
