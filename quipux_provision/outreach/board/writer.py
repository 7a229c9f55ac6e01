"""Write the site: a new folder beside the old one, then the two change places."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quipux_provision.domain.approval import format_time
from quipux_provision.domain.clock import local_date, spanish_date
from quipux_provision.errors import UsageError
from quipux_provision.i18n import _
from quipux_provision.outreach.board import words
from quipux_provision.outreach.board.charts import bars, countdown_marks, share
from quipux_provision.outreach.board.content import Board
from quipux_provision.outreach.board.sections import grouped, tiles

if TYPE_CHECKING:
    from jinja2 import Environment

INDEX = "index.html"
# Stands in the first lines of our index: what tells a board from a folder that is somebody's own.
_MARK = '<meta name="generator" content="quipux-provision board">'
_PAGE = re.compile(r"caso-[A-Za-z0-9._-]+\.html")
_CASE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_TEMPLATES = Path(__file__).parent / "templates"


class BoardRefused(UsageError):
    """The board cannot be written where it was asked for."""


def page_name(case: str) -> str:
    """Return the file name of a case's page; safe whatever the case is called."""
    safe = case if _CASE.fullmatch(case) else hashlib.sha256(case.encode("utf-8", "replace")).hexdigest()[:32]
    return f"caso-{safe}.html"


def write(board: Board, target: Path) -> Path:
    """Write the site into the folder *target* (0700, files 0600) and return its index.

    An earlier board there is replaced as a whole; until then it stays as it is.

    :raises BoardRefused: *target* holds something else, or cannot be written.
    """
    target = target.resolve()
    pages = _render(board)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target):
            _refuse_foreign(target)
            _replace(target, pages)
    except OSError as error:
        raise BoardRefused(
            _("cannot write the board to {path}: {reason}").format(path=target, reason=error.strerror),
            _("name a folder that you may write: --output DIR"),
        ) from None
    return target / INDEX


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    # A lock on the folder above: two runs at once write one after the other.
    descriptor = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_foreign(target: Path) -> None:
    if not target.exists():
        return
    ours = target.is_dir()
    names = sorted(path.name for path in target.iterdir()) if ours else []
    if ours and names:
        ours = all(name == INDEX or _PAGE.fullmatch(name) for name in names) and _is_board(target / INDEX)
    if not ours:
        raise BoardRefused(
            _("{path} holds something else than a board").format(path=target),
            _("name a new or empty folder: --output DIR"),
        )


def _is_board(index: Path) -> bool:
    try:
        return _MARK in index.read_text("utf-8")[:1000]
    except (OSError, UnicodeDecodeError):
        return False


def _replace(target: Path, pages: dict[str, str]) -> None:
    prefix = f".{target.name}-"
    for left in target.parent.glob(f"{prefix}????????.board"):
        shutil.rmtree(left)  # of a run that died
    fresh = Path(tempfile.mkdtemp(dir=target.parent, prefix=prefix, suffix=".board"))  # 0700 by mkdtemp
    try:
        for name, text in pages.items():
            _write_file(fresh / name, text)
        if target.exists():
            old = Path(tempfile.mkdtemp(dir=target.parent, prefix=prefix, suffix=".board"))
            target.replace(old)
            fresh.replace(target)
            shutil.rmtree(old)
        else:
            fresh.replace(target)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def _write_file(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode("utf-8"))
        if path.name == INDEX:  # by it the next run knows its own; pages can be made anew at any time
            file.flush()
            os.fsync(file.fileno())


def _render(board: Board) -> dict[str, str]:
    templates = _templates()
    style = (_TEMPLATES / "style.css").read_text("utf-8")
    fingerprint = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")

    def day(moment: datetime) -> str:
        local = moment.astimezone(board.zone)
        return f"{local.day} {words.MONTHS[local.month - 1]} {local.year}"

    def when(moment: datetime) -> str:
        return f"{day(moment)}, {moment.astimezone(board.zone):%H:%M}"

    values: dict[str, Any] = {
        "board": board,
        "style": style,
        "style_sha256": fingerprint,
        "index": INDEX,
        "words": words,
        "when": when,
        "day": day,
        "iso": format_time,
        "long_day": lambda moment: spanish_date(local_date(moment, board.zone)),
        "between": lambda start, end: (local_date(end, board.zone) - local_date(start, board.zone)).days,
        "marks": countdown_marks,
        "share": share,
    }
    groups = grouped(board)
    months = bars(board.months)
    index = templates.get_template("index.html.j2")
    page = templates.get_template("case.html.j2")
    rendered = {INDEX: index.render(values, groups=groups, tiles=tiles(board), bars=months)}
    for case in board.cases:
        rendered[case.file] = page.render(values, case=case)
    return rendered


def _visible(value: Any) -> Any:
    """Return a text without what drives or reorders the text around it; markup of ours as it is."""
    if isinstance(value, str) and not value.isprintable() and not hasattr(value, "__html__"):
        return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in value)
    return value


@cache
def _templates() -> Environment:
    # Imported here: most commands write no board, and must start fast.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        finalize=_visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
