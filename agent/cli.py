"""The command line: finds the commands of all layers by name and turns every failure into a sentence and a code."""

from __future__ import annotations

import os
import sys
from importlib.metadata import EntryPoint, entry_points

import typer

from convrec.retrieval.errors import ConvrecError

ANSWERED, USER_MISTAKE, INTERNAL_FAILURE, INTERRUPTED = 0, 2, 3, 130
_ORDER = ("demo", "build", "recommend", "chat", "mcp", "train", "eval", "history", "profile", "enrich", "doctor")


def application() -> typer.Typer:
    """The command line with every installed command. Command modules import nothing heavy."""
    app = typer.Typer(
        name="convrec",
        help="Recommend through conversation over your own catalogue, with or without a language model.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for point in sorted(entry_points(group="convrec.commands"), key=_position):
        command = point.load()
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=point.name)
        else:
            app.command(name=point.name)(command)
    app.callback()(_version)
    return app


def _position(point: EntryPoint) -> tuple[int, str]:
    return (_ORDER.index(point.name) if point.name in _ORDER else len(_ORDER), point.name)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"convrec {version('convrec')}")
        raise typer.Exit


def _version(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Print the version."),
) -> None:
    """Recommend through conversation over your own catalogue, with or without a language model."""
    del version


def main() -> None:
    """Entry point of the `convrec` command."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; its exit code."""
    try:
        result = application()(arguments, standalone_mode=False)
    except ConvrecError as error:
        print(f"convrec: {error}", file=sys.stderr)
        return error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        print("convrec: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe left; Python would complain again when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ANSWERED
    except Exception as error:
        # typer keeps its own copy of click, whose usage errors have no public name.
        if show := getattr(error, "show", None):
            show()
            return USER_MISTAKE
        if os.environ.get("CONVREC_DEBUG"):
            raise
        print(
            f"convrec: internal failure ({type(error).__name__}: {error}); "
            "set CONVREC_DEBUG=1 to see where, and please report it.",
            file=sys.stderr,
        )
        return INTERNAL_FAILURE
    return result if isinstance(result, int) else ANSWERED
