"""Module retirement: an institution and all its users leave, as Quipux's pages would do it, and come back."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from tests.functional.modules.conftest import CEDULA, CODE_HASH, RUC, Quipux, item, numbered

NO_ENTRY = "sin-clave-activacion-vencida"
OWN_HASH = "f" * 26


def retired(**changes: Any) -> dict[str, Any]:
    return {"case": "inej", "state": "retired", "ruc": RUC, **changes}


def reinstated(accounts: list[int], **changes: Any) -> dict[str, Any]:
    return {"case": "inej", "state": "reinstated", "ruc": RUC, "accounts": accounts, **changes}


def one(quipux: Quipux, wanted: dict[str, Any], **options: Any) -> dict[str, Any]:
    return quipux.one(wanted, module="retirement", **options)


def code(result: dict[str, Any]) -> str | None:
    return None if result["error"] is None else str(result["error"]["code"])


class House:
    """An institution with its administrator, a head and a clerk; and another one beside it."""

    def __init__(self, quipux: Quipux) -> None:
        self.quipux = quipux
        self.ids = quipux.one(item(activation={"hash": CODE_HASH}))["ids"]
        self.aiq = self.ids["administrator"]
        self.head = self.user("2400000011", cargo_tipo=1, usua_responsable_area=1)
        self.clerk = self.user("2400000012")
        self.all = sorted([self.aiq, self.head, self.clerk])
        self.other = quipux.one(numbered(9))["ids"]
        self.neighbour = self.user("2400000021", self.other)
        for user in (*self.all, self.neighbour):
            quipux.sql(
                "INSERT INTO usuarios_sesion (usua_codi, usua_sesion) VALUES (%s, %s)", (user, f"live{user}")
            )

    def user(self, cedula: str, place: dict[str, Any] | None = None, **columns: Any) -> int:
        where = place or self.ids
        return self.quipux.app_insert_user(
            **{
                "usua_cedula": cedula,
                "usua_pasw": OWN_HASH,
                "inst_codi": where["institution"],
                "depe_codi": where["area"],
                **columns,
            }
        )

    def document(self, number: int, user: int, state: int) -> None:
        self.quipux.sql(
            "INSERT INTO radicado (radi_nume_radi, radi_nume_temp, radi_fech_radi, radi_fech_ofic, "
            "esta_codi, radi_usua_actu, radi_inst_actu) SELECT %s, %s, now(), now(), %s, usua_codi, "
            "inst_codi FROM usuarios WHERE usua_codi = %s",
            (number, number, state, user),
        )

    def task(self, number: int, giver: int, taker: int, state: int) -> None:
        self.quipux.sql(
            "INSERT INTO tarea (radi_nume_radi, usua_codi_ori, usua_codi_dest, estado, fecha_inicio) "
            "VALUES (%s, %s, %s, %s, now())",
            (number, giver, taker, state),
        )

    def row(self, user: int, table: str = "usuarios") -> dict[str, Any]:
        return self.quipux.row(table, "usua_codi = %s", (user,))

    def state(self) -> int:
        return int(
            self.quipux.value(
                "SELECT inst_estado FROM institucion WHERE inst_codi = %s", (self.ids["institution"],)
            )
        )

    def active(self) -> list[int]:
        rows = self.quipux.sql(
            "SELECT usua_codi FROM usuario WHERE inst_codi = %s AND usua_esta = 1 AND inst_estado = 1 "
            "ORDER BY 1",
            (self.ids["institution"],),
        )
        return [number for (number,) in rows]


@pytest.fixture
def house(quipux: Quipux) -> House:
    return House(quipux)


def test_everybody_goes_as_the_pages_do_it(house: House) -> None:
    quipux = house.quipux
    quipux.sql("INSERT INTO lista (lista_codi, lista_nombre) VALUES (1, 'Lista')")
    quipux.sql(
        "INSERT INTO lista_usuarios (lista_codi, usua_codi) VALUES (1, %s), (1, %s)",
        (house.clerk, house.neighbour),
    )
    quipux.sql(
        "INSERT INTO bandeja_compartida (usua_codi_jefe, usua_codi) VALUES (%s, %s), (%s, 0)",
        (house.head, house.clerk, house.neighbour),
    )
    logged = quipux.value("SELECT count(*) FROM log")
    before = quipux.dump()
    plan = one(quipux, retired(), check=True)
    assert quipux.dump() == before
    result = one(quipux, retired(expect=plan["plan_digest"]))
    assert (result["status"], result["error"]) == ("ok", None), result
    assert [(line["object"], line["key"], line["after"]) for line in plan["changes"]] == [
        *(("account", str(number), "inactive") for number in house.all),
        ("institution", RUC, "inactive"),
    ]
    assert result["ids"] == {
        "institution": house.ids["institution"],
        "area": house.ids["area"],
        "accounts": house.all,
    }
    for user, cedula in ((house.aiq, CEDULA), (house.head, "2400000011"), (house.clerk, "2400000012")):
        row, mirror = house.row(user), house.row(user, "usuario")
        expected = {
            "usua_esta": 0,
            "usua_login": f"l{user}",
            "usua_cedula": f"{cedula}-{user}",
            "usua_nuevo": 1,
        }
        assert {key: row[key] for key in expected} == expected
        assert {key: mirror[key] for key in expected} == expected
        assert (row["cargo_tipo"], row["usua_responsable_area"], row["usua_codi_actualiza"]) == (0, 0, 0)
        assert row["usua_fecha_actualiza"]
        assert mirror["inst_estado"] == 0
        assert (
            f"Cédula de {cedula} a {cedula}-{user}<br>Usuario estado de Activo a Inactivo<br>"
            in (row["usua_obs_actualiza"])
        )
        noted = quipux.row("log_usr_ciudadanos", "usua_codi = %s AND id_transaccion = 1", (user,))
        assert (noted["usua_codi_ori"], noted["logc_tabla_modificada"]) == (0, 2)
        assert (
            f"**USUA_ESTA**: 1 -> 0 / **USUA_CEDULA**: {cedula} -> {cedula}-{user} / "
            in noted["logc_observacion"]
        )
        assert f"**USUA_LOGIN**: U{cedula} -> l{user} / " in noted["logc_observacion"]
        assert ("**CARGO_TIPO**: 1 -> 0 / " in noted["logc_observacion"]) == (user == house.head)
        assert quipux.value(
            "SELECT usua_sesion LIKE 'FIN  20%%' FROM usuarios_sesion WHERE usua_codi = %s", (user,)
        )
    log = quipux.sql("SELECT tabla, tipo, usua_codi, sentencia FROM log ORDER BY log_id OFFSET %s", (logged,))
    assert [line[:3] for line in log] == [("USUARIOS", 1, 0)] * 3
    assert f"USUA_LOGIN=E'l{house.all[0]}'" in log[0][3]
    assert log[0][3].endswith(f" WHERE USUA_CODI={house.all[0]}")
    assert house.state() == 0
    assert quipux.sql("SELECT usua_codi FROM lista_usuarios") == [(house.neighbour,)]
    assert quipux.sql("SELECT usua_codi_jefe FROM bandeja_compartida") == [(house.neighbour,)]
    assert quipux.value("SELECT count(*) FROM permiso_usuario WHERE usua_codi = %s", (house.aiq,)) == 9
    assert quipux.value("SELECT count(*) FROM log_view_usuario") == 0


def test_again_nothing_and_the_accounts_are_known(house: House) -> None:
    """A run whose driver died after COMMIT is told apart by nothing but the database."""
    quipux = house.quipux
    gone_before = house.user("2400000013-90", usua_login="l90", usua_esta=0)
    first = one(quipux, retired())
    before = quipux.dump()
    again = one(quipux, retired())
    assert (again["status"], again["changed"], again["changes"]) == ("unchanged", False, [])
    assert again["ids"] == first["ids"]
    assert gone_before not in again["ids"]["accounts"]
    assert quipux.dump() == before


def test_back_exactly(house: House) -> None:
    quipux = house.quipux
    kept = [
        *("usua_login", "usua_cedula", "usua_esta", "cargo_tipo", "usua_responsable_area", "usua_pasw"),
        *("usua_nuevo", "usua_nomb", "usua_email", "depe_codi", "usua_sumilla"),
    ]
    before = {user: {key: house.row(user)[key] for key in kept} for user in house.all}
    accounts = one(quipux, retired())["ids"]["accounts"]
    plan = one(quipux, reinstated(accounts, administrator_national_id=CEDULA), check=True)
    result = one(quipux, reinstated(accounts, administrator_national_id=CEDULA, expect=plan["plan_digest"]))
    assert (result["status"], result["error"], result["notes"]) == ("ok", None, []), result
    assert {(line["object"], line["field"], line["after"]) for line in plan["changes"]} == {
        ("account", "state", "active"),
        ("institution", "state", "active"),
    }
    assert {user: {key: house.row(user)[key] for key in kept} for user in house.all} == before
    assert house.active() == house.all
    noted = quipux.sql(
        "SELECT logc_observacion FROM log_usr_ciudadanos WHERE usua_codi = %s ORDER BY logc_codi DESC",
        (house.head,),
    )[0][0]
    assert "**CARGO_TIPO**: 0 -> 1 / **USUA_ESTA**: 0 -> 1 / " in noted
    assert house.row(house.head)["usua_obs_actualiza"].endswith("Usuario estado de Inactivo a Activo<br>")
    assert quipux.value(
        "SELECT count(*) FROM log WHERE tabla = 'INSTITUCION' AND sentencia LIKE '%%INST_ESTADO=1%%'"
    )
    unchanged = quipux.dump()
    again = one(quipux, reinstated(accounts))
    assert (again["status"], again["ids"]) == ("unchanged", result["ids"])
    assert quipux.dump() == unchanged
    # And the whole way once more: the first retirement's notes are history.
    assert one(quipux, retired())["ids"]["accounts"] == house.all


def test_only_the_named_ones_come_back(house: House) -> None:
    quipux = house.quipux
    one(quipux, retired())
    result = one(quipux, reinstated([house.aiq], administrator_national_id="2400000012"))
    assert result["notes"] == ["the institution's administrator is not among its active accounts"]
    assert house.active() == [house.aiq]
    second = one(quipux, retired())["ids"]["accounts"]
    assert second == [house.aiq]
    assert one(quipux, retired())["ids"]["accounts"] == [house.aiq]


@pytest.mark.parametrize("kind", ["edited", "processed", "received", "given"])
def test_work_in_process_is_refused_unless_told(house: House, kind: str) -> None:
    quipux = house.quipux
    house.document(20260000010000000010, house.neighbour, 2)
    if kind in ("edited", "processed"):
        house.document(20260000010000000020, house.clerk, 1 if kind == "edited" else 2)
    else:
        pair = (house.neighbour, house.clerk) if kind == "received" else (house.clerk, house.neighbour)
        house.task(20260000010000000010, *pair, 1)
        house.task(20260000010000000010, *pair, 1)
    before = quipux.dump()
    for check in (True, False):
        result = one(quipux, retired(), check=check)
        assert (result["status"], code(result)) == ("refused", "documents_in_process")
        shown = "1 document" if kind in ("edited", "processed") else "2 tasks"
        assert f"have {shown} in process" in result["error"]["message"]
    assert quipux.dump() == before
    work = [quipux.sql("SELECT * FROM radicado"), quipux.sql("SELECT * FROM tarea")]
    result = one(quipux, retired(documents="ignore"))
    assert result["status"] == "ok"
    assert result["notes"] == [f"{shown} in process stay with the deactivated accounts"]
    assert [quipux.sql("SELECT * FROM radicado"), quipux.sql("SELECT * FROM tarea")] == work
    assert one(quipux, retired())["status"] == "unchanged"


def test_what_is_done_does_not_matter(house: House) -> None:
    for state in (0, 3, 6, 7):
        house.document(20260000010000000010 + state * 10, house.clerk, state)
    house.task(20260000010000000010, house.clerk, house.head, 2)
    house.task(20260000010000000010, house.clerk, house.head, 3)
    assert one(house.quipux, retired())["status"] == "ok"


def test_a_code_dies_a_password_stays(house: House) -> None:
    quipux = house.quipux
    replaces = [hashlib.sha256(CODE_HASH.encode()).hexdigest()]
    result = one(quipux, retired(activation={"replaces": replaces}))
    assert result["activation"] == "expired"
    assert [house.row(user, "usuario")["usua_pasw"] for user in (house.aiq, house.head)] == [
        NO_ENTRY,
        OWN_HASH,
    ]
    back = one(quipux, reinstated(result["ids"]["accounts"]))
    assert back["notes"] == [
        f"nobody has a password for accounts {house.aiq}; they stay closed until one is set"
    ]
    assert house.row(house.aiq)["usua_pasw"] == NO_ENTRY


def test_nobody_comes_back_without_a_password(house: House) -> None:
    quipux = house.quipux
    quipux.sql("UPDATE usuarios SET usua_pasw = NULL WHERE usua_codi = %s", (house.clerk,))
    quipux.sql("UPDATE usuarios SET usua_nuevo = 0 WHERE usua_codi = %s", (house.head,))
    one(quipux, retired())
    assert one(quipux, reinstated(house.all))["status"] == "ok"
    assert house.row(house.clerk, "usuario")["usua_pasw"] == NO_ENTRY
    assert house.row(house.head, "usuario")["usua_nuevo"] == 1


class TestPeopleElsewhere:
    def test_who_was_elsewhere_before_comes_back_to_both(self, house: House) -> None:
        quipux = house.quipux
        there = house.user("2400000012", house.other, usua_pasw="a" * 26)
        assert one(quipux, retired())["notes"] == ["1 of these people keep active accounts elsewhere"]
        result = one(quipux, reinstated(house.all))
        assert result["status"] == "ok", result
        assert any(f"other active accounts, too ({there})" in note for note in result["notes"])
        assert ("password", "shared with the person's other accounts") in [
            (line["field"], line["after"]) for line in result["changes"]
        ]
        assert house.row(house.clerk)["usua_pasw"] == "a" * 26

    @pytest.mark.parametrize("kind", ["staff", "citizen"])
    def test_who_went_elsewhere_meanwhile_is_refused(self, house: House, kind: str) -> None:
        quipux = house.quipux
        one(quipux, retired())
        if kind == "staff":
            there = house.user("2400000012", house.other)
        else:
            there = quipux.value(
                "INSERT INTO ciudadano (ciu_codigo, ciu_cedula, ciu_nombre, ciu_apellido, ciu_estado, "
                "ciu_nuevo) VALUES (nextval('usuarios_usua_codi_seq'), '2400000012', 'Otra', 'Persona', 1, "
                "1) RETURNING ciu_codigo"
            )
        before = quipux.dump()
        result = one(quipux, reinstated(house.all))
        assert (result["status"], code(result)) == ("refused", "account_exists")
        assert f"account {there} " in result["error"]["message"]
        assert f"account {house.clerk} " in result["error"]["message"]
        assert quipux.dump() == before
        assert one(quipux, reinstated([house.aiq, house.head]))["status"] == "ok"

    def test_a_login_taken_by_somebody_else(self, house: House) -> None:
        quipux = house.quipux
        one(quipux, retired())
        house.user("2400000055", house.other, usua_login="U2400000012")
        assert code(one(quipux, reinstated(house.all))) == "account_exists"


def test_a_passport_longer_than_what_stays_of_it(house: House) -> None:
    """Quipux keeps ten characters of a deactivated account's number; ours still knows all."""
    quipux = house.quipux
    number = house.user("PASSPORT-12345678", usua_login="UUSRPASSPORT-12345678", tipo_identificacion=1)
    one(quipux, retired())
    assert house.row(number)["usua_cedula"] == f"PASSPORT-1-{number}"
    one(quipux, reinstated([number]))
    assert house.row(number, "usuario")["usua_login"] == "UUSRPASSPORT-12345678"
    assert house.row(number)["usua_cedula"] == "PASSPORT-12345678"


