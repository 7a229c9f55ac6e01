"""What `make setup` says and does before it has an environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.building import ROOT, copy_tree

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@needs_make
def test_setup_without_a_usable_python_says_what_to_do(tmp_path: Path) -> None:
    tree = copy_tree(tmp_path, litter=False)
    finished = subprocess.run(
        ["make", "setup", "PYTHON="], cwd=tree, capture_output=True, text=True, check=False
    )
    assert finished.returncode != 0
    assert "ERROR: no Python 3.11 or newer" in finished.stderr
    assert "HINT: install one" in finished.stderr
    assert not (tree / ".venv").exists()


@needs_make
def test_second_setup_does_nothing(tmp_path: Path) -> None:
    tree = copy_tree(tmp_path, litter=False)
    (tree / ".venv").mkdir()
    (tree / ".venv" / ".made-from").touch()
    question = ["make", "--question", "setup"]
    assert subprocess.run(question, cwd=tree, check=False).returncode == 0
    os.utime(tree / "requirements.lock", (2_000_000_000, 2_000_000_000))
    assert subprocess.run(question, cwd=tree, check=False, stderr=subprocess.DEVNULL).returncode == 1


def test_find_python_answers_with_one_that_runs() -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = subprocess.run(
        [ROOT / "tools" / "find-python", version],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    ).stdout.strip()
    said = subprocess.run([found, "-V"], capture_output=True, text=True, check=True).stdout
    assert said.startswith(f"Python {version}.")


@pytest.mark.parametrize("version", ["3.10", "3.9", "2.7", "9.9"])
def test_find_python_passes_over_what_is_too_old_or_not_there(version: str) -> None:
    finished = subprocess.run(
        [ROOT / "tools" / "find-python", version], capture_output=True, text=True, check=True
    )
    assert finished.stdout == ""
