# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of the connection to the database."""

    DOCUMENTATION = r"""
options:
  login_host:
    description: Host of the PostgreSQL server.
    type: str
    default: localhost
    aliases: [host]
  login_port:
    description: Port of the PostgreSQL server.
    type: int
    default: 5432
    aliases: [port]
  login_user:
    description: Database role to log in as.
    type: str
    default: quipux_prov
    aliases: [login]
  login_password:
    description: Password of O(login_user).
    type: str
    default: ''
  login_db:
    description: Name of Quipux's transactional database.
    type: str
    default: quipux
    aliases: [db, database]
  login_unix_socket:
    description: Folder of the server's Unix socket; used instead of O(login_host) if given.
    type: str
    default: ''
    aliases: [unix_socket]
  ssl_mode:
    description: How TLS is negotiated, as libpq's sslmode.
    type: str
    default: prefer
    choices: [allow, disable, prefer, require, verify-ca, verify-full]
  ca_cert:
    description: File on the target with the certificate authority for V(verify-ca) and V(verify-full).
    type: path
    aliases: [ssl_rootcert]
  statement_timeout:
    description: Longest time one statement may take, in milliseconds; 0 for no limit.
    type: int
    default: 60000
  lock_timeout:
    description:
      - Longest wait for a lock, in milliseconds; each item has three tries.
      - In the queue for a table lock, behind which users of the web pages would wait, an item stands for
        less than a second at a time.
    type: int
    default: 5000
  application_name:
    description: Name of the connection in C(pg_stat_activity).
    type: str
    default: quipux-provision
requirements:
  - psycopg2 2.8 or newer on the target
"""
