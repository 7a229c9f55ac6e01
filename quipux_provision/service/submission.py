"""Requests come in: validate and submit."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from quipux_provision.domain.canonical import salted_digest
from quipux_provision.domain.kinds import DESISTIDA, RECHAZADA, SUBMITTED
from quipux_provision.domain.request import Problem, Request
from quipux_provision.domain.states import CaseState, LedgerState
from quipux_provision.domain.training import merged
from quipux_provision.errors import GateClosed, Locked, RequestInvalid, UsageError
from quipux_provision.i18n import _
from quipux_provision.service import changes, training
from quipux_provision.service.results import CaseResult
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.strict_yaml import load_requests

if TYPE_CHECKING:
    from quipux_provision.store.ledger import LedgerFile, NewEvent

_T = TypeVar("_T")
_TRIES = 3


def validate(paths: Sequence[Path]) -> tuple[list[Request], list[Problem]]:
    """Read request files strictly; nothing is kept."""
    return load_requests(paths)


def submit(workspace: Workspace, requests: Sequence[Request]) -> list[CaseResult]:
    """Take in *requests*, each signed by whoever acts; a changed request starts a new round.

    A request that names another institution or person than its case has is refused and stops no other.

    :raises Locked: others submit so fast that three tries were not enough.
    """
    return tried(lambda: _submit(workspace, requests))


def tried(step: Callable[[], _T]) -> _T:
    """Do *step*, again where another's came first.

    :raises Locked: three times one did.
    """
    for _try in range(_TRIES - 1):
        with suppress(Locked):
            return step()
    return step()


def _submit(workspace: Workspace, requests: Sequence[Request]) -> list[CaseResult]:
    state = workspace.state()
    workspace.preload(case.request_ref for case in state.cases.values())
    events, results = [], []
    known = _subjects(workspace, state)

    def check(case: CaseState | None, request: Request) -> None:
        _refuse_change(case)
        _refuse_withdrawn(case)
        if case:
            _refuse_another_case(workspace, state, case, request)
        _refuse_adoption(case, request)
        _refuse_known_subject(request, known)

    for request in requests:
        try:
            taken, result = take_in(workspace, state, request, check)
        except (RequestInvalid, UsageError, GateClosed) as error:
            results.append(CaseResult.refused(request.case, error))
            continue
        events += taken
        results.append(result)
    if events:
        workspace.record(state, events, unmoved=True)
    return results


def take_in(
    workspace: Workspace,
    state: LedgerState,
    request: Request,
    check: Callable[[CaseState | None, Request], None],
    change_of: str | None = None,
) -> tuple[list[NewEvent], CaseResult]:
    """Return the signed events that take *request* in, none where all of it is known.

    :param check: refuses, of a request that is not known, what its case (None: a new one) cannot become.
    :param change_of: the case whose administrator the request replaces.
    """
    from quipux_provision.store.ledger import NewEvent
    from quipux_provision.store.signatures import REQUEST

    case = state.cases.get(request.case)
    salt = workspace.personal(case.request_ref)["salt"] if case else secrets.token_hex(16)
    training.check_days(workspace, request.training)
    trained = _trained(workspace, case or CaseState(request.case), request, salt)
    request_digest = salted_digest(salt, request.digest_body())
    if case and case.change_of == change_of and request_digest == _known_digest(workspace, case, salt):
        detail = {**_detail(case.round, request_digest), **_hours(trained)}
        status = "recorded" if trained else "unchanged"
        return trained, CaseResult(request.case, status, changed=bool(trained), detail=detail)
    check(case, request)
    round_ = case.round + 1 if case else 1
    change = {"change_of": change_of} if change_of else {}
    statement = {
        "ledger_id": workspace.ledger.ledger_id,
        "case": request.case,
        "round": round_,
        "request_digest": request_digest,
        **change,
    }
    author, signed = workspace.signed(REQUEST, statement)
    data: dict[str, Any] = {
        "via": request.route,
        "round": round_,
        "request_digest": request_digest,
        "signed": signed,
        **change,
    }
    if files := _files(request):
        data["files"] = [file.sha256 for file in files]
    personal: dict[str, Any] = {"salt": salt, "request": dict(request.source)}
    submitted = NewEvent(SUBMITTED, request.case, None, author, data, personal, files)
    detail = {**_detail(round_, request_digest), **_hours(trained)}
    return [submitted, *trained], CaseResult(request.case, "ok", changed=True, detail=detail)


def _known_digest(workspace: Workspace, case: CaseState, salt: str) -> str:
    """Return the digest of what *case* is now: with the administrator whom a change has put in since."""
    if case.administrator_ref is None:
        return case.request_digest
    return salted_digest(salt, workspace.request(case).digest_body())


def _trained(workspace: Workspace, case: CaseState, request: Request, salt: str) -> list[NewEvent]:
    """Return the event that records the sessions that the file names beside those recorded before."""
    if not request.training:
        return []
    known = training.sessions(workspace, case)
    event = training.recorded(workspace, case, merged(known, request.training), salt)
    return [event] if event else []


def _hours(trained: Sequence[NewEvent]) -> dict[str, Any]:
    return {"hours": trained[0].data["hours"]} if trained else {}


def _files(request: Request) -> tuple[LedgerFile, ...]:
    """Return what the ledger keeps beside *request*: a citizen's agreement."""
    from quipux_provision.store.agreement import MEDIA_TYPE
    from quipux_provision.store.ledger import LedgerFile

    if request.agreement is None:
        return ()
    if request.agreement.content is None:
        raise ValueError("a citizen's request that was not read from its file")
    return (LedgerFile(request.agreement.content, MEDIA_TYPE),)


