"""The inventory of an institution's own server, its generated passwords, and its place in the settings."""

from __future__ import annotations

import re
import secrets
import string
from dataclasses import dataclass, field
from hashlib import md5
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from quipux_provision.domain.fields import SELF_HOSTED
from quipux_provision.domain.kinds import OWN
from quipux_provision.errors import ProvisionError, UsageError
from quipux_provision.i18n import _
from quipux_provision.service import setup
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.files import write_private, write_whole
from quipux_provision.store.settings import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

# Passwords of database roles that the inventory's vault holds.
_ROLE_PASSWORDS = ("quipux_app_db_password", "quipux_db_password", "quipux_db_read_only_password")
_ADMIN_PASSWORD_LENGTH = 15  # Quipux's form takes no more, and letters and digits alone
_EXAMPLE_HOST = "quipux.institucion.example.gob.ec"
_ACRONYM = re.compile(r"[A-Z0-9]{2,10}")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_BLOCK = """\
  {name}:
    kind: {kind}
    vias: [{route}]
    inventory: inventories/{name}
    url: https://{hostname}
    vault: {{file: secretos/vault-{name}}}
"""


@dataclass(frozen=True)
class NewServer:
    """What `self-hosted init` is told.

    :param hostname: the public name.
    :param app_host: the application's host, as SSH reaches it.
    :param db_host: the database's; the same one by default.
    :param pdf_host: a host of its own for the PDF service.
    :param keep_admin_password: whether the vault holds the super-administrator's password, or only its hash.
    """

    environment: str
    institution: str
    hostname: str
    app_host: str
    db_host: str = ""
    pdf_host: str = ""
    keep_admin_password: bool = True
    accept_discontinued: bool = False


@dataclass(frozen=True)
class MadeServer:
    """What was made.

    :param files: relative to the workspace.
    :param admin_password: to be shown once; empty when the vault holds it.
    """

    files: list[Path]
    admin_password: str = field(default="", repr=False)


def initialise(workspace: Workspace, wanted: NewServer) -> MadeServer:
    """Write inventory, vault and backup key of a new own server, and add it to the settings.

    :raises UsageError: a name is impossible, or something of that name is there already.
    """
    from quipux_provision.ansible.collections import extract
    from quipux_provision.ansible.vault import encrypt

    _check(workspace, wanted)
    root, name = workspace.root, wanted.environment
    settings = root / FILE_NAME
    text = _with_environment(settings.read_text(encoding="utf-8"), wanted)
    folder = root / "inventories" / name
    vault_password = root / "secretos" / f"vault-{name}"
    identity_file = root / "secretos" / f"respaldos-{name}.age"
    for path in (folder, vault_password, identity_file):
        if path.exists():
            raise UsageError(
                _("{path} is there already").format(path=path),
                _("name another environment: --environment E, or move it away"),
            )
    extract(root / ".collections")
    identity, recipient = _age_keys()
    password = secrets.token_urlsafe(32)
    admin_password = _admin_password()
    vault = {role: secrets.token_urlsafe(24) for role in _ROLE_PASSWORDS}
    if wanted.keep_admin_password:
        vault["quipux_admin_password"] = admin_password
    else:
        vault["quipux_admin_password_hash"] = md5(admin_password.encode(), usedforsecurity=False).hexdigest()[
            1:27
        ]
    encrypted = encrypt("".join(f'{key}: "{value}"\n' for key, value in vault.items()), password)
    variables = folder / "group_vars" / "all"
    variables.mkdir(parents=True)
    source = setup.inventories() / "self_hosted"
    _write(folder / "hosts.yml", _hosts((source / "hosts.yml").read_text(encoding="utf-8"), wanted))
    _write(folder / "known_hosts", (source / "known_hosts").read_text(encoding="utf-8"))
    main = (source / "group_vars/all/main.yml").read_text(encoding="utf-8")
    _write(variables / "main.yml", _variables(main, wanted, recipient))
    _write(variables / "vault.yml", encrypted)
    write_private(vault_password, f"{password}\n".encode())
    write_private(identity_file, identity.encode())
    write_whole(settings, text.encode(), settings.stat().st_mode & 0o777)
    written = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    files = [path.relative_to(root) for path in (*written, vault_password, identity_file, settings)]
    return MadeServer(files, "" if wanted.keep_admin_password else admin_password)


