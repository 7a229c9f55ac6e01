"""Verbs that tell: status, history, audit."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from quipux_provision.cli.opening import open_workspace
from quipux_provision.cli.output import Output
from quipux_provision.errors import UsageError
from quipux_provision.i18n import _
from quipux_provision.service import status as reports
from quipux_provision.service.workspace import Workspace


def status(arguments: Namespace, output: Output) -> int:
    """Say for every case in one line where it stands and who must act next."""
    workspace = open_workspace(arguments)
    report = reports.status(workspace, arguments.cases)
    output.data(report)
    cases = report["cases"]
    width = max((len(case["case"]) for case in cases), default=0)
    for case in cases:
        mail = [name for name, e in case["environments"].items() if e["mail"] == "failed"]
        late = _("  (mail failed in {names})").format(names=", ".join(mail)) if mail else ""
        step = _step(case["next"])
        output.line(f"{case['case']:{width}}  {case['state']:16} {step}{late}{_change(case)}")
    for server in report["servers"]:
        output.line(_server_line(server))
    if not cases:
        output.line(_("no cases yet: quipux-provision submit requests/FILE.yml"))
    for notice in report["notices"]:
        output.line(_("notice: {message}").format(message=notice["message"]))
    return 0


def _change(case: Mapping[str, Any]) -> str:
    if case["change_of"]:
        return _("  (changes the administrator of {case})").format(case=case["change_of"])
    if case["changes"]:
        return _("  (change of administrator under way: {cases})").format(cases=", ".join(case["changes"]))
    return ""


def _server_line(server: Mapping[str, Any]) -> str:
    words = [
        _("installed since {time}, release {version}").format(
            time=server["installed"], version=server["version"] or "-"
        )
        if server["installed"]
        else _("not installed")
    ]
    if server["backup"]:
        words.append(_("last backup {time}").format(time=server["backup_time"]))
    if server["unfinished"]:
        words.append(_("unfinished: {verbs}").format(verbs=", ".join(server["unfinished"])))
    return _("server {environment}: {state}").format(
        environment=server["environment"], state="; ".join(words)
    )


def _step(step: Mapping[str, str]) -> str:
    if not step["command"]:
        return "-"
    by = _(" until {time}").format(time=step["by_local"]) if step["by_local"] else ""
    since = _(" from {day}").format(day=step["from"]) if step["from"] else ""
    return f"{step['who']}{since}{by}: {step['command']}"


def history(arguments: Namespace, output: Output) -> int:
    """Show every event of a case."""
    workspace = open_workspace(arguments)
    events = reports.history(workspace, arguments.case)
    output.data({"case": arguments.case, "events": events})
    for event in events:
        shown = {k: v for k, v in event["data"].items() if k not in ("signed", "kind")}
        who = event["actor"] or "-"
        where = event["environment"] or "-"
        data = json.dumps(shown, ensure_ascii=False)
        output.line(f"{event['seq']:>5}  {event['time']}  {event['kind']:22} {where:12} {who:16} {data}")
    return 0


def audit_verify(arguments: Namespace, output: Output) -> int:
    """Verify the whole ledger, or a dossier; exit 5 when something does not hold."""
    from quipux_provision.service import auditing

    if arguments.dossier:
        workspace = _workspace_or_none(arguments)
        report = auditing.verify_dossier(arguments.dossier, workspace, arguments.allowed_signers)
        good = _("the dossier holds: {dossier}")
        bad = _("the dossier does not hold")
        hint = _("ask for it again where it was exported, and keep this one")
    else:
        workspace = open_workspace(arguments)
        report = auditing.verify(
            workspace, arguments.checkpoint, arguments.allowed_signers, arguments.mail_head
        )
        good = _("the ledger holds: {events} events, {checkpoints} checkpoints")
        bad = _("the ledger does not hold")
        hint = _("keep everything as it is and restore the newest backup beside it")
    output.data(report)
    for finding in report["findings"]:
        output.line(f"{finding['severity']}: {finding['code']}: {finding['message']}")
    if report["ok"]:
        output.line(good.format(**report))
        return 0
    output.note(_("ERROR: {message}").format(message=bad))
    output.note(_("HINT:  {hint}").format(hint=hint))
    return 5


def _workspace_or_none(arguments: Namespace) -> Workspace | None:
    """Return the workspace if there is one: a dossier is verified anywhere."""
    if arguments.workspace:
        return open_workspace(arguments)
    try:
        return open_workspace(arguments)
    except UsageError:
        return None
