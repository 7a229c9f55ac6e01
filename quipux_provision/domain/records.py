"""What the ledger knows of a case, folded from its events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from quipux_provision.domain.approval import Decision
from quipux_provision.domain.kinds import (
    PRESENT,
)


@dataclass(frozen=True)
class RecordedPlan:
    """The newest plan of a case in an environment."""

    digest: str
    request_digest: str
    collection_digest: str
    target: Mapping[str, Any]
    pending: bool
    personal_ref: str | None
    time: datetime


@dataclass(frozen=True)
class RecordedDecision:
    """The decision in force for a case in an environment."""

    decision: Decision
    round: int
    request_digest: str
    plan_digest: str | None
    review_digest: str | None
    approver: str
    expires_at: datetime
    nonce: str
    document_sha256: str


@dataclass(frozen=True)
class RecordedRun:
    """The newest run that carried the request into an environment, and the plan and approval it rested on.

    :param document_sha256: the approval; empty for what was adopted as it stood.
    :param stage: what the run left: present; of a citizen requested, approved or rejected.
    """

    round: int
    expect: str
    document_sha256: str
    request_digest: str
    request_ref: str | None
    operator: str
    activation: str | None
    ids: Mapping[str, Any]
    time: datetime
    stage: str = PRESENT


@dataclass(frozen=True)
class RecordedOrder:
    """What was ordered for a case in production, and is not carried out yet.

    :param word: one of :data:`.kinds.ORDERS`.
    :param digest: stands for the request's digest in plan, approval and run.
    :param documents: what documents in process mean to a retirement: refuse or ignore.
    """

    word: str
    digest: str
    documents: str
    personal_ref: str | None
    time: datetime


@dataclass(frozen=True)
class RecordedTraining:
    """The hours of training, as they were recorded last.

    :param modules: ``modulo, horas, fecha, aprobado`` of each session; who taught is personal data.
    :param complete: whether they opened the gate of the policy that they were recorded under.
    """

    digest: str
    modules: tuple[Mapping[str, Any], ...]
    complete: bool
    personal_ref: str | None
    actor: str
    time: datetime


@dataclass(frozen=True)
class Window:
    """The days for the activities in training.

    :param number: 1 for the first; a reopened case gets another.
    :param declared_by: who said when the mail went out, None when the mail server said so.
    """

    number: int
    started_at: datetime
    due_at: datetime
    declared_by: str | None


@dataclass(frozen=True)
class RecordedReport:
    """The workbook that came back filled in."""

    window: int
    workbook_sha256: str
    received_at: datetime
    personal_ref: str | None
    actor: str


@dataclass(frozen=True)
class RecordedReview:
    """What was found in the training database.

    :param failed: obligatory activities that were not found; empty when the gate of production may open.
    """

    round: int
    request_digest: str
    digest: str
    failed: tuple[str, ...]
    verdicts: Mapping[str, int]
    workbook_sha256: str | None
    files: tuple[str, ...]
    personal_ref: str | None
    reviewer: str
    time: datetime


@dataclass(frozen=True)
class WantedNotice:
    """A notice that is owed to somebody.

    :param key: names it once and for all within the case: ``suspension:1``.
    :param reason_ref: the personal data that holds the reason.
    """

    key: str
    kind: str
    reason_ref: str | None = None


@dataclass
class Server:
    """An institution's own server, as the runs over it told.

    :param installed: since when it is known to answer as a Quipux; None before, and once it is uninstalled.
    :param release: ``version`` and ``digest`` of what runs there.
    :param backup: ``id`` of the newest backup that was fetched.
    :param unfinished: runs that have not told how they ended, and their verbs.
    """

    installed: datetime | None = None
    release: Mapping[str, Any] = field(default_factory=dict)
    backup: str | None = None
    backup_time: datetime | None = None
    unfinished: dict[str, str] = field(default_factory=dict)
