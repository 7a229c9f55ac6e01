"""Module parametrisation_info: each activity, from nothing done to done, spoilt and mended, on both layouts.

One institution for each way of spoiling, all looked at together: what spoils one must not touch another.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.quipux.provision.plugins.module_utils import _evidence
from ansible_collections.quipux.provision.plugins.module_utils._connection import Session
from ansible_collections.quipux.provision.plugins.module_utils._evidence_checks import (
    CHECKS,
    IDS,
    NEEDS,
    REASONS,
)
from ansible_collections.quipux.provision.plugins.module_utils._grants import READ_ONLY

from quipux_provision.domain.activities import ACTIVITIES
from quipux_provision.domain.evidence import COUNTS
from quipux_provision.domain.evidence import REASONS as SENTENCES
from tests.conftest import VARIANTS, MakeDatabase
from tests.functional.modules.conftest import Quipux, item
from tests.functional.modules.spoilings import SPOILINGS
from tests.stand_in.cluster import Cluster
from tests.stand_in.database import OWNER, REAL_VARIABLE, load, real_folder
from tests.stand_in.parametrisation import Parametrisation, national_id

LONG_AGO = "2020-01-01T00:00:00Z"
FILES = {"A2", "B5"}
# What an institution shows of which nothing but the provisioning was done.
FRESH = {
    *("A1", "A2", "B1", "C1", "C4", "D2", "D3", "D4", "D5", "E2", "E3", "E4", "E5", "E6"),
    *("F1", "F2", "F3", "F4", "F5", "F6"),
}


def case_item(number: int) -> dict[str, Any]:
    """An institution for module institution."""
    return item(
        f"case-{number}",
        ruc=f"17{number:08d}001",
        acronym=f"E{number}",
        name=f"Instituto {number}",
        administrator__national_id=national_id(number),
    )


def review_item(made: dict[str, Any], since: str | None = None) -> dict[str, Any]:
    """The same for module parametrisation_info."""
    return {
        **{name: made[name] for name in ("case", "ruc", "name", "acronym", "phone")},
        "national_id": made["administrator"]["national_id"],
        "since": since,
    }


def verdicts(result: dict[str, Any]) -> dict[str, str]:
    return {one["id"]: one["verdict"] for one in result["activities"]}


@dataclass
class Office:
    """Institutions of one database, and their AIQs' work."""

    quipux: Quipux
    items: list[dict[str, Any]]
    names: list[dict[str, int]]

    def look(self, **options: Any) -> list[dict[str, Any]]:
        since = self.quipux.value("SELECT to_char(now() - interval '1 day', 'YYYY-MM-DD\"T\"HH24:MI:SSOF')")
        since += ":00" if len(since) < 25 else ""
        answer = self.quipux.call(
            "parametrisation_info",
            user="quipux_ro",
            items=[review_item(one, since) for one in self.items],
            **options,
        )
        assert "items" in answer, answer
        assert not answer["changed"]
        results: list[dict[str, Any]] = answer["items"]
        return results


def fill(quipux: Quipux, many: int, work: bool = True) -> Office:
    """So many institutions; with everything done in them if `work`."""
    items = [case_item(number) for number in range(1, many + 1)]
    made = quipux.run(*items)
    assert {one["status"] for one in made} == {"ok"}
    names = []
    if work:
        with quipux.database.connection() as connection:
            cursor = connection.cursor()
            for number, one in enumerate(made, 1):
                ids = one["ids"]
                work_of = Parametrisation(
                    cursor, ids["institution"], ids["area"], ids["administrator"], 10000 + 10 * number
                )
                names.append(work_of.whole())
    return Office(quipux, items, names)


@dataclass
class Story:
    """What was seen at each turn."""

    office: Office
    done: list[dict[str, Any]]
    spoilt: list[dict[str, Any]]
    mended: list[dict[str, Any]]


