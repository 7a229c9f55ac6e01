"""PostgreSQL and both databases of an own installation: made, closed, made anew after a kill, ready for a
new year."""

from __future__ import annotations

import datetime
import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.hosts.machines import Fleet, Host, HostError
from tests.self_hosted.play import Played
from tests.self_hosted.site import INNER, Site
from tests.stand_in.database import real_folder

HERE = Path(__file__).parent
INSTALL, PROVISION, NEXT_YEAR = (HERE / f"{name}.yml" for name in ("database", "provision", "next_year"))
YEAR = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=-5))).year
APPLICATION = "quipux_app"
# What the release's own notes say to run, for a year long gone.
SPLIT_BY_YEAR = """
CREATE TABLE log_acceso2014 (CHECK (extract(year FROM fecha) = 2014)) INHERITS (log_acceso);
CREATE FUNCTION crear_registro_log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF extract(year FROM NEW.fecha) = 2014 THEN INSERT INTO log_acceso2014 VALUES (NEW.*);
  ELSE RAISE EXCEPTION 'agregue la tabla del año'; END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER generar_registros BEFORE INSERT ON log_acceso
  FOR EACH ROW EXECUTE PROCEDURE crear_registro_log();
"""


class Case(NamedTuple):
    """Where the databases are made, and of which dumps."""

    topology: str
    suite: str
    variant: str


# On PostgreSQL 13 with everything on one host the rest of the suite installs, too.
CASES = [
    pytest.param(Case("apart", "bookworm", "stand_in"), id="apart-pg15"),
    pytest.param(Case("one", "bullseye", "stand_in"), id="one-pg13", marks=pytest.mark.full),
    pytest.param(Case("apart", "bookworm", "real"), id="apart-pg15-real", marks=pytest.mark.real),
    pytest.param(
        Case("one", "bullseye", "real"), id="one-pg13-real", marks=[pytest.mark.real, pytest.mark.full]
    ),
]


@pytest.fixture(scope="module", params=CASES)
def site(request: pytest.FixtureRequest, images: dict[str, dict[str, str]]) -> Iterator[Site]:
    """A site whose databases are made."""
    case: Case = request.param
    if case.variant == "real" and real_folder() is None:
        pytest.skip("the real dumps need QUIPUX_SQL and the real release QUIPUX_RELEASE")
    with Fleet() as fleet:
        site = Site.start(
            fleet, "packages", case.topology, case.variant, "bullseye", database_suite=case.suite
        )
        site.play(INSTALL)
        yield site


def sql(host: Host, statements: str, database: str = "quipux", role: str = "") -> str:
    """Statements run as the superuser, or in the place of another role; what the last ones gave."""
    set_role = f"SET ROLE {role};\n" if role else ""
    return host.exec(
        f"runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 {database}", f"{set_role}{statements}"
    ).strip()


def application(site: Site, statements: str, database: str = "quipux", **settings: str) -> str:
    """Statements as the application runs them: with its password, from its host. Raises HostError."""
    address = "127.0.0.1" if site.topology == "one" else INNER["bd"]
    given = {"host": address, "user": APPLICATION, "dbname": database, **settings}
    words = " ".join(f"{name}={value}" for name, value in given.items())
    password = site.secrets.passwords["quipux_app_db_password"]
    return site.web.exec(
        f"PGPASSWORD='{password}' psql -XAtq -v ON_ERROR_STOP=1 '{words}'", statements
    ).strip()


def stored(password: str) -> str:
    """A password as the application stores it."""
    return hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()[1:27]


def fingerprint(host: Host) -> str:
    """All that is in both databases and the cluster's roles."""
    return host.exec(
        "cd /; for d in quipux quipux_bodega; do runuser -u postgres -- pg_dump $d; done "
        "| grep -v 'restrict' | md5sum; runuser -u postgres -- pg_dumpall -g | grep -v 'restrict' | md5sum"
    )


def test_a_second_run_changes_nothing(site: Site):
    before = fingerprint(site.db)
    again = site.play(INSTALL)
    assert again.changed == 0, again.changes
    assert site.play(INSTALL, check=True).changed == 0
    assert fingerprint(site.db) == before


