"""Secrets through every verb at -vvv and through forced failures: they are nowhere but where they must be."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from quipux_provision.ansible.private import PREFIX, base_folder
from quipux_provision.outreach.activation import code_hash
from tests.functional.cli.attack import (
    Crafted,
    Started,
    code_of,
    hash_in_database,
    mail_settings,
    mails,
    ready,
    settings,
    tables,
)
from tests.functional.cli.local import LocalEnvironment
from tests.hosts.environment import encrypt
from tests.hosts.office import Applicant, Office, Result
from tests.stand_in.mail_server import MailServer, certificate

SMTP_USER = "quipux"
SHARED = (Path("/tmp"), Path("/dev/shm"))
WHERE_HASHES_BELONG = {"usuarios", "usuario"}


def forms(secret: str) -> set[bytes]:
    """How a secret may be written: as it is, in JSON, in an address, in base64."""
    return {
        secret.encode(),
        json.dumps(secret)[1:-1].encode(),
        quote(secret, safe="").encode(),
        b64encode(secret.encode()),
        repr(secret)[1:-1].encode(),
    }


class Watcher:
    """Reads command line and environment of every process that begins while it watches."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self.processes: dict[str, bytes] = {}
        self._before = set(self._numbers())
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @staticmethod
    def _numbers() -> list[str]:
        return [entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit()]

    def _watch(self) -> None:
        while not self._stop.is_set():
            for entry in self._numbers():
                if entry not in self._before:
                    self._read(entry)
            time.sleep(0.04)

    def _read(self, entry: str) -> None:
        process = Path("/proc", entry)
        try:
            command = (process / "cmdline").read_bytes()
            if self.processes.get(entry) != command:  # begun, or turned into another program
                self.processes[entry] = command
                self.seen |= {command, (process / "environ").read_bytes()}
        except OSError:
            return

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        self._thread.join()


@dataclass
class Scene:
    """The office, its secrets, and everything that its command line ever printed."""

    office: Office
    country: dict[str, LocalEnvironment]
    home: Path
    temporary: Path
    smtp_password: str
    secrets: dict[str, str] = field(default_factory=dict)
    printed: list[tuple[str, Result]] = field(default_factory=list)
    pids: list[int] = field(default_factory=list)

    def run(self, person: str, *arguments: str | Path, code: int = 0) -> Result:
        """A call with folders of its own for whatever is put aside."""
        started = Started(self.office, person, *arguments, HOME=str(self.home), TMPDIR=str(self.temporary))
        self.pids.append(started.process.pid)
        result = started.result()
        self.printed.append((" ".join(map(str, arguments)), result))
        assert result.code == code, f"{arguments}: {result}"
        return result

    def learn(self, name: str, applicant: Applicant, environment: LocalEnvironment) -> None:
        """The code of the newest mail, and its hash, are secrets from now on (and were before)."""
        hashed = hash_in_database(environment, applicant)
        self.secrets[f"hash {name}"] = hashed
        found = mails(self.office, applicant)
        if found and code_hash(code_of(found[-1])) == hashed:
            self.secrets[f"code {name}"] = code_of(found[-1])

    def hits(self, data: bytes) -> list[str]:
        return [name for name, secret in self.secrets.items() if any(form in data for form in forms(secret))]


@pytest.fixture
def scene(house: Office, country: dict[str, LocalEnvironment], tmp_path: Path) -> Scene:
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    smtp_password = f"k'{secrets.token_urlsafe(12)}\" %&"
    scene = Scene(house, country, home, temporary, smtp_password)
    scene.secrets["smtp password"] = smtp_password
    (house.folder / "secretos" / "smtp").touch(0o600)
    (house.folder / "secretos" / "smtp").write_text(smtp_password)
    for name, environment in country.items():
        scene.secrets[f"database password of {name}"] = environment.password
        scene.secrets[f"vault password of {name}"] = environment.vault_password
    return scene


@pytest.fixture
def logs(country: dict[str, LocalEnvironment]) -> dict[str, int]:
    """Where the servers' logs stood at the beginning."""
    return {
        name: environment.database.cluster.log_path.stat().st_size for name, environment in country.items()
    }


def smtp(port: int) -> dict[str, Any]:
    return mail_settings(port, security="starttls", user=SMTP_USER, password={"file": "secretos/smtp"})


