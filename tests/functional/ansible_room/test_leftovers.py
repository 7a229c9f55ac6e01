"""Secrets during a run, and what is left after one that worked, failed, was cancelled or killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from quipux_provision.ansible.private import base_folder, private_folder
from quipux_provision.ansible.progress import Progress
from quipux_provision.ansible.run import Run, execute
from tests.functional.ansible_room.processes import folders_of, running, wait_for

CANARY = "canary-7f3a9c"
VAULT_CANARY = "canary-vault-51d2"
MODULE = """
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule({"password": {"type": "str", "no_log": True}, "fail": {"type": "bool"}})
text = "the password is " + module.params["password"]
if module.params["fail"]:
    module.fail_json(msg=text)
module.exit_json(changed=False, text=text)
"""


def files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


@pytest.mark.smoke
@pytest.mark.parametrize("fail", [False, True])
def test_secrets_lie_in_two_private_files_and_nowhere_else(
    fail: bool, tmp_path: Path, make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "QUIPUX_TEST_SECRET", CANARY
    )  # the caller's environment must not be written down either
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "takes_secret.py").write_text(MODULE)
    looks: list[str] = []
    output: list[str] = []

    def look(step: Progress) -> None:
        (folder,) = folders_of(os.getpid())
        assert folder.stat().st_mode & 0o777 == 0o700
        holders = set()
        for path in files(folder):
            with suppress(FileNotFoundError):
                content = path.read_bytes()
                if CANARY.encode() in content or VAULT_CANARY.encode() in content:
                    assert path.stat().st_mode & 0o077 == 0 or path.name.endswith("-partial.json")
                    holders.add(path.name)
        # ansible-runner hands each event over in a file that it removes as it reads it
        assert {name for name in holders if not name.endswith("-partial.json")} == {"vars.json", "vault"}
        assert running(CANARY) == []
        assert running(VAULT_CANARY) == []
        assert (folder / "artifacts" / "run" / "command").is_file()
        assert list(folder.rglob("*-[0-9a-f]*.json.tmp")) == list(folder.rglob("[0-9]*-*[0-9a-f].json")) == []
        looks.append(step.task)

    tasks = """
    - name: Take
      takes_secret: {password: "{{ secret }}", fail: "{{ fail }}"}
    - name: Look
      ansible.builtin.debug: {msg: "{{ secret }}"}
    """
    run = make_run(
        tasks,
        {"secret": CANARY, "fail": fail},
        vault_password=VAULT_CANARY,
        verbosity=3,
        secrets=(CANARY,),
        on_progress=look,
        on_output=output.append,
    )
    outcome = execute(run)
    assert looks
    assert (outcome.failure is not None) == fail
    text = "".join(output) + repr(outcome) + repr(run)[: repr(run).index("variables=")]
    assert "TASK [Take]" in text
    assert CANARY not in text
    assert VAULT_CANARY not in text
    assert folders_of(os.getpid()) == []


@contextmanager
def nap(make_run: Callable[..., Run], **more: object) -> Iterator[tuple[Run, str]]:
    """A run whose one task sleeps long, recognisable in the process list."""
    seconds = f"{uuid.uuid4().int % 10**6 + 10**6}"
    yield (
        make_run(f"- {{name: Nap, ansible.builtin.command: sleep {seconds}, changed_when: false}}\n", **more),
        seconds,
    )
    wait_for(lambda: not running(seconds), 5)


def test_cancelled_run_ends_and_leaves_no_orphan(make_run: Callable[..., Run]) -> None:
    mark: list[str] = []
    with nap(make_run, cancelled=lambda: bool(running(f"sleep\0{mark[0]}"))) as (run, seconds):
        mark.append(seconds)
        outcome = execute(run)
        assert running(seconds) == []
    assert outcome.failure is not None
    assert outcome.failure.kind == "interrupted"


def test_cancelled_before_ansible_started(make_run: Callable[..., Run]) -> None:
    with nap(make_run, cancelled=lambda: True) as (run, _seconds):
        outcome = execute(run)
    assert outcome.failure is not None
    assert outcome.failure.kind == "interrupted"


def test_runs_in_threads_do_not_disturb_each_other(make_run: Callable[..., Run]) -> None:
    outcomes = []
    run = make_run("- {name: Say, ansible.builtin.debug: {msg: said}}\n")
    threads = [threading.Thread(target=lambda: outcomes.append(execute(run))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [outcome.failure for outcome in outcomes] == [None, None]


DRIVER = """
import sys
from pathlib import Path
from quipux_provision.ansible.run import Run, execute
outcome = execute(Run(sys.argv[1], Path(sys.argv[2]), {}))
print(outcome.failure.kind if outcome.failure else "done")
"""


@contextmanager
def driver(run: Run, seconds: str) -> Iterator[subprocess.Popen[str]]:
    """The same run in a process of its own, once its task is under way."""
    command = [sys.executable, "-c", DRIVER, run.playbook, str(run.inventory)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(Path.cwd())}
    ) as process:
        try:
            wait_for(lambda: running(f"sleep\0{seconds}"))
            assert folders_of(process.pid)
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_terminated_driver_leaves_nothing(number: signal.Signals, make_run: Callable[..., Run]) -> None:
    with nap(make_run) as (run, seconds), driver(run, seconds) as process:
        process.send_signal(number)
        output, _ = process.communicate(timeout=30)
        assert output == "interrupted\n"
        assert folders_of(process.pid) == []
        assert running(seconds) == []


def test_next_run_clears_up_after_a_killed_driver(make_run: Callable[..., Run]) -> None:
    with nap(make_run) as (run, seconds), driver(run, seconds) as process:
        process.kill()
        process.wait()
        assert folders_of(process.pid)
        with private_folder():
            pass
        assert folders_of(process.pid) == []
        wait_for(lambda: not running(seconds), 5)


def test_folder_of_a_living_process_is_left_alone(make_run: Callable[..., Run]) -> None:
    with nap(make_run) as (run, seconds), driver(run, seconds) as process:
        with private_folder():
            pass
        assert folders_of(process.pid)
        assert running(f"sleep\0{seconds}")
        process.terminate()
        process.wait(30)


def test_folder_of_a_reused_process_id_is_nobodys() -> None:
    stale = base_folder() / f"quipux-provision-{os.getpid()}-1-stale"
    stale.mkdir(mode=0o700)
    with private_folder():
        assert not stale.exists()


def test_folders_of_others_and_links_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    link = base_folder() / "quipux-provision-1-1-link"
    link.symlink_to(tmp_path)
    odd = base_folder() / "quipux-provision-notes"
    odd.mkdir()
    try:
        with private_folder():
            assert (tmp_path / "kept").exists()
            assert link.is_symlink()
            assert odd.is_dir()
    finally:
        link.unlink()
        odd.rmdir()
