"""Terminal language: English in the source, catalogues in ``locale/``, chosen by ``--lang`` or the locale."""

from __future__ import annotations

import gettext
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_DOMAIN = "quipux_provision"
_DIRECTORY = Path(__file__).parent / "locale"


class _Language:
    translations: gettext.NullTranslations = gettext.NullTranslations()


def activate(language: str | None = None, environ: Mapping[str, str] = os.environ) -> None:
    """Choose the language of all following messages: *language*, else the locale of *environ*."""
    languages = [language] if language else _from_environment(environ)
    # argparse asks the process-wide domain for its own words.
    gettext.bindtextdomain(_DOMAIN, _DIRECTORY)
    gettext.textdomain(_DOMAIN)
    if language:
        os.environ["LANGUAGE"] = language
    _Language.translations = gettext.translation(_DOMAIN, _DIRECTORY, languages=languages, fallback=True)


def _from_environment(environ: Mapping[str, str]) -> list[str]:
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environ.get(name):
            return value.split(":")
    return []


def _(message: str) -> str:
    """Translate *message*."""
    return _Language.translations.gettext(message)


def ngettext(singular: str, plural: str, count: int) -> str:
    """Translate with the plural form that fits *count*."""
    return _Language.translations.ngettext(singular, plural, count)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Say everything inside the block in *language*, whatever the terminal's is."""
    before = _Language.translations
    _Language.translations = gettext.translation(_DOMAIN, _DIRECTORY, languages=[language], fallback=True)
    try:
        yield
    finally:
        _Language.translations = before
