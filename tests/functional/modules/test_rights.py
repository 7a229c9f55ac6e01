"""Module database_roles: exactly the rights that are needed, passwords that travel nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from ansible_collections.quipux.provision.plugins.module_utils._grants import PROVISION, READ_ONLY
from ansible_collections.quipux.provision.plugins.module_utils._scram import fits, make

from tests.functional.modules.citizens import citizen
from tests.functional.modules.conftest import CEDULA, CODE_HASH, ROOT, RUC, Quipux, item
from tests.functional.modules.test_accounts import populate
from tests.stand_in.cluster import Cluster
from tests.stand_in.database import load

LONG = "canary-long-password-"
SUCCESSOR = "2405999984"
CITIZEN = "2405999976"
TABLE_RIGHTS = [(name, right, False) for name, rights in PROVISION.tables.items() for right in rights]
RIGHTS = TABLE_RIGHTS + [
    (name, right, True) for name, rights in PROVISION.sequences.items() for right in rights
]


def scenario(quipux: Quipux) -> None:
    """Everything the modules do, in short. Raises on the first thing that goes wrong."""
    made = quipux.one(item(activation={"hash": CODE_HASH}))
    assert made["status"] == "ok", made
    populate(quipux, made["ids"]["administrator"])
    changed = quipux.one(
        item(administrator__phone="0221", phone="0222", address="Calle Nueva 3", city="Cuenca")
    )
    assert changed["status"] == "ok", changed
    quipux.app_insert_user(
        usua_cedula=SUCCESSOR, inst_codi=made["ids"]["institution"], depe_codi=made["ids"]["area"]
    )
    # There and back again, the successor's account deactivated.
    replaced = quipux.one(
        item(
            administrator__national_id=SUCCESSOR,
            administrator__existing_account="reuse",
            outgoing={"national_id": CEDULA},
        )
    )
    assert replaced["status"] == "ok", replaced
    returned = quipux.one(
        item(
            administrator__existing_account="reuse",
            outgoing={"national_id": SUCCESSOR, "account": "deactivate"},
        )
    )
    assert returned["status"] == "ok", returned
    years_after(quipux)
    citizens_too(quipux)
    gone = quipux.one(
        {"case": "inej", "ruc": RUC, "state": "absent", "administrator": {"national_id": CEDULA}}
    )
    assert gone["status"] == "ok", gone
    # A swallowed trigger error must be told as one, which takes the right to note it.
    quipux.sql("UPDATE dependencia SET depe_pie1 = 'Quito' WHERE depe_codi = %s", (made["ids"]["area"],))
    quipux.sql("UPDATE usuarios SET ciu_codi = NULL WHERE usua_codi = %s", (made["ids"]["administrator"],))
    broken = quipux.one(item(city=None, address="Calle Nueva 3", phone="0222"))
    assert (broken["error"] or {}).get("code") == "swallowed_error", broken


def years_after(quipux: Quipux) -> None:
    """The successor has left documents; then the institution goes, and comes back."""
    quipux.sql(
        "INSERT INTO radicado (radi_nume_radi, radi_nume_temp, radi_fech_radi, esta_codi, radi_usua_rem) "
        "SELECT 20250000010000000010, 20250000010000000010, now(), 6, '-' || usua_codi || '-' FROM usuarios "
        "WHERE usua_cedula LIKE %s",
        (f"{SUCCESSOR}-%",),
    )
    place = {"case": "inej", "ruc": RUC}
    asked = quipux.one({**place, "requested_by_national_id": CEDULA}, module="user_backups")
    assert (asked["status"], len(asked["ids"]["requests"])) == ("ok", 1), asked
    left = quipux.one(place, module="retirement")
    assert left["status"] == "ok", left
    back = quipux.one(
        {**place, "state": "reinstated", "accounts": left["ids"]["accounts"]}, module="retirement"
    )
    assert back["status"] == "ok", back


def citizens_too(quipux: Quipux) -> None:
    """One sends a request, corrects it, and is approved."""
    first = citizen(national_id=CITIZEN, activation={"hash": CODE_HASH})
    answer = quipux.call("citizen_number", items=[first])
    assert "numbers" in answer, answer
    number = answer["numbers"][0]
    assert number["error"] is None, number
    stored = {"citizen": number["citizen"], "sha256": first["agreement_sha256"]}
    for wanted in (
        {**first, "stored": stored},
        {**first, "stored": stored, "phone": "0221"},
        {**first, "stored": stored, "phone": "0221", "state": "approved"},
    ):
        done = quipux.one(wanted, module="citizen")
        assert done["status"] == "ok", done


@pytest.fixture
def unchecked(quipux: Quipux, monkeypatch: pytest.MonkeyPatch) -> Quipux:
    """The modules without their own look at the rights: what PostgreSQL says counts."""
    from tests.functional.modules import conftest

    real = conftest.run_module

    def run(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return real(f"../../tests/functional/modules/unchecked_{name}", arguments)

    monkeypatch.setattr(conftest, "run_module", run)
    return quipux


def test_the_scenario_works(quipux: Quipux) -> None:
    scenario(quipux)


@pytest.mark.parametrize(("relation", "right", "sequence"), RIGHTS, ids=str)
def test_every_right_is_needed(unchecked: Quipux, relation: str, right: str, sequence: bool) -> None:
    kind = "SEQUENCE" if sequence else "TABLE"
    unchecked.sql(f"REVOKE {right} ON {kind} {relation} FROM quipux_prov")
    with pytest.raises(AssertionError):
        scenario(unchecked)


def test_the_roles_have_these_rights_and_no_others(quipux: Quipux) -> None:
    found = set(
        quipux.sql(
            "SELECT c.relname, a.privilege_type FROM pg_class c, aclexplode(c.relacl) a "
            "WHERE a.grantee = 'quipux_prov'::regrole AND c.relnamespace = 'public'::regnamespace"
        )
    )
    whole = {
        (name, right) for name, right, _sequence in RIGHTS if right != "SELECT" or name not in PROVISION.only
    }
    assert found == whole
    columns = quipux.sql(
        "SELECT c.relname, t.attname, a.privilege_type FROM pg_class c JOIN pg_attribute t "
        "ON t.attrelid = c.oid, aclexplode(t.attacl) a WHERE a.grantee = 'quipux_prov'::regrole"
    )
    assert set(columns) == {
        (name, column, "SELECT") for name, only in PROVISION.only.items() for column in only
    }
    for role in ("quipux_prov", "quipux_ro"):
        assert quipux.sql(
            "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolcanlogin FROM "
            "pg_roles "
            "WHERE rolname = %s",
            (role,),
        ) == [(False, False, False, False, False, True)]


def test_the_readme_lists_every_right() -> None:
    text = (ROOT / "roles" / "institution" / "README.md").read_text()
    columns = ("SELECT", "INSERT", "UPDATE", "DELETE")
    listed = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 6 and cells[0].strip("`") in PROVISION.tables:
            listed[cells[0].strip("`")] = tuple(
                name for name, cell in zip(columns, cells[1:5], strict=True) if cell == "x"
            )
    assert listed == {
        name: tuple(sorted(rights, key=columns.index)) for name, rights in PROVISION.tables.items()
    }
    assert all(f"`{name}`" in text for name in PROVISION.sequences)
    assert all(f"`{name}`" in text for name in READ_ONLY.tables)
    assert all(f"`{column}`" in text for columns in PROVISION.only.values() for column in columns)
    rows = [line.split("|") for line in text.splitlines() if line.count("|") == 3 and "`" in line]
    assert READ_ONLY.only == {
        row[1].strip(" `"): tuple(column.strip(" `") for column in row[2].split(",")) for row in rows
    }


def test_the_reading_role(quipux: Quipux) -> None:
    quipux.one(item(activation={"hash": CODE_HASH}))
    with quipux.database.connection("quipux_ro") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT usua_login, usua_esta FROM usuario")
        assert (f"U{CEDULA}", 1) in cursor.fetchall()
        for statement in (
            "SELECT usua_pasw FROM usuarios",
            "SELECT usua_pasw FROM usuario",
            "SELECT usua_sesion FROM usuarios_sesion",
            "SELECT * FROM usuario",
            "SELECT sentencia FROM log",
            "UPDATE usuarios SET usua_nuevo = 1",
            "SET default_transaction_read_only = off; INSERT INTO ciudad (id, nombre) VALUES (9999, 'X')",
        ):
            with pytest.raises(psycopg2.Error):
                cursor.execute(statement)
    with quipux.database.connection("quipux_ro") as connection, connection.cursor() as cursor:
        cursor.execute("SHOW default_transaction_read_only")
        assert cursor.fetchone() == ("on",)
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("30s",)


@pytest.fixture
def bare(variant: str, cluster: Cluster) -> Iterator[Quipux]:
    database = load(cluster, "quipux_modules_bare", variant)
    yield Quipux(database)
    database.drop()
    for role in ("other_prov", "other_ro"):
        cluster.sql("postgres", f"DROP ROLE IF EXISTS {role}")
        cluster.role_passwords.pop(role, None)


def make_roles(bare: Quipux, **options: Any) -> dict[str, Any]:
    cluster = bare.database.cluster
    cluster.role_passwords.setdefault(cluster.superuser, cluster.superuser_password)
    return bare.call(
        "database_roles",
        user=cluster.superuser,
        **{
            "provision_role": "other_prov",
            "provision_password": LONG + "1",
            "read_only_role": "other_ro",
            "read_only_password": LONG + "2",
            **options,
        },
    )


def test_check_make_again_change(bare: Quipux) -> None:
    before = bare.dump()
    planned = make_roles(bare, _ansible_check_mode=True)
    assert planned["changed"]
    assert bare.sql("SELECT 1 FROM pg_roles WHERE rolname LIKE 'other%%'") == []
    made = make_roles(bare)
    assert "created" in made["roles"]["other_prov"]
    assert bare.dump() == before
    again = make_roles(bare)
    assert (again["changed"], again["roles"]) == (False, {"other_prov": [], "other_ro": []})
    bare.database.cluster.role_passwords["other_prov"] = LONG + "1"
    assert bare.call("institution", user="other_prov", items=[item()])["items"][0]["status"] == "ok"

    bare.sql(
        "GRANT DELETE ON usuarios TO other_prov; REVOKE SELECT ON ciudad FROM other_prov; ALTER ROLE "
        "other_prov CREATEDB"
    )
    mended = make_roles(bare, provision_password=LONG + "3")
    assert mended["roles"]["other_prov"] == [
        "attributes",
        "+ SELECT on ciudad",
        "- DELETE on usuarios",
        "password",
    ]
    bare.database.cluster.role_passwords["other_prov"] = LONG + "3"
    assert bare.call("institution", user="other_prov", items=[item()])["items"][0]["status"] == "unchanged"
    assert not make_roles(bare, provision_password=LONG + "3")["changed"]

    bare.sql("DROP OWNED BY other_prov, other_ro")
    log = bare.database.cluster.log()
    assert "other_prov" in log
    assert LONG not in log
    verifier = bare.value("SELECT rolpassword FROM pg_authid WHERE rolname = 'other_prov'")
    assert verifier.startswith("SCRAM-SHA-256$4096:")
    assert verifier not in log


def test_hostile_role_names(bare: Quipux) -> None:
    name = 'x"; DROP TABLE log; --'
    made = make_roles(bare, provision_role=name)
    assert "created" in made["roles"][name]
    assert not make_roles(bare, provision_role=name)["changed"]
    bare.sql(f'DROP OWNED BY "{name.replace(chr(34), chr(34) * 2)}", other_ro')
    bare.sql(f'DROP ROLE "{name.replace(chr(34), chr(34) * 2)}"')
    assert bare.value("SELECT count(*) FROM log") >= 0


def test_short_passwords_are_refused(bare: Quipux) -> None:
    answer = make_roles(bare, provision_password="short-one")
    assert answer["failed"]
    assert "shorter than 12" in answer["msg"]
    assert "short-one" not in answer["msg"]


def test_verifiers_are_the_servers_own(bare: Quipux) -> None:
    """What we compute is what PostgreSQL computes, with letters beyond ASCII, too."""
    for password in ("plain-password-1", "contraseña-larga-ñandú"):
        assert fits(password, make(password))
        assert not fits(password + "x", make(password))
    assert not fits("x", "md5abc")
    assert not fits("x", None)
    make_roles(bare, provision_password="contraseña-larga-ñandú")
    bare.database.cluster.role_passwords["other_prov"] = "contraseña-larga-ñandú"
    assert bare.call("layout_info", user="other_prov")["layout"] == "quipux-2014"
    bare.sql("DROP OWNED BY other_prov, other_ro")
