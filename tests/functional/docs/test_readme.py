"""Every command of the READMEs and of the guide for operators, typed in order by the people they name."""

from __future__ import annotations

import getpass
import grp
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.functional.cli.follow_up import MODULES
from tests.functional.cli.local import LocalEnvironment
from tests.functional.docs.administrator import Administrators
from tests.functional.docs.pages import GUIDE, README, README_ES, ROOT, Command, blocks
from tests.functional.docs.terminal import Terminal
from tests.hosts.office import Applicant
from tests.packaging.building import copy_tree

PEOPLE = ("ana", "omar", "pilar", "ci")
TEMPLATE = ROOT / "quipux_provision" / "workspace_template"
INSTITUTIONS = "SELECT inst_sigla FROM institucion WHERE inst_codi > 2 ORDER BY inst_sigla"
# Administrators of an institution: with its sigla, how many there are, and how many have a password.
ADMINISTRATORS = """
SELECT count(*), count(*) FILTER (WHERE length(u.usua_pasw) = 26)
FROM usuarios u JOIN usuario m USING (usua_codi)
WHERE m.inst_sigla = %s AND u.usua_esta = 1 AND u.usua_nuevo = 1 AND m.inst_estado = 1
  AND u.usua_pasw = m.usua_pasw
  AND (length(u.usua_pasw) = 26 OR u.usua_pasw = 'sin-clave-activacion-vencida')
"""
_SESSION = "- {{modulo: {}, horas: 4, fecha: 2026-11-03, aprobado: true, instructor: Rosa Ejemplo}}\n"
# What the guide says that happens, by case.
TOLD = {
    "afic": {"notice.saved", "activation.ended", "review.recorded", "account.ended", "case.purged"},
    "cnej": {"case.returned", "case.decided", "account.ended"},
    "tmej": {"case.suspended", "account.ended", "case.reopened", "clock.started", "case.withdrawn"},
}
AFTER_PLAIN = (
    ("ana", "submit requests/plej.yml"),
    ("omar", "plan plej --environment training"),
    ("pilar", "approve plej --environment training"),
    ("omar", "apply plej --environment training"),
)


def commands(page: Path, *, without: str = "") -> list[Command]:
    """The commands of a page in order; those of blocks that start with *without* left out."""
    return [
        command
        for block in blocks(page)
        if not (without and block[0].text.startswith(without))
        for command in block
    ]


def settings() -> str:
    """The settings of a new workspace, edited as the README says."""
    text = (TEMPLATE / "quipux-provision.yml").read_text(encoding="utf-8")
    text, count = re.subn(r"# (vault: \{)", r"\1", text)
    assert count == 2
    return text


def variables(environment: LocalEnvironment) -> str:
    """The variables of an environment whose servers are this machine."""
    folder = ROOT / "inventories" / environment.name
    values = yaml.safe_load((folder / "group_vars" / "all" / "main.yml").read_text(encoding="utf-8"))
    cluster = environment.database.cluster
    changed = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "quipux_db_host": cluster.host,
        "quipux_db_port": cluster.port,
        "quipux_db_name": environment.database.name,
        "quipux_bodega": str(environment.bodega),
        "quipux_app_owner": getpass.getuser(),
        "quipux_app_group": grp.getgrgid(os.getgid()).gr_name,
        "quipux_app_become": False,
        "quipux_db_owner": cluster.superuser,
        "quipux_db_owner_password": cluster.superuser_password,
        "quipux_db_owner_unix_socket": "",
        "quipux_db_owner_become_user": "",
    }
    return yaml.safe_dump({**values, **changed})


def request(case: str) -> str:
    """A request of another institution than the example's; all but `afic` name the hours of training."""
    source = Applicant.invent().source()
    source["institucion"]["sigla"] = case.upper()
    text = yaml.safe_dump(source, allow_unicode=True, default_style='"')
    text = text.replace('"2026-11-03"', "2026-11-03")
    return text if case == "afic" else f"{text}capacitacion:\n{''.join(map(_SESSION.format, MODULES))}"


