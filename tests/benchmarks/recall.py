"""Filtered and unfiltered nearest neighbours against Chroma's own, at a size of one's choice.

    python tests/benchmarks/recall.py --rows 100000
    python tests/benchmarks/recall.py --rows 1000000 --queries 20

Everything is measured in one run, query by query in turn, so that the ratios hold on a busy machine too. The vectors
are clustered, as those of texts are: in uniform noise there is nothing to find and every graph looks bad.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convrec.retrieval.catalogue import Catalogue, NumberColumn
from convrec.retrieval.filter_compile import metadata, value_key
from convrec.retrieval.filters import Range
from convrec.retrieval.recall import Recall, RecallQuery
from convrec.retrieval.schema import Attribute, AttributeKind, CatalogueSchema
from convrec.retrieval.settings import ChromaSettings
from convrec.retrieval.store import VectorStore
from convrec.retrieval.tensors import map_tensors, save_tensors

DIM = 384
SHARES = (0.01, 0.1, 0.6)


def clustered(rows: int, seed: int = 0) -> NDArray[np.float32]:
    """(rows, DIM) unit vectors around rows / 100 centres; cosines within a cluster are about 0.7."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((max(rows // 100, 1), DIM), dtype=np.float32)
    vectors = np.empty((rows, DIM), dtype=np.float32)
    for start in range(0, rows, 65_536):
        size = min(65_536, rows - start)
        noise = rng.standard_normal((size, DIM), dtype=np.float32) * 0.65
        vectors[start : start + size] = centres[rng.integers(len(centres), size=size)] + noise
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def catalogue(rows: int) -> Catalogue:
    """Items with one number, uniform in 0..1, so that a range keeps any share."""
    schema = CatalogueSchema(
        id_column="id", title_column="title", attributes=(Attribute(name="u", label="u", kind=AttributeKind.NUMBER),)
    )
    ids = tuple(f"i{row}" for row in range(rows))
    return Catalogue(schema, ids, ids, ("",) * rows, {"u": NumberColumn(np.random.default_rng(1).random(rows))})


def milliseconds(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return (time.perf_counter() - start) * 1000, result


def overlap(found: NDArray[np.int32], exact: NDArray[np.int32]) -> float:
    return len(np.intersect1d(found, exact)) / len(exact)


def p(times: list[float]) -> str:
    return f"p50 {np.quantile(times, 0.5):8.1f} ms  p95 {np.quantile(times, 0.95):8.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=60)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--folder", type=Path, help="keep the store here, and use it again")
    parser.add_argument("--json", type=Path, help="write the figures here")
    for name, default in ChromaSettings().model_dump(include={"max_neighbors", "ef_construction", "ef_search"}).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        figures = measure(args, args.folder or Path(temporary))
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1))


def measure(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    figures: dict[str, Any] = {"rows": args.rows}
    settings = ChromaSettings(
        max_neighbors=args.max_neighbors, ef_construction=args.ef_construction, ef_search=args.ef_search
    )
    items = catalogue(args.rows)
    file = folder / "vectors.safetensors"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        save_tensors(file, {"vectors": clustered(args.rows)})
    vectors = map_tensors(file)["vectors"]
    if (folder / "chroma").exists():
        store = VectorStore.open(folder / "chroma", settings=settings)
    else:
        taken, store = milliseconds(
            lambda: VectorStore.build(
                folder / "chroma", items.ids, vectors, lambda row: metadata(items, row), settings=settings, progress=bar
            )
        )
        figures["build_s"] = taken / 1000
        size = sum(file.stat().st_size for file in (folder / "chroma").rglob("*") if file.is_file())
        print(f"\nChroma filled in {taken / 1000:.0f} s, {size / 2**20:.0f} MB on disk, peak memory {peak()} MB")
    recall = Recall(items, vectors, store=store)
    rng = np.random.default_rng(2)
    queries = vectors[rng.integers(args.rows, size=args.queries)] + rng.normal(0, 0.02, (args.queries, DIM))
    queries = (queries / np.linalg.norm(queries, axis=1, keepdims=True)).astype(np.float32)
    everything = np.ones(args.rows, dtype=np.bool_)
    exact = [np.argsort(-(vectors @ query), kind="stable").astype(np.int32) for query in queries[:40]]
    for query in queries[:3]:
        store.query(query, args.count)
        recall.nearest(query, everything, args.count)
    figures["unfiltered"] = unfiltered(recall, store, queries, exact, args.count)
    figures["filtered"] = [filtered(recall, store, queries, exact, args.count, share) for share in SHARES]
    store.close()
    figures["peak_mb"] = peak()
    print(f"peak memory {peak()} MB")
    return figures


def unfiltered(
    recall: Recall, store: VectorStore, queries: NDArray[np.float32], exact: list[NDArray[np.int32]], count: int
) -> dict[str, Any]:
    everything = np.ones(len(recall.catalogue), dtype=np.bool_)
    ours, theirs, hits, plan = [], [], [], ""
    for number, query in enumerate(queries):
        taken, (rows, _, plan) = milliseconds(partial(recall.nearest, query, everything, count))
        ours.append(taken)
        taken, _ = milliseconds(partial(store.query, query, count))
        theirs.append(taken)
        if number < len(exact):
            hits.append(overlap(rows, exact[number][:count]))
    print(f"unfiltered   {plan:12s} {p(ours)}   recall@{count} {np.mean(hits):.4f}   (Chroma alone {p(theirs)})")
    return {"plan": plan, "p95_ms": float(np.quantile(ours, 0.95)), "recall": float(np.mean(hits))}


def filtered(
    recall: Recall,
    store: VectorStore,
    queries: NDArray[np.float32],
    exact: list[NDArray[np.int32]],
    count: int,
    share: float,
) -> dict[str, Any]:
    clause = {value_key("u"): {"$lt": share}}
    ours, theirs, hits, their_hits, plan = [], [], [], [], ""
    for number, query in enumerate(queries):
        # Another bound each time, so that no mask is remembered: the filter is compiled within the time.
        node = Range(field="u", maximum=share - number * 1e-12, maximum_open=True)

        def search(q: NDArray[np.float32] = query, node: Range = node) -> Any:
            return recall.nearest(q, recall.eligible(RecallQuery(filter=node)), count)

        taken, (rows, _, plan) = milliseconds(search)
        ours.append(taken)
        taken, (ids, _) = milliseconds(partial(store.query, query, count, clause))
        theirs.append(taken)
        if number < len(exact):
            allowed = recall.matching(node)
            best = exact[number][allowed[exact[number]]][:count]
            hits.append(overlap(rows, best))
            their_hits.append(overlap(recall.catalogue.rows(ids), best))
    ratio = float(np.quantile(theirs, 0.95) / np.quantile(ours, 0.95))
    print(f"keeps {share:4.0%}   {plan:12s} {p(ours)}   recall@{count} {np.mean(hits):.4f}")
    print(
        f"             Chroma where {p(theirs)}   recall@{count} {np.mean(their_hits):.4f}   ratio at p95 {ratio:.1f}"
    )
    return {"share": share, "plan": plan, "p95_ms": float(np.quantile(ours, 0.95)), "recall": float(np.mean(hits)),
            "chroma_p95_ms": float(np.quantile(theirs, 0.95)), "ratio": ratio}  # fmt: skip


def peak() -> int:
    """Peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def bar(stage: str, done: int, total: int) -> None:
    sys.stderr.write(f"\r{stage} {done}/{total} ")


if __name__ == "__main__":
    main()
