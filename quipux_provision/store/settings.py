"""The settings of a workspace: ``quipux-provision.yml``. It holds references to secrets, never a secret."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from quipux_provision.domain.kinds import KINDS, OWN, TRAINING
from quipux_provision.domain.policy import Policy
from quipux_provision.errors import UsageError
from quipux_provision.i18n import _
from quipux_provision.store import settings_nodes
from quipux_provision.store.secrets import SecretRef
from quipux_provision.store.settings_nodes import Section, SettingsError
from quipux_provision.store.settings_sections import MailSettings, mail_settings, policy

__all__ = [
    "FILE_NAME",
    "Environment",
    "Identity",
    "MailSettings",
    "Reading",
    "Settings",
    "SettingsError",
    "find_workspace",
    "load_settings",
]

FILE_NAME = "quipux-provision.yml"
ROUTES = ("central", "autoalojada", "ciudadano")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_URL_PASSWORD = re.compile(r"//[^/@]*:[^@]*@|[?&]password=", re.IGNORECASE)


@dataclass(frozen=True)
class Identity:
    """Who signs, and who may.

    :param key: the key to sign with; None: ssh-agent's.
    :param signers: path of the allowed_signers file, or ``git:REMOTE/BRANCH:PATH``.
    :param strict_signers: whether ``doctor`` takes a signers file that the user can write for an error.
    """

    key: Path | None = None
    signers: str = "allowed_signers"
    strict_signers: bool = False


@dataclass(frozen=True)
class Reading:
    """What only reads (a review, a preview) runs on this inventory, whose login may not write.

    :param inventory: path of Ansible's inventory.
    :param vault: its vault's password.
    """

    inventory: Path
    vault: SecretRef | None = None


@dataclass(frozen=True)
class Environment:
    """One Quipux that institutions are carried into.

    :param kind: ``capacitacion``, ``produccion`` or ``propia``.
    :param routes: the ``via`` values it serves.
    :param inventory: path of Ansible's inventory.
    :param url: base address of the Quipux, for links; https unless *demo*.
    :param vault: the vault's password.
    :param mail: mail settings of its own; None: the workspace's.
    :param reading: an inventory for what only reads; None: *inventory*.
    """

    name: str
    kind: str
    routes: tuple[str, ...]
    inventory: Path
    url: str
    default_city: str | None = None
    vault: SecretRef | None = None
    demo: bool = False
    mail: MailSettings | None = None
    reading: Reading | None = None


@dataclass(frozen=True)
class Settings:
    """A workspace's settings; a relative path starts at *workspace*."""

    workspace: Path
    ledger_url: SecretRef | str
    ledger_password: SecretRef | None
    identity: Identity
    environments: Mapping[str, Environment]
    mail: MailSettings | None
    policy: Policy


def find_workspace(start: Path) -> Path:
    """Return the nearest folder, from *start* upwards, that holds the settings file.

    :raises UsageError: there is none.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder
    raise UsageError(
        _("there is no {name} in {folder} or above it").format(name=FILE_NAME, folder=start),
        _("make a workspace with: quipux-provision init DIR, or name one with --workspace DIR"),
    )


def load_settings(workspace: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings of *workspace*, and the user's own for ``identity.key``.

    :raises SettingsError: they break rules; all problems are named, each with its place.
    """
    workspace = workspace.resolve()
    top, problems = settings_nodes.read(workspace / FILE_NAME)
    url, password = _ledger(top)
    identity = _identity(top.section("identity"), workspace)
    environments = _environments(top, workspace)
    # What everybody shares may go unencrypted only where nothing is real.
    all_demo = bool(environments) and all(one.demo for one in environments.values())
    mail = mail_settings(top.section("mail"), demo=all_demo)
    rules = policy(top.section("policy"))
    top.finish()
    problems.raise_if_any()
    own = _own_key(environ)
    if own is not None:
        identity = Identity(own, identity.signers, identity.strict_signers)
    return Settings(workspace, url, password, identity, environments, mail, rules)


def own_settings_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the path of the user's own settings."""
    base = environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "quipux-provision" / "settings.yml"


