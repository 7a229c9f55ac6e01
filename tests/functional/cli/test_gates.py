"""No gate opens for anything but the right decision, of the right person, about what stands there now."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from quipux_provision.domain.approval import ApprovalDocument
from quipux_provision.errors import GateClosed
from quipux_provision.service import decisions
from quipux_provision.service.results import batch_exit_code
from tests.functional.cli.desk import (
    armour_of,
    case_of,
    clock,
    clone,
    document,
    edit,
    events,
    kept,
    put,
    workspace,
)
from tests.functional.cli.local import LocalEnvironment
from tests.hosts.environment import ROOT
from tests.hosts.office import Applicant, Office

BY_ANOTHER_HAND = """
WITH made AS (
  INSERT INTO institucion (inst_codi, inst_ruc, inst_nombre, inst_sigla, inst_estado)
  SELECT max(inst_codi) + 1, %s, 'De otra mano', %s, 1 FROM institucion RETURNING inst_codi
), area AS (SELECT max(depe_codi) + 1 AS depe_codi FROM dependencia)
INSERT INTO dependencia
  (depe_codi, depe_nomb, depe_codi_padre, dep_sigla, dep_central, depe_estado, inst_codi, depe_pie1)
SELECT depe_codi, 'De otra mano', depe_codi, 'OTRA', depe_codi, 1, inst_codi, '1' FROM made, area
"""
PARTS = ("meta", "playbooks", "plugins", "quipux_provision", "roles")


@pytest.fixture(scope="module")
def trained(house: Office) -> Iterator[Applicant]:
    """Cases that went through training and have a plan for production; each is given out once."""
    applicants = [Applicant.invent() for _number in range(22)]
    house.must("autora", "submit", *(house.write(applicant) for applicant in applicants))
    house.must("operador", "plan", "-e", "training")
    house.must("aprobadora", "approve", "--all-planned", "-e", "training", "--yes")
    house.must("operador", "apply", "-e", "training")
    house.must("operador", "plan", "-e", "production")
    return iter(applicants)


@pytest.fixture
def applicant(trained: Iterator[Applicant]) -> Applicant:
    return next(trained)


def approve(office: Office, applicant: Applicant, environment: str = "production") -> Path:
    """Approve as the approver does; the document's path."""
    office.must("aprobadora", "approve", applicant.case, "-e", environment, "--yes")
    found = (office.folder / "approvals" / applicant.case).glob(f"{environment}-approve-*.json")
    return max(found, key=lambda path: path.stat().st_mtime_ns)


def promote(office: Office, applicant: Applicant, code: int = 5, **options: Any) -> str:
    """Try to promote as who may; what was said."""
    return office.must("ejecutor", "promote", applicant.case, code=code, **options).errors


def closed(office: Office, applicant: Applicant) -> None:
    """The case is not approved for production, and nobody can promote it."""
    assert "is not approved for production" in promote(office, applicant)
    assert case_of(office, applicant)["environments"]["production"]["approved_by"] is None


# The document's bytes and its signature.


def refused(office: Office, data: bytes, armour: str) -> bool:
    try:
        return batch_exit_code(decisions.count(workspace(office), data, armour)) == 5
    except GateClosed:
        return True


def flips(data: bytes) -> Iterator[bytes]:
    for position in range(len(data)):
        for bit in (0, 3, 6):
            flipped = bytearray(data)
            flipped[position] ^= 1 << bit
            yield bytes(flipped)


def test_no_flipped_bit_of_a_document_or_its_signature_is_accepted(
    house: Office, applicant: Applicant, tmp_path: Path
) -> None:
    data = document(house, applicant, "production").to_bytes()
    armour = armour_of(house.key("aprobadora"), data)
    before = events(house)
    # What is no document or no signature by its form needs no process; the others wait for ssh-keygen.
    with ThreadPoolExecutor(4) as pool:
        documents = list(pool.map(lambda changed: refused(house, changed, armour), flips(data)))
        text = (changed.decode("latin-1") for changed in flips(armour.encode()))
        signatures = list(pool.map(lambda changed: refused(house, data, changed), text))
    assert len(documents) == 3 * len(data)
    assert len(signatures) == 3 * len(armour)
    assert all(documents)
    assert all(signatures)
    for number, changed in enumerate(list(flips(data))[:: len(data)]):
        put(tmp_path, changed, armour, str(number))
        house.must("operador", "approvals", "import", tmp_path / f"{number}.json", code=5)
    for number, changed in enumerate(list(flips(armour.encode()))[:: len(armour)]):
        path = put(tmp_path, data, "", str(number))
        path.with_name(path.name + ".sig").write_bytes(changed)
        house.must("operador", "approvals", "import", path, code=5)
    assert events(house) == before
    closed(house, applicant)
    house.must("operador", "approvals", "import", put(tmp_path, data, armour, "sound"))
    assert case_of(house, applicant)["environments"]["production"]["approved_by"] == "aprobadora"


