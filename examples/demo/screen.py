"""What the demonstration shows: titles, the program's clock, commands as typed with what they answer."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo

from libfaketime import get_reload_information
from stage import BINARIES, WORKSPACE, Person, environment

ECUADOR = ZoneInfo("America/Guayaquil")


class DemoError(Exception):
    """The program did not do what the demonstration shows."""


def expect(condition: bool, text: str) -> None:
    """Stop the demonstration unless *condition* holds."""
    if not condition:
        raise DemoError(text)


def title(text: str) -> None:
    """Print the heading of a step."""
    print(f"\n\033[1m== {text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def tell(text: str) -> None:
    """Print what happens beside the commands."""
    print(f"# {text}", flush=True)


class Clock:
    """The program's clock, moved from outside of it. The story ends today, so that it only goes forward."""

    environ: ClassVar[dict[str, str]] = {}
    _today: ClassVar[date] = datetime.now(ECUADOR).date()

    @classmethod
    def day(cls, ago: int) -> date:
        """Return the day in Ecuador that many days ago."""
        return cls._today - timedelta(days=ago)

    @classmethod
    def set(cls, ago: int, hour: str) -> None:
        """Let the commands to come run on a day that is past, from *hour* in Ecuador on."""
        moment = datetime.combine(cls.day(ago), time.fromisoformat(hour), ECUADOR)
        shift = round((moment - datetime.now(ECUADOR)).total_seconds())
        _needed, preload = get_reload_information()
        cls.environ = {**preload, "FAKETIME": f"{shift:+d}"}
        tell(f"the clock: {moment:%A %d %B %Y, %H:%M} in Ecuador")

    @classmethod
    def release(cls) -> None:
        """Let the commands to come run now."""
        cls.environ = {}
        tell("the clock: now")


class Shown:
    """Prints a command's lines as they come; many that were printed before are only counted."""

    _known: ClassVar[set[str]] = set()

    def __init__(self) -> None:
        self._again: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        last, self._again = self._again[-2:], self._again[:-2]  # the end of an output is its result
        self._flush()
        self._again = last
        self._flush()

    def line(self, line: str) -> None:
        """Print *line*, now or when the next new one comes."""
        if line in self._known:
            self._again.append(line)
            return
        self._flush()
        self._known.add(line)
        print(f"  {line}", end="", flush=True)

    def _flush(self) -> None:
        if len(self._again) > 4:
            self._again = [f"... {len(self._again)} lines as above\n"]
        for line in self._again:
            print(f"  {line}", end="", flush=True)
        self._again = []


def quipux(*words: str, by: Person | None = None, exit_code: int = 0, quiet: bool = False) -> str:
    """Run ``quipux-provision`` as a person would, show and return its output, and check its exit code."""
    arguments = [*words, *(["--key", by.key] if by else [])]
    shown = shlex.join(["quipux-provision", *arguments])
    print(f"$ {shown}", flush=True)
    with _started(arguments, subprocess.STDOUT) as process, Shown() as screen:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if not quiet:
                screen.line(line)
    output = "".join(lines)
    if process.returncode:
        print(f"  [exit code {process.returncode}]")
    expect(
        process.returncode == exit_code,
        f"{shown}: exit code {process.returncode} in place of {exit_code}\n{output if quiet else ''}",
    )
    return output


def _started(arguments: list[str], errors: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [BINARIES / "quipux-provision", *arguments],
        cwd=WORKSPACE,
        env={**environment(), **Clock.environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        encoding="utf-8",
    )


def cases() -> dict[str, dict[str, Any]]:
    """Return case -> what ``status --format json`` gives of it; nothing is shown."""
    with _started(["status", "--format", "json"], subprocess.DEVNULL) as process:
        assert process.stdout is not None
        output = process.stdout.read()
    expect(process.returncode == 0, "status does not answer")
    return {case["case"]: case for case in json.loads(output)["cases"]}


def states() -> dict[str, str]:
    """Return case -> state."""
    return {name: case["state"] for name, case in cases().items()}