@pytest.mark.smoke
def test_secrets_stay_where_they_belong(
    scene: Scene, logs: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, training, production = scene.office, scene.country["training"], scene.country["production"]
    authority, context = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    before = {entry for base in SHARED for entry in base.iterdir()}
    with Watcher() as watcher:
        every_verb(scene, context)
        forced_failures(scene, context)
    assert len(watcher.processes) > 50  # it did see them come and go
    assert any(b"ansible-playbook" in seen for seen in watcher.seen)
    assert {name.split()[0] for name in scene.secrets} >= {"smtp", "database", "vault", "code", "hash"}

    found = {}
    for command, result in scene.printed:
        found[f"output of {command}"] = scene.hits((result.output + result.errors).encode())
    for seen in watcher.seen:
        found[f"process {seen[:200]!r}"] = scene.hits(seen)
    for path in workspace_files(office.folder):
        found[str(path.relative_to(office.folder))] = scene.hits(path.read_bytes())
    for folder in (scene.home, scene.temporary):
        for path in folder.rglob("*"):
            if path.is_file():
                found[str(path)] = scene.hits(path.read_bytes())
    for name, environment in scene.country.items():
        with environment.database.cluster.log_path.open("rb") as log:
            log.seek(logs[name])
            text = log.read()
        assert b"INSERT INTO" in text, "the server did not log its statements"
        found[f"log of the server of {name}"] = scene.hits(text)
        for table in tables(environment.database):
            if table not in WHERE_HASHES_BELONG:
                rows = environment.database.sql(f'SELECT t::text FROM "{table}" t')
                found[f"{name}: table {table}"] = scene.hits("\n".join(row[0] for row in rows).encode())
    assert {place: names for place, names in found.items() if names} == {}
    assert_nothing_left(scene, before)
    assert training.database.sql("SELECT count(*) > 0 FROM log") == [(True,)]
    assert production.database.sql("SELECT count(*) > 0 FROM log_usr_ciudadanos") == [(True,)]


def workspace_files(folder: Path) -> Iterator[Path]:
    """All but `secretos/` (the test's own) and `outbox/`, the one place where a code may lie."""
    for path in folder.rglob("*"):
        if path.is_file() and path.relative_to(folder).parts[0] not in ("outbox", "secretos"):
            yield path


def assert_nothing_left(scene: Scene, before: set[Path]) -> None:
    """No private folder, no temporary file of ours; what came into the shared ones holds no secret."""
    for pid in scene.pids:
        assert list(base_folder().glob(f"{PREFIX}{pid}-*")) == []
    assert list(scene.temporary.iterdir()) == []
    clusters = {environment.database.cluster.root for environment in scene.country.values()}
    for entry in {entry for base in SHARED for entry in base.iterdir()} - before - clusters:
        for folder, _folders, files in (
            os.walk(entry) if entry.is_dir() else [(entry.parent, [], [entry.name])]
        ):
            for path in (Path(folder, name) for name in files):
                with suppress(OSError):  # others come and go there
                    if path.is_file() and path.stat().st_size < 1_000_000:
                        assert scene.hits(path.read_bytes()) == [], path


def every_verb(scene: Scene, context: ssl.SSLContext) -> None:
    """The whole road of one case, each verb once at least, as loud as it goes."""
    office = scene.office
    applicant = Applicant.invent()
    case = applicant.case
    loud = ("-vvv",)
    request = office.write(applicant)
    scene.run("autora", "validate", request, "--format", "json")
    scene.run("autora", "submit", request)
    scene.run("operador", "plan", "-e", "training", *loud, "--format", "json")
    scene.run("aprobadora", "approve", "--all-planned", "-e", "training", "--yes")
    scene.run("operador", "apply", case, "-e", "training", *loud)
    scene.learn("training 1", applicant, scene.country["training"])
    scene.run("operador", "activate", case, "-e", "training", *loud, "--format", "json")
    scene.learn("training 2", applicant, scene.country["training"])
    with MailServer(security="starttls", context=context, login=(SMTP_USER, scene.smtp_password)) as server:
        settings(office, mail=smtp(server.port))
        try:
            scene.run("operador", "plan", case, "-e", "production", *loud)
            scene.run("aprobadora", "approve", case, "-e", "production", "--yes")
            scene.run("ejecutor", "doctor", "-e", "production", *loud)
            scene.run("ejecutor", "promote", "--all", *loud)
            scene.learn("production", applicant, scene.country["production"])
            (message,) = server.messages
            scene.secrets["code production"] = code_of(message)
        finally:
            settings(office, mail=mail_settings())
    for verb in (("status",), ("history", case), ("audit", "verify"), ("signers", "list")):
        scene.run("autora", *verb, "--format", "json")
        scene.run("autora", *verb)
    scene.run("autora", "approvals", "export", office.folder / "exported")
    scene.run("operador", "unlock", case, "-e", "training", "--reason", "x", code=2)


def forced_failures(scene: Scene, context: ssl.SSLContext) -> None:
    """Each way to fail with a secret at hand."""
    office, training = scene.office, scene.country["training"]
    loud = ("-e", "training", "-vvv")
    good, taken = Applicant.invent(), Applicant.invent()
    ready(office, good, taken)
    inventory = office.folder / "inventories" / training.name
    for code, variables in (
        (7, {"quipux_db_port": 1}),
        (7, {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}),
    ):
        office.describe(training, **variables)
        scene.run("operador", "apply", good.case, *loud, code=code)
    office.describe(training)
    wrong = f"wrong-{secrets.token_urlsafe(12)}"
    scene.secrets["wrong database password"] = wrong
    vault = inventory / "group_vars" / "all" / "vault.yml"
    vault.write_text(encrypt(f"quipux_db_password: '{wrong}'\n", training.vault_password, inventory))
    scene.run("operador", "apply", good.case, *loud, code=7)
    office.describe(training)
    (office.folder / "secretos" / training.name).write_text(wrong)
    scene.run("operador", "apply", good.case, *loud, code=4)
    office.describe(training)
    # The module refuses: somebody has the acronym by now. A trigger whose error quotes the hash.
    training.database.sql(
        "INSERT INTO institucion (inst_codi, inst_ruc, inst_nombre, inst_sigla, inst_estado)"
        " VALUES (nextval('sec_institucion'), '1799999990001', 'Otra', %s, 1)",
        (taken.acronym,),
    )
    training.database.sql(
        """CREATE FUNCTION prueba_cita() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          RAISE EXCEPTION USING MESSAGE = 'x' || NEW.usua_pasw, DETAIL = NEW.usua_pasw,
            COLUMN = NEW.usua_pasw,
            TABLE = 'usuarios', ERRCODE = 'raise_exception'; END $$;
        ALTER FUNCTION prueba_cita() SECURITY DEFINER SET log_min_messages = 'panic';
        CREATE TRIGGER aa_prueba BEFORE INSERT OR UPDATE ON usuarios
          FOR EACH ROW WHEN (NEW.usua_pasw IS NOT NULL) EXECUTE FUNCTION prueba_cita()"""
    )
    try:
        scene.run("operador", "apply", good.case, taken.case, *loud, code=4)
    finally:
        training.database.sql("DROP FUNCTION prueba_cita() CASCADE")
    # The mail server refuses the login, then the recipient with the link in its answer.
    with MailServer(security="starttls", context=context, login=(SMTP_USER, "another")) as server:
        settings(office, mail=smtp(server.port))
        scene.run("operador", "apply", good.case, *loud, code=4)
        scene.run("operador", "doctor", *loud, code=4)
        settings(office, mail=mail_settings())
    scene.learn("after refused login", good, training)
    scene.run("operador", "apply", good.case, *loud)
    scene.learn("at last", good, training)
    scene.run("autora", "status", "--format", "json")
    scene.run("autora", "history", good.case, "--format", "json")


@pytest.mark.parametrize("name", ["a", "b"])
def test_the_search_would_find(name: str, tmp_path: Path) -> None:
    """The search is no blind one: each form of a secret is found."""
    secret = f"k'{secrets.token_urlsafe(6)}\" %&{name}"
    scene = Scene(None, {}, tmp_path, tmp_path, secret, {"it": secret})  # type: ignore[arg-type]
    for text in (
        secret,
        json.dumps([secret]),
        repr([secret]),
        quote(secret),
        b64encode(secret.encode()).decode(),
    ):
        assert scene.hits(f"before {text} after".encode()) == ["it"], text
    assert scene.hits(hashlib.sha256(secret.encode()).hexdigest().encode()) == []
    assert Crafted.of({}).source()
