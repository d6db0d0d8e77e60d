"""The typed tools: they hold what was asked, keep people apart, and say what is wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convrec.agent.conversation import CancelledTurnError
from convrec.agent.errors import ToolError
from convrec.agent.recommender import Recommender
from convrec.agent.settings import ProfileSettings
from convrec.agent.tool_schemas import arguments_schema
from convrec.agent.tool_types import CompareResult, FeedbackResult, ItemResult, ProfileResult, SearchResult
from convrec.agent.toolbox import Caller, ToolBox
from convrec.agent.tools import TOOLS, describe, tool_named, tool_text
from convrec.agent.types import Event, Reply, Understood
from convrec.retrieval.filters import holds
from tests.conftest import hashing_settings


@pytest.fixture
def recommender(film_workspace: Path) -> Iterator[Recommender]:
    with Recommender.open(film_workspace, hashing_settings()) as opened:
        yield opened


@pytest.fixture
def ann(recommender: Recommender) -> Caller:
    return ToolBox(recommender).caller("ann")


def asked(caller: Caller, name: str, **arguments: Any) -> Reply:
    reply = caller.call(name, arguments)
    assert isinstance(reply, Reply)
    return reply


def session_of(reply: Reply) -> str:
    assert reply.trace.session is not None
    return reply.trace.session


def test_words_and_typed_conditions_both_hold(ann: Caller, recommender: Recommender) -> None:
    constraints = [{"field": "year", "minimum": 1990, "maximum": 2009}, {"field": "language", "none_of": ["fr"]}]
    reply = asked(ann, "recommend", message="a funny one, no horror", constraints=constraints, exclude=["Hot Fuzz"])
    assert len(reply.items) >= 3
    for item in reply.items:
        assert "Comedy" in item.fields["genres"]  # type: ignore[operator]
        assert "Horror" not in item.fields["genres"]  # type: ignore[operator]
        assert 1990 <= float(str(item.fields["year"])) <= 2009
        assert item.fields["language"] != "fr"
        assert item.title != "Hot Fuzz"
    sources = {c.provenance.source for c in reply.request.constraints}
    assert sources == {"message", "tool"}


def test_a_session_goes_on_where_it_was_and_survives_a_restart(film_workspace: Path) -> None:
    with Recommender.open(film_workspace, hashing_settings()) as recommender:
        ann = ToolBox(recommender).caller("ann")
        first = asked(ann, "recommend", constraints=[{"field": "genres", "any_of": ["Comedy"]}], count=3)
        second = asked(ann, "refine", session=session_of(first), constraints=[{"field": "year", "maximum": 1999}])
        assert session_of(second) == session_of(first)
        assert {"genres", "year"} == {f for c in second.request.constraints for f in c.fields}
        assert len(second.items) == 3
    with Recommender.open(film_workspace, hashing_settings()) as recommender:
        ann = ToolBox(recommender).caller("ann")
        third = asked(ann, "refine", session=session_of(first), drop=["year"])
        assert [f for c in third.request.constraints for f in c.fields] == ["genres"]
        assert third.trace.turn == 3


def test_what_is_one_persons_is_nobody_elses(recommender: Recommender) -> None:
    box = ToolBox(recommender)
    ann, bob, nobody = box.caller("ann"), box.caller("bob"), box.caller(None)
    anns = session_of(asked(ann, "recommend", message="something with aliens"))
    lost = session_of(asked(nobody, "recommend", message="something with robots"))
    ann.call("feedback", {"item": "f1", "kind": "like"})
    for other, session in ((bob, anns), (nobody, anns), (ann, lost), (ToolBox(recommender).caller(None), lost)):
        with pytest.raises(ToolError, match="no session"):
            other.call("refine", {"session": session, "message": "more"})
        with pytest.raises(ToolError, match=r"no session|not known"):
            other.call("feedback", {"item": "f1", "kind": "like", "session": session})
    profile = bob.call("profile")
    assert isinstance(profile, ProfileResult)
    assert (profile.feedback, profile.conversations) == ((), 0)
    for refused in ("profile", "feedback"):
        with pytest.raises(ToolError, match="not known who"):
            nobody.call(refused, {"item": "f1", "kind": "like"} if refused == "feedback" else {})
    assert len(lost) >= 20
    assert asked(nobody, "refine", session=lost, message="more").trace.turn == 2
    assert recommender.people.sessions(None) == ()


def test_feedback_counts_from_the_next_list_on_and_can_be_taken_back(ann: Caller) -> None:
    first = asked(ann, "recommend", constraints=[{"field": "genres", "any_of": ["Comedy"]}])
    seen = first.items[0]
    kept = ann.call("feedback", {"item": seen.title, "kind": "seen", "session": session_of(first)})
    assert isinstance(kept, FeedbackResult)
    assert (kept.item.id, kept.kept) == (seen.id, True)
    second = asked(ann, "refine", session=session_of(first), constraints=[{"field": "year", "minimum": 1900}])
    assert seen.id not in {item.id for item in second.items}
    ann.call("feedback", {"item": seen.id, "kind": "rate", "value": 4.5})
    profile = ann.call("profile")
    assert isinstance(profile, ProfileResult)
    assert {(f.id, f.kind, f.value) for f in profile.feedback} == {(seen.id, "seen", None), (seen.id, "rate", 4.5)}
    for kind in ("seen", "rate"):
        ann.call("feedback", {"item": seen.id, "kind": kind, "undo": True, "session": session_of(first)})
    again = ann.call("profile")
    assert isinstance(again, ProfileResult)
    assert again.feedback == ()
    third = asked(ann, "refine", session=session_of(first), constraints=[{"field": "year", "minimum": 1901}])
    assert seen.id in {item.id for item in third.items}


def test_lookups_find_by_id_and_by_title(ann: Caller, recommender: Recommender) -> None:
    found = ann.call("search", {"query": "alien", "constraints": [{"field": "year", "maximum": 1980}]})
    assert isinstance(found, SearchResult)
    assert found.items[0].title == "Alien"
    assert all(float(str(item.fields["year"])) <= 1980 for item in found.items)
    item = ann.call("item", {"item": "Amelie"})
    assert isinstance(item, ItemResult)
    assert item.item.title == "Amélie"
    assert item.text
    compared = ann.call("compare", {"items": ["Alien", "Aliens"]})
    assert isinstance(compared, CompareResult)
    assert "language" in compared.same
    assert "year" in compared.different
    like = asked(ann, "similar", item="Alien", count=3)
    assert len(like.items) == 3
    assert "f1" not in {i.id for i in like.items}
    assert recommender.people.sessions("ann") == ()


MISTAKES: list[tuple[str, Any, str]] = [
    ("nonsense", {}, "There is no tool 'nonsense'; there are: recommend"),
    ("recommend", {"mesage": "x"}, "no argument 'mesage'; it has: constraints"),
    ("recommend", {"count": 500}, "'count' of recommend does not fit"),
    ("recommend", {"message": "x" * 9000}, "'message' of recommend does not fit"),
    ("recommend", {"constraints": [{"field": "genre", "any_of": ["Comedy"]}]}, "did you mean 'genres'"),
    ("recommend", {"constraints": [{"field": "genres", "any_of": ["Comedi"]}]}, "did you mean 'Comedy'"),
    ("recommend", {"constraints": [{"field": "genres", "minimum": 3}]}, "name its values instead of a range"),
    ("recommend", {"constraints": [{"field": "year", "minimum": "last year"}]}, "wants a number"),
    ("recommend", {"constraints": [{"field": "year", "minimum": 2000, "maximum": 1990}]}, "swap minimum and maximum"),
    ("recommend", {"constraints": [{"field": "year"}]}, "says nothing; give any_of"),
    ("recommend", {"like": ["No Such Film At All"]}, "look it up with search"),
    ("item", {"item": "../../etc/passwd"}, "No item has the id or title"),
    ("item", {"item": "The Matrix Alien Thing; DROP TABLE feedback"}, "No item has the id or title"),
    ("item", {}, "needs the argument 'item'"),
    ("compare", {"items": ["f1", "f1"]}, "one and the same item"),
    ("compare", {"items": ["f1"]}, "'items' of compare does not fit"),
    ("feedback", {"item": "f1", "kind": "rate"}, "belongs to kind 'rate'"),
    ("feedback", {"item": "f1", "kind": "like", "value": 3}, "belongs to kind 'rate'"),
    ("feedback", {"item": "f1", "kind": "adore"}, "'like', 'dislike', 'seen', 'rate' or 'never'"),
    ("refine", {"session": "abc", "message": "more"}, "start one with recommend"),
    ("recommend", "{not json", "are not JSON"),
    ("recommend", ["message"], "are not an object"),
]


@pytest.mark.parametrize(("name", "arguments", "sentence"), MISTAKES, ids=[m[2][:40] for m in MISTAKES])
def test_a_mistake_is_answered_with_what_is_allowed(ann: Caller, name: str, arguments: Any, sentence: str) -> None:
    with pytest.raises(ToolError) as caught:
        ann.call(name, arguments)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_cancelled_turn_leaves_the_session_as_it_was(ann: Caller) -> None:
    first = asked(ann, "recommend", message="a comedy")
    cancel = threading.Event()

    def stop(event: Event) -> None:
        if isinstance(event, Understood):
            cancel.set()

    change = {
        "session": session_of(first),
        "message": "older",
        "constraints": [{"field": "language", "any_of": ["de"]}],
    }
    with pytest.raises((CancelledTurnError, ToolError), match="cancelled"):
        ann.call("refine", change, on_event=stop, cancel=cancel)
    after = asked(ann, "refine", session=session_of(first), constraints=[{"field": "year", "minimum": 1980}])
    assert after.trace.turn == 2
    assert {f for c in after.request.constraints for f in c.fields} == {"genres", "year"}


def test_calls_on_one_session_at_once_are_taken_one_after_the_other(ann: Caller) -> None:
    session = session_of(asked(ann, "recommend", message="a comedy"))
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: asked(ann, "refine", session=session, message="more"), range(8)))
    assert sorted(reply.trace.turn for reply in replies) == list(range(2, 10))


def test_pseudonymised_people_are_themselves_to_the_tools(film_workspace: Path) -> None:
    chosen = hashing_settings().model_copy(update={"profile": ProfileSettings(pseudonymise=True)})
    with Recommender.open(film_workspace, chosen) as recommender:
        ann = ToolBox(recommender).caller("ann-with-a-name")
        session = session_of(asked(ann, "recommend", message="a comedy"))
        ann.call("feedback", {"item": "f1", "kind": "like"})
        assert asked(ToolBox(recommender).caller("ann-with-a-name"), "refine", session=session, message="more")
        assert len(recommender.people.feedback("ann-with-a-name")) == 0
        profile = ann.call("profile")
    assert isinstance(profile, ProfileResult)
    assert [f.id for f in profile.feedback] == ["f1"]
    stored = b"".join(f.read_bytes() for f in film_workspace.glob("users.sqlite*"))
    assert b"ann-with-a-name" not in stored


def test_descriptions_tell_a_model_what_the_catalogue_holds(recommender: Recommender) -> None:
    text = describe(tool_named("recommend"), recommender.schema)
    assert "36 films" in text
    assert "- runtime (number, minutes): " in text
    assert "Comedy" in text
    assert "1952 to 2013" in text


def test_results_fit_the_schemas_that_are_announced(ann: Caller, recommender: Recommender) -> None:
    session = session_of(asked(ann, "recommend", message="a comedy"))
    examples: dict[str, dict[str, Any]] = {
        "recommend": {"message": "a drama", "constraints": [{"field": "year", "minimum": 1990}]},
        "refine": {"session": session, "message": "older"},
        "similar": {"item": "f1"},
        "search": {"query": "alien"},
        "item": {"item": "f1"},
        "compare": {"items": ["f1", "f2"]},
        "feedback": {"item": "f1", "kind": "like"},
        "profile": {},
    }
    assert set(examples) == {tool.name for tool in TOOLS}
    for tool in TOOLS:
        jsonschema.validate(examples[tool.name], arguments_schema(tool, recommender.schema))
        result = ann.call(tool.name, examples[tool.name])
        assert isinstance(result, tool.result)
        jsonschema.validate(result.model_dump(mode="json"), tool.result.model_json_schema(mode="serialization"))
        assert tool_text(result, recommender.schema).strip()


genre = st.sampled_from(["Comedy", "Drama", "Horror", "Romance", "Science Fiction", "Thriller"])
condition = st.one_of(
    st.builds(lambda g: {"field": "genres", "any_of": g}, st.lists(genre, min_size=1, max_size=3)),
    st.builds(lambda g: {"field": "genres", "none_of": g}, st.lists(genre, min_size=1, max_size=2)),
    st.builds(lambda g: {"field": "genres", "all_of": g}, st.lists(genre, min_size=1, max_size=2, unique=True)),
    st.builds(lambda y: {"field": "year", "minimum": y}, st.integers(1950, 2005)),
    st.builds(lambda y: {"field": "runtime", "maximum": y}, st.integers(90, 170)),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(condition, min_size=1, max_size=3))
def test_every_item_shown_meets_every_condition_or_the_loosening_is_stated(
    ann: Caller, recommender: Recommender, conditions: list[dict[str, Any]]
) -> None:
    reply = asked(ann, "recommend", constraints=conditions)
    loosened = {name for r in reply.relaxed if r.applied for name in r.constraint_ids}
    for item in reply.items:
        record = recommender.catalogue.item(recommender.catalogue.row(item.id))
        for constraint in reply.request.constraints:
            assert holds(constraint.filter, record) or constraint.id in loosened
    assert reply.items or "nothing" in reply.message.casefold() or reply.clarify is not None
