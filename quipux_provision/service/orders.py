"""Orders for cases in production: retire, reinstate, ask for the backups of inactive users.

An order is planned, approved and carried out as a request is; it only stands in its place meanwhile.
"""

from __future__ import annotations

import secrets
from typing import Any

from quipux_provision.domain.canonical import salted_digest
from quipux_provision.domain.fields import CITIZEN
from quipux_provision.domain.kinds import BACKUPS, ORDERED, REINSTATE, REQUESTED, RETIRE, TRAINING
from quipux_provision.domain.states import CaseState, Progress
from quipux_provision.errors import GateClosed, UsageError
from quipux_provision.i18n import _
from quipux_provision.service import changes
from quipux_provision.service.exclusive import alone
from quipux_provision.service.gates import check_open, check_route
from quipux_provision.service.results import CaseResult
from quipux_provision.service.steps import reason_text
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.settings import Environment

REFUSE, IGNORE = "refuse", "ignore"


def order(
    workspace: Workspace, word: str, name: str, environment_name: str, reason: str, documents: str = REFUSE
) -> CaseResult:
    """Record that *word* is asked for a case; nothing changes in Quipux before it is approved and applied.

    :param word: one of :data:`.kinds.ORDERS`.
    :param documents: what a retirement does about documents in process: refuse, or ignore them.
    :raises GateClosed: the case does not stand where the order could be carried out.
    :raises UsageError: the environment is one for training.
    """
    text = reason_text(reason)
    environment = workspace.environment(environment_name)
    if environment.kind == TRAINING:
        raise UsageError(
            _("in {environment}, of kind {kind}, nothing can be ordered: accounts for training end").format(
                environment=environment.name, kind=environment.kind
            ),
            _("name the environment in which the institutions work: --environment E"),
        )
    with alone(workspace, name, word):
        return _order(workspace, word, name, environment, text, documents)


def _order(
    workspace: Workspace, word: str, name: str, environment: Environment, reason: str, documents: str
) -> CaseResult:
    from quipux_provision.store.ledger import NewEvent
    from quipux_provision.store.signatures import REQUEST

    state = workspace.state()
    case = workspace.case(state, name)
    if case.route == CITIZEN:
        documents = IGNORE  # a citizen's are not counted, and whoever approves is to know
    check_route(case, environment)
    progress = case.progress(environment.name)
    present = progress.order
    if present and (present.word, present.documents) == (word, documents):
        return CaseResult(name, "unchanged", detail=_detail(word, environment))
    if word == RETIRE and progress.retired is not None and not present:
        return CaseResult(name, "unchanged", detail=_detail(word, environment))
    if word == REINSTATE and progress.retired is None and progress.applied and not present:
        return CaseResult(name, "unchanged", detail=_detail(word, environment))
    _check(case, environment, progress, word)
    if word == RETIRE:
        open_changes = changes.under_way(state, case)
        if open_changes:
            raise GateClosed(
                _("{case} has a change of administrator under way: {change}").format(
                    case=name, change=open_changes[0]
                ),
                _("run: quipux-provision withdraw {change} --reason ...").format(change=open_changes[0]),
            )
    salt = secrets.token_hex(16)
    body = {
        "order": word,
        "environment": environment.name,
        "documents": documents,
        "reason": reason,
        "request_digest": case.request_digest,
    }
    said: dict[str, Any] = {
        "round": case.round + 1,
        "order": word,
        "documents": documents,
        "request_digest": salted_digest(salt, body),
    }
    statement = {
        "ledger_id": workspace.ledger.ledger_id,
        "case": name,
        "environment": environment.name,
        **said,
    }
    author, signed = workspace.signed(REQUEST, statement)
    event = NewEvent(
        ORDERED, name, environment.name, author, {**said, "signed": signed}, {"salt": salt, "order": body}
    )
    workspace.record(state, [event], unmoved=True)
    workspace.checkpoint()
    return CaseResult(name, "ok", changed=True, detail={**_detail(word, environment), "round": said["round"]})


def _detail(word: str, environment: Environment) -> dict[str, str]:
    return {"order": word, "environment": environment.name}


def _check(case: CaseState, environment: Environment, progress: Progress, word: str) -> None:
    if progress.order:
        raise GateClosed(
            _("{case} has another order in {environment}: {order}").format(
                case=case.case, environment=environment.name, order=progress.order.word
            ),
            _("carry it out, or run: quipux-provision reject {case} --environment {environment}").format(
                case=case.case, environment=environment.name
            ),
        )
    if case.change_of:
        raise GateClosed(
            _("{case} is a change of administrator of {changed}").format(
                case=case.case, changed=case.change_of
            ),
            _("name {changed} instead").format(changed=case.change_of),
        )
    if word != REINSTATE:
        check_open(case)
    if progress.applied is None:
        raise GateClosed(
            _("{case} was not carried out in {environment} yet").format(
                case=case.case, environment=environment.name
            ),
            _("see: quipux-provision status {case}").format(case=case.case),
        )
    # Of what is retired no request can be carried out before it is back.
    if word != REINSTATE and not progress.holds(case.request_digest):
        raise GateClosed(
            _("{case} has a changed request that waits for {environment}").format(
                case=case.case, environment=environment.name
            ),
            _("carry it out first, or reject it"),
        )
    if progress.stage == REQUESTED:
        raise GateClosed(
            _("the signature of {case} is asked for and not decided yet").format(case=case.case),
            _("run: quipux-provision reject {case} --environment {environment} --reason ...").format(
                case=case.case, environment=environment.name
            ),
        )
    if word == BACKUPS and case.route == CITIZEN:
        raise GateClosed(
            _("{case} is a citizen's account: it has no inactive users").format(case=case.case),
            _("name a case of an institution"),
        )
