"""The administrator who goes, in the transaction of the one who comes: rights, logs, sessions, and never an
institution without an administrator (contract 3g, 3e, 5)."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.functional.modules.conftest import CEDULA, CODE_HASH, RUC, Quipux, item, numbered, previous
from tests.functional.modules.test_locks import wait_until_blocked

NEW, THIRD = "2405999984", "2405999976"
OFFICE = {
    "usua_admin_sistema": 12,
    "perm_admin_institucional": 36,
    "usua_perm_listas": 32,
    "usua_perm_ciudadano": 16,
    "usua_perm_trd": 18,
    "usua_admin_archivo": 1,
    "usua_perm_email_all": 31,
}
PERSON = {
    "given_names": "Carlos Andrés",
    "surnames": "Ejemplo Vera",
    "national_id": NEW,
    "position": "Analista de Archivo",
    "email": "carlos.ejemplo@inej.example.gob.ec",
    "phone": "022999999 ext. 1235",
    "mobile": "0991234568",
}
Office = dict[str, Any]


@pytest.fixture
def office(quipux: Quipux) -> Office:
    """An institution at work: the administrator has a live session, few areas and an everyday permission."""
    ids = dict(quipux.one(item(activation={"hash": CODE_HASH}))["ids"])
    user = ids["administrator"]
    quipux.sql("INSERT INTO usuarios_sesion (usua_codi, usua_sesion) VALUES (%s, 'o1o2Ulive')", (user,))
    quipux.sql("INSERT INTO permiso_usuario (id_permiso, usua_codi) VALUES (27, %s)", (user,))
    quipux.sql(
        "INSERT INTO usuario_dependencia (usua_codi, inst_codi, depe_codi_tmp) VALUES (%s, %s, ',7,')",
        (user, ids["institution"]),
    )
    return ids


def change(account: str = "keep", **changes: Any) -> dict[str, Any]:
    """The item of a change of administrator, as the driver gives it."""
    made = item(
        "inej-cambio",
        administrator=dict(PERSON),
        outgoing={"national_id": CEDULA, "account": account},
        previous={"institution": previous(item())["institution"], "administrator": {}},
    )
    made["administrator"].update(
        {key.removeprefix("administrator__"): value for key, value in changes.items() if "__" in key}
    )
    return {**made, **{key: value for key, value in changes.items() if "__" not in key}}


def bare(wanted: dict[str, Any]) -> dict[str, Any]:
    """For module administrator."""
    return {key: wanted[key] for key in wanted if key not in ("name", "acronym", "phone", "address")}


def employ(quipux: Quipux, office: Office, cedula: str = NEW, **columns: Any) -> int:
    return quipux.app_insert_user(
        usua_cedula=cedula, inst_codi=office["institution"], depe_codi=office["area"], **columns
    )


def permissions(quipux: Quipux, user: int) -> set[int]:
    return {
        row[0] for row in quipux.sql("SELECT id_permiso FROM permiso_usuario WHERE usua_codi = %s", (user,))
    }


def prepare_new(quipux: Quipux, office: Office, how: str) -> dict[str, Any]:
    """What is there of the new administrator; gives what the item says of it."""
    if how == "reuse":
        employ(quipux, office, usua_pasw="c" * 26)
        return {"administrator__existing_account": "reuse"}
    if how == "reactivated":
        number = employ(quipux, office, usua_esta=0, usua_login="l9")
        quipux.sql(
            "UPDATE usuarios SET usua_cedula = %s, usua_login = %s WHERE usua_codi = %s",
            (f"{NEW}-{number}", f"l{number}", number),
        )
    if how == "additional":
        other = quipux.one(numbered(1))["ids"]
        quipux.app_insert_user(
            usua_cedula=NEW, usua_pasw="c" * 26, inst_codi=other["institution"], depe_codi=other["area"]
        )
        return {"administrator__existing_account": "additional"}
    return {}


@pytest.mark.parametrize(
    ("how", "account"),
    [("new", "keep"), ("reuse", "deactivate"), ("additional", "deactivate"), ("reactivated", "keep")],
)
def test_the_rights_move(quipux: Quipux, office: Office, how: str, account: str) -> None:
    wanted = change(account, **prepare_new(quipux, office, how))
    out = office["administrator"]
    before = quipux.dump()
    planned = quipux.one(wanted, check=True)
    reading = quipux.one(wanted, check=True, user="quipux_ro")
    assert quipux.dump() == before
    result = quipux.one(wanted)
    assert result["status"] == "ok", result
    for key in ("changes", "kept", "plan_digest"):
        assert planned[key] == result[key] == reading[key], key

    # The new one has the office, the old one everything but.
    assert result["ids"]["outgoing"] == planned["ids"]["outgoing"] == out
    new = result["ids"]["administrator"]
    assert {12, 36} <= permissions(quipux, new)
    if how != "reactivated":  # whose other permissions nobody took
        assert set(OFFICE.values()) <= permissions(quipux, new)
    assert permissions(quipux, out) == {21, 27, 29}
    shown = {
        (line["field"], line["before"], line["after"]) for line in result["changes"] if line["key"] == CEDULA
    }
    expected = {(name, "granted", None) for name in OFFICE} | {("sessions", None, "ended")}
    assert shown == expected | ({("state", "active", "inactive")} if account == "deactivate" else set())

    # As the page logs it: who, what, and no statement.
    log = quipux.sql(
        "SELECT id_permiso, usua_codi_actualiza FROM log_usr_permisos WHERE usua_codi = %s AND accion = 0",
        (out,),
    )
    assert sorted(log) == sorted((number, 0) for number in OFFICE.values())
    granted = quipux.sql(
        "SELECT id_permiso FROM log_usr_permisos WHERE usua_codi = %s AND accion = 1", (new,)
    )
    assert {12, 36} <= {row[0] for row in granted}
    assert quipux.sql("SELECT 1 FROM log WHERE sentencia ILIKE 'delete%'") == []
    ((text, author),) = quipux.sql(
        "SELECT usua_obs_actualiza, usua_codi_actualiza FROM usuarios WHERE usua_codi = %s", (out,)
    )
    assert author == 0
    assert ("Inactivo" in text) == (account == "deactivate")

    # Sessions, areas, account and mirror.
    session = quipux.value("SELECT usua_sesion FROM usuarios_sesion WHERE usua_codi = %s", (out,))
    assert session.startswith("FIN ")
    assert quipux.sql("SELECT 1 FROM usuario_dependencia WHERE usua_codi = %s", (out,)) == []
    row = quipux.row("usuario", "usua_codi = %s", (out,))
    state = (0, f"l{out}", f"{CEDULA}-{out}") if account == "deactivate" else (1, f"U{CEDULA}", CEDULA)
    assert (row["usua_esta"], row["usua_login"], row["usua_cedula"]) == state
    assert row["usua_pasw"] == CODE_HASH

    # Done is done.
    after = quipux.dump()
    again = quipux.one(wanted)
    assert (again["status"], again["changes"], again["ids"]) == ("unchanged", [], result["ids"])
    assert {key: value for key, value in quipux.dump().items() if "seq" not in key and key[:4] != "sec_"} == {
        key: value for key, value in after.items() if "seq" not in key and key[:4] != "sec_"
    }


def test_module_administrator_does_the_same(quipux: Quipux, office: Office) -> None:
    wanted = bare(change("deactivate"))
    result = quipux.one(wanted, module="administrator")
    assert (result["status"], result["ids"]["outgoing"]) == ("ok", office["administrator"]), result
    assert permissions(quipux, office["administrator"]) == {21, 27, 29}
    assert quipux.one(wanted, module="administrator")["status"] == "unchanged"


def test_the_new_one_is_written_first(quipux: Quipux, office: Office) -> None:
    quipux.one(change())
    first = quipux.value(
        "SELECT max(id_transaccion) FROM log_usr_permisos WHERE accion = 1 AND id_permiso = 36"
    )
    last = quipux.value("SELECT min(id_transaccion) FROM log_usr_permisos WHERE accion = 0")
    assert first < last


class TestRefused:
    """Nothing tried, nothing kept."""

    def refused(self, quipux: Quipux, wanted: dict[str, Any], code: str, module: str = "institution") -> str:
        before = quipux.dump()
        for options in ({"check": True, "user": "quipux_ro"}, {}):
            result = quipux.one(wanted, module=module, **options)
            assert (result["status"], result["changed"], result["error"]["code"]) == ("refused", False, code)
        assert quipux.dump() == before
        return str(result["error"]["message"])

    def test_bad_values(self, quipux: Quipux, office: Office) -> None:
        hostile = ("", "24059999", "2405999992' OR '1'='1", "２４０５９９９９９２", f"{CEDULA}-4", "%")
        before = quipux.dump()
        items = [numbered(n, outgoing={"national_id": text}) for n, text in enumerate(hostile)] + [
            change(outgoing={"national_id": NEW})
        ]
        for check in (True, False):
            results = quipux.run(*items, check=check)
            assert {(one["status"], one["error"]["code"]) for one in results} == {("refused", "bad_value")}
        assert quipux.dump() == before

    def test_without_anybody_new(self, quipux: Quipux, office: Office) -> None:
        outgoing = {"national_id": CEDULA}
        self.refused(quipux, item(administrator=None, outgoing=outgoing), "bad_value")
        absent = {"case": "x", "ruc": RUC, "state": "absent", "administrator": {"national_id": NEW}}
        expired = {**absent, "case": "y", "state": "expired", "activation": {"replaces": ["a" * 64]}}
        items = [{**one, "outgoing": outgoing} for one in (absent, expired)]
        results = quipux.run(*items, module="administrator")
        assert [one["error"]["code"] for one in results] == ["bad_value", "bad_value"]

    def test_somebody_unknown(self, quipux: Quipux, office: Office) -> None:
        message = self.refused(quipux, change(outgoing={"national_id": THIRD}), "no_such_account")
        assert THIRD in message

    def test_somebody_of_another_institution(self, quipux: Quipux, office: Office) -> None:
        other = quipux.one(numbered(1, administrator__national_id=THIRD))["ids"]
        self.refused(quipux, change(outgoing={"national_id": THIRD}), "no_such_account")
        assert {12, 36} <= permissions(quipux, other["administrator"])

    def test_an_institution_that_is_not_there(self, quipux: Quipux) -> None:
        self.refused(quipux, change(previous=None), "no_such_account")

    def test_several_active_accounts_with_the_office(self, quipux: Quipux, office: Office) -> None:
        second = employ(quipux, office, CEDULA)
        quipux.sql("INSERT INTO permiso_usuario (id_permiso, usua_codi) VALUES (12, %s)", (second,))
        self.refused(quipux, change(), "account_exists")

    def test_a_plan_that_is_not_the_approved_one(self, quipux: Quipux, office: Office) -> None:
        before = quipux.dump()
        approved = quipux.one(change(), check=True)["plan_digest"]
        assert quipux.one(change("deactivate", expect=approved))["error"]["code"] == "plan_changed"
        quipux.sql("DELETE FROM permiso_usuario WHERE id_permiso = 31")
        assert quipux.one(change(expect=approved))["error"]["code"] == "plan_changed"
        quipux.sql(
            "INSERT INTO permiso_usuario (id_permiso, usua_codi) VALUES (31, %s)", (office["administrator"],)
        )
        assert quipux.dump() == before
        assert quipux.one(change(expect=approved))["status"] == "ok"


def test_a_second_account_of_a_substitute_is_left_alone(quipux: Quipux, office: Office) -> None:
    second = employ(quipux, office, CEDULA)
    quipux.sql("INSERT INTO permiso_usuario (id_permiso, usua_codi) VALUES (29, %s)", (second,))
    assert quipux.one(change("deactivate"))["ids"]["outgoing"] == office["administrator"]
    assert quipux.row("usuario", "usua_codi = %s", (second,))["usua_esta"] == 1


def document(quipux: Quipux, user: int, state: int) -> None:
    number = 20260000070000000000 + quipux.value("SELECT count(*) FROM radicado") * 10 + 1
    quipux.sql(
        "INSERT INTO radicado (radi_nume_radi, radi_nume_temp, radi_nume_text, radi_fech_radi, "
        "radi_usua_actu, esta_codi) VALUES (%s, %s, 'X', now(), %s, %s)",
        (number, number, user, state),
    )


def test_documents_in_process_are_not_left_behind(quipux: Quipux, office: Office) -> None:
    """As the page counts them: being edited (1) and processed (2)."""
    for state in (0, 6, 7):
        document(quipux, office["administrator"], state)
    assert quipux.one(change("deactivate"), check=True)["error"] is None
    for state in (1, 2, 2):
        document(quipux, office["administrator"], state)
    TestRefused().refused(quipux, change("deactivate"), "documents_in_process")
    error = quipux.one(change("deactivate"))["error"]
    assert error["message"] == f"3 documents in process are on the desk of {CEDULA}"
    assert error["hint"] == "reassign them in Quipux, or keep the account"
    assert quipux.one(change("keep"))["status"] == "ok"


def test_what_was_done_by_hand(quipux: Quipux, office: Office) -> None:
    """The page leaves a deactivated account its permissions: reactivated, it would be an administrator's."""
    out = office["administrator"]
    quipux.sql(
        "UPDATE usuarios SET usua_esta = 0, usua_login = %s, usua_cedula = %s WHERE usua_codi = %s",
        (f"l{out}", f"{CEDULA}-{out}", out),
    )
    result = quipux.one(change("deactivate"))
    assert result["status"] == "ok"
    assert permissions(quipux, out) == {21, 27, 29}
    assert [line for line in result["changes"] if line["key"] == CEDULA and line["field"] == "state"] == []
    assert quipux.value("SELECT usua_sesion FROM usuarios_sesion WHERE usua_codi = %s", (out,)).startswith(
        "FIN"
    )