def test_the_databases_are_utf8_in_the_country_s_language_and_time(site: Site):
    expected = "\n".join(f"{name}|quipux_owner|UTF8|es_EC.UTF-8" for name in ("quipux", "quipux_bodega"))
    assert expected == sql(
        site.db,
        "SELECT datname, pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datctype "
        "FROM pg_database WHERE datname LIKE 'quipux%' ORDER BY 1",
    )
    for database in ("quipux", "quipux_bodega"):
        seen = application(site, "SELECT upper('peña'), current_setting('timezone')", database)
        assert seen == "PEÑA|America/Guayaquil"
    owner = "SELECT rolcanlogin, rolsuper FROM pg_roles WHERE rolname = 'quipux_owner'"
    assert sql(site.db, owner) == "f|f"
    assert sql(site.db, "SELECT count(*) FROM log_view_usuario") == "0"


def test_the_published_password_is_dead(site: Site):
    seen = (
        "SELECT u.usua_pasw, m.usua_pasw, u.usua_email FROM usuarios u JOIN usuario m USING (usua_codi) "
        "WHERE usua_codi = 0"
    )
    wanted = stored(site.admin_password)
    assert sql(site.db, seen) == f"{wanted}|{wanted}|superadministrador@inej.example.gob.ec"
    assert stored("123") not in site.db.exec("runuser -u postgres -- pg_dump quipux")
    everything = site.db.exec("cat /var/log/postgresql/*.log; ls -lR /var/cache/quipux")
    assert wanted not in everything
    assert not any(secret in everything for secret in site.secrets.passwords.values())


def test_a_password_that_we_set_may_change_and_one_of_its_holder_stays(site: Site):
    current = "SELECT usua_pasw FROM usuarios WHERE usua_codi = 0"
    try:
        site.play(INSTALL, extra={"quipux_admin_password": "otra-clave-inventada"})
        assert sql(site.db, current) == stored("otra-clave-inventada")
        sql(site.db, f"UPDATE usuarios SET usua_pasw = '{stored('la-suya-propia')}' WHERE usua_codi = 0")
        assert site.play(INSTALL).changed == 0
        assert sql(site.db, current) == stored("la-suya-propia")
        sql(site.db, f"UPDATE usuarios SET usua_pasw = '{stored('123')}' WHERE usua_codi = 0")
    finally:
        site.play(INSTALL)
    assert sql(site.db, current) == stored(site.admin_password)


def test_the_application_writes_data_and_defines_nothing(site: Site):
    assert application(
        site,
        "INSERT INTO log_acceso (fecha, usuario) VALUES (now(), 'prueba');"
        "UPDATE log_acceso SET intentos = 1 WHERE usuario = 'prueba';"
        "DELETE FROM log_acceso WHERE usuario = 'prueba' RETURNING intentos;"
        "SELECT nextval('sec_radi_nume_radi') > 0",
    ).split() == ["1", "t"]
    for statement in (
        "CREATE TABLE nueva ()",
        "CREATE TEMPORARY TABLE nueva ()",
        "DROP TABLE log_acceso",
        "ALTER TABLE log_acceso ADD nueva int",
        "TRUNCATE log_acceso",
        "CREATE FUNCTION nueva() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SET ROLE quipux_owner",
        "SELECT * FROM quipux_provision.note",
    ):
        with pytest.raises(HostError, match=r"denied|owner of"):
            application(site, statement)
    with pytest.raises(HostError, match="denied"):
        application(site, "CREATE TABLE archivo_0002 (arch_codi bigint REFERENCES archivo)", "quipux_bodega")
    # What an owner adds later is the application's, too.
    sql(site.db, "CREATE TABLE tardia (codigo serial)", role="quipux_owner")
    try:
        assert application(site, "INSERT INTO tardia DEFAULT VALUES RETURNING codigo") == "1"
    finally:
        sql(site.db, "DROP TABLE tardia")


