"""The ledger tells the truth, or `audit verify` tells what was done to it."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
import yaml

from quipux_provision.service.workspace import Workspace
from quipux_provision.store import locks
from quipux_provision.store.ledger import event_of
from tests.functional.cli.desk import case_of, clock, clone, events, kept
from tests.functional.cli.local import LocalEnvironment
from tests.hosts.office import Applicant, Office, Result
from tests.stand_in.cluster import Cluster
from tests.stand_in.database import load

TRIGGERS = ("events_no_update", "events_no_delete", "personal_no_update")


@pytest.fixture(scope="module")
def carried(house: Office) -> Applicant:
    """A case that went through training: every kind of signature and a checkpoint are in the ledger."""
    applicant = Applicant.invent()
    house.approved(applicant)
    house.must("operador", "apply", applicant.case, "-e", "training")
    return applicant


@pytest.fixture
def copy(house: Office, carried: Applicant, tmp_path: Path) -> Path:
    """A clone of the workspace to do evil in."""
    return clone(house, tmp_path / "clone")


def audit(
    office: Office, *options: str | Path, code: int, folder: Path | None = None, **more: Any
) -> set[str]:
    """What `audit verify` finds, by code; notices have their severity before them."""
    answer = office.must(
        "autora", "audit", "verify", "--format", "json", *options, code=code, folder=folder, **more
    )
    report = answer.json()
    assert report["ok"] == (code == 0)
    return {
        one["code"] if one["severity"] == "error" else f"{one['severity']}: {one['code']}"
        for one in report["findings"]
    }


def tamper(folder: Path, *statements: str) -> None:
    """Change the ledger's tables as somebody who may do everything to the file."""
    with opened(folder) as connection:
        for one in statements:
            connection.execute(one)


