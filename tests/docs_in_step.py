"""`python -m tests.docs_in_step`: the documents say what the code does.

Every command and long option that README and docs name in a code block must exist, every relative link must lead
somewhere, every command must have an example in its help, and the map of layers must name real folders.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import typer

from convrec.agent.cli import application

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    *sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("docs/*.md")),
]
_COMMAND = re.compile(r"\bconvrec ((?:[a-z][\w-]*)(?: [a-z][\w-]*)?)")
_OPTION = re.compile(r"(?<![\w-])(--[a-z][\w-]*)")
_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)")


def commands() -> dict[str, set[str]]:
    """Every command, sub-commands as 'history import', and its long options."""
    found: dict[str, set[str]] = {}

    def visit(command: object, path: str) -> None:
        children = getattr(command, "commands", None)
        options = {o for p in getattr(command, "params", []) for o in getattr(p, "opts", []) if o.startswith("--")}
        found[path] = options | {"--help"}
        for name, child in (children or {}).items():
            visit(child, f"{path} {name}".strip())

    visit(typer.main.get_command(application()), "")
    return found


def faults() -> Iterator[str]:
    """One sentence for everything that is out of step."""
    known = commands()
    for name in DOCUMENTS:
        text = (ROOT / name).read_text("utf-8")
        for target in _LINK.findall(text):
            if "://" not in target and not (ROOT / name).parent.joinpath(target).exists():
                yield f"{name}: the link {target} leads nowhere"
        for line in code_lines(text):
            yield from (f"{name}: {fault}" for fault in line_faults(line, known))
    for path, command in documented_commands():
        if not re.search(rf"Example: .*convrec {path}\b", command, re.DOTALL):
            yield f"`convrec {path} --help` shows no example"


def code_lines(text: str) -> Iterator[str]:
    """Lines of code blocks, indented or fenced, and inline code."""
    fenced = False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            yield line
        else:
            yield from re.findall(r"`([^`]+)`", line)


def line_faults(line: str, known: dict[str, set[str]]) -> Iterator[str]:
    """Commands and options of a line that do not exist."""
    found = _COMMAND.search(line)
    if found is None:
        return
    words = found[1].split()
    path = found[1] if found[1] in known else words[0]
    if path not in known:
        yield f"there is no command `convrec {words[0]}`"
        return
    rest = line[found.start() :].split(" | ", maxsplit=1)[0]
    for option in _OPTION.findall(rest):
        if option not in known[path] | known[""]:
            yield f"`convrec {path}` has no option {option}"


def documented_commands() -> Iterator[tuple[str, str]]:
    """Leaf commands and their help."""

    def visit(command: object, path: str) -> Iterator[tuple[str, str]]:
        children = getattr(command, "commands", None)
        if children:
            for name, child in children.items():
                yield from visit(child, f"{path} {name}".strip())
        elif path:
            yield path, " ".join((getattr(command, "help", "") or "").split())

    return visit(typer.main.get_command(application()), "")


def main() -> int:
    """Print what is out of step; 1 where there is anything."""
    found = list(faults())
    for fault in found:
        print(fault)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
