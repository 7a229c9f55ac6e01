"""The verbs over an institution's own server."""

from __future__ import annotations

import argparse
from pathlib import Path

from quipux_provision.cli.options import Subparsers, add_key, add_verb, add_watch
from quipux_provision.i18n import _

# Actions whose options become variables of their playbooks.
_WITH_OPTIONS = ("backup", "restore", "upgrade", "uninstall")


def add(verbs: Subparsers[argparse.ArgumentParser]) -> None:
    """Add ``self-hosted`` and its actions."""
    actions = verbs.add_parser("self-hosted", help=_("an institution's own server")).add_subparsers(
        dest="action", required=True, metavar=_("ACTION")
    )
    _init(actions)
    install = _action(actions, "install", _("install Quipux on blank hosts, or complete what is there"))
    _plan(install)
    _action(actions, "verify", _("ask the application whether it works"))
    _action(actions, "health", _("look at the running server; changes nothing, for monitoring"), signs=False)
    backup = _action(actions, "backup", _("make an encrypted backup now and fetch it"))
    backup.add_argument("--to", metavar="DIR", type=Path, help=_("by default backups/ENVIRONMENT"))
    restore = _action(actions, "restore", _("install on empty hosts and bring a backup back"))
    restore.add_argument(
        "--from",
        dest="source",
        metavar="DIR",
        type=Path,
        help=_("a fetched backup; by default the newest of backups/ENVIRONMENT"),
    )
    restore.add_argument(
        "--identity",
        metavar="FILE",
        type=Path,
        help=_("the age identity that opens it; by default secretos/respaldos-ENVIRONMENT.age"),
    )
    restore.add_argument(
        "--replace",
        metavar=_("ACRONYM"),
        help=_("write over the institution's data that is there; its acronym confirms it"),
    )
    upgrade = _action(actions, "upgrade", _("install the release that the inventory names, and switch to it"))
    _plan(upgrade)
    _without_backup(upgrade)
    _action(actions, "rollback", _("switch back to the release before"))
    _plan(_action(actions, "year-change", _("prepare what must exist before 1 January")))
    uninstall = _action(actions, "uninstall", _("remove Quipux from its hosts; backups stay"))
    uninstall.add_argument(
        "--confirm", metavar=_("ACRONYM"), required=True, help=_("the institution's acronym, to be sure")
    )
    _without_backup(uninstall)


def _action(
    actions: Subparsers[argparse.ArgumentParser], name: str, text: str, *, signs: bool = True
) -> argparse.ArgumentParser:
    handler = name if name in _WITH_OPTIONS else "run"
    verb = add_verb(actions, name, f"self_hosted:{handler}", text)
    verb.add_argument(
        "--environment", "-e", metavar="E", help=_("its environment; by default the only one of kind propia")
    )
    if signs:
        add_key(verb)
    add_watch(verb)
    return verb


def _without_backup(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--without-backup", action="store_true", help=_("go on without a backup before"))


def _plan(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--plan", action="store_true", help=_("only show what would change"))
    verb.add_argument(
        "--detailed-exitcode", action="store_true", help=_("with --plan: exit with 10 when something would")
    )


def _init(actions: Subparsers[argparse.ArgumentParser]) -> None:
    init = add_verb(
        actions, "init", "self_hosted:init", _("make inventory, passwords and backup key of a new server")
    )
    init.add_argument("--environment", "-e", metavar="E", default="self_hosted", help=_("its name"))
    init.add_argument("--institution", metavar=_("ACRONYM"), required=True)
    init.add_argument("--hostname", metavar="NAME", required=True, help=_("the public name of the system"))
    init.add_argument("--app-host", metavar="HOST", required=True, help=_("the application's host"))
    init.add_argument("--db-host", metavar="HOST", default="", help=_("the database's host, if another"))
    init.add_argument("--pdf-host", metavar="HOST", default="", help=_("the PDF service's host, if another"))
    init.add_argument(
        "--print-admin-password",
        action="store_true",
        help=_("print the super-administrator's password once, and keep only its hash in the vault"),
    )
    init.add_argument(
        "--accept-discontinued",
        action="store_true",
        help=_("accept that the release was declared discontinued in 2021"),
    )
