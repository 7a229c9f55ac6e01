"""The board: a static site in Spanish that tells where each case stands. No network, no script."""

from __future__ import annotations

from quipux_provision.outreach.board.content import (
    Approval,
    Board,
    CaseDrift,
    CasePage,
    Countdown,
    Drifted,
    DriftedCase,
    DriftElsewhere,
    DriftLook,
    Finding,
    Fingerprint,
    Happening,
    Message,
    Month,
    NextStep,
    Person,
    Review,
    Session,
    Step,
    Training,
)
from quipux_provision.outreach.board.writer import BoardRefused, write

__all__ = [
    "Approval",
    "Board",
    "BoardRefused",
    "CaseDrift",
    "CasePage",
    "Countdown",
    "DriftElsewhere",
    "DriftLook",
    "Drifted",
    "DriftedCase",
    "Finding",
    "Fingerprint",
    "Happening",
    "Message",
    "Month",
    "NextStep",
    "Person",
    "Review",
    "Session",
    "Step",
    "Training",
    "write",
]
