"""What goes wrong around a run: told in two lines with its exit code, and nothing is changed."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from quipux_provision.outreach.activation import code_hash
from tests.functional.cli.attack import (
    Crafted,
    Started,
    assert_absent,
    assert_code_counts,
    assert_told,
    assert_whole,
    code_of,
    error_of,
    gate,
    hash_in_database,
    ledger_events,
    mail_settings,
    mails,
    ready,
    settings,
    tables,
    until,
)
from tests.functional.cli.local import LocalEnvironment
from tests.hosts.office import PROGRAM, Applicant, Office
from tests.stand_in.database import load
from tests.stand_in.mail_server import HANG_UP, MailServer


@pytest.fixture
def training(country: dict[str, LocalEnvironment]) -> LocalEnvironment:
    return country["training"]


@pytest.fixture(scope="module")
def submitted(house: Office) -> Applicant:
    """A case whose plan may be asked for at any time."""
    applicant = Applicant.invent()
    house.must("autora", "submit", house.write(applicant))
    house.must("operador", "plan", applicant.case, "-e", "training")
    return applicant


@contextmanager
def inventory(office: Office, environment: LocalEnvironment, **variables: Any) -> Iterator[Path]:
    """The environment described otherwise for a while."""
    try:
        yield office.describe(environment, **variables)
    finally:
        office.describe(environment)


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def fails(office: Office, environment: LocalEnvironment, case: str, code: int, words: str) -> None:
    """`plan` and `doctor` tell it, in text and JSON; neither ledger nor database change."""
    before = tables(environment.database), ledger_events(office)
    assert_told(office.run("operador", "plan", case, "-e", environment.name), code, words=words)
    told = error_of(office.run("operador", "plan", case, "-e", environment.name, "--format", "json"))
    assert told["exit_code"] == code
    assert words.lower() in told["message"].lower()
    assert (tables(environment.database), ledger_events(office)) == before


# Around the run


def test_a_group_without_hosts(house: Office, training: LocalEnvironment, submitted: Applicant) -> None:
    for group in ("quipux_app", "quipux_db"):
        with inventory(house, training) as folder:
            hosts = yaml.safe_load((folder / "hosts.yml").read_text())
            hosts["all"]["children"][group]["hosts"] = {}
            (folder / "hosts.yml").write_text(yaml.safe_dump(hosts))
            fails(house, training, submitted.case, 4, "")


def test_a_host_that_does_not_answer(house: Office, training: LocalEnvironment, submitted: Applicant) -> None:
    more = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": closed_port()}
    with inventory(house, training, **more):
        fails(house, training, submitted.case, 7, "bd.training")


def test_a_database_that_does_not_answer(
    house: Office, training: LocalEnvironment, submitted: Applicant
) -> None:
    with inventory(house, training, quipux_db_port=closed_port()):
        fails(house, training, submitted.case, 7, "database")


def test_a_wrong_database_password(house: Office, training: LocalEnvironment, submitted: Applicant) -> None:
    with inventory(house, training, quipux_db_user="nadie"):
        fails(house, training, submitted.case, 7, "database")


def test_a_wrong_vault_password(house: Office, training: LocalEnvironment, submitted: Applicant) -> None:
    vault = house.folder / "secretos" / training.name
    vault.write_text("otra clave")
    try:
        fails(house, training, submitted.case, 4, "vault")
    finally:
        vault.write_text(training.vault_password)


def test_missing_rights(house: Office, training: LocalEnvironment, submitted: Applicant) -> None:
    training.database.sql("REVOKE INSERT ON usuarios FROM quipux_prov")
    try:
        fails(house, training, submitted.case, 4, "INSERT on usuarios")
    finally:
        training.database.sql("GRANT INSERT ON usuarios TO quipux_prov")


def test_another_layout(house: Office, training: LocalEnvironment, submitted: Applicant) -> None:
    """The one of 2010: refused, naming what was found and what was expected."""
    old = load(training.database.cluster, "quipux_2010", "2010-like")
    try:
        old.sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO quipux_prov")
        before = tables(old)
        with inventory(house, training, quipux_db_name=old.name):
            fails(house, training, submitted.case, 4, "unknown layout")
            text = house.run("operador", "plan", submitted.case, "-e", "training").errors
            assert "expected quipux-2014, found: " in text
            doctor = house.must("operador", "doctor", "-e", "training", code=4)
            assert "unknown layout" in doctor.output + doctor.errors
        assert tables(old) == before
    finally:
        old.drop()


MARKER_PLUGIN = "import os\nopen({marker!r}, 'w').close()\n"


@pytest.mark.smoke
def test_hostile_configuration_around_the_workspace(
    house: Office, training: LocalEnvironment, tmp_path: Path
) -> None:
    """ansible.cfg beside the workspace and in the home folder, variables, plugins: none is believed."""
    applicant = Applicant.invent()
    ready(house, applicant)
    marker = tmp_path / "PWNED"
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    for name in ("evil.py", "institution.py", "assert.py", "yaml.py", "local.py"):
        (plugins / name).write_text(MARKER_PLUGIN.format(marker=str(marker)))
    kinds = ("callback", "connection", "filter", "inventory", "lookup", "strategy", "vars", "action")
    configuration = "[defaults]\n" + "".join(
        f"{key} = {plugins}\n" for key in (*(f"{kind}_plugins" for kind in kinds), "library", "roles_path")
    )
    configuration += (
        f"collections_path = {plugins}\ncallbacks_enabled = evil\nvault_password_file = {plugins}/evil.py\n"
    )
    configuration += "gathering = implicit\nerror_on_undefined_vars = False\ncheck_mode_markers = True\n"
    home = tmp_path / "home"
    home.mkdir()
    files = [house.folder / "ansible.cfg", house.folder.parent / "ansible.cfg", home / ".ansible.cfg"]
    for file in files:
        file.write_text(configuration)
    environ = {
        "HOME": str(home),
        "ANSIBLE_CONFIG": str(files[0]),
        "ANSIBLE_LIBRARY": str(plugins),
        "ANSIBLE_CALLBACKS_ENABLED": "evil",
        "ANSIBLE_CHECK_MODE": "true",
        "ANSIBLE_LIMIT": "nobody",
        "ANSIBLE_INVENTORY": "nowhere",
        "ANSIBLE_RUN_TAGS": "nothing",
        "ANSIBLE_SKIP_TAGS": "all",
        "ANSIBLE_VAULT_PASSWORD_FILE": str(plugins / "evil.py"),
        "ANSIBLE_STRATEGY": "free",
        **{f"ANSIBLE_{kind.upper()}_PLUGINS": str(plugins) for kind in kinds},
    }
    try:
        done = Started(house, "operador", "apply", applicant.case, "-e", "training", **environ).result()
    finally:
        for file in files:
            file.unlink()
    assert done.code == 0, str(done)
    assert not marker.exists()
    assert_whole(training, applicant)


@pytest.mark.smoke
def test_every_exit_code(house: Office, training: LocalEnvironment, submitted: Applicant) -> None:
    """0 2 3 4 5 6 7 10 130 through the front door; two lines each, JSON alike, no traceback."""
    case = submitted.case
    house.must("operador", "plan", case, "-e", "training", "--detailed-exitcode", code=10)
    bad = house.write(Crafted.of({("institucion", "sigla"): "demasiado larga"}))
    result = house.must("autora", "submit", bad, code=3)
    assert f"{bad.name}:" in result.output
    for arguments in (
        ("plan", "nadie", "-e", "training"),
        ("plan", case, "-e", "nowhere"),
        ("status", "nadie"),
        ("promote",),
    ):
        assert_told(house.run("operador", *arguments), 2)
        assert error_of(house.run("operador", *arguments, "--format", "json"))["exit_code"] == 2
    assert house.run("operador", "plan").code == 2
    assert house.run("operador", "dance").code == 2
    assert_told(house.run("operador", "apply", case, "-e", "training"), 5)
    assert (
        error_of(house.run("operador", "apply", case, "-e", "training", "--format", "json"))["exit_code"] == 5
    )
    with inventory(house, training, quipux_db_port=closed_port()):
        assert house.run("operador", "plan", case, "-e", "training").code == 7
    house.must("aprobadora", "approve", case, "-e", "training", "--yes")
    with gate(house, training, "quipux_db") as stop:
        first = Started(house, "operador", "apply", case, "-e", "training")
        until(stop.reached, "the run at the database host")
        assert_told(house.run("operador", "apply", case, "-e", "training"), 6, words=case)
        told = error_of(house.run("operador", "apply", case, "-e", "training", "--format", "json"))
        assert told["exit_code"] == 6
        first.process.send_signal(signal.SIGINT)
        assert_told(first.result(), 130)
    assert_absent(training, submitted)
    house.must("operador", "apply", case, "-e", "training")
    assert_whole(training, submitted)
    again = house.must("operador", "apply", case, "-e", "training", "--format", "json").json()
    assert [(c["status"], c["changed"], c["error"]) for c in again["cases"]] == [("unchanged", False, None)]


def test_an_item_that_the_database_refuses_stops_no_other(house: Office, training: LocalEnvironment) -> None:
    """The mirror's trigger swallows its own error: such an account is not kept, the other cases are."""
    bad, good = Applicant.invent(), Applicant.invent()
    ready(house, bad, good)
    training.database.sql(
        f"""CREATE FUNCTION prueba_rompe() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          IF NEW.usua_cedula = '{bad.national_id}' THEN RAISE EXCEPTION 'clave %', NEW.usua_pasw; END IF;
          RETURN NEW; END $$;
        CREATE TRIGGER aa_prueba BEFORE INSERT OR UPDATE ON usuario
          FOR EACH ROW EXECUTE FUNCTION prueba_rompe()"""
    )
    try:
        result = house.run("operador", "apply", bad.case, good.case, "-e", "training")
        assert_told(result, 4, words=bad.case)
        assert_absent(training, bad)
        assert_whole(training, good)
        assert not mails(house, bad)
        assert training.database.sql("SELECT 1 FROM log_view_usuario") == []
        (state,) = house.must("operador", "status", bad.case, "--format", "json").json()["cases"]
        assert state["environments"]["training"]["failure"]
        assert state["next"]["command"].split()[1] == "apply"
    finally:
        training.database.sql("DROP FUNCTION prueba_rompe() CASCADE")
    house.must("operador", "apply", "-e", "training")
    assert_whole(training, bad)
    assert_code_counts(training, bad, mails(house, bad)[-1])


