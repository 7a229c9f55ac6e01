"""The certificate of an AIQ's training: one printable page, without a single request to the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from quipux_provision.domain.clock import spanish_day

if TYPE_CHECKING:
    from jinja2 import Template

Module = tuple[str, float, date, str]
"""Name of the module, hours, day on which it ended, instructor."""


@dataclass(frozen=True)
class Certificate:
    """What the page says.

    :ivar person: names and surnames of the AIQ.
    :ivar modules: in the order in which they are shown.
    :ivar total_hours: as the gate counted them.
    :ivar issued: day of issue, in Ecuador.
    :ivar ledger_head: ``<count>:<head>`` of the ledger, by which the page can be checked.
    """

    person: str
    institution_name: str
    acronym: str
    modules: Sequence[Module]
    total_hours: float
    issued: date
    case: str
    ledger_head: str


def render(certificate: Certificate) -> str:
    """Return the certificate as a whole HTML page in Spanish."""
    return _template().render(certificate=certificate)


def _hours(value: float) -> str:
    text = f"{value:g}".replace(".", ",")
    return f"{text} hora" if value == 1 else f"{text} horas"


@cache
def _template() -> Template:
    # Imported here: most commands write no page, and must start fast.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(day=spanish_day, hours=_hours)
    return environment.get_template("certificate.html.j2")
