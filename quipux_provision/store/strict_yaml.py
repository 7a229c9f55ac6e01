"""Request files, read strictly: all problems of a file at once, each with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import yaml

from quipux_provision.domain.field_types import CASE_PATTERN
from quipux_provision.domain.request import Problem, Request, check_together, fill_defaults
from quipux_provision.domain.text import Finding, shown
from quipux_provision.i18n import _
from quipux_provision.store.attachments import check_letter, read_signed
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


def load_request(
    path: Path, *, today: date | None = None, text: str | None = None
) -> tuple[Request | None, list[Problem]]:
    """Read one request file.

    :param today: a letter dated later is warned about; the default is today in Ecuador.
    :param text: what the file would hold, before it is written.
    :return: the request, None if a problem is an error; and all problems in the order of their places.
    """
    source, agreement, problems = _load(Path(path), today, Walk.request, text)
    if source is None:
        return None, problems
    request = Request.from_source(Path(path).stem, source)
    if request.agreement:
        request = replace(request, agreement=replace(request.agreement, content=agreement))
    return request, problems


def load_change(path: Path, *, today: date | None = None) -> tuple[dict[str, Any] | None, list[Problem]]:
    """Read the request of a change of the administrator, as :func:`load_request` reads a request.

    :return: its source, None if a problem is an error: ``oficio``, ``administrador``, ``cambio`` and perhaps
        ``capacitacion``. With ``via`` and ``institucion`` of the case it changes, it makes a
        :class:`Request`.
    """
    source, _agreement, problems = _load(Path(path), today, Walk.change)
    return source, problems


def _load(
    path: Path,
    today: date | None,
    read: Callable[[Walk, yaml.Node], dict[str, Any]],
    text: str | None = None,
) -> tuple[dict[str, Any] | None, bytes | None, list[Problem]]:
    """Return the source, None if a problem is an error; a citizen's agreement; and all problems."""
    source, agreement, spots = _read(path, today or datetime.now(_ECUADOR).date(), read, text)
    spots.sort(key=lambda spot: spot.at)
    if len(spots) > PROBLEM_LIMIT:
        more = Finding("error", _("more problems than are shown"), _("correct these first"))
        spots[PROBLEM_LIMIT:] = [Spot(spots[PROBLEM_LIMIT].at, "", more)]
    problems = [
        Problem(str(path), *at, field, found.severity, found.message, found.hint)
        for at, field, found in spots
    ]
    if any(problem.severity == "error" for problem in problems):
        return None, None, problems
    return fill_defaults(source), agreement, problems


def _read(
    path: Path, today: date, read: Callable[[Walk, yaml.Node], dict[str, Any]], text: str | None
) -> tuple[dict[str, Any], bytes | None, list[Spot]]:
    spots = list(_check_name(path))
    if text is None:
        text, unreadable = read_text(path)
        spots += unreadable
    if text is None:
        return {}, None, spots
    node, wrong_yaml = compose(text)
    spots += wrong_yaml
    if node is None:
        return {}, None, spots
    walk = Walk(characters_reported=any(not spot.field for spot in wrong_yaml))
    source = read(walk, node)
    letter = check_letter(path.parent, source.get("oficio", {}))
    signed = read_signed(path.parent, source, today)
    for field, finding in (*check_together(source, today), *letter, *signed.findings):
        walk.report(walk.nearest_place(field), field, finding)
    return source, signed.content, spots + walk.spots


def _check_name(path: Path) -> Iterator[Spot]:
    if path.suffix not in {".yml", ".yaml"} or not re.fullmatch(CASE_PATTERN, path.stem):
        message = _("a request can't have this file name, which names its case")
        hint = _("name it with a to z, 0 to 9 and hyphens, 63 at most, and .yml, such as inej.yml")
        yield Spot(START, "", Finding("error", message, hint))
