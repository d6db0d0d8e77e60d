from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from convrec.ranking import sequence_training
from convrec.ranking.errors import TrainingError
from convrec.ranking.sequence import (
    SequenceConfig,
    SequenceModel,
    SequenceNet,
    event_signals,
    log_signals,
    person_signals,
)
from convrec.ranking.sequence_training import (
    Progress,
    Trained,
    TrainSettings,
    full_softmax_loss,
    sampled_softmax_loss,
    train_sequence,
)
from convrec.ranking.splits import leave_one_out
from convrec.ranking.types import Person
from convrec.retrieval.interactions import InteractionLog

ITEMS = 15
SMALL = SequenceConfig(items=ITEMS, dim=16, window=12, dropout=0.1)
SHORT = TrainSettings(epochs=3, tokens=256, warmup=5, average=0.9)


def _cycles(people: int = 80, seed: int = 0) -> InteractionLog:
    """Everybody walks round the items, two at a time."""
    rng = np.random.default_rng(seed)
    return InteractionLog.from_sequences(
        [((rng.integers(ITEMS) + 2 * np.arange(rng.integers(4, 14))) % ITEMS).tolist() for _ in range(people)]
    )


def _train(log: InteractionLog, settings: TrainSettings = SHORT, **given: Any) -> Trained:
    split = leave_one_out(log)
    return train_sequence(split.train, given.pop("config", SMALL), settings, validation=split.validation, **given)


def test_the_future_and_the_padding_are_invisible() -> None:
    net = SequenceNet(SMALL).eval()
    vectors = net.item_vectors()
    items = torch.randint(0, ITEMS, (2, 10))
    changed = items.clone()
    changed[:, 6:] = 0
    before, after = net(items, vectors), net(changed, vectors)
    torch.testing.assert_close(before[:, :6], after[:, :6])
    assert not torch.allclose(before[:, 6:], after[:, 6:])


def test_only_the_window_is_read() -> None:
    model = SequenceModel(SequenceNet(SMALL))
    history = np.arange(30) % ITEMS
    np.testing.assert_allclose(model.scores([history]), model.scores([history[-12:]]), atol=1e-6)


def test_scores_are_log_probabilities_whatever_the_batch() -> None:
    model = SequenceModel(SequenceNet(SMALL))
    histories = [np.array([1, 2, 3]), np.zeros(0, np.int64), np.array([4])]
    scores = model.scores(histories)
    np.testing.assert_allclose(np.exp(scores).sum(axis=1), 1, rtol=1e-5)
    for row, history in enumerate(histories):
        np.testing.assert_allclose(model.scores([history])[0], scores[row], atol=1e-5)
    np.testing.assert_allclose(model.scores_for(histories[0], np.array([7, 2])), scores[0, [7, 2]], atol=1e-5)


def test_full_softmax_has_the_value_and_gradient_of_cross_entropy() -> None:
    torch.manual_seed(0)
    given = [torch.randn(1500, 8), torch.randn(ITEMS, 8), torch.randn(ITEMS)]
    targets = torch.randint(0, ITEMS, (1500,))
    ours = [t.clone().requires_grad_() for t in given]
    theirs = [t.clone().requires_grad_() for t in given]
    loss = full_softmax_loss(ours[0], ours[1], ours[2], targets)
    expected = functional.cross_entropy(theirs[0] @ theirs[1].T + theirs[2], targets)
    torch.testing.assert_close(loss, expected)
    torch.autograd.backward([loss, expected])
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.grad, b.grad, atol=1e-6, rtol=1e-4)


def test_log_q_makes_the_sample_stand_for_the_catalogue() -> None:
    torch.manual_seed(0)
    states, vectors, bias = torch.randn(40, 8), torch.randn(ITEMS, 8), torch.randn(ITEMS)
    targets = torch.randint(0, ITEMS, (40,))
    chance = torch.softmax(torch.randn(ITEMS), 0)
    drawn = torch.multinomial(chance, 200_000, replacement=True)
    sampled = sampled_softmax_loss(states, vectors, bias, targets, drawn=drawn, chance=chance[drawn])
    torch.testing.assert_close(sampled, full_softmax_loss(states, vectors, bias, targets), atol=0.01, rtol=0.01)


def test_it_learns_what_comes_next_and_reports() -> None:
    seen: list[Progress] = []
    trained = _train(_cycles(), replace(SHORT, epochs=12, learning_rate=1e-2), on_progress=seen.append)
    assert trained.best is not None
    assert trained.best > 0.9
    assert seen[-1].loss < seen[0].loss
    assert seen[0].seconds_left > 0
    scores = trained.model.scores([np.array([1, 3, 5, 7])])
    assert int(scores[0].argmax()) == 9


def test_the_same_seed_trains_the_same_net() -> None:
    state = torch.random.get_rng_state()
    first, second = _train(_cycles()), _train(_cycles())
    assert first.best == second.best
    torch.testing.assert_close(first.model.net.table, second.model.net.table, rtol=0, atol=0)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_an_interrupt_keeps_the_best_so_far() -> None:
    def stop(progress: Progress) -> None:
        if progress.epoch == 2:
            raise KeyboardInterrupt

    trained = _train(_cycles(), on_progress=stop)
    assert trained.reason == "interrupted"
    assert trained.epochs == 2
    assert trained.best is not None
    assert np.isfinite(trained.model.scores([np.array([1])])).all()


