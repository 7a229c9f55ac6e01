"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from quipux_provision.errors import UsageError
from quipux_provision.i18n import _


def signature_of(path: Path) -> Path:
    """Return where the signature of the file *path* lies: beside it, as ssh-keygen names it."""
    return path.with_name(path.name + ".sig")


def write_whole(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write *data* to *path* such that no reader, and no crash, ever sees a part of it.

    :raises OSError: it can't be written; an earlier file at *path* is as it was.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_private(path: Path, data: bytes) -> None:
    """Write *data* to *path* as :func:`write_whole` does, readable by its owner only.

    :raises UsageError: it can't be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, data, 0o600)
    except OSError as error:
        raise UsageError(
            _("{path} cannot be written: {reason}").format(path=path, reason=error.strerror),
            _("name a file in a folder of your own"),
        ) from None
