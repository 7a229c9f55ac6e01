"""What the layout does and forgives, as measured on the real one: each test runs on both."""

from __future__ import annotations

from typing import Any

import psycopg2
import pytest

from tests.stand_in.database import Database

MIRROR = "SELECT * FROM usuario WHERE usua_codi = %s"
SWALLOWED = "SELECT tabla, accion, codigo, error FROM log_view_usuario ORDER BY log_codi"


def institution(database: Database, code: int = 3, **values: Any) -> None:
    row = {"ruc": "1769999930001", "nombre": "Instituto de Ensayos", "sigla": "IDE", "pie": "5", "code": code}
    row |= values
    database.sql(
        "INSERT INTO institucion (inst_codi, inst_ruc, inst_nombre, inst_sigla, inst_estado)"
        " VALUES (%(code)s, %(ruc)s, %(nombre)s, %(sigla)s, 1)",
        row,
    )
    database.sql(
        "INSERT INTO dependencia (depe_codi, depe_nomb, depe_codi_padre, dep_sigla, dep_central, depe_estado,"
        " inst_codi, inst_adscrita, depe_pie1)"
        " VALUES (%(code)s, %(nombre)s, %(code)s, %(sigla)s, %(code)s, 1, %(code)s, %(code)s, %(pie)s)",
        row,
    )


def account(database: Database, code: int = 10, city: int | None = 178, place: int = 3) -> None:
    row = {"login": "U2405999992", "cedula": "2405999992", "name": "Niña Ágata"}
    database.sql(
        "INSERT INTO usuarios (usua_codi, usua_login, usua_cedula, usua_nomb, usua_apellido, usua_cargo,"
        " usua_email, ciu_codi, depe_codi, inst_codi)"
        " VALUES (%(code)s, %(login)s, %(cedula)s, %(name)s, 'Peña', 'Jefa',"
        " 'n@example.gob.ec', %(city)s, %(place)s, %(place)s)",
        {**row, "code": code, "city": city, "place": place},
    )


def mirror(database: Database, code: int = 10) -> dict[str, Any] | None:
    with database.connection() as connection, connection.cursor() as cursor:
        cursor.execute(MIRROR, (code,))
        row = cursor.fetchone()
        return dict(zip([column.name for column in cursor.description], row, strict=True)) if row else None


def test_mirror_row_of_an_account(database: Database) -> None:
    institution(database)
    account(database)
    row = mirror(database)
    assert row is not None
    assert len(row) == 36
    expected = {
        "usua_nombre": "Niña Ágata Peña",
        "usua_datos": "2405999992 NINA AGATA PENA JEFA N@EXAMPLE.GOB.EC"
        " INSTITUTO DE ENSAYOS INSTITUTO DE ENSAYOS IDE",
        "tipo_usuario": 1,
        "inst_estado": 1,
        "inst_codi": 3,
        "inst_nombre": "Instituto de Ensayos",
        "inst_padre_sigla": "IDE",
        "depe_nomb": "Instituto de Ensayos",
        "usua_ciudad": "Guayaquil",
        "usua_nuevo": 1,
        "usua_pasw": None,
        "visible_sub": 1,
    }
    assert {key: row[key] for key in expected} == expected
    assert database.sql(SWALLOWED) == []


def test_account_of_institution_1_counts_as_a_citizen(database: Database) -> None:
    account(database, place=1)
    row = mirror(database)
    assert row is not None
    assert (row["tipo_usuario"], row["inst_nombre"]) == (2, None)


def test_area_with_a_city_that_is_no_number_loses_the_mirror_row(database: Database) -> None:
    institution(database, pie="Quito")
    account(database, city=None)
    assert database.sql("SELECT count(*) FROM usuarios WHERE usua_codi = 10") == [(1,)]
    assert mirror(database) is None
    ((table, action, code, error),) = database.sql(SWALLOWED)
    assert (table, action, code) == ("usuarios", "INSERT", 10)
    assert 'invalid input syntax for type integer: "Quito"' in error


