"""Every key and command does what the help says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, OptionList

from convrec.agent.views import TurnView
from convrec.retrieval.request import RequestEdit, Strength
from convrec.tui.app import ConvrecApp
from convrec.tui.screen_chat import ChatScreen
from convrec.tui.screen_compare import CompareScreen
from convrec.tui.screen_edit import EditScreen
from convrec.tui.screen_help import HelpScreen
from convrec.tui.screen_history import HistoryScreen
from convrec.tui.screen_log import LogScreen
from convrec.tui.screen_profile import ProfileScreen
from convrec.tui.screen_search import SearchScreen
from convrec.tui.screen_sessions import SessionsScreen
from convrec.tui.screen_settings import SettingsScreen
from convrec.tui.screen_start import StartScreen
from convrec.tui.screen_why import WhyScreen
from convrec.tui.widget_conversation import Answer, Note, Said
from tests.tui.driving import SCI_FI, backend_of, recorded_app, say, settle, toasts, visible_text
from tests.tui.recorded import FILMS, film


def shows(app: ConvrecApp, screen: type[Any]) -> bool:
    """Whether this screen is on top."""
    return isinstance(app.screen, screen)


def _edits(app: ConvrecApp) -> list[RequestEdit]:
    found: list[RequestEdit] = []
    for name, arguments in backend_of(app).calls:
        if name == "edit":
            assert isinstance(arguments, tuple)
            found += arguments
    return found


def _called(app: ConvrecApp, name: str) -> list[object]:
    return [arguments for own, arguments in backend_of(app).calls if own == name]


async def test_a_turn_is_seen_from_words_to_list() -> None:
    app = recorded_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        backend_of(app).gate.clear()
        app.chat.composer.put(SCI_FI)
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press(*"next")
        assert app.chat.composer.text == "next"
        assert "Esc cancels" in visible_text(app)
        assert [face.text for face in app.chat.chips.faces] == [
            "Science Fiction",
            "year 1980–1989",
            "ideally ≤ 2 h",
            "funny",
        ]
        backend_of(app).gate.set()
        await settle(pilot)
        answer = app.chat.conversation.query_one(Answer)
        assert "understood → recalled 412 → 37 fit → ranked 10 → 84 ms" in visible_text(app)
        assert answer.text.startswith("Ten funny science fiction films")
        assert len(app.chat.cards.cards) == 10
        assert app.chat.status.status.turn_ms == 84.0
        assert app.resume_command() == "convrec chat --session s1 --user 42 --workspace /data/films"


async def test_messages_wait_their_turn_and_escape_cancels() -> None:
    app = recorded_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        backend_of(app).gate.clear()
        for text in ("first", "second"):
            app.chat.composer.put(text)
            await pilot.press("enter")
            await pilot.pause()
        assert app.chat.status.status.waiting == 1
        assert app.chat.conversation.query(Said).last().has_class("-queued")
        await pilot.press("escape")
        await pilot.pause(0.05)
        assert "cancelled" in visible_text(app)
        backend_of(app).gate.set()
        await settle(pilot)
        assert _called(app, "send") == ["first", "second"]
        assert len(app.chat.cards.cards) == 10


async def test_titles_are_shown_literally() -> None:
    app = recorded_app()
    async with app.run_test(size=(120, 60)) as pilot:
        await settle(pilot)
        await say(pilot, SCI_FI)
        shown = visible_text(app)
        assert "[bold red]Brazil[/] Not red" in shown
        assert "\x1b" not in shown


async def test_keys_on_a_card() -> None:
    app = recorded_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await say(pilot, SCI_FI)
        await pilot.press("f8")
        for key, kind in (("l", "like"), ("d", "dislike"), ("s", "seen"), ("x", "never")):
            await pilot.press(key)
            await settle(pilot)
            assert _called(app, "feedback")[-1] == ("f1", kind)
            assert app.opinions.marks == {"f1": kind}
        assert "takes it back" in toasts(app)[-1]
        await pilot.press("u")
        await settle(pilot)
        assert app.opinions.marks == {"f1": "seen"}
        await pilot.press("ctrl+z")
        await settle(pilot)
        assert app.opinions.marks == {"f1": "dislike"}
        assert _called(app, "take_back") == [("f1", "never"), ("f1", "seen")]
        await pilot.press("d")
        await settle(pilot)
        assert app.opinions.marks == {}
        await pilot.press("3")
        await pilot.pause()
        assert app.chat.focused_item is not None
        assert app.chat.focused_item.rank == 3
        await pilot.press("down", "j", "k")
        await pilot.pause()
        assert app.chat.focused_item.rank == 4
        await pilot.press("y")
        assert app.clipboard == FILMS[3][1]
        await pilot.press("Y")
        assert app.clipboard.startswith("1. Back to the Future\n2. Ghostbusters\n")
        assert "\x1b" not in app.clipboard
        await pilot.press("m")
        await settle(pilot)
        part = _edits(app)[-1].part
        assert part is not None
        assert part.kind == "reference"
        assert part.item_id == "f4"
        assert len(_called(app, "edit")) == 1


async def test_why_and_compare() -> None:
    app = recorded_app()
    async with app.run_test(size=(120, 50)) as pilot:
        await settle(pilot)
        await say(pilot, SCI_FI)
        await pilot.press("f8", "enter")
        await settle(pilot)
        assert shows(app, WhyScreen)
        shown = visible_text(app)
        for words in (
            "how close it is to what you liked",
            "in your history: Sleeper",
            "without “funny”: number 9",
            "0.71",
        ):
            assert words in shown
        await pilot.press("escape")
        await pilot.press("c", "3", "c", "C")
        await settle(pilot)
        assert shows(app, CompareScreen)
        assert "≠ year" in visible_text(app)
        await pilot.press("escape")
        await say(pilot, "/why 2")
        assert shows(app, WhyScreen)
        assert _called(app, "explain") == ["f1", "f2"]
        await pilot.press("escape")
        await say(pilot, "/compare 1 2 3")
        assert shows(app, CompareScreen)


async def test_chips() -> None:
    app = recorded_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await say(pilot, SCI_FI)
        await pilot.press("ctrl+t", "space")
        await settle(pilot)
        edit = _edits(app)[-1]
        assert edit.op == "replace"
        assert edit.part is not None
        assert edit.part.kind == "constraint"
        assert edit.part.strength is Strength.SOFT
        assert edit.part.label == "ideally Science Fiction"
        await pilot.press("ctrl+t", "delete")
        await settle(pilot)
        assert _edits(app)[-1] == RequestEdit(op="drop", target="c2")
        await pilot.press("ctrl+t", "enter")
        await settle(pilot)
        assert shows(app, EditScreen)
        app.screen.query_one("#maximum", Input).value = "one"
        await pilot.press("enter")
        assert "one is not a number" in visible_text(app)
        app.screen.query_one("#maximum", Input).value = "100"
        await pilot.press("enter")
        await settle(pilot)
        assert "≤ 1 h 40" in [face.text.removeprefix("ideally ") for face in app.chat.chips.faces]
        before = len(app.chat.chips.faces)
        chip = app.chat.query("Chip").first()
        await pilot.click(chip, offset=(chip.size.width - 2, 0))
        await settle(pilot)
        assert len(app.chat.chips.faces) == before - 1


async def test_slash_commands_on_the_list() -> None:
    app = recorded_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await say(pilot, "/like 1")
        assert "there is no list yet" in toasts(app)[-1]
        await say(pilot, SCI_FI)
        for command, kind in (
            ("/like 3", "like"),
            ("/dislike 3", "dislike"),
            ("/seen 1", "seen"),
            ("/never 4", "never"),
        ):
            await say(pilot, command)
            assert _called(app, "feedback")[-1] == (f"f{command[-1]}", kind)
        await say(pilot, "/undo")
        assert _called(app, "take_back") == [("f4", "never")]
        await say(pilot, "/similar 2")
        assert _edits(app)[-1].op == "add"
        await say(pilot, "/more")
        assert _called(app, "send")[-1] == "more"
        await say(pilot, "/undo")
        assert _called(app, "send")[-1] == "undo"
        await say(pilot, "/copy 2")
        assert app.clipboard == app.turns.items[1].title
        await say(pilot, "/nonsense")
        assert "no command /nonsense" in toasts(app)[-1]
        assert app.chat.composer.text == "/nonsense"
        await say(pilot, "//literally")
        assert _called(app, "send")[-1] == "/literally"


async def test_screens_open_by_key_and_command() -> None:
    screens: list[tuple[str, str | None, type[Any]]] = [
        ("/profile", "f3", ProfileScreen),
        ("/history", "f4", HistoryScreen),
        ("/sessions", "f5", SessionsScreen),
        ("/settings", "f6", SettingsScreen),
        ("/log", "f7", LogScreen),
        ("/help", "f1", HelpScreen),
        ("/start", None, StartScreen),
    ]
    app = recorded_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        for command, key, screen in screens:
            await say(pilot, command)
            assert shows(app, screen), command
            await pilot.press("escape")
            assert shows(app, ChatScreen)
            if key is not None:
                await pilot.press(key)
                assert shows(app, screen), key
                await pilot.press("escape")


async def test_other_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app = recorded_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await say(pilot, "/save")
        assert "nothing to save" in toasts(app)[-1]
        await say(pilot, SCI_FI)
        await say(pilot, "/save talk.json")
        assert (tmp_path / "talk.json").read_text("utf-8") == "{}"
        await say(pilot, "/theme convrec-light")
        assert app.theme == "convrec-light"
        await say(pilot, "/user ann")
        assert _called(app, "open")[-1] == ("/data/films", "ann", None)
        assert not app.chat.conversation.query(Answer)
        await say(pilot, SCI_FI)
        await say(pilot, "/new")
        assert _called(app, "open")[-1] == ("/data/films", "ann", None)
        assert app.chat.cards.cards == []
        await say(pilot, "/quit")
        await pilot.pause()
    assert app.return_code == 0
    assert _called(app, "stop")


async def test_input_history_search_lines_and_paste() -> None:
    app = recorded_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        for text in ("one thing", "another thing"):
            await say(pilot, text)
        composer = app.chat.composer
        await pilot.press(*"draft", "up")
        assert composer.text == "another thing"
        await pilot.press("up")
        assert composer.text == "one thing"
        await pilot.press("down", "down")
        assert composer.text == "draft"
        await pilot.press("ctrl+j", *"line")
        assert composer.text == "draft\nline"
        await pilot.press("ctrl+r")
        assert shows(app, SearchScreen)
        await pilot.press(*"one", "enter")
        await settle(pilot)
        assert composer.text == "one thing"


async def test_completion_of_commands_and_titles() -> None:
    app = recorded_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press("/", "p", "r")
        assert app.chat.composer.offering is True
        await pilot.press("tab")
        assert app.chat.composer.text == "/profile"
        app.chat.composer.put("like s")
        await pilot.press("tab")
        await settle(pilot)
        await pilot.press("down", "enter")
        await settle(pilot)
        assert app.chat.composer.text == "like Spaceballs"
        assert not app.chat.prompt.offers.display
        assert _called(app, "send") == []
        await pilot.press("/")
        await pilot.press("ctrl+a", "delete")


async def test_profile_lines_are_corrected_and_removed() -> None:
    app = recorded_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("f3")
        await settle(pilot)
        assert "never show me horror" in visible_text(app)
        await pilot.press("e")
        await settle(pilot)
        app.screen.query_one(Input).value = "no horror, no war"
        await pilot.press("enter")
        await settle(pilot)
        assert _called(app, "correct_preference") == [("p1", "no horror, no war")]
        await pilot.press("x")
        await settle(pilot)
        assert _called(app, "drop_preference") == ["p1"]
        assert "no horror, no war" not in visible_text(app)


async def test_history_is_searched_rated_added_and_imported() -> None:
    app = recorded_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("f4")
        await settle(pilot)
        await pilot.press("4")
        await settle(pilot)
        assert _called(app, "rate") == [("h1", 4.0)]
        await pilot.press("x")
        await settle(pilot)
        assert _called(app, "forget_item") == ["h1"]
        await pilot.press("/", *"blade", "enter")
        await settle(pilot)
        assert app.screen.query_one(OptionList).option_count == 1
        await pilot.press("x")
        await settle(pilot)
        assert "own log" in toasts(app)[-1]
        await pilot.press("a", *"spacebal", "enter", "enter")
        await settle(pilot)
        assert _called(app, "rate")[-1] == ("f9", None)
        await pilot.press("escape", "i")
        await settle(pilot)
        app.screen.query_one(Input).value = "ratings.csv"
        await pilot.press("enter")
        await settle(pilot)
        assert _called(app, "import_history") == ["ratings.csv"]


async def test_sessions_are_found_renamed_exported_deleted_and_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = recorded_app()
    backend = backend_of(app)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("f5")
        await settle(pilot)
        assert "a quiet drama [b]for[/b] Sunday" in visible_text(app)
        await pilot.press("r")
        await settle(pilot)
        app.screen.query_one(Input).value = "eighties"
        await pilot.press("enter")
        await settle(pilot)
        assert backend.rows[0].name == "eighties"
        await pilot.press("m", "o")
        await settle(pilot)
        assert (tmp_path / "convrec-s1.md").is_file()
        assert (tmp_path / "convrec-s1.json").is_file()
        await pilot.press("down", "delete")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert [row.id for row in backend.rows] == ["s1", "s3"]
        reply = backend.reply("Here they are.", (film(0, 1), film(1, 2)))
        backend.resumed = (TurnView(turn=1, message="something funny", reply=reply, time=0.0),)
        await pilot.press("home", "enter")
        await settle(pilot)
        assert _called(app, "open")[-1] == ("/data/films", "42", "s1")
        assert app.chat.conversation.texts()[0] == "something funny"
        assert len(app.chat.cards.cards) == 2
        assert app.chat.composer.sent == ["something funny"]


async def test_a_model_is_connected_and_probed() -> None:
    app = recorded_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("f6")
        await settle(pilot)
        app.screen.query_one("#model", Input).value = "tiny"
        app.screen.query_one("#url", Input).value = "http://localhost:1/v1"
        app.screen.query_one("#key", Input).value = "secret"
        await pilot.press("enter")
        await settle(pilot)
        assert _called(app, "connect") == [("tiny", "http://localhost:1/v1", "secret", "auto")]
        shown = visible_text(app)
        assert "✓ structured output" in shown
        assert "– tool calls" in shown
        assert "secret" not in shown
        await pilot.click("#doctor")
        await settle(pilot)
        assert "free some space" in visible_text(app)


async def test_first_start_builds_inside_the_app(tmp_path: Path) -> None:
    (tmp_path / "films.csv").write_text("title\nAlien\n", "utf-8")
    app = recorded_app()
    backend_of(app).missing = True
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        assert shows(app, StartScreen)
        await pilot.press("down", "space")
        await pilot.press(*f"{tmp_path}/fi")
        await pilot.pause(0.05)
        await pilot.press("right")
        items = app.screen.query_one("#items", Input)
        assert items.value == f"{tmp_path}/films.csv"
        await pilot.press("enter")
        await settle(pilot)
        assert "1,680 films, 100,000 interactions" in visible_text(app)
        backend_of(app).gate.clear()
        await pilot.click("#build")
        await pilot.pause(0.1)
        assert "Embedding" in visible_text(app)
        backend_of(app).gate.set()
        await settle(pilot)
        assert shows(app, ChatScreen)
        assert app.workspace == "/data/films"
        assert "Ready to choose among" in app.chat.conversation.texts()[0]


async def test_a_crash_is_a_message_and_the_talk_goes_on() -> None:
    app = recorded_app()
    backend_of(app).crash = True
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await say(pilot, SCI_FI)
        await settle(pilot)
        assert "stopped unexpectedly" in app.chat.conversation.query(Note).last(Note).text
        assert app.chat.composer.text == SCI_FI
        assert len(_called(app, "open")) == 2
        await pilot.press("enter")
        await settle(pilot)
        assert len(app.chat.cards.cards) == 10


async def test_every_size_shows_a_list() -> None:
    app = recorded_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await say(pilot, SCI_FI)
        for columns, lines in ((40, 15), (59, 20), (60, 24), (250, 70)):
            await pilot.resize_terminal(columns, lines)
            await settle(pilot)
            await pilot.press("f8")
            await settle(pilot)
            shown = visible_text(app)
            assert "Back to the Future" in shown
            assert all(len(row) <= columns for row in shown.split("\n"))
            assert (app.chat.conversation.region.height == 0) == (columns < 60)
            await pilot.press("escape")
            await settle(pilot)
            assert app.chat.composer.has_focus
            assert app.chat.conversation.region.height > 0


async def test_copying_a_message_and_choosing_an_answer() -> None:
    app = recorded_app()
    backend_of(app).clarify = True
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await say(pilot, SCI_FI)
        app.chat.conversation.query_one(Answer).focus()
        await pilot.press("y")
        assert app.clipboard.startswith("Ten funny science fiction films")
        app.chat.conversation.query_one(Said).focus()
        await pilot.press("e")
        assert app.chat.composer.text == SCI_FI
        await pilot.click("Answer Button")
        await settle(pilot)
        assert _called(app, "send")[-1] == "light-hearted"
        app.chat.conversation.query(Answer).first(Answer).focus()
        await pilot.press("enter")
        await settle(pilot)
        assert "list of turn 1" in visible_text(app)


async def test_pasting_keeps_lines() -> None:
    from textual.events import Paste

    app = recorded_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        app.post_message(Paste("two\nlines"))
        await pilot.pause()
        assert app.chat.composer.text == "two\nlines"
        assert _called(app, "send") == []
