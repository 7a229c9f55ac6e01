"""What can be adopted, and what cannot: each institution beside the files and the cases that are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from quipux_provision.domain import adoption
from quipux_provision.domain.adoption import Account, Place
from quipux_provision.domain.clock import local_date
from quipux_provision.domain.kinds import DESISTIDA, RECHAZADA
from quipux_provision.domain.request import Problem, Request
from quipux_provision.domain.states import LedgerState
from quipux_provision.domain.text import shown
from quipux_provision.errors import GateClosed, Locked, ProvisionError, RequestInvalid
from quipux_provision.i18n import _, ngettext, speaking
from quipux_provision.service.results import CaseResult
from quipux_provision.service.workspace import Workspace
from quipux_provision.store import adoptions
from quipux_provision.store.settings import Environment


@dataclass(frozen=True)
class Ready:
    """An institution whose request is whole."""

    place: Place
    administrator: Account
    request: Request
    detail: Mapping[str, Any]


@dataclass
class Judge:
    """What can be done with each institution of an environment; writes files and drafts unless *dry_run*.

    :ivar results: what became of each so far, by number.
    :ivar ready: those whose request is whole, which nobody has recorded yet.
    """

    workspace: Workspace
    environment: Environment
    route: str
    places: Sequence[Place]
    dry_run: bool
    results: dict[int, CaseResult] = field(default_factory=dict)
    ready: list[Ready] = field(default_factory=list)

    def __post_init__(self) -> None:
        root, state = self.workspace.root, self.workspace.state()
        self.twins: dict[str, list[int]] = {}
        for place in self.places:
            for value in {place.ruc.strip(), place.sigla} - {""} if place.active else ():
                self.twins.setdefault(value, []).append(place.id)
        self.known = known_institutions(self.workspace, state, self.environment)
        # The names first: a file that another call writes meanwhile must not look like somebody else's.
        self.names = {*state.cases, *adoptions.taken(root)}
        self.kept = adoptions.kept(root, self.environment.name, state.cases)
        self.today: date = local_date(self.workspace.now(), ZoneInfo(self.workspace.settings.policy.zone))

    def judge(self, place: Place) -> None:
        """Find out what can be done with *place*, and write its file if one is to be written."""
        # A twin of a case, with its RUC and another number, is no case.
        shared = place.active and len(self.twins.get(place.ruc.strip(), ())) > 1
        case = self.known.get(place.id) or (None if shared else self.known.get(place.ruc))
        if case:
            self.results[place.id] = CaseResult(case, "unchanged", detail=self._detail(place))
            return
        if not place.active:
            detail = self._detail(place, notes=[_("inactive in Quipux")])
            self.results[place.id] = CaseResult(adoption.stem(place), "skipped", detail=detail)
            return
        try:
            self._check(place)
            self._take(place)
        except ProvisionError as error:
            self.refuse(place, adoption.stem(place), error)

    def _check(self, place: Place) -> None:
        for value in (place.ruc.strip(), place.sigla):
            twins = self.twins.get(value, ())
            if len(twins) > 1:
                raise GateClosed(
                    _("{value} belongs to several institutions in Quipux: {numbers}").format(
                        value=shown(value), numbers=", ".join(map(str, twins))
                    ),
                    _("leave it to one of them in Quipux, deactivate the others, then adopt again"),
                )
        name = shown(place.sigla or place.name)
        if place.area is None:
            raise GateClosed(
                _("{name} (institution {number}) has no root area").format(name=name, number=place.id),
                _("create its root area in Quipux, then adopt again"),
            )
        if not place.administrators:
            message = _("{name} (institution {number}) has no active administrator (AIQ)")
            if place.incomplete:
                message = _(
                    "{name} (institution {number}) has no account with both permissions of an administrator "
                    "(12 and 36); accounts with one of them: {accounts}"
                )
            accounts = ", ".join(map(str, place.incomplete))
            raise GateClosed(
                message.format(name=name, number=place.id, accounts=accounts),
                _("give an account both permissions in Quipux, or submit a request for the institution"),
            )

    def _take(self, place: Place) -> None:
        """Take the file of an earlier call, or write one from what the database holds."""
        mine = self._file(place)
        if mine and mine.request:
            self._compare(place, mine.path.stem, mine.request)
        elif mine and not mine.draft:
            self._incomplete(place, mine.path.stem, mine.problems, f"{adoptions.FOLDER}/{mine.path.name}")
        else:
            self._write(place, mine)

    def _file(self, place: Place) -> adoptions.Kept | None:
        """Return the file about *place*: the one with its RUC, else its mark, else its sigla."""
        requests = [(one, one.request.of_institution) for one in self.kept if one.request]
        found = [one for one, said in requests if said.ruc == place.ruc]
        found += [one for one in self.kept if one.mark == place.id and not one.draft]
        found += [one for one, said in requests if said.acronym == place.sigla]
        found += [one for one in self.kept if one.mark == place.id]
        return found[0] if found else None

    def _compare(self, place: Place, name: str, request: Request) -> None:
        differences = list(adoption.contradictions(request, place, self.route))
        if not differences:
            self._accept(place, name, request)
            return
        path = f"{adoptions.FOLDER}/{name}.yml"
        told = [
            {
                "file": path,
                "field": one.field,
                "severity": "error",
                "message": _("says {mine}, Quipux has {theirs}").format(
                    mine=shown(one.file) or "-", theirs=shown(one.database) or "-"
                ),
                "hint": _("write what Quipux has; what is wrong there, correct it there"),
            }
            for one in differences
        ]
        count = len(differences)
        message = ngettext(
            "{file} contradicts Quipux in {count} field",
            "{file} contradicts Quipux in {count} fields",
            count,
        ).format(file=path, count=count)
        error = RequestInvalid(message, _("correct the fields named above, then adopt again"))
        self.refuse(place, name, error, file=path, problems=told)

    def _write(self, place: Place, draft: adoptions.Kept | None) -> None:
        name = draft.path.name.removesuffix(adoptions.DRAFT) if draft else self._name(place)
        administrator = adoption.administrator_of(place)
        if administrator.here:
            raise GateClosed(
                _("{cedula}, the administrator of {name}, has several active accounts in it").format(
                    cedula=shown(administrator.cedula), name=shown(place.sigla)
                ),
                _("leave one of them active in Quipux, then adopt again"),
            )
        source = adoption.source(place, administrator, self.route, self.environment.name, self.today)
        text = adoptions.text_of(source, self.environment.name, place.id, {})
        request, problems = self._judged(place, administrator, text, name)
        if request:
            if self.dry_run or adoptions.write(self.workspace.root, name, text, draft=False):
                notes = [_("{draft} is of no use any more").format(draft=draft.path.name)] if draft else []
                self._accept(place, name, request, notes)
            else:
                self._meet(place, name)
            return
        path = f"{adoptions.FOLDER}/{name}{adoptions.DRAFT}"
        if not self.dry_run:
            with speaking("es"):
                todo = _todo(self._judged(place, administrator, text, name)[1])
            text = adoptions.text_of(source, self.environment.name, place.id, todo)
            adoptions.write(self.workspace.root, name, text, draft=True)
        self._incomplete(place, name, problems, path)

    def _name(self, place: Place) -> str:
        base = name = adoption.stem(place)
        number = 1
        while name in self.names:
            number += 1
            name = f"{base}-{number}"
        self.names.add(name)
        return name

    def _judged(
        self, place: Place, administrator: Account, text: str, name: str
    ) -> tuple[Request | None, list[Problem]]:
        request, problems = adoptions.judge(text, name)
        path = f"{adoptions.FOLDER}/{name}.yml"
        doubts = [
            Problem(path, 1, 1, key, found.severity, found.message, found.hint)
            for key, found in adoption.doubts(place, administrator)
        ]
        told = {one.field for one in doubts}
        problems = [one for one in problems if one.field not in told or one.severity != "error"] + doubts
        return (None if doubts else request), [_in_quipux(one) for one in problems]

    def _meet(self, place: Place, name: str) -> None:
        """Go on with the file that another call wrote this very moment."""
        path = self.workspace.root / adoptions.FOLDER / f"{name}.yml"
        mine = adoptions.read(path, self.environment.name)
        if mine is None or mine.request is None:
            raise Locked(
                _("{file} appeared while this command ran").format(file=f"{adoptions.FOLDER}/{name}.yml"),
                _("run the command again"),
            )
        self._compare(place, name, mine.request)

    def _accept(self, place: Place, name: str, request: Request, told: Sequence[str] = ()) -> None:
        administrator = adoption.administrator_of(place, request)
        notes = [*told]
        if administrator.any_password:
            notes.append(_("the login takes any password for the administrator's account; the plan mends it"))
        backups = [one for one in place.administrators if one.id != administrator.id]
        detail = self._detail(
            place,
            notes=notes,
            file=f"{adoptions.FOLDER}/{name}.yml",
            administrator={"id": administrator.id, "name": administrator.name},
            backup_administrators=[{"id": one.id, "name": one.name} for one in backups],
        )
        if self.dry_run:
            self.results[place.id] = CaseResult(name, "adoptable", detail=detail)
        else:
            self.ready.append(Ready(place, administrator, request, detail))

    def _incomplete(self, place: Place, name: str, problems: Sequence[Problem], path: str) -> None:
        told = [
            {
                "file": path,
                "field": one.field,
                "severity": one.severity,
                "message": one.message,
                "hint": one.hint,
            }
            for one in problems
        ]
        count = sum(one.severity == "error" for one in problems)
        message = ngettext(
            "{case} is incomplete: {count} value is to be corrected",
            "{case} is incomplete: {count} values are to be corrected",
            count,
        ).format(case=name, count=count)
        hint = _("correct it in {file}, then adopt again").format(file=path)
        if path.endswith(adoptions.DRAFT):
            hint = _("complete {draft}, save it as {file}, then adopt again").format(
                draft=path, file=f"{adoptions.FOLDER}/{name}.yml"
            )
        self.refuse(place, name, RequestInvalid(message, hint), "incomplete", file=path, problems=told)

    def refuse(
        self, place: Place, name: str, error: ProvisionError, status: str = "refused", **detail: Any
    ) -> None:
        """Tell that *error* stopped the case *name*."""
        self.results[place.id] = CaseResult(
            name,
            status,
            exit_code=error.exit_code,
            message=error.message,
            hint=error.hint,
            detail=self._detail(place, **detail),
        )

    def _detail(self, place: Place, **more: Any) -> dict[str, Any]:
        return {
            "environment": self.environment.name,
            "institution": place.id,
            "ruc": place.ruc,
            "sigla": place.sigla,
            **more,
        }


def known_institutions(
    workspace: Workspace, state: LedgerState, environment: Environment
) -> dict[str | int, str]:
    """Return the case of each institution that has one, by RUC and by its number in *environment*."""
    workspace.preload(case.request_ref for case in state.cases.values())
    known: dict[str | int, str] = {}
    for case in state.cases.values():
        applied = case.progress(environment.name).applied
        if applied and applied.ids.get("institution"):
            known.setdefault(applied.ids["institution"], case.case)
        data = workspace.known(case.request_ref)
        if data and case.halted not in (RECHAZADA, DESISTIDA):
            ruc = data["request"].get("institucion", {}).get("ruc")
            if isinstance(ruc, str):
                known.setdefault(ruc, case.case)
    return known


def _in_quipux(problem: Problem) -> Problem:
    """What says which institution it is can't be mended in a file."""
    if problem.field not in adoption.IDENTITY or problem.severity != "error":
        return problem
    hint = _("correct it in Quipux, where it has to be the same; {hint}").format(hint=problem.hint)
    return replace(problem, hint=hint)


def _todo(problems: Sequence[Problem]) -> dict[str, list[str]]:
    todo: dict[str, list[str]] = {}
    for one in problems:
        if one.severity == "error":
            todo.setdefault(one.field, []).append(f"{one.message}; {one.hint}")
    return todo
