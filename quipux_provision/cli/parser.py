"""The verbs and their options. Handlers are named, not imported, so that ``--help`` stays quick."""

from __future__ import annotations

import argparse
from pathlib import Path

from quipux_provision import __version__
from quipux_provision.cli import (
    adopt,
    drift_parser,
    orders_parser,
    process_parser,
    replacement_parser,
    self_hosted_parser,
)
from quipux_provision.cli.options import Subparsers, add_cases, add_environment, add_key, add_verb, add_watch
from quipux_provision.i18n import _


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of every verb."""
    parser = argparse.ArgumentParser(
        prog="quipux-provision",
        description=_("Carry institutions through the official Quipux implantation process."),
        epilog=_(
            "Exit codes: 0 done; 2 usage; 3 request invalid; 4 Ansible failed; 5 gate closed; 6 locked; "
            "7 unreachable; 8 drift found; 10 changes pending (plan --detailed-exitcode); 130 interrupted."
        ),
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("--lang", metavar="LANG", help=_("language of the messages: es or en"))
    parser.add_argument(
        "--workspace",
        metavar="DIR",
        type=Path,
        help=_("the workspace; by default the nearest folder upwards that has quipux-provision.yml"),
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar=_("VERB"))
    _workspace_verbs(verbs)
    _request_verbs(verbs)
    _decision_verbs(verbs)
    _run_verbs(verbs)
    process_parser.add(verbs)
    orders_parser.add(verbs)
    self_hosted_parser.add(verbs)
    drift_parser.add(verbs)
    replacement_parser.add(verbs)
    adopt.add(verbs)
    _report_verbs(verbs)
    return parser


def _workspace_verbs(verbs: Subparsers[argparse.ArgumentParser]) -> None:
    init = add_verb(verbs, "init", "workspace:init", _("make a workspace"), formats=False)
    init.add_argument("directory", metavar="DIR", type=Path)
    init.add_argument("--signer", metavar="NAME", help=_("name of the first signer"))
    init.add_argument("--public-key", metavar="FILE", type=Path, help=_("public SSH key of the first signer"))

    signers = verbs.add_parser("signers", help=_("who may sign")).add_subparsers(
        dest="action", required=True, metavar=_("ACTION")
    )
    add = add_verb(signers, "add", "workspace:signers_add", _("let a person sign"), formats=False)
    add.add_argument("name", metavar="NAME")
    add.add_argument("public_key", metavar="KEY.pub", type=Path)
    add.add_argument("--namespaces", metavar="LIST", help=_("only these kinds of signature, comma-separated"))
    add_verb(signers, "list", "workspace:signers_list", _("list who may sign"))

    environment = verbs.add_parser("environment", help=_("environments")).add_subparsers(
        dest="action", required=True, metavar=_("ACTION")
    )
    rebind = add_verb(
        environment, "rebind", "workspace:rebind", _("let an environment be bound to another database")
    )
    rebind.add_argument("environment", metavar="E")
    rebind.add_argument("--reason", required=True, help=_("why; it is recorded"))
    add_key(rebind)

    doctor = add_verb(verbs, "doctor", "doctor:doctor", _("check hosts, database, signers and mail"))
    add_environment(doctor)
    add_watch(doctor)

    unlock = add_verb(verbs, "unlock", "workspace:unlock", _("remove the lock of a run that is gone"))
    add_cases(unlock, _("the locked cases"), "+")
    add_environment(unlock)
    unlock.add_argument("--reason", required=True, help=_("why; it is recorded"))
    add_key(unlock)


def _request_verbs(verbs: Subparsers[argparse.ArgumentParser]) -> None:
    validate = add_verb(verbs, "validate", "requests:validate", _("check request files"))
    validate.add_argument("files", metavar="FILE", nargs="+", type=Path)
    submit = add_verb(verbs, "submit", "requests:submit", _("take requests in as cases"))
    submit.add_argument("files", metavar="FILE", nargs="+", type=Path)
    add_key(submit)
    schema = add_verb(
        verbs, "schema", "requests:schema", _("print the JSON Schema of a request"), formats=False
    )
    schema.add_argument("--change", action="store_true", help=_("that of a change of the administrator"))


def _decision_verbs(verbs: Subparsers[argparse.ArgumentParser]) -> None:
    for name, text in (
        ("approve", _("show the change and approve it")),
        ("reject", _("reject a case; it needs a reason")),
    ):
        verb = add_verb(verbs, name, f"decisions:{name}", text)
        add_cases(verb, _("cases to decide"))
        add_environment(verb)
        add_key(verb)
        verb.add_argument("--yes", action="store_true", help=_("do not ask before signing"))
        verb.add_argument(
            "--output",
            metavar="DIR",
            type=Path,
            help=_("only write the signed document there, for approvals import; the ledger is only read"),
        )
        verb.add_argument("--reason", required=name == "reject", default="", help=_("why; it is recorded"))
        if name == "approve":
            verb.add_argument(
                "--all-planned", action="store_true", help=_("every case with a plan and no decision")
            )
    approvals = verbs.add_parser("approvals", help=_("carry decisions between people")).add_subparsers(
        dest="action", required=True, metavar=_("ACTION")
    )
    take = add_verb(approvals, "import", "decisions:import_", _("count decision files"))
    take.add_argument("files", metavar="FILE", nargs="+", type=Path)
    give = add_verb(approvals, "export", "decisions:export", _("write the decisions in force to a folder"))
    give.add_argument("directory", metavar="DIR", type=Path)
    add_cases(give, _("cases; all by default"))


def _run_verbs(verbs: Subparsers[argparse.ArgumentParser]) -> None:
    plan = add_verb(verbs, "plan", "runs:plan", _("show what a run would change"))
    add_cases(plan, _("cases; by default all that may go there"))
    add_environment(plan)
    plan.add_argument(
        "--detailed-exitcode", action="store_true", help=_("exit with 10 when changes are pending")
    )
    add_watch(plan)

    apply = add_verb(verbs, "apply", "runs:apply", _("carry approved cases out"))
    add_cases(apply, _("cases; by default all that are ready"))
    add_environment(apply)
    add_key(apply)
    add_watch(apply)

    promote = add_verb(verbs, "promote", "runs:promote", _("carry approved cases out in production"))
    add_cases(promote, _("cases"))
    promote.add_argument("--all", action="store_true", help=_("every approved case"))
    add_key(promote)
    add_watch(promote)

    activate = add_verb(verbs, "activate", "runs:activate", _("send a new activation link"))
    add_cases(activate, _("cases"), "+")
    add_environment(activate)
    add_key(activate)
    add_watch(activate)


def _report_verbs(verbs: Subparsers[argparse.ArgumentParser]) -> None:
    status = add_verb(verbs, "status", "reports:status", _("where each case stands and who must act next"))
    add_cases(status, _("cases; all by default"))
    history = add_verb(verbs, "history", "reports:history", _("every event of a case"))
    history.add_argument("case", metavar=_("CASE"))
    board = add_verb(
        verbs, "board", "board:board", _("write the board: a static site that tells how cases stand")
    )
    board.add_argument(
        "--output", metavar="DIR", type=Path, help=_("folder of the site; by default board/ of the workspace")
    )
    audit = verbs.add_parser("audit", help=_("prove that the ledger is whole")).add_subparsers(
        dest="action", required=True, metavar=_("ACTION")
    )
    verify = add_verb(
        audit, "verify", "reports:audit_verify", _("verify every event, signature and checkpoint")
    )
    verify.add_argument(
        "dossier", metavar=_("DOSSIER"), type=Path, nargs="?", help=_("a dossier that export wrote, instead")
    )
    verify.add_argument(
        "--checkpoint",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help=_("a checkpoint kept elsewhere"),
    )
    verify.add_argument(
        "--mail-head",
        metavar="COUNT:HASH",
        action="append",
        default=[],
        help=_("the header X-Quipux-Provision-Ledger of a mail"),
    )
    verify.add_argument(
        "--allowed-signers",
        metavar="FILE",
        type=Path,
        help=_("signers to trust instead of the settings' ones"),
    )
