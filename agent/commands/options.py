"""Options that commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        help="Folder of the catalogue and its people (default: CONVREC_WORKSPACE, else your user-data folder).",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
UserOption = Annotated[
    str | None, typer.Option("--user", "-u", help="Who is asking: an id of the log, or any name.", show_default=False)
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model", help="Language model, by its name at the endpoint (CONVREC_LLM__MODEL).", show_default=False
    ),
]
BaseUrlOption = Annotated[
    str | None,
    typer.Option("--base-url", help="OpenAI-compatible endpoint (CONVREC_LLM__BASE_URL).", show_default=False),
]
