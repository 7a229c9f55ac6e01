"""What the child sees: an environment of our own making and a configuration file of our own.

The caller's variables, an ``ansible.cfg`` beside the workspace and one in the home folder have no effect.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

_KEPT = ("PATH", "HOME", "SSH_AUTH_SOCK", "TZ")
CONFIG_NAME = "ansible.cfg"
KNOWN_HOSTS = "known_hosts"


def build_env(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the whole environment of the child. Pure.

    :param environ: the caller's environment; only what a program needs to start and SSH to log in is kept.
    :param folder: the run's private folder, where the configuration and all temporary files lie.
    """
    return {
        **{name: environ[name] for name in _KEPT if name in environ},
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",  # messages are recognised by their text
        "TMPDIR": str(folder / "tmp"),
        "ANSIBLE_CONFIG": str(folder / CONFIG_NAME),
        "ANSIBLE_HOME": str(folder / "home"),
    }


def runner_env(artifacts: Path, callback_folder: str) -> dict[str, str]:
    """Return what ansible-runner's display plugin needs on top of :func:`build_env`."""
    return {
        "AWX_ISOLATED_DATA_DIR": str(artifacts),
        "ANSIBLE_CALLBACK_PLUGINS": callback_folder,
        "ANSIBLE_STDOUT_CALLBACK": "awx_display",
        # Above this many characters the plugin drops a task's result, and so a list of some hundred items.
        "MAX_EVENT_RES": str(2**31),
    }


def pinned_hosts(inventory: Path) -> Path | None:
    """Return the ``known_hosts`` file that lies in the inventory's folder, if there is one."""
    folder = inventory if inventory.is_dir() else inventory.parent
    found = folder / KNOWN_HOSTS
    return found.absolute() if found.is_file() else None


def build_config(
    folder: Path, collections: Path, known_hosts: Path | None = None, more: Sequence[Path] = ()
) -> str:
    """Return the text of the run's ``ansible.cfg``. Pure.

    :param folder: the run's private folder.
    :param collections: the folder that holds ``ansible_collections``.
    :param more: folders with further collections.
    :param known_hosts: pinned host keys; without it SSH uses the user's own. Unknown keys are always refused.
    """
    options = ["ControlMaster=auto", "ControlPersist=30s", "StrictHostKeyChecking=yes"]
    if known_hosts:
        quoted = str(known_hosts).replace("%", "%%").replace('"', '\\"')
        options += [f'UserKnownHostsFile="{quoted}"', "GlobalKnownHostsFile=/dev/null"]
    ssh_args = " ".join(["-C", *(f"-o {shlex.quote(option)}" for option in options)])
    return f"""\
[defaults]
collections_path = {":".join(map(str, (collections, *more)))}
collections_scan_sys_path = False
local_tmp = {folder / "tmp"}
interpreter_python = /usr/bin/python3
host_key_checking = True
gathering = explicit
retry_files_enabled = False
forks = 8
timeout = 15
nocolor = True
nocows = True
localhost_warning = False
deprecation_warnings = False
system_warnings = False
inventory_ignore_patterns = ^known_hosts$, ^README

[inventory]
any_unparsed_is_failed = True

[connection]
pipelining = True

[ssh_connection]
pipelining = True
control_path_dir = {folder / "cp"}
ssh_args = {ssh_args}
"""
