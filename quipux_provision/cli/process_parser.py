"""The verbs of the official process: training, workbook, clock, review, and the end of a case."""

from __future__ import annotations

import argparse
from pathlib import Path

from quipux_provision.cli.options import Subparsers, add_environment, add_key, add_verb, add_watch
from quipux_provision.domain.training import MODULES
from quipux_provision.i18n import _


def add(verbs: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the verbs."""
    _training_verbs(verbs)
    _clock_verbs(verbs)
    _review_verbs(verbs)
    _record_verbs(verbs)


def _case(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("case", metavar=_("CASE"))


def _reason(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--reason", required=True, help=_("why; it is recorded"))
    add_key(verb)


def _training_verbs(verbs: Subparsers[argparse.ArgumentParser]) -> None:
    training = add_verb(verbs, "training", "process:training", _("record or show the hours of training"))
    _case(training)
    training.add_argument("--module", choices=tuple(MODULES), help=_("the module of the session"))
    training.add_argument("--hours", metavar="H", help=_("its hours, such as 4 or 2.5"))
    training.add_argument("--date", metavar="DAY", help=_("its day, year-month-day"))
    training.add_argument("--instructor", metavar="NAME", default="", help=_("who taught"))
    training.add_argument("--failed", action="store_true", help=_("the administrator did not pass"))
    training.add_argument("--remove", action="store_true", help=_("take the session of that day back"))
    add_key(training)
    certificate = add_verb(
        verbs, "certificate", "process:certificate", _("write the certificate of the training, to print")
    )
    _case(certificate)
    certificate.add_argument(
        "--output", metavar="FILE", type=Path, help=_("by default certificado-CASE.html")
    )


def _clock_verbs(verbs: Subparsers[argparse.ArgumentParser]) -> None:
    sent = add_verb(verbs, "sent", "process:sent", _("say that the mail of outbox/ went out: the days begin"))
    _case(sent)
    sent.add_argument("--date", metavar="DAY", required=True, help=_("the day, year-month-day"))
    add_key(sent)
    deadlines = add_verb(
        verbs,
        "deadlines",
        "process:deadlines",
        _("remind, suspend and end what is due; for cron"),
    )
    deadlines.add_argument("--dry-run", action="store_true", help=_("only show what is due"))
    add_key(deadlines)
    add_watch(deadlines)
    for name, text in (
        ("reopen", _("give a suspended or withdrawn case new days")),
        ("withdraw", _("end a case that its institution does not want any more")),
    ):
        verb = add_verb(verbs, name, f"process:{name}", text)
        _case(verb)
        _reason(verb)


def _review_verbs(verbs: Subparsers[argparse.ArgumentParser]) -> None:
    report = add_verb(verbs, "report", "process:report", _("take the filled in workbook in"))
    _case(report)
    report.add_argument("--workbook", metavar="FILE", type=Path, required=True, help=_("the .xlsx file"))
    report.add_argument("--received", metavar="DAY", help=_("the day on which it arrived, if not today"))
    add_key(report)
    review = add_verb(
        verbs, "review", "process:review", _("look in the training database for what was reported")
    )
    _case(review)
    review.add_argument(
        "--evidence",
        metavar="ACTIVITY=FILE",
        action="append",
        default=[],
        help=_("a file that shows what no database can, such as G3=acta.pdf"),
    )
    add_key(review)
    add_watch(review)
    return_ = add_verb(verbs, "return", "process:return_", _("give a report back with the review's remarks"))
    _case(return_)
    _reason(return_)


def _record_verbs(verbs: Subparsers[argparse.ArgumentParser]) -> None:
    preview = add_verb(
        verbs, "preview", "records:preview", _("show what request files would change; nothing is recorded")
    )
    preview.add_argument("files", metavar="FILE", nargs="+", type=Path)
    add_environment(preview)
    preview.add_argument(
        "--detailed-exitcode", action="store_true", help=_("exit with 10 when changes are pending")
    )
    add_watch(preview)
    export = add_verb(verbs, "export", "records:export", _("write the signed dossier of a case"))
    _case(export)
    export.add_argument("--output", metavar="FILE", type=Path, help=_("by default expediente-CASE.zip"))
    add_key(export)
    purge = add_verb(
        verbs, "purge", "records:purge", _("delete the personal data of a case that ended long ago")
    )
    _case(purge)
    _reason(purge)
    purge.add_argument("--yes", action="store_true", help=_("do not ask before deleting"))
