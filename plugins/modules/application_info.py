#!/usr/bin/python
# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: application_info
short_description: Whether a Quipux answers as it should
version_added: 0.2.0
description:
  - Asks the application itself, as a browser and as the release's own PHP would, since it answers nearly
    everything with status 200.
  - A check that rests on a bad one is not asked; the bad one's detail names it. So one fault has one name.
  - For the application's host. Needs nothing there but Python's standard library and, for V(pdf) and
    V(document_store), PHP's command line.
  - V(probe_login) logs in and out, which the application writes down; V(document_store) stores a file and
    deletes it. The other checks change nothing, beside what the application's own logs say.
author:
  - The quipux-provision authors (@quipux-provision)
extends_documentation_fragment:
  - quipux.provision.attributes
attributes:
  check_mode:
    support: partial
    details: V(probe_login) and V(document_store) are left out.
  diff_mode:
    support: none
options:
  url:
    description: Public address of the application, without trailing slash.
    type: str
    required: true
  address:
    description: Where to connect to instead of looking the name up, an address of this host.
    type: str
    default: 127.0.0.1
  http_port:
    description: Port that sends plain HTTP on to HTTPS.
    type: int
    default: 80
  checks:
    description:
      - What to ask; without it everything, less what O(probe), O(pdf_url), O(denied) or a plain HTTP O(url)
        leave nothing to ask for.
      - Those which they rest on are asked, too.
    type: list
    elements: str
    choices: [web, no_raw_php, login_page, database, database_page, captcha, cookies, probe_login, pdf,
      document_store, denied_paths, certificate, tls, https_redirect, hsts, version]
  home:
    description: Folder with the releases and the link C(current).
    type: path
    default: /opt/quipux
  installation_file:
    description: JSON with the C(version) that was installed last.
    type: path
    default: /etc/quipux/installation.json
  run_as:
    description: User of the web server, whom PHP runs as if the module is root.
    type: str
    default: www-data
  php:
    description: PHP's command line.
    type: str
    default: php
  pdf_url:
    description: Address of the PDF service, as the application calls it.
    type: str
  probe:
    description: An account to log in as, see M(quipux.provision.probe_account).
    type: dict
    suboptions:
      login:
        description: What a person would type as user.
        type: str
        required: true
      password:
        description: Its password.
        type: str
        required: true
      name:
        description: The name that the first frame shows.
        type: str
        required: true
  denied:
    description: Paths below O(url) that must be refused with status 403.
    type: list
    elements: str
    default: []
  ca_cert:
    description: File on the target with a certificate to trust beside the system's authorities, such as the
      server's own.
    type: path
  certificate_days:
    description: Days that the certificate must last at least.
    type: int
    default: 0
  timeout:
    description: Longest wait for one page, in seconds; PHP's command line may take four times as long.
    type: int
    default: 20
seealso:
  - module: quipux.provision.probe_account
  - module: quipux.provision.database_info
"""

EXAMPLES = r"""
- name: Ask what nothing is written for
  quipux.provision.application_info:
    url: https://quipux.example.gob.ec
    checks: [login_page, database_page, certificate]
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
      description: What was found, or what is wrong. Never a secret.
      type: str
      returned: always
  sample: [{"name": "login_page", "ok": true, "detail": "form with user and password"}]
ok:
  description: Whether all of them are well.
  returned: always
  type: bool
release:
  description: What runs there, C(version) and C(digest), as it was installed; empty where nothing says so.
  returned: always
  type: dict
  sample: {"version": "f3a4406af8ab", "digest": "9f86d081884c7d65"}
"""

import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quipux.provision.plugins.module_utils import _application_checks as checks
from ansible_collections.quipux.provision.plugins.module_utils._application_php import Php
from ansible_collections.quipux.provision.plugins.module_utils._application_web import Web


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "address": {"type": "str", "default": "127.0.0.1"},
            "http_port": {"type": "int", "default": 80},
            "checks": {"type": "list", "elements": "str", "choices": list(checks.CHECKS)},
            "home": {"type": "path", "default": "/opt/quipux"},
            "installation_file": {"type": "path", "default": "/etc/quipux/installation.json"},
            "run_as": {"type": "str", "default": "www-data"},
            "php": {"type": "str", "default": "php"},
            "pdf_url": {"type": "str"},
            "probe": {
                "type": "dict",
                "options": {
                    "login": {"type": "str", "required": True},
                    "password": {"type": "str", "required": True, "no_log": True},
                    "name": {"type": "str", "required": True},
                },
            },
            "denied": {"type": "list", "elements": "str", "default": []},
            "ca_cert": {"type": "path"},
            "certificate_days": {"type": "int", "default": 0},
            "timeout": {"type": "int", "default": 20},
        },
        supports_check_mode=True,
    )
    options = module.params
    web = Web(options["url"], options["address"], options["timeout"])
    if not web.host:
        module.fail_json(msg=f"{options['url']} is not an address; give url as https://NAME")
    php = Php(options["php"], f"{options['home']}/current", options["run_as"], 4 * options["timeout"])
    application = checks.Application(web, php, options)
    try:
        results = checks.run(application, _wanted(module, web.tls))
    except Exception as error:
        # Its text and locals may hold the probe's password.
        place = traceback.extract_tb(error.__traceback__)[-1]
        module.fail_json(msg=f"internal error: {type(error).__name__} at {place.name}:{place.lineno}")
    try:
        release = application.release()
    except checks.Bad:
        release = {}  # check `version` says why
    module.exit_json(
        changed=False, checks=results, ok=all(result["ok"] for result in results), release=release
    )


def _wanted(module: AnsibleModule, tls: bool) -> list[str]:
    """The checks for which there is something to ask."""
    options: dict[str, t.Any] = module.params
    pointless = {
        *(() if options["probe"] else ("probe_login",)),
        *(() if options["pdf_url"] else ("pdf",)),
        *(() if options["denied"] else ("denied_paths",)),
        *(() if tls else checks.OF_TLS),
        *(checks.WRITING if module.check_mode else ()),
    }
    return [name for name in options["checks"] or checks.CHECKS if name not in pointless]


if __name__ == "__main__":
    main()
