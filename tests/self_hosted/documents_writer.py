"""Runs on a test host's database: stores documents as the application does, until it is told to stop.

The application stores the file first, which is committed at once, and then names it in the other database.
Argument: the first document's number. Prints as JSON what it stored and how long the slowest took.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from pathlib import Path

import psycopg2

STOP = "/tmp/stop-writing"
READY = "/tmp/writing"
# The real function gives a document up when it meets any of these on the table of its content.
LOCKED = """
SELECT count(*) FROM pg_locks WHERE relation = 'archivo_0001'::regclass
   AND mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
"""
DOCUMENT = """
INSERT INTO radicado (radi_nume_radi, radi_nume_temp, radi_fech_radi, arch_codi)
VALUES (%(n)s, %(n)s, now(), %(file)s);
INSERT INTO anexos (anex_radi_nume, anex_codigo, anex_tipo, anex_numero, anex_borrado, arch_codi)
SELECT %(n)s, %(n)s || '_00001', min(anex_tipo_codi), 1, 'N', %(second)s FROM anexos_tipo;
"""


def store_file(cursor, found):
    content = os.urandom(int(os.environ.get("BYTES", "20000")) // 2).hex()
    cursor.execute(LOCKED)
    found["locked"] += cursor.fetchone()[0]
    cursor.execute("SELECT func_grabar_archivo(%s, %s)", ("oficio.pdf", content))
    number = cursor.fetchone()[0]
    found["refused"] += number == 0
    found["files"][str(number)] = hashlib.sha256(content.encode()).hexdigest()
    return number


def main():
    quipux, store = (psycopg2.connect(dbname=name) for name in ("quipux", "quipux_bodega"))
    store.autocommit = True
    found = {"refused": 0, "locked": 0, "slowest": 0.0, "files": {}, "documents": 0}
    number = int(sys.argv[1])
    limit = int(os.environ.get("COUNT", "1000000"))
    while not Path(STOP).exists() and found["documents"] < limit:
        started = time.monotonic()
        with store.cursor() as cursor:
            files = [store_file(cursor, found) for _ in range(2)]
        with quipux, quipux.cursor() as cursor:
            cursor.execute(DOCUMENT, {"n": number, "file": files[0], "second": files[1]})
        found["slowest"] = max(found["slowest"], time.monotonic() - started)
        found["documents"] += 1
        number += 1
        if found["documents"] == 5:
            Path(READY).touch()
    print(json.dumps(found))


main()
