"""Templates in data, hostile configuration, hostile environment: nothing of it is executed or heeded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from quipux_provision.ansible.run import Run, execute

PAYLOADS = [
    "{{{{ lookup('pipe', 'touch {0}') }}}}",
    "{{{{ lookup('ansible.builtin.pipe', 'touch {0}') }}}} tail",
    "{{% for x in [1] %}}{{{{ lookup('pipe', 'touch {0}') }}}}{{% endfor %}}",
    "{{# x #}}{{{{ cycler.__init__.__globals__.os.system('touch {0}') }}}}",
    "!unsafe {{{{ lookup('pipe', 'touch {0}') }}}}",
    "$(touch {0}) `touch {0}`; touch {0}",
]
TASKS = """
- name: Show {{ item.name }}
  ansible.builtin.debug:
    msg: "{{ item.name }} and {{ item | to_json }}"
  loop: "{{ provision_items }}"
- name: Remember
  ansible.builtin.set_fact:
    remembered: "{{ provision_items | map(attribute='name') | list }}"
    keys: "{{ provision_items[0].extra.keys() | list }}"
- name: Use again
  ansible.builtin.debug:
    msg: "{{ remembered[0] ~ keys[0] }}"
- name: Write
  ansible.builtin.copy:
    content: "{{ {'names': remembered, 'keys': keys} | to_json }}"
    dest: "{{ target }}"
    mode: "0600"
"""


@pytest.mark.smoke
@pytest.mark.parametrize("payload", PAYLOADS)
def test_templates_in_values_and_keys_stay_text(
    payload: str, tmp_path: Path, make_run: Callable[..., Run]
) -> None:
    pwned, target = tmp_path / "PWNED", tmp_path / "out.json"
    text = payload.format(pwned)
    items = [{"case": "a", "name": text, "extra": {text: 1}}]
    outcome = execute(make_run(TASKS, {"provision_items": items, "target": str(target)}))
    assert outcome.failure is not None
    assert outcome.failure.kind == "incomplete", (
        outcome.failure
    )  # the tasks ran; they only gave no item results
    assert json.loads(target.read_text()) == {"names": [text], "keys": [text]}
    assert not pwned.exists()


def test_the_payload_would_fire_without_the_marks(tmp_path: Path, make_run: Callable[..., Run]) -> None:
    """Proves that the test above can fail: the same payload given to Ansible as it is does run."""
    pwned, raw = tmp_path / "PWNED", tmp_path / "raw.json"
    items = [{"case": "a", "name": PAYLOADS[0].format(pwned), "extra": {"k": 1}}]
    raw.write_text(json.dumps({"provision_items": items, "target": str(tmp_path / "out.json")}))
    run = make_run(TASKS)
    plain_playbook(run, "-e", f"@{raw}")
    assert pwned.exists()


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ansible.cfg in the working folder, one in HOME, and a callback that leaves a mark when loaded."""
    folder = tmp_path / "hostile"
    (folder / "plugins").mkdir(parents=True)
    (folder / "plugins" / "evil.py").write_text(
        "from pathlib import Path\n"
        f"Path({str(folder / 'LOADED')!r}).touch()\n"
        "from ansible.plugins.callback.default import CallbackModule as Default\n"
        "class CallbackModule(Default):\n"
        "    CALLBACK_VERSION = 2.0\n    CALLBACK_TYPE = 'notification'\n    CALLBACK_NAME = 'evil'\n"
        "    CALLBACK_NEEDS_ENABLED = False\n"
    )
    config = f"[defaults]\ncallback_plugins = {folder / 'plugins'}\ncallbacks_enabled = evil\n"
    home = tmp_path / "home"
    home.mkdir()
    (folder / "ansible.cfg").write_text(config)
    (home / ".ansible.cfg").write_text(config)
    (home / ".ansible" / "plugins" / "callback").mkdir(parents=True)
    (home / ".ansible" / "plugins" / "callback" / "evil.py").write_text(
        (folder / "plugins" / "evil.py").read_text()
    )
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(home))
    return folder


NOTHING = "- {name: Nothing, ansible.builtin.meta: noop}\n- {name: Say, ansible.builtin.debug: {msg: said}}\n"


def test_hostile_configuration_has_no_effect(
    hostile: Path, monkeypatch: pytest.MonkeyPatch, make_run: Callable[..., Run]
) -> None:
    monkeypatch.setenv("ANSIBLE_CONFIG", str(hostile / "ansible.cfg"))
    monkeypatch.setenv("ANSIBLE_CALLBACK_PLUGINS", str(hostile / "plugins"))
    monkeypatch.setenv("ANSIBLE_CALLBACKS_ENABLED", "evil")
    monkeypatch.setenv("AWX_LIB_DIRECTORY", str(hostile / "plugins"))
    run = make_run(NOTHING)
    assert execute(run).failure is None
    assert not (hostile / "LOADED").exists()
    for name in ("ANSIBLE_CONFIG", "ANSIBLE_CALLBACK_PLUGINS", "ANSIBLE_CALLBACKS_ENABLED"):
        monkeypatch.delenv(name)
    plain_playbook(run)
    assert (hostile / "LOADED").exists()  # the trap itself works


def test_child_sees_a_clean_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_run: Callable[..., Run]
) -> None:
    monkeypatch.setenv("PGPASSWORD", "canary-in-environment")
    monkeypatch.setenv("PYTHONSTARTUP", "/evil.py")
    target = tmp_path / "env"
    run = make_run(f"- {{name: Env, ansible.builtin.shell: env > {target}, changed_when: false}}\n")
    assert execute(run).failure is None
    names = {line.partition("=")[0] for line in target.read_text().splitlines()}
    allowed = {
        "PATH",
        "HOME",
        "LANG",
        "LC_ALL",
        "TZ",
        "TMPDIR",
        "SSH_AUTH_SOCK",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
    }
    ours = {
        name
        for name in names
        if name.startswith(("ANSIBLE_", "AWX_ISOLATED", "MAX_EVENT_RES", "LC_", "PYTHON"))
    }
    assert names - allowed - ours == set()
    assert "canary-in-environment" not in target.read_text()
    assert "PYTHONSTARTUP" not in names


def plain_playbook(run: Run, *more: str) -> None:
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    subprocess.run(
        [program, "-i", str(run.inventory), *more, run.playbook],
        env=dict(os.environ),
        capture_output=True,
        check=True,
    )
