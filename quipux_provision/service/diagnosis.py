"""Look at an environment before a run: signers, hosts, database, application folder, mail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from quipux_provision.domain.kinds import PRODUCTION
from quipux_provision.errors import ProvisionError
from quipux_provision.i18n import _
from quipux_provision.service.environments import database_of
from quipux_provision.service.playbook_runs import Watch, failure_error
from quipux_provision.service.post import mail_server
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.settings import Environment

PLAYBOOK = "quipux.provision.doctor"
UNREACHABLE = 7


@dataclass(frozen=True)
class Check:
    """What one look found; ``exit_code`` is that of the command if nothing else fails first."""

    name: str
    status: Literal["ok", "warning", "error"]
    message: str
    hint: str = ""
    exit_code: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the machine-readable form."""
        return asdict(self)


def diagnose(workspace: Workspace, environment_name: str, watch: Watch | None = None) -> Iterator[Check]:
    """Yield each check of an environment as soon as it is done; what rests on a failed one is left out."""
    environment = workspace.environment(environment_name)
    yield from _signers(workspace, environment)
    yield from _mail(workspace, environment)
    hosts = list(_hosts(workspace, environment))
    yield from hosts
    if all(check.status == "ok" for check in hosts):
        yield from _database(workspace, environment, watch or Watch())


def _failed(name: str, error: ProvisionError) -> Check:
    return Check(name, "error", error.message, error.hint, error.exit_code)


def _signers(workspace: Workspace, environment: Environment) -> Iterator[Check]:
    from quipux_provision.store.signers import writable_by_me

    try:
        people = workspace.signers.principals
    except ProvisionError as error:
        yield _failed("signers", error)
        return
    if not people:
        yield Check(
            "signers",
            "error",
            _("nobody may sign yet"),
            _("run: quipux-provision signers add NAME KEY.pub"),
            5,
        )
        return
    identity = workspace.settings.identity
    if identity.signers.startswith("git:"):
        yield from _protected_branch(workspace, environment)
        return
    if not writable_by_me(workspace.root / identity.signers):
        yield Check("signers", "ok", _("people who may sign: {names}").format(names=", ".join(people)))
        return
    strict = identity.strict_signers and environment.kind == PRODUCTION
    yield Check(
        "signers",
        "error" if strict else "warning",
        _("you can change the file that says who may sign"),
        _("keep it in a protected branch (git:REMOTE/BRANCH:PATH) or give it to another owner"),
        5 if strict else 0,
    )


def _protected_branch(workspace: Workspace, environment: Environment) -> Iterator[Check]:
    """A branch protects only if what is read here is what the remote has: a local ref is easily moved."""
    from quipux_provision.store.signers import is_what_the_remote_has

    identity = workspace.settings.identity
    same = is_what_the_remote_has(identity.signers, workspace.root)
    if same:
        names = ", ".join(workspace.signers.principals)
        yield Check("signers", "ok", _("people who may sign: {names}").format(names=names))
        return
    strict = identity.strict_signers and environment.kind == PRODUCTION
    message = _("the branch of the signers' file cannot be compared with its remote")
    if same is False:
        message = _("the branch of the signers' file is not the one that the remote has")
    yield Check("signers", "error" if strict else "warning", message, _("run: git fetch"), 5 if strict else 0)


def _mail(workspace: Workspace, environment: Environment) -> Iterator[Check]:
    from quipux_provision.outreach.smtp import check

    settings = environment.mail or workspace.settings.mail
    if settings is None or settings.host is None:
        yield Check("mail", "warning", _("no mail server: mails are kept in outbox/"), _("set mail.host"))
        return
    try:
        server, password = mail_server(workspace, environment, settings)
        check(server, password, settings.sender)
    except ProvisionError as error:
        yield _failed("mail", error)
        return
    yield Check("mail", "ok", _("the mail server {host} lets us in").format(host=settings.host))


def _hosts(workspace: Workspace, environment: Environment) -> Iterator[Check]:
    from quipux_provision.ansible.preflight import inventory_hosts, probe

    try:
        hosts = inventory_hosts(environment.inventory, _vault(workspace, environment))
    except ProvisionError as error:
        yield _failed("inventory", error)
        return
    for host in hosts:
        found = probe(host)
        status: Literal["ok", "error"] = "ok" if found.status == "ok" else "error"
        yield Check(
            f"host {host.name}", status, found.message, found.hint, 0 if status == "ok" else UNREACHABLE
        )


def _vault(workspace: Workspace, environment: Environment) -> str | None:
    from quipux_provision.store.secrets import resolve

    return resolve(environment.vault, workspace.root) if environment.vault else None


def _database(workspace: Workspace, environment: Environment, watch: Watch) -> Iterator[Check]:
    from quipux_provision.ansible.run import Run, execute

    outcome = execute(
        Run(
            playbook=PLAYBOOK,
            inventory=environment.inventory,
            variables={},
            vault_password=_vault(workspace, environment),
            verbosity=watch.verbosity,
            application_name="quipux-provision doctor",
            on_progress=watch.on_progress,
            on_output=watch.on_output,
        )
    )
    if outcome.failure:
        yield _failed("database", failure_error(outcome))
    else:
        yield Check("database", "ok", _("layout, rights and the application's folder are as expected"))
    bound = workspace.state().databases.get(environment.name)
    if outcome.database and bound and database_of(bound) != database_of(outcome.database):
        yield Check(
            "binding",
            "error",
            _("{environment} is bound to another database than the one that answered").format(
                environment=environment.name
            ),
            _("correct the inventory, or run: quipux-provision environment rebind"),
            5,
        )
