"""What an event rests on among those before it."""

from __future__ import annotations

import pytest

from quipux_provision.domain import kinds
from quipux_provision.store.grounds import missing_ground
from tests.unit.domain.support import Happened


@pytest.mark.parametrize(
    ("kind", "between"), [(kinds.ORDERED, kinds.PLANNED), (kinds.ADOPTED, kinds.SUBMITTED)]
)
def test_a_signature_is_of_no_use_later(kind: str, between: str) -> None:
    event = Happened(9, kind, data={"signed": {"statement": {"after": 3}}})
    assert missing_ground(event, []) is None  # type: ignore[arg-type]
    assert missing_ground(event, [Happened(5, between)])  # type: ignore[arg-type, list-item]
