"""What `convrec eval ranking` runs."""

from __future__ import annotations

from pathlib import Path

from convrec.evals.cli_options import Setting
from convrec.evals.errors import EvaluationError
from convrec.evals.suites import hand_out, run_suite
from convrec.retrieval.interactions import InteractionLog


def run(setting: Setting, *, split: str, people: int | None, path: Path | None, seed: int) -> None:
    """Over a workspace, or over a public log by path."""
    from convrec.evals.ranking_suite import rank_log, run_ranking
    from convrec.evals.report import make_report

    if path is not None:
        log, items = read_sequences(path)
        hand_out(make_report([rank_log(log, items, split=split)], source=path.name), setting.output)
        return
    run_suite(setting, "ranking", lambda r, _: run_ranking(r, split=split, people=people, seed=seed))


def read_sequences(path: Path) -> tuple[InteractionLog, int]:
    """A log of a line a person: the person, then item ids in time order. Also the number of distinct items.

    Raises:
        EvaluationError: the file cannot be read, or holds no sequence.
    """
    try:
        lines = [line.split() for line in path.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path} cannot be read as text.") from error
    if not any(len(line) > 1 for line in lines):
        raise EvaluationError(f"{path} holds no sequence: a line names a person and then item ids in time order.")
    rows = {item: row for row, item in enumerate(dict.fromkeys(item for line in lines for item in line[1:]))}
    sequences = [[rows[item] for item in line[1:]] for line in lines]
    return InteractionLog.from_sequences(sequences, [line[0] for line in lines]), len(rows)
