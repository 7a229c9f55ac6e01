"""Quipux environments on this machine: databases of test clusters, folders instead of application hosts."""

from __future__ import annotations

import getpass
import grp
import os
import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.hosts.environment import encrypt
from tests.stand_in.database import Database

KINDS = {"training": "capacitacion", "production": "produccion"}


@dataclass
class LocalEnvironment:
    """One environment whose hosts are this machine; each has a cluster of its own."""

    name: str
    database: Database
    bodega: Path
    url: str = "http://127.0.0.1:9/quipux"
    vault_password: str = field(default_factory=lambda: secrets.token_urlsafe(18), repr=False)

    @property
    def kind(self) -> str:
        """What the settings call it."""
        return KINDS[self.name]

    @property
    def password(self) -> str:
        """Password of ``quipux_prov``."""
        return self.database.cluster.role_passwords["quipux_prov"]

    def write_inventory(self, folder: Path, **variables: object) -> Path:
        """Write hosts and group_vars (the database password vaulted); gives the folder."""
        folder.mkdir(parents=True)
        groups = {
            "quipux_db": {"hosts": {f"bd.{self.name}": {}}},
            "quipux_app": {"hosts": {f"app.{self.name}": {}}},
        }
        (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": groups}}))
        values = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "quipux_db_host": self.database.cluster.host,
            "quipux_db_port": self.database.cluster.port,
            "quipux_db_name": self.database.name,
            "quipux_db_user": "quipux_prov",
            "quipux_db_ssl_mode": "prefer",
            "quipux_bodega": str(self.bodega),
            "quipux_app_owner": getpass.getuser(),
            "quipux_app_group": grp.getgrgid(os.getgid()).gr_name,
            **variables,
        }
        group_vars = folder / "group_vars" / "all"
        group_vars.mkdir(parents=True)
        (group_vars / "main.yml").write_text(yaml.safe_dump(values))
        passwords = self.database.cluster.role_passwords
        vault = yaml.safe_dump(
            {
                "quipux_db_password": passwords["quipux_prov"],
                "quipux_db_read_only_password": passwords["quipux_ro"],
            }
        )
        (group_vars / "vault.yml").write_text(encrypt(vault, self.vault_password, folder))
        return folder
