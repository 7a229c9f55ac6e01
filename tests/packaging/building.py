"""Build what we publish, from a copy of the repository in which someone has left things lying about."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
COLLECTION = "ansible_collections/quipux/provision"

# Folders whose files make the collection, and files beside them.
COLLECTION_FOLDERS = ("meta", "playbooks", "plugins", "roles")
COLLECTION_FILES = ("LICENSE", "README.md", "galaxy.yml")

LITTER = (
    ".cache/canary",
    ".demo/canary.yml",
    ".venv/lib/canary.py",
    ".venv-3.13/lib/canary.py",
    "approvals/canary.json",
    "build/canary",
    "dist/canary.whl",
    "inventories/production/group_vars/quipux_db/canary-vault.yml",
    "ledger-canary.sqlite",
    "outbox/canary.eml",
    "plugins/modules/__pycache__/canary.cpython-311.pyc",
    "quipux_provision/__pycache__/canary.cpython-311.pyc",
    "requests/canary.yml",
    "roles/institution/molecule/default/canary.yml",
    "tests/output/canary.log",
)


@functools.cache
def repository_files() -> list[str]:
    """Paths of the repository's files, those not yet committed included, ignored ones not."""
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    return sorted(name for name in set(listing.split("\0")) if name and (ROOT / name).is_file())


def collection_files() -> set[str]:
    """What the collection consists of, as paths from the repository's root."""
    return {
        name
        for name in repository_files()
        if name in COLLECTION_FILES
        or (name.split("/")[0] in COLLECTION_FOLDERS and "molecule" not in name.split("/")[:3])
    }


def copy_tree(destination: Path, *, litter: bool) -> Path:
    for name in repository_files():
        target = destination / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    for name in LITTER if litter else ():
        target = destination / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("canary\n", encoding="utf-8")
    return destination


def clean_environment(home: Path, **more: str) -> dict[str, str]:
    """An environment in which nothing of the developer's own settings shows."""
    return {"PATH": "/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8", "TERM": "dumb", **more}


def build_wheel(tree: Path, output: Path) -> Path:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(output), str(tree)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    (wheel,) = output.glob("*.whl")
    return wheel


def build_collection(tree: Path, output: Path) -> Path:
    command = [BIN / "ansible-galaxy", "collection", "build", "--output-path", str(output), str(tree)]
    finished = subprocess.run(
        command, capture_output=True, text=True, check=False, env=clean_environment(output)
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    (tarball,) = output.glob("quipux-provision-*.tar.gz")
    return tarball


def install_collection(tarball: Path, folder: Path) -> Path:
    """Install the tarball below *folder*; return the collection's own folder."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        BIN / "ansible-galaxy",
        "collection",
        "install",
        "--offline",
        "--no-deps",
        "-p",
        str(folder),
        str(tarball),
    ]
    # The checkout on sys.path would count as already installed.
    environment = clean_environment(folder, ANSIBLE_COLLECTIONS_SCAN_SYS_PATH="false")
    finished = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return folder / COLLECTION
