"""Whether what an event says rests on the events before it: a run, a mail, the last day, a review."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from quipux_provision.domain.approval import parse_time
from quipux_provision.domain.clock import due_at
from quipux_provision.domain.kinds import (
    ACCOUNT_ENDED,
    ACTIVATION_ENDED,
    ADOPTED,
    APPLIED,
    CLOCK_STARTED,
    DECIDED,
    MAIL_SENT,
    ORDERED,
    PURGED,
    REOPENED,
    REPORTED,
    RETURNED,
    REVIEWED,
    RUN_STARTED,
    SUBMITTED,
    SUSPENDED,
    TRAINING_RECORDED,
    WITHDRAWN,
)
from quipux_provision.domain.lifecycle import fold
from quipux_provision.domain.states import CaseState
from quipux_provision.i18n import _
from quipux_provision.store.events import Event
from quipux_provision.store.findings import Finding

_SIGNED_ON_THE_CASE = (
    ORDERED,
    TRAINING_RECORDED,
    CLOCK_STARTED,
    REPORTED,
    REVIEWED,
    RETURNED,
    REOPENED,
    WITHDRAWN,
    SUSPENDED,
    PURGED,
)
_OF_A_RUN = (APPLIED, ACCOUNT_ENDED, ACTIVATION_ENDED)
_BROKEN = (KeyError, TypeError, ValueError, AttributeError, OverflowError, LookupError, OSError)


def runs(events: Sequence[Event]) -> Iterator[Finding]:
    """Whatever is said to have been carried out belongs to a run that its operator signed before."""
    started: dict[object, tuple[str | None, str | None, object]] = {}
    for event in events:
        if event.kind == RUN_STARTED:
            started[event.data.get("run")] = (event.environment, event.actor, event.data.get("cases"))
        elif event.kind in _OF_A_RUN:
            environment, operator, cases = started.get(event.data.get("run"), (None, None, None))
            known = isinstance(cases, list) and event.case in cases
            if not known or (environment, operator) != (event.environment, event.actor):
                message = _("event {seq} tells the end of a run that nobody signed")
                yield Finding("run_missing", message.format(seq=event.seq), seq=event.seq)


def unfounded(events: Sequence[Event]) -> Iterator[Finding]:
    """Each event of a case rests on those before it, as far as a signature alone does not say so."""
    earlier: dict[str | None, list[Event]] = defaultdict(list)
    for event in events:
        before = earlier[event.case]
        if reason := missing_ground(event, before):
            message = _("event {seq}: {reason}").format(seq=event.seq, reason=reason)
            yield Finding("unfounded", message, seq=event.seq)
        before.append(event)


def missing_ground(event: Event, before: Sequence[Event]) -> str | None:
    """Return why *event* does not rest on the events of its case *before* it; None when it does."""
    check = _CHECKS.get(event.kind)
    try:
        reason = check(event, before) if check else None
        return reason or (_replayed(event, before) if event.kind in _SIGNED_ON_THE_CASE else None)
    except _BROKEN:
        return _("it cannot be understood with the events before it")


def _replayed(event: Event, before: Sequence[Event]) -> str | None:
    """A statement says after which event it was signed: since then nothing else happened to the case."""
    after = (event.data.get("signed") or {}).get("statement", {}).get("after")
    if after is None:
        return None
    since = [one.kind for one in before if one.seq > after]
    if event.kind == TRAINING_RECORDED and since == [SUBMITTED]:
        return None  # with the request file that names the sessions
    return _("its signature is older than what happened to the case since") if since else None


def _clock(event: Event, before: Sequence[Event]) -> str | None:
    data = event.data
    start = parse_time(data["started_at"])
    if parse_time(data["due_at"]) != due_at(start, data["days"], ZoneInfo(data["zone"])):
        return _("its last day is not the one that its own days and zone give")
    if start > event.time:
        return _("it starts the days in the future")
    if data["declared"] is not False:
        return None  # signed by who declared it
    mails = (one for one in before if one.kind == MAIL_SENT and one.environment == event.environment)
    if any(_moment(one.data.get("accepted_at")) == start for one in mails):
        return None
    return _("it starts the days by a mail that was not sent")


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment.astimezone(UTC).replace(microsecond=0) if moment and moment.tzinfo else None


def _adoption(_event: Event, before: Sequence[Event]) -> str | None:
    return _("it adopts a case that was there before") if before else None


def _suspension(event: Event, before: Sequence[Event]) -> str | None:
    window = _state(event, before).window
    if window is None or event.data["window"] != window.number:
        return _("it suspends a case whose days do not run")
    if parse_time(event.data["due_at"]) != window.due_at or event.time <= window.due_at:
        return _("it suspends the case before its days are over")
    return None


def _step(event: Event, before: Sequence[Event]) -> str | None:
    signed = event.data.get("signed")
    if signed and signed["statement"]["round"] != _state(event, before).round:
        return _("it was signed for another round")
    return None


def _state(event: Event, before: Sequence[Event]) -> CaseState:
    name = event.case or ""
    return fold(before).cases.get(name) or CaseState(name)


def _review(event: Event, before: Sequence[Event]) -> str | None:
    workbook = event.data["workbook_sha256"]
    if workbook is None or _named(before, REPORTED, "workbook_sha256", workbook):
        return None
    return _("it reviews a workbook that did not come back")


def _decision(event: Event, before: Sequence[Event]) -> str | None:
    review = event.data.get("review_digest")
    if review is None or _named(before, REVIEWED, "review_digest", review):
        return None
    return _("it rests on a review that is not there")


def _named(before: Sequence[Event], kind: str, key: str, value: object) -> bool:
    return any(one.kind == kind and one.data.get(key) == value for one in before)


_CHECKS: dict[str, Callable[[Event, Sequence[Event]], str | None]] = {
    ADOPTED: _adoption,
    CLOCK_STARTED: _clock,
    SUSPENDED: _suspension,
    RETURNED: _step,
    REOPENED: _step,
    WITHDRAWN: _step,
    REVIEWED: _review,
    DECIDED: _decision,
}
