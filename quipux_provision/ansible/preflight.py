"""Before a run: who the inventory's hosts are, whether they show their pinned key and let us in.

Paramiko serves to look only; all work goes through OpenSSH.
"""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from quipux_provision.ansible.collection import collection_path
from quipux_provision.ansible.environment import CONFIG_NAME, build_config, build_env, pinned_hosts
from quipux_provision.ansible.outcome import last_error
from quipux_provision.ansible.private import private_folder, write_private
from quipux_provision.ansible.redact import redactor
from quipux_provision.ansible.run import program_path
from quipux_provision.errors import RunFailed
from quipux_provision.i18n import _

if TYPE_CHECKING:
    import paramiko

GROUPS = ("quipux_db", "quipux_app")
_TIMEOUT = 10.0  # seconds, for each of: connecting, the key exchange, the login


@dataclass(frozen=True)
class Host:
    """One host of the inventory and how to log in there; ``local`` needs no login."""

    name: str
    groups: tuple[str, ...]
    address: str
    port: int = 22
    user: str | None = None
    key: Path | None = None
    known_hosts: tuple[Path, ...] = ()
    proxy: str | None = None
    local: bool = False


@dataclass(frozen=True)
class Probe:
    """What a look at one host found: one line that says what, one that says what to do."""

    host: str
    status: Literal["ok", "unreachable", "unknown_key", "changed_key", "login_refused"]
    message: str
    hint: str = ""
    fingerprint: str | None = None


def inventory_hosts(inventory: Path, vault_password: str | None = None) -> list[Host]:
    """Return the hosts of the groups ``quipux_db`` and ``quipux_app``, as Ansible reads *inventory*.

    :raises RunFailed: Ansible cannot read it.
    """
    listing = _listing(inventory, vault_password)
    names: dict[str, list[str]] = {}
    for group in GROUPS:
        for name in _members(listing, group):
            names.setdefault(name, []).append(group)
    variables = listing.get("_meta", {}).get("hostvars", {})
    pinned = pinned_hosts(inventory)
    return [host_of(name, tuple(groups), variables.get(name, {}), pinned) for name, groups in names.items()]


def host_of(
    name: str,
    groups: tuple[str, ...],
    variables: Mapping[str, Any],
    pinned: Path | None,
    ssh_config: Path | None = None,
) -> Host:
    """Return how SSH would reach the host *name*, from its *variables* and the user's SSH configuration."""
    if variables.get("ansible_connection") == "local":
        return Host(name, groups, "localhost", local=True)
    address = str(variables.get("ansible_host") or name)
    config = _ssh_config(address, ssh_config or Path.home() / ".ssh" / "config")
    arguments = " ".join(str(variables.get(f"ansible_ssh_{kind}_args") or "") for kind in ("common", "extra"))
    options = _options(arguments)
    key = variables.get("ansible_ssh_private_key_file") or variables.get("ansible_private_key_file")
    key = key or next(iter(config.get("identityfile", [])), None)
    files = [str(pinned)] if pinned else []
    files = files or shlex.split(options.get("userknownhostsfile") or config.get("userknownhostsfile") or "")
    user = variables.get("ansible_user") or variables.get("ansible_ssh_user") or config.get("user")
    return Host(
        name,
        groups,
        address=config.get("hostname", address),
        port=int(
            variables.get("ansible_port") or variables.get("ansible_ssh_port") or config.get("port") or 22
        ),
        user=str(user) if user else None,
        key=Path(str(key)).expanduser() if key else None,
        known_hosts=tuple(Path(file).expanduser() for file in files or ["~/.ssh/known_hosts"]),
        proxy=options.get("proxycommand") or config.get("proxycommand"),
    )


