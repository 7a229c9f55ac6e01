"""The private folder of one run: in memory where the system has it, 0700, gone afterwards.

The folder's name carries the owner's process id and start time: what a killed run left behind is thereby
known to be nobody's, and the next run removes it, with the processes that still work in it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

PREFIX = "quipux-provision-"
_GRACE = 3.0  # seconds between SIGTERM and SIGKILL


def base_folder() -> Path:
    """Return where private folders are made: /dev/shm, else the system's folder for temporary files."""
    memory = Path("/dev/shm")  # noqa: S108  (the point: it never reaches a disk)
    return memory if memory.is_dir() and os.access(memory, os.W_OK) else Path(tempfile.gettempdir())


@contextmanager
def private_folder() -> Iterator[Path]:
    """Make a private folder; at the end stop whatever still works in it and remove it."""
    base = base_folder()
    remove_stale(base)
    pid = os.getpid()
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{pid}-{_started(pid)}-", dir=base))
    try:
        (folder / "tmp").mkdir(mode=0o700)
        yield folder
    finally:
        _remove(folder)


def write_private(path: Path, text: str) -> Path:
    """Write *text* to a new file that only its owner can read, and return its path."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def write_vars(path: Path, variables: Mapping[str, Any]) -> Path:
    """Write *variables* as a private JSON vars file in which every string is data, never a template."""
    return write_private(path, json.dumps({name: tag_unsafe(value) for name, value in variables.items()}))


def tag_unsafe(value: Any) -> Any:
    """Return *value* with each string as Ansible's ``{"__ansible_unsafe": ...}``, at any depth.

    :raises ValueError: a key of a mapping is one of Ansible's own marks.
    """
    if isinstance(value, str):
        return {"__ansible_unsafe": value}
    if isinstance(value, Mapping):
        if marks := [key for key in value if str(key).startswith("__ansible")]:
            raise ValueError(f"reserved key: {marks[0]}")
        return {str(key): tag_unsafe(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [tag_unsafe(inner) for inner in value]
    return value


def remove_stale(base: Path) -> None:
    """Remove the folders under *base* whose owner is dead; only folders of this user are looked at."""
    for folder in base.glob(f"{PREFIX}*"):
        with suppress(OSError, ValueError):
            pid, started = folder.name.removeprefix(PREFIX).split("-")[:2]
            mine = folder.lstat().st_uid == os.getuid() and not folder.is_symlink()
            if mine and _started(int(pid)) != started:
                _remove(folder)


def _remove(folder: Path) -> None:
    _end_processes(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _started(pid: int) -> str:
    """Return when a living process began, in clock ticks since boot; ``dead``; ``alive`` without /proc."""
    try:
        status = Path("/proc", str(pid), "stat").read_text()
    except OSError:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return "dead"
        except PermissionError:
            pass
        return "alive"
    state, *rest = status.rpartition(")")[2].split()
    return "dead" if state == "Z" else rest[18]


def _end_processes(folder: Path) -> None:
    """Stop every process that has *folder* in its environment: SSH masters, workers, local modules."""
    deadline = time.monotonic() + _GRACE
    while found := _processes(folder):
        number = signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        if time.monotonic() > deadline + _GRACE:
            return
        time.sleep(0.02)


def _processes(folder: Path) -> list[int]:
    mark = os.fsencode(folder) + b"/"
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        pid = int(entry.name)
        with suppress(OSError):
            if pid != os.getpid() and mark in (entry / "environ").read_bytes() and _started(pid) != "dead":
                found.append(pid)
    return found
