"""Each role's molecule scenario, whole: create, prepare, converge, idempotence, verify, destroy."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.images.build import CannotBuildError, ensure

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = sorted(ROOT.glob("roles/*/molecule/*/molecule.yml"))
# The slowest; tests/self_hosted proves these roles, too.
FULL = {"apache", "backup", "pdf_service", "quipux_database", "verification"}

pytestmark = pytest.mark.container


@pytest.fixture(scope="module", autouse=True)
def _images() -> None:
    try:
        for stage in ("host", "packages"):
            ensure(stage=stage)
    except CannotBuildError as problem:
        if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
            pytest.fail(f"may not be skipped in CI: {problem}", pytrace=False)
        pytest.skip(str(problem))


def test_every_role_has_a_scenario():
    roles = {path.name for path in (ROOT / "roles").iterdir() if path.is_dir()}
    assert {path.parts[-4] for path in SCENARIOS} == roles


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(
            path,
            id=f"{path.parts[-4]}-{path.parts[-2]}",
            marks=pytest.mark.full if path.parts[-4] in FULL else (),
        )
        for path in SCENARIOS
    ],
)
def test_molecule(scenario: Path):
    role = scenario.parents[2]
    bin_folder = Path(sys.executable).parent
    with tempfile.TemporaryDirectory(prefix="quipux-molecule-") as folder:
        done = subprocess.run(
            [bin_folder / "molecule", "test", "--scenario-name", scenario.parent.name],
            cwd=role,
            env={
                **os.environ,
                "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
                "MOLECULE_EPHEMERAL_DIRECTORY": folder,
                "NO_COLOR": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
            timeout=600,
        )
    assert done.returncode == 0, done.stdout
