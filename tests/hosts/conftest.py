"""Training and production as real SSH hosts; one set for each layout, shared by the tests of a session."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.hosts import servers
from tests.hosts.environment import Environment, start_environments
from tests.hosts.machines import Fleet
from tests.hosts.office import Office
from tests.images.build import CannotBuildError, ensure
from tests.real.paperwork import Paperwork
from tests.real.parametrised import Parametrised
from tests.stand_in.database import REAL_VARIABLE, real_folder

# Marks of the tests of what only the real release does.
REAL_RELEASE = [
    pytest.mark.real,
    pytest.mark.parametrize("country", ["real"], indirect=True, scope="session"),
]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.container)


@dataclass(frozen=True)
class Country:
    """Both environments of one layout."""

    variant: str
    training: Environment
    production: Environment


@pytest.fixture(scope="session")
def images() -> dict[str, str]:
    """Images of the test hosts; where they can't be made the tests are skipped, in CI they fail."""
    try:
        return ensure()
    except CannotBuildError as problem:
        if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
            pytest.fail(f"may not be skipped in CI: {problem}", pytrace=False)
        pytest.skip(str(problem))


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SSH key that opens the hosts."""
    path = tmp_path_factory.mktemp("key") / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


@pytest.fixture(scope="session", params=["stand_in", pytest.param("real", marks=pytest.mark.real)])
def country(request: pytest.FixtureRequest, images: dict[str, str], key: Path) -> Iterator[Country]:
    """Four started hosts with databases, roles and pages."""
    variant = request.param
    if variant == "real" and (real_folder() is None or servers.release() is None):
        names = f"{REAL_VARIABLE} and {servers.RELEASE_VARIABLE}"
        pytest.skip(f"the real release needs {names}: folder of the real dumps, folder of the real pages")
    with Fleet() as fleet:
        training, production = start_environments(fleet, images, variant, key)
        yield Country(variant, training, production)


@pytest.fixture
def office(tmp_path: Path, country: Country) -> Office:
    """A workspace of this test, with its people, for both environments."""
    return Office(tmp_path / "oficina", country.training, country.production)


@pytest.fixture(scope="session")
def world(country: Country, tmp_path_factory: pytest.TempPathFactory) -> Paperwork:
    """An institution in training, set up by its administrator as far as the tests ask for."""
    return Paperwork(country.training, tmp_path_factory.mktemp("world"))


@pytest.fixture
def another(country: Country, tmp_path: Path) -> Parametrised:
    """One more institution in training, of which nothing was asked yet."""
    return Parametrised(country.training, tmp_path)
