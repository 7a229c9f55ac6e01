"""The verb of a change of administrator."""

from __future__ import annotations

import argparse
from pathlib import Path

from quipux_provision.cli.options import Subparsers, add_key, add_verb
from quipux_provision.i18n import _


def add(verbs: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = add_verb(
        verbs,
        "replace-administrator",
        "replacement:replace",
        _("take in the request for another administrator (AIQ) of a case in production"),
    )
    verb.add_argument("case", metavar=_("CASE"), help=_("the case of the institution"))
    verb.add_argument(
        "--request",
        metavar="FILE",
        type=Path,
        required=True,
        help=_("the request of the change; its file name names the change's case"),
    )
    add_key(verb)
