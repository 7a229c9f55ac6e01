"""One run of the playbook over cases: what goes in, and what came of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from quipux_provision.domain.states import LedgerState
from quipux_provision.errors import Interrupted, ProvisionError, RunFailed, Unreachable
from quipux_provision.i18n import _
from quipux_provision.service.environments import database_of
from quipux_provision.service.module_errors import error_of
from quipux_provision.service.subjects import hashes
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.settings import Environment

if TYPE_CHECKING:
    from quipux_provision.ansible.outcome import ItemResult, Outcome
    from quipux_provision.ansible.progress import Progress

COLLECTIONS = ".collections"  # of the workspace: what the roles for own servers stand on


@dataclass(frozen=True)
class Watch:
    """How a run is followed. Signals that ask this process to end also end the run.

    :param on_progress: called with each step of Ansible.
    :param on_output: called with Ansible's own output, secrets masked.
    """

    on_progress: Callable[[Progress], None] | None = None
    on_output: Callable[[str], None] | None = None
    verbosity: int = 0


def application_name(run: str) -> str:
    """Return what the database shows as the name of the run's connections."""
    return f"quipux-provision {run}"


def execute_items(
    workspace: Workspace,
    state: LedgerState,
    environment: Environment,
    items: Sequence[Mapping[str, Any]],
    run: str,
    watch: Watch | None,
    *,
    check: bool,
    playbook: str,
    reading: bool = False,
) -> Outcome:
    """Run *playbook* over *items*; the caller holds the locks of their cases unless *check*."""
    # We hold the locks of our cases, so a run of theirs without an end is dead; others may be under way.
    ours = {item["case"] for item in items}
    dead = [old for old, cases in state.unfinished_runs.items() if ours & cases]
    variables: dict[str, Any] = {
        "provision_items": list(items),
        "provision_environment": environment.name,
        "provision_end_runs": [] if check else [application_name(old) for old in dead],
    }
    if environment.default_city is not None:
        variables["quipux_default_city"] = environment.default_city
    bound = state.databases.get(environment.name)
    if bound and not check:  # a plan says by itself that another database answered
        variables["provision_expect_database"] = database_of(bound)
    return execute(
        workspace,
        environment,
        playbook,
        variables,
        run,
        watch,
        check=check,
        reading=reading,
        secrets=hashes(items),
    )


def execute(
    workspace: Workspace,
    environment: Environment,
    playbook: str,
    variables: Mapping[str, Any],
    run: str,
    watch: Watch | None,
    *,
    check: bool = False,
    reading: bool = False,
    optional_groups: bool = False,
    secrets: tuple[str, ...] = (),
) -> Outcome:
    """Run *playbook* in *environment*.

    :param optional_groups: the playbook has plays over groups that an inventory need not have.
    :param reading: on the inventory for what only reads, where the settings name one.
    :param secrets: texts that must not be shown.
    """
    from quipux_provision.ansible import run as ansible
    from quipux_provision.store.secrets import resolve

    watch = watch or Watch()
    place = environment.reading if reading and environment.reading else environment
    vault = resolve(place.vault, workspace.root) if place.vault else None
    return ansible.execute(
        ansible.Run(
            playbook=playbook,
            inventory=place.inventory,
            variables={
                **variables,
                "provision_application_name": application_name(run),
                "provision_read_only": reading,
            },
            check=check,
            vault_password=vault,
            optional_groups=optional_groups,
            collections=tuple(path for path in [workspace.root / COLLECTIONS] if path.is_dir()),
            application_name=application_name(run),
            verbosity=watch.verbosity,
            on_progress=watch.on_progress,
            on_output=watch.on_output,
            secrets=secrets,
        )
    )


def usable(outcome: Outcome, case: str) -> tuple[ItemResult | None, ProvisionError]:
    """Return the case's result if the case came through, and the error otherwise."""
    item = outcome.items.get(case)
    good = item is not None and item.status in ("ok", "unchanged", "activated")
    # A run that was stopped from outside does not take back what it finished.
    if item is not None and good and (outcome.failure is None or outcome.failure.kind == "interrupted"):
        return item, ProvisionError("")
    unfinished = item is not None and item.error and item.error["code"] == "storage_missing"
    if outcome.failure is not None and (good or unfinished):
        return None, failure_error(outcome)
    if item is not None and item.error:
        return None, error_of(case, item.error)
    return None, failure_error(outcome)


def failure_error(outcome: Outcome) -> ProvisionError:
    """Return the error for a case that the run gave no result for."""
    failure = outcome.failure
    if failure is None:
        return RunFailed(
            _("the run ended without a result for this case"),
            _("run it again with -v to see what Ansible did"),
        )
    kinds: dict[str, type[ProvisionError]] = {
        "unreachable": Unreachable,
        "host_key": Unreachable,
        "interrupted": Interrupted,
    }
    return kinds.get(failure.kind, RunFailed)(failure.message, failure.hint)


def failure_code(outcome: Outcome, case: str) -> str:
    item = outcome.items.get(case)
    if item is not None and item.error:
        return str(item.error["code"])
    return outcome.failure.kind if outcome.failure else "incomplete"
