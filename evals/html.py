"""One HTML page of a report: everything inside it, readable without JavaScript and without a network."""

from __future__ import annotations

import io
import re
from html import escape
from pathlib import Path

from convrec.evals.report import EvaluationReport, interval, shown
from convrec.evals.types import Plot, SuiteResult

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
caption { text-align: left; font-weight: 600; }
th, td { padding: .25rem .5rem; border-bottom: 1px solid #8886; text-align: left; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
figure { margin: 1.5rem 0; background: #fff; } figure svg { max-width: 100%; height: auto; }
.partial { font-weight: 600; } details { margin: 1rem 0; } code { overflow-wrap: anywhere; }
"""

_SIZE = (8.0, 4.2)
_ID = re.compile(r'(?<=id=")|(?<=url\(#)|(?<=href="#)')


def write_html(report: EvaluationReport, path: Path) -> None:
    """The report as one self-contained page."""
    path.write_text(html_page(report), "utf-8")


def html_page(report: EvaluationReport) -> str:
    """The page itself; every text from a catalogue is escaped."""
    machine = report.machine
    head = f"{escape(report.catalogue)} · {escape(report.created)} · {machine.cores} cores, {machine.memory_gib} GiB"
    body = "".join(_suite(suite, number) for number, suite in enumerate(report.suites))
    contents = "".join(f'<li><a href="#s{n}">{escape(s.suite)}</a></li>' for n, s in enumerate(report.suites))
    versions = _pairs("Versions", report.versions) + _pairs("Measured on", report.fingerprints)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>convrec evaluation: {escape(report.catalogue)}</title><style>{STYLE}</style></head>"
        f"<body><h1>Evaluation</h1><p>{head}</p><nav><ul>{contents}</ul></nav>{body}<h2>Setting</h2>{versions}"
        f"<p>{escape(machine.system)}, {escape(machine.processor)}, Python {escape(machine.python)}</p></body></html>\n"
    )


def plot_svg(plot: Plot, prefix: str = "p") -> str:
    """A plot as an SVG element whose ids begin with `prefix`, so that several fit on one page."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib.figure import Figure as Canvas

    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "convrec"}):
        canvas = Canvas(figsize=_SIZE, layout="constrained")
        axes = canvas.add_subplot()
        width = 0.8 / max(len(plot.curves), 1)
        for number, curve in enumerate(plot.curves):
            if plot.kind == "bar":
                places = [position + (number - (len(plot.curves) - 1) / 2) * width for position in range(len(curve.x))]
                axes.bar(places, list(curve.y), width, label=curve.label)
            elif plot.kind == "line":
                axes.plot([float(x) for x in curve.x], list(curve.y), marker="o", label=curve.label)
            else:
                axes.scatter([float(x) for x in curve.x], list(curve.y), label=curve.label)
        if plot.kind == "bar" and plot.curves:
            names = [str(x) for x in plot.curves[0].x]
            axes.set_xticks(range(len(names)), names, rotation=45 if len(names) > 6 else 0, ha="center")
        spread = [float(x) for curve in plot.curves for x in curve.x if isinstance(x, float)]
        if plot.kind == "line" and spread and min(spread) > 0 and max(spread) / min(spread) >= 50:
            axes.set_xscale("log")
        axes.set_title(plot.title)
        axes.set_xlabel(plot.x_label)
        axes.set_ylabel(plot.y_label)
        if len(plot.curves) > 1:
            canvas.legend(loc="outside lower center", ncols=min(len(plot.curves), 5))
        out = io.StringIO()
        canvas.savefig(out, format="svg", metadata={"Date": None})
    svg = out.getvalue()
    return _ID.sub(f"{prefix}-", svg[svg.index("<svg") :])


def _suite(suite: SuiteResult, number: int) -> str:
    rows = "".join(
        f'<tr><td>{escape(f.name)}</td><td class="n">{escape(shown(f))}</td>'
        f'<td class="n">{escape(interval(f))}</td><td class="n">{f.n}</td></tr>'
        for f in suite.figures
    )
    plots = "".join(
        f'<figure role="img" aria-label="{escape(plot.title)}">{plot_svg(plot, f"s{number}p{n}")}</figure>'
        for n, plot in enumerate(suite.plots)
    )
    partial = (
        '<p class="partial">Interrupted: the figures rest on what was done until then.</p>' if suite.partial else ""
    )
    notes = "".join(f"<li>{escape(note)}</li>" for note in suite.notes)
    notes = f"<details><summary>Notes ({len(suite.notes)})</summary><ul>{notes}</ul></details>" if notes else ""
    parameters = escape(", ".join(f"{name}: {value}" for name, value in suite.parameters.items()))
    return (
        f'<h2 id="s{number}">{escape(suite.suite)}</h2>{partial}<p>{parameters} · {suite.seconds:.0f} s</p>{plots}'
        '<table><thead><tr><th>figure</th><th class="n">value</th><th class="n">95% interval</th>'
        f'<th class="n">n</th></tr></thead><tbody>{rows}</tbody></table>{notes}'
    )


def _pairs(title: str, pairs: dict[str, str]) -> str:
    rows = "".join(f"<tr><td>{escape(k)}</td><td><code>{escape(v)}</code></td></tr>" for k, v in pairs.items())
    return f"<table><caption>{escape(title)}</caption><tbody>{rows}</tbody></table>"
