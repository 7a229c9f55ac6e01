"""What the clock asks for: which tasks are due for a case in an environment. The caller brings the time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from quipux_provision.domain import clock, kinds
from quipux_provision.domain.policy import Policy
from quipux_provision.domain.records import WantedNotice
from quipux_provision.domain.states import CaseState, Progress

Action = Literal["suspend", "expire_code", "end_account", "notify"]
_ENDED = {kinds.DESISTIDA: "withdrawn", kinds.RECHAZADA: "rejected"}


@dataclass(frozen=True)
class Task:
    """One thing to do.

    :param reason: of ``end_account``: suspended, handed_over, withdrawn or rejected.
    :param key: of ``notify``: names the notice once and for all.
    :param kind: of ``notify``.
    :param days_left: of a reminder.
    :param reason_ref: of ``notify``: the personal data that holds a reason.
    """

    action: Action
    reason: str = ""
    key: str = ""
    kind: str = ""
    days_left: int | None = None
    reason_ref: str | None = None


def tasks(case: CaseState, environment: str, kind: str, policy: Policy, now: datetime) -> Iterator[Task]:
    """Yield what is due for *case* in the environment of this name and kind, in the order to do it."""
    progress = case.environments.get(environment)
    if progress is None or case.purged:
        return
    if kind == kinds.TRAINING and overdue(case, now):
        yield Task("suspend")
    reason = _end_of_account(case, progress, policy, now) if kind == kinds.TRAINING else None
    if reason:
        yield Task("end_account", reason)  # its codes die with it
    elif progress.codes and now >= max(progress.codes.values()) + policy.activation_lifetime:
        yield Task("expire_code")
    for wanted in case.wanted.values():
        if (wanted.kind == kinds.RELIEF) != (kind == kinds.TRAINING):
            yield Task("notify", key=wanted.key, kind=wanted.kind, reason_ref=wanted.reason_ref)
    if kind == kinds.TRAINING:
        yield from _reminder(case, policy, now)


def suspended(case: CaseState) -> CaseState:
    """Return *case* as its suspension will leave it."""
    owed = (kinds.SUSPENSION, kinds.SUSPENSION_OPERATOR)
    wanted = {kind: WantedNotice(f"{kind}:{case.windows}", kind) for kind in owed}
    return replace(case, halted=kinds.SUSPENDIDA, wanted=wanted)


def overdue(case: CaseState, now: datetime) -> bool:
    """Whether the days of *case* went by without a report."""
    return case.days_run and case.window is not None and now > case.window.due_at


def _end_of_account(case: CaseState, progress: Progress, policy: Policy, now: datetime) -> str | None:
    if progress.applied is None or progress.account_ended:
        return None
    if case.halted == kinds.SUSPENDIDA:
        return "suspended" if policy.suspension_deactivates else None
    kept = timedelta(days=policy.training_end_days)
    if case.halted:
        over = case.since is not None and now >= case.since + kept
        return _ENDED[case.halted] if over else None
    handed_over = [
        other.applied.time
        for other in case.environments.values()
        if other.kind == kinds.PRODUCTION and other.applied
    ]
    return "handed_over" if handed_over and now >= max(handed_over) + kept else None


def _reminder(case: CaseState, policy: Policy, now: datetime) -> Iterator[Task]:
    if case.window is None or not case.days_run:
        return
    start = f"{kinds.REMINDER}:{case.window.number}:"
    sent = [
        int(key.removeprefix(start))
        for key, fate in case.notices.items()
        if key.startswith(start) and fate != "failed"
    ]
    day = clock.reminder(case.window.due_at, now, policy.time_zone, policy.reminder_days, sent)
    if day is not None:
        left = clock.days_left(case.window.due_at, now, policy.time_zone)
        yield Task("notify", key=f"{start}{day}", kind=kinds.REMINDER, days_left=left)