def test_documents_are_kept_and_given_back(site: Site):
    number = application(site, "SELECT func_grabar_archivo('a.pdf', 'UHJ1ZWJh')", "quipux_bodega")
    assert int(number) > 0
    assert application(site, f"SELECT func_recuperar_archivo({number})", "quipux_bodega") == "UHJ1ZWJh"


def test_the_relations_that_the_dump_lacks_are_there(site: Site):
    application(
        site,
        "BEGIN; INSERT INTO institucion_coordinador (inst_codi_coor, inst_codi, inst_coor_fecha) "
        "VALUES (1, 2, CURRENT_DATE);"
        "SELECT inst_coor_codi FROM institucion_coordinador;"
        "INSERT INTO firma_digitalizada (usua_codi, fir_dig_cuerpo, fir_dig_ext) VALUES (0, 'eA==', 'png');"
        "SELECT sum(num_documentos), sum(num_doc_firma), sum(no_usuarios) FROM tmpreporteestadisticas;"
        "INSERT INTO respaldo_solicitud_radicado (resp_soli_codi, radi_nume_radi, tipo) "
        "VALUES (1, 20260000010000000021, 1);"
        "INSERT INTO log_actualizar_sistema (usua_codi, fecha_inicio, fecha_fin, sentencia, mensaje) "
        "VALUES (0, now(), now(), '', '');"
        "INSERT INTO tmp_revertir_bodega (arch_codi, arch_path) VALUES (1, '/a'); ROLLBACK;",
    )