def test_an_account_changed_meanwhile_is_rebuilt_as_the_page_does(house: House) -> None:
    quipux = house.quipux
    one(quipux, retired())
    quipux.sql(
        "UPDATE usuarios SET usua_obs_actualiza = 'E-mail de a a b<br>' WHERE usua_codi = %s", (house.head,)
    )
    result = one(quipux, reinstated(house.all))
    assert result["status"] == "ok", result
    assert [f"account {house.head} was changed" in note for note in result["notes"]] == [True]
    row = house.row(house.head)
    assert (row["usua_login"], row["usua_cedula"], row["cargo_tipo"]) == ("U2400000011", "2400000011", 0)


def test_a_post_that_somebody_else_has_now(house: House) -> None:
    quipux = house.quipux
    one(quipux, retired())
    one(quipux, reinstated([house.aiq]))
    house.user("2400000077", cargo_tipo=1)
    result = one(quipux, reinstated(house.all))
    assert any("does not get its role back" in note for note in result["notes"]), result
    row = house.row(house.head)
    assert (row["cargo_tipo"], row["usua_responsable_area"]) == (0, 1)


def test_who_was_added_afterwards_goes_too(house: House) -> None:
    """The page can still add users: what is done then is a part of the same retirement."""
    quipux = house.quipux
    one(quipux, retired())
    late = house.user("2400000088")
    result = one(quipux, retired())
    assert [line["key"] for line in result["changes"]] == [str(late)]
    assert result["ids"]["accounts"] == sorted([*house.all, late])
    assert one(quipux, retired())["ids"]["accounts"] == sorted([*house.all, late])


