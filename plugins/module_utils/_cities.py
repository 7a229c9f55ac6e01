# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. The city catalogue: province > canton > city, names that repeat along a branch."""

from __future__ import annotations

import difflib
import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._connection import Session
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError, Refused
from ansible_collections.quipux.provision.plugins.module_utils._text import quipux_text


class Cities:
    """Look up cities by id or exact name.

    :param rows: (id, name, id of the parent or 0).
    """

    def __init__(self, rows: t.Iterable[tuple[int, str, int | None]]) -> None:
        self._rows = {number: (name, parent or 0) for number, name, parent in rows}
        self._by_name: dict[str, list[int]] = {}
        for number, (name, _parent) in self._rows.items():
            self._by_name.setdefault(name, []).append(number)

    def resolve(self, wanted: str) -> int:
        """Id of a city given by id or exact name, or Refused with the nearest names."""
        text = quipux_text(wanted)
        if text.isascii() and text.isdigit():
            if int(text) in self._rows:
                return int(text)
            raise Refused(
                "unknown_city", f"no city has the number {text}", "give a number or a name of the catalogue"
            )
        found = self._by_name.get(text, [])
        # "Azogues" is a canton and the city in it: the innermost is meant.
        innermost = [number for number in found if not any(self._is_above(number, other) for other in found)]
        if len(innermost) == 1:
            return innermost[0]
        if innermost:
            named = ", ".join(f"{number} ({self.label(number)})" for number in sorted(innermost))
            raise Refused("unknown_city", f"several cities are called {text}", f"give the number: {named}")
        near = self._nearest(text)
        hint = f"nearest in the catalogue: {', '.join(near)}" if near else "see table ciudad for the names"
        raise Refused("unknown_city", f"no city is called {text}", hint)

    def label(self, number: int | None) -> str | None:
        """The city and what it lies in, innermost first; the bare number where the catalogue lacks it."""
        if number is None:
            return None
        names: list[str] = []
        seen: set[int] = set()
        while number in self._rows and number not in seen:
            seen.add(number)
            name, parent = self._rows[number]
            names.append(name)
            number = parent
        return " / ".join(names) or str(number)

    def name(self, number: int | None) -> str:
        """The bare name, as the application's logs show it."""
        return self._rows[number][0] if number in self._rows else str(number or "")

    def _is_above(self, upper: int, lower: int) -> bool:
        seen: set[int] = set()
        while lower in self._rows and lower not in seen:
            seen.add(lower)
            lower = self._rows[lower][1]
            if lower == upper:
                return True
        return False

    def _nearest(self, text: str) -> list[str]:
        folded = {name.casefold(): name for name in self._by_name}
        near = difflib.get_close_matches(text.casefold(), folded, n=5, cutoff=0.6)
        near += [key for key in folded if text.casefold() in key and key not in near]
        return [folded[key] for key in near[:5]]


def catalogue(session: Session, default_city: str | None) -> Cities:
    """The database's cities. CallError if the default is none of them."""
    cities = Cities(session.fetch("SELECT id, nombre, id_padre FROM public.ciudad"))
    if default_city:
        try:
            cities.resolve(default_city)
        except Refused as error:
            raise CallError(f"default_city: {error.message}; {error.hint}") from None
    return cities
