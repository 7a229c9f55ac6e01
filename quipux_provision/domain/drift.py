"""Drift: where a database is no more what was provisioned in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from quipux_provision.i18n import _

ERROR, WARNING = "error", "warning"
SEVERITIES = (ERROR, WARNING)
_RUC = re.compile(r"[0-9]{13}")


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be, as the module ``drift_info`` tells it.

    :param severity: ``error`` or ``warning``.
    :param case: None where it is no case's.
    :param institution: its number in the database.
    :param name: its name there, whatever somebody wrote.
    :param accounts: internal numbers, at most 50; *count* says how many there are.
    """

    code: str
    severity: str
    case: str | None = None
    ruc: str | None = None
    institution: int | None = None
    name: str | None = None
    accounts: tuple[int, ...] = ()
    count: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Finding:
        """Return a finding of the module's."""
        return cls(**{**told, "accounts": tuple(told["accounts"])})

    def recorded(self) -> dict[str, str | None]:
        """Return what the ledger keeps: no name, and of a RUC only what can be one."""
        ruc = self.ruc if self.ruc and _RUC.fullmatch(self.ruc) else None
        return {"code": self.code, "severity": self.severity, "case": self.case, "ruc": ruc}

    def as_dict(self) -> dict[str, Any]:
        """Return the machine-readable form."""
        message, hint = told(self)
        return {
            "code": self.code,
            "severity": self.severity,
            "case": self.case,
            "ruc": self.ruc,
            "institution": self.institution,
            "name": self.name,
            "accounts": list(self.accounts),
            "count": self.count,
            "details": dict(self.details),
            "message": message,
            "hint": hint,
        }


def counted(findings: Iterable[Finding]) -> dict[str, int]:
    """Return how many findings there are of each severity."""
    found = Counter(finding.severity for finding in findings)
    return {severity: found[severity] for severity in SEVERITIES}


def told(finding: Finding) -> tuple[str, str]:
    """Return in one line what was found, and in one what to do about it."""
    message, hint = _TEXTS.get(finding.code, lambda: (finding.code, ""))()
    values = {
        "name": _plain(finding.name or "-"),
        "ruc": _plain(finding.ruc or "-"),
        "count": finding.count,
        "accounts": _listed(finding.accounts, finding.count),
        "expected": _plain(finding.details.get("expected", "")),
        "found": _plain(finding.details.get("found", "")),
        "permissions": _listed(finding.details.get("permissions", ())),
        "part": _plain(finding.details.get("part", "")),
        "reason": _plain(finding.details.get("reason", "")),
    }
    return message.format(**values), hint.format(**values)


def _listed(numbers: Iterable[int], count: int = 0) -> str:
    shown = [str(number) for number in numbers]
    return ", ".join([*shown, "…"] if count > len(shown) else shown)


