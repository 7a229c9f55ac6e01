"""The databases of the command line's tests."""

from __future__ import annotations

from tests.functional.cli.conftest import clusters, environments, production_cluster

__all__ = ["clusters", "environments", "production_cluster"]
