"""The folder that a catalogue lives in: generations beside each other, one of which serves."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

from convrec.retrieval.errors import (
    ConvrecError,
    DiskFullError,
    WorkspaceError,
    WorkspaceLayoutError,
    WorkspaceLockedError,
    WorkspaceMissingError,
)
from convrec.retrieval.generation import CHROMA, MANIFEST, FileRecord, Generation, Manifest, file_digest
from convrec.retrieval.settings import ChromaSettings

CURRENT = "CURRENT"
GENERATIONS = "generations"
DRAFT_PREFIX = ".tmp-"
ENVIRONMENT = "CONVREC_WORKSPACE"


def default_workspace() -> Path:
    """CONVREC_WORKSPACE, or the platform's folder for the user's data."""
    named = os.environ.get(ENVIRONMENT)
    if named:
        return Path(named).expanduser()
    from platformdirs import user_data_path

    return user_data_path("convrec") / "default"


class Draft:
    """A generation that is being built: a folder beside the sealed ones."""

    def __init__(self, folder: Path, generation_id: str, previous: Generation | None) -> None:
        self.folder = folder
        self.id = generation_id
        self.previous = previous
        """the generation that serves, to reuse what did not change; None when there is none that can be read"""
        self.manifest: Manifest | None = None

    def reuse(self, name: str) -> None:
        """Take over a file or folder of the previous generation: files are shared, Chroma's are copied."""
        if self.previous is None:
            raise ValueError("there is no previous generation")
        source, target = self.previous.folder / name, self.folder / name
        if name == CHROMA:
            shutil.copytree(source, target)
        elif source.is_dir():
            shutil.copytree(source, target, copy_function=_link)
        else:
            _link(source, target)

    def complete(self, manifest: Manifest) -> None:
        """Say what was built; the digests of the files are added when the draft is sealed."""
        self.manifest = manifest


