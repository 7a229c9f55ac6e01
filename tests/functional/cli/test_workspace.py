"""A small office is ready in minutes, and a mistyped command changes nothing."""

from __future__ import annotations

import getpass
import json
import os
import stat
import subprocess
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.functional.cli.desk import at_terminal
from tests.hosts.office import PROGRAM, Applicant, Office, Result


class Beginner(Office):
    """Somebody with a home, an SSH key and nothing else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.key("rosa").parent.mkdir(mode=0o700, parents=True)
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "rosa", "-f", self.key("rosa")]
        subprocess.run(command, check=True)

    def key(self, person: str) -> Path:
        return self.home / ".ssh" / "id_ed25519"

    def call(self, *arguments: str | Path, folder: Path | None = None, **environ: str) -> Result:
        """Call the program without any language or key named."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LANG", "LC_"))}
        done = subprocess.run(
            [PROGRAM, *arguments],
            cwd=folder or self.folder,
            env={**kept, "HOME": str(self.home), **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
        )
        return Result(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def rosa(tmp_path: Path) -> Beginner:
    return Beginner(tmp_path)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_init_makes_an_office(rosa: Beginner) -> None:
    public = rosa.key("rosa").with_suffix(".pub")
    done = rosa.must("rosa", "init", "oficina", "--signer", "rosa", "--public-key", public)
    office = rosa.folder / "oficina"
    made = {str(path.relative_to(office)) for path in office.rglob("*") if path.is_file()}
    expected = {"quipux-provision.yml", "allowed_signers", ".gitignore", "requests/ejemplo.yml"}
    assert expected | {"inventories/training/hosts.yml", "inventories/production/hosts.yml"} <= made
    for name in made:
        assert f"oficina/{name}" in done.output
    assert {
        name: (office / name).is_dir() for name in ("approvals", "outbox", "checkpoints")
    } == dict.fromkeys(("approvals", "outbox", "checkpoints"), True)
    assert stat.S_IMODE((office / "outbox").stat().st_mode) == 0o700
    assert stat.S_IMODE((office / "requests").stat().st_mode) == 0o700
    for name in ("quipux-provision.yml", "requests/ejemplo.yml", "inventories/training/hosts.yml"):
        comments = [line for line in (office / name).read_text().splitlines() if line.startswith("#")]
        assert any(" de " in line or " para " in line for line in comments), name
    # It works as it is: the example is valid, the settings load, the signer may sign.
    assert rosa.must("rosa", "validate", "requests/ejemplo.yml", folder=office).output == "1 valid request\n"
    assert "no cases yet" in rosa.must("rosa", "status", folder=office).output
    assert rosa.must("rosa", "signers", "list", folder=office).output.startswith("rosa  SHA256:")
    (office / "requests" / "ejemplo.yml").rename(office / "requests" / "inej.yml")
    assert "inej: received, round 1" in rosa.must("rosa", "submit", "requests/inej.yml", folder=office).output


def test_what_must_not_be_published_is_ignored_by_git(rosa: Beginner) -> None:
    rosa.must("rosa", "init", "oficina")
    office = rosa.folder / "oficina"
    rosa.must("rosa", "status", folder=office)
    for name in ("outbox/1.eml", "secretos/smtp", "ledger.db-wal", "site.retry"):
        (office / name).parent.mkdir(exist_ok=True)
        (office / name).touch()
    assert (office / "ledger.db").exists()
    git = ["git", "-c", "core.excludesFile=/dev/null", "-C", str(office)]
    subprocess.run([*git, "init", "-q"], check=True)
    shown = subprocess.run([*git, "status", "--short", "-uall"], check=True, capture_output=True, text=True)
    seen = {line.split()[-1] for line in shown.stdout.splitlines()}
    assert {"quipux-provision.yml", ".gitignore", "requests/ejemplo.yml"} <= seen
    assert not {name for name in seen if "ledger" in name or "outbox" in name or "secret" in name}
    assert "site.retry" not in seen


def test_init_twice_changes_nothing(rosa: Beginner) -> None:
    rosa.must("rosa", "init", "oficina")
    before = tree(rosa.folder)
    assert "is a workspace already" in rosa.must("rosa", "init", "oficina", code=2).errors
    assert tree(rosa.folder) == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--signer", "rosa"], "belong together"),
        (["--public-key", "KEY.pub"], "belong together"),
        (["--signer", "rosa", "--public-key", "KEY"], "is a private key"),
        (["--signer", "rosa", "--public-key", "none.pub"], "cannot read the public key"),
        (["--signer", "rosa ejemplo", "--public-key", "KEY.pub"], "cannot add rosa ejemplo"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_bad_first_signer_makes_no_workspace(rosa: Beginner, options: list[str], said: str) -> None:
    named = [option.replace("KEY", str(rosa.key("rosa"))) for option in options]
    assert said in rosa.must("rosa", "init", "oficina", *named, code=2).errors
    assert not (rosa.folder / "oficina").exists()


def test_init_in_a_place_that_is_none(rosa: Beginner) -> None:
    (rosa.folder / "file").touch()
    assert "is not a folder" in rosa.must("rosa", "init", "file", code=2).errors
    assert "cannot write the workspace" in rosa.must("rosa", "init", "file/below", code=2).errors


@pytest.mark.parametrize(("typed", "signs"), [("\n", True), ("s\n", True), ("n\n", False), ("\x04", False)])
def test_init_offers_ones_own_key(rosa: Beginner, typed: str, signs: bool) -> None:
    seen = at_terminal(rosa, "rosa", "init", "oficina", typed=typed, HOME=str(rosa.home))
    assert seen.code == 0, seen
    assert f"Let {getpass.getuser()} sign with {rosa.key('rosa')}.pub?" in seen.output
    listed = rosa.must("rosa", "signers", "list", folder=rosa.folder / "oficina").output
    assert listed.startswith(f"{getpass.getuser()}  SHA256:") == signs
    assert ("nobody may sign yet" in listed) != signs


def test_signers_are_added_and_listed(rosa: Beginner) -> None:
    rosa.must("rosa", "init", "oficina")
    office, public = rosa.folder / "oficina", rosa.key("rosa").with_suffix(".pub")
    assert "nobody may sign yet" in rosa.must("rosa", "signers", "list", folder=office).output
    namespaces = "quipux-provision-run,quipux-provision-checkpoint"
    rosa.must("rosa", "signers", "add", "ci", public, "--namespaces", namespaces, folder=office)
    shown = rosa.must("rosa", "signers", "list", folder=office).output
    assert "quipux-provision-run, quipux-provision-checkpoint" in shown
    listed = rosa.must("rosa", "signers", "list", "--format", "json", folder=office).json()
    assert [(one["name"], one["namespaces"]) for one in listed["signers"]] == [("ci", namespaces.split(","))]
    before = tree(office)
    for arguments in (
        ("otra", public),
        ("ci", public),
        ("*", public),
        ("ñandú", public),
        ("x", rosa.key("r")),
    ):
        answer = rosa.must("rosa", "signers", "add", *arguments, folder=office, code=2)
        assert "HINT:" in answer.errors
    assert tree(office) == before


def test_the_schema_is_one_that_the_example_fits(rosa: Beginner) -> None:
    schema = json.loads(rosa.must("rosa", "schema").output)
    Draft202012Validator.check_schema(schema)
    source = Applicant.invent().source()
    assert Draft202012Validator(schema).is_valid(source)
    source["institucion"]["ruc"] = 1769999930001
    assert not Draft202012Validator(schema).is_valid(source)


def test_the_workspace_is_found_upwards_or_named(rosa: Beginner) -> None:
    rosa.must("rosa", "init", "oficina")
    office = rosa.folder / "oficina"
    deep = office / "requests" / "2026" / "noviembre"
    deep.mkdir(parents=True)
    for arguments, folder in (
        (["status"], office),
        (["status"], deep),
        (["--workspace", str(office), "status"], rosa.folder),
        (["status", "--workspace", "oficina"], rosa.folder),
        (["status", "--workspace", str(office)], deep),
    ):
        assert "no cases yet" in rosa.must("rosa", *arguments, folder=folder).output
    said = rosa.must("rosa", "status", code=2).errors
    assert "there is no quipux-provision.yml in" in said
    assert "quipux-provision init DIR" in said
    assert "is no workspace" in rosa.must("rosa", "status", "--workspace", "home", code=2).errors
    assert not (rosa.folder / "ledger.db").exists()


@pytest.mark.smoke
@pytest.mark.parametrize(
    "line",
    [
        "",
        "bless",
        "status --format xml",
        "status nobody",
        "history nobody",
        "history",
        "plan",
        "plan -e staging",
        "plan nobody -e training",
        "approve -e training",
        "approve --all-planned nobody -e training",
        "approve nobody -e training --yes",
        "reject nobody -e training",
        "reject -e training --reason x",
        "apply nobody -e training",
        "promote",
        "promote --all nobody",
        "activate -e training",
        "activate nobody -e training",
        "submit",
        "submit requests/none.yml",
        "approvals import none.json",
        "audit",
        "audit verify --checkpoint none.json",
        "audit verify --mail-head x",
        "unlock nobody -e training",
        "unlock nobody -e training --reason x",
        "environment rebind staging --reason x",
        "doctor",
        "signers add",
        "status --lang",
    ],
)
def test_a_mistyped_command_says_what_to_type(rosa: Beginner, line: str) -> None:
    public = rosa.key("rosa").with_suffix(".pub")
    rosa.must("rosa", "init", "oficina", "--signer", "rosa", "--public-key", public)
    answer = rosa.must(
        "rosa", *line.split(), folder=rosa.folder / "oficina", code=3 if "none.yml" in line else 2
    )
    told = answer.errors + answer.output
    assert "Traceback" not in told
    assert "internal error" not in told
    assert "usage:" in told or "HINT:" in told or "; " in told


def test_the_language_is_the_locales_or_the_one_named(rosa: Beginner) -> None:
    english, spanish = "no cases yet", "aún no hay casos"
    rosa.must("rosa", "init", "oficina")
    office = rosa.folder / "oficina"
    for environ, options, expected in (
        ({"LANG": "es_EC.UTF-8"}, [], spanish),
        ({"LANG": "C.UTF-8"}, [], english),
        ({}, [], english),
        ({"LANG": "C", "LC_ALL": "es_EC.UTF-8"}, [], spanish),
        ({"LANG": "es_EC.UTF-8"}, ["--lang", "en"], english),
        ({"LANG": "en_US.UTF-8"}, ["--lang=es"], spanish),
        ({"LANG": "fr_FR.UTF-8"}, [], english),
    ):
        assert expected in rosa.call(*options, "status", folder=office, **environ).output.lower(), environ
    json_es = rosa.call("status", "--format", "json", folder=office, LANG="es_EC.UTF-8")
    assert json_es == rosa.call("status", "--format", "json", folder=office, LANG="C.UTF-8")
    wrong = rosa.call("plan", "-e", "staging", folder=office, LANG="es_EC.UTF-8")
    assert wrong.code == 2
    assert "training" in wrong.errors
    assert "use one of" not in wrong.errors
    assert "VERBO" in rosa.call("--help", LANG="es_EC.UTF-8").output
