"""Which process holds a lock, told such that another process can see whether it still lives."""

from __future__ import annotations

import getpass
import os
import re
import socket
import subprocess
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path


@dataclass(frozen=True)
class Holder:
    """One process on one boot of one host.

    :param machine: digest of the host's identity and process namespace; a pid means the same within it only.
    :param started: when the process began, as the kernel counts, so that a reused pid is not taken for it.
    """

    host: str
    machine: str
    boot: str
    pid: int
    started: str
    name: str

    @classmethod
    def this_process(cls) -> Holder:
        """Return the holder that we are."""
        pid = os.getpid()
        return cls(socket.gethostname(), _machine(), _boot(), pid, _started(pid), _user())

    def on_this_host(self) -> bool:
        """Whether its pid can be looked up here."""
        return self.host == socket.gethostname() and self.machine == _machine()

    def lives(self) -> bool:
        """Whether the process runs; asked only where :meth:`on_this_host`."""
        return self.boot == _boot() and self.started != "" and _started(self.pid) == self.started


@cache
def _machine() -> str:
    identity = _first_line(Path("/etc/machine-id")) or socket.gethostname()
    try:
        namespace = os.readlink("/proc/self/ns/pid")  # noqa: PTH115  # a magic link, no path
    except OSError:
        namespace = ""
    return sha256(f"{identity} {namespace}".encode()).hexdigest()


@cache
def _boot() -> str:
    linux = _first_line(Path("/proc/sys/kernel/random/boot_id"))
    return linux or _asked(["sysctl", "-n", "kern.boottime"])[:64]


def _started(pid: int) -> str:
    """Return when *pid* began, empty when it does not run."""
    if Path("/proc/self/stat").exists():
        try:
            # The program's name may hold spaces and brackets; the state follows its last bracket.
            fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] in ("Z", "X") else fields[19]
    return re.sub(r"\s+", " ", _asked(["ps", "-o", "lstart=", "-p", str(pid)]))[:64]


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())


def _first_line(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()[:64]
    except OSError:
        return ""


def _asked(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
