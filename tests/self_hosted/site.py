"""An institution's own servers as test hosts, and the inventory that describes them."""

from __future__ import annotations

import base64
import dataclasses
import json
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

from tests.hosts.environment import OPERATOR, encrypt
from tests.hosts.machines import Fleet, Host, podman
from tests.images.build import ensure
from tests.self_hosted.play import ROOT, Played, play
from tests.stand_in.archives import Archives, archives

HOSTNAME = "quipux.inej.example.gob.ec"
CACHE = ROOT / ".cache" / "self_hosted"
LABEL = "quipux.site"  # of an image with the application: what opens it
# {group: name of its host}
TOPOLOGIES = {
    "one": {"quipux_db": "quipux", "quipux_app": "quipux"},
    "apart": {"quipux_db": "bd", "quipux_app": "web"},
    "three": {"quipux_db": "bd", "quipux_app": "web", "quipux_pdf": "pdf"},
}
# Hosts that stand apart have a second address each, as on a network between the servers, which is the same
# whenever they start: what was installed on one pair of hosts goes on working on the next.
INNER = {"bd": "10.213.77.10", "web": "10.213.77.11", "pdf": "10.213.77.12"}
VARIABLES = {
    "quipux_institution": "INEJ",
    "quipux_hostname": HOSTNAME,
    "quipux_accept_discontinued": True,
    "quipux_default_city": "Azogues",
    "quipux_admin_email": "superadministrador@inej.example.gob.ec",
    "quipux_mail_from": "quipux@inej.example.gob.ec",
    "quipux_support_mail": "soporte@inej.example.gob.ec",
    "quipux_admin_mail": "administrador@inej.example.gob.ec",
    "quipux_smtp_host": "127.0.0.1",
    "quipux_smtp_port": 2525,
    "quipux_smtp_tls": "off",
    "quipux_backup_keep": 2,
}


@cache
def sources(variant: str) -> Archives:
    """A variant's archives, always at the same path: a host remembers from where it was installed."""
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".making-", dir=CACHE))
    made = archives(folder, variant)  # type: ignore[arg-type]
    kept = CACHE / f"{variant}-{made.release_sha256[:8]}{made.next_sha256[:8]}{made.sql_sha256[:8]}"
    try:
        folder.rename(kept)
    except OSError:  # it is there already
        shutil.rmtree(folder)

    def at(path: Path) -> Path:
        return kept / path.name if path.parent == folder else path

    paths = {"release": at(made.release), "next_release": at(made.next_release), "sql": at(made.sql)}
    return dataclasses.replace(made, **paths)


@dataclass
class Secrets:
    """What opens a site: passwords of its vault, the password of the vault itself, age's private key."""

    passwords: dict[str, str]
    vault: str
    age_identity: str

    @classmethod
    def invent(cls) -> Secrets:
        names = ("app_db", "db", "db_read_only", "admin")
        made = subprocess.run(["age-keygen"], capture_output=True, check=True, text=True).stdout
        passwords = {f"quipux_{name}_password": secrets.token_urlsafe(18) for name in names}
        return cls(passwords, secrets.token_urlsafe(18), made)

    @property
    def recipient(self) -> str:
        """The public half of age's key."""
        (line,) = (line for line in self.age_identity.splitlines() if line.startswith("# public key: "))
        return line.removeprefix("# public key: ")

    def label(self) -> str:
        """All of it as an image's label holds it."""
        return base64.urlsafe_b64encode(json.dumps(vars(self)).encode()).decode()

    @classmethod
    def of(cls, image: str) -> Secrets:
        """What opens the application of an image."""
        (inspected,) = json.loads(podman("image", "inspect", image))
        return cls(**json.loads(base64.urlsafe_b64decode(inspected["Labels"][LABEL])))


