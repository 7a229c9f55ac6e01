"""The words of the ledger: kinds of environment, kinds of event, states."""

from __future__ import annotations

# Kinds of environment, as the settings name them.
TRAINING = "capacitacion"
PRODUCTION = "produccion"
OWN = "propia"
KINDS = (TRAINING, PRODUCTION, OWN)

# Kinds of event.
LEDGER_CREATED = "ledger.created"
SUBMITTED = "case.submitted"
ADOPTED = "case.adopted"
ORDERED = "case.ordered"
TRAINING_RECORDED = "training.recorded"
DECISION_RECEIVED = "decision.received"
DECIDED = "case.decided"
BOUND = "environment.bound"
REBOUND = "environment.rebound"
SIGNERS_CHANGED = "signers.changed"
PLANNED = "plan.recorded"
ACTIVATION_PREPARED = "activation.prepared"
ACTIVATION_ENDED = "activation.ended"
RUN_STARTED = "run.started"
APPLIED = "run.applied"
RUN_FAILED = "run.failed"
ACCOUNT_ENDED = "account.ended"
UPKEEP_FAILED = "upkeep.failed"
MAIL_SENT = "mail.sent"
MAIL_SAVED = "mail.saved"
MAIL_FAILED = "mail.failed"
NOTICE_SENT = "notice.sent"
NOTICE_SAVED = "notice.saved"
NOTICE_FAILED = "notice.failed"
CLOCK_STARTED = "clock.started"
REPORTED = "report.received"
REVIEWED = "review.recorded"
RETURNED = "case.returned"
SUSPENDED = "case.suspended"
REOPENED = "case.reopened"
WITHDRAWN = "case.withdrawn"
PURGED = "case.purged"
DRIFT_RECORDED = "drift.recorded"
SERVER_STARTED = "server.started"
SERVER_ENDED = "server.ended"
LOCK_TAKEN_OVER = "lock.taken_over"
LOCK_RELEASED = "lock.released_by_hand"

# How a run of a case fails when the database or the code is not what was planned on.
PLAN_CHANGED = "plan_changed"

# States.
RECIBIDA = "recibida"
ACEPTADA = "aceptada"
CAPACITADA = "capacitada"
EN_CAPACITACION = "en_capacitacion"
INFORMADA = "informada"
REVISADA = "revisada"
INSTALADA = "instalada"
OBSERVADA = "observada"
SOLICITADA = "solicitada"
APROBADA = "aprobada"
EN_PRODUCCION = "en_produccion"
SUSPENDIDA = "suspendida"
RECHAZADA = "rechazada"
DESISTIDA = "desistida"
RETIRADA = "retirada"
STATES = (
    RECIBIDA,
    ACEPTADA,
    CAPACITADA,
    EN_CAPACITACION,
    INFORMADA,
    REVISADA,
    OBSERVADA,
    SOLICITADA,
    APROBADA,
    INSTALADA,
    EN_PRODUCCION,
    SUSPENDIDA,
    RECHAZADA,
    DESISTIDA,
    RETIRADA,
)

# What may be ordered for a case that is in production.
RETIRE = "retire"
REINSTATE = "reinstate"
BACKUPS = "backups"
ORDERS = (RETIRE, REINSTATE, BACKUPS)

# What a run left behind of a case. A citizen's is asked for first, and decided once more.
PRESENT = "present"
REQUESTED = "requested"
APPROVED = "approved"
REJECTED = "rejected"
RETIRED = "retired"
REINSTATED = "reinstated"
BACKED_UP = "backups"
STAGE_OF_ORDER = {RETIRE: RETIRED, REINSTATE: REINSTATED, BACKUPS: BACKED_UP}

# What an administrator (AIQ) and the operator are told beside the activation mail.
REMINDER = "recordatorio"
SUSPENSION = "suspension"
SUSPENSION_OPERATOR = "suspension_operador"
RETURN = "devolucion"
TRAINING_END = "fin_capacitacion"
RELIEF = "relevo"