# Mail


@pytest.mark.parametrize(
    ("answers", "reason"),
    [({"RCPT": "550 5.1.1 no such user"}, "recipient"), ({"DATA": HANG_UP}, "disconnected")],
)
def test_a_mail_that_failed_is_sent_again_with_a_new_code(
    house: Office, training: LocalEnvironment, answers: dict[str, str], reason: str
) -> None:
    applicant = Applicant.invent()
    ready(house, applicant)
    with MailServer(answers=answers) as server:
        settings(house, mail=mail_settings(server.port))
        try:
            assert_told(house.run("operador", "apply", applicant.case, "-e", "training"), 4, words="mail")
            assert_whole(training, applicant)
            dead = hash_in_database(training, applicant)
            assert ledger_events(house)[-1] == ("mail.failed", applicant.case)
            (state,) = house.must("operador", "status", applicant.case, "--format", "json").json()["cases"]
            assert state["environments"]["training"]["mail"] == "failed"
            assert (
                state["next"]["command"] == f"quipux-provision apply {applicant.case} --environment training"
            )
            assert not server.raw
            server.answers.clear()
            again = house.must("operador", "apply", "-e", "training", "--format", "json").json()
            assert [(c["case"], c["mail"]) for c in again["cases"]] == [(applicant.case, "sent")]
        finally:
            settings(house, mail=mail_settings())
    (message,) = server.messages
    assert code_hash(code_of(message)) == hash_in_database(training, applicant) != dead
    house.must("operador", "apply", applicant.case, "-e", "training")
    assert len(server.raw) == 1
    text = house.must("operador", "history", applicant.case).output
    assert reason in text or "mail.failed" in text


