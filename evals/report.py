"""What a run leaves behind: a table, a JSON file, and one HTML page that needs nothing else."""

from __future__ import annotations

import json
import math
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from convrec.evals.errors import EvaluationError
from convrec.evals.types import Figure, SuiteResult

if TYPE_CHECKING:
    from rich.table import Table

    from convrec.agent.recommender import Recommender

LAYOUT = 1
LIBRARIES = ("convrec", "numpy", "scipy", "torch", "chromadb", "sentence-transformers", "bm25s", "polars")


class Machine(BaseModel):
    """Where it ran: figures of time mean nothing without it."""

    model_config = ConfigDict(frozen=True)
    system: str
    processor: str
    cores: int
    memory_gib: float
    python: str


class EvaluationReport(BaseModel):
    """All suites of one run."""

    model_config = ConfigDict(frozen=True)
    layout: int = LAYOUT
    created: str
    catalogue: str
    fingerprints: dict[str, str]
    """what was measured on: the generation, the digests of its items and log, the embedder"""
    versions: dict[str, str]
    machine: Machine
    suites: tuple[SuiteResult, ...]

    def figures(self) -> dict[str, Figure]:
        """Every figure as 'suite/name'."""
        return {f"{suite.suite}/{figure.name}": figure for suite in self.suites for figure in suite.figures}


def make_report(
    suites: list[SuiteResult], *, recommender: Recommender | None = None, source: str = ""
) -> EvaluationReport:
    """Put suites on record, with the versions, the machine and what they were measured on."""
    fingerprints: dict[str, str] = {}
    if recommender is not None:
        manifest = recommender.generation.manifest
        fingerprints = {"generation": manifest.id, "embedder": str(manifest.embedder)}
        fingerprints |= {
            name: record.sha256 for name, record in manifest.files.items() if name.endswith((".parquet", ".json"))
        }
        source = source or recommender.schema.name
    return EvaluationReport(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        catalogue=source,
        fingerprints=fingerprints,
        versions=_versions(),
        machine=_machine(),
        suites=tuple(suites),
    )


def write_report(report: EvaluationReport, path: Path) -> None:
    """The report as JSON; figures that are not numbers become null."""
    path.write_text(json.dumps(_finite(report.model_dump(mode="python")), indent=1, ensure_ascii=False) + "\n", "utf-8")


def read_report(path: Path) -> EvaluationReport:
    """A report as it was written.

    Raises:
        EvaluationError: the file cannot be read, or is no report.
    """
    try:
        raw = json.loads(path.read_text("utf-8"))
        for suite in raw["suites"]:
            for figure in suite["figures"]:
                figure["value"] = math.nan if figure["value"] is None else figure["value"]
        return EvaluationReport.model_validate(raw)
    except OSError as error:
        raise EvaluationError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise EvaluationError(f"{path} is no report of `convrec eval`: write one with --out FILE.json.") from error


def shown(figure: Figure) -> str:
    """A figure's value as people read it."""
    value = figure.value
    if math.isnan(value):
        return "–"
    if figure.unit == "share":
        return f"{value:.1%}"
    if figure.unit == "ms":
        return f"{value:,.0f} ms" if value >= 10 else f"{value:.1f} ms"
    if figure.unit:
        return f"{value:,.4g} {figure.unit}"
    return f"{value:,.0f}" if float(value).is_integer() and figure.low is None else f"{value:.3f}"


def interval(figure: Figure) -> str:
    """A figure's interval as people read it; empty for an exact one."""
    if figure.low is None or figure.high is None or math.isnan(figure.low):
        return ""
    low, high = (shown(figure.model_copy(update={"value": v})) for v in (figure.low, figure.high))
    return f"{low} to {high}"


def suite_table(suite: SuiteResult) -> Table:
    """The figures of a suite for a terminal."""
    from rich.table import Table

    partial = ", interrupted" if suite.partial else ""
    table = Table(box=None, title=f"{suite.suite} ({suite.seconds:.0f} s{partial})", title_justify="left")
    table.add_column("figure", overflow="fold")
    table.add_column("value", justify="right")
    table.add_column("95% interval", justify="right", style="dim")
    table.add_column("n", justify="right", style="dim")
    for figure in suite.figures:
        table.add_row(figure.name, shown(figure), interval(figure), str(figure.n))
    return table


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(part) for part in value]
    return value


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _machine() -> Machine:
    import psutil

    return Machine(
        system=f"{platform.system()} {platform.release()}",
        processor=platform.processor() or platform.machine(),
        cores=os.cpu_count() or 1,
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        python=platform.python_version(),
    )
