"""Fixtures of every suite: a PostgreSQL per worker, and databases of the stand-in and of the real layout."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from tests.stand_in.cluster import Cluster
from tests.stand_in.database import REAL_VARIABLE, Database, load, real_folder

VARIANTS = [pytest.param("stand_in"), pytest.param("real", marks=pytest.mark.real)]
MakeDatabase = Callable[..., Database]

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server of this test process; its log holds every statement."""
    with Cluster.start(log_statements=True) as cluster:
        yield cluster


@pytest.fixture
def make_database(cluster: Cluster) -> Iterator[MakeDatabase]:
    """Makes further databases of this test: `make_database("stand_in"|"real"|"2010-like", ...)`."""
    made: list[Database] = []

    def make(variant: str = "stand_in", *, store: bool = False, roles: bool = False) -> Database:
        name = f"quipux{'_bodega' if store else ''}_{next(_numbers)}"
        made.append(load(cluster, name, variant, store=store, roles=roles))
        return made[-1]

    yield make
    for database in made:
        database.drop()


@pytest.fixture(params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> str:
    """Which layout the test runs on: it runs on each."""
    if request.param == "real" and real_folder() is None:
        pytest.skip(f"the real layout needs {REAL_VARIABLE}=FOLDER (SCRIPTBD of a Quipux release)")
    return str(request.param)


@pytest.fixture
def database(variant: str, make_database: MakeDatabase) -> Database:
    """A fresh database of this test."""
    return make_database(variant)


@pytest.fixture
def provisionable(variant: str, make_database: MakeDatabase) -> Database:
    """A fresh database with the roles `quipux_prov` and `quipux_ro`, made by the product's own role."""
    return make_database(variant, roles=True)
