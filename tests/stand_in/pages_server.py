"""Serves the stand-in's pages on loopback with PHP's built-in server, for tests without a web host."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.stand_in.database import Database

PAGES = Path(__file__).parent / "pages"
# What the release asks of php.ini; mails go nowhere.
SETTINGS = (
    "short_open_tag=1",
    "session.use_strict_mode=1",
    "session.cookie_httponly=1",
    "sendmail_path=/bin/true",
)


def php() -> str | None:
    """The PHP command, if one with the PostgreSQL driver is installed."""
    command = shutil.which("php")
    if command is None:
        return None
    modules = subprocess.run([command, "-m"], capture_output=True, text=True, check=False).stdout
    return command if "pdo_pgsql" in modules.split() else None


def environment(database: Database, store: Database | None = None) -> dict[str, str]:
    """What the pages take instead of a config.php."""
    cluster = database.cluster
    settings = {
        "QUIPUX_DB_SERVER": f"{cluster.host}:{cluster.port}",
        "QUIPUX_DB_NAME": database.name,
        "QUIPUX_DB_USER": database.owner,
        "QUIPUX_DB_PASSWORD": database.owner_password,
        "QUIPUX_DB_STORE_NAME": store.name if store else "",
    }
    return {**os.environ, **settings}


def options(settings: Iterable[str]) -> list[str]:
    """Settings of php.ini as options of the php command."""
    return [part for setting in settings for part in ("-d", setting)]


@contextmanager
def serve(
    database: Database,
    settings: Iterable[str] = (),
    *,
    store: Database | None = None,
    pages: Path = PAGES,
) -> Iterator[str]:
    """The address (no slash at the end) of a server over `database`, for the time of the `with` block.

    `settings`: lines of php.ini over SETTINGS. `store`: the document store, if there is one.
    """
    command = php()
    if command is None:
        raise FileNotFoundError("php with pdo_pgsql (php-cli and php-pgsql) is not installed")
    with tempfile.TemporaryDirectory(prefix="qxphp-") as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
        probe.close()
        log = Path(folder) / "php.log"
        given = options([*SETTINGS, f"session.save_path={folder}", *settings])
        arguments = [command, *given, "-S", address, "-t", str(pages)]
        with log.open("wb") as output:
            server = subprocess.Popen(
                arguments, env=environment(database, store), stdout=output, stderr=subprocess.STDOUT
            )
        try:
            _wait(server, address, log)
            yield f"http://{address}"
        finally:
            server.terminate()
            server.wait(timeout=10)


def _wait(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    host, port = address.split(":")
    for _ in range(500):
        if server.poll() is not None:
            break
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"PHP's server did not start: {log.read_text(errors='replace')}")
