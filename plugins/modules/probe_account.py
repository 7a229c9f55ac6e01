#!/usr/bin/python
# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: probe_account
short_description: The account by which a check logs in to Quipux
version_added: 0.2.0
description:
  - Opens one account for a check, and closes it after it. There is one such row for ever; it belongs to
    Quipux's own institution of citizens, has no permission, and counts for no institution.
  - While closed it is inactive and has no password. A check that died leaves an account whose password
    nobody knows, and which closes by itself after O(lifetime).
author:
  - The quipux-provision authors (@quipux-provision)
extends_documentation_fragment:
  - quipux.provision.attributes
  - quipux.provision.connection
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  state:
    description: Whether one may log in.
    type: str
    choices: [open, closed]
    required: true
  password_hash:
    description:
      - Characters 2 to 27 of the lower-case MD5 of the account's password, which is what Quipux keeps.
      - Required for V(open). It must be of a random password; who knows the hash can log in.
    type: str
  lifetime:
    description: Seconds after which an account that was not closed closes by itself.
    type: int
    default: 180
seealso:
  - module: quipux.provision.application_info
"""

EXAMPLES = r"""
- name: Open the account
  quipux.provision.probe_account:
    login_password: "{{ quipux_db_password }}"
    password_hash: "{{ (probe_password | hash('md5'))[1:27] }}"
    state: open
  register: probe

- name: Close it
  quipux.provision.probe_account:
    login_password: "{{ quipux_db_password }}"
    state: closed
"""

RETURN = r"""
login:
  description: What to type as user.
  returned: always
  type: str
  sample: VERIFICACION
name:
  description: The person's name that Quipux shows.
  returned: always
  type: str
account:
  description: Number of the account; null if it was not made yet.
  returned: when O(state) is V(open)
  type: int
"""

import re
import traceback

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quipux.provision.plugins.module_utils import _probe
from ansible_collections.quipux.provision.plugins.module_utils._connection import Busy, Lost, Rejected
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError
from ansible_collections.quipux.provision.plugins.module_utils._module import connection_spec, open_session


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **connection_spec(),
            "state": {"type": "str", "choices": ["open", "closed"], "required": True},
            "password_hash": {"type": "str", "no_log": True},
            "lifetime": {"type": "int", "default": 180},
        },
        required_if=[("state", "open", ["password_hash"])],
        supports_check_mode=True,
    )
    options = module.params
    opening = options["state"] == "open"
    if opening and not re.fullmatch(r"[0-9a-f]{26}", options["password_hash"]):
        module.fail_json(msg="password_hash is not 26 hexadecimal digits; give characters 2 to 27 of the MD5")
    answer = {"login": _probe.LOGIN, "name": _probe.NAME, "changed": opening}
    session = open_session(module)
    try:
        if opening:
            answer["account"] = _probe.open_account(session, options["password_hash"], module.check_mode)
        else:
            answer["changed"] = _probe.close_account(session, module.check_mode)
    except (CallError, Busy, Lost, Rejected) as error:
        module.fail_json(msg=f"cannot {options['state'].rstrip('d')} the probe account: {error}")
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        module.fail_json(msg=f"internal error: {type(error).__name__} at {place.name}:{place.lineno}")
    finally:
        session.close()
    if opening and not module.check_mode:
        _probe.close_later(options, options["password_hash"], options["lifetime"])
    module.exit_json(**answer)


if __name__ == "__main__":
    main()
