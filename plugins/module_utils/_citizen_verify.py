# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: S608 (the columns are ours)

"""PRIVATE. What must be true of a citizen before COMMIT; the triggers swallow their errors, so somebody has
to look."""

from __future__ import annotations

import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._citizen_decide import CitizenDecision
from ansible_collections.quipux.provision.plugins.module_utils._citizen_desired import DesiredCitizen
from ansible_collections.quipux.provision.plugins.module_utils._errors import ItemError
from ansible_collections.quipux.provision.plugins.module_utils._layout import SIGNING

_PLAIN = {
    "usua_cedula": "ciu_cedula",
    "usua_pasw": "ciu_pasw",
    "usua_nuevo": "ciu_nuevo",
    "usua_esta": "ciu_estado",
    "usua_nomb": "ciu_nombre",
    "usua_apellido": "ciu_apellido",
    "usua_cargo": "ciu_cargo",
    "usua_email": "ciu_email",
    "usua_telefono": "ciu_telefono",
    "usua_direccion": "ciu_direccion",
    "inst_nombre": "ciu_empresa",
}
_SIGNING = (
    *("usua_login", "usua_pasw", "usua_cedula", "usua_nomb", "usua_apellido", "usua_cargo", "usua_email"),
    *("usua_telefono", "usua_direccion", "usua_esta", "usua_nuevo", "usua_tipo_certificado", "inst_nombre"),
    *("inst_codi", "depe_codi"),
)


def _same(pairs: t.Iterable[tuple[str, str]], table: str) -> str:
    return " AND ".join(f"m.{name} IS NOT DISTINCT FROM {table}.{column}" for name, column in pairs)


PREPARE_VERIFY = f"""
PREPARE quipux_provision_verify_citizen(int, text) AS SELECT json_build_object(
  'swallowed', (SELECT coalesce(json_agg(DISTINCT tabla || ' ' || accion), '[]') FROM public.log_view_usuario
    WHERE fecha = now() AND codigo = $1),
  'plain', (SELECT count(*) FROM public.ciudadano WHERE ciu_codigo = $1),
  'plain_mirrored', (SELECT count(*) FROM public.ciudadano c
    JOIN public.usuario m ON m.usua_codi = c.ciu_codigo
    WHERE c.ciu_codigo = $1 AND m.tipo_usuario = 2 AND m.inst_codi = 0 AND m.inst_estado = 1
      AND m.usua_login = CASE WHEN c.ciu_estado = 1 THEN 'U' || c.ciu_cedula ELSE 'l' || c.ciu_codigo END
      AND {_same(_PLAIN.items(), "c")}),
  'signing', (SELECT count(*) FROM public.usuarios WHERE usua_codi = $1),
  'signing_mirrored', (SELECT count(*) FROM public.usuarios u
    JOIN public.usuario m ON m.usua_codi = u.usua_codi
    WHERE u.usua_codi = $1 AND m.tipo_usuario = 2 AND u.inst_codi = 1 AND m.inst_estado = 1
      AND {_same(zip(_SIGNING, _SIGNING), "u")}),
  'sound', (SELECT count(*) FROM public.usuario WHERE usua_codi = $1 AND usua_nuevo = 1 AND usua_pasw <> ''),
  'permissions', (SELECT coalesce(json_agg(id_permiso), '[]') FROM public.permiso_usuario
    WHERE usua_codi = $1),
  'requests', (SELECT coalesce(json_agg(sol_estado), '[]') FROM public.solicitud_firma_ciudadano
    WHERE ciu_codigo = $1),
  'same_login', (SELECT count(*) FROM public.usuario WHERE usua_esta = 1 AND usua_login = $2))
"""
VERIFY = "EXECUTE quipux_provision_verify_citizen(%s, %s)"
_AGAIN = "nothing of the item was kept; look at the database's triggers"


def check(found: dict[str, t.Any], desired: DesiredCitizen, decision: CitizenDecision) -> None:
    """ItemError if what VERIFY found is wrong anywhere; the caller rolls back."""
    if found["swallowed"]:
        shown = ", ".join(sorted(found["swallowed"]))
        raise ItemError("swallowed_error", f"a trigger failed and hid it: {shown}", _AGAIN)
    there = decision.person is not None or decision.create
    signing = there and (decision.signing or decision.move)
    plain = there and not signing
    if (found["plain"], found["signing"]) != (plain, signing):
        raise ItemError("database_error", "the citizen written is not the citizen wanted", _AGAIN)
    if (found["plain_mirrored"], found["signing_mirrored"]) != (plain, signing):
        raise ItemError("mirror_missing", "table usuario does not follow the rows that were written", _AGAIN)
    state = decision.set_request.get("state")
    if state is not None and found["requests"] != [state]:
        raise ItemError("database_error", "the request written is not the request wanted", _AGAIN)
    inactive = signing and desired.state == "requested"
    if desired.state not in ("requested", "approved") or inactive:
        return
    if found["same_login"] != 1:
        raise ItemError(
            "account_exists", f"the login of {desired.national_id} was taken meanwhile", "run again"
        )
    if found["sound"] != 1 or (signing and not set(SIGNING.values()) <= set(found["permissions"])):
        raise ItemError("database_error", "the account written is not the account wanted", _AGAIN)
