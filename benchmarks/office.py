"""Where the measurements happen: a PostgreSQL of our own, databases of the stand-in layout, workspaces."""

from __future__ import annotations

import getpass
import grp
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from psycopg2 import sql

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.invented import write_requests  # noqa: E402
from quipux_provision.ansible.collection import collection_digest, collection_path  # noqa: E402
from quipux_provision.ansible.environment import build_config  # noqa: E402
from quipux_provision.store.strict_yaml import load_requests  # noqa: E402
from tests.stand_in.cluster import Cluster  # noqa: E402
from tests.stand_in.database import OWNER, load  # noqa: E402
from tests.stand_in.mail_server import MailServer  # noqa: E402

BINARIES = Path(sys.executable).parent
BASE = "base"
_ROLES = """\
- name: Database roles
  hosts: quipux_db
  gather_facts: false
  tasks:
    - name: Create the roles and their rights
      ansible.builtin.include_role: {name: quipux.provision.institution, tasks_from: database_roles}
"""


class CommandFailed(Exception):
    """A measured command did not end as it should."""


class Office:
    """Gives fresh databases and workspaces, and runs commands there.

    :param folder: an empty folder for everything.
    """

    def __init__(self, folder: Path, cluster: Cluster, mail: MailServer) -> None:
        self.folder = folder
        self.cluster = cluster
        self.mail = mail
        self.password = secrets.token_urlsafe(18)
        self.read_only_password = secrets.token_urlsafe(18)
        self.owner = OWNER
        self._place: dict[str, str] = {}  # how commands find the present database
        self._numbers = iter(range(1, 10000))
        (folder / "home").mkdir()
        load(cluster, BASE)
        self._make_roles()

    def run(self, *command: str | Path, workspace: Path | None = None) -> float:
        """Run a command and return the seconds it took.

        :raises CommandFailed: it did not exit with 0.
        """
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "LANG": "C.UTF-8",
            "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "PGHOST": self.cluster.host,
            "PGUSER": self.owner,
            "PGPASSWORD": self.cluster.role_passwords[self.owner],
            **self._place,
        }
        began = time.perf_counter()
        done = subprocess.run(
            [str(word) for word in command],
            cwd=workspace or self.folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        took = time.perf_counter() - began
        if done.returncode:
            raise CommandFailed(
                f"{command[:3]}: exit code {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
            )
        return took

    @contextmanager
    def database(self, port: int | None = None) -> Iterator[str]:
        """A fresh database; commands reach the server through *port* meanwhile."""
        name = f"bench_{next(self._numbers)}"
        statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
        self.cluster.sql("postgres", statement.format(*map(sql.Identifier, (name, self.owner, BASE))))
        self._place = {"PGDATABASE": name, "PGPORT": str(port or self.cluster.port)}
        try:
            yield name
        finally:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            self.cluster.sql("postgres", drop.format(sql.Identifier(name)))

    @property
    def server(self) -> dict[str, str]:
        """How commands find the present database."""
        return dict(self._place)

    @contextmanager
    def reaching(self, server: dict[str, str]) -> Iterator[None]:
        """Commands find this database meanwhile."""
        before, self._place = self._place, server
        try:
            yield
        finally:
            self._place = before

    def inventory(self, folder: Path) -> Path:
        """Write an inventory for the present database into *folder*."""
        folder.mkdir(parents=True, exist_ok=True)
        bodega = folder.parent / "bodega"
        bodega.mkdir(mode=0o700, exist_ok=True)
        host = {"quipux": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}}
        variables = {
            "quipux_db_host": self.cluster.host,
            "quipux_db_port": int(self._place["PGPORT"]),
            "quipux_db_name": self._place["PGDATABASE"],
            "quipux_db_user": "quipux_prov",
            "quipux_db_password": self.password,
            "quipux_db_read_only_password": self.read_only_password,
            "quipux_db_ssl_mode": "disable",
            "quipux_bodega": str(bodega),
            "quipux_app_owner": getpass.getuser(),
            "quipux_app_group": grp.getgrgid(os.getgid()).gr_name,
        }
        groups = {"quipux_db": {"hosts": host}, "quipux_app": {"hosts": host}}
        (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"vars": variables, "children": groups}}))
        return folder

    def place(self) -> Path:
        """A new empty folder."""
        folder = self.folder / f"place{next(self._numbers)}"
        folder.mkdir()
        return folder

    def playbook(self, folder: Path, cases: Sequence[str], inventory: Path | None = None) -> float:
        """Run the bare playbook over requests of *folder*, with its inventory or *inventory*; seconds."""
        requests, problems = load_requests([folder / "requests" / f"{case}.yml" for case in cases])
        if problems:
            raise CommandFailed(str(problems[0]))
        variables = folder / f"vars-{cases[0]}-{len(cases)}.json"
        items = [{"case": request.case, **request.item()} for request in requests]
        content = {"provision_items": items, "provision_collection_digest": collection_digest()}
        variables.write_text(json.dumps(content))
        arguments: list[str | Path] = ["-i", inventory or folder / "inventory", "-e", f"@{variables}"]
        return self.run(BINARIES / "ansible-playbook", *arguments, "quipux.provision.provision")

    def cli(self, workspace: Path, *words: str) -> float:
        """Run ``quipux-provision`` in a workspace; seconds."""
        return self.run(BINARIES / "quipux-provision", *words, workspace=workspace)

    def workspace(self, total: int) -> tuple[Path, list[str]]:
        """A workspace with *total* approved cases, by the program itself; returns it and the cases' names."""
        folder = self.place()
        self.cli(folder, "init", ".")
        for name in ("ana.autora", "pilar.aprobadora", "omar.operador"):
            self.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", folder / name)
            self.cli(folder, "signers", "add", name, f"{name}.pub")
        self._settings(folder)
        cases = write_requests(folder / "requests", total)
        self.cli(folder, "submit", *(f"requests/{case}.yml" for case in cases), "--key", "ana.autora")
        self.cli(folder, "plan", "--environment", "training")
        approve = ("approve", "--all-planned", "--environment", "training", "--yes", "--reason", "bench")
        self.cli(folder, *approve, "--key", "pilar.aprobadora")
        return folder, cases

    def _settings(self, folder: Path) -> None:
        path = folder / "quipux-provision.yml"
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
        training = {**settings["environments"]["training"], "demo": True, "inventory": "inventory"}
        settings["environments"] = {"training": training}
        # What is measured is the spine, as the bare playbook carries it.
        settings["policy"] = {"exigir_capacitacion": False, "exigir_revision": False}
        settings["mail"] = {
            "host": self.mail.host,
            "port": self.mail.port,
            "security": "none",
            "sender": "quipux@example.gob.ec",
            "support": "soporte@example.gob.ec",
        }
        path.write_text(yaml.safe_dump(settings, allow_unicode=True, sort_keys=False), encoding="utf-8")
        self.inventory(folder / "inventory")

    def _make_roles(self) -> None:
        config = self.folder / "ansible.cfg"
        config.write_text(build_config(self.folder / "ansible", collection_path()))
        self._place = {"PGDATABASE": BASE, "PGPORT": str(self.cluster.port)}
        folder = self.place()
        self.inventory(folder / "inventory")
        (folder / "roles.yml").write_text(_ROLES)
        extra = folder / "extra.json"
        extra.write_text(
            json.dumps(
                {
                    "quipux_db_owner": self.cluster.superuser,
                    "quipux_db_owner_password": self.cluster.superuser_password,
                }
            )
        )
        arguments: tuple[Any, ...] = ("-i", folder / "inventory", "-e", f"@{extra}", folder / "roles.yml")
        self.run(BINARIES / "ansible-playbook", *arguments)
