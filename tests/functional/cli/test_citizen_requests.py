"""Requests of citizens through the command line: in with a good agreement, out with anything else."""

from __future__ import annotations

import sqlite3
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from quipux_provision.service import agreements as kept
from quipux_provision.service.workspace import Workspace
from tests import agreements
from tests.functional.cli.desk import clock
from tests.hosts.office import Applicant, Office, Result

Submit = Callable[..., Result]


@pytest.fixture
def desk(tmp_path: Path) -> Office:
    """An office that has no environment yet: requests come in all the same."""
    office = Office(tmp_path / "oficina")
    settings = yaml.safe_load((office.folder / "quipux-provision.yml").read_text())
    settings["environments"] = {
        "production": {
            "kind": "produccion",
            "vias": ["ciudadano", "central"],
            "inventory": "inventories/production",
            "url": "https://www.example.gob.ec",
        }
    }
    (office.folder / "inventories/production").mkdir(parents=True)
    (office.folder / "quipux-provision.yml").write_text(yaml.safe_dump(settings))
    return office


def write(office: Office, name: str = "jpej", data: bytes | None = None, **changes: Any) -> Path:
    """Write a citizen's request with its agreement."""
    content = agreements.agreement() if data is None else data
    folder = office.folder / "requests"
    (folder / f"{name}.pdf.p7m").write_bytes(content)
    citizen = {
        "nombres": "Ana Lucía",
        "apellidos": "Ejemplo Chasi",
        "cedula": agreements.CITIZEN,
        "cargo": "Presidenta de la Junta",
        "institucion": "Junta Parroquial Rural de Ejemplo",
        "correo": "ana.ejemplo@jpej.example.gob.ec",
        "telefono": "06 2999999",
        "celular": "0987654321",
        "direccion": "Barrio Inventado s/n",
        "certificado": "archivo",
    }
    signed = {"archivo": f"{name}.pdf.p7m", "sha256": sha256(content).hexdigest()}
    source = {"via": "ciudadano", "ciudadano": {**citizen, **changes}, "acuerdo": signed}
    path = folder / f"{name}.yml"
    path.write_text(yaml.safe_dump(source, allow_unicode=True, default_style='"'))
    return path


def nothing_kept(office: Office) -> bool:
    """Whether the ledger knows of no case."""
    return not (office.folder / "ledger.db").exists() or not workspace(office).state().cases


def workspace(office: Office) -> Workspace:
    return Workspace(office.folder, office.key("operador"))


def test_submitted_with_its_agreement(desk: Office, tmp_path: Path) -> None:
    path = write(desk)
    assert "1 valid request" in desk.must("autora", "validate", path).output
    assert nothing_kept(desk)
    (case,) = desk.must("autora", "submit", path, "--format", "json").json()["cases"]
    assert (case["status"], case["changed"]) == ("ok", True)
    again = desk.must("autora", "submit", path, "--format", "json").json()["cases"][0]
    assert (again["status"], again["changed"]) == ("unchanged", False)

    opened = workspace(desk)
    state = opened.state().cases["jpej"]
    assert state.route == "ciudadano"
    shown = kept.agreement_of(opened, state)
    assert shown is not None
    assert [one["national_id"] for one in shown["signers"]] == [agreements.CITIZEN]
    assert shown["warnings"] == []
    copy = kept.file_of(opened, state)
    assert copy.read_bytes() == (desk.folder / "requests/jpej.pdf.p7m").read_bytes()
    assert (copy.stat().st_mode & 0o777, copy.parent.stat().st_mode & 0o777) == (0o600, 0o700)

    # What the ledger keeps needs the file beside the request no more, and audit sees a change of it.
    (desk.folder / "requests/jpej.pdf.p7m").unlink()
    assert kept.agreement_of(workspace(desk), state) == shown
    desk.must("autora", "audit", "verify")
    dossier = tmp_path / "expediente.zip"
    desk.must("autora", "export", "jpej", "--output", dossier)
    with zipfile.ZipFile(dossier) as members:
        assert any(name.startswith(f"files/{shown['sha256']}") for name in members.namelist())
    with sqlite3.connect(desk.folder / "ledger.db") as connection:
        connection.execute("DROP TRIGGER files_no_update")
        connection.execute("UPDATE files SET content = ?", (agreements.agreement("2405999992"),))
    assert desk.run("autora", "audit", "verify").code != 0


def test_status_and_board_know_citizens(desk: Office) -> None:
    desk.must("autora", "submit", write(desk))
    (case,) = desk.must("operador", "status", "jpej", "--format", "json").json()["cases"]
    assert (case["via"], case["ruc"], case["sigla"]) == ("ciudadano", None, None)
    desk.must("operador", "history", "jpej")
    desk.must("operador", "board")
    page = (desk.folder / "board/caso-jpej.html").read_text("utf-8")
    assert "Junta Parroquial Rural de Ejemplo" in page
    assert agreements.CITIZEN not in page


