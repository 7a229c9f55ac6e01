"""The dossier of a case: everything that the ledger knows of it, signed, to be verified without the ledger.

It is a zip file of one byte form (:mod:`.plain_zip`)::

    manifest.json, .sig   what is in it, signed by who exported it; SHA-256 and size of each member
    chain.jsonl           line n is event n: whole where it is about the case, else its hash alone
    personal/             the personal data of those events, with the salt of its digest
    approvals/            the decisions' documents and signatures, as ``ssh-keygen -Y verify`` takes them
    files/                the workbooks and the evidence, named by SHA-256
    checkpoints/          those that name one of its events, and the newest
    allowed_signers       who could sign, when it was exported
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quipux_provision.domain.approval import format_time
from quipux_provision.domain.canonical import canonical_json
from quipux_provision.errors import GateClosed, ProvisionError, UsageError
from quipux_provision.i18n import _
from quipux_provision.store import checkpoints as points
from quipux_provision.store import kept, plain_zip
from quipux_provision.store.audit import Row, read_events
from quipux_provision.store.dossier_audit import verify
from quipux_provision.store.dossier_parts import (
    CHAIN,
    FORMAT,
    MANIFEST,
    README,
    SIGNERS,
    Contents,
    about,
    copies,
    extension,
)
from quipux_provision.store.events import Event, format_moment
from quipux_provision.store.files import write_private
from quipux_provision.store.ledger import Ledger
from quipux_provision.store.signatures import DOSSIER
from quipux_provision.store.signers import AllowedSigners

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["verify", "write"]

_TEXT = """\
Expediente del caso {case}: lo que consta de él en el libro de eventos de quipux-provision.

Contiene datos personales: guárdelo y entréguelo como tal.
Se comprueba, sin el libro y sin conexión, con:

    quipux-provision audit verify ARCHIVO.zip

chain.jsonl tiene una línea por evento del libro: entera si es de este caso, y solo su huella si es de otro.
personal/ guarda los datos de cada evento, approvals/ las decisiones firmadas, files/ las plantillas de
seguimiento recibidas y las evidencias, checkpoints/ los puntos de control y allowed_signers quiénes
podían firmar.
"""


def write(
    path: Path,
    ledger: Ledger,
    signers: AllowedSigners,
    case: str,
    sign: Callable[[str, bytes], tuple[str, str]],
    workspace: Path,
) -> dict[str, Any]:
    """Write the dossier of *case* to *path*, readable by its owner only, and return its manifest.

    :param sign: signs bytes in a namespace; returns the principal and the armour.
    :param workspace: where the checkpoints lie.
    :raises UsageError: the ledger knows no such case, it cannot be written, or it would be too large.
    :raises GateClosed: the ledger is damaged.
    """
    ledger_id = ledger.ledger_id
    contents = _contents(ledger, case)
    members = {
        README: _TEXT.format(case=case).encode("utf-8"),
        CHAIN: _chain(contents),
        SIGNERS: signers.content,
        **copies(contents),
        **{f"files/{name}.{extension(file)}": file.content for name, file in contents.files.items()},
        **_checkpoints(workspace, ledger_id, contents),
    }
    manifest = {
        "format": FORMAT,
        "ledger_id": ledger_id,
        "case": case,
        "count": len(contents.hashes),
        "head": contents.hashes[-1],
        "created_at": format_time(ledger.now()),
        "signers_sha256": signers.sha256,
        "members": {
            name: {"sha256": sha256(content).hexdigest(), "size": len(content)}
            for name, content in members.items()
        },
    }
    data = canonical_json(manifest)
    _principal, armour = sign(DOSSIER, data)
    try:
        packed = plain_zip.pack({**members, MANIFEST: data, f"{MANIFEST}.sig": armour.encode("ascii")})
    except ValueError:
        raise UsageError(
            _("the dossier of {case} would be larger than {most} MiB").format(
                case=case, most=plain_zip.LARGEST_BYTES // 1024**2
            ),
            _("export the case from a copy of the ledger that has fewer events"),
        ) from None
    write_private(path, packed)
    return manifest


def _contents(ledger: Ledger, case: str) -> Contents:
    from sqlalchemy import select

    from quipux_provision.store.tables import EVENTS

    with ledger.reading() as connection:
        rows = [dict(row) for row in connection.execute(select(EVENTS).order_by(EVENTS.c.seq)).mappings()]
        everything, changed = read_events(rows)
        if changed:
            raise GateClosed(
                changed[0].message, _("quipux-provision audit verify tells more; restore it from a backup")
            )
        events = [event for event in everything if about(event, case)]
        if all(event.case != case for event in events):
            raise UsageError(
                _("there is no case {case}").format(case=case), _("see: quipux-provision status")
            )
        personal = _personal(connection, events)
        files = kept.files_of(connection, case)
    return Contents(case, [row["hash"] for row in rows], events, personal, files)


def _personal(connection: Connection, events: Sequence[Event]) -> dict[str, Row]:
    from sqlalchemy import select

    from quipux_provision.store.tables import PERSONAL

    found: dict[str, Row] = {}
    for event in events:
        if event.personal_ref:
            query = select(PERSONAL).where(PERSONAL.c.ref == event.personal_ref)
            found |= {row["ref"]: dict(row) for row in connection.execute(query).mappings()}
    return found


def _chain(contents: Contents) -> bytes:
    lines = [canonical_json(one) for one in contents.hashes]
    for event in contents.events:
        parts = {name: getattr(event, name) for name in event.__dataclass_fields__}
        lines[event.seq - 1] = canonical_json({**parts, "time": format_moment(event.time)})
    return b"".join(line + b"\n" for line in lines)


def _checkpoints(workspace: Path, ledger_id: str, contents: Contents) -> dict[str, bytes]:
    numbers = {event.seq for event in contents.events}
    found = []
    for path in points.files(workspace):
        try:
            found.append((path.name, points.read(path)))
        except ProvisionError:
            continue  # audit verify tells of it
    ours = [(name, one) for name, one in found if one.ledger_id == ledger_id and one.armour]
    newest = max((one.count for _name, one in ours), default=0)
    members: dict[str, bytes] = {}
    for name, one in ours:
        if one.count in numbers | {newest} and one.count <= len(contents.hashes):
            armour = (one.armour or "").encode("ascii", "replace")
            members |= {f"checkpoints/{name}": one.data, f"checkpoints/{name}.sig": armour}
    return members
