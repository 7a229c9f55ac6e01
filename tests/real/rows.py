"""What an act leaves in a database: its rows before and after, told apart from what differs each time.

Two acts are the same if their `traces` are, whatever the numbers of the accounts are and whoever did it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.stand_in.database import Database

Rows = dict[str, dict[str, dict[str, Any]]]  # table -> key as text -> row
IGNORED = {"log_acceso", "log_sesion", "log_bloqueos_dos"}  # what logging in and clicking leave
# Who did it, the page's account of it, the numbers of log rows.
COLUMNS = {"usua_codi_actualiza", "usua_codi_ori", "usua_obs_actualiza", "ciu_obs_actualiza"}
COLUMNS |= {"logc_codi", "resp_hist_eventos"}
COLUMNS_OF = {
    "log": {"log_id", "sentencia", "usua_codi", "fecha"},
    "log_usr_permisos": {"id_transaccion"},
}
BEGIN = {"usuarios_usua_codi_seq": 7_000_000, "sec_institucion": 80_000, "sec_dependencia": 600_000}
_PRIMARY_KEYS = """
    SELECT relname, array_agg(attname::text ORDER BY attnum) FROM pg_index
    JOIN pg_class ON pg_class.oid = indrelid
    JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
    WHERE indisprimary AND relnamespace = 'public'::regnamespace GROUP BY relname
"""


def number_far(database: Database) -> None:
    """Let new rows have numbers that can be found in a text and are nothing else there."""
    for sequence, number in BEGIN.items():
        database.sql("SELECT setval(%s, greatest(%s, nextval(%s)))", (sequence, number, sequence))


def snapshot(database: Database) -> Rows:
    """All rows of all tables that have a primary key, but for IGNORED."""
    found: Rows = {}
    for table, key in database.sql(_PRIMARY_KEYS):
        if table not in IGNORED:
            rows = [
                json.loads(text) for (text,) in database.sql(f'SELECT to_jsonb(x)::text FROM "{table}" x')
            ]
            found[table] = {json.dumps([row[name] for name in key]): row for row in rows}
    return found


def traces(
    before: Rows, after: Rows, names: Mapping[str, str], hidden: Mapping[str, set[str]] | None = None
) -> set[str]:
    """One line for each row that came, went or was changed: `table +|-|~ column=value ...`.

    :param names: what to call the texts and numbers that are this act's own, e.g. {"2405999992": "<cédula>"};
        each long enough to be nothing else.
    :param hidden: {table: columns} that are not looked at; without any, the whole table.
    """
    lines = set()
    hidden = hidden or {}
    for table in after:
        if hidden.get(table, {""}) == set():
            continue
        drop = COLUMNS | COLUMNS_OF.get(table, set()) | hidden.get(table, set())
        old, new = before.get(table, {}), after[table]
        for key in old.keys() | new.keys():
            one, other = old.get(key), new.get(key)
            if one is None and other is not None:
                lines.add(f"{table} + {_told(other, names, drop)}")
            elif other is None and one is not None:
                lines.add(f"{table} - {_told(one, names, drop)}")
            elif one is not None and other is not None and one != other:
                changed = {name: value for name, value in other.items() if value != one[name]}
                lines.add(f"{table} ~ {_told(changed, names, drop, empty=True)}")
    return lines


def compared(pages: set[str], ours: set[str]) -> tuple[set[str], set[str]]:
    """What only the pages left, and what only we did."""
    return pages - ours, ours - pages


def _told(row: dict[str, Any], names: Mapping[str, str], drop: set[str], *, empty: bool = False) -> str:
    return " ".join(
        f"{name}={'<password>' if name.endswith('_pasw') and value else _value(value, names)}"
        for name, value in sorted(row.items())
        if name not in drop and (value is not None or empty)
    )


def _value(value: Any, names: Mapping[str, str]) -> str:
    text = str(value)
    if _time(text):
        return "<time>"
    for own, name in sorted(names.items(), key=lambda pair: -len(pair[0])):
        text = text.replace(own, name)
    return re.sub(r"^FIN .*", "FIN <time>", text)


def _time(text: str) -> bool:
    try:
        return len(text) > 18 and bool(datetime.fromisoformat(text))
    except ValueError:
        return False
