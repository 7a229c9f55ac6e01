"""Real keys, and ledgers on real SQLite and real PostgreSQL."""

from __future__ import annotations

import itertools
import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from quipux_provision.store import signers
from tests.stand_in.cluster import Cluster
from tests.unit.store.support import KEY_TYPES, Office, Place, make_key

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Private keys: one of each type."""
    folder = tmp_path_factory.mktemp("keys")
    return {name: make_key(folder / name, *options) for name, options in KEY_TYPES.items()}


@pytest.fixture
def office(tmp_path: Path, people: dict[str, Path]) -> Office:
    """Everybody's key is in allowed_signers."""
    for name, key in people.items():
        signers.add(tmp_path / "allowed_signers", name, key.with_name(f"{name}.pub").read_text())
    return Office(tmp_path, dict(people))


@pytest.fixture(name="sqlite")
def sqlite_place(tmp_path: Path) -> Place:
    """A ledger's place in a file."""

    def run(statements: str) -> None:
        connection = sqlite3.connect(tmp_path / "ledger.db")
        connection.executescript(statements)
        connection.close()

    return Place("sqlite:///ledger.db", tmp_path, run=run)


@pytest.fixture(name="postgresql")
def postgresql_place(tmp_path: Path, cluster: Cluster) -> Iterator[Place]:
    """A ledger's place in a database of its own, whose owner is no superuser."""
    name, password = f"ledger_{next(_numbers)}", secrets.token_urlsafe(18)
    cluster.sql("postgres", f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
    cluster.sql("postgres", f"CREATE DATABASE {name} OWNER {name}")
    url = f"postgresql://{name}@{cluster.host}:{cluster.port}/{name}"

    def run(statements: str) -> None:
        cluster.sql(name, statements)

    yield Place(url, tmp_path, password, run)
    cluster.sql("postgres", f"DROP DATABASE {name} WITH (FORCE)")
    cluster.sql("postgres", f"DROP ROLE {name}")


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> Place:
    """A ledger's place; the test runs on both databases."""
    found: Place = request.getfixturevalue(request.param)
    return found
