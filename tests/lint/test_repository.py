"""What may lie in the repository, and what may not."""

from __future__ import annotations

import re
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Written in pieces, so that this file holds none of them.
REGISTRY_HOSTS = [
    "pypi" + ".org",
    "python" + "hosted.org",
    "deb" + ".debian.org",
    "security" + ".debian.org",
    "galaxy" + ".ansible.com",
    "registry" + ".npmjs.org",
    "proxy" + ".golang.org",
    "docker" + ".io",
    "quay" + ".io",
]
# This checkout's own place, and places that one of our machines had.
MACHINE_PATHS = [
    str(ROOT),
    *(f"/{'work'}/{name}" for name in ("main", "shared", ".library", ".mirror")),
    *(f"/tmp/{name}" for name in ("plan" + "/", "tool" + "ing/", "quipux-" + "release", "quipux-" + "sql")),
    "/root/" + ".pyenv",
    "/opt/" + "pypi",
    "/opt/" + "wheels",
]
FORBIDDEN = re.compile("|".join(map(re.escape, REGISTRY_HOSTS + MACHINE_PATHS)))
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE " + r"KEY-----\n[A-Za-z0-9+/=]{40}")


def tracked() -> list[Path]:
    """Files of the repository, those not yet committed included, ignored ones not."""
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    return [path for name in listing.split("\0") if name and (path := ROOT / name).is_file()]


def texts() -> list[tuple[Path, str]]:
    found = []
    for path in tracked():
        try:
            found.append((path, path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return found


def test_no_file_names_a_registry_host_or_a_path_of_one_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}: {match.group()}"
        for path, text in texts()
        for match in FORBIDDEN.finditer(text)
    ]
    assert found == []


def test_no_private_key_is_committed() -> None:
    assert [str(path.relative_to(ROOT)) for path, text in texts() if PRIVATE_KEY.search(text)] == []


@pytest.mark.parametrize(
    "line",
    ["index-url = https://" + "pypi" + ".org/simple", "cd /" + "work/main", f'path = "{ROOT}/x"'],
)
def test_the_search_sees_what_it_should(line: str) -> None:
    assert FORBIDDEN.search(line)


@pytest.mark.parametrize("line", ["inventories/work/hosts.yml", "/root/.ssh/authorized_keys", "/home/ana"])
def test_the_search_leaves_the_rest_alone(line: str) -> None:
    assert not FORBIDDEN.search(line)


def test_scripts_can_be_started_and_only_they() -> None:
    wrong = []
    for path, text in texts():
        if path.parent == ROOT / "plugins" / "modules":
            continue  # Ansible wants a shebang there, and no right to execute
        can_start = bool(path.stat().st_mode & stat.S_IXUSR)
        if can_start != text.startswith("#!") and path.suffix != ".j2":
            wrong.append(str(path.relative_to(ROOT)))
    assert wrong == []


def test_the_version_is_one() -> None:
    from quipux_provision import __version__

    galaxy = (ROOT / "galaxy.yml").read_text(encoding="utf-8")
    assert re.search(r"^version: (.+)$", galaxy, re.MULTILINE).group(1) == __version__


def test_the_lock_is_hashed_portable_and_covers_both_ansible_cores() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^([a-z0-9-]+)==(\S+)(?: ; (.+?))? \\$", lock, re.MULTILINE | re.IGNORECASE)
    cores = {version.rsplit(".", 1)[0]: marker for name, version, marker in pins if name == "ansible-core"}
    assert cores == {"2.19": "python_full_version < '3.12'", "2.21": "python_full_version >= '3.12'"}
    blocks = re.split(r"\n(?=\S)", lock.split("\n", 2)[2])
    assert all("--hash=sha256:" in block for block in blocks if "==" in block)
    assert "://" not in lock
    assert "--index" not in lock
