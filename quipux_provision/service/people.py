"""Who may sign, and locks that a person removes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from quipux_provision.errors import UsageError
from quipux_provision.i18n import _
from quipux_provision.service.workspace import Workspace


def public_key_line(path: Path) -> str:
    """Return the line of a ``.pub`` file.

    :raises UsageError: there is no such file, or it is a private key.
    """
    try:
        text = path.expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise UsageError(
            _("cannot read the public key {path}").format(path=path),
            _("name the .pub file; to make a key: ssh-keygen -t ed25519"),
        ) from None
    if "PRIVATE KEY" in text:
        raise UsageError(
            _("{path} is a private key").format(path=path), _("name its other half, the .pub file")
        )
    return text.strip()


def people(workspace: Workspace) -> list[dict[str, Any]]:
    """Return ``name, fingerprint, namespaces`` of everyone who may sign."""
    return [
        {
            "name": signer.principal,
            "fingerprint": signer.key.fingerprint,
            "namespaces": list(signer.namespaces),
        }
        for signer in workspace.signers.signers
    ]


def unlock(workspace: Workspace, names: Sequence[str], environment_name: str, reason: str) -> list[str]:
    """Remove the locks of *names*, signed and recorded; return them.

    :raises UsageError: one of them is not locked.
    """
    from quipux_provision.store import locks
    from quipux_provision.store.signatures import RUN

    environment = workspace.environment(environment_name)
    statement = {
        "ledger_id": workspace.ledger.ledger_id,
        "environment": environment.name,
        "unlock": list(names),
    }
    actor, signed = workspace.signed(RUN, statement)
    for name in names:
        locks.unlock(workspace.ledger, environment.name, name, actor, reason, signed=signed)
    return list(names)
