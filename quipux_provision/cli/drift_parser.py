"""The verb that compares what was provisioned with what is there."""

from __future__ import annotations

import argparse

from quipux_provision.cli.options import Subparsers, add_cases, add_verb, add_watch
from quipux_provision.i18n import _


def add(verbs: Subparsers[argparse.ArgumentParser]) -> None:
    """Add ``drift``."""
    drift = add_verb(
        verbs, "drift", "drift:drift", _("look where databases are no more what was provisioned in them")
    )
    drift.epilog = _(
        "Changes nothing in any database. Exit codes: 0 no drift, or warnings only; 8 drift; "
        "4, 5 or 7 when an environment could not be looked at."
    )
    add_cases(drift, _("cases; by default all, and the whole database"))
    drift.add_argument(
        "--environment", "-e", metavar="E", help=_("an environment; by default each with a known database")
    )
    drift.add_argument("--strict", action="store_true", help=_("exit with 8 for warnings, too"))
    add_watch(drift)
