# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. Requests for backups of deactivated users' documents as items of the engine.

Only the first step of two persons' flow: a request is sent, and somebody else approves it in Quipux. Our role
has no right to do that.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field

from ansible_collections.quipux.provision.plugins.module_utils import _inactive
from ansible_collections.quipux.provision.plugins.module_utils._connection import Session
from ansible_collections.quipux.provision.plugins.module_utils._demand import demand
from ansible_collections.quipux.provision.plugins.module_utils._engine import Ids, Numbers
from ansible_collections.quipux.provision.plugins.module_utils._errors import ItemError, Refused
from ansible_collections.quipux.provision.plugins.module_utils._layout import MANDATORY
from ansible_collections.quipux.provision.plugins.module_utils._needs import BACKUPS
from ansible_collections.quipux.provision.plugins.module_utils._text import digits

COMMENT = "Respaldo de la documentación de un usuario inactivo."

# What Quipux's page writes when an administrator sends a request for a user of the institution (transaction
# 72, states 2 "Enviada" and 8 "Por Generar"), up to there.
_WRITE = """
WITH sent AS (
  INSERT INTO public.respaldo_solicitud (usua_codi_solicita, usua_codi_accion, fecha_solicita,
    fecha_inicio_doc, fecha_fin_doc, estado_solicitud, estado_respaldo, comentario)
  SELECT q.id, %(requester)s, now(), q.first, current_date + time '23:59:59', 2, 8, %(comment)s
  FROM json_to_recordset(%(rows)s) AS q(id int, first date) ORDER BY q.id
  RETURNING resp_soli_codi, usua_codi_solicita, fecha_inicio_doc, fecha_fin_doc
), noted AS (
  INSERT INTO public.respaldo_hist_eventos (resp_soli_codi, usua_codi, fecha, accion, comentario,
    estado_solicitud, estado_respaldo)
  SELECT resp_soli_codi, %(requester)s, now(), 72, %(comment)s, 2, 8 FROM sent ORDER BY resp_soli_codi
), logged AS (
  INSERT INTO public.log (fecha, usua_codi, tabla, sentencia, tipo)
  SELECT now(), %(requester)s, l.name, l.sentence, 2 FROM sent, LATERAL (VALUES
    (1, 'RESPALDO_SOLICITUD', 'INSERT INTO RESPALDO_SOLICITUD (RESP_SOLI_CODI,USUA_CODI_SOLICITA,'
      || 'FECHA_INICIO_DOC,FECHA_FIN_DOC,COMENTARIO,FECHA_SOLICITA,USUA_CODI_ACCION,ESTADO_SOLICITUD,'
      || 'ESTADO_RESPALDO) VALUES (' || resp_soli_codi || ',' || usua_codi_solicita || ','
      || quote_literal(fecha_inicio_doc::date) || ','
      || quote_literal(to_char(fecha_fin_doc, 'YYYY-MM-DD HH24:MI:SS')) || ','
      || quote_literal(%(comment)s::text) || ',CURRENT_TIMESTAMP,' || %(requester)s || ',2,8)'),
    (2, 'RESPALDO_HIST_EVENTOS', 'INSERT INTO RESPALDO_HIST_EVENTOS (RESP_SOLI_CODI,USUA_CODI,FECHA,ACCION,'
      || 'COMENTARIO,ESTADO_SOLICITUD,ESTADO_RESPALDO) VALUES (' || resp_soli_codi || ',' || %(requester)s
      || ',CURRENT_TIMESTAMP,72,' || quote_literal(%(comment)s::text) || ',2,8)')) AS l(place, name, sentence)
  ORDER BY resp_soli_codi, l.place
)
SELECT coalesce(array_agg(resp_soli_codi ORDER BY resp_soli_codi), '{}') FROM sent
"""


class Desired(t.NamedTuple):
    """One item."""

    case: str
    ruc: str
    requester: str
    accounts: tuple[int, ...] | None  # none: all that are due
    binding: dict[str, t.Any]
    expect: str | None
    activation_hash: str = ""


