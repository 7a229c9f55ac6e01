"""`ansible-galaxy collection build`, in a tree where secrets and environments lie about."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.packaging.building import (
    BIN,
    build_collection,
    clean_environment,
    collection_files,
    copy_tree,
    install_collection,
    repository_files,
)

REPORT = "Report refused and failed items"


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = copy_tree(tmp_path_factory.mktemp("tree"), litter=True)
    return build_collection(tree, tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def installed(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_collection(tarball, tmp_path_factory.mktemp("collections"))


def test_tarball_holds_the_collection_and_nothing_else(tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        names = {member.name for member in archive.getmembers() if member.isfile()}
    changelogs = {name for name in repository_files() if name.startswith("changelogs/")}
    made = {"FILES.json", "MANIFEST.json"}
    assert names - made == (collection_files() | changelogs) - {"galaxy.yml"}
    assert made <= names


@pytest.mark.parametrize(
    ("program", "arguments", "expected"),
    [
        ("ansible-doc", ["quipux.provision.institution"], "EXAMPLES"),
        ("ansible-doc", ["-t", "role", "quipux.provision.institution"], "ENTRY POINT"),
        ("ansible-playbook", ["quipux.provision.provision", "--list-tasks"], REPORT),
        ("ansible-galaxy", ["collection", "list", "quipux.provision"], "0.1.0"),
        ("ansible-galaxy", ["collection", "verify", "--offline", "quipux.provision"], "verified"),
    ],
)
def test_installed_collection_answers(
    installed: Path, tmp_path: Path, program: str, arguments: list[str], expected: str
) -> None:
    # Without sys.path only the installed copy can answer, not the checkout.
    environment = clean_environment(
        tmp_path,
        ANSIBLE_COLLECTIONS_PATH=str(installed.parents[2]),
        ANSIBLE_COLLECTIONS_SCAN_SYS_PATH="false",
        PYTHONDONTWRITEBYTECODE="1",
    )
    finished = subprocess.run(
        [BIN / program, *arguments],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert expected in finished.stdout
