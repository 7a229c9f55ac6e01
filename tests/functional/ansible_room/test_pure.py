"""Argument list, environment, configuration, vars and masks: the parts that are plain functions."""

from __future__ import annotations

import configparser
import json
import shlex
from pathlib import Path

import pytest

from quipux_provision.ansible.arguments import build_args
from quipux_provision.ansible.environment import build_config, build_env
from quipux_provision.ansible.preflight import host_of
from quipux_provision.ansible.private import tag_unsafe
from quipux_provision.ansible.redact import redactor


def test_shortest_argument_list() -> None:
    assert build_args("quipux.provision.provision", Path("/w/hosts.yml"), Path("/s/vars.json")) == [
        "--inventory",
        "/w/hosts.yml",
        "--extra-vars",
        "@/s/vars.json",
        "quipux.provision.provision",
    ]


def test_longest_argument_list() -> None:
    arguments = build_args(
        "play.yml",
        Path("/w/i"),
        Path("/s/vars.json"),
        check=True,
        vault_password_file=Path("/s/vault"),
        verbosity=3,
    )
    assert arguments == [
        "--inventory",
        "/w/i",
        "--extra-vars",
        "@/s/vars.json",
        "--vault-password-file",
        "/s/vault",
        "--check",
        "-vvv",
        "play.yml",
    ]


def test_whole_environment() -> None:
    caller = {
        "PATH": "/usr/bin",
        "HOME": "/home/ana",
        "SSH_AUTH_SOCK": "/run/agent",
        "TZ": "America/Guayaquil",
        "LANG": "es_EC.ISO-8859-1",
        "PGPASSWORD": "secret",
        "PYTHONPATH": "/evil",
        "LD_PRELOAD": "/evil.so",
        "ANSIBLE_CONFIG": "/evil.cfg",
        "ANSIBLE_LIBRARY": "/evil",
        "AWX_LIB_DIRECTORY": "/evil",
    }
    assert build_env(caller, Path("/s")) == {
        "PATH": "/usr/bin",
        "HOME": "/home/ana",
        "SSH_AUTH_SOCK": "/run/agent",
        "TZ": "America/Guayaquil",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TMPDIR": "/s/tmp",
        "ANSIBLE_CONFIG": "/s/ansible.cfg",
        "ANSIBLE_HOME": "/s/home",
    }


@pytest.mark.parametrize("name", ["/w/known_hosts", "/w e/100%/known_hosts"])
def test_pinned_keys_survive_odd_paths(name: str) -> None:
    parser = configparser.ConfigParser(inline_comment_prefixes=(";",))
    parser.read_string(build_config(Path("/s"), Path("/c"), Path(name)))
    words = shlex.split(parser.get("ssh_connection", "ssh_args", raw=True))
    assert "StrictHostKeyChecking=yes" in words
    assert f'UserKnownHostsFile="{name.replace("%", "%%")}"' in words


def test_every_string_is_marked_as_data() -> None:
    value = {"a": ["x", 1, None, True, {"b": "{{ y }}"}]}
    marked = {"a": [{"__ansible_unsafe": "x"}, 1, None, True, {"b": {"__ansible_unsafe": "{{ y }}"}}]}
    assert tag_unsafe(value) == marked


@pytest.mark.parametrize("key", ["__ansible_unsafe", "__ansible_vault", "__ansible_type"])
def test_ansible_marks_are_refused_as_keys(key: str) -> None:
    with pytest.raises(ValueError, match="reserved key"):
        tag_unsafe({"item": [{key: "x"}]})


def test_secrets_are_masked_as_written_by_others() -> None:
    secret = "p\"a'ss\\w/ñ"
    mask = redactor([secret, ""])
    for text in (
        secret,
        json.dumps(secret),
        json.dumps(secret, ensure_ascii=False),
        repr(secret),
        "p%22a%27ss%5Cw%2F%C3%B1",
    ):
        assert mask(f"<{text}>").replace('"', "").replace("'", "") == "<********>", text


def test_host_from_variables_and_ssh_configuration(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host quipux\n  HostName 192.0.2.7\n  User ana\n  Port 2222\n  ProxyCommand nc %h %p\n")
    host = host_of("db1", ("quipux_db",), {"ansible_host": "quipux"}, None, config)
    assert (host.address, host.user, host.port, host.proxy) == ("192.0.2.7", "ana", 2222, "nc 192.0.2.7 2222")
    variables = {
        "ansible_host": "quipux",
        "ansible_port": "22022",
        "ansible_user": "eva",
        "ansible_ssh_common_args": "-o UserKnownHostsFile=/w/pinned -oStrictHostKeyChecking=yes",
    }
    host = host_of("db1", ("quipux_db",), variables, None, config)
    assert (host.user, host.port, host.known_hosts) == ("eva", 22022, (Path("/w/pinned"),))
    assert host_of("db1", ("quipux_db",), {"ansible_connection": "local"}, None).local
