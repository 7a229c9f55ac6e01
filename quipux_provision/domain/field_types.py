"""What a key of a request can be, how it is checked, and what the JSON Schema says of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePosixPath
from typing import Any, Literal

from quipux_provision.domain import identifiers as ids
from quipux_provision.domain.text import TEXT_PATTERN, Finding, canonical_text, check_text
from quipux_provision.i18n import _

CASE_PATTERN = "^[a-z0-9][a-z0-9-]{0,62}$"
DATE_PATTERN = "^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$"
PATH_PATTERN = r"^(?!/)(?!(?:.*/)?\.\.?(?:/|$))(?!.*//)" + TEXT_PATTERN.removeprefix("^")
ENVIRONMENT_PATTERN = "^[a-z][a-z0-9_-]{0,62}$"
HOURS_MAXIMUM = 24

Kind = Literal["text", "code", "identifier", "choice", "date", "number", "boolean"]


@dataclass(frozen=True, kw_only=True)
class Scalar:
    """A key with one value.

    :param kind: *text* becomes NFC and trimmed, *code* stands as typed, *identifier* is a code in quotes.
    :param limit: most characters: the narrowest database column the value is written to, or a sane bound.
    :param form_limit: most characters that Quipux's web form can type, where the column takes more.
    :param pattern: the same rule as *check*, as far as a JSON Schema can say it.
    :param canonical: makes the one form that is kept and digested out of a checked value.
    """

    about: str
    kind: Kind = "text"
    required: bool = True
    limit: int | None = None
    form_limit: int | None = None
    pattern: str | None = None
    choices: tuple[str, ...] = ()
    default: str | None = None
    check: Callable[[str], Iterator[Finding]] = check_text
    canonical: Callable[[str], str] = str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Section:
    """A key with keys below it.

    :param depends: a key that makes no sense without another -> that other.
    """

    about: str
    fields: Mapping[str, Scalar | Section | Listing]
    required: bool = True
    depends: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A key with a list of sections."""

    about: str
    item: Section
    limit: int = 100
    required: bool = False


Node = Scalar | Section | Listing


def check_date(value: str) -> Iterator[Finding]:
    """Check an ISO date."""
    try:
        valid = bool(re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value)) and bool(date.fromisoformat(value))
    except ValueError:
        valid = False
    if not valid:
        yield Finding("error", _("is no date of the calendar"), _("write year-month-day, such as 2026-11-03"))


def check_environment(value: str) -> Iterator[Finding]:
    """Check the name of an environment of the settings."""
    if not re.fullmatch(ENVIRONMENT_PATTERN, value):
        yield Finding("error", _("is no name of an environment"), _("write one of the settings file"))


def check_path(value: str) -> Iterator[Finding]:
    """Check a path below the request's own folder."""
    yield from check_text(value)
    path = PurePosixPath(value)
    if path.is_absolute() or str(path) != value or ".." in path.parts or value == ".":
        yield Finding(
            "error",
            _("does not lie below the folder of the request"),
            _("put the file beside the request and write its name, such as oficio.pdf"),
        )


def text(about: str, limit: int, **more: Any) -> Scalar:
    """Return the key of a text, which becomes NFC and trimmed."""
    return Scalar(about=about, limit=limit, pattern=TEXT_PATTERN, canonical=canonical_text, **more)


def choice(about: str, *choices: str, **more: Any) -> Scalar:
    """Return the key of one of *choices*."""
    return Scalar(about=about, kind="choice", choices=choices, **more)


def day(about: str) -> Scalar:
    """Return the key of an ISO date."""
    return Scalar(about=about, kind="date", pattern=DATE_PATTERN, check=check_date, examples=("2026-11-03",))


def national_id(about: str) -> Scalar:
    """Return the key of a cédula."""
    return Scalar(
        about=f"{about}, 10 dígitos, entre comillas.",
        kind="identifier",
        pattern=ids.NATIONAL_ID_PATTERN,
        check=ids.check_national_id,
        examples=("2405999992",),
    )


def mobile(about: str) -> Scalar:
    """Return the key of a mobile number."""
    return Scalar(
        about=about,
        kind="identifier",
        pattern=ids.MOBILE_PATTERN,
        check=ids.check_mobile,
        canonical=ids.phone_to_e164,
        examples=("0991234567",),
    )


def email(about: str, limit: int | None = None, **more: Any) -> Scalar:
    """Return the key of one e-mail address."""
    return Scalar(
        about=about, kind="code", limit=limit, pattern=ids.EMAIL_PATTERN, check=ids.check_email, **more
    )


def phone(about: str) -> Scalar:
    """Return the key of a telephone number of Ecuador."""
    return Scalar(
        about=f"{about} Entre comillas; se acepta 02 2999999, (02) 299-9999 o +593 2 299 9999.",
        kind="identifier",
        pattern=ids.PHONE_PATTERN,
        check=ids.check_phone,
        canonical=ids.phone_to_e164,
        examples=("02 2999999",),
    )


def file(about: str, example: str, *, required: bool) -> dict[str, Scalar]:
    """Return the two keys of a file beside the request: its path and its digest."""
    return {
        "archivo": Scalar(
            about=f"{about}, como archivo junto a la solicitud: ruta relativa, sin «..».",
            required=required,
            limit=255,
            pattern=PATH_PATTERN,
            check=check_path,
            canonical=canonical_text,
            examples=(example,),
        ),
        "sha256": Scalar(
            about="SHA-256 del archivo: lo que imprime sha256sum.",
            kind="code",
            required=required,
            pattern=ids.SHA256_PATTERN,
            check=ids.check_sha256,
        ),
    }
