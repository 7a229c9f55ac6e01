"""What an audit may find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Code = Literal[
    "changed",
    "removed",
    "reordered",
    "cut",
    "rewritten",
    "forked",
    "clock",
    "personal_changed",
    "personal_missing",
    "file_changed",
    "file_missing",
    "signature_invalid",
    "checkpoint_invalid",
    "run_missing",
    "unfounded",
    "signers_changed",
    "dossier_damaged",
    "dossier_signers",
]


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be; a *notice* is no damage, but somebody should know of it."""

    code: Code
    message: str
    severity: Literal["error", "notice"] = "error"
    seq: int | None = None
