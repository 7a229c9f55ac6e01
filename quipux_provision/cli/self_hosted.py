"""Verbs over an institution's own server."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from quipux_provision.cli.opening import open_workspace
from quipux_provision.cli.output import Output
from quipux_provision.cli.runs import CHANGES_PENDING
from quipux_provision.cli.watching import watching
from quipux_provision.i18n import _
from quipux_provision.service import self_hosted
from quipux_provision.service.self_hosted import ServerResult
from quipux_provision.service.workspace import Workspace


def init(arguments: Namespace, output: Output) -> int:
    """Make the inventory of a new server."""
    from quipux_provision.service.self_hosted_setup import NewServer, initialise

    made = initialise(
        open_workspace(arguments),
        NewServer(
            environment=arguments.environment,
            institution=arguments.institution,
            hostname=arguments.hostname,
            app_host=arguments.app_host,
            db_host=arguments.db_host,
            pdf_host=arguments.pdf_host,
            keep_admin_password=not arguments.print_admin_password,
            accept_discontinued=arguments.accept_discontinued,
        ),
    )
    told: dict[str, Any] = {"environment": arguments.environment, "files": [str(path) for path in made.files]}
    if made.admin_password:
        told["admin_password"] = made.admin_password
    output.data(told)
    for path in made.files:
        output.line(f"  {path}")
    if made.admin_password:
        output.line(_("password of UADMINISTRADOR, shown this once:"))
        output.line(f"  {made.admin_password}")
    output.line(_("keep a copy of secretos/ in a safe place: without it no backup can be opened"))
    output.line(
        _("next: pin the host keys and name the release in inventories/{name}, then: {command}").format(
            name=arguments.environment,
            command=f"quipux-provision self-hosted install -e {arguments.environment} --plan",
        )
    )
    return 0


def run(arguments: Namespace, output: Output) -> int:
    """Run the action that was named, where it takes nothing but the environment."""
    return _run(arguments, output)


def backup(arguments: Namespace, output: Output) -> int:
    """Back up."""
    workspace = open_workspace(arguments)
    folder = arguments.to or _backups(workspace, arguments.environment)
    return _run(arguments, output, {"backup_fetch_to": str(folder.absolute())}, workspace)


def restore(arguments: Namespace, output: Output) -> int:
    """Restore."""
    workspace = open_workspace(arguments)
    environment = self_hosted.own_environment(workspace, arguments.environment)
    source = arguments.source or self_hosted.newest_backup(_backups(workspace, arguments.environment))
    identity = arguments.identity or workspace.root / "secretos" / f"respaldos-{environment.name}.age"
    variables = {
        "restore_from": str(source.absolute()),
        "restore_identity": str(identity.absolute()),
        "restore_replace": arguments.replace or "",  # always: no inventory may confirm it
        "self_hosted_verify": False,  # what is broken is why we restore; restore.yml asks at its end
    }
    return _run(arguments, output, variables, workspace)


def upgrade(arguments: Namespace, output: Output) -> int:
    """Upgrade."""
    return _run(arguments, output, {"upgrade_without_backup": arguments.without_backup})


def uninstall(arguments: Namespace, output: Output) -> int:
    """Remove Quipux from its hosts."""
    variables = {
        "uninstall_confirm": arguments.confirm,
        "uninstall_without_backup": arguments.without_backup,
    }
    return _run(arguments, output, variables)


def _backups(workspace: Workspace, name: str | None) -> Path:
    return workspace.root / "backups" / self_hosted.own_environment(workspace, name).name


def _run(
    arguments: Namespace,
    output: Output,
    variables: Mapping[str, Any] | None = None,
    workspace: Workspace | None = None,
) -> int:
    workspace = workspace or open_workspace(arguments)
    check = getattr(arguments, "plan", False)
    with watching(arguments, output) as watch:
        result = self_hosted.run(
            workspace, arguments.environment, arguments.action, variables, watch, check=check
        )
    if result.error:
        for line in _check_lines(result):
            output.note(line)
        output.error(result.error, result.as_dict())
        return result.error.exit_code
    output.data(result.as_dict())
    for line in _lines(result):
        output.line(line)
    pending = check and arguments.detailed_exitcode and result.changed
    return CHANGES_PENDING if pending else 0


def _lines(result: ServerResult) -> list[str]:
    lines = _check_lines(result)
    if result.check:
        for host, changed in groupby(sorted(result.changed), key=lambda one: one[0]):
            lines.append(f"{host}:")
            lines += [f"  {task}" for _host, task in changed]
    count = len(result.changed)
    if count == 0:
        said = _("{environment}: no change")
    elif result.check:
        said = _("{environment}: {count} changes to come")
    else:
        said = _("{environment}: {count} changes made")
    lines.append(said.format(environment=result.environment, count=count))
    if "release" in result.told:
        lines.append(_("release: {version}").format(version=result.told["release"].get("version", "-")))
    if "backup" in result.told:
        lines.append(_("backup: {id}").format(id=result.told["backup"].get("id", "-")))
    return lines


def _check_lines(result: ServerResult) -> list[str]:
    good, bad = _("ok"), _("BAD")
    return [
        f"  {good if one.get('ok') else bad}  {one['name']}: {one.get('detail', '')}" for one in result.checks
    ]
