"""Who must act next for a case, by when, and with which command."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from quipux_provision.domain import training
from quipux_provision.domain.deadlines import overdue
from quipux_provision.domain.kinds import (
    ACEPTADA,
    CAPACITADA,
    DESISTIDA,
    EN_CAPACITACION,
    EN_PRODUCCION,
    INFORMADA,
    MAIL_SAVED,
    OBSERVADA,
    OWN,
    PLAN_CHANGED,
    PRODUCTION,
    RECHAZADA,
    RECIBIDA,
    REQUESTED,
    RETIRADA,
    SUSPENDIDA,
    TRAINING,
)
from quipux_provision.domain.states import CaseState, LedgerState
from quipux_provision.service import changes
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.settings import Environment

AUTHOR = "autor"
OPERATOR = "operador"
APPROVER = "aprobador"
ADMINISTRATOR = "aiq"
NOBODY = "nadie"
_REASON = '--reason "..."'


@dataclass(frozen=True)
class NextStep:
    """What happens next.

    :param who: autor, operador, aprobador, aiq or nadie.
    :param command: what to type; for the administrator (AIQ), what the operator types once it is done.
    :param by: until when, None where nothing presses.
    :param not_before: the first day on which it is of use, None where that day has come.
    """

    who: str
    command: str = ""
    by: datetime | None = None
    not_before: date | None = None


def next_step(workspace: Workspace, state: LedgerState, case: CaseState) -> NextStep:
    """Return who acts next."""
    return _Steps(workspace, state, case).next()


class _Steps:
    def __init__(self, workspace: Workspace, state: LedgerState, case: CaseState) -> None:
        self.servers = state.servers
        self.workspace = workspace
        self.policy = workspace.settings.policy
        self.case = case
        self.now = workspace.now()
        serving = [e for e in workspace.settings.environments.values() if case.route in e.routes]
        self.training = next((e for e in serving if e.kind == TRAINING), None)
        self.own = next((e for e in serving if e.kind == OWN), None)
        self.production = next((e for e in serving if e.kind == PRODUCTION), None)

    def next(self) -> NextStep:
        case, state = self.case, self.case.state
        if case.purged or state == DESISTIDA:
            return NextStep(NOBODY)
        if state == RECHAZADA:
            for name, progress in case.environments.items():
                if progress.open_rejection:
                    return NextStep(OPERATOR, self._command("apply", f"--environment {name}"))
            return NextStep(AUTHOR, f"quipux-provision submit requests/{case.case}.yml")
        if state == SUSPENDIDA:
            return NextStep(OPERATOR, self._command("reopen", _REASON))
        left = self._left_over() or self._died_unused()
        if left:
            return left
        ordered = self._ordered()
        if ordered:
            return ordered
        if state in (EN_PRODUCCION, RETIRADA):
            return NextStep(NOBODY)
        if self.own:
            return self._on_own_server(self.own)
        if state in (RECIBIDA, ACEPTADA, CAPACITADA) and self.training:
            return self._enter_training(self.training)
        if state in (EN_CAPACITACION, OBSERVADA, INFORMADA) and self.policy.review_gate:
            return self._in_training()
        if self.production:
            return self._gate(self.production, NextStep(OPERATOR, self._command("promote")))
        names = sorted(self.workspace.settings.environments)
        option = f" --environment {names[0]}" if names else ""
        return NextStep(OPERATOR, f"quipux-provision doctor{option}")

    def _left_over(self) -> NextStep | None:
        """A run that changed something and did not come to its end."""
        for name, progress in self.case.environments.items():
            environment = self.workspace.settings.environments.get(name)
            left = progress.mail_wanted or progress.failure
            if environment and left and progress.holds(self.case.request_digest):
                again = NextStep(OPERATOR, self._command("apply", f"--environment {name}"))
                if progress.failure != PLAN_CHANGED:
                    return again
                return self._gate(environment, again)
        return None

    def _ordered(self) -> NextStep | None:
        """What stands in the request's place until it is carried out."""
        for name, progress in self.case.environments.items():
            environment = self.workspace.settings.environments.get(name)
            if progress.order and environment:
                run = NextStep(OPERATOR, self._in("apply", environment))
                return self._gate(environment, run, self.case.asked_in(name))
        return None

    def _died_unused(self) -> NextStep | None:
        """An account that stands, whose owner never came in: the code died."""
        for name, progress in self.case.environments.items():
            stands = progress.holds(self.case.request_digest) and not progress.account_ended
            if progress.code_expired and stands and name in self.workspace.settings.environments:
                return NextStep(OPERATOR, self._command("activate", f"--environment {name}"))
        return None

    def _enter_training(self, environment: Environment) -> NextStep:
        step = self._gate(environment, NextStep(OPERATOR, self._in("apply", environment)))
        recorded = self.case.training.modules if self.case.training else ()
        missing = training.missing(recorded, self.policy.training_hours) if self.policy.training_gate else []
        if missing and step.command.startswith("quipux-provision apply"):
            module = missing[0] if missing[0] in training.MODULES else "administracion"
            return NextStep(OPERATOR, self._command("training", f"--module {module} --hours H --date D"))
        return step

    def _on_own_server(self, environment: Environment) -> NextStep:
        server = self.servers.get(environment.name)
        if server is None or server.installed is None:
            return NextStep(OPERATOR, f"quipux-provision self-hosted install -e {environment.name}")
        return self._gate(environment, NextStep(OPERATOR, self._in("apply", environment)))

    def _in_training(self) -> NextStep:
        case, window = self.case, self.case.window
        report = self._command("report", "--workbook FILE")
        if case.state == INFORMADA:
            review = case.present_review
            verb = self._command("return", _REASON) if review else self._command("review")
            return NextStep(OPERATOR, verb)
        if overdue(case, self.now):
            return NextStep(OPERATOR, "quipux-provision deadlines")
        if window:
            return NextStep(ADMINISTRATOR, report, window.due_at)
        for name, progress in case.environments.items():
            if progress.kind == TRAINING and progress.mail != MAIL_SAVED.removeprefix("mail."):
                return NextStep(OPERATOR, self._command("apply", f"--environment {name}"))
        return NextStep(OPERATOR, self._command("sent", "--date D"))

    def _gate(self, environment: Environment, run: NextStep, asked: CaseState | None = None) -> NextStep:
        case = asked or self.case
        progress = case.progress(environment.name)
        decision, applied = progress.decision, progress.applied
        if decision and applied and progress.stage == REQUESTED and decision.plan_digest == applied.expect:
            decision = None  # it let the signature be asked for, no more
        if decision is not None and decision.round == self.case.round and decision.expires_at > self.now:
            day = changes.effective_day(self.workspace, self.case)
            waits = changes.awaits_its_day(self.workspace, self.case, environment)
            return NextStep(run.who, run.command, decision.expires_at, day if waits else None)
        # What is there already, of another hand, is approved too: only then does the case go on.
        held = progress.holds(case.request_digest)
        if progress.plan is not None and (progress.plan.pending or progress.awaits_signature or not held):
            first = changes.approvable_from(self.workspace, self.case, environment)
            return NextStep(APPROVER, self._in("approve", environment), not_before=first)
        return NextStep(OPERATOR, self._in("plan", environment))

    def _in(self, verb: str, environment: Environment) -> str:
        return self._command(verb, f"--environment {environment.name}")

    def _command(self, verb: str, options: str = "") -> str:
        return f"quipux-provision {verb} {self.case.case} {options}".rstrip()
