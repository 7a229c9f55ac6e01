# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. Where a database is no more what was provisioned in it, for all cases at once."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.quipux.provision.plugins.module_utils import _drift_sql as sql
from ansible_collections.quipux.provision.plugins.module_utils._connection import (
    Busy,
    Rejected,
    Session,
    TimedOut,
)
from ansible_collections.quipux.provision.plugins.module_utils._drift_cases import (
    Accounts,
    Place,
    judge,
    judge_accounts,
)
from ansible_collections.quipux.provision.plugins.module_utils._drift_persons import judge_person
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError
from ansible_collections.quipux.provision.plugins.module_utils._layout import FORBIDDEN, MANDATORY

ERROR, WARNING = "error", "warning"
SEVERITIES = {
    "institution_missing": ERROR,
    "institution_renamed": ERROR,
    "ruc_changed": ERROR,
    "acronym_changed": ERROR,
    "institution_inactive": ERROR,
    "retired_active": ERROR,
    "retired_account_active": ERROR,
    "ended_account_active": ERROR,
    "forbidden_permission": ERROR,
    "aiq_missing": ERROR,
    "aiq_inactive": ERROR,
    "aiq_without_rights": ERROR,
    "aiq_doubled": WARNING,
    "aiq_no_backup": WARNING,
    "duplicate_ruc": ERROR,
    "duplicate_acronym": ERROR,
    "duplicate_login": ERROR,
    "shared_login": WARNING,
    "mirror_missing": ERROR,
    "mirror_orphan": ERROR,
    "mirror_differs": ERROR,
    "trigger_errors": ERROR,
    "account_new": ERROR,
    "password_empty": ERROR,
    "password_missing": WARNING,
    "published_password": ERROR,
    "citizen_missing": ERROR,
    "citizen_inactive": ERROR,
    "citizen_not_signed": ERROR,
    "citizen_signed": ERROR,
    "citizen_active": ERROR,
    "request_changed": ERROR,
    "institution_unmanaged": WARNING,
    "not_looked_at": WARNING,
}
_MOST_IDS = 50

_SEEN = """
SELECT c.relname, a.attname, has_column_privilege(c.oid, a.attnum, 'SELECT')
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND c.relname = ANY(%s) AND a.attnum > 0 AND NOT a.attisdropped
"""
_VIEW = (
    "SELECT coalesce(has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE'), false) "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = 'quipux_provision' AND c.relname = 'password_state'"
)

Item = dict[str, t.Any]
Finding = dict[str, t.Any]


class Drift(t.NamedTuple):
    """What was found.

    :param unseen: parts that could not be looked at, with the reason.
    """

    findings: list[Finding]
    unseen: dict[str, str]
    time: str
    institutions: int


