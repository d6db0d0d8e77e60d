"""Generations: built beside each other, switched atomically, reused where nothing changed, safe from sudden death."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.errors import (
    ConvrecError,
    DiskFullError,
    EmbedderError,
    StoreError,
    WorkspaceError,
    WorkspaceLayoutError,
    WorkspaceLockedError,
    WorkspaceMissingError,
)
from convrec.retrieval.generation import CHROMA, EMBEDDINGS, ITEMS, LEXICAL, MANIFEST, Generation
from convrec.retrieval.hashing import HashingEmbedder
from convrec.retrieval.indexing import BuildContext, build_index
from convrec.retrieval.interactions import InteractionLog
from convrec.retrieval.settings import ChromaSettings
from convrec.retrieval.tensors import map_tensors, save_tensors
from convrec.retrieval.workspace import CURRENT, GENERATIONS, Workspace, default_workspace
from tests.retrieval.catalogues import log_of, schema, shop

EMBEDDER = HashingEmbedder(16)
DYING = Path(__file__).with_name("dying_builds.py")


class CountingEmbedder(HashingEmbedder):
    """Hashing that counts."""

    texts = 0

    def encode(self, texts: Any, **options: Any) -> Any:
        self.texts += len(texts)
        return super().encode(texts, **options)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "workspace"
    items = shop(60)
    build_index(Workspace(folder), items, log_of(items), EMBEDDER).close()
    return folder


@pytest.fixture
def workspace(built: Path, tmp_path: Path) -> Workspace:
    return Workspace(shutil.copytree(built, tmp_path / "workspace"))


def _changed(items: Catalogue, row: int, title: str) -> Catalogue:
    frame = items.to_frame().with_row_index()
    title_column = pl.when(pl.col("index") == row).then(pl.lit(title)).otherwise(pl.col("title")).alias("title")
    return Catalogue.from_frame(frame.with_columns(title_column).drop("index"), schema())


def test_what_was_built_is_what_is_read(workspace: Workspace) -> None:
    items = shop(60)
    log = log_of(items)
    generation = workspace.open_current()
    generation.verify()
    assert generation.schema.model_dump() == items.schema.model_dump()
    assert [generation.catalogue.item(row) for row in range(60)] == [items.item(row) for row in range(60)]
    assert generation.log.user_ids == log.user_ids
    np.testing.assert_array_equal(generation.log.indptr, log.indptr)
    np.testing.assert_array_equal(generation.log.items, log.items)
    np.testing.assert_array_equal(generation.log.values, log.values)
    documents = [items.document(row) for row in range(60)]
    np.testing.assert_array_equal(generation.vectors, EMBEDDER.encode(documents))
    assert generation.lexical.scores(items.titles[3]) is not None
    assert generation.store.count() == 60
    assert generation.manifest.items == 60
    assert generation.manifest.interactions == len(log)
    generation.check_embedder(EMBEDDER.identity)
    with pytest.raises(EmbedderError, match="use the same embedding settings"):
        generation.check_embedder(HashingEmbedder(32).identity)
    generation.close()


def test_full_log_comes_back(tmp_path: Path) -> None:
    log = InteractionLog(
        ("b", "a", "ü\n"),
        np.array([0, 2, 3, 5]),
        np.array([4, 1, 1, 0, 4], np.int32),
        np.array([5.0, np.nan, 1.5, 0.0, -1.0], np.float32),
        np.array([1.5, 2.0, np.nan, 1e9, 1e9]),
        np.array([1, 0, 1, 1, 1], np.int16),
        ("buy", "view"),
    )
    ids = tuple("vwxyz")
    log.to_frame(ids).write_parquet(tmp_path / "log.parquet")
    back = InteractionLog.from_frame(pl.read_parquet(tmp_path / "log.parquet"), ids)
    assert back.user_ids == log.user_ids
    for name in ("indptr", "items", "values", "timestamps"):
        np.testing.assert_array_equal(getattr(back, name), getattr(log, name))
    assert [back.event_names[code] for code in back.events] == [log.event_names[code] for code in log.events]
    empty = InteractionLog.from_sequences([])
    assert len(InteractionLog.from_frame(empty.to_frame(ids), ids)) == 0


def test_unchanged_rebuild_computes_nothing(workspace: Workspace) -> None:
    before = workspace.open_current()
    items, embedder = shop(60), CountingEmbedder(16)
    seen: list[BuildContext] = []
    after = build_index(workspace, items, log_of(items), embedder, extra=seen.append)
    assert embedder.texts == 0
    assert after.id != before.id == after.manifest.previous
    assert seen[0].unchanged >= {"items", "interactions", "embeddings", "lexical", "chroma"}
    for name in (EMBEDDINGS, f"{LEXICAL}/vocab.index.json"):
        assert (after.folder / name).samefile(before.folder / name)
    assert not (after.folder / CHROMA / "chroma.sqlite3").samefile(before.folder / CHROMA / "chroma.sqlite3")
    after.verify()
    after.close()


def test_small_change_is_an_update(workspace: Workspace) -> None:
    items, embedder = _changed(shop(60), 7, "Brand new thing"), CountingEmbedder(16)
    seen: list[BuildContext] = []
    after = build_index(workspace, items, log_of(items), embedder, extra=seen.append)
    assert embedder.texts == 1
    assert seen[0].unchanged & {"items", "interactions", "embeddings", "lexical", "chroma"} == {"interactions"}
    assert after.manifest.churn == pytest.approx(1 / 60)
    after.verify()
    vector = EMBEDDER.encode([items.document(7)])[0]
    assert after.store.query(vector, 1)[0] == ["i7"]
    after.close()
    fewer = Catalogue.from_frame(items.to_frame().slice(3), schema())
    third = build_index(workspace, fewer, log_of(fewer), embedder)
    assert embedder.texts == 1
    third.verify()
    assert third.manifest.churn == pytest.approx(1 / 60 + 3 / 57)
    third.close()
    other = shop(60, seed=9)
    fourth = build_index(workspace, other, log_of(other), embedder)
    assert fourth.manifest.churn == 0.0, "too much changed: the graph was built afresh"
    fourth.verify()
    fourth.close()
    kept = {folder.name for folder in (workspace.path / GENERATIONS).iterdir()}
    assert kept == {third.id, fourth.id}


def test_another_embedder_embeds_everything(workspace: Workspace) -> None:
    items, embedder = shop(60), CountingEmbedder(8)
    after = build_index(workspace, items, log_of(items), embedder)
    assert embedder.texts == 60
    assert after.identity.dim == 8
    after.verify()
    after.close()


def test_damaged_chroma_is_rebuilt(workspace: Workspace) -> None:
    before = workspace.open_current()
    (before.folder / CHROMA / "chroma.sqlite3").write_bytes(b"noise" * 1000)
    with pytest.raises(StoreError):
        before.verify()
    items = shop(60)
    after = build_index(workspace, items, log_of(items), EMBEDDER)
    after.verify()
    after.close()


def test_damage_is_found(workspace: Workspace) -> None:
    folder = workspace.open_current().folder
    content = bytearray((folder / ITEMS).read_bytes())
    content[100] ^= 1
    (folder / ITEMS).write_bytes(content)
    with pytest.raises(WorkspaceLayoutError, match=r"items.parquet is damaged"):
        workspace.open_current().verify()
    (folder / EMBEDDINGS).write_bytes(b"")
    with pytest.raises(WorkspaceLayoutError, match="missing or was changed"):
        workspace.open_current()
    (folder / MANIFEST).write_text("{")
    with pytest.raises(WorkspaceLayoutError, match="no readable manifest"):
        workspace.open_current()
    items = shop(60)
    build_index(workspace, items, log_of(items), EMBEDDER).verify()


def test_another_layout_is_refused(workspace: Workspace) -> None:
    folder = workspace.open_current().folder
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({"layout": 99, "something": "else"}))
    with pytest.raises(WorkspaceLayoutError, match="has layout 99, this version of convrec reads"):
        workspace.open_current()
    (folder / MANIFEST).write_text(json.dumps({**manifest, "items": "many"}))
    with pytest.raises(WorkspaceLayoutError, match="damaged"):
        workspace.open_current()


@pytest.mark.parametrize("name", ["", "../../etc", ".tmp-x", "\x00", "no such generation"])
def test_senseless_current(workspace: Workspace, name: str) -> None:
    (workspace.path / CURRENT).write_text(name)
    with pytest.raises(WorkspaceLayoutError):
        workspace.open_current()


def test_nothing_built_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WorkspaceMissingError, match="convrec build --items"):
        Workspace(tmp_path / "nowhere").open_current()
    monkeypatch.setenv("CONVREC_WORKSPACE", str(tmp_path / "named"))
    assert Workspace().path == default_workspace() == tmp_path / "named"
    monkeypatch.delenv("CONVREC_WORKSPACE")
    assert default_workspace().name == "default"


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="cannot be written"), Workspace(tmp_path / "file").new_generation():
        pass


def test_one_builder_at_a_time(workspace: Workspace) -> None:
    code = (
        "import sys; from convrec.retrieval.workspace import Workspace\n"
        "with Workspace(sys.argv[1]).lock():\n    print('locked', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, workspace.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(WorkspaceLockedError, match=f"Process {holder.pid} is building"), workspace.new_generation():
            pass
        workspace.open_current()
    finally:
        holder.kill()
        holder.wait()
    with workspace.lock():
        failures: list[ConvrecError] = []

        def other() -> None:
            try:
                with Workspace(workspace.path).lock():
                    pass
            except WorkspaceLockedError as error:
                failures.append(error)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert len(failures) == 1


def test_failing_build_leaves_nothing(workspace: Workspace) -> None:
    before = workspace.open_current().id

    def extra(context: BuildContext) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_index(workspace, shop(10), InteractionLog.from_sequences([]), EMBEDDER, extra=extra)
    assert workspace.open_current().id == before
    assert [folder.name for folder in (workspace.path / GENERATIONS).iterdir()] == [before]


def test_no_room_is_said_before_the_work(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    before = workspace.open_current().id
    usage = shutil.disk_usage(workspace.path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=100))
    embedder = CountingEmbedder(16)
    with pytest.raises(DiskFullError, match="free some space or choose another"):
        build_index(workspace, shop(10), InteractionLog.from_sequences([]), embedder)
    assert embedder.texts == 0
    assert workspace.open_current().id == before


def _run(mode: str, folder: Path, *rest: str, prefix: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [*prefix, sys.executable, "-m", "tests.retrieval.dying_builds", mode, str(folder), *rest],
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
        timeout=250,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


MOMENTS = ["stage:Embedding", "stage:Indexing vectors", "fsync:7", "after rename"]
MORE_MOMENTS = [
    "stage:Writing tables", "stage:Indexing words", "extra:", "fsync:1", "fsync:3", "fsync:12", "fsync:15",
    "before rename", "before switch",
]  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("moments", [MOMENTS, pytest.param(MORE_MOMENTS, marks=pytest.mark.slow)], ids=["some", "more"])
def test_kill_at_any_moment_leaves_the_old_generation_serving(tmp_path: Path, moments: list[str]) -> None:
    first, *died, late, last = _run("deaths", tmp_path / "w", *moments, "after switch")
    for outcome in died:
        assert outcome["signal"] == 9, outcome
        assert outcome["before"] == outcome["after"] == first["first"], outcome
    assert late["signal"] == 9
    assert late["after"] != late["before"], "from the switch on the new one serves"
    assert last["serves"] == last["built"]
    assert sorted(last["left"]) == sorted([last["built"], late["after"]]), "leftovers of the dead builds are gone"


@pytest.mark.skipif(sys.platform != "linux", reason="needs a small file system of its own")
def test_full_disk_leaves_the_old_generation_serving(tmp_path: Path) -> None:
    script = f'mount -t tmpfs -o size=24m tmpfs "{tmp_path}" && exec "$@"'
    prefix = ("unshare", "-rm", "sh", "-c", script, "sh")
    probe = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip("no private mounts here")
    rooms = [20_000, 150_000, 300_000]
    first, *outcomes = _run("full", tmp_path / "w", *map(str, rooms), prefix=prefix)
    for outcome in outcomes:
        assert outcome["said"].startswith("DiskFullError: "), outcome
        assert outcome["before"] == outcome["after"] == first["first"], outcome


def test_server_keeps_the_collections_of_kept_generations(tmp_path: Path) -> None:
    from tests.retrieval.test_store import _free_port

    port = _free_port()
    chroma = Path(sys.executable).with_name("chroma")
    process = subprocess.Popen(
        [chroma, "run", "--path", tmp_path / "server", "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    settings = ChromaSettings(host="127.0.0.1", port=port)
    workspace = Workspace(tmp_path / "workspace", chroma=settings)
    try:
        _wait_for(port)
        names = []
        for seed in (0, 0, 1, 2):
            items = shop(30, seed)
            generation = build_index(workspace, items, log_of(items), EMBEDDER)
            generation.verify()
            names.append(generation.manifest.collection)
            generation.close()
        assert names[0] == names[1], "unchanged: the collection is taken over"
        assert len(set(names)) == 3
        from convrec.retrieval.store import VectorStore

        assert VectorStore.open(None, settings=settings, name=names[2]).count() == 30
        with pytest.raises(StoreError):
            VectorStore.open(None, settings=settings, name=names[0])
        assert not (Generation.open(workspace.open_current().folder).folder / CHROMA).exists()
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int) -> None:
    import socket
    import time

    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the server does not answer")


def test_tensors_are_plain_safetensors(tmp_path: Path) -> None:
    arrays: dict[str, NDArray[Any]] = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "b": np.arange(5, dtype=np.uint8),
        "c": np.zeros((0, 4), np.float32),
    }
    save_tensors(tmp_path / "ours", arrays, {"made by": "a test"})
    save_file(arrays, tmp_path / "theirs")
    for back in (load_file(tmp_path / "ours"), map_tensors(tmp_path / "theirs"), map_tensors(tmp_path / "ours")):
        assert back.keys() == arrays.keys()
        for name, array in arrays.items():
            np.testing.assert_array_equal(back[name], array)
    whole = (tmp_path / "ours").read_bytes()
    for damaged in (b"", whole[:5], whole[:50], whole[:-1], b"\xff" * 100):
        (tmp_path / "ours").write_bytes(damaged)
        with pytest.raises(StoreError, match="cannot be read"):
            map_tensors(tmp_path / "ours")
