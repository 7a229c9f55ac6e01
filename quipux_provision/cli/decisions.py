"""Verbs that decide: approve, reject, and carry decisions between people."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence

from quipux_provision.cli.changes import change_lines
from quipux_provision.cli.opening import open_workspace
from quipux_provision.cli.output import Output
from quipux_provision.cli.process import review_lines
from quipux_provision.domain.approval import Decision
from quipux_provision.domain.fields import CENTRAL
from quipux_provision.domain.kinds import TRAINING
from quipux_provision.errors import Interrupted, UsageError
from quipux_provision.i18n import _
from quipux_provision.service import decisions

_SECTIONS = ("oficio", "institucion", "administrador", "ciudadano", "acuerdo", "cambio", "adopcion")


def approve(arguments: Namespace, output: Output) -> int:
    """Show the change and the case's data, then sign the approval."""
    if bool(arguments.cases) == arguments.all_planned:
        raise UsageError(
            _("name the cases to approve, or --all-planned"),
            _("run: quipux-provision approve --all-planned --environment {environment}").format(
                environment=arguments.environment
            ),
        )
    return _decide(arguments, output, "approve")


def reject(arguments: Namespace, output: Output) -> int:
    """Show the case, then sign the rejection."""
    if not arguments.cases:
        raise UsageError(
            _("name the cases to reject"),
            _("run: quipux-provision reject CASE --environment E --reason ..."),
        )
    return _decide(arguments, output, "reject")


def _decide(arguments: Namespace, output: Output, decision: Decision) -> int:
    workspace = open_workspace(arguments)
    if decision == "reject" and not arguments.reason.strip():
        raise UsageError(_("a rejection needs a reason"), _('add: --reason "..."'))
    proposed = decisions.proposals(workspace, arguments.cases, arguments.environment, decision)
    if not proposed:
        output.line(_("nothing waits for a decision"))
        return output.cases([])
    training = workspace.environment(arguments.environment).kind == TRAINING
    _show(output, proposed, reviewed=not training and decision == "approve")
    if not arguments.yes:
        _confirm(decision, len(proposed))
    results, path = decisions.decide(
        workspace, proposed, arguments.environment, decision, arguments.reason.strip(), arguments.output
    )
    code = output.cases(results)
    if path:
        output.line(_("written: {path}").format(path=path))
        if arguments.output:
            output.line(
                _("it counts once imported: quipux-provision approvals import {path}").format(path=path)
            )
    return code


def _show(output: Output, proposed: Sequence[decisions.Proposal], *, reviewed: bool) -> None:
    output.line(_("Cases: {names}").format(names=", ".join(proposal.case for proposal in proposed)))
    for proposal in proposed:
        output.line()
        output.line(_("== {case}, round {round} ==").format(case=proposal.case, round=proposal.round))
        output.line(f"  via: {proposal.request['via']}")
        for section in _SECTIONS:
            for key, value in proposal.request.get(section, {}).items():
                shown = ", ".join(map(str, value.values())) if isinstance(value, dict) else value
                output.line(f"  {section}.{key}: {shown}")
        for line in (*_order_lines(proposal), *_agreement_lines(proposal)):
            output.line(line)
        if proposal.target:
            output.line(
                _("target: {hosts}; database {database} of cluster {system_identifier}").format(
                    hosts=", ".join(proposal.target["hosts"]),
                    database=proposal.target["database"],
                    system_identifier=proposal.target["system_identifier"],
                )
            )
        for line in change_lines(proposal.case, proposal.plan or {}):
            output.line(line)
        if proposal.review:
            output.line(_("review: {digest}").format(digest=proposal.decided.review_digest))
            for line in review_lines(proposal.review):
                output.line(line)
        elif reviewed and proposal.request["via"] == CENTRAL and not proposal.order:
            # Whoever may write the settings could have closed that gate; the approver is to know.
            output.line(_("review: NONE; the settings ask for none (policy.exigir_revision)"))
        output.line(_("plan digest: {digest}").format(digest=proposal.decided.plan_digest or "-"))
    output.line()


def _order_lines(proposal: decisions.Proposal) -> Iterator[str]:
    order = proposal.order
    if order:
        yield _("order: {order} in {environment}; documents in process: {documents}").format(**order)
        # In one line: what its author wrote must not look like lines of ours.
        yield _("reason: {reason}").format(reason=" ".join(order["reason"].split()))


def _agreement_lines(proposal: decisions.Proposal) -> Iterator[str]:
    """Who signed what; that the certificate's issuer is to be trusted is for the approver to say."""
    agreement = proposal.agreement
    if agreement is None:
        return
    yield _("agreement: SHA-256 {sha256}").format(sha256=agreement["sha256"])
    for signer in agreement["signers"]:
        yield _("  signed by {name} ({national_id}), certificate {serial} of {issuer}").format(
            name=signer["name"],
            national_id=signer["national_id"] or "-",
            serial=signer["serial"],
            issuer=signer["issuer"],
        )
        yield _("  valid {not_before} to {not_after}; signed {signed_at}").format(
            not_before=signer["not_before"],
            not_after=signer["not_after"],
            signed_at=signer["signed_at"] or "-",
        )
    yield _("  its issuer was not verified here: judge it, or check the file with FirmaEC")
    for warning in agreement["warnings"]:
        yield _("  warning: {warning}").format(warning=warning)


def _confirm(decision: Decision, count: int) -> None:
    if not sys.stdin.isatty():
        raise UsageError(
            _("nobody is at the terminal to confirm"), _("add --yes once you have read the change")
        )
    question = _("Approve {count}?") if decision == "approve" else _("Reject {count}?")
    try:
        answer = input(question.format(count=count) + " [y/N] ").strip().lower()
    except EOFError:
        answer = ""
    if answer not in ("y", "yes", "s", "si", "sí"):
        raise Interrupted(_("nothing was signed"), _("run the command again to decide"))


def import_(arguments: Namespace, output: Output) -> int:
    """Count decision files that others signed."""
    workspace = open_workspace(arguments)
    return output.cases(decisions.import_documents(workspace, arguments.files))


def export(arguments: Namespace, output: Output) -> int:
    """Write the decisions in force into a folder."""
    workspace = open_workspace(arguments)
    paths = decisions.export_documents(workspace, arguments.cases, arguments.directory)
    output.data({"files": [str(path) for path in paths]})
    for path in paths:
        output.line(str(path))
    if not paths:
        output.line(_("no decision is in force"))
    return 0
