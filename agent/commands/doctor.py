"""`convrec doctor`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from convrec.agent.commands.options import JsonOption, WorkspaceOption

SIGNS = {"ok": "✓ ok   ", "note": "· note ", "fault": "✗ fault"}


def doctor(
    thorough: Annotated[bool, typer.Option("--thorough", help="Read every file of the index back.")] = False,
    privacy: Annotated[bool, typer.Option("--privacy", help="Say what leaves this machine, and to where.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    settings_file: Annotated[
        Path | None, typer.Option("--settings", help="Settings file (default: convrec.toml here).", show_default=False)
    ] = None,
) -> None:
    """Say what is configured, what works, and what to do about what does not. Exit code 1 where there is a fault.

    Example: convrec doctor --thorough
    """
    from convrec.agent.doctor import examine, privacy_findings
    from convrec.agent.settings import load_settings

    settings = load_settings(settings_file, workspace=workspace)
    findings = []
    looked = privacy_findings(settings) if privacy else examine(settings, thorough=thorough)
    for finding in looked:
        findings.append(finding)
        if not as_json:
            line = f"{SIGNS[finding.state]} {finding.subject}: {finding.text}\n"
            sys.stdout.write(line + (f"         → {finding.remedy}\n" if finding.remedy else ""))
            sys.stdout.flush()
    if as_json:
        sys.stdout.write(json.dumps([finding.as_dict() for finding in findings], indent=2, ensure_ascii=False) + "\n")
    raise typer.Exit(1 if any(finding.state == "fault" for finding in findings) else 0)