FORGED: list[tuple[str, dict[str, Any], str]] = [
    ("another ledger", {"ledger_id": "0" * 32}, "another ledger"),
    ("lives too long", {"expires_at": timedelta(days=7, seconds=1)}, "lives longer than policy allows"),
    ("expired", {"issued_at": timedelta(days=-6), "expires_at": timedelta(seconds=-1)}, "expired at"),
    ("from the future", {"issued_at": timedelta(hours=1)}, "issued in the future"),
    ("another plan", {"plan_digest": "0" * 64}, "the plan of"),
    ("no plan", {"plan_digest": None}, "the plan of"),
    ("another request", {"request_digest": "0" * 64}, "the request of"),
    ("an earlier round", {"round": 0}, "is of round 0"),
    ("a later round", {"round": 2}, "is of round 2"),
    ("training's gate", {"environment": "training"}, ""),
]


def test_documents_that_do_not_fit_are_refused_though_signed_by_who_may(
    house: Office, applicant: Applicant, tmp_path: Path
) -> None:
    before = events(house)
    for name, changes, said in FORGED:
        fresh = document(house, applicant, "production")
        moved = {k: fresh.issued_at + v if isinstance(v, timedelta) else v for k, v in changes.items()}
        inner = {k: moved.pop(k) for k in ("round", "plan_digest", "request_digest") if k in moved}
        forged = replace(fresh, cases=(replace(fresh.cases[0], **inner),), **moved)
        path = put(tmp_path, forged.to_bytes(), armour_of(house.key("aprobadora"), forged.to_bytes()), name)
        answer = house.must("operador", "approvals", "import", path, code=5)
        assert said in answer.errors, name
    assert events(house) == before
    closed(house, applicant)


def test_an_environment_that_is_none_is_named(house: Office, applicant: Applicant, tmp_path: Path) -> None:
    data = document(house, applicant, "production", environment="staging").to_bytes()
    path = put(tmp_path, data, armour_of(house.key("aprobadora"), data))
    assert (
        "no environment called staging" in house.must("operador", "approvals", "import", path, code=2).errors
    )


def test_a_document_signed_for_another_use_is_refused(
    house: Office, applicant: Applicant, tmp_path: Path
) -> None:
    data = document(house, applicant, "production").to_bytes()
    for namespace in ("quipux-provision-run", "quipux-provision-request", "file"):
        path = put(tmp_path, data, armour_of(house.key("aprobadora"), data, namespace))
        assert f"is for {namespace}" in house.must("operador", "approvals", "import", path, code=5).errors


# Who decides.


@pytest.mark.parametrize("person", ["autora", "operador"])
def test_nobody_approves_what_they_wrote_or_ran(
    house: Office, applicant: Applicant, person: str, tmp_path: Path
) -> None:
    said = house.must(person, "approve", applicant.case, "-e", "production", "--yes", code=5).errors
    assert f"{person} may not approve {applicant.case} for production" in said
    data = document(house, applicant, "production").to_bytes()
    path = put(tmp_path, data, armour_of(house.key(person), data))
    assert (
        "somebody else has to approve it"
        in house.must("aprobadora", "approvals", "import", path, code=5).errors
    )
    closed(house, applicant)


def test_a_document_edited_and_signed_again_by_another_is_refused(
    house: Office, applicant: Applicant, tmp_path: Path
) -> None:
    sound = document(house, applicant, "production")
    edited = replace(sound, reason="otra cosa").to_bytes()
    own = armour_of(house.key("aprobadora"), sound.to_bytes())
    stranger = tmp_path / "stranger"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", stranger], check=True)
    for armour, said in (
        (own, "does not fit what it should sign"),
        (armour_of(stranger, edited), "is nobody's in"),
        (armour_of(house.key("operador"), edited), "may not approve"),
    ):
        path = put(tmp_path, edited, armour)
        assert said in house.must("aprobadora", "approvals", "import", path, code=5).errors
    closed(house, applicant)


