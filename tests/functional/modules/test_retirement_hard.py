"""Retirements under adverse circumstances: many users, pages that write meanwhile, triggers that fail, runs
that die, plain ansible-playbook."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.functional.modules.conftest import CEDULA, ROOT, RUC, Quipux
from tests.functional.modules.test_locks import wait_until_blocked
from tests.functional.modules.test_playbook import Plays
from tests.functional.modules.test_reading_role import as_reader
from tests.functional.modules.test_retirement import House, code, one, reinstated, retired


@pytest.fixture
def house(quipux: Quipux) -> House:
    return House(quipux)


def rows_of(quipux: Quipux, house: House) -> dict[str, Any]:
    """Everything that is the second institution's."""
    there = house.other["institution"]
    users = [
        number for (number,) in quipux.sql("SELECT usua_codi FROM usuarios WHERE inst_codi = %s", (there,))
    ]
    return {
        table: quipux.sql(
            f"SELECT x::text FROM {table} x WHERE {key} = ANY(%s) ORDER BY 1",
            ([there] if key == "inst_codi" else users,),
        )
        for table, key in (
            *(("institucion", "inst_codi"), ("dependencia", "inst_codi"), ("usuarios", "inst_codi")),
            *(("usuario", "inst_codi"), ("permiso_usuario", "usua_codi"), ("usuarios_sesion", "usua_codi")),
            *(("log_usr_ciudadanos", "usua_codi"), ("lista_usuarios", "usua_codi")),
        )
    }


def fill(house: House, count: int) -> None:
    house.quipux.sql(
        "INSERT INTO usuarios (usua_login, usua_cedula, usua_nomb, usua_apellido, usua_cargo, usua_email, "
        "usua_esta, usua_nuevo, ciu_codi, inst_codi, depe_codi, usua_pasw) SELECT 'U' || n, n::text, "
        "'Persona', n::text, 'Técnica', n || '@example.gob.ec', 1, 1, 49, %s, %s, 'x' "
        "FROM generate_series(2300000001, 2300000000 + %s) n",
        (house.ids["institution"], house.ids["area"], count),
    )
    house.quipux.sql(
        "INSERT INTO usuarios_sesion (usua_codi, usua_sesion) SELECT usua_codi, 'live' || usua_codi "
        "FROM usuarios WHERE usua_cedula LIKE '23000%%'"
    )


def test_three_thousand_users_and_nobody_else(house: House) -> None:
    quipux = house.quipux
    fill(house, 3000)
    other = rows_of(quipux, house)
    plan = one(quipux, retired(), check=True, user="quipux_ro")
    assert len(plan["changes"]) == 3004
    result = one(quipux, retired(expect=plan["plan_digest"]))
    assert (result["status"], len(result["ids"]["accounts"])) == ("ok", 3003), result["error"]
    assert house.active() == []
    assert quipux.value("SELECT count(*) FROM usuarios_sesion WHERE usua_sesion NOT LIKE 'FIN%%'") == 1
    accounts = result["ids"]["accounts"]
    assert one(quipux, retired())["ids"]["accounts"] == accounts
    assert one(quipux, reinstated(accounts))["status"] == "ok"
    assert house.active() == accounts
    assert rows_of(quipux, house) == other


def test_a_page_that_adds_a_user_meanwhile(house: House) -> None:
    """Either the user was first and goes, too, or waits; nobody active is left behind by us."""
    quipux = house.quipux
    page = quipux.database.connect()
    with page.cursor() as cursor, ThreadPoolExecutor(1) as pool:
        cursor.execute(
            "INSERT INTO usuarios (usua_login, usua_cedula, usua_nomb, usua_apellido, usua_esta, usua_nuevo, "
            "ciu_codi, inst_codi, depe_codi) VALUES ('U2400000066', '2400000066', 'Nueva', 'Persona', 1, 1, "
            "49, %s, %s) RETURNING usua_codi",
            (house.ids["institution"], house.ids["area"]),
        )
        (added,) = cursor.fetchone() or (0,)
        running = pool.submit(one, quipux, retired())
        wait_until_blocked(quipux)
        page.commit()
        result = running.result()
    page.close()
    assert result["ids"]["accounts"] == sorted([*house.all, added]), result
    assert house.active() == []


def test_an_approved_plan_does_not_take_whom_nobody_approved(house: House) -> None:
    quipux = house.quipux
    plan = one(quipux, retired(), check=True)
    page = quipux.database.connect()
    with page.cursor() as cursor, ThreadPoolExecutor(1) as pool:
        cursor.execute("LOCK TABLE usuarios IN ROW EXCLUSIVE MODE")
        running = pool.submit(one, quipux, retired(expect=plan["plan_digest"]))
        wait_until_blocked(quipux)
        cursor.execute(
            "INSERT INTO usuarios (usua_login, usua_cedula, usua_nomb, usua_esta, usua_nuevo, ciu_codi, "
            "inst_codi, depe_codi) VALUES ('U2400000066', '2400000066', 'Nueva', 1, 1, 49, %s, %s)",
            (house.ids["institution"], house.ids["area"]),
        )
        page.commit()
        result = running.result()
    page.close()
    assert code(result) == "plan_changed"
    assert len(house.active()) == 4


def test_parallel_runs_retire_once(house: House) -> None:
    with ThreadPoolExecutor(6) as pool:
        running = [pool.submit(one, house.quipux, retired()) for _ in range(6)]
        results = [future.result() for future in running]
    assert sorted(result["status"] for result in results) == ["ok", *["unchanged"] * 5]
    assert {tuple(result["ids"]["accounts"]) for result in results} == {tuple(house.all)}
    assert house.quipux.value("SELECT count(*) FROM log_usr_ciudadanos WHERE id_transaccion = 1") == 3


