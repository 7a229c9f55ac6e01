"""The verbs for institutions that have been in production for years: retire, reinstate, inactive-users."""

from __future__ import annotations

import argparse

from quipux_provision.cli.options import Subparsers, add_environment, add_key, add_verb, add_watch
from quipux_provision.i18n import _


def add(verbs: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the verbs."""
    retire = add_verb(
        verbs, "retire", "orders:retire", _("ask for an institution and its users to be deactivated")
    )
    _order(retire)
    retire.add_argument(
        "--documents",
        choices=("refuse", "ignore"),
        default="refuse",
        help=_("documents in process: refuse to retire (default), or leave them where they are"),
    )
    _order(add_verb(verbs, "reinstate", "orders:reinstate", _("ask for what was retired to be active again")))
    inactive = add_verb(
        verbs,
        "inactive-users",
        "orders:inactive_users",
        _("list inactive users whose documents have no backup yet"),
    )
    inactive.add_argument("case", metavar=_("CASE"))
    add_environment(inactive)
    inactive.add_argument(
        "--request", action="store_true", help=_("ask for the backups; it is planned, approved and applied")
    )
    inactive.add_argument("--reason", default="", help=_("why; it is recorded"))
    add_key(inactive)
    add_watch(inactive)


def _order(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("case", metavar=_("CASE"))
    add_environment(verb)
    verb.add_argument("--reason", required=True, help=_("why; it is recorded"))
    add_key(verb)
