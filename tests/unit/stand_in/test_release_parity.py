"""The stand-in against the real release: files in the same places, settings of the same names."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.stand_in.archives import FIXES, PAGES, RELEASE_VARIABLE, members

REAL = os.environ.get(RELEASE_VARIABLE)
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not REAL, reason=f"needs {RELEASE_VARIABLE}=FOLDER (the pages of a Quipux release)"),
]
# Ours alone: what our pages share, and a picture.
OWN = {"Administracion/formularios.php", "biblioteca.php", "imagenes/banner.gif"}


@pytest.fixture(scope="module")
def real() -> Path:
    assert REAL
    return Path(REAL)


def test_files_lie_where_the_releases_do(real: Path) -> None:
    assert [name for name in members(PAGES) if name not in OWN and not (real / name).is_file()] == []


def test_what_the_release_does_not_bring_is_not_here_either(real: Path) -> None:
    for name in (
        "config.php",
        "config_title.php",
        "config_replicacion.php",
        "html_a_pdf/config.php",
        "bodega",
    ):
        assert not (PAGES / name).exists()
        assert not (real / name).exists()


@pytest.mark.parametrize(
    "name", ["example.config.php", "example.config_title.php", "html_a_pdf/example.config.php"]
)
def test_settings_have_the_releases_names(real: Path, name: str) -> None:
    ours, theirs = (
        set(re.findall(r"^\s*\$(\w+)\s*=", (folder / name).read_text(encoding="utf-8"), re.MULTILINE))
        for folder in (PAGES, real)
    )
    assert ours
    assert ours <= theirs


def test_the_pdf_service_is_described_alike(real: Path) -> None:
    ours, theirs = (
        re.findall(
            r'<(?:part|operation|soap:operation|soap:address) [^>]*?(?:name|soapAction|location)="([^"]+)"',
            (folder / "html_a_pdf" / "example.html_a_pdf.wsdl").read_text(encoding="utf-8"),
        )
        for folder in (PAGES, real)
    )
    assert ours == theirs


@pytest.mark.parametrize("name", FIXES)
def test_the_fixes_are_in_the_same_words(real: Path, name: str) -> None:
    for folder in (PAGES, real):
        assert FIXES[name] in (folder / name).read_text(encoding="utf-8")


def test_short_tags_split_and_session_checks_are_in_the_same_files(real: Path) -> None:
    for name, text in members(PAGES).items():
        if not name.endswith(".php") or name in OWN:
            continue
        theirs = (real / name).read_bytes()
        for pattern in (rb"<\?(?!php|=|xml)", rb"[^_.\w]split\s*\("):
            if re.search(pattern, text):
                assert re.search(pattern, theirs), (name, pattern)
        if b"rec_session.php" in text:
            assert b"rec_session.php" in theirs, name
