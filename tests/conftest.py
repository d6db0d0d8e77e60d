"""Small real workspaces that many tests share; nothing here reaches the network or loads a model."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from convrec.agent.settings import Settings

DATA = Path(__file__).parent / "data"

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("LANGSMITH_TRACING", "false")
for name in [n for n in os.environ if n.startswith(("CONVREC_", "OPENAI_"))]:
    del os.environ[name]
# A runner that starts the tests in the background leaves interrupts ignored, and Python then never raises them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def write_interactions(path: Path) -> Path:
    """Ratings of 40 people with two tastes each, so that collaborative signals have something to find."""
    groups = {
        "scifi": [1, 2, 3, 4, 6, 35, 36],
        "funny": [5, 7, 8, 9, 11, 13, 14, 23, 24, 28],
        "kids": [16, 17, 18, 19, 15, 11],
        "dark": [10, 20, 21, 22, 25, 29, 27, 30],
        "song": [32, 33, 34, 5, 12, 26, 31],
    }
    names = list(groups)
    lines = ["user,item,rating,time"]
    for user in range(40):
        first, second = groups[names[user % 5]], groups[names[(user // 5 + 1) % 5]]
        seen: dict[int, None] = {}
        for step in range(9):
            pool = first if step % 3 else second
            seen.setdefault(pool[(user * 7 + step * 3) % len(pool)])
        for step, item in enumerate(seen):
            liked = item in first
            rating = 4 + (user + step) % 2 if liked else 2 + (user + item) % 3
            lines.append(f"u{user},f{item},{rating},{1_600_000_000 + user * 5000 + step * 86400}")
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def build_small(folder: Path, items: Path, interactions: Path | None) -> Path:
    """Build a workspace with the hashing embedder through the product's own way."""
    from convrec.agent.build import SourceFiles, build, load

    build(folder, load(SourceFiles(items, interactions)), hashing_settings())
    return folder


def hashing_settings() -> Settings:
    from convrec.retrieval.settings import EmbeddingSettings, RetrievalSettings

    return Settings(retrieval=RetrievalSettings(embedding=EmbeddingSettings(provider="hashing")))


@pytest.fixture(scope="session")
def built_films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of 36 films and 40 people, shared by the session: copy it before writing to it."""
    folder = tmp_path_factory.mktemp("films")
    log = write_interactions(folder / "ratings.csv")
    return build_small(folder / "workspace", DATA / "films.csv", log)


@pytest.fixture(scope="session")
def built_tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of 200 kitchen tools without a log."""
    return build_small(tmp_path_factory.mktemp("tools") / "workspace", DATA / "tools.csv", None)


@pytest.fixture
def film_workspace(built_films: Path, tmp_path: Path) -> Path:
    """A copy of the films of one's own."""
    return Path(shutil.copytree(built_films, tmp_path / "films"))


@pytest.fixture
def tool_workspace(built_tools: Path, tmp_path: Path) -> Path:
    """A copy of the tools of one's own."""
    return Path(shutil.copytree(built_tools, tmp_path / "tools"))
