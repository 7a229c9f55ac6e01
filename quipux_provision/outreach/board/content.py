"""What the board shows. Moments are UTC; personal data comes masked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from itertools import groupby


@dataclass(frozen=True)
class Countdown:
    """The days for the activities in training.

    :param total: calendar days of the window.
    :param left: days until the last one: 0 on that day, negative after it.
    :param reported_at: when the workbook came back; the days count no more then.
    """

    window: int
    started_at: datetime
    due_at: datetime
    total: int
    left: int
    reported_at: datetime | None = None


@dataclass(frozen=True)
class Step:
    """A state that the case was in; on the road to production also one that it will be in.

    :param mark: ``done``, ``current``, ``stopped``, ``skipped`` or ``ahead``.
    """

    state: str
    reached: datetime | None
    mark: str = "done"


@dataclass(frozen=True)
class NextStep:
    """Who must act, with which command, and by when."""

    who: str
    command: str
    by: datetime | None = None


@dataclass(frozen=True)
class Happening:
    """An event of the ledger, told in Spanish."""

    seq: int
    time: datetime
    text: str
    environment: str | None
    actor: str | None
    hash: str


@dataclass(frozen=True)
class Finding:
    """What the review found of an activity, and what the workbook says of it.

    :param verdict: ``cumple``, ``no_cumple``, ``no_verificable``, or None before a review.
    :param reported: the workbook's word, None without one.
    :param agrees: None where there is nothing to compare.
    :param ids: internal ids of Quipux, never names.
    """

    id: str
    group: str
    text: str
    weight: str
    verdict: str | None
    reported: str | None
    agrees: bool | None
    counts: Mapping[str, int] = field(default_factory=dict)
    ids: tuple[int, ...] = ()
    reasons: tuple[str, ...] = ()
    file: str | None = None


@dataclass(frozen=True)
class Review:
    """The newest evidence: a review, or a workbook that nobody reviewed yet.

    :param present: whether it counts for the present round and request.
    """

    time: datetime
    actor: str
    round: int | None
    digest: str | None
    present: bool
    failed: tuple[str, ...]
    verdicts: Mapping[str, int]
    findings: tuple[Finding, ...]

    @property
    def menus(self) -> list[tuple[str, list[Finding]]]:
        """The findings by Quipux's own menu, as they come."""
        return [(menu, list(found)) for menu, found in groupby(self.findings, key=lambda one: one.group)]


@dataclass(frozen=True)
class Message:
    """A mail or a notice.

    :param fate: ``sent``, ``saved`` or ``failed``.
    :param detail: the file in the outbox, or why it failed.
    """

    time: datetime
    text: str
    to: str
    environment: str | None
    fate: str
    detail: str


@dataclass(frozen=True)
class Approval:
    """A decision.

    :param fate: ``vigente``, ``ejecutada``, ``vencida``, ``sin efecto`` or ``rechazo``.
    """

    time: datetime
    approver: str
    environment: str
    fate: str
    round: int
    expires_at: datetime | None
    digests: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Session:
    """Hours of one module."""

    module: str
    hours: float
    day: str
    passed: bool
    instructor: str


@dataclass(frozen=True)
class Training:
    """The hours of training."""

    sessions: tuple[Session, ...]
    hours: float
    required: float
    complete: bool


@dataclass(frozen=True)
class Fingerprint:
    """A SHA-256 and what it is of."""

    what: str
    digest: str


@dataclass(frozen=True)
class Person:
    """The institution's administrator (AIQ), masked."""

    name: str
    national_id: str
    position: str
    email: str
    phone: str
    mobile: str


@dataclass(frozen=True)
class Drifted:
    """One finding of a look for drift.

    :param error: false for a warning.
    """

    code: str
    error: bool


@dataclass(frozen=True)
class CaseDrift:
    """What the newest look at an environment says of one case; nothing when all is as it was left."""

    environment: str
    time: datetime
    findings: tuple[Drifted, ...]

    @property
    def errors(self) -> bool:
        """Whether one of them is more than a warning."""
        return any(one.error for one in self.findings)


@dataclass(frozen=True)
class DriftedCase:
    """A case of whose something was found.

    :param file: name of its page.
    """

    case: str
    file: str
    findings: tuple[Drifted, ...]


@dataclass(frozen=True)
class DriftElsewhere:
    """What was found and is no case's, and the RUCs of the institutions, where it is an institution's."""

    finding: Drifted
    count: int
    rucs: tuple[str, ...]


@dataclass(frozen=True)
class DriftLook:
    """The newest look at an environment."""

    environment: str
    time: datetime
    errors: int
    warnings: int
    cases: tuple[DriftedCase, ...]
    others: tuple[DriftElsewhere, ...]


@dataclass(frozen=True)
class CasePage:
    """Everything about one case.

    :param file: name of its page.
    :param road: the states of its road to production, reached or not.
    :param steps: the states that it was in, in order.
    :param acronym: None, as institution and person, after a purge.
    :param change_of: the case whose administrator this one replaces.
    :param changes: the changes of its administrator that are under way.
    :param drift: what was found of it when its databases were looked at last.
    """

    case: str
    file: str
    route: str
    state: str
    round: int
    since: datetime | None
    overdue: bool
    next: NextStep
    road: tuple[Step, ...]
    steps: tuple[Step, ...]
    acronym: str | None = None
    institution: str | None = None
    ruc: str | None = None
    letter: str | None = None
    person: Person | None = None
    countdown: Countdown | None = None
    history: tuple[Happening, ...] = ()
    review: Review | None = None
    messages: tuple[Message, ...] = ()
    approvals: tuple[Approval, ...] = ()
    training: Training | None = None
    fingerprints: tuple[Fingerprint, ...] = ()
    change_of: str | None = None
    changes: tuple[str, ...] = ()
    drift: tuple[CaseDrift, ...] = ()

    @property
    def title(self) -> str:
        """What the case is called: the institution's acronym, the case's own name after a purge."""
        if self.change_of and self.acronym:
            return f"{self.acronym}, cambio de AIQ"
        return self.acronym or self.case


@dataclass(frozen=True)
class Month:
    """What happened in a calendar month, counted in cases; ``first`` is its first day."""

    first: date
    submitted: int
    in_production: int


@dataclass(frozen=True)
class Board:
    """The whole site.

    :param head: number and hash of the ledger's newest event.
    :param notices: what the reader should know of the ledger itself, in Spanish.
    :param cases: by the day they are due, those without a day last.
    """

    made_at: datetime
    zone: tzinfo
    head: tuple[int, str]
    cases: tuple[CasePage, ...]
    months: tuple[Month, ...] = ()
    notices: tuple[str, ...] = ()
    drift: tuple[DriftLook, ...] = ()
