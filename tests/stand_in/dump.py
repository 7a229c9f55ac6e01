"""The stand-in's layouts in the form of the release's SQL dumps: an old pg_dump, no owners, no grants.

As with the release's, who loads them as the databases' owner, no superuser, meets three errors in the first
and one in the second, all of them about extensions that nobody uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

LAYOUT = Path(__file__).parent / "sql" / "stand_in"
NOT_DUMPS = Path(__file__).parent / "sql" / "beside_the_dumps"  # prose and pieces; not to be loaded
PREAMBLE = """--
-- PostgreSQL database dump
--

-- Dumped from database version 9.1.3
-- Dumped by pg_dump version 9.1.3

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET check_function_bodies = false;
SET client_min_messages = warning;

"""
ENDING = """--
-- PostgreSQL database dump complete
--

"""
# Name, schema, words about it.
EXTENSIONS = {
    "plpgsql": ("pg_catalog", "lenguaje de procedimientos"),
    "pg_buffercache": ("public", "lo que hay en la memoria compartida"),
    "pg_trgm": ("public", "parecido de textos por trigramas"),
    "unaccent": ("public", "textos sin tildes"),
}


def dumps() -> dict[str, bytes]:
    """Both dumps by file name: quipux.sql and quipux_bodega.sql."""
    files = sorted(LAYOUT.glob("*.sql"))
    main = [path for path in files if path.stem != "store"]
    return {
        "quipux.sql": _dump(EXTENSIONS, main).encode(),
        "quipux_bodega.sql": _dump(["plpgsql"], [LAYOUT / "store.sql"]).encode(),
    }


def _dump(extensions: Iterable[str], layouts: list[Path]) -> str:
    sections = [section for name in extensions for section in _extension(name)]
    sections.append("SET search_path = public, pg_catalog;")
    for path in layouts:
        sections += [s for s in statements(path.read_text(encoding="utf-8")) if "CREATE EXTENSION" not in s]
    numbered = (f"--\n-- TOC entry {number}\n--\n\n{text}\n\n\n" for number, text in enumerate(sections, 161))
    return PREAMBLE + "".join(numbered) + ENDING


def _extension(name: str) -> tuple[str, str]:
    schema, comment = EXTENSIONS[name]
    return (
        f"CREATE EXTENSION IF NOT EXISTS {name} WITH SCHEMA {schema};",
        f"COMMENT ON EXTENSION {name} IS '{comment}';",
    )


def statements(text: str) -> Iterator[str]:
    """The statements of a layout with the comments before them; each ends where a line does, outside $$."""
    lines: list[str] = []
    for line in text.splitlines():
        lines.append(line)
        if line.endswith(";") and "\n".join(lines).count("$$") % 2 == 0:
            yield "\n".join(lines).strip()
            lines = []
