"""A Quipux environment on two test hosts, and the inventory that describes it."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.hosts.machines import Fleet, Host
from tests.hosts.servers import BODEGA, Server, start_application, start_database
from tests.stand_in.database import Database

ROOT = Path(__file__).resolve().parents[2]
OPERATOR = "operador"  # logs in by SSH without being root
# PHP 7.4 is what the real release runs on, so its application hosts are Debian 11; the databases are on both.
IMAGES = {
    "stand_in": {"training": ("bookworm", "bullseye"), "production": ("bullseye", "bookworm")},
    "real": {"training": ("bookworm", "bullseye"), "production": ("bullseye", "bullseye")},
}
KINDS = {"training": "capacitacion", "production": "produccion"}


@dataclass
class Environment:
    """One environment: database host, application host, what runs there, and how to get in."""

    name: str
    database_host: Host
    application_host: Host
    key: Path
    database: Database
    url: str
    read_only_password: str = field(default_factory=lambda: secrets.token_urlsafe(18), repr=False)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(18), repr=False)
    vault_password: str = field(default_factory=lambda: secrets.token_urlsafe(18), repr=False)

    @property
    def kind(self) -> str:
        return KINDS[self.name]

    @property
    def hosts(self) -> tuple[Host, Host]:
        return self.database_host, self.application_host

    @property
    def server(self) -> Server:
        """The PostgreSQL server."""
        assert isinstance(self.database.cluster, Server)
        return self.database.cluster

    def write_inventory(self, folder: Path, *, user: str = "root", **variables: object) -> Path:
        """Write hosts, pinned host keys and group_vars (the database password vaulted); gives the folder."""
        folder.mkdir(parents=True)
        known_hosts = folder / "known_hosts"
        known_hosts.write_text("".join(f"{host.address} {host.host_key()}\n" for host in self.hosts))
        groups = {
            "quipux_db": {"hosts": {f"bd.{self.name}": {"ansible_host": self.database_host.address}}},
            "quipux_app": {"hosts": {f"app.{self.name}": {"ansible_host": self.application_host.address}}},
        }
        (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": groups}}))
        values = {
            "ansible_user": user,
            "ansible_ssh_private_key_file": str(self.key),
            "ansible_ssh_common_args": (
                f"-o UserKnownHostsFile={known_hosts} -o GlobalKnownHostsFile=/dev/null "
                "-o StrictHostKeyChecking=yes -o IdentitiesOnly=yes"
            ),
            "ansible_python_interpreter": "/usr/bin/python3",
            "quipux_db_host": self.database_host.address,
            "quipux_db_name": self.database.name,
            "quipux_db_user": "quipux_prov",
            "quipux_bodega": BODEGA,
            **({} if user == "root" else {"ansible_become": True}),
            **variables,
        }
        group_vars = folder / "group_vars" / "all"
        group_vars.mkdir(parents=True)
        (group_vars / "main.yml").write_text(yaml.safe_dump(values))
        passwords = {
            "quipux_db_password": self.password,
            "quipux_db_read_only_password": self.read_only_password,
        }
        vault = yaml.safe_dump(passwords)
        (group_vars / "vault.yml").write_text(encrypt(vault, self.vault_password, folder))
        return folder

    def make_roles(self, folder: Path) -> None:
        """Make the database roles with the collection's own task file."""
        inventory = self.write_inventory(folder / self.name)
        playbook = Path(__file__).with_name("database_roles.yml")
        with password_file(self.vault_password, inventory) as password:
            options = ["--inventory", str(inventory / "hosts.yml"), "--vault-password-file", str(password)]
            ansible(["ansible-playbook", *options, str(playbook)])


@contextmanager
def password_file(password: str, inventory: Path) -> Iterator[Path]:
    """A file with a vault's password beside an inventory, for as long as Ansible needs it."""
    path = inventory.parent / f"{inventory.name}.vault-password"
    path.touch(0o600)
    path.write_text(password)
    try:
        yield path
    finally:
        path.unlink()


def encrypt(text: str, password: str, folder: Path) -> str:
    """The text as ansible-vault writes it."""
    with password_file(password, folder) as path:
        command = ["ansible-vault", "encrypt", "--vault-password-file", str(path), "--output", "-"]
        return ansible(command, stdin=text).stdout


def ansible(command: list[str], *, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run one of Ansible's programs, as a user of plain Ansible would."""
    program = str(Path(sys.executable).with_name(command[0]))
    settings = {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_NOCOLOR": "1",
        # No connection may outlive the run: the next host may get the same address.
        "ANSIBLE_SSH_ARGS": "-o ControlMaster=no -o ControlPath=none",
    }
    done = subprocess.run(
        [program, *command[1:]],
        input=stdin,
        env={**os.environ, **settings},
        capture_output=True,
        check=False,
        text=True,
        timeout=300,
    )
    if check:
        assert done.returncode == 0, (
            f"{command[0]} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
    return done


def start_environments(fleet: Fleet, images: dict[str, str], variant: str, key: Path) -> list[Environment]:
    """Training and production, side by side."""
    wanted = {}
    for name, (database, application) in IMAGES[variant].items():
        wanted |= {f"bd-{name}": images[database], f"app-{name}": images[application]}
    hosts = fleet.start(wanted)
    public_key = key.with_suffix(".pub").read_text()
    for host in hosts.values():
        host.authorise(public_key)
        host.authorise(public_key, OPERATOR)

    def start(name: str) -> Environment:
        database_host, application_host = hosts[f"bd-{name}"], hosts[f"app-{name}"]
        database = start_database(database_host, variant)
        url = start_application(application_host, database, variant)
        environment = Environment(name, database_host, application_host, key, database, url)
        environment.make_roles(key.parent / variant)
        return environment

    with ThreadPoolExecutor() as pool:
        return list(pool.map(start, KINDS))
