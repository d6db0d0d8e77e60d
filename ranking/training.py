"""Training of the ranker: models of the log, then the weights of the sum, always chosen on held-out events.

Everybody's last event is held out. The models see the rest, the weights are learned on pseudo-requests for the held-out
events of most people and validated on the others. EASE and transitions are then counted again over the whole log, which
costs seconds; the sequence model keeps the weights that were validated.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from convrec.ranking.attraction import expected_interactions
from convrec.ranking.cold_start import lend
from convrec.ranking.collaborative import EaseSettings, fit_ease, fit_transitions, item_counts
from convrec.ranking.metrics import ndcg_at
from convrec.ranking.model import AdditiveRanker, context_of
from convrec.ranking.pseudo_requests import PseudoCase, PseudoRequests
from convrec.ranking.query import recall_query, relevance_texts
from convrec.ranking.settings import PRESETS, Effort, EffortSettings
from convrec.ranking.signals import SIGNALS, TERMS, CollaborativeSource, Signals
from convrec.ranking.splits import Cases, subset
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.interactions import InteractionLog
from convrec.retrieval.progress import Progress, silent
from convrec.retrieval.recall import CandidateSource, Recall

if TYPE_CHECKING:
    from convrec.ranking.sequence import SequenceModel

Encode = Callable[[Sequence[str]], NDArray[np.float32]]

FEWEST_CASES = 50
"""held-out events below which weights stay at their prior"""
CANDIDATES = 1000
"""recalled for one pseudo-request in training, as many as a turn recalls"""
OTHERS = 255
"""candidates drawn from those to stand beside the target"""
WHOLE_HISTORIES = EaseSettings(decay=1.0, recall=1.0, ridge=1.0)
PULL, PULL_OF_WORDS = 0.01, 1.0
"""towards the prior weights; strong for words: pseudo-requests, made of the catalogue's own values, flatter literal
matches"""
BATCHES = 40
"""batches an epoch that a small log is cut into, at least: fewer are too few steps to learn from"""
SMALLEST_BATCH = 1024
VALIDATION_SHARE = 0.25
OTHER_WORDS = 0.7
"""share of pseudo-requests that are taken as said in other words than the catalogue's: nothing matches literally"""
SEQUENCE_STAGE = "Training the sequence model"


@dataclass(frozen=True, eq=False)
class Material:
    """What training works on. `encode` turns request texts into vectors, `sources` are further recall channels."""

    catalogue: Catalogue
    log: InteractionLog
    vectors: NDArray[np.float32]
    recall: Recall
    encode: Encode
    sources: tuple[CandidateSource, ...] = ()


@dataclass(frozen=True, eq=False)
class TrainedRanker:
    """The parts of a trained ranker, and what training found. `ndcg` are validation figures, by kind of request."""

    signals: Signals
    net: AdditiveRanker
    ndcg: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class _Plan:
    """What every step of a training run needs; `held` are the held-out events."""

    material: Material
    held: Cases
    preset: EffortSettings
    progress: Progress
    seed: int


@dataclass(frozen=True, eq=False)
class _Examples:
    """Pseudo-requests as arrays: signals (E, n, S), contexts (E, C), the target's place (E,), padding (E, n)."""

    signals: NDArray[np.float32]
    contexts: NDArray[np.float32]
    targets: NDArray[np.int64]
    padding: NDArray[np.bool_]
    kinds: tuple[str, ...]
    users: NDArray[np.int64]


def train_ranker(
    material: Material,
    effort: Effort = Effort.QUICK,
    *,
    start: TrainedRanker | None = None,
    progress: Progress = silent,
    seed: int = 0,
) -> TrainedRanker:
    """Train all parts. A log too small to learn from gives the prior weights, and a note that says so.

    `start` continues its sequence model; it is kept where the new one is worse on validation, and that is noted.
    """
    began = time.monotonic()
    log = material.log
    popularity = material.recall.popularity
    notes: list[str] = []
    held = held_out(log)
    if not len(held):
        notes.append("no person has two events or more: nothing could be learned, the weights are the defaults")
        return TrainedRanker(_fitted(material, log, None, popularity), AdditiveRanker(), {}, tuple(notes))
    ends = log.indptr[1:][held.users] - 1
    keep = np.ones(len(log), bool)
    keep[ends] = False
    seen = subset(log, keep)
    progress("Counting co-occurrence", 0, 1)
    plan = _Plan(material, held, PRESETS[effort], progress, seed)
    sequence, said = _sequence(plan, seen, start)
    notes += said
    early = _fitted(material, seen, sequence, popularity)
    net, ndcg, more = _weights(plan, early)
    notes += more
    final = early if len(log) == len(seen) else _fitted(material, log, sequence, popularity)
    return TrainedRanker(final, net, ndcg, tuple(notes), time.monotonic() - began)


