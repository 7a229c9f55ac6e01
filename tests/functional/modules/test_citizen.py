"""Module citizen: each state, again, in check mode, and by the login that only reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.functional.modules.citizens import AGREEMENT, SHA, Office, citizen
from tests.functional.modules.conftest import CEDULA, CODE_HASH, Quipux

NO_ENTRY = "sin-clave-activacion-vencida"
GONE = {"state": "absent", "given_names": None, "agreement_sha256": None}


@pytest.fixture
def office(quipux: Quipux, tmp_path: Path) -> Office:
    return Office(quipux, tmp_path)


def error(result: dict[str, Any]) -> str | None:
    return (result["error"] or {}).get("code")


def state(office: Office) -> Any:
    """Of the one request."""
    return office.quipux.value("SELECT sol_estado FROM solicitud_firma_ciudadano")


def swallowed(office: Office) -> int:
    return int(office.quipux.value("SELECT count(*) FROM log_view_usuario"))


def test_a_request_is_what_an_officer_and_the_citizen_leave(office: Office) -> None:
    result = office.done(citizen(activation={"hash": CODE_HASH}))
    number = result["ids"]["citizen"]
    quipux = office.quipux
    row = quipux.row("ciudadano", "ciu_codigo = %s", (number,))
    assert (row["ciu_nombre"], row["ciu_apellido"]) == ("María Fernanda", "de la Torre Ejemplo")
    assert (row["ciu_cedula"], row["ciu_empresa"], row["ciu_titulo"]) == (
        CEDULA,
        "Fundación de Ejemplo",
        "Ingeniera",
    )
    assert (row["ciu_estado"], row["ciu_nuevo"], row["ciu_pasw"]) == (1, 1, CODE_HASH)
    assert (row["usua_codi_actualiza"], row["ciu_obs_actualiza"]) == (0, "Registro Nuevo")
    mirror = quipux.row("usuario", "usua_codi = %s", (number,))
    assert (mirror["usua_login"], mirror["tipo_usuario"], mirror["inst_codi"]) == (f"U{CEDULA}", 2, 0)
    assert (mirror["usua_pasw"], mirror["usua_esta"]) == (CODE_HASH, 1)
    request = quipux.row("solicitud_firma_ciudadano", "ciu_codigo = %s", (number,))
    assert result["ids"]["request"] == request["sol_codigo"]
    assert (request["sol_estado"], request["sol_firma"], request["sol_acuerdo"]) == (2, 2, 1)
    assert (request["sol_planilla"], request["sol_cedula"], request["sol_acuerdo_estado"]) == (0, 0, 0)
    assert request["sol_fecha_envio"]
    assert request["sol_fecha_autorizado"] is None
    assert SHA in request["sol_observaciones"]
    copied = ("ciu_nombre", "ciu_apellido", "ciu_cedula", "ciu_cargo", "ciu_titulo", "ciu_empresa")
    copied += ("ciu_email", "ciu_telefono", "ciu_direccion", "ciudad_codi")
    assert {name: request[name] for name in copied} == {name: row[name] for name in copied}
    assert office.files() == {f"ciudadanos/{number}_acuerdo.pdf.p7m"}
    path = office.bodega / "ciudadanos" / f"{number}_acuerdo.pdf.p7m"
    assert path.read_bytes() == AGREEMENT
    assert path.stat().st_mode & 0o777 == 0o640
    logged = quipux.sql(
        "SELECT logc_tabla_modificada, id_transaccion, usua_codi_ori FROM log_usr_ciudadanos "
        "WHERE usua_codi = %s ORDER BY logc_codi",
        (number,),
    )
    assert logged == [(1, 0, 0), (3, 1, 0)]
    assert swallowed(office) == 0


def test_an_approval_moves_the_citizen(office: Office) -> None:
    number = office.done(citizen(activation={"hash": CODE_HASH}))["ids"]["citizen"]
    quipux = office.quipux
    quipux.sql(
        "INSERT INTO ciudadano_tmp (ciu_codigo, ciu_cedula, ciu_estado) VALUES (%s, %s, 1)", (number, CEDULA)
    )
    before = quipux.row("ciudadano", "ciu_codigo = %s", (number,))
    result = office.done(citizen(state="approved"))
    assert result["ids"]["citizen"] == number
    row = quipux.row("usuarios", "usua_codi = %s", (number,))
    assert (row["usua_login"], row["usua_cedula"], row["usua_pasw"]) == (f"U{CEDULA}", CEDULA, CODE_HASH)
    assert (row["inst_codi"], row["depe_codi"], row["cargo_id"], row["usua_tipo"]) == (1, 1, 1, 2)
    assert (row["usua_esta"], row["usua_nuevo"], row["cargo_tipo"]) == (1, 1, 0)
    assert (row["usua_tipo_certificado"], row["inst_nombre"]) == (2, "Fundación de Ejemplo")
    assert (row["ciu_codi"], row["usua_celular"]) == (before["ciudad_codi"], "0991234567")
    mirror = quipux.row("usuario", "usua_codi = %s", (number,))
    assert (mirror["tipo_usuario"], mirror["inst_codi"], mirror["inst_estado"]) == (2, 1, 1)
    assert (mirror["usua_pasw"], mirror["usua_tipo_certificado"]) == (CODE_HASH, 2)
    assert (mirror["inst_nombre"], mirror["inst_padre_nombre"]) == ("Fundación de Ejemplo", "Ciudadanos")
    assert quipux.value("SELECT count(*) FROM ciudadano") == 0
    assert quipux.value("SELECT count(*) FROM ciudadano_tmp") == 0
    granted = "SELECT array_agg(id_permiso ORDER BY 1) FROM {} WHERE usua_codi = %s"
    for table in ("permiso_usuario", "log_usr_permisos"):
        assert quipux.value(granted.format(table), (number,)) == [19, 21, 27]
    request = quipux.row("solicitud_firma_ciudadano", "ciu_codigo = %s", (number,))
    assert (request["sol_estado"], request["sol_acuerdo_estado"]) == (3, 1)
    assert request["sol_fecha_autorizado"]
    assert swallowed(office) == 0


def test_again_changes_nothing_and_check_mode_tells_the_truth(office: Office) -> None:
    quipux = office.quipux
    for wanted in (
        citizen(activation={"hash": CODE_HASH}),
        citizen(state="approved"),
        citizen(**GONE),
        citizen(certificate="token"),
        citizen(state="rejected"),
        citizen(),
    ):
        before = quipux.dump()
        planned = office.plan(wanted)
        read = office.plan({**wanted, "activation": None}, user="quipux_ro")
        assert quipux.dump() == before
        assert (read["changes"], read["plan_digest"]) == (planned["changes"], planned["plan_digest"])
        done = office.done(wanted)
        assert done["changes"]
        assert (done["changes"], done["plan_digest"]) == (planned["changes"], planned["plan_digest"])
        after = quipux.dump()
        for result in (office.plan(wanted), office.run(wanted)):
            assert (result["status"], result["changes"]) == ("unchanged", []), (wanted["state"], result)
        assert quipux.dump() == after
    assert swallowed(office) == 0


def test_a_requested_citizen_is_not_demoted(office: Office) -> None:
    office.done(citizen())
    office.done(citizen(state="approved"))
    result = office.done(citizen(), "unchanged")
    assert "already signs" in result["notes"][0]
    assert state(office) == 3


def test_rejected_and_sent_again(office: Office) -> None:
    office.done(citizen())
    office.done(citizen(state="rejected", observations="Falta la firma de la presidenta"))
    assert state(office) == 0
    remarks = office.quipux.value("SELECT sol_observaciones FROM solicitud_firma_ciudadano")
    assert remarks == f"Falta la firma de la presidenta Acuerdo con SHA-256 {SHA}"
    refused = office.run(citizen(state="approved"))
    assert (refused["status"], error(refused)) == ("refused", "no_such_request")
    assert office.quipux.value("SELECT count(*) FROM usuario WHERE usua_esta = 1 AND tipo_usuario = 2") == 1
    office.done(citizen())
    assert state(office) == 2
    office.done(citizen(state="approved"))
    late = office.run(citizen(state="rejected"))
    assert (late["status"], error(late)) == ("refused", "already_approved")


@pytest.mark.parametrize("approved", [False, True])
def test_absent_is_deactivated_as_quipux_does_and_found_again(office: Office, approved: bool) -> None:
    quipux = office.quipux
    number = office.done(citizen(activation={"hash": CODE_HASH}))["ids"]["citizen"]
    if approved:
        office.done(citizen(state="approved"))
    quipux.sql("INSERT INTO usuarios_sesion (usua_codi, usua_sesion) VALUES (%s, 'abc')", (number,))
    office.done(citizen(**GONE))
    mirror = quipux.row("usuario", "usua_codi = %s", (number,))
    assert (mirror["usua_esta"], mirror["usua_login"]) == (0, f"l{number}")
    assert mirror["usua_cedula"] == f"{CEDULA}-{number}"
    assert quipux.value("SELECT usua_sesion FROM usuarios_sesion").startswith("FIN")
    assert state(office) == (3 if approved else 0)
    if approved:
        granted = "SELECT count(*) FROM permiso_usuario WHERE usua_codi = %s"
        assert quipux.value(granted, (number,)) == 3

    again = office.done(citizen(phone="022777777"))
    assert again["ids"]["citizen"] == number
    mirror = quipux.row("usuario", "usua_codi = %s", (number,))
    assert (mirror["usua_esta"], state(office)) == (0 if approved else 1, 2)
    final = office.done(citizen(state="approved", phone="022777777"))
    assert final["ids"]["citizen"] == number
    mirror = quipux.row("usuario", "usua_codi = %s", (number,))
    assert (mirror["usua_esta"], mirror["usua_login"], mirror["usua_telefono"]) == (
        1,
        f"U{CEDULA}",
        "022777777",
    )
    assert (mirror["usua_cedula"], mirror["inst_codi"], mirror["usua_pasw"]) == (CEDULA, 1, CODE_HASH)
    assert state(office) == 3


def test_what_others_changed_is_kept(office: Office) -> None:
    first = citizen()
    number = office.done(first)["ids"]["citizen"]
    office.quipux.sql("UPDATE ciudadano SET ciu_telefono = '022111111' WHERE ciu_codigo = %s", (number,))
    again = office.done(citizen(previous=first), "unchanged")
    assert [(line["field"], line["current"]) for line in again["kept"]] == [("phone", "022111111")]
    result = office.done(citizen(state="approved", previous=first, position="Directora"))
    assert [line["field"] for line in result["kept"]] == ["phone"]
    row = office.quipux.row("usuarios", "usua_codi = %s", (number,))
    assert (row["usua_telefono"], row["usua_cargo"], row["usua_cargo_cabecera"]) == (
        "022111111",
        "Directora",
        "Directora",
    )
    last = citizen(state="approved", position="Directora")
    office.done({**last, "certificate": "token", "previous": last})
    assert (
        office.quipux.value("SELECT usua_tipo_certificado FROM usuario WHERE usua_codi = %s", (number,)) == 1
    )


def test_a_corrected_request_changes_both_rows(office: Office) -> None:
    first = citizen()
    office.done(first)
    result = office.done(citizen(previous=first, email="otra@fundacion.example.org", title=None))
    assert {line["field"] for line in result["changes"]} == {"email", "title"}
    for table in ("ciudadano", "solicitud_firma_ciudadano"):
        assert office.quipux.sql(f"SELECT ciu_email, ciu_titulo FROM {table}") == [
            ("otra@fundacion.example.org", "")
        ]


class TestAccountsThatAreThere:
    def by_hand(self, office: Office, **more: Any) -> int:
        row = {
            "ciu_cedula": CEDULA,
            "ciu_nombre": "Rosa",
            "ciu_apellido": "Ejemplo",
            "ciu_email": "rosa@example.org",
            "ciu_telefono": "1",
            "ciu_nuevo": 1,
            "ciu_estado": 1,
            "ciu_pasw": "f" * 26,
            **more,
        }
        names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
        sql = f"INSERT INTO ciudadano ({names}) VALUES ({marks}) RETURNING ciu_codigo"
        return int(office.quipux.value(sql, tuple(row.values())))

    def test_a_citizen_made_by_hand(self, office: Office) -> None:
        number = self.by_hand(office)
        before = office.quipux.dump()
        refused = office.run(citizen())
        assert (refused["status"], error(refused)) == ("refused", "account_exists")
        assert "reuse" in refused["error"]["hint"]
        assert office.quipux.dump() == before
        assert office.files() == set()
        result = office.done(citizen(existing_account="reuse", activation={"hash": CODE_HASH}))
        assert result["ids"]["citizen"] == number
        assert "given_names" in {line["field"] for line in result["kept"]}
        request = office.quipux.row("solicitud_firma_ciudadano", "ciu_codigo = %s", (number,))
        assert (request["sol_estado"], request["ciu_nombre"]) == (2, "Rosa")
        done = office.done(citizen(state="approved", existing_account="reuse"))
        assert done["ids"]["citizen"] == number
        row = office.quipux.row("usuario", "usua_codi = %s", (number,))
        assert (row["usua_nomb"], row["usua_pasw"], row["inst_codi"]) == ("Rosa", "f" * 26, 1)

    def test_previous_adopts_it_too(self, office: Office) -> None:
        number = self.by_hand(office)
        result = office.done(citizen(previous={"given_names": "Rosa"}))
        assert result["ids"]["citizen"] == number
        assert office.quipux.value("SELECT ciu_nombre FROM ciudadano") == "María Fernanda"

    def test_staff_is_refused(self, office: Office) -> None:
        office.quipux.sql(
            "INSERT INTO institucion (inst_codi, inst_nombre, inst_estado) VALUES (9, 'Otra', 1)"
        )
        sql = "INSERT INTO dependencia (depe_codi, depe_nomb, inst_codi, inst_adscrita) VALUES (9, 'O', 9, 9)"
        office.quipux.sql(sql)
        other = office.quipux.app_insert_user(usua_cedula=CEDULA, inst_codi=9, depe_codi=9)
        before = office.quipux.dump()
        for wanted in (citizen(), citizen(existing_account="reuse")):
            refused = office.run(wanted)
            assert (refused["status"], error(refused)) == ("refused", "account_exists")
            assert str(other) in refused["error"]["message"]
        assert office.quipux.dump() == before
        office.quipux.sql("UPDATE usuarios SET usua_esta = 0, usua_login = 'l', usua_cedula = 'x'")
        office.done(citizen())

    def test_two_citizens_are_refused(self, office: Office) -> None:
        self.by_hand(office)
        self.by_hand(office)
        refused = office.run(citizen(existing_account="reuse"))
        assert (error(refused), "combine" in refused["error"]["hint"]) == ("account_exists", True)

    def test_no_password_is_closed(self, office: Office) -> None:
        self.by_hand(office, ciu_pasw=None)
        result = office.done(citizen(existing_account="reuse"))
        assert any("no password" in note for note in result["notes"])
        assert office.quipux.value("SELECT ciu_pasw FROM ciudadano") == NO_ENTRY
        assert (
            office.quipux.value("SELECT usua_pasw FROM usuario WHERE usua_cedula = %s", (CEDULA,)) == NO_ENTRY
        )

    def test_any_password_lets_in_is_mended(self, office: Office) -> None:
        self.by_hand(office, ciu_nuevo=0)
        office.done(citizen(existing_account="reuse"))
        assert office.quipux.value("SELECT ciu_nuevo FROM ciudadano") == 1


class TestActivation:
    def digest(self, text: str) -> str:
        import hashlib

        return hashlib.sha256(text.encode()).hexdigest()

    @pytest.mark.parametrize("approved", [False, True])
    def test_compare_and_set(self, office: Office, approved: bool) -> None:
        quipux = office.quipux
        office.done(citizen())
        assert quipux.value("SELECT usua_pasw FROM usuario WHERE usua_cedula = %s", (CEDULA,)) == NO_ENTRY
        wanted = citizen()
        if approved:
            wanted = citizen(state="approved")
            office.done(wanted)
        first = office.done({**wanted, "activation": {"hash": CODE_HASH}}) if approved else None
        if not approved:
            first = office.done({**wanted, "activation": {"hash": CODE_HASH}})
        assert first is not None
        assert first["activation"] == "written"
        second = "1" * 26
        known = {"hash": second, "replaces": [self.digest(CODE_HASH)]}
        assert office.done({**wanted, "activation": known})["activation"] == "written"
        quipux.sql("UPDATE usuarios SET usua_pasw = %s WHERE usua_cedula = %s", ("a" * 26, CEDULA))
        quipux.sql("UPDATE ciudadano SET ciu_pasw = %s WHERE ciu_cedula = %s", ("a" * 26, CEDULA))
        result = office.run({**wanted, "activation": {"hash": CODE_HASH, "replaces": [self.digest(second)]}})
        assert (result["status"], result["changed"]) == ("activated", False)

    @pytest.mark.parametrize("approved", [False, True])
    def test_an_unused_code_dies(self, office: Office, approved: bool) -> None:
        office.done(citizen(activation={"hash": CODE_HASH}))
        if approved:
            office.done(citizen(state="approved"))
        expired = {"state": "expired", "activation": {"replaces": [self.digest(CODE_HASH)]}}
        result = office.done(citizen(**expired))
        assert (result["activation"], result["changes"]) == ("expired", [])
        found = office.quipux.value("SELECT usua_pasw FROM usuario WHERE usua_cedula = %s", (CEDULA,))
        assert found == NO_ENTRY
        office.done(citizen(**expired), "unchanged")

    def test_absent_ends_an_unused_code(self, office: Office) -> None:
        office.done(citizen(activation={"hash": CODE_HASH}))
        office.done(citizen(**GONE, activation={"replaces": [self.digest(CODE_HASH)]}))
        assert office.quipux.value("SELECT ciu_pasw FROM ciudadano") == NO_ENTRY
