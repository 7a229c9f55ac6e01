"""The stand-in's tables are the real dump's: names, types, limits, defaults, constraints, triggers, seeds."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stand_in.database import Database, load, real_folder

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        real_folder() is None, reason="needs QUIPUX_SQL=FOLDER (SCRIPTBD of a Quipux release)"
    ),
]

# fmt: off
WHOLE = [
    "anexos", "anexos_tipo", "archivo", "archivo_nivel", "bandeja_compartida", "bloqueo_sistema",
    "carpeta", "ciudad", "ciudadano", "ciudadano_tmp", "contenido", "contenido_tipo", "dependencia", "estado",
    "formato_numeracion", "hist_eventos", "informados", "institucion", "lista", "lista_usuarios", "log",
    "log_acceso", "log_archivo_descarga", "log_bloqueos_dos", "log_sesion", "log_usr_ciudadanos",
    "log_usr_permisos", "log_view_usuario", "permiso", "permiso_usuario", "permiso_usuario_dep",
    "radicado", "radicado_sec_temp", "respaldo_estado", "respaldo_hist_eventos", "respaldo_solicitud",
    "respaldo_usuario", "respaldo_usuario_radicado", "sgd_ttr_transaccion", "solicitud_firma_ciudadano",
    "tarea", "tarea_hist_eventos", "tarea_radi_respuesta", "tipo_certificado", "tiporad", "titulo", "trd",
    "trd_nivel", "usuario",
    "usuario_dependencia", "usuarios", "usuarios_radicado", "usuarios_sesion", "usuarios_subrogacion",
]
# fmt: on
STORE = ["archivo", "estado_indice", "indice", "log", "log_archivo", "log_bloqueo"]
KEYLESS = ["tmp_tiempo_insert", "tmp_tiempo_read"]
STORE += ["log_tiempo_guardar", "tmp_revertir", *KEYLESS]

COLUMNS = """
    SELECT column_name, data_type, character_maximum_length, numeric_precision, numeric_scale, is_nullable,
           regexp_replace(column_default, '::character varying$', '::varchar')
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s
    ORDER BY ordinal_position
"""
CONSTRAINTS = """
    SELECT DISTINCT contype::text, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = to_regclass(%s) AND contype <> 'n' ORDER BY 1, 2
"""
UNIQUE_COLUMNS = """
    SELECT DISTINCT ARRAY(SELECT pg_get_indexdef(indexrelid, k, true) FROM generate_series(1, indnatts) AS k)
    FROM pg_index WHERE indrelid = to_regclass(%s) AND indisunique ORDER BY 1
"""
TRIGGERS = """
    SELECT tgrelid::regclass::text, tgname, tgtype, tgfoid::regproc::text FROM pg_trigger
    WHERE NOT tgisinternal ORDER BY 2
"""
SEQUENCES = """
    SELECT sequencename, start_value, min_value, max_value, increment_by, cycle, last_value
    FROM pg_sequences ORDER BY 1
"""


@pytest.fixture(scope="module")
def pair(cluster: Any) -> tuple[Database, Database]:
    return load(cluster, "parity_ours", "stand_in"), load(cluster, "parity_real", "real")


@pytest.fixture(scope="module")
def stores(cluster: Any) -> tuple[Database, Database]:
    return load(cluster, "parity_b_ours", store=True), load(cluster, "parity_b_real", "real", store=True)


def _same(pair: tuple[Database, Database], query: str, *values: Any) -> list[Any]:
    ours, real = (database.sql(query, values or None) for database in pair)
    assert ours == real
    return ours


@pytest.mark.parametrize("table", WHOLE)
def test_table(pair: tuple[Database, Database], table: str) -> None:
    assert _same(pair, COLUMNS, table)
    assert _same(pair, CONSTRAINTS, table)
    assert _same(pair, UNIQUE_COLUMNS, table)


@pytest.mark.parametrize("table", STORE)
def test_document_store(stores: tuple[Database, Database], table: str) -> None:
    assert _same(stores, COLUMNS, table)
    assert _same(stores, CONSTRAINTS, table) or table in KEYLESS


def test_triggers(pair: tuple[Database, Database]) -> None:
    assert len(_same(pair, TRIGGERS)) == 5


def test_sequences(pair: tuple[Database, Database]) -> None:
    ours, real = ({row[0]: row for row in database.sql(SEQUENCES)} for database in pair)
    assert ours
    assert ours == {name: real[name] for name in ours}


def test_permissions(pair: tuple[Database, Database]) -> None:
    assert len(_same(pair, "SELECT id_permiso, nombre, estado, perfil FROM permiso ORDER BY 1")) == 36


def test_first_rows(pair: tuple[Database, Database]) -> None:
    for query in (
        "SELECT * FROM institucion ORDER BY inst_codi",
        "SELECT * FROM dependencia ORDER BY depe_codi",
        "SELECT * FROM usuarios ORDER BY usua_codi",
        "SELECT * FROM usuario ORDER BY usua_codi",
        "SELECT * FROM permiso_usuario ORDER BY id_permiso",
        "SELECT tipo_cert_codi, estado FROM tipo_certificado ORDER BY 1",
        "SELECT trad_codigo, trad_descr, trad_tipo, trad_inst_codi, trad_abreviatura FROM tiporad ORDER BY 1",
        "SELECT id, nombre FROM ciudad WHERE id_padre = 0 ORDER BY 1",
        "SELECT sgd_ttr_codigo FROM sgd_ttr_transaccion ORDER BY 1",
        "SELECT est_codi, est_tipo, est_estado FROM respaldo_estado ORDER BY 1",
        "SELECT carp_codi, carp_nombre, carp_orden FROM carpeta ORDER BY 1",
        "SELECT * FROM trd ORDER BY 1",
        "SELECT * FROM archivo ORDER BY 1",
    ):
        assert _same(pair, query)


def test_cities_are_some_of_the_real_ones(pair: tuple[Database, Database]) -> None:
    ours, real = (set(database.sql("SELECT id, nombre, id_padre FROM ciudad")) for database in pair)
    assert len(ours) > 100
    assert ours <= real
    assert {name for _, name, _ in ours if "Quito" in name} == {"Puerto Quito"}
    assert {name for _, name, _ in real if "Quito" in name} == {"Puerto Quito"}


def test_titles_are_some_of_the_real_ones(pair: tuple[Database, Database]) -> None:
    ours, real = (set(database.sql("SELECT * FROM titulo")) for database in pair)
    assert ours
    assert ours <= real
