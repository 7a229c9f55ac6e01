"""Adopt: institutions that others created come under management. The database is only read."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from quipux_provision.domain.adoption import Place
from quipux_provision.domain.canonical import salted_digest
from quipux_provision.domain.fields import CENTRAL, SELF_HOSTED
from quipux_provision.domain.kinds import ADOPTED, OWN, PRODUCTION
from quipux_provision.domain.text import shown
from quipux_provision.errors import GateClosed, Locked, RequestInvalid, RunFailed, UsageError
from quipux_provision.i18n import _
from quipux_provision.service import environments
from quipux_provision.service.adoption_judge import Judge, Ready, known_institutions
from quipux_provision.service.playbook_runs import Watch, execute, failure_error
from quipux_provision.service.results import CaseResult
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.settings import Environment

if TYPE_CHECKING:
    from quipux_provision.ansible.outcome import Outcome
    from quipux_provision.store.ledger import NewEvent

PLAYBOOK = "quipux.provision.adopt"
_ROUTES = {PRODUCTION: CENTRAL, OWN: SELF_HOSTED}
_TRIES = 3
_BATCH = 50  # cases recorded in one transaction: what a killed run has to sign again


def adopt(
    workspace: Workspace,
    names: Sequence[str],
    environment_name: str,
    watch: Watch | None = None,
    *,
    dry_run: bool = False,
) -> list[CaseResult]:
    """Make cases of institutions that are in an environment already, each signed by whoever acts.

    Request files are written first, then the ledger; a call that was killed is completed by the next one.

    :param names: RUCs or siglas; empty means every institution.
    :param dry_run: only tell what would be done; neither files nor ledger are written.
    """
    environment = workspace.environment(environment_name)
    route = _route(environment)
    environments.check_kind(workspace.state(), environment)
    if not dry_run:
        _check_signer(workspace)
    places, outcome = _read(workspace, environment, watch)
    environments.bind(workspace.state(), environment, outcome)
    chosen, results = _chosen(places, names)
    judge = Judge(workspace, environment, route, places, dry_run)
    for place in chosen:
        judge.judge(place)
    if not dry_run:
        _record_all(judge, outcome)
    results += [judge.results[place.id] for place in chosen]
    if any(result.changed for result in results):
        workspace.checkpoint()
    return results


def _route(environment: Environment) -> str:
    route = _ROUTES.get(environment.kind)
    if route is None:
        raise UsageError(
            _("in {environment}, of kind {kind}, nothing can be adopted: accounts for training end").format(
                environment=environment.name, kind=environment.kind
            ),
            _("name the environment in which the institutions work: --environment E"),
        )
    if route not in environment.routes:
        raise UsageError(
            _("{environment} does not serve via {route}").format(environment=environment.name, route=route),
            _("add it to vias of {environment} in quipux-provision.yml").format(environment=environment.name),
        )
    return route


def _check_signer(workspace: Workspace) -> None:
    """Refuse somebody who could not sign what a whole reading leads to."""
    from quipux_provision.store.signatures import CHECKPOINT, REQUEST

    person = workspace.principal()
    for namespace in (REQUEST, CHECKPOINT):
        if not workspace.signers.may(person, namespace):
            raise GateClosed(
                _("{person} may not sign {namespace}").format(person=person, namespace=namespace),
                _("add {namespace} to the namespaces= of {person} in the signers' file").format(
                    namespace=namespace, person=person
                ),
            )


def _read(workspace: Workspace, environment: Environment, watch: Watch | None) -> tuple[list[Place], Outcome]:
    run = secrets.token_hex(8)
    outcome = execute(workspace, environment, PLAYBOOK, {}, run, watch, reading=True)
    if outcome.failure is not None or "institutions" not in outcome.told:
        raise failure_error(outcome)
    if outcome.database is None:
        raise RunFailed(
            _("the run did not tell which database it looked in"),
            _("run it again with -v to see what Ansible did"),
        )
    return [Place.of(row) for row in outcome.told["institutions"]], outcome


def _chosen(places: Sequence[Place], names: Sequence[str]) -> tuple[list[Place], list[CaseResult]]:
    """Return the institutions that *names* name, and a refusal for each name that is nobody's."""
    if not names:
        return list(places), []
    chosen: dict[int, Place] = {}
    unknown = []
    for name in dict.fromkeys(names):
        found = [place for place in places if name == place.ruc or name.upper() == place.sigla]
        chosen |= {place.id: place for place in found}
        if not found:
            error = UsageError(
                _("no institution of the environment has the RUC or the sigla {name}").format(
                    name=shown(name)
                ),
                _("see what is there: quipux-provision adopt --all --dry-run --environment E"),
            )
            unknown.append(CaseResult.refused(name, error))
    return list(chosen.values()), unknown


def _record_all(judge: Judge, outcome: Outcome) -> None:
    """Write the events of what is ready, some at a time; another call may have been quicker."""
    for start in range(0, len(judge.ready), _BATCH):
        some = judge.ready[start : start + _BATCH]
        for attempt in range(1, _TRIES + 1):
            try:
                _record(judge, outcome, some)
                break
            except Locked as error:
                if attempt == _TRIES:
                    for one in some:
                        judge.refuse(one.place, one.request.case, error)


def _record(judge: Judge, outcome: Outcome, some: Iterable[Ready]) -> None:
    workspace, environment = judge.workspace, judge.environment
    state = workspace.state()
    known = known_institutions(workspace, state, environment)
    results, events = {}, environments.bind(state, environment, outcome)
    for one in some:
        place, name = one.place, one.request.case
        if case := known.get(place.ruc) or known.get(place.id):
            results[place.id] = CaseResult(case, "unchanged", detail=one.detail)
        elif name in state.cases:
            error = RequestInvalid(
                _("{case} is the case of another institution").format(case=name),
                _("give {file} another name, then adopt again").format(file=one.detail["file"]),
            )
            judge.refuse(place, name, error)
        else:
            events.append(_event(judge, one))
            results[place.id] = CaseResult(name, "adopted", changed=True, detail=one.detail)
    if events:
        workspace.record(state, events, unmoved=True)
    judge.results |= results


def _event(judge: Judge, one: Ready) -> NewEvent:
    from quipux_provision.store.ledger import NewEvent
    from quipux_provision.store.signatures import REQUEST

    salt, name = secrets.token_hex(16), one.request.case
    request_digest = salted_digest(salt, one.request.digest_body())
    statement = {
        "ledger_id": judge.workspace.ledger.ledger_id,
        "case": name,
        "environment": judge.environment.name,
        "round": 1,
        "request_digest": request_digest,
    }
    actor, signed = judge.workspace.signed(REQUEST, statement)
    data = {
        "kind": judge.environment.kind,
        "round": 1,
        "via": judge.route,
        "request_digest": request_digest,
        "ids": one.place.ids(one.administrator),
        "signed": signed,
    }
    personal = {"salt": salt, "request": dict(one.request.source)}
    return NewEvent(ADOPTED, name, judge.environment.name, actor, data, personal)
