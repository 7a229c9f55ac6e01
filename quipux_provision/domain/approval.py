"""The approval document: one decision over one or many cases, as its bytes are signed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from quipux_provision.domain.canonical import canonical_json
from quipux_provision.errors import GateClosed
from quipux_provision.i18n import _

FORMAT = "quipux-provision-approval/1"
NAMESPACE = "quipux-provision-approval"
Decision = Literal["approve", "reject"]
_NONCE = re.compile(r"[0-9a-f]{16,64}")


@dataclass(frozen=True)
class CaseDecision:
    """What is decided for one case: the round and the digests of what was shown."""

    case: str
    round: int
    request_digest: str
    plan_digest: str | None
    review_digest: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the mapping that stands in the document."""
        return {
            "case": self.case,
            "round": self.round,
            "request_digest": self.request_digest,
            "plan_digest": self.plan_digest,
            "review_digest": self.review_digest,
        }


@dataclass(frozen=True)
class ApprovalDocument:
    """A decision with its bounds; times are UTC, whole seconds."""

    ledger_id: str
    environment: str
    cases: tuple[CaseDecision, ...]
    decision: Decision
    reason: str
    issued_at: datetime
    expires_at: datetime
    nonce: str

    def to_bytes(self) -> bytes:
        """Return the canonical bytes: what is signed and what the file holds."""
        return canonical_json(
            {
                "format": FORMAT,
                "ledger_id": self.ledger_id,
                "environment": self.environment,
                "cases": [case.as_dict() for case in self.cases],
                "decision": self.decision,
                "reason": self.reason,
                "issued_at": format_time(self.issued_at),
                "expires_at": format_time(self.expires_at),
                "nonce": self.nonce,
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> ApprovalDocument:
        """Read a document; only its canonical bytes are accepted.

        :raises GateClosed: the bytes are not those of an approval document.
        """
        try:
            document = cls._from_mapping(json.loads(data.decode("utf-8")))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            document = None
        if document is None or document.to_bytes() != data:
            raise GateClosed(
                _("this is not an approval document, or its bytes were changed"),
                _("ask its author for the file that quipux-provision approve wrote"),
            )
        return document

    @classmethod
    def _from_mapping(cls, raw: Mapping[str, Any]) -> ApprovalDocument | None:
        if raw["format"] != FORMAT or raw["decision"] not in ("approve", "reject"):
            return None
        cases = tuple(CaseDecision(**case) for case in raw["cases"])
        texts = [raw["ledger_id"], raw["environment"], raw["reason"], raw["nonce"]]
        for case in cases:
            texts += [case.case, case.request_digest]
        for case in cases:
            texts += [digest for digest in (case.plan_digest, case.review_digest) if digest is not None]
        if not cases or not all(isinstance(text, str) for text in texts):
            return None
        if not all(type(case.round) is int for case in cases) or not _NONCE.fullmatch(raw["nonce"]):
            return None
        if len({case.case for case in cases}) < len(cases):
            return None
        return cls(
            ledger_id=raw["ledger_id"],
            environment=raw["environment"],
            cases=cases,
            decision=raw["decision"],
            reason=raw["reason"],
            issued_at=parse_time(raw["issued_at"]),
            expires_at=parse_time(raw["expires_at"]),
            nonce=raw["nonce"],
        )

    def for_case(self, case: str) -> CaseDecision | None:
        """Return what is decided for *case*, or None."""
        return next((decided for decided in self.cases if decided.case == case), None)

    def check_time(self, now: datetime, longest: timedelta) -> None:
        """Refuse a document that is expired, from the future, or lives longer than policy allows.

        :raises GateClosed: it does not count now.
        """
        if self.expires_at - self.issued_at > longest:
            raise GateClosed(
                _("the approval lives longer than policy allows"),
                _("approve again; the expiry is set for you"),
            )
        if now >= self.expires_at:
            raise GateClosed(
                _("the approval expired at {time}").format(time=format_time(self.expires_at)),
                _("ask the approver to approve again"),
            )
        if self.issued_at > now + timedelta(minutes=5):
            raise GateClosed(
                _("the approval was issued in the future, at {time}").format(
                    time=format_time(self.issued_at)
                ),
                _("set the clocks of both machines right, then approve again"),
            )


def format_time(moment: datetime) -> str:
    """Return *moment* as ``2026-11-03T15:00:00Z``."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def parse_time(text: str) -> datetime:
    """Read what :func:`format_time` writes.

    :raises ValueError: it is anything else.
    """
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    if format_time(moment) != text:
        raise ValueError(f"not a time of ours: {text!r}")
    return moment