@dataclass
class Site:
    """The servers of one institution, its inventory folder, and what opens them. Made by `start`."""

    topology: str
    variant: str
    hosts: dict[str, Host]  # by their name in the inventory
    folder: Path
    secrets: Secrets = field(repr=False)
    user: str = "root"
    variables: dict[str, object] = field(default_factory=dict)

    @classmethod
    def start(
        cls,
        fleet: Fleet,
        stage: str = "packages",
        topology: str = "one",
        variant: str = "stand_in",
        suite: str = "bullseye",
        *,
        database_suite: str = "",
        images: Mapping[str, str] | None = None,
        user: str = "root",
        small: Mapping[str, str] | None = None,
        variables: Mapping[str, object] | None = None,
    ) -> Site:
        """Start the hosts and write the inventory.

        *stage*: blank, packages or installed; the last one needs *images* of the hosts, as `installed_images`
        makes them. *database_suite*: Debian of the database's host, if another. *user*: who logs in by SSH;
        with OPERATOR, by sudo. *small*: {folder: size} of file systems of their own on every host.
        *variables*: more for the inventory.
        """
        names = sorted(set(TOPOLOGIES[topology].values()))
        if stage != "installed":
            suites = {name: database_suite if name == "bd" and database_suite else suite for name in names}
            built = ensure(set(suites.values()), stage)
            images = {name: built[suites[name]] for name in names}
        assert images is not None, "the stage installed needs images"
        opens = Secrets.of(images[names[0]]) if stage == "installed" else Secrets.invent()
        number = len(fleet.hosts)
        folder = fleet.folder / f"site-{number}"
        folder.mkdir()
        # Two sites of one fleet: their hosts still need names of their own.
        suffix = f"-{number}" if number else ""
        wanted = {f"{name}{suffix}": images[name] for name in names}
        started = fleet.start(wanted, capabilities=("NET_ADMIN", "SYS_ADMIN"), small=small)
        hosts = {name: started[f"{name}{suffix}"] for name in names}
        site = cls(topology, variant, hosts, folder, opens, user)
        site._open()
        site.write_inventory(**(variables or {}))
        return site

    @property
    def web(self) -> Host:
        """The application's host."""
        return self.hosts[TOPOLOGIES[self.topology]["quipux_app"]]

    @property
    def db(self) -> Host:
        """The database's host: the application's own, if there is only one."""
        return self.hosts[TOPOLOGIES[self.topology]["quipux_db"]]

    @property
    def url(self) -> str:
        """The application by its address; its certificate and its pages know HOSTNAME."""
        return f"https://{self.web.address}"

    @property
    def key(self) -> Path:
        return self.folder / "id_ed25519"

    @property
    def inventory(self) -> Path:
        """Folder of the inventory."""
        return self.folder / "inventory"

    @property
    def vault_password_file(self) -> Path:
        return self.folder / "vault-password"

    @property
    def age_identity(self) -> Path:
        return self.folder / "age-identity"

    @property
    def admin_password(self) -> str:
        return self.secrets.passwords["quipux_admin_password"]

    @property
    def sources(self) -> Archives:
        """Archives of the variant's release, of the next one and of the SQL dumps."""
        return sources(self.variant)

    def renew(self, fleet: Fleet, stage: str = "packages", suite: str = "bullseye") -> None:
        """Lose the hosts, and put new ones in their places; what the office keeps stays."""
        podman("kill", *(host.container for host in self.hosts.values()))
        number = len(fleet.hosts)
        image = ensure({suite}, stage)[suite]
        wanted = {f"{name}-{number}": image for name in self.hosts}
        started = fleet.start(wanted, capabilities=("NET_ADMIN", "SYS_ADMIN"))
        self.hosts = {name: started[f"{name}-{number}"] for name in self.hosts}
        self._open()
        self.write_inventory()

    def _open(self) -> None:
        if not self.key.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key], check=True)
        public_key = self.key.with_suffix(".pub").read_text()
        for name, host in self.hosts.items():
            host.authorise(public_key)
            host.authorise(public_key, OPERATOR)
            if name in INNER:
                host.exec(f"ip address replace {INNER[name]}/24 dev eth0")
        for path, content in (
            (self.vault_password_file, self.secrets.vault),
            (self.age_identity, self.secrets.age_identity),
        ):
            path.touch(0o600)
            path.write_text(content)

    def write_inventory(self, *without: str, **more: object) -> Path:
        """Write hosts, pinned host keys and group_vars; gives the folder.

        *more* stays for the next time, too; names that end in `_password` go to the vault. *without*:
        variables to leave out.
        """
        self.variables |= more
        group_vars = self.inventory / "group_vars" / "all"
        group_vars.mkdir(parents=True, exist_ok=True)
        known_hosts = self.inventory / "known_hosts"
        pinned = [f"{host.address} {host.host_key()}\n" for host in self.hosts.values()]
        known_hosts.write_text("".join(pinned))
        groups = {
            group: {"hosts": {name: {"ansible_host": self.hosts[name].address}}}
            for group, name in TOPOLOGIES[self.topology].items()
        }
        (self.inventory / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": groups}}))
        values = {**self._plain(known_hosts), **self.secrets.passwords, **self.variables}
        values = {name: value for name, value in values.items() if name not in without}
        vault = {name: value for name, value in values.items() if name.endswith("_password")}
        plain = {name: value for name, value in values.items() if name not in vault}
        (group_vars / "main.yml").write_text(yaml.safe_dump(plain, allow_unicode=True))
        encrypted = encrypt(yaml.safe_dump(vault), self.secrets.vault, self.folder)
        (group_vars / "vault.yml").write_text(encrypted)
        return self.inventory

    def _plain(self, known_hosts: Path) -> dict[str, object]:
        """The inventory that `init` copies, filled in as an institution would."""
        shipped = (ROOT / "inventories" / "self_hosted" / "group_vars" / "all" / "main.yml").read_text()
        inner = {
            "quipux_db_address": INNER["bd"],
            "quipux_app_addresses": [INNER["web"]],
        }
        return {
            **yaml.safe_load(shipped),
            **VARIABLES,
            **({} if self.topology == "one" else inner),
            "ansible_user": self.user,
            "ansible_ssh_private_key_file": str(self.key),
            "ansible_ssh_common_args": (
                f"-o UserKnownHostsFile={known_hosts} -o GlobalKnownHostsFile=/dev/null "
                "-o StrictHostKeyChecking=yes -o IdentitiesOnly=yes"
            ),
            "ansible_python_interpreter": "/usr/bin/python3",
            "quipux_release_source": str(self.sources.release),
            "quipux_release_sha256": self.sources.release_sha256,
            "quipux_sql_source": str(self.sources.sql),
            "quipux_sql_sha256": self.sources.sql_sha256,
            "quipux_backup_recipient": self.secrets.recipient,
        }

    def play(
        self,
        playbook: str | Path,
        *,
        check: bool = False,
        diff: bool = False,
        tags: Iterable[str] = (),
        extra: Mapping[str, object] | None = None,
        must: bool = True,
        limit: str = "",
        kill_at: str = "",
    ) -> Played:
        """Run a playbook of the collection by its name, or any by its path; see tests.self_hosted.play."""
        return play(
            *(playbook, self.inventory / "hosts.yml", self.vault_password_file),
            check=check,
            diff=diff,
            tags=tags,
            extra=extra,
            limit=limit,
            must=must,
            kill_at=kill_at,
        )
