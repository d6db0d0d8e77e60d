"""The front door: open a workspace, recommend, talk."""

from __future__ import annotations

import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from convrec.agent.conversation import Conversation
from convrec.agent.identity import stored_id
from convrec.agent.people import PeopleStore
from convrec.agent.settings import Settings, load_settings
from convrec.agent.types import Reply
from convrec.retrieval.request import Request, RequestEdit
from convrec.retrieval.workspace import Workspace, default_workspace

USERS = "users.sqlite"
"""file of a workspace with everything about people"""

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from convrec.agent.engine import Engine
    from convrec.agent.mind import Mind
    from convrec.retrieval.catalogue import Catalogue
    from convrec.retrieval.generation import Generation
    from convrec.retrieval.interactions import InteractionLog
    from convrec.retrieval.schema import CatalogueSchema


class Recommender:
    """A workspace, ready to recommend. Opening is cheap: models load at the first turn, or by `warm`.

    Safe to share between threads; each conversation takes one turn at a time.
    """

    def __init__(
        self,
        generation: Generation,
        people: PeopleStore,
        settings: Settings,
        model: BaseChatModel | None = None,
    ) -> None:
        """`model`: a LangChain chat model to use instead of the endpoint of the settings."""
        self.generation = generation
        self.people = people
        self.settings = settings
        self._model = model
        self._lock = threading.RLock()

    @classmethod
    def open(
        cls,
        workspace: Path | str | None = None,
        settings: Settings | None = None,
        *,
        model: BaseChatModel | None = None,
    ) -> Recommender:
        """The serving generation of a workspace; with `model`, a LangChain chat model reads and tells.

        Raises:
            WorkspaceError: nothing was built there, or it cannot serve.
        """
        settings = settings or load_settings()
        path = Path(workspace) if workspace is not None else settings.workspace or default_workspace()
        place = Workspace(path, chroma=settings.retrieval.chroma)
        return cls(place.open_current(), PeopleStore(path / USERS), settings, model)

    @property
    def catalogue(self) -> Catalogue:
        return self.generation.catalogue

    @property
    def schema(self) -> CatalogueSchema:
        return self.generation.schema

    @property
    def log(self) -> InteractionLog:
        return self.generation.log

    @property
    def engine(self) -> Engine:
        """Recall and ranker; loads the catalogue at first use."""
        with self._lock:
            return self._engine

    @property
    def mind(self) -> Mind:
        """Reader and narrator; loads the embedder at first use."""
        with self._lock:
            return self._mind

    @cached_property
    def _engine(self) -> Engine:
        from convrec.agent.wiring import make_engine

        return make_engine(self.generation, self.people, self.settings)

    @cached_property
    def _mind(self) -> Mind:
        from convrec.agent.wiring import make_mind

        return make_mind(self.generation, self.engine, self.settings, self.people.path.parent, self._model)

    def warm(self) -> None:
        """Load everything that the first turn would load."""
        engine = self.engine
        _ = self.mind
        engine.encode(["warm"])

    def session(self, user: str | None = None, session_id: str | None = None, *, stored: bool = True) -> Conversation:
        """A new conversation, or the stored one of that id. `stored=False` keeps nothing on disk.

        Raises:
            SessionError: there is no such conversation of that person.
        """
        person = stored_id(self.people.path.parent, user, self.settings)
        return Conversation(self.engine, self.mind, user_id=person, session_id=session_id, stored=stored)

    def recommend(
        self,
        message: str | None = None,
        *,
        user: str | None = None,
        request: Request | None = None,
        count: int | None = None,
    ) -> Reply:
        """One answer, kept nowhere: to a message, to a typed request, to both, or to the person's taste alone."""
        conversation = self.session(user, stored=False)
        edits = [RequestEdit(op="add", part=part) for part in request.parts()] if request is not None else []
        if request is not None:
            edits.append(RequestEdit(op="wish", wishes=request.wishes.model_dump(exclude={"kind"})))
        if count is not None:
            edits.append(RequestEdit(op="wish", wishes={"count": count}))
        if message is None:
            return conversation.edit(edits or [RequestEdit(op="wish")])
        if edits:
            conversation.prepare(edits)
        return conversation.send(message)

    async def arecommend(
        self,
        message: str | None = None,
        *,
        user: str | None = None,
        request: Request | None = None,
        count: int | None = None,
    ) -> Reply:
        """`recommend` for asynchronous callers; runs in a thread."""
        import asyncio

        return await asyncio.to_thread(self.recommend, message, user=user, request=request, count=count)

    def close(self) -> None:
        """Release files."""
        self.people.close()
        self.generation.close()

    def __enter__(self) -> Recommender:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
