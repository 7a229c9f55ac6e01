"""Request files that ``adopt`` writes, and drafts beside them where the database does not say enough."""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from quipux_provision.domain.request import Problem, Request
from quipux_provision.domain.text import REFUSED_RANGES, shown
from quipux_provision.errors import UsageError
from quipux_provision.i18n import _
from quipux_provision.store.files import write_new
from quipux_provision.store.strict_yaml import load_request
from quipux_provision.store.yaml_nodes import read_text

FOLDER = "requests"
DRAFT = ".yml.borrador"  # no loader takes it for a request

Source = Mapping[str, Mapping[str, str] | str]

_HEADING = "# Solicitud tomada de Quipux por «quipux-provision adopt»: ambiente {}, institución {}."
_MARK = re.compile(
    "^" + re.escape(_HEADING).replace(r"\{\}", "([a-z0-9_-]+)", 1).replace(r"\{\}", "([0-9]+)")
)
_PLAIN = ("adopcion.fecha",)
_ESCAPED = re.compile(f'["\\\\{REFUSED_RANGES}\ud800-\udfff\U000e0000-\U000e0fff\U000f0000-\U0010ffff]')


@dataclass(frozen=True)
class Kept:
    """A file of the workspace that is about an institution of the environment.

    :param draft: whether somebody still has to complete it.
    :param request: what it says, None for a draft and where a problem is an error.
    :param mark: number of the institution that it was written from.
    """

    path: Path
    draft: bool
    mark: int | None
    request: Request | None
    problems: Sequence[Problem]


def text_of(source: Source, environment: str, institution: int, todo: Mapping[str, Sequence[str]]) -> str:
    """Return the request as YAML, every text in quotes.

    :param todo: by field, what a person has to do there; each line is put above the field as a comment.
    """
    lines = [_HEADING.format(environment, institution)]
    if todo:
        lines += [
            "# Falta completarla: corrija lo que señala cada línea «COMPLETAR», guárdela con la terminación",
            f"# .yml en lugar de {DRAFT} y repita quipux-provision adopt. En Quipux no cambia nada.",
        ]
    for section, values in source.items():
        if isinstance(values, str):
            lines += [*_comments("", todo.get(section)), f"{section}: {quoted(values)}"]
            continue
        lines += [*_comments("", todo.get(section)), f"{section}:"]
        for key, value in values.items():
            field = f"{section}.{key}"
            written = value if field in _PLAIN else quoted(value)
            lines += [*_comments("  ", todo.get(field)), f"  {key}: {written}"]
    return "\n".join(lines) + "\n"


def _comments(indent: str, texts: Sequence[str] | None) -> Iterator[str]:
    for text in texts or ():
        yield f"{indent}# COMPLETAR: {_ESCAPED.sub(lambda match: shown(match[0]), text)}"


def quoted(value: str) -> str:
    """Return *value* as a double-quoted scalar of YAML, whatever it holds."""
    return '"' + _ESCAPED.sub(_escape, value) + '"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    return f"\\{character}" if character in '"\\' else f"\\U{ord(character):08X}"


def judge(text: str, name: str) -> tuple[Request | None, list[Problem]]:
    """Judge *text* as strictly as a request file called *name* is read."""
    return load_request(Path(FOLDER) / f"{name}.yml", text=text)


def taken(root: Path) -> set[str]:
    """Return the names that files of the workspace have, drafts included."""
    return {path.name.split(".")[0] for path in (root / FOLDER).glob("*.y*ml*")}


def kept(root: Path, environment: str, known: Container[str]) -> list[Kept]:
    """Return the files of earlier calls, those of *known* cases left out, in the order of their names."""
    paths = (path for path in sorted((root / FOLDER).glob("*.y*ml*")) if path.stem not in known)
    found = (read(path, environment) for path in paths)
    return [one for one in found if one]


def read(path: Path, environment: str) -> Kept | None:
    """Return what the file at *path* is to ``adopt`` in *environment*; None where it is nothing to it."""
    draft = path.name.endswith(DRAFT)
    if not draft and path.suffix not in (".yml", ".yaml"):
        return None
    text, _unreadable = read_text(path)
    if text is None or "adopcion" not in text:
        return None
    mark = _MARK.match(text)
    number = int(mark[2]) if mark and mark[1] == environment else None
    request, problems = (None, []) if draft else load_request(path)
    if request and (request.adoption is None or request.adoption.environment != environment):
        return None
    if request is None and number is None:
        return None
    shown_path = f"{FOLDER}/{path.name}"
    return Kept(path, draft, number, request, [replace(problem, file=shown_path) for problem in problems])


def write(root: Path, name: str, text: str, *, draft: bool) -> bool:
    """Write a request or a draft, whole; say whether it was written: what stands there is never touched.

    :raises UsageError: it can't be written.
    """
    path = root / FOLDER / (f"{name}{DRAFT}" if draft else f"{name}.yml")
    try:
        path.parent.mkdir(exist_ok=True)
        return write_new(path, text.encode("utf-8"), 0o600)
    except OSError as error:
        raise UsageError(
            _("{path} cannot be written: {reason}").format(path=path, reason=os.strerror(error.errno or 0)),
            _("make room, or let yourself write in {folder}").format(folder=FOLDER),
        ) from None
