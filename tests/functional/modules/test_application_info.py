"""Module application_info on the stand-in's pages: each check told good, and bad by the one name it has."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.functional.modules.conftest import Quipux, run_module
from tests.stand_in import pages_server
from tests.stand_in.cluster import Cluster
from tests.stand_in.database import load

SAMESITE = ("session.cookie_samesite=Lax",)
# The image needs gd, which this machine may lack; tests/self_hosted asks for it.
PAGES = ["web", "no_raw_php", "login_page", "database", "database_page", "cookies"]

pytestmark = pytest.mark.skipif(pages_server.php() is None, reason="needs php with pdo_pgsql")


@pytest.fixture
def quipux(cluster: Cluster) -> Iterator[Quipux]:
    """A fresh database of the stand-in, whose pages are served here."""
    database = load(cluster, "quipux_asked", "stand_in", roles=True)
    yield Quipux(database)
    database.drop()


def ask(address: str, **options: Any) -> dict[str, tuple[bool, str]]:
    """The checks by name: whether good, detail."""
    answer = run_module("application_info", {"url": address, "address": "127.0.0.1", **options})
    assert "checks" in answer, answer
    assert answer["ok"] == all(one["ok"] for one in answer["checks"])
    return {one["name"]: (one["ok"], one["detail"]) for one in answer["checks"]}


def bad(found: dict[str, tuple[bool, str]]) -> list[str]:
    return [name for name, (ok, _detail) in found.items() if not ok]


@contextmanager
def probe(quipux: Quipux) -> Iterator[dict[str, str]]:
    """The account, open for the block."""
    password = secrets.token_hex(12)
    stored = hashlib.md5(password.encode()).hexdigest()[1:27]
    opened = quipux.call("probe_account", state="open", password_hash=stored, lifetime=30)
    yield {"login": opened["login"], "name": opened["name"], "password": password}
    quipux.call("probe_account", state="closed")


def test_everything_is_well(quipux: Quipux) -> None:
    with pages_server.serve(quipux.database, SAMESITE) as address, probe(quipux) as account:
        found = ask(address, checks=[*PAGES, "probe_login"], probe=account)
    assert bad(found) == [], found
    assert list(found) == [*PAGES, "probe_login"]


def test_nobody_answers(quipux: Quipux) -> None:
    with pages_server.serve(quipux.database) as address:
        pass
    found = ask(address, checks=PAGES)
    assert list(found) == bad(found) == ["web"]
    assert "login_page" in found["web"][1], "who was not asked is told"


def test_php_is_shown_instead_of_run(quipux: Quipux, tmp_path: Path) -> None:
    (tmp_path / "login.php").write_text("<form><input name=krd><input name=drd><?=$x ?></form>")
    (tmp_path / "router.php").write_text("<?php readfile(__DIR__ . '/login.php');")
    with pages_server.serve(quipux.database, [f"auto_prepend_file={tmp_path}/router.php"]) as address:
        found = ask(address, checks=PAGES)
    assert bad(found) == ["no_raw_php"], found


def test_a_login_page_without_fields(quipux: Quipux, tmp_path: Path) -> None:
    (tmp_path / "login.php").write_text("<html>En mantenimiento</html>")
    with pages_server.serve(quipux.database, pages=tmp_path) as address:
        found = ask(address, checks=["login_page"])
    assert bad(found) == ["login_page"]
    assert "krd and drd" in found["login_page"][1]


def test_the_database_is_down(quipux: Quipux) -> None:
    with pages_server.serve(quipux.database, SAMESITE) as address, probe(quipux) as account:
        statement = f'ALTER DATABASE "{quipux.database.name}" ALLOW_CONNECTIONS '
        quipux.database.cluster.sql("postgres", f"{statement} false")
        try:
            found = ask(address, checks=[*PAGES, "probe_login"], probe=account)
        finally:
            quipux.database.cluster.sql("postgres", f"{statement} true")
    assert bad(found) == ["database"], found
    assert {"database_page", "probe_login"}.isdisjoint(found)


def test_a_wrong_password_is_refused_and_not_shown(quipux: Quipux) -> None:
    with pages_server.serve(quipux.database, SAMESITE) as address, probe(quipux) as account:
        wrong = {**account, "password": "canario-equivocado"}
        found = ask(address, checks=["probe_login"], probe=wrong)
    assert bad(found) == ["probe_login"]
    assert "refuses" in found["probe_login"][1]
    assert "canario" not in json.dumps(found)


def test_flags_of_the_cookie(quipux: Quipux) -> None:
    with pages_server.serve(quipux.database, ["session.cookie_httponly=0"]) as address:
        lax = ask(address, checks=["cookies"])
    with pages_server.serve(quipux.database, [*SAMESITE, "session.use_strict_mode=0"]) as address:
        guessable = ask(address, checks=["cookies"])
    assert bad(lax) == bad(guessable) == ["cookies"]
    assert "httponly, samesite" in lax["cookies"][1]
    assert "use_strict_mode" in guessable["cookies"][1]


def test_what_is_not_denied_is_named(quipux: Quipux) -> None:
    with pages_server.serve(quipux.database) as address:
        found = ask(address, checks=["denied_paths"], denied=["/index.php"])
    assert bad(found) == ["denied_paths"]
    assert "/index.php (200)" in found["denied_paths"][1]


def test_the_version(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "installation.json"
    (home / "releases" / "abc").mkdir(parents=True)
    options = {"checks": ["version"], "home": str(home), "installation_file": str(file)}
    assert bad(ask("http://127.0.0.1", **options)) == ["version"]
    file.write_text(json.dumps({"version": "abc"}))
    assert "leads nowhere" in ask("http://127.0.0.1", **options)["version"][1]
    (home / "current").symlink_to("releases/abc")
    assert ask("http://127.0.0.1", **options)["version"] == (True, "abc")
    file.write_text(json.dumps({"version": "abd"}))
    assert bad(ask("http://127.0.0.1", **options)) == ["version"]


def test_check_mode_leaves_out_what_writes(quipux: Quipux) -> None:
    with pages_server.serve(quipux.database, SAMESITE) as address:
        account = {"login": "x", "password": "y", "name": "z"}
        found = ask(address, probe=account, _ansible_check_mode=True)
    assert {"probe_login", "document_store"}.isdisjoint(found)
