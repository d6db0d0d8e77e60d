"""Training without new files: the serving generation's items and log, and what people said since."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convrec.agent.build import Loaded, build
from convrec.agent.people import STARS, PeopleStore
from convrec.agent.settings import Settings
from convrec.ranking.checkpoint import read_config
from convrec.ranking.settings import Effort
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.interactions import InteractionLog
from convrec.retrieval.progress import Progress, silent
from convrec.retrieval.workspace import Workspace


@dataclass(frozen=True)
class Outcome:
    """What training found: validation figures by kind of request, what to know, and how long it took."""

    ndcg: dict[str, float]
    notes: list[str]
    seconds: float


def retrain(
    workspace: Path, settings: Settings, effort: Effort, *, update: bool = False, progress: Progress = silent
) -> Outcome:
    """Train the ranker of the serving generation into a new one.

    With `update` it continues from the serving ranker over the log and the feedback given since; where that is worse on
    validation, the one before is kept and the outcome says so.

    Raises:
        WorkspaceError: nothing was built, or another process is building.
    """
    place = Workspace(workspace, chroma=settings.retrieval.chroma)
    generation = place.open_current()
    catalogue, log = generation.catalogue, generation.log
    said = 0
    if update:
        people = PeopleStore(workspace / "users.sqlite")
        log, said = with_feedback(log, catalogue, people)
        people.close()
    loaded = Loaded(catalogue, log, ())
    built = build(workspace, loaded, settings, effort=effort, progress=progress, retrain=True, update=update)
    config = read_config(built.folder)
    notes = [str(note) for note in config["notes"]]
    if update:
        notes.insert(0, f"{said:,} pieces of feedback joined the log")
    return Outcome(config["ndcg"], notes, float(config["seconds"]))


def with_feedback(log: InteractionLog, catalogue: Catalogue, people: PeopleStore) -> tuple[InteractionLog, int]:
    """The log with everybody's feedback as events at its end, and how many events that added.

    What is in the log already is not added again. Likes count as the person's best rating, dislikes as their worst.
    """
    rated = ~np.isnan(log.values)
    low, high = (float(log.values[rated].min()), float(log.values[rated].max())) if rated.any() else (np.nan, np.nan)
    grade = {"like": high, "dislike": low, "never": low, "seen": np.nan}
    added: dict[str, list[tuple[float, int, float]]] = {}
    for user in people.people():
        row = log.row(user)
        known = set(log.history(row).tolist()) if row is not None else set()
        for entry in people.feedback(user):
            if entry.item_id not in catalogue or catalogue.row(entry.item_id) in known:
                continue
            item = catalogue.row(entry.item_id)
            known.add(item)
            value = grade.get(entry.kind, np.nan)
            if entry.kind == "rate" and entry.value is not None:
                value = low + (high - low) * entry.value / STARS
            added.setdefault(user, []).append((entry.time, item, value))
    if not added:
        return log, 0
    ids = (*log.user_ids, *(user for user in added if log.row(user) is None))
    runs = []
    for number, user in enumerate(ids):
        new = added.get(user, [])
        old = slice(int(log.indptr[number]), int(log.indptr[number + 1])) if number < log.users else slice(0, 0)
        runs.append((old, new))
    lengths = [run.stop - run.start + len(new) for run, new in runs]

    def joined(name: str, column: int) -> list[np.ndarray]:
        own = getattr(log, name)
        parts = []
        for run, new in runs:
            parts.append(own[run])
            parts.append(np.array([entry[column] for entry in new], own.dtype))
        return parts

    merged = InteractionLog(
        user_ids=ids,
        indptr=np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]).astype(np.int64),
        items=np.concatenate(joined("items", 1)),
        values=np.concatenate(joined("values", 2)),
        timestamps=np.concatenate(joined("timestamps", 0)),
        events=np.zeros(sum(lengths), np.int16),
        event_names=log.event_names,
    )
    return merged, sum(len(new) for new in added.values())