def _refuse_change(case: CaseState | None) -> None:
    if case and case.change_of:
        raise GateClosed(
            _("{case} is a change of the administrator of {changed}").format(
                case=case.case, changed=case.change_of
            ),
            _("run: quipux-provision replace-administrator {changed} --request FILE").format(
                changed=case.change_of
            ),
        )


def _refuse_withdrawn(case: CaseState | None) -> None:
    if case and case.halted == DESISTIDA:
        raise GateClosed(
            _("{case} was withdrawn").format(case=case.case),
            _("run: quipux-provision reopen {case} --reason ...").format(case=case.case),
        )


def _detail(round_: int, request_digest: str) -> dict[str, Any]:
    return {"round": round_, "request_digest": request_digest}


def _identity(request: Request) -> dict[str, str]:
    """Return what makes a case: a request that differs in it is another one."""
    found = {"via": request.route}
    if request.institution:
        found["institucion.ruc"] = request.institution.ruc
        found["institucion.sigla"] = request.institution.acronym
    if request.administrator:
        found["administrador.cedula"] = request.administrator.national_id
    if request.citizen:
        found["ciudadano.cedula"] = request.citizen.national_id
    return found


def _subject(request: Request) -> tuple[str, str]:
    """Return of what one open case may be: an institution by RUC, a citizen by cédula."""
    if request.citizen:
        return "cedula", request.citizen.national_id
    return "ruc", request.of_institution.ruc


def _refuse_adoption(case: CaseState | None, request: Request) -> None:
    if case is None and request.adoption:
        raise RequestInvalid(
            _("{case}: adoption is recorded by: quipux-provision adopt").format(case=request.case),
            _("run that; a request of your own has an oficio in place of adopcion"),
        )


def _refuse_another_case(workspace: Workspace, state: LedgerState, case: CaseState, request: Request) -> None:
    """Refuse a request that is not about the same as its case."""
    changed = differing(workspace.request(case), request)
    if changed == ["administrador.cedula"] and case.in_production:
        _refuse_other_administrator(state, case)
    if changed:
        raise RequestInvalid(
            _("{case}: {fields} changed, so this is another case").format(
                case=case.case, fields=", ".join(changed)
            ),
            _(
                "give the request a new file name and submit that; if {case} was a mistake: "
                "quipux-provision reject {case} --environment E --reason ..."
            ).format(case=case.case),
        )


def differing(before: Request, after: Request) -> list[str]:
    """Return the fields in which two requests are not about the same."""
    old, new = _identity(before), _identity(after)
    return sorted(key for key in {*old, *new} if old.get(key) != new.get(key))


def _refuse_other_administrator(state: LedgerState, case: CaseState) -> None:
    source = changes.newest_source(state, case)
    if source == case.case:
        raise RequestInvalid(
            _("{case}: this is not its administrator").format(case=case.case),
            _(
                "to replace the administrator: quipux-provision replace-administrator {case} --request FILE"
            ).format(case=case.case),
        )
    raise RequestInvalid(
        _("{case}: this is not its administrator any more: {source} replaced the one of this file").format(
            case=case.case, source=source
        ),
        _("write below administrador what the file of {source} says there").format(source=source),
    )


def _subjects(workspace: Workspace, state: LedgerState) -> dict[tuple[str, str], str]:
    """Return subject -> case of every case that was not rejected and whose data is still there."""
    known = {}
    for case in state.cases.values():
        if case.halted in (RECHAZADA, DESISTIDA):
            continue
        data = workspace.known(case.request_ref)
        request = Request.from_source(case.case, data["request"]) if data else None
        if request and not request.change:
            known[_subject(request)] = case.case
    return known


def _refuse_known_subject(request: Request, known: dict[tuple[str, str], str]) -> None:
    kind, value = _subject(request)
    owner = known.setdefault((kind, value), request.case)
    if owner == request.case:
        return
    if kind == "ruc":
        message = _("{case}: the RUC belongs to the case {owner} already")
    else:
        message = _("{case}: the cédula belongs to the case {owner} already")
    raise RequestInvalid(
        message.format(case=request.case, owner=owner),
        _(
            "change the request of {owner} instead; if that case was a mistake: "
            "quipux-provision reject {owner} --environment E --reason ..."
        ).format(owner=owner),
    )


def refuse_known_subject(workspace: Workspace, state: LedgerState, request: Request) -> None:
    """Refuse a request whose institution or citizen another open case has.

    :raises RequestInvalid: one has.
    """
    _refuse_known_subject(request, _subjects(workspace, state))
