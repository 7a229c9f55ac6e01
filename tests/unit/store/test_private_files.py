"""Files that we write where somebody told us to, and read from where somebody told us to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from quipux_provision.errors import UsageError
from quipux_provision.store.files import read_limited, write_private

PAGE = b"<!DOCTYPE html><title>Certificado</title>"


def test_a_page_replaces_a_page_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "papeles" / "certificado.html"
    write_private(target, PAGE)
    write_private(target, PAGE + b" otra vez", again=True)
    assert target.read_bytes().endswith(b"otra vez")
    assert (target.stat().st_mode & 0o777, target.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize(
    "content", [b"SQLite format 3\0", b"-----BEGIN OPENSSH PRIVATE KEY-----", b"ledger: x"]
)
def test_what_is_something_else_stays(tmp_path: Path, content: bytes) -> None:
    target = tmp_path / "ajeno"
    target.write_bytes(content)
    with pytest.raises(UsageError, match="something else"):
        write_private(target, PAGE, again=True)
    assert target.read_bytes() == content


def test_a_dossier_is_not_written_over(tmp_path: Path) -> None:
    target = tmp_path / "expediente.zip"
    write_private(target, b"PK completo")
    (tmp_path / "roto").symlink_to(tmp_path / "no-hay")
    for path in (target, tmp_path / "roto", tmp_path):
        with pytest.raises(UsageError, match="is there already"):
            write_private(path, b"PK sin datos")
    assert target.read_bytes() == b"PK completo"
    assert not (tmp_path / "no-hay").exists()


def test_links_pipes_and_devices_stay(tmp_path: Path) -> None:
    (tmp_path / "otro").write_bytes(PAGE)
    (tmp_path / "enlace").symlink_to(tmp_path / "otro")
    (tmp_path / "roto").symlink_to(tmp_path / "no-hay")
    os.mkfifo(tmp_path / "tubo")
    for name in ("enlace", "roto", "tubo", "."):
        with pytest.raises(UsageError):
            write_private(tmp_path / name, PAGE)
    assert (tmp_path / "enlace").is_symlink()
    assert not (tmp_path / "no-hay").exists()
    assert (tmp_path / "otro").read_bytes() == PAGE


def test_reading_waits_for_nobody_and_takes_no_more_than_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "tubo")
    (tmp_path / "exacto").write_bytes(b"0123456789")
    (tmp_path / "uno-mas").write_bytes(b"0123456789X")
    for name in ("tubo", "uno-mas", ".", "no-hay"):
        with pytest.raises(UsageError):
            read_limited(tmp_path / name, 10)
    with pytest.raises(UsageError, match="not a file"):
        read_limited(Path("/dev/zero"), 10)
    assert read_limited(tmp_path / "exacto", 10) == b"0123456789"
