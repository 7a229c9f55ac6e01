"""The stage of the demonstration: two PostgreSQL clusters, a mail catcher, three people, a workspace."""

from __future__ import annotations

import contextlib
import getpass
import grp
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.stand_in.cluster import Cluster  # noqa: E402
from tests.stand_in.database import Database, load  # noqa: E402
from tests.stand_in.mail_server import MailServer  # noqa: E402

HERE = Path(__file__).resolve().parent
WORKSPACE = ROOT / ".demo"
BINARIES = Path(sys.executable).parent
ENVIRONMENTS = {"training": "cap.example.gob.ec", "production": "www.example.gob.ec"}


@dataclass(frozen=True)
class Person:
    """An invented person of the demonstration and the key made for them."""

    name: str
    does: str

    @property
    def key(self) -> str:
        """Path of the private key, from the workspace."""
        return f"llaves/{self.name}"


@dataclass(frozen=True)
class Applicant:
    """The invented institution of a case, and its administrator."""

    ruc: str
    national_id: str

    @property
    def login(self) -> str:
        """The administrator's account."""
        return f"U{self.national_id}"


CASES = {
    "inej": Applicant("1769999930001", "2405999992"),
    "afic": Applicant("1769999850001", "2405999984"),
    "ocej": Applicant("1769999770001", "2405999976"),
}
AUTHOR = Person("ana.autora", "writes and submits the requests")
OPERATOR = Person("omar.operador", "runs what is approved")
APPROVER = Person("pilar.aprobadora", "approves")
PEOPLE = (AUTHOR, OPERATOR, APPROVER)


@dataclass(frozen=True)
class Stage:
    """What runs while the demonstration does."""

    databases: dict[str, Database]
    mail: MailServer


def private(path: Path) -> Path:
    """Make a folder for the owner only."""
    path.mkdir(mode=0o700, parents=True)
    return path


def environment() -> dict[str, str]:
    """Return what the commands see: neither the user's own keys nor their settings."""
    kept = ("PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "TMPDIR", "TERM")
    own = {name: os.environ[name] for name in kept if name in os.environ}
    return {**own, "HOME": str(WORKSPACE / "casa"), "PYTHONUNBUFFERED": "1"}


def run(command: list[str | Path]) -> None:
    """Run a tool of the stage quietly; its output is shown only when it fails."""
    done = subprocess.run(
        command,
        cwd=WORKSPACE,
        env={**environment(), "LC_ALL": "C.UTF-8"},  # Ansible insists on a locale that is installed
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


@contextlib.contextmanager
def servers() -> Iterator[Stage]:
    """Start the two clusters and the mail catcher; stop all of them at the end."""
    with contextlib.ExitStack() as stack:
        databases = {}
        for name in ENVIRONMENTS:
            cluster = stack.enter_context(Cluster.start("embedded"))
            databases[name] = load(cluster, "quipux")
        mail = stack.enter_context(MailServer(private(WORKSPACE / "correo")))
        yield Stage(databases, mail)


def make_workspace() -> None:
    """Make the workspace's folder, empty."""
    if WORKSPACE.exists():
        shutil.rmtree(WORKSPACE)
    private(WORKSPACE / "casa")
    WORKSPACE.chmod(0o700)


def make_people() -> None:
    """Make a throw-away SSH key for each person."""
    private(WORKSPACE / "llaves")
    for person in PEOPLE:
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", person.name, "-f", WORKSPACE / person.key])


def edit_settings(stage: Stage) -> None:
    """Point the workspace that ``init`` made to our servers."""
    path = WORKSPACE / "quipux-provision.yml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    for name, host in ENVIRONMENTS.items():
        settings["environments"][name] |= {
            "demo": True,
            "url": f"https://{host}",
            "vault": {"file": f"secretos/vault-{name}"},
        }
    settings["mail"] = {
        "host": stage.mail.host,
        "port": stage.mail.port,
        "security": "none",
        "sender": "Quipux (demostración) <quipux@example.gob.ec>",
        "support": "soporte@example.gob.ec",
        "operator": "guardia@example.gob.ec",
    }
    text = yaml.safe_dump(settings, allow_unicode=True, sort_keys=False)
    path.write_text(
        f"# Hecho por la demostración con init; los comentarios están en el archivo original.\n{text}"
    )


def make_inventories(stage: Stage) -> None:
    """Write an inventory for each environment; its database password is encrypted with its vault."""
    shutil.rmtree(WORKSPACE / "inventories", ignore_errors=True)
    for name, database in stage.databases.items():
        inventory = private(WORKSPACE / "inventories" / name)
        bodega = private(WORKSPACE / "quipux" / name / "bodega")
        host = {
            f"quipux-{name}": {
                "ansible_connection": "local",
                "ansible_python_interpreter": sys.executable,
                "ansible_remote_tmp": str(WORKSPACE / "casa" / "tmp"),
            }
        }
        _write(inventory / "hosts.yml", {"quipux_db": {"hosts": host}, "quipux_app": {"hosts": host}})
        variables = private(inventory / "group_vars" / "all")
        _write(
            variables / "main.yml",
            {
                "quipux_db_host": database.cluster.host,
                "quipux_db_port": database.cluster.port,
                "quipux_db_name": database.name,
                "quipux_db_user": "quipux_prov",
                "quipux_db_ssl_mode": "disable",
                "quipux_bodega": str(bodega),
                "quipux_app_owner": getpass.getuser(),
                "quipux_app_group": grp.getgrgid(os.getgid()).gr_name,
            },
        )
        passwords = {
            "quipux_db_password": secrets.token_urlsafe(24),
            "quipux_db_read_only_password": secrets.token_urlsafe(24),  # quipux_ro, for reviews
        }
        vault = WORKSPACE / "secretos" / f"vault-{name}"
        _secret(vault, secrets.token_urlsafe(32))
        _write(variables / "vault.yml", passwords)
        _make_roles(inventory, database, passwords)
        run([BINARIES / "ansible-vault", "encrypt", "--vault-password-file", vault, variables / "vault.yml"])


def _make_roles(inventory: Path, database: Database, passwords: dict[str, str]) -> None:
    """Create the roles that the product works with, by the collection's own task file."""
    extra = WORKSPACE / "secretos" / "superuser.yml"
    _write(
        extra,
        {
            "quipux_db_owner": database.cluster.superuser,
            "quipux_db_owner_password": database.cluster.superuser_password,
            **passwords,
        },
    )
    try:
        run([BINARIES / "ansible-playbook", HERE / "database_roles.yml", "-i", inventory, "-e", f"@{extra}"])
    finally:
        extra.unlink()


def _write(path: Path, value: object) -> None:
    _secret(path, yaml.safe_dump(value, allow_unicode=True, sort_keys=False))


def _secret(path: Path, text: str) -> None:
    with open(path, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(text)
