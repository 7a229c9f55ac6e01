"""The review: what the administrator reported beside what the training database shows."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from mimetypes import guess_type
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quipux_provision.domain.activities import ACTIVITIES, Activity
from quipux_provision.domain.approval import format_time
from quipux_provision.domain.canonical import digest
from quipux_provision.domain.evidence import REASONS
from quipux_provision.domain.kinds import APROBADA, INFORMADA, REVIEWED, REVISADA
from quipux_provision.domain.review import (
    CUMPLE,
    FORMAT,
    NO_CUMPLE,
    NO_VERIFICABLE,
    OBLIGATORY,
    VERDICTS,
    awaits_file,
    fails,
)
from quipux_provision.domain.states import CaseState, LedgerState
from quipux_provision.errors import GateClosed, RunFailed, UsageError
from quipux_provision.i18n import _
from quipux_provision.service import attested, environments
from quipux_provision.service.gates import check_open
from quipux_provision.service.playbook_runs import Watch, execute, failure_error
from quipux_provision.service.results import CaseResult
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.settings import Environment

if TYPE_CHECKING:
    from quipux_provision.ansible.evidence import Evidence
    from quipux_provision.store.ledger import LedgerFile

PLAYBOOK = "quipux.provision.review"
REPORT_IN_TIME = "G4"  # the ledger answers this one


def review(
    workspace: Workspace, name: str, attached: Mapping[str, Path] | None = None, watch: Watch | None = None
) -> CaseResult:
    """Look in the training database for what the case *name* reported, and record the result, signed.

    :param attached: files that show what no database can, by activity; those of an earlier review of these
        days stay: they show an act, whatever its round.
    :raises GateClosed: no report is in.
    :raises UsageError: an attached file cannot be used, or shows what the database tells.
    """
    from quipux_provision.store.ledger import NewEvent
    from quipux_provision.store.signatures import RUN

    state = workspace.state()
    case = workspace.case(state, name)
    check_open(case)
    if case.report is None or case.state not in (INFORMADA, REVISADA, APROBADA):
        raise GateClosed(
            _("{case} has no report to review: it is {state}").format(case=name, state=case.state),
            _("take its workbook in first: quipux-provision report {case} --workbook FILE").format(case=name),
        )
    environment = environments.training_environment(workspace, case)
    environments.check_bound(state, environment)
    attested.check_report(workspace, case)
    files = _files(attached or {})
    evidence, database = _look(workspace, state, case, environment, watch)
    _check_needed(files, evidence)
    kept = _kept(workspace, case)
    fingerprints = {**kept, **{key: file.sha256 for key, file in files.items()}}
    document = _document(workspace, case, environment, evidence, database, fingerprints)
    found = digest(document)
    failed = [one["id"] for one in document["activities"] if fails(one)]
    detail = _detail(document, found, failed)
    if case.present_review and case.present_review.digest == found:
        return CaseResult(name, "unchanged", detail=detail)
    statement = {
        "ledger_id": workspace.ledger.ledger_id,
        "case": name,
        "round": case.round,
        "request_digest": case.request_digest,
        "review_digest": found,
    }
    actor, signed = workspace.signed(RUN, statement)
    data = {
        "round": case.round,
        "request_digest": case.request_digest,
        "review_digest": found,
        "failed": failed,
        "verdicts": detail["verdicts"],
        "workbook_sha256": document["workbook_sha256"],
        "files": sorted(set(fingerprints.values())),
        "signed": signed,
    }
    event = NewEvent(REVIEWED, name, environment.name, actor, data, document, tuple(files.values()))
    workspace.record(state, [event], unmoved=True)
    workspace.checkpoint()
    return CaseResult(name, "ok", changed=True, detail=detail)


def remarks(workspace: Workspace, case: CaseState) -> list[dict[str, str]]:
    """Return what the present review of *case* found wanting, as a person reads it: ``id, text, note``."""
    if case.present_review is None:
        return []
    known = {activity.id: activity for activity in ACTIVITIES}
    document = workspace.personal(case.present_review.personal_ref)
    return [
        {"id": one["id"], "text": known[one["id"]].text, "note": _note(one)}
        for one in document["activities"]
        if one["verdict"] == NO_CUMPLE or fails(one) or awaits_file(one)
    ]


def _note(activity: Mapping[str, Any]) -> str:
    if awaits_file(activity):
        return "Falta el respaldo: envíe el archivo."
    told = [REASONS.get(reason, reason) for reason in activity["reasons"]]
    kind = "Obligatoria." if activity["weight"] == OBLIGATORY else "Recomendada."
    return " ".join([kind, *told])


def _files(attached: Mapping[str, Path]) -> dict[str, LedgerFile]:
    from quipux_provision.store.ledger import LedgerFile

    known = {activity.id for activity in ACTIVITIES}
    found = {}
    for activity, path in attached.items():
        if activity not in known:
            raise UsageError(
                _("there is no activity {activity}").format(activity=activity),
                _("use one of: {names}").format(names=", ".join(one.id for one in ACTIVITIES)),
            )
        if activity == REPORT_IN_TIME:
            raise UsageError(
                _("no file shows {activity}: the ledger tells it").format(activity=activity),
                _("leave it out: --evidence is for what no database shows"),
            )
        found[activity] = LedgerFile(_content(path), guess_type(path.name)[0] or "application/octet-stream")
    return found


def _content(path: Path) -> bytes:
    from quipux_provision.store import files
    from quipux_provision.store.kept import LARGEST_FILE_BYTES

    content = files.read_limited(path, LARGEST_FILE_BYTES)
    if not content:
        raise UsageError(_("{path} is empty").format(path=path), _("name the file that shows the activity"))
    return content


def _look(
    workspace: Workspace, state: LedgerState, case: CaseState, environment: Environment, watch: Watch | None
) -> tuple[Evidence, dict[str, str]]:
    """Run the read-only playbook over *case*; give what it found and in which database."""
    item = workspace.request(case).item()
    variables = {
        "review_items": [
            {
                "case": case.case,
                **{key: item[key] for key in ("ruc", "name", "acronym", "phone")},
                "national_id": item["administrator"]["national_id"],
                "since": format_time(case.begun_at) if case.begun_at else None,
            }
        ]
    }
    run = secrets.token_hex(8)
    outcome = execute(workspace, environment, PLAYBOOK, variables, run, watch, reading=True)
    evidence = outcome.evidence.get(case.case)
    if outcome.failure is not None or evidence is None:
        raise failure_error(outcome)
    if evidence.error:
        raise RunFailed(
            _("{case}: {message}").format(case=case.case, message=evidence.error["message"]),
            evidence.error.get("hint", ""),
        )
    environments.bind(state, environment, outcome)
    if outcome.database is None:
        raise RunFailed(
            _("the run did not tell which database it looked in"),
            _("run it again with -v to see what Ansible did"),
        )
    return evidence, environments.database_of(outcome.database)


def _check_needed(attached: Collection[str], evidence: Evidence) -> None:
    """Refuse a file where the database has spoken: it would change nothing."""
    told = [one for one in evidence.activities if one.id in attached and one.verdict != NO_VERIFICABLE]
    if told:
        found = ", ".join(f"{one.id} ({one.verdict.replace('_', ' ')})" for one in told)
        raise UsageError(
            _("the database tells what a file would show: {activities}; nothing was recorded").format(
                activities=found
            ),
            _("leave these out: --evidence is for what no database shows"),
        )


def _kept(workspace: Workspace, case: CaseState) -> dict[str, str]:
    review, window = case.review, case.window
    if review is None or window is None or review.time < window.started_at:
        return {}
    document = workspace.personal(review.personal_ref)
    return {one["id"]: one["file"] for one in document["activities"] if one["file"]}


def _document(
    workspace: Workspace,
    case: CaseState,
    environment: Environment,
    evidence: Evidence,
    database: Mapping[str, str],
    files: Mapping[str, str],
) -> dict[str, Any]:
    rows = workspace.personal(case.report.personal_ref)["rows"] if case.report else []
    reported = {row["id"]: row["state"] for row in rows}
    found = {one.id: one for one in evidence.activities}
    activities = []
    for activity in ACTIVITIES:
        one = found.get(activity.id)
        verdict = one.verdict if one else _without_database(case, activity, files)
        said = reported.get(activity.id)
        activities.append(
            {
                "id": activity.id,
                "weight": activity.weight,
                "verdict": verdict,
                "counts": dict(one.counts) if one else {},
                "ids": list(one.ids) if one else [],
                "reasons": list(one.reasons) if one else [],
                "reported": said,
                "agrees": _agrees(said, verdict),
                "file": files.get(activity.id),
            }
        )
    return {
        "format": FORMAT,
        "case": case.case,
        "environment": environment.name,
        "round": case.round,
        "request_digest": case.request_digest,
        "workbook_sha256": case.report.workbook_sha256 if case.report else None,
        "since": format_time(case.begun_at) if case.begun_at else None,
        "database": dict(database),
        "activities": activities,
    }


def _without_database(case: CaseState, activity: Activity, files: Mapping[str, str]) -> str:
    if activity.id == REPORT_IN_TIME:
        in_time = case.report and case.window and case.report.received_at <= case.window.due_at
        return CUMPLE if in_time else NO_CUMPLE
    return CUMPLE if activity.id in files else NO_VERIFICABLE


def _agrees(said: str | None, verdict: str) -> bool | None:
    """Whether the report and the database say the same; None where one of them says nothing."""
    if said is None or said == "no aplica" or verdict == NO_VERIFICABLE:
        return None
    return (said == "hecha") == (verdict == CUMPLE)


def _detail(document: Mapping[str, Any], found: str, failed: Sequence[str]) -> dict[str, Any]:
    activities = document["activities"]
    verdicts = {verdict: sum(one["verdict"] == verdict for one in activities) for verdict in VERDICTS}
    return {
        "review_digest": found,
        "failed": list(failed),
        "verdicts": verdicts,
        "disagreements": [one["id"] for one in activities if one["agrees"] is False],
        "activities": activities,
    }
