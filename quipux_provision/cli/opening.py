"""Open the workspace that a command works on."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from quipux_provision.service.workspace import Workspace
from quipux_provision.store.settings import find_workspace


def open_workspace(arguments: Namespace) -> Workspace:
    """Return the workspace of ``--workspace``, or the nearest upwards.

    :raises UsageError: there is none.
    """
    root = find_workspace(arguments.workspace or Path.cwd(), exact=arguments.workspace is not None)
    return Workspace(root, getattr(arguments, "key", None))