@pytest.fixture(scope="module", params=VARIANTS)
def story(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[Story]:
    if request.param == "real" and real_folder() is None:
        pytest.skip(f"the real layout needs {REAL_VARIABLE}=FOLDER (SCRIPTBD of a Quipux release)")
    database = load(cluster, "quipux_evidence", request.param, roles=True)
    office = fill(Quipux(database), len(SPOILINGS))
    turns = [office.look()]
    for mend in (False, True):
        for spoiling, names in zip(SPOILINGS, office.names, strict=True):
            database.sql(spoiling.mend if mend else spoiling.spoil, names)
        turns.append(office.look())
    yield Story(office, *turns)
    database.drop()


def test_the_checks_are_the_checklist() -> None:
    assert list(IDS) == [one.id for one in ACTIVITIES if not one.id.startswith("G")]
    assert set(SENTENCES) == set(REASONS)
    assert all(sentence.endswith(".") for sentence in SENTENCES.values())


def test_every_reason_has_a_way_to_it() -> None:
    told = {(one.activity, reason) for one in SPOILINGS for reason in one.reasons.split()}
    assert told == {(check.id, reason) for check in CHECKS for reason in check.failures}


def test_nothing_done(quipux: Quipux) -> None:
    office = fill(quipux, 1, work=False)
    before = quipux.dump()
    (result,) = office.look()
    found = verdicts(result)
    assert {name for name, verdict in found.items() if verdict == "no_cumple"} == FRESH
    assert {name for name, verdict in found.items() if verdict == "no_verificable"} == {"B5"}
    assert quipux.dump() == before


def test_all_done(story: Story) -> None:
    for result in story.done:
        found = verdicts(result)
        assert list(found) == list(IDS)
        assert {name for name, verdict in found.items() if verdict != "cumple"} == FILES, result
        assert all(
            one["reasons"] == (["files_not_checked"] if one["id"] in FILES else [])
            for one in result["activities"]
        )


@pytest.mark.parametrize(
    "number", range(len(SPOILINGS)), ids=lambda n: f"{SPOILINGS[n].activity}-{SPOILINGS[n].reasons}-{n}"
)
def test_spoilt_and_mended(story: Story, number: int) -> None:
    spoiling = SPOILINGS[number]
    for turn, verdict, reasons in (
        (story.spoilt, "no_cumple", spoiling.reasons.split()),
        (story.mended, "no_verificable", ["files_not_checked"])
        if spoiling.activity in FILES
        else (story.mended, "cumple", []),
    ):
        assert turn[number]["status"] == "ok", turn[number]
        (found,) = [one for one in turn[number]["activities"] if one["id"] == spoiling.activity]
        assert (found["verdict"], found["reasons"]) == (verdict, reasons), found


def test_mended_is_as_done(story: Story) -> None:
    assert story.mended == story.done


def test_numbers_only(story: Story) -> None:
    """Neither in the results nor in the echo of the options is anything of a person."""
    quipux, (made, *_rest) = story.office.quipux, story.office.items
    answer = quipux.call("parametrisation_info", user="quipux_ro", items=[review_item(made)])
    text = json.dumps(answer, ensure_ascii=False)
    person = made["administrator"]
    for private in (
        person["national_id"],
        person["surnames"],
        person["email"],
        "De Ejemplo",
        national_id(10010),
    ):
        assert private not in text
    for one in answer["items"][0]["activities"]:
        assert all(isinstance(number, int) for number in (*one["counts"].values(), *one["ids"]))
        assert set(one["counts"]) <= set(COUNTS)


def test_what_is_wrong_is_numbered(story: Story) -> None:
    for spoiling, names, result in zip(SPOILINGS, story.office.names, story.spoilt, strict=True):
        (found,) = [one for one in result["activities"] if one["id"] == spoiling.activity]
        if spoiling.reasons in ("sigla_not_upper", "area_without_head", "orphan_areas"):
            assert set(found["ids"]) <= {names["area"], names["sub"]}
            assert found["ids"]
        if spoiling.reasons == "area_circle":
            assert found["ids"] == sorted([names["area"], names["sub"]])


def test_before_the_term_does_not_count(story: Story) -> None:
    made = story.office.items[0]
    call = story.office.quipux.call
    for since, verdict in (
        (LONG_AGO, "cumple"),
        (None, "cumple"),
        ("2999-01-01T00:00:00-05:00", "no_cumple"),
    ):
        answer = call("parametrisation_info", user="quipux_ro", items=[review_item(made, since)])
        found = verdicts(answer["items"][0])
        assert {found[name] for name in ("E2", "E3", "E4", "E5", "E6", "F1")} == {verdict}
        assert found["F2"] == "cumple"


def test_items_that_cannot_be_looked_at(story: Story) -> None:
    made = story.office.items[0]
    unknown = {**review_item(made), "case": "x", "ruc": "1799999999001", "national_id": national_id(999)}
    when = {**review_item(made, "2026-11-03T15:00:00"), "case": "y"}
    answer = story.office.quipux.call(
        "parametrisation_info", user="quipux_ro", items=[unknown, when, review_item(made)]
    )
    results = answer["items"]
    assert [one["status"] for one in results] == ["refused", "refused", "ok"]
    assert [one["error"]["code"] for one in results[:2]] == ["no_such_institution", "bad_value"]
    assert results[0]["activities"] == []
    assert results[0]["ids"] == {"institution": None}


def test_a_shared_ruc_is_decided_by_the_administrator(quipux: Quipux) -> None:
    office = fill(quipux, 2, work=False)
    quipux.sql("UPDATE institucion SET inst_ruc = %s WHERE inst_codi > 2", (office.items[0]["ruc"],))
    for one in office.items:
        one["ruc"] = office.items[0]["ruc"]
    first, second = office.look()
    assert first["ids"]["institution"] != second["ids"]["institution"]
    quipux.sql("UPDATE usuarios SET usua_cedula = 'x' WHERE inst_codi > 2")
    assert {one["status"] for one in office.look()} == {"refused"}


@pytest.mark.parametrize(
    ("damage", "lacking"),
    [
        ("DROP TABLE trd_nivel CASCADE", {"F5"}),
        ("ALTER TABLE radicado DROP COLUMN radi_fech_firma CASCADE", {"E6"}),
        ("ALTER TABLE usuarios DROP COLUMN usua_sumilla CASCADE", {"C2"}),
        ("DELETE FROM permiso WHERE nombre = 'firma_digital'", {"D4"}),
        ("DROP TABLE hist_eventos, anexos, tarea, lista_usuarios CASCADE", {"E4", "E5", "E6", "F1", "F2"}),
    ],
)
def test_what_a_layout_lacks_is_never_met(quipux: Quipux, damage: str, lacking: set[str]) -> None:
    office = fill(quipux, 1)
    quipux.sql("DELETE FROM permiso_usuario WHERE id_permiso = 19" if "DELETE" in damage else "SELECT 1")
    quipux.sql(damage)
    (result,) = office.look()
    open_ = {one["id"]: one["reasons"] for one in result["activities"] if one["verdict"] == "no_verificable"}
    assert {name for name, reasons in open_.items() if reasons == ["layout_lacks"]} == lacking
    assert {name for name, reasons in open_.items() if reasons != ["layout_lacks"]} == FILES


def test_the_layout_of_2010(make_database: MakeDatabase) -> None:
    old = Quipux(make_database("2010-like"))
    old.sql("INSERT INTO institucion (inst_codi, inst_ruc, inst_estado) VALUES (7, '1769999930001', 1)")
    answer = old.call("parametrisation_info", user=OWNER, items=[review_item(item())])
    (result,) = answer["items"]
    assert answer["layout"] == "unknown"
    assert "cumple" not in {
        one["verdict"] for one in result["activities"] if one["id"] in ("A1", "C2", "D1", "E2", "F5")
    }


def session(quipux: Quipux) -> Session:
    cluster = quipux.database.cluster
    return Session(
        {
            **{"login_host": cluster.host, "login_port": cluster.port, "login_user": "quipux_ro"},
            **{"login_password": cluster.role_passwords["quipux_ro"], "login_db": quipux.database.name},
        }
    )


def test_every_right_is_needed_and_enough(quipux: Quipux, monkeypatch: pytest.MonkeyPatch) -> None:
    """What PostgreSQL says counts, not our own look at the rights; without one column one check or more is
    refused, and exactly those that say they need it."""
    office = fill(quipux, 1)
    items = [review_item(office.items[0])]
    monkeypatch.setattr(_evidence, "_lacking", lambda _seen, _needs: None)
    assert READ_ONLY.only
    for table, columns in READ_ONLY.only.items():
        for column in columns:
            quipux.sql(f"REVOKE SELECT ({column}) ON {table} FROM quipux_ro")
            ours = session(quipux)
            (found,) = _evidence.look(ours, items)
            ours.close()
            quipux.sql(f"GRANT SELECT ({column}) ON {table} TO quipux_ro")
            refused = {one["id"] for one in found.activities if one["reasons"] == ["query_failed"]}
            assert refused == {check.id for check in CHECKS if column in check.needs.get(table, ())}, (
                table,
                column,
            )
    assert not {"usua_pasw", "usua_sesion", "inst_ws_contrasena"} & {
        column for columns in NEEDS.values() for column in columns
    }


def test_a_right_that_lacks_is_told(quipux: Quipux) -> None:
    office = fill(quipux, 1)
    quipux.sql("REVOKE SELECT (depe_codi) ON trd FROM quipux_ro")
    (result,) = office.look()
    (told,) = [one for one in result["activities"] if one["reasons"] == ["rights_lack"]]
    assert (told["id"], told["verdict"]) == ("F5", "no_verificable")
    quipux.sql(
        "REVOKE SELECT ON institucion FROM quipux_ro; REVOKE SELECT (inst_ruc) ON institucion FROM quipux_ro"
    )
    answer = quipux.call("parametrisation_info", user="quipux_ro", items=[review_item(office.items[0])])
    assert answer["failed"]
    assert "institucion.inst_ruc" in answer["msg"]


def test_a_check_that_takes_too_long_leaves_the_others_alone(quipux: Quipux) -> None:
    office = fill(quipux, 1)
    quipux.sql(
        "ALTER TABLE trd_nivel RENAME TO trd_nivel_; CREATE VIEW trd_nivel AS SELECT n.* FROM trd_nivel_ n "
        "WHERE pg_sleep(60) IS NOT NULL; GRANT SELECT ON trd_nivel TO quipux_ro"
    )
    with quipux.database.connect() as holder:
        holder.cursor().execute("LOCK TABLE archivo_nivel IN ACCESS EXCLUSIVE MODE")
        (result,) = office.look(statement_timeout=2000, lock_timeout=500)
    late = {one["id"] for one in result["activities"] if one["reasons"] == ["query_timed_out"]}
    assert late == {"F5", "F6"}
    assert {one["id"] for one in result["activities"] if one["verdict"] == "cumple"} == {*IDS} - FILES - late


def test_one_transaction_that_can_only_read(quipux: Quipux) -> None:
    """Even a login that may write everything writes nothing, and a handful of round trips serve all cases."""
    office = fill(quipux, 2)
    before, mark = quipux.dump(), len(quipux.database.cluster.log())
    cluster = quipux.database.cluster
    cluster.role_passwords.setdefault(cluster.superuser, cluster.superuser_password)
    quipux.call(
        "parametrisation_info", user=cluster.superuser, items=[review_item(one) for one in office.items]
    )
    text = cluster.log()[mark:]
    assert "READ ONLY" in text
    assert text.count("SAVEPOINT quipux_check") == len(CHECKS)
    assert quipux.dump() == before


def test_a_live_substitution_is_no_second_person(quipux: Quipux) -> None:
    """The pages give the substitute a second account: same cédula, the other's rights, no trace of them."""
    office = fill(quipux, 1)
    (names,) = office.names
    second = quipux.app_insert_user(
        usua_cedula=quipux.value("SELECT usua_cedula FROM usuarios WHERE usua_codi = %s", (names["clerk"],)),
        usua_subrogado=names["deputy"],
        usua_sumilla="op",
        inst_codi=names["inst"],
        depe_codi=names["area"],
    )
    quipux.sql(
        "INSERT INTO permiso_usuario SELECT id_permiso, %s FROM permiso_usuario WHERE usua_codi = %s",
        (second, names["deputy"]),
    )
    (result,) = office.look()
    assert {one["id"] for one in result["activities"] if one["verdict"] != "cumple"} == FILES
    quipux.sql("DELETE FROM permiso_usuario WHERE usua_codi = %s", (names["deputy"],))
    (result,) = office.look()
    assert verdicts(result)["D2"] == "no_cumple"
