"""The pipeline of the examples, command by command, in clones of a bare repository."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.functional.ci.hostile import assert_dangerous, plant
from tests.functional.ci.project import BRANCH, Job, Project, git, make_wheel, write_request
from tests.functional.cli.attack import assert_code_counts, assert_whole, mails, tables
from tests.functional.cli.local import LocalEnvironment
from tests.hosts.office import Applicant
from tests.stand_in.cluster import Cluster


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_wheel(tmp_path_factory.mktemp("rueda"))


@pytest.fixture(params=["stand_in"])
def variant(request: pytest.FixtureRequest) -> str:
    """One layout is enough: what differs between layouts is below the commands."""
    return str(request.param)


@pytest.fixture
def project(
    environments: dict[str, LocalEnvironment], cluster: Cluster, wheel: Path, tmp_path: Path
) -> Iterator[Project]:
    made = Project(tmp_path, environments, cluster, wheel)
    yield made
    made.drop_ledger()


def outbox(project: Project, applicant: Applicant) -> list[Any]:
    """The mails that the runner kept for an applicant."""
    project.office.folder.joinpath("outbox").unlink(missing_ok=True)
    project.office.folder.joinpath("outbox").symlink_to(project.keep / "outbox")
    return mails(project.office, applicant)


def test_from_the_merge_request_to_production(
    project: Project, environments: dict[str, LocalEnvironment]
) -> None:
    applicant = Applicant.invent()
    training, production = environments["training"], environments["production"]
    clone = project.branch("solicitud")
    write_request(project.office.write(applicant)).rename(clone / "requests" / f"{applicant.case}.yml")
    before = project.events(), tables(training.database), tables(production.database)
    commit = project.propose(clone)
    # The key that logs in to hosts lives in an agent that ends with the job.
    agents = project.folder / "agentes"
    agents.mkdir()
    login = {"QUIPUX_CI_SSH_KEY": str(project.office.key("operador")), "TMPDIR": str(agents)}
    shown = project.must("revision", commit, **login)
    assert list(agents.iterdir()) == []
    assert applicant.acronym in shown.log
    assert shown.failed("validate") == shown.failed("preview") == {}
    assert (project.events(), tables(training.database), tables(production.database)) == before
    assert not list(project.keep.iterdir())

    git(clone, "push", "-q", "origin", f"HEAD:{BRANCH}")
    git(project.office.folder, "pull", "-q", "--rebase", "origin", BRANCH)
    # A secret of GitHub is no file, and who pasted it may have left its lines as Windows ends them.
    as_text = project.office.key("ci").read_text().strip().replace("\n", "\r\n")
    waiting = project.must("capacitacion", QUIPUX_CI_KEY=as_text)
    assert f"{applicant.case}: received, round 1" in waiting.log
    assert {"submit", "plan", "apply", "status"} == set(waiting.reports)
    assert "nothing to do: no approved case waits for training" in waiting.log
    assert "case.decided" not in dict(project.events())

    project.approve("training", applicant)
    assert "case.decided" not in dict(project.events())  # the approver's login could not write it
    project.must("capacitacion")
    assert_whole(training, applicant)
    (mail,) = outbox(project, applicant)
    assert_code_counts(training, applicant, mail)
    assert stat.S_IMODE((project.keep / "outbox").stat().st_mode) == 0o700

    assert "nothing to do: no approved case waits for production" in project.must("produccion").log
    project.approve("production", applicant)
    promoted = project.must("produccion")
    assert_whole(production, applicant)
    # What was carried out is left alone, however often the pipeline runs.
    done = project.events()
    project.must("capacitacion")
    project.must("produccion")
    assert [kind for kind, _case in project.events()][len(done) :] == []

    daily = project.must("diario")
    assert "the ledger holds" in daily.log
    assert (daily.folder / "informe" / "tablero" / "index.html").is_file()
    assert daily.failed("audit") == {}
    assert list((promoted.folder / "informe" / "checkpoints").glob("*.json"))
    assert len(list((project.keep / "checkpoints").glob("*.json"))) == 2
    for folder in (project.keep, *(job.folder / "informe" for job in (shown, promoted, daily))):
        assert [path for path in folder.rglob("*") if path.stat().st_mode & 0o077] == []
    events = Counter(kind for kind, case in project.events() if case == applicant.case)
    assert (events["run.applied"], events["mail.saved"]) == (2, 2)

    secrets = {value for name in ("diario", "revision") for value in project.secrets(name).values()}
    logs = "".join(job.log for job in (shown, waiting, promoted, daily))
    assert not [value for value in secrets if value in logs and not value.startswith(os.sep)]


def test_a_bad_request_fails_the_merge_request_and_says_where(project: Project) -> None:
    applicant = Applicant.invent()
    clone = project.branch("mala")
    path = write_request(project.office.write(applicant)).rename(clone / "requests" / f"{applicant.case}.yml")
    path.write_text(path.read_text().replace(applicant.ruc, "1769999930"))
    job = project.must("revision", project.propose(clone), code=3)
    assert list(job.failed("validate")) == [applicant.case]
    assert f"{applicant.case}.yml:" in job.failed("validate")[applicant.case]
    assert "preview" not in job.reports
    nothing = project.branch("nada")
    (nothing / "LEEME").write_text("x")
    assert "no se usa aquí: LEEME" in project.must("revision", project.propose(nothing)).log


def test_the_merge_request_has_neither_key_nor_pen(
    project: Project, environments: dict[str, LocalEnvironment]
) -> None:
    commit = git(project.origin, "rev-parse", BRANCH)
    key = str(project.office.key("ci"))
    assert "no debe tener llave" in project.must("revision", commit, code=2, QUIPUX_CI_KEY=key).log
    with psycopg2.connect(project.urls["read"]) as reader, reader.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM events")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("DELETE FROM locks")
    reader.close()
    applicant = Applicant.invent()
    refused = project.office.must(
        "autora", "submit", project.office.write(applicant), environ=project.secrets("revision"), code=7
    )
    assert "permission denied" in refused.errors
    assert applicant.case not in {case for _kind, case in project.events()}


def test_ci_may_not_approve_and_without_the_name_space_not_submit(project: Project) -> None:
    applicant = Applicant.invent()
    project.write(applicant)
    project.push("Solicitud")
    project.must("capacitacion")
    environ = project.secrets("capacitacion") | {
        "QUIPUX_PROVISION_KEY": project.secrets("diario")["QUIPUX_CI_KEY"]
    }
    refused = project.office.must(
        "aprobadora", "approve", applicant.case, "-e", "training", "--yes", environ=environ, code=5
    )
    assert "ci" in refused.errors

    signers = project.office.folder / "allowed_signers"
    signers.write_text(signers.read_text().replace("quipux-provision-request,", ""))
    other = Applicant.invent()
    project.write(other)
    project.push("CI ya no firma solicitudes")
    job = project.must("capacitacion", code=5)
    assert job.failed("submit")
    project.office.must("autora", "submit", f"requests/{other.case}.yml", environ=project.secrets("operador"))
    project.must("capacitacion")
    assert [kind for kind, case in project.events() if case == other.case].count("case.submitted") == 1


def test_two_pipelines_at_once(project: Project, environments: dict[str, LocalEnvironment]) -> None:
    applicants = [Applicant.invent() for _ in range(3)]
    project.write(*applicants)
    commit = project.push("Solicitudes")
    both(project, "capacitacion", commit)
    submitted = Counter(case for kind, case in project.events() if kind == "case.submitted")
    assert submitted == {applicant.case: 1 for applicant in applicants}
    project.must("capacitacion")  # whoever lost comes again, as every pipeline does

    project.approve("training", *applicants)
    both(project, "capacitacion", git(project.origin, "rev-parse", BRANCH))
    for applicant in applicants:
        assert_whole(environments["training"], applicant)
        (mail,) = outbox(project, applicant)
        assert_code_counts(environments["training"], applicant, mail)
    project.must("capacitacion")
    events = Counter(project.events())
    for applicant in applicants:
        assert events["mail.saved", applicant.case] == events["case.decided", applicant.case] == 1
        assert events["activation.prepared", applicant.case] == 1
    both(project, "diario", commit)
    assert "the ledger holds" in project.must("diario").log


def both(project: Project, name: str, commit: str) -> list[Job]:
    """Run a job twice at once."""
    jobs = [job.result() for job in [project.start(name, commit) for _ in range(2)]]
    assert {job.code for job in jobs} <= {0, 6}, "\n".join(map(str, jobs))
    assert 0 in {job.code for job in jobs}
    return jobs


def test_of_a_hostile_branch_only_requests_are_read(
    project: Project, environments: dict[str, LocalEnvironment], tmp_path: Path
) -> None:
    canary = tmp_path / "canario"
    canary.mkdir()
    clone = project.branch("hostil")
    applicant = Applicant.invent()
    plant(clone, canary, applicant, project.office)
    commit = project.propose(clone)
    assert_dangerous(clone, canary, project.secrets("revision"))

    before = project.events(), tables(environments["training"].database)
    # The worst case: an earlier job left the branch checked out where this one begins.
    for leftover in (None, commit):
        job = project.must("revision", commit, code=3, checkout=leftover)
        assert [path.name for path in canary.iterdir()] == [], str(job)
        assert "requests/afuera.yml no es un archivo" in job.log
        assert "requests/submodulo.yml no es un archivo" in job.log
        assert "no es un nombre de caso" in job.log
        assert "root:" not in job.log
        assert set(job.failed("validate")) == {"plantilla"}
        assert "no se usa aquí: ansible.cfg" in job.log
        assert "no se usa aquí: requests/mas/otra.yml" in job.log
    # The one request that is sound is shown once nothing else is wrong.
    for path in (clone / "requests").glob("*"):
        if path.name not in (f"{applicant.case}.yml", ".gitkeep"):
            git(clone, "rm", "-q", "-r", "--cached", f"requests/{path.name}")
            subprocess.run(["rm", "-rf", path], check=True)
    git(clone, "commit", "-q", "-m", "Solo una")
    git(clone, "push", "-q", "origin", "HEAD")
    shown = project.must("revision", git(clone, "rev-parse", "HEAD"))
    assert applicant.acronym in shown.log
    assert [path.name for path in canary.iterdir()] == []
    assert (project.events(), tables(environments["training"].database)) == before


def test_a_wheel_of_another_hash_is_not_installed(project: Project) -> None:
    (wheel,) = (project.office.folder / "ci" / "wheels").glob("quipux_provision-*.whl")
    data = bytearray(wheel.read_bytes())
    data[-1] ^= 1
    wheel.write_bytes(data)
    project.push("Otra rueda")
    job = project.must("capacitacion", code=1)
    assert "DO NOT MATCH THE HASHES" in job.log
    assert not (job.folder / ".venv-ci" / "bin" / "quipux-provision").exists()


def test_what_is_missing_is_said_before_anything_is_done(project: Project, tmp_path: Path) -> None:
    for name, said in (("QUIPUX_CI_KEY", "falta QUIPUX_CI_KEY"), ("QUIPUX_CI_KEEP", "falta QUIPUX_CI_KEEP")):
        assert said in project.must("capacitacion", code=2, **{name: ""}).log
    orphan = project.branch("huerfana")
    git(orphan, "checkout", "-q", "--orphan", "sola")
    job = project.must("revision", project.propose(orphan), code=2)
    assert "no tiene historia común" in job.log
    usage = subprocess.run(
        [Path(project.office.folder / "ci" / "quipux-ci"), "deploy"],
        env={"PATH": os.environ["PATH"], "QUIPUX_CI_REPORTS": str(tmp_path / "r"), "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (usage.returncode, "merge-request COMMIT" in usage.stderr) == (2, True)
