"""Rooms import one way only: cli -> service -> (ansible, store, outreach) -> domain."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "quipux_provision"
BASE = {"errors", "i18n", "__init__", "__main__"}
MAY_IMPORT = {
    "domain": set(),
    "store": {"domain"},
    "ansible": {"domain"},
    "outreach": {"domain"},
    "service": {"domain", "store", "ansible", "outreach"},
    "cli": {"domain", "store", "ansible", "outreach", "service"},
}
# What a distribution is called where that is not what one imports.
DISTRIBUTION = {
    "ansible": "ansible-core",
    "babel": "babel",
    "psycopg2": "psycopg2-binary",
    "stdnum": "python-stdnum",
    "yaml": "pyyaml",
}


def imported(path: Path, root: Path = ROOT) -> Iterator[str]:
    """Every module that the file imports, in full; of ``from a import b`` both ``a`` and ``a.b``."""
    package = path.relative_to(root).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def trespasses(path: Path, root: Path = ROOT) -> list[str]:
    """Imports of *path* (a file of the package under *root*) that its room may not make."""
    place = path.relative_to(root / "quipux_provision").with_suffix("").parts
    here = place[0]
    allowed = set(MAY_IMPORT) if here == "__main__" else MAY_IMPORT.get(here, set())
    found = []
    for name in imported(path, root):
        parts = name.split(".")
        if parts[0] != "quipux_provision" or len(parts) < 2:
            continue
        room = parts[1]
        if room in MAY_IMPORT and room != here and room not in allowed:
            found.append(f"{path.relative_to(root)} imports {name}")
    return found


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def test_rooms_import_one_way_only() -> None:
    assert len(modules()) > 5
    assert [line for path in modules() for line in trespasses(path)] == []


def test_every_module_lies_in_a_known_room() -> None:
    rooms = {path.relative_to(PACKAGE).with_suffix("").parts[0] for path in modules()}
    assert rooms - BASE <= set(MAY_IMPORT)


@pytest.mark.parametrize(
    ("place", "line", "bad"),
    [
        ("domain/x.py", "from quipux_provision.store import ledger", True),
        ("domain/x.py", "import quipux_provision.cli.main", True),
        ("domain/x.py", "from ..store.ledger import Ledger", True),
        ("domain/x.py", "def f():\n    from quipux_provision import service", True),
        ("store/x.py", "from quipux_provision.ansible.run import execute", True),
        ("errors.py", "from quipux_provision.domain import plan", True),
        ("domain/x.py", "from quipux_provision.errors import UsageError", False),
        ("store/x.py", "from quipux_provision.domain import plan", False),
        ("cli/x.py", "from quipux_provision.service import apply", False),
        ("domain/x.py", "from .plan import Plan", False),
    ],
)
def test_the_rule_sees_what_it_should(tmp_path: Path, place: str, line: str, bad: bool) -> None:
    path = tmp_path / "quipux_provision" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(line + "\n", encoding="utf-8")
    assert bool(trespasses(path, tmp_path)) is bad


def test_the_domain_does_no_io_and_has_no_clock() -> None:
    forbidden = {
        "os",
        "pathlib.Path",
        "subprocess",
        "socket",
        "time",
        "sqlalchemy",
        "yaml",
        "psycopg2",
        "paramiko",
    }
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sorted((PACKAGE / "domain").rglob("*.py"))
        for name in imported(path)
        if forbidden & {name, name.split(".")[0]}
    ]
    assert found == []


def named(*extras: str) -> set[str]:
    """Distributions that pyproject.toml asks for, with those of the extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [
        *project["dependencies"],
        *(line for x in extras for line in project["optional-dependencies"][x]),
    ]
    return {re.split(r"[<>=~! \[]", line, maxsplit=1)[0].lower() for line in lines}


def used(paths: Iterable[Path]) -> set[str]:
    """Distributions that the files import; our own packages and Python's are none."""
    own = {"quipux_provision", "ansible_collections", "tests", "tools", "benchmarks"}
    found = set()
    for path in paths:
        beside = {neighbour.stem for neighbour in path.parent.iterdir()}
        for name in imported(path):
            top = name.split(".")[0]
            if top and top not in own | beside and top not in sys.stdlib_module_names:
                found.add(DISTRIBUTION.get(top, top).lower().replace("_", "-"))
    return found


def test_pyproject_names_exactly_what_the_package_and_the_collection_import() -> None:
    # zoneinfo reads tzdata where the system has no time zones of its own.
    assert used([*modules(), *sorted((ROOT / "plugins").rglob("*.py"))]) | {"tzdata"} == named()


def test_demo_needs_no_more_than_its_extra() -> None:
    assert used((ROOT / "examples").rglob("*.py")) <= named("demo")


def test_tests_and_tools_need_no_more_than_the_extras() -> None:
    files = (path for folder in ("tests", "tools", "benchmarks") for path in (ROOT / folder).rglob("*.py"))
    assert used(files) <= named("demo", "dev") | {"ansible-test"}
