"""A plan's changes, as people read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from quipux_provision.i18n import _


def change_lines(case: str, shown: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of one case's plan: what changes, what is kept, what to know."""
    changes = shown.get("changes") or []
    if not changes:
        yield _("{case}: nothing would change").format(case=case)
    heading = None
    for change in changes:
        place = f"{_object(change['object'])} {change['key']}"
        if place != heading:
            heading = place
            yield f"{case}: {place}"
        yield f"    {_field(change['field'])}: {_value(change['before'])} -> {_value(change['after'])}"
    for kept in shown.get("kept") or []:
        yield _("    kept {object} {field}: {current} (the request says {requested})").format(
            object=_object(kept["object"]),
            field=_field(kept["field"]),
            current=_value(kept["current"]),
            requested=_value(kept["requested"]),
        )
    for note in shown.get("notes") or []:
        yield _("    note: {note}").format(note=note)


def _object(name: str) -> str:
    words = {
        "institution": _("institution"),
        "area": _("area"),
        "administrator": _("administrator"),
        "permission": _("permission"),
    }
    return words.get(name, name)


def _field(name: str) -> str:
    words = {
        "name": _("name"),
        "acronym": _("acronym"),
        "phone": _("telephone"),
        "address": _("address"),
        "city": _("city"),
        "given_names": _("given names"),
        "surnames": _("surnames"),
        "national_id": _("national id"),
        "position": _("position"),
        "email": _("e-mail"),
        "mobile": _("mobile"),
        "status": _("status"),
        "state": _("state"),
        "login": _("login"),
        "account": _("account"),
    }
    return words.get(name, name)


def _value(value: Any) -> str:
    return "-" if value is None else str(value)
