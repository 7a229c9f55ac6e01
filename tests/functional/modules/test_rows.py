"""Every row that a new institution and its administrator leave, column by column (contract 3a, 3b, 3c, 4)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.functional.modules.conftest import CEDULA, RUC, Quipux, item

# No other test's: the cluster's log, in which it must not stand, is theirs too.
CODE_HASH = "7a5e1c93b0d24f68a1b7c3e5d9"
GRANTED = [1, 12, 16, 18, 21, 29, 31, 32, 36]


@pytest.fixture(scope="module")
def created(shared: Quipux) -> Any:
    result = shared.one(
        item(activation={"hash": CODE_HASH, "replaces": []}, logo_extension="png", acronym="inej")
    )
    assert result["error"] is None, result
    assert (result["status"], result["changed"], result["activation"]) == ("ok", True, "written")
    return result["ids"]


def test_ids_come_from_the_sequences(shared: Quipux, created: Any) -> None:
    assert created["institution"] >= 3
    assert created["area"] >= 3
    for sequence, key in (
        ("sec_institucion", "institution"),
        ("sec_dependencia", "area"),
        ("usuarios_usua_codi_seq", "administrator"),
    ):
        assert shared.value(f"SELECT nextval('{sequence}')") > created[key]


def test_institution(shared: Quipux, created: Any) -> None:
    number = created["institution"]
    row = shared.row("institucion", "inst_codi = %s", (number,))
    expected = {
        "inst_ruc": RUC,
        "inst_nombre": "Instituto Nacional de Ejemplo",
        "inst_sigla": "INEJ",
        "inst_estado": 1,
        "inst_coordinador": 0,
        "inst_telefono": "022999999",
        "inst_email": "",
        "inst_despedida_ofi": "",
        "inst_logo": f"/bodega/logos/{number}.png",
    }
    assert {key: row[key] for key in expected} == expected
    assert {row[key] for key in row if key.startswith(("inst_pie", "inst_ws"))} == {None}


def test_root_area(shared: Quipux, created: Any) -> None:
    area, institution = created["area"], created["institution"]
    row = shared.row("dependencia", "depe_codi = %s", (area,))
    assert row == {
        "depe_codi": area,
        "depe_nomb": "Instituto Nacional de Ejemplo",
        "depe_codi_padre": area,
        "dep_sigla": "INEJ",
        "dep_central": area,
        "dep_direccion": "Calle Inventada 100, Quito",
        "depe_estado": 1,
        "inst_codi": institution,
        "depe_plantilla": None,
        "depe_pie1": "49",
        "depe_pie2": None,
        "depe_pie3": None,
        "inst_adscrita": institution,
    }


def test_account(shared: Quipux, created: Any) -> None:
    row = shared.row("usuarios", "usua_codi = %s", (created["administrator"],))
    expected = {
        "usua_login": f"U{CEDULA}",
        "usua_cedula": CEDULA,
        "tipo_identificacion": 0,
        "usua_nomb": "María Fernanda",
        "usua_apellido": "Ejemplo Loor",
        "usua_cargo": "Analista de Gestión Documental",
        "usua_cargo_cabecera": "Analista de Gestión Documental",
        "usua_email": "maria.ejemplo@inej.example.gob.ec",
        "usua_telefono": "022999999 ext. 1234",
        "usua_celular": "0991234567",
        "usua_titulo": "",
        "usua_abr_titulo": "",
        "usua_obs": "",
        "usua_direccion": "",
        "usua_sumilla": "me",
        "usua_responsable_area": 0,
        "cargo_tipo": 0,
        "usua_tipo_certificado": 0,
        "ciu_codi": 49,
        "depe_codi": created["area"],
        "inst_codi": created["institution"],
        "usua_esta": 1,
        "usua_nuevo": 1,
        "usua_codi_actualiza": 0,
        "usua_obs_actualiza": "Registro Nuevo",
        "usua_tipo": 2,
        "visible_sub": 1,
        "usua_subrogado": None,
        "cargo_id": None,
        "usua_genero": None,
        "inst_nombre": None,
        "usua_firma_path": None,
        "usua_pasw": CODE_HASH,
    }
    assert {key: row[key] for key in expected} == expected
    assert row["usua_fecha_actualiza"]


def test_mirror_follows(shared: Quipux, created: Any) -> None:
    row = shared.row("usuario", "usua_codi = %s", (created["administrator"],))
    expected = {
        "usua_login": f"U{CEDULA}",
        "usua_pasw": CODE_HASH,
        "tipo_usuario": 1,
        "inst_estado": 1,
        "usua_esta": 1,
        "usua_nombre": "María Fernanda Ejemplo Loor",
        "depe_codi": created["area"],
        "inst_codi": created["institution"],
        "inst_sigla": "INEJ",
        "ciu_codi": 49,
        "usua_ciudad": "Azogues",
    }
    assert {key: row[key] for key in expected} == expected
    assert row["usua_datos"].startswith(
        f"{CEDULA} MARIA FERNANDA EJEMPLO LOOR ANALISTA DE GESTION DOCUMENTAL"
    )


def test_permissions_and_their_log(shared: Quipux, created: Any) -> None:
    user = (created["administrator"],)
    held = shared.sql("SELECT id_permiso FROM permiso_usuario WHERE usua_codi = %s ORDER BY 1", user)
    assert [number for (number,) in held] == GRANTED
    logged = shared.sql(
        "SELECT id_permiso, accion, usua_codi_actualiza, fecha_actualiza IS NOT NULL FROM log_usr_permisos "
        "WHERE usua_codi = %s ORDER BY 1",
        user,
    )
    # Number 0 stands for the activation mail.
    assert logged == [(number, 1, 0, True) for number in [0, *GRANTED]]


def test_users_log(shared: Quipux, created: Any) -> None:
    row = shared.row("log_usr_ciudadanos", "usua_codi = %s", (created["administrator"],))
    assert (row["usua_codi_ori"], row["logc_tabla_modificada"], row["id_transaccion"]) == (0, 2, 0)
    assert f"**USUA_LOGIN**: U{CEDULA}<br>" in row["logc_observacion"]
    assert "**CIU_CODI**: Azogues<br>" in row["logc_observacion"]
    assert "USUA_PASW" not in row["logc_observacion"]


def test_statement_log(shared: Quipux, created: Any) -> None:
    rows = shared.sql("SELECT tabla, tipo, usua_codi, sentencia, fecha IS NOT NULL FROM log ORDER BY log_id")
    assert [row[0] for row in rows] == [
        "INSTITUCION",
        "DEPENDENCIA",
        "USUARIOS",
        *["PERMISO_USUARIO"] * len(GRANTED),
    ]
    assert {(row[1], row[2], row[4]) for row in rows} == {(2, 0, True)}
    for row in rows:
        assert row[3].startswith(f"INSERT INTO {row[0]} (")
        assert "PASW" not in row[3]
    assert f"E'{RUC}'" in rows[0][3]


def test_the_logged_statements_are_statements(shared: Quipux, created: Any) -> None:
    """The application's own log tool replays them; here they at least parse and fit the tables."""
    for (text,) in shared.sql("SELECT sentencia FROM log WHERE tabla <> 'PERMISO_USUARIO'"):
        shared.sql(f"PREPARE probe AS {text}; DEALLOCATE probe")


