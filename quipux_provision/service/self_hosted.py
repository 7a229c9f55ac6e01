"""Runs over an institution's own server: install, verify, backup, restore, upgrade, rollback and the rest."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quipux_provision.domain.kinds import OWN, SERVER_ENDED, SERVER_STARTED
from quipux_provision.domain.states import LedgerState
from quipux_provision.errors import GateClosed, Interrupted, Locked, ProvisionError, UsageError
from quipux_provision.i18n import _
from quipux_provision.service.playbook_runs import Watch, execute, failure_error
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.settings import Environment

if TYPE_CHECKING:
    from quipux_provision.ansible.outcome import Outcome

SERVER_LOCK = "SERVIDOR"  # what the locks call the server itself; no case can be called so


@dataclass(frozen=True)
class Action:
    """One verb over a server.

    :param playbooks: what it runs, in order, in this collection.
    :param changes: whether it changes the server, and so takes its locks and is recorded.
    :param answers: what its good end says: the server answers as a Quipux, is gone, or neither (None).
    """

    playbooks: tuple[str, ...]
    changes: bool = True
    answers: bool | None = None


ACTIONS: Mapping[str, Action] = {
    "install": Action(("self_hosted",), answers=True),
    "verify": Action(("verify",), answers=True),
    "health": Action(("health",), changes=False),
    "backup": Action(("backup",)),
    "restore": Action(("restore_judge", "self_hosted", "restore"), answers=True),
    "upgrade": Action(("upgrade",), answers=True),
    "rollback": Action(("rollback", "verify"), answers=True),
    "year-change": Action(("year_change",)),
    "uninstall": Action(("uninstall",), answers=False),
}


@dataclass(frozen=True)
class ServerResult:
    """What a run over a server came to.

    :param changed: ``host, task`` of everything that changed, or would in check mode.
    :param told: what the playbooks told: release, backup, checks.
    """

    environment: str
    verb: str
    check: bool
    changed: tuple[tuple[str, str], ...] = ()
    told: Mapping[str, Any] = field(default_factory=dict)
    error: ProvisionError | None = None

    @property
    def checks(self) -> list[Mapping[str, Any]]:
        """What the application was asked: ``name, ok, detail`` of each."""
        return list(self.told.get("checks") or [])

    def as_dict(self) -> dict[str, Any]:
        """Return the machine-readable form."""
        error = self.error
        return {
            "environment": self.environment,
            "verb": self.verb,
            "check": self.check,
            "changes": [{"host": host, "task": task} for host, task in self.changed],
            **{key: self.told[key] for key in ("release", "backup", "checks") if key in self.told},
            "error": error and {"message": error.message, "hint": error.hint, "exit_code": error.exit_code},
        }


def own_environment(workspace: Workspace, name: str | None) -> Environment:
    """Return the environment of an own server: the one named, or the only one.

    :raises UsageError: it is of another kind, or there is none or more than one to choose from.
    """
    own = [one for one in workspace.settings.environments.values() if one.kind == OWN]
    if name is not None:
        environment = workspace.environment(name)
        if environment.kind != OWN:
            raise UsageError(
                _("{environment} is of kind {kind}: no server of the institution's own").format(
                    environment=name, kind=environment.kind
                ),
                _("name an environment of kind propia"),
            )
        return environment
    if len(own) != 1:
        names = ", ".join(sorted(one.name for one in own))
        raise UsageError(
            _("the settings have no environment of kind propia")
            if not own
            else _("there are several environments of kind propia: {names}").format(names=names),
            _("make one: quipux-provision self-hosted init") if not own else _("choose: --environment E"),
        )
    return own[0]


def run(
    workspace: Workspace,
    name: str | None,
    verb: str,
    variables: Mapping[str, Any] | None = None,
    watch: Watch | None = None,
    *,
    check: bool = False,
) -> ServerResult:
    """Run *verb* over the server of an environment.

    :param variables: extra variables of its playbooks.
    :param check: change nothing, tell what would change.
    :raises Locked: another run over this server, or of a case on it, is under way.
    """
    environment = own_environment(workspace, name)
    action = ACTIONS[verb]
    if check or not action.changes:
        run_id = secrets.token_hex(8)
        return _run_playbooks(workspace, environment, verb, variables or {}, run_id, watch, check=check)
    with _alone(workspace, environment, verb):
        return _recorded(workspace, environment, verb, variables or {}, watch)


@contextmanager
def _alone(workspace: Workspace, environment: Environment, verb: str) -> Iterator[None]:
    """Hold the server and every case on it.

    :raises Locked: somebody holds one of them.
    """
    from quipux_provision.store import locks

    wanted = [SERVER_LOCK, *workspace.state().cases]
    lifetime = workspace.settings.policy.lock_ttl
    reason = f"self-hosted {verb}"
    with locks.acquire(workspace.ledger, environment.name, wanted, lifetime, reason=reason) as held:
        refused: Locked | None = next(iter(held.refused.values()), None)
        if refused:
            raise refused
        yield


def _recorded(
    workspace: Workspace,
    environment: Environment,
    verb: str,
    variables: Mapping[str, Any],
    watch: Watch | None,
) -> ServerResult:
    from quipux_provision.ansible.collection import collection_digest
    from quipux_provision.store.ledger import NewEvent
    from quipux_provision.store.signatures import RUN

    state = workspace.state()
    run_id = secrets.token_hex(8)
    statement = {
        "ledger_id": workspace.ledger.ledger_id,
        "environment": environment.name,
        "run": run_id,
        "verb": verb,
    }
    operator, signed = workspace.signed(RUN, statement)
    started = {
        "run": run_id,
        "verb": verb,
        "kind": environment.kind,
        "collection_digest": collection_digest(),
        "signed": signed,
    }
    workspace.record(state, [NewEvent(SERVER_STARTED, None, environment.name, operator, started)])
    result = _run_playbooks(workspace, environment, verb, variables, run_id, watch)
    good = result.error is None
    ended = {
        "run": run_id,
        "verb": verb,
        "result": "ok" if good else "failed",
        "changed": len(result.changed),
        "release": _known(result.told.get("release"), ("version", "digest")),
        "backup": (result.told.get("backup") or {}).get("id"),
        "answers": ACTIONS[verb].answers if good else None,
        "failed_checks": [str(one["name"]) for one in result.checks if not one.get("ok")],
    }
    workspace.record(workspace.state(), [NewEvent(SERVER_ENDED, None, environment.name, operator, ended)])
    workspace.checkpoint()
    if isinstance(result.error, Interrupted):
        raise result.error
    return result


def _known(told: Any, keys: tuple[str, ...]) -> dict[str, str]:
    return {key: str(told[key]) for key in keys if key in told} if isinstance(told, Mapping) else {}


def _run_playbooks(
    workspace: Workspace,
    environment: Environment,
    verb: str,
    variables: Mapping[str, Any],
    run_id: str,
    watch: Watch | None,
    *,
    check: bool = False,
) -> ServerResult:
    result = ServerResult(environment.name, verb, check)
    for playbook in ACTIONS[verb].playbooks:
        try:
            outcome = execute(
                workspace,
                environment,
                f"quipux.provision.{playbook}",
                variables,
                run_id,
                watch,
                check=check,
                optional_groups=True,
            )
        except ProvisionError as error:  # no inventory, no vault: the run has an end all the same
            return replace(result, error=error)
        result = _joined(result, outcome)
        if result.error:
            break
    return result


def _joined(result: ServerResult, outcome: Outcome) -> ServerResult:
    error = failure_error(outcome) if outcome.failure else None
    return replace(
        result,
        changed=(*result.changed, *outcome.changed),
        told={**result.told, **outcome.told},
        error=error,
    )


def check_installed(state: LedgerState, environment: Environment) -> None:
    """Refuse to provision on an own server that is not known to answer.

    :raises GateClosed: no run that asks the application has ended well there.
    """
    if environment.kind != OWN:
        return
    server = state.servers.get(environment.name)
    if server is None or server.installed is None:
        raise GateClosed(
            _("the server of {environment} is not known to work").format(environment=environment.name),
            _("run: quipux-provision self-hosted install, or verify for one installed by hand"),
        )


def newest_backup(folder: Path) -> Path:
    """Return the newest backup that was fetched into *folder*.

    :raises UsageError: there is none.
    """
    found = sorted(path.parent for path in folder.glob("*/manifest*.json"))
    if not found:
        raise UsageError(
            _("{folder} holds no backup").format(folder=folder),
            _("name one: --from FOLDER, or make one: quipux-provision self-hosted backup"),
        )
    return found[-1]
