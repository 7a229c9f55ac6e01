# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. The whole checklist as far as a database and an application host can answer it, and the columns
that takes."""

from __future__ import annotations

from ansible_collections.quipux.provision.plugins.module_utils import _evidence_setup, _evidence_use
from ansible_collections.quipux.provision.plugins.module_utils._evidence_sql import Check, Needs

CUMPLE, NO_CUMPLE, NO_VERIFICABLE = "cumple", "no_cumple", "no_verificable"

CHECKS: tuple[Check, ...] = (*_evidence_setup.CHECKS, *_evidence_use.CHECKS)
IDS = tuple(check.id for check in CHECKS)

# Why something could not be told, beside the checks' own reasons.
LAYOUT_LACKS, RIGHTS_LACK, TIMED_OUT = "layout_lacks", "rights_lack", "query_timed_out"
QUERY_FAILED, FILES_NOT_CHECKED = "query_failed", "files_not_checked"
FILE_REASONS = (
    *("logo_file_missing", "logo_file_unreadable"),
    *("template_file_missing", "template_file_unreadable", "template_file_too_large"),
)
REASONS = (
    *(reason for check in CHECKS for reason in check.failures),
    *(LAYOUT_LACKS, RIGHTS_LACK, TIMED_OUT, QUERY_FAILED, FILES_NOT_CHECKED),
    *FILE_REASONS,
)

# Without these columns there is no case to speak of.
FINDING: Needs = {
    "institucion": ("inst_codi", "inst_ruc", "inst_estado"),
    "usuarios": ("usua_codi", "usua_cedula", "usua_esta", "inst_codi"),
}


def _together(*needs: Needs) -> Needs:
    merged: dict[str, set[str]] = {}
    for one in needs:
        for table, columns in one.items():
            merged.setdefault(table, set()).update(columns)
    return {table: tuple(sorted(columns)) for table, columns in sorted(merged.items())}


# All that the reading role must see.
NEEDS = _together(FINDING, {"permiso": ("id_permiso", "nombre")}, *(check.needs for check in CHECKS))
