"""The board over a road that was really gone."""

from __future__ import annotations

import re
from pathlib import Path

from tests.hosts.office import Applicant, Office


def test_a_real_road_is_told_in_spanish_without_a_secret(office: Office) -> None:
    applicant, refused = Applicant.invent(), Applicant.invent()
    office.approved(applicant)
    office.must("operador", "apply", applicant.case, "-e", "training")
    code = office.link(applicant).partition("krd=")[2]
    office.approved(applicant, "production")
    office.must("operador", "promote", applicant.case)
    office.must("autora", "submit", office.write(refused))
    office.must("operador", "plan", refused.case, "-e", "training")
    office.must(
        "aprobadora", "reject", refused.case, "-e", "training", "--yes", "--reason", "Falta Rosa Secreta"
    )

    told = office.must("operador", "board", "--format", "json").json()
    assert (told["cases"], told["overdue"]) == (2, 0)
    folder = Path(told["index"]).parent
    pages = {path.name: path.read_text() for path in folder.iterdir()}
    page = pages[f"caso-{applicant.case}.html"]
    for event in (
        "Solicitud recibida, ronda 1",
        "Aplicado en Quipux; enlace de activación listo",
        "Aprobado, ronda 1",
    ):
        assert event in page
    assert "En producción" in page
    assert "Rechazado, ronda 1" in pages[f"caso-{refused.case}.html"]
    everything = "".join(pages.values())
    assert re.findall(r">(?:case|run|mail|plan|decision|activation|notice)\.[a-z_]+", everything) == []
    for secret in (code, applicant.national_id, "Ejemplo Ñúñez", "Rosa Secreta"):
        assert secret not in everything
