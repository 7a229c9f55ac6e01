# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. From what is and what is wanted to what is to be done. Pure: check mode ends here."""

from __future__ import annotations

import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._activation import (
    activate,
    close,
    end_code,
    expire,
)
from ansible_collections.quipux.provision.plugins.module_utils._cities import Cities
from ansible_collections.quipux.provision.plugins.module_utils._current import Current, Row
from ansible_collections.quipux.provision.plugins.module_utils._decision import Decision
from ansible_collections.quipux.provision.plugins.module_utils._desired import Desired, Fields
from ansible_collections.quipux.provision.plugins.module_utils._errors import Refused
from ansible_collections.quipux.provision.plugins.module_utils._layout import (
    FORBIDDEN,
    MANDATORY,
    RECOMMENDED,
)
from ansible_collections.quipux.provision.plugins.module_utils._outgoing import replace


def decide(desired: Desired, current: Current, cities: Cities) -> Decision:
    """Compare. Raises Refused."""
    decision = Decision()
    if desired.expired:
        expire(decision, desired, current)
        return decision
    _find(decision, desired, current)
    if desired.absent:
        _retire(decision, desired, current)
    else:
        if desired.institution is not None:
            _institution(decision, desired, desired.institution, current, cities)
        if desired.administrator is not None:
            _administrator(decision, desired, desired.administrator, current, cities)
        if desired.outgoing is not None:
            replace(decision, desired, desired.outgoing, current)
    decision.changes.sort(key=lambda line: (line["object"] or "", line["key"] or "", line["field"] or ""))
    decision.kept.sort(key=lambda line: (line["object"] or "", line["key"] or "", line["field"] or ""))
    return decision


def _find(decision: Decision, desired: Desired, current: Current) -> None:
    active = [row for row in current.institutions if row["state"] == 1]
    chosen = active if len(active) == 1 else current.institutions
    if len(chosen) > 1:
        numbers = ", ".join(str(row["id"]) for row in chosen)
        raise Refused(
            "duplicate_ruc",
            f"RUC {desired.ruc} belongs to several institutions ({numbers})",
            "merge them in Quipux",
        )
    if not chosen:
        if desired.institution is None and not desired.absent:
            raise Refused(
                "no_such_institution",
                f"no institution has RUC {desired.ruc}",
                "create it with quipux.provision.institution",
            )
        return
    decision.institution = chosen[0]
    if desired.institution is None and not desired.absent and chosen[0]["state"] != 1:
        raise Refused(
            "inactive_institution",
            f"institution {desired.ruc} is deactivated",
            "reactivate the institution first",
        )
    areas = [row for row in current.areas if row["institution"] == chosen[0]["id"]]
    if not areas:
        raise Refused(
            "no_root_area", f"institution {desired.ruc} has no root area", "create its root area in Quipux"
        )
    decision.area = areas[0]
    own = [row for row in current.accounts if row["institution"] == chosen[0]["id"]]
    live = [row for row in own if row["state"] == 1]
    if len(live) > 1:
        numbers = ", ".join(str(row["id"]) for row in live)
        raise Refused(
            "account_exists",
            f"{desired.national_id} has several active accounts in the institution ({numbers})",
            "leave one of them active in Quipux",
        )
    # The newest of several deactivated ones is the one that was last in use.
    decision.account = live[0] if live else (own[-1] if own else None)


def _institution(
    decision: Decision, desired: Desired, wanted: Fields, current: Current, cities: Cities
) -> None:
    key, row = desired.ruc, decision.institution
    if current.same_acronym and (row is None or row["acronym"] != wanted["acronym"]):
        other = current.same_acronym[0]
        raise Refused(
            "duplicate_acronym",
            f"acronym {wanted['acronym']} belongs to {other['name']} (institution {other['id']})",
            "choose another acronym",
        )
    if row is None or decision.area is None:
        decision.create_institution = True
        for name, text in {**wanted, "state": "active"}.items():
            decision.change("institution", key, name, None, text)
        if desired.logo_extension:
            decision.change("institution", key, "logo", None, desired.logo_extension)
        for name, text in desired.area.items():
            if name != "city":
                decision.change("area", key, name, None, text)
        decision.change("area", key, "city", None, cities.label(desired.city))
        return
    if row["state"] != 1:
        decision.set_institution["state"] = "1"
        decision.change("institution", key, "state", "inactive", "active")
    _fields(
        decision,
        "institution",
        key,
        row,
        wanted,
        desired.previous["institution"],
        decision.set_institution,
        cities,
    )
    _fields(
        decision,
        "area",
        key,
        decision.area,
        desired.area,
        desired.previous["area"],
        decision.set_area,
        cities,
    )


