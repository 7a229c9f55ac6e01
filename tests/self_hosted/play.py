"""A playbook run by the real ansible-playbook, as an institution's operator would, and what came of it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
TIME_LIMIT = 1500.0  # seconds; a whole installation from a blank host takes a few minutes
KILLED = -9
TELLS = ("ok", "failed", "ignored", "unreachable")


class Task(NamedTuple):
    """One task on one host that was carried out, not skipped."""

    host: str
    task: str
    changed: bool


@dataclass(frozen=True)
class Played:
    """How a playbook ended. `code` is ansible-playbook's, or KILLED."""

    code: int
    changed: int  # of all hosts together, as in the recap
    tasks: list[Task]
    output: str
    seconds: float

    @property
    def changes(self) -> list[Task]:
        """The tasks that changed something."""
        return [task for task in self.tasks if task.changed]


def play(
    playbook: str | Path,
    inventory: Path,
    vault_password_file: Path | None = None,
    *,
    check: bool = False,
    diff: bool = False,
    tags: Iterable[str] = (),
    extra: Mapping[str, object] | None = None,
    limit: str = "",
    must: bool = True,
    kill_at: str = "",
) -> Played:
    """Run a playbook of the collection by its name, or any by its path.

    *kill_at*: a pattern; the run is killed without warning when a task whose `role : name` it matches begins.
    *must*: expect it to end well. Raises AssertionError.
    """
    name = str(playbook) if isinstance(playbook, Path) or "/" in playbook else f"quipux.provision.{playbook}"
    command = [str(Path(sys.executable).with_name("ansible-playbook")), name, "--inventory", str(inventory)]
    if vault_password_file:
        command += ["--vault-password-file", str(vault_password_file)]
    command += [option for option, wanted in (("--check", check), ("--diff", diff)) if wanted]
    command += [f"--tags={','.join(tags)}"] if tags else []
    command += [f"--limit={limit}"] if limit else []
    with tempfile.TemporaryDirectory(prefix="quipux-test-play-") as folder:
        events, output = Path(folder) / "events", Path(folder) / "output"
        events.touch()
        if extra:
            variables = Path(folder) / "variables.json"
            variables.touch(0o600)
            variables.write_text(json.dumps(extra))
            command.append(f"--extra-vars=@{variables}")
        started = time.monotonic()
        with output.open("wb") as sink:
            process = subprocess.Popen(
                command,
                env={**os.environ, **_settings(events)},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                code = _wait(process, events, kill_at)
            finally:
                if process.poll() is None:
                    _kill(process)
        played = _read(code, events, output, time.monotonic() - started)
    if must and not kill_at:
        assert played.code == 0, f"{name} ended with {played.code}\n{played.output}"
    if kill_at:
        assert played.code == KILLED, f"{name} ended before {kill_at!r} began\n{played.output}"
    return played


def _settings(events: Path) -> dict[str, str]:
    return {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).with_name("callbacks")),
        "QUIPUX_TEST_EVENTS": str(events),
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_FORCE_COLOR": "0",
        # Connections live in the run's own folder and end with it: the next host may get the same address.
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(events.parent / "ssh"),
        "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=15s",
    }


def _wait(process: subprocess.Popen[bytes], events: Path, kill_at: str) -> int:
    deadline = time.monotonic() + TIME_LIMIT
    with events.open(encoding="utf-8") as lines:
        while (code := process.poll()) is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"the playbook took more than {TIME_LIMIT:.0f} s")
            if kill_at and any(_begins(line, kill_at) for line in lines):
                _kill(process)
                return KILLED
            time.sleep(0.05)
    return code


def _begins(line: str, pattern: str) -> bool:
    if not line.endswith("\n"):
        return False
    event = json.loads(line)
    return event["event"] == "start" and re.search(pattern, event["task"]) is not None


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End it and its workers, which are in sessions of their own, as a power cut would."""
    family = [process.pid, *_descendants(process.pid)]
    for pid in family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait(20)


def _descendants(pid: int) -> list[int]:
    found = []
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (thread / "children").read_text().split()):
                found += [child, *_descendants(child)]
    return found


def _read(code: int, events: Path, output: Path, seconds: float) -> Played:
    lines = [
        line for line in events.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n")
    ]
    happened = [json.loads(line) for line in lines]
    tasks = [Task(one["host"], one["task"], one["changed"]) for one in happened if one["event"] in TELLS]
    changed = sum(int(one["task"]) for one in happened if one["event"] == "end")
    return Played(code, changed, tasks, output.read_text(encoding="utf-8", errors="replace"), seconds)
