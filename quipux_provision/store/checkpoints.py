"""Signed checkpoints: how many events there were, and the newest one's hash; they show a cut or a rewrite."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from quipux_provision.domain.canonical import canonical_json
from quipux_provision.errors import GateClosed, UsageError
from quipux_provision.i18n import _
from quipux_provision.store.files import signature_of, write_whole
from quipux_provision.store.ledger import GENESIS, Ledger, format_moment, parse_moment
from quipux_provision.store.signatures import CHECKPOINT, verify
from quipux_provision.store.signers import AllowedSigners

FOLDER = "checkpoints"
_MAIL_HEAD = re.compile(r"([0-9]{1,12}):([0-9a-f]{64})")


@dataclass(frozen=True)
class Checkpoint:
    """What a ledger was at a moment.

    :param count: number of events.
    :param head: hash of the newest of them.
    :param ledger_id: None when a mail's header, which does not name it, is the source.
    :param time: None likewise.
    """

    source: str
    count: int
    head: str
    ledger_id: str | None = None
    time: datetime | None = None
    data: bytes = b""
    armour: str | None = None


def head(ledger: Ledger) -> dict[str, Any]:
    """Return ``{ledger_id, count, head, time}`` of the ledger as it stands."""
    newest = ledger.newest()
    return {
        "ledger_id": ledger.ledger_id,
        "count": newest.seq if newest else 0,
        "head": newest.hash if newest else GENESIS,
        "time": format_moment(newest.time if newest else ledger.now()),
    }


def write(ledger: Ledger, sign: Callable[[str, bytes], tuple[str, str]], workspace: Path) -> Path:
    """Sign the ledger's head and keep it in ``checkpoints/``.

    :param sign: signs bytes in a namespace; returns the principal and the armour.
    :returns: the checkpoint's path; its signature lies beside it.
    """
    state = head(ledger)
    data = canonical_json(state)
    _principal, armour = sign(CHECKPOINT, data)
    folder = workspace / FOLDER
    path = folder / f"{state['ledger_id'][:8]}-{state['count']:08d}-{state['head'][:8]}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(signature_of(path), armour.encode("utf-8"))
        write_whole(path, data)
    except OSError as error:
        raise UsageError(
            _("cannot write {path}: {reason}").format(path=path, reason=error.strerror),
            _("correct the permissions of the folder {folder}").format(folder=folder),
        ) from None
    return path


def files(workspace: Path) -> list[Path]:
    """Return the workspace's checkpoints, oldest first."""
    return sorted((workspace / FOLDER).glob("*.json"), key=lambda path: path.name.partition("-")[2])


def read(path: Path) -> Checkpoint:
    """Read a checkpoint and its signature; only the form is checked.

    :raises UsageError: it can't be read.
    :raises GateClosed: its bytes are not a checkpoint's.
    """
    try:
        data = path.read_bytes()
        signature = signature_of(path)
        armour = signature.read_bytes().decode("ascii", "replace") if signature.exists() else None
    except OSError as error:
        raise UsageError(
            _("cannot read {path}: {reason}").format(path=path, reason=error.strerror),
            _("name a .json file of checkpoints/"),
        ) from None
    return parse(str(path), data, armour)


def parse(source: str, data: bytes, armour: str | None) -> Checkpoint:
    """Read the bytes of a checkpoint; only the form is checked.

    :raises GateClosed: they are not a checkpoint's.
    """
    try:
        raw = json.loads(data)
        checkpoint = Checkpoint(
            source=source,
            count=raw["count"],
            head=raw["head"],
            ledger_id=raw["ledger_id"],
            time=parse_moment(raw["time"]),
            data=data,
            armour=armour,
        )
        good = canonical_json(raw) == data and len(raw) == 4
        good = good and type(raw["count"]) is int and isinstance(raw["head"], str)
    except (ValueError, KeyError, TypeError, RecursionError):
        good = False
    if not good:
        raise GateClosed(
            _("{path} is not a checkpoint, or its bytes were changed").format(path=source),
            _("take the copy that was kept elsewhere"),
        )
    return checkpoint


def check_signature(checkpoint: Checkpoint, signers: AllowedSigners) -> str:
    """Return who signed a checkpoint that was read from a file.

    :raises GateClosed: nobody of *signers* did.
    """
    if checkpoint.armour is None or checkpoint.time is None:
        raise GateClosed(
            _("{path} has no signature").format(path=checkpoint.source),
            _("copy the .sig file that lay beside it"),
        )
    return verify(signers, CHECKPOINT, checkpoint.data, checkpoint.armour, at=checkpoint.time)


def from_mail(header: str, source: str = "mail") -> Checkpoint:
    """Read the head that stands in a mail's header, ``COUNT:HASH``.

    :raises UsageError: it has another form.
    """
    match = _MAIL_HEAD.fullmatch(header.strip())
    if not match:
        raise UsageError(
            _("{text} is not the ledger's head from a mail").format(text=header),
            _("copy the header's value, like 12:0a1b..."),
        )
    return Checkpoint(source, int(match[1]), match[2])
