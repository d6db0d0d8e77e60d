"""A trained ranker for a catalogue whose items changed while the log did not: rows move, nothing is learned again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from convrec.ranking.attraction import expected_interactions
from convrec.ranking.cold_start import lend
from convrec.ranking.collaborative import ItemToItem
from convrec.ranking.signals import Signals
from convrec.ranking.training import TrainedRanker
from convrec.retrieval.catalogue import Catalogue

if TYPE_CHECKING:
    from convrec.ranking.sequence import SequenceModel


def transfer_ranker(
    ranker: TrainedRanker, old_ids: tuple[str, ...], catalogue: Catalogue, vectors: NDArray[np.float32]
) -> TrainedRanker:
    """The same ranker over the rows of `catalogue`; items that it never met borrow from those nearest in content.

    `old_ids` are the ids by the ranker's rows, `vectors` (I, d) the new catalogue's embeddings. Items that left are
    dropped.
    """
    row = {item_id: number for number, item_id in enumerate(old_ids)}
    origin = np.array([row.get(item_id, -1) for item_id in catalogue.ids], np.int64)
    popularity = np.where(origin >= 0, ranker.signals.popularity[origin], 0).astype(np.float32)
    met = origin >= 0
    if ranker.signals.lending is not None:
        met &= ranker.signals.lending.met[origin]
    counts = np.where(met, np.maximum(np.expm1(popularity), 1), 0)
    lending = lend(counts, vectors, expected_interactions(counts, vectors, catalogue))
    known = np.flatnonzero(origin >= 0)
    ones = np.ones(known.size, np.float32)
    mixture = sparse.csr_matrix((ones, (known, origin[known])), shape=(origin.size, len(old_ids)))
    if lending is not None:
        mixture = sparse.csr_matrix(lending.mixture @ mixture)

    def moved(model: ItemToItem | None) -> ItemToItem | None:
        return None if model is None else model.mixed(mixture)

    signals = Signals(
        catalogue,
        popularity,
        ease=moved(ranker.signals.ease),
        decayed_ease=moved(ranker.signals.decayed_ease),
        transitions=moved(ranker.signals.transitions),
        sequence=_moved_sequence(ranker.signals.sequence, origin, vectors),
        lending=lending,
    )
    note = "the items changed and the log did not: the ranker was taken over"
    return replace(ranker, signals=signals, notes=(note,), seconds=0.0)


def _moved_sequence(
    model: SequenceModel | None, origin: NDArray[np.int64], vectors: NDArray[np.float32]
) -> SequenceModel | None:
    if model is None:
        return None
    import torch

    from convrec.ranking.sequence import SequenceModel, SequenceNet

    config = replace(model.config, items=int(origin.size))
    fresh = torch.from_numpy(origin < 0)
    rows = torch.from_numpy(np.maximum(origin, 0))
    content = torch.from_numpy(np.array(vectors, np.float32)) if config.features else None
    net = SequenceNet(config, content)
    state = model.net.state_dict()
    for name in ("table", "bias", "cold"):
        state[name] = state[name][rows].clone()
    state["table"][fresh] = 0
    state["cold"] = state["cold"] | fresh
    cold = state["cold"] & ~fresh
    state["bias"][fresh] = state["bias"][cold].mean() if bool(cold.any()) else state["bias"].min()
    net.load_state_dict(state)
    return SequenceModel(net.eval())
