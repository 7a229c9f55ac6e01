"""Module citizen_storage: agreements in their place, also where somebody has laid traps."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.functional.modules.citizens import AGREEMENT, SHA
from tests.functional.modules.conftest import run_module

NAME = "ciudadanos/7_acuerdo.pdf.p7m"


@pytest.fixture
def bodega(tmp_path: Path) -> Path:
    folder = tmp_path / "bodega"
    folder.mkdir()
    return folder


def run(bodega: Path, content: bytes | None = AGREEMENT, check: bool = False, **more: Any) -> dict[str, Any]:
    item = {"case": "one", "citizen": 7, "sha256": SHA, **more}
    if content is not None:
        item["content_base64"] = base64.b64encode(content).decode()
    answer = run_module(
        "citizen_storage", {"bodega": str(bodega), "items": [item], "_ansible_check_mode": check}
    )
    assert "files" in answer, answer
    (result,) = answer["files"]
    assert answer["changed"] == bool(result["paths"])
    assert base64.b64encode(AGREEMENT).decode() not in str(answer)
    return dict(result)


def code(result: dict[str, Any]) -> str | None:
    return (result["error"] or {}).get("code")


def test_check_make_again(bodega: Path) -> None:
    assert run(bodega, check=True)["status"] == "ok"
    assert list(bodega.iterdir()) == []
    assert run(bodega, check=True, citizen=None)["paths"] == ["ciudadanos/?_acuerdo.pdf.p7m"]
    assert run(bodega)["paths"] == ["ciudadanos", NAME]
    path = bodega / NAME
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (AGREEMENT, 0o640)
    assert path.parent.stat().st_mode & 0o777 == 0o750
    for check in (True, False):
        assert run(bodega, check=check)["status"] == "unchanged"
    assert run(bodega, content=None)["status"] == "unchanged"


def test_everybody_could_read_it(bodega: Path) -> None:
    run(bodega)
    (bodega / NAME).chmod(0o644)
    assert run(bodega)["paths"] == [NAME]
    assert (bodega / NAME).stat().st_mode & 0o777 == 0o640


def test_replaced_whole(bodega: Path) -> None:
    run(bodega)
    with (bodega / NAME).open("rb") as reader:
        other = b"signed anew"
        result = run(bodega, other, sha256=hashlib.sha256(other).hexdigest())
        assert result["paths"] == [NAME]
        assert reader.read() == AGREEMENT
    assert (bodega / NAME).read_bytes() == other


def test_no_link_is_followed(bodega: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(AGREEMENT)
    (bodega / "ciudadanos").mkdir()
    (bodega / NAME).symlink_to(target)
    assert code(run(bodega, content=None)) == "agreement_missing"
    assert run(bodega, check=True)["status"] == "ok"
    target.write_bytes(b"untouched")
    assert run(bodega)["status"] == "ok"
    assert not (bodega / NAME).is_symlink()
    assert target.read_bytes() == b"untouched"


def test_a_folder_that_is_a_link(bodega: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (bodega / "ciudadanos").symlink_to(tmp_path / "elsewhere")
    assert code(run(bodega)) == "storage_error"
    assert code(run(bodega, content=None)) == "agreement_missing"
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("content", [b"other", b"", b"0" * (5 * 1024 * 1024 + 1)])
def test_another_content_than_its_digest(bodega: Path, content: bytes) -> None:
    assert code(run(bodega, content)) == "agreement_differs"
    assert list(bodega.iterdir()) == []


def test_too_large(bodega: Path) -> None:
    content = b"0" * (5 * 1024 * 1024 + 1)
    assert code(run(bodega, content, sha256=hashlib.sha256(content).hexdigest())) == "agreement_differs"


def test_demanded(bodega: Path) -> None:
    assert code(run(bodega, content=None)) == "agreement_missing"
    run(bodega)
    (bodega / NAME).write_bytes(b"other")
    assert code(run(bodega, content=None)) == "agreement_differs"


def test_what_a_killed_run_left_is_removed(bodega: Path) -> None:
    (bodega / "ciudadanos").mkdir()
    (bodega / "ciudadanos" / ".7_acuerdo.pdf.p7m.0123456789abcdef").write_bytes(b"half")
    (bodega / "ciudadanos" / ".77_acuerdo.pdf.p7m.0123456789abcdef").write_bytes(b"another's")
    run(bodega)
    assert {path.name for path in (bodega / "ciudadanos").iterdir()} == {
        "7_acuerdo.pdf.p7m",
        ".77_acuerdo.pdf.p7m.0123456789abcdef",
    }


def test_no_number_and_no_content(bodega: Path) -> None:
    for number in (None, 0, -1):
        assert code(run(bodega, citizen=number)) == "bad_value"
    told = {"code": "agreement_missing", "message": "cannot read it", "hint": "put it there"}
    assert run(bodega, error=told)["error"] == told
    assert list(bodega.iterdir()) == []
