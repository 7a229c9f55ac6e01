"""Keep the terminal's catalogues: this extracts, updates and compiles; the translator edits the .po.

Run it after a change of the messages in the code, translate what it lists, run it again.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "quipux_provision"
DOMAIN = "quipux_provision"
TEMPLATE = PACKAGE / "locale" / f"{DOMAIN}.pot"
LANGUAGES = ("es",)
KEYWORDS = {"_": None, "ngettext": (1, 2)}


def folder(language: str) -> Path:
    """Return where the catalogue of *language* lies."""
    return TEMPLATE.parent / language / "LC_MESSAGES"


def extract() -> Catalog:
    """Return the messages in the code as a template."""
    template = Catalog(
        project="quipux-provision", version="", copyright_holder="its authors", charset="utf-8"
    )
    if TEMPLATE.exists():  # a template that only got a new date is not news
        template.creation_date = load(TEMPLATE).creation_date
    found = sorted(
        extract_from_dir(PACKAGE, [("**.py", "python")], keywords=KEYWORDS, comment_tags=("Translators:",)),
        key=lambda entry: (entry[0], entry[1]),
    )
    for file, line, message, comments, _context in found:
        template.add(message, locations=[(f"quipux_provision/{file}", line)], auto_comments=comments)
    return template


def _catalogue(language: str | None = None) -> Catalog:
    title = "Spanish messages" if language else "Messages"
    return Catalog(
        language,
        domain=DOMAIN,
        header_comment=f"# {title} of quipux-provision's terminal; see tools/messages.py.",
        project="quipux-provision",
        version="1",
        last_translator="quipux-provision",
        language_team="quipux-provision",
        msgid_bugs_address="quipux-provision",
        fuzzy=False,
    )


def load(path: Path, language: str | None = None) -> Catalog:
    """Return the catalogue at *path*."""
    with path.open("rb") as file:
        return read_po(file, locale=language)


def compiled(catalog: Catalog) -> bytes:
    """Return *catalog* as gettext reads it at run time."""
    buffer = BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def update(language: str, template: Catalog) -> list[str]:
    """Bring the catalogue of *language* up to date and compile it; return what is not translated."""
    path = folder(language) / f"{DOMAIN}.po"
    catalog = load(path, language) if path.exists() else _catalogue(language)
    catalog.update(template, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.revision_date = template.creation_date
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, catalog)
    path.with_suffix(".mo").write_bytes(compiled(catalog))
    return [str(message.id) for message in catalog if message.id and not all(texts(message.string))]


def texts(value: str | tuple[str, ...] | list[str] | None) -> list[str]:
    """Return the singular, or all forms of a plural."""
    return [value or ""] if isinstance(value, str) or value is None else list(value)


def _write(path: Path, catalog: Catalog) -> None:
    with path.open("wb") as file:
        write_po(file, catalog, width=100, include_lineno=False, sort_by_file=True)


def main() -> int:
    """Update all catalogues; exit 1 while a translation is missing."""
    template = extract()
    TEMPLATE.parent.mkdir(parents=True, exist_ok=True)
    _write(TEMPLATE, template)
    missing = [f"{language}: {message}" for language in LANGUAGES for message in update(language, template)]
    print("\n".join([*missing, f"{len(template)} messages, {len(missing)} without translation"]))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
