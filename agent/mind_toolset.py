"""The tools of the built-in agent, as LangChain sees them. A mistake comes back to the model as a sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import BaseModel, ConfigDict, Field

from convrec.agent.model_answers import ModelReading
from convrec.agent.prompts import clean
from convrec.retrieval.errors import ConvrecError

if TYPE_CHECKING:
    from convrec.agent.mind_tools import Desk, Lookups


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Nothing(_Arguments):
    pass


class _Query(_Arguments):
    query: str = Field(description="A title, or words that describe what is looked for.")


class _Item(_Arguments):
    item: str = Field(description="Id or title.")


class _Items(_Arguments):
    items: list[str] = Field(description="Two to four ids or titles.")


class _Feedback(_Arguments):
    kind: str = Field(description="like, seen or reject: what the person said of shown items.")
    ranks: list[int] = Field(description="Their ranks in the shown list.")
    words: str = Field(description="The words of the last message that say it, copied.")


class _Question(_Arguments):
    question: str = Field(description="One short question.")
    options: list[str] = Field(default_factory=list, description="Two to four answers.")


def toolset(desk: Desk, lookups: Lookups) -> list[BaseTool]:
    """All tools of one turn."""

    def update_request(**said: Any) -> str:
        return desk.update(ModelReading.model_validate(said))

    def recommend() -> str:
        desk.finished = True
        return "The list follows."

    def record_feedback(kind: str, ranks: list[int], words: str) -> str:
        return desk.update(ModelReading.model_validate({"act": kind, "ranks": ranks, "act_words": words}))

    def ask_person(question: str, options: list[str] | None = None) -> str:
        desk.finished = True
        return desk.update(ModelReading(question=question, options=options or []))

    made = [
        _tool("update_request", "Send what the last message changes in the request.", ModelReading, update_request),
        _tool("recommend", "The request is complete: show the list. Ends your work.", _Nothing, recommend),
        _tool("search_catalogue", "Find items by title or description.", _Query, lookups.search),
        _tool("similar_items", "Items like a given one.", _Item, lookups.similar),
        _tool("look_up", "The record of one item.", _Item, lookups.item),
        _tool("compare", "Two to four items side by side.", _Items, lookups.compare),
        _tool("record_feedback", "What the person said of shown items.", _Feedback, record_feedback),
        _tool("read_profile", "What is known of the person's taste.", _Nothing, lookups.profile),
        _tool("ask_person", "Ask the person a question instead of recommending.", _Question, ask_person),
    ]
    return list(made)


def _tool(name: str, description: str, arguments: type[BaseModel], work: Callable[..., str]) -> StructuredTool:
    def run(**given: Any) -> str:
        try:
            return work(**given)
        except ConvrecError as error:
            raise ToolException(clean(str(error), 400)) from error
        except ValueError as error:
            raise ToolException("The arguments do not fit.") from error

    return StructuredTool.from_function(
        func=run,
        name=name,
        description=description,
        args_schema=arguments,
        infer_schema=False,
        handle_tool_error=True,
        handle_validation_error="The arguments do not fit the tool; see its description.",
    )
