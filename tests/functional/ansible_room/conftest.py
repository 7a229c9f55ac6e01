from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from quipux_provision.ansible.private import PREFIX, base_folder
from quipux_provision.ansible.run import Run
from tests.functional.ansible_room.processes import folders_of

LOCAL = """
all:
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  children:
    quipux_db: {hosts: {db1: {ansible_connection: local}}}
    quipux_app: {hosts: {app1: {ansible_connection: local}}}
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "inventory" / "hosts.yml"
    path.parent.mkdir()
    path.write_text(LOCAL)
    return path


@pytest.fixture
def make_run(tmp_path: Path, inventory: Path) -> Callable[..., Run]:
    """A run of tasks given as YAML text, on quipux_db."""

    def make(
        tasks: str, variables: dict[str, Any] | None = None, hosts: str = "quipux_db", **more: Any
    ) -> Run:
        playbook = tmp_path / "play.yml"
        body = textwrap.indent(textwrap.dedent(tasks), "    ")
        playbook.write_text(f"- hosts: {hosts}\n  gather_facts: false\n  tasks:\n{body}")
        return Run(str(playbook), more.pop("inventory", inventory), variables or {}, **more)

    return make


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """After every test of this room: no private folder and no process of this process's runs."""
    yield
    assert folders_of(os.getpid()) == []
    mark = os.fsencode(base_folder() / f"{PREFIX}{os.getpid()}-")
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue
        assert mark not in environment, (entry / "cmdline").read_bytes()
