# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. One psycopg2 connection, and its errors told without secrets or values."""

from __future__ import annotations

import contextlib
import io
import traceback
import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError

try:
    import psycopg2
    import psycopg2.extensions

    PSYCOPG2_ERROR = None
except ImportError:
    PSYCOPG2_ERROR = traceback.format_exc()

Rows = list[t.Any]


class Busy(Exception):
    """Somebody else holds what we need; try again."""


class Lost(Exception):
    """The connection is gone."""


class Rejected(Exception):
    """The server refused a statement. The message holds the error's class, never its text, which may quote
    values."""


class TimedOut(Rejected):
    """A statement took longer than statement_timeout."""


# Lock not available, deadlock, serialization failure, unique violation by a racing writer.
_BUSY = ("55P03", "40P01", "40001", "23505")
_CANCELLED = "57014"


class Session:
    """An open connection in autocommit mode: transactions are statements like others, to save round trips."""

    def __init__(self, parameters: dict[str, t.Any]) -> None:
        options = {
            "statement_timeout": parameters.get("statement_timeout") or 0,
            "lock_timeout": parameters.get("lock_timeout") or 0,
            "search_path": "public",  # the triggers name their tables bare
            "jit": "off",  # small queries over joins that look big
            "enable_seqscan": "off",  # plans made while tables are small would be kept while we fill them
        }
        arguments: dict[str, t.Any] = {
            "host": parameters.get("login_unix_socket") or parameters.get("login_host"),
            "port": parameters.get("login_port"),
            "user": parameters.get("login_user"),
            "password": parameters.get("login_password"),
            "dbname": parameters.get("login_db"),
            "sslmode": parameters.get("ssl_mode"),
            "sslrootcert": parameters.get("ca_cert"),
            "application_name": parameters.get("application_name"),
            "connect_timeout": 10,
            "client_encoding": "UTF8",
            "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
        }
        try:
            self._connection = psycopg2.connect(
                **{key: value for key, value in arguments.items() if value not in (None, "")}
            )
            self._connection.autocommit = True
            self._cursor = self._connection.cursor()
        except psycopg2.Error as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise CallError(f"cannot reach the database: {lines[0]}") from None

    @property
    def database(self) -> str:
        """Name of the database."""
        return str(self._connection.info.dbname)

    def fetch(self, sql: str, parameters: t.Any = ()) -> Rows:
        """Send one or several statements; rows of the last one, [] if it has none."""
        try:
            self._cursor.execute(sql, parameters or None)
            return self._cursor.fetchall() if self._cursor.description else []
        except psycopg2.Error as error:
            raise self._told(error) from None

    def copy(self, table: str, rows: t.Iterable[tuple[t.Any, ...]]) -> None:
        """COPY rows of plain numbers and ASCII words: data of COPY is in no log of the server."""
        data = io.StringIO("".join("\t".join(str(value) for value in row) + "\n" for row in rows))
        try:
            self._cursor.copy_expert(f"COPY {table} FROM STDIN", data)
        except psycopg2.Error as error:
            raise self._told(error) from None

    def script(self, name: str, text: str) -> None:
        """Run a whole script of SQL, all of it or nothing. Raises Rejected with the server's text, which
        may be told since a script holds no secrets."""
        try:
            self._cursor.execute(text)
        except psycopg2.Error as error:
            diagnosis = error.diag
            told = diagnosis.message_primary or (str(error).strip().splitlines() or [type(error).__name__])[0]
            position = int(diagnosis.statement_position or 0)
            line = f", line {text.count(chr(10), 0, position) + 1}" if position else ""
            raise Rejected(f"{name}{line}: {told}") from None

    def rollback(self) -> None:
        """End an open transaction without keeping anything of it; silent if there is none."""
        if self._connection.closed:
            return
        if self._connection.info.transaction_status != psycopg2.extensions.TRANSACTION_STATUS_IDLE:
            try:
                self._cursor.execute("ROLLBACK")
            except psycopg2.Error:
                self.close()

    def close(self) -> None:
        """Close; an open transaction is rolled back by the server."""
        with contextlib.suppress(psycopg2.Error):
            self._connection.close()

    def _told(self, error: t.Any) -> Exception:
        code = getattr(error, "pgcode", None)
        if self._connection.closed or (code or "").startswith(("57P", "08")):
            self.close()
            return Lost("the connection to the database was lost")
        if code in _BUSY:
            return Busy(type(error).__name__)
        if code == _CANCELLED:
            return TimedOut("a statement took longer than statement_timeout")
        diagnosis = getattr(error, "diag", None)
        where = getattr(diagnosis, "table_name", None) or getattr(diagnosis, "constraint_name", None)
        return Rejected(
            f"{type(error).__name__} (SQLSTATE {code or 'none'})" + (f" on {where}" if where else "")
        )
