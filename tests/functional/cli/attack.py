"""What the hostile tests need: spoiled requests, a command line that runs beside us, what is kept."""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
import subprocess
import tempfile
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import yaml

from quipux_provision.outreach.activation import code_hash
from tests.functional.cli.local import LocalEnvironment
from tests.hosts.office import PROGRAM, Applicant, Office, Result
from tests.stand_in.database import Database

COMPLETE = """
SELECT count(*), count(DISTINCT i.inst_codi), min(u.usua_pasw), min(m.usua_pasw),
  min((SELECT string_agg(p.id_permiso::text, ' ' ORDER BY p.id_permiso) FROM permiso_usuario p
       WHERE p.usua_codi = u.usua_codi))
FROM usuarios u JOIN usuario m USING (usua_codi) JOIN institucion i ON i.inst_codi = u.inst_codi
  JOIN dependencia d ON d.depe_codi = u.depe_codi AND d.inst_codi = i.inst_codi
    AND d.depe_codi_padre = d.depe_codi
WHERE i.inst_ruc = %s AND u.usua_login = %s AND u.usua_esta = 1 AND u.usua_nuevo = 1 AND i.inst_estado = 1
"""
PERMISSIONS = "1 12 16 18 21 29 31 32 36"


@dataclass(frozen=True)
class Crafted(Applicant):
    """An applicant some of whose values are others: ``{("institucion", "nombre"): "..."}``."""

    changes: Mapping[tuple[str, ...], Any] = field(default_factory=dict)

    @classmethod
    def of(cls, changes: Mapping[tuple[str, ...], Any]) -> Self:
        base = Applicant.invent()
        return cls(base.case, base.ruc, base.acronym, base.national_id, changes)

    def source(self) -> dict[str, Any]:
        source = super().source()
        for path, value in self.changes.items():
            section = source
            for key in path[:-1]:
                section = section.setdefault(key, {})
            section[path[-1]] = value
        return source


def settings(office: Office, **changes: Any) -> None:
    """Replace top-level keys of the workspace's settings."""
    path = office.folder / "quipux-provision.yml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}))


def mail_settings(port: int | None = None, **more: Any) -> dict[str, Any]:
    """The `mail` section: a server on this machine at *port*, or none."""
    server = {} if port is None else {"host": "127.0.0.1", "port": port, "security": "none"}
    return {"sender": "Quipux <quipux@example.gob.ec>", "support": "soporte@example.gob.ec", **server, **more}


def ready(office: Office, *applicants: Applicant) -> None:
    """Bring new applicants to where `apply` in training is the next step, in four calls."""
    names = [applicant.case for applicant in applicants]
    office.must("autora", "submit", *(office.write(applicant) for applicant in applicants))
    office.must("operador", "plan", *names, "-e", "training")
    office.must("aprobadora", "approve", *names, "-e", "training", "--yes")


# What is kept


def ledger_events(office: Office) -> list[tuple[str, str | None]]:
    """Kind and case of every event, read past the program and its caches."""
    path = office.folder / "ledger.db"
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as connection:
        try:
            return list(connection.execute('SELECT kind, "case" FROM events ORDER BY seq'))
        except sqlite3.OperationalError:  # being made
            return []


def tables(database: Database) -> dict[str, str]:
    """A digest of every table's content."""
    names = database.sql(
        "SELECT relname FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1"
    )
    query = " UNION ALL ".join(
        f"SELECT '{name}', coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM \"{name}\" t"
        for (name,) in names
    )
    return dict(database.sql(query))


def mails(office: Office, applicant: Applicant) -> list[EmailMessage]:
    """The mails to an applicant in the outbox, oldest first."""
    found = (office.folder / "outbox").glob(f"*{applicant.case}*.eml")
    return [
        message_from_bytes(path.read_bytes(), EmailMessage, policy=policy.default)
        for path in sorted(found, key=lambda path: path.stat().st_mtime_ns)
        if re.search(rf"{applicant.case}(?!\d)", path.name)
    ]


def code_of(message: EmailMessage) -> str:
    """The activation code in a mail's link."""
    body = message.get_body(("plain",))
    assert body is not None
    found = re.search(r"https?://\S+usuarionuevo\.php\?\S+", body.get_content())
    assert found, body.get_content()
    return b64decode(parse_qs(urlsplit(found[0]).query)["code"][0]).decode()