def test_a_city_of_its_own_saves_the_mirror_row(database: Database) -> None:
    institution(database, pie="Quito")
    account(database, city=178)
    assert mirror(database) is not None


def test_without_a_city_the_area_gives_it(database: Database) -> None:
    institution(database, pie="5")
    account(database, city=None)
    row = mirror(database)
    assert row is not None
    assert (row["ciu_codi"], row["usua_ciudad"]) == (5, "Cuenca")


def test_a_lost_mirror_row_stays_lost_at_the_next_update(database: Database) -> None:
    institution(database)
    account(database)
    database.sql("DELETE FROM usuario WHERE usua_codi = 10")
    database.sql("UPDATE usuarios SET usua_cargo = 'Directora' WHERE usua_codi = 10")
    assert mirror(database) is None
    assert database.sql(SWALLOWED) == []


def test_mirror_follows_account_area_institution_and_city(database: Database) -> None:
    institution(database)
    account(database)
    database.sql("UPDATE usuarios SET usua_pasw = 'x' || repeat('0', 25), usua_esta = 0 WHERE usua_codi = 10")
    database.sql("UPDATE dependencia SET depe_nomb = 'Área Núcleo' WHERE depe_codi = 3")
    database.sql("UPDATE institucion SET inst_estado = 0, inst_sigla = 'NUEVA' WHERE inst_codi = 3")
    database.sql("UPDATE ciudad SET nombre = 'Guayaquil de mis amores' WHERE id = 178")
    row = mirror(database)
    assert row is not None
    assert row["usua_pasw"] == "x" + "0" * 25
    assert (row["usua_esta"], row["inst_estado"]) == (0, 0)
    assert (row["depe_nomb"], row["inst_sigla"], row["inst_padre_sigla"]) == ("Área Núcleo", "NUEVA", "NUEVA")
    assert row["usua_ciudad"] == "Guayaquil de mis amores"
    assert row["usua_datos"].endswith("AREA NUCLEO INSTITUTO DE ENSAYOS NUEVA")


def test_nothing_but_keys_is_unique(database: Database) -> None:
    for code in (3, 4):
        institution(database, code)
    for code, place in ((10, 3), (11, 3), (12, 4)):
        account(database, code, place=place)
    assert database.sql("SELECT count(*) FROM institucion WHERE inst_ruc = '1769999930001'") == [(2,)]
    assert database.sql("SELECT count(*) FROM usuario WHERE usua_login = 'U2405999992'") == [(3,)]


def test_deleting_an_account_leaves_its_mirror_row(database: Database) -> None:
    institution(database)
    account(database)
    database.sql("DELETE FROM usuarios WHERE usua_codi = 10")
    assert mirror(database) is not None


def test_an_area_name_over_150_is_an_error(database: Database) -> None:
    with pytest.raises(psycopg2.errors.StringDataRightTruncation):
        institution(database, nombre="I" * 163)


def test_an_acronym_over_10_is_an_error(database: Database) -> None:
    with pytest.raises(psycopg2.errors.StringDataRightTruncation):
        institution(database, sigla="ONCELETRAS1")


def test_an_error_in_the_institution_trigger_stops_the_update(database: Database) -> None:
    institution(database)
    account(database)
    database.sql("ALTER TABLE usuario ADD CHECK (inst_estado = 1)")
    with pytest.raises(psycopg2.errors.UndefinedColumn, match="depe_codi"):
        database.sql("UPDATE institucion SET inst_estado = 0 WHERE inst_codi = 3")
    assert database.sql("SELECT inst_estado FROM institucion WHERE inst_codi = 3") == [(1,)]