def _plain(text: object) -> str:
    """Return a text on one line, without what could drive a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text))


# What is wrong, and what to do; functions, since the language is chosen when they are called.
_TEXTS = {
    "institution_missing": lambda: (
        _("the institution is not there any more"),
        _("ask who removed it; restore it from a backup of the database"),
    ),
    "institution_renamed": lambda: (
        _("the institution is called {found}, not {expected}"),
        _("correct it in Quipux, or submit the request again with the new name"),
    ),
    "ruc_changed": lambda: (
        _("the RUC is {found}, not {expected}"),
        _("correct it in Quipux: another RUC is another institution"),
    ),
    "acronym_changed": lambda: (
        _("the acronym is {found}, not {expected}"),
        _("correct it in Quipux: numbers of documents carry it"),
    ),
    "institution_inactive": lambda: (
        _("the institution is deactivated: nobody of it can log in"),
        _("activate it in Quipux; if it is to stay so, order it: quipux-provision retire CASE"),
    ),
    "retired_active": lambda: (
        _("the institution was retired and is active again"),
        _("deactivate it in Quipux, or order it back: quipux-provision reinstate CASE"),
    ),
    "retired_account_active": lambda: (
        _("the institution was retired and has active accounts: {accounts}"),
        _("deactivate them in Quipux, or order the institution back: quipux-provision reinstate CASE"),
    ),
    "ended_account_active": lambda: (
        _("an account that was ended is active again: {accounts}"),
        _("ask who activated it, and deactivate it in Quipux"),
    ),
    "forbidden_permission": lambda: (
        _("accounts {accounts} have permissions that nobody of an institution may have: {permissions}"),
        _("find out who gave them (table log_usr_permisos) and take them away as the super-administrator"),
    ),
    "aiq_missing": lambda: (
        _("no active account has permissions 12 and 36: nobody administers the institution"),
        _("ask the institution for a new administrator: quipux-provision replace-administrator CASE"),
    ),
    "aiq_inactive": lambda: (
        _("the account of the administrator whom we know is not active"),
        _("if somebody else took over, record it: quipux-provision replace-administrator CASE"),
    ),
    "aiq_without_rights": lambda: (
        _("the administrator whom we know lacks permissions {permissions}"),
        _("plan the case again to give them back, or record who took over: replace-administrator"),
    ),
    "aiq_doubled": lambda: (
        _("there are more administrators than one and a backup: also accounts {accounts}"),
        _("ask the institution who they are, and take permissions 12 and 36 from the others"),
    ),
    "aiq_no_backup": lambda: (
        _("there is no backup administrator"),
        _("ask the administrator to name one: permissions 12 and 36 for a second active account"),
    ),
    "duplicate_ruc": lambda: (
        _("{count} active institutions have the RUC {ruc}; one is {name}"),
        _("find out which one is in use, and deactivate the others"),
    ),
    "duplicate_acronym": lambda: (
        _("{count} active institutions have the acronym of {name}"),
        _("give one of them another acronym: numbers of documents carry it"),
    ),
    "duplicate_login": lambda: (
        _("active accounts of one institution share a login: {accounts}"),
        _("deactivate all but one: Quipux blocks such people after a few correct logins"),
    ),
    "shared_login": lambda: (
        _("active accounts share their login with an account elsewhere: {accounts}"),
        _("nothing to do if it is one person with several posts; else deactivate the wrong one"),
    ),
    "mirror_missing": lambda: (
        _("accounts {accounts} have no row in table usuario: they cannot log in"),
        _("save them again in Quipux and look at table log_view_usuario"),
    ),
    "mirror_orphan": lambda: (
        _("table usuario has rows of accounts that are not there: {accounts}"),
        _("ask who deleted them: users are deactivated, never deleted"),
    ),
    "mirror_differs": lambda: (
        _("table usuario says other things of accounts {accounts} than they do themselves"),
        _("save them again in Quipux and look at table log_view_usuario"),
    ),
    "trigger_errors": lambda: (
        _("triggers swallowed {count} errors, of rows {accounts}"),
        _("look at table log_view_usuario, correct the rows and save them again in Quipux"),
    ),
    "account_new": lambda: (
        _("usua_nuevo is 0, so that anybody can reset them: accounts {accounts}"),
        _("set usua_nuevo to 1 in table usuarios"),
    ),
    "password_empty": lambda: (
        _("anybody can enter without a password: accounts {accounts}"),
        _("set usua_pasw to NULL in table usuarios and let their owners ask for a new password"),
    ),
    "password_missing": lambda: (
        _("active accounts without a password, which nobody can enter: {accounts}"),
        _("send a new link: quipux-provision activate CASE, or the button of the account in Quipux"),
    ),
    "published_password": lambda: (
        _("the super-administrator still has the password that everybody knows"),
        _("log in as UADMINISTRADOR and change it now"),
    ),
    "citizen_missing": lambda: (
        _("the citizen is not there any more"),
        _("ask who removed the account; restore it from a backup of the database"),
    ),
    "citizen_inactive": lambda: (
        _("the citizen's account is not active"),
        _("activate it in Quipux; if it is to stay so, order it: quipux-provision retire CASE"),
    ),
    "citizen_not_signed": lambda: (
        _("the citizen was approved, and is not among the accounts with signature"),
        _("plan the case again to see what would mend it"),
    ),
    "citizen_signed": lambda: (
        _("the citizen signs documents, and we did not approve that"),
        _("ask who approved the request in Quipux"),
    ),
    "citizen_active": lambda: (
        _("the citizen's account was deactivated and is active again: {accounts}"),
        _("ask who activated it, and deactivate it in Quipux"),
    ),
    "request_changed": lambda: (
        _("the citizen's request for a signature is not where we left it"),
        _("ask who decided it in Quipux; plan the case again"),
    ),
    "institution_unmanaged": lambda: (
        _("nobody provisioned it through us: {name}, RUC {ruc}"),
        _("take it over: quipux-provision adopt"),
    ),
    "not_looked_at": lambda: (
        _("not looked at: {part}: {reason}"),
        _("make the database roles again: ansible-playbook quipux.provision.database_roles"),
    ),
}
