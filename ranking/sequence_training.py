"""Training of the sequence model: windows of the log, the loss, and a loop that can be stopped at any time."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from convrec.ranking.errors import TrainingError
from convrec.ranking.metrics import ndcg_at, target_ranks
from convrec.ranking.sequence import SequenceConfig, SequenceModel, SequenceNet, log_signals
from convrec.ranking.splits import Cases
from convrec.retrieval.interactions import InteractionLog

FULL_SOFTMAX_ITEMS = 20_000
"""Up to this many items the loss runs over the whole catalogue; above, over sampled items with the logQ correction."""


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """How to train; the shapes are in `SequenceConfig`."""

    epochs: int = 20
    tokens: int = 6144
    """Events in a batch."""
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    warmup: int = 100
    average: float = 0.995
    """Decay of the running average of the weights; the average is what is validated and kept."""
    negatives: int = 2048
    patience: int = 4
    """Epochs without a better validation before training stops."""
    validation_people: int = 3000
    seed: int = 0
    seconds: float | None = None
    """Time limit; the learning rate then falls with the time as well, and runs no longer repeat exactly."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where training stands after an epoch; `ndcg` is nDCG@10 on validation, None where there is no validation."""

    epoch: int
    epochs: int
    loss: float
    ndcg: float | None
    best: float | None
    seconds: float
    seconds_left: float


StopReason = Literal["finished", "no longer improving", "out of time", "interrupted", "the loss was not a number"]


@dataclass(frozen=True, eq=False)
class Trained:
    """The best model of a run and why the run ended.

    `best` is its validation nDCG@10, `before` that of the model it went on from; where they are equal, training made
    nothing better and the model is the one it started with.
    """

    model: SequenceModel
    reason: StopReason
    epochs: int
    best: float | None
    before: float | None
    seconds: float


