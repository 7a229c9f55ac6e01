"""The stand-in as a release: what installing, hardening and verifying it find is what the real one shows."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stand_in.archives import PAGES
from tests.stand_in.database import Database
from tests.stand_in.http_client import Browser, PageError
from tests.stand_in.pages_server import SETTINGS, environment, options, php, serve

pytestmark = pytest.mark.skipif(php() is None, reason="the pages need php-cli and php-pgsql")
needs_gd = pytest.mark.skipif("gd" not in subprocess.getoutput("php -m"), reason="the image needs php-gd")

REPOSITORY = """
INSERT INTO indice (indi_codi, nombre_tabla, nombre_tablespace, esta_codi, tamanio_maximo, usua_codi_crea)
VALUES (1, 'archivo_0001', 'pg_default', 2, {size}, 0);
CREATE TABLE archivo_0001 (arch_codi bigint PRIMARY KEY REFERENCES archivo, archivo varchar);
"""
OPEN = (
    "Administracion/archivos/archivos_test_bodega_grabar_ejecutar.php",
    "Administracion/archivos/archivos_test_bodega_leer_ejecutar.php",
    "Administracion/usuarios/cambiar_password_olvido.php",
    "Administracion/usuarios/cambiar_password_olvido_grabar.php",
    "Administracion/usuarios/cambiar_password_olvido_validar.php",
    "README.md",
    "adodb/prueba.php",
    "backup/backup_espacio_disco.php",
    "backup/backup_usuarios_estado_buscar.php",
    "backup/backup_usuarios_generar_zip.php",
    "class_control/JSON.php",
    "cron/generar_mensaje_alerta.php",
    "example.bodega/estadisticas_menu.html",
    "include/barcode/index.php",
    "js/fckeditor/editor/filemanager/connectors/php/connector.php",
    "plantillas/Memos.php",
    "recursivas/funciones_recursivas.php",
    "reportes/usuarios_conectados.php",
    "reportes/usuarios_conectados_por_institucion.php",
)
CLOSED = (
    "Administracion/formAdministracion.php",
    "anexos/anexos_descargar_archivo.php",
    "archivo_descargar.php",
    "backup/backup_usuarios_eliminar.php",
    "backup/respaldo_menu.php",
    "correspondencia.php",
    "cuerpo.php",
    "descargar_contenidos.php",
    "f_top.php",
    "reportes_new/reportes.php",
)


@pytest.fixture
def database(make_database: Any) -> Database:
    made: Database = make_database()
    return made


@pytest.fixture
def store(make_database: Any) -> Database:
    made: Database = make_database(store=True)
    return made


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A copy of the pages with an empty bodega."""
    folder = tmp_path / "release"
    shutil.copytree(PAGES, folder)
    for name in ("logos", "plantillas", "firmas", "ciudadanos", "respaldos", "tmp"):
        (folder / "bodega" / name).mkdir(parents=True)
    return folder


@pytest.fixture
def base(database: Database, store: Database) -> Iterator[str]:
    with serve(database, store=store) as address:
        yield address


