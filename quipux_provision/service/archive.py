"""The end of a case's papers: its dossier, and the day on which its personal data goes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

from quipux_provision.domain.approval import format_time
from quipux_provision.domain.kinds import DESISTIDA, EN_PRODUCCION, RECHAZADA, RETIRADA
from quipux_provision.domain.states import CaseState
from quipux_provision.domain.text import refused_characters
from quipux_provision.errors import GateClosed, ProvisionError, UsageError
from quipux_provision.i18n import _
from quipux_provision.outreach.board.writer import page_name
from quipux_provision.service import agreements, changes
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.files import refuse_existing

_ENDED = (EN_PRODUCCION, RECHAZADA, DESISTIDA, RETIRADA)
# Where papers of a case lie that people wrote, or that they told us to write.
_PAPERS = (".", "requests", "approvals", "papeles")


def export(workspace: Workspace, name: str, target: Path) -> dict[str, Any]:
    """Write the signed dossier of the case *name* to *target* and return its manifest.

    :raises GateClosed: the case was purged, so that its dossier would tell less than the one before.
    :raises UsageError: *target* is there already, or cannot be written.
    """
    from quipux_provision.store import dossier

    if workspace.case(workspace.state(), name).purged:
        raise GateClosed(
            _("the personal data of {case} was purged: nothing is left to export").format(case=name),
            _("see what stays of it: quipux-provision history {case}").format(case=name),
        )
    refuse_existing(target)
    return dict(
        dossier.write(target, workspace.ledger, workspace.signers, name, workspace.sign, workspace.root)
    )


def may_purge(workspace: Workspace, name: str) -> CaseState:
    """Return the case *name* if its personal data may go now.

    :raises GateClosed: it has not ended, or not long enough ago.
    """
    state = workspace.state()
    case = workspace.case(state, name)
    if case.purged:
        return case
    changed = state.cases[case.change_of] if case.change_of else None
    if changed and not changed.purged and changes.newest_source(state, changed) == name:
        raise GateClosed(
            _("the present administrator of {changed} is known from {case}").format(
                changed=changed.case, case=name
            ),
            _("purge {changed} first, once it may be").format(changed=changed.case),
        )
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

    Its mails in the outbox and the copy of its agreement go with it, and the board of the workspace is
    written anew.

    :returns: ``deleted`` (references and SHA-256), ``removed`` (mails, agreement) and ``unreachable``: where
        copies may lie that we cannot delete.
    """
    from quipux_provision.store.signatures import RUN

    case = may_purge(workspace, name)
    text = reason.strip()
    if not text or len(text) > 500 or next(refused_characters(text), None) is not None:
        raise UsageError(_("a reason is missing, or is no plain text"), _("say why: --reason ..."))
    if case.purged:
        return {"case": name, "deleted": [], **_clear(workspace, name)}
    statement = {"ledger_id": workspace.ledger.ledger_id, "case": name, "step": "purge"}
    actor, signed = workspace.signed(RUN, statement)
    event = workspace.ledger.purge(name, actor=actor, reason=text, signed=signed, seen=workspace.seen)
    workspace.checkpoint()
    data = event.data if event else {}
    deleted = [*data.get("refs", ()), *data.get("files", ())]
    return {"case": name, "deleted": deleted, **_clear(workspace, name)}


def _clear(workspace: Workspace, name: str) -> dict[str, list[str]]:
    """Remove what we wrote of the case *name*; tell what we removed, and what people have to."""
    from quipux_provision.service.board import FOLDER, write_board

    root = workspace.root
    page = root / FOLDER / page_name(name)
    removed, left = [], []
    if page.is_file():
        try:
            write_board(workspace)  # anew, with what is left
        except ProvisionError:
            left.append(page)
    agreement = agreements.copy_of(root, name)
    for path in [*_mails(root / "outbox", name), *([agreement] if agreement.is_file() else [])]:
        try:
            path.unlink()
            removed.append(path)
        except OSError:
            left.append(path)
    left += [path for folder in _PAPERS for path in _named(root / folder, name)]
    return {
        "removed": [str(path.relative_to(root)) for path in removed],
        "unreachable": [
            *(str(path.relative_to(root)) for path in sorted(left)),
            _("the history of the git repository that holds the workspace"),
            _("mails that were sent, and the mail server's logs"),
            _("dossiers, certificates and boards that were written elsewhere, and backups of the ledger"),
            _("the databases of Quipux themselves"),
        ],
    }


def _mails(outbox: Path, name: str) -> Iterator[Path]:
    for path in sorted(outbox.glob("*.eml")):
        try:
            ours = message_from_bytes(path.read_bytes())["X-Quipux-Provision-Case"] == name
        except OSError:
            continue
        if ours:
            yield path


def _named(folder: Path, name: str) -> Iterator[Path]:
    if folder.is_dir():
        own = re.compile(rf"(caso-|certificado-|expediente-)?{re.escape(name)}([.-].*)?")
        yield from (path for path in folder.iterdir() if own.fullmatch(path.name))