def opened(folder: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(folder / "ledger.db")
    connection.row_factory = sqlite3.Row
    for name in TRIGGERS:
        connection.execute(f"DROP TRIGGER IF EXISTS {name}")
    return connection


def rewrite(folder: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    """Rewrite history well: change rows, then number and chain them anew."""
    with opened(folder) as connection:
        rows = [dict(row) for row in connection.execute("SELECT * FROM events ORDER BY seq")]
        change(rows)
        previous = "0" * 64
        connection.execute("DELETE FROM events")
        for seq, row in enumerate(rows, start=1):
            row |= {"seq": seq, "previous": previous}
            row["hash"] = previous = event_of(row).computed_hash()
            marks = ", ".join("?" for _column in row)
            connection.execute(f"INSERT INTO events VALUES ({marks})", list(row.values()))


def test_a_sound_ledger_is_said_to_be_sound(house: Office, carried: Applicant) -> None:
    answer = house.must("autora", "audit", "verify")
    assert re.fullmatch(r"the ledger holds: \d+ events, \d+ checkpoints\n", answer.output)
    assert audit(house, code=0) == set()


@pytest.mark.parametrize(
    ("expected", "statements"),
    [
        ("changed", ["UPDATE events SET actor = 'autora' WHERE kind = 'run.started'"]),
        ("changed", ["UPDATE events SET time = replace(time, '20', '21') WHERE kind = 'case.submitted'"]),
        ("removed", ["DELETE FROM events WHERE kind = 'case.decided'"]),
        (
            "reordered",
            [
                "UPDATE events SET seq = 999 WHERE seq = 4",
                "UPDATE events SET seq = 4 WHERE seq = 5",
                "UPDATE events SET seq = 5 WHERE seq = 999",
            ],
        ),
        ("cut", ["DELETE FROM events WHERE seq > (SELECT max(seq) - 2 FROM events)"]),
        ("personal_changed", ["UPDATE personal SET data = replace(data, 'Azogues', 'Cuenca')"]),
        ("personal_missing", ["DELETE FROM personal"]),
    ],
    ids=["changed", "redated", "removed", "reordered", "cut", "data changed", "data removed"],
)
def test_what_was_done_is_found(house: Office, copy: Path, expected: str, statements: list[str]) -> None:
    tamper(copy, *statements)
    assert expected in audit(house, code=5, folder=copy)
    answer = house.must("autora", "audit", "verify", code=5, folder=copy)
    assert "the ledger does not hold" in answer.errors
    assert "HINT:" in answer.errors


def test_a_rewritten_chain_is_found_by_signature_or_by_checkpoint(house: Office, copy: Path) -> None:
    def another_operator(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            if row["kind"] == "run.started":
                row["actor"] = "ejecutor"

    def no_failure(rows: list[dict[str, Any]]) -> None:
        rows[-1]["data"] = json.dumps({**json.loads(rows[-1]["data"]), "file": "otro.eml"}, sort_keys=True)

    rewrite(copy, another_operator)
    assert {"signature_invalid", "rewritten"} <= audit(house, code=5, folder=copy)
    shutil.rmtree(copy)
    clone(house, copy)
    rewrite(copy, no_failure)
    assert audit(house, code=5, folder=copy) >= {"rewritten"}


def test_an_approval_by_another_hand_is_found(house: Office, copy: Path) -> None:
    def approved_by_another(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            if row["kind"] in ("decision.received", "case.decided"):
                row["actor"] = "ejecutor"

    rewrite(copy, approved_by_another)
    assert "signature_invalid" in audit(house, code=5, folder=copy)


def test_a_cut_with_its_checkpoints_is_found_by_what_was_kept_elsewhere(
    house: Office, copy: Path, carried: Applicant, tmp_path: Path
) -> None:
    elsewhere = shutil.copytree(copy / "checkpoints", tmp_path / "elsewhere")
    newest = max(elsewhere.glob("*.json"), key=lambda path: path.name)
    shutil.rmtree(copy / "checkpoints")
    tamper(copy, "DELETE FROM events WHERE kind LIKE 'mail.%' OR kind = 'run.applied'")
    tamper(copy, "DELETE FROM events WHERE seq > (SELECT max(seq) - 1 FROM events)")
    # Whoever cuts also takes what the cut events kept of their mails.
    named = "SELECT personal_ref FROM events WHERE personal_ref <> ''"
    tamper(copy, f"DELETE FROM personal WHERE ref NOT IN ({named})")
    # Without what was kept elsewhere nobody can know; but it is said that there is nothing to compare with.
    assert audit(house, code=0, folder=copy) == {"notice: no_checkpoint"}
    assert audit(house, "--checkpoint", newest, code=5, folder=copy) == {"cut"}
    message = message_from_bytes(
        next((copy / "outbox").glob(f"*{carried.case}*.eml")).read_bytes(), policy=policy.default
    )
    head = message["X-Quipux-Provision-Ledger"]
    assert audit(house, "--mail-head", head, code=5, folder=copy) == {"cut"}
    assert audit(house, "--mail-head", head, code=0) == set()
    newest.with_name(newest.name + ".sig").write_text("")
    assert audit(house, "--checkpoint", newest, code=5) == {"checkpoint_invalid"}


def test_a_fork_is_found(house: Office, copy: Path) -> None:
    other = Applicant.invent()
    house.write(other)
    shutil.copy2(house.folder / "requests" / f"{other.case}.yml", copy / "requests")
    house.must("autora", "submit", f"requests/{other.case}.yml")
    house.must("autora", "submit", f"requests/{other.case}.yml", folder=copy)
    paths = [Workspace(folder, house.key("operador")).checkpoint() for folder in (house.folder, copy)]
    assert audit(house, code=0) == set()
    assert audit(house, code=0, folder=copy) == set()
    for folder, path in ((house.folder, paths[1]), (copy, paths[0])):
        assert audit(house, "--checkpoint", path, code=5, folder=folder) == {"rewritten", "forked"}


def test_a_clock_set_back_stops_the_pen_and_is_found(house: Office, carried: Applicant) -> None:
    early, before = clock("-1d"), events(house)
    path = house.write(Applicant.invent())
    answer = house.must("autora", "submit", path, code=5, environ=early)
    assert "the newest event is of" in answer.errors
    assert "nothing was written" in answer.errors
    assert events(house) == before
    assert audit(house, code=5, environ=early) == {"clock"}
    assert audit(house, code=0) == set()


def test_an_event_dated_before_the_one_before_it_is_found(house: Office, copy: Path) -> None:
    def earlier(rows: list[dict[str, Any]]) -> None:
        rows[-1]["time"] = "2026-01-01T00:00:00.000000Z"

    shutil.rmtree(copy / "checkpoints")
    rewrite(copy, earlier)
    assert audit(house, code=5, folder=copy) == {"clock", "notice: no_checkpoint"}


def test_a_change_of_the_signers_file_is_shown(house: Office, copy: Path) -> None:
    status = house.must("autora", "status", "--format", "json", folder=copy)
    assert status.json()["notices"] == []
    with (copy / "allowed_signers").open("a") as signers:
        signers.write("# nobody new\n")
    for said in ("changed since the last event", "the signers file changed at "):
        notices = house.must("autora", "status", "--format", "json", folder=copy).json()["notices"]
        assert [one["code"] for one in notices] == ["signers_changed"]
        assert said in notices[0]["message"]
        assert said in house.must("autora", "status", folder=copy).output
        assert audit(house, code=0, folder=copy) == {"notice: signers_changed"}
        house.must("autora", "submit", house.write(Applicant.invent()), folder=copy)


def test_the_signers_to_trust_can_be_named(house: Office, carried: Applicant, tmp_path: Path) -> None:
    lines = (house.folder / "allowed_signers").read_text().splitlines(keepends=True)
    (tmp_path / "all").write_text("".join(lines))
    assert audit(house, "--allowed-signers", tmp_path / "all", code=0) == set()
    (tmp_path / "few").write_text("".join(line for line in lines if not line.startswith("aprobadora ")))
    found = audit(house, "--allowed-signers", tmp_path / "few", code=5)
    assert found == {"signature_invalid", "notice: signers_changed"}
    house.must("autora", "audit", "verify", "--allowed-signers", tmp_path / "none", code=2)


# The same road with the ledger on a server.


@pytest.fixture
def server(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """URL and password of an empty database whose owner is no superuser."""
    password = "c0ntraseña-del-libro"
    cluster.sql("postgres", f"CREATE ROLE libro LOGIN PASSWORD '{password}'")
    cluster.sql("postgres", "CREATE DATABASE libro OWNER libro")
    yield f"postgresql://libro@{cluster.host}:{cluster.port}/libro", password
    cluster.sql("postgres", "DROP DATABASE libro WITH (FORCE)")
    cluster.sql("postgres", "DROP ROLE libro")


def test_the_road_with_the_ledger_on_postgresql(
    country: dict[str, LocalEnvironment], cluster: Cluster, server: tuple[str, str], tmp_path: Path
) -> None:
    url, password = server
    office = Office(tmp_path / "oficina", country["training"], country["production"])
    settings = office.folder / "quipux-provision.yml"
    content = yaml.safe_load(settings.read_text())
    content["ledger"] = {"url": url, "password": {"env": "CLAVE_LIBRO"}}
    settings.write_text(yaml.safe_dump(content))
    said: list[Result] = []

    def must(person: str, *arguments: str | Path, code: int = 0, secret: str = password) -> Result:
        said.append(office.must(person, *arguments, code=code, environ={"CLAVE_LIBRO": secret}))
        return said[-1]

    applicant = Applicant.invent()
    assert "CLAVE_LIBRO" in office.must("autora", "status", code=2).errors
    must("autora", "status", code=7, secret="otra")
    must("autora", "submit", office.write(applicant))
    must("operador", "plan", applicant.case, "-e", "training")
    must("aprobadora", "approve", "--all-planned", "-e", "training", "--yes")
    must("operador", "apply", applicant.case, "-e", "training")
    assert must("operador", "status", "--format", "json").json()["cases"][0]["state"] == "en_capacitacion"
    must("autora", "audit", "verify")
    must("autora", "history", applicant.case)
    assert not (office.folder / "ledger.db").exists()
    assert not any(password in result.output + result.errors for result in said)

    # A second workspace of the same office shares the cases; a checkpoint of the first one fits.
    other = clone(office, tmp_path / "otra-oficina")
    shared = {"folder": other, "environ": {"CLAVE_LIBRO": password}}
    assert case_of(office, applicant, **shared)["state"] == "en_capacitacion"
    office.must("autora", "withdraw", applicant.case, "--reason", "no", **shared)
    assert must("operador", "status", "--format", "json").json()["cases"][0]["state"] == "desistida"

    cluster.sql("libro", "DROP TRIGGER events_append_only ON events")
    cluster.sql("libro", "UPDATE events SET actor = 'autora' WHERE kind = 'run.started'")
    assert "changed: event" in must("autora", "audit", "verify", code=5).output
    cluster.sql("libro", "DELETE FROM events WHERE kind = 'mail.saved'")
    assert "removed: " in must("autora", "audit", "verify", code=5).output


# Locks.


def test_a_lock_is_removed_by_hand_with_name_and_reason(house: Office, carried: Applicant) -> None:
    ledger = Workspace(house.folder, house.key("ejecutor")).ledger
    case = carried.case
    unlock = ("unlock", case, "-e", "training", "--reason")
    with locks.acquire(ledger, "training", [case], timedelta(minutes=15), reason="apply"):
        answer = house.must("operador", "apply", case, "-e", "training", code=6)
        assert f"{case} is locked in training by" in answer.errors
        assert f"quipux-provision unlock {case} --environment training" in answer.errors
        before = events(house)
        assert "a reason is missing" in house.must("operador", *unlock, " ", code=2).errors
        assert events(house) == before
        assert f"{case}: unlocked" in house.must("operador", *unlock, "esa máquina se apagó").output
    assert "is not locked in training" in house.must("operador", *unlock, "otra vez", code=2).errors
    last = house.must("autora", "history", case, "--format", "json").json()["events"][-1]
    assert (last["kind"], last["actor"]) == ("lock.released_by_hand", "operador")
    assert last["data"]["signed"]["namespace"] == "quipux-provision-run"
    assert audit(house, code=0) == set()


def test_only_who_may_sign_unlocks(house: Office, carried: Applicant) -> None:
    ledger = Workspace(house.folder, house.key("ejecutor")).ledger
    with kept(house.folder / "allowed_signers") as signers:
        lines = signers.read_text().splitlines(keepends=True)
        signers.write_text("".join(line for line in lines if not line.startswith("operador ")))
        with locks.acquire(ledger, "training", [carried.case], timedelta(minutes=15), reason="apply"):
            said = house.must("operador", "unlock", carried.case, "-e", "training", "--reason", "x", code=5)
        assert "is nobody's" in said.errors


# Environments and their databases.


def test_an_environment_stays_with_its_database(
    country: dict[str, LocalEnvironment], layout: str, tmp_path: Path
) -> None:
    training = country["training"]
    office = Office(tmp_path / "oficina", training, country["production"])
    applicant = Applicant.invent()
    office.must("autora", "submit", office.write(applicant))
    rebind = ("environment", "rebind", "training", "--reason")
    assert "not bound to a database yet" in office.must("operador", *rebind, "x", code=2).errors
    office.must("operador", "plan", "-e", "training")
    bound = training.database.name

    another = load(training.database.cluster, "quipux_mudada", layout, roles=True)
    try:
        office.describe(training, quipux_db_name=another.name)
        said = office.must("operador", "plan", "-e", "training", code=5).errors
        assert "bound to another database" in said
        assert "quipux-provision environment rebind training" in said
        assert "a reason is missing" in office.must("operador", *rebind, " ", code=2).errors
        released = office.must("operador", *rebind, "servidor nuevo", "--format", "json").json()["released"]
        assert released["name"] == bound
        office.must("operador", "plan", "-e", "training")
        assert audit(office, code=0) == {"notice: no_checkpoint"}
    finally:
        another.drop()


def test_two_environments_do_not_share_a_server(
    country: dict[str, LocalEnvironment], layout: str, tmp_path: Path
) -> None:
    training = country["training"]
    neighbour = load(training.database.cluster, "quipux_vecina", layout, roles=True)
    try:
        production = LocalEnvironment("production", neighbour, tmp_path)
        office = Office(tmp_path / "oficina", training, production)
        applicant = Applicant.invent()
        office.approved(applicant)
        office.must("operador", "apply", "-e", "training")
        before = events(office)
        said = office.must("operador", "plan", applicant.case, "-e", "production", code=5).errors
        assert "production and training are in one database cluster" in said
        assert events(office) == before
    finally:
        neighbour.drop()