def _own_key(environ: Mapping[str, str]) -> Path | None:
    path = own_settings_file(environ)
    if not path.is_file():
        return None
    top, problems = settings_nodes.read(path)
    section = top.section("identity")
    key = section.text("key", None) if section else None
    if section:
        section.finish()
    top.finish()
    problems.raise_if_any()
    return path.parent / Path(key).expanduser() if key else None


def _ledger(top: Section) -> tuple[SecretRef | str, SecretRef | None]:
    default = "sqlite:///ledger.db"
    if not top.is_mapping("ledger"):
        return _ledger_url(top, "ledger", top.text("ledger", default)), None
    section = top.section("ledger")
    if section is None:
        return default, None
    if not section.has("url"):
        return top.secret("ledger") or default, None
    url = _ledger_url(section, "url", section.text("url", default))
    password = section.secret("password")
    section.finish()
    return url, password


def _ledger_url(section: Section, key: str, url: str) -> str:
    if _URL_PASSWORD.search(url):
        section.problem(
            key,
            _("a password must not stand in the settings"),
            _("write ledger: with url: and password: {env: NAME}"),
        )
    elif not url.startswith(("sqlite:///", "postgresql://")):
        section.problem(
            key,
            _("is not the URL of a ledger"),
            _("write sqlite:///ledger.db or postgresql://USER@HOST/DATABASE"),
        )
    return url


def _identity(section: Section | None, workspace: Path) -> Identity:
    if section is None:
        return Identity()
    key = section.text("key", None)
    identity = Identity(
        key=workspace / Path(key).expanduser() if key else None,
        signers=section.text("signers", "allowed_signers"),
        strict_signers=section.flag("strict_signers", False),
    )
    section.finish()
    return identity


def _environments(top: Section, workspace: Path) -> dict[str, Environment]:
    environments: dict[str, Environment] = {}
    owners: dict[Path, str] = {}
    for name, section in top.sections("environments", lambda name: bool(_NAME.fullmatch(name))):
        environment = _environment(name, section, workspace)
        inventories = {"inventory": environment.inventory}
        if environment.reading:
            inventories["reading"] = environment.reading.inventory
        for key, inventory in inventories.items():
            owner = owners.setdefault(inventory.resolve(), name)
            if owner != name:
                section.problem(
                    key,
                    _("is the inventory of {other} already").format(other=owner),
                    _("give each environment an inventory of its own"),
                )
        environments[name] = environment
    return environments


def _environment(name: str, section: Section, workspace: Path) -> Environment:
    kind = section.choice("kind", KINDS, TRAINING, required=True)
    demo = section.flag("demo", False)
    routes = section.texts("vias") or (("autoalojada",) if kind == OWN else ("central",))
    if not set(routes) <= set(ROUTES):
        section.problem(
            "vias", _("is not a known value"), _("use one of: {choices}").format(choices=", ".join(ROUTES))
        )
    inventory = section.text("inventory", f"inventories/{name}", required=True)
    environment = Environment(
        name=name,
        kind=kind,
        routes=routes,
        inventory=workspace / Path(inventory).expanduser(),
        url=_url(section, demo=demo),
        default_city=section.text("default_city", None),
        vault=section.secret("vault"),
        demo=demo,
        mail=mail_settings(section.section("mail"), demo=demo),
        reading=_reading(section.section("reading"), workspace),
    )
    section.finish()
    return environment


def _reading(section: Section | None, workspace: Path) -> Reading | None:
    if section is None:
        return None
    inventory = section.text("inventory", "", required=True)
    reading = Reading(workspace / Path(inventory).expanduser(), section.secret("vault"))
    section.finish()
    return reading


def _url(section: Section, *, demo: bool) -> str:
    url = section.text("url", "", required=True)
    try:
        parts = urlsplit(url)
        good = bool(parts.hostname) and not parts.query and not parts.fragment and not parts.username
        good = good and parts.scheme in (("https", "http") if demo else ("https",)) and " " not in url
        _port = parts.port
    except ValueError:
        good = False
    if url and not good:
        section.problem(
            "url",
            _("must be an https address; http is for demo: true only"),
            _("write it like https://quipux.example.gob.ec"),
        )
    return url.rstrip("/")
