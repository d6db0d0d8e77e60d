"""The workspace's own secret, and what is derived from it: pseudonyms, and marks of people who were forgotten."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from dataclasses import replace
from pathlib import Path

from convrec.agent.errors import ProfileError
from convrec.agent.settings import Settings
from convrec.retrieval.interactions import InteractionLog

KEY_FILE = "local.key"
_PSEUDONYM = re.compile(r"p-[0-9a-f]{24}")


class LocalKey:
    """A random key that never leaves the workspace. Without it neither pseudonyms nor marks lead back to a person."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def of(cls, workspace: Path, name: str = KEY_FILE) -> LocalKey:
        """The key in a file of the workspace, made at first use and readable by its owner only.

        Raises:
            ProfileError: the file is damaged or cannot be written.
        """
        file = workspace / name
        try:
            if not file.exists():
                workspace.mkdir(parents=True, exist_ok=True)
                draft = workspace / f".{name}.{secrets.token_hex(4)}"
                descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "w", encoding="ascii") as stream:
                    stream.write(secrets.token_hex(32))
                try:
                    os.link(draft, file)
                except FileExistsError:
                    pass  # another process was first, and its key counts
                finally:
                    draft.unlink()
            secret = bytes.fromhex(file.read_text(encoding="ascii").strip())
        except (OSError, ValueError) as error:
            raise ProfileError(f"The key {file} cannot be used ({error}); restore it from a backup.") from error
        if len(secret) != 32:
            raise ProfileError(f"The key {file} is damaged; restore it from a backup.")
        return cls(secret)

    def digest(self, purpose: str, text: str) -> str:
        """HMAC-SHA256 in hex; digests of different purposes have nothing in common."""
        return hmac.new(self._secret, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()

    def pseudonym(self, user_id: str) -> str:
        """What a person is stored under when ids are hashed; a pseudonym is its own."""
        return user_id if _PSEUDONYM.fullmatch(user_id) else f"p-{self.digest('person', user_id)[:24]}"

    def mark(self, user_id: str) -> str:
        """What stands for a person who was forgotten."""
        return self.digest("forgotten", user_id)


def stored_id(workspace: Path, user_id: str | None, settings: Settings) -> str | None:
    """The id under which a person is kept: their own, or its pseudonym where the settings ask for that."""
    if user_id is None or not settings.profile.pseudonymise:
        return user_id
    return LocalKey.of(workspace).pseudonym(user_id)


def pseudonymised(log: InteractionLog, workspace: Path) -> InteractionLog:
    """The log with a pseudonym for every person."""
    key = LocalKey.of(workspace)
    return replace(log, user_ids=tuple(key.pseudonym(user) for user in log.user_ids))
