"""Prove that the ledger is whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quipux_provision.errors import UsageError
from quipux_provision.i18n import _
from quipux_provision.service.workspace import Workspace

if TYPE_CHECKING:
    from quipux_provision.store.audit import Finding


def verify(
    workspace: Workspace,
    kept_elsewhere: Sequence[Path] = (),
    signers_file: Path | None = None,
    mail_heads: Sequence[str] = (),
) -> dict[str, Any]:
    """Verify every event, signature and checkpoint.

    :param kept_elsewhere: checkpoints besides those of the workspace.
    :param mail_heads: ledger heads from the headers of mails, ``COUNT:HASH``.
    :param signers_file: signers to trust instead of the settings' ones.
    :raises UsageError: a named file is not there.
    :returns: ``ok, events, checkpoints, findings``; a finding is ``code, severity, seq, message``.
    """
    from quipux_provision.store import audit, checkpoints
    from quipux_provision.store.signers import AllowedSigners

    for path in kept_elsewhere:
        if not path.is_file():
            raise UsageError(
                _("there is no checkpoint {path}").format(path=path), _("name a .json file of checkpoints/")
            )
    signers = workspace.signers
    if signers_file is not None:
        signers = AllowedSigners.load(str(signers_file.absolute()), workspace.root)
    files = [*checkpoints.files(workspace.root), *kept_elsewhere]
    findings = audit.verify(workspace.ledger, signers, files, mail_heads=mail_heads)
    told = _told(findings)
    if not files and not mail_heads:
        message = _("no checkpoint is there to compare with: a cut end or a rewritten chain would not show")
        told.append({"code": "no_checkpoint", "severity": "notice", "seq": None, "message": message})
    newest = workspace.ledger.newest()
    return {
        "ok": all(finding.severity != "error" for finding in findings),
        "events": newest.seq if newest else 0,
        "checkpoints": len(files),
        "findings": told,
    }


def verify_dossier(
    path: Path, workspace: Workspace | None, signers_file: Path | None = None
) -> dict[str, Any]:
    """Verify the dossier at *path*; neither ledger nor network is needed.

    :param workspace: whose signers are trusted, None: those that came with the dossier.
    :param signers_file: signers to trust instead.
    :raises UsageError: there is no such file.
    :returns: ``ok, dossier, findings``; a finding is ``code, severity, seq, message``.
    """
    from quipux_provision.store import dossier
    from quipux_provision.store.signers import AllowedSigners

    if not path.is_file():
        raise UsageError(
            _("there is no dossier {path}").format(path=path), _("name a file that export wrote")
        )
    signers = workspace.signers if workspace else None
    if signers_file is not None:
        signers = AllowedSigners.load(str(signers_file.absolute()), Path.cwd())
    findings = dossier.verify(path, signers)
    ok = all(finding.severity != "error" for finding in findings)
    return {"ok": ok, "dossier": str(path), "findings": _told(findings)}


def _told(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [{"code": f.code, "severity": f.severity, "seq": f.seq, "message": f.message} for f in findings]
