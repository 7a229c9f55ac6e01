"""The same writes, drawn at random from fixed seeds, leave the same mirror on stand-in and real layout."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest

from tests.stand_in.cluster import Cluster
from tests.stand_in.database import Database, load, real_folder

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        real_folder() is None, reason="needs QUIPUX_SQL=FOLDER (SCRIPTBD of a Quipux release)"
    ),
]

STATE = (
    "SELECT to_jsonb(m) FROM usuario m ORDER BY usua_codi",
    "SELECT jsonb_build_array(tabla, accion, codigo, error) FROM log_view_usuario ORDER BY log_codi",
)
TEXTS: list[str | None] = [
    None,
    "",
    "Ñandú",
    "  blancos  ",
    "O′Brien",
    "ÁÉÍÓÚÜÑ",
    "x" * 150,
    "y" * 201,
    "Quito",
    "5",
    "382",
]
NUMBERS: list[int | None] = [None, 0, 1, 2, 3, 4, 178, 99999]
COLUMNS = {
    "institucion": {"inst_nombre": TEXTS, "inst_sigla": TEXTS, "inst_estado": NUMBERS},
    "dependencia": {
        "depe_nomb": TEXTS,
        "dep_sigla": TEXTS,
        "depe_pie1": TEXTS,
        "inst_codi": NUMBERS,
        "inst_adscrita": NUMBERS,
    },
    "usuarios": {
        "usua_login": TEXTS,
        "usua_cedula": TEXTS,
        "usua_pasw": TEXTS,
        "usua_nomb": TEXTS,
        "usua_apellido": TEXTS,
        "usua_cargo": TEXTS,
        "usua_cargo_cabecera": TEXTS,
        "usua_email": TEXTS,
        "usua_titulo": TEXTS,
        "usua_telefono": TEXTS,
        "usua_direccion": TEXTS,
        "inst_nombre": TEXTS,
        "usua_esta": [None, 0, 1],
        "usua_nuevo": [None, 0, 1],
        "ciu_codi": NUMBERS,
        "depe_codi": NUMBERS,
        "inst_codi": NUMBERS,
        "cargo_tipo": [None, 0, 1],
        "tipo_identificacion": [None, 0, 1],
        "usua_subrogado": NUMBERS,
    },
    "ciudadano": {
        "ciu_cedula": TEXTS,
        "ciu_nombre": TEXTS,
        "ciu_apellido": TEXTS,
        "ciu_cargo": TEXTS,
        "ciu_empresa": TEXTS,
        "ciu_email": TEXTS,
        "ciu_pasw": TEXTS,
        "ciu_estado": [None, 0, 1],
        "ciu_nuevo": [None, 0, 1],
        "ciudad_codi": NUMBERS,
    },
    "ciudad": {"nombre": TEXTS},
}
KEYS = {
    "institucion": ("inst_codi", [1, 2, 3, 4]),
    "dependencia": ("depe_codi", [1, 2, 3, 4]),
    "usuarios": ("usua_codi", [0, *range(10, 20)]),
    "ciudadano": ("ciu_codigo", list(range(18, 26))),
    "ciudad": ("id", [1, 5, 178, 382]),
}


def writes(seed: int, count: int) -> Iterator[tuple[str, list[Any]]]:
    draw = random.Random(seed)
    for _ in range(count):
        table = draw.choices(list(COLUMNS), weights=[2, 3, 8, 4, 1])[0]
        key, codes = KEYS[table]
        code = draw.choice(codes)
        columns = draw.sample(list(COLUMNS[table]), draw.randint(1, len(COLUMNS[table])))
        values: list[Any] = [draw.choice(COLUMNS[table][column]) for column in columns]
        kind = draw.choices(["insert", "update", "delete"], weights=[4, 5, 1])[0]
        if kind == "insert":
            places = ", ".join(["%s"] * (len(columns) + 1))
            yield f"INSERT INTO {table} ({', '.join([key, *columns])}) VALUES ({places})", [code, *values]
        elif kind == "update":
            changes = ", ".join(f"{column} = %s" for column in columns)
            yield f"UPDATE {table} SET {changes} WHERE {key} = %s", [*values, code]
        else:
            yield f"DELETE FROM {table} WHERE {key} = %s", [code]


def outcome(database: Database, connection: Any, statement: str, values: list[Any]) -> Any:
    with connection.cursor() as cursor:
        try:
            cursor.execute(statement, values)
        except psycopg2.Error as error:
            return error.pgcode, error.diag.message_primary
        return cursor.rowcount


def rows(connection: Any, query: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return [row for (row,) in cursor.fetchall()]


@pytest.mark.parametrize("seed", range(3))
def test_same_writes_same_mirror(cluster: Cluster, seed: int) -> None:
    ours = load(cluster, f"mirror_ours_{seed}", "stand_in")
    real = load(cluster, f"mirror_real_{seed}", "real")
    done = 0
    errors: list[Any] = []
    try:
        with ours.connection() as our_connection, real.connection() as real_connection:
            for statement, values in writes(seed, 300):
                results = [
                    outcome(ours, our_connection, statement, values),
                    outcome(real, real_connection, statement, values),
                ]
                # Names of constraints are ours; what is refused, and why, is not.
                codes = [result[0] if isinstance(result, tuple) else result for result in results]
                assert codes[0] == codes[1], (statement, values, results)
                done += codes[0] == 1
                mirror, errors = (rows(our_connection, query) for query in STATE)
                assert [mirror, errors] == [rows(real_connection, query) for query in STATE], (
                    statement,
                    values,
                )
    finally:
        ours.drop()
        real.drop()
    assert done > 30
    assert errors
