"""What the modules write, as the people see it whom it is about: who comes in, and what each finds there."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.functional.modules.citizens import Office, citizen
from tests.functional.modules.conftest import CEDULA, RUC, Quipux, item
from tests.stand_in.http_client import Browser, stored
from tests.stand_in.pages_server import php, serve

pytestmark = pytest.mark.skipif(php() is None, reason="the pages need php-cli and php-pgsql")

CODE, PASSWORD, NEW = "codigo de activacion", "clave2026", "2405999984"
# What only an institution's administrator finds in the administration menu.
MENU = {"Ciudadanos", "Usuarios internos", "Áreas", "Instituciones", "Numeración de documentos"}
# A citizen's trays, and those of one who may sign.
UNSIGNED = ["Enviados", "Recibidos"]
SIGNED = ["En Elaboración", "Recibidos", "Eliminados", "No Enviados", "Enviados"]


@pytest.fixture
def base(quipux: Quipux) -> Iterator[str]:
    with serve(quipux.database) as address:
        yield address


def code() -> dict[str, str]:
    return {"hash": stored(CODE)}


def activated(base: str, national_id: str) -> Browser:
    """The person's browser, after link, password and login."""
    krd, secret = (base64.b64encode(text.encode()).decode() for text in (f"U{national_id}", CODE))
    browser = Browser(base)
    browser.set_password(
        browser.open_activation(f"{base}/usuarionuevo.php?krd={krd}&code={secret}"), PASSWORD
    )
    assert browser.login(national_id, PASSWORD) == "in"
    return browser


def replacement(account: str = "keep", **changes: Any) -> dict[str, Any]:
    """The item that puts somebody new in the administrator's place."""
    outgoing = {"national_id": CEDULA, "account": account}
    return item(administrator__national_id=NEW, outgoing=outgoing, activation=code(), **changes)


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "deactivated"])
def test_a_replaced_administrator(quipux: Quipux, base: str, kept: bool) -> None:
    quipux.one(item(activation=code()))
    old = activated(base, CEDULA)
    assert set(old.admin_menu()) >= MENU

    result = quipux.one(replacement("keep" if kept else "deactivate"))
    assert result["status"] in ("ok", "activated"), result
    assert not old.logged_in()
    assert old.admin_menu() == []
    if kept:
        assert old.login(CEDULA, PASSWORD) == "in"
        assert not MENU & set(old.admin_menu())
        assert "Crear" not in old.areas_menu()
    else:
        assert old.login(CEDULA, PASSWORD) == "wrong"
    assert set(activated(base, NEW).admin_menu()) >= MENU


def test_somebody_who_has_an_account_here_takes_the_place_at_the_next_login(
    quipux: Quipux, base: str
) -> None:
    ids = quipux.one(item(activation=code()))["ids"]
    old = activated(base, CEDULA)
    place = {"inst_codi": ids["institution"], "depe_codi": ids["area"]}
    quipux.app_insert_user(usua_cedula=NEW, usua_pasw=stored(PASSWORD), **place)
    new = Browser(base)
    assert new.login(NEW, PASSWORD) == "in"
    assert not MENU & set(new.admin_menu())

    wanted = replacement(administrator__existing_account="reuse")
    del wanted["activation"]
    result = quipux.one(wanted)
    assert result["status"] == "ok", result
    assert not old.logged_in()
    again = Browser(base)
    assert again.login(NEW, PASSWORD) == "in"
    assert set(again.admin_menu()) >= MENU


def test_an_institution_that_leaves_and_comes_back(quipux: Quipux, base: str) -> None:
    ids = quipux.one(item(activation=code()))["ids"]
    aiq = activated(base, CEDULA)
    place = {"inst_codi": ids["institution"], "depe_codi": ids["area"]}
    account = quipux.app_insert_user(usua_cedula=NEW, usua_pasw=stored(PASSWORD), **place)
    clerk = Browser(base)
    assert clerk.login(NEW, PASSWORD) == "in"

    order = {"case": "inej", "ruc": RUC}
    retired = quipux.one({**order, "state": "retired"}, module="retirement")
    assert retired["status"] == "ok", retired
    assert sorted(retired["ids"]["accounts"]) == sorted([account, ids["administrator"]])
    for browser, national_id in ((aiq, CEDULA), (clerk, NEW)):
        assert not browser.logged_in()
        assert browser.trays() == {}
        assert browser.login(national_id, PASSWORD) == "wrong"

    accounts = retired["ids"]["accounts"]
    back = quipux.one({**order, "state": "reinstated", "accounts": accounts}, module="retirement")
    assert back["status"] == "ok", back
    for browser, national_id in ((aiq, CEDULA), (clerk, NEW)):
        assert not browser.logged_in()
        assert browser.login(national_id, PASSWORD) == "in"
    assert set(aiq.admin_menu()) >= MENU
    assert not MENU & set(clerk.admin_menu())


def trays(browser: Browser) -> list[str]:
    return [name for name, page in browser.trays().items() if page.startswith("cuerpo.php?carpeta=")]


def test_a_citizen_signs_only_when_approved(quipux: Quipux, base: str, tmp_path: Path) -> None:
    office = Office(quipux, tmp_path)
    office.done(citizen(activation=code()))
    browser = activated(base, CEDULA)
    assert trays(browser) == UNSIGNED
    for state, seen in (("rejected", UNSIGNED), ("requested", UNSIGNED), ("approved", SIGNED)):
        office.done(citizen(state=state))
        assert browser.login(CEDULA, PASSWORD) == "in"
        assert trays(browser) == seen, state
    office.done(citizen(state="absent", given_names=None, agreement_sha256=None))
    assert not browser.logged_in()
    assert browser.login(CEDULA, PASSWORD) == "wrong"
