# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. What is asked of Quipux's two databases, as a superuser. Nothing is kept."""

from __future__ import annotations

import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._connection import (
    Busy,
    Lost,
    Rejected,
    Session,
)
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError
from ansible_collections.quipux.provision.plugins.module_utils._probe import LOGIN

Result = dict[str, t.Any]

# Tables that somebody may have split by year; see the release's notes on log_acceso.
YEARLY = ("log_acceso", "log_archivo_descarga")
_DEFAULT = """
SELECT coalesce(array_agg(usua_codi), '{}') FROM public.usuario
 WHERE usua_esta = 1 AND usua_pasw = substr(md5('123'), 2, 26)
"""
_OPEN = """
SELECT coalesce(array_agg(usua_codi), '{}') FROM public.usuarios
 WHERE usua_esta = 1 AND (usua_nuevo = 0 OR coalesce(usua_pasw, '') = ''
   OR (usua_login = %s AND usua_fecha_actualiza < now() - interval '15 minutes'))
"""
_MIRROR = """
SELECT coalesce(array_agg(u.usua_codi), '{}') FROM public.usuarios u
  LEFT JOIN public.usuario m USING (usua_codi) WHERE m.usua_codi IS NULL
"""
_REPOSITORIES = """
SELECT i.nombre_tabla, r.oid IS NOT NULL,
       round(100.0 * coalesce(pg_table_size(r.oid), 0) / nullif(i.tamanio_maximo, 0))
  FROM public.indice i LEFT JOIN pg_class r ON r.oid = to_regclass('public.' || quote_ident(i.nombre_tabla))
 WHERE i.esta_codi = 2 ORDER BY i.indi_codi
"""
_YEARS = "SELECT extract(year FROM now())::int, extract(month FROM now())::int"


class Databases:
    """The checks; each gives (ok, detail)."""

    def __init__(self, quipux: Session, store: t.Callable[[], Session], fill: int) -> None:
        self._quipux, self._store, self._fill = quipux, store, fill

    def default_password(self) -> tuple[bool, str]:
        """The published password opens no account."""
        return self._none(_DEFAULT, (), "the password 123 of the dump opens account {numbers}; set another")

    def open_accounts(self) -> tuple[bool, str]:
        """Nobody enters without a password of his own."""
        wrong = "account {numbers} takes any password, an empty one, or is a probe that was not closed"
        return self._none(_OPEN, (f"U{LOGIN}",), wrong)

    def mirror(self) -> tuple[bool, str]:
        """Every account is where logins look for it."""
        return self._none(_MIRROR, (), "account {numbers} is missing in table usuario; see log_view_usuario")

    def yearly_logs(self) -> tuple[bool, str]:
        """The logs take rows of this year, and from December on of the next."""
        year, month = self._quipux.fetch(_YEARS)[0]
        years = (year, year + 1) if month == 12 else (year,)
        refused = [f"{table} of {one}" for table in YEARLY for one in years if not self._takes(table, one)]
        if refused:
            return False, f"no row is taken by {', '.join(refused)}; run year_change.yml"
        return True, f"rows of {' and '.join(map(str, years))} are taken"

    def repository(self) -> tuple[bool, str]:
        """Documents have a place, and room in it."""
        store = self._store()
        try:
            active = store.fetch(_REPOSITORIES)
        finally:
            store.close()
        lacking = [name for name, there, _percent in active if not there]
        if not active:
            return False, "no repository is active: documents are lost without a word; activate one"
        if lacking:
            return False, f"active repository without its table: {', '.join(lacking)}"
        fills = ", ".join(f"{name} {percent or 0} %" for name, _there, percent in active)
        # They are filled in turn: one that is full sends its share to the others.
        return min(percent or 0 for _name, _there, percent in active) < self._fill, fills

    def _none(self, query: str, values: tuple[str, ...], wrong: str) -> tuple[bool, str]:
        numbers = self._quipux.fetch(query, values)[0][0]
        shown = ", ".join(map(str, sorted(numbers)[:10]))
        return not numbers, wrong.format(numbers=shown) if numbers else "none"

    def _takes(self, table: str, year: int) -> bool:
        """Whether a row of that year is taken: tried, and taken back."""
        moment = f"{year}-07-01 12:00:00"
        try:
            self._quipux.fetch(f"BEGIN; INSERT INTO public.{table} (fecha) VALUES (%s)", (moment,))  # noqa: S608
        except Rejected:
            return False
        finally:
            self._quipux.rollback()
        return True


CHECKS = ("default_password", "open_accounts", "mirror", "yearly_logs", "repository")


def run(databases: Databases, wanted: t.Iterable[str]) -> list[Result]:
    """[{name, ok, detail}] in the order of CHECKS."""
    names = set(wanted)
    return [_ask(databases, name) for name in CHECKS if name in names]


def _ask(databases: Databases, name: str) -> Result:
    try:
        ok, detail = getattr(databases, name)()
    except (Rejected, Busy, Lost, CallError) as error:
        ok, detail = False, str(error)
    return {"name": name, "ok": ok, "detail": detail}
