"""Everything that can go wrong with a run becomes one line that says what, and one that says what to do."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from quipux_provision.ansible.run import Run, execute
from quipux_provision.errors import UsageError

SAY = "- {name: Say, ansible.builtin.debug: {msg: said}}\n"


def failure(run: Run) -> tuple[str, str]:
    found = execute(run).failure
    assert found is not None
    assert "\n" not in found.message + found.hint
    assert "Traceback" not in found.message
    assert found.hint
    return found.kind, found.message


def test_a_run_that_works(make_run: Callable[..., Run]) -> None:
    outcome = execute(make_run(SAY))
    assert outcome.failure is None
    assert outcome.hosts == ("db1",)


@pytest.mark.smoke
def test_empty_group_is_no_success(make_run: Callable[..., Run], inventory: Path) -> None:
    inventory.write_text("all: {children: {quipux_db: {hosts: {}}, quipux_app: {hosts: {}}}}\n")
    kind, message = failure(make_run(SAY))
    assert kind == "incomplete"
    assert "No host of the inventory" in message


def test_unparsable_inventory(make_run: Callable[..., Run], inventory: Path) -> None:
    inventory.write_text("all: {children: [\n")
    kind, message = failure(make_run(SAY))
    assert kind == "failed"
    assert "inventory" in message


def test_missing_inventory(make_run: Callable[..., Run], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        execute(make_run(SAY, inventory=tmp_path / "nothing.yml"))


def test_missing_playbook(make_run: Callable[..., Run]) -> None:
    kind, message = failure(replace(make_run(SAY), playbook="quipux.provision.no_such_playbook"))
    assert kind == "failed"
    assert "no_such_playbook" in message


def test_syntax_error(make_run: Callable[..., Run]) -> None:
    kind, message = failure(make_run("- {name: Bad, no_such_module_at_all: {}}\n"))
    assert kind == "failed"
    assert "no_such_module_at_all" in message


@pytest.mark.smoke
def test_task_failure_names_host_task_and_reason(make_run: Callable[..., Run]) -> None:
    kind, message = failure(make_run("- {name: Break, ansible.builtin.fail: {msg: the disk is full}}\n"))
    assert (kind, message) == ("failed", "db1: task 'Break' failed: the disk is full")


def test_undefined_variable(make_run: Callable[..., Run]) -> None:
    kind, message = failure(make_run('- {name: Ask, ansible.builtin.debug: {msg: "{{ nowhere }}"}}\n'))
    assert kind == "failed"
    assert "nowhere" in message


def test_database_unreachable(make_run: Callable[..., Run]) -> None:
    text = "cannot reach the database quipux at 127.0.0.1 port 1"
    kind, message = failure(make_run(f"- {{name: Connect, ansible.builtin.fail: {{msg: {text}}}}}\n"))
    assert (kind, message) == ("unreachable", f"db1: {text}")


def test_ignored_error_is_no_success(make_run: Callable[..., Run]) -> None:
    tasks = "- {name: Break, ansible.builtin.fail: {msg: broken}, ignore_errors: true}\n" + SAY
    assert failure(make_run(tasks))[0] == "incomplete"


def test_rescued_error_is_no_success(make_run: Callable[..., Run]) -> None:
    tasks = """
    - name: Try
      block: [{name: Break, ansible.builtin.fail: {msg: broken}}]
      rescue: [{name: Say, ansible.builtin.debug: {msg: said}}]
    """
    kind, message = failure(make_run(tasks))
    assert kind == "failed"
    assert "broken" in message


def test_report_of_items_is_no_failure_of_the_run(make_run: Callable[..., Run]) -> None:
    tasks = "- {name: Report refused and failed items, ansible.builtin.fail: {msg: 'refused: a'}}\n"
    assert execute(make_run(tasks)).failure is None


def test_case_without_result_is_incomplete(make_run: Callable[..., Run]) -> None:
    kind, message = failure(make_run(SAY, {"provision_items": [{"case": "inej"}]}))
    assert kind == "incomplete"
    assert "inej" in message


@pytest.mark.smoke
def test_unreachable_host(make_run: Callable[..., Run], inventory: Path) -> None:
    with socket.socket() as unused:  # bound and not listening: nobody else can answer there
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        inventory.write_text(
            f"quipux_db: {{hosts: {{db1: {{ansible_host: 127.0.0.1, ansible_port: {port}}}}}}}\n"
        )
        kind, message = failure(make_run("- {name: Ping, ansible.builtin.ping: {}}\n"))
    assert kind == "unreachable"
    assert message.startswith("db1 cannot be reached:")
    assert "Connection refused" in message


def test_wrong_vault_password(make_run: Callable[..., Run], inventory: Path) -> None:
    group_vars = inventory.parent / "group_vars"
    group_vars.mkdir()
    (group_vars / "quipux_db.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n" + "6162636465\n" * 3)
    assert failure(make_run(SAY, vault_password="canary-vault-word"))[0] == "failed"


def test_progress_tells_host_task_and_state(make_run: Callable[..., Run]) -> None:
    seen: list[tuple[str, str, str]] = []
    tasks = SAY + "- {name: Touch, ansible.builtin.command: 'true', changed_when: true}\n"
    execute(make_run(tasks, on_progress=lambda step: seen.append((step.host, step.task, step.state))))
    assert seen == [
        ("db1", "Say", "started"),
        ("db1", "Say", "ok"),
        ("db1", "Touch", "started"),
        ("db1", "Touch", "changed"),
    ]
