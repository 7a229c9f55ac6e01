"""The wheel in an empty virtual environment, used from a folder that has nothing to do with us."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.packaging.building import (
    COLLECTION,
    ROOT,
    build_wheel,
    clean_environment,
    collection_files,
    copy_tree,
    repository_files,
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = copy_tree(tmp_path_factory.mktemp("tree"), litter=True)
    return build_wheel(tree, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """bin/ of a virtual environment that holds the wheel and what it asks for, as the lock has it."""
    folder = tmp_path_factory.mktemp("empty")
    pins = re.findall(r"^(\S+==\S+(?: ; .+?)?) \\$", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(pins), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    install = [python, "-m", "pip", "install", "-qq", "--constraint", constraints, wheel]
    finished = subprocess.run(install, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return python.parent


def run(environment: Path, folder: Path, program: str, *arguments: str) -> str:
    finished = subprocess.run(
        [environment / program, *arguments],
        cwd=folder,
        env=clean_environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def test_wheel_holds_the_package_and_the_collection_and_nothing_else(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    package = {name for name in repository_files() if name.startswith("quipux_provision/")}
    examples = {
        f"quipux_provision/{name}"
        for name in repository_files()
        if name.startswith(("inventories/production/", "inventories/self_hosted/", "inventories/training/"))
    }
    assert names == package | examples | {f"{COLLECTION}/{name}" for name in collection_files()}


def test_init_makes_a_workspace_with_its_inventories(environment: Path, tmp_path: Path) -> None:
    run(environment, tmp_path, "quipux-provision", "init", "oficina")
    made = {path.relative_to(tmp_path / "oficina").as_posix() for path in (tmp_path / "oficina").rglob("*")}
    for name in ("training", "production"):
        assert {f"inventories/{name}/{file}" for file in ("hosts.yml", "known_hosts")} <= made
        assert f"inventories/{name}/group_vars/all/main.yml" in made
    assert not any("demo" in name or "self_hosted" in name for name in made)


def test_command_line_starts(environment: Path, tmp_path: Path) -> None:
    assert "quipux-provision" in run(environment, tmp_path, "quipux-provision", "--help")


def test_command_line_speaks_spanish(environment: Path, tmp_path: Path) -> None:
    english = run(environment, tmp_path, "quipux-provision", "--lang", "en", "--help")
    assert run(environment, tmp_path, "quipux-provision", "--lang", "es", "--help") != english


@pytest.mark.parametrize(
    "module", ["institution", "administrator", "storage", "layout_info", "database_roles"]
)
def test_module_has_documentation(environment: Path, tmp_path: Path, module: str) -> None:
    text = run(environment, tmp_path, "ansible-doc", f"quipux.provision.{module}")
    assert f"quipux.provision.{module}" in text
    assert "EXAMPLES" in text
    assert "RETURN VALUES" in text


@pytest.mark.parametrize("role", ["institution", "administrator"])
def test_role_has_documentation(environment: Path, tmp_path: Path, role: str) -> None:
    text = run(environment, tmp_path, "ansible-doc", "-t", "role", f"quipux.provision.{role}")
    assert "ENTRY POINT" in text


def test_playbook_is_found_by_its_name(environment: Path, tmp_path: Path) -> None:
    text = run(environment, tmp_path, "ansible-playbook", "quipux.provision.provision", "--list-tasks")
    assert "Report refused and failed items" in text


def test_request_schema_is_printed(environment: Path, tmp_path: Path) -> None:
    assert '"$schema"' in run(environment, tmp_path, "quipux-provision", "schema")


def test_nothing_is_left_behind_in_the_folder(environment: Path, tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    finished = subprocess.run(
        [environment / "quipux-provision", "--help"],
        cwd=folder,
        env=clean_environment(tmp_path),
        check=False,
        capture_output=True,
    )
    assert finished.returncode == 0
    assert list(folder.iterdir()) == []
