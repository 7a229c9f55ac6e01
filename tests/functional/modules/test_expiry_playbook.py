"""Playbook administrator as the driver runs it, and by hand: the same variables as playbook provision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg2
import pytest

from quipux_provision.ansible.outcome import Outcome
from quipux_provision.ansible.run import Run, execute
from tests.functional.modules.conftest import CEDULA, CODE_HASH, RUC, Quipux, item
from tests.functional.modules.test_expiry import NO_ENTRY, begin, ending, password
from tests.functional.modules.test_playbook import Plays


@pytest.fixture
def plays(quipux: Quipux, tmp_path: Path) -> Plays:
    return Plays(quipux, tmp_path)


def drive(plays: Plays, *items: dict[str, Any], check: bool = False, **variables: Any) -> Outcome:
    given = {"provision_items": list(items), "provision_environment": "capacitacion", **variables}
    return execute(Run("quipux.provision.administrator", plays.folder / "inventory.yml", given, check=check))


def test_the_driver_ends_codes_and_accounts(plays: Plays) -> None:
    """Three cases at once, without a task for the application's hosts: none of them needs a folder."""
    account = begin(plays.quipux)
    found = plays.quipux.call("layout_info")["database"]
    bound = {key: str(value) for key, value in found.items()}
    items = [
        ending(),
        ending("absent", case="none", ruc="1700000001001"),
        ending("expired", case="nobody", administrator={"national_id": "2400000001"}),
    ]
    for check in (True, False):
        outcome = drive(plays, *items, check=check, provision_expect_database=bound, provision_end_runs=["x"])
        assert outcome.failure is None, outcome.failure
        assert outcome.database == found
        assert outcome.hosts == ("db1",)
        results = {case: (one.status, one.changed, one.activation) for case, one in outcome.items.items()}
        assert results == {
            "inej": ("ok", True, "expired"),
            "none": ("unchanged", False, None),
            "nobody": ("unchanged", False, None),
        }
        assert password(plays.quipux, account) == (CODE_HASH if check else NO_ENTRY)
    outcome = drive(plays, ending("absent"), provision_expect_database=bound)
    assert (outcome.failure, outcome.items["inej"].status) == (None, "ok")
    assert plays.quipux.row("usuario", "usua_codi = %s", (account,))["usua_esta"] == 0
    assert list(plays.bodega.iterdir()) == []


def test_an_item_that_fails_is_its_own_failure(plays: Plays) -> None:
    begin(plays.quipux)
    broken = {**ending(case="broken"), "activation": None}
    outcome = drive(plays, broken, ending())
    assert outcome.failure is None, outcome.failure
    assert outcome.items["inej"].activation == "expired"
    assert (outcome.items["broken"].error or {})["code"] == "bad_value"


def test_another_database_is_left_alone(plays: Plays) -> None:
    account = begin(plays.quipux)
    bound = {"name": plays.quipux.database.name, "oid": "1", "system_identifier": "1"}
    outcome = drive(plays, ending(), provision_expect_database=bound)
    assert outcome.failure is not None
    assert "bound to" in outcome.failure.message
    assert password(plays.quipux, account) == CODE_HASH


def test_connections_of_runs_that_died_are_ended(plays: Plays) -> None:
    begin(plays.quipux)
    cluster = plays.quipux.database.cluster
    left = psycopg2.connect(
        host=cluster.host,
        port=cluster.port,
        dbname=plays.quipux.database.name,
        user="quipux_prov",
        password=plays.password,
        application_name="quipux-provision dead",
    )
    with left.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('quipux-provision'))")
    outcome = drive(
        plays, ending(), provision_end_runs=["quipux-provision dead"], administrator_lock_timeout=500
    )
    assert (outcome.failure, outcome.items["inej"].activation) == (None, "expired")
    with pytest.raises(psycopg2.OperationalError), left.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_what_the_inventory_lists_is_not_the_drivers_business(plays: Plays) -> None:
    """Somebody keeps administrator_items in the inventory: a run of the driver is about its own items."""
    begin(plays.quipux)
    variables = plays.folder / "group_vars"
    variables.mkdir()
    gone = f"{{case: other, state: absent, ruc: '{RUC}', administrator: {{national_id: '{CEDULA}'}}}}"
    (variables / "all.yml").write_text(f"administrator_items: [{gone}]\n")
    outcome = drive(plays, ending())
    assert (outcome.failure, list(outcome.items)) == (None, ["inej"])
    assert plays.quipux.row("usuario", "usua_cedula = %s", (CEDULA,))["usua_esta"] == 1
    done = plays.run("administrator", {})
    assert done.returncode == 0, done.stdout
    assert plays.quipux.sql("SELECT 1 FROM usuario WHERE usua_cedula = %s", (CEDULA,)) == []


def test_by_hand(plays: Plays) -> None:
    account = begin(plays.quipux)
    done = plays.run("administrator", {"administrator_items": [ending()]}, "--diff", "-v")
    assert done.returncode == 0, done.stdout
    assert plays.recap(done.stdout, "db1")["changed"] == 1
    assert CODE_HASH not in done.stdout + done.stderr
    assert password(plays.quipux, account) == NO_ENTRY
    again = plays.run("administrator", {"administrator_items": [ending(), item(case="bad", name=None)]})
    assert again.returncode == 2
