"""Vaults, as ``ansible-vault`` writes them."""

from __future__ import annotations

import os
import subprocess

from quipux_provision.ansible.environment import build_env
from quipux_provision.ansible.private import private_folder, write_private
from quipux_provision.ansible.run import program_path
from quipux_provision.errors import RunFailed
from quipux_provision.i18n import _


def encrypt(text: str, password: str) -> str:
    """Return *text* encrypted with *password*, as a file of group_vars holds it.

    :raises RunFailed: ansible-vault does not do its work.
    """
    with private_folder() as folder:
        key = write_private(folder / "vault", password)
        done = subprocess.run(
            [program_path("ansible-vault"), "encrypt", "--vault-password-file", str(key), "--output", "-"],
            input=text,
            env=build_env(os.environ, folder),
            cwd=folder,
            capture_output=True,
            check=False,
            text=True,
        )
    if done.returncode:
        raise RunFailed(
            _("ansible-vault could not encrypt the passwords"),
            _("run it by hand to see why: ansible-vault encrypt"),
        )
    return done.stdout
