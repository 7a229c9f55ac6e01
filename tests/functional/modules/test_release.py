"""Module release: releases beside each other, the links, and what runs that died leave."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.functional.modules.conftest import run_module
from tests.functional.modules.test_release_archive import run as fetch
from tests.stand_in.archives import Archives, archives


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Archives:
    return archives(tmp_path_factory.mktemp("sources"))


@pytest.fixture
def host(tmp_path: Path, sources: Archives) -> Host:
    return Host(tmp_path, sources)


class Host:
    """A folder as a host has it, with two releases to install: "1" and "2"."""

    def __init__(self, folder: Path, sources: Archives) -> None:
        self.home = folder / "home"
        self.record = folder / "installation.json"
        self._folder = folder
        self._described = {"1": fetch(folder, sources.release), "2": fetch(folder, sources.next_release)}

    def run(self, state: str, version: str | None = None, **options: Any) -> dict[str, Any]:
        check = options.pop("check", False)
        given = {"home": str(self.home), "state": state, "version": version, "_ansible_check_mode": check}
        if state != "unpacked":
            given["record"] = str(self.record)
        return run_module("release", {**given, **options})

    def unpack(self, version: str, content: str = "", **options: Any) -> dict[str, Any]:
        described = self._described[content or version]
        copy = self._folder / "copy.tar.gz"
        shutil.copy(described["path"], copy)
        return self.run("unpacked", version, archive=str(copy), digest=described["digest"], **options)

    def install(self, version: str, content: str = "", **options: Any) -> dict[str, Any]:
        self.unpack(version, content)
        return self.run("current", version, **options)

    @property
    def digest(self) -> str:
        return self._described["1"]["digest"]

    def links(self) -> tuple[str | None, str | None]:
        names = (self.home / "current", self.home / "previous")
        current, previous = (name.readlink().name if name.is_symlink() else None for name in names)
        return current, previous


def test_unpack_switch_and_again(host: Host) -> None:
    assert host.run("unpacked", "1", digest=host.digest)["needs_archive"]
    assert not host.home.exists()
    assert host.unpack("1", check=True)["changed"]
    assert not host.home.exists()
    links = {"config.php": "/etc/quipux/config.php", "bodega": "/var/lib/quipux/bodega"}
    previous_mask = os.umask(0o077)
    try:
        made = host.unpack("1", links=links, about={"source": "x"})
    finally:
        os.umask(previous_mask)
    assert made["changed"]
    assert made["version"] is None
    root = host.home / "releases" / "1"
    assert (root / "config.php").readlink() == Path(links["config.php"])
    modes = {
        oct(path.stat().st_mode & 0o7777) for path in [host.home, *root.rglob("*")] if not path.is_symlink()
    }
    assert modes == {"0o755", "0o644"}
    assert not host.unpack("1", links=links, about={"source": "x"})["changed"]
    assert host.run("current", "1", check=True)["changed"]
    assert host.links() == (None, None)
    assert host.run("current", "1")["changed"]
    assert host.links() == ("1", None)
    assert json.loads(host.record.read_text())["source"] == "x"
    assert not host.run("current", "1")["changed"]


def test_another_content_under_the_same_name_is_refused(host: Host) -> None:
    host.install("1")
    answer = host.unpack("1", content="2")
    assert answer["failed"]
    assert "holds another content" in answer["msg"]
    assert host.links() == ("1", None)
    (host.home / "releases" / "handmade").mkdir()
    assert host.unpack("handmade", content="1")["failed"]


def test_an_archive_that_changed_on_its_way_is_refused(host: Host) -> None:
    answer = host.run("unpacked", "1", archive=host._described["2"]["path"], digest=host.digest)
    assert answer["failed"]
    assert "not the one that was verified" in answer["msg"]
    assert not (host.home / "releases" / "1").exists()


def test_back_and_forth(host: Host) -> None:
    host.install("1")
    refused = host.run("previous")
    assert refused["failed"]
    assert "no release before 1" in refused["msg"]
    host.install("2")
    assert host.links() == ("2", "1")
    assert host.run("previous", check=True)["changed"]
    assert host.links() == ("2", "1")
    assert host.run("previous")["version"] == "1"
    assert host.links() == ("1", "2")
    assert json.loads(host.record.read_text())["version"] == "1"
    assert host.run("previous")["version"] == "2"


def test_a_failed_upgrade_leaves_both_links(host: Host) -> None:
    for version in ("1", "2", "3"):
        host.install(version, content="1" if version != "2" else "2")
    assert host.run("current", "2", previous="1")["changed"]
    assert host.links() == ("2", "1")
    assert host.run("current", "2", previous="")["changed"]
    assert host.links() == ("2", None)


def test_a_release_is_on_trial_until_it_is_judged(host: Host) -> None:
    assert host.install("1")["trial"] is None
    host.unpack("2")
    assert host.run("current", "2", trial=True, check=True)["trial"] is None
    assert host.run("current", "2", trial=True)["trial"] == "2"
    # A run after one that died is told so, and changes nothing; the judgement takes the mark away once.
    again = host.run("current", "2", trial=True)
    assert (again["trial"], again["changed"]) == ("2", False)
    assert host.run("current", "2", check=True)["changed"]
    judged = host.run("current", "2")
    assert (judged["trial"], judged["changed"]) == (None, True)
    assert not host.run("current", "2")["changed"]
    # What runs and was judged is not put on trial again.
    again = host.run("current", "2", trial=True)
    assert (again["trial"], again["changed"]) == (None, False)
    assert host.links() == ("2", "1")
    # Going back ends a trial as well.
    host.run("current", "1", trial=True)
    assert host.run("previous")["trial"] is None
    assert host.links() == ("2", "1")


def test_old_ones_go_but_never_the_last_two(host: Host) -> None:
    for version in ("a", "b", "c", "d"):
        host.install(version, content="1")
    assert host.run("current", "d", keep=2, check=True)["pruned"] == ["a"]
    assert host.run("current", "d", keep=2)["releases"] == ["d", "c", "b"]
    assert host.run("current", "d", keep=0)["releases"] == ["d", "c"]
    left = sorted(path.name for path in (host.home / "releases").iterdir())
    assert left == [
        ".c.json",
        ".d.json",
        "c",
        "d",
    ]


def test_what_a_dead_run_left_goes(host: Host) -> None:
    releases = host.home / "releases"
    for rest in ("1.part", "0.gone"):
        (releases / rest / "deep").mkdir(parents=True)
    (releases / ".1.json").write_text("{")
    host.install("1")
    assert sorted(path.name for path in releases.iterdir()) == [".1.json", "1"]
    # It died between the two links: in an upgrade, or in going back.
    host.unpack("2")
    (host.home / "previous").symlink_to("releases/1")
    assert not host.run("previous")["changed"]
    assert host.run("current", "2")["changed"]
    assert host.links() == ("2", "1")


def test_parts(host: Host) -> None:
    host.unpack("1", parts=["html_a_pdf"])
    assert [path.name for path in (host.home / "releases" / "1").iterdir()] == ["html_a_pdf"]
    assert host.unpack("1")["failed"]