def test_only_the_application_comes_in_from_the_network_and_only_encrypted(site: Site):
    listening = site.db.exec("ss -Hltn 'sport = 5432'")
    # Over the loopback the provisioning roles may come in; from another host only the application.
    for user in ("postgres", "quipux_owner", *(["quipux_prov"] if site.topology == "apart" else [])):
        with pytest.raises(HostError, match=r"no pg_hba\.conf entry"):
            application(site, "SELECT 1", user=user)
    if site.topology == "one":
        assert {line.split()[3].rsplit(":", 1)[0] for line in listening.splitlines()} <= {
            "127.0.0.1",
            "[::1]",
        }
        with pytest.raises(HostError, match="refused"):
            application(site, "SELECT 1", host=site.db.address)
        return
    assert {line.split()[3] for line in listening.splitlines()} - {"[::1]:5432"} == {
        "127.0.0.1:5432",
        f"{INNER['bd']}:5432",
    }
    assert "TLSv1." in application(site, "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    with pytest.raises(HostError, match=r"no pg_hba\.conf entry"):
        application(site, "SELECT 1", sslmode="disable")
    with pytest.raises(HostError, match=r"no pg_hba\.conf entry"):
        application(site, "SELECT 1", "postgres")


def test_provisioning_works(site: Site):
    site.play(PROVISION)
    seen = (
        "SELECT i.inst_sigla, u.usua_login FROM institucion i JOIN usuarios u USING (inst_codi) "
        "JOIN usuario m USING (usua_codi) WHERE inst_ruc = '1769999930001'"
    )
    assert sql(site.db, seen) == "INEJ|U2405999992"
    assert (
        sql(site.db, "SELECT count(*) FROM usuarios WHERE usua_login = 'U2405999992'", role="quipux_ro")
        == "1"
    )


def altered(site: Site, folder: Path, name: str, addition: str) -> Path:
    """The site's archive of dumps with something more at the end of one of them, or without it if empty."""
    path = folder / f"altered-{name}.tar.gz"
    with tarfile.open(site.sources.sql) as source, tarfile.open(path, "w:gz") as target:
        for member in source:
            data = source.extractfile(member).read() if member.isfile() else b""  # type: ignore[union-attr]
            if member.name.endswith(f"/{name}"):
                if not addition:
                    continue
                data += addition.encode()
                member.size = len(data)
            target.addfile(member, io.BytesIO(data))
    return path


OTHER = {
    "quipux_db_name": "otra",
    "quipux_store_db_name": "otra_bodega",
    "quipux_db_owner_role": "otra_duena",
    "quipux_app_db_user": "otra_app",
}


@pytest.mark.parametrize(
    ("name", "addition", "said"),
    [
        ("quipux_bodega.sql", "\nINSERT INTO no_existe VALUES (1);\n", "no_existe"),
        ("quipux.sql", "\nDROP TABLE permiso CASCADE;\n", "permiso is nothing"),
        ("quipux.sql", "", "no quipux.sql in"),
    ],
    ids=["error", "layout", "missing"],
)
def test_wrong_dumps_leave_nothing(site: Site, tmp_path: Path, name: str, addition: str, said: str):
    played = site.play(
        INSTALL,
        extra={**OTHER, "quipux_sql_source": str(altered(site, tmp_path, name, addition))},
        tags=["quipux_database_configure"],
        must=False,
    )
    assert played.code != 0
    assert said in played.output
    assert sql(site.db, "SELECT count(*) FROM pg_database WHERE datname LIKE 'otra%'") == "0"
    assert sql(site.db, "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'otra%'") == "0"


def test_killed_while_loading_it_is_made_anew(site: Site, tmp_path: Path):
    slow = altered(site, tmp_path, "quipux_bodega.sql", "\nSELECT pg_sleep(300);\n")
    played: list[Played] = []
    run = threading.Thread(
        target=lambda: played.append(
            site.play(
                INSTALL,
                extra={**OTHER, "quipux_sql_source": str(slow)},
                tags=["quipux_database_configure"],
                must=False,
            )
        )
    )
    run.start()
    try:
        loading = (
            "SELECT 1 FROM pg_stat_activity WHERE datname = 'otra_bodega_loading' AND wait_event = 'PgSleep'"
        )
        site.db.wait_for(f'runuser -u postgres -- psql -XAtqc "{loading}" | grep -q 1')
    finally:
        site.db.exec("pkill -KILL -u postgres -x python3 || true")
        run.join()
    assert played[0].code != 0
    names = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE datname LIKE 'otra%'"
    assert sql(site.db, names) == "otra_bodega_loading otra_loading"
    try:
        # Only the databases: who may come in is written for one pair of names.
        site.play(INSTALL, extra=OTHER, tags=["quipux_database_configure"])
        assert sql(site.db, names) == "otra otra_bodega"
        assert sql(site.db, "SELECT count(*) FROM indice WHERE esta_codi = 2", "otra_bodega") == "1"
    finally:
        sql(site.db, "DROP DATABASE IF EXISTS otra")
        sql(site.db, "DROP DATABASE IF EXISTS otra_bodega WITH (FORCE)")
        sql(site.db, "DROP ROLE IF EXISTS otra_app; DROP ROLE IF EXISTS otra_duena")
    site.play(INSTALL)


def test_a_database_of_somebody_else_is_left_alone(site: Site):
    sql(site.db, "CREATE DATABASE otra")
    try:
        played = site.play(INSTALL, extra=OTHER, tags=["quipux_database_configure"], must=False)
        assert played.code != 0
        assert "database otra is there and belongs to postgres" in played.output
        assert sql(site.db, "SELECT count(*) FROM pg_class WHERE relname = 'usuarios'", "otra") == "0"
    finally:
        sql(site.db, "DROP DATABASE otra")
    assert sql(site.db, "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'otra%'") == "0"


@pytest.fixture
def split_logs(site: Site) -> Iterator[None]:
    """The log of logins, split by year for a year long gone."""
    sql(site.db, SPLIT_BY_YEAR, role="quipux_owner")
    yield
    sql(site.db, "DROP FUNCTION crear_registro_log CASCADE")
    for year in (2014, YEAR, YEAR + 1):
        sql(site.db, f"DROP TABLE IF EXISTS log_acceso{year}")


@pytest.mark.usefixtures("split_logs")
def test_logs_split_by_year_take_every_year(site: Site):
    """The trap: the trigger of an old year refuses every row, and the application says nothing."""
    row = "INSERT INTO log_acceso (fecha, usuario) VALUES ('{year}-07-01', 'anual');"
    with pytest.raises(HostError, match="agregue la tabla"):
        application(site, row.format(year=YEAR + 1))
    told = site.play(NEXT_YEAR, check=True, extra={"quipux_database_year": YEAR + 1})
    assert f"table log_acceso{YEAR + 1}: created" in told.output
    with pytest.raises(HostError, match="agregue la tabla"):
        application(site, row.format(year=YEAR + 1))
    assert site.play(NEXT_YEAR, extra={"quipux_database_year": YEAR + 1}).changed == 1
    application(site, row.format(year=YEAR + 1) + row.format(year=YEAR + 5))
    where = "SELECT tableoid::regclass FROM log_acceso WHERE usuario = 'anual' ORDER BY fecha"
    assert sql(site.db, where).split() == [f"log_acceso{YEAR + 1}", "log_acceso"]
    assert site.play(NEXT_YEAR, extra={"quipux_database_year": YEAR + 1}).changed == 0
    # An installation that runs again finds the trap, too.
    assert site.play(INSTALL).changed == 1
    assert sql(site.db, f"SELECT count(*) FROM log_acceso{YEAR}") == "0"
    application(site, "DELETE FROM log_acceso WHERE usuario = 'anual'")


COUNTERS = "SELECT fn_formato, fn_contador FROM formato_numeracion WHERE depe_codi >= 900 ORDER BY depe_codi"
OLD_COUNTERS = """
SET session_replication_role = replica;  -- without the areas that these belong to
INSERT INTO formato_numeracion (depe_codi, depe_numeracion, fn_tiporad, fn_formato, fn_contador) VALUES
  (900, 900, 1, 'inst-dep-anio-secuencial-tipodoc', 41), (901, 901, 1, 'dep-anio-secuencial', 42),
  (902, 902, 1, 'inst-secuencial', 43), (903, 903, 1, NULL, 44);
INSERT INTO radicado_sec_temp VALUES (900, 45);
SELECT setval('sec_radi_nume_radi', 5000);
"""


@pytest.fixture
def old_counters(site: Site) -> Iterator[None]:
    """Counters as a year of work leaves them."""
    sql(site.db, OLD_COUNTERS)
    yield
    sql(
        site.db,
        "DELETE FROM formato_numeracion WHERE depe_codi >= 900; DELETE FROM radicado_sec_temp;"
        "DELETE FROM radicado WHERE radi_nume_radi > 0; SELECT setval('sec_radi_nume_radi', 1)",
    )


@pytest.mark.usefixtures("old_counters")
def test_numbers_start_again_once_the_year_has_begun_and_formats_stay(site: Site):
    december = {"quipux_database_year": YEAR + 1}
    assert site.play(NEXT_YEAR, extra=december).changed == 0
    assert "|41" in sql(site.db, COUNTERS)
    january = {"quipux_database_year": YEAR}
    assert site.play(NEXT_YEAR, check=True, extra=january).changed == 1
    assert sql(site.db, "SELECT last_value FROM sec_radi_nume_radi") == "5000"
    assert site.play(NEXT_YEAR, extra=january).changed == 1
    assert sql(site.db, "SELECT last_value FROM sec_radi_nume_radi") == "1"
    assert sql(site.db, "SELECT secuencia FROM radicado_sec_temp") == "0"
    assert sql(site.db, COUNTERS).split() == [
        "inst-dep-anio-secuencial-tipodoc|0",
        "dep-anio-secuencial|0",
        "inst-secuencial|43",  # from 0 it would give last year's numbers again
        "|0",
    ]
    assert site.play(NEXT_YEAR, extra=january).changed == 0
    as_the_menu = {**january, "quipux_database_reset_formats": True}
    assert site.play(NEXT_YEAR, extra=as_the_menu).changed == 1
    assert sql(site.db, COUNTERS).split() == ["inst-dep-anio-secuencial-tipodoc|0"] * 4


@pytest.mark.usefixtures("old_counters")
def test_numbers_that_are_in_use_never_start_again(site: Site):
    sql(
        site.db,
        "SET session_replication_role = replica;"
        "INSERT INTO radicado (radi_nume_radi, radi_nume_temp, radi_fech_radi) "
        f"SELECT n, n, now() FROM unnest(ARRAY[{YEAR - 1}0009000000040001, {YEAR}0009000000050011]) n",
    )
    played = site.play(NEXT_YEAR, extra={"quipux_database_year": YEAR}, must=False)
    assert played.code != 0
    assert "numbers would come twice" in played.output
    assert sql(site.db, "SELECT last_value FROM sec_radi_nume_radi") == "5000"
    assert "|41" in sql(site.db, COUNTERS)


def test_a_full_repository_gives_way_to_a_new_one(site: Site):
    sql(site.db, "UPDATE indice SET tamanio_maximo = 1 WHERE indi_codi = 1", "quipux_bodega")
    try:
        assert site.play(NEXT_YEAR).changed == 1
        seen = "SELECT nombre_tabla, esta_codi, tamanio_maximo FROM indice ORDER BY 1"
        assert sql(site.db, seen, "quipux_bodega") == "archivo_0001|3|1\narchivo_0002|2|10737418240"
        number = application(site, "SELECT func_grabar_archivo('b.pdf', 'b3Ryb3M=')", "quipux_bodega")
        kept = f"SELECT archivo FROM archivo_0002 WHERE arch_codi = {number}"
        assert application(site, kept, "quipux_bodega") == "b3Ryb3M="
        assert site.play(NEXT_YEAR).changed == 0
    finally:
        sql(
            site.db,
            "UPDATE indice SET tamanio_maximo = 10737418240, esta_codi = 2 WHERE indi_codi = 1;"
            "DELETE FROM indice WHERE indi_codi = 2; DROP TABLE IF EXISTS archivo_0002",
            "quipux_bodega",
        )


def test_the_change_of_year_is_announced_and_blocks_are_told(site: Site):
    notice = {
        "quipux_database_year": YEAR + 1,
        "quipux_database_year_notice": "La numeración 'vuelve' a empezar",
    }
    assert site.play(NEXT_YEAR, extra=notice).changed == 1
    assert site.play(NEXT_YEAR, extra=notice).changed == 0
    seen = "SELECT fecha_inicio::date, tipo_mensaje, mensaje_usuario FROM bloqueo_sistema"
    assert sql(site.db, seen) == f"{YEAR}-12-31|2|La numeración 'vuelve' a empezar"
    sql(
        site.db,
        "INSERT INTO bloqueo_sistema (bloq_codi, fecha_inicio, fecha_fin, estado, tipo_mensaje) "
        f"VALUES (77, now(), '{YEAR + 1}-01-05', 1, 0)",
    )
    try:
        played = site.play(NEXT_YEAR, extra=notice, must=False)
        assert played.code != 0
        assert f"blocks 77 reach into {YEAR + 1}" in played.output
        assert site.play(NEXT_YEAR, extra=notice, check=True).changed == 0
    finally:
        sql(site.db, "DELETE FROM bloqueo_sistema")


def test_check_mode_on_a_blank_host_tells_and_changes_nothing(
    images: dict[str, dict[str, str]], fleet: Fleet
):
    site = Site.start(fleet, "blank", "apart")
    before = site.db.exec(
        "dpkg -l | md5sum; find /etc /var/lib /var/cache -newer /etc/hostname -type f | wc -l"
    )
    told = site.play(INSTALL, check=True, diff=True)
    assert {task.task.rsplit(" : ", 1)[-1] for task in told.changes} >= {
        "Install PostgreSQL",
        "Write the settings",
        "Write who may come in",
        "Make the databases",
    }
    assert not any(secret in told.output for secret in site.secrets.passwords.values())
    after = site.db.exec(
        "dpkg -l | md5sum; find /etc /var/lib /var/cache -newer /etc/hostname -type f | wc -l"
    )
    assert after.split()[0] == before.split()[0]
    with pytest.raises(HostError):
        site.db.exec("ls /etc/postgresql /var/cache/quipux")
