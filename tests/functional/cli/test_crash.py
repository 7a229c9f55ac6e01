"""Killed at every point of an apply, found by what is there to see; then `apply` again makes it whole."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from quipux_provision.ansible.private import PREFIX, base_folder
from quipux_provision.outreach.activation import code_hash
from tests.functional.cli.attack import (
    Hold,
    Started,
    assert_absent,
    assert_code_counts,
    assert_told,
    assert_whole,
    children_of,
    code_of,
    gate,
    hash_in_database,
    hold,
    ledger_events,
    mail_settings,
    mails,
    ready,
    settings,
    tables,
    until,
)
from tests.functional.cli.local import LocalEnvironment
from tests.hosts.office import Applicant, Office
from tests.stand_in.mail_server import MailServer


@pytest.fixture
def training(country: dict[str, LocalEnvironment]) -> LocalEnvironment:
    return country["training"]


@pytest.fixture(scope="module")
def pool(house: Office) -> list[Applicant]:
    """Approved cases, one for each scenario."""
    applicants = [Applicant.invent() for _ in range(19)]
    ready(house, *applicants)
    return applicants


@pytest.fixture
def applicant(pool: list[Applicant]) -> Applicant:
    return pool.pop()


def apply(office: Office, applicant: Applicant) -> Started:
    return Started(office, "operador", "apply", applicant.case, "-e", "training")


def count(office: Office, kind: str, applicant: Applicant | None = None) -> int:
    name = applicant.case if applicant else None
    return sum(event == (kind, name) for event in ledger_events(office))


def stands(environment: LocalEnvironment, applicant: Applicant) -> bool:
    query = "SELECT 1 FROM institucion WHERE inst_ruc = %s"
    return bool(environment.database.sql(query, (applicant.ruc,)))


def assert_resumed(office: Office, environment: LocalEnvironment, applicant: Applicant) -> None:
    """`apply` again ends well; all is there once, and only the newest mail's code counts."""
    office.must("operador", "apply", applicant.case, "-e", "training")
    assert_whole(environment, applicant)
    sent = mails(office, applicant)
    assert sent
    assert_code_counts(environment, applicant, sent[-1])
    for old in sent[:-1]:
        assert code_hash(code_of(old)) != hash_in_database(environment, applicant)


def nothing_left(pid: int) -> None:
    assert list(base_folder().glob(f"{PREFIX}{pid}-*")) == []


def test_killed_as_the_run_begins(house: Office, training: LocalEnvironment, applicant: Applicant) -> None:
    """At the event that says so: Ansible, orphaned, is ended by the next run or finished before it."""
    before = count(house, "run.started")
    run = apply(house, applicant)
    until(lambda: count(house, "run.started") > before, "run.started")
    run.kill()
    assert count(house, "activation.prepared", applicant) == 1
    assert_resumed(house, training, applicant)
    nothing_left(run.process.pid)


def test_killed_before_the_module_runs(
    house: Office, training: LocalEnvironment, applicant: Applicant
) -> None:
    with gate(house, training, "quipux_db") as stop:
        run = apply(house, applicant)
        until(stop.reached, "the run at the database host")
        run.kill()
    assert_absent(training, applicant)
    assert_resumed(house, training, applicant)
    nothing_left(run.process.pid)


def test_killed_before_the_commit_and_the_orphan_stays(
    house: Office, training: LocalEnvironment, applicant: Applicant
) -> None:
    """The driver is gone, its Ansible still holds a transaction: the next run ends it, then does its own."""
    with hold(training.database) as held:
        run = apply(house, applicant)
        until(held.backend, "the module before its COMMIT")
        ((dead, _state),) = writers(training)
        run.kill()
        assert not stands(training, applicant)
        again = apply(house, applicant)
        # What the dead run held open is ended by the new one, or else this would wait for ever.
        until(lambda: count(house, "lock.taken_over", applicant) == 1, "the lock taken over")
        until(
            lambda: [(name != dead, state) for name, state in writers(training)] == [(True, "PgSleep")],
            "the new run's transaction, and no other",
        )
        held.release()
        result = again.result()
    assert result.code == 0, str(result)
    assert_resumed(house, training, applicant)
    nothing_left(run.process.pid)


