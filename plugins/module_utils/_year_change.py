# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: S608 (the names are ours, values are bound)

"""PRIVATE. What a new year needs of both databases; each function gives what it found, and mends what it
may.

Numbers start again as with the application's menu "Inicializar Secuencias", which shows on 1 January only:
sequence sec_radi_nume_radi at 1, the counters of radicado_sec_temp and formato_numeracion at 0. Other than
the menu we leave formats alone that an institution chose, and let a counter go on whose format does not
show the year: from 0 it would give numbers that are taken. And we do it only while the year has no
document: later, numbers would come twice.
"""

from __future__ import annotations

import os
import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._connection import Session
from ansible_collections.quipux.provision.plugins.module_utils._content import (
    CAPACITY,
    Ledger,
    add_repository,
)

FORMAT = "inst-dep-anio-secuencial-tipodoc"  # the application's own
_SHOWS_YEAR = "coalesce(nullif(trim(fn_formato), ''), 'anio') LIKE '%anio%'"
_DOCUMENTS = """
SELECT count(*) FILTER (WHERE this), min(number) FILTER (WHERE this), max(number) FILTER (WHERE NOT this)
  FROM (SELECT div(radi_nume_radi, 10) %% 1000000000 AS number,
               div(radi_nume_radi, 10000000000000000) = %(year)s AS this
          FROM radicado WHERE div(radi_nume_radi, 10000000000000000) IN (%(year)s, %(year)s - 1)) d
"""


class Finding(t.NamedTuple):
    """One thing that the year needs. `ok`: it is there, or was made by this run."""

    name: str
    ok: bool
    detail: str


def year_of(session: Session, wanted: int) -> int:
    """The year to make ready: the given one; else this one in its first half, the next one in its second."""
    year, month = session.fetch("SELECT extract(year FROM now())::int, extract(month FROM now())::int")[0]
    return wanted or (int(year) if month <= 6 else int(year) + 1)


def numbering(ledger: Ledger, year: int, reset_formats: bool, check_mode: bool) -> Finding:
    """Start the numbers of documents again, if the year has begun and has none yet."""
    name, session = "numbering", ledger.session
    if session.fetch("SELECT extract(year FROM now())::int")[0][0] < year:
        return Finding(name, True, f"starts again with a run on 1 January {year}, before work begins")
    # Nobody may take a number meanwhile.
    session.fetch("LOCK TABLE radicado, radicado_sec_temp, formato_numeracion IN SHARE ROW EXCLUSIVE MODE")
    documents, first, last_of_before = session.fetch(_DOCUMENTS, {"year": year})[0]
    if documents:
        if last_of_before is None or first <= last_of_before:
            return Finding(name, True, f"started again; {documents} documents of {year}")
        return Finding(
            name,
            False,
            f"{documents} documents of {year} have numbers that go on from the year before; left so, since "
            "numbers would come twice",
        )
    last, called = session.fetch("SELECT last_value, is_called FROM sec_radi_nume_radi")[0]
    counters = "true" if reset_formats else _SHOWS_YEAR
    temporary, counting, going_on, own = session.fetch(
        "SELECT (SELECT count(*) FROM radicado_sec_temp WHERE secuencia > 0), "
        f"count(*) FILTER (WHERE fn_contador > 0 AND {counters}), "
        f"count(*) FILTER (WHERE fn_contador > 0 AND NOT ({counters})), "
        f"count(*) FILTER (WHERE coalesce(nullif(trim(fn_formato), ''), '{FORMAT}') <> '{FORMAT}') "
        "FROM formato_numeracion"
    )[0]
    kept = f"; {going_on} counters go on, since their formats do not show the year" if going_on else ""
    statements = []
    if last != 1 or not called:
        statements.append(("SECUENCIA", "SELECT pg_catalog.setval('sec_radi_nume_radi', 1, true)"))
    if temporary:
        statements.append(
            ("RADICADO_SEC_TEMP", "UPDATE radicado_sec_temp SET secuencia = 0 WHERE secuencia > 0")
        )
    if counting or (reset_formats and own):
        formats = f", fn_formato = '{FORMAT}'" if reset_formats else ""
        statements.append(
            ("FORMATO_NUMERACION", f"UPDATE formato_numeracion SET fn_contador = 0{formats} WHERE {counters}")
        )
    if not statements:
        return Finding(name, True, f"starts at 1 in {year}{kept}")
    for table, statement in statements:
        ledger.changes.append(f"numbering: {table.lower()} starts again")
        # A sequence keeps its value even if the transaction is taken back.
        if not check_mode:
            session.fetch(statement)
            # As the application's menu does, in the super-administrator's name.
            session.fetch(
                "INSERT INTO log (fecha, usua_codi, tabla, sentencia, tipo) VALUES (now(), 0, %s, %s, 1)",
                (table, statement),
            )
    return Finding(name, True, f"{'would start' if check_mode else 'started'} again for {year}{kept}")


