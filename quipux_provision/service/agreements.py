"""The signed agreement of a citizen's case: what the approver sees, and the file that goes to the host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from quipux_provision.domain.states import CaseState
from quipux_provision.errors import GateClosed, UsageError
from quipux_provision.i18n import _
from quipux_provision.service.workspace import Workspace

FOLDER = ".agreements"  # copies that runs read; the ledger holds the agreement itself


def agreement_of(workspace: Workspace, case: CaseState) -> dict[str, Any] | None:
    """Return what people have to know of the agreement of *case*; None: it is no citizen's.

    :returns: ``sha256, content_sha256, signers, warnings``; a signer is ``name, national_id, issuer, serial,
        not_before, not_after, signed_at, digest_algorithm, certificate_sha256``.
    :raises GateClosed: the ledger does not hold it.
    """
    from quipux_provision.store.agreement import check_signer, read_agreement

    citizen = workspace.request(case).citizen
    if citizen is None:
        return None
    agreement = read_agreement(_content(workspace, case), workspace.now())
    warnings = [finding.message for finding in check_signer(agreement, citizen.national_id)]
    return {**agreement.as_dict(), "warnings": warnings}


def file_of(workspace: Workspace, case: CaseState) -> Path:
    """Return a copy of the agreement of *case* (0600) for a run; purge removes it.

    :raises GateClosed: the ledger does not hold it.
    :raises UsageError: the copy cannot be written.
    """
    from quipux_provision.store.files import write_whole

    content = _content(workspace, case)
    path = copy_of(workspace.root, case.case)
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.parent.chmod(0o700)
        write_whole(path.parent / ".gitignore", b"*\n", 0o600)
        write_whole(path, content, 0o600)
    except OSError as error:
        raise UsageError(
            _("{path} cannot be written: {reason}").format(path=path, reason=error.strerror),
            _("make the folder of the workspace writable for you"),
        ) from None
    return path


def copy_of(root: Path, name: str) -> Path:
    """Return where the copy for runs of the case *name* lies."""
    return root / FOLDER / f"{name}.pdf.p7m"


def _content(workspace: Workspace, case: CaseState) -> bytes:
    agreement = workspace.request(case).agreement
    content = workspace.ledger.file(agreement.sha256) if agreement else None
    if content is None:
        raise GateClosed(
            _("the ledger does not hold a signed agreement of {case}").format(case=case.case),
            _("restore the ledger from a backup"),
        )
    return content
