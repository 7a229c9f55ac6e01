"""An office whose two environments are databases of two clusters on this machine."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import VARIANTS
from tests.functional.cli.attack import mail_settings, settings
from tests.functional.cli.follow_up import At
from tests.functional.cli.local import LocalEnvironment
from tests.hosts.office import Office
from tests.stand_in.cluster import Cluster
from tests.stand_in.database import REAL_VARIABLE, load, real_folder
from tests.stand_in.mail_server import MailServer

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def production_cluster() -> Iterator[Cluster]:
    """A second PostgreSQL: two environments may not share one."""
    with Cluster.start(log_statements=True) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def clusters(cluster: Cluster, production_cluster: Cluster) -> dict[str, Cluster]:
    """The cluster of each environment."""
    return {"training": cluster, "production": production_cluster}


@pytest.fixture
def environments(
    clusters: dict[str, Cluster], variant: str, tmp_path: Path
) -> Iterator[dict[str, LocalEnvironment]]:
    """Training and production, freshly loaded, with the database roles made by our own role."""
    made = {}
    for name, cluster in clusters.items():
        bodega = tmp_path / f"bodega-{name}"
        bodega.mkdir()
        database = load(cluster, f"quipux_{name}", variant, roles=True)
        made[name] = LocalEnvironment(name, database, bodega)
    yield made
    for environment in made.values():
        environment.database.drop()


@pytest.fixture
def office(environments: dict[str, LocalEnvironment], tmp_path: Path) -> Office:
    """A workspace with its people."""
    return Office(tmp_path / "oficina", environments["training"], environments["production"])


@pytest.fixture(scope="module", params=VARIANTS)
def layout(request: pytest.FixtureRequest) -> str:
    """Like `variant`, for a whole file."""
    if request.param == "real" and real_folder() is None:
        pytest.skip(f"the real layout needs {REAL_VARIABLE}=FOLDER (SCRIPTBD of a Quipux release)")
    return str(request.param)


@pytest.fixture(scope="module")
def country(
    clusters: dict[str, Cluster], layout: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, LocalEnvironment]]:
    """Like `environments`, for a whole file."""
    made = {}
    for name, cluster in clusters.items():
        database = load(cluster, f"quipux_{name}_{next(_numbers)}", layout, roles=True)
        made[name] = LocalEnvironment(name, database, tmp_path_factory.mktemp("bodega"))
    yield made
    for environment in made.values():
        environment.database.drop()


@pytest.fixture(scope="module")
def house(country: dict[str, LocalEnvironment], tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Like `office`, for a whole file."""
    folder = tmp_path_factory.mktemp("casa") / "oficina"
    return Office(folder, country["training"], country["production"])


@pytest.fixture
def mailbox() -> Iterator[MailServer]:
    """A mail server."""
    with MailServer() as server:
        yield server


@pytest.fixture
def ministry(environments: dict[str, LocalEnvironment], tmp_path: Path, mailbox: MailServer) -> Office:
    """An office of the official process, whose mails go out."""
    office = Office(tmp_path / "oficina", environments["training"], environments["production"], policy={})
    settings(office, mail=mail_settings(mailbox.port, operator="guardia@example.gob.ec"))
    return office


@pytest.fixture(autouse=True)
def _fresh() -> None:
    At.newest.clear()