def source(base: str, path: str) -> str:
    """A page as it is, PHP source included."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{base}/{path}", timeout=30) as answer:
        return bytes(answer.read()).decode(errors="replace")


def cookie(base: str) -> str:
    """The session number that a login gets."""
    browser = Browser(base)
    assert browser.login("ADMINISTRADOR", "123") == "in"
    return {one.name: one.value or "" for one in browser.cookies}["PHPSESSID"]


def script(path: Path, database: Database, store: Database, folder: Path, *settings: str) -> str:
    """What a script prints that is run from `folder`."""
    command = [php() or "", *options([*SETTINGS, *settings]), str(path)]
    done = subprocess.run(
        command, cwd=folder, env=environment(database, store), capture_output=True, text=True, check=True
    )
    return done.stdout


def cron(release: Path, name: str, database: Database, store: Database, *settings: str) -> str:
    """What a job prints."""
    folder = release / "cron"
    return script(folder / f"{name}.php", database, store, folder, *settings)


def activate(store: Database, size: int = 1073741824) -> None:
    """The one repository, of so many bytes."""
    with store.connection() as connection, connection.cursor() as cursor:
        cursor.execute(REPOSITORY.format(size=size))


def test_these_answer_to_anybody(base: str) -> None:
    pages = {path: Browser(base).get(path) for path in OPEN}
    assert [path for path, page in pages.items() if not page or "expirado" in page] == []


def test_these_ask_for_a_session(database: Database, base: str) -> None:
    assert [path for path in CLOSED if "expirado" not in Browser(base).get(path)] == []
    assert database.sql("SELECT count(*) FROM log_sesion") == [(len(CLOSED),)]


def test_a_session_ended_in_the_database_is_over_on_every_page(database: Database, base: str) -> None:
    browser = Browser(base)
    assert browser.login("ADMINISTRADOR", "123") == "in"
    assert browser.logged_in()
    database.sql("UPDATE usuarios_sesion SET usua_sesion = 'FIN  2026-11-23 08:00:00'")
    assert [path for path in CLOSED if "expirado" not in browser.get(path)] == []


def test_who_is_logged_in_gets_the_frames_and_the_menu(base: str) -> None:
    browser = Browser(base)
    assert browser.login("ADMINISTRADOR", "123") == "in"
    frames = re.findall(r'<frame name="\w+"[^>]* src="([^"]+)"', browser.get("index_frames.php"))
    pages = {frame: browser.get(frame) for frame in frames}
    assert set(pages) == {"f_top.php", "correspondencia.php", "cuerpo.php"}
    assert "Super Administrador" in pages["f_top.php"]
    assert browser.trays() == {"Administración": "Administracion/formAdministracion.php"}


def test_without_short_tags_source_is_shown(database: Database) -> None:
    with serve(database, ["short_open_tag=0"]) as base:
        assert "<? echo html_head(); ?>" in source(base, "login.php")
        assert "require_once" in source(base, "index_frames.php")
    with serve(database) as base:
        assert "<?" not in source(base, "login.php") + source(base, "index_frames.php")


def test_the_session_number_can_be_told_beforehand_unless_php_is_strict(database: Database) -> None:
    with serve(database, ["session.use_strict_mode=0"]) as base:
        assert cookie(base) == "127o0o0o1oUADMINISTRADORoo"
    with serve(database) as base:
        first, second = cookie(base), cookie(base)
        assert "ADMINISTRADOR" not in first
        assert first != second


def test_a_report_needs_split(database: Database, tmp_path: Path) -> None:
    shim = tmp_path / "prepend.php"
    shim.write_text(
        "<?php if (!function_exists('split')) { function split($a, $b) { return explode($a, $b); } }"
    )
    for settings, works in (([], False), ([f"auto_prepend_file={shim}"], True)):
        with serve(database, settings) as base:
            browser = Browser(base)
            browser.login("ADMINISTRADOR", "123")
            if works:
                assert "Ciudadanos" in browser.get("reportes_new/reportes_generar.php")
            else:
                with pytest.raises(PageError, match="HTTP 500"):
                    browser.get("reportes_new/reportes_generar.php")


def test_the_entry_reads_the_file_with_an_underscore(database: Database, release: Path) -> None:
    title = release / "config_title.php"
    with serve(database, pages=release) as base:
        assert "institucionSigla" not in source(base, "index.php")
        title.write_text("<?php $institucionSigla = 'IDE'; $institucionNombre = 'institucionNombre';")
        page = source(base, "index.php")
        assert "<title>.::IDE::.</title>" in page
        assert "example.config_title.php" in page


def test_contents_come_from_the_database(database: Database) -> None:
    database.sql("UPDATE contenido SET texto = 'unas palabras' WHERE cont_codi = 1")
    with serve(database) as base:
        assert "unas palabras" in source(base, "index2.php")
        database.drop()
        assert "Implantaci" in source(base, "index2.php")
        assert "paginasinConexion.php" in source(base, "index_frames.php")
        assert 'name="krd"' in source(base, "login.php")


@needs_gd
def test_the_image_is_a_gif(base: str) -> None:
    assert source(base, "js/captcha.php").startswith("GIF8")


def test_anybody_resets_any_password(database: Database, store: Database, tmp_path: Path) -> None:
    kept = tmp_path / "mail"
    database.sql("UPDATE usuarios SET usua_email = 'sa@example.gob.ec' WHERE usua_codi = 0")
    before = database.sql("SELECT usua_pasw FROM usuarios WHERE usua_codi = 0")
    with serve(database, [f"sendmail_path=sh -c 'cat >> {kept}'"], store=store) as base:
        page = Browser(base).post(
            "Administracion/usuarios/cambiar_password_olvido_grabar.php", {"txt_login": "%"}
        )
    assert "sa@example.gob.ec" in page
    assert database.sql("SELECT usua_pasw FROM usuarios WHERE usua_codi = 0") != before
    mail = kept.read_text()
    assert len(re.findall(r"^To: .*sa@example\.gob\.ec", mail, re.MULTILINE)) == 2
    assert "Subject: Quipux: Cambio de contraseña." in mail
    assert "/usuarionuevo.php?krd=" in mail


@needs_gd
def test_a_text_of_an_image_is_asked_for_once_it_was_shown(base: str) -> None:
    browser = Browser(base)
    browser.get("js/captcha.php")
    page = browser.post("Administracion/usuarios/cambiar_password_olvido_grabar.php", {"txt_login": "%"})
    assert "No coincide" in page


def test_files_by_the_pages_own_classes(database: Database, store: Database, tmp_path: Path) -> None:
    probe = tmp_path / "probe.php"
    probe.write_text(
        """<?php
        $ruta_raiz = '..';
        include_once "$ruta_raiz/include/db/ConnectionHandler.php";
        $db = new ConnectionHandler($ruta_raiz, "bodega");
        $db->conn->SetFetchMode(ADODB_FETCH_ASSOC);
        $rs = $db->query("select func_grabar_archivo(E'a.txt', E'QUJD') as arch_codi");
        $codigo = $rs->fields["ARCH_CODI"];
        $rs = $db->query("select func_recuperar_archivo($codigo) as archivo");
        echo $codigo, ' ', base64_decode($rs->fields["ARCHIVO"]);
        """
    )
    assert script(probe, database, store, PAGES / "cron") == "0 "
    activate(store)
    assert script(probe, database, store, PAGES / "cron") == "1 ABC"


def test_a_kept_file_is_downloaded(database: Database, store: Database, release: Path) -> None:
    number = "20260000030000000010"
    activate(store)
    content = base64.b64encode(b"%PDF-1.4 contenido").decode()
    ((code,),) = store.sql("SELECT func_grabar_archivo('a.pdf', %s)", (content,))
    database.sql(
        "INSERT INTO radicado (radi_nume_radi, radi_nume_temp, radi_nume_text, radi_fech_radi, arch_codi)"
        " VALUES (%s, %s, 'IDE-1', now(), %s)",
        (number, number, code),
    )
    with serve(database, store=store, pages=release) as base:
        browser = Browser(base)
        browser.login("ADMINISTRADOR", "123")
        assert browser.get(f"anexos/anexos_descargar_archivo.php?radi_nume={number}") == "%PDF-1.4 contenido"
    assert (release / "bodega" / "tmp" / f"{code}.pdf").read_bytes() == b"%PDF-1.4 contenido"
    assert database.sql("SELECT count(*) FROM log_archivo_descarga") == [(1,)]


@pytest.mark.parametrize("name", ["generar_mensaje_alerta", "estadisticas_menu"])
def test_jobs_that_say_when(database: Database, store: Database, release: Path, name: str) -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", cron(release, name, database, store))
    assert [path.name for path in (release / "bodega").glob("*.html")]


def test_jobs_say_that_the_database_is_away(database: Database, store: Database, release: Path) -> None:
    database.drop()
    store.drop()
    for name in ("generar_mensaje_alerta", "monitorear_bodega"):
        assert cron(release, name, database, store) == "Error: No se pudo conectar con la BDD"


def test_a_full_repository_is_mailed(
    database: Database, store: Database, release: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "mail"
    settings = f"sendmail_path=sh -c 'cat >> {kept}'"
    assert "No se encontraron repositorios activos" in cron(
        release, "monitorear_bodega", database, store, settings
    )
    activate(store, 1000)
    assert "Uso del repositorio archivo_0001" in cron(release, "monitorear_bodega", database, store, settings)
    mail = kept.read_text()
    assert "Estado del repositorio" in mail
    assert "correo@admin" not in mail  # no address: nothing after a dot


def test_backups_whose_days_are_over_are_removed(database: Database, store: Database, release: Path) -> None:
    database.sql(
        "INSERT INTO respaldo_usuario (resp_codi, usua_codi, fecha_fin)"
        " VALUES (7, 0, now() - interval '16 days'), (8, 0, now())"
    )
    kept = release / "bodega" / "respaldos"
    for name in ("respaldo_7.zip", "respaldo_8.zip"):
        (kept / name).touch()
    assert cron(release, "eliminar_respaldos", database, store) == ""
    assert [path.name for path in kept.iterdir()] == ["respaldo_8.zip"]
    assert database.sql("SELECT resp_codi FROM respaldo_usuario WHERE fecha_eliminado IS NULL") == [(8,)]


def test_backups_are_counted(database: Database, store: Database, release: Path) -> None:
    database.sql("INSERT INTO respaldo_solicitud (usua_codi_solicita, estado_solicitud) VALUES (0, 3)")
    assert cron(release, "cantidad_respaldos", database, store) == ""
    assert database.sql("SELECT num_documentos FROM respaldo_solicitud") == [(0,)]