def _fields(
    decision: Decision,
    object_: str,
    key: str,
    row: Row,
    wanted: Fields,
    previous: Fields,
    writes: Fields,
    cities: Cities,
    keep_all: bool = False,
) -> None:
    """A field is written if the request's value is new; what others changed meanwhile is kept and shown."""
    for name, text in wanted.items():
        present = row[name]
        if present == text:
            continue
        shown = [present, text]
        if name == "city":
            shown = [cities.label(int(value)) if value and value.isdigit() else value for value in shown]
        if keep_all or previous.get(name) == text:
            decision.kept.append(
                {"object": object_, "key": key, "field": name, "current": shown[0], "requested": shown[1]}
            )
        else:
            writes[name] = text
            decision.change(object_, key, name, shown[0], shown[1])


def _administrator(
    decision: Decision, desired: Desired, wanted: Fields, current: Current, cities: Cities
) -> None:
    key = t.cast(str, desired.national_id)
    row = decision.account
    others = [account for account in current.active if row is None or account["id"] != row["id"]]
    live = row is not None and row["state"] == 1
    if desired.existing_account == "reuse" and not live:
        raise Refused(
            "no_such_account",
            f"{key} has no active account in this institution to reuse",
            "use existing_account reject for a new account, or additional if the person has one elsewhere",
        )
    if desired.existing_account == "additional" and row is None and all(one["citizen"] for one in others):
        raise Refused(
            "no_such_account",
            f"{key} has no active account whose password another one could share",
            "use existing_account reject for a new account",
        )
    if desired.existing_account == "reject" and others and not live:
        raise _exists(key, others[0])
    if row is None:
        _new_account(decision, desired, wanted, others, cities)
        return
    held = set(row["permissions"])
    is_aiq = bool(held & set(MANDATORY.values()))
    known = bool(desired.previous["administrator"])
    adopted = live and not is_aiq and not known
    if adopted and desired.existing_account == "reject":
        raise _exists(key, {**row, "name": "this institution", "citizen": False})
    if not live:
        decision.reactivate_account = True
        decision.change("administrator", key, "state", "inactive", "active")
    elif row["new"] != 1:
        # With 0 the login form accepts any password.
        decision.set_account["new"] = "1"
        decision.change("administrator", key, "usua_nuevo", str(row["new"]), "1")
    keep_all = desired.existing_account == "reuse" and not known
    _fields(
        decision,
        "administrator",
        key,
        row,
        wanted,
        desired.previous["administrator"],
        decision.set_account,
        cities,
        keep_all,
    )
    missing = {name: number for name, number in MANDATORY.items() if number not in held}
    if adopted:
        missing.update({name: number for name, number in RECOMMENDED.items() if number not in held})
    _grant(decision, key, missing)
    decision.notes += [
        f"{key} holds the permission {name} ({number}), which an institution's administrator must not have"
        for name, number in sorted(FORBIDDEN.items())
        if number in held
    ]
    activate(decision, desired, row, others)
    close(decision, key, row, others)


def _exists(key: str, account: Row) -> Refused:
    where = "as a citizen" if account.get("citizen") else f"in {account.get('name') or 'another institution'}"
    return Refused(
        "account_exists",
        f"{key} already has an active account {where}; all accounts of a person share one password",
        "choose existing_account: reuse (same institution) or additional (another row, same password)",
    )


def _new_account(
    decision: Decision, desired: Desired, wanted: Fields, others: list[Row], cities: Cities
) -> None:
    key = t.cast(str, desired.national_id)
    decision.create_account = True
    for name, text in {**wanted, "login": f"U{key}", "state": "active"}.items():
        if name != "city":
            decision.change("administrator", key, name, None, text)
    decision.change("administrator", key, "city", None, cities.label(desired.city))
    if others:
        decision.copy_password = True
        decision.change("administrator", key, "password", None, "shared with the person's other accounts")
    elif desired.activation:
        decision.write_activation = True
        decision.activation = "written"
    _grant(decision, key, {**MANDATORY, **RECOMMENDED})
    close(decision, key, None, others)


def _grant(decision: Decision, key: str, permissions: dict[str, int]) -> None:
    for name, number in permissions.items():
        decision.grant.append(number)
        decision.change("permission", key, name, None, "granted")


def _retire(decision: Decision, desired: Desired, current: Current) -> None:
    row, account = decision.institution, decision.account
    if row is None:
        return
    if account is not None and account["state"] == 1:
        decision.deactivate_account = True
        decision.change("administrator", t.cast(str, desired.national_id), "state", "active", "inactive")
        # Whoever reactivates the account in Quipux would bring a code back to life.
        if desired.activation and account.get("password") in desired.activation.replaces:
            end_code(decision, [account])
    if desired.institution is not None and row["state"] == 1:
        if current.other_users:
            raise Refused(
                "active_users",
                f"institution {desired.ruc} has {current.other_users} other active users",
                "deactivate them in Quipux first, as its own page demands",
            )
        decision.deactivate_institution = True
        decision.change("institution", desired.ruc, "state", "active", "inactive")
