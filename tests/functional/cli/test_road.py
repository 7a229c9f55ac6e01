"""The whole road through the real command line: request, plan, approval, training, production."""

from __future__ import annotations

from base64 import b64decode
from urllib.parse import parse_qs, urlsplit

import pytest

from quipux_provision.outreach.activation import code_hash
from tests.functional.cli.local import LocalEnvironment
from tests.hosts.office import Applicant, Office

LOGINABLE = """
SELECT count(*) FROM usuarios u JOIN usuario m USING (usua_codi) JOIN institucion i ON i.inst_codi=u.inst_codi
  JOIN dependencia d ON d.depe_codi = u.depe_codi
WHERE u.usua_login = %s AND u.usua_esta = 1 AND u.usua_nuevo = 1 AND length(u.usua_pasw) = 26
  AND m.usua_pasw = u.usua_pasw AND m.inst_estado = 1 AND i.inst_estado = 1 AND d.inst_codi = i.inst_codi
  AND d.depe_codi_padre = d.depe_codi
"""


def loginable(environment: LocalEnvironment, applicant: Applicant) -> int:
    """Accounts of the applicant that are complete (contract 4, query 1)."""
    return int(environment.database.sql(LOGINABLE, (f"U{applicant.national_id}",))[0][0])


def case_of(office: Office, applicant: Applicant) -> dict:
    return office.must("operador", "status", applicant.case, "--format", "json").json()["cases"][0]


@pytest.mark.smoke
def test_request_to_production(office: Office, environments: dict[str, LocalEnvironment]) -> None:
    applicant = Applicant.invent()
    training, production = environments["training"], environments["production"]

    office.must("autora", "validate", office.write(applicant))
    office.must("autora", "submit", office.write(applicant))
    assert case_of(office, applicant)["state"] == "recibida"

    planned = office.must("operador", "plan", applicant.case, "-e", "training", "--format", "json").json()
    assert planned["cases"][0]["pending"]
    assert loginable(training, applicant) == 0

    office.must("operador", "apply", applicant.case, "-e", "training", code=5)
    office.must("aprobadora", "approve", applicant.case, "-e", "training", "--yes")
    assert case_of(office, applicant)["state"] == "aceptada"
    office.must("operador", "apply", applicant.case, "-e", "training")
    assert loginable(training, applicant) == 1
    assert case_of(office, applicant)["state"] == "en_capacitacion"
    assert "usuarionuevo.php?krd=" in office.link(applicant)

    office.must("operador", "promote", applicant.case, code=5)
    office.must("operador", "plan", applicant.case, "-e", "production")
    office.must("operador", "approve", applicant.case, "-e", "production", "--yes", code=5)
    office.must("autora", "approve", applicant.case, "-e", "production", "--yes", code=5)
    office.must("aprobadora", "approve", applicant.case, "-e", "production", "--yes")
    assert case_of(office, applicant)["state"] == "aprobada"
    office.must("aprobadora", "promote", applicant.case, code=5)
    assert loginable(production, applicant) == 0
    office.must("ejecutor", "promote", "--all")
    assert loginable(production, applicant) == 1
    done = case_of(office, applicant)
    assert (done["state"], done["next"]["who"]) == ("en_produccion", "nadie")

    again = office.must("ejecutor", "promote", applicant.case, "--format", "json").json()
    assert [(c["status"], c["changed"]) for c in again["cases"]] == [("unchanged", False)]
    assert office.must("ejecutor", "promote", "--all", "--format", "json").json()["cases"] == []
    assert loginable(production, applicant) == 1
    office.must("autora", "audit", "verify")


def test_a_corrected_address_gets_a_new_link_and_the_old_one_dies(
    office: Office, environments: dict[str, LocalEnvironment]
) -> None:
    applicant = Applicant.invent()
    office.approved(applicant)
    office.must("operador", "apply", applicant.case, "-e", "training")
    first = office.link(applicant)
    path = office.write(applicant)
    path.write_text(path.read_text().replace("maria@", "mfernanda@"))
    office.must("autora", "submit", path)
    office.must("operador", "plan", applicant.case, "-e", "training")
    office.must("aprobadora", "approve", applicant.case, "-e", "training", "--yes")
    office.must("operador", "apply", applicant.case, "-e", "training")
    second = office.link(applicant)
    ((stored, address),) = environments["training"].database.sql(
        "SELECT usua_pasw, usua_email FROM usuarios WHERE usua_login = %s", (f"U{applicant.national_id}",)
    )
    assert address.startswith("mfernanda@")
    codes = [b64decode(parse_qs(urlsplit(link).query)["code"][0]).decode() for link in (first, second)]
    assert [code_hash(code) == stored for code in codes] == [False, True]