def hash_in_database(environment: LocalEnvironment, applicant: Applicant) -> str:
    rows = environment.database.sql(
        "SELECT usua_pasw FROM usuarios WHERE usua_login = %s", (f"U{applicant.national_id}",)
    )
    assert len(rows) == 1, rows
    return str(rows[0][0])


def assert_whole(environment: LocalEnvironment, applicant: Applicant) -> None:
    """One institution, one area, one account with one set of permissions, one mirror row, folders."""
    count = (
        "SELECT (SELECT count(*) FROM institucion WHERE inst_ruc = %s),"
        " (SELECT count(*) FROM usuarios WHERE usua_cedula = %s)"
    )
    assert environment.database.sql(count, (applicant.ruc, applicant.national_id)) == [(1, 1)]
    login = f"U{applicant.national_id}"
    (found,) = environment.database.sql(COMPLETE, (applicant.ruc, login))
    assert found[:2] == (1, 1)
    assert found[2] == found[3], "the mirror's hash is another"
    assert found[4] == PERMISSIONS
    areas = environment.database.sql(
        "SELECT depe_codi FROM dependencia d JOIN institucion i USING (inst_codi) WHERE i.inst_ruc = %s",
        (applicant.ruc,),
    )
    assert len(areas) == 1
    assert len(list(environment.bodega.glob(f"*/{areas[0][0]:06d}/docs"))) == 1


def assert_absent(environment: LocalEnvironment, applicant: Applicant) -> None:
    """Nothing at all of it, not even half."""
    for query, value in (
        ("SELECT 1 FROM institucion WHERE inst_ruc = %s", applicant.ruc),
        ("SELECT 1 FROM usuarios WHERE usua_cedula = %s", applicant.national_id),
        ("SELECT 1 FROM usuario WHERE usua_cedula = %s", applicant.national_id),
        ("SELECT 1 FROM dependencia WHERE dep_sigla = %s", applicant.acronym),
    ):
        assert environment.database.sql(query, (value,)) == [], query


def assert_code_counts(environment: LocalEnvironment, applicant: Applicant, message: EmailMessage) -> None:
    """The code in *message* is the one that the database takes."""
    assert code_hash(code_of(message)) == hash_in_database(environment, applicant)


def fingerprint(code_hash_: str) -> str:
    return hashlib.sha256(code_hash_.encode()).hexdigest()


# The command line


def assert_told(result: Result, code: int, *, words: str = "") -> None:
    """Ended with *code* and said so in one ERROR line and one HINT line, without a traceback.

    Only the settings' problems are told all at once, each at its place.
    """
    assert result.code == code, str(result)
    told = [line for line in result.errors.splitlines() if line.startswith(("ERROR:", "HINT:"))]
    placed = [line for line in told[:-2] if "quipux-provision.yml:" in line]
    kinds = [line.partition(":")[0] for line in told]
    assert kinds == [*(["ERROR"] * len(placed)), "ERROR", "HINT"], str(result)
    assert words.lower() in told[0].lower(), str(result)
    assert "Traceback" not in result.output + result.errors, str(result)
    assert_clean(result)


def error_of(result: Result) -> dict[str, Any]:
    """The one error of ``--format json``."""
    answer = result.json()
    errors = [answer["error"]] if "error" in answer else [c["error"] for c in answer["cases"] if c["error"]]
    assert len(errors) == 1, str(result)
    assert set(errors[0]) == {"message", "hint", "exit_code"}
    assert errors[0]["message"]
    assert errors[0]["hint"]
    return dict(errors[0])


def assert_clean(result: Result) -> None:
    """Nothing printed drives a terminal."""
    for text in (result.output, result.errors):
        bad = {character for character in text if not (character.isprintable() or character == "\n")}
        assert not bad, (bad, text)


