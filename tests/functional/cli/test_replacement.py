"""A change of administrator through the real command line: its day, its gates, who has the rights then."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.functional.cli.attack import mails
from tests.functional.cli.desk import case_of, clock, edit, events
from tests.functional.cli.local import LocalEnvironment
from tests.functional.cli.succession import (
    LATER,
    OFFICE,
    Successor,
    carried_to,
    in_production,
    replace,
    rights,
    with_administrator,
)
from tests.hosts.office import Applicant, Office

HOLDS, HOLDS_NOTHING, GONE = [(1, OFFICE)], [(1, ())], [(0, ())]


def text_of(office: Office, successor: Successor, subject: str) -> str:
    """The newest mail of a change whose subject begins like that."""
    found = [m for m in mails(office, as_applicant(successor)) if str(m["Subject"]).startswith(subject)]
    assert found, [str(m["Subject"]) for m in mails(office, as_applicant(successor))]
    body = found[-1].get_body(("plain",))
    assert body is not None
    return f"To: {found[-1]['To']}\n{' '.join(body.get_content().split())}"


def as_applicant(successor: Successor) -> Applicant:
    return Applicant(successor.case, "", "", successor.national_id)


@pytest.mark.smoke
def test_there_and_back(office: Office, environments: dict[str, LocalEnvironment]) -> None:
    applicant = Applicant.invent()
    training, production = environments["training"], environments["production"]
    in_production(office, applicant)
    successor = Successor.invent("relevo-uno")
    day = date.fromisoformat(office.today()) + timedelta(days=3)
    path = successor.write(office, applicant.national_id, day=day)
    told = replace(office, applicant, path)
    assert "relevo-uno" in told.output
    assert "no change" in replace(office, applicant, path).output
    assert case_of(office, applicant)["changes"] == ["relevo-uno"]
    line = office.must("operador", "status", applicant.case).output
    assert "under way: relevo-uno" in line
    assert successor.national_id not in line

    # The new one has an account in training, beside the old one's.
    carried_to(office, successor, "training")
    assert rights(training, successor.national_id) == rights(training, applicant.national_id) == HOLDS
    assert rights(production, successor.national_id) == []

    # Production: shown, approved, and not before its day.
    shown = office.must("operador", "plan", successor.case, "-e", "production").output
    assert "no backup administrator" in shown
    approved = office.must("aprobadora", "approve", successor.case, "-e", "production", "--yes").output
    assert "no backup administrator" in approved
    early = office.must("ejecutor", "promote", successor.case, code=5)
    assert f"takes effect on {day}" in early.errors
    assert office.must("ejecutor", "promote", "--all", "--format", "json").json()["cases"] == []
    assert case_of(office, as_applicant(successor))["next"]["from"] == str(day)
    assert rights(production, applicant.national_id) == HOLDS
    office.must("ejecutor", "promote", "--all", **LATER)
    assert rights(production, applicant.national_id) == HOLDS_NOTHING
    assert rights(production, successor.national_id) == HOLDS
    assert "usuarionuevo.php" in text_of(office, successor, "Active su cuenta")
    relief = text_of(office, successor, "Relevo")
    assert f"maria@{applicant.case}.example.gob.ec" in relief
    assert "Carlos Andrés Ejemplo Vera" in relief
    assert "Su cuenta sigue activa" in relief
    assert case_of(office, applicant, **LATER)["changes"] == []
    assert case_of(office, applicant, **LATER)["state"] == "en_produccion"

    # A repetition does nothing, and tells nobody anything again.
    count = len(mails(office, as_applicant(successor)))
    again = office.must("ejecutor", "promote", successor.case, "--format", "json", **LATER).json()
    assert [(c["status"], c["changed"]) for c in again["cases"]] == [("unchanged", False)]
    assert len(mails(office, as_applicant(successor))) == count

    # The case goes on with its new administrator, and only so.
    old = office.must("autora", "submit", office.write(applicant), code=3, **LATER)
    assert "what the file of relevo-uno says" in old.errors
    other = Applicant.invent().national_id
    path = edit(office, applicant, (applicant.national_id, other))
    office.must("autora", "submit", path, code=3, **LATER)
    path = with_administrator(office, applicant, successor)
    assert "no change" in office.must("autora", "submit", path, **LATER).output
    refused = office.must("ejecutor", "activate", applicant.case, "-e", "production", code=5, **LATER)
    assert "activate relevo-uno" in refused.errors

    # And back: who has an account takes it up again, and this time the other's goes.
    back = Successor("relevo-dos", applicant.national_id)
    soon = day + timedelta(days=2)
    path = back.write(office, applicant.national_id, day=soon)
    wrong = replace(office, applicant, path, code=3, **LATER)
    assert "saliente" in wrong.output + wrong.errors
    path = back.write(office, successor.national_id, day=soon, existing="reutilizar", account="desactivar")
    replace(office, applicant, path, **LATER)
    carried_to(office, back, "training", **LATER)
    carried_to(office, back, "production", **LATER)
    after = {"environ": clock("+6d")}
    office.must("ejecutor", "promote", back.case, **after)
    assert rights(production, applicant.national_id) == HOLDS
    assert rights(production, successor.national_id) == GONE
    assert "contraseña actual" in text_of(office, back, "Su cuenta")
    assert "desactivada" in text_of(office, back, "Relevo")
    late = office.must("ejecutor", "promote", successor.case, code=5, **after)
    assert "by relevo-dos" in late.errors
    assert rights(production, applicant.national_id) == HOLDS

    # Each account in training ends with the case that it was made for last; production stays as it is.
    office.must("operador", "deadlines", environ=clock("+35d"))
    assert [state for state, _held in rights(training, successor.national_id)] == [0]
    assert [state for state, _held in rights(training, applicant.national_id)] == [1]
    office.must("operador", "deadlines", environ=clock("+37d"))
    assert [state for state, _held in rights(training, applicant.national_id)] == [0]
    assert rights(production, applicant.national_id) == HOLDS
    office.must("autora", "audit", "verify", environ=clock("+37d"))


def test_what_is_no_change(office: Office, environments: dict[str, LocalEnvironment]) -> None:
    applicant, other = Applicant.invent(), Applicant.invent()
    successor = Successor.invent("relevo")
    office.must("autora", "submit", office.write(applicant))
    path = successor.write(office, applicant.national_id)
    assert "not in production yet" in replace(office, applicant, path, code=5).errors
    in_production(office, applicant, other)
    before = events(office)
    today = date.fromisoformat(office.today())

    def refused(word: str, code: int = 3, **changes: object) -> None:
        path = successor.write(office, str(changes.pop("outgoing", applicant.national_id)), **changes)
        told = replace(office, applicant, path, code=code)
        assert word in told.output + told.errors

    refused("not the administrator", outgoing=other.national_id)
    refused("working days", letter=today, day=today + timedelta(days=6))
    refused("came in too late", letter=today - timedelta(days=40), day=today - timedelta(days=1))
    refused("U+202E", email="a@b\u202e.example.gob.ec")
    refused("administrador.correo", email="{{ lookup('pipe', 'id') }}@example.gob.ec")
    path = successor.write(office, applicant.national_id)
    path.write_text(path.read_text() + "via: central\n")
    replace(office, applicant, path, code=3)
    same = Successor("relevo", applicant.national_id).write(office, applicant.national_id)
    replace(office, applicant, same, code=3)
    # The name of another case.
    path = successor.write(office, applicant.national_id).rename(office.folder / f"{other.case}.yml")
    replace(office, applicant, path, code=3)
    replace(office, Applicant("nadie", "", "", ""), path, code=2)
    assert events(office) == before

    # One at a time; submit is not its door, nor is a change one that can be changed.
    replace(office, applicant, successor.write(office, applicant.national_id))
    second = Successor.invent("relevo-b")
    told = replace(office, applicant, second.write(office, applicant.national_id), code=5)
    assert "withdraw relevo " in told.errors
    replace(office, as_applicant(successor), second.write(office, successor.national_id), code=5)
    path = edit(office, other, (other.ruc, Applicant.invent().ruc)).rename(office.folder / "relevo.yml")
    assert "replace-administrator" in office.must("autora", "submit", path, code=5).errors

    # Withdrawn, it makes room; reopened, it has to find room.
    carried_to(office, successor, "training")
    office.must("operador", "withdraw", "relevo", "--reason", "Otra persona")
    replace(office, applicant, second.write(office, applicant.national_id))
    refused_ = office.must("operador", "reopen", "relevo", "--reason", "Sí", code=5)
    assert "relevo-b" in refused_.errors
    office.must("operador", "deadlines", environ=clock("+31d"))
    training = environments["training"]
    assert [state for state, _held in rights(training, successor.national_id)] == [0]
    assert rights(environments["production"], applicant.national_id) == HOLDS
    assert rights(environments["production"], successor.national_id) == []
