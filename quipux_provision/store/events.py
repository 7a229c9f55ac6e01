"""An event of the ledger: what it holds, how it is hashed, how it stands in a row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from quipux_provision.domain.canonical import digest


@dataclass(frozen=True)
class NewEvent:
    """An event to append.

    :param kind: one of the kinds of ``domain.kinds``.
    :param data: JSON values; no personal data, no secret.
    :param personal: JSON values that purge may delete later; written in the same transaction.
    """

    kind: str
    case: str | None
    environment: str | None
    actor: str | None
    data: Mapping[str, Any]
    personal: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Event:
    """An event of the chain; ``time`` is UTC, the digests are SHA-256 in hex."""

    seq: int
    time: datetime
    kind: str
    case: str | None
    environment: str | None
    actor: str | None
    data: Mapping[str, Any]
    personal_ref: str | None
    personal_digest: str | None
    previous: str
    hash: str

    def computed_hash(self) -> str:
        """Return the hash that the event's content has."""
        return digest(
            {
                "previous": self.previous,
                "seq": self.seq,
                "time": format_moment(self.time),
                "kind": self.kind,
                "case": self.case,
                "environment": self.environment,
                "actor": self.actor,
                "data": self.data,
                "personal_digest": self.personal_digest,
            }
        )


def format_moment(moment: datetime) -> str:
    """Return *moment* as ``2026-11-03T15:00:00.000000Z``; the text sorts as time does."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_moment(text: str) -> datetime:
    """Read what :func:`format_moment` writes."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def event_of(row: Mapping[Any, Any]) -> Event:
    """Return the event of a row.

    :raises ValueError: its time or data is not what we write.
    """
    return Event(**{**row, "time": parse_moment(row["time"]), "data": json.loads(row["data"])})