def test_who_approved_production_does_not_run_it(house: Office, applicant: Applicant) -> None:
    approve(house, applicant)
    said = house.must("aprobadora", "promote", applicant.case, code=5).errors
    assert f"aprobadora approved {applicant.case} for production and so may not run it" in said
    assert case_of(house, applicant)["state"] == "aprobada"


def test_one_key_under_two_names_is_refused_everywhere(house: Office, applicant: Applicant) -> None:
    with kept(house.folder / "allowed_signers") as signers:
        public = house.key("operador").with_suffix(".pub").read_text()
        signers.write_text(signers.read_text() + f"otra {public}")
        for arguments in (
            ("approve", applicant.case, "-e", "production", "--yes"),
            ("promote", "--all"),
            ("signers", "list"),
        ):
            said = house.must("operador", *arguments, code=2).errors
            assert "this key is already operador's; one key is one person's" in said
    with kept(house.folder / "allowed_signers") as signers:
        before = signers.read_bytes()
        key = house.key("operador").with_suffix(".pub")
        assert "already operador's" in house.must("autora", "signers", "add", "otra", key, code=2).errors
        assert signers.read_bytes() == before


# When.


def test_an_approval_expires(house: Office, applicant: Applicant, tmp_path: Path) -> None:
    waiting = document(house, applicant, "production").to_bytes()
    kept_back = put(tmp_path, waiting, armour_of(house.key("aprobadora"), waiting))
    path = approve(house, applicant)
    late = clock("+7d")
    assert "expired at" in promote(house, applicant, environ=late)
    # In a folder that is imported over and over, what was counted lies beside what comes too late.
    both = house.must("operador", "approvals", "import", path, kept_back, code=5, environ=late)
    assert both.output == f"{applicant.case}: no change\n"
    assert "expired at" in both.errors
    step = case_of(house, applicant, environ=late)["next"]
    assert step["who"] == "aprobador"
    assert step["command"] == f"quipux-provision approve {applicant.case} --environment production"
    assert case_of(house, applicant)["next"]["who"] == "operador"


def test_a_policy_made_shorter_later_counts_for_approvals_given(house: Office, applicant: Applicant) -> None:
    approve(house, applicant)
    with kept(house.folder / "quipux-provision.yml") as settings:
        text = settings.read_text().replace("policy:", "policy:\n  vigencia_aprobacion: 3")
        settings.write_text(text)
        assert "lives longer than policy allows" in promote(house, applicant)


# Rounds.


def test_an_approval_does_not_outlive_a_rejection(
    house: Office, applicant: Applicant, tmp_path: Path
) -> None:
    path = shutil.copytree(approve(house, applicant).parent, tmp_path / "copy")
    assert house.run("aprobadora", "reject", applicant.case, "-e", "production", "--yes").code == 2
    for reason in ("", "  "):
        rejection = ("reject", applicant.case, "-e", "production", "--yes", "--reason", reason)
        assert "needs a reason" in house.must("aprobadora", *rejection, code=2).errors
    house.must("aprobadora", "reject", applicant.case, "-e", "production", "--yes", "--reason", "falta algo")
    assert case_of(house, applicant)["state"] == "en_capacitacion"
    again = house.must("operador", "approvals", "import", path, "--format", "json").json()["cases"]
    assert [(case["status"], case["changed"]) for case in again] == [("unchanged", False)]
    closed(house, applicant)


def test_an_approval_kept_back_does_not_count_after_a_rejection(
    house: Office, applicant: Applicant, tmp_path: Path
) -> None:
    data = document(house, applicant, "production").to_bytes()
    path = put(tmp_path, data, armour_of(house.key("aprobadora"), data))
    house.must("aprobadora", "reject", applicant.case, "-e", "production", "--yes", "--reason", "falta algo")
    said = house.must("operador", "approvals", "import", path, code=5).errors
    assert f"the approval of {applicant.case} is of round 1, the case is in round 2" in said
    closed(house, applicant)


def test_a_changed_request_needs_new_approvals(house: Office, applicant: Applicant, tmp_path: Path) -> None:
    path = shutil.copytree(approve(house, applicant).parent, tmp_path / "copy")
    house.must("autora", "submit", edit(house, applicant, ("Calle Inventada 100", "Calle Nueva 7")))
    case = case_of(house, applicant)
    assert (case["state"], case["round"]) == ("recibida", 2)
    assert "has not been through training" in promote(house, applicant)
    counted = house.must("operador", "approvals", "import", path, "--format", "json").json()["cases"]
    assert [one["changed"] for one in counted] == [False, False][: len(counted)]
    assert "has not been through training" in promote(house, applicant)


