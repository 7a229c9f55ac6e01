"""Full disks: what is wrong is said, nothing is lost, and the same command goes on once there is room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hosts.machines import Fleet, HostError
from tests.hosts.office import Office
from tests.self_hosted.desk import open_office, submit
from tests.self_hosted.site import Site

DATABASES = "/var/lib/postgresql"
STORAGE = "/var/lib/quipux"
ROOM = "900m"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """One host whose databases and bodega lie on small volumes of their own."""
    with Fleet() as fleet:
        yield Site.start(fleet, "packages", small={DATABASES: "24m", STORAGE: "40m"})


@pytest.fixture(scope="module")
def office(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Office:
    """The institution's office."""
    return open_office(site, tmp_path_factory.mktemp("faults") / "oficina")


def databases(site: Site) -> set[str]:
    try:
        said = site.db.exec("runuser -u postgres -- psql -Atc 'SELECT datname FROM pg_database'")
    except HostError:
        return set()
    return set(said.split())


def test_a_full_volume_of_the_databases_is_told_and_leaves_none_half_made(site: Site, office: Office) -> None:
    result = office.must("operador", "self-hosted", "install", code=4)

    said = [line for line in result.errors.splitlines() if line.startswith(("ERROR", "HINT"))]
    assert len(said) == 2
    assert any(word in result.errors for word in ("No space left", "MiB", "room", "free"))
    assert "Traceback" not in result.errors
    assert not {"quipux", "quipux_bodega"} & databases(site)


def test_with_room_the_same_command_completes_it(site: Site, office: Office) -> None:
    site.db.exec(f"mount -o remount,size={ROOM} {DATABASES}")

    office.must("operador", "self-hosted", "install")

    assert {"quipux", "quipux_bodega"} <= databases(site)


def test_a_full_bodega_is_told_and_the_same_command_completes_the_case(site: Site, office: Office) -> None:
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