def train_sequence(
    log: InteractionLog,
    config: SequenceConfig,
    settings: TrainSettings | None = None,
    *,
    validation: Cases | None = None,
    content: NDArray[np.float32] | None = None,
    start: SequenceModel | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Trained:
    """Train on every next event of the log and keep the weights with the best validation nDCG@10.

    `content` (I, F) gives items a vector of their own; items without an event in the log are never shown as wrong
    answers. `start` continues a model of the same shapes, which is kept where no epoch does better. An interrupt
    (Ctrl-C), a loss that is not a number or the time limit end training with the best so far; without any epoch behind
    it the untrained net, or `start`, is what is kept.
    """
    settings = settings or TrainSettings()
    if len(log) and int(log.items.max()) >= config.items:
        raise TrainingError(f"the log names item row {int(log.items.max())}, the catalogue has {config.items} items")
    signals = log_signals(log)
    config = replace(config, signals=config.signals and signals is not None)
    if validation is not None and len(validation) > settings.validation_people:
        pick = np.random.default_rng(settings.seed).choice(len(validation), settings.validation_people, replace=False)
        validation = validation.take(np.sort(pick))
    with torch.random.fork_rng(devices=[]), _fast_matmul():
        torch.manual_seed(settings.seed)
        run = _Run(
            log,
            config,
            settings,
            validation=validation,
            content=content,
            start=start,
            signals=signals,
            on_progress=on_progress,
        )
        return run.run()


class _Run:
    """One training run and its moving parts."""

    def __init__(
        self,
        log: InteractionLog,
        config: SequenceConfig,
        settings: TrainSettings,
        *,
        validation: Cases | None,
        content: NDArray[np.float32] | None,
        start: SequenceModel | None,
        signals: NDArray[np.int64] | None,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self.log, self.settings, self.validation, self.on_progress = log, settings, validation, on_progress
        self.signals = signals if config.signals else None
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        counts = torch.from_numpy(np.bincount(log.items, minlength=config.items))
        net = SequenceNet(config, None if content is None else torch.from_numpy(content), counts == 0)
        if start is not None:
            net.load_state_dict({**start.net.state_dict(), "cold": counts == 0})
        self.net = net.to(self.device)
        self.warm = torch.nonzero(~self.net.cold).squeeze(1)
        self.average = copy.deepcopy(self.net)
        self.best_state = copy.deepcopy(self.net.state_dict())
        self.best: float | None = None
        self.before: float | None = None
        self.continued = start is not None
        self.latest: float | None = None
        share = counts[counts > 0].double() / max(len(log), 1)
        self.proposal = (0.5 * share + 0.5 / max(share.numel(), 1)).float()
        matrices = [p for p in self.net.parameters() if p.ndim > 1]
        vectors = [p for p in self.net.parameters() if p.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": vectors, "weight_decay": 0.0}],
            lr=settings.learning_rate,
            betas=(0.9, 0.98),
            foreach=True,
        )
        self.rng = np.random.default_rng(settings.seed)
        self.step = 0
        self.steps = max(1, settings.epochs * sum(1 for _ in self._plan()))
        self.began = time.monotonic()

    def run(self) -> Trained:
        """Train until something ends it."""
        reason: StopReason = "finished"
        epoch = waited = 0
        try:
            if self.continued:
                self._validate()
                self.before = self.best
            for epoch in range(1, self.settings.epochs + 1):
                loss = self._epoch()
                if not math.isfinite(loss):
                    reason = "the loss was not a number"
                    break
                waited = 0 if self._validate() else waited + 1
                self._report(epoch, loss)
                if waited >= self.settings.patience:
                    reason = "no longer improving"
                    break
                if self._late():
                    reason = "out of time"
                    break
        except KeyboardInterrupt:
            reason = "interrupted"
        self.net.load_state_dict(self.best_state)
        self._settle_cold_bias()
        model = SequenceModel(self.net.eval().cpu())
        return Trained(model, reason, epoch, self.best, self.before, time.monotonic() - self.began)

    def _fraction(self) -> float:
        """How much of the run is behind, by steps or by time, whichever is further."""
        done = self.step / self.steps
        if self.settings.seconds is not None:
            done = max(done, (time.monotonic() - self.began) / self.settings.seconds)
        return min(1.0, done)

    def _late(self) -> bool:
        return self.settings.seconds is not None and time.monotonic() - self.began >= self.settings.seconds

    def _epoch(self) -> float:
        self.net.train()
        total, events = 0.0, 0
        for items, targets, signals in self._batches():
            fraction = self._fraction()
            if fraction >= 1:
                break
            rate = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * fraction))
            for group in self.optimizer.param_groups:
                group["lr"] = self.settings.learning_rate * rate * min(1, (self.step + 1) / self.settings.warmup)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
                vectors = self.net.item_vectors()
                states = self.net(items, vectors, signals)
            asked = targets >= 0
            loss = self._loss(states[asked].float(), vectors.float(), targets[asked])
            if not torch.isfinite(loss):
                return math.nan
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
            self.optimizer.step()
            self.step += 1
            decay = min(self.settings.average, (self.step + 1) / (self.step + 10))
            with torch.no_grad():
                torch._foreach_lerp_(list(self.average.parameters()), list(self.net.parameters()), 1 - decay)
            count = int(asked.sum())
            total += loss.item() * count
            events += count
        return total / max(events, 1)

    def _loss(self, states: Tensor, vectors: Tensor, targets: Tensor) -> Tensor:
        if self.warm.numel() <= FULL_SOFTMAX_ITEMS:
            if self.warm.numel() == self.net.config.items:
                return full_softmax_loss(states, vectors, self.net.bias, targets)
            place = torch.zeros_like(self.net.cold, dtype=torch.long)
            place[self.warm] = torch.arange(self.warm.numel(), device=self.device)
            return full_softmax_loss(states, vectors[self.warm], self.net.bias[self.warm], place[targets])
        drawn = torch.multinomial(self.proposal, self.settings.negatives, replacement=True).to(self.device)
        return sampled_softmax_loss(
            states, vectors, self.net.bias, targets, drawn=self.warm[drawn], chance=self.proposal.to(self.device)[drawn]
        )

    @torch.no_grad()
    def _validate(self) -> bool:
        """Keep the averaged weights where they are the best so far; True where they are."""
        if self.validation is not None and len(self.validation):
            self.latest = validation_ndcg(SequenceModel(self.average), self.validation)
            if self.best is not None and self.latest <= self.best:
                return False
            self.best = self.latest
        self.best_state = copy.deepcopy(self.average.state_dict())
        return True

    def _report(self, epoch: int, loss: float) -> None:
        if self.on_progress is None:
            return
        spent = time.monotonic() - self.began
        left = spent / epoch * (self.settings.epochs - epoch)
        if self.settings.seconds is not None:
            left = min(left, max(0.0, self.settings.seconds - spent))
        self.on_progress(Progress(epoch, self.settings.epochs, loss, self.latest, self.best, spent, left))

    def _settle_cold_bias(self) -> None:
        """An item nobody met is as popular as the least popular tenth of the others."""
        cold = self.net.cold
        if bool(cold.any()) and not bool(cold.all()):
            with torch.no_grad():
                self.net.bias[cold] = torch.quantile(self.net.bias[~cold].float(), 0.1)

    def _plan(self) -> Iterator[NDArray[np.int64]]:
        """Batches of windows (n, 2): event positions `low..high`, of which each predicts the one after it.

        The latest window of a long history ends at its last event and has a random length, the earlier ones are full:
        other cuts every epoch. Windows of like length share a batch, and batches come in random order.
        """
        window = self.net.config.window
        lengths = np.diff(self.log.indptr) - 1
        lows: list[NDArray[np.int64]] = []
        highs: list[NDArray[np.int64]] = []
        short = np.flatnonzero((lengths >= 1) & (lengths <= window))
        lows.append(self.log.indptr[short])
        highs.append(self.log.indptr[short] + lengths[short])
        for user in np.flatnonzero(lengths > window):
            first, last = int(self.log.indptr[user]), int(self.log.indptr[user + 1]) - 1
            latest = last - int(self.rng.integers(window // 2, window + 1))
            cuts = np.append(np.arange(latest, first, -window), first)
            lows.append(cuts)
            highs.append(np.concatenate([[last], cuts[:-1]]))
        low, high = np.concatenate(lows), np.concatenate(highs)
        order = np.argsort(high - low + self.rng.random(low.size) * 8, kind="stable")
        windows = np.stack([low, high], axis=1)[order]
        batches = []
        begin = 0
        while begin < len(windows):
            # Lengths rise, give or take the jitter: the batch is cut where its widest window fills the budget.
            spans = np.maximum.accumulate((windows[begin:, 1] - windows[begin:, 0])[: self.settings.tokens])
            fits = int(np.searchsorted(spans * np.arange(1, spans.size + 1), self.settings.tokens, side="right"))
            batches.append(windows[begin : begin + max(1, fits)])
            begin += max(1, fits)
        for index in self.rng.permutation(len(batches)):
            yield batches[index]

    def _batches(self) -> Iterator[tuple[Tensor, Tensor, Tensor | None]]:
        """Items (B, T), targets (B, T) with -1 for none, signals (B, T, 2)."""
        for windows in self._plan():
            spans = windows[:, 1] - windows[:, 0]
            # Few distinct widths: the matrix kernels keep a prepared plan, and its memory, for each shape they meet.
            width = min(-(-int(spans.max()) // 16) * 16, self.net.config.window)
            place = windows[:, :1] + np.arange(width)
            inside = np.arange(width) < spans[:, None]
            place = np.where(inside, place, windows[:, :1])
            items = torch.from_numpy(self.log.items[place].astype(np.int64))
            targets = torch.from_numpy(np.where(inside, self.log.items[place + 1], -1).astype(np.int64))
            extra = None if self.signals is None else torch.from_numpy(self.signals[place]).to(self.device)
            yield items.to(self.device), targets.to(self.device), extra


class _FullSoftmax(torch.autograd.Function):
    """Cross entropy over all items whose gradient is taken on the way, a thousand states at a time.

    The (N, I) logits are never held: the loss would otherwise cost more memory traffic than the net.
    """

    @staticmethod
    def forward(ctx: Any, states: Tensor, vectors: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
        count = states.shape[0]
        grad_states, grad_vectors, grad_bias = (
            torch.empty_like(states),
            torch.zeros_like(vectors),
            torch.zeros_like(bias),
        )
        buffer = torch.empty(min(1024, count), vectors.shape[0], device=states.device)
        loss = torch.zeros((), device=states.device)
        for start in range(0, count, 1024):
            part, wanted = states[start : start + 1024], targets[start : start + 1024, None]
            p = buffer[: part.shape[0]]
            torch.addmm(bias, part, vectors.T, out=p)
            torch.softmax(p, 1, out=p)  # (n, I)
            loss -= p.gather(1, wanted).clamp_min(1e-20).log().sum()
            p.scatter_add_(1, wanted, torch.full_like(wanted, -1, dtype=p.dtype))
            torch.mm(p, vectors, out=grad_states[start : start + 1024])
            grad_vectors.addmm_(p.T, part)
            grad_bias += p.sum(0)
        ctx.save_for_backward(grad_states / count, grad_vectors / count, grad_bias / count)
        return loss / count

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        states, vectors, bias = ctx.saved_tensors
        return states * grad, vectors * grad, bias * grad, None


def full_softmax_loss(states: Tensor, vectors: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
    """Mean cross entropy of `targets` (N,) under softmax(states (N, D) · vectorsᵀ (I, D) + bias (I,))."""
    if not states.shape[0]:
        return (states.sum() + vectors.sum()) * 0
    return _FullSoftmax.apply(states, vectors, bias, targets)  # type: ignore[no-any-return, no-untyped-call]


def sampled_softmax_loss(
    states: Tensor, vectors: Tensor, bias: Tensor, targets: Tensor, *, drawn: Tensor, chance: Tensor
) -> Tensor:
    """Cross entropy against `drawn` (S,) items shared by the batch, corrected by logQ (Bengio & Senécal, 2003).

    `chance` (S,) is the probability with which each item was drawn; its logit is lowered by log(S · chance), so that
    the sum over the sample estimates the sum over the catalogue. A drawn item that is the target itself does not count.
    """
    right = (states * vectors[targets]).sum(-1) + bias[targets]  # (N,)
    wrong = states @ vectors[drawn].T + bias[drawn] - torch.log(chance * drawn.numel())  # (N, S)
    wrong = wrong.masked_fill(drawn[None] == targets[:, None], -torch.inf)
    return functional.cross_entropy(torch.cat([right[:, None], wrong], 1), torch.zeros_like(targets))


def validation_ndcg(model: SequenceModel, cases: Cases) -> float:
    """Mean nDCG@10 of the cases under full ranking, seen items removed."""
    signals = log_signals(cases.log) if model.config.signals else None
    starts = cases.log.indptr[cases.users]
    total = 0.0
    for begin in range(0, len(cases), 512):
        part = cases.take(np.arange(begin, min(begin + 512, len(cases))))
        histories = part.histories()
        read = None
        if signals is not None:
            spans = zip(starts[begin : begin + 512].tolist(), part.positions.tolist(), strict=True)
            read = [signals[a:b] for a, b in spans]
        ranks = target_ranks(model.scores(histories, read), part.targets, histories)
        total += float(ndcg_at(ranks, 10).sum())
    return total / max(len(cases), 1)


@contextmanager
def _fast_matmul() -> Iterator[None]:
    """Let matrix products run in bf16 where the processor has the instructions: with AMX twice as fast."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
