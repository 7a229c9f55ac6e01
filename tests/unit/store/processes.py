"""What other processes do to a ledger in these tests: `python processes.py VERB URL WORKSPACE ...`.

A password for the ledger comes by the environment variable LEDGER_PASSWORD.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from quipux_provision.store import locks
from quipux_provision.store.ledger import Ledger, NewEvent

if TYPE_CHECKING:
    from tests.unit.store.support import Place


def start(place: Place, *arguments: str) -> subprocess.Popen[str]:
    """Start this file as a process that works on the ledger at *place*."""
    verb, *more = arguments
    environment = dict(os.environ)
    if place.password:
        environment["LEDGER_PASSWORD"] = place.password
    return subprocess.Popen(
        [sys.executable, "-m", __name__, verb, place.url, str(place.workspace), *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=Path(__file__).parents[3],
    )


def _ready() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


def _event(number: int) -> NewEvent:
    name = str(os.getpid())
    return NewEvent("plan.recorded", f"case-{number}", "training", name, {"n": number}, {"name": name})


def main() -> None:
    verb, url, workspace, *more = sys.argv[1:]
    ledger = Ledger.open(url, Path(workspace), password=os.environ.get("LEDGER_PASSWORD"))
    if verb == "append":
        for number in range(int(more[0])):
            ledger.append([_event(number), _event(number)])
    elif verb == "die-before-commit":
        with ledger.writing() as connection:
            ledger.append_in(connection, [_event(number) for number in range(50)])
            _ready()
    elif verb == "hold":
        with locks.acquire(ledger, "training", more, reason="apply") as held:
            print(" ".join(held.held), flush=True)
            sys.stdin.readline()
    elif verb == "race":
        with locks.acquire(ledger, "training", more, reason="apply") as held:
            if held.held:
                ledger.append([NewEvent("run.applied", case, "training", None, {}) for case in held.held])
                time.sleep(0.05)


if __name__ == "__main__":
    main()
