"""The exit code of a batch."""

from __future__ import annotations

import itertools

import pytest

from quipux_provision.errors import GateClosed, Locked, RequestInvalid, RunFailed, Unreachable
from quipux_provision.service.results import CaseResult, batch_exit_code

GRAVEST_FIRST = (RunFailed, Unreachable, Locked, GateClosed, RequestInvalid)


def results(*codes: int) -> list[CaseResult]:
    return [
        CaseResult(f"case-{n}", "failed" if code else "ok", exit_code=code) for n, code in enumerate(codes)
    ]


def test_nothing_and_nothing_wrong_are_done() -> None:
    assert batch_exit_code([]) == 0
    assert batch_exit_code(results(0, 0)) == 0


@pytest.mark.parametrize(("graver", "other"), list(itertools.combinations(GRAVEST_FIRST, 2)))
def test_the_first_of_4_7_6_5_counts(graver: type[RunFailed], other: type[RunFailed]) -> None:
    assert batch_exit_code(results(0, other.exit_code, graver.exit_code)) == graver.exit_code
    assert batch_exit_code(results(graver.exit_code, other.exit_code, 0)) == graver.exit_code


def test_a_code_of_no_rank_is_not_lost() -> None:
    assert batch_exit_code(results(0, 130)) == 130


def test_a_refused_case_keeps_what_it_was_told() -> None:
    told = CaseResult.refused("inej", GateClosed("what is wrong", "what to do")).as_dict()
    assert told == {
        "case": "inej",
        "status": "refused",
        "changed": False,
        "error": {"message": "what is wrong", "hint": "what to do", "exit_code": 5},
    }
