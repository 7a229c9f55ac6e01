"""What the tests of this room observe of processes and private folders."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from quipux_provision.ansible.private import PREFIX, base_folder


def folders_of(pid: int) -> list[Path]:
    return sorted(base_folder().glob(f"{PREFIX}{pid}-*"))


def running(mark: str) -> list[int]:
    """The processes with *mark* in their command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


def wait_for(what: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