def test_errors_of_the_area_and_city_triggers_are_swallowed(database: Database) -> None:
    institution(database)
    account(database)
    database.sql(
        "ALTER TABLE usuario ADD CHECK (depe_nomb = 'Instituto de Ensayos'),"
        " ADD CHECK (usua_codi = 0 OR usua_ciudad = 'Guayaquil')"
    )
    database.sql("UPDATE dependencia SET depe_nomb = 'Otra' WHERE depe_codi = 3")
    database.sql("UPDATE ciudad SET nombre = 'Otra' WHERE id = 178")
    area, city = database.sql(SWALLOWED)
    assert (area[:3], city[:3]) == (("dependencia", "UPDATE", 3), ("ciudad", "UPDATE", 178))


def test_first_institution_gets_number_3(database: Database) -> None:
    assert database.sql("SELECT nextval('sec_institucion'), nextval('sec_dependencia')") == [(3, 3)]
    assert database.sql("SELECT nextval('usuarios_usua_codi_seq')") == [(1,)]


def test_a_citizen_is_mirrored_moved_and_removed(database: Database) -> None:
    database.sql(
        "INSERT INTO ciudadano (ciu_codigo, ciu_cedula, ciu_nombre, ciu_apellido, inst_codi, ciu_empresa)"
        " VALUES (20, '2405999992', 'Ágil', 'Vecino', 3, 'Taller Ñandú')"
    )
    row = mirror(database, 20)
    assert row is not None
    assert row["usua_login"] == "U2405999992"
    assert (row["tipo_usuario"], row["inst_codi"], row["depe_codi"]) == (2, 0, 0)
    assert (row["inst_padre_nombre"], row["usua_ciudad"], row["usua_nuevo"]) == ("Ciudadanos", "Azuay", 0)
    assert row["usua_datos"] == "2405999992 AGIL VECINO   TALLER NANDU"
    database.sql("UPDATE ciudadano SET ciu_estado = 0 WHERE ciu_codigo = 20")
    row = mirror(database, 20)
    assert row is not None
    assert row["usua_login"] == "l20"
    database.sql("DELETE FROM ciudadano WHERE ciu_codigo = 20")
    assert mirror(database, 20) is None


def citizen(database: Database, code: int = 20) -> None:
    database.sql(
        "INSERT INTO ciudadano (ciu_codigo, ciu_cedula, ciu_nombre, ciu_apellido, inst_codi, ciu_empresa,"
        " ciu_pasw) VALUES (%s, '2405999992', 'Ágil', 'Vecino', 3, 'Taller Ñandú', repeat('a', 26))",
        (code,),
    )


MOVE_IN = (
    "INSERT INTO usuarios (usua_codi, usua_login, usua_cedula, usua_nomb, usua_apellido, usua_pasw, ciu_codi,"
    " inst_nombre, usua_tipo_certificado, inst_codi, depe_codi)"
    " SELECT ciu_codigo, 'U' || ciu_cedula, ciu_cedula, ciu_nombre, ciu_apellido, ciu_pasw, 0, ciu_empresa,"
    " 1, 1, 1 FROM {} WHERE ciu_codigo = 20;"
)
MOVE_OUT = "DELETE FROM ciudadano WHERE ciu_codigo = 20;"


def test_a_citizen_who_may_sign_keeps_the_number(database: Database) -> None:
    citizen(database)
    database.sql("CREATE TEMPORARY TABLE antes AS TABLE ciudadano;" + MOVE_OUT + MOVE_IN.format("antes"))
    row = mirror(database, 20)
    assert row is not None
    expected = {
        "usua_login": "U2405999992",
        "usua_pasw": "a" * 26,
        "tipo_usuario": 2,
        "usua_tipo_certificado": 1,
        "inst_codi": 1,
        "depe_codi": 1,
        "inst_estado": 1,
        "inst_nombre": "Taller Ñandú",
        "inst_padre_nombre": "Ciudadanos",
        "ciu_codi": 0,
        "usua_ciudad": None,
        "usua_nuevo": 1,
    }
    assert {key: row[key] for key in expected} == expected
    assert database.sql(SWALLOWED) == []


