"""From a request file to an administrator who is logged in, in training and then in production."""

from __future__ import annotations

import pytest
import yaml

from tests.hosts.conftest import Country
from tests.hosts.environment import OPERATOR, Environment, ansible
from tests.hosts.office import Applicant, Office
from tests.hosts.servers import BODEGA
from tests.stand_in.http_client import Browser

PASSWORD = "clave2026"
# What only an institution's administrator finds in the administration menu.
MENU = {"Usuarios internos", "Áreas", "Instituciones", "Numeración de documentos"}


def enter(environment: Environment, applicant: Applicant, link: str | None = None) -> list[str]:
    """Log in, with a password set by the activation link if one is given; gives the administration menu."""
    browser = Browser(environment.url)
    if link:
        browser.set_password(browser.open_activation(link), PASSWORD)
    assert browser.login(applicant.national_id, PASSWORD) == "in"
    assert browser.logged_in()
    return browser.admin_menu()


def institution(environment: Environment, applicant: Applicant) -> tuple[int, int]:
    """Ids of the institution and of its root area."""
    (row,) = environment.database.sql(
        "SELECT inst_codi, depe_codi FROM institucion JOIN dependencia USING (inst_codi) WHERE inst_ruc = %s",
        (applicant.ruc,),
    )
    return row


def test_the_administrator_logs_in_in_training_and_then_in_production(country: Country, office: Office):
    applicant = Applicant.invent()
    for environment, run in (
        (country.training, ("operador", "apply", applicant.case, "--environment", "training")),
        (country.production, ("ejecutor", "promote", applicant.case)),
    ):
        office.approved(applicant, environment.name)
        office.must(*run)
        link = office.link(applicant)
        assert link.startswith(f"{environment.url}/")
        menu = enter(environment, applicant, link)
        assert set(menu) >= MENU, menu

    (case,) = office.must("operador", "status", applicant.case, "--format", "json").json()["cases"]
    assert case["state"] == "en_produccion"

    before = [e.database.sql("SELECT count(*) FROM log") for e in office.environments]
    office.must("operador", "apply", applicant.case, "--environment", "training")
    office.must("ejecutor", "promote", applicant.case)
    assert [e.database.sql("SELECT count(*) FROM log") for e in office.environments] == before
    for environment in office.environments:
        enter(environment, applicant)  # a second run resets no password


def test_the_folders_of_an_institution_are_the_web_servers(country: Country, office: Office):
    applicant = Applicant.invent()
    office.approved(applicant)
    office.must("operador", "apply", applicant.case, "--environment", "training")
    _, area = institution(country.training, applicant)
    found = country.training.application_host.exec(
        f"find {BODEGA} -path '*/{area:06d}*' -printf '%P %y %u:%g %m\n'"
    )
    (year,) = {line.split("/")[0] for line in found.splitlines()}
    assert year.isdigit()
    assert sorted(found.splitlines()) == [
        f"{year}/{area:06d} d www-data:www-data 755",
        f"{year}/{area:06d}/docs d www-data:www-data 755",
    ]
    assert not country.training.database_host.exec(f"ls -A {BODEGA} 2>/dev/null || true")


def test_a_login_without_root_becomes_root(country: Country, office: Office):
    office.describe(country.training, user=OPERATOR)
    applicant = Applicant.invent()
    office.approved(applicant)
    office.must("operador", "apply", applicant.case, "--environment", "training")
    enter(country.training, applicant, office.link(applicant))


def test_plain_ansible_playbook_serves_the_same_request_file(country: Country, office: Office):
    applicant = Applicant.invent()
    request = office.write(applicant)
    inventory = office.folder / "inventories" / "training"
    variables = office.folder / "variables.yml"
    variables.write_text(yaml.safe_dump({"provision_requests": [str(request)]}))
    command = [
        *("ansible-playbook", "quipux.provision.provision", "--inventory", str(inventory / "hosts.yml")),
        *(
            "--vault-password-file",
            str(office.folder / "secretos" / "training"),
            "--extra-vars",
            f"@{variables}",
        ),
    ]
    assert "changed=0" not in recap(ansible(command).stdout, "bd.training")
    (row,) = country.training.database.sql(
        "SELECT usua_pasw, usua_nuevo FROM usuarios WHERE usua_login = %s", (f"U{applicant.national_id}",)
    )
    assert row == ("sin-clave-activacion-vencida", 1)  # without an activation nobody gets in
    assert "changed=0" in recap(ansible(command).stdout, "bd.training")


def recap(output: str, host: str) -> str:
    """The host's line of a playbook's recap."""
    lines = [line for line in output.splitlines() if line.startswith(host) and "changed=" in line]
    assert lines, output
    return lines[-1]


@pytest.mark.parametrize("environment_name", ["training", "production"])
def test_doctor_finds_healthy_hosts(office: Office, environment_name: str):
    office.must("operador", "doctor", "--environment", environment_name)
