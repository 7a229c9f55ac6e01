#!/usr/bin/python
# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: quipux_databases
short_description: The two databases of an own Quipux
version_added: 0.1.0
description:
  - Makes Quipux's transactional database and its document store of the published SQL dumps, with the role
    that owns them and the role that the application logs in as, which reads and writes data and defines
    nothing.
  - A database is loaded as O(owner), under another name, in one transaction, and gets its name at the very
    end. What a run that died left is made anew; a database that bears its final name is never dropped nor
    loaded over.
  - The statements C(COMMENT ON EXTENSION plpgsql), C(CREATE EXTENSION pg_buffercache) and its C(COMMENT),
    which take a superuser and serve nothing, are left out of the dumps. Any other error of a dump is fatal,
    and nothing is kept.
  - Adds what the dumps of 2014 lack for the code of 2021, an active document repository, the years of log
    tables that are split by year, and the time zone.
  - The published password of the super-administrator (account 0) is replaced before the database gets its
    name. A password that its holder chose later is left alone, and so is an e-mail.
author:
  - The quipux-provision authors (@quipux-provision)
extends_documentation_fragment:
  - quipux.provision.attributes
attributes:
  check_mode:
    support: full
    details: Where there is no server yet, both databases are reported as new.
  diff_mode:
    support: full
options:
  login_unix_socket:
    description: Folder of the server's Unix socket.
    type: str
    default: /var/run/postgresql
  login_port:
    description: Port of the server.
    type: int
    default: 5432
  login_user:
    description: A superuser; the module runs as the system user of that name.
    type: str
    default: postgres
  archive:
    description:
      - Path on the host of the archive (tar or zip) with C(quipux.sql) and C(quipux_bodega.sql), anywhere
        inside. Other files of it are not read.
      - Needed while a database is missing.
    type: path
  main_db:
    description: Name of the transactional database.
    type: str
    default: quipux
  store_db:
    description: Name of the document store.
    type: str
    default: quipux_bodega
  owner:
    description: Role that owns both; it cannot log in.
    type: str
    default: quipux_owner
  application_role:
    description: Role that the application logs in as.
    type: str
    default: quipux_app
  application_password:
    description: Its password, at least 12 characters.
    type: str
    required: true
  locale:
    description: Locale of the databases. Upper and lower case of accented letters must fold in it.
    type: str
    default: es_EC.UTF-8
  time_zone:
    description: Time zone of the databases.
    type: str
    default: America/Guayaquil
  repository_capacity:
    description: Bytes that the first document repository may hold before the application warns.
    type: int
    default: 10737418240
  admin_password:
    description:
      - Password of the super-administrator, at least 12 characters. Either this or O(admin_password_hash)
        while the published one is in place.
    type: str
  admin_password_hash:
    description: The same as the application stores it, 26 hexadecimal digits, the 2nd to the 27th of the MD5.
    type: str
  admin_email:
    description: E-mail of the super-administrator.
    type: str
requirements:
  - psycopg2 2.8 or newer on the target
  - PostgreSQL 13 or newer
seealso:
  - module: quipux.provision.database_roles
  - module: quipux.provision.year_change
"""

EXAMPLES = r"""
- name: Make the databases
  quipux.provision.quipux_databases:
    archive: /var/cache/quipux/scripts_data.tar.gz
    application_password: "{{ quipux_app_db_password }}"
    admin_password: "{{ quipux_admin_password }}"
    admin_email: soporte@inej.example.gob.ec
  become: true
  become_user: postgres
"""

RETURN = r"""
created:
  description: Databases that were made, or would be in check mode.
  returned: always
  type: list
  elements: str
  sample: [quipux, quipux_bodega]
changes:
  description: What changed, by database; C(roles) for the cluster. Never a password.
  returned: always
  type: dict
  sample: {roles: ["role quipux_app: created"], quipux: [], quipux_bodega: []}
