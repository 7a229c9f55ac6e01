"""The stand-in's pages do what the release's were measured to: activation, login and its traps, menu."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from tests.real.aiq import HEAD, Aiq, Person
from tests.stand_in.database import Database
from tests.stand_in.http_client import Browser, PageError, activate_and_log_in, stored
from tests.stand_in.pages_server import php, serve

pytestmark = pytest.mark.skipif(php() is None, reason="the pages need php-cli and php-pgsql")

CEDULA = "2405999992"
CODE = "k2m4p6q8r9s2t4v6w8x2y4z6a8b2c4"
PASSWORD = "Quinde2026"
AIQ = (12, 36, 32, 16, 18, 1, 31, 21, 29)


def link(base: str, code: str = CODE) -> str:
    krd, code = (base64.b64encode(text.encode()).decode() for text in ("U" + CEDULA, code))
    return f"{base}/usuarionuevo.php?krd={krd}&code={code}"


@pytest.fixture
def database(variant: str, make_database: Any) -> Database:
    made: Database = make_database(variant)
    made.sql(
        "INSERT INTO institucion (inst_codi, inst_nombre, inst_sigla, inst_estado)"
        " VALUES (3, 'Instituto de Ensayos', 'IDE', 1);"
        "INSERT INTO dependencia (depe_codi, depe_nomb, depe_codi_padre, dep_central, depe_estado, inst_codi,"
        " inst_adscrita, depe_pie1) VALUES (3, 'Instituto de Ensayos', 3, 3, 1, 3, 3, '5');"
        "SELECT setval('sec_dependencia', 3), setval('usuarios_usua_codi_seq', 20)"
    )
    account(made, 10)
    return made


@pytest.fixture
def base(database: Database) -> Iterator[str]:
    with serve(database) as address:
        yield address


def account(database: Database, code: int, permissions: tuple[int, ...] = AIQ) -> None:
    database.sql(
        "INSERT INTO usuarios (usua_codi, usua_login, usua_cedula, usua_nomb, usua_apellido, usua_pasw,"
        " ciu_codi, depe_codi, inst_codi) VALUES (%s, 'U' || %s, %s, 'Ana', 'Quinde', %s, 5, 3, 3)",
        (code, CEDULA, CEDULA, stored(CODE)),
    )
    for permission in permissions:
        database.sql("INSERT INTO permiso_usuario VALUES (%s, %s)", (permission, code))


def test_link_password_login_menu(database: Database, base: str) -> None:
    menu = activate_and_log_in(base, link(base), CEDULA, PASSWORD)
    assert menu == [
        "Cambio de contraseña",
        "Listas de envío",
        "Ciudadanos",
        "Usuarios internos",
        "Áreas",
        "Instituciones",
        "Numeración de documentos",
        "Respaldo de Documentos",
        "Metadatos de Documentos",
    ]
    assert database.sql("SELECT usua_pasw FROM usuario WHERE usua_codi = 10") == [(stored(PASSWORD),)]
    assert database.sql("SELECT usuario, intentos, acceso FROM log_acceso") == [(CEDULA, 1, 1)]
    ((session, tries),) = database.sql("SELECT usua_sesion, usua_intentos FROM usuarios_sesion")
    assert session
    assert tries == 0


def test_opening_the_link_writes_nothing(database: Database, base: str) -> None:
    before = database.sql("SELECT * FROM usuarios ORDER BY usua_codi")
    form = Browser(base).open_activation(link(base))
    assert (form.login, form.code) == ("U" + CEDULA, CODE)
    assert database.sql("SELECT * FROM usuarios ORDER BY usua_codi") == before


def test_a_used_or_wrong_link_is_refused(base: str) -> None:
    Browser(base).set_password(Browser(base).open_activation(link(base)), PASSWORD)
    for code in (CODE, "another"):
        with pytest.raises(PageError, match="ya fue cambiada"):
            Browser(base).open_activation(link(base, code))


def test_a_new_password_reaches_every_account_of_the_person(database: Database, base: str) -> None:
    account(database, 11)
    Browser(base).set_password(Browser(base).open_activation(link(base)), PASSWORD)
    assert database.sql("SELECT DISTINCT usua_pasw FROM usuarios WHERE usua_codi > 0") == [
        (stored(PASSWORD),)
    ]


def test_who_may_not_come_in(database: Database, base: str) -> None:
    assert Browser(base).login(CEDULA, "wrong") == "wrong"
    assert Browser(base).login("2499999999", CODE) == "wrong"
    database.sql("UPDATE usuarios SET usua_esta = 0 WHERE usua_codi = 10")
    assert Browser(base).login(CEDULA, CODE) == "inactive"
    database.sql("UPDATE usuarios SET usua_esta = 1 WHERE usua_codi = 10")
    database.sql("UPDATE institucion SET inst_estado = 0 WHERE inst_codi = 3")
    assert Browser(base).login(CEDULA, CODE) == "wrong"


def test_without_its_mirror_row_an_account_does_not_come_in(database: Database, base: str) -> None:
    database.sql("DELETE FROM usuario WHERE usua_codi = 10")
    assert Browser(base).login(CEDULA, CODE) == "wrong"


def test_an_empty_stored_password_lets_anyone_in_and_none_at_all_does_not(
    database: Database, base: str
) -> None:
    database.sql("UPDATE usuarios SET usua_pasw = NULL WHERE usua_codi = 10")
    assert Browser(base).login(CEDULA, "") == "wrong"
    database.sql("UPDATE usuarios SET usua_pasw = '' WHERE usua_codi = 10")
    assert Browser(base).login(CEDULA, "") == "in"


def test_usua_nuevo_0_lets_anyone_reset_the_account(database: Database, base: str) -> None:
    database.sql("UPDATE usuarios SET usua_nuevo = 0, usua_email = 'ana@example.gob.ec' WHERE usua_codi = 10")
    browser = Browser(base)
    assert browser.login(CEDULA, "anything") == "reset"
    assert not browser.logged_in()
    assert database.sql(
        "SELECT usua_nuevo, usua_pasw = %s FROM usuarios WHERE usua_codi = 10", (stored(CODE),)
    ) == [(1, False)]


def test_usua_nuevo_0_without_mail_is_a_dead_end(database: Database, base: str) -> None:
    database.sql("UPDATE usuarios SET usua_nuevo = 0 WHERE usua_codi = 10")
    assert Browser(base).login(CEDULA, CODE) == "no_mail"


def test_five_wrong_tries_close_the_account_for_the_right_password_too(database: Database, base: str) -> None:
    assert [Browser(base).login(CEDULA, "wrong") for _ in range(5)] == ["wrong"] * 5
    assert Browser(base).login(CEDULA, CODE) == "blocked"
    database.sql("UPDATE usuarios_sesion SET usua_fech_sesion = now() - interval '7 minutes'")
    assert Browser(base).login(CEDULA, CODE) == "in"


def test_two_accounts_of_one_person_lock_the_person_out_by_right_logins(
    database: Database, base: str
) -> None:
    # Tries are counted on the row the database gives first, a success is noted on the lowest number's.
    account(database, 11)
    database.sql("UPDATE usuarios SET usua_nomb = 'Anita' WHERE usua_codi = 10")
    outcomes = [Browser(base).login(CEDULA, CODE) for _ in range(6)]
    assert outcomes == ["in"] * 5 + ["blocked"]


def test_a_second_login_ends_the_first(base: str) -> None:
    first, second = Browser(base), Browser(base)
    assert first.login(CEDULA, CODE) == "in"
    assert first.logged_in()
    assert second.login(CEDULA, CODE) == "in"
    assert second.logged_in()
    assert not first.logged_in()
    assert first.admin_menu() == []


def test_a_session_ended_in_the_database_is_over(database: Database, base: str) -> None:
    browser = Browser(base)
    browser.login(CEDULA, CODE)
    database.sql("UPDATE usuarios_sesion SET usua_sesion = 'FIN' WHERE usua_codi = 10")
    assert not browser.logged_in()


def test_deactivation_alone_leaves_a_live_session(database: Database, base: str) -> None:
    browser = Browser(base)
    browser.login(CEDULA, CODE)
    database.sql("UPDATE institucion SET inst_estado = 0 WHERE inst_codi = 3")
    assert browser.logged_in()


def test_logout_ends_the_session(database: Database, base: str) -> None:
    browser = Browser(base)
    browser.login(CEDULA, CODE)
    browser.logout()
    assert not browser.logged_in()
    assert database.sql("SELECT left(usua_sesion, 3) FROM usuarios_sesion WHERE usua_codi = 10") == [("FIN",)]


def test_another_browser_cannot_carry_the_session_on(base: str) -> None:
    browser = Browser(base)
    browser.login(CEDULA, CODE)
    thief = Browser(base, "Other browser")
    for cookie in browser.cookies:
        thief.cookies.set_cookie(cookie)
    assert not thief.logged_in()


@pytest.mark.parametrize(
    ("permissions", "areas", "selector", "store"),
    [
        ((), False, False, False),
        ((12,), True, False, False),
        ((36,), False, False, False),
        ((12, 30, 35), True, True, True),
    ],
    ids=["none", "administration", "institutional_alone", "forbidden_ones"],
)
def test_permissions_make_the_menu(
    database: Database, base: str, permissions: tuple[int, ...], areas: bool, selector: bool, store: bool
) -> None:
    database.sql("DELETE FROM permiso_usuario WHERE usua_codi = 10")
    for permission in permissions:
        database.sql("INSERT INTO permiso_usuario VALUES (%s, 10)", (permission,))
    browser = Browser(base)
    assert browser.login(CEDULA, CODE) == "in"
    menu = browser.admin_menu()
    assert ("Áreas" in menu) is areas
    assert ("Administrar repositorio de archivos" in menu) is store
    assert browser.sees_institution_selector() is selector
    assert ("Crear" in browser.areas_menu()) is areas


def test_permissions_change_at_the_next_login_only(database: Database, base: str) -> None:
    browser = Browser(base)
    browser.login(CEDULA, CODE)
    database.sql("DELETE FROM permiso_usuario WHERE usua_codi = 10")
    assert "Áreas" in browser.admin_menu()
    browser.login(CEDULA, CODE)
    assert "Áreas" not in browser.admin_menu()


@pytest.fixture
def aiq(base: str) -> Aiq:
    browser = Aiq(base)
    assert browser.login(CEDULA, CODE) == "in"
    return browser


def test_an_administrator_sets_up_areas_users_and_numbering(database: Database, aiq: Aiq) -> None:
    aiq.create_area("Dirección 'Ejemplo'", "dir", 3, "Azogues")
    ((area, *rest),) = database.sql(
        "SELECT depe_codi, depe_nomb, dep_sigla, depe_codi_padre, depe_plantilla = depe_codi FROM dependencia"
        " WHERE depe_codi > 3"
    )
    assert rest == ["Dirección \u2032Ejemplo\u2032", "DIR", 3, True]
    person = Person("2405999984", "Luis", "Ejemplo", "Director", "luis@example.gob.ec", "le")
    user = aiq.create_user(person, area, "Azogues", [19, 27], HEAD)
    aiq.edit_user(user, grant=(29,), revoke=(27,))
    assert database.sql(
        "SELECT depe_codi, cargo_tipo, usua_tipo_certificado, usua_login FROM usuario WHERE usua_codi = %s",
        (user,),
    ) == [(area, HEAD, 1, "U2405999984")]
    held = database.sql("SELECT id_permiso FROM permiso_usuario WHERE usua_codi = %s ORDER BY 1", (user,))
    assert held == [(19,), (29,)]
    assert aiq.number_documents(area) == 8
    assert database.sql("SELECT count(*) FROM formato_numeracion WHERE depe_codi = %s", (area,)) == [(8,)]


def test_an_area_has_one_head(aiq: Aiq) -> None:
    first, second = (
        Person(number, "Luis", "Ejemplo", "Director", "luis@example.gob.ec", "le")
        for number in ("2405999984", "2405999976")
    )
    aiq.create_user(first, 3, "Azogues", [27], HEAD)
    with pytest.raises(PageError):
        aiq.create_user(second, 3, "Azogues", [27], HEAD)


def test_the_institution_is_not_saved_without_a_picture(database: Database, aiq: Aiq) -> None:
    with pytest.raises(PageError, match="no es una imagen"):
        aiq.edit_institution(b"no picture", txtSigla="OTRA")
    assert database.sql("SELECT inst_sigla FROM institucion WHERE inst_codi = 3") == [("IDE",)]


def test_who_is_no_administrator_sees_no_forms(database: Database, base: str) -> None:
    database.sql("DELETE FROM permiso_usuario WHERE id_permiso = 12")
    browser = Aiq(base)
    assert browser.login(CEDULA, CODE) == "in"
    for page in ("usuarios/adm_usuario.php", "usuarios/grabar_usuario.php", "tbasicas/adm_formato_doc.php"):
        assert browser.get(f"Administracion/{page}?accion=1") == ""


def test_ten_quick_hits_on_one_page_close_the_session(database: Database, base: str) -> None:
    browser = Browser(base)
    browser.login(CEDULA, CODE)
    pages = [browser.get("index_frames.php") for _ in range(12)]
    assert "demasiadas peticiones" in pages[-1]
    assert "demasiadas peticiones" in browser.get("Administracion/formAdministracion.php")
    assert database.sql("SELECT usua_codi FROM log_bloqueos_dos") == [(10,)]


def test_the_super_administrator_of_a_new_database(base: str) -> None:
    browser = Browser(base)
    assert browser.login("ADMINISTRADOR", "123") == "in"
    assert browser.sees_institution_selector()


def test_a_database_that_is_away(database: Database, base: str) -> None:
    database.drop()
    assert Browser(base).login(CEDULA, CODE) == "no_database"
