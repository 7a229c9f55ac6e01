"""What the tests of gates, ledger and verbs do with an office over and over."""

from __future__ import annotations

import os
import pty
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import libfaketime

from quipux_provision.domain.approval import ApprovalDocument, CaseDecision
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.signatures import APPROVAL, sign
from tests.hosts.office import PROGRAM, Applicant, Office, Result


def clock(shift: str) -> dict[str, str]:
    """What moves the clock of a program, ``+8d`` say, from outside of it."""
    _needed, environ = libfaketime.get_reload_information()
    return {**environ, "FAKETIME": shift}


def case_of(office: Office, applicant: Applicant, **options: Any) -> dict[str, Any]:
    """What `status` says of an applicant's case."""
    result = office.must("operador", "status", applicant.case, "--format", "json", **options)
    case: dict[str, Any] = result.json()["cases"][0]
    return case


def edit(office: Office, applicant: Applicant, *changes: tuple[str, str]) -> Path:
    """Write an applicant's request file with texts of it replaced."""
    path = office.write(applicant)
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    return path


def events(office: Office) -> int:
    """How many events the ledger has."""
    with sqlite3.connect(office.folder / "ledger.db") as connection:
        return int(connection.execute("SELECT count(*) FROM events").fetchone()[0])


def workspace(office: Office, person: str = "operador") -> Workspace:
    """The office's workspace, opened in this process."""
    return Workspace(office.folder, office.key(person))


def document(office: Office, applicant: Applicant, gate: str, **changes: Any) -> ApprovalDocument:
    """The approval of the case for an environment as it stands now, or what *changes* make of it."""
    opened = workspace(office)
    case = opened.state().cases[applicant.case]
    plan = case.progress(gate).plan
    now = opened.now()
    made = ApprovalDocument(
        ledger_id=opened.ledger.ledger_id,
        environment=gate,
        cases=(CaseDecision(case.case, case.round, case.request_digest, plan.digest if plan else None),),
        decision="approve",
        reason="revisado",
        issued_at=now,
        expires_at=now + timedelta(days=7),
        nonce=f"{abs(hash((applicant.case, gate, case.round, repr(changes)))):032x}",
    )
    return replace(made, **changes)


def armour_of(key: Path, data: bytes, namespace: str = APPROVAL) -> str:
    """A signature, whoever's the key is."""
    return sign(key, namespace, data)


def put(folder: Path, data: bytes, armour: str, name: str = "approval") -> Path:
    """Write the two files of a decision."""
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / f"{name}.json"
    path.write_bytes(data)
    path.with_name(path.name + ".sig").write_text(armour)
    return path


@contextmanager
def kept(path: Path) -> Iterator[Path]:
    """Give a file or folder back as it was."""
    copy = path.with_name(path.name + ".kept")
    if path.is_dir():
        shutil.copytree(path, copy)
    else:
        shutil.copy2(path, copy)
    try:
        yield path
    finally:
        if path.is_dir():
            shutil.rmtree(path)
        copy.replace(path)


def clone(office: Office, folder: Path) -> Path:
    """A copy of the whole workspace, its ledger as it stands now included."""
    shutil.copytree(office.folder, folder)
    return folder


def at_terminal(office: Office, person: str, *arguments: str | Path, typed: str = "", **more: str) -> Result:
    """Call the command line as a person who sits at a terminal and types; output and errors come as one."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, "--lang", "en", *arguments],
        cwd=office.folder,
        env={**os.environ, "QUIPUX_PROVISION_KEY": str(office.key(person)), "TERM": "xterm", **more},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    os.write(ours, typed.encode())
    seen = b""
    with suppress(OSError):  # a terminal whose other end is closed ends with EIO
        while piece := os.read(ours, 65536):
            seen += piece
    os.close(ours)
    return Result(process.wait(60), seen.decode(), "")
