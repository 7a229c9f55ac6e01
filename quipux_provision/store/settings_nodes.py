"""Reads the settings' YAML node by node, so that each problem has its line and column."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import yaml

from quipux_provision.errors import UsageError
from quipux_provision.i18n import _
from quipux_provision.store.secrets import SecretRef
from quipux_provision.store.yaml_nodes import compose, place

_T = TypeVar("_T")
_TAG = "tag:yaml.org,2002:"
_LARGEST_BYTES = 1_000_000


class SettingsError(UsageError):
    """The settings file breaks rules; ``message`` has one line for each."""

    several_lines = True


@dataclass
class Problems:
    """What is wrong with one file."""

    file: Path
    found: list[tuple[int, int, str, str]] = field(default_factory=list)

    def add(self, node: yaml.Node | None, message: str, hint: str) -> None:
        """Note one problem at its place."""
        line, column = place(node.start_mark) if node else (1, 1)
        self.found.append((line, column, message, hint))

    def raise_if_any(self) -> None:
        """Raise all that was found as one error.

        :raises SettingsError: something was found.
        """
        if self.found:
            self.found.sort()
            lines = [
                f"{self.file}:{line}:{column}: {text}; {hint}" for line, column, text, hint in self.found
            ]
            raise SettingsError("\n".join(lines), _("correct the settings there, then run again"))


def read(path: Path) -> tuple[Section, Problems]:
    """Return the file's top mapping.

    :raises SettingsError: it can't be read as one plain YAML mapping.
    """
    problems = Problems(path)
    node, spots = compose(_text(path, problems))
    for spot in spots:
        problems.found.append((*spot.at, spot.finding.message, spot.finding.hint))
    problems.raise_if_any()
    if not isinstance(node, yaml.MappingNode):
        problems.add(node, _("the file must be a mapping"), _("write lines like key: value"))
        problems.raise_if_any()
    return Section(node, "", problems), problems


def _text(path: Path, problems: Problems) -> str:
    try:
        content = path.read_bytes()
        if len(content) > _LARGEST_BYTES:
            raise ValueError
        return content.decode("utf-8-sig")
    except OSError as error:
        raise SettingsError(
            _("cannot read {path}: {reason}").format(path=path, reason=error.strerror),
            _("make a workspace with: quipux-provision init DIR"),
        ) from None
    except ValueError:
        problems.add(None, _("this is not UTF-8 text of less than 1 MB"), _("save the file as UTF-8"))
        problems.raise_if_any()
        raise


class Section:
    """A mapping of the settings; each ``take`` reads one key, :meth:`finish` refuses those nobody took."""

    def __init__(self, node: yaml.Node | None, name: str, problems: Problems) -> None:
        self._name = name
        self._problems = problems
        self._node = node
        self._values: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        self._known: set[str] = set()
        for key, value in node.value if isinstance(node, yaml.MappingNode) else []:
            if not _is(key, "str"):
                self._problems.add(key, _("a key must be text"), _("write lines like key: value"))
            elif key.value in self._values:
                self._problems.add(
                    key,
                    _("{key} stands twice").format(key=self._path(key.value)),
                    _("keep one of them"),
                )
            else:
                self._values[key.value] = (key, value)

    def _path(self, key: str) -> str:
        return f"{self._name}.{key}" if self._name else key

    def problem(self, key: str, message: str, hint: str) -> None:
        """Note a problem at the value of *key*, or at the section when it has none."""
        node = self._values[key][1] if key in self._values else self._node
        self._problems.add(node, f"{self._path(key)}: {message}", hint)

    def node(self, key: str) -> yaml.Node | None:
        """Take the node of *key*; ``key:`` without a value is as if it were not there."""
        self._known.add(key)
        node = self._values[key][1] if key in self._values else None
        return None if node is not None and _is(node, "null") else node

    def text(self, key: str, default: _T, *, required: bool = False) -> str | _T:
        """Take one line of text."""
        node = self.node(key)
        if node is None:
            if required:
                self.problem(key, _("is missing"), _("add {key}").format(key=self._path(key)))
            return default
        if not _is(node, "str") or not node.value.strip() or "\n" in node.value:
            self.problem(key, _("must be one line of text"), _("put the value between quotes"))
            return default
        return str(node.value)

    def choice(self, key: str, choices: tuple[str, ...], default: str, *, required: bool = False) -> str:
        """Take one of *choices*."""
        value = self.text(key, default, required=required)
        if value not in choices:
            self.problem(
                key, _("is not a known value"), _("use one of: {choices}").format(choices=", ".join(choices))
            )
            return default
        return value

    def flag(self, key: str, default: bool) -> bool:
        """Take true or false."""
        node = self.node(key)
        if node is None:
            return default
        if not _is(node, "bool") or node.value.lower() not in ("true", "false"):
            self.problem(key, _("must be true or false"), _("write true or false without quotes"))
            return default
        return bool(node.value.lower() == "true")

    def number(self, key: str, smallest: int, largest: int) -> int | None:
        """Take a whole number within bounds."""
        node = self.node(key)
        if node is None:
            return None
        value = _whole(node)
        if not smallest <= value <= largest:
            self.problem(
                key,
                _("must be a whole number from {smallest} to {largest}").format(
                    smallest=smallest, largest=largest
                ),
                _("write the number without quotes"),
            )
            return None
        return value

    def texts(self, key: str) -> tuple[str, ...] | None:
        """Take a list of texts that is not empty."""
        node = self.node(key)
        if node is None:
            return None
        items = node.value if isinstance(node, yaml.SequenceNode) else []
        if not items or not all(_is(item, "str") and item.value for item in items):
            self.problem(key, _("must be a list of texts"), _("write it like [one, two]"))
            return None
        return tuple(item.value for item in items)

    def numbers(self, key: str, smallest: int, largest: int) -> tuple[int, ...] | None:
        """Take a list of different whole numbers within bounds; it may be empty."""
        node = self.node(key)
        if node is None:
            return None
        items = node.value if isinstance(node, yaml.SequenceNode) else None
        values = [_whole(item) for item in items or ()]
        if (
            items is None
            or len(set(values)) < len(values)
            or any(not smallest <= v <= largest for v in values)
        ):
            self.problem(
                key,
                _("must be a list of different whole numbers from {smallest} to {largest}").format(
                    smallest=smallest, largest=largest
                ),
                _("write it like [2, 1, 0]"),
            )
            return None
        return tuple(values)

    def secret(self, key: str) -> SecretRef | None:
        """Take a reference to a secret; the secret itself is refused."""
        node = self.node(key)
        if node is None:
            return None
        hint = _("write {env: NAME}, {file: PATH} or {command: [program, argument]}")
        if not isinstance(node, yaml.MappingNode):
            self.problem(key, _("a secret must not stand in the settings"), hint)
            return None
        section = self._section(key, node)
        ref = section.secret_form()
        if ref is None:
            self.problem(key, _("must name a secret in exactly one way"), hint)
        return ref

    def secret_form(self) -> SecretRef | None:
        """Read this section itself as a reference; None when it is none."""
        env, file, command = self.text("env", None), self.text("file", None), self.texts("command")
        self.finish()
        if [env, file, command].count(None) != 2:
            return None
        return SecretRef(env=env, file=file, command=command)

    def section(self, key: str) -> Section | None:
        """Take a mapping, None when it is not there."""
        node = self.node(key)
        if node is None:
            return None
        if not isinstance(node, yaml.MappingNode):
            self.problem(key, _("must be a mapping"), _("write its keys below it, indented"))
            return None
        return self._section(key, node)

    def sections(self, key: str, allowed: Callable[[str], bool]) -> Iterator[tuple[str, Section]]:
        """Take a mapping of mappings, whose keys are names that *allowed* accepts."""
        outer = self.section(key)
        if outer is None:
            return
        for name in list(outer._values):
            if not allowed(name):
                outer.problem(name, _("is not a good name"), _("use a-z, 0-9, - and _, a letter first"))
            inner = outer.section(name)
            if inner is not None:
                yield name, inner
            elif outer.node(name) is None:
                outer.problem(name, _("is empty"), _("write its keys below it, indented"))

    def is_mapping(self, key: str) -> bool:
        """Whether *key* is written as a mapping."""
        return key in self._values and isinstance(self._values[key][1], yaml.MappingNode)

    def has(self, key: str) -> bool:
        """Whether *key* is written, and not empty."""
        return key in self._values and not _is(self._values[key][1], "null")

    def finish(self) -> None:
        """Refuse the keys that nobody took."""
        for key, (node, _value) in self._values.items():
            if key not in self._known:
                self._problems.add(
                    node,
                    _("{key} is not a known setting").format(key=self._path(key)),
                    _("use: {keys}").format(keys=", ".join(sorted(self._known))),
                )

    def _section(self, key: str, node: yaml.MappingNode) -> Section:
        return Section(node, self._path(key), self._problems)


def _is(node: yaml.Node, kind: str) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == _TAG + kind


def _whole(node: yaml.Node) -> int:
    """Return the number that *node* is; -1 when it is none."""
    return int(node.value) if _is(node, "int") and re.fullmatch(r"[0-9]{1,9}", node.value) else -1