def test_a_citizen_moved_in_before_he_is_out_has_no_mirror_row_left(database: Database) -> None:
    citizen(database)
    database.sql(MOVE_IN.format("ciudadano") + MOVE_OUT)
    assert mirror(database, 20) is None
    assert database.sql("SELECT count(*) FROM usuarios WHERE usua_codi = 20") == [(1,)]
    ((table, action, code, error),) = database.sql(SWALLOWED)
    assert (table, action, code) == ("usuarios", "INSERT", 20)
    assert 'violates unique constraint "pk_view_usuario"' in error


def test_a_citizen_with_changes_waiting_stays(database: Database) -> None:
    citizen(database)
    database.sql("INSERT INTO ciudadano_tmp (ciu_codigo, ciu_cedula) VALUES (20, '2405999992')")
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        database.sql(MOVE_OUT)


def test_a_request_to_sign_needs_no_citizen_and_one_may_have_two(database: Database) -> None:
    for _ in range(2):
        database.sql("INSERT INTO solicitud_firma_ciudadano (ciu_codigo, sol_estado) VALUES (99, 2)")
    found = database.sql("SELECT sol_codigo, sol_planilla, sol_acuerdo_estado FROM solicitud_firma_ciudadano")
    assert found == [(1, 0, 0), (2, 0, 0)]


def test_a_deactivated_citizen_signs_in_no_more(database: Database) -> None:
    citizen(database)
    database.sql(
        "UPDATE ciudadano SET ciu_estado = 0, ciu_cedula = ciu_cedula || '-20' WHERE ciu_codigo = 20"
    )
    row = mirror(database, 20)
    assert row is not None
    assert (row["usua_login"], row["usua_cedula"], row["usua_esta"]) == ("l20", "2405999992-20", 0)


def test_backups_are_asked_for_by_number(database: Database) -> None:
    database.sql(
        "INSERT INTO respaldo_solicitud (usua_codi_solicita) VALUES (10);"
        "INSERT INTO respaldo_hist_eventos (resp_soli_codi) VALUES (1)"
    )
    assert database.sql(
        "SELECT resp_soli_codi, estado_solicitud, estado_respaldo FROM respaldo_solicitud"
    ) == [(1, 0, 0)]
    assert database.sql("SELECT resp_hist_eventos FROM respaldo_hist_eventos") == [(1,)]


def test_a_permission_needs_its_account(database: Database) -> None:
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        database.sql("INSERT INTO permiso_usuario VALUES (12, 99)")


def test_concat_of_two_texts_is_shadowed(database: Database) -> None:
    assert database.sql("SELECT concat('a'::text, 'b'::text)") == [("a, b",)]


def test_the_database_speaks_the_time_of_ecuador(database: Database) -> None:
    assert database.sql("SHOW timezone") == [("America/Guayaquil",)]


def test_the_store_answers_0_until_a_repository_is_active(variant: str, make_database: Any) -> None:
    store = make_database(variant, store=True)
    assert store.sql("SELECT func_grabar_archivo('a.pdf', 'QUJD')") == [(0,)]
    store.sql(
        "INSERT INTO indice (indi_codi, nombre_tabla, nombre_tablespace, esta_codi, tamanio_maximo,"
        " usua_codi_crea) VALUES (1, 'archivo_0001', 'pg_default', 2, 10737418240, 0);"
        "CREATE TABLE archivo_0001 (arch_codi bigint PRIMARY KEY REFERENCES archivo, archivo varchar)"
    )
    ((code,),) = store.sql("SELECT func_grabar_archivo('a.pdf', 'QUJD')")
    assert store.sql("SELECT func_recuperar_archivo(%s)", (code,)) == [("QUJD",)]
    assert store.sql("SELECT nombre FROM archivo WHERE arch_codi = %s", (code,)) == [("a.pdf",)]


def test_the_layout_of_2010_has_a_view(make_database: Any) -> None:
    old = make_database("2010-like")
    assert old.sql("SELECT relkind FROM pg_class WHERE relname = 'usuario'") == [("v",)]
    assert old.sql("SELECT max(id_permiso) FROM permiso") == [(30,)]
