"""Requests over invented shops, by authors who never saw the code: what is read of a domain nobody has thought of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from convrec.agent.recommender import Recommender
from convrec.evals.request_cases import read_cases
from convrec.evals.request_suite import run_requests

DATA = Path(__file__).parent / "data"
LEAST = 0.85
"""share of the cases that must hold; those known to fail are paraphrases that no rule covers"""


@pytest.mark.slow
@pytest.mark.parametrize("shop", ["bicycles", "clothes", "phones", "restaurants"])
def test_requests_over_a_shop(shop: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "convrec.agent", "build", "--items", str(DATA / f"{shop}.csv")]
    built = subprocess.run([*command, "--workspace", str(tmp_path)], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    cases, problems = read_cases(DATA / f"{shop}.jsonl")
    assert not problems
    with Recommender.open(tmp_path) as recommender:
        _, verdicts = run_requests(recommender, cases)
    failed = {v.case.id: v.faults for v in verdicts if v.faults}
    assert 1 - len(failed) / len(cases) >= LEAST, failed
    assert not any(v.outside for v in verdicts)