def look(session: Session, items: list[Item], since: str | None) -> Drift:
    """Compare the items with the database, in one read-only transaction that sees one moment.

    :param since: errors of triggers before this moment do not count; None: all do.
    Raises CallError if not even the institutions can be read; Lost.
    """
    session.fetch("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        session.fetch("SET LOCAL enable_seqscan = on")  # whole tables are read, not single rows
        return _Look(session, items, since).drift()
    finally:
        session.rollback()


class _Look:
    """One look; findings gather here."""

    def __init__(self, session: Session, items: list[Item], since: str | None) -> None:
        self._session = session
        self._items = items
        self._since = since
        self._findings: list[Finding] = []
        self._unseen: dict[str, str] = {}
        self._seen: dict[str, dict[str, bool]] = {}
        self._places: dict[int, Place] = {}
        self._owners: dict[int, Item] = {}  # institution -> the case whose it is
        self._forbidden = frozenset(FORBIDDEN.values())

    def drift(self) -> Drift:
        time = self._session.fetch(
            "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
        )
        tables = sorted({table for needs in sql.NEEDS.values() for table in needs})
        for table, column, readable in self._session.fetch(_SEEN, (tables,)):
            self._seen.setdefault(table, {})[column] = readable
        self._institutions()
        self._rights()
        self._accounts("accounts", sql.ACCOUNTS)
        self._accounts("citizens_mirror", sql.CITIZENS_MIRROR)
        self._accounts("trigger_errors", sql.TRIGGER_ERRORS, {"since": self._since})
        self._passwords()
        self._citizens()
        for part, why in self._unseen.items():
            self._find("not_looked_at", details={"part": part, "reason": why})
        return Drift(self._findings, self._unseen, time[0][0], len(self._places))

    def _find(
        self,
        code: str,
        item: Item | None = None,
        institution: int | None = None,
        accounts: t.Sequence[int] = (),
        count: int | None = None,
        details: t.Mapping[str, t.Any] | None = None,
    ) -> None:
        place = self._places.get(institution) if institution is not None else None
        self._findings.append(
            {
                "code": code,
                "severity": SEVERITIES[code],
                "case": item["case"] if item else None,
                "ruc": (item or {}).get("ruc") or (place.ruc if place else None),
                "institution": institution,
                "name": place.name if place else None,
                "accounts": list(accounts)[:_MOST_IDS],
                "count": len(accounts) if count is None else count,
                "details": dict(details or {}),
            }
        )

    def _rows(self, part: str, query: str, values: t.Mapping[str, t.Any] | None = None) -> list[t.Any] | None:
        """The rows, None if this part cannot be looked at; the others go on."""
        lacking = sorted(
            f"{table}.{column}"
            for table, columns in sql.NEEDS[part].items()
            for column in columns
            if not self._seen.get(table, {}).get(column)
        )
        if lacking:
            self._unseen[part] = f"the login may not read {', '.join(lacking)}"
            return None
        return self._asked(part, query, values)

    def _asked(
        self, part: str, query: str, values: t.Mapping[str, t.Any] | None = None
    ) -> list[t.Any] | None:
        try:
            return self._session.fetch(f"SAVEPOINT quipux_look; {query}", values or {})
        except (TimedOut, Busy):
            self._unseen[part] = "it took longer than statement_timeout"
        except Rejected as error:
            self._unseen[part] = str(error)
        self._session.fetch("ROLLBACK TO SAVEPOINT quipux_look")
        return None

    def _institutions(self) -> None:
        rows = self._rows("institutions", sql.INSTITUTIONS)
        if rows is None:
            raise CallError(f"the institutions cannot be read: {self._unseen['institutions']}")
        self._places = {row[0]: Place(*row) for row in rows}
        by_ruc: dict[str, list[int]] = {}
        for one in self._places.values():
            by_ruc.setdefault(one.ruc or "", []).append(one.number)
        for item in self._items:
            if item["kind"] != "institution":
                continue
            number = item["institution"]
            if number is None:
                number = next(iter(by_ruc.get(item["ruc"] or "", ())), None)
            place = self._places.get(number) if number is not None else None
            if number is not None:
                self._owners.setdefault(number, item)
            for code, details in judge(item, place):
                self._find(code, item, place.number if place else None, details=details)
        self._repeated("duplicate_ruc", lambda place: place.ruc)
        self._repeated("duplicate_acronym", lambda place: (place.acronym or "").upper())
        for one in self._places.values():
            if one.active and one.number not in self._owners:
                self._find("institution_unmanaged", institution=one.number)

    def _repeated(self, code: str, key: t.Callable[[Place], str | None]) -> None:
        found: dict[str, list[Place]] = {}
        for place in self._places.values():
            value = key(place)
            if place.active and value:
                found.setdefault(value, []).append(place)
        for places in found.values():
            if len(places) > 1:
                numbers = [place.number for place in places]
                for number in numbers:
                    self._find(
                        code,
                        self._owners.get(number),
                        number,
                        count=len(numbers),
                        details={"institutions": numbers[:_MOST_IDS]},
                    )

    def _rights(self) -> None:
        watched = [*MANDATORY.values(), *self._forbidden]
        rows = self._rows("rights", sql.HOLDERS, {"watched": watched})
        people = [
            {"n": number, "inst": number, "national_id": item["national_id"]}
            for number, item in self._owners.items()
            if item["national_id"]
        ]
        named = self._rows("rights", sql.ADMINISTRATORS, {"people": json.dumps(people)})
        closed = [number for number, item in self._owners.items() if item["state"] == "retired"]
        active = self._rows("rights", sql.ACTIVE_IN, {"institutions": closed})
        if rows is None or named is None or active is None:
            return
        held: dict[int | None, dict[int, set[int]]] = {}
        for institution, account, permissions in rows:
            held.setdefault(institution, {})[account] = set(permissions)
        theirs: dict[int, dict[int, int]] = {}
        for institution, account, state in named:
            theirs.setdefault(institution, {})[account] = state
        working: dict[int, list[int]] = {}
        for institution, account in active:
            working.setdefault(institution, []).append(account)
        for number, item in self._owners.items():
            if number not in self._places:
                continue
            accounts = Accounts(
                holders=held.get(number, {}),
                named=theirs.get(number, {}),
                active=working.get(number, []),
                mandatory=frozenset(MANDATORY.values()),
                forbidden=self._forbidden,
            )
            for code, numbers, details in judge_accounts(item, accounts):
                self._find(code, item, number, numbers, details=details)
        self._signed_with_rights(held.get(sql.CITIZENS, {}))

    def _signed_with_rights(self, holders: dict[int, set[int]]) -> None:
        """A citizen of ours who got what nobody of an institution may have."""
        ours = {
            item["account"]: item for item in self._items if item["kind"] == "citizen" and item["account"]
        }
        for account, permissions in holders.items():
            gained = sorted((self._forbidden | set(MANDATORY.values())) & permissions)
            if account in ours and gained:
                details = {"permissions": gained}
                self._find("forbidden_permission", ours[account], accounts=[account], details=details)

    def _accounts(self, part: str, query: str, values: t.Mapping[str, t.Any] | None = None) -> None:
        self._gathered(self._rows(part, query, values))

    def _gathered(self, rows: list[t.Any] | None) -> None:
        """Findings of statements that tell code, institution, count and numbers."""
        for code, institution, count, numbers in rows or ():
            owner = self._owners.get(institution)
            self._find(code, owner, institution, numbers, count)

    def _passwords(self) -> None:
        lacking = [
            table for table in ("usuarios", "usuario") if not self._seen.get(table, {}).get("usua_pasw")
        ]
        if not lacking:
            self._accounts("passwords", sql.passwords(f"({sql.STATE_QUERY})"))
        elif any(row[0] for row in self._session.fetch(_VIEW)):
            self._gathered(self._asked("passwords", sql.passwords(sql.STATE_VIEW)))
        else:
            self._unseen["passwords"] = "the login may not read what is true of passwords"

    def _citizens(self) -> None:
        citizens = [(n, item) for n, item in enumerate(self._items) if item["kind"] == "citizen"]
        if not citizens:
            return
        asked = [
            {"n": n, "account": item["account"], "national_id": item["national_id"]} for n, item in citizens
        ]
        rows = self._rows("citizens", sql.PERSONS, {"citizens": json.dumps(asked)})
        for n, outside, inside in rows or ():
            for code, numbers in judge_person(self._items[n]["state"], outside or [], inside or []):
                self._find(code, self._items[n], accounts=numbers)
