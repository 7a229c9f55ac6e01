"""What a use case gives back: one result a case, and the exit code of a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quipux_provision.errors import ProvisionError

# In a batch each case stands alone; the first of these that occurs is the exit code of the whole.
BATCH_EXIT_ORDER = (4, 7, 6, 5, 3)


@dataclass(frozen=True)
class CaseResult:
    """The outcome of one case.

    :param status: a word that does not change with the language (``planned``, ``ok``, ``failed`` ...).
    :param detail: what the verb adds: digests, changes, mail.
    """

    case: str
    status: str
    changed: bool = False
    exit_code: int = 0
    message: str = ""
    hint: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def refused(cls, case: str, error: ProvisionError, status: str = "refused") -> CaseResult:
        """Return the result of a case that *error* stopped."""
        return cls(case, status, exit_code=error.exit_code, message=error.message, hint=error.hint)

    def as_dict(self) -> dict[str, Any]:
        """Return the machine-readable form."""
        error = None
        if self.exit_code:
            error = {"message": self.message, "hint": self.hint, "exit_code": self.exit_code}
        return {
            "case": self.case,
            "status": self.status,
            "changed": self.changed,
            "error": error,
            **self.detail,
        }


def batch_exit_code(results: Sequence[CaseResult]) -> int:
    """Return 0, or the first of 4, 7, 6, 5 that a case ended with."""
    codes = {result.exit_code for result in results}
    return next((code for code in BATCH_EXIT_ORDER if code in codes), max(codes, default=0))
