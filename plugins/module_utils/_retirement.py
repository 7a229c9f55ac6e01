# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. Retirements of institutions and their undoing as items of the engine."""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.quipux.provision.plugins.module_utils import _retirement_sql as sql
from ansible_collections.quipux.provision.plugins.module_utils._connection import Session
from ansible_collections.quipux.provision.plugins.module_utils._demand import demand
from ansible_collections.quipux.provision.plugins.module_utils._engine import Ids, Numbers
from ansible_collections.quipux.provision.plugins.module_utils._errors import ItemError, Refused
from ansible_collections.quipux.provision.plugins.module_utils._needs import RETIREMENT
from ansible_collections.quipux.provision.plugins.module_utils._text import digits

LAST_BUILT_IN = 2  # citizens' and others that come with Quipux
NORMAL = 0  # an account's role: nobody's head, nobody's assistant
PASSPORT = 1
_MARKED = re.compile(rf"(?:^|<br>){sql.MARK}(\{{.*\}})<br>$")
_AGAIN = "nothing of the item was kept; look at the database's triggers"

Row = dict[str, t.Any]
Post = tuple[str, int]


class Desired(t.NamedTuple):
    """One item."""

    case: str
    retire: bool  # false: reinstate
    ruc: str
    ignore_documents: bool
    accounts: tuple[int, ...]  # to reinstate
    administrator: str | None
    replaces: tuple[str, ...]
    binding: dict[str, t.Any]
    expect: str | None
    activation_hash: str = ""


class Current(t.NamedTuple):
    """The rows that concern one item."""

    institutions: list[Row]  # with its RUC
    areas: list[Row]
    same_acronym: list[Row]  # other, active institutions
    accounts: list[Row]  # active ones, named ones, and those that a retirement deactivated
    documents: int
    tasks: int


class Mark(t.NamedTuple):
    """What a retirement noted with an account."""

    moment: str
    login: str
    national_id: str
    role: int
    responsible: int
    others: frozenset[int]  # active accounts that the person had elsewhere