def blocks(session: Session, year: int) -> Finding:
    """Blocks that would keep users out in the new year; messages alone (kind 2) keep nobody out."""
    found = session.fetch(
        "SELECT bloq_codi FROM bloqueo_sistema WHERE estado = 1 AND tipo_mensaje IN (0, 1) "
        "AND coalesce(fecha_fin, 'infinity') > make_timestamptz(%s, 1, 1, 0, 0, 0) ORDER BY 1",
        (year,),
    )
    if not found:
        return Finding("blocks", True, f"no block of the system reaches into {year}")
    numbers = ", ".join(str(number) for (number,) in found)
    return Finding(
        "blocks",
        False,
        f"blocks {numbers} reach into {year}; end them in the super-administrator's menu of alerts",
    )


def notice(ledger: Ledger, year: int, text: str) -> None:
    """The message that all users see on 31 December and 1 January; one, whatever it said before."""
    title = f"Cambio de año {year}"
    present = ledger.session.fetch(
        "SELECT mensaje_usuario FROM bloqueo_sistema WHERE descripcion = %s AND estado = 1", (title,)
    )
    if not text or present == [(text,)]:
        return
    ledger.session.fetch("DELETE FROM bloqueo_sistema WHERE descripcion = %s", (title,))
    ledger.session.fetch(
        "INSERT INTO bloqueo_sistema (fecha_inicio, fecha_fin, estado, descripcion, mensaje_usuario, "
        "usua_acceso, tipo_mensaje) VALUES (make_timestamptz(%(year)s - 1, 12, 31, 0, 0, 0), "
        "make_timestamptz(%(year)s, 1, 2, 0, 0, 0), 1, %(title)s, %(text)s, '', 2)",
        {"year": year, "title": title, "text": text},
    )
    ledger.changes.append("notice: written")


def repositories(ledger: Ledger, limit: int) -> Finding:
    """Room for documents: where every active repository is full up to the limit, a new one takes their place.

    :param limit: percent of the capacity.
    """
    rows = ledger.session.fetch(
        "SELECT indi_codi, nombre_tabla, pg_table_size(nombre_tabla::regclass), tamanio_maximo FROM indice "
        "WHERE esta_codi = 2 AND to_regclass(nombre_tabla) IS NOT NULL ORDER BY 1"
    )
    full = [number for number, _table, size, capacity in rows if size * 100 >= limit * (capacity or 1)]
    if len(full) == len(rows):
        add_repository(ledger, max([CAPACITY, *(capacity or 0 for *_rest, capacity in rows)]))
        for number in full:
            ledger.as_owner(
                f"repository {number}: closed",
                "UPDATE indice SET esta_codi = 3, fecha_cierre = now(), usua_codi_cierra = 0, "
                f"tamanio = pg_table_size(nombre_tabla::regclass) WHERE indi_codi = {int(number)}",
            )
        return Finding("repositories", True, f"{len(full)} full at {limit} %; a new one takes documents")
    shown = ", ".join(f"{table} {size * 100 // (capacity or 1)} %" for _number, table, size, capacity in rows)
    return Finding("repositories", True, f"used: {shown}")


def disk(session: Session) -> Finding:
    """Room on the volume of the databases for half as much again as the last twelve months brought."""
    folder = session.fetch("SELECT current_setting('data_directory')")[0][0]
    # Documents are kept as base64: four bytes for three.
    grown = session.fetch(
        "SELECT coalesce(sum(tamanio), 0)::bigint * 4 / 3 FROM archivo "
        "WHERE fecha_creacion > now() - interval '1 year'"
    )[0][0]
    volume = os.statvfs(folder)
    free, needed = volume.f_bavail * volume.f_frsize, grown * 3 // 2
    shown = f"{free // 1024**2} MiB free in {folder}, the last twelve months took {grown // 1024**2} MiB"
    return Finding("disk", free >= needed, shown if free >= needed else f"{shown}; enlarge the volume")
