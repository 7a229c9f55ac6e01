"""One run of a playbook, through ansible-runner, with nothing left behind."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from quipux_provision.ansible.arguments import build_args
from quipux_provision.ansible.collection import collection_path
from quipux_provision.ansible.environment import (
    CONFIG_NAME,
    build_config,
    build_env,
    pinned_hosts,
    runner_env,
)
from quipux_provision.ansible.outcome import Fold, Outcome
from quipux_provision.ansible.private import private_folder, write_private, write_vars
from quipux_provision.ansible.progress import Progress, progress_of
from quipux_provision.ansible.redact import redactor
from quipux_provision.errors import UsageError
from quipux_provision.i18n import _

_POLL = 0.1  # seconds between two looks at the request to cancel
_PATIENCE = 10.0  # seconds from SIGTERM to SIGKILL
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Notes Ansible's process id, for telling it to end: ansible-runner would kill it and orphan its workers.
_LAUNCHER = 'echo $$ > "$0" && exec "$@"'


@dataclass(frozen=True)
class Run:
    """What to run and where.

    :param playbook: name in a collection or path.
    :param inventory: file or folder; a ``known_hosts`` in its folder pins the host keys.
    :param variables: extra variables; every string in them is data, never a template.
    :param vault_password: opens the inventory's vaults.
    :param secrets: texts that are masked in whatever comes out of the run.
    :param collections: folders with further collections, searched after our own.
    :param optional_groups: plays over groups that an inventory need not have may find no host.
    :param application_name: what the database shows as the name of this run's connections.
    :param on_progress: told of each task on each host as it starts and ends.
    :param on_output: given Ansible's own output, secrets masked.
    :param cancelled: asked every tenth of a second whether to stop.
    """

    playbook: str
    inventory: Path
    variables: Mapping[str, Any]
    check: bool = False
    vault_password: str | None = field(default=None, repr=False)
    collections: tuple[Path, ...] = ()
    optional_groups: bool = False
    verbosity: int = 0
    application_name: str = "quipux-provision"
    on_progress: Callable[[Progress], None] | None = None
    on_output: Callable[[str], None] | None = None
    cancelled: Callable[[], bool] | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)


def execute(run: Run) -> Outcome:
    """Run the playbook and return what it came to.

    SIGINT, SIGTERM and SIGHUP of this process end the run, when called in the main thread.

    :raises UsageError: Ansible, the collection or the inventory is not there.
    """
    if not run.inventory.exists():
        raise UsageError(
            _("The inventory {path} does not exist.").format(path=run.inventory),
            _("Correct the environment's inventory in the settings."),
        )
    program, collections = program_path("ansible-playbook"), collection_path()
    secrets = (*run.secrets, *([run.vault_password] if run.vault_password else []))
    redact = redactor(secrets)
    items = run.variables.get("provision_items") or []
    fold = Fold(
        {item["case"]: item.get("state", "present") for item in items},
        check=run.check,
        redact=redact,
        reviewed=[item["case"] for item in run.variables.get("review_items") or []],
        optional_groups=run.optional_groups,
    )
    with private_folder() as folder, _stop_requests() as stop_requests:
        arguments = _prepare(run, folder, collections)
        stopper = _Stopper(folder / "pid", run.cancelled, stop_requests)
        handler = _handler(run, fold, redact)
        _launch(folder, [program, *arguments], handler, stopper)
        return fold.outcome(interrupted=stopper.stopping)


def program_path(name: str) -> str:
    """Return the path of one of Ansible's programs: the one installed with us, else the first on PATH.

    :raises UsageError: there is none.
    """
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.is_file() else shutil.which(name)
    if not found:
        raise UsageError(
            _("{program} was not found.").format(program=name),
            _("Install the package quipux-provision again."),
        )
    return found


def _prepare(run: Run, folder: Path, collections: Path) -> list[str]:
    """Write what the run reads into its private folder and return ansible-playbook's arguments."""
    config = build_config(folder, collections, pinned_hosts(run.inventory), run.collections)
    write_private(folder / CONFIG_NAME, config)
    variables = {"provision_application_name": run.application_name, **run.variables}
    password = write_private(folder / "vault", run.vault_password) if run.vault_password else None
    return build_args(
        run.playbook,
        run.inventory.absolute(),
        write_vars(folder / "vars.json", variables),
        check=run.check,
        vault_password_file=password,
        verbosity=run.verbosity,
    )


def _handler(run: Run, fold: Fold, redact: Callable[[str], str]) -> Callable[[Mapping[str, Any]], bool]:
    began = time.monotonic()

    def handle(event: Mapping[str, Any]) -> bool:
        fold.add(event)
        if run.on_progress and (progress := progress_of(event, time.monotonic() - began)):
            run.on_progress(progress)
        if run.on_output and event.get("stdout"):
            run.on_output(redact(str(event["stdout"]).replace("\r\n", "\n")))
        return False  # the event is not to be written to disk

    return handle


def _launch(
    folder: Path,
    command: list[str],
    handler: Callable[[Mapping[str, Any]], bool],
    stopper: Callable[[], bool],
) -> None:
    from ansible_runner import Runner, RunnerConfig  # costs a tenth of a second: only where it runs
    from ansible_runner.utils import get_callback_dir

    config = RunnerConfig(private_data_dir=str(folder), ident="run", playbook="-", quiet=True)
    config.prepare()
    # What ansible-runner would pass on (the caller's whole environment) and write down is put aside.
    config.command = ["/bin/sh", "-c", _LAUNCHER, str(folder / "pid"), *command]
    config.env = {
        **build_env(os.environ, folder),
        **runner_env(Path(config.artifact_dir), get_callback_dir()),
    }
    config.cwd = str(folder)
    config.suppress_output_file = True
    config.suppress_ansible_output = True
    config.pexpect_timeout = _POLL
    Runner(config, event_handler=handler, cancel_callback=stopper).run()


class _Stopper:
    """Asked by ansible-runner whether to kill: tells Ansible to end, and says yes if that did not help."""

    def __init__(
        self, pid_file: Path, cancelled: Callable[[], bool] | None, stop_requests: list[int]
    ) -> None:
        self._pid_file = pid_file
        self._cancelled = cancelled
        self._stop_requests = stop_requests
        self._since: float | None = None

    @property
    def stopping(self) -> bool:
        return self._since is not None

    def __call__(self) -> bool:
        if self._since is None and (self._stop_requests or (self._cancelled and self._cancelled())):
            self._since = time.monotonic()
            with suppress(OSError, ValueError):
                os.kill(int(self._pid_file.read_text()), signal.SIGTERM)
        return self._since is not None and time.monotonic() - self._since > _PATIENCE


@contextmanager
def _stop_requests() -> Iterator[list[int]]:
    """Collect the signals that ask this process to end, instead of dying with a run under way."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    before = {number: signal.signal(number, lambda got, _frame: received.append(got)) for number in _SIGNALS}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
