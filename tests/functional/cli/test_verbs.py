"""What each verb says, and what it leaves alone: one office, from the first request to the second round."""

from __future__ import annotations

import hashlib
import re
import shlex
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from quipux_provision.outreach.activation import code_hash
from quipux_provision.service.workspace import Workspace
from quipux_provision.store import locks
from tests.functional.cli.attack import Crafted, code_of, hash_in_database, mails
from tests.functional.cli.desk import at_terminal, case_of, edit, events
from tests.functional.cli.local import LocalEnvironment
from tests.hosts.office import Applicant, Office, Result

PERSON = {"autor": "autora", "operador": "operador", "aprobador": "aprobadora"}
OF_THE_INSTITUTION = (
    "FROM usuarios u JOIN institucion i USING (inst_codi) WHERE u.usua_cedula = %s AND i.inst_ruc = %s"
)
POSTAL = f"WHERE id_permiso = 12 AND usua_codi = (SELECT usua_codi {OF_THE_INSTITUTION})"
OWN_PASSWORD = hashlib.md5(b"una propia", usedforsecurity=False).hexdigest()[1:27]


@dataclass
class Walk:
    """A case that was carried from its request to production by doing what `status` said."""

    applicant: Applicant
    states: list[tuple[str, str, str]] = field(default_factory=list)
    results: dict[str, Result] = field(default_factory=dict)


def step(office: Office, walk: Walk) -> bool:
    """Do what `status` says is next; whether anything was."""
    case = case_of(office, walk.applicant)
    who, command = case["next"]["who"], case["next"]["command"]
    words = shlex.split(command)[1:]
    walk.states.append((case["state"], who, " ".join(words).replace(walk.applicant.case, "CASE")))
    if who == "nadie":
        assert command == ""
        return False
    confirmed = ["--yes"] if words[0] == "approve" else []
    walk.results[" ".join(words[:1] + words[-1:])] = office.must(PERSON[who], *words, *confirmed)
    return True


@pytest.fixture(scope="module")
def walk(house: Office) -> Walk:
    walked = Walk(Applicant.invent())
    house.must("autora", "submit", house.write(walked.applicant))
    while step(house, walked):
        assert len(walked.states) < 12
    return walked


def test_status_names_who_must_act_and_a_command_that_works(walk: Walk) -> None:
    assert walk.states == [
        ("recibida", "operador", "plan CASE --environment training"),
        ("recibida", "aprobador", "approve CASE --environment training"),
        ("aceptada", "operador", "apply CASE --environment training"),
        ("en_capacitacion", "operador", "plan CASE --environment production"),
        ("en_capacitacion", "aprobador", "approve CASE --environment production"),
        ("aprobada", "operador", "promote CASE"),
        ("en_produccion", "nadie", ""),
    ]


def test_status_in_both_forms(house: Office, walk: Walk) -> None:
    applicant = walk.applicant
    case = case_of(house, applicant)
    assert list(case) == [
        *("case", "ruc", "sigla", "via", "state", "round", "change_of", "changes", "since", "next", "due"),
        *("days_left", "training_hours", "environments"),
    ]
    assert (case["case"], case["ruc"], case["sigla"]) == (applicant.case, applicant.ruc, applicant.acronym)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", case["since"])
    training, production = case["environments"]["training"], case["environments"]["production"]
    assert (training["approved_by"], training["operators"], training["mail"]) == (
        "aprobadora",
        ["operador"],
        "saved",
    )
    assert (production["applied"], production["failure"], production["pending"]) == (True, None, False)
    text = house.must("operador", "status", applicant.case).output
    assert text == f"{applicant.case}  en_produccion    -\n"
    waiting = Applicant.invent()
    house.must("autora", "submit", house.write(waiting))
    lines = house.must("operador", "status").output.splitlines()
    assert f"operador: quipux-provision plan {waiting.case} --environment training" in "\n".join(lines)
    assert house.must("operador", "status", "--format", "json").json()["cases"][-1]["case"] == waiting.case


