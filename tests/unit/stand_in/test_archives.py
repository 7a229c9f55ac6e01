"""The archives: same input, same bytes; what a release and its dumps consist of."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.stand_in.archives import FIXES, NEXT_MARK, RELEASE_VARIABLE, ArchiveError, archives, sha256


def content(path: Path) -> dict[str, str]:
    with tarfile.open(path) as archive:
        return {
            member.name: archive.extractfile(member).read().decode(errors="replace")  # type: ignore[union-attr]
            for member in archive
            if member.isfile()
        }


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = archives(tmp_path / "a"), archives(tmp_path / "b")
    for name in ("release", "next_release", "sql"):
        assert getattr(first, name).read_bytes() == getattr(second, name).read_bytes()
    assert len({first.release_sha256, first.next_sha256, first.sql_sha256}) == 3
    assert first.release_sha256 == sha256(first.release)


def test_everything_lies_below_one_folder(tmp_path: Path) -> None:
    made = archives(tmp_path)
    for path in (made.release, made.next_release, made.sql):
        with tarfile.open(path) as archive:
            members = archive.getmembers()
            assert len({member.name.split("/")[0] for member in members}) == 1
            assert {(m.uid, m.gid, m.mode, m.mtime) for m in members} == {(0, 0, 0o775, members[0].mtime)}


def test_the_next_version_differs_in_its_readme_and_in_a_page(tmp_path: Path) -> None:
    made = archives(tmp_path)
    before, after = content(made.release), content(made.next_release)
    changed = {name.partition("/")[2] for name in after if after[name] != before.get(name)}
    assert changed == {"README.md", "index.php"}
    assert all(NEXT_MARK in after[f"quipux-comunitario/{name}"] for name in changed)


def test_a_release_without_the_fixes(tmp_path: Path) -> None:
    whole, bare = (content(archives(tmp_path / v, v).release) for v in ("stand_in", "without_fixes"))  # type: ignore[arg-type]
    for name, word in FIXES.items():
        assert word in whole[f"quipux-comunitario/{name}"]
        assert word not in bare[f"quipux-comunitario/{name}"]


def test_the_real_archives_need_the_real_release(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.delenv(RELEASE_VARIABLE, raising=False)
    with pytest.raises(ArchiveError, match=RELEASE_VARIABLE):
        archives(tmp_path, "real")
