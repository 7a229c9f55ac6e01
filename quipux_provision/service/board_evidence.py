"""One case's page of the board: what was found in training, and the hours of training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from quipux_provision.domain.activities import in_menu_order
from quipux_provision.domain.evidence import COUNTS, REASONS
from quipux_provision.domain.training import MODULES
from quipux_provision.outreach import board as site
from quipux_provision.outreach.board import masking
from quipux_provision.service.board_case import Gathered


def evidence(gathered: Gathered) -> site.Review | None:
    """Return the newest review beside the workbook; a workbook alone where nobody reviewed it yet."""
    case, known = gathered.case, gathered.workspace.known
    review, report = case.review, case.report
    if report and (review is None or report.workbook_sha256 != review.workbook_sha256):
        data = known(report.personal_ref)
        reported = {row["id"]: {"reported": row["state"]} for row in (data or {}).get("rows", ())}
        return site.Review(
            report.received_at, report.actor, None, None, False, (), {}, tuple(_findings(reported))
        )
    if review is None:
        return None
    document = known(review.personal_ref)
    found = {row["id"]: row for row in (document or {}).get("activities", ())}
    return site.Review(
        time=review.time,
        actor=review.reviewer,
        round=review.round,
        digest=review.digest,
        present=case.present_review is not None,
        failed=review.failed,
        verdicts=review.verdicts,
        findings=tuple(_findings(found)),
    )


def _findings(rows: Mapping[str, Mapping[str, Any]]) -> Iterator[site.Finding]:
    for activity in in_menu_order():
        row = rows.get(activity.id)
        if row is not None:
            yield site.Finding(
                id=activity.id,
                group=activity.group,
                text=activity.text,
                weight=row.get("weight", activity.weight),
                verdict=row.get("verdict"),
                reported=row.get("reported"),
                agrees=row.get("agrees"),
                counts={COUNTS.get(name, name): n for name, n in (row.get("counts") or {}).items()},
                ids=tuple(row.get("ids") or ()),
                reasons=tuple(REASONS.get(code, code) for code in row.get("reasons") or ()),
                file=row.get("file"),
            )


def training(gathered: Gathered) -> site.Training | None:
    """Return the hours of training as they were recorded last."""
    recorded = gathered.case.training
    if recorded is None:
        return None
    data = gathered.workspace.known(recorded.personal_ref)
    modules = data["capacitacion"] if data else recorded.modules
    return site.Training(
        sessions=tuple(
            site.Session(
                module=MODULES.get(one["modulo"], one["modulo"]),
                hours=one["horas"],
                day=_day(one["fecha"]),
                passed=one["aprobado"],
                instructor=masking.initials(one.get("instructor") or ""),
            )
            for one in modules
        ),
        hours=sum(one["horas"] for one in modules),
        required=gathered.workspace.settings.policy.training_hours,
        complete=recorded.complete,
    )


def _day(text: str) -> str:
    day = date.fromisoformat(text)
    return f"{day:%d/%m/%Y}"
