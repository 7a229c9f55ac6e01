"""Hosts that fail: the exit code says how, nothing half is left, the same call again finishes the work."""

from __future__ import annotations

import pytest

from tests.hosts.conftest import Country
from tests.hosts.environment import Environment
from tests.hosts.office import Applicant, Office
from tests.hosts.test_road import enter, institution


def institutions(environment: Environment, applicant: Applicant) -> int:
    return environment.database.sql("SELECT count(*) FROM institucion WHERE inst_ruc = %s", (applicant.ruc,))[
        0
    ][0]


@pytest.fixture
def applicant(office: Office) -> Applicant:
    """An applicant whose case is approved for training."""
    applicant = Applicant.invent()
    office.approved(applicant)
    return applicant


def apply(office: Office, applicant: Applicant, code: int) -> str:
    """Apply in training, expecting an exit code; gives what was said."""
    result = office.must("operador", "apply", applicant.case, "--environment", "training", code=code)
    assert "Traceback" not in result.output + result.errors
    return result.output + result.errors


def test_a_changed_host_key_is_refused(country: Country, office: Office, applicant: Applicant):
    with country.training.database_host.with_another_key():
        said = apply(office, applicant, 7)
    assert "is not the pinned one" in said
    assert institutions(country.training, applicant) == 0
    apply(office, applicant, 0)


def test_an_unreachable_database_host(country: Country, office: Office, applicant: Applicant):
    with country.training.database_host.without_ssh():
        apply(office, applicant, 7)
    assert institutions(country.training, applicant) == 0
    apply(office, applicant, 0)


def test_a_stopped_database(country: Country, office: Office, applicant: Applicant):
    with country.training.server.stopped():
        apply(office, applicant, 7)
    assert institutions(country.training, applicant) == 0
    apply(office, applicant, 0)


def test_an_application_host_that_is_gone_after_the_commit(
    country: Country, office: Office, applicant: Applicant
):
    environment = country.training
    with environment.application_host.without_ssh():
        apply(office, applicant, 7)
    assert institutions(environment, applicant) == 1
    (case,) = office.must("operador", "status", applicant.case, "--format", "json").json()["cases"]
    assert case["state"] == "aceptada"

    apply(office, applicant, 0)
    assert institutions(environment, applicant) == 1
    _, area = institution(environment, applicant)
    environment.application_host.exec(f"test -d /srv/quipux/bodega/*/{area:06d}/docs")
    enter(environment, applicant, office.link(applicant))
