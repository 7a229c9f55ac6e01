"""The end of a case's papers: its dossier, and the day on which its personal data goes."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from quipux_provision.domain.approval import format_time
from quipux_provision.domain.kinds import DESISTIDA, EN_PRODUCCION, RECHAZADA
from quipux_provision.domain.records import CaseState
from quipux_provision.domain.text import refused_characters
from quipux_provision.errors import GateClosed, UsageError
from quipux_provision.i18n import _
from quipux_provision.service.workspace import Workspace

_ENDED = (EN_PRODUCCION, RECHAZADA, DESISTIDA)


def export(workspace: Workspace, name: str, target: Path) -> dict[str, Any]:
    """Write the signed dossier of the case *name* to *target* and return its manifest."""
    from quipux_provision.store import dossier

    workspace.case(workspace.state(), name)
    return dict(
        dossier.write(target, workspace.ledger, workspace.signers, name, workspace.sign, workspace.root)
    )


def may_purge(workspace: Workspace, name: str) -> CaseState:
    """Return the case *name* if its personal data may go now.

    :raises GateClosed: it has not ended, or not long enough ago.
    """
    case = workspace.case(workspace.state(), name)
    if case.purged:
        return case
    if case.state not in _ENDED:
        raise GateClosed(
            _("{case} has not ended: it is {state}").format(case=name, state=case.state),
            _("only a case that ended can be purged; to end it: quipux-provision withdraw {case}").format(
                case=name
            ),
        )
    days = workspace.settings.policy.retention_days
    newest = case.newest or workspace.now()
    until = newest + timedelta(days=days)
    if workspace.now() < until:
        raise GateClosed(
            _("the data of {case} is kept until {time} ({days} days)").format(
                case=name, time=format_time(until), days=days
            ),
            _("wait, or change policy.retencion_dias in quipux-provision.yml"),
        )
    return case


def purge(workspace: Workspace, name: str, reason: str) -> dict[str, Any]:
    """Delete the personal data and the files of the case *name*, signed by whoever acts; the act stays.

    :returns: what was deleted, and ``unreachable``: where copies may lie that we cannot delete.
    """
    from quipux_provision.store.signatures import RUN

    case = may_purge(workspace, name)
    text = reason.strip()
    if not text or len(text) > 500 or next(refused_characters(text), None) is not None:
        raise UsageError(_("a reason is missing, or is no plain text"), _("say why: --reason ..."))
    unreachable = _unreachable(workspace, case)
    if case.purged:
        return {"case": name, "deleted": [], "unreachable": unreachable}
    statement = {"ledger_id": workspace.ledger.ledger_id, "case": name, "step": "purge"}
    actor, signed = workspace.signed(RUN, statement)
    event = workspace.ledger.purge(name, actor=actor, reason=text, signed=signed, seen=workspace.seen)
    workspace.checkpoint()
    data = event.data if event else {}
    deleted = [*data.get("refs", ()), *data.get("files", ())]
    return {"case": name, "deleted": deleted, "unreachable": unreachable}


def _unreachable(workspace: Workspace, case: CaseState) -> list[str]:
    """Return what we know of and can't delete; people have to."""
    name, root = case.case, workspace.root
    folders = ("requests", "outbox", "approvals", "board")
    found = [path for folder in folders for path in _named(root / folder, name)]
    return [
        *(str(path.relative_to(root)) for path in sorted(found)),
        _("the history of the git repository that holds the workspace"),
        _("mails that were sent, and the mail server's logs"),
        _("dossiers that were exported, and backups of the ledger"),
        _("the databases of Quipux themselves"),
    ]


def _named(folder: Path, name: str) -> list[Path]:
    if not folder.is_dir():
        return []
    own = re.compile(rf"(caso-)?{re.escape(name)}([.-].*)?")
    return [path for path in folder.iterdir() if own.fullmatch(path.name)]
