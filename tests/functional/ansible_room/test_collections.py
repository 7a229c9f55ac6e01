"""The collections we depend on: extracted from the pinned wheel, or refused in one line."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from quipux_provision.ansible.collections import extract, pinned
from quipux_provision.errors import ProvisionError

ROOT = Path(__file__).resolve().parents[3]
PLACE = "ansible_collections/community/postgresql"


def index(folder: Path, version: str = "4.2.0") -> Path:
    """A folder for pip's --find-links with a wheel of the pinned name; gives the wheel."""
    folder.mkdir()
    wheel = folder / f"ansible-{pinned().version}-py3-none-any.whl"
    info = f"ansible-{pinned().version}.dist-info"
    files = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: ansible\nVersion: {pinned().version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
        f"{PLACE}/MANIFEST.json": json.dumps({"collection_info": {"version": version}}),
        f"{PLACE}/plugins/modules/one.py": "",
        f"{PLACE}/tests/unit/test_one.py": "",
        "ansible_collections/other/thing/MANIFEST.json": "{}",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return wheel


def use(monkeypatch: pytest.MonkeyPatch, wheel: Path) -> None:
    """The folder of the wheel is the only package index."""
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))


def run(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "quipux_provision.ansible.collections", str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def snapshot(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_another_wheel_than_the_pinned_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = index(tmp_path / "index")
    use(monkeypatch, wheel)
    finished = run(tmp_path / "made")
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert finished.returncode == 1
    error, hint = finished.stderr.splitlines()
    assert error == f"ERROR: The downloaded ansible==12.3.0 is not the expected one: SHA-256 {found}."
    assert pinned().sha256 in hint
    assert list((tmp_path / "made").iterdir()) == []


def test_without_a_package_index_one_line_says_so(tmp_path: Path) -> None:
    finished = run(
        tmp_path / "made",
        PIP_CONFIG_FILE=os.devnull,
        PIP_INDEX_URL="http://somebody:canary-secret@127.0.0.1:9/simple",
        PIP_RETRIES="0",
    )
    assert finished.returncode == 7
    error, hint = finished.stderr.splitlines()
    assert error == "ERROR: The package ansible==12.3.0 could not be downloaded."
    assert "pip download --no-deps ansible==12.3.0" in hint
    assert "canary" not in finished.stdout + finished.stderr
    assert list((tmp_path / "made").iterdir()) == []


def test_only_what_is_asked_for_is_extracted_and_never_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / "made"
    wheel = index(tmp_path / "index")
    pins = dataclasses.replace(
        pinned(),
        sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        collections={"community.postgresql": "4.2.0"},
    )
    # An older one lies there, with a file that the new one has no more.
    (made / PLACE).mkdir(parents=True)
    (made / PLACE / "MANIFEST.json").write_text(json.dumps({"collection_info": {"version": "4.1.0"}}))
    (made / PLACE / "gone.py").touch()
    own = made / "ansible_collections" / "quipux"
    own.mkdir()

    use(monkeypatch, wheel)
    assert extract(made, pins) == ["community.postgresql"]
    files = {path.relative_to(made / PLACE).as_posix() for path in (made / PLACE).rglob("*")}
    assert files == {"MANIFEST.json", "plugins", "plugins/modules", "plugins/modules/one.py"}
    assert own.is_dir()
    assert sorted(path.name for path in made.iterdir()) == ["ansible_collections"]

    wheel.unlink()
    before = snapshot(made)
    assert extract(made, pins) == []
    assert snapshot(made) == before


def test_a_wheel_without_the_collection_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = index(tmp_path / "index")
    use(monkeypatch, wheel)
    pins = dataclasses.replace(pinned(), sha256=hashlib.sha256(wheel.read_bytes()).hexdigest())
    with pytest.raises(ProvisionError, match=r"has no collection ansible\.posix"):
        extract(tmp_path / "made", pins)
    assert list((tmp_path / "made").iterdir()) == []


@pytest.mark.smoke
def test_this_checkout_has_them_and_ansible_finds_them() -> None:
    folder = ROOT / ".collections"
    before = snapshot(folder / "ansible_collections" / "community")
    offline = run(folder, PIP_CONFIG_FILE=os.devnull, PIP_NO_INDEX="1")
    assert offline.returncode == 0, f"make setup extracts them\n{offline.stderr}"
    assert snapshot(folder / "ansible_collections" / "community") == before
    names = ["community.postgresql.postgresql_db", "community.crypto.x509_certificate", "ansible.posix.mount"]
    finished = subprocess.run(
        [Path(sys.executable).with_name("ansible-doc"), *names],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert all(name in finished.stdout for name in names)


def test_galaxy_asks_for_what_is_pinned() -> None:
    dependencies = yaml.safe_load((ROOT / "galaxy.yml").read_text())["dependencies"]
    assert dependencies == {name: f">={version}" for name, version in pinned().collections.items()}
