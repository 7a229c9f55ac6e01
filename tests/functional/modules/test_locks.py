"""Others who write at the same time: the web pages, other runs, a server that dies."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg2.errors

from tests.functional.modules.conftest import CEDULA, RUC, Quipux, item, numbered


def test_twenty_runs_of_one_case_make_one_institution(quipux: Quipux) -> None:
    with ThreadPoolExecutor(20) as pool:
        results = [future.result() for future in [pool.submit(quipux.one, item()) for _ in range(20)]]
    assert {result["status"] for result in results} <= {"ok", "unchanged"}
    assert sum(result["changed"] for result in results) == 1
    assert quipux.value("SELECT count(*) FROM institucion WHERE inst_ruc = %s", (RUC,)) == 1
    assert quipux.value("SELECT count(*) FROM usuarios WHERE usua_cedula = %s", (CEDULA,)) == 1


def wait_until_blocked(quipux: Quipux) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if quipux.value(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'quipux-provision' AND "
            "wait_event_type = 'Lock'"
        ):
            return
        time.sleep(0.02)
    raise AssertionError("nobody waits")


def test_a_web_page_that_took_the_ruc_first_wins(quipux: Quipux) -> None:
    """The page's insert is not committed yet when we plan: our check has to wait for it."""
    page = quipux.database.connect()
    with page.cursor() as cursor, ThreadPoolExecutor(1) as pool:
        cursor.execute(
            "INSERT INTO institucion (inst_codi, inst_ruc, inst_nombre, inst_sigla, inst_estado) "
            "VALUES (nextval('sec_institucion'), '1700000001001', 'Otra', 'INEJ', 1)"
        )
        running = pool.submit(quipux.one, item())
        wait_until_blocked(quipux)
        page.commit()
        result = running.result()
    page.close()
    assert result["error"]["code"] == "duplicate_acronym", result


def test_a_page_that_never_ends_gives_lock_timeout(quipux: Quipux) -> None:
    quipux.one(numbered(1))
    page = quipux.database.connect()
    with page.cursor() as cursor:
        cursor.execute("UPDATE institucion SET inst_telefono = '1' WHERE inst_codi > 1")
        results = quipux.run(item(), numbered(1), lock_timeout=200)
        page.rollback()
    page.close()
    assert [(result["status"], (result["error"] or {}).get("code")) for result in results] == [
        ("failed", "lock_timeout"),
        ("unchanged", None),
    ]
    assert quipux.one(item())["status"] == "ok"


def test_the_web_pages_never_wait_a_second(quipux: Quipux) -> None:
    """While we wait for one page, others must get through our place in the queue."""
    slow = quipux.database.connect()
    with slow.cursor() as cursor, ThreadPoolExecutor(1) as pool:
        cursor.execute("UPDATE institucion SET inst_telefono = '1' WHERE inst_codi = 1")
        running = pool.submit(quipux.one, item(), lock_timeout=5000)
        wait_until_blocked(quipux)
        other = quipux.database.connect()
        with other.cursor() as page:
            page.execute("SET statement_timeout = 1000")
            for _ in range(6):
                page.execute(
                    "INSERT INTO institucion (inst_codi, inst_nombre) VALUES "
                    "(nextval('sec_institucion'), 'Otra')"
                )
                other.commit()
        other.close()
        slow.commit()
        assert running.result()["status"] == "ok"
    slow.close()


def test_a_dying_server_leaves_no_half(quipux: Quipux) -> None:
    """The connection is cut in mid-transaction; a second run does what is left."""
    items = [numbered(number) for number in range(40)]
    cut = threading.Event()

    def kill() -> None:
        end = time.monotonic() + 20
        while time.monotonic() < end and not cut.is_set():
            if quipux.value("SELECT count(*) FROM institucion WHERE inst_ruc LIKE '17%%'") >= 3:
                quipux.sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = "
                    "'quipux-provision'"
                )
                cut.set()

    killer = threading.Thread(target=kill)
    killer.start()
    results = quipux.run(*items)
    cut.set()
    killer.join()
    failed = [result for result in results if result["status"] == "failed"]
    assert failed
    assert {result["error"]["code"] for result in failed} == {"database_error"}
    assert (
        quipux.sql(
            "SELECT 1 FROM institucion i WHERE i.inst_codi > 1 AND NOT EXISTS (SELECT 1 FROM usuario m "
            "WHERE m.inst_codi = i.inst_codi)"
        )
        == []
    )
    assert {result["error"] for result in quipux.run(*items) if result["error"]} == set()
    assert (
        quipux.value(
            "SELECT count(*) FROM usuario m JOIN institucion USING (inst_codi) WHERE inst_ruc LIKE '17%%'"
        )
        == 40
    )


def test_statement_timeout(quipux: Quipux) -> None:
    quipux.sql(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(30); "
        "RETURN NULL; END $$; "
        "CREATE TRIGGER zz_slow AFTER INSERT ON usuarios FOR EACH ROW EXECUTE FUNCTION slow()"
    )
    result = quipux.one(item(), statement_timeout=500)
    # The triggers swallow even this one, so what is seen first may be either.
    assert result["error"]["code"] in ("database_error", "swallowed_error"), result
    assert quipux.sql("SELECT 1 FROM institucion WHERE inst_ruc = %s", (RUC,)) == []


def test_the_lock_error_is_what_we_think(quipux: Quipux) -> None:
    """The test above is only as good as its premise: an open page does hold the lock we ask for."""
    page = quipux.database.connect()
    with page.cursor() as cursor, quipux.database.connection("quipux_prov") as ours, ours.cursor() as asking:
        cursor.execute("UPDATE institucion SET inst_telefono = '1' WHERE inst_codi = 1")
        asking.execute("BEGIN; SET LOCAL lock_timeout = 100")
        try:
            asking.execute("LOCK TABLE institucion IN SHARE ROW EXCLUSIVE MODE")
        except psycopg2.errors.LockNotAvailable:
            pass
        else:
            raise AssertionError("no lock was held")
    page.close()
