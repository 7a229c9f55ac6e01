"""Two databases as a new office finds them: Quipux's layout is there, our database roles are not."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.cli.local import LocalEnvironment
from tests.stand_in.cluster import Cluster
from tests.stand_in.database import load

ROLES = ("quipux_prov", "quipux_ro")
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def clusters(cluster: Cluster) -> Iterator[dict[str, Cluster]]:
    """The cluster of each environment. A role has the same password in both, so that one vault text does."""
    with Cluster.start() as production:
        for role in ROLES:
            password = cluster.role_passwords.setdefault(role, secrets.token_urlsafe(18))
            production.role_passwords[role] = password
        yield {"training": cluster, "production": production}


@pytest.fixture
def found(
    clusters: dict[str, Cluster], variant: str, tmp_path: Path
) -> Iterator[dict[str, LocalEnvironment]]:
    """Training and production before anybody prepared them."""
    made = {}
    for name, cluster in clusters.items():
        bodega = tmp_path / f"bodega-{name}"
        bodega.mkdir()
        made[name] = LocalEnvironment(name, load(cluster, f"readme_{name}_{next(_numbers)}", variant), bodega)
    yield made
    for environment in made.values():
        environment.database.drop()