def test_history_tells_who_did_what_when(house: Office, walk: Walk) -> None:
    told = house.must("autora", "history", walk.applicant.case, "--format", "json").json()["events"]
    assert [(event["kind"], event["environment"], event["actor"]) for event in told] == [
        ("case.submitted", None, "autora"),
        ("plan.recorded", "training", None),
        ("decision.received", "training", "aprobadora"),
        ("case.decided", "training", "aprobadora"),
        ("run.started", "training", "operador"),
        ("activation.prepared", "training", "operador"),
        ("run.applied", "training", "operador"),
        ("mail.saved", "training", None),
        ("plan.recorded", "production", None),
        ("decision.received", "production", "aprobadora"),
        ("case.decided", "production", "aprobadora"),
        ("run.started", "production", "operador"),
        ("activation.prepared", "production", "operador"),
        ("run.applied", "production", "operador"),
        ("mail.saved", "production", None),
    ]
    text = house.must("autora", "history", walk.applicant.case).output
    lines = text.splitlines()
    assert len(lines) == len(told)
    for line, event in zip(lines, told, strict=True):
        assert event["time"] in line or event["kind"] in line
    assert "SSH SIGNATURE" not in text
    assert "María" not in text


def test_a_second_run_repeats_nothing(
    house: Office, country: dict[str, LocalEnvironment], walk: Walk
) -> None:
    before = {name: hash_in_database(environment, walk.applicant) for name, environment in country.items()}
    sent = len(mails(house, walk.applicant))
    again = house.must("operador", "apply", walk.applicant.case, "-e", "training", "--format", "json").json()
    assert [(case["status"], case["changed"]) for case in again["cases"]] == [("unchanged", False)]
    assert len(mails(house, walk.applicant)) == sent == 2
    assert before == {
        name: hash_in_database(environment, walk.applicant) for name, environment in country.items()
    }


# Plans.


def test_a_plan_on_a_terminal_and_elsewhere(house: Office, walk: Walk) -> None:
    applicant = Applicant.invent()
    house.must("autora", "submit", house.write(applicant))
    plan = ("plan", applicant.case, "-e", "training", "--detailed-exitcode")
    seen = at_terminal(house, "operador", *plan)
    assert seen.code == 10, seen
    assert re.search(r"\r\x1b\[2K +\d+\.\d s  bd\.training: .+ \(started\)", seen.output), seen.output
    assert seen.output.rstrip().endswith(f"{applicant.case}: planned")
    before = events(house)
    plain = house.must("operador", *plan, code=10)
    assert "\x1b" not in plain.output + plain.errors
    assert re.search(r"^ +\d+\.\d s  bd\.training: .+ \(ok\)$", plain.errors, re.MULTILINE)
    assert f"{applicant.case}: institution {applicant.ruc}" in plain.output
    assert f"    name: - -> Instituto de Ejemplo {applicant.acronym}" in plain.output
    assert events(house) == before, "the same plan again is no event"

    # The approver confirms at a terminal.
    approve = ("approve", applicant.case, "-e", "training")
    said = house.must("aprobadora", *approve, code=2).errors
    assert "add --yes once you have read the change" in said
    for typed in ("n\n", "\n", "what\n", "\x04"):
        seen = at_terminal(house, "aprobadora", *approve, typed=typed)
        assert (seen.code, "nothing was signed" in seen.output) == (130, True), seen
    assert events(house) == before
    assert not list((house.folder / "approvals").glob(f"{applicant.case}/*"))
    seen = at_terminal(house, "aprobadora", *approve, "--reason", "revisado", typed="y\n")
    assert seen.code == 0, seen
    shown = seen.output
    for text in (applicant.ruc, applicant.national_id, "Calle Inventada 100", "INST", "Approve 1? [y/N]"):
        assert text in shown
    assert shown.index(applicant.ruc) < shown.index("Approve 1?") < shown.index("written: ")
    assert case_of(house, applicant)["state"] == "aceptada"


