"""The playbooks as plain `ansible-playbook` runs them: the fours, request files, refused items, hostile
values, secrets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.functional.modules.conftest import CEDULA, CODE_HASH, ROOT, RUC, Quipux, item, numbered

REQUEST = """
oficio: {numero: INEJ-DE-2026-0123-O, fecha: 2026-11-03, firmante: {nombre: Rosa Ejemplo, cargo: Directora
Ejecutiva}}
via: central
institucion:
  nombre: Instituto Nacional de Ejemplo
  ruc: "1769999930001"
  sigla: INEJ
  telefono: "02 2999999"
  direccion: Calle Inventada 100, Quito
  ciudad: Azogues
administrador:
  nombres: María Fernanda
  apellidos: Ejemplo Loor
  cedula: "2405999992"
  cargo: Analista de Gestión Documental
  correo: maria.ejemplo@inej.example.gob.ec
  telefono: "02 2999999"
  extension: "1234"
  celular: "0991234567"
"""


class Plays:
    """A folder to run ansible-playbook in."""

    def __init__(self, quipux: Quipux, folder: Path) -> None:
        self.quipux, self.folder = quipux, folder
        self.bodega = folder / "bodega"
        self.bodega.mkdir()
        (folder / "ansible.cfg").touch()
        cluster = quipux.database.cluster
        self.password = cluster.role_passwords["quipux_prov"]
        self.inventory({"quipux_db": ["db1"], "quipux_app": ["app1", "app2"]})

    def inventory(self, groups: dict[str, list[str]]) -> None:
        cluster = self.quipux.database.cluster
        variables = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "quipux_db_host": cluster.host,
            "quipux_db_port": cluster.port,
            "quipux_db_name": self.quipux.database.name,
            "quipux_db_password": self.password,
            "quipux_bodega": str(self.bodega),
            "quipux_app_owner": "",
            "quipux_app_group": "",
        }
        import grp
        import pwd

        variables["quipux_app_owner"] = pwd.getpwuid(os.geteuid()).pw_name
        variables["quipux_app_group"] = grp.getgrgid(os.getegid()).gr_name
        hosts = {name: {"hosts": {member: {} for member in members}} for name, members in groups.items()}
        path = self.folder / "inventory.yml"
        path.write_text(yaml.safe_dump({"all": {"vars": variables, "children": hosts}}))

    def run(
        self, playbook: str, variables: dict[str, Any], *options: str
    ) -> subprocess.CompletedProcess[str]:
        (self.folder / "vars.json").write_text(json.dumps(variables))
        settings = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
            "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_HOME": str(self.folder / "ansible"),
        }
        return subprocess.run(
            [
                str(Path(sys.executable).with_name("ansible-playbook")),
                "-i",
                "inventory.yml",
                "-e",
                "@vars.json",
                *options,
                f"quipux.provision.{playbook}",
            ],
            cwd=self.folder,
            env=settings,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def recap(self, output: str, host: str) -> dict[str, int]:
        line = next(line for line in output.splitlines() if line.startswith(host) and " ok=" in line)
        return {key: int(value) for key, value in (pair.split("=") for pair in line.split(":")[1].split())}


@pytest.fixture
def plays(quipux: Quipux, tmp_path: Path) -> Plays:
    return Plays(quipux, tmp_path)


def unsafe(value: Any) -> Any:
    """As the driver tags values."""
    if isinstance(value, dict):
        return {key: unsafe(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [unsafe(entry) for entry in value]
    return {"__ansible_unsafe": value} if isinstance(value, str) else value


def test_the_fours_on_a_request_file(plays: Plays) -> None:
    """check -> unchanged -> real -> again, with the request file that the driver reads."""
    (plays.folder / "inej.yml").write_text(REQUEST)
    variables = {"provision_requests": ["inej.yml"], "provision_environment": "capacitacion"}
    before = plays.quipux.dump()
    planned = plays.run("provision", variables, "--check", "--diff")
    assert planned.returncode == 0, planned.stdout
    assert "+institution.name: Instituto Nacional de Ejemplo" in planned.stdout
    assert plays.recap(planned.stdout, "db1")["changed"] == 1
    assert plays.quipux.dump() == before
    assert list(plays.bodega.iterdir()) == []

    done = plays.run("provision", variables)
    assert done.returncode == 0, done.stdout
    assert plays.recap(done.stdout, "db1")["changed"] == 1
    assert (
        plays.quipux.row("usuario", "usua_login = %s", (f"U{CEDULA}",))["usua_telefono"]
        == "022999999 ext. 1234"
    )
    (area,) = plays.bodega.glob("*/*/docs")
    assert len(area.parent.name) == 6

    for options in ((), ("--check",)):
        again = plays.run("provision", variables, *options)
        assert again.returncode == 0, again.stdout
        assert {plays.recap(again.stdout, host)["changed"] for host in ("db1", "app1", "app2")} == {0}


def test_good_items_are_done_and_bad_ones_named(plays: Plays) -> None:
    items = [numbered(1, city="Quito"), item(), numbered(2, acronym="TOO LONG FOR IT")]
    done = plays.run("provision", {"provision_items": items})
    assert done.returncode == 2
    assert "Report refused and failed items" in done.stdout
    assert "case-1: no city is called Quito" in done.stdout
    assert "case-2: acronym has 15 characters" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert plays.quipux.value("SELECT count(*) FROM institucion WHERE inst_ruc = %s", (RUC,)) == 1
    assert len(list(plays.bodega.glob("*/*/docs"))) == 1


def test_a_bad_request_file_is_named_with_its_place(plays: Plays) -> None:
    (plays.folder / "inej.yml").write_text(REQUEST.replace('"2405999992"', "2405999992"))
    done = plays.run("provision", {"provision_requests": ["inej.yml"]})
    assert done.returncode == 2
    assert "inej.yml:15:" in done.stdout + done.stderr
    assert plays.quipux.sql("SELECT 1 FROM institucion WHERE inst_ruc = %s", (RUC,)) == []


@pytest.mark.parametrize(
    "groups",
    [{"quipux_app": ["app1"]}, {"quipux_db": ["a", "b"], "quipux_app": ["app1"]}, {"quipux_db": ["db1"]}],
)
def test_the_inventory_is_checked(plays: Plays, groups: dict[str, list[str]]) -> None:
    plays.inventory(groups)
    done = plays.run("provision", {"provision_items": [item()]})
    assert done.returncode == 2
    assert "exactly one host in group quipux_db" in done.stdout


def test_nothing_to_provision(plays: Plays) -> None:
    done = plays.run("provision", {})
    assert done.returncode == 2
    assert "Give provision_requests" in done.stdout


def test_a_database_that_is_down_stops_the_play(plays: Plays) -> None:
    plays.password = "canary-wrong-password"
    plays.inventory({"quipux_db": ["db1"], "quipux_app": ["app1"]})
    done = plays.run("provision", {"provision_items": [item()]}, "-vvv")
    assert done.returncode == 2
    assert "cannot reach the database" in done.stdout
    assert list(plays.bodega.iterdir()) == []
    assert "canary-wrong-password" not in done.stdout + done.stderr


def test_hostile_values_stay_text_and_secrets_stay_secret(plays: Plays) -> None:
    payload = "{{ lookup('pipe', 'touch PWNED') }}{% set x = 1 %}'); DROP TABLE log; --"
    stored = payload.replace("'", "′")
    wanted = item(
        name=payload,
        address=payload,
        administrator__position=payload,
        administrator__surnames=payload,
        activation={"hash": CODE_HASH},
        binding={"environment": payload, "hosts": [payload]},
        previous={"institution": {"name": payload + "x"}},
    )
    done = plays.run("provision", {"provision_items": unsafe([wanted])}, "-vvv", "--diff")
    assert done.returncode == 0, done.stdout
    assert not (plays.folder / "PWNED").exists()
    ids = plays.quipux.row("institucion", "inst_ruc = %s", (RUC,))
    assert ids["inst_nombre"] == stored
    row = plays.quipux.row("usuario", "usua_login = %s", (f"U{CEDULA}",))
    assert (row["usua_cargo"], row["usua_apellido"], row["usua_pasw"]) == (stored, stored, CODE_HASH)
    output = done.stdout + done.stderr
    assert CODE_HASH not in output
    assert plays.password not in output
    assert plays.quipux.value("SELECT count(*) FROM log") > 0


def test_absent_gets_no_folder(plays: Plays) -> None:
    plays.quipux.one(item())
    gone = {"case": "inej", "ruc": RUC, "state": "absent", "administrator": {"national_id": CEDULA}}
    done = plays.run("provision", {"provision_items": [gone]})
    assert done.returncode == 0, done.stdout
    assert list(plays.bodega.iterdir()) == []
    assert plays.quipux.row("institucion", "inst_ruc = %s", (RUC,))["inst_estado"] == 0


def test_administrator_playbook(plays: Plays) -> None:
    plays.quipux.one(item())
    person = {**item()["administrator"], "position": "Directora"}
    wanted = {"case": "inej", "ruc": RUC, "administrator": person}
    done = plays.run("administrator", {"administrator_items": [wanted]})
    assert done.returncode == 0, done.stdout
    assert plays.recap(done.stdout, "db1")["changed"] == 1
    assert plays.quipux.row("usuario", "usua_login = %s", (f"U{CEDULA}",))["usua_cargo"] == "Directora"
    again = plays.run("administrator", {"administrator_items": [wanted]})
    assert plays.recap(again.stdout, "db1")["changed"] == 0
    bad = plays.run("administrator", {"administrator_items": [{**wanted, "ruc": "1700000001001"}]})
    assert bad.returncode == 2
    assert "no institution has RUC 1700000001001" in bad.stdout
