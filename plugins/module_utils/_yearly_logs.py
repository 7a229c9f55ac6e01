# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: S608 (the names are ours, values are bound)

"""PRIVATE. The trap of the yearly log tables.

Where somebody split the logs by year as the release's notes suggest, a trigger with the years written into
it raises an error in every other year, and the application's log of logins or downloads stays empty,
silently. Each year gets its table, and the trigger one that needs no change in any later year: a row whose
table is missing stays in the parent. Logs that are not split are left so.
"""

from __future__ import annotations

import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._connection import Rejected, Session
from ansible_collections.quipux.provision.plugins.module_utils._content import Ledger
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError
from ansible_collections.quipux.provision.plugins.module_utils._roles import quoted

LOGS = ("log_acceso", "log_archivo_descarga")
_TRIGGERS = """
SELECT c.relname, p.oid::regprocedure::text, p.prosrc FROM pg_trigger g
  JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_proc p ON p.oid = g.tgfoid
 WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY(%s) AND NOT g.tgisinternal
   AND g.tgenabled IN ('O', 'A') AND g.tgtype & 7 = 7
"""  # & 7: for each row, before, insert
_ROUTE = """
DECLARE
  child text := TG_TABLE_NAME || extract(year FROM NEW.fecha)::int;
BEGIN
  IF to_regclass(format('%I.%I', TG_TABLE_SCHEMA, child)) IS NULL THEN
    RETURN NEW;
  END IF;
  EXECUTE format('INSERT INTO %I.%I SELECT ($1).*', TG_TABLE_SCHEMA, child) USING NEW;
  RETURN NULL;
END;
"""


def prepare(ledger: Ledger, years: t.Sequence[int]) -> None:
    """Make the logs take rows of these years, within the caller's transaction. Raises CallError."""
    session = ledger.session
    for table, function, source in session.fetch(_TRIGGERS, (list(LOGS),)):
        for year in years:
            child = f"{table}{year}"
            if not session.fetch("SELECT to_regclass(%s)", (f"public.{child}",))[0][0]:
                ledger.as_owner(
                    f"table {child}: created",
                    f"CREATE TABLE public.{child} (CHECK (extract(year FROM fecha) = {year})) "
                    f"INHERITS (public.{table})",
                    f"CREATE INDEX {child}x ON public.{child} (fecha)",
                )
        if all(_takes(session, table, year) for year in years):
            continue
        if table not in source.lower():
            raise CallError(
                f"table {table} refuses rows of {years[-1]} by a trigger function of your own, {function}; "
                "correct it, or drop the trigger"
            )
        ledger.as_superuser(
            f"{function}: takes rows of every year",
            f"CREATE OR REPLACE FUNCTION {function} RETURNS trigger LANGUAGE plpgsql "
            f"AS $quipux${_ROUTE}$quipux$",
        )
        if not all(_takes(session, table, year) for year in years):
            raise CallError(f"table {table} still refuses rows of {years[-1]}; drop its trigger")


def _takes(session: Session, table: str, year: int) -> bool:
    """Whether a row of that year is taken: tried, and taken back."""
    session.fetch("SAVEPOINT quipux_year")
    try:
        session.fetch(
            f"INSERT INTO public.{quoted(table)} (fecha) VALUES (make_timestamptz({year}, 7, 1, 12, 0, 0))"
        )
        return True
    except Rejected:
        return False
    finally:
        session.fetch("ROLLBACK TO SAVEPOINT quipux_year")
