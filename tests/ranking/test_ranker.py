"""The trained ranker: its terms add up, it learns, it is kept and refused as it should be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convrec.agent.people import PeopleStore
from convrec.agent.recommender import Recommender
from convrec.agent.retraining import retrain, with_feedback
from convrec.ranking.checkpoint import load_ranker
from convrec.ranking.diversity import Calibration, select
from convrec.ranking.errors import CheckpointError
from convrec.ranking.settings import Effort
from convrec.ranking.types import Person, Scored
from convrec.retrieval.request import Constraint, Description, Reference, Request, Strength, Wishes
from tests.conftest import hashing_settings


@pytest.fixture(scope="module")
def recommender(built_films: Path) -> Recommender:
    return Recommender.open(built_films, hashing_settings())


words = st.lists(st.sampled_from(["funny", "space", "war", "a girl in Paris", "ghosts", "love"]), max_size=2)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=words,
    likes=st.lists(st.integers(0, 35), max_size=12, unique=True),
    dislikes=st.lists(st.integers(0, 35), max_size=3, unique=True),
    reference=st.none() | st.integers(1, 36),
    diversity=st.none() | st.floats(0, 1),
    novelty=st.floats(-1, 1),
    soft=st.booleans(),
    count=st.integers(1, 40),
)
def test_terms_add_up_for_any_request_and_person(
    recommender: Recommender,
    texts: list[str],
    likes: list[int],
    dislikes: list[int],
    reference: int | None,
    diversity: float | None,
    novelty: float,
    soft: bool,
    count: int,
) -> None:
    filters = recommender.schema
    assert "genres" in filters
    part = {"op": "contains", "field": "genres", "values": ["Comedy"], "mode": "any"}
    request = Request(
        descriptions=tuple(Description(id=f"d{i}", text=text) for i, text in enumerate(texts)),
        references=() if reference is None else (Reference(id="r1", item_id=f"f{reference}", title="x"),),
        constraints=(Constraint.model_validate({"id": "c1", "filter": part, "strength": Strength.SOFT}),)
        if soft
        else (),
        wishes=Wishes(count=count, diversity=diversity, novelty=novelty),
    )
    person = Person(
        "x",
        np.array(likes, np.int32),
        np.full(len(likes), np.nan, np.float32),
        np.full(len(likes), np.nan),
        liked=frozenset(likes),
        disliked=frozenset(dislikes),
    )
    ranked = recommender.engine.recommend(request, person)
    shown = [item.row for item in ranked.items]
    assert len(shown) == len(set(shown)) == min(count, ranked.eligible)
    assert not set(shown) & (set(likes) | set(dislikes))
    for item in ranked.items:
        assert abs(sum(item.breakdown.values()) - item.score) < 1e-5
        assert np.isfinite(item.score)


def test_what_is_liked_moves_the_next_list_at_once(recommender: Recommender) -> None:
    engine, catalogue = recommender.engine, recommender.catalogue
    before = engine.recommend(Request(), Person())
    scifi = [catalogue.row(f"f{n}") for n in (1, 2, 4)]
    person = Person(
        "x", np.array(scifi, np.int32), np.full(3, np.nan, np.float32), np.full(3, np.nan), frozenset(scifi)
    )
    after = engine.recommend(Request(), person)

    def share(ranked: object) -> float:
        rows = [item.row for item in ranked.items[:5]]  # type: ignore[attr-defined]
        genres = [catalogue.value(row, "genres") or () for row in rows]
        return float(np.mean(["Science Fiction" in own for own in genres]))  # type: ignore[operator]

    assert share(after) > share(before)


def test_hidden_gems_are_less_known(recommender: Recommender) -> None:
    votes = recommender.engine.recall.popularity

    def known(novelty: float) -> float:
        ranked = recommender.engine.recommend(Request(wishes=Wishes(count=8, novelty=novelty)), Person())
        return float(np.mean([votes[item.row] for item in ranked.items]))

    assert known(1.0) < known(0.0) <= known(-1.0)


def test_a_person_without_history_and_a_catalogue_without_a_log_are_served(built_tools: Path) -> None:
    with Recommender.open(built_tools, hashing_settings()) as tools:
        reply = tools.recommend("a steel whisk")
        assert reply.items
        assert "collaborative" not in reply.items[0].breakdown
        assert tools.recommend().items


def test_near_duplicates_wait_and_variety_counts() -> None:
    vectors = np.eye(4, 8, dtype=np.float32)
    vectors[1] = vectors[0]
    scored = Scored(np.arange(4, dtype=np.int32), {"taste": np.array([1.0, 0.99, 0.5, 0.1])})
    rows = [item.row for item in select(scored, vectors, count=4, diversity=0.0)]
    assert rows == [0, 2, 3, 1]
    twins = select(scored, np.eye(4, 8, dtype=np.float32), count=4, diversity=0.0, titles=("a", "a", "b", "c"))
    assert [item.row for item in twins] == [0, 2, 3, 1]


def test_calibration_keeps_tastes_in_proportion() -> None:
    size = 20
    values = np.zeros((size, 2))
    values[:10, 0] = values[10:, 1] = 1
    scored = Scored(np.arange(size, dtype=np.int32), {"taste": np.linspace(1, 0, size)})
    vectors = np.eye(size, size, dtype=np.float32)
    plain = select(scored, vectors, count=10, diversity=0.0)
    fair = select(
        scored, vectors, count=10, diversity=0.0, calibration=Calibration(np.array([0.5, 0.5]), values, strength=1.0)
    )
    assert [item.row for item in plain] == list(range(10))
    assert 3 <= sum(item.row >= 10 for item in fair) <= 7
    assert all("calibration" in item.breakdown for item in fair)


def test_a_foreign_or_truncated_checkpoint_is_refused(film_workspace: Path, tool_workspace: Path) -> None:
    def folder(place: Path) -> Path:
        return place / "generations" / (place / "CURRENT").read_text("utf-8").strip()

    with Recommender.open(film_workspace, hashing_settings()) as films:
        catalogue, vectors = films.catalogue, np.array(films.generation.vectors)
    popularity = np.zeros(len(catalogue), np.float32)
    with pytest.raises(CheckpointError, match="another catalogue"):
        load_ranker(folder(tool_workspace), catalogue, vectors, popularity)
    tensors = folder(film_workspace) / "ranker.safetensors"
    whole = tensors.read_bytes()
    tensors.unlink()
    tensors.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="damaged"):
        load_ranker(folder(film_workspace), catalogue, vectors, popularity)
    config = folder(film_workspace) / "ranker.json"
    written = json.loads(config.read_text("utf-8"))
    config.unlink()
    config.write_text(json.dumps({**written, "format": 99}), "utf-8")
    with pytest.raises(CheckpointError, match="another version"):
        load_ranker(folder(film_workspace), catalogue, vectors, popularity)
    shutil.rmtree(folder(film_workspace))


def test_update_brings_feedback_into_the_log(film_workspace: Path) -> None:
    people = PeopleStore(film_workspace / "users.sqlite")
    people.record("newcomer", "f1", "like")
    people.record("newcomer", "f20", "dislike")
    people.record("u0", "f36", "like")
    people.record("u0", "gone", "like")
    with Recommender.open(film_workspace, hashing_settings()) as before:
        log, catalogue = before.log, before.catalogue
        merged, added = with_feedback(log, catalogue, people)
        old_length = len(log)
    assert len(merged) == old_length + added
    newcomer = merged.row("newcomer")
    assert newcomer is not None
    assert [catalogue.ids[i] for i in merged.history(newcomer)] == ["f1", "f20"]
    outcome = retrain(film_workspace, hashing_settings(), Effort.QUICK, update=True)
    assert "feedback" in outcome.notes[0]
    with Recommender.open(film_workspace, hashing_settings()) as after:
        assert len(after.log) == len(merged)
        assert after.recommend("comedies", user="newcomer").items


def test_changed_items_keep_the_ranker_where_the_log_is_the_same(tmp_path: Path) -> None:
    from tests.conftest import DATA, build_small, write_interactions

    log = write_interactions(tmp_path / "ratings.csv")
    items = tmp_path / "films.csv"
    text = (DATA / "films.csv").read_text("utf-8")
    items.write_text(text, "utf-8")
    place = build_small(tmp_path / "w", items, log)
    head, *rows = text.splitlines()
    new = "f99,Newcomer,2012,Comedy,95,en,France,Nobody Known,Somebody Else,7.0,100,A clown opens a bakery in space."
    items.write_text("\n".join([head, new, *rows[::-1]]) + "\n", "utf-8")
    with Recommender.open(place, hashing_settings()) as before:
        history = before.catalogue.rows(["f1", "f2", "f4"])
        old = before.engine.ranker._signals.ease.scores([history])[0]  # type: ignore[attr-defined]
        known = {item_id: float(old[row]) for row, item_id in enumerate(before.catalogue.ids)}
    build_small(place, items, log)
    with Recommender.open(place, hashing_settings()) as after:
        config = json.loads((after.generation.folder / "ranker.json").read_text("utf-8"))
        assert "taken over" in config["notes"][0]
        moved = after.engine.ranker._signals.ease  # type: ignore[attr-defined]
        new_scores = moved.scores([after.catalogue.rows(["f1", "f2", "f4"])])[0]
        for row, item_id in enumerate(after.catalogue.ids):
            if item_id in known:
                assert new_scores[row] == pytest.approx(known[item_id], abs=1e-6)
        assert new_scores[after.catalogue.row("f99")], "a newcomer borrows from the items most like it"