def writers(training: LocalEnvironment) -> list[tuple[str, str]]:
    """Name and state of our connections: the name is the run's."""
    return training.database.sql(
        "SELECT application_name, wait_event FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name LIKE 'quipux-provision %%'"
    )


def test_killed_before_the_commit_and_the_orphan_commits(
    house: Office, training: LocalEnvironment, applicant: Applicant
) -> None:
    """The orphan's transaction comes through after its driver's death; its code went to nobody."""
    with hold(training.database) as held:
        run = apply(house, applicant)
        until(held.backend, "the module before its COMMIT")
        run.kill()
        held.release()
        until(lambda: stands(training, applicant), "the orphan's COMMIT")
    lost = hash_in_database(training, applicant)
    assert not mails(house, applicant)
    assert_resumed(house, training, applicant)
    assert hash_in_database(training, applicant) != lost


@pytest.mark.parametrize("whom", ["children", "backend", "server"])
def test_the_other_end_dies_before_the_commit(
    house: Office, training: LocalEnvironment, applicant: Applicant, whom: str
) -> None:
    """Ansible's processes, the server's process, the whole server: said so, nothing half, then repeated."""
    cluster = training.database.cluster
    with hold(training.database) as held:
        run = apply(house, applicant)
        backend = until(held.backend, "the module before its COMMIT")
        if whom == "children":
            for pid in children_of(run.process.pid):
                os.kill(pid, signal.SIGKILL)
        elif whom == "backend":
            training.database.sql("SELECT pg_terminate_backend(%s)", (backend,))
        else:
            cluster.crash()
        result = run.result()
        if whom == "server":
            cluster.restart()
    assert_told(result, result.code)
    assert result.code in (4, 7), str(result)
    assert count(house, "run.failed", applicant) == 1
    assert_absent(training, applicant)
    assert_resumed(house, training, applicant)


def test_killed_after_the_commit(house: Office, training: LocalEnvironment, applicant: Applicant) -> None:
    """The rows are there, folders and event are not."""
    with gate(house, training, "quipux_app") as stop:
        run = apply(house, applicant)
        until(stop.reached, "the run at the application host")
        assert stands(training, applicant)
        run.kill()
    lost = hash_in_database(training, applicant)
    assert count(house, "run.applied", applicant) == 0
    (state,) = house.must("operador", "status", applicant.case, "--format", "json").json()["cases"]
    assert (state["state"], state["next"]["command"].split()[1]) == ("aceptada", "apply")
    assert_resumed(house, training, applicant)
    assert hash_in_database(training, applicant) != lost


class SlowMail(MailServer):
    """Stands still until it is let go: before it takes a message (RCPT), or just after (DATA)."""

    def __init__(self, at: str) -> None:
        super().__init__()
        self.at = at
        self.reached = threading.Event()
        self.go = threading.Event()

    async def _stand(self, place: str) -> None:
        if place == self.at:
            self.reached.set()
            while not self.go.is_set():
                await asyncio.sleep(0.01)

    async def handle_RCPT(self, *arguments: Any) -> str:  # noqa: N802
        await self._stand("RCPT")
        return await super().handle_RCPT(*arguments)

    async def handle_DATA(self, *arguments: Any) -> str:  # noqa: N802
        answer = await super().handle_DATA(*arguments)
        await self._stand("DATA")
        return answer


