"""An event of the ledger: what it holds, how it is hashed, how it stands in a row."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from typing import Any

from quipux_provision.domain.canonical import digest

_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")


@dataclass(frozen=True)
class LedgerFile:
    """A file that the ledger keeps, at most 5 MiB; its name is its SHA-256."""

    content: bytes
    media_type: str

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the content, in hex."""
        return sha256(self.content).hexdigest()


@dataclass(frozen=True)
class NewEvent:
    """An event to append.

    :param kind: one of the kinds of ``domain.kinds``.
    :param data: JSON values; no personal data, no secret.
    :param personal: JSON values that purge may delete later; written in the same transaction.
    :param files: files that *data* names by SHA-256 (``workbook_sha256``, ``files``), written and purged
        likewise.
    """

    kind: str
    case: str | None
    environment: str | None
    actor: str | None
    data: Mapping[str, Any]
    personal: Mapping[str, Any] | None = None
    files: tuple[LedgerFile, ...] = ()


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


def named_files(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the SHA-256 of the files that an event's data names."""
    listed = data.get("files")
    names = [data.get("workbook_sha256"), *(listed if isinstance(listed, list | tuple) else ())]
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str)))


def format_moment(moment: datetime) -> str:
    """Return *moment* as ``2026-11-03T15:00:00.000000Z``; the text sorts as time does."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def parse_moment(text: str) -> datetime:
    """Read what :func:`format_moment` writes.

    :raises ValueError: it is anything else.
    """
    # Not strptime: every command reads every event's time, and this is ten times as fast.
    if not _MOMENT.fullmatch(text):
        raise ValueError(f"not a moment of ours: {text!r}")
    return datetime.fromisoformat(text)


def event_of(row: Mapping[Any, Any]) -> Event:
    """Return the event of a row.

    :raises ValueError: its time or data is not what we write.
    """
    return Event(**{**row, "time": parse_moment(row["time"]), "data": json.loads(row["data"])})
