"""What the worker process does for an interface: a method a call, with plain values as arguments and results."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from convrec.agent.conversation import Conversation
from convrec.agent.errors import HistoryImportError, ProfileError, SessionError
from convrec.agent.people import FeedbackKind
from convrec.agent.recommender import Recommender
from convrec.agent.settings import LLMSettings, Settings, load_settings
from convrec.agent.state import ConversationState
from convrec.agent.types import Event, Recommendation, Reply
from convrec.agent.views import (
    BuildStep,
    Comparison,
    Completion,
    Explanation,
    Finding,
    HistoryPage,
    ImportSummary,
    ItemHit,
    ItemView,
    ModelCheck,
    Opened,
    ProfileView,
    SchemaPreview,
    SessionRow,
    TurnView,
)
from convrec.retrieval.errors import WorkspaceMissingError
from convrec.retrieval.request import Constraint, Description, Request, RequestEdit, apply_edits

if TYPE_CHECKING:
    from convrec.agent.build import Loaded
    from convrec.agent.title_completion import TitleCompleter

RATING_MIDDLE = 3.0
"""ratings above count as liked, below as disliked; out of five"""
Emit = Callable[[Event | BuildStep], None]


class Service:
    """One workspace, one person, one conversation at a time. Failures are `ConvrecError`s."""

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or load_settings()
        self._recommender: Recommender | None = None
        self._conversation: Conversation | None = None
        self._lock = threading.RLock()
        self._user: str | None = None
        self._session: str | None = None
        self._stored = True

    @property
    def recommender(self) -> Recommender:
        """The open workspace.

        Raises:
            WorkspaceMissingError: none is open.
        """
        if self._recommender is None:
            raise WorkspaceMissingError("No catalogue is open; build one first.")
        return self._recommender

    @property
    def conversation(self) -> Conversation:
        """The conversation; its models load at first use."""
        with self._lock:
            if self._conversation is None:
                self._conversation = self.recommender.session(self._user, self._session, stored=self._stored)
            return self._conversation

    @property
    def user_id(self) -> str | None:
        """The id under which the person is kept."""
        from convrec.agent.identity import stored_id

        recommender = self.recommender
        return stored_id(recommender.people.path.parent, self._user, recommender.settings)

    @cached_property
    def _completer(self) -> TitleCompleter:
        from convrec.agent.title_completion import TitleCompleter

        return TitleCompleter(self.recommender.catalogue, self.recommender.log)

    def open(
        self, workspace: str | None = None, user: str | None = None, session: str | None = None, *, stored: bool = True
    ) -> Opened:
        """Open a workspace and a conversation in it. Quick: models wait for `warm` or the first turn.

        Raises:
            WorkspaceError: nothing was built there, or it cannot serve.
            SessionError: there is no such conversation of that person.
        """
        opened = Recommender.open(workspace or self._usual_place(), self._settings)
        with self._lock:
            if self._recommender is not None:
                self._recommender.close()
            self._recommender, self._conversation = opened, None
            self._user, self._session, self._stored = user, session, stored
            self.__dict__.pop("_completer", None)
        request, turns = self._restored()
        schema = opened.schema
        manifest = opened.generation.manifest
        llm = opened.settings.llm
        return Opened(
            workspace=str(opened.people.path.parent.resolve()),
            catalogue=schema,
            interactions=manifest.interactions,
            people=manifest.users,
            user=self._user,
            session=session,
            request=request,
            turns=turns,
            suggestions=() if turns else tuple(_suggestions(opened)),
            mode="structured" if llm.configured else "offline",
            model=llm.model if llm.configured else None,
        )

    def _usual_place(self) -> Path | None:
        """The starter workspace where nothing else was ever built."""
        from convrec.retrieval.workspace import Workspace, default_workspace

        place = self._settings.workspace or default_workspace()
        starter = default_workspace().with_name("starter")
        if self._settings.workspace is None and Workspace(place).current_id() is None:
            return starter if Workspace(starter).current_id() is not None else place
        return place

    def _restored(self) -> tuple[Request, tuple[TurnView, ...]]:
        """The request and turns of a stored conversation, or the lasting wishes of the person."""
        people = self.recommender.people
        if self._session is not None:
            summary, state = people.session(self._session, self.user_id)
            self._user = self._user or summary.user_id
            return ConversationState.model_validate(state).request, self._turns(self._session)
        if self.user_id is None:
            return Request(), ()
        wishes = [{"op": "add", "part": preference.part} for preference in people.preferences(self.user_id)]
        return apply_edits(Request(), [RequestEdit.model_validate(wish) for wish in wishes]), ()

    def _turns(self, session_id: str) -> tuple[TurnView, ...]:
        return tuple(
            TurnView(turn=turn.turn, message=turn.message, reply=Reply.model_validate(turn.reply), time=turn.time)
            for turn in self.recommender.people.turns(session_id)
        )

    def warm(self) -> None:
        """Load what the first turn needs."""
        self.recommender.warm()
        _ = self.conversation

    def send(self, message: str, *, cancel: threading.Event) -> Iterator[Event]:
        """Take a turn."""
        return self.conversation.stream(message, cancel=cancel)

    def edit(self, edits: Sequence[dict[str, Any]], *, cancel: threading.Event) -> Iterator[Event]:
        """Change the request by hand."""
        parsed = [RequestEdit.model_validate(edit) for edit in edits]
        return self.conversation.stream_edits(parsed, cancel=cancel)

    def feedback(self, item_id: str, kind: str) -> None:
        """Record what the person thinks of an item."""
        self.conversation.feedback(item_id, cast("FeedbackKind", kind))

    def take_back(self, item_id: str, kind: str) -> None:
        """Undo feedback."""
        self.conversation.take_back(item_id, cast("FeedbackKind", kind))

    def explain(self, item_id: str) -> Explanation:
        """Why an item stood on a list of this conversation."""
        from convrec.agent.insight import explain

        return explain(self.conversation, self._shown(item_id))

    def _shown(self, item_id: str) -> Recommendation:
        conversation = self.conversation
        for item in conversation.state.items:
            if item.id == item_id:
                return item
        for turn in reversed(self._turns(conversation.id) if conversation.id is not None else ()):
            for item in turn.reply.items:
                if item.id == item_id:
                    return item
        raise SessionError("This item was on no list of this conversation.")

    def compare(self, item_ids: Sequence[str]) -> Comparison:
        """Items side by side."""
        from convrec.agent.insight import compare

        return compare(self.recommender.catalogue, item_ids)

    def record(self, item_id: str) -> ItemView:
        """A whole item."""
        from convrec.agent.insight import item_view

        catalogue = self.recommender.catalogue
        return item_view(catalogue, catalogue.row(item_id))

    def profile(self) -> ProfileView:
        """What is known of the person."""
        from convrec.agent.insight import profile

        told = profile(self.recommender.engine, self.user_id)
        return told.model_copy(update={"user": self._user})

    def drop_preference(self, preference_id: str) -> None:
        """Forget a lasting wish."""
        self.recommender.people.drop_preference(self._known(), preference_id)

    def correct_preference(self, preference_id: str, words: str) -> ProfileView:
        """Replace a lasting wish by what these words say.

        Raises:
            ProfileError: they say nothing that can be kept.
        """
        from convrec.agent.interpret import ReadingContext, Remember

        reading = self.recommender.mind.read(words, ReadingContext())
        act = reading.act
        parts = act.preferences if isinstance(act, Remember) else [edit.part for edit in reading.edits]
        kept = [part for part in parts if isinstance(part, Constraint | Description)]
        if not kept:
            raise ProfileError("I could not read a lasting wish in that; say it like “no horror” or “under two hours”.")
        self.drop_preference(preference_id)
        for part in kept:
            self.conversation.remember(part)
        return self.profile()

    def history(self, containing: str = "") -> HistoryPage:
        """What the person saw, rated or liked."""
        from convrec.agent.insight import history

        return history(self.recommender.engine, self.user_id, containing)

    def rate(self, item_id: str, value: float | None = None) -> None:
        """Add an item to the history; a rating out of five also says whether it was liked."""
        user = self._known()
        self.recommender.catalogue.row(item_id)
        people = self.recommender.people
        if value is not None:
            people.record(user, item_id, "rate", value=value, source="history")
        kind: FeedbackKind = "seen"
        if value is not None and value != RATING_MIDDLE:
            kind = "like" if value > RATING_MIDDLE else "dislike"
        people.record(user, item_id, kind, source="history")

    def forget_item(self, item_id: str) -> None:
        """Take everything the person said about an item out of the history."""
        self.recommender.people.retract(self._known(), item_id)

    def import_history(self, path: str) -> ImportSummary:
        """Read a file with the person's history and keep what is matched beyond doubt."""
        from convrec.agent.history_import import read_history, store_history, summary

        recommender = self.recommender
        try:
            report = read_history(Path(path).expanduser(), recommender.catalogue)
        except OSError as error:
            raise HistoryImportError(f"{path} cannot be read: {error.strerror or error}.") from error
        stored = store_history(report, recommender.catalogue, recommender.people, self._known())
        return ImportSummary(
            text=summary(report),
            stored=stored,
            doubtful=tuple(entry.row.title for entry in report.of("doubtful")),
            unknown=tuple(entry.row.title for entry in report.of("unknown")),
        )

    def _known(self) -> str:
        user = self.user_id
        if user is None:
            raise ProfileError("Say who you are first: /user NAME.")
        return user

    def find(self, words: str) -> tuple[ItemHit, ...]:
        """Items by a part of their title."""
        return self._completer.find(words)

    def complete(self, text: str) -> Completion:
        """Titles that complete the end of a message."""
        return self._completer.complete(text)

    def sessions(self, containing: str = "") -> tuple[SessionRow, ...]:
        """The person's conversations, latest first."""
        found = self.recommender.people.sessions(self.user_id, containing=containing)
        return tuple(SessionRow(id=row.id, name=row.name, updated=row.updated, turns=row.turns) for row in found)

    def rename_session(self, session_id: str, name: str) -> None:
        self._own(session_id)
        self.recommender.people.rename_session(session_id, name)

    def delete_session(self, session_id: str) -> None:
        self._own(session_id)
        self.recommender.people.delete_session(session_id)

    def transcript(self, session_id: str, form: str) -> str:
        """A conversation as 'markdown' or 'json'."""
        from convrec.agent.transcript import transcript

        name = self._own(session_id)
        return transcript(name, self._turns(session_id), cast("Literal['markdown', 'json']", form))

    def _own(self, session_id: str) -> str:
        summary, _ = self.recommender.people.session(session_id, self.user_id)
        return summary.name

    def preview(self, items: str, interactions: str | None = None) -> SchemaPreview:
        """What files hold and mean; nothing is written."""
        loaded = self._load(items, interactions)
        reports = loaded.reports
        return SchemaPreview(
            catalogue=loaded.catalogue.schema,
            loaded=reports[0].loaded,
            rejected=sum(len(report.rejected) for report in reports),
            interactions=len(loaded.log),
            people=loaded.log.users,
            warnings=tuple(f"{report.path.name}: {text}" for report in reports for text in report.warnings),
        )

    def _load(self, items: str, interactions: str | None) -> Loaded:
        from convrec.agent.build import SourceFiles, load

        log = Path(interactions).expanduser() if interactions else None
        return load(SourceFiles(Path(items).expanduser(), log))

    def build(
        self, workspace: str | None = None, items: str | None = None, interactions: str | None = None, *, emit: Emit
    ) -> None:
        """Build a workspace out of files, or of the starter data where there are none."""
        from convrec.agent.build import SourceFiles, build, load
        from convrec.retrieval.workspace import default_workspace

        def progress(stage: str, done: int, total: int) -> None:
            emit(BuildStep(stage=stage, done=done, total=total))

        named = workspace or self._settings.workspace
        if items is None:
            from platformdirs import user_cache_path

            from convrec.retrieval.starter import fetch

            place = Path(named) if named is not None else default_workspace().with_name("starter")
            stage = "Fetching MovieLens-100K"
            progress(stage, 0, 1)
            folder = user_cache_path("convrec") / "movielens-100k"
            files = fetch(folder, progress=lambda done, total: progress(stage, done, max(total, done)))
            loaded = load(SourceFiles(files.items, files.interactions, files.schema))
        else:
            place = Path(named) if named is not None else default_workspace()
            progress("Reading the files", 0, 1)
            loaded = self._load(items, interactions)
        build(place, loaded, self._settings, progress=progress)
        emit(BuildStep(stage="Built", done=1, total=1, workspace=str(place)))

    def connect(self, model: str, base_url: str, api_key: str, mode: str) -> ModelCheck:
        """Use another language model from the next turn on, once it has answered."""
        from convrec.agent.capabilities import ask

        llm = self._settings.llm
        values: dict[str, Any] = {**llm.model_dump(), "mode": mode}
        if mode != "offline":
            values |= {"model": model or llm.model, "base_url": base_url or llm.base_url}
            values["api_key"] = api_key or llm.api_key
        changed = LLMSettings.model_validate(values)
        check = ModelCheck(ok=True, text="Working offline.")
        if mode != "offline":
            found, said = ask(changed, self.recommender.people.path.parent)
            able = {} if found is None else found.model_dump()
            named = {name.replace("_", " "): bool(can) for name, can in able.items()}
            check = ModelCheck(ok=found is not None, text=said, abilities=named)
        if check.ok:
            self._settings = self._settings.model_copy(update={"llm": changed})
            with self._lock:
                held = self._conversation
                self._session = held.id if held is not None else self._session
                place = self.recommender.people.path.parent
                self.open(str(place), self._user, self._session, stored=self._stored)
        return check

    def doctor(self) -> tuple[Finding, ...]:
        """What is configured, what works, and what to do about what does not."""
        from convrec.agent.doctor import examine

        settings = self._settings
        if self._recommender is not None:
            settings = settings.model_copy(update={"workspace": self._recommender.people.path.parent})
        return tuple(Finding.model_validate(found.as_dict()) for found in examine(settings))

    def close(self) -> None:
        """Release files."""
        if self._recommender is not None:
            self._recommender.close()


def _suggestions(recommender: Recommender) -> list[str]:
    """Openings that this catalogue can answer: the shipped ones of the starter data, else out of the vocabulary."""
    from convrec.retrieval.schema import AttributeKind, Role

    schema = recommender.schema
    if schema.name == "starter":
        from convrec.agent.demo import suggestions

        return suggestions()["suggestions"]
    topics = [a for a in schema.with_role(Role.TOPIC) if a.vocabulary and a.kind is not AttributeKind.TEXT]
    texts = []
    if topics:
        values = [entry.value for entry in min(topics, key=lambda a: a.distinct).vocabulary[:3]]
        texts = [f"{values[0]} that I do not know yet", *(f"something with {value}" for value in values[1:2])]
    return [*texts, "surprise me"]
