"""What the public site shows to somebody who has not logged in: every page, asked from another host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.hosts import servers
from tests.hosts.machines import Fleet, Host
from tests.self_hosted.site import Site
from tests.self_hosted.web import PLAYBOOK, ask, browser, crawl
from tests.stand_in.database import REAL_VARIABLE, real_folder
from tests.stand_in.http_client import PageError, stored

PASSWORD = "Clave-2026"  # of the super administrator, for this test
# Pages that answer anybody, and why each must.
OPEN = {
    "/index.php": "the first page",
    "/index2.php": "the first page's news",
    "/login.php": "the login form",
    "/paginasinConexion.php": "says that the database is down",
    "/usuarionuevo.php": "the link of an activation mail",
    "/Administracion/usuarios/cambiar_password.php": "the form that an activation mail leads to",
    "/Administracion/usuarios/cambiar_password_grabar.php": "takes that form",
    "/js/captcha.php": "a picture with letters",
}
SESSION_ENDED = re.compile(r"sesi(ó|&oacute;)n ha expirado|paginasinConexion\.php")
# What an administrator works with, and what each page shows.
MENU = (
    "index_frames.php",
    "f_top.php",
    "correspondencia.php",
    "cuerpo.php",
    "Administracion/formAdministracion.php",
    "Administracion/usuarios/mnuUsuarios.php",
    "Administracion/dependencias/mnu_dependencias.php",
    "Administracion/tbasicas/adm_instituciones.php",
    "Administracion/listas/listas.php",
    "backup/respaldo_menu.php",
    "backup/respaldo_lista.php",
    "reportes_new/reportes.php",
    "tareas/tareas.php",
    "Administracion/usuarios/validar_cedula.php",
)


@dataclass(frozen=True)
class Published:
    """A served release and somebody else's host beside it."""

    site: Site
    other: Host
    variant: str


@pytest.fixture(scope="module", params=["stand_in", pytest.param("real", marks=pytest.mark.real)])
def published(request: pytest.FixtureRequest, images: dict[str, dict[str, str]]) -> Iterator[Published]:
    """The variant's pages and database on one host, behind the role's Apache."""
    variant = request.param
    if variant == "real" and (real_folder() is None or servers.release() is None):
        pytest.skip(f"needs {REAL_VARIABLE} and {servers.RELEASE_VARIABLE}")
    with Fleet() as fleet:
        site = Site.start(fleet, "packages", variant=variant)
        other = fleet.start({"vecino": images["packages"]["bullseye"]})["vecino"]
        host = site.web
        host.exec("echo 'es_EC.UTF-8 UTF-8' > /etc/locale.gen; locale-gen", timeout=300)
        database = servers.start_database(host, variant)
        servers.start_application(host, database, variant)
        host.exec(
            f"mkdir -p /opt/quipux; ln -s {servers.WEB_ROOT} /opt/quipux/current; systemctl stop apache2"
        )
        host.exec(f"sed -i 's#http://{host.address}#https://{host.address}#g' {servers.WEB_ROOT}/config.php")
        with database.connection() as connection, connection.cursor() as cursor:
            cursor.execute("UPDATE usuarios SET usua_pasw = %s WHERE usua_codi = 0", [stored(PASSWORD)])
            connection.commit()
        limit = {"requests": 1000, "seconds": 600}  # the crawl is no guesser
        site.play(PLAYBOOK, extra={"quipux_bodega": servers.BODEGA, "apache_password_set_limit": limit})
        yield Published(site, other, variant)


@pytest.fixture(scope="module")
def scripts(published: Published) -> list[str]:
    """Path of every page of the release."""
    found = published.site.web.exec("cd /opt/quipux/current/; find . -name '*.php' | cut -c2- | sort")
    return found.splitlines()


def closed(answer: dict[str, Any]) -> bool:
    """Whether an answer tells nothing: refused, led to the login, or the page of an ended session."""
    if answer["status"] in (401, 403, 404, 405, 429):
        return True
    if answer["status"] in (301, 302, 303):
        return answer["location"].endswith("/login.php")
    return answer["status"] == 200 and SESSION_ENDED.search(answer["body"]) is not None


def test_every_page_is_closed_to_strangers(published: Published, scripts: list[str]) -> None:
    assert len(scripts) > (700 if published.variant == "real" else 30)
    requests = [(method, path) for path in scripts for method in ("GET", "POST")]
    answers = crawl(published.other, published.site.url, requests)
    assert len(answers) == len(requests)
    opened = {
        f"{a['method']} {a['path']} {a['status']}" for a in answers if not closed(a) and a["path"] not in OPEN
    }
    assert not opened


