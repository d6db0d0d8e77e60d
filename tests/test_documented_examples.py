"""The Python on the documentation's pages runs as it stands, block after block, beside a workspace called films."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"


@pytest.mark.parametrize("page", ["python.md", "plugins.md", "llm.md"])
def test_the_python_of_a_page_runs(
    page: str, film_workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert film_workspace.name == "films"
    monkeypatch.chdir(film_workspace.parent)
    monkeypatch.setenv("CONVREC_RETRIEVAL__EMBEDDING__PROVIDER", "hashing")
    text = (DOCS / page).read_text("utf-8")
    blocks = [
        (text[: m.start()].count("\n") + 2, m.group(1)) for m in re.finditer(r"```python\n(.*?)```", text, re.DOTALL)
    ]
    assert blocks
    names: dict[str, object] = {}
    for line, block in blocks:
        # Blank lines put the block where it stands on the page, so that a failure names its line there.
        exec(compile("\n" * (line - 1) + block, str(DOCS / page), "exec"), names)
    assert capsys.readouterr().out
