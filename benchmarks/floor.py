"""The floor: the very rows that a run of ours wrote, written again by nothing but psycopg2.

One connection, one transaction an institution, its rows sent at once; no check, nothing read.
Run as a program it takes a file of rows and writes them to the database that the PG* variables name.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql

# In the order of their dependencies. The mirror is the triggers' work, as it is for everybody.
TABLES = (
    "institucion",
    "dependencia",
    "usuarios",
    "permiso_usuario",
    "log",
    "log_usr_ciudadanos",
    "log_usr_permisos",
)
Rows = list[list[tuple[str, list[str], list[Any]]]]  # per transaction: table, columns, values


def capture(connection: Any, after: int) -> Rows:
    """Return what was written by transactions later than number *after*, transaction by transaction."""
    transactions: dict[int, list[tuple[str, list[str], list[Any]]]] = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            query = "SELECT xmin::text::bigint, t.* FROM public.{} t WHERE xmin::text::bigint > %s"
            cursor.execute(sql.SQL(query).format(sql.Identifier(table)), (after,))
            columns = [column.name for column in cursor.description[1:]]
            for number, *values in cursor.fetchall():
                transactions.setdefault(number, []).append((table, columns, values))
    return [transactions[number] for number in sorted(transactions)]


def write(connection: Any, transactions: Rows) -> None:
    """Write *transactions* again, the rows of each sent together."""
    with connection.cursor() as cursor:
        for rows in transactions:
            text = ";".join(
                f"INSERT INTO public.{table} ({','.join(columns)}) VALUES ({','.join(['%s'] * len(columns))})"  # noqa: S608
                for table, columns, _values in rows
            )
            cursor.execute(text, [value for _table, _columns, values in rows for value in values])
            connection.commit()


def main() -> None:
    """Write the rows of the file that is named."""
    connection = psycopg2.connect("")
    write(connection, json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    connection.close()


if __name__ == "__main__":
    main()
