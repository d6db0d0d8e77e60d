"""Next-item figures on MovieLens-1M.

    python tests/benchmarks/ml1m.py PATH/TO/sequences.txt --out FOLDER [--test]

Protocol, as in the SASRec papers: leave-one-out; a person's last item is the test target, the one before it the
validation target; ranking over all items with the person's seen items removed; ties count against us. All models are
fitted on what comes before the validation target, and never again: at test time the validation item joins the history
that is read, not what was learned from. No timestamps or ratings are used. Early stopping and the weights of the sum
are chosen on validation; the validation figure of the sum is cross-fitted (each half of the people weighed by what the
other half taught). `--test` looks at the test targets: once, at the end.

FOLDER keeps the trained sequence model, so that a second run can skip its training, and `figures.json`.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convrec.evals.ranking import CaseScorer, by_history, evaluate_ranking
from convrec.ranking.baselines import BASELINES
from convrec.ranking.blend import LearnedSum, as_log_probability, as_prior, as_z_score, fit_sum
from convrec.ranking.collaborative import EaseSettings, fit_ease, fit_transitions, item_counts
from convrec.ranking.metrics import ndcg_at, recall_at, target_ranks
from convrec.ranking.sequence import SequenceConfig, SequenceModel
from convrec.ranking.sequence_training import Progress, TrainSettings, train_sequence
from convrec.ranking.significance import bootstrap_interval, paired_difference
from convrec.ranking.splits import Cases, Split, leave_one_out
from convrec.retrieval.interactions import InteractionLog

Columns = dict[str, NDArray[np.float32]]


def read_sequences(path: Path) -> tuple[InteractionLog, int]:
    """The log of `path` (a line a person: the person, then items in time order) and how many items it names."""
    lines = [np.array(line.split(), dtype=np.int64) for line in path.read_text(encoding="utf-8").splitlines()]
    ids = np.unique(np.concatenate([line[1:] for line in lines]))
    sequences = [np.searchsorted(ids, line[1:]).tolist() for line in lines]
    return InteractionLog.from_sequences(sequences, [str(line[0]) for line in lines]), int(ids.size)


def sequence_model(split: Split, items: int, folder: Path, seconds: float) -> tuple[SequenceModel, float]:
    """The trained sequence model, from `folder` where it was trained before; and how long training took."""
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    kept = folder / "sequence.safetensors"
    if kept.exists():
        with safe_open(kept, "pt") as file:
            about = file.metadata()
        return SequenceModel.from_arrays(load_file(kept), SequenceConfig(**json.loads(about["config"]))), float(
            about.get("seconds", "nan")
        )

    def tell(at: Progress) -> None:
        print(
            f"epoch {at.epoch}/{at.epochs}  loss {at.loss:.4f}  ndcg@10 {at.ndcg:.4f}  "
            f"{at.seconds:.0f} s, {at.seconds_left:.0f} s left",
            flush=True,
        )

    trained = train_sequence(
        split.train,
        SequenceConfig(items=items),
        TrainSettings(seconds=seconds),
        validation=split.validation,
        on_progress=tell,
    )
    print(f"sequence model: {trained.reason} after {trained.epochs} epochs, {trained.seconds:.0f} s", flush=True)
    tensors, config = trained.model.to_arrays()
    save_file(tensors, kept, metadata={"config": json.dumps(config), "seconds": str(trained.seconds)})
    return trained.model, trained.seconds


class Models:
    """Every term of the sum."""

    def __init__(self, split: Split, items: int, sequence: SequenceModel) -> None:
        began = time.monotonic()
        self.sequence = sequence
        self.transitions = fit_transitions(split.train, items)
        self.ease = fit_ease(split.train, items)
        self.taste = fit_ease(split.train, items, EaseSettings(decay=1, recall=1, ridge=1))
        self.prior = as_prior(item_counts(split.train, items))
        self.seconds = time.monotonic() - began

    def columns(self, histories: list[NDArray[np.int32]]) -> Columns:
        """Each term (B, I) on its common footing."""
        popularity = np.log(self.prior)
        return {
            "sequence": self.sequence.scores(histories),
            "transitions": as_log_probability(self.transitions.scores(histories), self.prior),
            "ease": as_z_score(self.ease.scores(histories)),
            "taste": as_z_score(self.taste.scores(histories)),
            "popularity": np.tile(popularity - popularity.mean(), (len(histories), 1)),
        }


def figures(scores: NDArray[np.float32], cases: Cases) -> dict[str, float]:
    """HR@10 and nDCG@10."""
    ranks = target_ranks(scores, cases.targets, cases.histories())
    return {"hr@10": float(recall_at(ranks, 10).mean()), "ndcg@10": float(ndcg_at(ranks, 10).mean())}


def cross_fitted(columns: Columns, cases: Cases) -> NDArray[np.float32]:
    """(B, I) the sum, each half of the people weighed by what the other half taught."""
    histories = cases.histories()
    half = np.random.default_rng(0).permutation(len(cases)) % 2
    out = np.empty_like(next(iter(columns.values())))
    for side in (0, 1):
        learn, ask = np.flatnonzero(half != side), np.flatnonzero(half == side)
        weights = fit_sum(
            {n: c[learn] for n, c in columns.items()}, cases.targets[learn], [histories[i] for i in learn]
        )
        out[ask] = weights.scores({n: c[ask] for n, c in columns.items()}, np.array([len(histories[i]) for i in ask]))
    return out


def without(columns: Columns, name: str) -> Columns:
    """The other terms."""
    return {n: c for n, c in columns.items() if n != name}


def on_validation(columns: Columns, cases: Cases) -> dict[str, Any]:
    """Each term alone, the sum, and the sum refitted without each term."""
    return {
        "alone": {name: figures(column, cases) for name, column in columns.items()},
        "sum": figures(cross_fitted(columns, cases), cases),
        "without": {name: figures(cross_fitted(without(columns, name), cases), cases) for name in columns},
    }


def on_test(columns: Columns, cases: Cases, sums: dict[str, LearnedSum], split: Split, items: int) -> dict[str, Any]:
    """The same with the weights learned on validation, with intervals, beside the baselines."""
    lengths = np.array([len(h) for h in cases.histories()])
    full = sums[""].scores(columns, lengths)
    systems: dict[str, CaseScorer] = {"sum": lambda part: full[np.searchsorted(cases.positions, part.positions)]}
    for name, make in BASELINES.items():
        systems[name] = by_history(make().fit(split.train, items))
    counts = item_counts(split.train, items)
    result = evaluate_ranking(systems, cases, items, counts=counts)
    ranks = target_ranks(full, cases.targets, cases.histories())
    alone = {name: target_ranks(column, cases.targets, cases.histories()) for name, column in columns.items()}
    return {
        "alone": {name: figures(column, cases) for name, column in columns.items()},
        "sum": {
            "hr@10": asdict(bootstrap_interval(recall_at(ranks, 10))),
            "ndcg@10": asdict(bootstrap_interval(ndcg_at(ranks, 10))),
        },
        "without": {name: figures(sums[name].scores(without(columns, name), lengths), cases) for name in columns},
        "sum_minus_alone": {
            name: asdict(paired_difference(ndcg_at(ranks, 10), ndcg_at(theirs, 10))) for name, theirs in alone.items()
        },
        "baselines": result.to_json("sum"),
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sequences", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder for the model and figures.json")
    parser.add_argument("--minutes", type=float, default=50.0, help="time limit of the sequence model's training")
    parser.add_argument("--test", action="store_true", help="look at the test targets")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    log, items = read_sequences(given.sequences)
    split = leave_one_out(log)
    sequence, seconds = sequence_model(split, items, given.out, given.minutes * 60)
    models = Models(split, items, sequence)
    cases = split.validation
    columns = models.columns(cases.histories())
    report: dict[str, Any] = {
        "seconds": {"sequence": seconds, "collaborative": models.seconds},
        "validation": on_validation(columns, cases),
    }
    sums = {"": fit_sum(columns, cases.targets, cases.histories())}
    for name in columns:
        sums[name] = fit_sum(without(columns, name), cases.targets, cases.histories())
    learned = sums[""]
    report["weights"] = {
        name: {"base": float(learned.base[k]), "slope": float(learned.slope[k])} for k, name in enumerate(learned.names)
    }
    print(json.dumps(report, indent=1), flush=True)
    if given.test:
        report["test"] = on_test(models.columns(split.test.histories()), split.test, sums, split, items)
        print(json.dumps(report["test"], indent=1))
    (given.out / "figures.json").write_text(json.dumps(report, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