def test_one_case_for_one_citizen(desk: Office) -> None:
    desk.must("autora", "submit", write(desk))
    result = desk.must("autora", "submit", write(desk, "otra"), code=3)
    assert "the cédula belongs to the case jpej already" in result.output + result.errors
    desk.must("operador", "withdraw", "jpej", "--reason", "repetida")
    desk.must("autora", "submit", desk.folder / "requests/otra.yml")


def test_another_person_or_route_is_another_case(desk: Office) -> None:
    desk.must("autora", "submit", write(desk))
    other = Applicant.invent()
    data = agreements.agreement(other.national_id)
    result = desk.must("autora", "submit", write(desk, data=data, cedula=other.national_id), code=3)
    assert "ciudadano.cedula changed" in result.output + result.errors
    path = desk.write(other)
    path.replace(desk.folder / "requests/jpej.yml")
    result = desk.must("autora", "submit", desk.folder / "requests/jpej.yml", code=3)
    assert "via changed" in result.output + result.errors


def test_a_new_agreement_is_a_new_round(desk: Office) -> None:
    desk.must("autora", "submit", write(desk))
    signed_again = agreements.agreement(number=1)
    result = desk.must("autora", "submit", write(desk, data=signed_again), "--format", "json")
    assert result.json()["cases"][0]["round"] == 2
    opened = workspace(desk)
    copy = kept.file_of(opened, opened.state().cases["jpej"])
    assert copy.read_bytes() == signed_again


def forged() -> bytes:
    made = agreements.certificate()
    return agreements.bundle([agreements.signer(made, number=1)], [made])


HOSTILE = {
    "no CMS": b"hola",
    "truncated": agreements.agreement()[:-9],
    "somebody else": agreements.agreement("2405999992"),
    "forged": forged(),
    "ten MB": b"\0" * 10_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("verb", ["validate", "submit"])
def test_bad_agreements_change_nothing(desk: Office, verb: str, name: str) -> None:
    result = desk.must("autora", verb, write(desk, data=HOSTILE[name]), code=3)
    assert "acuerdo.archivo" in result.output
    assert "Traceback" not in result.errors
    assert nothing_kept(desk)


def test_agreement_that_changed_between_validate_and_submit(desk: Office) -> None:
    path = write(desk)
    desk.must("autora", "validate", path)
    (desk.folder / "requests/jpej.pdf.p7m").write_bytes(agreements.agreement(number=1))
    result = desk.must("autora", "submit", path, code=3)
    assert "acuerdo.sha256" in result.output
    assert nothing_kept(desk)


def test_adoptions_and_changes_have_verbs_of_their_own(desk: Office) -> None:
    applicant = Applicant.invent()
    path = desk.write(applicant)
    source = {**applicant.source(), "adopcion": {"ambiente": "production", "fecha": "2026-11-01"}}
    source.pop("oficio")
    path.write_text(yaml.safe_dump(source, allow_unicode=True, default_style='"'))
    desk.must("autora", "validate", path)
    result = desk.must("autora", "submit", path, code=3)
    assert "quipux-provision adopt" in result.output + result.errors
    source = applicant.source() | {"cambio": {}}
    path.write_text(yaml.safe_dump(source, allow_unicode=True, default_style='"'))
    result = desk.must("autora", "submit", path, code=3)
    assert "replace-administrator" in result.output
    assert nothing_kept(desk)


def test_purge_takes_the_agreement(desk: Office) -> None:
    path = desk.folder / "quipux-provision.yml"
    settings = yaml.safe_load(path.read_text())
    settings["policy"]["retencion_dias"] = 1
    path.write_text(yaml.safe_dump(settings))
    desk.must("autora", "submit", write(desk))
    opened = workspace(desk)
    copy = kept.file_of(opened, opened.state().cases["jpej"])
    desk.must("operador", "withdraw", "jpej", "--reason", "desiste")
    desk.must("operador", "purge", "jpej", "--reason", "venció", "--yes", environ=clock("+2d"))
    assert not copy.exists()
    with sqlite3.connect(desk.folder / "ledger.db") as connection:
        assert connection.execute("SELECT count(*) FROM files").fetchone() == (0,)
    desk.must("autora", "audit", "verify", environ=clock("+3d"))


def test_schemas_are_printed(desk: Office) -> None:
    assert "ciudadano" in desk.must("autora", "schema").output
    assert desk.must("autora", "schema", "--change").json()["required"] == [
        "oficio",
        "administrador",
        "cambio",
    ]
