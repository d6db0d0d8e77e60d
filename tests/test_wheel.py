"""The built wheel works outside the checkout, with all its packages and data."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from tests.conftest import DATA, write_interactions

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("retrieval", "ranking", "agent", "tui", "evals")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    source = tmp_path_factory.mktemp("source") / "convrec"
    # A copy, so that the build leaves nothing in the checkout.
    subprocess.run(["git", "-C", str(ROOT), "checkout-index", "--all", f"--prefix={source}/"], check=True)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(target), str(source)], check=True, capture_output=True)
    return next(target.glob("convrec-*.whl"))


def test_every_package_and_data_file_is_in_the_wheel(wheel: Path) -> None:
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", *FOLDERS], check=True, capture_output=True, text=True
    ).stdout.split()
    inside = set(zipfile.ZipFile(wheel).namelist())
    missing = [name for name in listed if f"convrec/{name}" not in inside]
    assert missing == []
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]
    found = {str(p.parent.relative_to(ROOT)) for folder in FOLDERS for p in (ROOT / folder).rglob("__init__.py")}
    assert {f"convrec.{name.replace('/', '.')}" for name in found} == set(packages)


@pytest.mark.slow
def test_the_installed_wheel_builds_and_recommends(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    site = home / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    command = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"), "install", "--quiet"]
    subprocess.run([*command, "--no-deps", str(wheel)], check=True)
    # Dependencies are borrowed by path, which leaves out the editable install of the checkout itself.
    (site / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", "utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "CONVREC_RETRIEVAL__EMBEDDING__PROVIDER": "hashing",
    }
    convrec = str(home / "bin" / "convrec")

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [convrec, *arguments], cwd=tmp_path, env=environment, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "recommend" in run("--help")
    log = write_interactions(tmp_path / "ratings.csv")
    place = str(tmp_path / "workspace")
    run("build", "--items", str(DATA / "films.csv"), "--interactions", str(log), "--workspace", place)
    reply = json.loads(run("recommend", "french comedies", "--workspace", place, "--json"))
    assert reply["items"]
    assert {item["fields"]["language"] for item in reply["items"]} == {"fr"}
    location = subprocess.run(
        [str(home / "bin" / "python"), "-c", "import convrec.agent as a; print(a.__file__)"],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert location.startswith(str(site))
