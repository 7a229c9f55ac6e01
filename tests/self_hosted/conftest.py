"""Hosts for an institution's own Quipux, from blank ones to those where the application already runs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hosts.machines import Fleet
from tests.images.build import STAGES, CannotBuildError, ensure
from tests.self_hosted.installed import installed_images
from tests.self_hosted.site import Site
from tests.stand_in.archives import RELEASE_VARIABLE
from tests.stand_in.database import REAL_VARIABLE, real_folder

FULL_VARIABLE = "QUIPUX_TEST_FULL"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.container)
            if item.get_closest_marker("full") and os.environ.get(FULL_VARIABLE) != "1":
                item.add_marker(pytest.mark.skip(reason="only in `make test-full`"))


@pytest.fixture(scope="session")
def images() -> dict[str, dict[str, str]]:
    """Images by stage and suite; where they can't be made the tests are skipped, in CI they fail."""
    try:
        return {stage: ensure(stage=stage) for stage in STAGES if stage != "host"}
    except CannotBuildError as problem:
        if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
            pytest.fail(f"may not be skipped in CI: {problem}", pytrace=False)
        pytest.skip(str(problem))


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SSH key."""
    path = tmp_path_factory.mktemp("key") / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """A network for the hosts of one test."""
    with Fleet() as fleet:
        yield fleet


@pytest.fixture
def packages_site(images: dict[str, dict[str, str]], fleet: Fleet) -> Site:
    """One fresh host with the packages, for everything."""
    return Site.start(fleet, "packages")


@pytest.fixture(scope="session", params=["stand_in", pytest.param("real", marks=pytest.mark.real)])
def variant(request: pytest.FixtureRequest) -> str:
    """Which release the test runs on: it runs on each."""
    if request.param == "real" and (real_folder() is None or not os.environ.get(RELEASE_VARIABLE)):
        pytest.skip(
            f"the real release needs {REAL_VARIABLE} and {RELEASE_VARIABLE}: folders of dumps and pages"
        )
    return str(request.param)


@pytest.fixture(scope="session")
def installed_site(images: dict[str, dict[str, str]], variant: str) -> Iterator[Site]:
    """One host on which the application runs, shared: leave it as you found it."""
    with Fleet() as fleet:
        yield Site.start(fleet, "installed", variant=variant, images=installed_images(variant))
