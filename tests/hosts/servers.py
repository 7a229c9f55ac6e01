"""What a Quipux environment runs: PostgreSQL on one host, Apache with the pages on another."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2

from tests.hosts.machines import Host
from tests.stand_in.database import OWNER, Database, load

PAGES = Path(__file__).parent.parent / "stand_in" / "pages"
RELEASE_VARIABLE = "QUIPUX_RELEASE"  # a folder with the real release's pages
WEB_ROOT = "/var/www/quipux"
BODEGA = "/srv/quipux/bodega"
POSTGRESQL_SETTINGS = """
listen_addresses = '127.0.0.1, {address}'
password_encryption = 'scram-sha-256'
log_statement = 'all'
log_line_prefix = '%m [%p] %q%u@%d %a: '
fsync = off
"""
HBA = """
local all postgres peer
host all all 127.0.0.1/32 scram-sha-256
host all all {address}/24 scram-sha-256
"""
# The settings that the real release needs; the pages of the stand-in live under the same ones.
PHP_INI = """
short_open_tag = On
date.timezone = America/Guayaquil
session.use_strict_mode = 1
session.cookie_httponly = 1
session.cookie_samesite = Lax
session.gc_maxlifetime = 3600
memory_limit = 256M
display_errors = Off
log_errors = On
expose_php = Off
auto_prepend_file = /etc/quipux/prepend.php
sendmail_path = /etc/quipux/keep-mail
"""
MAIL = "/srv/quipux/mail"  # one file a mail that the pages send
KEEP_MAIL = f"""#!/bin/sh
exec cat > "$(mktemp {MAIL}/XXXXXXXX.eml)"
"""
# Without an active file store the release keeps no file and says nothing.
FILE_STORE = """
INSERT INTO indice (indi_codi, nombre_tabla, nombre_tablespace, esta_codi, tamanio_maximo, usua_codi_crea)
VALUES (1, 'archivo_0001', 'pg_default', 2, 1073741824, 0);
CREATE TABLE archivo_0001 (arch_codi bigint PRIMARY KEY REFERENCES archivo, archivo varchar);
"""
SPLIT_SHIM = """<?php
if (!function_exists('split')) {
    function split($separator, $text, $limit = PHP_INT_MAX) { return explode($separator, $text, $limit); }
}
"""
SITE = """<VirtualHost *:80>
    DocumentRoot {root}
    <Directory {root}>
        Options FollowSymLinks
        AllowOverride None
        Require all granted
    </Directory>
    <Directory {root}/bodega>
        php_admin_flag engine off
    </Directory>
</VirtualHost>
"""
CONFIG_LINES = (
    "usuario",
    "contrasena",
    "servidor",
    "db",
    "usuario_bodega",
    "contrasena_bodega",
    "servidor_bodega",
    "db_bodega",
    "nombre_servidor",
    "servidor_pdf",
    "path_ciudadanos",
)


@dataclass
class Server:
    """PostgreSQL on a test host, with what tests.stand_in.database needs of a cluster."""

    host: Host
    superuser_password: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    role_passwords: dict[str, str] = field(default_factory=dict)
    port: int = 5432
    superuser: str = "postgres"

    @classmethod
    def start(cls, host: Host) -> Server:
        """Make the host's own cluster (no two hosts may share a system identifier) and start it."""
        server = cls(host)
        version = host.exec("ls /usr/lib/postgresql").strip()
        host.exec(f"pg_dropcluster {version} main; pg_createcluster --locale=es_EC.UTF-8 {version} main")
        folder = f"/etc/postgresql/{version}/main"
        settings = POSTGRESQL_SETTINGS.format(address=host.address)
        host.write(f"{folder}/conf.d/quipux.conf", settings, owner="postgres:")
        host.write(f"{folder}/pg_hba.conf", HBA.format(address=host.address), "0640", "postgres:")
        host.exec("systemctl enable --now postgresql.service")
        host.wait_for("runuser -u postgres -- psql -qc 'SELECT 1'")
        statement = f"ALTER ROLE postgres PASSWORD '{server.superuser_password}'"
        host.exec("runuser -u postgres -- psql -q", statement)
        return server

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """No PostgreSQL for the time of the block."""
        self.host.exec("systemctl stop postgresql.service")
        try:
            yield
        finally:
            self.host.exec("systemctl start postgresql.service")
            self.host.wait_for("runuser -u postgres -- psql -qc 'SELECT 1'")

    def connect(
        self, database: str = "postgres", user: str | None = None, password: str | None = None
    ) -> psycopg2.extensions.connection:
        return psycopg2.connect(
            host=self.host.address,
            port=self.port,
            dbname=database,
            user=user or self.superuser,
            password=password if user else self.superuser_password,
            connect_timeout=10,
        )

    @contextlib.contextmanager
    def connection(
        self, database: str, user: str | None = None, password: str | None = None
    ) -> Iterator[Any]:
        connection = self.connect(database, user, password)
        connection.autocommit = True
        try:
            yield connection
        finally:
            connection.close()

    def sql(self, database: str, text: Any, values: Any = None) -> list[tuple[Any, ...]]:
        with self.connection(database) as connection, connection.cursor() as cursor:
            cursor.execute(text, values)
            return list(cursor.fetchall()) if cursor.description else []

    def log(self) -> str:
        return self.host.exec("cat /var/log/postgresql/*.log")