"""

import re
import traceback
import typing as t
from datetime import datetime, timezone
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.quipux.provision.plugins.module_utils import (
    _connection,
    _content,
    _databases,
    _super,
    _yearly_logs,
)
from ansible_collections.quipux.provision.plugins.module_utils._connection import (
    Busy,
    Lost,
    Rejected,
    Session,
)
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError

SHORTEST = 12
SPEC: dict[str, dict[str, t.Any]] = {
    "login_unix_socket": {"type": "str", "default": "/var/run/postgresql"},
    "login_port": {"type": "int", "default": 5432},
    "login_user": {"type": "str", "default": "postgres"},
    "archive": {"type": "path"},
    "main_db": {"type": "str", "default": "quipux"},
    "store_db": {"type": "str", "default": "quipux_bodega"},
    "owner": {"type": "str", "default": "quipux_owner"},
    "application_role": {"type": "str", "default": "quipux_app"},
    "application_password": {"type": "str", "required": True, "no_log": True},
    "locale": {"type": "str", "default": "es_EC.UTF-8"},
    "time_zone": {"type": "str", "default": "America/Guayaquil"},
    "repository_capacity": {"type": "int", "default": _content.CAPACITY},
    "admin_password": {"type": "str", "no_log": True},
    "admin_password_hash": {"type": "str", "no_log": True},
    "admin_email": {"type": "str"},
}


class Run:
    """The module's run: options, and the changes of each database."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.options = module.params
        self.changes: dict[str, list[str]] = {}
        self.admin_hash = self._admin_hash()

    def _admin_hash(self) -> str:
        options = self.options
        given = options["admin_password_hash"] or ""
        if options["admin_password"]:
            if len(options["admin_password"]) < SHORTEST:
                raise CallError(f"the super-administrator's password is shorter than {SHORTEST} characters")
            given = _super.hash_of(options["admin_password"])
        if given and not re.fullmatch("[0-9a-f]{26}", given):
            raise CallError(
                "admin_password_hash is not 26 hexadecimal digits; take substr(md5(password), 2, 26)"
            )
        if given == _super.PUBLISHED:
            raise CallError("this is the published password of the super-administrator; choose another")
        if len(options["application_password"]) < SHORTEST:
            raise CallError(
                f"the password of {options['application_role']} is shorter than {SHORTEST} characters"
            )
        return given

    def connect(self, database: str) -> Session:
        """A connection as the superuser."""
        keys = ("login_unix_socket", "login_port", "login_user")
        return Session({**{key: self.options[key] for key in keys}, "login_db": database})

    def whole(self) -> list[str]:
        """Everything; the databases that are new."""
        options = self.options
        cluster = _databases.Cluster(self.connect, self.module.check_mode)
        try:
            created = cluster.make(
                _databases.Wanted(
                    main=options["main_db"],
                    store=options["store_db"],
                    owner=options["owner"],
                    application=options["application_role"],
                    password=options["application_password"],
                    archive=options["archive"] or "",
                    locale=options["locale"],
                ),
                lambda session, store: self.complete(session, store, keep=True),
            )
        finally:
            self.changes["roles"] = cluster.changes
            cluster.close()
        for name in (options["main_db"], options["store_db"]):
            if name in created:
                self.changes.setdefault(name, [])
                continue
            session = self.connect(name)
            try:
                store = name == options["store_db"]
                _databases.demand_content(session, store)
                self.complete(session, store, keep=not self.module.check_mode)
            finally:
                session.close()
        return created

    def complete(self, session: Session, store: bool, keep: bool) -> None:
        """What the database lacks, in one transaction."""
        options = self.options
        ledger = _content.Ledger(session, options["owner"])
        session.fetch("BEGIN")
        _content.set_time_zone(ledger, options["time_zone"])
        if store:
            if not _content.has_repository(session):
                _content.add_repository(ledger, options["repository_capacity"])
        else:
            _content.add_relations(ledger)
            year = datetime.now(timezone.utc).year
            _yearly_logs.prepare(ledger, (year, year + 1))
            _super.settle(ledger, self.admin_hash, options["admin_email"] or "")
        _content.grant(ledger, options["application_role"])
        session.fetch("COMMIT" if keep else "ROLLBACK")
        self.changes[options["store_db" if store else "main_db"]] = ledger.changes


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=SPEC,
        supports_check_mode=True,
        mutually_exclusive=[("admin_password", "admin_password_hash")],
    )
    options = module.params
    socket = Path(options["login_unix_socket"]) / f".s.PGSQL.{options['login_port']}"
    blank = module.check_mode and (_connection.PSYCOPG2_ERROR is not None or not socket.exists())
    try:
        run = Run(module)
        if blank:
            created = [options["main_db"], options["store_db"]]
            run.changes["roles"] = [f"role {options[key]}: created" for key in ("owner", "application_role")]
        elif _connection.PSYCOPG2_ERROR is not None:
            module.fail_json(msg=missing_required_lib("psycopg2"), exception=_connection.PSYCOPG2_ERROR)
        else:
            created = run.whole()
    except CallError as error:
        module.fail_json(msg=str(error))
    except (Busy, Lost, Rejected) as error:
        module.fail_json(msg=f"cannot make the databases: {error}; look at the server's log, then run again")
    except Exception as error:
        # An exception's text and its locals may hold secrets: Ansible must not print them.
        place = traceback.extract_tb(error.__traceback__)[-1]
        module.fail_json(msg=f"internal error: {type(error).__name__} at {place.name}:{place.lineno}")
    changes = run.changes
    answer: dict[str, t.Any] = {"changed": any(changes.values()) or bool(created), "created": created}
    if module._diff:
        lines = [f"{where}: {words}\n" for where, all_words in changes.items() for words in all_words]
        lines += [f"database {name}: created\n" for name in created if blank]
        answer["diff"] = {"before": "", "after": "".join(lines)}
    module.exit_json(**answer, changes=changes)


if __name__ == "__main__":
    main()
