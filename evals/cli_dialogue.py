"""What `convrec eval dialogue` runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from convrec.evals.cli_options import Setting
from convrec.evals.dialogue import run_dialogue
from convrec.evals.endpoint import evaluation_model
from convrec.evals.suites import Tick, run_suite

if TYPE_CHECKING:
    from convrec.agent.recommender import Recommender
    from convrec.evals.types import SuiteResult


def run(setting: Setting, *, people: int, by_model: bool, seed: int) -> None:
    """Over a workspace. Where a model was asked for and none is connected, the rules speak, and that is said."""

    def suite(recommender: Recommender, tick: Tick) -> SuiteResult:
        model = evaluation_model(recommender) if by_model else None
        if by_model and model is None:
            Console(stderr=True).print(
                "No language model is connected (CONVREC_LLM__BASE_URL and CONVREC_LLM__MODEL), so people's words "
                "come from rules.",
                markup=False,
                highlight=False,
            )
        return run_dialogue(recommender, people=people, seed=seed, model=model, progress=tick)

    run_suite(setting, "dialogue", suite)
