"""Verbs about the workspace itself."""

from __future__ import annotations

import getpass
import sys
from argparse import Namespace
from pathlib import Path

from quipux_provision.cli.opening import open_workspace
from quipux_provision.cli.output import Output
from quipux_provision.errors import UsageError
from quipux_provision.i18n import _


def init(arguments: Namespace, output: Output) -> int:
    """Make a workspace and offer the user's own key as its first signer."""
    from quipux_provision.service import setup
    from quipux_provision.service.people import public_key_line
    from quipux_provision.store import signers

    if (arguments.signer is None) != (arguments.public_key is None):
        raise UsageError(
            _("--signer and --public-key belong together"),
            _("add both: --signer NAME --public-key ~/.ssh/id_ed25519.pub"),
        )
    name, key = arguments.signer, arguments.public_key or setup.own_public_key()
    if name and key:
        signers.check(name, public_key_line(key))
    written = setup.initialise(arguments.directory)
    for path in written:
        output.line(f"  {arguments.directory / path}")
    if name is None and key is not None and sys.stdin.isatty():
        name = _ask_signer(key)
    if name and key:
        signers.add(arguments.directory / "allowed_signers", name, public_key_line(key))
        output.line(_("{name} may sign with {key}").format(name=name, key=key))
    else:
        output.line(_("let a person sign: quipux-provision signers add NAME KEY.pub"))
    output.line(_("next: edit {path}").format(path=arguments.directory / "quipux-provision.yml"))
    return 0


def _ask_signer(key: Path) -> str | None:
    name = getpass.getuser()
    try:
        answer = input(_("Let {name} sign with {key}? [Y/n] ").format(name=name, key=key)).strip().lower()
    except EOFError:
        return None
    return name if answer in ("", "y", "yes", "s", "si", "sí") else None


def signers_add(arguments: Namespace, output: Output) -> int:
    """Let a person sign."""
    from quipux_provision.service.people import public_key_line
    from quipux_provision.store import signers

    workspace = open_workspace(arguments)
    namespaces = arguments.namespaces.split(",") if arguments.namespaces else None
    spec = workspace.settings.identity.signers
    if spec.startswith("git:"):
        raise UsageError(
            _("the signers' file lies in a protected branch: {spec}").format(spec=spec),
            _("add the person there, by the way that protects the branch"),
        )
    line = public_key_line(arguments.public_key)
    signers.add(workspace.root / spec, arguments.name, line, namespaces)
    output.line(_("{name} may sign").format(name=arguments.name))
    return 0


def signers_list(arguments: Namespace, output: Output) -> int:
    """List who may sign."""
    from quipux_provision.service.people import people

    workspace = open_workspace(arguments)
    listed = people(workspace)
    output.data({"signers": listed, "sha256": workspace.signers.sha256})
    for person in listed:
        limits = ", ".join(person["namespaces"]) if person["namespaces"] else _("everything")
        output.line(f"{person['name']}  {person['fingerprint']}  {limits}")
    if not listed:
        output.line(_("nobody may sign yet: quipux-provision signers add NAME KEY.pub"))
    return 0


def rebind(arguments: Namespace, output: Output) -> int:
    """Let an environment be bound to another database."""
    from quipux_provision.service.environments import rebind as release

    workspace = open_workspace(arguments)
    released = release(workspace, arguments.environment, arguments.reason)
    output.data({"environment": arguments.environment, "released": released})
    output.line(
        _("{environment} is released; its next plan binds it").format(environment=arguments.environment)
    )
    return 0


def unlock(arguments: Namespace, output: Output) -> int:
    """Remove the locks of a run that is gone."""
    from quipux_provision.service.people import unlock as remove

    workspace = open_workspace(arguments)
    removed = remove(workspace, arguments.cases, arguments.environment, arguments.reason)
    output.data({"unlocked": removed})
    for case in removed:
        output.line(_("{case}: unlocked").format(case=case))
    return 0