def test_somebody_without_the_office_keeps_what_they_have(quipux: Quipux, office: Office) -> None:
    clerk = employ(quipux, office, THIRD)
    quipux.sql(
        "INSERT INTO permiso_usuario (id_permiso, usua_codi) VALUES (16, %s), (32, %s)", (clerk, clerk)
    )
    result = quipux.one(change(outgoing={"national_id": THIRD}))
    assert [line for line in result["changes"] if line["key"] == THIRD] == []
    assert any(note.startswith(f"{THIRD} is no administrator") for note in result["notes"])
    assert permissions(quipux, clerk) == {16, 32}


def test_forbidden_permissions_are_told(quipux: Quipux, office: Office) -> None:
    quipux.sql(
        "INSERT INTO permiso_usuario (id_permiso, usua_codi) VALUES (30, %s), (35, %s)",
        (office["administrator"], office["administrator"]),
    )
    notes = [note for note in quipux.one(change())["notes"] if note.startswith(CEDULA)]
    assert ["(30)" in notes[0], "(35)" in notes[1], len(notes)] == [True, True, 2]
    assert permissions(quipux, office["administrator"]) == {21, 27, 29, 30, 35}


def test_who_is_left_besides(quipux: Quipux, office: Office) -> None:
    def backup() -> list[str]:
        notes = quipux.one(change(), check=True, user="quipux_ro")["notes"]
        return [note for note in notes if note.startswith("no backup administrator (AIQ): ")]

    assert len(backup()) == 1
    third = employ(quipux, office, THIRD)
    quipux.sql("INSERT INTO permiso_usuario (id_permiso, usua_codi) VALUES (12, %s)", (third,))
    assert len(backup()) == 1
    quipux.sql("INSERT INTO permiso_usuario (id_permiso, usua_codi) VALUES (36, %s)", (third,))
    assert backup() == []
    quipux.sql("UPDATE usuarios SET usua_esta = 0 WHERE usua_codi = %s", (third,))
    assert len(backup()) == 1


