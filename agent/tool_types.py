"""Arguments and results of the tools, typed: MCP, LangChain and OpenAI derive their schemas from these.

Arguments that may be left out may also be null, because strict schemas name every argument.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from convrec.agent.people import FeedbackKind
from convrec.agent.types import Reply

MESSAGE_LENGTH = 8000
MOST_ITEMS = 50
"""items of one answer"""
MOST_VALUES = 50
"""entries of one list of an argument"""

Text = Annotated[str, Field(min_length=1, max_length=MESSAGE_LENGTH)]
Name = Annotated[str, Field(min_length=1, max_length=300)]
Names = Annotated[list[Name], Field(max_length=MOST_VALUES)]
Values = Annotated[list[str | float | bool], Field(min_length=1, max_length=MOST_VALUES)]
Count = Annotated[int, Field(ge=1, le=MOST_ITEMS)]


class Arguments(BaseModel):
    """Arguments of a tool. What is not named here is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ConstraintArgument(Arguments):
    """A condition on one attribute of the catalogue. Several conditions must all hold."""

    field: Name = Field(description="Name of the attribute, as listed in the description of the tool.")
    any_of: Values | None = Field(default=None, description="The item has at least one of these values.")
    all_of: Values | None = Field(default=None, description="The item has all of these values.")
    none_of: Values | None = Field(default=None, description="The item has none of these values.")
    minimum: float | Name | None = Field(
        default=None, description="Smallest allowed number, or date as YYYY-MM-DD; the bound itself is allowed."
    )
    maximum: float | Name | None = Field(
        default=None, description="Largest allowed number, or date as YYYY-MM-DD; the bound itself is allowed."
    )
    strength: Literal["must", "hard", "soft"] | None = Field(
        default=None,
        description="must: never loosened; hard (default): loosened only if nothing fits, and that is said; "
        "soft: a preference.",
    )


class _Wanted(Arguments):
    constraints: Annotated[list[ConstraintArgument], Field(max_length=MOST_VALUES)] | None = Field(
        default=None, description="Conditions that you read out of what the person said."
    )
    like: Names | None = Field(default=None, description="Ids or exact titles of items that it should be like.")
    unlike: Names | None = Field(default=None, description="Ids or exact titles of items that it should not be like.")
    exclude: Names | None = Field(default=None, description="Ids or exact titles of items not to show.")
    count: Count | None = Field(default=None, description="How many items; 10 unless said otherwise.")
    diversity: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="0: as similar as the scores say; 1: as different from each other as possible."
    )
    novelty: Annotated[float, Field(ge=-1, le=1)] | None = Field(
        default=None, description="-1: well-known items; 1: hidden gems."
    )
    include_history: bool | None = Field(
        default=None, description="true: also items that the person already knows; they are left out otherwise."
    )


class RecommendArguments(_Wanted):
    """What the person wants: in their words, as conditions, or both. Without anything their taste alone decides."""

    message: Text | None = Field(
        default=None,
        description="What the person said, in their own words. convrec reads it itself; do not repeat as a constraint "
        "what stands in it, or leave it out and fill the constraints yourself.",
    )


class RefineArguments(_Wanted):
    """A change of an earlier answer; what is not mentioned stays as it was."""

    session: Name = Field(description="`trace.session` of the earlier answer.")
    message: Text | None = Field(
        default=None, description="What the person said next: 'shorter', 'not that one', 'more', 'why the second?'."
    )
    drop: Names | None = Field(
        default=None,
        description="Conditions to take back: names of attributes, or ids of parts of the request such as 'c1'.",
    )


class SimilarArguments(Arguments):
    """An item to find others like."""

    item: Name = Field(description="Id or exact title.")
    constraints: Annotated[list[ConstraintArgument], Field(max_length=MOST_VALUES)] | None = Field(
        default=None, description="Conditions that the similar items must meet."
    )
    count: Count | None = Field(default=None, description="How many items; 10 unless said otherwise.")


class SearchArguments(Arguments):
    """Words to look up. Nobody's taste plays a part."""

    query: Text = Field(description="A title, or part of one, or words that describe what is looked for.")
    constraints: Annotated[list[ConstraintArgument], Field(max_length=MOST_VALUES)] | None = Field(
        default=None, description="Conditions that the found items must meet."
    )
    count: Count | None = Field(default=None, description="How many items; 10 unless said otherwise.")


class ItemArguments(Arguments):
    """One item."""

    item: Name = Field(description="Id or exact title.")


class CompareArguments(Arguments):
    """Two to four items."""

    items: Annotated[list[Name], Field(min_length=2, max_length=4)] = Field(description="Ids or exact titles.")


class FeedbackArguments(Arguments):
    """What the person thinks of an item. It counts from the next answer on."""

    item: Name = Field(description="Id or exact title.")
    kind: FeedbackKind = Field(
        description="like, dislike, seen (known already), rate (with a value), never (not to be shown again)."
    )
    value: Annotated[float, Field(ge=0, le=5)] | None = Field(default=None, description="For rate: 0 to 5 stars.")
    undo: bool | None = Field(default=None, description="true: take such feedback back.")
    session: Name | None = Field(
        default=None, description="`trace.session` of the conversation that it was said in, if any."
    )


class ProfileArguments(Arguments):
    """What is known of the person."""

    limit: Annotated[int, Field(ge=1, le=500)] | None = Field(
        default=None, description="Entries of each kind, latest first; 20 unless said otherwise."
    )


class Result(BaseModel):
    """Result of a tool."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FoundItem(Result):
    """An item with the attributes that it has; dates as ISO text."""

    id: str
    title: str
    fields: dict[str, str | float | bool | tuple[str, ...]] = Field(default_factory=dict)


class SearchResult(Result):
    """Items that fit the words, best first. `eligible` items of the catalogue meet the conditions."""

    message: str
    items: tuple[FoundItem, ...]
    eligible: int


class ItemResult(Result):
    """The whole record of an item. `text` is its free description."""

    message: str
    item: FoundItem
    text: str = ""


class CompareResult(Result):
    """Items side by side: `same` attributes have one value throughout, `different` ones by item id."""

    message: str
    items: tuple[FoundItem, ...]
    same: tuple[str, ...]
    different: tuple[str, ...]


class FeedbackResult(Result):
    """Feedback that was kept, or taken back."""

    message: str
    item: FoundItem
    kind: FeedbackKind
    kept: bool


class KnownFeedback(Result):
    """Something the person said about an item; `time` in seconds since 1970."""

    id: str
    title: str
    kind: FeedbackKind
    value: float | None
    time: float


class ProfileResult(Result):
    """What is known of the person who is asking, and of nobody else."""

    message: str
    person: str
    feedback: tuple[KnownFeedback, ...]
    preferences: tuple[str, ...]
    history: tuple[FoundItem, ...]
    conversations: int


ToolResult = Reply | SearchResult | ItemResult | CompareResult | FeedbackResult | ProfileResult
