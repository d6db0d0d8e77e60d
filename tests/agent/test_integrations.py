"""LangChain's own standard tests for tools and retrievers, and an agent that uses the tools."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_tests.integration_tests import RetrieversIntegrationTests, ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests

from convrec.agent import Recommender, RecommenderRetriever, RecommenderTool, langchain_tools
from tests.conftest import hashing_settings


@pytest.fixture(scope="class")
def opened(built_films: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recommender]:
    import shutil

    folder = Path(shutil.copytree(built_films, tmp_path_factory.mktemp("langchain") / "films"))
    with Recommender.open(folder, hashing_settings()) as recommender:
        yield recommender


EXAMPLES: dict[str, dict[str, Any]] = {
    "recommend": {"message": "a comedy", "constraints": [{"field": "year", "minimum": 1980}], "count": 2},
    "search": {"query": "alien"},
    "feedback": {"item": "f1", "kind": "like"},
}


class _Standard:
    """Which tool the standard tests try."""

    recommender: Recommender
    name = "recommend"

    @pytest.fixture(autouse=True)
    def _given(self, opened: Recommender) -> None:
        self.recommender = opened

    @property
    def tool_constructor(self) -> type[BaseTool] | BaseTool:
        return next(tool for tool in langchain_tools(self.recommender, "ann") if tool.name == self.name)

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return EXAMPLES[self.name]


class TestRecommendUnit(_Standard, ToolsUnitTests):
    name = "recommend"


class TestRecommendIntegration(_Standard, ToolsIntegrationTests):
    name = "recommend"


class TestSearchUnit(_Standard, ToolsUnitTests):
    name = "search"


class TestSearchIntegration(_Standard, ToolsIntegrationTests):
    name = "search"


class TestFeedbackUnit(_Standard, ToolsUnitTests):
    name = "feedback"


class TestFeedbackIntegration(_Standard, ToolsIntegrationTests):
    name = "feedback"


class TestRetriever(RetrieversIntegrationTests):
    recommender: Recommender

    @pytest.fixture(autouse=True)
    def _given(self, opened: Recommender) -> None:
        self.recommender = opened

    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return RecommenderRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"workspace": self.recommender, "user": "u3"}

    @property
    def retriever_query_example(self) -> str:
        return "a comedy"


def test_artifacts_carry_the_result_and_mistakes_come_back_as_sentences(opened: Recommender) -> None:
    tools = {tool.name: tool for tool in langchain_tools(opened, "ann")}
    assert all(isinstance(tool, RecommenderTool) for tool in tools.values())

    def call(name: str, **arguments: Any) -> ToolMessage:
        message = tools[name].invoke({"name": name, "args": arguments, "id": "1", "type": "tool_call"})
        assert isinstance(message, ToolMessage)
        return message

    first = call("recommend", message="a comedy", count=2)
    assert [item["title"] in str(first.content) for item in first.artifact["items"]] == [True, True]
    second = call("refine", session=first.artifact["trace"]["session"], drop=["genres"])
    assert second.artifact["request"]["constraints"] == []
    for name, arguments, expected in (
        ("recommend", {"count": 500}, "'count' of recommend does not fit"),
        ("recommend", {"mesage": "x"}, "no argument 'mesage'"),
        ("recommend", {"constraints": [{"field": "genre", "any_of": ["x"]}]}, "did you mean 'genres'"),
        ("item", {"item": "nowhere at all"}, "look it up with search"),
    ):
        refused = call(name, **arguments)
        assert (refused.status, expected in str(refused.content)) == ("error", True)


class Scripted(BaseChatModel):
    """Calls a tool with arguments that fail, then with ones that fit, then tells what it was told."""

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        assert {"recommend", "profile"} <= {tool.name for tool in tools}
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        heard = [m for m in messages if isinstance(m, ToolMessage)]
        wanted: list[dict[str, Any]] = [
            {"field": "genre", "any_of": ["Comedy"]},
            {"field": "genres", "any_of": ["Comedy"]},
        ]
        if len(heard) < 2:
            call = {"name": "recommend", "args": {"constraints": [wanted[len(heard)]]}, "id": str(len(heard))}
            answer = AIMessage(content="", tool_calls=[call])
        else:
            answer = AIMessage(
                content=f"{heard[0].status}: {heard[0].content} / {heard[1].artifact['items'][0]['title']}"
            )
        return ChatResult(generations=[ChatGeneration(message=answer)])


def test_an_agent_puts_its_mistake_right(opened: Recommender) -> None:
    agent: Any = create_agent(Scripted(), langchain_tools(opened, "ann"))
    state = agent.invoke({"messages": [("user", "Something funny?")]}, {"recursion_limit": 12})
    said = str(state["messages"][-1].content)
    assert said.startswith("error: There is no attribute 'genre'; did you mean 'genres'")
    title = said.rsplit(" / ", 1)[1]
    genres = opened.catalogue.value(opened.catalogue.titles.index(title), "genres")
    assert isinstance(genres, tuple)
    assert "Comedy" in genres
