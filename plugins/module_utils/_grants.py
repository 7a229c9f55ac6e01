# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. Exactly what each database role may do; the README of role institution says why, table by
table."""

from __future__ import annotations

import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._evidence_checks import NEEDS
from ansible_collections.quipux.provision.plugins.module_utils._needs import BACKUPS, RETIREMENT, together


class Rights(t.NamedTuple):
    """Privileges of one role."""

    tables: dict[str, tuple[str, ...]]
    sequences: dict[str, tuple[str, ...]]
    columns: dict[str, tuple[str, ...]]  # table -> columns that SELECT must NOT see
    temporary: bool
    only: dict[str, tuple[str, ...]]  # table -> the columns that SELECT may see; it may be absent

    @property
    def narrowed(self) -> frozenset[str]:
        """Tables of which not all columns may be seen."""
        return frozenset((*self.columns, *self.only))


# On whose desk documents in process are, and nothing else of a document.
_DESK = ("esta_codi", "radi_usua_actu")

PROVISION = Rights(
    tables={
        "institucion": ("SELECT", "INSERT", "UPDATE"),
        "dependencia": ("SELECT", "INSERT", "UPDATE"),
        "usuarios": ("SELECT", "INSERT", "UPDATE"),
        "ciudadano": ("SELECT", "INSERT", "UPDATE", "DELETE"),
        "ciudadano_tmp": ("SELECT", "UPDATE", "DELETE"),
        "solicitud_firma_ciudadano": ("SELECT", "INSERT", "UPDATE"),
        "usuario": ("SELECT", "INSERT", "UPDATE", "DELETE"),
        "permiso": ("SELECT",),
        "permiso_usuario": ("SELECT", "INSERT", "DELETE"),
        "ciudad": ("SELECT",),
        "log": ("INSERT",),
        "log_usr_permisos": ("INSERT",),
        "log_usr_ciudadanos": ("INSERT",),
        "log_view_usuario": ("SELECT", "INSERT"),
        "usuarios_sesion": ("SELECT", "UPDATE"),
        "lista_usuarios": ("SELECT", "DELETE"),
        "bandeja_compartida": ("SELECT", "DELETE"),
        "usuario_dependencia": ("SELECT", "DELETE"),
        "radicado": ("SELECT",),
        "tarea": ("SELECT",),
        "hist_eventos": ("SELECT",),
        "respaldo_usuario": ("SELECT",),
        "respaldo_solicitud": ("SELECT", "INSERT"),
        "respaldo_hist_eventos": ("INSERT",),
    },
    sequences={
        "sec_institucion": ("USAGE",),
        "sec_dependencia": ("USAGE",),
        "usuarios_usua_codi_seq": ("USAGE",),
        "solicitud_usua_codi_seq": ("USAGE",),
        "log_log_id_seq": ("USAGE",),
        "log_user_permisos_id_transaccion_seq": ("USAGE",),
        "log_usr_ciudadanos_logc_codigo_seq": ("USAGE",),
        "log_view_usuario_log_codi_seq": ("USAGE",),
        "sec_respaldo_solicitud": ("USAGE",),
        "sec_resp_hist_eventos": ("USAGE",),
    },
    columns={},
    temporary=True,
    only=together({"radicado": _DESK}, RETIREMENT, BACKUPS),
)

_READ_WHOLE = (
    *("institucion", "dependencia", "usuarios", "usuario", "permiso", "permiso_usuario", "ciudad"),
    *("log_usr_permisos", "log_usr_ciudadanos", "log_view_usuario", "log_acceso", "usuarios_sesion"),
    *("ciudadano", "solicitud_firma_ciudadano"),
)
# What the checks of the checklist need of other tables: no subject of a document, no comment, no name.
_READ_PARTLY = {table: columns for table, columns in NEEDS.items() if table not in _READ_WHOLE}
_READ_PARTLY = together(_READ_PARTLY, {"radicado": _DESK}, RETIREMENT, BACKUPS)

# A stored password lets its holder in, and so does a session id: no reading role sees them.
READ_ONLY = Rights(
    tables=dict.fromkeys((*_READ_WHOLE, *_READ_PARTLY), ("SELECT",)),
    sequences={},
    columns={
        "institucion": ("inst_ws_contrasena",),
        "usuarios": ("usua_pasw",),
        "usuario": ("usua_pasw",),
        "ciudadano": ("ciu_pasw",),
        "usuarios_sesion": ("usua_sesion",),
    },
    temporary=False,
    only=_READ_PARTLY,
)

# What a plan needs: the tables that say what is.
PLAN = READ_ONLY._replace(
    tables=dict.fromkeys(
        (
            "institucion",
            "dependencia",
            "usuarios",
            "usuario",
            "permiso",
            "permiso_usuario",
            "ciudad",
            "ciudadano",
            "solicitud_firma_ciudadano",
            "radicado",
        ),
        ("SELECT",),
    ),
    only={"radicado": _DESK},
)
