"""What the modules report of a case, in the language of the terminal and the words of the request.

The modules speak English and name their own options: they also serve people without the driver.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quipux_provision.domain.kinds import PLAN_CHANGED
from quipux_provision.errors import GateClosed, ProvisionError, RunFailed
from quipux_provision.i18n import _


def error_of(case: str, reported: Mapping[str, Any]) -> ProvisionError:
    """Return the error for a module's ``{code, message, hint}``; its own words stand in brackets."""
    known = _known().get(reported["code"])
    if known is None:
        return RunFailed(f"{case}: {reported['message']}", reported["hint"])
    message, hint = known
    if reported["code"] == "account_exists" and "existing_account" not in reported["hint"]:
        hint = ""  # several accounts in the institution itself: the module says what to do with them
    if reported["code"] == "no_such_account" and "existing_account" not in reported["hint"]:
        message, hint = _("the administrator who goes has no account there"), _("look it up in Quipux")
    kind = GateClosed if reported["code"] == PLAN_CHANGED else RunFailed
    return kind(f"{case}: {message} ({reported['message']})", hint or reported["hint"])


def _known() -> dict[str, tuple[str, str]]:
    again = _("run the same command again")
    return {
        "duplicate_ruc": (
            _("the RUC is another institution's"),
            _("look it up in Quipux; correct the request"),
        ),
        "duplicate_acronym": (_("the sigla is taken"), _("choose another sigla in the request")),
        "account_exists": (
            _("the person has an active account already"),
            _("write cuenta_existente: reutilizar (same institution) or adicional in the request"),
        ),
        "no_such_account": (
            _("there is no account that could be shared"),
            _("write cuenta_existente: rechazar in the request"),
        ),
        "documents_in_process": (
            _("documents in process lie on a desk that would be closed"),
            "",
        ),
        "no_administrator": (
            _("the institution would be left without an active administrator (AIQ)"),
            _("see who administers it in Quipux; then plan again"),
        ),
        "unknown_city": (_("the city is not in Quipux's catalogue"), ""),
        PLAN_CHANGED: (
            _("the change is not the one that was approved"),
            _("plan again and have it approved"),
        ),
        "mirror_missing": (_("Quipux's copy of the account is missing, so nothing was kept"), again),
        "swallowed_error": (_("a trigger of Quipux failed in silence, so nothing was kept"), ""),
        "value_too_long": (_("a value is too long for its column"), _("shorten it in the request")),
        "bad_value": (_("a value cannot be written to Quipux"), _("correct it in the request")),
        "lock_timeout": (_("somebody else is writing the same tables"), again),
        "database_error": (_("the database refused"), again),
        "inactive_institution": (_("the institution is deactivated"), _("reactivate it in Quipux first")),
        "no_root_area": (_("the institution has no root area"), _("create its root area in Quipux")),
        "storage_error": (_("the application's folder could not be written"), ""),
    }
