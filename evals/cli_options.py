"""Options that suites share: where they run, and where results go."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from convrec.agent.commands.options import JsonOption, WorkspaceOption

if TYPE_CHECKING:
    from convrec.evals.suites import Output

OutOption = Annotated[Path | None, typer.Option("--out", help="Write the report here, as JSON.", show_default=False)]
ReportOption = Annotated[
    Path | None, typer.Option("--report", help="Write one HTML page with plots here.", show_default=False)
]
SeedOption = Annotated[int, typer.Option("--seed", help="What is drawn; equal seeds draw the same.")]

_SHARED: dict[str, tuple[Any, object]] = {
    "out": (OutOption, None),
    "report": (ReportOption, None),
    "workspace": (WorkspaceOption, None),
    "as_json": (JsonOption, False),
}


@dataclass(frozen=True)
class Setting:
    """What the shared options of one run say."""

    out: Path | None
    report: Path | None
    workspace: Path | None
    as_json: bool

    @property
    def output(self) -> Output:
        """Where the report goes."""
        from convrec.evals.suites import Output

        return Output(self.out, self.report, self.as_json)


def with_setting(command: Callable[..., None]) -> Callable[..., None]:
    """The command of a suite, whose first argument is a `Setting`, with the shared options after its own."""

    def run(**options: Any) -> None:
        shared = {name: options.pop(name) for name in _SHARED}
        command(Setting(**shared), **options)

    hints = get_type_hints(command, include_extras=True)
    own = list(inspect.signature(command).parameters.values())[1:]
    parameters = [p.replace(annotation=hints[p.name], kind=inspect.Parameter.KEYWORD_ONLY) for p in own] + [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in _SHARED.items()
    ]
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run