def test_no_mail_server_at_all(house: Office, training: LocalEnvironment) -> None:
    """Nobody listens: failed and repeated; no server in the settings: kept in the outbox, and said so."""
    applicant = Applicant.invent()
    ready(house, applicant)
    settings(house, mail=mail_settings(closed_port()))
    try:
        assert_told(house.run("operador", "apply", applicant.case, "-e", "training"), 4, words="mail server")
    finally:
        settings(house, mail=mail_settings())
    assert not mails(house, applicant)
    result = house.must("operador", "apply", applicant.case, "-e", "training")
    (message,) = mails(house, applicant)
    assert re.search(rf"{applicant.case}.*outbox/\S+\.eml", result.output), str(result)
    assert_code_counts(training, applicant, message)
    assert (house.folder / "outbox").stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in (house.folder / "outbox").iterdir())


# The workspace


@pytest.mark.parametrize(
    ("file", "code", "content"),
    [
        ("quipux-provision.yml", 2, "!!python/object/apply:os.system ['touch PWNED']\n"),
        ("quipux-provision.yml", 2, "environments: {training: {kind: other}}\n"),
        ("quipux-provision.yml", 2, "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n"),
        ("quipux-provision.yml", 2, ""),
        ("quipux-provision.yml", 2, "\0"),
        ("allowed_signers", 2, "autora ssh-ed25519 nonsense\n"),
        ("allowed_signers", 5, ""),
        ("ledger.db", 7, "not a database at all, but long enough to be looked at as one " * 20),
    ],
)
def test_a_broken_workspace(house: Office, submitted: Applicant, file: str, code: int, content: str) -> None:
    path = house.folder / file
    before, mode = path.read_bytes(), path.stat().st_mode
    path.write_text(content)
    try:
        result = house.run("operador", "plan", submitted.case, "-e", "training")
        if file == "allowed_signers":
            result = house.run("operador", "apply", submitted.case, "-e", "training")
        assert_told(result, code)
        assert path.read_text() == content
    finally:
        path.write_bytes(before)
        path.chmod(mode)
    assert not list(house.folder.rglob("PWNED"))
    house.must("operador", "status", submitted.case)


def test_no_workspace_and_no_key(house: Office, submitted: Applicant, tmp_path: Path) -> None:
    environ = {
        name: value for name, value in os.environ.items() if "QUIPUX" not in name and "SSH" not in name
    }
    for arguments, folder in (
        (("status",), tmp_path),
        (("--workspace", str(tmp_path), "status"), house.folder),
        (("apply", submitted.case, "-e", "training", "--key", str(tmp_path / "none")), house.folder),
        (("apply", submitted.case, "-e", "training"), house.folder),
    ):
        done = subprocess.run(
            [PROGRAM, "--lang", "en", *arguments],
            cwd=folder,
            env={**environ, "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2, done
        assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["ERROR", "HINT"], done.stderr
