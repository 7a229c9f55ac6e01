"""Errors a user can meet: one line that says what, one that says what to type next.

Each class carries the exit code that the command line returns for it; the table stands in the README.
"""

from __future__ import annotations

from typing import ClassVar


class ProvisionError(Exception):
    """Base of all expected errors.

    :param message: one line, what is wrong; several where a class says so.
    :param hint: one line, what to do about it.
    """

    exit_code: ClassVar[int] = 1
    several_lines: ClassVar[bool] = False

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ProvisionError):
    """The command, its options or the settings file are wrong."""

    exit_code = 2


class RequestInvalid(ProvisionError):
    """A request file breaks a rule."""

    exit_code = 3


class RunFailed(ProvisionError):
    """Ansible ran and failed, or its outcome is incomplete."""

    exit_code = 4


class GateClosed(ProvisionError):
    """Not approved, void, expired, the wrong person, or too late."""

    exit_code = 5


class Locked(ProvisionError):
    """Another run holds the case."""

    exit_code = 6


class Unreachable(ProvisionError):
    """A host does not answer, or its key is not the pinned one."""

    exit_code = 7


class Interrupted(ProvisionError):
    """The user stopped the run."""

    exit_code = 130
