"""The hours of training: recorded from the request file or by hand, and certified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quipux_provision.domain import training as rules
from quipux_provision.domain.canonical import salted_digest
from quipux_provision.domain.clock import local_date
from quipux_provision.domain.kinds import TRAINING_RECORDED
from quipux_provision.domain.states import CaseState
from quipux_provision.domain.text import check_text
from quipux_provision.errors import GateClosed, RequestInvalid, UsageError
from quipux_provision.i18n import _
from quipux_provision.service.results import CaseResult
from quipux_provision.service.workspace import Workspace
from quipux_provision.store import files

if TYPE_CHECKING:
    from quipux_provision.store.ledger import NewEvent


def sessions(workspace: Workspace, case: CaseState) -> list[Mapping[str, Any]]:
    """Return the sessions of training that are recorded for *case*, who taught included."""
    if case.training is None:
        return []
    data = workspace.personal(case.training.personal_ref)
    return list(data["capacitacion"])


def record(
    workspace: Workspace,
    name: str,
    added: Sequence[Mapping[str, Any]],
    removed: tuple[str, str] | None = None,
) -> CaseResult:
    """Add sessions to the case *name*, or take one back, signed by whoever acts.

    :param added: ``modulo, horas, fecha, aprobado`` and perhaps ``instructor``; one of the same module and
        day is replaced.
    :param removed: module and ISO date of a session that did not take place.
    :raises UsageError: a session lies in the future, or there is none to take back.
    """
    state = workspace.state()
    case = workspace.case(state, name)
    known = sessions(workspace, case)
    _check(workspace, added)
    if removed is not None:
        kept = [one for one in known if (one["modulo"], one["fecha"]) != removed]
        if len(kept) == len(known):
            raise UsageError(
                _("{case} has no session of {module} on {date}").format(
                    case=name, module=removed[0], date=removed[1]
                ),
                _("see: quipux-provision training {case}").format(case=name),
            )
        known = kept
    wanted = rules.merged(known, added)
    event = recorded(workspace, case, wanted, workspace.personal(case.request_ref)["salt"])
    if event is not None:
        workspace.record(state, [event], unmoved=True)
    return CaseResult(
        name, "ok" if event else "unchanged", changed=bool(event), detail=summary(workspace, wanted)
    )


def recorded(
    workspace: Workspace, case: CaseState, wanted: Sequence[Mapping[str, Any]], salt: str
) -> NewEvent | None:
    """Return the signed event that records *wanted*, None when just that is recorded."""
    from quipux_provision.store.ledger import NewEvent
    from quipux_provision.store.signatures import RUN

    digest = salted_digest(salt, {"capacitacion": list(wanted)})
    complete = not rules.missing(wanted, workspace.settings.policy.training_hours)
    if case.training and (case.training.digest, case.training.complete) == (digest, complete):
        return None
    statement = {"ledger_id": workspace.ledger.ledger_id, "case": case.case, "training_digest": digest}
    actor, signed = workspace.signed(RUN, statement)
    data = {
        "training_digest": digest,
        "modules": [{key: one[key] for key in rules.PUBLIC} for one in wanted],
        "hours": rules.hours(wanted),
        "complete": complete,
        "signed": signed,
    }
    return NewEvent(TRAINING_RECORDED, case.case, None, actor, data, {"capacitacion": list(wanted)})


def show(workspace: Workspace, name: str) -> CaseResult:
    """Return the sessions of the case *name* and what is still missing."""
    case = workspace.case(workspace.state(), name)
    return CaseResult(name, "unchanged", detail=summary(workspace, sessions(workspace, case)))


def summary(workspace: Workspace, wanted: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return ``capacitacion, hours, required, missing`` of *wanted*."""
    required = workspace.settings.policy.training_hours
    return {
        "capacitacion": [dict(one) for one in wanted],
        "hours": rules.hours(wanted),
        "required": required,
        "missing": rules.missing(wanted, required),
    }


def certificate(workspace: Workspace, name: str, target: Path) -> Path:
    """Write the certificate of the administrator of the case *name* as a page that prints well.

    :raises GateClosed: the training is not complete.
    """
    from quipux_provision.outreach.certificate import Certificate, render
    from quipux_provision.store.checkpoints import head

    case = workspace.case(workspace.state(), name)
    attended = [one for one in sessions(workspace, case) if one["aprobado"]]
    check_complete(workspace, case)
    request = workspace.own_request(case)
    newest = head(workspace.ledger)
    page = render(
        Certificate(
            person=request.person.name,
            institution_name=request.of_institution.name,
            acronym=request.of_institution.acronym,
            modules=tuple(
                (
                    rules.MODULES[one["modulo"]],
                    one["horas"],
                    date.fromisoformat(one["fecha"]),
                    one.get("instructor", ""),
                )
                for one in attended
            ),
            total_hours=rules.hours(attended),
            issued=local_date(workspace.now(), workspace.settings.policy.time_zone),
            case=name,
            ledger_head=f"{newest['count']}:{newest['head']}",
        )
    )
    files.write_private(target, page.encode("utf-8"))
    return target


def check_complete(workspace: Workspace, case: CaseState) -> None:
    """Refuse a case whose training is not complete by the present policy.

    :raises GateClosed: hours or a module are missing.
    """
    required = workspace.settings.policy.training_hours
    lacking = rules.missing(case.training.modules if case.training else (), required)
    if not lacking:
        return
    done = rules.hours(case.training.modules) if case.training else 0
    raise GateClosed(
        _("the training of {case} is not complete: {hours:g} of {required} hours; missing: {missing}").format(
            case=case.case, hours=done, required=required, missing=", ".join(lacking)
        ),
        _(
            "record it: quipux-provision training {case} --module bandeja_entrada --hours 4 --date 2026-11-04"
        ).format(case=case.case),
    )


def _check(workspace: Workspace, added: Sequence[Mapping[str, Any]]) -> None:
    check_days(workspace, added)
    for one in added:
        for finding in check_text(one.get("instructor", "-")):
            raise RequestInvalid(
                _("the instructor's name {problem}").format(problem=finding.message), finding.hint
            )


def check_days(workspace: Workspace, added: Sequence[Mapping[str, Any]]) -> None:
    """Refuse sessions that have not taken place yet.

    :raises UsageError: one lies in the future.
    """
    today = local_date(workspace.now(), workspace.settings.policy.time_zone).isoformat()
    for one in added:
        if one["fecha"] > today:
            raise UsageError(
                _("the session of {module} on {date} lies in the future").format(
                    module=one["modulo"], date=one["fecha"]
                ),
                _("record it once it has taken place"),
            )