@pytest.mark.parametrize(
    ("field", "old", "new"),
    [
        ("institucion.ruc", "{ruc}", "1769999930001"),
        ("institucion.sigla", '"sigla": "{acronym}"', '"sigla": "OTRA"'),
        ("administrador.cedula", "{national_id}", "2405999992"),
        ("via", '"via": "central"', '"via": "autoalojada"'),
    ],
)
def test_what_makes_a_case_does_not_change(
    house: Office, trained: Iterator[Applicant], field: str, old: str, new: str
) -> None:
    applicant = Applicant.invent()
    house.must("autora", "submit", house.write(applicant))
    values = {"ruc": applicant.ruc, "acronym": applicant.acronym, "national_id": applicant.national_id}
    path = edit(house, applicant, (old.format(**values), new))
    answer = house.must("autora", "submit", path, code=3)
    assert f"{applicant.case}: {field} changed, so this is another case" in answer.errors
    assert "give the request a new file name" in answer.errors
    assert case_of(house, applicant)["round"] == 1
    # What the hint says works: the mistaken case is rejected, the right one has another name.
    right = path.with_name(f"{applicant.case}-bien.yml")
    path.rename(right)
    if field != "institucion.ruc":
        assert "belongs to the case" in house.must("autora", "submit", right, code=3).errors
    house.must("aprobadora", "reject", applicant.case, "-e", "training", "--yes", "--reason", "error")
    house.must("autora", "submit", right)


def test_one_institution_is_one_case(house: Office, trained: Iterator[Applicant]) -> None:
    first, other = Applicant.invent(), Applicant.invent()
    twin = replace(first, case=f"{first.case}-otra-vez")
    paths = [house.write(one) for one in (first, twin, other)]
    answer = house.must("autora", "submit", *paths, code=3)
    assert f"{twin.case}: the RUC belongs to the case {first.case} already" in answer.errors
    assert f"quipux-provision reject {first.case}" in answer.errors
    assert f"{other.case}: received" in answer.output
    assert "belongs to the case" in house.must("autora", "submit", paths[1], code=3).errors
    house.must("operador", "status", twin.case, code=2)


# What is planned.


def test_a_database_that_changed_after_the_approval_closes_the_gate(
    house: Office, country: dict[str, LocalEnvironment], applicant: Applicant
) -> None:
    approve(house, applicant)
    country["production"].database.sql(BY_ANOTHER_HAND, (applicant.ruc, applicant.acronym))
    assert "plan" in promote(house, applicant)
    case = case_of(house, applicant)
    assert case["environments"]["production"]["failure"] == "plan_changed"
    assert (case["state"], case["round"]) == ("en_capacitacion", 2)
    assert case["next"]["command"] == f"quipux-provision plan {applicant.case} --environment production"
    closed(house, applicant)
    house.must("operador", *case["next"]["command"].split()[1:])
    assert case_of(house, applicant)["next"]["who"] == "aprobador"
    closed(house, applicant)


