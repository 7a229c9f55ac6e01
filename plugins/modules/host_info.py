#!/usr/bin/python
# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_info
short_description: Whether a host that Quipux runs on is in good order
version_added: 0.2.0
description:
  - Looks at the age of the newest backup, at the room on its volumes, at systemd's failed units and at mails
    that wait. Changes nothing.
author:
  - The quipux-provision authors (@quipux-provision)
extends_documentation_fragment:
  - quipux.provision.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  checks:
    description: What to ask; without it everything that an option names a place for.
    type: list
    elements: str
    choices: [backup, disk, failed_units, mail_spool]
  backup_dir:
    description: Folder with one folder for each set of backups.
    type: path
  backup_hours:
    description: Hours that the newest set may be old.
    type: int
    default: 26
  paths:
    description: Paths whose volumes need room.
    type: list
    elements: path
    default: [/, /var]
  free_percent:
    description: Percent of each that must be free.
    type: int
    default: 10
  free_mib:
    description: MiB of each that must be free.
    type: int
    default: 1024
  ignored_units:
    description: Units that may have failed.
    type: list
    elements: str
    default: []
  mail_spool:
    description: Folder in which mails wait that could not be handed over yet.
    type: path
  mail_minutes:
    description: Minutes that a mail may wait.
    type: int
    default: 60
seealso:
  - module: quipux.provision.application_info
  - module: quipux.provision.database_info
"""

EXAMPLES = r"""
- name: Ask the host
  quipux.provision.host_info:
    backup_dir: /var/backups/quipux
  become: true
  register: result
"""

RETURN = r"""
checks:
  description: What was asked, in a fixed order.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Stable name of the check.
      type: str
      returned: always
    ok:
      description: Whether all is well.
      type: bool
      returned: always
    detail:
      description: What was found, or what is wrong.
      type: str
      returned: always
  sample: [{"name": "disk", "ok": true, "detail": "at least 63 % free"}]
ok:
  description: Whether all of them are well.
  returned: always
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quipux.provision.plugins.module_utils import _host_checks as checks


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "checks": {"type": "list", "elements": "str", "choices": list(checks.CHECKS)},
            "backup_dir": {"type": "path"},
            "backup_hours": {"type": "int", "default": 26},
            "paths": {"type": "list", "elements": "path", "default": ["/", "/var"]},
            "free_percent": {"type": "int", "default": 10},
            "free_mib": {"type": "int", "default": 1024},
            "ignored_units": {"type": "list", "elements": "str", "default": []},
            "mail_spool": {"type": "path"},
            "mail_minutes": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    options = module.params
    placeless = {
        name for name, place in (("backup", "backup_dir"), ("mail_spool", "mail_spool")) if not options[place]
    }
    wanted = [name for name in options["checks"] or checks.CHECKS if name not in placeless]
    results = checks.run(checks.Host(options), wanted)
    module.exit_json(changed=False, checks=results, ok=all(result["ok"] for result in results))


if __name__ == "__main__":
    main()
