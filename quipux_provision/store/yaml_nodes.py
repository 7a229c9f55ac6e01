"""A YAML file as nodes with places: one document of mappings, lists and scalars, and nothing else of YAML.

Scalars are never turned into Python values here, so ``0102030405`` stays those ten characters.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from yaml.composer import Composer
from yaml.resolver import Resolver

from quipux_provision.domain.text import Finding, refused_character, refused_characters, shown
from quipux_provision.i18n import _

SIZE_LIMIT = 64 * 1024
DEPTH_LIMIT = 10
REFUSED_TAG = "tag:quipux-provision,2026:refused"

_Parser: Any
try:
    from yaml._yaml import CParser as _Parser
except ImportError:  # PyYAML without libyaml
    from yaml.parser import Parser
    from yaml.reader import Reader
    from yaml.scanner import Scanner

    class _PureParser(Reader, Scanner, Parser):
        def __init__(self, stream: str) -> None:
            Reader.__init__(self, stream)
            Scanner.__init__(self)
            Parser.__init__(self)

    _Parser = _PureParser


Place = tuple[int, int]
"""Line and column, counted from 1."""

START: Place = (1, 1)


class Spot(NamedTuple):
    """A finding at a place; the field is empty where the file as a whole is meant."""

    at: Place
    field: str
    finding: Finding


def place(mark: Any) -> Place:
    """Return line and column of PyYAML's *mark*, counted from 1."""
    return mark.line + 1, mark.column + 1


def read_text(path: Path) -> tuple[str | None, list[Spot]]:
    """Read *path*, a regular file in UTF-8 without mark; the text is None where it can't be read."""
    try:
        data = _read(path)
    except OSError as error:
        return None, [_at_start(*_explain(error, path))]
    if isinstance(data, Finding):
        return None, [_at_start(*data)]
    utf8 = _("save it as UTF-8 without byte order mark")
    if data.startswith(b"\xef\xbb\xbf"):
        return None, [_at_start("error", _("the file begins with a byte order mark"), utf8)]
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data[:4]:
        return None, [_at_start("error", _("the file is in UTF-16 or UTF-32"), utf8)]
    try:
        return data.decode("utf-8"), []
    except UnicodeDecodeError as error:
        good = data[: error.start].decode("utf-8")
        line, column = good.count("\n") + 1, len(good) - (good.rfind("\n") + 1) + 1
        message = _("byte {byte} is not UTF-8").format(byte=f"0x{data[error.start]:02X}")
        return None, [Spot((line, column), "", Finding("error", message, _("save it as UTF-8, not Latin-1")))]


def _at_start(severity: Any, message: str, hint: str) -> Spot:
    return Spot(START, "", Finding(severity, message, hint))


def _read(path: Path) -> bytes | Finding:
    # Never wait on a pipe, never follow a link that somebody may change between check and use.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(kind):
            return Finding("error", _("is a folder"), _("name the request files in it"))
        if not stat.S_ISREG(kind):
            return Finding("error", _("is no regular file"), _("name a request file"))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(SIZE_LIMIT + 1)
    finally:
        os.close(descriptor)
    if len(data) > SIZE_LIMIT:
        return Finding(
            "error",
            _("the file has more than {limit} KiB").format(limit=SIZE_LIMIT // 1024),
            _("a request is a page of text; put documents beside it"),
        )
    return data


def _explain(error: OSError, path: Path) -> Finding:
    if path.is_symlink():
        return Finding("error", _("is a symbolic link"), _("name the file itself"))
    if isinstance(error, FileNotFoundError):
        return Finding("error", _("there is no such file"), _("check the name"))
    reason = error.strerror or type(error).__name__
    return Finding("error", _("can't be read: {reason}").format(reason=reason), _("check who may read it"))


def compose(text: str) -> tuple[yaml.Node | None, list[Spot]]:
    """Return the one document of *text* as nodes, and all that is wrong with its YAML.

    Refused are characters no text may hold (each with its place), anchors, aliases, tags, directives, a
    second document and deep nesting. The node is None where nothing could be made of the text.
    """
    spots, characters = [], list(text)
    line, start, scanned = 1, 0, 0
    for offset, character in refused_characters(text):
        line += text.count("\n", scanned, offset)
        start = text.rfind("\n", scanned, offset) + 1 or start
        scanned = offset
        spots.append(Spot((line, offset - start + 1), "", refused_character(character)))
        characters[offset] = "\ufffd"  # so that the rest can be read, and found wrong, too
    loader = _Loader("".join(characters))
    try:
        node = loader.single()
    except yaml.MarkedYAMLError as error:
        mark = error.context_mark if "quoted scalar" in (error.context or "") else error.problem_mark
        at = place(mark) if mark else START
        message = _("is no YAML: {problem}").format(problem=shown(error.problem or ""))
        hint = _("check indentation, colons and quotes on this line and the one above")
        loader.spots.append(Spot(at, "", Finding("error", message, hint)))
        node = None
    except _TooDeepError:
        node = None
    finally:
        loader.dispose()
    if node is None and not loader.spots and not spots:
        loader.spots.append(
            _at_start("error", _("the file is empty"), _("write the request; the manual has an example"))
        )
    return node, spots + loader.spots


class _TooDeepError(Exception):
    pass


class _Loader(Composer, _Parser, Resolver):  # type: ignore[misc]
    """PyYAML's composer over its (C) parser, which refuses what could hide or grow."""

    def __init__(self, text: str) -> None:
        _Parser.__init__(self, text)
        Composer.__init__(self)
        Resolver.__init__(self)
        self.spots: list[Spot] = []
        self._depth = 0

    def single(self) -> yaml.Node | None:
        """Compose the only document."""
        self.get_event()
        if self.check_event(yaml.StreamEndEvent):
            return None
        start = self.peek_event()
        if start.version or start.tags:
            self._refuse(start, _("has a YAML directive (%)"), _("take the line out"))
        node = self.compose_document()
        if not self.check_event(yaml.StreamEndEvent):
            self._refuse(self.peek_event(), _("begins a second document"), _("write one request a file"))
        return None if isinstance(node, yaml.ScalarNode) and node.value == "" and not node.style else node

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if self.check_event(yaml.AliasEvent):
            self.get_event()
            self._refuse(event, _("has an alias (*)"), _("write the value itself"))
            return yaml.ScalarNode(REFUSED_TAG, "", event.start_mark, event.end_mark)
        if event.anchor is not None:
            self._refuse(event, _("has an anchor (&)"), _("write the value alone, in each place"))
        if event.tag is not None:
            self._refuse(event, _("has a tag (!)"), _("write the value alone, a text in quotes"))
            event.tag = None
            event.implicit = (True, True) if isinstance(event, yaml.ScalarEvent) else True
        self.anchors.clear()  # nothing refers to one, so a name given twice is no second problem
        self._depth += 1
        if self._depth > DEPTH_LIMIT:
            self._refuse(event, _("is nested too deep"), _("see the manual for the form of a request"))
            raise _TooDeepError
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def _refuse(self, event: Any, message: str, hint: str) -> None:
        self.spots.append(Spot(place(event.start_mark), "", Finding("error", message, hint)))
