# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. Columns of documents, tasks and backups that retirements and backups look at: whose they are, when
and in what state, never what they say."""

from __future__ import annotations

Needs = dict[str, tuple[str, ...]]  # table -> columns

RETIREMENT: Needs = {
    "radicado": ("esta_codi", "radi_usua_actu"),
    "tarea": ("estado", "tarea_codi", "usua_codi_dest", "usua_codi_ori"),
}
BACKUPS: Needs = {
    "hist_eventos": ("radi_nume_radi", "sgd_ttr_codigo", "usua_codi_dest", "usua_codi_ori"),
    "radicado": (
        *("esta_codi", "radi_cca", "radi_fech_ofic", "radi_fech_radi", "radi_nume_radi", "radi_nume_temp"),
        *("radi_usua_dest", "radi_usua_rem"),
    ),
    "respaldo_solicitud": (
        *("estado_respaldo", "estado_solicitud", "fecha_fin_doc", "fecha_inicio_doc", "fecha_solicita"),
        *("resp_codi", "resp_soli_codi", "usua_codi_solicita"),
    ),
    "respaldo_usuario": ("fecha_eliminado", "fecha_fin", "fecha_solicita", "resp_codi", "usua_codi"),
}


def together(*needs: Needs) -> Needs:
    """All of them, sorted."""
    merged: dict[str, set[str]] = {}
    for one in needs:
        for table, columns in one.items():
            merged.setdefault(table, set()).update(columns)
    return {table: tuple(sorted(columns)) for table, columns in sorted(merged.items())}
