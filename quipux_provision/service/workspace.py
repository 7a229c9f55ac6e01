"""What every use case works on: the settings, the ledger, the signers and whoever acts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quipux_provision.domain.canonical import canonical_json, salted_digest
from quipux_provision.domain.kinds import SIGNERS_CHANGED
from quipux_provision.domain.lifecycle import fold
from quipux_provision.domain.request import Request
from quipux_provision.domain.states import CaseState, LedgerState
from quipux_provision.errors import GateClosed, UsageError
from quipux_provision.i18n import _
from quipux_provision.store.settings import Environment, Settings, load_settings

if TYPE_CHECKING:
    from quipux_provision.store.ledger import Event, Ledger, NewEvent
    from quipux_provision.store.signers import AllowedSigners


class Workspace:
    """A folder with a settings file, opened by one person.

    :param root: the workspace.
    :param key: the key given on the command line, or None for the settings' one.
    """

    def __init__(self, root: Path, key: Path | None = None) -> None:
        self.root = root
        self._key = key
        self._personal: dict[str, dict[str, Any]] = {}
        self._digests: dict[str | None, str | None] = {}
        self._seen = 0

    @cached_property
    def settings(self) -> Settings:
        """The settings file, read once."""
        return load_settings(self.root)

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger, opened once."""
        from quipux_provision.store.ledger import Ledger

        return Ledger.from_settings(self.settings)

    @cached_property
    def signers(self) -> AllowedSigners:
        """The allowed signers, read once."""
        from quipux_provision.store.signers import AllowedSigners

        return AllowedSigners.load(self.settings.identity.signers, self.root)

    def now(self) -> datetime:
        """The present moment, UTC, whole seconds."""
        return datetime.now(UTC).replace(microsecond=0)

    def environment(self, name: str) -> Environment:
        """Return the environment called *name*.

        :raises UsageError: the settings have none of this name.
        """
        try:
            return self.settings.environments[name]
        except KeyError:
            raise UsageError(
                _("there is no environment called {name}").format(name=name),
                _("use one of: {names}").format(names=", ".join(sorted(self.settings.environments))),
            ) from None

    @property
    def seen(self) -> int:
        """The number of the newest event that :meth:`events` knew."""
        return self._seen

    def events(self) -> list[Event]:
        """Return the ledger's events; personal data is compared with what they say of it from now on."""
        events = self.ledger.events()
        self._digests.update({event.personal_ref: event.personal_digest for event in events})
        self._seen = events[-1].seq if events else 0
        return events

    def state(self) -> LedgerState:
        """Return the ledger's events, folded."""
        return fold(self.events())

    def case(self, state: LedgerState, name: str) -> CaseState:
        """Return the case called *name*.

        :raises UsageError: nobody submitted it.
        """
        try:
            return state.cases[name]
        except KeyError:
            raise UsageError(
                _("there is no case called {name}").format(name=name),
                _("submit its request first: quipux-provision submit requests/{name}.yml").format(name=name),
            ) from None

    def request(self, case: CaseState) -> Request:
        """Return the request of *case*, with the administrator whom a change has put in since.

        :raises GateClosed: it was purged, or is not the one that was signed.
        """
        return self._with_administrator(self.own_request(case), case.administrator_ref)

    def own_request(self, case: CaseState) -> Request:
        """Return the request of *case* as it was signed, whoever has replaced its administrator since.

        :raises GateClosed: it was purged, or is not the one that was signed.
        """
        data = self.personal(case.request_ref)
        request = Request.from_source(case.case, data["request"])
        submitted = case.submitted_digest or case.request_digest
        if salted_digest(data["salt"], request.digest_body()) != submitted:
            raise GateClosed(
                _("the request of {case} in the ledger is not the one that was signed").format(
                    case=case.case
                ),
                _("run: quipux-provision audit verify"),
            )
        return request

    def applied_request(self, case: CaseState, environment: str) -> Request | None:
        """Return what was carried out last in *environment*, with the administrator who was put in since."""
        progress = case.progress(environment)
        applied = progress.applied
        if applied is None or not applied.request_ref:
            return None
        request = Request.from_source(case.case, self.personal(applied.request_ref)["request"])
        return self._with_administrator(request, progress.administrator_ref)

    def _with_administrator(self, request: Request, ref: str | None) -> Request:
        if ref is None:
            return request
        successor = self.personal(ref)["request"]["administrador"]
        return Request.from_source(request.case, {**request.source, "administrador": successor})

    def personal(self, ref: str | None) -> dict[str, Any]:
        """Return personal data by reference.

        :raises GateClosed: it was purged.
        """
        data = self.known(ref)
        if data is None:
            raise GateClosed(
                _("the personal data of this case was purged"),
                _("submit the request again under another case name"),
            )
        return data

    def sign(self, namespace: str, data: bytes) -> tuple[str, str]:
        """Sign *data* as whoever acts.

        :returns: the principal of the key and the armoured signature.
        :raises GateClosed: the key belongs to no principal who may sign in *namespace*.
        """
        from quipux_provision.store.signatures import sign, signing_key, verify

        key = signing_key(self._key, self.settings.identity)
        armour = sign(key, namespace, data)
        return verify(self.signers, namespace, data, armour, at=self.now()), armour

    def principal(self) -> str:
        """Return who acts, without signing anything.

        :raises GateClosed: the key is nobody's in the signers' file.
        """
        from quipux_provision.store.signatures import public_key, signing_key

        key = public_key(signing_key(self._key, self.settings.identity))
        person = self.signers.principal_of(key)
        if person is None:
            raise GateClosed(
                _("the key {fingerprint} is nobody's in the signers' file").format(
                    fingerprint=key.fingerprint
                ),
                _("run: quipux-provision signers add NAME KEY.pub"),
            )
        return person

    def signed(self, namespace: str, statement: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Sign *statement* as whoever acts.

        The statement says after which event it was signed, so that it is of no use later.

        :returns: the principal, and what an event keeps under ``signed`` so that audit can verify it.
        """
        statement = {**statement, "after": self._seen}
        actor, armour = self.sign(namespace, canonical_json(statement))
        return actor, {
            "namespace": namespace,
            "statement": dict(statement),
            "signature": armour,
            "signers_sha256": self.signers.sha256,
        }

    def preload(self, refs: Iterable[str | None]) -> None:
        """Read the personal data of many references at once; :meth:`personal` then needs no query."""
        wanted = [ref for ref in refs if ref and ref not in self._personal]
        if wanted:
            self._personal.update(self.ledger.personal_of(wanted, self._digests))

    def known(self, ref: str | None) -> dict[str, Any] | None:
        """Return personal data by reference, None when it was purged."""
        if ref is None:
            return None
        self.preload([ref])
        return self._personal.get(ref)

    def record(self, state: LedgerState, events: Sequence[NewEvent], *, unmoved: bool = False) -> list[Event]:
        """Append *events*, and before them the change of the signers' file if there was one.

        :param unmoved: only if none of their cases moved on since :meth:`state` was read.
        :raises Locked: one did.
        """
        from quipux_provision.store.ledger import NewEvent

        changed = []
        if state.signers_sha256 != self.signers.sha256:
            previous = state.signers_sha256
            data = {"sha256": self.signers.sha256, "previous": previous}
            changed.append(NewEvent(SIGNERS_CHANGED, None, None, None, data))
            state.signers_sha256 = self.signers.sha256
        return self.ledger.append([*changed, *events], seen=self._seen if unmoved else None)

    def checkpoint(self) -> Path:
        """Sign the ledger's present head and keep it in ``checkpoints/``."""
        from quipux_provision.store import checkpoints

        return checkpoints.write(self.ledger, self.sign, self.root)
