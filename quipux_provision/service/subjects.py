"""What a case is to the playbooks: what a run is to leave of it, which playbook does that, and its item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quipux_provision.domain import kinds
from quipux_provision.domain.fields import CITIZEN
from quipux_provision.domain.request import Request
from quipux_provision.domain.states import CaseState, LedgerState
from quipux_provision.outreach.activation import code_hash
from quipux_provision.service import agreements
from quipux_provision.service.gates import Permit
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.settings import Environment

PROVISION = "quipux.provision.provision"
_CITIZEN = "quipux.provision.citizen"
_OF_ORDERS = {
    kinds.RETIRED: "quipux.provision.retirement",
    kinds.REINSTATED: "quipux.provision.retirement",
    kinds.BACKED_UP: "quipux.provision.user_backups",
}
_OF_INSTITUTION = ("name", "ruc", "acronym", "phone", "address", "city")
_WITH_ACCOUNT = (kinds.PRESENT, kinds.REQUESTED, kinds.APPROVED)


@dataclass
class Work:
    """One case on its way through a run.

    :param case: as its environment has to look at it, see :meth:`.CaseState.asked_in`.
    :param previous: the request that was carried out here last.
    :param stage: what the run is to leave: one of the words in :mod:`.kinds`.
    :param codes: SHA-256 of the hashes of all codes that were issued here, those of its changes among them.
    """

    case: CaseState
    request: Request
    stage: str
    permit: Permit | None = None
    code: str | None = None
    mail_wanted: bool = False
    previous: Request | None = None
    codes: tuple[str, ...] = ()

    @property
    def new_address(self) -> bool:
        """Whether the link that was sent last lies in a mailbox that the request names no more."""
        return self.previous is not None and self.previous.person.email != self.request.person.email

    @property
    def takes_code(self) -> bool:
        """Whether the run may leave an account that somebody has to enter for the first time."""
        return self.stage in _WITH_ACCOUNT and self.request.person.existing_account == "reject"

    @property
    def playbook(self) -> str:
        """The playbook that does it."""
        if self.request.citizen:
            return _CITIZEN
        return _OF_ORDERS.get(self.stage, PROVISION)


def work_of(
    workspace: Workspace,
    state: LedgerState,
    case: CaseState,
    environment: Environment,
    permit: Permit | None = None,
    request: Request | None = None,
) -> Work:
    """Return the work for *case*: its request in the ledger, or another *request* to look at."""
    wanted = request or workspace.request(case)
    previous = workspace.applied_request(case, environment.name)
    if previous is None and case.change_of:
        # Of the institution the request says nothing new: what was applied last is the changed case's matter.
        previous = workspace.applied_request(state.cases[case.change_of], environment.name)
    stage = _stage(case, environment, permit)
    family = (case, *(state.cases[name] for name in case.changes))
    codes = tuple(code for one in family for code in one.progress(environment.name).prepared_activations)
    return Work(case, wanted, stage, permit, previous=previous, codes=codes)


def _stage(case: CaseState, environment: Environment, permit: Permit | None) -> str:
    if case.order:
        return kinds.STAGE_OF_ORDER[case.order.word]
    if case.route != CITIZEN:
        return kinds.PRESENT
    progress = case.progress(environment.name)
    if progress.open_rejection:
        return kinds.REJECTED
    if permit and permit.finished and progress.stage:
        return progress.stage
    asked = progress.stage == kinds.REQUESTED and progress.holds(case.request_digest)
    return kinds.APPROVED if asked or progress.stage == kinds.APPROVED else kinds.REQUESTED


def by_playbook(works: Sequence[Work]) -> dict[str, list[Work]]:
    """Return *works* by the playbook that does them."""
    found: dict[str, list[Work]] = {}
    for work in works:
        found.setdefault(work.playbook, []).append(work)
    return found


def item_of(workspace: Workspace, work: Work, environment: Environment) -> dict[str, Any]:
    """Return the module's item: what is asked, what was applied last, what may be done."""
    from quipux_provision.ansible.collection import collection_digest

    if work.request.citizen:
        item = _citizen(workspace, work)
    elif work.stage in _OF_ORDERS:
        item = _ordered(work, environment)
    else:
        item = _institution(work, environment)
    item["case"] = work.case.case
    item["binding"] = {
        "environment": environment.name,
        "request_digest": work.case.request_digest,
        "collection_digest": collection_digest(),
    }
    if work.permit and work.permit.expect:
        item["expect"] = work.permit.expect
    if work.code:
        item["activation"] = {"hash": code_hash(work.code), "replaces": list(work.codes)}
    return item


def _institution(work: Work, environment: Environment) -> dict[str, Any]:
    item = dict(work.request.item())
    if work.request.change and environment.kind != kinds.TRAINING:
        item["outgoing"] = work.request.change.item()
    if work.previous:
        item["previous"] = _previous(work.previous, work.request)
        if work.request.change:  # it asks nothing of the institution itself
            item = {key: value for key, value in item.items() if key not in _OF_INSTITUTION}
            item.update(item["previous"]["institution"])
    return item


def _previous(previous: Request, request: Request) -> dict[str, Any]:
    before = previous.item()
    known = {key: before[key] for key in _OF_INSTITUTION if before.get(key)}
    said: dict[str, Any] = {"institution": known}
    if previous.person.national_id == request.person.national_id:
        said["administrator"] = previous.person.item()
    return said


def _citizen(workspace: Workspace, work: Work) -> dict[str, Any]:
    stages = {kinds.RETIRED: "absent", kinds.REINSTATED: kinds.APPROVED}
    # What is rejected in Quipux is what was asked for there, not what the case's request says since.
    rejected = work.previous if work.stage == kinds.REJECTED else None
    item = dict((rejected or work.request).item())
    item["state"] = stages.get(work.stage, work.stage)
    if work.stage == kinds.REQUESTED:
        item["agreement_path"] = str(agreements.file_of(workspace, work.case))
    if work.previous:
        before = work.previous.item()
        item["previous"] = {key: value for key, value in before.items() if key not in ("case", "state")}
    return item


def _ordered(work: Work, environment: Environment) -> dict[str, Any]:
    progress = work.case.progress(environment.name)
    item: dict[str, Any] = {"state": work.stage, "ruc": work.request.of_institution.ruc}
    if work.stage == kinds.BACKED_UP:
        return {**item, "state": "requested", "requested_by_national_id": work.request.person.national_id}
    if work.stage == kinds.RETIRED:
        item["documents"] = work.case.order.documents if work.case.order else "refuse"
        item["activation"] = {"replaces": list(work.codes)}
    else:
        item["accounts"] = list(progress.retired or ())
    return item


def hashes(items: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return what in *items* must not be shown."""
    return tuple(item["activation"]["hash"] for item in items if "hash" in item.get("activation", ()))
