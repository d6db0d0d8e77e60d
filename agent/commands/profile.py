"""`convrec profile`: what is known of a person, in and out, and out for good."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from convrec.agent.commands.options import JsonOption, WorkspaceOption

if TYPE_CHECKING:
    from convrec.agent.people import FeedbackKind
    from convrec.agent.profile import ProfileDocument
    from convrec.agent.recommender import Recommender

SHOWN = 15
"""entries of each kind that `show` prints; --json shows all"""

profile = typer.Typer(help="What is known of a person, in and out.", no_args_is_help=True)

Person = Annotated[str, typer.Option("--user", "-u", help="Whose profile.", show_default=False)]


@profile.command()
def show(user: Person, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Everything known of a person: feedback, lasting wishes, conversations, history.

    Example: convrec profile show --user ann
    """
    with _opened(workspace) as recommender:
        document = _collect(recommender, user)
    if as_json:
        sys.stdout.write(document.model_dump_json(indent=2) + "\n")
    else:
        _print(document)


@profile.command("set")
def set_profile(
    user: Person,
    like: Annotated[list[str] | None, typer.Option("--like", help="Id or title of an item that is liked.")] = None,
    dislike: Annotated[list[str] | None, typer.Option("--dislike", help="Id or title of one that is not.")] = None,
    seen: Annotated[list[str] | None, typer.Option("--seen", help="Id or title of one that is known.")] = None,
    never: Annotated[list[str] | None, typer.Option("--never", help="Id or title never to be shown.")] = None,
    rate: Annotated[list[str] | None, typer.Option("--rate", help="ID=STARS, out of 5.")] = None,
    clear: Annotated[list[str] | None, typer.Option("--clear", help="Id or title whose feedback goes.")] = None,
    prefer: Annotated[list[str] | None, typer.Option("--prefer", help="A lasting wish in words.")] = None,
    drop: Annotated[list[str] | None, typer.Option("--drop", help="Words of a lasting wish that ends.")] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Say what a person likes, dislikes, has seen, or always wants.

    Example: convrec profile set --user ann --like Alien --rate f12=4.5 --prefer "no horror"
    """
    from convrec.agent.errors import ProfileError

    changes: list[tuple[FeedbackKind, list[str] | None]] = [
        ("like", like),
        ("dislike", dislike),
        ("seen", seen),
        ("never", never),
    ]
    if not any([like, dislike, seen, never, rate, clear, prefer, drop]):
        raise ProfileError("Nothing to set: give --like, --dislike, --seen, --never, --rate, --clear or --prefer.")
    with _opened(workspace) as recommender:
        person = _stored(recommender, user)
        people = recommender.people
        planned = [(_item(recommender, name), kind) for kind, names in changes for name in names or ()]
        ratings = [_rating(recommender, text) for text in rate or ()]
        cleared = [_item(recommender, name) for name in clear or ()]
        wishes = [(words, part) for words in prefer or () for part in _wishes(recommender, words)]
        ending = [_preference(recommender, person, words) for words in drop or ()]
        for item_id in cleared:
            people.retract(person, item_id)
        for item_id, kind in planned:
            people.record(person, item_id, kind, source="profile")
        for item_id, stars in ratings:
            people.record(person, item_id, "rate", value=stars, source="profile")
        for words, part in wishes:
            people.remember(person, part, words, source="profile")
        for preference in ending:
            people.drop_preference(person, preference)
    changed = len(planned) + len(ratings) + len(cleared) + len(wishes) + len(ending)
    sys.stdout.write(f"{changed} changes kept; `convrec profile show --user {user}` shows them.\n")


@profile.command()
def export(
    user: Person,
    file: Annotated[Path, typer.Argument(help="File to write, readable by you only; '-' prints it.")] = Path("-"),
    workspace: WorkspaceOption = None,
) -> None:
    """Write everything known of a person as one JSON document.

    Example: convrec profile export ann.json --user ann
    """
    with _opened(workspace) as recommender:
        text = _collect(recommender, user).model_dump_json(indent=2) + "\n"
    if str(file) == "-":
        sys.stdout.write(text)
        return
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    sys.stdout.write(f"Everything known of {user} is in {file}.\n")


@profile.command("import")
def import_profile(
    file: Annotated[Path, typer.Argument(help="A document of `convrec profile export`.")],
    user: Annotated[str | None, typer.Option("--user", "-u", help="Under which id (default: the document's).")] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Take in a document that `export` wrote, here or in another workspace.

    Example: convrec profile import ann.json
    """
    from convrec.agent.profile import read_document, restore

    document = read_document(file)
    name = user or document.user
    with _opened(workspace) as recommender:
        restore(document, _stored(recommender, name), recommender.people, recommender.log)
        named = {f.item_id for f in document.feedback} | {h.item_id for h in document.history}
        unknown = sum(item_id not in recommender.catalogue for item_id in named)
    said = (
        f" {unknown:,} of its items are not in this catalogue; they are kept, and count for nothing." if unknown else ""
    )
    sys.stdout.write(f"The profile of {document.user} is now {name}'s.{said}\n")


@profile.command()
def forget(
    user: Person,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Remove a person from every file of the workspace, and keep their id out of later builds.

    The files that you once gave to `build` or `history import` are yours and are not touched.

    Example: convrec profile forget --user ann --yes
    """
    from convrec.agent.errors import ProfileError
    from convrec.agent.forgetting import forget as forget_person
    from convrec.agent.identity import LocalKey
    from convrec.agent.settings import load_settings
    from convrec.retrieval.workspace import default_workspace

    settings = load_settings(workspace=workspace)
    place = settings.workspace or default_workspace()
    if not place.is_dir():
        raise ProfileError(f"There is no workspace {place}; name it with --workspace.")
    if not yes and not typer.confirm(f"Remove everything known of {user} from {place} for good?"):
        raise typer.Abort
    ids = tuple(dict.fromkeys((user, LocalKey.of(place).pseudonym(user))))
    done = forget_person(place, ids, (settings.llm.trace,) if settings.llm.trace is not None else ())
    removed = f"{done.rows:,} rows of feedback and conversations, the log of {done.generations:,} generations"
    said = [
        f"{user} is forgotten: {removed} and {done.lines:,} lines of traces and reports.",
        f"The files you gave to `build` or `history import` are yours and not touched; later builds leave {user} out.",
        "Models that learnt from it learn anew at the next `convrec build`; a running server knows what it loaded.",
    ]
    if done.pending:
        said.append(
            f"PENDING: another process uses {' and '.join(done.pending)}, so deleted bytes may remain there; "
            "stop it and run the same command again."
        )
    if done.remaining:
        said.append(f"The id still stands in {', '.join(done.remaining)}; look at these files yourself.")
    sys.stdout.write("\n".join(said) + "\n")


@contextmanager
def _opened(workspace: Path | None) -> Iterator[Recommender]:
    from convrec.agent.forgetting import finish
    from convrec.agent.recommender import Recommender
    from convrec.agent.settings import load_settings
    from convrec.retrieval.workspace import default_workspace

    settings = load_settings(workspace=workspace)
    finish(settings.workspace or default_workspace())
    with Recommender.open(workspace, settings) as recommender:
        yield recommender


def _stored(recommender: Recommender, user: str) -> str:
    from convrec.agent.identity import stored_id

    return stored_id(recommender.people.path.parent, user, recommender.settings) or user


def _collect(recommender: Recommender, user: str) -> ProfileDocument:
    from convrec.agent.profile import collect

    return collect(_stored(recommender, user), recommender.people, recommender.catalogue, recommender.log)


def _item(recommender: Recommender, name: str) -> str:
    """The id that an id or a title means."""
    from convrec.agent.errors import ProfileError
    from convrec.agent.title_match import TitleIndex, TitleQuery

    catalogue = recommender.catalogue
    if name in catalogue:
        return name
    match = TitleIndex(catalogue).match(TitleQuery((name,)))
    if match.kind == "matched":
        return catalogue.ids[match.candidates[0].row]
    near = [f"{catalogue.titles[c.row]!r} (id {catalogue.ids[c.row]})" for c in match.candidates[:3]]
    hint = f"did you mean {' or '.join(near)}" if near else f"look it up with `convrec recommend {name!r}`"
    raise ProfileError(f"No item is surely {name!r}; {hint}.")


def _rating(recommender: Recommender, text: str) -> tuple[str, float]:
    from convrec.agent.errors import ProfileError

    name, _, stars = text.rpartition("=")
    try:
        value = float(stars)
    except ValueError:
        value = -1.0
    if not name or not 0 <= value <= 5:
        raise ProfileError(f"{text!r} is no rating; write ID=STARS with 0 to 5 stars.")
    return _item(recommender, name), value


def _wishes(recommender: Recommender, words: str) -> list[dict[str, object]]:
    """The parts of a request that words mean."""
    from convrec.agent.errors import ProfileError
    from convrec.retrieval.request import Constraint, Description

    conversation = recommender.session(stored=False)
    reply = conversation.send(words)
    parts = [p for p in reply.request.parts() if isinstance(p, Constraint | Description)]
    if not parts:
        raise ProfileError(f"I could not read {words!r} as a wish; name a value or a quality of the catalogue.")
    return [part.model_dump(mode="json") for part in parts]


def _preference(recommender: Recommender, person: str, words: str) -> str:
    from convrec.agent.errors import ProfileError

    known = recommender.people.preferences(person)
    for preference in known:
        if preference.words.casefold() == words.casefold():
            return preference.id
    listed = ", ".join(repr(p.words) for p in known) or "none"
    raise ProfileError(f"There is no lasting wish {words!r}; known are: {listed}.")


def _print(document: ProfileDocument) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if document.empty:
        console.print(Text(f"Nothing is known of {document.user}."))
        return
    sections: dict[str, list[tuple[str, ...]]] = {
        "Feedback": [
            (f.title or f.item_id, f.kind, "" if f.value is None else f"{f.value:g}", f.source)
            for f in document.feedback
        ],
        "Lasting wishes": [(p.words, p.source) for p in document.preferences],
        "Conversations": [(c.name, f"{len(c.turns)} turns", c.id) for c in document.conversations],
        "History in the catalogue's log": [
            (h.title or h.item_id, "" if h.value is None else f"{h.value:g}") for h in document.history
        ],
    }
    for name, rows in sections.items():
        if not rows:
            continue
        console.print(Text(f"{name} ({len(rows):,})", style="bold"))
        table = Table(box=None, show_header=False, pad_edge=False)
        for row in rows[:SHOWN]:
            table.add_row(*(Text(cell) for cell in row))
        console.print(table)
        if len(rows) > SHOWN:
            console.print(Text(f"… {len(rows) - SHOWN:,} more; --json shows all."))
