"""Pinned host keys, against an SSH server of the test's own: OpenSSH in a run, paramiko before one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import paramiko
import pytest

from quipux_provision.ansible.preflight import Host, inventory_hosts, probe
from quipux_provision.ansible.run import Run, execute
from quipux_provision.errors import RunFailed


@dataclass
class Server:
    port: int
    key: paramiko.PKey
    user_key: Path

    def line(self, key: paramiko.PKey) -> str:
        return f"[127.0.0.1]:{self.port} {key.get_name()} {key.get_base64()}\n"


class Login(paramiko.ServerInterface):
    def __init__(self, accepted: paramiko.PKey) -> None:
        self.accepted = accepted

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        good = username == "provision" and key == self.accepted
        return paramiko.common.AUTH_SUCCESSFUL if good else paramiko.common.AUTH_FAILED


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    host_key, user_key = paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate()
    path = tmp_path / "id"
    user_key.write_private_key_file(str(path))
    listener = socket.create_server(("127.0.0.1", 0))
    transports: list[paramiko.Transport] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transports.append(transport)
            transport.add_server_key(host_key)
            try:
                transport.start_server(server=Login(user_key))
            except (paramiko.SSHException, EOFError, OSError):
                transport.close()

    thread = threading.Thread(target=serve)
    thread.start()
    yield Server(listener.getsockname()[1], host_key, path)
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()
    for transport in transports:
        transport.close()


def host(server: Server, tmp_path: Path, *pinned: paramiko.PKey) -> Host:
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text("".join(server.line(key) for key in pinned))
    return Host("db1", ("quipux_db",), "127.0.0.1", server.port, "provision", server.user_key, (known_hosts,))


def test_pinned_key_and_login(server: Server, tmp_path: Path) -> None:
    found = probe(host(server, tmp_path, server.key))
    assert (found.status, found.fingerprint) == ("ok", server.key.fingerprint)


def test_unknown_key(server: Server, tmp_path: Path) -> None:
    found = probe(host(server, tmp_path))
    assert found.status == "unknown_key"
    assert f"ssh-keyscan -p {server.port} 127.0.0.1" in found.hint


def test_changed_key(server: Server, tmp_path: Path) -> None:
    assert probe(host(server, tmp_path, paramiko.ECDSAKey.generate())).status == "changed_key"


def test_refused_login(server: Server, tmp_path: Path) -> None:
    found = probe(replace(host(server, tmp_path, server.key), user="eva"))
    assert found.status == "login_refused", found


def test_nobody_there(server: Server, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        found = probe(replace(host(server, tmp_path, server.key), port=unused.getsockname()[1]))
    assert found.status == "unreachable"
    assert "\n" not in found.message


@pytest.mark.parametrize("pinned", ["other", "none"])
def test_a_run_refuses_a_key_that_is_not_pinned(
    pinned: str, server: Server, make_run: Callable[..., Run], inventory: Path
) -> None:
    inventory.write_text(
        f"quipux_db: {{hosts: {{db1: {{ansible_host: 127.0.0.1, ansible_port: {server.port},"
        f" ansible_user: provision, ansible_ssh_private_key_file: {server.user_key}}}}}}}\n"
    )
    known_hosts = inventory.parent / "known_hosts"
    known_hosts.write_text(server.line(paramiko.ECDSAKey.generate()) if pinned == "other" else "")
    outcome = execute(make_run("- {name: Ping, ansible.builtin.ping: {}}\n"))
    assert outcome.failure is not None
    assert outcome.failure.kind == "host_key"
    known_hosts.write_text(server.line(server.key))
    outcome = execute(make_run("- {name: Ping, ansible.builtin.ping: {}}\n"))
    assert outcome.failure is not None  # this server lets us in and runs nothing
    assert outcome.failure.kind != "host_key"


def test_hosts_are_read_as_ansible_reads_them(inventory: Path) -> None:
    inventory.write_text(
        "all:\n  vars: {site: 192.0.2.9}\n  children:\n"
        "    quipux_db: {children: {east: {hosts: {db1: {ansible_host: '{{ site }}', ansible_port: 99}}}}}\n"
        "    quipux_app: {hosts: {app1: {ansible_connection: local}, db1: {}}}\n"
        "    spare: {hosts: {x: {}}}\n"
    )
    (inventory.parent / "known_hosts").touch()
    found = {one.name: one for one in inventory_hosts(inventory)}
    assert set(found) == {"db1", "app1"}
    assert found["db1"].groups == ("quipux_db", "quipux_app")
    assert (found["db1"].port, found["db1"].known_hosts) == (99, (inventory.parent / "known_hosts",))
    assert found["app1"].local
    assert probe(found["app1"]).status == "ok"


def test_inventory_that_cannot_be_read(inventory: Path) -> None:
    inventory.write_text("all: [\n")
    with pytest.raises(RunFailed) as error:
        inventory_hosts(inventory)
    assert "\n" not in error.value.message
    assert error.value.hint
