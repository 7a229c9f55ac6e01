"""What lies beside the events, and purge may delete: personal data and files."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from quipux_provision.domain.canonical import canonical_json, salted_digest
from quipux_provision.errors import GateClosed, UsageError
from quipux_provision.i18n import _
from quipux_provision.store.events import LedgerFile, NewEvent, named_files

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, RowMapping

LARGEST_FILE_BYTES = 5 * 1024 * 1024
_QUERY_BATCH = 500


def personal_row(new: NewEvent) -> dict[str, Any] | None:
    """Return the row that keeps the event's personal data, its salt and reference made anew."""
    if new.personal is None:
        return None
    salt, data = secrets.token_hex(32), dict(new.personal)
    return {
        "ref": secrets.token_hex(16),
        "case": new.case,
        "salt": salt,
        "data": canonical_json(data).decode("utf-8"),
        "digest": salted_digest(salt, data),
    }


def personal_of(
    connection: Connection, refs: Iterable[str | None], digests: Mapping[str | None, str | None] | None
) -> dict[str, dict[str, Any]]:
    """Return personal data by reference, as :meth:`.ledger.Ledger.personal_of` does."""
    from sqlalchemy import select

    from quipux_provision.store.tables import PERSONAL

    wanted = sorted({ref for ref in refs if ref})
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(wanted), _QUERY_BATCH):
        query = select(PERSONAL).where(PERSONAL.c.ref.in_(wanted[start : start + _QUERY_BATCH]))
        for row in connection.execute(query).mappings():
            said = digests.get(row["ref"], row["digest"]) if digests else row["digest"]
            found[row["ref"]] = _intact(row, said)
    return found


def _intact(row: RowMapping, digest: str | None) -> dict[str, Any]:
    try:
        data: dict[str, Any] = json.loads(row["data"])
        intact = salted_digest(row["salt"], data) == row["digest"] == digest
    except ValueError:
        intact = False
    if not intact:
        raise GateClosed(
            _("personal data of the ledger was changed ({ref})").format(ref=row["ref"]),
            _("quipux-provision audit verify tells more; restore the ledger from a backup"),
        )
    return data


def check_files(new: NewEvent) -> None:
    """Refuse files that are too large, or that the event does not name.

    :raises UsageError: a file is larger than 5 MiB.
    """
    named = named_files(new.data)
    for file in new.files:
        if len(file.content) > LARGEST_FILE_BYTES:
            raise UsageError(
                _("a file of {size} bytes is too large to keep").format(size=len(file.content)),
                _("give one of at most {most} MiB").format(most=LARGEST_FILE_BYTES // 1024**2),
            )
        if new.case is None or file.sha256 not in named:
            raise ValueError(f"{new.kind} does not name its file {file.sha256}")


def insert_files(connection: Connection, new: Sequence[NewEvent]) -> None:
    """Keep the files of *new*; one that the case has already is kept once."""
    from sqlalchemy import select

    from quipux_provision.store.tables import FILES

    wanted = {(one.case, file.sha256): file for one in new for file in one.files}
    for (case, fingerprint), file in wanted.items():
        same = select(FILES.c.size).where(FILES.c.case == case, FILES.c.sha256 == fingerprint)
        if connection.execute(same).first() is None:
            row: dict[str, Any] = {"case": case, "sha256": fingerprint, "media_type": file.media_type}
            connection.execute(FILES.insert(), [row | {"size": len(file.content), "content": file.content}])


def file(connection: Connection, fingerprint: str) -> LedgerFile | None:
    """Return the file of that SHA-256; None when it was purged or never kept.

    :raises GateClosed: it is there, and was changed.
    """
    from sqlalchemy import select

    from quipux_provision.store.tables import FILES, has_files

    if not has_files(connection):
        return None
    query = select(_content(), FILES.c.media_type).where(FILES.c.sha256 == fingerprint).limit(1)
    row = connection.execute(query).first()
    if row is None:
        return None
    found = LedgerFile(row[0], row[1])
    if found.sha256 != fingerprint:
        raise GateClosed(
            _("a file of the ledger was changed ({sha256})").format(sha256=fingerprint),
            _("quipux-provision audit verify tells more; restore the ledger from a backup"),
        )
    return found


def files_of(connection: Connection, case: str) -> dict[str, LedgerFile]:
    """Return the files of *case* by the SHA-256 that they are kept under, as they are."""
    from sqlalchemy import select

    from quipux_provision.store.tables import FILES, has_files

    if not has_files(connection):
        return {}
    query = select(FILES.c.sha256, _content(), FILES.c.media_type).where(FILES.c.case == case)
    return {name: LedgerFile(content, kind) for name, content, kind in connection.execute(query)}


def file_hashes(connection: Connection) -> Iterator[tuple[str, str, str]]:
    """Yield case, the SHA-256 that a file is kept under, and its content's, one file in memory at a time."""
    from sqlalchemy import select

    from quipux_provision.store.tables import FILES, has_files

    if not has_files(connection):
        return
    keys = connection.execute(select(FILES.c.case, FILES.c.sha256).order_by(FILES.c.case, FILES.c.sha256))
    for case, fingerprint in keys.all():
        query = select(_content()).where(FILES.c.case == case, FILES.c.sha256 == fingerprint)
        yield case, fingerprint, sha256(connection.execute(query).scalar_one()).hexdigest()


def _content() -> ColumnElement[bytes]:
    """Return the column of contents; SQLite gives whatever type somebody wrote, unless it is cast."""
    from sqlalchemy import LargeBinary, cast

    from quipux_provision.store.tables import FILES

    return cast(FILES.c.content, LargeBinary)


def delete(connection: Connection, case: str) -> tuple[list[str], list[str]]:
    """Delete the personal data and the files of *case*; return their references and SHA-256."""
    from sqlalchemy import delete as deletion
    from sqlalchemy import select

    from quipux_provision.store.tables import FILES, PERSONAL

    gone: list[list[str]] = []
    for table, key in ((PERSONAL, PERSONAL.c.ref), (FILES, FILES.c.sha256)):
        gone.append(list(connection.execute(select(key).where(table.c.case == case).order_by(key)).scalars()))
        connection.execute(deletion(table).where(table.c.case == case))
    return gone[0], gone[1]
