"""Events as progress: which host does which task, and since when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

State = Literal["started", "ok", "changed", "failed", "unreachable"]
_STATES: Mapping[str, State] = {
    "runner_on_start": "started",
    "runner_on_ok": "ok",
    "runner_on_failed": "failed",
    "runner_on_unreachable": "unreachable",
}


@dataclass(frozen=True)
class Progress:
    """One step: a task on a host, seconds since the run began, and how far it is."""

    host: str
    task: str
    elapsed: float
    state: State


def progress_of(event: Mapping[str, Any], elapsed: float) -> Progress | None:
    """Return *event* as progress, or None if it is none. Pure."""
    state = _STATES.get(str(event.get("event")))
    if state is None:
        return None
    data = event.get("event_data") or {}
    if state == "ok" and (data.get("res") or {}).get("changed"):
        state = "changed"
    return Progress(str(data.get("host", "")), str(data.get("task", "")), elapsed, state)
