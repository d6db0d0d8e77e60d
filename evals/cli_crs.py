"""What `convrec eval crs` and `convrec eval redial` run."""

from __future__ import annotations

import sys
from pathlib import Path

from convrec.evals.cli_options import Setting
from convrec.evals.crs_cases import convert_redial, read_dialogues, write_dialogues
from convrec.evals.errors import EvaluationError
from convrec.evals.suites import run_suite


def run(setting: Setting, cases: Path, candidates: Path | None) -> None:
    """Over a workspace that holds the dialogues' items."""
    from convrec.evals.crs import run_crs

    found = read_dialogues(cases)
    titles = None
    if candidates is not None:
        try:
            titles = [line.strip() for line in candidates.read_text("utf-8").splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            raise EvaluationError(f"{candidates} cannot be read as text.") from error
    run_suite(setting, "crs", lambda r, tick: run_crs(r, found, candidates=titles, progress=tick))


def convert(raw: Path, out: Path) -> None:
    """From ReDial's raw form."""
    cases = convert_redial(raw)
    write_dialogues(cases, out)
    sys.stdout.write(f"{len(cases)} moments of dialogue written to {out}.\n")
