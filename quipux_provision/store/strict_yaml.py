"""Request files, read strictly: all problems of a file at once, each with its place."""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import yaml

from quipux_provision.domain.fields import CASE_PATTERN
from quipux_provision.domain.request import Problem, Request, check_together, fill_defaults
from quipux_provision.domain.text import Finding, shown
from quipux_provision.i18n import _
from quipux_provision.store.request_walk import Walk
from quipux_provision.store.yaml_nodes import START, Spot, compose, read_text

PROBLEM_LIMIT = 100
_ECUADOR = timezone(timedelta(hours=-5))  # the mainland; no daylight saving time


def load_requests(paths: Iterable[Path], *, today: date | None = None) -> tuple[list[Request], list[Problem]]:
    """Read several files; besides the problems of each, one case name in two files is an error.

    :return: the requests without an error, in the order of *paths*, and all problems. A file named twice is
        read once.
    """
    requests: dict[str, Request] = {}
    problems: list[Problem] = []
    first_of: dict[tuple[str, str], Path] = {}
    for path in {Path(path).absolute(): Path(path) for path in paths}.values():
        request, found = load_request(path, today=today)
        problems += found
        other = first_of.setdefault(("case", path.stem), path)
        if other != path:
            message = _("the same case is in {other}").format(other=shown(str(other)))
            hint = _("give one of the files another name")
            problems.append(Problem(str(path), *START, "", "error", message, hint))
            requests.pop(path.stem, None)
        elif request:
            requests[path.stem] = request
            for field, value in _identity(request):
                other = first_of.setdefault((field, value), path)
                if other != path:
                    message = _("{value} stands in {other}, too").format(value=value, other=shown(str(other)))
                    hint = _("an institution is one case, and so is a citizen; keep one of the files")
                    problems.append(Problem(str(path), *START, field, "warning", message, hint))
    return list(requests.values()), problems


def _identity(request: Request) -> Iterator[tuple[str, str]]:
    if request.institution:
        yield "institucion.ruc", request.institution.ruc
        yield "institucion.sigla", request.institution.acronym
    if request.citizen:
        yield "ciudadano.cedula", request.citizen.national_id


def load_request(path: Path, *, today: date | None = None) -> tuple[Request | None, list[Problem]]:
    """Read one request file.

    :param today: a letter dated later is warned about; the default is today in Ecuador.
    :return: the request, None if a problem is an error; and all problems in the order of their places.
    """
    source, problems = _load(Path(path), today, Walk.request)
    return (Request.from_source(path.stem, source) if source else None), problems


def load_change(path: Path, *, today: date | None = None) -> tuple[dict[str, Any] | None, list[Problem]]:
    """Read the request of a change of the administrator, as :func:`load_request` reads a request.

    :return: its source, None if a problem is an error: ``oficio``, ``administrador``, ``cambio`` and perhaps
        ``capacitacion``. With ``via`` and ``institucion`` of the case it changes, it makes a
        :class:`Request`.
    """
    return _load(Path(path), today, Walk.change)


def _load(
    path: Path, today: date | None, read: Callable[[Walk, yaml.Node], dict[str, Any]]
) -> tuple[dict[str, Any] | None, list[Problem]]:
    source, spots = _read(path, today or datetime.now(_ECUADOR).date(), read)
    spots.sort(key=lambda spot: spot.at)
    if len(spots) > PROBLEM_LIMIT:
        more = Finding("error", _("more problems than are shown"), _("correct these first"))
        spots[PROBLEM_LIMIT:] = [Spot(spots[PROBLEM_LIMIT].at, "", more)]
    problems = [
        Problem(str(path), *at, field, found.severity, found.message, found.hint)
        for at, field, found in spots
    ]
    if any(problem.severity == "error" for problem in problems):
        return None, problems
    return fill_defaults(source), problems


def _read(
    path: Path, today: date, read: Callable[[Walk, yaml.Node], dict[str, Any]]
) -> tuple[dict[str, Any], list[Spot]]:
    spots = list(_check_name(path))
    text, unreadable = read_text(path)
    spots += unreadable
    if text is None:
        return {}, spots
    node, wrong_yaml = compose(text)
    spots += wrong_yaml
    if node is None:
        return {}, spots
    walk = Walk(characters_reported=any(not spot.field for spot in wrong_yaml))
    source = read(walk, node)
    for field, finding in check_together(source, today):
        walk.report(walk.nearest_place(field), field, finding)
    for field, finding in _check_attachment(path.parent, source.get("oficio", {})):
        walk.report(walk.nearest_place(field), field, finding)
    return source, spots + walk.spots


def _check_name(path: Path) -> Iterator[Spot]:
    if path.suffix not in {".yml", ".yaml"} or not re.fullmatch(CASE_PATTERN, path.stem):
        message = _("a request can't have this file name, which names its case")
        hint = _("name it with a to z, 0 to 9 and hyphens, 63 at most, and .yml, such as inej.yml")
        yield Spot(START, "", Finding("error", message, hint))


def _check_attachment(folder: Path, letter: dict[str, Any]) -> Iterator[tuple[str, Finding]]:
    """Check that the letter's file is there, below the folder of the request, and has its digest."""
    if not (name := letter.get("archivo")):
        return
    folder = folder.resolve()
    try:
        file = (folder / name).resolve()
        if not file.is_relative_to(folder):
            message = _("leads out of the folder of the request")
            yield "oficio.archivo", Finding("error", message, _("put the file itself beside the request"))
            return
        if not stat.S_ISREG(file.stat().st_mode):
            yield "oficio.archivo", Finding("error", _("is no regular file"), _("name the signed letter"))
            return
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
        reason = getattr(error, "strerror", None) or type(error).__name__
        message = _("{file} can't be read: {reason}").format(file=shown(name), reason=reason)
        hint = _("put it beside the request, or take the line out")
        yield "oficio.archivo", Finding("error", message, hint)
        return
    if digest != letter.get("sha256", digest):
        message = _("is not the digest of {file}").format(file=shown(name))
        hint = _("check that it is the right file; its digest is {digest}").format(digest=digest)
        yield "oficio.sha256", Finding("error", message, hint)
