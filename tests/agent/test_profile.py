"""What is known of a person goes out, comes back, and can be removed from every byte of the workspace."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convrec.agent.cli import run
from convrec.agent.errors import ProfileError
from convrec.agent.forgetting import FORGOTTEN, finish, forget, without_forgotten
from convrec.agent.identity import KEY_FILE, LocalKey, pseudonymised, stored_id
from convrec.agent.people import PeopleStore
from convrec.agent.profile import ProfileDocument, collect, read_document, restore
from convrec.agent.settings import ProfileSettings, Settings
from convrec.agent.state import ConversationState
from convrec.retrieval.filters import Contains
from convrec.retrieval.generation import INTERACTIONS
from convrec.retrieval.interactions import InteractionLog
from convrec.retrieval.request import Constraint
from convrec.retrieval.workspace import GENERATIONS, Workspace
from tests.conftest import DATA, build_small, write_interactions

PERSON = "zelda-quux-7"
SECRET = "Grue-and-bleen are my favourite words"
READER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN")
connection.execute("SELECT count(*) FROM turns").fetchone()
print("reading", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def lived_in(tmp_path: Path) -> Path:
    """A workspace of two generations in whose log, database, traces and reports the person stands."""
    log = write_interactions(tmp_path / "ratings.csv")
    with log.open("a", encoding="utf-8") as stream:
        stream.writelines(f"{PERSON},f{item},{item % 5 + 1},{1_700_000_000 + item}\n" for item in (1, 5, 16, 20))
    folder = build_small(tmp_path / "workspace", DATA / "films.csv", log)
    with log.open("a", encoding="utf-8") as stream:
        stream.write("u3,f30,4,1700000999\n")
    build_small(folder, DATA / "films.csv", log)
    people = PeopleStore(folder / "users.sqlite")
    live_with(people, PERSON, SECRET)
    live_with(people, "somebody else", "plain words")
    people.close()
    (folder / "traces").mkdir()
    trace = [
        {"user": PERSON, "message": "more"},
        {"kind": "call", "messages": [{"role": "human", "content": f"They said: {SECRET} 7"}]},
        {"user": "somebody else", "message": "plain words"},
    ]
    (folder / "traces" / "turns.jsonl").write_text("".join(json.dumps(line) + "\n" for line in trace), "utf-8")
    (folder / "ratings.csv.rejects.csv").write_text(f"line,reason,row\n9,unknown item,{PERSON},f999\n", "utf-8")
    return folder


def live_with(people: PeopleStore, user: str, words: str) -> None:
    people.record(user, "f2", "like")
    people.record(user, "f3", "rate", value=4.5)
    part = Constraint(filter=Contains(field="genres", values=("Horror",), mode="none"), negated=True)
    people.remember(user, part.model_dump(mode="json"), words)
    session = people.create_session(user, ConversationState().model_dump(mode="json"))
    for turn in range(1, 30):
        reply = {"message": f"{words} {turn} " * 40, "items": []}
        people.save_turn(session, turn, f"{words} {turn}", reply, ConversationState(turn=turn).model_dump(mode="json"))


def files_with(folder: Path, *words: str) -> list[str]:
    """Files of the workspace in whose bytes, or in whose tables, one of the words stands."""
    found = []
    for file in sorted(folder.rglob("*")):
        if not file.is_file():
            continue
        data = file.read_bytes()
        if file.suffix == ".parquet":
            data += pl.read_parquet(file).write_json().encode()
        if any(word.encode() in data for word in words):
            found.append(str(file.relative_to(folder)))
    return found


def test_forgotten_means_no_byte_is_left(lived_in: Path, tmp_path: Path) -> None:
    before = files_with(lived_in, PERSON, SECRET)
    assert len([name for name in before if name.endswith(INTERACTIONS)]) == 2
    assert {"users.sqlite", "traces/turns.jsonl", "ratings.csv.rejects.csv"} <= set(before)
    source = (tmp_path / "ratings.csv").read_bytes()
    assert PERSON.encode() in source

    done = forget(lived_in, (PERSON,))

    assert files_with(lived_in, PERSON, SECRET) == []
    assert (done.pending, done.remaining) == ((), ())
    assert (done.generations, done.lines) == (2, 3)
    assert done.rows > 30
    assert (tmp_path / "ratings.csv").read_bytes() == source
    others = PeopleStore(lived_in / "users.sqlite")
    assert len(others.feedback("somebody else")) == 2
    assert "plain words" in (lived_in / "traces" / "turns.jsonl").read_text("utf-8")
    for generation in (lived_in / GENERATIONS).iterdir():
        opened = type(Workspace(lived_in).open_current()).open(generation)
        opened.verify()
        assert opened.log.row(PERSON) is None
        assert opened.manifest.users == opened.log.users == 40
        assert opened.manifest.interactions == len(opened.log)
        opened.close()


def test_the_mark_keeps_a_person_out_of_later_builds_and_names_nobody(lived_in: Path, tmp_path: Path) -> None:
    forget(lived_in, (PERSON,))
    build_small(lived_in, DATA / "films.csv", tmp_path / "ratings.csv")
    assert Workspace(lived_in).open_current().log.row(PERSON) is None
    assert files_with(lived_in, PERSON) == []
    marks = json.loads((lived_in / FORGOTTEN).read_text("utf-8"))["people"]
    assert [entry["pending"] for entry in marks] == [[]]
    assert (lived_in / KEY_FILE).stat().st_mode & 0o077 == 0


def test_while_another_process_reads_forgetting_is_pending_and_said_so(lived_in: Path) -> None:
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(lived_in / "users.sqlite")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"reading\n"
        done = forget(lived_in, (PERSON,))
        assert done.pending == ("users.sqlite",)
        assert files_with(lived_in, SECRET) != []
        assert PeopleStore(lived_in / "users.sqlite").feedback(PERSON) == ()
        assert finish(lived_in) == ("users.sqlite",)
    finally:
        reader.communicate(b"")
    assert finish(lived_in) == ()
    assert files_with(lived_in, PERSON, SECRET) == []


def test_while_another_process_builds_the_logs_are_pending(lived_in: Path) -> None:
    with Workspace(lived_in).lock():
        done = forget(lived_in, (PERSON,))
        assert done.pending == (GENERATIONS,)
        assert files_with(lived_in, SECRET) == []
        assert any(name.endswith(INTERACTIONS) for name in files_with(lived_in, PERSON))
    assert finish(lived_in) == ()
    assert files_with(lived_in, PERSON) == []


def test_the_command_says_what_it_did_and_what_it_left(lived_in: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = str(lived_in)
    assert run(["profile", "forget", "--user", PERSON, "--yes", "--workspace", place]) == 0
    said = capsys.readouterr().out
    assert "not touched" in said
    assert "PENDING" not in said
    assert run(["profile", "forget", "--user", PERSON, "--yes", "--workspace", str(lived_in / "nowhere")]) == 2


def test_a_profile_goes_out_and_comes_back_the_same(lived_in: Path, tmp_path: Path) -> None:
    generation = Workspace(lived_in).open_current()
    people = PeopleStore(lived_in / "users.sqlite")
    document = collect(PERSON, people, generation.catalogue, generation.log)
    assert {h.item_id for h in document.history} == {"f1", "f5", "f16", "f20"}
    assert {(f.item_id, f.kind) for f in document.feedback} == {("f2", "like"), ("f3", "rate")}
    (tmp_path / "out.json").write_text(document.model_dump_json(), "utf-8")
    people.close()
    forget(lived_in, (PERSON,))
    again = read_document(tmp_path / "out.json")
    assert again == document
    log = Workspace(lived_in).open_current().log
    restore(again, PERSON, people, log)
    restore(again, PERSON, people, log)
    back = collect(PERSON, people, generation.catalogue, log)
    assert back.conversations == document.conversations
    assert [(p.part, p.words) for p in back.preferences] == [(p.part, p.words) for p in document.preferences]
    assert {f.item_id for f in back.feedback} == {"f1", "f2", "f3", "f5", "f16", "f20"}
    with pytest.raises(ProfileError, match="somebody else"):
        restore(again, "mallory", people, log)
    assert people.feedback("mallory") == ()


def test_a_document_that_is_none_is_refused_with_its_fault(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text('{"user": "ann", "feedback": [{"item_id": "f1", "kind": "adore"}]}', "utf-8")
    with pytest.raises(ProfileError, match=r"feedback\.0\.kind"):
        read_document(file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ProfileError, match="not a profile"):
        read_document(file)


def test_pseudonyms_are_stable_here_and_different_elsewhere(tmp_path: Path) -> None:
    settings = Settings(profile=ProfileSettings(pseudonymise=True))
    own = stored_id(tmp_path / "a", "ann", settings)
    assert own is not None
    assert "ann" not in own
    assert own == stored_id(tmp_path / "a", "ann", settings) == stored_id(tmp_path / "a", own, settings)
    assert own != stored_id(tmp_path / "b", "ann", settings)
    assert stored_id(tmp_path / "a", "ann", Settings()) == "ann"
    log = InteractionLog.from_sequences([[0, 1], [1]], ["ann", "bob"])
    assert pseudonymised(log, tmp_path / "a").row(own) == 0
    (tmp_path / "a" / KEY_FILE).write_text("short")
    with pytest.raises(ProfileError, match="backup"):
        LocalKey.of(tmp_path / "a")


@given(
    st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=5), min_size=1, max_size=6),
    st.sets(st.integers(0, 5), max_size=6),
)
def test_leaving_people_out_keeps_the_others_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, sequences: list[list[int]], gone: set[int]
) -> None:
    place = tmp_path_factory.mktemp("log")
    log = InteractionLog.from_sequences(sequences)
    for user in gone:
        forget(place, (str(user),))
    kept = without_forgotten(log, place)
    assert set(kept.user_ids) == {u for u in log.user_ids if int(u) not in gone}
    for name in kept.user_ids:
        row, before = kept.row(name), log.row(name)
        assert row is not None
        assert before is not None
        assert np.array_equal(kept.history(row), log.history(before))
    assert len(kept) == sum(len(s) for u, s in enumerate(sequences) if u not in gone)


def test_free_pages_of_the_database_are_gone(lived_in: Path) -> None:
    size = (lived_in / "users.sqlite").stat().st_size
    forget(lived_in, (PERSON,))
    with sqlite3.connect(lived_in / "users.sqlite") as database:
        assert database.execute("PRAGMA freelist_count").fetchone() == (0,)
    assert (lived_in / "users.sqlite").stat().st_size < size
    document = ProfileDocument(user=PERSON)
    assert document.empty
    assert collect(PERSON, PeopleStore(lived_in / "users.sqlite")) == document


def test_the_commands_show_change_and_carry_a_profile(
    film_workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVREC_RETRIEVAL__EMBEDDING__PROVIDER", "hashing")
    place = ["--workspace", str(film_workspace)]

    def told(*arguments: str) -> str:
        assert run(["profile", *arguments, *place]) == 0
        return capsys.readouterr().out

    assert "Nothing is known of ann" in told("show", "--user", "ann")
    changes = ["--like", "Alien", "--never", "f2", "--rate", "f5=3.5", "--prefer", "no horror"]
    assert "4 changes" in told("set", "--user", "ann", *changes)
    document = ProfileDocument.model_validate_json(told("show", "--user", "ann", "--json"))
    assert {(f.item_id, f.title, f.kind, f.value) for f in document.feedback} == {
        ("f1", "Alien", "like", None),
        ("f2", "Aliens", "never", None),
        ("f5", "Amélie", "rate", 3.5),
    }
    (wish,) = document.preferences
    assert isinstance(wish.part, Constraint)
    assert (wish.words, wish.part.fields) == ("no horror", ("genres",))
    out = tmp_path / "ann.json"
    told("export", str(out), "--user", "ann")
    assert out.stat().st_mode & 0o077 == 0
    told("import", str(out), "--user", "bob")
    assert "no horror" in told("show", "--user", "bob")
    told("set", "--user", "bob", "--drop", "no horror", "--clear", "Alien")
    left = ProfileDocument.model_validate_json(told("show", "--user", "bob", "--json"))
    assert (left.preferences, {f.item_id for f in left.feedback}) == ((), {"f2", "f5"})
    for wrong in (["--like", "No Such Film"], ["--rate", "f5=9"], ["--drop", "more horror"], []):
        assert run(["profile", "set", "--user", "bob", *wrong, *place]) == 2
    assert "u3" not in told("show", "--user", "u3", "--json").replace('"user": "u3"', "")