@pytest.fixture
def office(tmp_path: Path, found: dict[str, LocalEnvironment]) -> Iterator[Terminal]:
    """The control node, in a clone of this repository; what its people write into which file."""
    clone = copy_tree(tmp_path / "clone", litter=False)
    (clone / ".venv").symlink_to(ROOT / ".venv")
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^(\S+==\S+(?: ; .+?)?) \\$", lock, re.MULTILINE)
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("\n".join(pins), encoding="utf-8")
    pip = Path.home() / ".config" / "pip" / "pip.conf"  # the home folder is another one below
    more = {"PIP_CONSTRAINT": str(constraints)} | ({"PIP_CONFIG_FILE": str(pip)} if pip.exists() else {})
    passwords = found["training"].database.cluster.role_passwords
    with Terminal(tmp_path, PEOPLE, **more) as terminal:
        terminal.cwd = clone
        terminal.texts = {
            "quipux-provision.yml": settings(),
            "vault": yaml.safe_dump(
                {
                    "quipux_db_password": passwords["quipux_prov"],
                    "quipux_db_read_only_password": passwords["quipux_ro"],
                }
            ),
            **{
                f"inventories/{name}/group_vars/all/main.yml": variables(environment)
                for name, environment in found.items()
            },
            **{f"requests/{case}.yml": request(case) for case in ("afic", "cnej", "plej", "tmej")},
        }
        yield terminal


def states(terminal: Terminal) -> dict[str, str]:
    shown = terminal.type(Command("", "quipux-provision status --format json", 0, "status"))
    return {case["case"]: case["state"] for case in json.loads(shown)["cases"]}


def happened(terminal: Terminal, case: str) -> set[str]:
    """The kinds of a case's events."""
    shown = terminal.type(Command("", f"quipux-provision history {case} --format json", 0, "history"))
    return {event["kind"] for event in json.loads(shown)["events"]}


def test_an_office_follows_the_readme_and_the_guide(
    office: Terminal, found: dict[str, LocalEnvironment]
) -> None:
    administrators = Administrators(office, found["training"].database)
    shown = {
        command.text: administrators.before(command) or office.type(command)
        for command in commands(README, without="make ")
    }
    assert states(office) == {"inej": "en_produccion"}
    for environment in found.values():
        assert environment.database.sql(INSTITUTIONS) == [("INEJ",)]
        assert environment.database.sql(ADMINISTRATORS, ("INEJ",)) == [(1, 1)]
    plain = [text for line, text in shown.items() if "provision_requests" in line]
    assert len(plain) == 2
    assert all(set(re.findall(r"changed=(\d+)", text)) == {"0"} for text in plain)
    outbox = sorted(path.name.split("-2")[0] for path in (office.cwd / "outbox").glob("*.eml"))
    assert outbox == ["inej-production", "inej-training"]

    # An institution made by plain Ansible has an administrator without a password until the driver comes.
    plain_line = next(line for line in shown if "provision_requests" in line and "--check" not in line)
    office.type(
        Command(
            "omar", "cp requests/ejemplo.yml requests/plej.yml && $EDITOR requests/plej.yml", 0, "a request"
        )
    )
    office.type(Command("omar", plain_line.replace("inej", "plej"), 0, "plain Ansible"))
    training = found["training"].database
    assert training.sql(ADMINISTRATORS, ("PLEJ",)) == [(1, 0)]
    for who, line in AFTER_PLAIN:
        office.type(Command(who, f"quipux-provision {line}", 0, "a case that plain Ansible made"))
    assert training.sql(ADMINISTRATORS, ("PLEJ",)) == [(1, 1)]

    for command in commands(GUIDE):
        administrators.before(command)
        office.type(command)
    assert states(office) == {
        "inej": "en_produccion",
        "plej": "en_capacitacion",  # nobody sent its mail, so its days never began
        "afic": "en_produccion",
        "cnej": "en_produccion",
        "tmej": "desistida",
    }
    for case, told in TOLD.items():
        assert told <= happened(office, case), case
    for acronym, active in {"INEJ": 0, "AFIC": 0, "CNEJ": 0, "TMEJ": 0, "PLEJ": 1}.items():
        assert training.sql(ADMINISTRATORS, (acronym,))[0][0] == active, acronym


def test_demo_runs_as_the_readme_says() -> None:
    block = next(block for block in blocks(README) if block[0].text == "make demo")
    assert [command.text for command in block[1:]] == [".venv/bin/quipux-provision --workspace .demo status"]
    # The environment is the one that runs this test; it is not made anew below its feet.
    make = ["make", "--old-file=.venv/.made-from", "demo"]
    done = subprocess.run(
        make, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    status = [*block[1].text.split(), "--format", "json"]
    asked = subprocess.run(status, cwd=ROOT, capture_output=True, text=True, check=True)
    cases = json.loads(asked.stdout)["cases"]
    assert {case["case"]: case["state"] for case in cases} == {
        "inej": "en_produccion",
        "afic": "observada",
        "ocej": "suspendida",
    }
    assert (ROOT / ".demo" / "board" / "index.html").is_file()


def test_both_readmes_have_the_same_commands() -> None:
    def typed(page: Path) -> list[list[tuple[str, str, int]]]:
        return [[(command.who, command.text, command.code) for command in block] for block in blocks(page)]

    assert typed(README) == typed(README_ES)
    assert len(commands(README)) > 20
