"""How long a build takes: from nothing, again unchanged, and with one row in a hundred changed.

    python tests/benchmarks/build.py --items items.csv --interactions interactions.csv

Each build is a process of its own, its start included. Wall time depends on what else runs; CPU time hardly.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl


def changed(items: Path, folder: Path) -> Path:
    """The same table with the longest text of every hundredth row changed."""
    frame = pl.read_csv(items, infer_schema=False)
    lengths = {name: frame[name].str.len_chars().mean() or 0 for name in frame.columns}
    longest = max(lengths, key=lambda name: float(str(lengths[name])))
    hundredth = pl.int_range(pl.len()) % 100 == 0
    text = pl.when(hundredth).then(pl.col(longest).fill_null("") + " Revised edition.").otherwise(pl.col(longest))
    target = folder / items.name
    frame.with_columns(text.alias(longest)).write_csv(target)
    return target


def build(label: str, items: Path, interactions: Path | None, workspace: Path, rest: list[str]) -> None:
    """Run `convrec build` and print what it took."""
    command = [sys.executable, "-m", "convrec.agent", "build", "--items", str(items), "--workspace", str(workspace)]
    if interactions is not None:
        command += ["--interactions", str(interactions)]
    start = time.perf_counter()
    process = subprocess.Popen([*command, *rest], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{label}: failed\n{said[-2000:]}")
    wall = time.perf_counter() - start
    cpu = usage.ru_utime + usage.ru_stime
    print(f"{label:14s} wall {wall:6.1f} s   CPU {cpu:6.1f} s   peak memory {usage.ru_maxrss // 1024} MB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=Path, required=True)
    parser.add_argument("--interactions", type=Path)
    args, rest = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "workspace"
        build("from nothing", args.items, args.interactions, workspace, rest)
        build("unchanged", args.items, args.interactions, workspace, rest)
        build("1% changed", changed(args.items, Path(folder)), args.interactions, workspace, rest)


if __name__ == "__main__":
    main()
