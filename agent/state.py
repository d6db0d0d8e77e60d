"""What a conversation remembers between turns; stored as JSON."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from convrec.agent.types import LLMUsage, Recommendation
from convrec.retrieval.request import Constraint, Description, Request, RequestEdit

UNDO_DEPTH = 50


class Offer(BaseModel):
    """Something that 'yes', or the words of `option`, takes up."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    option: str
    edits: tuple[RequestEdit, ...] = ()
    remember: tuple[Constraint | Description, ...] = ()
    """lasting preferences to keep"""
    page: bool = False
    """whether taking it up shows other items"""


class ConversationState(BaseModel):
    """The state after a turn. A value: every turn makes a new one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    turn: int = 0
    request: Request = Request()
    items: tuple[Recommendation, ...] = ()
    """the last list"""
    previous: tuple[tuple[str, ...], ...] = ()
    """ids shown after each earlier turn"""
    page: tuple[str, ...] = ()
    """ids already shown for the present request: 'more' goes on behind them"""
    asked: tuple[str, ...] = ()
    """attributes that a clarifying question was asked about"""
    offers: tuple[Offer, ...] = ()
    focus: str | None = None
    """id of the item that was talked about last"""
    words: tuple[str, ...] = ()
    """the person's messages, latest last"""
    past: tuple[Request, ...] = ()
    """requests before each change, for undo"""
    spent: LLMUsage = LLMUsage()
    """what language models took in this conversation so far"""

    def changed(self, request: Request) -> ConversationState:
        """With another request, the present one kept for undo and the pages started anew."""
        if request == self.request:
            return self
        past = (*self.past, self.request)[-UNDO_DEPTH:]
        return self.model_copy(update={"request": request, "past": past, "page": ()})
