"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import stat
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


def write_new(path: Path, data: bytes, mode: int = 0o644) -> bool:
    """Write *data* as :func:`write_whole` does unless something stands at *path*; say whether it did.

    :raises OSError: it can't be written.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(part)
    except FileExistsError:
        return False
    finally:
        part.unlink(missing_ok=True)
    return True


def refuse_existing(path: Path) -> None:
    """Refuse a *path* that is taken: an act or a dossier is not written over by a later one.

    :raises UsageError: something stands there.
    """
    if os.path.lexists(path):
        raise UsageError(
            _("{path} is there already").format(path=path), _("name another file: --output FILE")
        )


def write_private(path: Path, data: bytes, *, again: bool = False) -> None:
    """Write *data* to a new file *path* as :func:`write_whole` does, readable by its owner only.

    :param again: what stands there gives way to its like, but a slip must not cost a ledger, a key or a
        device.
    :raises UsageError: it can't be written, or something stands there.
    """
    try:
        if not again:
            refuse_existing(path)
        elif _other(path, data):
            raise UsageError(
                _("{path} holds something else already").format(path=path), _("name another file")
            )
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, data, 0o600)
    except OSError as error:
        raise UsageError(
            _("{path} cannot be written: {reason}").format(path=path, reason=error.strerror),
            _("name a file in a folder of your own"),
        ) from None


def _other(path: Path, data: bytes) -> bool:
    """Whether what stands at *path* is no plain file that begins as *data* does."""
    if not os.path.lexists(path):
        return False
    if path.is_symlink() or not path.is_file():
        return True
    with path.open("rb") as file:
        there = file.read(2)
    return there not in (b"", data[:2])


def read_limited(path: Path, largest: int) -> bytes:
    """Return the content of the file *path*; a pipe does not hold us, a device does not fill the memory.

    :raises UsageError: it can't be read, is no file, or is larger than *largest* bytes.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
            content = file.read(largest + 1) if regular else b""
    except OSError as error:
        raise UsageError(
            _("{path} cannot be read: {reason}").format(path=path, reason=error.strerror),
            _("name a file that is there"),
        ) from None
    if not regular:
        raise UsageError(_("{path} is not a file").format(path=path), _("name a file that is there"))
    if len(content) > largest:
        raise UsageError(
            _("{path} is too large to keep").format(path=path),
            _("give one of at most {most} MiB").format(most=largest // 1024**2),
        )
    return content