def start_database(host: Host, variant: str) -> Database:
    """PostgreSQL and both Quipux databases, `quipux` and `quipux_bodega`."""
    server = Server.start(host)
    store = load(server, "quipux_bodega", variant, store=True)  # type: ignore[arg-type]
    if variant == "real":
        with store.connection() as connection, connection.cursor() as cursor:
            cursor.execute(FILE_STORE)
    return load(server, "quipux", variant)  # type: ignore[arg-type]


def release() -> Path | None:
    """Folder of the real release's pages, if the environment names one."""
    value = os.environ.get(RELEASE_VARIABLE)
    return Path(value) if value else None


def start_application(host: Host, database: Database, variant: str) -> str:
    """Apache with the pages, on the database's host; gives the base URL."""
    base = f"http://{host.address}"
    pages = release() if variant == "real" else PAGES
    assert pages is not None
    host.copy_tree(pages, WEB_ROOT)
    host.exec(
        f"for d in logos plantillas firmas ciudadanos respaldos tmp; do mkdir -p {BODEGA}/$d; done; "
        f"chown -R www-data:www-data {BODEGA}; rm -rf {WEB_ROOT}/bodega; ln -s {BODEGA} {WEB_ROOT}/bodega"
    )
    config = _config(pages, database, base)
    host.write(f"{WEB_ROOT}/config.php", config, "0640", "root:www-data")
    host.write(f"{WEB_ROOT}/config_replicacion.php", "<?php\n")
    if variant == "real":
        host.exec(f"cp {WEB_ROOT}/example.config_title.php {WEB_ROOT}/config_title.php")
        host.exec(
            f"cd {WEB_ROOT}/html_a_pdf; cp example.config.php config.php; "
            "cp example.html_a_pdf.wsdl html_a_pdf.wsdl; "
            "sed -i 's#/quipux-comunitario/html_a_pdf#/html_a_pdf#' config.php html_a_pdf.wsdl"
        )
    host.write("/etc/quipux/prepend.php", SPLIT_SHIM)
    host.write("/etc/quipux/keep-mail", KEEP_MAIL, "0755")
    host.exec(f"mkdir -p {MAIL}; chown www-data:www-data {MAIL}")
    version = host.exec("ls /etc/php").strip()
    host.write(f"/etc/php/{version}/apache2/conf.d/99-quipux.ini", PHP_INI)
    host.write("/etc/apache2/sites-available/000-default.conf", SITE.format(root=WEB_ROOT))
    host.exec("systemctl enable --now apache2.service")
    host.wait_for("systemctl is-active apache2.service")
    return base


def _config(pages: Path, database: Database, base: str) -> str:
    """The release's own example of a configuration, where there is one, with our values at its end."""
    example = pages / "example.config.php"
    text = example.read_text(encoding="utf-8") if example.exists() else "<?php"
    server = f"{database.cluster.host.address}:5432"  # type: ignore[attr-defined]
    login = (OWNER, database.owner_password, server)
    values = (*login, "quipux", *login, "quipux_bodega", base, f"{base}/html_a_pdf", f"{BODEGA}/ciudadanos")
    lines = [f"${name} = '{value}';" for name, value in zip(CONFIG_LINES, values, strict=True)]
    lines += ["$nombre_servidor_reportes = $nombre_servidor_respaldos = $nombre_servidor;"]
    return "\n".join([text.rstrip().removesuffix("?>"), *lines, ""])
