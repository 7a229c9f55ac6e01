"""One walk over the nodes of a request, along the field table: canonical values, and what is wrong."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any

import yaml

from quipux_provision.domain.field_types import HOURS_MAXIMUM, Listing, Node, Scalar, Section
from quipux_provision.domain.fields import (
    CHANGE_REQUEST,
    CITIZEN_REQUEST,
    INSTITUTION_REQUEST,
    request_section,
)
from quipux_provision.domain.text import Finding, canonical_text, shown
from quipux_provision.i18n import _
from quipux_provision.store.yaml_nodes import REFUSED_TAG, START, Place, Spot, place

_STRING = "tag:yaml.org,2002:str"
_NULL = "tag:yaml.org,2002:null"


class Walk:
    """Gathers ``spots`` while it reads one document.

    :param characters_reported: the file had refused characters, which the text now has U+FFFD for.
    """

    def __init__(self, *, characters_reported: bool = False) -> None:
        self.spots: list[Spot] = []
        self._characters_reported = characters_reported
        self._values: dict[str, Place] = {}
        self._root = INSTITUTION_REQUEST

    def request(self, node: yaml.Node) -> dict[str, Any]:
        """Return the good values below *node*, the root of a request for ``submit``."""
        return self._document(node, request_section(*_kind(node)))

    def change(self, node: yaml.Node) -> dict[str, Any]:
        """Return the good values below *node*, the root of a change of the administrator."""
        return self._document(node, CHANGE_REQUEST)

    def _document(self, node: yaml.Node, root: Section) -> dict[str, Any]:
        self._root = root
        return self._section(node, START, root, "")

    def report(self, at: Place, field: str, finding: Finding) -> None:
        """Keep a finding."""
        self.spots.append(Spot(at, field, finding))

    def nearest_place(self, field: str) -> Place:
        """Return where the value of *field* stands, or where that of the nearest key around it does."""
        while field not in self._values and field:
            field = field.rpartition(".")[0]
        return self._values.get(field, START)

    def _error(self, at: Place, field: str, message: str, hint: str) -> None:
        self.report(at, field, Finding("error", message, hint))

    def _section(self, node: yaml.Node, at: Place, section: Section, name: str) -> dict[str, Any]:
        """Read a section; *at* is where a missing key is missed."""
        if not isinstance(node, yaml.MappingNode):
            hint = _("write its keys below it: {keys}").format(keys=", ".join(section.fields))
            self._error(place(node.start_mark), name, _("is not a group of keys"), hint)
            return {}
        values: dict[str, Any] = {}
        seen: dict[str, Place] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, section, name, seen)
            if key is None:
                continue
            self._values[_join(name, key)] = place(value_node.start_mark)
            value = self._value(value_node, seen[key], section.fields[key], _join(name, key))
            if value is not None:
                values[key] = value
        for key, field in section.fields.items():
            if field.required and key not in seen:
                hint = _("add the key {key}").format(key=_join(name, key))
                self._error(at, _join(name, key), _("is missing"), hint)
        for key, other in section.depends.items():
            if key in seen and other not in seen:
                message = _("stands without {key}").format(key=other)
                hint = _("add the key {key}, or take this one out").format(key=_join(name, other))
                self._error(seen[key], _join(name, key), message, hint)
        return values

    def _key(self, node: yaml.Node, section: Section, name: str, seen: dict[str, Place]) -> str | None:
        """Return the key of *node* if the table has it and it stands here for the first time."""
        at = place(node.start_mark)
        if not isinstance(node, yaml.ScalarNode):
            hint = _("put a text that begins with { or [ in quotes")
            self._error(at, name, _("a key is not a plain word"), hint)
            return None
        key = str(node.value)
        field = _join(name, shown(key))
        if key in seen:
            message = _("stands twice, first in line {line}").format(line=seen[key][0])
            self._error(at, field, message, _("keep one of them"))
            return None
        seen[key] = at
        if key in section.fields:
            return key
        if node.tag != REFUSED_TAG:
            self._error(at, field, _("is no key of a request"), self._suggest(key, section))
        return None

    def _suggest(self, key: str, section: Section) -> str:
        if near := difflib.get_close_matches(key, section.fields, 1, 0.7):
            return _("did you mean {key}?").format(key=near[0])
        if section is self._root and (elsewhere := _elsewhere(key)):
            return elsewhere
        for other, field in self._root.fields.items():
            if isinstance(field, Section) and key in field.fields:
                return _("it belongs below {section}").format(section=other)
        return _("take it out; the keys here are: {keys}").format(keys=", ".join(section.fields))

    def _value(self, node: yaml.Node, at: Place, field: Node, name: str) -> Any:
        if node.tag == REFUSED_TAG:
            return None
        if isinstance(node, yaml.ScalarNode) and node.tag == _NULL and not node.style:
            hint = _("write its value") if field.required else _("write its value, or take the line out")
            self._error(at, name, _("is empty"), hint)
            return None
        if isinstance(field, Section):
            return self._section(node, at, field, name)
        if isinstance(field, Listing):
            return self._listing(node, field, name)
        return self._scalar(node, field, name)

    def _listing(self, node: yaml.Node, listing: Listing, name: str) -> list[Any]:
        at = place(node.start_mark)
        if not isinstance(node, yaml.SequenceNode):
            self._error(at, name, _("is not a list"), _("begin the line of each entry with a hyphen"))
            return []
        if len(node.value) > listing.limit:
            message = _("has {count} entries").format(count=len(node.value))
            self._error(at, name, message, _("write {limit} at most").format(limit=listing.limit))
            return []
        return [
            self._section(item, place(item.start_mark), listing.item, f"{name}[{index}]")
            for index, item in enumerate(node.value)
            if item.tag != REFUSED_TAG
        ]

    def _scalar(self, node: yaml.Node, field: Scalar, name: str) -> Any:
        at = place(node.start_mark)
        if not isinstance(node, yaml.ScalarNode):
            self._error(
                at, name, _("is not one value"), _("write one value; in quotes if it begins with { or [")
            )
            return None
        findings = list(_check_type(node, field))
        value = canonical_text(node.value) if field.kind == "text" else node.value
        if field.kind not in {"boolean", "number"} and not (self._characters_reported and "\ufffd" in value):
            findings += _check_value(value, field)
        for finding in findings:
            self.report(at, name, finding)
        if any(finding.severity == "error" for finding in findings):
            return None
        if field.kind == "boolean":
            return value == "true"
        if field.kind == "number":
            return float(value) if "." in value else int(value)
        return value if "\ufffd" in value else field.canonical(value)


def _check_type(node: yaml.ScalarNode, field: Scalar) -> Iterable[Finding]:
    plain = not node.style
    quote = _('put it in quotes: "{value}"').format(value=shown(node.value))
    if field.kind == "boolean":
        if not plain or node.value not in {"true", "false"}:
            yield Finding("error", _("is neither true nor false"), _("write true or false, without quotes"))
    elif field.kind == "number":
        good = plain and re.fullmatch(r"(?:0|[1-9][0-9]?)(?:\.[0-9]{1,2})?", node.value)
        if not good or not 0 < float(node.value) <= HOURS_MAXIMUM:
            hint = _("write a number up to {maximum}, such as 4 or 1.5").format(maximum=HOURS_MAXIMUM)
            yield Finding("error", _("is no number of hours"), hint)
    elif field.kind == "identifier" and plain:
        yield Finding("error", _("is not in quotes; YAML may read another number in its place"), quote)
    elif plain and field.kind != "date" and node.tag != _STRING:
        yield Finding("error", _("is no text to YAML, but a number, a date or a yes or no"), quote)


def _check_value(value: str, field: Scalar) -> Iterable[Finding]:
    if not value.strip():
        yield Finding("error", _("is empty"), _("write its value"))
    elif field.choices:
        if value not in field.choices:
            near = difflib.get_close_matches(value, field.choices, 1)
            choices = _("write one of: {choices}").format(choices=", ".join(field.choices))
            hint = _("did you mean {choice}?").format(choice=near[0]) + " " + choices if near else choices
            yield Finding("error", _("can't be {value}").format(value=shown(value)), hint)
    else:
        if field.limit and len(value) > field.limit:
            message = _("has {count} characters, {limit} is the most").format(
                count=len(value), limit=field.limit
            )
            yield Finding("error", message, _("shorten it; nothing is cut"))
        elif field.form_limit and len(value) > field.form_limit:
            message = _("has {count} characters; it is kept, but Quipux's own form takes {limit}").format(
                count=len(value), limit=field.form_limit
            )
            yield Finding("warning", message, _("shorten it if the institution will edit it there"))
        yield from field.check(value)


def _kind(node: yaml.Node) -> tuple[str | None, list[str]]:
    """Return the route that *node* names and its keys, as far as they can be told."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    named = {str(key.value): value for key, value in pairs if isinstance(key, yaml.ScalarNode)}
    route = named.get("via")
    return (str(route.value) if isinstance(route, yaml.ScalarNode) else None), list(named)


def _elsewhere(key: str) -> str | None:
    """Say which other kind of request has *key*, if one has."""
    if key in CITIZEN_REQUEST.fields:
        return _("take it out; only a request with via: ciudadano has it")
    if key in INSTITUTION_REQUEST.fields:
        return _("take it out; only the request of an institution has it")
    if key in CHANGE_REQUEST.fields:
        return _("take it out; only a change of the administrator has it (replace-administrator)")
    return None


def _join(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key
