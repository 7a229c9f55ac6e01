"""An institution's own server: its inventory and passwords are made, and what runs over it is recorded."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
from hashlib import md5
from importlib.resources import files
from pathlib import Path

import pyrage
import pytest
import yaml

from tests.functional.cli.desk import events
from tests.hosts.office import Applicant, Office, Result

INIT = ("self-hosted", "init", "--institution", "INEJ", "--hostname", "quipux.inej.example.gob.ec")
ONE = ("--app-host", "127.0.0.1")


@pytest.fixture
def desk(office: Office) -> Office:
    """An office that has no server of its own yet."""
    return office


@pytest.fixture
def prepared(desk: Office) -> Office:
    """An office that has made the inventory of a server, at an address where nobody answers."""
    desk.must("operador", *INIT, *ONE, "--accept-discontinued")
    desk.must("autora", "submit", desk.write(Applicant.invent()))  # so that there is a ledger
    variables = desk.folder / "inventories/self_hosted/group_vars/all/main.yml"
    variables.write_text(variables.read_text() + "\nansible_port: 1\n")
    (desk.folder / "inventories/self_hosted/known_hosts").write_text("[127.0.0.1]:1 ssh-ed25519 AAAA\n")
    return desk


def vault(office: Office) -> dict[str, str]:
    """The passwords, opened as ansible-vault opens them."""
    program = Path(sys.executable).with_name("ansible-vault")
    folder = office.folder
    done = subprocess.run(
        [
            *(program, "view", "--vault-password-file", folder / "secretos/vault-self_hosted"),
            folder / "inventories/self_hosted/group_vars/all/vault.yml",
        ],
        capture_output=True,
        check=True,
        text=True,
    )
    found: dict[str, str] = yaml.safe_load(done.stdout)
    return found


def server(office: Office) -> dict[str, object]:
    (found,) = office.must("operador", "status", "--format", "json").json()["servers"]
    return dict(found)


def test_inventory_passwords_and_backup_key_are_made(desk: Office) -> None:
    before = (desk.folder / "quipux-provision.yml").read_text()

    told = desk.must(
        "operador", *INIT, *ONE, "--db-host", "bd.inej.example.gob.ec", "--format", "json"
    ).json()

    settings = (desk.folder / "quipux-provision.yml").read_text()
    added = [line for line in settings.splitlines() if line not in before.splitlines()]
    assert [line for line in before.splitlines() if line not in settings.splitlines()] == []
    assert "    kind: propia" in added
    assert "quipux-provision.yml" in told["files"]
    folder = desk.folder / "inventories/self_hosted"
    hosts = yaml.safe_load((folder / "hosts.yml").read_text())["all"]["children"]
    assert hosts["quipux_db"]["hosts"] == {"bd.inej.example.gob.ec": None}
    assert hosts["quipux_app"]["hosts"] == {"127.0.0.1": {"ansible_host": "127.0.0.1"}}
    passwords = vault(desk)
    assert set(passwords) == {
        *("quipux_app_db_password", "quipux_db_password", "quipux_db_read_only_password"),
        "quipux_admin_password",
    }
    assert len(set(passwords.values())) == 4
    assert re.fullmatch(r"(?=.*\d)[A-Za-z0-9]{15}", passwords["quipux_admin_password"])
    variables = yaml.safe_load((folder / "group_vars/all/main.yml").read_text())
    identity = (desk.folder / "secretos/respaldos-self_hosted.age").read_text().splitlines()[-1]
    recipient = pyrage.x25519.Recipient.from_str(variables["quipux_backup_recipient"])
    sealed = pyrage.encrypt(b"copia", [recipient])
    assert pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(identity)]) == b"copia"
    assert variables["quipux_institution"] == "INEJ"
    assert variables["quipux_accept_discontinued"] is False
    for name in ("vault-self_hosted", "respaldos-self_hosted.age"):
        assert stat.S_IMODE((desk.folder / "secretos" / name).stat().st_mode) == 0o600
    template = files("quipux_provision") / "workspace_template" / "gitignore"  # as `init` leaves it
    (desk.folder / ".gitignore").write_text(template.read_text())
    subprocess.run(["git", "init", "-q"], cwd=desk.folder, check=True)
    ignored = subprocess.run(
        ["git", "check-ignore", "secretos", ".collections"], cwd=desk.folder, check=False
    )
    assert ignored.returncode == 0


def test_the_super_administrators_password_is_printed_once_and_kept_nowhere(desk: Office) -> None:
    printed = desk.must("operador", *INIT, *ONE, "--print-admin-password").output

    passwords = vault(desk)
    assert "quipux_admin_password" not in passwords
    (password,) = [
        line.strip()
        for line in printed.splitlines()
        if md5(line.strip().encode(), usedforsecurity=False).hexdigest()[1:27]
        == passwords["quipux_admin_password_hash"]
    ]
    kept = [
        path for path in desk.folder.rglob("*") if path.is_file() and password.encode() in path.read_bytes()
    ]
    assert kept == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--institution", "inej"), "inej is no acronym"),
        (("--institution", "INEJ-UIO"), "INEJ-UIO is no acronym"),
        (("--hostname", "quipux.inej;reboot"), "is no name of a host"),
        (("--app-host", "-oProxyCommand=id"), ""),
        (("--db-host", "a b"), "is no name of a host"),
        (("--environment", "Mi Servidor"), "is no name of an environment"),
        (("--environment", "training"), "the settings have an environment training already"),
    ],
)
def test_impossible_names_are_refused_and_nothing_is_made(
    desk: Office, more: tuple[str, ...], said: str
) -> None:
    before = sorted(desk.folder.rglob("*"))

    result = desk.must("operador", *INIT, *ONE, *more, code=2)

    assert said in result.errors
    assert "Traceback" not in result.errors
    assert sorted(desk.folder.rglob("*")) == before


def test_a_second_init_writes_over_nothing(prepared: Office) -> None:
    secret = (prepared.folder / "secretos/vault-self_hosted").read_bytes()

    result = prepared.must("operador", *INIT, *ONE, code=2)

    assert "already" in result.errors
    assert (prepared.folder / "secretos/vault-self_hosted").read_bytes() == secret


def test_a_server_that_cannot_be_reached_is_told_and_recorded(prepared: Office) -> None:
    count = events(prepared)

    result = prepared.must("operador", "self-hosted", "verify", code=7)

    assert len(result.errors.splitlines()) >= 2
    assert "Traceback" not in result.errors
    assert events(prepared) == count + 2
    assert server(prepared)["installed"] is None
    prepared.must("autora", "audit", "verify")


def test_a_run_without_its_vault_has_an_end_and_says_so_to_machines(prepared: Office) -> None:
    (prepared.folder / "secretos/vault-self_hosted").unlink()

    result = prepared.run("operador", "self-hosted", "verify", "--format", "json")

    assert result.code
    assert result.json()["error"]["exit_code"] == result.code
    assert result.json()["verb"] == "verify"
    assert not server(prepared)["unfinished"]


def test_a_plan_and_a_look_record_nothing(prepared: Office) -> None:
    count = events(prepared)

    prepared.must("operador", "self-hosted", "health", code=7)
    prepared.must("operador", "self-hosted", "year-change", "--plan", code=7)

    assert events(prepared) == count


def test_a_case_is_not_carried_out_on_a_server_that_is_not_known_to_answer(prepared: Office) -> None:
    applicant = Applicant.invent()
    path = prepared.write(applicant)
    path.write_text(path.read_text().replace('"via": "central"', '"via": "autoalojada"'))
    prepared.must("autora", "submit", path)

    case = prepared.must("operador", "status", applicant.case, "--format", "json").json()["cases"][0]
    assert case["next"]["command"] == "quipux-provision self-hosted install -e self_hosted"
    result = prepared.must("operador", "apply", applicant.case, "-e", "self_hosted", code=5)
    assert "not known to work" in result.errors


def test_the_environment_is_the_only_own_one_or_has_to_be_named(desk: Office) -> None:
    refused = desk.must("operador", "self-hosted", "verify", code=2)
    assert "no environment of kind propia" in refused.errors

    refused = desk.must("operador", "self-hosted", "verify", "-e", "training", code=2)
    assert "capacitacion" in refused.errors

    desk.must("operador", *INIT, *ONE)
    desk.must("operador", *INIT, *ONE, "--environment", "segunda")
    refused = desk.must("operador", "self-hosted", "verify", code=2)
    assert "segunda, self_hosted" in refused.errors or "self_hosted, segunda" in refused.errors


def test_who_may_not_sign_changes_nothing(prepared: Office) -> None:
    stranger = prepared.folder / "ajena"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", stranger], check=True)
    count = events(prepared)

    result: Result = prepared.must("operador", "self-hosted", "install", "--key", stranger, code=5)

    assert "signers" in result.errors
    assert events(prepared) == count