def _check(workspace: Workspace, wanted: NewServer) -> None:
    if not _ACRONYM.fullmatch(wanted.institution):
        raise UsageError(
            _("{value} is no acronym of an institution").format(value=wanted.institution),
            _("give 2 to 10 capital letters and digits: --institution INEJ"),
        )
    for host in (wanted.hostname, wanted.app_host, wanted.db_host, wanted.pdf_host):
        if host and not _HOST.fullmatch(host):
            raise UsageError(
                _("{value} is no name of a host").format(value=host),
                _("give a name or an address, such as quipux.inej.example.gob.ec"),
            )
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", wanted.environment):
        raise UsageError(
            _("{value} is no name of an environment").format(value=wanted.environment),
            _("use small letters, digits, - and _"),
        )
    if wanted.environment in workspace.settings.environments:
        raise UsageError(
            _("the settings have an environment {name} already").format(name=wanted.environment),
            _("name another one: --environment E"),
        )


def _with_environment(text: str, wanted: NewServer) -> str:
    """Return the settings with the new environment in them; comments and order stay.

    :raises UsageError: they are not written in the form that a line can be added to.
    """
    block = _BLOCK.format(name=wanted.environment, kind=OWN, route=SELF_HOSTED, hostname=wanted.hostname)
    lines = text.splitlines(keepends=True)
    places = [at for at, line in enumerate(lines) if line.split("#")[0].rstrip() == "environments:"]
    if len(places) != 1:
        raise UsageError(
            _("{name} has no line 'environments:' to add to").format(name=FILE_NAME),
            _("write that line, with the environments below it"),
        )
    return "".join([*lines[: places[0] + 1], block, *lines[places[0] + 1 :]])


def _hosts(text: str, wanted: NewServer) -> str:
    for host in (wanted.db_host or wanted.app_host, wanted.app_host):
        text = text.replace(f"        {_EXAMPLE_HOST}:\n", _host(host), 1)
    if wanted.pdf_host:
        text += f"    quipux_pdf:\n      hosts:\n{_host(wanted.pdf_host)}"
    return text


def _host(name: str) -> str:
    """Return the host's line; an address is said twice, so that the other hosts' roles know it."""
    try:
        ip_address(name)
    except ValueError:
        return f"        {name}:\n"
    return f"        {name}:\n          ansible_host: {name}\n"


def _variables(text: str, wanted: NewServer, recipient: str) -> str:
    values: Mapping[str, str] = {
        "quipux_institution": wanted.institution,
        "quipux_hostname": wanted.hostname,
        "quipux_backup_recipient": recipient,
        "quipux_accept_discontinued": str(wanted.accept_discontinued).lower(),
    }
    for key, value in values.items():
        text, count = re.subn(rf"(?m)^{key}:.*$", f"{key}: {value}", text)
        if count != 1:
            raise ProvisionError(f"the example inventory has {count} lines of {key}")
    return text


def _age_keys() -> tuple[str, str]:
    """Return a new age identity, as age-keygen writes it, and its public part."""
    import pyrage

    identity = pyrage.x25519.Identity.generate()
    recipient = str(identity.to_public())
    return f"# public key: {recipient}\n{identity}\n", recipient


def _admin_password() -> str:
    """Return a password that Quipux's own form would take."""
    characters = string.ascii_letters + string.digits
    while True:
        password = "".join(secrets.choice(characters) for _each in range(_ADMIN_PASSWORD_LENGTH))
        if re.search(r"\d", password) and re.search(r"[A-Za-z]", password):
            return password


def _write(path: Path, text: str) -> None:
    write_whole(path, text.encode(), 0o600)
