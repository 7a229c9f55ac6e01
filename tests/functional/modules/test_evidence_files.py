"""Logos and letterheads on the application host, and the playbook and the driver that put all together."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quipux.provision.plugins.module_utils._evidence_checks import IDS

from quipux_provision.ansible.run import Run, execute
from tests.functional.modules.conftest import Quipux, run_module
from tests.functional.modules.test_evidence import FILES, Office, fill, review_item
from tests.functional.modules.test_playbook import Plays

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
OPEN = {"verdict": "no_verificable", "counts": {}, "ids": [], "reasons": ["files_not_checked"]}
LIMIT = 100 * 1024


def pdf(size: int = 0, trailer: bytes = b"<< /Root 1 0 R >>", pointer: int | None = None) -> bytes:
    """A small PDF with a plain cross-reference table, filled up to `size` bytes."""
    start = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\n"
    end = (
        b"xref\n0 2\n0000000000 65535 f \n0000000009 00000 n \ntrailer\n"
        + trailer
        + b"\nstartxref\n%d\n%%%%EOF\n"
    )
    filling = b""
    while size and (missing := size - len(start + filling + end % len(start + filling))):
        filling = b"%" + b"x" * (len(filling) + missing - 2) + b"\n"
    place = len(start + filling)
    return start + filling + end % (place if pointer is None else pointer)


@pytest.fixture
def bodega(tmp_path: Path) -> Path:
    for name in ("logos", "plantillas"):
        (tmp_path / "bodega" / name).mkdir(parents=True)
    return tmp_path / "bodega"


def look(bodega: Path, **item: Any) -> dict[str, Any]:
    activities = [{"id": "A2", **OPEN}, {"id": "B5", **OPEN}]
    answer = run_module(
        "storage_info",
        {
            "bodega": str(bodega),
            "items": [{"case": "a", "institution": 3, "activities": activities, **item}],
        },
    )
    assert "items" in answer, answer
    assert not answer["changed"]
    result: dict[str, Any] = answer["items"][0]
    return result


def told(result: dict[str, Any], name: str) -> tuple[str, list[str]]:
    (one,) = [activity for activity in result["activities"] if activity["id"] == name]
    return one["verdict"], one["reasons"]


def test_logo(bodega: Path) -> None:
    result = look(bodega, logo="logos/3.png")
    assert (result["logo"], told(result, "A2")) == ("missing", ("no_cumple", ["logo_file_missing"]))
    (bodega / "logos" / "3.png").write_bytes(PNG)
    result = look(bodega, logo="logos/3.png")
    assert (result["logo"], told(result, "A2")) == ("present", ("cumple", []))
    (bodega / "logos" / "3.png").write_bytes(b"<?php")
    result = look(bodega, logo="logos/3.png")
    assert (result["logo"], told(result, "A2")) == ("unreadable", ("no_cumple", ["logo_file_unreadable"]))


@pytest.mark.parametrize("path", ["../secret.png", "logos/../../secret.png", "/etc/passwd", "logos/x.png"])
def test_a_logo_elsewhere_is_not_read(bodega: Path, path: str) -> None:
    (bodega.parent / "secret.png").write_bytes(PNG)
    assert look(bodega, logo=path)["logo"] == "unreadable"


def test_letterheads(bodega: Path) -> None:
    folder = bodega / "plantillas"
    (folder / "1.pdf").write_bytes(pdf())
    (folder / "2.pdf").write_bytes(pdf(LIMIT))
    assert (folder / "2.pdf").stat().st_size == LIMIT
    (folder / "3.pdf").write_bytes(pdf(LIMIT + 1))
    (folder / "4.pdf").write_bytes(b"%PDF-1.4\nnothing else")
    (folder / "5.pdf").write_bytes(pdf(trailer=b"<< /Root 1 0 R /Encrypt 9 0 R >>"))
    (folder / "6.pdf").write_bytes(pdf(4000, pointer=0))  # as PDF 1.5 points to a compressed table
    (folder / "8.pdf").write_bytes(b"")
    result = look(bodega, templates=[1, 2, 3, 4, 5, 6, 7, 8])
    assert result["templates"] == {
        "present": [1, 2],
        "too_large": [3],
        "unreadable": [4, 5, 6, 8],
        "missing": [7],
    }
    verdict, reasons = told(result, "B5")
    assert verdict == "no_cumple"
    assert sorted(reasons) == [
        "template_file_missing",
        "template_file_too_large",
        "template_file_unreadable",
    ]
    result = look(bodega, templates=[1, 2])
    assert told(result, "B5") == ("cumple", [])
    assert result["activities"][1]["counts"]["files_present"] == 2


def test_what_the_database_found_wrong_stays_wrong(bodega: Path) -> None:
    (bodega / "plantillas" / "1.pdf").write_bytes(pdf())
    wrong = {"id": "B5", **OPEN, "verdict": "no_cumple", "reasons": ["template_elsewhere"], "ids": [9]}
    result = look(bodega, templates=[1], activities=[wrong])
    assert told(result, "B5") == ("no_cumple", ["template_elsewhere"])
    assert result["activities"][0]["ids"] == [9]


def test_links_and_folders_are_not_files(bodega: Path) -> None:
    (bodega.parent / "real.pdf").write_bytes(pdf())
    (bodega / "plantillas" / "1.pdf").symlink_to(bodega.parent / "real.pdf")
    (bodega / "plantillas" / "2.pdf").mkdir()
    os.mkfifo(bodega / "plantillas" / "3.pdf")
    assert look(bodega, templates=[1, 2, 3])["templates"]["unreadable"] == [1, 2, 3]
    link = bodega.parent / "link"
    link.symlink_to(bodega)
    (bodega / "plantillas" / "4.pdf").write_bytes(pdf())
    assert look(link, templates=[4])["templates"]["present"] == [4]


def test_no_bodega(tmp_path: Path) -> None:
    answer = run_module("storage_info", {"bodega": str(tmp_path / "none"), "items": []})
    assert answer["failed"]
    assert "cannot open the bodega" in answer["msg"]


@pytest.fixture
def plays(quipux: Quipux, tmp_path: Path) -> Plays:
    made = Plays(quipux, tmp_path)
    made.password = quipux.database.cluster.role_passwords["quipux_ro"]
    made.inventory({"quipux_db": ["db1"], "quipux_app": ["app1", "app2"]})
    text = (tmp_path / "inventory.yml").read_text()
    (tmp_path / "inventory.yml").write_text(
        text.replace("quipux_db_password", "quipux_db_read_only_password")
    )
    return made


def store(plays: Plays, office: Office) -> None:
    """The files that the pages would have stored."""
    (plays.bodega / "logos").mkdir()
    (plays.bodega / "plantillas").mkdir()
    for names in office.names:
        (plays.bodega / "logos" / f"{names['inst']}.png").write_bytes(PNG)
        for area in ("root", "area", "sub"):
            (plays.bodega / "plantillas" / f"{names[area]}.pdf").write_bytes(pdf())


def items_of(office: Office) -> list[dict[str, Any]]:
    return [review_item(one, "2020-01-01T00:00:00Z") for one in office.items]


def test_by_hand(plays: Plays) -> None:
    office = fill(plays.quipux, 2)
    store(plays, office)
    (plays.bodega / "plantillas" / f"{office.names[1]['area']}.pdf").unlink()
    unknown = {**items_of(office)[0], "case": "case-x", "ruc": "1799999999001", "national_id": "0000000000"}
    before = plays.quipux.dump()
    for options in ((), ("--check",)):
        done = plays.run("review", {"review_items": [*items_of(office), unknown]}, *options)
        assert done.returncode == 0, done.stdout
        first, second = done.stdout.split("case-1 (institution")[1].split("case-2 (institution")
        assert f"{len(IDS)} cumple, 0 no_cumple, 0 no_verificable" in first
        assert f"{len(IDS) - 1} cumple, 1 no_cumple, 0 no_verificable" in second
        assert "B5  no_cumple      template_file_missing" in second
        assert "case-x: no institution of this database" in second
        assert plays.recap(done.stdout, "db1")["changed"] == 0
        for private in (office.items[0]["administrator"]["national_id"], plays.password):
            assert private not in done.stdout + done.stderr
    assert plays.quipux.dump() == before


def test_nothing_to_review(plays: Plays) -> None:
    done = plays.run("review", {})
    assert done.returncode == 2
    assert "Give review_items" in done.stdout


def test_through_the_driver(plays: Plays) -> None:
    office = fill(plays.quipux, 2)
    store(plays, office)
    run = Run(
        "quipux.provision.review",
        plays.folder / "inventory.yml",
        {"review_items": items_of(office)},
        secrets=(plays.password,),
    )
    outcome = execute(run)
    assert outcome.failure is None, outcome.failure
    assert outcome.database is not None
    assert outcome.database["name"] == plays.quipux.database.name
    assert list(outcome.evidence) == ["case-1", "case-2"]
    for found, names in zip(outcome.evidence.values(), office.names, strict=True):
        assert (found.status, found.error, found.ids) == ("ok", None, {"institution": names["inst"]})
        assert [one.id for one in found.activities] == list(IDS)
        assert {one.verdict for one in found.activities} == {"cumple"}
    assert json.dumps([one.counts for one in found.activities])

    (plays.bodega / "logos" / f"{office.names[0]['inst']}.png").unlink()
    found = execute(run).evidence["case-1"]
    assert [(one.id, one.reasons) for one in found.activities if one.verdict != "cumple"] == [
        ("A2", ("logo_file_missing",))
    ]


def test_files_that_nobody_could_look_at_are_not_met(plays: Plays) -> None:
    office = fill(plays.quipux, 1)
    run = Run("quipux.provision.review", plays.folder / "inventory.yml", {"review_items": items_of(office)})
    plays.bodega.rmdir()
    outcome = execute(run)
    assert outcome.failure is not None
    assert "cannot open the bodega" in outcome.failure.message
    open_ = {one.id for one in outcome.evidence["case-1"].activities if one.verdict == "no_verificable"}
    assert open_ == FILES
