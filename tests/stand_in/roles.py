"""The roles `quipux_prov` and `quipux_ro`, made in a test database by the product's own role."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.stand_in.database import Database

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOK = Path(__file__).parent / "database_roles.yml"
PROVISION, READ_ONLY = "quipux_prov", "quipux_ro"


def make_roles(database: Database) -> None:
    """Make both roles with random passwords (kept in the cluster's `role_passwords`) and their rights."""
    cluster = database.cluster
    for role in (PROVISION, READ_ONLY):
        cluster.role_passwords.setdefault(role, secrets.token_urlsafe(18))
    variables = {
        "ansible_python_interpreter": sys.executable,
        "quipux_db_host": cluster.host,
        "quipux_db_port": cluster.port,
        "quipux_db_name": database.name,
        "quipux_db_user": PROVISION,
        "quipux_db_password": cluster.role_passwords[PROVISION],
        "quipux_db_read_only_user": READ_ONLY,
        "quipux_db_read_only_password": cluster.role_passwords[READ_ONLY],
        "quipux_db_owner": cluster.superuser,
        "quipux_db_owner_password": cluster.superuser_password,
    }
    with tempfile.TemporaryDirectory(prefix="qxroles-") as folder:
        extra = Path(folder) / "variables.json"
        extra.touch(0o600)
        extra.write_text(json.dumps(variables))
        empty = Path(folder) / "ansible.cfg"
        empty.touch()
        settings = {
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
            "ANSIBLE_CONFIG": str(empty),
            "ANSIBLE_LOCAL_TEMP": folder,
            "ANSIBLE_NOCOLOR": "1",
        }
        ansible_playbook = Path(sys.executable).with_name("ansible-playbook")
        done = subprocess.run(
            [ansible_playbook, "-i", "localhost,", "-e", f"@{extra}", PLAYBOOK],
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"the database roles could not be made:\n{done.stdout}\n{done.stderr}")