def held_out(log: InteractionLog) -> Cases:
    """Everybody's last event, of those with at least two."""
    users = np.flatnonzero(np.diff(log.indptr) >= 2)
    return Cases(log, users, log.indptr[1:][users] - 1)


def _fitted(
    material: Material, log: InteractionLog, sequence: SequenceModel | None, popularity: NDArray[np.float32]
) -> Signals:
    items = len(material.catalogue)
    if not len(log):
        return Signals(material.catalogue, popularity)
    whole, decayed = fit_ease(log, items, WHOLE_HISTORIES), fit_ease(log, items)
    transitions = fit_transitions(log, items)
    counts = item_counts(log, items)
    lending = lend(counts, material.vectors, expected_interactions(counts, material.vectors, material.catalogue))
    if lending is not None:
        whole, decayed, transitions = (model.mixed(lending.mixture) for model in (whole, decayed, transitions))
    return Signals(
        material.catalogue,
        popularity,
        ease=whole,
        decayed_ease=decayed,
        transitions=transitions,
        sequence=sequence,
        lending=lending,
    )


def _sequence(plan: _Plan, seen: InteractionLog, start: TrainedRanker | None) -> tuple[SequenceModel | None, list[str]]:
    from convrec.ranking.sequence import SequenceConfig
    from convrec.ranking.sequence_training import Progress as EpochProgress
    from convrec.ranking.sequence_training import TrainSettings, train_sequence, validation_ndcg

    if len(plan.held) < FEWEST_CASES:
        return None, ["the log is too small for a sequence model; co-occurrence alone speaks for it"]
    content = np.array(plan.material.vectors, np.float32)
    config = SequenceConfig(
        items=len(plan.material.catalogue),
        dim=plan.preset.dim,
        layers=plan.preset.layers,
        window=plan.preset.window,
        features=content.shape[1],
        signals=True,
    )
    before = start.signals.sequence if start is not None else None
    if before is not None:
        config = before.config
    settings = TrainSettings(
        epochs=plan.preset.epochs,
        seconds=plan.preset.seconds,
        patience=plan.preset.patience,
        seed=plan.seed,
        validation_people=1500,
        tokens=int(np.clip(len(seen) // BATCHES, SMALLEST_BATCH, plan.preset.tokens)),
    )

    def report(state: EpochProgress) -> None:
        shown = f"loss {state.loss:.3f}, nDCG@10 {state.ndcg or 0:.3f}"
        plan.progress(f"{SEQUENCE_STAGE}\t{shown}", state.epoch, state.epochs)

    plan.progress(SEQUENCE_STAGE, 0, plan.preset.epochs)
    trained = train_sequence(
        seen, config, settings, validation=plan.held, content=content, start=before, on_progress=report
    )
    notes = []
    if trained.reason in ("interrupted", "the loss was not a number", "out of time"):
        notes.append(f"the sequence model stopped early ({trained.reason}); the best weights so far are kept")
    if before is not None and trained.best is not None:
        old = validation_ndcg(before, plan.held)
        if old > trained.best:
            notes.append(f"the model before was better on validation ({old:.4f} against {trained.best:.4f}): kept")
            return before, notes
    return trained.model, notes


def _weights(plan: _Plan, signals: Signals) -> tuple[AdditiveRanker, dict[str, float], list[str]]:
    if len(plan.held) < FEWEST_CASES:
        return AdditiveRanker(), {}, ["too few people to learn the weights of the score from: they are the defaults"]
    rng = np.random.default_rng(plan.seed)
    rounds = max(1, round(plan.preset.cases / len(plan.held)))
    chosen = np.concatenate([rng.permutation(len(plan.held)) for _ in range(rounds)])[: plan.preset.cases]
    drawn = PseudoRequests(plan.material.catalogue, np.asarray(plan.material.vectors), plan.seed)
    cases = drawn.cases(plan.held.log, plan.held.users[chosen], plan.held.positions[chosen])
    examples = _examples(plan.material, signals, cases, plan.progress)
    if examples.targets.size < FEWEST_CASES:
        return AdditiveRanker(), {}, ["too few requests led back to what was taken: the weights are the defaults"]
    people = np.unique(examples.users)
    asked = rng.permutation(people)[: max(1, int(people.size * VALIDATION_SHARE))]
    validation = np.isin(examples.users, asked)
    net = _fit(examples, ~validation, validation, plan.seed)
    return net, _figures(net, examples, validation), []


def _examples(material: Material, signals: Signals, cases: list[PseudoCase], progress: Progress) -> _Examples:
    wanted = (relevance_texts(case.request, material.catalogue) for case in cases)
    texts = list(dict.fromkeys(text for own in wanted for text, _ in own))
    progress("Reading pseudo-requests", 0, len(cases))
    known = dict(zip(texts, material.encode(texts), strict=True)) if texts else {}

    def encode(wanted: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([known[text] for text in wanted])

    rng = np.random.default_rng(len(cases))
    sources = (CollaborativeSource(signals), *material.sources)
    blocks, contexts, targets, kinds, users = [], [], [], [], []
    for number, case in enumerate(cases):
        query = recall_query(case.request, case.person, material.catalogue, encode, count=CANDIDATES)
        recalled = material.recall.recall(query, sources)
        place = np.flatnonzero(recalled.rows == case.target)
        if place.size and len(recalled) > 1:
            block = signals.columns(recalled, case.person, case.request).astype(np.float32)
            others = np.delete(np.arange(len(recalled)), place[0])
            drawn = rng.choice(others, min(OTHERS, others.size), replace=False)
            block = block[np.concatenate([place[:1], drawn])]
            if rng.random() < OTHER_WORDS:
                block[:, SIGNALS.index("lexical")] = 0
            blocks.append(block)
            contexts.append(context_of(case.person, case.request, len(recalled)))
            targets.append(0)
            kinds.append(case.kind)
            users.append(case.user)
        if number % 50 == 0:
            progress("Reading pseudo-requests", number, len(cases))
    progress("Reading pseudo-requests", len(cases), len(cases))
    longest = max((len(b) for b in blocks), default=0)
    width = blocks[0].shape[1] if blocks else 0
    padded = np.zeros((len(blocks), longest, width), np.float32)
    padding = np.ones((len(blocks), longest), bool)
    for row, block in enumerate(blocks):
        padded[row, : len(block)] = block
        padding[row, : len(block)] = False
    stacked = np.stack(contexts) if contexts else np.zeros((0, 0), np.float32)
    return _Examples(padded, stacked, np.array(targets, np.int64), padding, tuple(kinds), np.array(users, np.int64))


def _fit(
    examples: _Examples, train: NDArray[np.bool_], validation: NDArray[np.bool_], seed: int, *, epochs: int = 150
) -> AdditiveRanker:
    """Adam on the listwise loss plus a pull towards the prior weights; the best on validation is kept."""
    import torch
    from torch.nn import functional

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = AdditiveRanker()
        optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
        pulls = torch.tensor([PULL_OF_WORDS if name in TERMS["request"] else PULL for name in SIGNALS])
        parts = {
            name: tuple(
                torch.from_numpy(np.ascontiguousarray(array[chosen]))
                for array in (examples.signals, examples.contexts, examples.targets, examples.padding)
            )
            for name, chosen in (("train", train), ("validation", validation))
        }

        def loss_of(name: str) -> torch.Tensor:
            signals, contexts, targets, padding = parts[name]
            scores = net(signals, contexts).masked_fill(padding, -torch.inf)
            return functional.cross_entropy(scores, targets)

        best, kept, waited = float("inf"), {k: v.clone() for k, v in net.state_dict().items()}, 0
        for _ in range(epochs):
            net.train()
            optimizer.zero_grad()
            pull = (pulls * net.lean**2).mean() + (pulls[:, None] * net.outer.weight**2).mean()
            loss = loss_of("train") + pull
            if not torch.isfinite(loss):
                break
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            with torch.no_grad():
                value = float(loss_of("validation"))
            if value < best - 1e-5:
                best, waited = value, 0
                kept = {k: v.clone() for k, v in net.state_dict().items()}
            else:
                waited += 1
            if waited >= 20:
                break
        net.load_state_dict(kept)
        return net.eval()


def _figures(net: AdditiveRanker, examples: _Examples, chosen: NDArray[np.bool_]) -> dict[str, float]:
    """nDCG@10 among the candidates, by kind of request; ties count against."""
    import torch

    with torch.inference_mode():
        scores = net(torch.from_numpy(examples.signals), torch.from_numpy(examples.contexts)).numpy()
    scores = np.where(examples.padding, -np.inf, scores)
    own = scores[np.arange(len(scores)), examples.targets]
    ranks = (scores >= own[:, None]).sum(axis=1)
    kinds = np.array(examples.kinds)
    found = {"all": float(ndcg_at(ranks[chosen], 10).mean())}
    for kind in sorted(set(examples.kinds)):
        rows = chosen & (kinds == kind)
        if rows.any():
            found[kind] = float(ndcg_at(ranks[rows], 10).mean())
    return found
