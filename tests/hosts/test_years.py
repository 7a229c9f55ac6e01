"""The years after production, for people: another administrator, an institution that leaves, a citizen."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest
import yaml

from tests.hosts.citizen import Citizen
from tests.hosts.conftest import Country
from tests.hosts.office import Applicant, Office
from tests.stand_in.http_client import Browser

PASSWORD = "clave2026"
# What only an institution's administrator finds in the administration menu.
MENU = {"Ciudadanos", "Usuarios internos", "Áreas", "Instituciones", "Numeración de documentos"}
# A citizen's trays, and those of one who may sign.
UNSIGNED = ["Enviados", "Recibidos"]
SIGNED = ["En Elaboración", "Recibidos", "Eliminados", "No Enviados", "Enviados"]


@dataclass
class Institution:
    """One that has been in production for years; `aiq` is the browser of its present administrator."""

    office: Office
    url: str
    applicant: Applicant
    aiq: Browser

    @classmethod
    def in_production(cls, country: Country, office: Office) -> Institution:
        applicant = Applicant.invent()
        for environment in ("training", "production"):
            office.approved(applicant, environment)
            office.must("ejecutor", "apply", applicant.case, "-e", environment)
        url = country.production.url
        return cls(office, url, applicant, entered(url, office, applicant))

    def request_of_another(self, administrator: str, account: str) -> Applicant:
        """Write the request for another administrator, who takes over today; gives its case."""
        other = replace(self.applicant, case=f"{self.applicant.case}-cambio", national_id=administrator)
        source: dict[str, Any] = other.source()
        today = date.fromisoformat(self.office.today())
        change = {
            "oficio": {**source["oficio"], "fecha": (today - timedelta(days=20)).isoformat()},
            "administrador": source["administrador"],
            "cambio": {
                "saliente": self.applicant.national_id,
                "cuenta_saliente": account,
                "vigencia": today.isoformat(),
            },
        }
        text = yaml.safe_dump(change, allow_unicode=True, default_style='"')
        path = self.office.folder / "requests" / f"{other.case}.yml"
        path.write_text(re.sub(r'"(\d{4}-\d\d-\d\d)"', r"\1", text))  # days are no texts
        self.office.must("autora", "replace-administrator", self.applicant.case, "--request", path)
        return other


def entered(url: str, office: Office, person: Applicant) -> Browser:
    """A person's browser: link of the newest mail, password, login."""
    browser = Browser(url)
    browser.set_password(browser.open_activation(office.link(person)), PASSWORD)
    assert browser.login(person.national_id, PASSWORD) == "in"
    assert browser.logged_in()
    return browser


def carry_out(office: Office, case: str, environment: str = "production") -> None:
    """Plan, approve and apply what stands there."""
    office.must("operador", "plan", case, "-e", environment)
    office.must("aprobadora", "approve", case, "-e", environment, "--yes")
    office.must("ejecutor", "apply", case, "-e", environment)


def trays(browser: Browser) -> list[str]:
    """Names of the trays alone, in order."""
    return [name for name, page in browser.trays().items() if page.startswith("cuerpo.php?carpeta=")]


@pytest.fixture(scope="session")
def ministry(country: Country, tmp_path_factory: pytest.TempPathFactory) -> Office:
    folder = tmp_path_factory.mktemp("ministerio") / "oficina"
    return Office(folder, country.training, country.production)


@pytest.fixture(scope="session")
def institution(country: Country, ministry: Office) -> Institution:
    return Institution.in_production(country, ministry)


def test_of_a_retired_institution_nobody_comes_in_until_it_is_back(institution: Institution) -> None:
    office, applicant, aiq = institution.office, institution.applicant, institution.aiq
    assert set(aiq.admin_menu()) >= MENU
    for verb, outcome in (("retire", "wrong"), ("reinstate", "in")):
        office.must("autora", verb, applicant.case, "-e", "production", "--reason", "Decreto 1 de ejemplo")
        assert aiq.logged_in() is (verb == "retire")
        carry_out(office, applicant.case)
        assert not aiq.logged_in()
        assert aiq.trays() == {}
        assert aiq.login(applicant.national_id, PASSWORD) == outcome
    assert set(aiq.admin_menu()) >= MENU


def test_a_replaced_administrator_loses_the_menu_and_the_new_one_has_it(institution: Institution) -> None:
    office, applicant, old = institution.office, institution.applicant, institution.aiq
    assert set(old.admin_menu()) >= MENU
    other = institution.request_of_another(Applicant.invent().national_id, "conservar")
    carry_out(office, other.case, "training")
    assert old.logged_in()
    carry_out(office, other.case)

    assert not old.logged_in()
    assert old.admin_menu() == []
    institution.aiq = entered(institution.url, office, other)
    assert set(institution.aiq.admin_menu()) >= MENU
    assert old.login(applicant.national_id, PASSWORD) == "in"
    assert not MENU & set(old.admin_menu())
    institution.applicant = replace(other, case=applicant.case)


def test_a_citizen_gets_the_trays_of_one_who_signs_when_approved(country: Country, ministry: Office) -> None:
    citizen, url = Citizen.invent(), country.production.url
    ministry.must("autora", "submit", citizen.write(ministry))
    carry_out(ministry, citizen.case)
    browser = entered(url, ministry, citizen)
    assert trays(browser) == UNSIGNED
    assert "Generar/Firmar Documentos" in browser.trays()
    assert "NUEVO" not in browser.trays()

    carry_out(ministry, citizen.case)
    again = Browser(url)
    assert again.login(citizen.national_id, PASSWORD) == "in"
    assert trays(again) == SIGNED
    assert "NUEVO" in again.trays()
    assert "Generar/Firmar Documentos" not in again.trays()
    assert again.admin_menu() == ["Cambio de contraseña"]
    assert not browser.logged_in()