def test_no_swallowed_error_and_no_sessions(shared: Quipux, created: Any) -> None:
    assert shared.sql("SELECT * FROM log_view_usuario") == []
    assert shared.sql("SELECT * FROM usuario_dependencia") == []
    assert shared.sql("SELECT * FROM usuarios_sesion WHERE usua_codi = %s", (created["administrator"],)) == []


def test_the_hash_is_nowhere_else(shared: Quipux, created: Any) -> None:
    dump = {name: rows for name, rows in shared.dump().items() if name not in ("usuarios", "usuario")}
    assert CODE_HASH not in json.dumps(dump, default=str)
    log = shared.database.cluster.log()
    assert "quipux_provision_activation" in log  # the statements are there
    assert CODE_HASH not in log


def test_verification_queries(shared: Quipux, created: Any) -> None:
    """Contract 4: account complete and loginable, rights, swallowed errors, duplicates, dangerous states."""
    assert (
        shared.value(
            "SELECT count(*) FROM usuarios u JOIN usuario m USING (usua_codi) JOIN institucion i ON "
            "i.inst_codi = u.inst_codi "
            "JOIN dependencia d ON d.depe_codi = u.depe_codi WHERE u.usua_login = %s AND u.usua_esta = 1 "
            "AND u.usua_nuevo = 1 "
            "AND length(u.usua_pasw) = 26 AND m.usua_pasw = u.usua_pasw AND m.inst_estado = 1 AND "
            "i.inst_estado = 1 "
            "AND d.inst_codi = i.inst_codi AND d.depe_codi_padre = d.depe_codi",
            (f"U{CEDULA}",),
        )
        == 1
    )
    assert (
        shared.sql(
            "SELECT 1 FROM permiso_usuario WHERE id_permiso IN (14, 24, 25, 30, 33, 34, 35) AND "
            "usua_codi <> 0"
        )
        == []
    )
    assert (
        shared.sql(
            "SELECT u.usua_codi FROM usuarios u LEFT JOIN usuario m USING (usua_codi) WHERE m.usua_codi "
            "IS NULL"
        )
        == []
    )
    for table, column, state in (
        ("institucion", "inst_ruc", "inst_estado"),
        ("usuario", "usua_login", "usua_esta"),
    ):
        assert (
            shared.sql(f"SELECT {column} FROM {table} WHERE {state} = 1 GROUP BY 1 HAVING count(*) > 1") == []
        )
    assert (
        shared.sql("SELECT 1 FROM usuarios WHERE usua_esta = 1 AND (usua_nuevo = 0 OR usua_pasw = '')") == []
    )


def test_second_run_changes_nothing(shared: Quipux, created: Any) -> None:
    before = shared.dump()
    result = shared.one(item())
    assert (result["status"], result["changed"], result["changes"], result["ids"]) == (
        "unchanged",
        False,
        [],
        created,
    )
    assert shared.dump() == before
