"""The verbs and their options. Handlers are named, not imported, so that ``--help`` stays quick."""

from __future__ import annotations

import argparse
from pathlib import Path

from quipux_provision import __version__
from quipux_provision.i18n import _

_Subparsers = argparse._SubParsersAction  # argparse gives no public name


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
    _report_verbs(verbs)
    return parser


def _verb(
    verbs: _Subparsers[argparse.ArgumentParser], name: str, handler: str, text: str, *, formats: bool = True
) -> argparse.ArgumentParser:
    verb = verbs.add_parser(name, help=text, description=text)
    verb.set_defaults(handler=handler)
    # Also after the verb, where people type them; SUPPRESS keeps what stood before it.
    verb.add_argument("--lang", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    verb.add_argument("--workspace", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    if formats:
        verb.add_argument("--format", choices=("text", "json"), default="text", help=_("form of the output"))
    return verb


def _cases(verb: argparse.ArgumentParser, text: str, count: str = "*") -> None:
    verb.add_argument("cases", metavar=_("CASE"), nargs=count, help=text)


def _environment(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--environment", "-e", metavar="E", required=True, help=_("an environment of the settings file")
    )


def _key(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--key",
        metavar="FILE",
        type=Path,
        help=_("SSH key to sign with (private key, or the .pub of a key in ssh-agent)"),
    )


def _watch(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--verbose", "-v", action="count", default=0, help=_("show Ansible's output; repeat for more")
    )


def _workspace_verbs(verbs: _Subparsers[argparse.ArgumentParser]) -> None:
    init = _verb(verbs, "init", "workspace:init", _("make a workspace"), formats=False)
    init.add_argument("directory", metavar="DIR", type=Path)
    init.add_argument("--signer", metavar="NAME", help=_("name of the first signer"))
    init.add_argument("--public-key", metavar="FILE", type=Path, help=_("public SSH key of the first signer"))

    signers = verbs.add_parser("signers", help=_("who may sign")).add_subparsers(
        dest="action", required=True, metavar=_("ACTION")
    )
    add = _verb(signers, "add", "workspace:signers_add", _("let a person sign"), formats=False)
    add.add_argument("name", metavar="NAME")
    add.add_argument("public_key", metavar="KEY.pub", type=Path)
    add.add_argument("--namespaces", metavar="LIST", help=_("only these kinds of signature, comma-separated"))
    _verb(signers, "list", "workspace:signers_list", _("list who may sign"))

    environment = verbs.add_parser("environment", help=_("environments")).add_subparsers(
        dest="action", required=True, metavar=_("ACTION")
    )
    rebind = _verb(
        environment, "rebind", "workspace:rebind", _("let an environment be bound to another database")
    )
    rebind.add_argument("environment", metavar="E")
    rebind.add_argument("--reason", required=True, help=_("why; it is recorded"))
    _key(rebind)

    doctor = _verb(verbs, "doctor", "doctor:doctor", _("check hosts, database, signers and mail"))
    _environment(doctor)
    _watch(doctor)

    unlock = _verb(verbs, "unlock", "workspace:unlock", _("remove the lock of a run that is gone"))
    _cases(unlock, _("the locked cases"), "+")
    _environment(unlock)
    unlock.add_argument("--reason", required=True, help=_("why; it is recorded"))
    _key(unlock)


def _request_verbs(verbs: _Subparsers[argparse.ArgumentParser]) -> None:
    validate = _verb(verbs, "validate", "requests:validate", _("check request files"))
    validate.add_argument("files", metavar="FILE", nargs="+", type=Path)
    submit = _verb(verbs, "submit", "requests:submit", _("take requests in as cases"))
    submit.add_argument("files", metavar="FILE", nargs="+", type=Path)
    _key(submit)
    _verb(verbs, "schema", "requests:schema", _("print the JSON Schema of a request"), formats=False)


def _decision_verbs(verbs: _Subparsers[argparse.ArgumentParser]) -> None:
    for name, text in (
        ("approve", _("show the change and approve it")),
        ("reject", _("reject a case; it needs a reason")),
    ):
        verb = _verb(verbs, name, f"decisions:{name}", text)
        _cases(verb, _("cases to decide"))
        _environment(verb)
        _key(verb)
        verb.add_argument("--yes", action="store_true", help=_("do not ask before signing"))
        verb.add_argument("--reason", required=name == "reject", default="", help=_("why; it is recorded"))
        if name == "approve":
            verb.add_argument(
                "--all-planned", action="store_true", help=_("every case with a plan and no decision")
            )
    approvals = verbs.add_parser("approvals", help=_("carry decisions between people")).add_subparsers(
        dest="action", required=True, metavar=_("ACTION")
    )
    take = _verb(approvals, "import", "decisions:import_", _("count decision files"))
    take.add_argument("files", metavar="FILE", nargs="+", type=Path)
    give = _verb(approvals, "export", "decisions:export", _("write the decisions in force to a folder"))
    give.add_argument("directory", metavar="DIR", type=Path)
    _cases(give, _("cases; all by default"))


def _run_verbs(verbs: _Subparsers[argparse.ArgumentParser]) -> None:
    plan = _verb(verbs, "plan", "runs:plan", _("show what a run would change"))
    _cases(plan, _("cases; by default all that may go there"))
    _environment(plan)
    plan.add_argument(
        "--detailed-exitcode", action="store_true", help=_("exit with 10 when changes are pending")
    )
    _watch(plan)

    apply = _verb(verbs, "apply", "runs:apply", _("carry approved cases out"))
    _cases(apply, _("cases; by default all that are ready"))
    _environment(apply)
    _key(apply)
    _watch(apply)

    promote = _verb(verbs, "promote", "runs:promote", _("carry approved cases out in production"))
    _cases(promote, _("cases"))
    promote.add_argument("--all", action="store_true", help=_("every approved case"))
    _key(promote)
    _watch(promote)

    activate = _verb(verbs, "activate", "runs:activate", _("send a new activation link"))
    _cases(activate, _("cases"), "+")
    _environment(activate)
    _key(activate)
    _watch(activate)


def _report_verbs(verbs: _Subparsers[argparse.ArgumentParser]) -> None:
    status = _verb(verbs, "status", "reports:status", _("where each case stands and who must act next"))
    _cases(status, _("cases; all by default"))
    history = _verb(verbs, "history", "reports:history", _("every event of a case"))
    history.add_argument("case", metavar=_("CASE"))
    audit = verbs.add_parser("audit", help=_("prove that the ledger is whole")).add_subparsers(
        dest="action", required=True, metavar=_("ACTION")
    )
    verify = _verb(audit, "verify", "reports:audit_verify", _("verify every event, signature and checkpoint"))
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
