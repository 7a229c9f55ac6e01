"""Many at the same time: runs of one case, runs of many cases, and the web pages' own writers."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import pytest

from tests.functional.cli.attack import (
    Started,
    assert_code_counts,
    assert_told,
    assert_whole,
    ledger_events,
    mails,
    ready,
    until,
)
from tests.functional.cli.local import LocalEnvironment
from tests.hosts.office import Applicant, Office
from tests.stand_in.database import Database

LONGEST_WAIT = "1s"


@pytest.fixture
def training(country: dict[str, LocalEnvironment]) -> LocalEnvironment:
    return country["training"]


def test_twenty_applies_of_one_case(house: Office, training: LocalEnvironment) -> None:
    """One carries it out; the others are told that it is locked, or find it done."""
    applicant = Applicant.invent()
    ready(house, applicant)
    runs = [Started(house, "operador", "apply", applicant.case, "-e", "training") for _ in range(20)]
    results = [run.result() for run in runs]
    codes = Counter(result.code for result in results)
    assert codes.keys() <= {0, 6}, [str(result) for result in results if result.code not in (0, 6)]
    assert codes[0] >= 1
    for result in results:
        if result.code == 6:
            assert_told(result, 6, words=applicant.case)
    assert_whole(training, applicant)
    events = Counter(kind for kind, case in ledger_events(house) if case == applicant.case)
    assert events["mail.saved"] == len(mails(house, applicant)) == 1
    assert events["run.applied"] == codes[0]
    assert_code_counts(training, applicant, mails(house, applicant)[0])
    house.must("autora", "audit", "verify")


class WebPage:
    """Transactions as the web pages make them, one after the other, until told to stop.

    Each may wait :data:`LONGEST_WAIT` for a lock, no longer.
    """

    def __init__(self, database: Database, number: int) -> None:
        self.done, self.failed = 0, []
        self._database, self._number = database, number
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def _write(self) -> None:
        page = self._database.connect()
        with page.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", (LONGEST_WAIT,))
            page.commit()
            while not self._stop.is_set():
                try:
                    self._page(cursor)
                    page.commit()
                    self.done += 1
                except psycopg2.Error as error:
                    page.rollback()
                    self.failed.append(str(error))
        page.close()

    def _page(self, cursor: psycopg2.extensions.cursor) -> None:
        cursor.execute(
            "INSERT INTO institucion (inst_codi, inst_ruc, inst_nombre, inst_sigla, inst_estado)"
            " VALUES (nextval('sec_institucion'), NULL, %s, %s, 0) RETURNING inst_codi",
            (f"Página {self._number}", f"P{self._number}"),
        )
        number = cursor.fetchone()[0]
        cursor.execute("UPDATE institucion SET inst_telefono = '1' WHERE inst_codi = %s", (number,))
        cursor.execute(
            "UPDATE usuarios SET usua_obs = 'x' WHERE usua_codi = (SELECT min(usua_codi) FROM usuarios)"
        )

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


@contextmanager
def web_pages(database: Database, count: int) -> Iterator[list[WebPage]]:
    pages = [WebPage(database, number) for number in range(count)]
    try:
        yield pages
    finally:
        for page in pages:
            page.stop()


def test_web_pages_write_at_the_same_time(house: Office, training: LocalEnvironment) -> None:
    """Forty cases in two runs, two writers, one long transaction: all come through, no page waits long."""
    applicants = [Applicant.invent() for _ in range(40)]
    ready(house, *applicants)
    half = [[applicant.case for applicant in applicants[start::2]] for start in (0, 1)]
    database = training.database
    slow = database.connect()
    with slow.cursor() as cursor, web_pages(database, 2) as pages:
        until(lambda: all(page.done for page in pages), "the pages' first transactions")
        cursor.execute("UPDATE institucion SET inst_telefono = '2' WHERE inst_codi = 1")
        runs = [Started(house, "operador", "apply", *cases, "-e", "training") for cases in half]
        until(lambda: waits(database), "a run before the long transaction")
        at = [page.done for page in pages]
        until(
            lambda: all(page.done > was + 5 for page, was in zip(pages, at, strict=True)), "pages that go on"
        )
        slow.rollback()
        results = [run.result() for run in runs]
        assert [result.code for result in results] == [0, 0], [str(result) for result in results]
    slow.close()
    assert [page.failed for page in pages] == [[], []]
    for applicant in applicants:
        assert_whole(training, applicant)
        assert len(mails(house, applicant)) == 1
        assert_code_counts(training, applicant, mails(house, applicant)[0])
    house.must("autora", "audit", "verify")


def waits(database: Database) -> bool:
    return bool(
        database.sql(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name LIKE 'quipux-provision %%' AND wait_event_type = 'Lock'"
        )
    )


def test_two_cases_with_one_ruc_that_race(house: Office, training: LocalEnvironment) -> None:
    """Two runs in the database at once want one acronym: one gets it, the other is told."""
    first, second = Applicant.invent(), Applicant.invent()
    twin = Applicant(second.case, second.ruc, first.acronym, second.national_id)
    house.must("autora", "submit", house.write(first))
    refused = house.run("autora", "submit", house.write(twin))
    if refused.code != 0:
        assert_told(refused, refused.code, words=first.acronym)
        return
    for applicant in (first, twin):
        house.must("operador", "plan", applicant.case, "-e", "training")
        house.must("aprobadora", "approve", applicant.case, "-e", "training", "--yes")
    runs = [Started(house, "operador", "apply", one.case, "-e", "training") for one in (first, twin)]
    results = [run.result() for run in runs]
    assert sorted(result.code for result in results) == [0, 4], [str(result) for result in results]
    assert_told(next(result for result in results if result.code), 4, words="acronym")
    query = "SELECT count(*) FROM institucion WHERE inst_sigla = %s AND inst_estado = 1"
    assert training.database.sql(query, (first.acronym,)) == [(1,)]