@dataclass
class Decision:
    """What one item comes to. `changes` is for people and digests, `rows` for the writer."""

    institution: Row
    area: int | None
    turn: bool = False  # whether the institution's own state changes
    rows: list[Row] = field(default_factory=list)  # accounts to write
    expire: list[int] = field(default_factory=list)  # accounts whose unused code dies
    known: list[int] = field(default_factory=list)  # accounts that may go on using the same login
    stamp: str | None = None  # of the retirement that this one completes
    accounts: list[int] = field(default_factory=list)
    activation: str | None = None
    changes: list[dict[str, t.Any]] = field(default_factory=list)
    kept: list[dict[str, t.Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    creates: bool = False

    @property
    def writes(self) -> bool:
        """Whether anything is to be written."""
        return bool(self.changes)

    @property
    def ids(self) -> Ids:
        """Numbers of the rows."""
        return {"institution": self.institution["id"], "area": self.area, "accounts": sorted(self.accounts)}

    def change(self, object_: str, key: str, name: str, before: str | None, after: str) -> None:
        """Add one line of the plan."""
        self.changes.append({"object": object_, "key": key, "field": name, "before": before, "after": after})


class Retirements:
    """Kind of module retirement."""

    tables: t.ClassVar[tuple[str, ...]] = ("institucion", "usuarios")
    read: t.ClassVar[str] = sql.READ
    no_ids: t.ClassVar[Ids] = {"institution": None, "area": None, "accounts": []}

    def __init__(self) -> None:
        self._session: Session

    def prepare(self, session: Session, *, passwords: bool, writes: bool) -> None:  # noqa: ARG002
        """Demand the tables of documents and tasks, prepare the statement."""
        self._session = session
        demand(session, RETIREMENT)
        session.fetch(sql.prepare_read(passwords))

    def desire(self, item: dict[str, t.Any]) -> Desired:
        """Clean and check."""
        retire = item["state"] == "retired"
        named = item.get("accounts") or []
        if retire and named:
            raise Refused(
                "bad_value", "accounts is given", "a retirement takes all active accounts; leave it out"
            )
        return Desired(
            case=item["case"],
            retire=retire,
            ruc=digits("ruc", item["ruc"], 13),
            ignore_documents=item.get("documents") == "ignore",
            accounts=tuple(sorted(set(named))),
            administrator=item.get("administrator_national_id"),
            replaces=tuple((item.get("activation") or {}).get("replaces") or ()),
            binding=item.get("binding") or {},
            expect=item.get("expect"),
        )

    def repeated(self, desired: list[Desired]) -> dict[int, Refused]:
        """Case and RUC are claimed."""
        seen: dict[str, int] = {}
        refused: dict[int, Refused] = {}
        for position, item in enumerate(desired):
            for claim in (f"case {item.case}", f"ruc {item.ruc}"):
                if seen.setdefault(claim, position) != position:
                    refused[position] = Refused(
                        "bad_value", f"{claim} is already in this list", "give it once"
                    )
        return refused

    def question(self, items: t.Iterable[tuple[int, Desired]]) -> str:
        """As JSON; arrays in PostgreSQL's own form."""
        return json.dumps(
            [
                {
                    "n": position,
                    "ruc": item.ruc,
                    "retire": item.retire,
                    "accounts": list(item.accounts),
                    "replaces": list(item.replaces),
                }
                for position, item in items
            ]
        )

    def answers(self, rows: t.Iterable[tuple[t.Any, ...]]) -> dict[int, Current]:
        """The rows that concern each item."""
        return {row[0]: Current(*row[1:]) for row in rows}

    def decide(self, desired: Desired, current: Current) -> Decision:
        """Compare."""
        decision = _find(desired, current)
        if desired.retire:
            _retire(decision, desired, current)
        else:
            _reinstate(decision, desired, current)
        decision.changes.sort(key=lambda line: (line["object"], int(line["key"]), line["field"]))
        return decision

    def write(
        self,
        position: int,  # noqa: ARG002
        desired: Desired,
        decision: Decision,
        numbers: Numbers,  # noqa: ARG002
    ) -> Ids:
        """All accounts and the institution in one round trip, with what must be true afterwards."""
        written = [row["id"] for row in decision.rows]
        statements: list[str] = []
        if not desired.retire and decision.turn:
            statements += sql.OPEN
        if written:
            statements += sql.accounts("retire" if desired.retire else "reinstate")
        if desired.retire:
            statements += [
                *(sql.LEAVE if written else ()),
                *(sql.CLOSE if decision.turn else ()),
                *sql.END_SESSIONS,
            ]
        parameters = {
            "rows": json.dumps(decision.rows),
            "ids": written,
            "institution": decision.institution["id"],
            "ruc": desired.ruc,
            "state": 0 if desired.retire else 1,
            "stamp": decision.stamp,
            "expire": decision.expire,
            "known": decision.known,
        }
        answer = self._session.fetch("; ".join([*statements, sql.VERIFY]), parameters)[0]
        _check(answer, len(written))
        return decision.ids


def _find(desired: Desired, current: Current) -> Decision:
    active = [row for row in current.institutions if row["state"] == 1]
    # Who is to be reinstated must not be mistaken for a successor with the same number.
    chosen = active if desired.retire and active else current.institutions
    if not chosen:
        raise Refused("no_such_institution", f"no institution has RUC {desired.ruc}", "check the RUC")
    if len(chosen) > 1:
        numbers = ", ".join(str(row["id"]) for row in chosen)
        raise Refused(
            "duplicate_ruc",
            f"RUC {desired.ruc} belongs to several institutions ({numbers})",
            "merge them in Quipux",
        )
    if chosen[0]["id"] <= LAST_BUILT_IN:
        raise Refused(
            "protected_institution", f"institution {chosen[0]['id']} comes with Quipux", "it is never retired"
        )
    areas = [row["id"] for row in current.areas if row["institution"] == chosen[0]["id"]]
    return Decision(chosen[0], areas[0] if areas else None)


def _own(decision: Decision, current: Current) -> list[Row]:
    return [row for row in current.accounts if row["institution"] == decision.institution["id"]]


def _retire(decision: Decision, desired: Desired, current: Current) -> None:
    own = _own(decision, current)
    active = [row for row in own if row["state"] == 1]
    if decision.institution["state"] == 1:
        decision.turn = True
        decision.change("institution", desired.ruc, "state", "active", "inactive")
    else:
        # Somebody was added after the retirement: what is done now is a part of that one.
        marks = {row["id"]: mark for row in own if (mark := mark_of(row))}
        decision.stamp = max((mark.moment for mark in marks.values()), default=None)
        decision.accounts = [number for number, mark in marks.items() if mark.moment == decision.stamp]
    busy = _count(current.documents, "document", "documents"), _count(current.tasks, "task", "tasks")
    shown = " and ".join(part for part in busy if part)
    if shown and not desired.ignore_documents:
        raise Refused(
            "documents_in_process",
            f"users of institution {desired.ruc} have {shown} in process",
            "finish or archive them in Quipux, or order the retirement with documents: ignore",
        )
    if shown:
        decision.notes.append(f"{shown} in process stay with the deactivated accounts")
    inside = {row["id"] for row in active}
    for row in active:
        decision.change("account", str(row["id"]), "state", "active", "inactive")
        others = [one["id"] for one in row["others"] if one["id"] not in inside]
        decision.rows.append({"id": row["id"], "others": others})
        if row["kind"] == "code":
            decision.expire.append(row["id"])
    decision.accounts += inside
    if decision.expire:
        decision.activation = "expired"
    elsewhere = sum(bool(row["others"]) for row in decision.rows)
    if elsewhere:
        decision.notes.append(f"{elsewhere} of these people keep active accounts elsewhere")


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}" if number else ""


def _reinstate(decision: Decision, desired: Desired, current: Current) -> None:
    own = {row["id"]: row for row in _own(decision, current)}
    strangers = [str(number) for number in desired.accounts if number not in own]
    if strangers:
        raise Refused(
            "no_such_account",
            f"institution {desired.ruc} has no account {', '.join(strangers)}",
            "name accounts that the retirement deactivated",
        )
    if decision.institution["state"] != 1:
        if current.same_acronym:
            other = current.same_acronym[0]
            raise Refused(
                "duplicate_acronym",
                f"acronym {other['acronym']} belongs to {other['name']} (institution {other['id']}) now",
                "give that one another acronym in Quipux",
            )
        decision.turn = True
        decision.change("institution", desired.ruc, "state", "inactive", "active")
    decision.accounts = list(desired.accounts)
    back = [own[number] for number in desired.accounts if own[number]["state"] != 1]
    inside = {row["id"] for row in back} | {row["id"] for row in own.values() if row["state"] == 1}
    taken = {(row["area"], post) for row in own.values() if row["state"] == 1 for post in _posts(row)}
    for row in back:
        _bring_back(decision, row, inside, taken)
    closed = ", ".join(str(row["id"]) for row in back if row["kind"] in ("none", "closed"))
    if closed:
        decision.notes.append(
            f"nobody has a password for accounts {closed}; they stay closed until one is set"
        )
    _look_for_administrator(decision, desired, own, back)


def _posts(row: Row) -> list[Post]:
    """What only one account of an area may be."""
    role, responsible = int(row["role"] or 0), int(row["responsible"] or 0)
    return [("role", role)] * (role != NORMAL) + [("responsible", responsible)] * bool(responsible)


def _bring_back(decision: Decision, row: Row, inside: set[int], taken: set[tuple[int, Post]]) -> None:
    number, mark = row["id"], mark_of(row)
    if mark is None:
        mark = _rebuilt(row)
        decision.notes.append(
            f"account {number} was changed after the retirement; it comes back with an ordinary user's role"
        )
    others = [one for one in row["others"] if one["id"] not in inside]
    new = [one for one in others if one["id"] not in mark.others]
    if new:
        where = "as a citizen" if new[0]["citizen"] else f"in {new[0]['name'] or 'another institution'}"
        raise Refused(
            "account_exists",
            f"the person of account {number} has account {new[0]['id']} with the same login {where} now",
            "deactivate that one in Quipux, or leave this one out",
        )
    kept = {"role": mark.role, "responsible": mark.responsible}
    for post in _posts(kept):
        if (row["area"], post) in taken:
            kept[post[0]] = 0
            decision.notes.append(
                f"account {number} does not get its {post[0]} back; another one of the area has it"
            )
    decision.change("account", str(number), "state", "inactive", "active")
    share = any(not one["citizen"] and one["new"] == 1 for one in others)
    if share:
        decision.change("account", str(number), "password", None, "shared with the person's other accounts")
    if others:
        decision.known += [one["id"] for one in others]
        listed = ", ".join(str(one["id"]) for one in others)
        decision.notes.append(f"the person of account {number} has other active accounts, too ({listed})")
    decision.rows.append(
        {"id": number, "login": mark.login, "national_id": mark.national_id, "share": share, **kept}
    )


def _rebuilt(row: Row) -> Mark:
    """As Quipux's page makes login and cédula of an account that becomes active."""
    person = row["person"] or ""
    login = f"UUSR{person.upper()}" if row["document"] == PASSPORT else f"U{person[:10]}"
    return Mark("", login, person, NORMAL, 0, frozenset())


def mark_of(row: Row) -> Mark | None:
    """What the retirement noted in the account's remark; None if somebody changed the account since."""
    found = _MARKED.search(row["remark"] or "")
    if row["state"] == 1 or not found:
        return None
    try:
        noted = json.loads(found[1])
        return Mark(
            str(noted["momento"]),
            str(noted["usuario"] or ""),
            str(noted["cedula"] or ""),
            int(noted["perfil"] or 0),
            int(noted["responsable"] or 0),
            frozenset(int(number) for number in noted["otras"] or ()),
        )
    except (ValueError, KeyError, TypeError):
        return None


def _look_for_administrator(
    decision: Decision, desired: Desired, own: dict[int, Row], back: list[Row]
) -> None:
    if desired.administrator is None:
        return
    active = [row for row in own.values() if row["state"] == 1] + back
    if desired.administrator not in [row["person"] for row in active]:
        decision.notes.append("the institution's administrator is not among its active accounts")


def _check(row: tuple[t.Any, ...], written: int) -> None:
    """ItemError if the row of VERIFY shows anything wrong; the caller rolls back."""
    swallowed, institution, stale, mirrored, alive, same_login, same_ruc = row
    if swallowed:
        shown = ", ".join(sorted(swallowed))
        raise ItemError("swallowed_error", f"a trigger failed and hid it: {shown}", _AGAIN)
    if institution != 1 or stale or mirrored != written:
        raise ItemError("mirror_missing", "table usuario does not follow the rows that were written", _AGAIN)
    if alive:
        raise ItemError("database_error", "an account or a session of the institution is still alive", _AGAIN)
    if same_login:
        numbers = ", ".join(str(number) for number in sorted(same_login))
        raise ItemError(
            "account_exists", f"active accounts {numbers} have the same login", "deactivate those first"
        )
    if same_ruc > 1:
        raise ItemError("duplicate_ruc", "the RUC was taken meanwhile", "run again")