def test_a_rejected_case_says_what_its_author_does(house: Office) -> None:
    applicant = Applicant.invent()
    path = house.write(applicant)
    house.must("autora", "submit", path)
    reject = ("reject", applicant.case, "-e", "training", "--reason", "no es de la APC")
    seen = at_terminal(house, "aprobadora", *reject, typed="s\n")
    assert (seen.code, "Reject 1? [y/N]" in seen.output) == (0, True), seen
    case = case_of(house, applicant)
    assert (case["state"], case["next"]["who"]) == ("rechazada", "autor")
    assert "was rejected" in house.must("operador", "plan", applicant.case, "-e", "training", code=5).errors
    edit(house, applicant, ("Calle Inventada 100", "Calle Corregida 1"))
    house.must("autora", *shlex.split(case["next"]["command"])[1:])
    assert case_of(house, applicant)["state"] == "recibida"


# Batches.


def test_in_a_batch_each_case_stands_alone(house: Office, walk: Walk) -> None:
    unapproved, locked = Applicant.invent(), Applicant.invent()
    house.must("autora", "submit", house.write(unapproved), house.write(locked))
    ledger = Workspace(house.folder, house.key("ejecutor")).ledger
    names = (unapproved.case, walk.applicant.case)
    answer = house.must("operador", "apply", *names, "-e", "training", "--format", "json", code=5)
    assert answer.json()["exit_code"] == 5
    found = {case["case"]: (case["status"], case["error"]) for case in answer.json()["cases"]}
    assert list(found) == list(names)
    assert found[walk.applicant.case] == ("unchanged", None)
    assert found[unapproved.case][0] == "refused"
    assert found[unapproved.case][1]["exit_code"] == 5
    with locks.acquire(ledger, "training", [locked.case], timedelta(minutes=15), reason="apply"):
        batch = (unapproved.case, locked.case)
        answer = house.must("operador", "apply", *batch, "-e", "training", "--format", "json", code=6)
        codes = [(case["status"], case["error"]["exit_code"]) for case in answer.json()["cases"]]
        assert codes == [("refused", 5), ("locked", 6)]


def test_nothing_to_do_is_done(house: Office, walk: Walk) -> None:
    before = events(house)
    assert "no approved case waits for production" in house.must("ejecutor", "promote", "--all").output
    nothing = house.must("ejecutor", "promote", "--all", "--format", "json").json()
    assert nothing == {"cases": [], "exit_code": 0}
    said = house.must("aprobadora", "approve", "--all-planned", "-e", "production", "--yes").output
    assert "nothing waits for a decision" in said
    assert events(house) == before


# The second round, and accounts that are there already.


@pytest.fixture(scope="module")
def second(house: Office, country: dict[str, LocalEnvironment], walk: Walk) -> dict[str, Any]:
    """A changed phone (and a position changed in Quipux meanwhile) and an *adicional* account, in one run."""
    first, database = walk.applicant, country["training"].database
    other = Applicant.invent()
    additional = Crafted(
        other.case,
        other.ruc,
        other.acronym,
        first.national_id,
        {("administrador", "cuenta_existente"): "adicional"},
    )
    database.sql(
        "UPDATE usuarios SET usua_cargo = 'Directora', usua_pasw = %s WHERE usua_cedula = %s",
        (OWN_PASSWORD, first.national_id),
    )
    house.must("autora", "submit", edit(house, first, ("0991234567", "0987654321")), house.write(additional))
    names = (first.case, additional.case)
    plan = house.must("operador", "plan", *names, "-e", "training")
    house.must("aprobadora", "approve", *names, "-e", "training", "--yes")
    applied = house.must("operador", "apply", *names, "-e", "training", "--format", "json").json()["cases"]
    return {"plan": plan.output, "additional": additional, "applied": {one["case"]: one for one in applied}}


def test_a_second_round_writes_what_the_request_changed_and_nothing_else(
    house: Office, country: dict[str, LocalEnvironment], walk: Walk, second: dict[str, Any]
) -> None:
    first = walk.applicant
    start = second["plan"].index(f"{first.case}: administrator {first.national_id}")
    shown = second["plan"][start : second["plan"].index(second["additional"].case)]
    assert re.search(r"    mobile: 0991234567 -> 0987654321\n", shown)
    assert (
        "    kept administrator position: Directora (the request says Analista de Gestión Documental)"
        in shown
    )
    assert len([line for line in shown.splitlines() if " -> " in line]) == 1
    rows = country["training"].database.sql(
        f"SELECT u.usua_celular, u.usua_cargo, u.usua_pasw {OF_THE_INSTITUTION}",
        (first.national_id, first.ruc),
    )
    assert rows == [("0987654321", "Directora", OWN_PASSWORD)]
    result = second["applied"][first.case]
    assert (result["status"], result["changed"]) == ("ok", True)
    assert [kept["field"] for kept in result["kept"]] == ["position"]
    case = case_of(house, first)
    assert (case["state"], case["round"]) == ("en_capacitacion", 2)


