"""A trained ranker on disk: one safetensors file and a config that says what it belongs to."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convrec.ranking.cold_start import Lending
from convrec.ranking.collaborative import ItemToItem
from convrec.ranking.errors import CheckpointError
from convrec.ranking.model import AdditiveRanker
from convrec.ranking.signals import SIGNALS, Signals
from convrec.ranking.training import TrainedRanker
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.interactions import InteractionLog

FORMAT = 2
TENSORS, CONFIG = "ranker.safetensors", "ranker.json"
ITEM_TO_ITEM = ("ease", "decayed_ease", "transitions")
_AGAIN = "train again with `convrec train`"


def fingerprint(catalogue: Catalogue, log: InteractionLog) -> str:
    """Of the data that a ranker was trained on."""
    digest = hashlib.sha256("\0".join(catalogue.ids).encode())
    for array in (log.indptr, log.items, log.values, log.timestamps):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def log_digest(catalogue: Catalogue, log: InteractionLog) -> str:
    """Of who took what when, whatever the rows of the items are."""
    names = np.array([hashlib.blake2b(item_id.encode(), digest_size=8).digest() for item_id in catalogue.ids])
    digest = hashlib.sha256("\0".join(log.user_ids).encode())
    for array in (log.indptr, names[log.items] if len(log) else names[:0], log.values, log.timestamps):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def save_ranker(folder: Path, ranker: TrainedRanker, catalogue: Catalogue, log: InteractionLog, effort: str) -> None:
    """Write the ranker into a folder."""
    from safetensors.torch import save_file
    from torch import Tensor, from_numpy

    tensors: dict[str, Tensor] = {f"net.{k}": v.contiguous() for k, v in ranker.net.state_dict().items()}
    config: dict[str, Any] = {
        "format": FORMAT,
        "signals": list(SIGNALS),
        "items": len(catalogue),
        "ids": ids_digest(catalogue),
        "data": fingerprint(catalogue, log),
        "log": log_digest(catalogue, log),
        "effort": effort,
        "ndcg": ranker.ndcg,
        "notes": list(ranker.notes),
        "seconds": round(ranker.seconds, 1),
    }
    for name in ITEM_TO_ITEM:
        model: ItemToItem | None = getattr(ranker.signals, name)
        if model is not None:
            tensors |= {f"{name}.{k}": from_numpy(np.ascontiguousarray(v)) for k, v in model.to_arrays().items()}
    lending = ranker.signals.lending
    if lending is not None:
        tensors |= {f"lending.{k}": from_numpy(np.ascontiguousarray(v)) for k, v in lending.to_arrays().items()}
    sequence = ranker.signals.sequence
    if sequence is not None:
        state, _ = sequence.to_arrays()
        tensors |= {f"sequence.{k}": v for k, v in state.items()}
        config["sequence"] = asdict(sequence.config)
    save_file(tensors, str(folder / TENSORS))
    (folder / CONFIG).write_text(json.dumps(config, indent=1), "utf-8")


def ids_digest(catalogue: Catalogue) -> str:
    """Of the items in their order: what the rows of a model mean."""
    return hashlib.sha256("\0".join(catalogue.ids).encode()).hexdigest()


def read_config(folder: Path) -> dict[str, Any]:
    """What is said about a trained ranker.

    Raises:
        CheckpointError: there is none, or it is not readable.
    """
    try:
        config: dict[str, Any] = json.loads((folder / CONFIG).read_text("utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(f"There is no trained ranker in {folder}; {_AGAIN}.") from error
    except (OSError, ValueError) as error:
        raise CheckpointError(f"The trained ranker in {folder} is not readable ({error}); {_AGAIN}.") from error
    if config.get("format") != FORMAT or config.get("signals") != list(SIGNALS):
        raise CheckpointError(f"The trained ranker in {folder} was made by another version of convrec; {_AGAIN}.")
    return config


def load_ranker(
    folder: Path, catalogue: Catalogue, vectors: NDArray[np.float32], popularity: NDArray[np.float32]
) -> TrainedRanker:
    """Read the ranker that `save_ranker` wrote.

    Raises:
        CheckpointError: it is missing, truncated, foreign, or made for another catalogue.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    config = read_config(folder)
    if config.get("ids") != ids_digest(catalogue):
        raise CheckpointError(f"The trained ranker in {folder} was made for another catalogue; {_AGAIN}.")
    try:
        tensors = load_file(str(folder / TENSORS))
        parts: dict[str, dict[str, Any]] = {}
        for key, tensor in tensors.items():
            part, _, name = key.partition(".")
            parts.setdefault(part, {})[name] = tensor
        lent = {k: v.numpy() for k, v in parts.get("lending", {}).items()}
        signals = Signals(catalogue, popularity, lending=Lending.from_arrays(lent) if lent else None)
        for name in ITEM_TO_ITEM:
            if name in parts:
                setattr(signals, name, ItemToItem.from_arrays({k: v.numpy() for k, v in parts[name].items()}))
        if "sequence" in parts:
            from convrec.ranking.sequence import SequenceConfig, SequenceModel

            shapes = SequenceConfig(**config["sequence"])
            content = np.array(vectors, np.float32) if shapes.features else None
            signals.sequence = SequenceModel.from_arrays(parts["sequence"], shapes, content)
        net = AdditiveRanker()
        net.load_state_dict(parts["net"], strict=False)
    except (OSError, SafetensorError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"The trained ranker in {folder} is damaged ({type(error).__name__}); {_AGAIN}."
        ) from error
    return TrainedRanker(signals, net.eval(), config.get("ndcg", {}), tuple(config.get("notes", ())))
