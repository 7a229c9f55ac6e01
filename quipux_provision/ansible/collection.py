"""Where the collection ``quipux.provision`` lies, and the digest that says which code would run."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from quipux_provision.errors import UsageError
from quipux_provision.i18n import _

_BESIDE_PACKAGE = Path(__file__).resolve().parents[2]
_NAME = Path("ansible_collections", "quipux", "provision")
_PARTS = ("playbooks", "plugins", "roles")
_LEFT_OUT = {"__pycache__", "molecule", "tests"}


def collection_path() -> Path:
    """Return the folder that holds ``ansible_collections``: the package's own (wheel) or ``.collections``.

    :raises UsageError: neither is there.
    """
    for folder in (_BESIDE_PACKAGE, _BESIDE_PACKAGE / ".collections"):
        if (folder / _NAME / "playbooks").is_dir():
            return folder
    raise UsageError(
        _("The Ansible collection quipux.provision was not found beside the program."),
        _("Install the package again; in a checkout: make setup"),
    )


@cache
def collection_digest() -> str:
    """Return the SHA-256 (hex) over the paths and contents of roles/, plugins/ and playbooks/, without tests.

    It is taken once a process, so that all of a run's plans name the same code.

    :raises UsageError: the collection is not there.
    """
    root = collection_path() / _NAME
    files = {
        path.relative_to(root).as_posix(): path
        for part in _PARTS
        for path in (root / part).rglob("*")
        if path.is_file() and path.suffix != ".pyc" and not _LEFT_OUT & set(path.relative_to(root).parts)
    }
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(name.encode() + b"\0" + hashlib.sha256(files[name].read_bytes()).digest())
    return total.hexdigest()
