"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


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
