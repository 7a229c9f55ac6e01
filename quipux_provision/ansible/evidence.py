"""What the read-only playbook found of each case's activities, from its modules' results. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

DATABASE = "quipux.provision.parametrisation_info"
FILES = "quipux.provision.storage_info"
CUMPLE = "cumple"


@dataclass(frozen=True)
class ActivityEvidence:
    """One activity.

    :param verdict: ``cumple``, ``no_cumple`` or ``no_verificable``.
    :param ids: internal numbers, at most 50, of what is wrong or of what shows that it was done.
    :param reasons: keys of :data:`quipux_provision.domain.evidence.REASONS`; empty if it is met.
    """

    id: str
    verdict: str
    counts: Mapping[str, int]
    ids: tuple[int, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """One case.

    :param status: ``ok``, or ``refused`` with *error* (``code``, ``message``, ``hint``) and no activities.
    :param ids: number of the ``institution``.
    """

    case: str
    status: str
    error: Mapping[str, Any] | None
    ids: Mapping[str, int | None]
    activities: tuple[ActivityEvidence, ...]


class EvidenceFold:
    """Takes what the database showed of each case, and what each application host showed of its files."""

    def __init__(self) -> None:
        self._cases: dict[str, Evidence] = {}
        self._files: dict[str, dict[str, tuple[ActivityEvidence, ...] | None]] = {}

    def take(self, action: str, host: str, items: list[Mapping[str, Any]]) -> None:
        """Take the results of one module on one host."""
        for item in items:
            case, activities = str(item.get("case")), _activities(item)
            if action == DATABASE:
                self._cases[case] = Evidence(
                    case, str(item.get("status")), item.get("error"), item.get("ids") or {}, activities
                )
            else:
                self._files.setdefault(case, {})[host] = None if item.get("error") else activities

    def result(self) -> dict[str, Evidence]:
        """Return the evidence by case; an activity that takes files is as bad as on the worst host."""
        return {
            case: replace(found, activities=self._with_files(case, found.activities))
            for case, found in self._cases.items()
        }

    def _with_files(
        self, case: str, activities: tuple[ActivityEvidence, ...]
    ) -> tuple[ActivityEvidence, ...]:
        hosts = self._files.get(case, {})
        if not hosts or None in hosts.values():
            return activities  # as the database left them: not verifiable
        seen: dict[str, ActivityEvidence] = {}
        for _host, found in sorted(hosts.items()):
            for one in found or ():
                if one.id not in seen or seen[one.id].verdict == CUMPLE:
                    seen[one.id] = one
        return tuple(seen.get(one.id, one) for one in activities)


def _activities(item: Mapping[str, Any]) -> tuple[ActivityEvidence, ...]:
    return tuple(
        ActivityEvidence(
            str(one["id"]),
            str(one["verdict"]),
            dict(one["counts"]),
            tuple(int(number) for number in one["ids"]),
            tuple(str(reason) for reason in one["reasons"]),
        )
        for one in item.get("activities") or []
    )
