"""The whole road on one machine, with the real program: two invented institutions, from a file to a login.

``make demo`` runs it. It needs neither root, nor a system service, nor a container; it stops what it starts,
and leaves the workspace ``.demo/`` behind.
"""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Sequence
from email.message import EmailMessage
from typing import ClassVar, Self
from urllib.parse import parse_qs, urlsplit

from stage import (
    APPROVER,
    AUTHOR,
    BINARIES,
    ENVIRONMENTS,
    HERE,
    OPERATOR,
    PEOPLE,
    ROOT,
    WORKSPACE,
    Person,
    Stage,
    clean,
    edit_settings,
    environment,
    make_inventories,
    make_people,
    servers,
)

CASES = {"inej": "2405999992", "afic": "2405999984"}

# Query 1 of the contract: the account is complete and its owner can log in.
LOGIN = """
SELECT count(*) FROM usuarios u JOIN usuario m USING (usua_codi)
  JOIN institucion i ON i.inst_codi = u.inst_codi JOIN dependencia d ON d.depe_codi = u.depe_codi
 WHERE u.usua_login = %s AND u.usua_esta = 1 AND u.usua_nuevo = 1 AND length(u.usua_pasw) = 26
   AND m.usua_pasw = u.usua_pasw AND m.inst_estado = 1 AND i.inst_estado = 1
   AND d.inst_codi = i.inst_codi AND d.depe_codi_padre = d.depe_codi
"""
# What the activation page asks: does the code of the mail open this account?
OPENS = "SELECT count(*) FROM usuario WHERE usua_login = %s AND usua_pasw = substr(md5(%s), 2, 26)"
RIGHTS = """
SELECT count(*) FROM permiso_usuario p JOIN usuarios u USING (usua_codi)
 WHERE u.usua_login = %s AND p.id_permiso IN (12, 36)
"""


class DemoError(Exception):
    """The program did not do what the demonstration shows."""


def expect(condition: bool, text: str) -> None:
    """Stop the demonstration unless *condition* holds."""
    if not condition:
        raise DemoError(text)


