"""Requests come in: validate and submit."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from quipux_provision.domain.canonical import salted_digest
from quipux_provision.domain.kinds import RECHAZADA, SUBMITTED
from quipux_provision.domain.records import LedgerState
from quipux_provision.domain.request import Problem, Request
from quipux_provision.errors import Locked, RequestInvalid
from quipux_provision.i18n import _
from quipux_provision.service.results import CaseResult
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.strict_yaml import load_requests

_TRIES = 3


def validate(paths: Sequence[Path]) -> tuple[list[Request], list[Problem]]:
    """Read request files strictly; nothing is kept."""
    return load_requests(paths)


def submit(workspace: Workspace, requests: Sequence[Request]) -> list[CaseResult]:
    """Take in *requests*, each signed by whoever acts; a changed request starts a new round.

    A request that names another institution or person than its case has is refused and stops no other.

    :raises Locked: others submit so fast that three tries were not enough.
    """
    for _try in range(_TRIES - 1):
        with suppress(Locked):
            return _submit(workspace, requests)
    return _submit(workspace, requests)


def _submit(workspace: Workspace, requests: Sequence[Request]) -> list[CaseResult]:
    from quipux_provision.store.ledger import NewEvent
    from quipux_provision.store.signatures import REQUEST

    state = workspace.state()
    workspace.preload(case.request_ref for case in state.cases.values())
    events, results = [], []
    known = _institutions(workspace, state)
    for request in requests:
        case = state.cases.get(request.case)
        salt = workspace.personal(case.request_ref)["salt"] if case else secrets.token_hex(16)
        request_digest = salted_digest(salt, request.digest_body())
        if case and case.request_digest == request_digest:
            results.append(CaseResult(request.case, "unchanged", detail=_detail(case.round, request_digest)))
            continue
        try:
            if case:
                _refuse_another_case(workspace.request(case), request)
            _refuse_known_institution(request, known)
        except RequestInvalid as error:
            results.append(CaseResult.refused(request.case, error))
            continue
        round_ = case.round + 1 if case else 1
        statement = {
            "ledger_id": workspace.ledger.ledger_id,
            "case": request.case,
            "round": round_,
            "request_digest": request_digest,
        }
        author, signed = workspace.signed(REQUEST, statement)
        data = {
            "via": request.route,
            "round": round_,
            "request_digest": request_digest,
            "signed": signed,
        }
        personal: dict[str, Any] = {"salt": salt, "request": dict(request.source)}
        events.append(NewEvent(SUBMITTED, request.case, None, author, data, personal))
        results.append(CaseResult(request.case, "ok", changed=True, detail=_detail(round_, request_digest)))
    if events:
        workspace.record(state, events, unmoved=True)
    return results


def _detail(round_: int, request_digest: str) -> dict[str, Any]:
    return {"round": round_, "request_digest": request_digest}


def _identity(request: Request) -> dict[str, str]:
    return {
        "institucion.ruc": request.institution.ruc,
        "institucion.sigla": request.institution.acronym,
        "administrador.cedula": request.administrator.national_id,
        "via": request.route,
    }


def _refuse_another_case(before: Request, after: Request) -> None:
    old, new = _identity(before), _identity(after)
    changed = [key for key in old if old[key] != new[key]]
    if changed:
        raise RequestInvalid(
            _("{case}: {fields} changed, so this is another case").format(
                case=after.case, fields=", ".join(changed)
            ),
            _(
                "give the request a new file name and submit that; if {case} was a mistake: "
                "quipux-provision reject {case} --environment E --reason ..."
            ).format(case=after.case),
        )


def _institutions(workspace: Workspace, state: LedgerState) -> dict[str, str]:
    """Return RUC -> case of every case that was not rejected and whose data is still there."""
    known = {}
    for case in state.cases.values():
        if case.state == RECHAZADA:
            continue
        data = workspace.known(case.request_ref)
        if data:
            known[Request.from_source(case.case, data["request"]).institution.ruc] = case.case
    return known


def _refuse_known_institution(request: Request, known: dict[str, str]) -> None:
    owner = known.setdefault(request.institution.ruc, request.case)
    if owner != request.case:
        raise RequestInvalid(
            _("{case}: the RUC belongs to the case {owner} already").format(case=request.case, owner=owner),
            _(
                "change the request of {owner} instead; if that case was a mistake: "
                "quipux-provision reject {owner} --environment E --reason ..."
            ).format(owner=owner),
        )