def _link(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        shutil.copy2(source, target)


class Workspace:
    """A folder with generations, and later the people's own data."""

    def __init__(self, path: Path | str | None = None, *, chroma: ChromaSettings | None = None) -> None:
        self.path = Path(path).expanduser() if path is not None else default_workspace()
        self.chroma = chroma or ChromaSettings()

    @property
    def collection_prefix(self) -> str:
        """What the names of this workspace's collections on a Chroma server begin with."""
        whole = f"{socket.gethostname()}:{self.path.resolve()}"
        return f"convrec-{hashlib.sha256(whole.encode()).hexdigest()[:10]}-"

    @property
    def embedding_cache(self) -> Path:
        """File with the vectors of texts that were embedded before."""
        return self.path / "embeddings.sqlite"

    def current_id(self) -> str | None:
        """Name of the generation that serves; None when nothing was built."""
        try:
            name = (self.path / CURRENT).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise WorkspaceLayoutError(f"{self.path / CURRENT} cannot be read: build the index again.") from error
        if not name or name != Path(name).name or name.startswith("."):
            raise WorkspaceLayoutError(f"{self.path / CURRENT} is damaged: build the index again.")
        return name

    def open_current(self) -> Generation:
        """The generation that serves.

        Raises:
            WorkspaceMissingError: nothing was built here yet.
            WorkspaceLayoutError: another version built it, or it is damaged.
        """
        name = self.current_id()
        if name is None:
            raise WorkspaceMissingError(
                f"There is no catalogue in {self.path} yet: build one with `convrec build --items FILE "
                f"--workspace {self.path}`, or try `convrec demo`."
            )
        return Generation.open(self.path / GENERATIONS / name, self.chroma)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only one who builds here. The lock goes with its process, however that ends.

        Raises:
            WorkspaceLockedError: somebody else builds.
            WorkspaceError: the folder cannot be written.
        """
        from filelock import FileLock, Timeout

        holder = self.path / "lock.pid"
        with _writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path / "lock", timeout=0)
            try:
                lock.acquire()
            except Timeout as error:
                raise WorkspaceLockedError(
                    f"{_process(holder)} is building {self.path}: wait until it ends, or stop it, then try again."
                ) from error
        try:
            with _writing(self.path):
                holder.write_text(str(os.getpid()), encoding="utf-8")
            yield
        finally:
            holder.unlink(missing_ok=True)
            lock.release()

    @contextmanager
    def new_generation(self) -> Iterator[Draft]:
        """Build a generation: fill the draft's folder and `complete` it; on leaving it is sealed and serves.

        When the body fails, or the process dies at any moment, the old generation serves on.

        Raises:
            WorkspaceLockedError: somebody else builds.
            DiskFullError: no room is left.
            WorkspaceError: the folder cannot be written.
        """
        with self.lock(), _writing(self.path):
            generations = self.path / GENERATIONS
            generations.mkdir(exist_ok=True)
            self._remove_leftovers()
            name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{token_hex(3)}"
            draft = Draft(generations / f"{DRAFT_PREFIX}{name}", name, self._readable_current())
            draft.folder.mkdir()
            try:
                yield draft
                _seal(draft)
                draft.folder.rename(generations / name)
                _sync(generations)
            except BaseException as error:
                full = isinstance(error, Exception) and _is_full(self.path)
                shutil.rmtree(draft.folder, ignore_errors=True)
                if full and not isinstance(error, DiskFullError):
                    raise _full(self.path) from error
                raise
            _replace(self.path / CURRENT, name)
            self._prune(keep={name, draft.previous.id if draft.previous else name})

    def _readable_current(self) -> Generation | None:
        try:
            return self.open_current()
        except (WorkspaceMissingError, WorkspaceLayoutError):
            return None

    def _remove_leftovers(self) -> None:
        for folder in (self.path / GENERATIONS).glob(f"{DRAFT_PREFIX}*"):
            shutil.rmtree(folder, ignore_errors=True)

    def _prune(self, keep: set[str]) -> None:
        used = set()
        for folder in (self.path / GENERATIONS).iterdir():
            if folder.name not in keep:
                shutil.rmtree(folder, ignore_errors=True)
                continue
            used.add(Generation.open(folder).manifest.collection)
        if self.chroma.host is not None:
            from convrec.retrieval.store import drop_collections

            drop_collections(self.chroma, self.collection_prefix, used)


def _seal(draft: Draft) -> None:
    """Digest and flush every file, then write the manifest."""
    if draft.manifest is None:
        raise ValueError("the draft was not completed")
    records: dict[str, FileRecord] = {}
    for file in sorted(draft.folder.rglob("*")):
        if not file.is_file():
            continue
        _sync(file)
        name = file.relative_to(draft.folder)
        if name.parts[0] != CHROMA:
            records[name.as_posix()] = FileRecord(size=file.stat().st_size, sha256=file_digest(file))
    _replace(draft.folder / MANIFEST, draft.manifest.model_copy(update={"files": records}).model_dump_json(indent=1))
    for folder in sorted(draft.folder.rglob("*")):
        if folder.is_dir():
            _sync(folder)
    _sync(draft.folder)


def _replace(file: Path, text: str) -> None:
    """Replace a file atomically and durably."""
    draft = file.with_name(f".{file.name}.tmp")
    with draft.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)
    _sync(file.parent)


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _process(holder: Path) -> str:
    try:
        return f"Process {int(holder.read_text(encoding='utf-8'))}"
    except (OSError, ValueError):
        return "Another process"


def disk_is_full(error: BaseException) -> bool:
    """Whether a failure, or what caused it, is for want of room."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if any(words in str(seen) for words in ("No space left on device", "database or disk is full")):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _is_full(path: Path) -> bool:
    """Whether hardly anything is left: some libraries fail on a full disk without saying so."""
    return shutil.disk_usage(path).free < 8 * 2**20


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except ConvrecError as error:
        if not isinstance(error, DiskFullError) and disk_is_full(error):
            raise _full(path) from error
        raise
    except Exception as error:
        if disk_is_full(error):
            raise _full(path) from error
        if isinstance(error, OSError):
            raise WorkspaceError(f"The workspace {path} cannot be written: {error.strerror or error}.") from error
        raise


def _full(path: Path) -> DiskFullError:
    return DiskFullError(
        f"The disk of {path} is full: free some space and build again; what was there before serves on."
    )