def title(text: str) -> None:
    """Print the heading of a step."""
    print(f"\n\033[1m== {text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


class Shown:
    """Prints a command's lines as they come; many that were printed before are only counted."""

    _known: ClassVar[set[str]] = set()

    def __init__(self) -> None:
        self._again: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        last, self._again = self._again[-2:], self._again[:-2]  # the end of an output is its result
        self._flush()
        self._again = last
        self._flush()

    def line(self, line: str) -> None:
        """Print *line*, now or when the next new one comes."""
        if line in self._known:
            self._again.append(line)
            return
        self._flush()
        self._known.add(line)
        print(f"  {line}", end="", flush=True)

    def _flush(self) -> None:
        if len(self._again) > 4:
            self._again = [f"... {len(self._again)} lines as above\n"]
        for line in self._again:
            print(f"  {line}", end="", flush=True)
        self._again = []


def quipux(*words: str, by: Person | None = None, exit_code: int = 0, quiet: bool = False) -> str:
    """Run ``quipux-provision`` as a person would, show and return its output, and check its exit code."""
    arguments = [*words, *(["--key", by.key] if by else [])]
    shown = shlex.join(["quipux-provision", *arguments])
    print(f"$ {shown}", flush=True)
    process = subprocess.Popen(
        [BINARIES / "quipux-provision", *arguments],
        cwd=WORKSPACE,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    lines = []
    with process, Shown() as screen:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if not quiet:
                screen.line(line)
    output = "".join(lines)
    if process.returncode:
        print(f"  [exit code {process.returncode}]")
    expect(
        process.returncode == exit_code,
        f"{shown}: exit code {process.returncode} in place of {exit_code}\n{output if quiet else ''}",
    )
    return output


def states() -> dict[str, str]:
    """Return case -> state, as ``status --format json`` gives it."""
    listed = json.loads(quipux("status", "--format", "json", quiet=True))["cases"]
    return {case["case"]: case["state"] for case in listed}


def set_up() -> None:
    """Make the workspace with the program itself."""
    title("A workspace, and three people who may sign")
    clean()
    WORKSPACE.mkdir(mode=0o700)
    (WORKSPACE / "casa").mkdir(mode=0o700)
    quipux("init", ".", quiet=True)
    make_people()
    for person in PEOPLE:
        print(f"# {person.name} {person.does}")
        quipux("signers", "add", person.name, f"{person.key}.pub")
    for name in (*CASES, "con-errores"):
        shutil.copyfile(HERE / "requests" / f"{name}.yml", WORKSPACE / "requests" / f"{name}.yml")


def requests() -> list[str]:
    """Return the request files, as they are typed."""
    return [f"requests/{case}.yml" for case in CASES]


def take_in() -> None:
    """From files to cases."""
    title("Requests: checked, then submitted by their author")
    output = quipux("validate", "requests/con-errores.yml", exit_code=3)
    expect(output.count("con-errores.yml:") >= 4, "the bad file's problems are named with their place")
    quipux("validate", *requests())
    quipux("submit", *requests(), by=AUTHOR)
    expect(states() == dict.fromkeys(CASES, "recibida"), "both cases are received")


def train(stage: Stage) -> None:
    """Plan, approve and apply in training."""
    title("Training: what would change, a signed approval, and the run")
    names = list(CASES)
    quipux("plan", *names, "--environment", "training")
    quipux("approve", *names, "--environment", "training", "--yes", by=APPROVER)
    expect(states() == dict.fromkeys(CASES, "aceptada"), "both cases are accepted")
    quipux("apply", *names, "--environment", "training", by=OPERATOR)
    expect(states() == dict.fromkeys(CASES, "en_capacitacion"), "both cases are in training")
    check_databases(stage, "training")
    expect(institutions(stage, "production") == 0, "nothing is in production yet")


def refuse(stage: Stage) -> None:
    """What the gate of production keeps out."""
    title("Production is closed: not approved, and not by anybody")
    quipux("plan", *CASES, "--environment", "production", "--detailed-exitcode", exit_code=10)
    quipux("promote", "inej", by=OPERATOR, exit_code=5)
    quipux("approve", "inej", "--environment", "production", "--yes", by=AUTHOR, exit_code=5)
    quipux("approve", "inej", "--environment", "production", "--yes", by=OPERATOR, exit_code=5)
    quipux("promote", "--all", by=OPERATOR)
    expect(institutions(stage, "production") == 0, "nothing got into production")


def promote(stage: Stage) -> None:
    """Approve and carry out in production, then once more without a change."""
    title("Production: approved by the right person, then promoted")
    quipux(
        "approve",
        *CASES,
        "--environment",
        "production",
        "--reason",
        "Actividades revisadas",
        "--yes",
        by=APPROVER,
    )
    expect(states() == dict.fromkeys(CASES, "aprobada"), "both cases are approved")
    quipux("promote", "--all", by=OPERATOR)
    expect(states() == dict.fromkeys(CASES, "en_produccion"), "both cases are in production")
    check_databases(stage, "production")

    title("The second run changes nothing")
    before = rows(stage)
    mails = len(stage.mail.raw)
    quipux("plan", *CASES, "--environment", "production", "--detailed-exitcode")
    quipux("apply", *CASES, "--environment", "training", by=OPERATOR)
    quipux("promote", "--all", by=OPERATOR)
    expect(rows(stage) == before, "no row changed")
    expect(len(stage.mail.raw) == mails, "no mail was sent again")


def look_back() -> None:
    """Status and proof."""
    title("Where each case stands, and the proof that the ledger is whole")
    quipux("status")
    quipux("audit", "verify")


def institutions(stage: Stage, name: str) -> int:
    """Return how many of our institutions the environment's database holds."""
    rucs = ["1769999930001", "1769999850001"]
    return int(
        stage.databases[name].sql("SELECT count(*) FROM institucion WHERE inst_ruc = ANY(%s)", (rucs,))[0][0]
    )


def rows(stage: Stage) -> list[object]:
    """Return the versions of every row that we may have written, in both databases."""
    tables = ("institucion", "dependencia", "usuarios", "usuario", "permiso_usuario")
    return [
        database.sql(f"SELECT xmin, ctid FROM {table} ORDER BY ctid")  # noqa: S608
        for database in stage.databases.values()
        for table in tables
    ]


def check_databases(stage: Stage, name: str) -> None:
    """Check that each AIQ can log in, with the code that the mail brought."""
    database = stage.databases[name]
    expect(institutions(stage, name) == len(CASES), f"both institutions are in {name}")
    for case, cedula in CASES.items():
        login = f"U{cedula}"
        expect(database.sql(LOGIN, (login,)) == [(1,)], f"the account of {case} is complete in {name}")
        expect(
            database.sql(RIGHTS, (login,)) == [(2,)], f"the administrator of {case} has both rights in {name}"
        )
        link = next(link for link in map(link_of, stage.mail.messages) if is_for(link, name, login))
        code = b64decode(parse_qs(urlsplit(link).query)["code"][0]).decode()
        expect(
            database.sql(OPENS, (login, code)) == [(1,)], f"the link of {case} opens its account in {name}"
        )
    print(
        f"# checked in the database of {name}: both links open their accounts, both administrators can log in"
    )


def link_of(message: EmailMessage) -> str:
    """Return the activation link in a mail."""
    body = message.get_body(("plain",))
    words = body.get_content().split() if body else []
    return next((str(word) for word in words if "usuarionuevo.php" in word), "")


def is_for(link: str, name: str, login: str) -> bool:
    """Say whether *link* is that of *login* in an environment."""
    parts = urlsplit(link)
    krd = parse_qs(parts.query).get("krd", [""])[0]
    return parts.hostname == ENVIRONMENTS[name] and b64decode(krd).decode() == login


def report(stage: Stage, seconds: float) -> None:
    """Say where everything lies."""
    title(f"Done in {seconds:.0f} seconds")
    place = WORKSPACE.relative_to(ROOT)
    print(f"Workspace     {place}/  (settings, requests, approvals, checkpoints, ledger.db)")
    print(f"Keys          {place}/llaves/  of {', '.join(person.name for person in PEOPLE)}; throw-away")
    print(f"Files         {place}/quipux/*/bodega/  what an application server would hold")
    print(f"Mails sent    {place}/correo/")
    for number, message in enumerate(stage.mail.messages, start=1):
        print(f"  {number}.eml  {message['To']}\n         {message['Subject']}")
    print("The databases and the mail catcher are stopped. Look around:")
    print(f"  .venv/bin/quipux-provision --workspace {place} status --format json")
    print(f"  .venv/bin/quipux-provision --workspace {place} history inej")


def main(arguments: Sequence[str]) -> int:
    """Play the whole road."""
    expect(not arguments, "demo.py takes no arguments")
    start = time.monotonic()
    set_up()
    with servers() as stage:
        edit_settings(stage)
        make_inventories(stage)
        take_in()
        train(stage)
        refuse(stage)
        promote(stage)
        look_back()
        expect(len(stage.mail.raw) == 2 * len(CASES), "each administrator got one mail an environment")
    expect(states() == dict.fromkeys(CASES, "en_produccion"), "status needs none of the servers")
    report(stage, time.monotonic() - start)
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit(143))  # so that the servers stop
    try:
        sys.exit(main(sys.argv[1:]))
    except (DemoError, RuntimeError) as error:
        print(f"\nERROR: the demonstration stopped: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
