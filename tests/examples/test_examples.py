"""The examples run as they stand, each in its own process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from convrec.agent.people import PeopleStore

EXAMPLES = Path(__file__).parents[2] / "examples"
ENVIRONMENT = {**os.environ, "CONVREC_RETRIEVAL__EMBEDDING__PROVIDER": "hashing", "HF_HUB_OFFLINE": "1"}


def run_example(name: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("day", "start", "latest"), [("Friday", "20:00", "22:15"), ("Saturday", "18:30", "23:00")])
def test_the_planner_fits_its_suggestion_into_the_evening(
    film_workspace: Path, day: str, start: str, latest: str
) -> None:
    told = run_example(
        "evening_planner.py", "--workspace", str(film_workspace), "--user", "u3", "--day", day, "a comedy"
    )
    assert f"from {start} to " in told
    assert start < told.split(" to ")[1][:5] <= latest


def test_the_mcp_client_talks_to_a_server_of_its_own(film_workspace: Path) -> None:
    told = run_example("mcp_client.py", "--workspace", str(film_workspace), "--user", "ann", "a comedy")
    for expected in ("Tools: recommend, refine", "First: ", "Then: ", "Kept: like of ", "Known of ann: 1 pieces"):
        assert expected in told
    (liked,) = PeopleStore(film_workspace / "users.sqlite").feedback("ann")
    assert liked.kind == "like"
