"""The tools and a retriever for LangChain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import BaseTool, ToolException
from pydantic import ConfigDict, Field, PrivateAttr, ValidationError
from pydantic.v1 import ValidationError as ValidationErrorV1

from convrec.agent.recommender import Recommender
from convrec.agent.toolbox import Caller, shared_toolbox
from convrec.agent.tools import TOOLS, Tool, argument_fault, describe, tool_text
from convrec.retrieval.errors import ConvrecError


class RecommenderTool(BaseTool):
    """One tool of convrec for one person. Its artifact is the typed result as a dictionary."""

    name: str
    description: str
    response_format: str = "content_and_artifact"  # type: ignore[assignment]
    handle_tool_error: bool = True
    _caller: Caller = PrivateAttr()

    def __init__(self, tool: Tool, caller: Caller) -> None:
        """`caller`: the tools of whoever the agent works for."""
        schema = caller.schema
        super().__init__(
            name=tool.name,
            description=describe(tool, schema),
            args_schema=tool.arguments,
            handle_validation_error=lambda error: _fault(tool, error),
        )
        self._caller = caller

    def _run(self, **arguments: Any) -> tuple[str, dict[str, Any]]:
        try:
            result = self._caller.call(self.name, arguments)
        except ConvrecError as error:
            raise ToolException(str(error)) from error
        return tool_text(result, self._caller.schema), result.model_dump(mode="json")


def _fault(tool: Tool, error: ValidationError | ValidationErrorV1) -> str:
    return argument_fault(tool, error) if isinstance(error, ValidationError) else str(error)


def langchain_tools(workspace: Path | str | Recommender | None = None, user: str | None = None) -> list[BaseTool]:
    """The tools of a workspace for one person, ready for `create_agent(model, tools)` or `bind_tools`.

    Args:
        workspace: a folder, an open recommender, or None for the default workspace.
        user: the person; None for nobody in particular, whose feedback cannot be kept.

    Raises:
        WorkspaceError: nothing was built there.
    """
    caller = shared_toolbox(workspace).caller(user)
    return [RecommenderTool(tool, caller) for tool in TOOLS]


class RecommenderRetriever(BaseRetriever):
    """Recommended items as documents: for chains that want something to read rather than something to choose.

    A document's text is the item's card; its metadata hold id, title, fields, rank, score and reasons.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    workspace: Path | str | Recommender | None = None
    """a folder, an open recommender, or None for the default workspace"""
    user: str | None = None
    """the person; None for nobody in particular"""
    k: int = Field(default=10, ge=1, le=50)
    """most documents"""

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, k: int | None = None
    ) -> list[Document]:
        from convrec.agent.describe import describe_item

        del run_manager
        recommender = shared_toolbox(self.workspace).recommender
        reply = recommender.recommend(query, user=self.user, count=k or self.k)
        return [
            Document(
                id=item.id,
                page_content=describe_item(recommender.catalogue, recommender.catalogue.row(item.id)),
                metadata={
                    "id": item.id,
                    "title": item.title,
                    "rank": item.rank,
                    "score": item.score,
                    "fields": item.fields,
                    "reasons": [reason.text for reason in item.reasons],
                },
            )
            for item in reply.items
        ]
