"""What a run asks of the database besides its items: that it is the right one, and free of runs that died."""

from __future__ import annotations

import psycopg2
import pytest

from tests.functional.modules.conftest import Quipux, item


def identity(quipux: Quipux) -> dict[str, str]:
    found = quipux.call("layout_info")["database"]
    return {key: str(value) for key, value in found.items()}


def test_the_bound_database_is_written(quipux: Quipux) -> None:
    assert quipux.one(item(), expect_database=identity(quipux))["status"] == "ok"


@pytest.mark.parametrize("key", ["name", "oid", "system_identifier"])
def test_another_database_is_refused_whole(quipux: Quipux, key: str) -> None:
    before = quipux.dump()
    answer = quipux.call("institution", items=[item()], expect_database={**identity(quipux), key: "1"})
    assert answer["failed"]
    assert "bound to" in answer["msg"]
    assert quipux.dump() == before


def test_a_connection_of_a_run_that_died_is_ended(quipux: Quipux) -> None:
    cluster = quipux.database.cluster
    left = psycopg2.connect(
        host=cluster.host,
        port=cluster.port,
        dbname=quipux.database.name,
        user="quipux_prov",
        password=cluster.role_passwords["quipux_prov"],
        application_name="quipux-provision dead",
    )
    with left.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('quipux-provision'))")
    result = quipux.one(item(), end_runs=["quipux-provision dead"], lock_timeout=500)
    assert result["status"] == "ok"
    with pytest.raises(psycopg2.OperationalError), left.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_a_living_run_of_another_name_is_left_alone(quipux: Quipux) -> None:
    other = quipux.database.connect("quipux_prov")
    with other.cursor() as cursor:
        cursor.execute("SET application_name = 'quipux-provision other'; SELECT 1")
    assert quipux.one(item(), end_runs=["quipux-provision dead"])["status"] == "ok"
    with other.cursor() as cursor:
        cursor.execute("SELECT 2")
        assert cursor.fetchall() == [(2,)]
    other.close()
