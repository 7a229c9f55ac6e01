"""A full disk: what is wrong is said, nothing is lost, and the same command goes on once there is room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hosts.machines import Fleet
from tests.hosts.office import Office
from tests.self_hosted.desk import open_office, submit
from tests.self_hosted.site import Site

STORAGE = "/var/lib/quipux"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """One host whose bodega lies on a small volume of its own."""
    with Fleet() as fleet:
        yield Site.start(fleet, "packages", small={STORAGE: "40m"})


@pytest.fixture(scope="module")
def office(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Office:
    """The institution's office."""
    return open_office(site, tmp_path_factory.mktemp("faults") / "oficina")


def test_a_full_bodega_is_told_and_the_same_command_completes_the_case(site: Site, office: Office) -> None:
    office.must("operador", "self-hosted", "install")
    applicant = submit(office)
    office.must("operador", "plan", applicant.case, "-e", "propia")
    office.must("aprobadora", "approve", applicant.case, "-e", "propia", "--yes")
    used = int(site.web.exec(f"df --output=iused {STORAGE} | tail -1"))
    site.web.exec(f"mount -o remount,nr_inodes={used + 1} {STORAGE}")

    result = office.must("operador", "apply", applicant.case, "-e", "propia", code=4)
    assert "No space left" in result.errors
    assert "Traceback" not in result.errors

    site.web.exec(f"mount -o remount,nr_inodes=10000 {STORAGE}")
    office.must("operador", "apply", applicant.case, "-e", "propia")
    (case,) = office.must("operador", "status", applicant.case, "--format", "json").json()["cases"]
    assert case["state"] == "en_produccion"
    assert office.link(applicant)
