"""What an endpoint can do, asked once and kept beside the workspace, and the mode that follows."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from convrec.agent.settings import LLMSettings

if TYPE_CHECKING:
    from convrec.agent.mind import Mode

CACHE = "cache"
"""folder of a workspace for what can be asked again"""


class Capabilities(BaseModel):
    """What was seen to work at an endpoint."""

    model_config = ConfigDict(frozen=True)

    json_schema: bool = True
    tools: bool = False
    streaming: bool = True
    usage: bool = True

    @property
    def mode(self) -> Mode:
        """How a model with these is best used."""
        if self.tools:
            return "tools"
        return "structured" if self.json_schema else "offline"


def cached(settings: LLMSettings, workspace: Path) -> Capabilities | None:
    """What was found before at this endpoint for this model; None where nobody asked."""
    file = _file(settings, workspace)
    try:
        return Capabilities.model_validate_json(file.read_text("utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError):
        return None


def ask(settings: LLMSettings, workspace: Path) -> tuple[Capabilities | None, str]:
    """Probe the endpoint and keep the answer: what it can do, or None, and a sentence. Never raises."""
    from convrec.agent.probe import probe

    check = probe(settings)
    if not check.ok:
        return None, check.text
    found = Capabilities(
        json_schema=check.abilities.get("structured output", False),
        tools=check.abilities.get("tool calls", False),
        streaming=check.abilities.get("streaming", False),
        usage=check.abilities.get("usage", False),
    )
    file = _file(settings, workspace)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(found.model_dump()), "utf-8")
    except OSError:
        return found, f"{check.text} The answer could not be kept in {file.parent}."
    return found, check.text


def _file(settings: LLMSettings, workspace: Path) -> Path:
    name = hashlib.sha256(f"{settings.base_url}\n{settings.model}".encode()).hexdigest()[:16]
    return workspace / CACHE / f"model-{name}.json"
