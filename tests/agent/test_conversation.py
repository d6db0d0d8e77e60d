"""Whole turns over a real workspace: what is promised holds turn after turn."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from convrec.agent.conversation import CancelledTurnError, Conversation
from convrec.agent.errors import SessionError
from convrec.agent.recommender import Recommender
from convrec.agent.types import Done, ItemReady, Reply, Understood
from convrec.retrieval.filters import holds
from convrec.retrieval.request import RequestEdit, Strength
from tests.conftest import hashing_settings


@pytest.fixture
def films(film_workspace: Path) -> Iterator[Recommender]:
    with Recommender.open(film_workspace, hashing_settings()) as recommender:
        yield recommender


def ids(reply: Reply) -> list[str]:
    return [item.id for item in reply.items]


def kept_promises(recommender: Recommender, conversation: Conversation, reply: Reply) -> None:
    """Every shown item exists, meets every binding constraint or a stated relaxation, and its score adds up."""
    catalogue = recommender.catalogue
    loosened = {name for r in reply.relaxed if r.applied for name in r.constraint_ids}
    excluded = {e.item_id for e in reply.request.exclusions} | {r.item_id for r in reply.request.references}
    for item in reply.items:
        record = catalogue.item(catalogue.row(item.id))
        for constraint in reply.request.binding:
            if constraint.id not in loosened:
                assert holds(constraint.filter, record), (item.title, constraint.label)
        assert item.id not in excluded
        assert abs(sum(item.breakdown.values()) - item.score) < 1e-5
    assert [item.rank for item in reply.items] == list(range(1, len(reply.items) + 1))
    assert conversation.state.request == reply.request


def test_a_long_conversation_keeps_its_promises(films: Recommender) -> None:
    talk = films.session("u1")
    turns = [
        "something funny",
        "not in english",
        "the second one",
        "from the 2000s",
        "more",
        "not that one",
        "seen the first one",
        "why 1?",
        "forget the year",
        "something like Alien but shorter",
        "no horror",
        "give me 3",
        "surprise me",
        "start over",
        "a film with Bill Murray but not by Wes Anderson",
    ]
    replies = [talk.send(turn) for turn in turns[:1]]
    for turn in turns[1:]:
        kept_promises(films, talk, replies[-1])
        replies.append(talk.send(turn))
    assert all(reply.message for reply in replies)
    reply = replies[-1]
    shown = films.catalogue
    for item in reply.items:
        row = shown.row(item.id)
        assert "Bill Murray" in shown.item(row).attributes["stars"]  # type: ignore[operator]
        assert "Wes Anderson" not in shown.item(row).attributes["directors"]  # type: ignore[operator]


def test_undo_goes_back_and_the_next_page_shows_others(films: Recommender) -> None:
    talk = films.session()
    first = talk.send("comedies")
    second = talk.send("more")
    assert not set(ids(first)) & set(ids(second))
    narrowed = talk.send("only french ones")
    assert narrowed.request != first.request
    back = talk.send("go back")
    assert back.request.constraints == first.request.constraints


def test_what_was_liked_seen_and_rejected_stays_away(films: Recommender) -> None:
    talk = films.session("u3")
    history = {films.catalogue.ids[row] for row in films.engine.person("u3").items.tolist()}
    reply = talk.send("drama or comedy")
    assert not history & set(ids(reply))
    liked, seen = reply.items[0].id, reply.items[1].id
    talk.feedback(liked, "like")
    talk.feedback(seen, "seen")
    again = talk.send("something else")
    assert not {liked, seen} & set(ids(again))
    later = films.session("u3").send("what should I watch")
    assert later.items
    assert not ({liked, seen} | history) & set(ids(later))
    talk.take_back(seen, "seen")
    assert seen not in {e.item_id for e in talk.state.request.exclusions}


def test_a_stored_conversation_goes_on_in_another_process(film_workspace: Path) -> None:
    with Recommender.open(film_workspace, hashing_settings()) as first:
        talk = first.session("u2")
        talk.send("french comedies")
        session_id = talk.id
        state = talk.state
    assert session_id is not None
    with Recommender.open(film_workspace, hashing_settings()) as second:
        resumed = second.session("u2", session_id)
        assert resumed.state == state
        reply = resumed.send("before 2000")
        assert {films_year(second, i) < 2000 for i in ids(reply)} == {True}
        assert {second.catalogue.value(second.catalogue.row(i), "language") for i in ids(reply)} == {"fr"}
        with pytest.raises(SessionError):
            second.session("somebody else", session_id)
        assert json.loads(json.dumps([t.reply for t in second.people.turns(session_id)]))


def films_year(recommender: Recommender, item_id: str) -> float:
    value = recommender.catalogue.value(recommender.catalogue.row(item_id), "year")
    assert isinstance(value, float)
    return value


def test_a_cancelled_turn_leaves_no_trace(films: Recommender) -> None:
    talk = films.session("u4")
    talk.send("comedies")
    before = talk.state
    cancel = threading.Event()
    events = talk.stream("only french ones", cancel=cancel)
    assert isinstance(next(events), Understood)
    cancel.set()
    with pytest.raises(CancelledTurnError):
        list(events)
    assert talk.state == before
    assert talk.send("only german ones").items


def test_events_come_in_order_and_the_last_is_the_result(films: Recommender) -> None:
    events = list(films.session().stream("comedies"))
    assert [e.type for e in events][:3] == ["understood", "recalled", "ranked"]
    done = events[-1]
    assert isinstance(done, Done)
    assert tuple(e.item for e in events if isinstance(e, ItemReady)) == done.reply.items


def test_chips_are_edits(films: Recommender) -> None:
    talk = films.session()
    reply = talk.send("french comedies")
    chips = reply.request.constraints
    assert chips
    softer = [
        RequestEdit(op="replace", target=c.id, part=c.model_copy(update={"strength": Strength.SOFT})) for c in chips
    ]
    assert len(talk.edit(softer).items) > len(reply.items)
    assert talk.edit([RequestEdit(op="drop", target="constraint")]).request.constraints == ()


def test_a_lasting_veto_is_offered_kept_and_forgotten(films: Recommender) -> None:
    talk = films.session("u5")
    reply = talk.send("never show me musicals")
    assert reply.clarify is not None
    assert all("Musical" not in item.fields.get("genres", ()) for item in reply.items)  # type: ignore[operator]
    talk.send("yes")
    assert films.people.preferences("u5")
    fresh = films.session("u5")
    assert any(c.negated for c in fresh.state.request.constraints)
    assert all("Musical" not in i.fields["genres"] for i in fresh.send("romance").items)  # type: ignore[operator]
    fresh.send("forget that")
    assert films.people.preferences("u5") == ()


def test_nothing_fits_is_said_and_what_was_loosened_too(films: Recommender) -> None:
    reply = films.recommend("german westerns")
    assert any(r.applied for r in reply.relaxed) or not reply.items
    strict = films.recommend("westerns, it must be in german")
    for item in strict.items:
        assert item.fields["language"] == "de"


def test_nonsense_is_answered_without_items(films: Recommender) -> None:
    for message in ("hi", "thanks", "what is the weather", "you are stupid", "", "🤷", "\x00\x1b[31m"):
        reply = films.session("u6", stored=False).send(message)
        assert reply.message
        assert "\x1b" not in reply.message


def test_five_hundred_turns_stay_quick_and_small(films: Recommender) -> None:
    talk = films.session("u7", stored=False)
    for number in range(125):
        for turn in ("comedies", f"before {1990 + number % 20}", "more", "forget the year"):
            talk.send(turn)
    assert len(talk.state.model_dump_json()) < 200_000
    reply = talk.send("french comedies")
    assert reply.trace.timings_ms["total"] < 2000


@pytest.mark.parametrize(
    ("message", "field", "descending"),
    [
        ("which of those is the shortest?", "runtime", False),
        ("sort them by rating", "rating", True),
        ("newest first", "year", True),
    ],
)
def test_the_shown_list_in_another_order(films: Recommender, message: str, field: str, descending: bool) -> None:
    talk = films.session()
    before = talk.send("something funny")
    after = talk.send(message)
    assert sorted(ids(after)) == sorted(ids(before))
    values = [float(films.catalogue.number(field)[films.catalogue.row(i)]) for i in ids(after)]
    known = [v for v in values if v == v]
    assert known == sorted(known, reverse=descending)
    assert values[: len(known)] == known
    assert after.items[0].title.split(",")[0] in after.message
    kept_promises(films, talk, after)
    assert after.items[0].title in talk.send("tell me more about the first one").message


def test_what_nobody_sells_is_said(films: Recommender) -> None:
    reply = films.session().send("do you have any trampolines?")
    assert "trampolines" in reply.message
    assert any("trampolines" in r.constraint for r in reply.relaxed)


def test_what_was_shown_before_a_page_that_is_known_stays_away(films: Recommender) -> None:
    talk = films.session()
    first = talk.send("give me 3 comedies")
    second = talk.send("something else")
    third = talk.send("seen those too, more")
    assert third.items
    assert not set(ids(third)) & {*ids(first), *ids(second)}
