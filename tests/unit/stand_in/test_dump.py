"""The dumps, loaded as the release's must be: by the databases' owner, with psql."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.stand_in.archives import members
from tests.stand_in.cluster import Cluster
from tests.stand_in.database import Database, empty, real_folder
from tests.stand_in.dump import NOT_DUMPS, dumps

pytestmark = pytest.mark.skipif(shutil.which("psql") is None, reason="the dumps are read with psql")

REFUSED = {
    "quipux.sql": [
        "must be owner of extension plpgsql",
        'permission denied to create extension "pg_buffercache"',
        'extension "pg_buffercache" does not exist',
    ],
    "quipux_bodega.sql": ["must be owner of extension plpgsql"],
}
# What the pages of 2021 ask for and the dumps of 2014 do not have.
MISSING = {
    "firma_digitalizada",
    "institucion_coordinador",
    "log_actualizar_sistema",
    "respaldo_solicitud_radicado",
    "tmp_revertir_bodega",
    "tmpreporteestadisticas",
}


def psql(database: Database, text: str) -> list[str]:
    """Run a script as the owner to its end; the errors it met."""
    cluster = database.cluster
    command = ["psql", "-X", "-q", "-h", cluster.host, "-p", str(cluster.port), "-U", database.owner]
    environment = {**os.environ, "PGPASSWORD": database.owner_password, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [*command, database.name], input=text, env=environment, capture_output=True, text=True, check=False
    )
    return [line for line in done.stderr.splitlines() if "ERROR:" in line]


@pytest.fixture
def scripts(variant: str) -> dict[str, str]:
    folder = real_folder() if variant == "real" else None
    files = members(folder) if folder else members(NOT_DUMPS) | dumps()
    return {name: text.decode("utf-8-sig") for name, text in files.items()}


@pytest.fixture
def database(cluster: Cluster) -> Iterator[Database]:
    made = empty(cluster, "of_a_dump")
    yield made
    made.drop()


@pytest.mark.parametrize("name", REFUSED)
def test_the_owner_meets_these_errors_and_no_other(
    database: Database, scripts: dict[str, str], name: str
) -> None:
    errors = psql(database, scripts[name])
    assert len(errors) == len(REFUSED[name]), errors
    assert all(words in line for words, line in zip(REFUSED[name], errors, strict=True)), errors


def test_what_quipux_sql_holds(database: Database, scripts: dict[str, str]) -> None:
    psql(database, scripts["quipux.sql"])
    assert database.sql("SELECT 1 FROM pg_ts_config WHERE cfgname = 'es'")
    searched = "SELECT to_tsvector('es', 'canción') = to_tsvector('es', 'cancion')"
    assert database.sql(searched) == [(True,)]
    assert database.sql("SELECT count(*) > 0 FROM pg_indexes WHERE indexdef LIKE '%USING gin (to_tsvector(%'")
    assert database.sql(
        "SELECT usua_login, usua_pasw = substr(md5('123'), 2, 26) FROM usuarios WHERE usua_codi = 0"
    ) == [("UADMINISTRADOR", True)]
    tables = {name for (name,) in database.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    assert tables >= {"log_acceso", "log_archivo_descarga", "respaldo_usuario", "respaldo_solicitud"}
    assert not tables & MISSING
    owners = database.sql("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
    assert owners == [(database.owner,)]


def test_what_quipux_bodega_sql_holds(database: Database, scripts: dict[str, str]) -> None:
    psql(database, scripts["quipux_bodega.sql"])
    assert database.sql("SELECT count(*) FROM indice") == [(0,)]
    assert database.sql("SELECT count(*) FROM archivo") == [(0,)]
    assert database.sql("SELECT func_grabar_archivo('a.pdf', 'QUJD')") == [(0,)]


@pytest.mark.parametrize("name", ["particionamiento_log_acceso.sql", "repositorios.sql"])
def test_what_lies_beside_the_dumps_cannot_be_loaded(
    database: Database, scripts: dict[str, str], name: str
) -> None:
    psql(database, scripts["quipux.sql"])
    assert psql(database, scripts[name])
