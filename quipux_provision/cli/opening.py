"""Open the workspace that a command works on."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from quipux_provision.errors import UsageError
from quipux_provision.i18n import _
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.settings import FILE_NAME, find_workspace


def open_workspace(arguments: Namespace) -> Workspace:
    """Return the workspace of ``--workspace``, or the nearest upwards.

    :raises UsageError: there is none.
    """
    named: Path | None = arguments.workspace
    if named is not None and not (named / FILE_NAME).is_file():
        raise UsageError(
            _("{path} is no workspace: it has no {name}").format(path=named, name=FILE_NAME),
            _("make one with: quipux-provision init {path}").format(path=named),
        )
    return Workspace(find_workspace(named or Path.cwd()), getattr(arguments, "key", None))
