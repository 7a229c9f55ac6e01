"""Module storage: folders and logos, also where somebody has laid traps."""

from __future__ import annotations

import base64
import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.functional.modules.conftest import run_module

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
JPG = b"\xff\xd8\xff\xe0" + bytes(20)
YEAR = time.strftime("%Y")


@pytest.fixture
def bodega(tmp_path: Path) -> Path:
    folder = tmp_path / "bodega"
    folder.mkdir()
    return folder


def run(bodega: Path, *items: dict[str, Any], check: bool = False, **options: Any) -> list[dict[str, Any]]:
    answer = run_module(
        "storage", {"bodega": str(bodega), "items": list(items), "_ansible_check_mode": check, **options}
    )
    assert "items" in answer, answer
    assert answer["changed"] == any(result["changed"] for result in answer["items"])
    results: list[dict[str, Any]] = answer["items"]
    return results


def entry(
    number: int = 3, content: bytes | None = None, extension: str = "png", **more: Any
) -> dict[str, Any]:
    logo = None
    if content is not None:
        logo = {"extension": extension, "content_base64": base64.b64encode(content).decode()}
    return {"case": f"case-{number}", "institution_id": number, "area_id": number, "logo": logo, **more}


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_check_make_again(bodega: Path) -> None:
    items = [entry(3, PNG), entry(4, JPG, "jpg"), entry(123456)]
    planned = run(bodega, *items, check=True)
    assert [result["status"] for result in planned] == ["ok", "ok", "ok"]
    assert tree(bodega) == set()
    previous_mask = os.umask(0o077)
    try:
        made = run(bodega, *items)
    finally:
        os.umask(previous_mask)
    assert [result["status"] for result in made] == ["ok", "ok", "ok"]
    assert tree(bodega) >= {
        f"{YEAR}/000003/docs",
        f"{YEAR}/000004/docs",
        f"{YEAR}/123456/docs",
        "logos/3.png",
        "logos/4.jpg",
    }
    assert (bodega / YEAR / "000003" / "docs").stat().st_mode & 0o777 == 0o755
    assert (bodega / "logos" / "3.png").read_bytes() == PNG
    assert (bodega / "logos" / "3.png").stat().st_mode & 0o777 == 0o644
    assert not any(path.startswith("logos/.") for path in tree(bodega))
    for check in (True, False):
        assert [result["changed"] for result in run(bodega, *items, check=check)] == [False, False, False]


def test_next_year_changes_nothing(bodega: Path) -> None:
    (bodega / "2019" / "000003" / "docs").mkdir(parents=True)
    assert run(bodega, entry())[0]["status"] == "unchanged"
    assert run(bodega, entry(year=2020))[0]["paths"] == ["2020", "2020/000003", "2020/000003/docs"]


def test_a_logo_is_replaced(bodega: Path) -> None:
    run(bodega, entry(3, PNG))
    assert run(bodega, entry(3, PNG + b"x"), check=True)[0]["paths"] == ["logos/3.png"]
    assert (bodega / "logos" / "3.png").read_bytes() == PNG
    assert run(bodega, entry(3, PNG + b"x"))[0]["paths"] == ["logos/3.png"]
    assert (bodega / "logos" / "3.png").read_bytes() == PNG + b"x"


@pytest.mark.parametrize(
    "bad",
    [
        entry(3, JPG, "png"),
        entry(3, b"<?php system($_GET[0]);", "png"),
        entry(3, b"GIF89a", "jpg"),
        entry(0),
        entry(1000000),
        entry(-3),
        entry(3, PNG, institution_id=0),
        entry(3, year=11),
        {**entry(3), "logo": {"extension": "png", "content_base64": "%%"}},
    ],
)
def test_refused_and_the_others_done(bodega: Path, bad: dict[str, Any]) -> None:
    results = run(bodega, bad, entry(4))
    assert (results[0]["status"], results[0]["error"]["code"]) == ("refused", "bad_value")
    assert results[1]["status"] == "ok"
    assert not (bodega / "logos" / "3.png").exists()


def test_an_extension_is_one_of_two(bodega: Path) -> None:
    answer = run_module("storage", {"bodega": str(bodega), "items": [entry(3, PNG, "php")]})
    assert answer["failed"]
    answer = run_module("storage", {"bodega": str(bodega), "items": [entry(3, PNG, "png/../../x")]})
    assert answer["failed"]


@pytest.mark.parametrize("where", [YEAR, f"{YEAR}/000003", f"{YEAR}/000003/docs", "logos"])
@pytest.mark.parametrize("kind", ["link", "file"])
def test_no_link_is_followed(bodega: Path, tmp_path: Path, where: str, kind: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    trap = bodega / where
    trap.parent.mkdir(parents=True, exist_ok=True)
    if kind == "link":
        trap.symlink_to(outside)
    else:
        trap.write_text("")
    result = run(bodega, entry(3, PNG))[0]
    assert (result["status"], result["error"]["code"]) == ("failed", "storage_error")
    assert list(outside.iterdir()) == []


def test_a_linked_logo_is_replaced_not_followed(bodega: Path, tmp_path: Path) -> None:
    outside = tmp_path / "passwd"
    outside.write_text("precious")
    (bodega / "logos").mkdir()
    (bodega / "logos" / "3.png").symlink_to(outside)
    assert run(bodega, entry(3, PNG))[0]["status"] == "ok"
    assert outside.read_text() == "precious"
    assert not (bodega / "logos" / "3.png").is_symlink()


def test_the_bodega_itself_may_be_a_link(bodega: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(bodega)
    assert run(tmp_path / "link", entry())[0]["status"] == "ok"
    assert (bodega / YEAR / "000003" / "docs").is_dir()


def test_a_missing_bodega_fails(tmp_path: Path) -> None:
    answer = run_module("storage", {"bodega": str(tmp_path / "none"), "items": [entry()]})
    assert answer["failed"]
    assert answer["msg"].startswith("cannot open the bodega")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give files away")
def test_owner(bodega: Path) -> None:
    options = {"owner": "nobody", "group": "daemon"}
    run(bodega, entry(3, PNG), **options)
    paths = [bodega / YEAR, bodega / YEAR / "000003" / "docs", bodega / "logos", bodega / "logos" / "3.png"]
    assert {(path.owner(), path.group()) for path in paths} == {("nobody", "daemon")}
    os.chown(bodega / YEAR / "000003" / "docs", 0, 0)
    os.chown(bodega / "logos" / "3.png", 0, 0)
    assert run(bodega, entry(3, PNG), **options)[0]["paths"] == [f"{YEAR}/000003/docs", "logos/3.png"]
    assert run(bodega, entry(3, PNG), **options)[0]["status"] == "unchanged"


def test_an_unknown_owner_fails(bodega: Path) -> None:
    answer = run_module(
        "storage", {"bodega": str(bodega), "items": [entry()], "owner": "nobody-of-that-name"}
    )
    assert answer["failed"]
