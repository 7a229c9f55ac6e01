"""What the stand-in's pages show a citizen: two trays, or five when he may sign; and who is kept out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stand_in.database import Database
from tests.stand_in.http_client import Browser, stored
from tests.stand_in.pages_server import PAGES, php, serve

pytestmark = pytest.mark.skipif(php() is None, reason="the pages need php-cli and php-pgsql")

CEDULA = "2405999992"
PASSWORD = "Quinde2026"
UNSIGNED = [
    "Enviados",
    "Recibidos",
    "Cambiar Contraseña",
    "Editar Datos Personales",
    "Generar/Firmar Documentos",
]
SIGNED = [
    *("NUEVO", "En Elaboración", "Recibidos", "Eliminados", "No Enviados", "Enviados"),
    *("Cambiar Contraseña", "Respaldos"),
]


@pytest.fixture
def database(variant: str, make_database: Any) -> Database:
    made: Database = make_database(variant)
    made.sql(
        "INSERT INTO ciudadano (ciu_codigo, ciu_cedula, ciu_nombre, ciu_apellido, ciu_pasw, ciu_nuevo,"
        " inst_codi) VALUES (20, %s, 'Ana', 'Quinde', %s, 1, 3)",
        (CEDULA, stored(PASSWORD)),
    )
    return made


@pytest.fixture
def base(database: Database) -> Iterator[str]:
    with serve(database) as address:
        yield address


def may_sign(database: Database, *permissions: int) -> None:
    database.sql(
        "DELETE FROM ciudadano WHERE ciu_codigo = 20;"
        "INSERT INTO usuarios (usua_codi, usua_login, usua_cedula, usua_nomb, usua_apellido, usua_pasw,"
        " ciu_codi, usua_tipo_certificado, inst_codi, depe_codi)"
        " VALUES (20, 'U' || %s, %s, 'Ana', 'Quinde', %s, 0, 1, 1, 1)",
        (CEDULA, CEDULA, stored(PASSWORD)),
    )
    for permission in permissions:
        database.sql("INSERT INTO permiso_usuario VALUES (%s, 20)", (permission,))


def entered(base: str) -> Browser:
    browser = Browser(base)
    assert browser.login(CEDULA, PASSWORD) == "in"
    return browser


def test_a_citizen_sees_two_trays_and_may_ask_to_sign(base: str) -> None:
    browser = entered(base)
    trays = browser.trays()
    assert list(trays) == UNSIGNED
    assert trays["Recibidos"].startswith("cuerpo.php?carpeta=81&")
    assert 'value="81"' in browser.get("cuerpo.php")
    assert browser.admin_menu() == ["Cambio de contraseña"]


def test_a_citizen_who_may_sign_has_trays_of_his_own(database: Database, base: str) -> None:
    may_sign(database, 19, 21, 27)
    browser = entered(base)
    trays = browser.trays()
    assert list(trays) == SIGNED
    assert [trays[name].split("&")[0] for name in SIGNED[1:6]] == [
        f"cuerpo.php?carpeta={n}" for n in range(82, 87)
    ]
    assert 'value="83"' in browser.get("cuerpo.php")
    assert browser.admin_menu() == ["Cambio de contraseña"]


def test_without_permission_27_he_writes_nothing_new(database: Database, base: str) -> None:
    may_sign(database, 19, 21)
    assert list(entered(base).trays()) == SIGNED[1:]


def test_what_changes_in_the_database_is_seen_at_the_next_login_only(database: Database, base: str) -> None:
    browser = entered(base)
    may_sign(database, 19, 21, 27)
    assert list(browser.trays()) == UNSIGNED
    assert list(entered(base).trays()) == SIGNED
    assert browser.trays() == {}


def test_a_deactivated_citizen_is_kept_out(database: Database, base: str) -> None:
    database.sql("UPDATE ciudadano SET ciu_estado = 0 WHERE ciu_codigo = 20")
    assert Browser(base).login(CEDULA, PASSWORD) == "wrong"


def test_citizens_may_be_kept_out_altogether(database: Database, tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    shutil.copytree(PAGES, pages)
    library = pages / "biblioteca.php"
    text = library.read_text(encoding="utf-8")
    library.write_text(text.replace("$appID = '';", "$appID = ''; $config_bloquear_acceso_ciudadano = true;"))
    with serve(database, pages=pages) as base:
        assert Browser(base).login(CEDULA, PASSWORD) == "unknown"
        assert Browser(base).login("ADMINISTRADOR", "123") == "in"


def test_staff_find_the_trays_that_their_permissions_give(database: Database, base: str) -> None:
    database.sql(
        "INSERT INTO institucion (inst_codi, inst_nombre, inst_estado) VALUES (3, 'Instituto', 1);"
        "INSERT INTO dependencia (depe_codi, depe_nomb, inst_codi, inst_adscrita) VALUES (3, 'Área', 3, 3);"
        "DELETE FROM ciudadano;"
        "INSERT INTO usuarios (usua_codi, usua_login, usua_cedula, usua_pasw, ciu_codi, inst_codi, depe_codi)"
        " VALUES (20, 'U' || %s, %s, %s, 5, 3, 3)",
        (CEDULA, CEDULA, stored(PASSWORD)),
    )
    plain = ["En Elaboración", "Recibidos", "Enviados", "Tareas Recibidas", "Tareas Enviadas"]
    assert list(entered(base).trays())[:5] == plain
    database.sql("INSERT INTO permiso_usuario VALUES (19, 20), (27, 20)")
    assert list(entered(base).trays())[:4] == ["NUEVO", "En Elaboración", "Recibidos", "No Enviados"]