def test_a_person_with_an_account_gets_a_mail_without_a_link(
    house: Office, country: dict[str, LocalEnvironment], second: dict[str, Any]
) -> None:
    additional = second["additional"]
    assert "password: - -> shared with the person's other accounts" in second["plan"]
    (message,) = mails(house, additional)
    body = message.get_body(("plain",))
    assert body is not None
    assert "usuarionuevo.php" not in body.get_content()
    assert "contraseña" in body.get_content()
    rows = country["training"].database.sql(
        "SELECT DISTINCT usua_pasw FROM usuarios WHERE usua_cedula = %s", (additional.national_id,)
    )
    assert rows == [(OWN_PASSWORD,)]
    assert case_of(house, additional)["environments"]["training"]["mail"] == "saved"


def test_an_account_of_the_same_institution_is_used_again(
    country: dict[str, LocalEnvironment], walk: Walk, second: dict[str, Any], tmp_path: Path
) -> None:
    # Another office meets, on the same Quipux, an institution that is there with its account.
    office = Office(tmp_path / "oficina", country["training"], country["production"])
    made = walk.applicant
    again = Crafted(
        made.case,
        made.ruc,
        made.acronym,
        made.national_id,
        {("administrador", "cuenta_existente"): "reutilizar"},
    )
    database = country["training"].database
    database.sql(
        f"DELETE FROM permiso_usuario {POSTAL}",
        (made.national_id, made.ruc),
    )
    count = "SELECT count(*) FROM usuarios WHERE usua_cedula = %s"
    before = database.sql(count, (made.national_id,))
    office.approved(again)
    office.must("operador", "apply", again.case, "-e", "training")
    (message,) = mails(office, again)
    body = message.get_body(("plain",))
    assert body is not None
    assert "usuarionuevo.php" not in body.get_content()
    assert database.sql(count, (made.national_id,)) == before
    held = database.sql(
        f"SELECT count(*) FROM permiso_usuario {POSTAL}",
        (made.national_id, made.ruc),
    )
    assert held == [(1,)]


# Activation.


def test_a_new_link_kills_the_old_one_until_the_password_is_chosen(
    house: Office, country: dict[str, LocalEnvironment], walk: Walk, second: dict[str, Any]
) -> None:
    # The case is in its second round; the link is for what stands in production since the first.
    production, applicant = country["production"], walk.applicant
    old = mails(house, applicant)[-1]
    state = case_of(house, applicant)["state"]
    assert code_hash(code_of(old)) == hash_in_database(production, applicant)
    activate = ("activate", applicant.case, "-e", "production")
    assert "mail kept in" in house.must("operador", *activate).output
    new = mails(house, applicant)[-1]
    assert code_of(new) != code_of(old)
    assert code_hash(code_of(new)) == hash_in_database(production, applicant)

    production.database.sql(
        "UPDATE usuarios SET usua_pasw = %s WHERE usua_cedula = %s", (OWN_PASSWORD, applicant.national_id)
    )
    sent = len(mails(house, applicant))
    said = house.must("operador", *activate).output
    assert "the administrator has a password already, so no link was sent" in said
    assert len(mails(house, applicant)) == sent
    assert hash_in_database(production, applicant) == OWN_PASSWORD
    assert case_of(house, applicant)["state"] == state


def test_nobody_is_activated_where_nothing_was_carried_out(house: Office) -> None:
    applicant = Applicant.invent()
    house.must("autora", "submit", house.write(applicant))
    said = house.must("operador", "activate", applicant.case, "-e", "training", code=5).errors
    assert "was not carried out in training yet" in said
    assert f"run: quipux-provision apply {applicant.case} --environment training" in said