class Started:
    """A call of the command line that runs beside the test."""

    def __init__(self, office: Office, person: str, *arguments: str | Path, **environ: str) -> None:
        folder = Path(tempfile.mkdtemp(dir=office.folder.parent))
        # Files, not pipes: what outlives the program must not keep us waiting for their end.
        self._files = [(folder / name).open("w+") for name in ("output", "errors")]
        self.process = subprocess.Popen(
            [PROGRAM, "--lang", "en", *arguments],
            cwd=office.folder,
            env={**os.environ, "QUIPUX_PROVISION_KEY": str(office.key(person)), **environ},
            stdin=subprocess.DEVNULL,
            stdout=self._files[0],
            stderr=self._files[1],
        )

    def result(self, seconds: float = 200) -> Result:
        """Wait for its end."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        texts = []
        for file in self._files:
            file.seek(0)
            texts.append(file.read())
            file.close()
        return Result(code, *texts)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.result()


def until(seen: Callable[[], Any], what: str, seconds: float = 90) -> Any:
    """Look again and again until something is there; gives it."""
    end = time.monotonic() + seconds
    while not (found := seen()):
        assert time.monotonic() < end, f"not seen: {what}"
        time.sleep(0.01)
    return found


# Holding a run at a place


class Gate:
    """A host whose Python waits at a named pipe before it runs a module: the run stands still there."""

    def __init__(self, office: Office, environment: LocalEnvironment, group: str) -> None:
        folder = Path(tempfile.mkdtemp(dir=office.folder.parent))
        self.reached_file = folder / "reached"
        self._pipe = folder / "pipe"
        self._holder: int | None = None
        os.mkfifo(self._pipe)
        self._python = folder / "python"
        inventory = office.folder / "inventories" / environment.name
        main = yaml.safe_load((inventory / "group_vars" / "all" / "main.yml").read_text())
        self._python.write_text(
            f"#!/bin/sh\n: > {self.reached_file}\nread line < {self._pipe}\n"
            f'exec {main["ansible_python_interpreter"]} "$@"\n'
        )
        self._python.chmod(0o755)
        variables = inventory / "group_vars" / group
        variables.mkdir()
        self._file = variables / "main.yml"
        self._file.write_text(yaml.safe_dump({"ansible_python_interpreter": str(self._python)}))

    def reached(self) -> bool:
        return self.reached_file.exists()

    def open(self) -> None:
        """Let pass whoever stands there, and whoever comes later."""
        if self._file.exists():
            self._file.unlink()
            self._file.parent.rmdir()
        if self._holder is None:
            self._holder = os.open(self._pipe, os.O_RDWR | os.O_NONBLOCK)
        os.write(self._holder, b"go\n" * 10)

    def close(self) -> None:
        self.open()
        if self._holder is not None:
            os.close(self._holder)


@contextmanager
def gate(office: Office, environment: LocalEnvironment, group: str) -> Iterator[Gate]:
    """A gate on the hosts of *group* (``quipux_db``: nothing is written yet; ``quipux_app``: all is)."""
    made = Gate(office, environment, group)
    try:
        yield made
    finally:
        made.close()


class Hold:
    """Keeps every writer of a table just after its rows are written, before COMMIT."""

    KEY = 771_204

    def __init__(self, database: Database, table: str = "usuarios") -> None:
        self.database = database
        database.sql(
            f"""CREATE FUNCTION prueba_espera() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              WHILE EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = {self.KEY}
                            AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
              LOOP PERFORM pg_sleep(0.01); END LOOP; RETURN NULL; END $$;
            CREATE TRIGGER zz_prueba_espera AFTER INSERT OR UPDATE ON {table}
              FOR EACH ROW EXECUTE FUNCTION prueba_espera();"""
        )
        self._connection = database.cluster.connect(database.name)
        self._connection.autocommit = True
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", (self.KEY,))

    def backend(self) -> int | None:
        """The process of the server that waits, as soon as one does."""
        rows = self.database.sql(
            "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'quipux-provision %%'"
            " AND datname = current_database() AND wait_event = 'PgSleep'"
        )
        return int(rows[0][0]) if rows else None

    def release(self) -> None:
        self._connection.close()


@contextmanager
def hold(database: Database, table: str = "usuarios") -> Iterator[Hold]:
    """Hold writers before COMMIT; nothing of it stays."""
    held = Hold(database, table)
    try:
        yield held
    finally:
        held.release()
        database.sql("DROP FUNCTION IF EXISTS prueba_espera() CASCADE")


def children_of(pid: int) -> list[int]:
    """All descendants of a process, youngest generation last."""
    found = [pid]
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            status = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(status[1]), []).append(int(entry.name))
    for parent in found:
        found += parents.get(parent, [])
    return found[1:]


def refused_values(answer: Mapping[str, Sequence[Mapping[str, Any]]]) -> set[tuple[str, str]]:
    """File stem and field of each error that `validate --format json` found, each with its place."""
    found = set()
    for problem in answer["problems"]:
        if problem["severity"] == "error":
            assert problem["line"] >= 1
            assert problem["column"] >= 1
            assert problem["message"]
            assert problem["hint"]
            found.add((Path(problem["file"]).stem, problem["field"]))
    return found