@dataclass
class Decision:
    """What one item comes to."""

    institution: int
    requester: int
    rows: list[dict[str, t.Any]] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)
    activation: str | None = None
    changes: list[dict[str, t.Any]] = field(default_factory=list)
    kept: list[dict[str, t.Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    creates: bool = False

    @property
    def writes(self) -> bool:
        """Whether anything is to be written."""
        return bool(self.changes)

    @property
    def ids(self) -> Ids:
        """Numbers of the rows."""
        return {
            "institution": self.institution,
            "requester": self.requester,
            "requests": sorted(self.requests),
        }


class UserBackups:
    """Kind of module user_backups."""

    tables: t.ClassVar[tuple[str, ...]] = ("usuarios",)
    read: t.ClassVar[str] = _inactive.READ
    no_ids: t.ClassVar[Ids] = {"institution": None, "requester": None, "requests": []}

    def __init__(self) -> None:
        self._session: Session

    def prepare(self, session: Session, *, passwords: bool, writes: bool) -> None:  # noqa: ARG002
        """Demand the tables of backups, prepare the statement."""
        self._session = session
        demand(session, BACKUPS)
        _inactive.prepare(session)

    def desire(self, item: dict[str, t.Any]) -> Desired:
        """Clean and check."""
        named = item.get("accounts")
        return Desired(
            case=item["case"],
            ruc=digits("ruc", item["ruc"], 13),
            requester=digits("requested_by_national_id", item["requested_by_national_id"], 10),
            accounts=None if named is None else tuple(sorted(set(named))),
            binding=item.get("binding") or {},
            expect=item.get("expect"),
        )

    def repeated(self, desired: list[Desired]) -> dict[int, Refused]:
        """Case and RUC are claimed."""
        seen: dict[str, int] = {}
        refused: dict[int, Refused] = {}
        for position, item in enumerate(desired):
            for claim in (f"case {item.case}", f"ruc {item.ruc}"):
                if seen.setdefault(claim, position) != position:
                    refused[position] = Refused(
                        "bad_value", f"{claim} is already in this list", "give it once"
                    )
        return refused

    def question(self, items: t.Iterable[tuple[int, Desired]]) -> str:
        """As JSON."""
        return _inactive.question(
            (position, item.ruc, None if item.accounts is None else list(item.accounts), item.requester)
            for position, item in items
        )

    def answers(self, rows: t.Iterable[tuple[t.Any, ...]]) -> dict[int, _inactive.Found]:
        """The rows that concern each item."""
        return _inactive.answers(rows)

    def decide(self, desired: Desired, current: _inactive.Found) -> Decision:
        """Compare."""
        institution = _institution(desired, current)
        decision = Decision(institution, _requester(desired, current, institution))
        users = {row["id"]: row for row in current.users if row["institution"] == institution}
        strangers = [str(number) for number in desired.accounts or () if number not in users]
        if strangers:
            raise Refused(
                "no_such_account",
                f"institution {desired.ruc} has no deactivated account {', '.join(strangers)}",
                "name deactivated accounts of the institution",
            )
        for number, user in sorted(users.items()):
            _decide(decision, number, user, named=desired.accounts is not None)
        if decision.rows:
            decision.notes.append(
                "each request is sent and waits for somebody who holds perm_aprobar_respaldo (33) to approve "
                "it in Quipux"
            )
        return decision

    def write(
        self,
        position: int,  # noqa: ARG002
        desired: Desired,  # noqa: ARG002
        decision: Decision,
        numbers: Numbers,  # noqa: ARG002
    ) -> Ids:
        """All requests in one statement."""
        parameters = {"rows": json.dumps(decision.rows), "requester": decision.requester, "comment": COMMENT}
        made = self._session.fetch(_WRITE, parameters)[0][0]
        if len(made) != len(decision.rows):
            raise ItemError(
                "database_error", "not every request was written", "nothing of the item was kept; run again"
            )
        decision.requests += made
        return decision.ids


def _institution(desired: Desired, current: _inactive.Found) -> int:
    active = [row["id"] for row in current.institutions if row["state"] == 1]
    if len(active) == 1:
        return int(active[0])
    if active:
        numbers = ", ".join(str(number) for number in active)
        raise Refused(
            "duplicate_ruc",
            f"RUC {desired.ruc} belongs to several institutions ({numbers})",
            "merge them in Quipux",
        )
    if current.institutions:
        raise Refused(
            "inactive_institution",
            f"institution {desired.ruc} is deactivated, nobody of it can ask for backups",
            "reinstate it with its administrator, ask, and retire it again",
        )
    raise Refused("no_such_institution", f"no institution has RUC {desired.ruc}", "check the RUC")


def _requester(desired: Desired, current: _inactive.Found, institution: int) -> int:
    for row in current.requesters:
        if row["institution"] == institution and set(MANDATORY.values()) <= set(row["permissions"]):
            return int(row["id"])
    raise Refused(
        "not_administrator",
        f"{desired.requester} is no active administrator of institution {desired.ruc}",
        "let an active administrator of the institution ask",
    )


def _decide(decision: Decision, number: int, user: dict[str, t.Any], *, named: bool) -> None:
    state = _inactive.state(user)
    request = user["request"] or {}
    if state == _inactive.DUE:
        decision.rows.append({"id": number, "first": user["first"]})
        decision.changes.append(
            {
                "object": "backup_request",
                "key": str(number),
                "field": "state",
                "before": None,
                "after": "sent",
            }
        )
    elif state == _inactive.REQUESTED and request.get("open"):
        decision.requests.append(request["id"])
    elif named:
        words = {
            _inactive.REQUESTED: "the super administrator has ordered one already",
            _inactive.BACKED_UP: "all its documents have a backup",
            _inactive.NOTHING: "it has no documents",
        }
        decision.notes.append(f"no backup is due for account {number}: {words[state]}")
