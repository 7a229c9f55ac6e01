"""What a gate rests on is verified where it opens: signed by who acted, then, and as it stands."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

from quipux_provision.domain import kinds
from quipux_provision.domain.states import CaseState, LedgerState
from quipux_provision.errors import GateClosed, ProvisionError
from quipux_provision.i18n import _
from quipux_provision.service.environments import check_bound
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.events import Event

_OF_THE_REVIEW = (
    kinds.CLOCK_STARTED,
    kinds.REPORTED,
    kinds.REVIEWED,
    kinds.RETURNED,
    kinds.SUSPENDED,
    kinds.REOPENED,
    kinds.WITHDRAWN,
)


def check_training(workspace: Workspace, case: CaseState) -> None:
    """Refuse hours of training that nobody signed.

    :raises GateClosed: the ledger was edited.
    """
    events = workspace.ledger.events(case.case)
    newest = [event for event in events if event.kind == kinds.TRAINING_RECORDED][-1:]
    _check(workspace, case, events, {event.seq for event in newest})


def check_order(workspace: Workspace, case: CaseState) -> None:
    """Refuse an order that nobody signed.

    :param case: as :meth:`.CaseState.asked_in` gives it; without an order there is nothing to check.
    :raises GateClosed: the ledger was edited.
    """
    order = case.order
    if order is None:
        return
    events = workspace.ledger.events(case.case)
    ordered = [event for event in events if event.kind == kinds.ORDERED]
    newest = {event.seq for event in ordered if event.data["request_digest"] == order.digest}
    _check(workspace, case, events, newest)


def check_adoption(workspace: Workspace, case: CaseState) -> None:
    """Refuse an adoption that nobody signed: it lets a case into production without training.

    :raises GateClosed: the ledger was edited.
    """
    if not case.adopted:
        return
    events = workspace.ledger.events(case.case)
    _check(workspace, case, events, {event.seq for event in events if event.kind == kinds.ADOPTED})


def check_successor(workspace: Workspace, case: CaseState) -> None:
    """Refuse an administrator whom no change that somebody signed has put in.

    :raises GateClosed: the ledger was edited.
    """
    if case.administrator_ref is None:
        return
    for name in case.changes:
        events = workspace.ledger.events(name)
        asked = {event.seq for event in events if event.personal_ref == case.administrator_ref}
        if asked and all(event.kind == kinds.SUBMITTED for event in events if event.seq in asked):
            _check(workspace, replace(case, case=name), events, asked)
            started = _runs_of_the_change(workspace, name, case.administrator_ref)
            if started:
                _check(workspace, replace(case, case=name), started, {event.seq for event in started})
                return
    raise GateClosed(
        _("nobody signed the change that gave {case} its administrator").format(case=case.case),
        _("run: quipux-provision audit verify"),
    )


def _runs_of_the_change(workspace: Workspace, change: str, request_ref: str) -> list[Event]:
    """Return the starts of the runs that carried *change* out in production: its operator signed them."""
    events = workspace.ledger.events()
    runs = {
        event.data["run"]
        for event in events
        if (event.kind, event.case) == (kinds.APPLIED, change)
        and event.data["request_ref"] == request_ref
        and event.data["kind"] != kinds.TRAINING
    }
    return [
        event
        for event in events
        if event.kind == kinds.RUN_STARTED and event.data["run"] in runs and change in event.data["cases"]
    ]


def check_report(workspace: Workspace, case: CaseState) -> None:
    """Refuse days, reports and reviews that nobody signed.

    :raises GateClosed: the ledger was edited.
    """
    events = workspace.ledger.events(case.case)
    _check(workspace, case, events, {event.seq for event in events if event.kind in _OF_THE_REVIEW})


def check_review(workspace: Workspace, state: LedgerState, case: CaseState) -> None:
    """Refuse a review that nobody signed, or of another database than its environment's.

    :raises GateClosed: the ledger was edited, or the environment was bound anew since.
    """
    review = case.present_review
    if review is None:
        return
    check_report(workspace, case)
    document = workspace.personal(review.personal_ref)
    environment = workspace.environment(document["environment"])
    if environment.kind != kinds.TRAINING or check_bound(state, environment) != document["database"]:
        raise GateClosed(
            _("the review of {case} is of another database than that of {environment}").format(
                case=case.case, environment=environment.name
            ),
            _("run: quipux-provision review {case}").format(case=case.case),
        )


def _check(workspace: Workspace, case: CaseState, events: Sequence[Event], numbers: Container[int]) -> None:
    for position, event in enumerate(events):
        if event.seq not in numbers:
            continue
        try:
            _check_event(workspace, case, event)
            reason = _missing_ground(event, events[:position])
        except ProvisionError as error:
            reason = error.message
        if reason:
            raise GateClosed(
                _("event {seq} of {case} was not signed as it stands: {reason}").format(
                    seq=event.seq, case=case.case, reason=reason
                ),
                _("run: quipux-provision audit verify"),
            )


def _missing_ground(event: Event, before: Sequence[Event]) -> str | None:
    from quipux_provision.store.grounds import missing_ground

    return missing_ground(event, before)


def _check_event(workspace: Workspace, case: CaseState, event: Event) -> None:
    from quipux_provision.store.signatures import verify
    from quipux_provision.store.signed_events import check_content, signed_part

    signed = signed_part(event, None, workspace.ledger.ledger_id)
    if signed is not None:
        verify(
            workspace.signers,
            signed.namespace,
            signed.data,
            signed.armour,
            at=event.time,
            principal=event.actor,
        )
    stored = workspace.known(event.personal_ref)
    if stored is not None:
        request = workspace.personal(case.request_ref)
        check_content(event, stored, [request["salt"]])
