"""Debian's LibreOffice and Poppler, installed if missing: what an AIQ opens, saves and prints with."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.browser.chromium import install


def resave(source: Path, folder: Path, kind: str = "xlsx") -> Path:
    """Open *source* in LibreOffice Calc, save it into *folder* as *kind* (extension, or ``ext:filter``)."""
    install("soffice", "libreoffice-calc-nogui", "fonts-liberation")
    profile = folder / "profile"  # LibreOffice lets one process at a time use a profile
    folder.mkdir(parents=True, exist_ok=True)
    command = ["soffice", "--headless", f"-env:UserInstallation={profile.as_uri()}", "--convert-to", kind]
    done = subprocess.run(
        [*command, "--outdir", str(folder), str(source)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    target = folder / f"{source.stem}.{kind.partition(':')[0]}"
    assert target.exists(), done.stdout + done.stderr
    return target


def pages(pdf: Path) -> list[str]:
    """Text of each page of a PDF."""
    install("pdftotext", "poppler-utils")
    done = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, text=True, check=True)
    return done.stdout.split("\f")[:-1]


def pictures(pdf: Path, stem: Path) -> None:
    """Keep each page of a PDF as ``STEM-N.png``."""
    install("pdftoppm", "poppler-utils")
    stem.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["pdftoppm", "-r", "90", "-png", str(pdf), str(stem)], check=True)
