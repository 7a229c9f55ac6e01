"""What a review document says of an activity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FORMAT = "quipux-provision-review/1"
CUMPLE, NO_CUMPLE, NO_VERIFICABLE = "cumple", "no_cumple", "no_verificable"
VERDICTS = (CUMPLE, NO_CUMPLE, NO_VERIFICABLE)
OBLIGATORY = "obligatoria"


def fails(activity: Mapping[str, Any]) -> bool:
    """Whether an obligatory activity was not found; what no database can show takes a file in its place."""
    if activity["weight"] != OBLIGATORY or activity["verdict"] == CUMPLE:
        return False
    return activity["verdict"] == NO_CUMPLE or not activity["file"]
