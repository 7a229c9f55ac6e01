"""Who may sign, and locks that a person removes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quipux_provision.domain.canonical import canonical_json
from quipux_provision.service.workspace import Workspace

NAMESPACE = "quipux-provision-run"


def people(workspace: Workspace) -> list[dict[str, Any]]:
    """Return ``name, fingerprint, namespaces`` of everyone who may sign."""
    return [
        {
            "name": signer.principal,
            "fingerprint": signer.fingerprint,
            "namespaces": list(signer.namespaces or ()),
        }
        for signer in workspace.signers.signers
    ]


def unlock(workspace: Workspace, names: Sequence[str], environment_name: str, reason: str) -> list[str]:
    """Remove the locks of *names*, signed and recorded; return the cases that were locked."""
    from quipux_provision.store import locks

    environment = workspace.environment(environment_name)
    statement = {"ledger_id": workspace.ledger.ledger_id, "environment": environment.name, "unlock": list(names)}
    actor, _signature = workspace.sign(NAMESPACE, canonical_json(statement))
    return [
        name for name in names if locks.unlock(workspace.ledger, environment.name, name, actor, reason)
    ]