def test_a_path_behind_a_page_opens_nothing(published: Published, scripts: list[str]) -> None:
    """`page.php/login.php` is the page, not the login."""
    requests = [("GET", f"{path}/login.php") for path in scripts if path not in OPEN]
    answers = crawl(published.other, published.site.url, requests)
    assert not [a["path"] for a in answers if not closed(a)]


def test_files_that_are_no_pages(published: Published) -> None:
    """What tells of the release or of its settings, wherever it lies in it."""
    telling = r".*\.\(sql\|conf\|inc\|md\|py\|pl\|cgi\|asp\|cfm\|cfc\|lasso\|afp\|zip\|wsdl\|log\|bak\)$"
    web = published.site.web
    web.exec("cd /opt/quipux/current/; mkdir -p .git; echo x > .git/config; echo x > a.sql")
    found = web.exec(f"cd /opt/quipux/current/; find . -type f -iregex '{telling}' | cut -c2-").splitlines()
    found += [
        "/.git/config",
        "/.git/HEAD",
        "/.gitignore",
        "/README.md",
        "/config.php~",
        "/example.config.php",
    ]
    answers = crawl(published.other, published.site.url, [("GET", path) for path in found])
    assert not [a["path"] for a in answers if a["status"] not in (403, 404)]


def test_no_folder_lists_its_files(published: Published) -> None:
    folders = published.site.web.exec(
        "cd /opt/quipux/current/; find . -type d | cut -c2- | sort"
    ).splitlines()
    answers = crawl(published.other, published.site.url, [("GET", f"{path}/") for path in folders if path])
    listed = [
        a["path"]
        for a in answers
        if "Index of" in a["body"] or not (closed(a) or a["path"].endswith(".html"))
    ]
    # A folder's own first page is a page like any other.
    assert not [path for path in listed if not _has_index(published, path)]


def _has_index(published: Published, path: str) -> bool:
    there = published.site.web.exec(f"test -e '/opt/quipux/current/{path}/index.php' && echo yes || echo no")
    return there.strip() == "yes"


def test_nothing_is_writable_by_everybody(published: Published) -> None:
    folders = f"/opt/quipux {servers.WEB_ROOT} {servers.BODEGA} /etc/quipux /etc/apache2 /etc/php"
    command = f"find -L {folders} -perm -o+w ! -type l -print"
    assert published.site.web.exec(f"{command} 2>/dev/null || true").split() == []


def test_who_logged_in_finds_all_pages(published: Published, scripts: list[str]) -> None:
    """The rules close nothing that an administrator works with."""
    person = browser(published.site.url)
    assert person.login("ADMINISTRADOR", PASSWORD) == "in"
    assert person.logged_in()
    assert person.admin_menu()
    refused = {}
    for path in MENU:
        if f"/{path}" not in scripts:
            continue
        try:
            page = person.get(path)
        except PageError as problem:
            refused[path] = str(problem)
            continue
        if SESSION_ENDED.search(page):
            refused[path] = "session ended"
    assert not refused
    person.logout()
    assert not person.logged_in()


def test_messages_for_everybody_still_arrive(published: Published) -> None:
    """The frames fetch two files of the file store, by POST."""
    for name in ("mensaje_alerta_top.html", "estadisticas_menu.html"):
        published.site.web.write(f"{servers.BODEGA}/{name}", "aviso", owner="www-data:")
        for method in ("GET", "POST"):
            answer = ask(
                published.site.web.address, f"/bodega/{name}", method, body="" if method == "POST" else None
            )
            assert (answer.status, answer.body) == (200, "aviso")


def test_nobody_takes_an_account_that_has_no_password(published: Published) -> None:
    server = published.site.db
    sql = "runuser -u postgres -- psql -qAt quipux"
    server.exec(sql, "UPDATE usuarios SET usua_pasw = NULL WHERE usua_codi = 0")
    new = "0123456789abcdef" * 2
    person = browser(published.site.url)
    page = "Administracion/usuarios/cambiar_password_grabar.php"
    with pytest.raises(PageError, match="403"):
        person.post(page, {"krd": "UADMINISTRADOR", "contraold": "", "contradrd": new, "contraver": new})
    assert server.exec(sql, "SELECT usua_pasw IS NULL FROM usuarios WHERE usua_codi = 0").strip() == "t"
    server.exec(sql, f"UPDATE usuarios SET usua_pasw = '{stored(PASSWORD)}' WHERE usua_codi = 0")
