"""What a review document says of an activity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FORMAT = "quipux-provision-review/1"
CUMPLE, NO_CUMPLE, NO_VERIFICABLE = "cumple", "no_cumple", "no_verificable"
VERDICTS = (CUMPLE, NO_CUMPLE, NO_VERIFICABLE)
OBLIGATORY, MANUAL = "obligatoria", "manual"
# What a login with the rights, or more time, would show: no file stands for it.
_OF_THE_LOGIN = {"rights_lack", "query_timed_out", "query_failed"}


def fails(activity: Mapping[str, Any]) -> bool:
    """Whether an obligatory activity was not found; what no database can show takes a file in its place."""
    if activity["weight"] != OBLIGATORY or activity["verdict"] == CUMPLE:
        return False
    return (
        activity["verdict"] == NO_CUMPLE
        or not activity["file"]
        or not _OF_THE_LOGIN.isdisjoint(activity["reasons"])
    )


def awaits_file(activity: Mapping[str, Any]) -> bool:
    """Whether a manual activity has no file yet: it closes nothing, and nothing shows it."""
    return activity["weight"] == MANUAL and not activity["file"]
