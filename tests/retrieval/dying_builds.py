"""Run by `test_workspace`: builds in forked processes that die, or find the disk full, at chosen moments.

Prints one JSON line per moment: what happened, and what the workspace serves afterwards.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import bm25s  # noqa: F401  # imported once, before the forks
import chromadb  # noqa: F401
import polars as pl  # noqa: F401
import Stemmer  # noqa: F401

from convrec.retrieval.errors import ConvrecError, DiskFullError
from convrec.retrieval.hashing import HashingEmbedder
from convrec.retrieval.indexing import BuildContext, build_index
from convrec.retrieval.workspace import GENERATIONS, Workspace
from tests.retrieval.catalogues import log_of, shop


def build(folder: Path, seed: int, moment: str | None = None) -> str:
    """Build a shop of its own for each seed; die at a moment."""
    items = shop(40 + seed, seed)
    if moment is not None and ":" not in moment:
        _die_around(moment)
    kind, _, which = (moment or "").partition(":")
    if kind == "fsync":
        _die_at_call(os, "fsync", int(which))

    def report(stage: str, done: int, total: int) -> None:
        if kind == "stage" and stage == which and done == total:
            os.kill(os.getpid(), signal.SIGKILL)

    def extra(context: BuildContext) -> None:
        (context.folder / "ranker.safetensors").write_bytes(b"weights")
        if moment == "extra:":
            os.kill(os.getpid(), signal.SIGKILL)

    return build_index(Workspace(folder), items, log_of(items), HashingEmbedder(16), progress=report, extra=extra).id


def _die_at_call(module: Any, name: str, number: int) -> None:
    original: Callable[..., Any] = getattr(module, name)
    calls = 0

    def counted(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **options)

    setattr(module, name, counted)


def _die_around(moment: str) -> None:
    """'before rename', 'after rename', 'before switch', 'after switch'."""
    when, what = moment.split()
    method, target = ("rename", None) if what == "rename" else ("replace", "CURRENT")
    original = getattr(Path, method)

    def dying(self: Path, destination: Path) -> Path:
        concerned = target is None or Path(destination).name == target
        if concerned and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result: Path = original(self, destination)
        if concerned and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(Path, method, dying)


def in_child(work: Callable[[], object]) -> tuple[int, str]:
    """What `work` returns or how it fails, from a process of its own: (signal or 0, text)."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            text = str(work())
        except ConvrecError as error:
            text = f"{type(error).__name__}: {error}"
        os.write(writer, text.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        text = stream.read().decode()
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status), text


def serving(folder: Path) -> str:
    """Open what serves, read everything back, and ask it something."""
    generation = Workspace(folder).open_current()
    generation.verify()
    vectors = generation.vectors
    ids, _ = generation.store.query(vectors[0], 3)
    if generation.catalogue.ids[0] not in ids:
        return "an item does not find itself"
    if generation.extra_path("ranker.safetensors").read_bytes() != b"weights":
        return "the extra file is damaged"
    return generation.id


def deaths(folder: Path, moments: list[str]) -> None:
    for seed, moment in enumerate(moments):
        before = in_child(lambda: serving(folder))[1]
        number, text = in_child(partial(build, folder, seed + 1, moment))
        after = in_child(lambda: serving(folder))[1]
        print(json.dumps({"moment": moment, "signal": number, "said": text, "before": before, "after": after}))
    number, built = in_child(lambda: build(folder, 99))
    left = sorted(entry.name for entry in (folder / GENERATIONS).iterdir())
    print(json.dumps({"moment": None, "built": built, "serves": in_child(lambda: serving(folder))[1], "left": left}))


def full_disk(folder: Path, rooms: list[int]) -> None:
    """Build again with ever less room on the small file system that `folder` lies on."""
    for seed, room in enumerate(rooms):
        before = in_child(lambda: serving(folder))[1]
        ballast = folder.parent / "ballast"
        free = shutil.disk_usage(folder).free
        try:
            with ballast.open("wb") as stream:
                stream.write(b"\0" * max(free - room, 0))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
        _, text = in_child(partial(build, folder, seed + 1))
        ballast.unlink()
        after = in_child(lambda: serving(folder))[1]
        print(
            json.dumps({"room": room, "said": text, "before": before, "after": after, "error": DiskFullError.__name__})
        )


if __name__ == "__main__":
    mode, path, *rest = sys.argv[1:]
    place = Path(path)
    print(json.dumps({"first": in_child(lambda: build(place, 0))[1]}))
    if mode == "deaths":
        deaths(place, rest)
    else:
        full_disk(place, [int(room) for room in rest])
