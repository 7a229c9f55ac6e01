"""The verbs and their options. Handlers are named, not imported, so that ``--help`` stays quick."""

from __future__ import annotations

import argparse
from pathlib import Path

from quipux_provision import __version__
from quipux_provision.cli import process_parser
from quipux_provision.cli.options import Subparsers, cases, environment, key, verb, watch
from quipux_provision.i18n import _

def build_parser() -> argparse.ArgumentParser:
    """Return the parser of every verb."""
    parser = argparse.ArgumentParser(
        prog="quipux-provision",
        description=_("Carry institutions through the official Quipux implantation process."),
        epilog=_(
            "Exit codes: 0 done; 2 usage; 3 request invalid; 4 Ansible failed; 5 gate closed; 6 locked; "
            "7 unreachable; 10 changes pending (plan --detailed-exitcode); 130 interrupted."
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
    _report_verbs(verbs)
    return parser


def _workspace_verbs(verbs: Subparsers[argparse.ArgumentParser]) -> None:
    init = verb(verbs, "init", "workspace:init", _("make a workspace"), formats=False)
    init.add_argument("directory", metavar="DIR", type=Path)
    init.add_argument("--signer", metavar="NAME", help=_("name of the first signer"))
    init.add_argument("--public-key", metavar="FILE", type=Path, help=_("public SSH key of the first signer"))

    signers = verbs.add_parser("signers", help=_("who may sign")).add_subparsers(
        dest="action", required=True, metavar=_("ACTION")
    )
    add = verb(signers, "add", "workspace:signers_add", _("let a person sign"), formats=False)
    add.add_argument("name", metavar="NAME")
    add.add_argument("public_key", metavar="KEY.pub", type=Path)
    add.add_argument("--namespaces", metavar="LIST", help=_("only these kinds of signature, comma-separated"))
    verb(signers, "list", "workspace:signers_list", _("list who may sign"))

    environment = verbs.add_parser("environment", help=_("environments")).add_subparsers(
        dest="action", required=True, metavar=_("ACTION")
    )
    rebind = verb(
        environment, "rebind", "workspace:rebind", _("let an environment be bound to another database")
    )
    rebind.add_argument("environment", metavar="E")
    rebind.add_argument("--reason", required=True, help=_("why; it is recorded"))
    key(rebind)

    doctor = verb(verbs, "doctor", "doctor:doctor", _("check hosts, database, signers and mail"))
    environment(doctor)
    watch(doctor)

    unlock = verb(verbs, "unlock", "workspace:unlock", _("remove the lock of a run that is gone"))
    cases(unlock, _("the locked cases"), "+")
    environment(unlock)
    unlock.add_argument("--reason", required=True, help=_("why; it is recorded"))
    key(unlock)


def _request_verbs(verbs: Subparsers[argparse.ArgumentParser]) -> None:
    validate = verb(verbs, "validate", "requests:validate", _("check request files"))
    validate.add_argument("files", metavar="FILE", nargs="+", type=Path)
    submit = verb(verbs, "submit", "requests:submit", _("take requests in as cases"))
    submit.add_argument("files", metavar="FILE", nargs="+", type=Path)
    key(submit)
    verb(verbs, "schema", "requests:schema", _("print the JSON Schema of a request"), formats=False)


def _decision_verbs(verbs: Subparsers[argparse.ArgumentParser]) -> None:
    for name, text in (
        ("approve", _("show the change and approve it")),
        ("reject", _("reject a case; it needs a reason")),
    ):
        verb = verb(verbs, name, f"decisions:{name}", text)
        cases(verb, _("cases to decide"))
        environment(verb)
        key(verb)
        verb.add_argument("--yes", action="store_true", help=_("do not ask before signing"))
        verb.add_argument("--reason", required=name == "reject", default="", help=_("why; it is recorded"))
        if name == "approve":
            verb.add_argument(
                "--all-planned", action="store_true", help=_("every case with a plan and no decision")
            )
    approvals = verbs.add_parser("approvals", help=_("carry decisions between people")).add_subparsers(
        dest="action", required=True, metavar=_("ACTION")
    )
    take = verb(approvals, "import", "decisions:import_", _("count decision files"))
    take.add_argument("files", metavar="FILE", nargs="+", type=Path)
    give = verb(approvals, "export", "decisions:export", _("write the decisions in force to a folder"))
    give.add_argument("directory", metavar="DIR", type=Path)
    cases(give, _("cases; all by default"))


def _run_verbs(verbs: Subparsers[argparse.ArgumentParser]) -> None:
    plan = verb(verbs, "plan", "runs:plan", _("show what a run would change"))
    cases(plan, _("cases; by default all that may go there"))
    environment(plan)
    plan.add_argument(
        "--detailed-exitcode", action="store_true", help=_("exit with 10 when changes are pending")
    )
    watch(plan)

    apply = verb(verbs, "apply", "runs:apply", _("carry approved cases out"))
    cases(apply, _("cases; by default all that are ready"))
    environment(apply)
    key(apply)
    watch(apply)

    promote = verb(verbs, "promote", "runs:promote", _("carry approved cases out in production"))
    cases(promote, _("cases"))
    promote.add_argument("--all", action="store_true", help=_("every approved case"))
    key(promote)
    watch(promote)

    activate = verb(verbs, "activate", "runs:activate", _("send a new activation link"))
    cases(activate, _("cases"), "+")
    environment(activate)
    key(activate)
    watch(activate)


def _report_verbs(verbs: Subparsers[argparse.ArgumentParser]) -> None:
    status = verb(verbs, "status", "reports:status", _("where each case stands and who must act next"))
    cases(status, _("cases; all by default"))
    history = verb(verbs, "history", "reports:history", _("every event of a case"))
    history.add_argument("case", metavar=_("CASE"))
    board = verb(
        verbs, "board", "board:board", _("write the board: a static site that tells how cases stand")
    )
    board.add_argument(
        "--output", metavar="DIR", type=Path, help=_("folder of the site; by default board/ of the workspace")
    )
    audit = verbs.add_parser("audit", help=_("prove that the ledger is whole")).add_subparsers(
        dest="action", required=True, metavar=_("ACTION")
    )
    verify = verb(audit, "verify", "reports:audit_verify", _("verify every event, signature and checkpoint"))
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