def test_a_loss_that_is_not_a_number_keeps_the_best_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0

    def broken(*given: Any) -> torch.Tensor:
        nonlocal calls
        calls += 1
        loss = full_softmax_loss(*given)
        return loss * float("nan") if calls > 6 else loss

    monkeypatch.setattr(sequence_training, "full_softmax_loss", broken)
    trained = _train(_cycles(), replace(SHORT, epochs=30))
    assert trained.reason == "the loss was not a number"
    assert np.isfinite(trained.model.scores([np.array([1])])).all()


def test_it_stops_when_nothing_improves_and_when_time_is_up() -> None:
    rng = np.random.default_rng(0)
    noise = InteractionLog.from_sequences([rng.integers(0, ITEMS, 5).tolist() for _ in range(30)])
    assert _train(noise, replace(SHORT, epochs=60, patience=2)).reason == "no longer improving"
    assert _train(_cycles(), replace(SHORT, epochs=10_000, patience=10_000, seconds=0.5)).reason == "out of time"


def test_training_goes_on_from_a_model() -> None:
    first = _train(_cycles(), replace(SHORT, epochs=12, learning_rate=1e-2))
    again = _train(_cycles(), replace(SHORT, epochs=1, learning_rate=1e-4), start=first.model)
    assert again.best is not None
    assert again.before is not None
    assert again.best >= again.before > 0.8


def test_going_on_never_makes_it_worse() -> None:
    first = _train(_cycles(), replace(SHORT, epochs=12, learning_rate=1e-2))
    ruined = _train(_cycles(), replace(SHORT, epochs=2, learning_rate=10.0, warmup=1), start=first.model)
    assert ruined.best == ruined.before
    history = [np.array([1, 3, 5])]
    np.testing.assert_allclose(ruined.model.scores(history), first.model.scores(history), atol=1e-5)


def test_large_catalogues_train_on_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequence_training, "FULL_SOFTMAX_ITEMS", 5)
    trained = _train(_cycles(), replace(SHORT, epochs=12, learning_rate=1e-2, negatives=64))
    assert trained.best is not None
    assert trained.best > 0.8


def _halves() -> tuple[InteractionLog, NDArray[np.float32]]:
    """Two kinds of items that never mix, told apart by their content; items 0 and 1, one of each, met by nobody."""
    rng = np.random.default_rng(0)
    sequences = [(2 + 2 * rng.permutation(6)[:5] + kind).tolist() for kind in (0, 1) for _ in range(60)]
    content = np.zeros((14, 2), np.float32)
    content[np.arange(14), np.arange(14) % 2] = 1
    return InteractionLog.from_sequences(sequences), content


def test_an_item_that_nobody_met_is_placed_by_its_content() -> None:
    log, content = _halves()
    config = SequenceConfig(items=14, dim=16, window=8, features=2)
    trained = _train(log, replace(SHORT, epochs=10, learning_rate=1e-2), config=config, content=content)
    scores = trained.model.scores([np.array([2, 4, 6]), np.array([3, 5, 7])])
    assert scores[0, 0] > scores[0, 1]
    assert scores[1, 1] > scores[1, 0]


def test_without_content_an_item_that_nobody_met_comes_last() -> None:
    log, _ = _halves()
    trained = _train(log, config=SequenceConfig(items=14, dim=16, window=8))
    scores = trained.model.scores([np.array([2, 4, 6])])
    assert (scores[0, :2] <= scores[0, 2:].min()).all()


def _rated() -> InteractionLog:
    log = _cycles()
    rng = np.random.default_rng(1)
    return replace(
        log,
        values=rng.integers(1, 6, len(log)).astype(np.float32),
        timestamps=np.cumsum(rng.exponential(5000, len(log))),
    )


def test_ratings_and_pauses_are_read_where_the_log_has_them() -> None:
    log = _rated()
    signals = log_signals(log)
    assert signals is not None
    assert (signals[log.indptr[:-1], 1] == 0).all()
    assert signals[:, 0].min() >= 1
    trained = _train(log, config=replace(SMALL, signals=True))
    assert trained.model.config.signals
    assert log_signals(_cycles()) is None
    assert not _train(_cycles(), config=replace(SMALL, signals=True)).model.config.signals


def test_signals_of_a_person_are_those_of_the_log() -> None:
    log = _rated()
    signals = log_signals(log)
    assert signals is not None
    person = Person.from_log(log, log.user_ids[3])
    np.testing.assert_array_equal(person_signals(person), signals[log.indptr[3] : log.indptr[4]])


def test_signals_of_nothing() -> None:
    assert event_signals(np.zeros(0), np.zeros(0), np.zeros(0, dtype=bool)).shape == (0, 2)
    assert person_signals(Person()).shape == (0, 2)


@pytest.mark.parametrize("sequences", [[], [[3]], [[1, 2]], [[1, 2, 3]]])
def test_poor_logs_train_without_failing(sequences: list[list[int]]) -> None:
    trained = _train(InteractionLog.from_sequences(sequences))
    scores = trained.model.scores([np.array([1]), np.zeros(0, np.int64)])
    assert np.isfinite(scores).all()


def test_a_foreign_item_is_refused() -> None:
    with pytest.raises(TrainingError, match="item row 20"):
        train_sequence(InteractionLog.from_sequences([[20, 1]]), SMALL, SHORT)


def test_there_and_back() -> None:
    model = _train(_cycles()).model
    tensors, config = model.to_arrays()
    again = SequenceModel.from_arrays(tensors, SequenceConfig(**config))  # type: ignore[arg-type]
    history = [np.array([1, 3, 5])]
    np.testing.assert_array_equal(again.scores(history), model.scores(history))
    with pytest.raises(RuntimeError, match="size mismatch"):
        SequenceModel.from_arrays(tensors, replace(SMALL, dim=8))
