"""What the tests of a change of administrator do over and over."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from tests.functional.cli.desk import clock
from tests.functional.cli.local import LocalEnvironment
from tests.hosts.office import Applicant, Office

OFFICE = (12, 36)
# After the day of the changes that `Successor.write` asks for; no call after it may go back in time.
LATER: Mapping[str, Any] = {"environ": clock("+4d")}


@dataclass(frozen=True)
class Successor:
    """An invented person who takes over from the administrator of a case."""

    case: str
    national_id: str

    @classmethod
    def invent(cls, case: str) -> Successor:
        return cls(case, Applicant.invent().national_id)

    def source(self, office: Office, outgoing: str, **changes: Any) -> dict[str, Any]:
        """The request: its letter is three weeks old, its day the day after the day after tomorrow."""
        today = date.fromisoformat(office.today())
        return {
            "oficio": {
                "numero": f"{self.case.upper()}-0002-O",
                "fecha": changes.get("letter", today - timedelta(days=21)),
            },
            "administrador": {
                "nombres": "Carlos Andrés",
                "apellidos": "Ejemplo Vera",
                "cedula": self.national_id,
                "cargo": "Analista de Archivo",
                "correo": changes.get("email", f"carlos@{self.case}.example.gob.ec"),
                "telefono": "02 2999998",
                "celular": "0991234568",
                **({"cuenta_existente": changes["existing"]} if "existing" in changes else {}),
            },
            "cambio": {
                "saliente": outgoing,
                "cuenta_saliente": changes.get("account", "conservar"),
                "vigencia": changes.get("day", today + timedelta(days=3)),
            },
        }

    def write(self, office: Office, outgoing: str, **changes: Any) -> Path:
        """Write the request of the change; gives the file."""
        path = office.folder / "requests" / f"{self.case}.yml"
        return _write(path, self.source(office, outgoing, **changes))


def _write(path: Path, source: Mapping[str, Any]) -> Path:
    text = yaml.safe_dump(json.loads(json.dumps(source, default=str)), allow_unicode=True, default_style='"')
    path.write_text(re.sub(r'"(\d{4}-\d\d-\d\d)"', r"\1", text))  # dates are the one kind that is no text
    return path


def with_administrator(office: Office, applicant: Applicant, successor: Successor) -> Path:
    """Write the request file of a case with its new administrator."""
    administrator = successor.source(office, "")["administrador"]
    path = office.folder / "requests" / f"{applicant.case}.yml"
    return _write(path, {**applicant.source(), "administrador": administrator})


def in_production(office: Office, *applicants: Applicant) -> None:
    """Bring new applicants into production, in an office that has no other gates than approvals."""
    names = [applicant.case for applicant in applicants]
    office.must("autora", "submit", *(office.write(applicant) for applicant in applicants))
    for gate in ("training", "production"):
        office.must("operador", "plan", *names, "-e", gate)
        office.must("aprobadora", "approve", *names, "-e", gate, "--yes")
        office.must("ejecutor" if gate == "production" else "operador", "apply", *names, "-e", gate)


def replace(office: Office, applicant: Applicant, path: Path, code: int = 0, **options: Any) -> Any:
    """Ask for the change that lies at `path`."""
    words = ("replace-administrator", applicant.case, "--request", path)
    return office.must("autora", *words, code=code, **options)


def carried_to(office: Office, successor: Successor, gate: str, **options: Any) -> None:
    """Plan, approve and (in training) carry out a change that was taken in."""
    office.must("operador", "plan", successor.case, "-e", gate, **options)
    office.must("aprobadora", "approve", successor.case, "-e", gate, "--yes", **options)
    if gate == "training":
        office.must("operador", "apply", successor.case, "-e", gate, **options)


def rights(environment: LocalEnvironment, national_id: str) -> list[tuple[int, tuple[int, ...]]]:
    """State of each account of a person, and which permissions of an administrator it has."""
    rows = environment.database.sql(
        "SELECT u.usua_esta, coalesce(array_agg(p.id_permiso ORDER BY p.id_permiso)"
        " FILTER (WHERE p.id_permiso IN (12, 36)), '{}') FROM usuarios u"
        " LEFT JOIN permiso_usuario p USING (usua_codi)"
        " WHERE left(u.usua_cedula, 10) = %s GROUP BY u.usua_codi, u.usua_esta ORDER BY u.usua_codi",
        (national_id,),
    )
    return [(int(state), tuple(held)) for state, held in rows]
