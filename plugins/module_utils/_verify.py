# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: S608 (the columns are ours)

"""PRIVATE. What must be true of an item before COMMIT; the triggers swallow their errors, so somebody has
to look."""

from __future__ import annotations

import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._current import SERVES
from ansible_collections.quipux.provision.plugins.module_utils._decision import Decision
from ansible_collections.quipux.provision.plugins.module_utils._desired import Desired
from ansible_collections.quipux.provision.plugins.module_utils._errors import ItemError
from ansible_collections.quipux.provision.plugins.module_utils._layout import MANDATORY
from ansible_collections.quipux.provision.plugins.module_utils._writes import Ids

_SAME = (
    "usua_login",
    "usua_pasw",
    "usua_cedula",
    "usua_nomb",
    "usua_apellido",
    "usua_cargo",
    "usua_cargo_cabecera",
    "usua_email",
    "usua_telefono",
    "usua_esta",
    "usua_nuevo",
    "cargo_tipo",
    "inst_codi",
    "depe_codi",
    "tipo_identificacion",
)
PREPARE_VERIFY = f"""
PREPARE quipux_provision_verify(int, int, int, text, text, int) AS
SELECT
  (SELECT coalesce(array_agg(DISTINCT tabla || ' ' || accion), '{{}}') FROM public.log_view_usuario
    WHERE fecha = now() AND codigo IN ($1, $2, $3, $6)),
  (SELECT count(*) FROM public.usuarios u JOIN public.usuario m ON m.usua_codi = u.usua_codi
    JOIN public.institucion i ON i.inst_codi = u.inst_codi
    WHERE u.usua_codi IN ($3, $6) AND m.inst_estado = i.inst_estado AND m.tipo_usuario = 1
      AND {" AND ".join(f"m.{name} IS NOT DISTINCT FROM u.{name}" for name in _SAME)}),
  (SELECT count(*) FROM public.usuario m JOIN public.institucion i ON i.inst_codi = m.inst_codi
    WHERE m.inst_codi = $1 AND m.inst_codi > 0 AND (m.inst_estado IS DISTINCT FROM i.inst_estado
      OR m.inst_padre_nombre IS DISTINCT FROM i.inst_nombre OR m.inst_padre_sigla IS DISTINCT FROM
        i.inst_sigla)),
  (SELECT count(*) FROM public.institucion WHERE inst_ruc = $4 AND inst_estado = 1),
  (SELECT count(*) FROM public.institucion o, public.institucion i
    WHERE i.inst_codi = $1 AND o.inst_codi <> $1 AND upper(o.inst_sigla) = upper(i.inst_sigla)),
  (SELECT count(*) FROM public.usuario WHERE usua_esta = 1 AND usua_login = $5),
  (SELECT coalesce(array_agg(id_permiso ORDER BY id_permiso), '{{}}') FROM public.permiso_usuario WHERE
    usua_codi = $3),
  (SELECT count(*) FROM public.usuarios u JOIN public.dependencia d ON d.depe_codi = u.depe_codi
    WHERE u.usua_codi = $3 AND d.inst_codi = u.inst_codi AND u.usua_nuevo = 1 AND u.usua_pasw <> ''),
  (SELECT coalesce(array_agg(id_permiso ORDER BY id_permiso), '{{}}') FROM public.permiso_usuario WHERE
    usua_codi = $6),
  (SELECT count(*) FROM public.usuarios u WHERE $6 IS NOT NULL AND u.inst_codi = $1 AND u.usua_codi <> $6 AND
    {SERVES})
"""
VERIFY = "EXECUTE quipux_provision_verify(%s, %s, %s, %s, %s, %s)"
# The same for accounts that lost their code and nothing else.
VERIFY_EXPIRED = """
SELECT
  (SELECT coalesce(array_agg(DISTINCT tabla || ' ' || accion), '{}') FROM public.log_view_usuario
    WHERE fecha = now() AND codigo = ANY(%s)),
  (SELECT count(*) FROM public.usuarios u JOIN public.usuario m ON m.usua_codi = u.usua_codi
    WHERE u.usua_codi = ANY(%s) AND u.usua_pasw = %s AND m.usua_pasw = u.usua_pasw)
"""
_AGAIN = "nothing of the item was kept; look at the database's triggers and at the area's city (depe_pie1)"


def question(desired: Desired, ids: Ids) -> tuple[t.Any, ...]:
    """The parameters of VERIFY."""
    return ids.institution, ids.area, ids.account, desired.ruc, f"U{desired.national_id}", ids.outgoing


def check(row: tuple[t.Any, ...], desired: Desired, decision: Decision, ids: Ids) -> None:
    """ItemError if the row of VERIFY shows anything wrong; the caller rolls back."""
    swallowed, mirrored, stale, same_ruc, same_acronym, same_login, permissions, sound, left, serving = row
    _check_triggers(swallowed)
    accounts = len([number for number in (ids.account, ids.outgoing) if number is not None])
    if mirrored != accounts or stale:
        raise ItemError("mirror_missing", "table usuario does not follow the rows that were written", _AGAIN)
    if ids.outgoing is not None:
        if set(left) & set(decision.revoke):
            raise ItemError("database_error", "the outgoing administrator kept permissions", _AGAIN)
        if not serving:
            raise ItemError(
                "no_administrator",
                f"institution {desired.ruc} would be left without an active administrator (AIQ)",
                _AGAIN,
            )
    if decision.create_institution and same_ruc != 1:
        raise ItemError("duplicate_ruc", f"RUC {desired.ruc} was taken meanwhile", "run again")
    if (decision.create_institution or "acronym" in decision.set_institution) and same_acronym:
        raise ItemError("duplicate_acronym", "the acronym was taken meanwhile", "run again")
    present = ids.account is not None and not desired.absent
    alone = desired.existing_account == "reject" and (decision.create_account or decision.reactivate_account)
    if present and alone and same_login != 1:
        raise ItemError(
            "account_exists", f"the login of {desired.national_id} was taken meanwhile", "run again"
        )
    if present and not (set(MANDATORY.values()) <= set(permissions) and sound == 1):
        raise ItemError("database_error", "the account written is not the account wanted", _AGAIN)


def check_expired(row: tuple[t.Any, ...], decision: Decision) -> None:
    """ItemError if the row of VERIFY_EXPIRED shows anything wrong; the caller rolls back."""
    swallowed, without = row
    _check_triggers(swallowed)
    if without != len(decision.expire):
        raise ItemError("mirror_missing", "table usuario does not follow the rows that were written", _AGAIN)


def _check_triggers(swallowed: list[str]) -> None:
    if swallowed:
        shown = ", ".join(sorted(swallowed))
        raise ItemError("swallowed_error", f"a trigger failed and hid it: {shown}", _AGAIN)
