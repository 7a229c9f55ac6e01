"""Events as the ledger gives them to the fold, written short."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from quipux_provision.domain import kinds
from quipux_provision.domain.approval import format_time
from quipux_provision.domain.lifecycle import fold
from quipux_provision.domain.states import CaseState, LedgerState

BEGIN = datetime(2026, 11, 3, 15, 0, tzinfo=UTC)
KINDS = {"training": "capacitacion", "production": "produccion", "own": "propia"}


@dataclass(frozen=True)
class Happened:
    """One event."""

    seq: int
    kind: str
    case: str | None = "inej"
    environment: str | None = None
    actor: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    personal_ref: str | None = None

    @property
    def time(self) -> datetime:
        return BEGIN + timedelta(hours=self.seq)


class Story:
    """What happened to the case ``inej``; each method adds one event and gives the story back."""

    def __init__(self) -> None:
        self.events: list[Happened] = []
        self._request = "request-1"
        self._nonces = 0

    def ledger(self) -> LedgerState:
        return fold(self.events)

    def case(self) -> CaseState:
        return self.ledger().cases["inej"]

    @property
    def state(self) -> str:
        return self.case().state

    def add(
        self, kind: str, environment: str | None = None, actor: str | None = None, /, **data: Any
    ) -> Story:
        self.events.append(
            Happened(len(self.events) + 1, kind, environment=environment, actor=actor, data=data)
        )
        return self

    def replay(self, position: int = -1) -> Story:
        """Append an earlier event's content again."""
        old = self.events[position]
        return self.add(old.kind, old.environment, old.actor, **old.data)

    def submit(self, request: str = "request-1", author: str = "autora", via: str = "central") -> Story:
        self._request = request
        round_ = self.case().round + 1 if any(e.case == "inej" for e in self.events) else 1
        self.events.append(
            Happened(
                len(self.events) + 1,
                kinds.SUBMITTED,
                actor=author,
                data={"via": via, "round": round_, "request_digest": request},
                personal_ref=f"ref-{request}",
            )
        )
        return self

    def plan(self, environment: str, digest: str = "plan-1", *, pending: bool = True) -> Story:
        return self.add(
            kinds.PLANNED,
            environment,
            kind=KINDS[environment],
            plan_digest=digest,
            request_digest=self._request,
            collection_digest="collection",
            target={"hosts": ["bd"], "database": "quipux", "system_identifier": "7"},
            pending=pending,
        )

    def decide(self, environment: str, decision: str = "approve", **changed: Any) -> Story:
        self._nonces += 1
        plan = self.case().progress(environment).plan
        data = {
            "kind": KINDS[environment],
            "case": "inej",
            "round": self.case().round,
            "request_digest": self._request,
            "plan_digest": plan.digest if plan else None,
            "review_digest": None,
            "decision": decision,
            "nonce": f"nonce-{self._nonces}",
            "expires_at": format_time(BEGIN + timedelta(days=7)),
            "document_sha256": f"document-{self._nonces}",
            **changed,
        }
        return self.add(kinds.DECIDED, environment, "aprobadora", **data)

    def start(self, environment: str, run: str, operator: str = "operador") -> Story:
        self.events.append(
            Happened(
                len(self.events) + 1,
                kinds.RUN_STARTED,
                case=None,
                environment=environment,
                actor=operator,
                data={"run": run, "kind": KINDS[environment], "cases": ["inej"]},
            )
        )
        return self

    def server(self, verb: str, *, answers: bool | None = True, good: bool = True) -> Story:
        """A run over the institution's own server, from its start to its end."""
        run = f"server-{len(self.events)}"
        ended = {
            "run": run,
            "verb": verb,
            "result": "ok" if good else "failed",
            "changed": 1,
            "release": {"version": f"version-{run}", "digest": "d"},
            "backup": "copy" if verb == "backup" else None,
            "answers": answers if good else None,
        }
        for kind, data in ((kinds.SERVER_STARTED, {"run": run, "verb": verb}), (kinds.SERVER_ENDED, ended)):
            number = len(self.events) + 1
            self.events.append(Happened(number, kind, None, "own", "operador", data))
        return self

    def applied(self, environment: str, operator: str = "operador", **changed: Any) -> Story:
        plan = self.case().progress(environment).plan
        data = {
            "run": f"run-{len(self.events)}",
            "kind": KINDS[environment],
            "round": self.case().round,
            "request_digest": self._request,
            "request_ref": f"ref-{self._request}",
            "expect": plan.digest if plan else "",
            "document_sha256": f"document-{self._nonces}",
            "activation": "written",
            "mail_wanted": True,
            **changed,
        }
        return self.add(kinds.APPLIED, environment, operator, **data)

    def failed(
        self,
        environment: str,
        run: str = "run",
        operator: str = "operador",
        code: str = "unreachable",
        *,
        answered: bool = False,
    ) -> Story:
        data = {"run": run, "kind": KINDS[environment], "code": code, "answered": answered}
        return self.add(kinds.RUN_FAILED, environment, operator, **data)

    def order(self, word: str, environment: str = "production", **changed: Any) -> Story:
        """What stands in the request's place from now on."""
        self._request = f"order-{word}"
        data = {"order": word, "round": self.case().round + 1, "request_digest": self._request}
        return self.add(kinds.ORDERED, environment, "autora", **data, **{"documents": "refuse", **changed})

    def ordered(self, word: str, **changed: Any) -> Story:
        """An order from its author to its end."""
        stage = kinds.STAGE_OF_ORDER[word]
        story = self.order(word).plan("production", f"plan-{word}").decide("production")
        story.applied("production", stage=stage, request_ref="ref-request-1", **changed)
        self._request = "request-1"
        return self

    def produced(self) -> Story:
        """The road to its end."""
        return self.trained().plan("production").decide("production").applied("production")

    def requested(self) -> Story:
        """A citizen, until the signature is asked for."""
        self.submit(via="ciudadano").plan("production").decide("production")
        return self.applied("production", stage=kinds.REQUESTED)

    def trained(self) -> Story:
        """The road as far as training."""
        return self.submit().plan("training").decide("training").applied("training")

    def mail(self, kind: str, environment: str) -> Story:
        return self.add(f"mail.{kind}", environment)
