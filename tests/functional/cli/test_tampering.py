"""Whoever can write the settings or the ledger's database still gets nothing into production."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml

from quipux_provision.domain.canonical import canonical_json, salted_digest
from quipux_provision.domain.request import Request
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.ledger import NewEvent
from tests.functional.cli.desk import clock, kept, workspace
from tests.functional.cli.local import LocalEnvironment
from tests.functional.cli.test_road import loginable
from tests.hosts.office import Applicant, Office

COUNT = "SELECT count(*) FROM institucion WHERE inst_ruc = %s"


@pytest.fixture(scope="module")
def trained(house: Office) -> Applicant:
    """A case that went through training and has a plan for production, which nobody approved."""
    applicant = Applicant.invent()
    house.approved(applicant)
    house.must("operador", "apply", applicant.case, "-e", "training")
    house.must("operador", "plan", applicant.case, "-e", "production")
    return applicant


@pytest.fixture
def copy(house: Office, trained: Applicant, tmp_path: Path) -> Path:
    """A copy of the workspace, to be spoilt."""
    shutil.copytree(house.folder, tmp_path / "copia")
    return tmp_path / "copia"


def settle(folder: Path, environment: str, **changes: Any) -> None:
    path = folder / "quipux-provision.yml"
    settings = yaml.safe_load(path.read_text())
    settings["environments"][environment] |= changes
    path.write_text(yaml.safe_dump(settings))


def untouched(country: dict[str, LocalEnvironment], applicant: Applicant) -> bool:
    return country["production"].database.sql(COUNT, (applicant.ruc,)) == [(0,)]


def test_production_called_training_in_the_settings_stays_production(
    house: Office, country: dict[str, LocalEnvironment], trained: Applicant, copy: Path
) -> None:
    settle(copy, "production", kind="capacitacion")
    for verb in ("plan", "approve", "apply"):
        more = ["--yes"] if verb == "approve" else []
        said = house.must("autora", verb, trained.case, "-e", "production", *more, folder=copy, code=5).errors
        assert "was bound as produccion, the settings say capacitacion" in said
    rebind = ("environment", "rebind", "production", "--reason", "x")
    house.must("autora", *rebind, folder=copy)
    said = house.must("autora", "plan", trained.case, "-e", "production", folder=copy, code=5).errors
    assert "was bound as produccion before" in said
    assert untouched(country, trained)


def test_another_way_in_beside_it_does_not_skip_training(
    house: Office, country: dict[str, LocalEnvironment], copy: Path
) -> None:
    settle(copy, "production", vias=["central", "autoalojada"])
    applicant = Applicant.invent()
    house.write(applicant)
    shutil.copy(house.folder / "requests" / f"{applicant.case}.yml", copy / "requests")
    house.must("autora", "submit", f"requests/{applicant.case}.yml", folder=copy)
    said = house.must("operador", "plan", applicant.case, "-e", "production", folder=copy, code=5).errors
    assert "has not been through training" in said


@pytest.mark.parametrize("expect", ["", "of the plan"])
def test_a_forged_end_of_a_run_opens_nothing(
    house: Office, country: dict[str, LocalEnvironment], trained: Applicant, copy: Path, expect: str
) -> None:
    opened = Workspace(copy, house.key("operador"))
    case = opened.state().cases[trained.case]
    plan = case.progress("production").plan
    assert plan is not None
    forged = {
        "run": "0" * 16,
        "kind": "produccion",
        "round": case.round,
        "request_digest": case.request_digest,
        "request_ref": case.request_ref,
        "expect": expect and plan.digest,
        "document_sha256": "0" * 64,
        "changed": True,
        "activation": None,
        "mail_wanted": True,
        "ids": {},
    }
    opened.ledger.append([NewEvent("run.applied", trained.case, "production", "ejecutor", forged)])
    for words in (("promote",), ("apply", "-e", "production"), ("activate", "-e", "production")):
        house.must("ejecutor", words[0], trained.case, *words[1:], folder=copy, code=5)
    assert untouched(country, trained)
    found = house.must("autora", "audit", "verify", "--format", "json", folder=copy, code=5).json()
    assert "run_missing" in {one["code"] for one in found["findings"]}


def test_a_forged_adoption_opens_nothing(
    house: Office, country: dict[str, LocalEnvironment], trained: Applicant, copy: Path
) -> None:
    """Who may write the ledger can't skip the review; who may sign requests can't adopt what is not there."""
    before = workspace(house).state().cases[trained.case]
    assert before.request_ref
    personal = workspace(house).personal(before.request_ref)
    said = {"round": before.round, "request_digest": before.request_digest}
    forged = {**said, "kind": "capacitacion", "via": "central", "ids": {}}
    signer = Workspace(copy, house.key("autora"))
    signer.state()
    statement = {"ledger_id": signer.ledger.ledger_id, "case": trained.case, "environment": "otro", **said}
    author, signed = signer.signed("quipux-provision-request", statement)
    for data, actor in (({**forged, "signed": signed}, author), (forged, "autora")):
        opened = Workspace(copy, house.key("operador"))
        opened.ledger.append([NewEvent("case.adopted", trained.case, "otro", actor, data, personal)])
        house.must("operador", "plan", trained.case, "-e", "production", folder=copy)
        told = house.run("aprobadora", "approve", trained.case, "-e", "production", "--yes", folder=copy)
        assert (told.code, "was not signed as it stands" in told.errors) == (5, True), told
        house.must("ejecutor", "promote", trained.case, folder=copy, code=5)
    assert untouched(country, trained)
    house.must("autora", "audit", "verify", folder=copy, code=5)

    unseen = "fantasma"
    source = {**personal["request"], "adopcion": {"ambiente": "production", "fecha": "2026-11-23"}}
    source = {key: value for key, value in source.items() if key not in ("oficio", "capacitacion")}
    institution = {**source["institucion"], "ruc": Applicant.invent().ruc, "sigla": "FANTASMA"}
    person = {**source["administrador"], "cedula": Applicant.invent().national_id}
    source |= {"institucion": institution, "administrador": person}
    digest = salted_digest("sal", Request.from_source(unseen, source).digest_body())
    said = {"round": 1, "request_digest": digest}
    signer.state()
    statement = {"ledger_id": signer.ledger.ledger_id, "case": unseen, "environment": "production", **said}
    author, signed = signer.signed("quipux-provision-request", statement)
    data = {**said, "kind": "produccion", "via": "central", "ids": {}, "signed": signed}
    kept_ = {"salt": "sal", "request": source}
    signer.ledger.append([NewEvent("case.adopted", unseen, "production", author, data, kept_)])
    house.must("operador", "plan", unseen, "-e", "production", folder=copy)
    told = house.run("aprobadora", "approve", unseen, "-e", "production", "--yes", folder=copy)
    assert (told.code, "is not in production" in told.errors) == (5, True), told


def test_a_forged_change_puts_nobody_in(
    house: Office, country: dict[str, LocalEnvironment], trained: Applicant, copy: Path
) -> None:
    opened = Workspace(copy, house.key("operador"))
    case = opened.state().cases[trained.case]
    request = opened.personal(case.request_ref)["request"]
    person = {**request["administrador"], "cedula": Applicant.invent().national_id}
    said = {"via": "central", "round": 1, "request_digest": "0" * 64, "change_of": trained.case}
    personal = {"salt": "sal", "request": {**request, "administrador": person}}
    (asked,) = opened.ledger.append([NewEvent("case.submitted", "relevo", None, "autora", said, personal)])
    done = {
        **{"run": "0" * 16, "kind": "produccion", "round": 1, "request_digest": "0" * 64, "expect": "p"},
        **{"request_ref": asked.personal_ref, "activation": None, "mail_wanted": False, "ids": {}},
    }
    opened.ledger.append([NewEvent("run.applied", "relevo", "production", "ejecutor", done)])
    house.must("operador", "plan", trained.case, "-e", "production", folder=copy)
    told = house.run("aprobadora", "approve", trained.case, "-e", "production", "--yes", folder=copy)
    assert (told.code, "was not signed as it stands" in told.errors) == (5, True), told
    house.must("ejecutor", "promote", trained.case, folder=copy, code=5)
    assert untouched(country, trained)


def swap(folder: Path, ref: str, change: dict[str, Any], *keys: str) -> None:
    """Change personal data and give its row a digest that fits."""
    with sqlite3.connect(folder / "ledger.db") as connection:
        connection.execute("DROP TRIGGER IF EXISTS personal_no_update")
        salt, text = connection.execute("SELECT salt, data FROM personal WHERE ref = ?", (ref,)).fetchone()
        data = json.loads(text)
        place = data
        for key in keys:
            place = place[key]
        place.update(change)
        row = (canonical_json(data).decode(), salted_digest(salt, data), ref)
        connection.execute("UPDATE personal SET data = ?, digest = ? WHERE ref = ?", row)


def test_a_request_swapped_in_the_ledger_is_not_used(
    house: Office, country: dict[str, LocalEnvironment], trained: Applicant, copy: Path
) -> None:
    ref = workspace(house).state().cases[trained.case].request_ref
    assert ref is not None
    swap(copy, ref, {"correo": "otra@example.gob.ec"}, "request", "administrador")
    for words in (
        ("activate", trained.case, "-e", "training"),
        ("plan", trained.case, "-e", "production"),
        ("approve", trained.case, "-e", "production", "--yes"),
    ):
        said = house.must("aprobadora", *words, folder=copy, code=5).errors
        assert "was changed" in said, words


def test_an_approver_is_not_shown_another_plan(house: Office, trained: Applicant, copy: Path) -> None:
    plan = workspace(house).state().cases[trained.case].progress("production").plan
    assert plan is not None
    assert plan.personal_ref is not None
    swap(copy, plan.personal_ref, {"changes": []})
    with sqlite3.connect(copy / "ledger.db") as connection:  # the event, too, says the new digest
        connection.execute("DROP TRIGGER IF EXISTS events_no_update")
        connection.execute(
            "UPDATE events SET personal_digest = (SELECT digest FROM personal WHERE ref = personal_ref) "
            "WHERE personal_ref = ?",
            (plan.personal_ref,),
        )
    said = house.must("aprobadora", "approve", trained.case, "-e", "production", "--yes", folder=copy, code=5)
    assert "does not have its digest" in said.errors


def test_an_expired_approval_writes_nothing_again(
    house: Office, country: dict[str, LocalEnvironment], tmp_path: Path
) -> None:
    applicant, database = Applicant.invent(), country["training"].database
    house.approved(applicant)
    house.must("operador", "apply", applicant.case, "-e", "training")
    assert loginable(country["training"], applicant) == 1
    shutil.copytree(house.folder, tmp_path / "copia")
    # As after an old backup was restored: the institution is there, its administrator's rights are not.
    login = f"U{applicant.national_id}"
    account = "(SELECT usua_codi FROM usuarios WHERE usua_login = %s)"
    database.sql(f"DELETE FROM permiso_usuario WHERE usua_codi = {account}", (login,))
    late = {"folder": tmp_path / "copia", "environ": clock("+30d")}
    said = house.must("operador", "apply", applicant.case, "-e", "training", code=5, **late).errors
    assert "the plan is not the approved one" in said
    rights = "SELECT count(*) FROM permiso_usuario JOIN usuarios USING (usua_codi) WHERE usua_login = %s"
    assert database.sql(rights, (login,)) == [(0,)]


def test_who_approved_production_once_never_operates_the_case_there(house: Office) -> None:
    applicant = Applicant.invent()
    house.approved(applicant)
    house.must("operador", "apply", applicant.case, "-e", "training")
    house.approved(applicant, "production")
    house.must("ejecutor", "promote", applicant.case)
    path = house.folder / "requests" / f"{applicant.case}.yml"
    with kept(path):
        path.write_text(path.read_text().replace("Calle Inventada 100", "Calle Inventada 200"))
        house.must("autora", "submit", path)
    said = house.must("aprobadora", "activate", applicant.case, "-e", "production", code=5).errors
    assert "may not run it" in said
