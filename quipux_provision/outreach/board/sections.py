"""How the index groups the cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from quipux_provision.domain import kinds
from quipux_provision.outreach.board.content import Board, CasePage

# In the order of the road; what stands beside it comes where people have to act on it.
_ORDER = (
    kinds.SUSPENDIDA,
    kinds.OBSERVADA,
    kinds.EN_CAPACITACION,
    kinds.INFORMADA,
    kinds.REVISADA,
    kinds.SOLICITADA,
    kinds.APROBADA,
    kinds.INSTALADA,
    kinds.CAPACITADA,
    kinds.ACEPTADA,
    kinds.RECIBIDA,
    kinds.EN_PRODUCCION,
    kinds.RECHAZADA,
    kinds.DESISTIDA,
    kinds.RETIRADA,
)
_ENDED = (kinds.EN_PRODUCCION, kinds.RECHAZADA, kinds.DESISTIDA, kinds.RETIRADA)
_SOON = 2


@dataclass(frozen=True)
class Group:
    """The cases of one state.

    :param cases: those shown here; the overdue ones are shown before all groups.
    :param total: all of this state.
    """

    state: str
    cases: tuple[CasePage, ...]
    total: int
    ended: bool

    @property
    def waits(self) -> bool:
        """Whether anybody has to act on one of them."""
        return any(case.next.command for case in self.cases)


@dataclass(frozen=True)
class Tile:
    """A number and what it counts."""

    count: int
    text: str
    tone: str = ""


def grouped(board: Board) -> list[Group]:
    """Return the states that have cases."""
    found = []
    for state in _ORDER:
        cases = tuple(case for case in board.cases if case.state == state)
        if cases:
            shown = tuple(case for case in cases if not case.overdue)
            found.append(Group(state, shown, len(cases), state in _ENDED))
    return found


def tiles(board: Board) -> list[Tile]:
    """Return the numbers at the head of the index."""

    def count(wanted: Callable[[CasePage], bool]) -> int:
        return sum(map(wanted, board.cases))

    overdue = count(lambda case: case.overdue)
    soon = count(_due_soon)
    return [
        Tile(overdue, "con plazo vencido", "bad" if overdue else ""),
        Tile(soon, "vencen en 2 días o menos", "warn" if soon else ""),
        Tile(count(lambda case: case.state not in _ENDED), "en trámite"),
        Tile(count(lambda case: case.state == kinds.EN_PRODUCCION), "en producción", "good"),
    ]


def _due_soon(case: CasePage) -> bool:
    down = case.countdown
    return bool(down and down.reported_at is None and not case.overdue and 0 <= down.left <= _SOON)
