"""Whose account it is: existing ones, the deactivated form, deactivation and reactivation (contract 3b,
3e; traps 3, 4, 11)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.functional.modules.conftest import CEDULA, CODE_HASH, RUC, Quipux, item, numbered, previous

OTHER_HASH = "f" * 26
NO_ENTRY = "sin-clave-activacion-vencida"  # longer than the 26 characters that pages compare


def code(result: dict[str, Any]) -> str | None:
    return None if result["error"] is None else str(result["error"]["code"])


@pytest.mark.parametrize("kind", ["staff", "citizen"])
def test_an_account_elsewhere_is_refused(quipux: Quipux, kind: str) -> None:
    if kind == "staff":
        other = quipux.one(numbered(1))["ids"]
        quipux.app_insert_user(usua_cedula=CEDULA, inst_codi=other["institution"], depe_codi=other["area"])
    else:
        quipux.sql(
            "INSERT INTO ciudadano (ciu_codigo, ciu_cedula, ciu_nombre, ciu_apellido, ciu_estado, ciu_nuevo) "
            "VALUES (nextval('usuarios_usua_codi_seq'), %s, 'Otra', 'Persona', 1, 1)",
            (CEDULA,),
        )
    before = quipux.dump()
    result = quipux.one(item())
    assert (result["status"], code(result), result["changed"]) == ("refused", "account_exists", False)
    assert "additional" in result["error"]["hint"]
    assert quipux.dump() == before


def test_a_deactivated_account_elsewhere_does_not_matter(quipux: Quipux) -> None:
    other = quipux.one(numbered(1))["ids"]
    quipux.app_insert_user(
        usua_cedula=f"{CEDULA}-77",
        usua_login="l77",
        usua_esta=0,
        inst_codi=other["institution"],
        depe_codi=other["area"],
    )
    assert quipux.one(item())["status"] == "ok"


def test_additional_copies_the_password_inside_the_server(quipux: Quipux) -> None:
    other = quipux.one(numbered(1))["ids"]
    quipux.app_insert_user(
        usua_cedula=CEDULA, usua_pasw=OTHER_HASH, inst_codi=other["institution"], depe_codi=other["area"]
    )
    wanted = item(administrator__existing_account="additional", activation={"hash": CODE_HASH})
    result = quipux.one(wanted)
    assert (result["status"], result["activation"]) == ("ok", None), result
    assert [line["after"] for line in result["changes"] if line["field"] == "password"] == [
        "shared with the person's other accounts"
    ]
    row = quipux.row("usuarios", "usua_codi = %s", (result["ids"]["administrator"],))
    assert (row["usua_pasw"], row["usua_nuevo"]) == (OTHER_HASH, 1)
    assert quipux.one(wanted)["status"] == "unchanged"
    assert quipux.value("SELECT count(*) FROM log WHERE sentencia LIKE %s", (f"%{OTHER_HASH}%",)) == 0


@pytest.mark.parametrize(("password", "new"), [("", 1), (OTHER_HASH, 0), (None, 1)])
def test_additional_never_copies_what_is_not_a_password(
    quipux: Quipux, password: str | None, new: int
) -> None:
    """As the page: only of an active account with usua_nuevo 1; and never '' (trap 2)."""
    other = quipux.one(numbered(1))["ids"]
    there = quipux.app_insert_user(
        usua_cedula=CEDULA,
        usua_pasw=password,
        usua_nuevo=new,
        inst_codi=other["institution"],
        depe_codi=other["area"],
    )
    result = quipux.one(item(administrator__existing_account="additional"))
    row = quipux.row("usuarios", "usua_codi = %s", (result["ids"]["administrator"],))
    assert row["usua_pasw"] == NO_ENTRY
    assert [str(there) in note for note in result["notes"]] == ([] if password else [True])


def plain_colleague(quipux: Quipux) -> int:
    """An ordinary active account of the person in the institution itself."""
    ids = quipux.one(item(administrator=None))["ids"]
    return quipux.app_insert_user(
        usua_cedula=CEDULA, usua_pasw=OTHER_HASH, inst_codi=ids["institution"], depe_codi=ids["area"]
    )


def test_a_colleague_is_refused_by_default(quipux: Quipux) -> None:
    plain_colleague(quipux)
    assert code(quipux.one(item())) == "account_exists"


def test_reuse_grants_and_leaves_the_rest(quipux: Quipux) -> None:
    number = plain_colleague(quipux)
    before = quipux.row("usuarios", "usua_codi = %s", (number,))
    result = quipux.one(item(administrator__existing_account="reuse", activation={"hash": CODE_HASH}))
    assert result["error"] is None, result
    assert (result["ids"]["administrator"], result["activation"]) == (number, None)
    assert {line["object"] for line in result["changes"]} == {"permission"}
    assert "email" in {line["field"] for line in result["kept"]}
    assert quipux.row("usuarios", "usua_codi = %s", (number,)) == before
    held = quipux.sql("SELECT id_permiso FROM permiso_usuario WHERE usua_codi = %s ORDER BY 1", (number,))
    assert [number for (number,) in held] == [1, 12, 16, 18, 21, 29, 31, 32, 36]


def test_reuse_without_an_account(quipux: Quipux) -> None:
    result = quipux.one(item(administrator__existing_account="reuse"))
    assert code(result) == "no_such_account"
    assert quipux.sql("SELECT 1 FROM institucion WHERE inst_ruc = %s", (RUC,)) == []


def test_mandatory_permissions_are_ensured_and_recommended_ones_not_added_again(quipux: Quipux) -> None:
    user = quipux.one(item())["ids"]["administrator"]
    quipux.sql("DELETE FROM permiso_usuario WHERE usua_codi = %s AND id_permiso IN (36, 32)", (user,))
    quipux.sql("INSERT INTO permiso_usuario (id_permiso, usua_codi) VALUES (30, %s), (27, %s)", (user, user))
    result = quipux.one(item())
    assert [(line["field"], line["after"]) for line in result["changes"]] == [
        ("perm_admin_institucional", "granted")
    ]
    assert "admin_institucion" in result["notes"][0]
    held = {
        number
        for (number,) in quipux.sql("SELECT id_permiso FROM permiso_usuario WHERE usua_codi = %s", (user,))
    }
    assert {12, 36, 30, 27} <= held
    assert 32 not in held


def populate(quipux: Quipux, user: int) -> None:
    """What hangs on a user: a live session, a list, two shared trays."""
    quipux.sql("INSERT INTO usuarios_sesion (usua_codi, usua_sesion) VALUES (%s, 'o1o2Ulive')", (user,))
    quipux.sql("INSERT INTO lista (lista_codi, lista_nombre) VALUES (1, 'Lista')")
    quipux.sql("INSERT INTO lista_usuarios (lista_codi, usua_codi) VALUES (1, %s)", (user,))
    quipux.sql(
        "INSERT INTO bandeja_compartida (usua_codi_jefe, usua_codi) VALUES (%s, 0), (0, %s)", (user, user)
    )
    quipux.sql(
        "UPDATE usuarios SET cargo_tipo = 1, usua_responsable_area = 1, usua_pasw = %s WHERE usua_codi = %s",
        (OTHER_HASH, user),
    )


def test_absent_and_back(quipux: Quipux) -> None:
    ids = quipux.one(item())["ids"]
    user = ids["administrator"]
    populate(quipux, user)
    logged = quipux.value("SELECT count(*) FROM log")
    gone = {"case": "inej", "ruc": RUC, "state": "absent", "administrator": {"national_id": CEDULA}}

    before = quipux.dump()
    assert quipux.one(gone, check=True)["changed"]
    assert quipux.dump() == before

    result = quipux.one(gone)
    assert [(line["object"], line["field"], line["after"]) for line in result["changes"]] == [
        ("administrator", "state", "inactive"),
        ("institution", "state", "inactive"),
    ]
    row = quipux.row("usuarios", "usua_codi = %s", (user,))
    expected = {
        "usua_esta": 0,
        "usua_login": f"l{user}",
        "usua_cedula": f"{CEDULA}-{user}",
        "cargo_tipo": 0,
        "usua_responsable_area": 0,
        "usua_nuevo": 1,
        "usua_codi_actualiza": 0,
        "usua_pasw": OTHER_HASH,
    }
    assert {key: row[key] for key in expected} == expected
    assert "Usuario estado de Activo a Inactivo" in row["usua_obs_actualiza"]
    mirror = quipux.row("usuario", "usua_codi = %s", (user,))
    assert (mirror["usua_esta"], mirror["inst_estado"], mirror["usua_login"]) == (0, 0, f"l{user}")
    assert quipux.value("SELECT usua_sesion LIKE 'FIN%%' FROM usuarios_sesion WHERE usua_codi = %s", (user,))
    assert quipux.sql("SELECT 1 FROM lista_usuarios") == []
    assert quipux.sql("SELECT 1 FROM bandeja_compartida") == []
    assert quipux.value("SELECT count(*) FROM permiso_usuario WHERE usua_codi = %s", (user,)) == 9
    changes = quipux.sql(
        "SELECT id_transaccion FROM log_usr_ciudadanos WHERE usua_codi = %s ORDER BY logc_codi", (user,)
    )
    assert changes == [(0,), (1,)]
    # The page that deactivates an institution writes no log row; the user's form does.
    assert quipux.sql("SELECT tabla, tipo FROM log ORDER BY log_id OFFSET %s", (logged,)) == [("USUARIOS", 1)]
    assert quipux.row("institucion", "inst_codi = %s", (ids["institution"],))["inst_estado"] == 0

    before = quipux.dump()
    assert quipux.one(gone)["status"] == "unchanged"
    assert quipux.dump() == before

    back = quipux.one(item(activation={"hash": CODE_HASH}))
    assert back["error"] is None, back
    assert (back["ids"], back["status"]) == (ids, "activated")
    assert [(line["object"], line["field"], line["after"]) for line in back["changes"]] == [
        ("administrator", "state", "active"),
        ("institution", "state", "active"),
    ]
    row = quipux.row("usuario", "usua_codi = %s", (user,))
    assert (
        row["usua_esta"],
        row["inst_estado"],
        row["usua_login"],
        row["usua_cedula"],
        row["usua_pasw"],
    ) == (
        1,
        1,
        f"U{CEDULA}",
        CEDULA,
        OTHER_HASH,
    )
    assert quipux.one(item())["status"] == "unchanged"


def test_absent_refuses_while_others_work_there(quipux: Quipux) -> None:
    ids = quipux.one(item())["ids"]
    quipux.app_insert_user(usua_cedula="2400000001", inst_codi=ids["institution"], depe_codi=ids["area"])
    result = quipux.one(
        {"case": "inej", "ruc": RUC, "state": "absent", "administrator": {"national_id": CEDULA}}
    )
    assert code(result) == "active_users"
    assert quipux.row("usuarios", "usua_codi = %s", (ids["administrator"],))["usua_esta"] == 1


def test_absent_of_nothing(quipux: Quipux) -> None:
    assert quipux.one({"case": "inej", "ruc": RUC, "state": "absent"})["status"] == "unchanged"


def test_reactivation_is_refused_if_the_person_works_elsewhere_now(quipux: Quipux) -> None:
    quipux.one(item())
    quipux.one({"case": "inej", "ruc": RUC, "state": "absent", "administrator": {"national_id": CEDULA}})
    other = quipux.one(numbered(1))["ids"]
    quipux.app_insert_user(usua_cedula=CEDULA, inst_codi=other["institution"], depe_codi=other["area"])
    assert code(quipux.one(item())) == "account_exists"


class TestAdministratorAlone:
    """Module administrator: the same code, the institution left alone."""

    def test_changes_one_field(self, quipux: Quipux) -> None:
        ids = quipux.one(item())["ids"]
        first = quipux.row("institucion", "inst_codi = %s", (ids["institution"],))
        person = {**item()["administrator"], "phone": "022888888 ext. 1", "position": "Director d'Área"}
        wanted = {
            "case": "inej",
            "ruc": RUC,
            "administrator": person,
            "city": "Cuenca",
            "previous": previous(item()),
        }
        result = quipux.one(wanted, module="administrator")
        assert {line["field"] for line in result["changes"]} == {"phone", "position", "city"}, result
        row = quipux.row("usuario", "usua_codi = %s", (ids["administrator"],))
        assert (row["usua_telefono"], row["usua_cargo"], row["usua_cargo_cabecera"], row["usua_ciudad"]) == (
            "022888888 ext. 1",
            "Director d′Área",
            "Director d′Área",
            "Cuenca",
        )
        assert quipux.row("institucion", "inst_codi = %s", (ids["institution"],)) == first
        log = quipux.sql("SELECT tabla, tipo, sentencia FROM log ORDER BY log_id DESC LIMIT 1")[0]
        assert log[:2] == ("USUARIOS", 1)
        assert log[2].startswith("UPDATE USUARIOS SET ")
        logged = quipux.row(
            "log_usr_ciudadanos", "usua_codi = %s AND id_transaccion = 1", (ids["administrator"],)
        )
        assert "**USUA_TELEFONO**: 022999999 ext. 1234 -> 022888888 ext. 1 / " in logged["logc_observacion"]
        assert "**CIU_CODI**: Azogues -> Cuenca / " in logged["logc_observacion"]
        assert quipux.one(wanted, module="administrator")["status"] == "unchanged"

    def test_needs_an_active_institution(self, quipux: Quipux) -> None:
        wanted = {"case": "inej", "ruc": RUC, "administrator": item()["administrator"]}
        assert code(quipux.one(wanted, module="administrator")) == "no_such_institution"
        quipux.one(item(administrator=None))
        assert quipux.one(wanted, module="administrator")["status"] == "ok"
        quipux.one({"case": "inej", "ruc": RUC, "state": "absent", "administrator": {"national_id": CEDULA}})
        assert code(quipux.one(wanted, module="administrator")) == "inactive_institution"

    def test_absent_leaves_the_institution(self, quipux: Quipux) -> None:
        ids = quipux.one(item())["ids"]
        gone = {"case": "inej", "ruc": RUC, "state": "absent", "administrator": {"national_id": CEDULA}}
        assert quipux.one(gone, module="administrator")["changed"]
        assert quipux.row("institucion", "inst_codi = %s", (ids["institution"],))["inst_estado"] == 1
        assert quipux.one(gone, module="administrator")["status"] == "unchanged"
