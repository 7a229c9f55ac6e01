"""Which obligatory activities a file may stand for."""

from __future__ import annotations

import pytest

from quipux_provision.domain.review import fails


@pytest.mark.parametrize(
    ("verdict", "reasons", "file", "failed"),
    [
        ("cumple", [], None, False),
        ("no_cumple", ["few_areas"], "ab" * 32, True),
        ("no_verificable", ["layout_lacks"], None, True),
        ("no_verificable", ["layout_lacks"], "ab" * 32, False),
        # Another login, or more time, would have shown it: whoever picks the login must not pick the verdict.
        ("no_verificable", ["rights_lack"], "ab" * 32, True),
        ("no_verificable", ["query_timed_out"], "ab" * 32, True),
        ("no_verificable", ["query_failed"], "ab" * 32, True),
    ],
)
def test_a_file_stands_for_what_no_database_can_show(
    verdict: str, reasons: list[str], file: str | None, failed: bool
) -> None:
    activity = {"weight": "obligatoria", "verdict": verdict, "reasons": reasons, "file": file}
    assert fails(activity) is failed
