# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of the modules that write: which database, and what earlier runs left."""

    DOCUMENTATION = r"""
options:
  end_runs:
    description:
      - Values of O(application_name) of earlier runs that died. Their connections are awaited for five
        seconds, then ended.
      - Not in check mode.
    type: list
    elements: str
    default: []
  expect_database:
    description: Refuse to do anything in another database than this one. See RV(database).
    type: dict
    suboptions:
      name:
        description: Name of the database.
        type: str
        required: true
      oid:
        description: Its number.
        type: str
        required: true
      system_identifier:
        description: Identifier of its cluster.
        type: str
        required: true
"""