@pytest.mark.parametrize("place", ["RCPT", "DATA"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_ended_in_mid_mail(
    house: Office, training: LocalEnvironment, applicant: Applicant, place: str, how: signal.Signals
) -> None:
    """After the event, before the mail was accepted; or accepted, and nobody was told."""
    with SlowMail(place) as server:
        settings(house, mail=mail_settings(server.port))
        try:
            run = apply(house, applicant)
            assert server.reached.wait(90)
            assert count(house, "run.applied", applicant) == 1
            run.process.send_signal(how)
            result = run.result()
        finally:
            settings(house, mail=mail_settings())
            server.go.set()
    assert result.code == (-signal.SIGKILL if how == signal.SIGKILL else 130), str(result)
    if how == signal.SIGTERM:
        assert_told(result, 130)
    assert_whole(training, applicant)
    lost = hash_in_database(training, applicant)
    if server.messages:
        assert code_hash(code_of(server.messages[0])) == lost
    (state,) = house.must("operador", "status", applicant.case, "--format", "json").json()["cases"]
    assert state["next"]["command"].split()[1] == "apply"
    assert_resumed(house, training, applicant)
    assert hash_in_database(training, applicant) != lost


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_asked_to_end_in_mid_transaction(
    house: Office, training: LocalEnvironment, applicant: Applicant, how: signal.Signals
) -> None:
    """130, two lines, nothing half, no process and no folder left; the same command goes on."""
    with hold(training.database) as held:
        run = apply(house, applicant)
        until(held.backend, "the module before its COMMIT")
        children = children_of(run.process.pid)
        run.process.send_signal(how)
        result = run.result()
        assert_told(result, 130)
        assert not [pid for pid in children if alive(pid)]
        nothing_left(run.process.pid)
        until(lambda: held.backend() is None or ended(held), "the end of the transaction")
    assert_absent(training, applicant)
    assert_resumed(house, training, applicant)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def ended(held: Hold) -> bool:
    """The server notices a client that is gone only when it writes to it: end what it still does for it."""
    held.database.sql("SELECT pg_terminate_backend(%s)", (held.backend(),))
    return True


def test_a_run_does_not_end_the_living_run_of_another(
    house: Office, training: LocalEnvironment, pool: list[Applicant]
) -> None:
    """Only what a dead run left open is ended; a plan, or an apply of another case, disturbs nobody."""
    first, other = pool.pop(), pool.pop()
    with hold(training.database) as held:
        run = apply(house, first)
        backend = until(held.backend, "the module before its COMMIT")
        house.must("operador", "plan", other.case, "-e", "training")
        beside = apply(house, other)
        waiting(training, beside)
        assert held.backend() == backend
        held.release()
        results = run.result(), beside.result()
    assert [result.code for result in results] == [0, 0], [str(result) for result in results]
    for applicant in (first, other):
        assert_whole(training, applicant)
        assert_code_counts(training, applicant, mails(house, applicant)[-1])


def waiting(training: LocalEnvironment, run: Started) -> None:
    def seen() -> list[Any]:
        return training.database.sql(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name LIKE 'quipux-provision %%' AND wait_event_type = 'Lock'"
        )

    until(seen, "the second run before the first one's locks")


def test_what_a_dead_run_left_on_another_host_is_ended(
    house: Office, training: LocalEnvironment, applicant: Applicant
) -> None:
    """Its connection, known by its name, still holds our lock: awaited, ended, and the case carried out."""
    with hold(training.database) as held:
        run = apply(house, applicant)
        until(held.backend, "the module before its COMMIT")
        (name,) = training.database.sql(
            "SELECT application_name FROM pg_stat_activity WHERE pid = %s", (held.backend(),)
        )
        children = children_of(run.process.pid)
        run.kill()
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    database = training.database
    until(
        lambda: not database.sql("SELECT 1 FROM pg_stat_activity WHERE application_name = %s", name),
        "its end",
    )
    left = database.connect("quipux_prov")
    with left.cursor() as cursor:
        cursor.execute("SELECT set_config('application_name', %s, false)", name)
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('quipux-provision'))")
        assert_resumed(house, training, applicant)
        with pytest.raises(psycopg2.Error):
            cursor.execute("SELECT 1")
    left.close()


def test_afterwards_all_stand_once(house: Office, training: LocalEnvironment) -> None:
    """Every case of this file, applied again: no change, no mail; states and ledger as after any run."""
    cases = house.must("autora", "status", "--format", "json").json()["cases"]
    done = [case["case"] for case in cases if case["environments"]["training"]["applied"]]
    assert done
    kept = sorted(path.name for path in (house.folder / "outbox").iterdir())
    before = tables(training.database)
    again = house.must("operador", "apply", *done, "-e", "training", "--format", "json").json()["cases"]
    assert {(case["status"], case["changed"], case["error"]) for case in again} == {
        ("unchanged", False, None)
    }
    assert tables(training.database) == before
    assert sorted(path.name for path in (house.folder / "outbox").iterdir()) == kept
    found = {(c["state"], c["environments"]["training"]["mail"]) for c in cases if c["case"] in done}
    assert found == {("en_capacitacion", "saved")}
    house.must("autora", "audit", "verify")
