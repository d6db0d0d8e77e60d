"""What one gets from Chroma and LangChain alone: the message embedded, the nearest items, as LangChain documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

if TYPE_CHECKING:
    from langchain_core.callbacks import CallbackManagerForRetrieverRun

    from convrec.agent.recommender import Recommender


class PlainRetriever(BaseRetriever):
    """Similarity search over the vectors that convrec serves from; nothing is read, filtered or ranked."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    recommender: Any
    k: int = 10

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        del run_manager
        recommender: Recommender = self.recommender
        vector = recommender.engine.encode([query])[0]
        ids, _ = recommender.generation.store.query(vector, self.k)
        catalogue = recommender.catalogue
        return [
            Document(page_content=catalogue.document(row), metadata={"id": catalogue.ids[row]})
            for row in catalogue.rows(ids).tolist()
        ]