class TestRefused:
    @pytest.mark.parametrize("state", ["retired", "reinstated"])
    def test_unknown(self, house: House, state: str) -> None:
        assert code(one(house.quipux, {**retired(), "state": state, "ruc": "1700000077001"})) == (
            "no_such_institution"
        )

    @pytest.mark.parametrize("ruc", ["17", "1' OR '1'='1", "١٧٦٩٩٩٩٩٣٠٠٠١", "17699999300O1"])
    def test_identifiers(self, house: House, ruc: str) -> None:
        assert code(one(house.quipux, retired(ruc=ruc))) == "bad_value"

    @pytest.mark.parametrize("number", [0, 1, 2])
    def test_what_comes_with_quipux(self, house: House, number: int) -> None:
        quipux = house.quipux
        quipux.sql(
            "INSERT INTO institucion (inst_codi, inst_nombre, inst_estado) SELECT %s, 'X', 1 "
            "WHERE NOT EXISTS (SELECT 1 FROM institucion WHERE inst_codi = %s)",
            (number, number),
        )
        quipux.sql("UPDATE institucion SET inst_ruc = '1700000066001' WHERE inst_codi = %s", (number,))
        before = quipux.dump()
        assert code(one(quipux, retired(ruc="1700000066001"))) == "protected_institution"
        assert code(one(quipux, {**reinstated([]), "ruc": "1700000066001"})) == "protected_institution"
        assert quipux.dump() == before

    def test_the_super_administrator_stays(self, house: House) -> None:
        quipux = house.quipux
        quipux.sql("UPDATE usuarios SET inst_codi = %s WHERE usua_codi = 0", (house.ids["institution"],))
        before = house.row(0)
        assert 0 not in one(quipux, retired())["ids"]["accounts"]
        assert house.row(0) == before

    def test_accounts_of_others(self, house: House) -> None:
        quipux = house.quipux
        one(quipux, retired())
        result = one(quipux, reinstated([house.aiq, house.neighbour, 999999]))
        assert code(result) == "no_such_account"
        assert f"no account {house.neighbour}, 999999" in result["error"]["message"]
        assert code(one(quipux, retired(accounts=[house.aiq]))) == "bad_value"

    def test_a_successor_with_the_same_ruc_or_acronym(self, house: House) -> None:
        quipux = house.quipux
        one(quipux, retired())
        quipux.sql(
            "UPDATE institucion SET inst_sigla = 'inej' WHERE inst_codi = %s", (house.other["institution"],)
        )
        assert code(one(quipux, reinstated(house.all))) == "duplicate_acronym"
        quipux.sql(
            "UPDATE institucion SET inst_ruc = %s WHERE inst_codi = %s", (RUC, house.other["institution"])
        )
        assert code(one(quipux, reinstated(house.all))) == "duplicate_ruc"

    def test_the_same_twice_in_a_list(self, house: House) -> None:
        results = house.quipux.run(retired(), {**retired(), "case": "other"}, module="retirement")
        assert [code(result) for result in results] == [None, "bad_value"]

    def test_another_plan(self, house: House) -> None:
        quipux = house.quipux
        plan = one(quipux, retired(), check=True)
        house.user("2400000099")
        before = quipux.dump()
        assert code(one(quipux, retired(expect=plan["plan_digest"]))) == "plan_changed"
        assert quipux.dump() == before


def test_hostile_remarks_and_names(house: House) -> None:
    """Whatever stands in the rows stays text; and nobody forges what a retirement noted."""
    quipux = house.quipux
    evil = '\'); DROP TABLE log; -- %s {{ 1 }} <br>Baja de la institución {"usuario": "U0"}<br>'
    number = house.user("24'; %s \\", usua_login="U%s'\\", usua_obs_actualiza=evil)
    quipux.sql(
        "UPDATE usuarios SET usua_esta = 0, usua_obs_actualiza = %s WHERE usua_codi = %s",
        ('<br>Baja de la institución {"momento": []}<br>', house.clerk),
    )
    result = one(quipux, retired())
    assert result["status"] == "ok", result
    assert house.clerk not in result["ids"]["accounts"]
    assert house.row(number)["usua_cedula"] == f"24'; %s \\-{number}"
    assert one(quipux, reinstated(result["ids"]["accounts"]))["status"] == "ok"
    row = house.row(number, "usuario")
    assert (row["usua_cedula"], row["usua_login"]) == ("24'; %s \\", "U%s'\\")
    assert json.dumps(one(quipux, retired(), check=True))