@pytest.mark.parametrize("state", ["retired", "reinstated"])
@pytest.mark.parametrize("break_with", ["swallowed", "orphan"])
def test_what_the_triggers_hide_keeps_nothing(house: House, state: str, break_with: str) -> None:
    quipux = house.quipux
    wanted = retired()
    if state == "reinstated":
        wanted = reinstated(one(quipux, retired())["ids"]["accounts"])
    if break_with == "swallowed":
        quipux.sql("UPDATE dependencia SET depe_pie1 = 'Quito' WHERE depe_codi = %s", (house.ids["area"],))
        quipux.sql("ALTER TABLE usuarios DISABLE TRIGGER USER")
        quipux.sql("UPDATE usuarios SET ciu_codi = NULL WHERE usua_codi = %s", (house.clerk,))
        quipux.sql("ALTER TABLE usuarios ENABLE TRIGGER USER")
    else:
        quipux.sql("DELETE FROM usuario WHERE usua_codi = %s", (house.clerk,))
    before = quipux.dump()
    result = one(quipux, wanted)
    assert result["status"] == "failed", result
    assert code(result) == ("swallowed_error" if break_with == "swallowed" else "mirror_missing")
    after = quipux.dump()
    assert {name for name in after if after[name] != before[name]} <= {
        *("log_log_id_seq", "log_usr_ciudadanos_logc_codigo_seq", "log_view_usuario_log_codi_seq")
    }


def test_killed_in_the_middle_nothing_or_everything(house: House) -> None:
    """SIGKILL at whatever moment; what the next run finds is whole, and it finishes."""
    quipux = house.quipux
    fill(house, 400)
    before = one(quipux, retired(), check=True)["plan_digest"]
    cluster = quipux.database.cluster
    arguments = {
        **{"login_host": cluster.host, "login_port": cluster.port, "login_user": "quipux_prov"},
        **{"login_password": cluster.role_passwords["quipux_prov"], "login_db": quipux.database.name},
        "application_name": "quipux-provision dead",
        "items": [retired()],
    }
    running = subprocess.Popen(
        [sys.executable, str(ROOT / "plugins/modules/retirement.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env={"PYTHONPATH": str(ROOT / ".collections"), "PATH": "/usr/bin:/bin"},
        text=True,
    )
    assert running.stdin
    running.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
    running.stdin.close()
    end = time.monotonic() + 30
    while time.monotonic() < end and running.poll() is None:
        if quipux.sql(
            "SELECT 1 FROM pg_stat_activity WHERE application_name = 'quipux-provision dead' AND "
            "query LIKE '%%UPDATE public.usuarios%%' AND state = 'active'"
        ):
            break
    running.send_signal(signal.SIGKILL)
    running.wait()
    result = one(quipux, retired(), end_runs=["quipux-provision dead"])
    assert result["status"] in ("ok", "unchanged"), result
    assert (result["plan_digest"] == before) == (result["status"] == "ok")
    assert len(result["ids"]["accounts"]) == 403
    assert house.active() == []
    assert quipux.value("SELECT count(*) FROM log_usr_ciudadanos WHERE id_transaccion = 1") == 403


class TestPlaybooks:
    def test_there_and_back(self, house: House, tmp_path: Path) -> None:
        quipux = house.quipux
        plays = Plays(quipux, tmp_path)
        leave = {"provision_items": [retired()], "provision_environment": "capacitacion"}
        before = quipux.dump()
        planned = plays.run("retirement", {**leave, **as_reader(plays)}, "--check", "--diff")
        assert planned.returncode == 0, planned.stdout
        assert f"+account.state of {house.clerk}: inactive" in planned.stdout
        assert quipux.dump() == before
        for changed in (1, 0):
            done = plays.run("retirement", leave)
            assert done.returncode == 0, done.stdout
            assert plays.recap(done.stdout, "db1")["changed"] == changed
        back = plays.run("retirement", {"retirement_items": [reinstated(house.all)]})
        assert back.returncode == 0, back.stdout
        assert house.active() == house.all
        bad = plays.run("retirement", {"retirement_items": [retired(ruc="1700000077001")]})
        assert bad.returncode == 2
        assert "no institution has RUC 1700000077001" in bad.stdout

    def test_backups(self, house: House, tmp_path: Path) -> None:
        quipux = house.quipux
        plays = Plays(quipux, tmp_path)
        quipux.sql("UPDATE usuarios SET usua_esta = 0 WHERE usua_codi = %s", (house.clerk,))
        quipux.sql(
            "INSERT INTO radicado (radi_nume_radi, radi_nume_temp, radi_fech_radi, esta_codi, radi_usua_rem) "
            "VALUES (20250000010000000010, 20250000010000000010, now(), 6, %s)",
            (f"-{house.clerk}-",),
        )
        reader = quipux.database.cluster.role_passwords["quipux_ro"]
        listed = plays.run(
            "inactive_users",
            {"inactive_users_items": [{"case": "inej", "ruc": RUC}], "quipux_db_read_only_password": reader},
        )
        assert listed.returncode == 0, listed.stdout
        assert "inej: 1 of 1" in listed.stdout
        assert "2400000012" not in listed.stdout
        asked = {
            "provision_items": [{"case": "inej", "ruc": RUC, "requested_by_national_id": CEDULA}],
            "provision_environment": "capacitacion",
        }
        for changed in (1, 0):
            done = plays.run("user_backups", asked)
            assert done.returncode == 0, done.stdout
            assert plays.recap(done.stdout, "db1")["changed"] == changed
        assert quipux.value("SELECT count(*) FROM respaldo_solicitud WHERE estado_solicitud = 2") == 1
