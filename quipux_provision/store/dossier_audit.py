"""Verify a dossier without the ledger it came from, and without trusting a byte of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

from quipux_provision.domain.approval import parse_time
from quipux_provision.domain.canonical import canonical_json
from quipux_provision.domain.kinds import LEDGER_CREATED
from quipux_provision.errors import ProvisionError, UsageError
from quipux_provision.i18n import _
from quipux_provision.store import anchors, plain_zip
from quipux_provision.store import checkpoints as points
from quipux_provision.store.audit import Beside, Row, examine, read_events
from quipux_provision.store.dossier_parts import (
    CHAIN,
    FORMAT,
    MANIFEST,
    README,
    SIGNERS,
    Contents,
    about,
    copies,
    personal_name,
)
from quipux_provision.store.events import Event, LedgerFile
from quipux_provision.store.findings import Finding
from quipux_provision.store.ledger import GENESIS
from quipux_provision.store.signatures import DOSSIER
from quipux_provision.store.signatures import verify as verify_signature
from quipux_provision.store.signers import AllowedSigners

_MANIFEST_KEYS = {
    "format",
    "ledger_id",
    "case",
    "count",
    "head",
    "created_at",
    "signers_sha256",
    "members",
}
_BROKEN = (ValueError, KeyError, TypeError, AttributeError, RecursionError, ProvisionError)


@dataclass(frozen=True)
class _Opened:
    """A dossier whose members are those of its manifest."""

    manifest: Mapping[str, Any]
    members: Mapping[str, bytes]
    armour: str
    created_at: datetime


class _Damaged(Exception):
    """The file is no whole dossier; the text says what is wrong with it."""


def verify(path: Path, signers: AllowedSigners | None = None) -> list[Finding]:
    """Return all that is wrong with the dossier at *path*; empty when it is sound.

    :param signers: whose signatures count; None: those that the dossier itself names, which proves only that
        it fits together, and a notice says so.
    :raises UsageError: the file cannot be read.
    """
    try:
        opened = _open(path)
        trusted = signers or _own_signers(opened)
        contents, findings = _read(opened)
    except _Damaged as damage:
        return [Finding("dossier_damaged", str(damage))]
    findings += _signature(opened, trusted, contents.events)
    if signers is None:
        message = _("the signers are those that the dossier names; compare their file's SHA-256: {sha256}")
        own = message.format(sha256=trusted.sha256)
        findings.append(Finding("dossier_signers", own, severity="notice"))
    files = {(contents.case, name): file.sha256 for name, file in contents.files.items()}
    try:
        beside = Beside(contents.personal, files)
        findings += list(examine(contents.events, beside, trusted, opened.manifest["ledger_id"]))
    except _BROKEN:
        findings.append(Finding("dossier_damaged", _("its events cannot be understood")))
    findings += _checkpoints(opened, contents, trusted)
    return sorted(findings, key=lambda finding: (finding.seq is None, finding.seq or 0))


def _open(path: Path) -> _Opened:
    try:
        with path.open("rb") as file:
            data = file.read(plain_zip.LARGEST_BYTES + 1)
    except OSError as error:
        raise UsageError(
            _("cannot read {path}: {reason}").format(path=path, reason=error.strerror),
            _("name the .zip file that quipux-provision export wrote"),
        ) from None
    try:
        members = plain_zip.unpack(data) if len(data) <= plain_zip.LARGEST_BYTES else {}
        signed = members.pop(MANIFEST)
        armour = members.pop(f"{MANIFEST}.sig").decode("ascii")
        manifest = json.loads(signed)
        good = canonical_json(manifest) == signed and set(manifest) == _MANIFEST_KEYS
        good = good and manifest["format"] == FORMAT and type(manifest["count"]) is int
        good = good and all(isinstance(manifest[key], str) for key in ("ledger_id", "case", "head"))
        created_at = parse_time(manifest["created_at"])
    except _BROKEN:
        good = False
    if not good:
        raise _Damaged(_("{path} is no dossier, or its bytes were changed").format(path=path.name))
    found = {
        name: {"sha256": sha256(content).hexdigest(), "size": len(content)}
        for name, content in members.items()
    }
    if found != manifest["members"] or not {CHAIN, SIGNERS, README} <= set(members):
        raise _Damaged(_("its members are not those of its manifest"))
    return _Opened(manifest, members, armour, created_at)


def _own_signers(opened: _Opened) -> AllowedSigners:
    try:
        return AllowedSigners.parse(opened.members[SIGNERS], SIGNERS)
    except UsageError as error:
        raise _Damaged(error.message) from None


def _read(opened: _Opened) -> tuple[Contents, list[Finding]]:
    manifest, members = opened.manifest, opened.members
    try:
        lines = [json.loads(line) for line in members[CHAIN].split(b"\n")[:-1]]
        whole = [(number, line) for number, line in enumerate(lines, 1) if not isinstance(line, str)]
        hashes = [line if isinstance(line, str) else line["hash"] for line in lines]
        rows = [{**line, "data": canonical_json(line["data"]).decode("utf-8")} for _number, line in whole]
        events, findings = read_events(rows)
        ledger_id = events[0].data["ledger_id"]
        exact = b"".join(canonical_json(line) + b"\n" for line in lines) == members[CHAIN]
        exact = exact and [event.seq for event in events] == [number for number, _line in whole]
        exact = exact and events[0].kind == LEDGER_CREATED and ledger_id == manifest["ledger_id"]
        exact = exact and (len(hashes), hashes[-1]) == (manifest["count"], manifest["head"])
        exact = exact and all(_typed(event) and about(event, manifest["case"]) for event in events)
        contents = Contents(manifest["case"], hashes, events, _personal(events, members), _files(members))
        derived = copies(contents)
    except (*_BROKEN, IndexError):
        exact = False
    if not exact:
        raise _Damaged(_("its chain of events is not whole, or not the one that its manifest names"))
    points_kept = {name.removesuffix(".sig") for name in members if name.startswith("checkpoints/")}
    others = {name for name in members if not name.startswith(("files/", "checkpoints/"))}
    same = others == {*derived, README, CHAIN, SIGNERS}
    same = same and all(members[name] == content for name, content in derived.items())
    if not same or not all({name, f"{name}.sig"} <= set(members) for name in points_kept):
        raise _Damaged(_("its members are not those that its events name"))
    return contents, findings + list(_links(events, hashes))


def _typed(event: Event) -> bool:
    texts = (event.case, event.environment, event.actor, event.personal_ref, event.personal_digest)
    sure = (event.kind, event.previous, event.hash)
    return all(isinstance(text, str) for text in sure) and all(
        text is None or isinstance(text, str) for text in texts
    )


def _personal(events: Sequence[Event], members: Mapping[str, bytes]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for event in events:
        content = members.get(personal_name(event))
        if content is not None and event.personal_ref is not None:
            stored = json.loads(content)
            found[event.personal_ref] = {
                "ref": event.personal_ref,
                "case": event.case,
                "salt": stored["salt"].encode("ascii").decode("ascii"),
                "data": canonical_json(stored["data"]).decode("utf-8"),
                "digest": event.personal_digest,
            }
    return found


def _files(members: Mapping[str, bytes]) -> dict[str, LedgerFile]:
    found = {}
    for name, content in members.items():
        if name.startswith("files/"):
            stem, _dot, _extension = name.removeprefix("files/").partition(".")
            if stem in found:
                raise ValueError
            found[stem] = LedgerFile(content, "")
    return found


def _links(events: Sequence[Event], hashes: Sequence[str]) -> Iterator[Finding]:
    for event in events:
        if event.previous != (hashes[event.seq - 2] if event.seq > 1 else GENESIS):
            message = _("event {seq} follows an event that is not there; events were removed or replaced")
            yield Finding("removed", message.format(seq=event.seq), seq=event.seq)
    for before, after in pairwise(events):
        if after.time < before.time:
            message = _("event {seq} is earlier than the one before it; the clock was set back")
            yield Finding("clock", message.format(seq=after.seq), seq=after.seq)


def _signature(opened: _Opened, signers: AllowedSigners, events: Sequence[Event]) -> Iterator[Finding]:
    data = canonical_json(opened.manifest)
    try:
        verify_signature(signers, DOSSIER, data, opened.armour, at=opened.created_at)
    except ProvisionError as error:
        message = _("the dossier's own signature: {reason}").format(reason=error.message)
        yield Finding("signature_invalid", message)
    if opened.created_at < events[-1].time.replace(microsecond=0):
        yield Finding("clock", _("the dossier was signed before its last event"))


def _checkpoints(opened: _Opened, contents: Contents, signers: AllowedSigners) -> Iterator[Finding]:
    known = []
    names = {name for name in opened.members if name.startswith("checkpoints/")}
    for name in sorted(name for name in names if not name.endswith(".sig")):
        armour = opened.members.get(f"{name}.sig", b"").decode("ascii", "replace")
        try:
            anchor = points.parse(name, opened.members[name], armour)
            points.check_signature(anchor, signers)
        except ProvisionError as error:
            yield anchors.invalid(name, error)
        else:
            known.append(anchor)
    yield from anchors.compare(contents.hashes, opened.manifest["ledger_id"], known)