def probe(host: Host) -> Probe:
    """Compare the key that *host* shows with the pinned one, then log in; run nothing there."""
    import paramiko  # slow to import, and only doctor needs it

    if host.local:
        return Probe(host.name, "ok", _("{host}: this machine.").format(host=host.name))
    client = paramiko.SSHClient()
    for file in host.known_hosts:
        if file.is_file():
            client.load_host_keys(str(file))
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    try:
        client.connect(
            host.address,
            port=host.port,
            username=host.user,
            key_filename=str(host.key) if host.key else None,
            sock=paramiko.ProxyCommand(host.proxy) if host.proxy else None,
            timeout=_TIMEOUT,
            banner_timeout=_TIMEOUT,
            auth_timeout=_TIMEOUT,
        )
        transport = client.get_transport()
        fingerprint = transport.get_remote_server_key().fingerprint if transport else None
        message = _("{host}: pinned key shown, login accepted.").format(host=host.name)
        return Probe(host.name, "ok", message, fingerprint=fingerprint)
    except paramiko.BadHostKeyException as error:
        return Probe(
            host.name,
            "changed_key",
            _("{host}: the key shown is not the pinned one.").format(host=host.name),
            _("Ask who runs the host whether its key was changed; only then correct known_hosts."),
            error.key.fingerprint,
        )
    except (paramiko.SSHException, OSError, EOFError) as error:
        transport = client.get_transport()
        if unknown := _unknown_key(host, error):
            return unknown
        # Of several ways to log in that failed paramiko names the last, whatever it was.
        return _refused(host) if transport and transport.initial_kex_done else _unreachable(host, error)
    finally:
        client.close()


def _unknown_key(host: Host, error: Exception) -> Probe | None:
    if "not found in known_hosts" not in str(error):
        return None
    place = next(iter(host.known_hosts), Path("known_hosts"))
    return Probe(
        host.name,
        "unknown_key",
        _("{host}: no key of it is pinned in {file}.").format(host=host.name, file=place),
        _(
            "Get its key from who runs the host and write it there; to look: ssh-keyscan -p {port} {address}"
        ).format(port=host.port, address=host.address),
    )


def _refused(host: Host) -> Probe:
    return Probe(
        host.name,
        "login_refused",
        _("{host}: the login was refused.").format(host=host.name),
        _("Put your public key into the account's authorized_keys there, or load it: ssh-add"),
    )


def _unreachable(host: Host, error: Exception) -> Probe:
    reason = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, socket.timeout):
        reason = _("no answer within {seconds:.0f} seconds").format(seconds=_TIMEOUT)
    return Probe(
        host.name,
        "unreachable",
        _("{host}: cannot be reached at {address} port {port}: {reason}").format(
            host=host.name, address=host.address, port=host.port, reason=reason
        ),
        _("Check the address in the inventory and the network."),
    )


def _listing(inventory: Path, vault_password: str | None) -> dict[str, Any]:
    with private_folder() as folder:
        write_private(folder / CONFIG_NAME, build_config(folder, collection_path(), pinned_hosts(inventory)))
        command = [program_path("ansible-inventory"), "--inventory", str(inventory.absolute()), "--list"]
        if vault_password:
            command += ["--vault-password-file", str(write_private(folder / "vault", vault_password))]
        done = subprocess.run(
            command,
            env=build_env(os.environ, folder),
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        redact = redactor([vault_password] if vault_password else [])
        raise RunFailed(
            last_error(redact(done.stderr))
            or _("Ansible cannot read the inventory {path}.").format(path=inventory),
            _("Look at it with: ansible-inventory -i {path} --graph").format(path=inventory),
        )
    listing: dict[str, Any] = json.loads(done.stdout)
    return listing


def _members(listing: Mapping[str, Any], group: str) -> list[str]:
    entry = listing.get(group, {})
    children = [name for child in entry.get("children", []) for name in _members(listing, child)]
    return list(dict.fromkeys([*entry.get("hosts", []), *children]))


def _options(arguments: str) -> dict[str, str]:
    """Return SSH's ``-o`` options of a command line, names in lower case; the first of a name counts."""
    words = shlex.split(arguments)
    given = [after for word, after in pairwise(words) if word == "-o"]
    given += [word[2:] for word in words if word.startswith("-o") and len(word) > 2]
    found: dict[str, str] = {}
    for option in given:
        name, _sign, value = option.partition("=") if "=" in option else option.partition(" ")
        found.setdefault(name.strip().lower(), value.strip())
    return found


def _ssh_config(address: str, path: Path) -> paramiko.SSHConfigDict | dict[str, Any]:
    import paramiko

    return paramiko.SSHConfig.from_path(str(path)).lookup(address) if path.is_file() else {}
