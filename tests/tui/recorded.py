"""A backend with recorded answers: the interface's own tests and pictures need no models and no clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from convrec.agent import views
from convrec.agent.labels import label_constraint
from convrec.agent.types import (
    Clarify,
    Done,
    Event,
    FieldEvidence,
    HistoryEvidence,
    ItemReady,
    LLMUsage,
    RankDone,
    Reason,
    RecallDone,
    Recommendation,
    Relaxation,
    Reply,
    Token,
    Trace,
    Understood,
    WordsEvidence,
)
from convrec.retrieval.filters import Contains, Range
from convrec.retrieval.request import Constraint, Description, Provenance, Request, RequestEdit, Strength, apply_edits
from convrec.retrieval.schema import Attribute, AttributeKind, CatalogueSchema, Role, ValueCount
from convrec.tui.backend import Log
from convrec.tui.errors import WorkerCrashedError, WorkerFailureError

GENRES = ("Comedy", "Science Fiction", "Drama", "Horror", "Action", "Adventure")
SCHEMA = CatalogueSchema(
    name="films",
    noun="film",
    id_column="id",
    title_column="title",
    text_columns=("overview",),
    count=1682,
    attributes=(
        Attribute(
            name="year",
            label="year",
            kind=AttributeKind.NUMBER,
            role=Role.YEAR,
            minimum=1922,
            maximum=1998,
            integer=True,
        ),
        Attribute(
            name="genres",
            label="genre",
            kind=AttributeKind.CATEGORIES,
            role=Role.TOPIC,
            distinct=6,
            vocabulary=tuple(ValueCount(value=name, count=500 - 60 * place) for place, name in enumerate(GENRES)),
        ),
        Attribute(
            name="runtime",
            label="running time",
            kind=AttributeKind.NUMBER,
            role=Role.DURATION,
            unit="minutes",
            minimum=62,
            maximum=224,
        ),
        Attribute(name="rating", label="rating", kind=AttributeKind.NUMBER, role=Role.QUALITY, minimum=0, maximum=10),
    ),
)
FILMS: tuple[tuple[str, str, int, tuple[str, ...], float, float, str], ...] = (
    (
        "f1",
        "Back to the Future",
        1985,
        ("Adventure", "Comedy", "Science Fiction"),
        116,
        8.5,
        "A comedy and science fiction film of 1985; you liked Sleeper, which is close to it.",
    ),
    (
        "f2",
        "Ghostbusters",
        1984,
        ("Comedy", "Science Fiction"),
        105,
        7.8,
        "Comedy meets science fiction, and at 1 h 45 it is well under two hours.",
    ),
    (
        "f3",
        "千と千尋の神隠し (Spirited Away)",
        2001,
        ("Adventure", "Drama"),
        125,
        8.6,
        "Its wide title keeps the columns.",
    ),
    (
        "f4",
        "The Adventures of Buckaroo Banzai Across the 8th Dimension",
        1984,
        ("Adventure", "Comedy", "Science Fiction"),
        103,
        6.2,
        "Stranger than the others, and from 1984.",
    ),
    (
        "f5",
        "[bold red]Brazil[/] \x1b[31mNot red\x1b[0m",
        1985,
        ("Comedy", "Science Fiction", "Drama"),
        132,
        7.9,
        "Markup in a title is shown as it is.",
    ),
    (
        "f6",
        "Short Circuit 🤖",
        1986,
        ("Comedy", "Science Fiction"),
        98,
        6.6,
        "A robot comes alive; comedy and science fiction of 1986.",
    ),
    (
        "f7",
        "Innerspace",
        1987,
        ("Action", "Comedy", "Science Fiction"),
        120,
        6.8,
        "Comedy and science fiction of 1987.",
    ),
    ("f8", "Weird Science", 1985, ("Comedy", "Science Fiction"), 94, 6.6, "Comedy and science fiction of 1985."),
    ("f9", "Spaceballs", 1987, ("Comedy", "Science Fiction"), 96, 7.1, "Close to Sleeper, which you liked."),
    ("f10", "Cocoon", 1985, ("Comedy", "Drama", "Science Fiction"), 117, 6.7, "A gentler comedy with science fiction."),
)


def film(place: int, rank: int) -> Recommendation:
    """One entry of the recorded list."""
    item_id, title, year, genres, runtime, rating, reason = FILMS[place]
    parts = {
        "request": round(1.52 - 0.11 * place, 2),
        "taste": round(0.64 - 0.05 * place, 2),
        "popularity": round(0.22 + 0.02 * (place % 3), 2),
        "diversity": round(-0.03 * place, 2),
    }
    return Recommendation(
        rank=rank,
        id=item_id,
        title=title,
        score=sum(parts.values()),
        breakdown=parts,
        reasons=(
            Reason(
                text=reason,
                evidence=(
                    FieldEvidence(field="genres", value="Comedy"),
                    HistoryEvidence(item_id="h1", title="Sleeper"),
                    WordsEvidence(words="funny science fiction"),
                ),
            ),
        ),
        fields={"year": float(year), "genres": genres, "runtime": runtime, "rating": rating},
    )


def _constraint(part_id: str, node: Range | Contains, words: str, strength: Strength = Strength.HARD) -> Constraint:
    part = Constraint(id=part_id, filter=node, strength=strength, provenance=Provenance(turn=1, words=words))
    return part.model_copy(update={"label": label_constraint(part, SCHEMA)})


ASKED = Request(
    constraints=(
        _constraint("c1", Contains(field="genres", values=("Science Fiction",)), "science fiction"),
        _constraint("c2", Range(field="year", minimum=1980, maximum=1989), "from the eighties"),
        _constraint("c3", Range(field="runtime", maximum=120), "not too long", Strength.SOFT),
    ),
    descriptions=(Description(id="d4", text="funny", provenance=Provenance(turn=1, words="funny")),),
    next_id=5,
)


class RecordedBackend:
    """Answers from memory. `gate` holds a turn until it is set; `crash` makes the next turn die."""

    def __init__(self) -> None:
        self.log: Log = lambda _source, _line: None
        self.gate = asyncio.Event()
        self.gate.set()
        self.crash = False
        self.missing = False
        self.empty = False
        self.clarify = False
        self.calls: list[tuple[str, object]] = []
        self.request = Request()
        self.turn = 0
        self.place = 0
        self.cancelled = asyncio.Event()
        self.resumed: tuple[views.TurnView, ...] = ()
        self.model: str | None = None
        self.lines = [
            views.ProfileLine(
                id="p1", label="not Horror", words="never show me horror", source="conversation", time=8.0e8, hard=True
            ),
            views.ProfileLine(
                id="p2", label="ideally ≤ 2 h", words="I prefer short films", source="conversation", time=8.1e8
            ),
        ]
        self.rows = [
            views.SessionRow(id="s1", name="funny science fiction from the eighties", updated=8.2e8, turns=3),
            views.SessionRow(id="s2", name="a quiet drama [b]for[/b] Sunday", updated=8.1e8, turns=1),
            views.SessionRow(id="s3", name="东京物语 like films", updated=8.0e8, turns=7),
        ]
        self.entries = [
            views.HistoryEntry(id="h1", title="Sleeper", kind="like", source="conversation", time=8.2e8),
            views.HistoryEntry(id="h2", title="Blade Runner", kind="rate", value=5, source="log", time=8.0e8),
            views.HistoryEntry(id="h3", title="东京物语", kind="rate", value=4, source="log", time=7.9e8),
            views.HistoryEntry(id="h4", title="Alien", kind="dislike", source="import:csv", time=7.8e8),
        ]

    async def open(
        self, workspace: str | None, user: str | None, session: str | None, *, stored: bool = True
    ) -> views.Opened:
        self.calls.append(("open", (workspace, user, session)))
        if self.missing:
            raise WorkerFailureError("There is no catalogue yet.", "WorkspaceMissingError")
        self.request = ASKED if session else Request()
        return views.Opened(
            workspace=workspace or "/data/films",
            catalogue=SCHEMA,
            interactions=100_000,
            people=943,
            user=user,
            session=session,
            request=self.request,
            turns=self.resumed if session else (),
            suggestions=(
                "funny science fiction from the eighties",
                "something like Alien but not so dark",
                "surprise me",
            ),
        )

    async def warm(self) -> None:
        self.calls.append(("warm", None))

    async def send(self, message: str) -> AsyncIterator[Event]:
        self.calls.append(("send", message))
        self.request = ASKED
        async for event in self._take(message):
            yield event

    async def edit(self, edits: Sequence[RequestEdit]) -> AsyncIterator[Event]:
        self.calls.append(("edit", tuple(edits)))
        self.request = apply_edits(self.request, list(edits))
        async for event in self._take("edited"):
            yield event

    async def _take(self, message: str) -> AsyncIterator[Event]:
        yield Understood(request=self.request, summary="films, funny, Science Fiction, year 1980–1989, ideally ≤ 2 h")
        if self.crash:
            self.crash = False
            raise WorkerCrashedError("The recommender stopped unexpectedly (exit code -9); it is being started again.")
        await self._hold()
        yield RecallDone(recalled=412, eligible=0 if self.empty else 37)
        self.turn += 1
        places = [] if self.empty else [(place + self.place) % 10 for place in range(10)]
        items = tuple(film(place, rank) for rank, place in enumerate(places, start=1))
        self.place = (self.place + 1) % 10
        yield RankDone(count=len(items))
        said = (
            "Nothing fits all of that."
            if self.empty
            else "Ten funny science fiction films of the eighties, the short ones first."
        )
        yield Token(text=said)
        for item in items:
            yield ItemReady(item=item)
        yield Done(reply=self.reply(said, items))

    def reply(self, said: str, items: tuple[Recommendation, ...]) -> Reply:
        return Reply(
            message=said,
            request=self.request,
            items=items,
            relaxed=(Relaxation(constraint="≤ 2 h", to="≤ 2 h 15", fits_before=37, gained=4, applied=False),),
            clarify=Clarify(question="Which mood?", options=("light-hearted", "dark", "either"))
            if self.clarify
            else None,
            trace=Trace(
                recalled=412,
                eligible=37,
                timings_ms={"read": 12.0, "recall": 21.0, "total": 84.0},
                llm=LLMUsage(),
                session="s1",
                turn=self.turn,
            ),
        )

    async def _hold(self) -> None:
        waits = [asyncio.ensure_future(self.gate.wait()), asyncio.ensure_future(self.cancelled.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if self.cancelled.is_set():
            self.cancelled.clear()
            raise WorkerFailureError("The turn was cancelled.", "CancelledTurnError")

    async def cancel(self) -> None:
        self.cancelled.set()

    async def feedback(self, item_id: str, kind: str) -> None:
        self.calls.append(("feedback", (item_id, kind)))

    async def take_back(self, item_id: str, kind: str) -> None:
        self.calls.append(("take_back", (item_id, kind)))

    async def explain(self, item_id: str) -> views.Explanation:
        self.calls.append(("explain", item_id))
        place = next(place for place, own in enumerate(FILMS) if own[0] == item_id)
        item = film(place, place + 1)
        meanings = {
            "request": "how well it meets what you asked for: the words, the named items, the preferences",
            "taste": "how close it is to what you liked before",
            "popularity": "how well known it is",
            "diversity": "taken off because it is close to an item higher up",
        }
        return views.Explanation(
            item=item,
            record=await self.record(item_id),
            terms=tuple(
                views.TermView(term=name, value=value, meaning=meanings[name]) for name, value in item.breakdown.items()
            ),
            claims=tuple(views.ClaimView(text=reason.text, evidence=reason.evidence) for reason in item.reasons),
            what_if=(
                views.WhatIf(change="without “funny”", rank=9),
                views.WhatIf(change="without year 1980–1989", rank=1),
                views.WhatIf(change="without your history", rank=4),
                views.WhatIf(change="if ≤ 2 h were firm", rank=None),
            ),
            neighbours=(
                views.NeighbourView(id="h1", title="Sleeper", similarity=0.71, note="liked"),
                views.NeighbourView(id="h3", title="东京物语", similarity=0.22, note="rated 4"),
            ),
            of=412,
        )

    async def compare(self, item_ids: Sequence[str]) -> views.Comparison:
        items = tuple([await self.record(item_id) for item_id in item_ids])
        rows = []
        for place, field in enumerate(items[0].fields):
            values = tuple(item.fields[place].text for item in items)
            rows.append(views.ComparisonRow(label=field.label, values=values, differs=len(set(values)) > 1))
        return views.Comparison(
            items=items,
            rows=tuple(rows),
            summary="Back to the Future is the longer one; both are comedies of the eighties.",
        )

    async def record(self, item_id: str) -> views.ItemView:
        _, title, year, genres, runtime, rating, _ = next(own for own in FILMS if own[0] == item_id)
        return views.ItemView(
            id=item_id,
            title=title,
            text="A boy travels in time with a friend's machine and must see to it that his parents fall in love.",
            fields=(
                views.FieldView(name="year", label="year", text=str(year)),
                views.FieldView(name="genres", label="genre", text=", ".join(genres)),
                views.FieldView(
                    name="runtime", label="running time", text=f"{int(runtime // 60)} h {int(runtime % 60):02d}"
                ),
                views.FieldView(name="rating", label="rating", text=str(rating)),
            ),
        )

    async def profile(self) -> views.ProfileView:
        years = tuple(str(year) for year in range(1960, 2000, 5))
        return views.ProfileView(
            user="42",
            summary="You like Science Fiction and Comedy, mostly of the eighties, around two hours long.",
            lines=tuple(self.lines),
            plots=(
                views.TastePlot(label="genre", kind="bars", names=GENRES, counts=(31, 28, 17, 2, 9, 6)),
                views.TastePlot(label="year", kind="timeline", names=years, counts=(1, 2, 4, 9, 21, 17, 8, 3)),
            ),
            logged=61,
            said=3,
        )

    async def drop_preference(self, preference_id: str) -> None:
        self.calls.append(("drop_preference", preference_id))
        self.lines = [wish for wish in self.lines if wish.id != preference_id]

    async def correct_preference(self, preference_id: str, words: str) -> views.ProfileView:
        self.calls.append(("correct_preference", (preference_id, words)))
        self.lines = [
            wish.model_copy(update={"words": words, "label": words}) if wish.id == preference_id else wish
            for wish in self.lines
        ]
        return await self.profile()

    async def history(self, containing: str = "") -> views.HistoryPage:
        found = tuple(entry for entry in self.entries if containing.casefold() in entry.title.casefold())
        return views.HistoryPage(entries=found, total=len(found))

    async def rate(self, item_id: str, value: float | None) -> None:
        self.calls.append(("rate", (item_id, value)))

    async def forget_item(self, item_id: str) -> None:
        self.calls.append(("forget_item", item_id))
        self.entries = [entry for entry in self.entries if entry.id != item_id]

    async def import_history(self, path: str) -> views.ImportSummary:
        self.calls.append(("import_history", path))
        return views.ImportSummary(text="ratings.csv, read as a table: 12 matched, 1 doubtful, 2 unknown.", stored=12)

    async def find(self, words: str) -> Sequence[views.ItemHit]:
        return tuple(
            views.ItemHit(id=own[0], title=own[1], note=str(own[2]))
            for own in FILMS
            if words.casefold() in own[1].casefold()
        )

    async def complete(self, text: str) -> views.Completion:
        last = text.rsplit(" ", maxsplit=1)[-1]
        titles = tuple(own[1] for own in FILMS if own[1].casefold().startswith(last.casefold()))
        return views.Completion(start=len(text) - len(last), titles=titles)

    async def sessions(self, containing: str = "") -> Sequence[views.SessionRow]:
        return tuple(row for row in self.rows if containing.casefold() in row.name.casefold())

    async def rename_session(self, session_id: str, name: str) -> None:
        self.rows = [row.model_copy(update={"name": name}) if row.id == session_id else row for row in self.rows]

    async def delete_session(self, session_id: str) -> None:
        self.rows = [row for row in self.rows if row.id != session_id]

    async def transcript(self, session_id: str, form: str) -> str:
        return "{}" if form == "json" else f"# Conversation {session_id}\n"

    async def preview(self, items: str, interactions: str | None) -> views.SchemaPreview:
        if not items.endswith(".csv"):
            raise WorkerFailureError(
                f"{items} is not a table that can be read: give CSV, TSV, JSON lines or Parquet.", "InputFileError"
            )
        return views.SchemaPreview(
            catalogue=SCHEMA,
            loaded=1680,
            rejected=2,
            interactions=100_000,
            people=943,
            warnings=("2 rows have no title (lines 7, 12)",),
        )

    async def build(
        self, workspace: str | None, items: str | None, interactions: str | None
    ) -> AsyncIterator[views.BuildStep]:
        self.calls.append(("build", (workspace, items, interactions)))
        yield views.BuildStep(stage="Embedding", done=600, total=1682)
        await self.gate.wait()
        self.missing = False
        yield views.BuildStep(stage="Indexing", done=1682, total=1682, workspace="/data/films")

    async def connect(self, model: str, base_url: str, api_key: str, mode: str) -> views.ModelCheck:
        self.calls.append(("connect", (model, base_url, api_key, mode)))
        if mode == "offline":
            return views.ModelCheck(ok=True, text="Working offline.")
        return views.ModelCheck(
            ok=True,
            text=f"{model} answers in 210 ms.",
            abilities={"structured output": True, "tool calls": False, "streaming": True},
        )

    async def doctor(self) -> Sequence[views.Finding]:
        return (
            views.Finding(subject="workspace", state="ok", text="1,682 items, 100,000 interactions"),
            views.Finding(
                subject="language model", state="note", text="none: convrec works offline", remedy="connect one above"
            ),
            views.Finding(subject="disk", state="fault", text="0.4 GB free", remedy="free some space"),
        )

    async def stop(self) -> None:
        self.calls.append(("stop", None))
