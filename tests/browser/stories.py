"""A ledger with cases in every state, written through the real ledger with its clock moved."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from quipux_provision.domain import kinds
from quipux_provision.domain.activities import ACTIVITIES
from quipux_provision.domain.approval import format_time
from quipux_provision.domain.canonical import salted_digest
from quipux_provision.domain.clock import due_at
from quipux_provision.service.setup import initialise
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.ledger import Ledger, NewEvent

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
ZONE = ZoneInfo("America/Guayaquil")
KINDS = {"training": "capacitacion", "production": "produccion", "own": "propia"}
# Invented; the check digits hold.
RUC, CEDULA = "1769999930001", "2405999992"
EMAIL, MOBILE, INSTRUCTOR = "maria.ejemplo@inej.example.gob.ec", "+593991234567", "Elena Docente Prueba"


def _finding(code: str, case: str | None = None, severity: str = "error") -> dict[str, Any]:
    return {"code": code, "severity": severity, "case": case, "ruc": RUC}


# What looks for drift found.
CLEAN = {"run": "c" * 16, "counts": {"error": 0, "warning": 0}, "findings": []}
DRIFT = {
    "run": "d" * 16,
    "counts": {"error": 3, "warning": 2},
    "findings": [
        _finding("institution_renamed", "senaj"),
        _finding("forbidden_permission", "senaj"),
        _finding("aiq_no_backup", "copej", "warning"),
        _finding("institution_unmanaged", None, "warning"),
        {**_finding("published_password"), "ruc": None},
    ],
}


class Frozen(Workspace):
    """A workspace whose clock stands still."""

    moment = NOW

    def now(self) -> datetime:
        return self.moment


@dataclass
class Registry:
    """A workspace and the events that are to be in its ledger."""

    folder: Path
    events: list[tuple[datetime, NewEvent]] = field(default_factory=list)

    def write(self) -> Workspace:
        """Make the workspace and its ledger; events go in by time."""
        initialise(self.folder)
        moments = iter(sorted(moment for moment, _event in self.events))
        clock = [datetime(2026, 1, 1, tzinfo=UTC)]
        ledger = Ledger.open("sqlite:///ledger.db", self.folder, clock=lambda: clock[0])
        for moment, event in sorted(self.events, key=lambda one: one[0]):
            clock[0] = next(moments)
            assert clock[0] == moment
            ledger.append([event])
        ledger.close()
        return self.open()

    def open(self) -> Workspace:
        """The workspace, newly opened, at NOW."""
        return Frozen(self.folder)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class Story:
    """One case; each method adds one event, some time after the one before."""

    registry: Registry
    case: str
    name: str
    moment: datetime
    acronym: str = ""
    route: str = "central"
    round: int = 1
    step: timedelta = timedelta(hours=2)

    def source(self) -> dict[str, Any]:
        """The request."""
        return {
            "oficio": {"numero": f"{self.acronym}-DE-2026-0123-O", "fecha": "2026-09-01"},
            "via": self.route,
            "institucion": {
                "nombre": self.name,
                "ruc": RUC,
                "sigla": self.acronym or self.case.upper(),
                "telefono": "+59322999999",
                "direccion": "Calle Inventada 100, Quito",
            },
            "administrador": {
                "nombres": "María Fernanda",
                "apellidos": "Ejemplo Loor",
                "cedula": CEDULA,
                "cargo": "Analista de Gestión Documental",
                "correo": EMAIL,
                "telefono": "+59322999999",
                "celular": MOBILE,
            },
        }

    def add(
        self,
        kind: str,
        environment: str | None = None,
        actor: str | None = "olga.operadora",
        /,
        personal: Mapping[str, Any] | None = None,
        case: bool = True,
        **data: Any,
    ) -> Story:
        event = NewEvent(kind, self.case if case else None, environment, actor, data, personal)
        self.registry.events.append((self.moment, event))
        self.moment += self.step
        return self

    def days(self, count: float) -> Story:
        """Let days go by."""
        self.moment += timedelta(days=count)
        return self

    @property
    def request_digest(self) -> str:
        return salted_digest("0" * 64, self.source())

    def submit(self) -> Story:
        personal = {"salt": "0" * 64, "request": self.source()}
        data = {"via": self.route, "round": self.round, "request_digest": self.request_digest}
        return self.add(kinds.SUBMITTED, None, "ana.autora", personal, **data)

    def accept(self, environment: str = "training", decision: str = "approve", **digests: Any) -> Story:
        plan = sha256(f"plan {self.case} {environment} {self.round}")
        self.add(
            kinds.PLANNED,
            environment,
            kind=KINDS[environment],
            plan_digest=plan,
            request_digest=self.request_digest,
            collection_digest=sha256("collection"),
            target={"hosts": ["bd"], "database": "quipux", "system_identifier": "7"},
            pending=True,
        )
        document = sha256(f"document {self.case} {environment} {self.round}")
        self.add(
            kinds.DECISION_RECEIVED,
            environment,
            "pedro.aprobador",
            case=False,
            cases=[self.case],
            decision=decision,
            document_sha256=document,
            nonce=document[:32],
        )
        return self.add(
            kinds.DECIDED,
            environment,
            "pedro.aprobador",
            kind=KINDS[environment],
            round=self.round,
            request_digest=self.request_digest,
            plan_digest=plan,
            review_digest=digests.get("review_digest"),
            decision=decision,
            nonce=document[:32],
            expires_at=format_time(self.moment + timedelta(days=7)),
            document_sha256=document,
        )

    def learn(self, *hours: float) -> Story:
        modules = ("bandeja_entrada", "bandeja_salida", "administracion")
        public = [
            {"modulo": module, "horas": count, "fecha": "2026-09-04", "aprobado": True}
            for module, count in zip(modules, hours, strict=False)
        ]
        return self.add(
            kinds.TRAINING_RECORDED,
            personal={"capacitacion": [{**one, "instructor": INSTRUCTOR} for one in public]},
            training_digest=sha256(f"training {self.case} {hours}"),
            modules=public,
            hours=sum(hours),
            complete=len(hours) == 3 and sum(hours) >= 12,
        )

    def carry_out(self, environment: str) -> Story:
        run = sha256(f"run {self.case} {environment} {self.round}")[:32]
        self.add(
            kinds.RUN_STARTED, environment, case=False, run=run, kind=KINDS[environment], cases=[self.case]
        )
        self.add(kinds.ACTIVATION_PREPARED, environment, hash_sha256=sha256(f"code {run}"))
        return self.add(
            kinds.APPLIED,
            environment,
            run=run,
            kind=KINDS[environment],
            round=self.round,
            request_digest=self.request_digest,
            request_ref=None,
            expect=sha256(f"plan {self.case} {environment} {self.round}"),
            document_sha256=sha256(f"document {self.case} {environment} {self.round}"),
            activation="written",
            mail_wanted=True,
        )

    def mail(self, environment: str, fate: str = "sent") -> Story:
        reasons = {"failed": {"reason": "recipient"}, "saved": {"file": f"{self.case}-{environment}.eml"}}
        workbook = {"workbook_sha256": sha256(f"blank {self.case}")} if environment == "training" else {}
        return self.add(
            f"mail.{fate}",
            environment,
            None,
            **workbook,
            **reasons.get(fate, {"accepted_at": format_time(self.moment)}),
        )

    def start_clock(self) -> Story:
        data = {
            "started_at": format_time(self.moment),
            "due_at": format_time(due_at(self.moment, 7, ZONE)),
            "zone": str(ZONE),
            "days": 7,
            "declared": False,
        }
        return self.add(kinds.CLOCK_STARTED, "training", None, **data)

    def notice(self, key: str, fate: str = "sent") -> Story:
        data = {"reason": "timeout"} if fate == "failed" else {"accepted_at": format_time(self.moment)}
        return self.add(
            f"notice.{fate}", "training", None, key=key, kind=key.split(":", maxsplit=1)[0], **data
        )

    def train(self) -> Story:
        """The road as far as the days in training."""
        self.submit().days(1).accept().days(1).learn(4, 4, 4).carry_out("training").mail("training")
        return self.start_clock()

    def report(self) -> Story:
        rows = [
            {
                "id": one.id,
                "state": "hecha",
                "date": "2026-11-10",
                "remark": "Lo hizo Juan Nombrado",
                "evidence": "",
            }
            for one in ACTIVITIES
        ]
        return self.add(
            kinds.REPORTED,
            "training",
            personal={"rows": rows},
            workbook_sha256=sha256(f"workbook {self.case} {self.round}"),
            received_at=format_time(self.moment),
            round=self.round,
        )

    def review(self, *failed: str) -> Story:
        activities = [
            {
                "id": one.id,
                "weight": one.weight,
                "verdict": "no_cumple" if one.id in failed else _verdict(one.id),
                "counts": {"areas": 1} if one.id in failed else {},
                "ids": [4711, 4712] if one.id in failed else [],
                "reasons": ["too_few_areas"] if one.id in failed else [],
                "reported": "hecha",
                "agrees": one.id not in failed,
                "file": sha256("acta") if one.id == "G1" else None,
            }
            for one in ACTIVITIES
        ]
        verdicts = [one["verdict"] for one in activities]
        return self.add(
            kinds.REVIEWED,
            "training",
            "rita.revisora",
            {"activities": activities},
            round=self.round,
            request_digest=self.request_digest,
            review_digest=sha256(f"review {self.case} {self.round}"),
            failed=list(failed),
            verdicts={word: verdicts.count(word) for word in sorted(set(verdicts))},
            workbook_sha256=sha256(f"workbook {self.case} {self.round}"),
            files=[sha256("acta")],
        )

    def give_back(self) -> Story:
        self.add(kinds.RETURNED, None, "rita.revisora", {"reason": "Falta el jefe de Juan Nombrado"})
        self.notice(f"{kinds.RETURN}:{self.round + 1}")
        self.round += 1
        return self

    def suspend(self) -> Story:
        self.add(kinds.SUSPENDED, None, window=1, due_at=format_time(self.moment))
        self.add(
            kinds.ACCOUNT_ENDED, "training", run="r", kind=KINDS["training"], reason="suspended", changed=True
        )
        return self.notice("suspension:1").notice("suspension_operador:1", "failed")

    def produce(self) -> Story:
        self.report().days(1).review().days(1)
        self.accept("production", review_digest=sha256(f"review {self.case} {self.round}"))
        return self.carry_out("production").mail("production")


def _verdict(activity: str) -> str:
    return "no_verificable" if activity in ("E6", "F3", "F6") else "cumple"


def story(registry: Registry, case: str, name: str, before: float, **options: Any) -> Story:
    """Begin a story that many days before NOW."""
    options.setdefault("acronym", case.upper())
    return Story(registry, case, name, NOW - timedelta(days=before), **options)


def office(folder: Path) -> Registry:
    """Cases in every state."""
    registry = Registry(folder)

    def tell(case: str, name: str, before: float, **options: Any) -> Story:
        return story(registry, case, name, before, **options)

    tell("senaj", "Servicio Nacional de Ejemplos", 85).train().days(4).produce()
    tell("copej", "Consejo de Prueba y Ejemplo", 80).train().days(5).produce()
    tell("mindej", "Ministerio de Ejemplos y Casos Inventados", 50).train().days(3).produce()
    late = tell("inej", "Instituto Nacional de Ejemplo", 16).train()
    late.days(4).notice("recordatorio:1:2").days(1).notice("recordatorio:1:1").days(1).notice(
        "recordatorio:1:0"
    )
    returned = tell("sedej", "Secretaría de Ejemplos y Pruebas", 10.5).train()
    returned.days(2).report().days(1).review("B1", "C4").give_back()
    tell("afic", "Agencia Ficticia de Control", 9).train()
    tell("cnej", "Corporación Nacional de Ejemplo", 5).train()
    tell("upej", "Unidad de Planificación de Ejemplo", 10).train().days(3).report()
    tell("revej", "Registro de Ejemplos", 13).train().days(4).report().days(1).review()
    approved = tell("aprej", "Autoridad de Pruebas", 14).train().days(4).report().days(1).review().days(1)
    approved.accept("production", review_digest=sha256("review aprej 1"))
    tell("susej", "Superintendencia de Ejemplos", 28).train().days(8).suspend()
    tell("recej", "Red de Centros de Ejemplo", 1).submit()
    tell("acej", "Academia de Ejemplo", 6).submit().days(1).accept().learn(4, 4)
    tell("capej", "Centro de Acopio de Ejemplo", 7).submit().days(1).accept().learn(5, 4, 3.5)
    tell("rechej", "Empresa Pública de Ejemplo", 30).submit().days(1).accept(decision="reject")
    left = tell("desej", "Dirección de Ejemplos", 40).train()
    left.days(2).add(kinds.WITHDRAWN, None, "ana.autora", {"reason": "Fusión"})
    tell("propej", "Gobierno Autónomo de Ejemplo", 20, route="autoalojada").submit().accept("own")
    registry.events.append(
        (NOW - timedelta(hours=3), NewEvent(kinds.DRIFT_RECORDED, None, "training", None, CLEAN))
    )
    registry.events.append(
        (NOW - timedelta(hours=2), NewEvent(kinds.DRIFT_RECORDED, None, "production", None, DRIFT))
    )
    return registry
