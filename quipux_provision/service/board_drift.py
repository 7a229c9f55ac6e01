"""What the board shows of the newest look for drift at each environment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from quipux_provision.domain.drift import ERROR
from quipux_provision.domain.states import LedgerState
from quipux_provision.outreach import board as site
from quipux_provision.outreach.board.writer import page_name

Finding = Mapping[str, Any]


def looks(state: LedgerState) -> tuple[site.DriftLook, ...]:
    """Return the newest look at each environment."""
    return tuple(
        _look(state, environment, data["findings"], data["counts"], time)
        for environment, (data, time) in sorted(state.drift.items())
    )


def of_case(state: LedgerState, case: str) -> tuple[site.CaseDrift, ...]:
    """Return what the newest look at each environment that *case* was carried out in says of it."""
    found = []
    progress = state.cases[case].environments
    for environment, (data, time) in sorted(state.drift.items()):
        if environment in progress and progress[environment].applied:
            theirs = [one for one in data["findings"] if one["case"] == case]
            found.append(site.CaseDrift(environment, time, _drifted(theirs)))
    return tuple(found)


def _look(
    state: LedgerState, environment: str, findings: list[Finding], counts: Mapping[str, int], time: Any
) -> site.DriftLook:
    by_case, others = defaultdict(list), defaultdict(list)
    for one in findings:
        if one["case"] in state.cases:
            by_case[one["case"]].append(one)
        else:
            others[one["code"], one["severity"]].append(one["ruc"])
    return site.DriftLook(
        environment=environment,
        time=time,
        errors=counts["error"],
        warnings=counts["warning"],
        cases=tuple(
            site.DriftedCase(case, page_name(case), _drifted(found))
            for case, found in sorted(by_case.items())
        ),
        others=tuple(
            site.DriftElsewhere(site.Drifted(code, severity == ERROR), len(rucs), tuple(filter(None, rucs)))
            for (code, severity), rucs in sorted(others.items(), key=lambda one: (one[0][1], one[0][0]))
        ),
    )


def _drifted(findings: list[Finding]) -> tuple[site.Drifted, ...]:
    return tuple(site.Drifted(one["code"], one["severity"] == ERROR) for one in findings)
