"""What a run came to, folded from Ansible's events. Pure: no I/O.

Return codes are not believed: 4 means three different things, and 0 is also what a run over an empty group,
or with an ignored or rescued error, ends with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from quipux_provision.ansible.evidence import DATABASE, FILES, Evidence, EvidenceFold
from quipux_provision.i18n import _

INSTITUTION = "quipux.provision.institution"
STORAGE = "quipux.provision.storage"
_OURS = "quipux.provision."
REPORT_TASK = "Report refused and failed items"
_GOOD = ("ok", "unchanged", "activated")
_LONGEST = 400
_NO_REASON = {"code": "storage_failed", "message": "-", "hint": ""}
_HOST_KEY = re.compile(
    r"host key verification failed|remote host identification has changed|no \S+ host key is known",
    re.IGNORECASE,
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_PREFIX = re.compile(
    r"^(?:\[ERROR\]:|ERROR!|fatal:|Task failed:|Module failed:|Action failed:)\s*", re.IGNORECASE
)

Kind = Literal["failed", "unreachable", "host_key", "incomplete", "interrupted"]


@dataclass(frozen=True)
class Failure:
    """Why a run as a whole did not do its work: one line that says what, one that says what to do."""

    kind: Kind
    message: str
    hint: str = ""


@dataclass(frozen=True)
class ItemResult:
    """What became of one case: the module's result for it, joined with that of its storage on every host."""

    case: str
    status: str
    changed: bool = False
    error: Mapping[str, Any] | None = None
    changes: list[Mapping[str, Any]] = field(default_factory=list)
    kept: list[Mapping[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ids: Mapping[str, Any] = field(default_factory=dict)
    activation: str | None = None
    plan_digest: str | None = None


@dataclass(frozen=True)
class Outcome:
    """Items by case; the database as the module found it; the hosts that belong to the run; its failure;
    what a review found, by case; every ``host, task`` that changed something; what the playbook told by
    ``set_stats``."""

    items: Mapping[str, ItemResult]
    database: Mapping[str, Any] | None = None
    hosts: tuple[str, ...] = ()
    failure: Failure | None = None
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    changed: tuple[tuple[str, str], ...] = ()
    told: Mapping[str, Any] = field(default_factory=dict)


class Fold:
    """Takes the events of one run, one at a time, and tells the outcome at the end.

    :param requested: the state asked for (``present`` or ``absent``) by case; one without a result makes the
        outcome incomplete.
    :param check: check mode, in which nothing is stored.
    :param redact: removes known secrets from a text.
    :param reviewed: the cases that a review is to tell of; likewise.
    :param optional_groups: whether a play may find no host: its group is one that an inventory need not have.
    """

    def __init__(
        self,
        requested: Mapping[str, str],
        *,
        check: bool = False,
        redact: Callable[[str], str] = str,
        reviewed: Collection[str] = (),
        optional_groups: bool = False,
    ) -> None:
        self._optional_groups = optional_groups
        self._changed: list[tuple[str, str]] = []
        self._requested = requested
        self._reviewed = frozenset(reviewed)
        self._evidence = EvidenceFold()
        self._check = check
        self._redact = redact
        self._items: dict[str, ItemResult] = {}
        self._needs_storage: set[str] = set()
        self._storage_hosts: set[str] = set()
        self._stored: dict[str, dict[str, Mapping[str, Any]]] = {}
        self._database: Mapping[str, Any] | None = None
        self._expected: set[str] = set()
        self._empty: list[str] = []
        self._failures: list[Failure] = []
        self._ignored = False
        self._stats: Mapping[str, Any] | None = None
        self._last_error = ""

    def add(self, event: Mapping[str, Any]) -> None:
        """Take one event of ansible-runner."""
        kind, data = str(event.get("event", "")), event.get("event_data") or {}
        action = data.get("resolved_action") or data.get("task_action") or ""
        host, result = str(data.get("host", "")), data.get("res") or {}
        if action == STORAGE and host:
            self._storage_hosts.add(host)
        if kind == "runner_on_ok" and result.get("changed"):
            self._changed.append((host, str(data.get("task", ""))))
        if kind in ("runner_on_ok", "runner_on_failed"):
            self._take_result(action, host, result)
        if kind == "runner_on_failed":
            self._take_failure(data, action, host, result)
        elif kind == "runner_on_unreachable":
            self._failures.append(_unreachable(host, self._line(result.get("msg"))))
        elif kind == "playbook_on_no_hosts_matched" and not self._optional_groups:
            self._empty.append(str(data.get("play") or data.get("pattern") or ""))
        elif kind == "playbook_on_stats":
            self._stats = data
        elif not kind.startswith("runner_"):
            self._remember_error(str(event.get("stdout", "")))

    def outcome(self, *, interrupted: bool = False) -> Outcome:
        """Return what all events taken so far amount to.

        :param interrupted: the run was stopped from outside; what is whole nevertheless stays whole.
        """
        items = {case: self._with_storage(item) for case, item in self._items.items()}
        failure = self._failure(items)
        if interrupted and failure:
            failure = Failure(
                "interrupted",
                _("The run was interrupted."),
                _("Run the same command again: what is done already is found and left as it is."),
            )
        told = (self._stats or {}).get("artifact_data") or {}
        evidence = self._evidence.result()
        return Outcome(items, self._database, self._hosts(), failure, evidence, tuple(self._changed), told)

    def _take_result(self, action: str, host: str, result: Mapping[str, Any]) -> None:
        items = result.get("items")
        if not action.startswith(_OURS):
            return
        self._database = result.get("database") or self._database
        if not isinstance(items, list):
            return
        if action in (DATABASE, FILES):
            self._evidence.take(action, host, items)
            return
        if action == STORAGE:
            self._stored[host] = {str(item.get("case")): item for item in items}
            return
        self._expected.update(result.get("hosts") or [])
        for item in items:
            found = _item(item)
            self._items[found.case] = found
            if action == INSTITUTION and self._requested.get(found.case, "present") == "present":
                self._needs_storage.add(found.case)

    def _take_failure(
        self, data: Mapping[str, Any], action: str, host: str, result: Mapping[str, Any]
    ) -> None:
        if data.get("ignore_errors"):
            self._ignored = True
        elif data.get("task") != REPORT_TASK and not (action.startswith(_OURS) and "items" in result):
            self._failures.append(_failed(host, str(data.get("task", "")), self._line(_reason(result))))

    def _remember_error(self, text: str) -> None:
        self._last_error = last_error(self._redact(text)) or self._last_error

    def _with_storage(self, item: ItemResult) -> ItemResult:
        if self._check or item.case not in self._needs_storage or item.status not in _GOOD:
            return item
        results = [self._stored.get(host, {}).get(item.case) for host in sorted(self._storage_hosts)]
        if not results or None in results:
            error = {
                "code": "storage_missing",
                "message": _(
                    "The database is written, but the folders on the application host were not confirmed."
                ),
                "hint": _("Run the same command again: only what is missing is done."),
            }
            return replace(item, status="failed", error=error)
        for result in results:
            if result and result.get("status") not in _GOOD:
                return replace(item, status="failed", error=_error(result) or _NO_REASON)
        changed = any(result and result.get("changed") for result in results)
        if changed and item.status == "unchanged":
            return replace(item, status="ok", changed=True)
        return replace(item, changed=item.changed or changed)

    def _failure(self, items: Mapping[str, ItemResult]) -> Failure | None:
        for kind in ("host_key", "unreachable", "failed"):
            for failure in self._failures:
                if failure.kind == kind:
                    return failure
        if self._empty or (self._stats is not None and not self._stats.get("processed")):
            plays = ", ".join(self._empty) or "-"
            return Failure(
                "incomplete",
                _("No host of the inventory belongs to: {plays}.").format(plays=plays),
                _("Give the groups quipux_db and quipux_app their hosts in the environment's inventory."),
            )
        if self._stats is None:
            return Failure(
                "failed",
                self._last_error or _("Ansible ended before its work was done."),
                _("Run again with -vvv to see what Ansible says."),
            )
        return self._incomplete(items, self._stats)

    def _incomplete(self, items: Mapping[str, ItemResult], stats: Mapping[str, Any]) -> Failure | None:
        missing = sorted(self._expected - set(stats.get("processed") or {}))
        if missing:
            message = _("These hosts took no part in the run: {hosts}.").format(hosts=", ".join(missing))
        elif self._ignored or any(stats.get("ignored") or {}) or any(stats.get("rescued") or {}):
            message = _("A task failed and the playbook went on (ignored or rescued).")
        elif unknown := sorted({*self._requested, *self._reviewed} - {*items, *self._evidence.result()}):
            message = _("The run gave no result for: {cases}.").format(cases=", ".join(unknown))
        else:
            return None
        return Failure("incomplete", message, _("Look at the inventory and the playbook, then run again."))

    def _hosts(self) -> tuple[str, ...]:
        return tuple(sorted(self._expected or (self._stats or {}).get("processed") or ()))

    def _line(self, text: Any) -> str:
        """Return the first line that says something, without Ansible's prefixes and without secrets."""
        return _first_line(self._redact(str(text or "")))


def last_error(output: str) -> str:
    """Return the last error that Ansible wrote in *output*, as one line; empty if there is none."""
    errors = [line for line in _COLOUR.sub("", output).splitlines() if line.startswith(("[ERROR]", "ERROR!"))]
    return _first_line(errors[-1]) if errors else ""


def _first_line(text: str) -> str:
    lines = [line.strip() for line in _COLOUR.sub("", text).splitlines()]
    line = next((line for line in lines if line and not set(line) <= set("@-=")), "")
    while (shorter := _PREFIX.sub("", line)) != line:
        line = shorter
    if _HOST_KEY.search(" ".join(lines)) and not _HOST_KEY.search(line):
        line = "Host key verification failed."
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _reason(result: Mapping[str, Any]) -> Any:
    """Return what a task that failed says; a loop says it in the first item that failed."""
    items = result.get("results")
    failed = [one for one in items if one.get("failed")] if isinstance(items, list) else []
    return failed[0].get("msg") if failed else result.get("msg")


def _error(result: Mapping[str, Any]) -> dict[str, Any] | None:
    error = result.get("error")
    return {"code": "", "message": "", "hint": "", **error} if error else None


def _item(result: Mapping[str, Any]) -> ItemResult:
    return ItemResult(
        case=str(result.get("case")),
        status=str(result.get("status")),
        changed=bool(result.get("changed")),
        error=_error(result),
        changes=list(result.get("changes") or []),
        kept=list(result.get("kept") or []),
        notes=list(result.get("notes") or []),
        ids=result.get("ids") or {},
        activation=result.get("activation"),
        plan_digest=result.get("plan_digest"),
    )


def _unreachable(host: str, reason: str) -> Failure:
    if _HOST_KEY.search(reason):
        return Failure(
            "host_key",
            _("The key that {host} showed is not the pinned one.").format(host=host),
            _("Ask who runs the host whether its key was changed; only then correct known_hosts."),
        )
    reason = reason.rpartition("via ssh:")[2].strip() or reason
    return Failure(
        "unreachable",
        _("{host} cannot be reached: {reason}").format(host=host, reason=reason),
        _("Check the address, the network and the SSH login: quipux-provision doctor --environment E"),
    )


def _failed(host: str, task: str, reason: str) -> Failure:
    if "cannot reach the database" in reason:
        return Failure(
            "unreachable",
            f"{host}: {reason}",
            _("Check the database and quipux_db_* in the inventory: quipux-provision doctor --environment E"),
        )
    return Failure(
        "failed",
        _("{host}: task {task!r} failed: {reason}").format(host=host, task=task, reason=reason),
        _("Correct what it names and run the same command again."),
    )