def test_the_diff_says_whose_permission(quipux: Quipux, office: Office) -> None:
    answer = quipux.call("institution", items=[change()], _ansible_check_mode=True, _ansible_diff=True)
    (diff,) = answer["diff"]
    assert f"permission.usua_admin_sistema of {CEDULA}: granted" in diff["before"]
    assert f"permission.usua_admin_sistema of {NEW}: granted" in diff["after"]


class TestNeverWithoutAdministrator:
    """Whatever goes wrong, somebody active holds 12 and 36."""

    def untouched(self, quipux: Quipux, result: dict[str, Any], code: str, before: dict[str, Any]) -> None:
        assert (result["status"], result["changed"]) == ("failed", False), result
        assert result["error"]["code"] == code, result
        now = quipux.dump()
        for table in ("usuarios", "usuario", "permiso_usuario", "log", "log_usr_permisos", "usuarios_sesion"):
            assert now[table] == before[table], table

    def test_a_new_account_that_comes_out_inactive(self, quipux: Quipux, office: Office) -> None:
        quipux.sql(
            "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE usuarios SET "
            "usua_esta = 0 WHERE usua_codi = NEW.usua_codi; RETURN NULL; END $$; "
            "CREATE TRIGGER zz_spoil AFTER INSERT ON usuarios FOR EACH ROW EXECUTE FUNCTION spoil()"
        )
        before = quipux.dump()
        self.untouched(quipux, quipux.one(change()), "no_administrator", before)

    def test_permissions_that_come_back(self, quipux: Quipux, office: Office) -> None:
        quipux.sql(
            "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; "
            "CREATE TRIGGER zz_spoil BEFORE DELETE ON permiso_usuario FOR EACH ROW EXECUTE FUNCTION spoil()"
        )
        before = quipux.dump()
        self.untouched(quipux, quipux.one(change()), "database_error", before)

    @pytest.mark.parametrize("account", ["keep", "deactivate"])
    def test_a_swallowed_error_about_the_old_one(self, quipux: Quipux, office: Office, account: str) -> None:
        """Only the row of the one who goes makes the trigger fail."""
        area = quipux.value("SELECT nextval('sec_dependencia')")
        quipux.sql(
            "INSERT INTO dependencia (depe_codi, depe_nomb, depe_codi_padre, depe_estado, inst_codi, "
            "depe_pie1) VALUES (%s, 'Archivo', %s, 1, %s, 'Quito')",
            (area, office["area"], office["institution"]),
        )
        quipux.sql("UPDATE usuarios SET depe_codi = %s WHERE usua_codi = %s", (area, office["administrator"]))
        quipux.sql("UPDATE usuarios SET ciu_codi = NULL WHERE usua_codi = %s", (office["administrator"],))
        quipux.sql("DELETE FROM log_view_usuario")
        before = quipux.dump()
        result = quipux.one(change(account))
        self.untouched(quipux, result, "swallowed_error", before)
        assert "usuarios UPDATE" in result["error"]["message"]

    def test_a_session_killed_in_the_middle(self, quipux: Quipux, office: Office) -> None:
        quipux.sql(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(20); "
            "RETURN OLD; END $$; "
            "CREATE TRIGGER zz_slow BEFORE DELETE ON permiso_usuario FOR EACH ROW EXECUTE FUNCTION slow()"
        )
        before = quipux.dump()
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(quipux.one, change("deactivate"))
            asleep = (
                "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND usename = 'quipux_prov'"
            )
            end = time.monotonic() + 20
            while not quipux.sql(asleep) and time.monotonic() < end:
                time.sleep(0.02)
            assert quipux.sql(f"SELECT pg_terminate_backend(pid) FROM ({asleep}) x") == [(True,)]
            self.untouched(quipux, running.result(), "database_error", before)
        quipux.sql("DROP TRIGGER zz_slow ON permiso_usuario")
        assert quipux.one(change("deactivate"))["status"] == "ok"

    def test_a_page_that_takes_the_new_ones_permission_meanwhile(
        self, quipux: Quipux, office: Office
    ) -> None:
        new = employ(quipux, office)
        quipux.sql(
            "INSERT INTO permiso_usuario (id_permiso, usua_codi) VALUES (12, %s), (36, %s)", (new, new)
        )
        page = quipux.database.connect()
        with page.cursor() as cursor, ThreadPoolExecutor(1) as pool:
            cursor.execute("DELETE FROM permiso_usuario WHERE usua_codi = %s AND id_permiso = 36", (new,))
            running = pool.submit(quipux.one, change(administrator__existing_account="reuse"))
            wait_until_blocked(quipux)
            page.commit()
            result = running.result()
        page.close()
        assert (result["status"], result["error"]["code"]) == ("failed", "no_administrator"), result
        assert {12, 36} <= permissions(quipux, office["administrator"])

    def test_many_at_once_there_and_back(self, quipux: Quipux, office: Office) -> None:
        """Ten runs change the administrator, ten change back: there is always one, at the end exactly one."""
        employ(quipux, office)
        there = change(administrator__existing_account="reuse")
        back = item("inej-otra-vez", administrator__existing_account="reuse", outgoing={"national_id": NEW})
        serving = (
            "SELECT usua_codi FROM usuario WHERE inst_codi = %s AND usua_esta = 1 AND 2 = (SELECT count(*) "
            "FROM permiso_usuario p WHERE p.usua_codi = usuario.usua_codi AND id_permiso IN (12, 36))"
        )
        seen, over = set(), threading.Event()

        def watch() -> None:
            while not over.is_set():
                seen.add(len(quipux.sql(serving, (office["institution"],))))

        watcher = threading.Thread(target=watch)
        watcher.start()
        with ThreadPoolExecutor(6) as pool:
            results = [one.result() for one in [pool.submit(quipux.one, x) for x in [there, back] * 6]]
        over.set()
        watcher.join()
        assert {result["status"] for result in results} <= {"ok", "unchanged"}, results
        assert seen == {1}
