"""Module citizen where somebody laid traps: hostile texts, triggers that fail silently, others at work, runs
that were killed."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.functional.modules.citizens import SHA, Office, citizen
from tests.functional.modules.conftest import CEDULA, CODE_HASH, ROOT, Quipux

PAYLOAD = "{{ lookup('pipe', 'id') }}'); DROP TABLE log; --"


@pytest.fixture
def office(quipux: Quipux, tmp_path: Path) -> Office:
    return Office(quipux, tmp_path)


def error(result: dict[str, Any]) -> str | None:
    return (result["error"] or {}).get("code")


def citizens(office: Office) -> int:
    return int(office.quipux.value("SELECT count(*) FROM ciudadano"))


def sent(office: Office) -> int:
    return int(office.quipux.value("SELECT count(*) FROM solicitud_firma_ciudadano WHERE sol_estado = 2"))


def test_hostile_texts_stay_text(office: Office) -> None:
    stored = PAYLOAD.replace("'", "′")
    names = ("given_names", "surnames", "position", "title", "organisation", "address")
    wanted = citizen(**dict.fromkeys(names, PAYLOAD))
    office.done(wanted)
    office.done({**wanted, "state": "rejected", "observations": PAYLOAD})
    office.done(wanted)
    office.done({**wanted, "state": "approved"})
    row = office.quipux.row("usuario", "usua_cedula = %s", (CEDULA,))
    columns = ("usua_nomb", "usua_apellido", "usua_cargo", "usua_titulo", "inst_nombre", "usua_direccion")
    assert {row[name] for name in columns} == {stored}
    office.done(citizen(state="absent"))
    assert office.quipux.value("SELECT count(*) FROM log") > 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"email": "a" * 40 + "@example.org"}, "value_too_long"),
        ({"organisation": "x" * 151}, "value_too_long"),
        ({"email": "a@example.org, b@example.org"}, "bad_value"),
        ({"national_id": "240599999"}, "bad_value"),
        ({"surnames": "a\u202eb"}, "bad_value"),
        ({"surnames": None}, "bad_value"),
        ({"certificate": None}, "bad_value"),
        ({"agreement_sha256": "x" * 64}, "bad_value"),
        ({"city": "Azogez"}, "unknown_city"),
        ({"activation": {"hash": "short"}}, "bad_value"),
        ({"state": "expired"}, "bad_value"),
    ],
)
def test_refused_before_anything(shared: Quipux, tmp_path: Path, changes: dict[str, Any], code: str) -> None:
    result = Office(shared, tmp_path).plan(citizen(**changes))
    assert (result["status"], error(result)) == ("refused", code), result


def test_doubles_in_a_list(shared: Quipux) -> None:
    results = shared.run(citizen(), citizen("other"), check=True, module="citizen")
    assert [error(result) for result in results] == [None, "account_exists"]


class TestTriggers:
    """Each swallows its errors; nothing of the item may be kept then."""

    def test_a_citizen_without_mirror(self, office: Office) -> None:
        office.quipux.sql("ALTER TABLE usuario ADD CHECK (usua_cargo <> 'Presidenta')")
        result = office.run(citizen())
        assert (result["status"], error(result)) == ("failed", "swallowed_error")
        assert "ciudadano INSERT" in result["error"]["message"]
        assert (citizens(office), sent(office)) == (0, 0)

    def test_a_signing_citizen_without_mirror(self, office: Office) -> None:
        office.done(citizen(activation={"hash": CODE_HASH}))
        office.quipux.sql("ALTER TABLE usuario ADD CHECK (inst_codi <> 1)")
        before = office.quipux.row("usuario", "usua_cedula = %s", (CEDULA,))
        result = office.run(citizen(state="approved"))
        assert (result["status"], error(result)) == ("failed", "swallowed_error")
        assert office.quipux.row("usuario", "usua_cedula = %s", (CEDULA,)) == before
        assert (citizens(office), sent(office)) == (1, 1)
        assert office.quipux.value("SELECT count(*) FROM permiso_usuario WHERE id_permiso = 27") == 0

    def test_a_mirror_that_differs(self, office: Office) -> None:
        office.quipux.sql(
            "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN NEW.usua_email := 'x'; RETURN NEW; END $$; "
            "CREATE TRIGGER spoil BEFORE INSERT OR UPDATE ON usuario FOR EACH ROW EXECUTE PROCEDURE spoil()"
        )
        result = office.run(citizen())
        assert (result["status"], error(result)) == ("failed", "mirror_missing")
        assert (citizens(office), sent(office)) == (0, 0)


class TestGate:
    def test_another_plan_than_the_approved_one(self, office: Office) -> None:
        before = office.quipux.dump()
        wanted = citizen(expect="0" * 64)
        assert error(office.number(wanted)) == "plan_changed"
        assert error(office.run(wanted)) == "plan_changed"
        assert office.quipux.dump() == before
        assert office.files() == set()

    def test_the_approved_plan_is_written_although_a_number_is_reserved(self, office: Office) -> None:
        digest = office.plan(citizen())["plan_digest"]
        wanted = citizen(expect=digest)
        office.number(wanted)
        assert office.plan(citizen())["plan_digest"] == digest
        result = office.done(wanted)
        assert (result["plan_digest"], result["changes"]) == (digest, [])

    def test_the_digest_covers_the_agreement(self, office: Office) -> None:
        digest = office.plan(citizen())["plan_digest"]
        assert office.plan(citizen(agreement_sha256="1" * 64))["plan_digest"] != digest


class TestAgreement:
    def test_nothing_is_sent_without_the_file(self, office: Office) -> None:
        number = office.number(citizen())["citizen"]
        told = {"code": "storage_error", "message": "the disk is full", "hint": "make room"}
        for stored, code in (
            (None, "agreement_missing"),
            ({"citizen": number + 1, "sha256": SHA}, "agreement_missing"),
            ({"citizen": number, "sha256": "1" * 64}, "agreement_missing"),
            ({"error": told}, "storage_error"),
        ):
            result = office.quipux.one(citizen(stored=stored), module="citizen")
            assert (result["status"], error(result)) == ("failed", code)
        assert (citizens(office), sent(office)) == (0, 0)

    def test_a_file_that_was_lost_is_put_back(self, office: Office) -> None:
        number = office.done(citizen())["ids"]["citizen"]
        path = office.bodega / "ciudadanos" / f"{number}_acuerdo.pdf.p7m"
        path.unlink()
        office.done(citizen(), "unchanged")
        assert path.is_file()
        told = {"code": "storage_error", "message": "the disk is full", "hint": "make room"}
        result = office.quipux.one(citizen(stored={"error": told}), module="citizen")
        assert (result["status"], error(result)) == ("failed", "storage_error")

    @pytest.mark.parametrize("content", [None, b"another"])
    def test_no_approval_of_another_file(self, office: Office, content: bytes | None) -> None:
        number = office.done(citizen())["ids"]["citizen"]
        path = office.bodega / "ciudadanos" / f"{number}_acuerdo.pdf.p7m"
        path.unlink()
        if content:
            path.write_bytes(content)
        result = office.run(citizen(state="approved"))
        assert error(result) == ("agreement_differs" if content else "agreement_missing")
        assert (citizens(office), sent(office)) == (1, 1)

    def test_no_decision_on_a_request_that_the_citizen_sent_alone(self, office: Office) -> None:
        office.done(citizen())
        office.quipux.sql("UPDATE solicitud_firma_ciudadano SET sol_observaciones = ''")
        for wanted in ("approved", "rejected"):
            result = office.run(citizen(state=wanted))
            assert (result["status"], error(result)) == ("refused", "agreement_differs")
        assert (citizens(office), sent(office)) == (1, 1)

    def test_a_new_agreement_is_a_change(self, office: Office) -> None:
        office.done(citizen())
        other = b"signed anew"
        wanted = citizen(agreement_sha256=hashlib.sha256(other).hexdigest())
        result = office.run(wanted, content=other)
        assert [(line["object"], line["field"]) for line in result["changes"]] == [("request", "agreement")]
        (path,) = (office.bodega / "ciudadanos").iterdir()
        assert path.read_bytes() == other
        assert error(office.run(citizen(state="approved"))) == "agreement_differs"
        office.done({**wanted, "state": "approved"})

    def test_nobody_to_decide_on(self, office: Office) -> None:
        for wanted in ("approved", "rejected"):
            result = office.run(citizen(state=wanted))
            assert (result["status"], error(result)) == ("refused", "no_such_request")
        office.done(citizen(state="absent"), "unchanged")


def test_several_at_once_make_one_citizen(office: Office) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _n: office.run(citizen()), range(4)))
    assert {result["status"] for result in results} == {"ok", "unchanged"}, results
    assert (citizens(office), sent(office), len(office.files())) == (1, 1, 1)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _n: office.run(citizen(state="approved")), range(4)))
    assert {result["status"] for result in results} == {"ok", "unchanged"}, results
    assert (citizens(office), sent(office)) == (0, 0)


class TestKilled:
    def test_after_the_number_and_after_the_file(self, office: Office) -> None:
        first = office.number(citizen())
        assert (citizens(office), sent(office)) == (0, 0)
        again = office.number(citizen())
        assert again == first
        office.store(citizen(), again)
        result = office.done(citizen())
        assert result["ids"]["citizen"] == first["citizen"]
        assert office.quipux.value("SELECT count(*) FROM solicitud_firma_ciudadano") == 1
        assert len(office.files()) == 1

    def test_never_taken_up_again(self, office: Office) -> None:
        office.number(citizen())
        office.done(citizen(state="absent"))
        assert office.quipux.value("SELECT sol_estado FROM solicitud_firma_ciudadano") == 0

    @pytest.mark.parametrize("state", ["requested", "approved"])
    def test_in_the_transaction(self, office: Office, state: str) -> None:
        """The process dies while its statements wait behind somebody else's lock; its session goes on."""
        wanted = citizen(state=state)
        if state == "approved":
            office.done(citizen())
        wanted = office.stored(wanted)
        before = office.quipux.sql("SELECT x::text FROM usuario x ORDER BY usua_codi")
        cluster = office.quipux.database.cluster
        connection = {
            "login_host": cluster.host,
            "login_port": cluster.port,
            "login_password": cluster.role_passwords["quipux_prov"],
            "login_db": office.quipux.database.name,
            "application_name": "quipux-provision dead",
        }
        holder = office.quipux.database.connect()
        with holder.cursor() as cursor:
            cursor.execute("LOCK TABLE log_usr_ciudadanos IN ACCESS EXCLUSIVE MODE")
            arguments = {**connection, "items": [wanted], "lock_timeout": 60000}
            process = subprocess.Popen(
                [sys.executable, str(ROOT / "plugins" / "modules" / "citizen.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={"PYTHONPATH": str(ROOT / ".collections"), "PATH": "/usr/bin:/bin"},
            )
            assert process.stdin is not None
            process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
            process.stdin.close()
            waiting = (
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'quipux-provision dead' "
                "AND wait_event_type = 'Lock'"
            )
            end = time.monotonic() + 60
            while not office.quipux.value(waiting) and time.monotonic() < end:
                time.sleep(0.05)
            assert office.quipux.value(waiting) == 1
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        holder.rollback()
        holder.close()
        result = office.run(citizen(state=state), end_runs=["quipux-provision dead"])
        assert result["status"] == "ok", result
        assert before != office.quipux.sql("SELECT x::text FROM usuario x ORDER BY usua_codi")
        expected = (0, 0) if state == "approved" else (1, 1)
        assert (citizens(office), sent(office)) == expected


def test_no_secret_is_left_anywhere(office: Office) -> None:
    secret = secrets.token_hex(13)  # no other test has written it into the server's log
    wanted = citizen(activation={"hash": secret})
    results = [office.done(wanted), office.done({**wanted, "state": "approved"})]
    assert secret not in json.dumps(results)
    for table in ("log", "log_usr_ciudadanos", "log_usr_permisos", "solicitud_firma_ciudadano"):
        assert secret not in json.dumps(office.quipux.sql(f"SELECT x::text FROM {table} x"))
    assert secret not in office.quipux.database.cluster.log()
