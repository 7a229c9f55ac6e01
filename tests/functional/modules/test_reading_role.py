"""Plans as quipux_ro: the same as those of quipux_prov, without a write, a lock or a look at a password."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.functional.modules.conftest import CEDULA, CODE_HASH, RUC, Quipux, item, numbered, previous
from tests.functional.modules.test_expiry import begin, ending
from tests.functional.modules.test_playbook import Plays

BINDING = {"environment": "capacitacion", "hosts": ["db1"], "request_digest": "a" * 64}
PLAN = ("case", "status", "changed", "error", "changes", "kept", "ids", "plan_digest")


def nothing(_quipux: Quipux) -> None:
    """An empty database."""


def made(quipux: Quipux) -> None:
    quipux.one(item())
    quipux.sql("UPDATE usuarios SET usua_telefono = '0222' WHERE usua_cedula = %s", (CEDULA,))


def own_password(quipux: Quipux) -> None:
    made(quipux)
    quipux.sql("UPDATE usuarios SET usua_pasw = %s WHERE usua_cedula = %s", ("c" * 26, CEDULA))


def deactivated(quipux: Quipux) -> None:
    made(quipux)
    quipux.one({"case": "inej", "ruc": RUC, "state": "absent", "administrator": {"national_id": CEDULA}})


def elsewhere(quipux: Quipux) -> None:
    other = quipux.one(numbered(9))["ids"]
    quipux.app_insert_user(usua_cedula=CEDULA, inst_codi=other["institution"], depe_codi=other["area"])


@pytest.mark.parametrize("begin_with", [nothing, made, own_password, deactivated, elsewhere])
def test_the_same_plan(quipux: Quipux, begin_with: Callable[[Quipux], None]) -> None:
    begin_with(quipux)
    items = [
        item(binding=BINDING),
        item("changed", address="Calle Nueva 2", administrator__email="n@example.gob.ec", binding=BINDING),
        item("kept", previous=previous(item()), binding=BINDING),
        item("code", activation={"hash": CODE_HASH}, binding=BINDING),
        item("more", administrator__existing_account="additional", binding=BINDING),
        item("again", administrator__existing_account="reuse", binding=BINDING),
        {"case": "gone", "ruc": RUC, "state": "absent", "administrator": {"national_id": CEDULA}},
        numbered(3, city="Quitoo"),
    ]
    before = quipux.dump()
    for one in items:
        plans = [quipux.one(one, check=True, user=user) for user in ("quipux_prov", "quipux_ro")]
        # Of a password that it cannot read the reading role says nothing, which is no part of a plan.
        for plan in plans:
            if one["case"] == "code" and plan["status"] == "activated":
                plan["status"] = "ok" if plan["changes"] else "unchanged"
            if one["case"] == "code":
                plan["changed"] = bool(plan["changes"])
        shown = [
            {key: plan[key] for key in PLAN if key != "status" or one["case"] != "code"} for plan in plans
        ]
        assert shown[0] == shown[1], one["case"]
        assert plans[0]["error"] or plans[0]["plan_digest"]
    assert quipux.dump() == before


def test_what_it_cannot_know_it_says(quipux: Quipux) -> None:
    begin(quipux)
    for module, wanted in (
        ("institution", item(activation={"hash": "e" * 26})),
        ("administrator", ending()),
    ):
        result = quipux.one(wanted, module=module, check=True, user="quipux_ro")
        assert (result["status"], result["activation"]) == ("unchanged", None)
        assert ["may not read passwords" in note for note in result["notes"]] == [True]


def test_it_writes_nothing_outside_check_mode(quipux: Quipux) -> None:
    before = quipux.dump()
    answer = quipux.call("institution", user="quipux_ro", items=[item()])
    assert answer["failed"]
    assert "missing privileges for quipux_ro" in answer["msg"]
    assert quipux.dump() == before


def test_a_right_that_the_reading_role_lacks_is_named(quipux: Quipux) -> None:
    quipux.sql("REVOKE SELECT ON permiso_usuario FROM quipux_ro")
    answer = quipux.call("institution", user="quipux_ro", items=[item()], _ansible_check_mode=True)
    assert "missing privileges for quipux_ro: SELECT on permiso_usuario;" in answer["msg"]


def test_roles_of_an_older_version_are_told_to_be_made_again(quipux: Quipux) -> None:
    """They see other columns of the table, so that a look at the table alone would find nothing wrong."""
    quipux.sql("REVOKE SELECT (radi_usua_actu) ON radicado FROM quipux_ro, quipux_prov")
    for user in ("quipux_ro", "quipux_prov"):
        answer = quipux.call("institution", user=user, items=[item()], _ansible_check_mode=True)
        assert f"missing privileges for {user}: SELECT on radicado; run the role's" in answer["msg"]


def test_a_plan_still_tells_what_the_writing_role_lacks(quipux: Quipux) -> None:
    quipux.sql("REVOKE INSERT ON log FROM quipux_prov")
    answer = quipux.call("institution", items=[item()], _ansible_check_mode=True)
    assert "missing privileges for quipux_prov: INSERT on log;" in answer["msg"]


def as_reader(plays: Plays) -> dict[str, Any]:
    password = plays.quipux.database.cluster.role_passwords["quipux_ro"]
    return {"quipux_db_user": "quipux_ro", "quipux_db_password": password}


def test_the_playbook_under_everybodys_locks(quipux: Quipux, tmp_path: Path) -> None:
    """In a database whose every table somebody else is about to write, a plan does not even wait."""
    plays = Plays(quipux, tmp_path)
    quipux.one(numbered(1))
    wanted = [item(binding=BINDING), numbered(1, address="Calle Nueva 2", binding=BINDING)]
    variables = {"provision_items": wanted, "provision_environment": "capacitacion"}
    before = quipux.dump()
    page = quipux.database.connect()
    with page.cursor() as cursor:
        cursor.execute("SELECT format('%I', tablename) FROM pg_tables WHERE schemaname = 'public'")
        # Leaves room for nothing but plain reading: not for SELECT FOR SHARE, nor for any write.
        cursor.execute("LOCK TABLE " + ", ".join(name for (name,) in cursor) + " IN EXCLUSIVE MODE")
        reader = plays.run("provision", {**variables, **as_reader(plays)}, "--check", "--diff")
        page.rollback()
    page.close()
    assert reader.returncode == 0, reader.stdout
    writer = plays.run("provision", variables, "--check", "--diff")
    shown = [[line for line in run.stdout.splitlines() if line[:1] in "+-"] for run in (reader, writer)]
    assert shown[0] == shown[1]
    assert "+institution.name: Instituto Nacional de Ejemplo" in shown[0]
    assert plays.recap(reader.stdout, "db1") == plays.recap(writer.stdout, "db1")
    assert quipux.dump() == before
    assert list(plays.bodega.iterdir()) == []
    refused = plays.run("provision", {**variables, **as_reader(plays)})
    assert refused.returncode == 2
    assert "missing privileges for quipux_ro" in refused.stdout
    assert quipux.dump() == before