def test_a_collection_that_changed_after_the_approval_closes_the_gate(
    house: Office, applicant: Applicant, tmp_path: Path
) -> None:
    approve(house, applicant)
    for part in PARTS:
        ignored = shutil.ignore_patterns("__pycache__", "molecule")
        shutil.copytree(ROOT / part, tmp_path / part, ignore=ignored)
    shutil.copy2(ROOT / "galaxy.yml", tmp_path)
    link = tmp_path / ".collections" / "ansible_collections" / "quipux" / "provision"
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path)
    with (tmp_path / "roles" / "institution" / "tasks" / "main.yml").open("a") as tasks:
        tasks.write("# Another release.\n")

    def changed(person: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        program = (
            f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from quipux_provision.cli.main import run"
        )
        return subprocess.run(
            [sys.executable, "-c", f"{program}; sys.exit(run(sys.argv[1:]))", "--lang", "en", *arguments],
            cwd=house.folder,
            env={"PATH": "/usr/bin:/bin", "QUIPUX_PROVISION_KEY": str(house.key(person))},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
        )

    done = changed("ejecutor", "promote", applicant.case)
    assert done.returncode == 5, done.stderr
    assert case_of(house, applicant)["environments"]["production"]["failure"] == "plan_changed"
    done = changed("operador", "plan", applicant.case, "-e", "production")
    assert done.returncode == 0, done.stderr
    assert case_of(house, applicant)["round"] == 2
    closed(house, applicant)


# Decisions travel.


def test_decisions_travel_between_clones(house: Office, applicant: Applicant, tmp_path: Path) -> None:
    elsewhere, third = clone(house, tmp_path / "clone"), clone(house, tmp_path / "third")
    house.must("aprobadora", "approve", applicant.case, "-e", "production", "--yes", folder=elsewhere)
    closed(house, applicant)
    folder = elsewhere / "approvals" / applicant.case
    house.must("operador", "approvals", "import", folder)
    assert case_of(house, applicant)["state"] == "aprobada"
    before = events(house)
    again = house.must("operador", "approvals", "import", folder, folder, "--format", "json").json()["cases"]
    assert [(one["status"], one["changed"]) for one in again if one["case"] == applicant.case][-1:] == [
        ("unchanged", False)
    ]
    assert events(house) == before

    house.must("operador", "approvals", "export", tmp_path / "out", applicant.case)
    exported = next((tmp_path / "out" / applicant.case).glob("production-approve-*.json"))
    signed = next(folder.glob("production-approve-*.json"))
    assert exported.read_bytes() == signed.read_bytes()
    house.must("operador", "approvals", "import", exported, folder=third)
    assert case_of(house, applicant, folder=third)["state"] == "aprobada"


def test_a_document_without_its_signature_is_no_decision(
    house: Office, applicant: Applicant, tmp_path: Path
) -> None:
    data = document(house, applicant, "production").to_bytes()
    path = put(tmp_path, data, "")
    path.with_name(path.name + ".sig").unlink()
    assert "copy both" in house.must("operador", "approvals", "import", path, code=2).errors
    (tmp_path / "empty").mkdir()
    house.must("operador", "approvals", "import", tmp_path / "empty", code=2)


def test_one_document_decides_many_cases_and_shows_them_first(
    house: Office, trained: Iterator[Applicant]
) -> None:
    some = [next(trained), next(trained)]
    answer = house.must("aprobadora", "approve", *(one.case for one in some), "-e", "production", "--yes")
    assert answer.output.startswith(f"Cases: {some[0].case}, {some[1].case}\n")
    for one in some:
        assert one.ruc in answer.output
    written = [Path(line.partition(": ")[2]) for line in answer.output.splitlines() if "written" in line]
    assert [path.parent for path in written] == [house.folder / "approvals" / "_varios"]
    decided = ApprovalDocument.from_bytes(written[0].read_bytes())
    assert [case.case for case in decided.cases] == [one.case for one in some]
    assert {case_of(house, one)["state"] for one in some} == {"aprobada"}


# A runner that may run and never approve, and what it needs.


def test_a_runner_runs_and_never_approves(
    house: Office, country: dict[str, LocalEnvironment], applicant: Applicant, tmp_path: Path
) -> None:
    for name in ("ci", "ci-solo"):
        key = house.key(name)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", key], check=True)
    with kept(house.folder / "allowed_signers"):
        run = "quipux-provision-run"
        add = ("signers", "add", "--namespaces")
        public = [house.key(name).with_suffix(".pub") for name in ("ci", "ci-solo")]
        house.must("autora", *add, f"{run},quipux-provision-checkpoint", "ci", public[0])
        house.must("autora", *add, run, "ci-solo", public[1])

        house.must("ci", "approve", applicant.case, "-e", "production", "--yes", code=5)
        data = document(house, applicant, "production").to_bytes()
        path = put(tmp_path, data, armour_of(house.key("ci"), data))
        assert "ci may not sign this" in house.must("aprobadora", "approvals", "import", path, code=5).errors
        closed(house, applicant)

        documents = approve(house, applicant).parent
        before = events(house)
        said = house.must("ci-solo", "promote", applicant.case, code=5).errors
        assert "may not sign the checkpoint" in said
        assert "quipux-provision-checkpoint" in said
        assert events(house) == before

        # What counts is in the ledger; the files carry it between people and can be written again.
        sound = {path.name: path.read_bytes() for path in documents.iterdir()}
        shutil.rmtree(documents)
        house.must("ci", "promote", applicant.case)
        assert case_of(house, applicant)["state"] == "en_produccion"
        house.must("operador", "approvals", "export", house.folder / "approvals", applicant.case)
        assert {path.name: path.read_bytes() for path in documents.iterdir()} == sound
        found = country["production"].database.sql(
            "SELECT count(*) FROM institucion WHERE inst_ruc = %s", (applicant.ruc,)
        )
        assert found == [(1,)]
        # Nothing is left, and who approved may still not run.
        house.must("aprobadora", "promote", applicant.case, code=5)
