"""What roles say of themselves is true, and secrets are kept out of task output."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
TASK_FILES = sorted([*(ROOT / "roles").glob("*/tasks/**/*.yml"), *(ROOT / "playbooks").glob("*.yml")])
by_name = pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def entry_points(role: Path) -> dict[str, Any]:
    return load(role / "meta" / "argument_specs.yml")["argument_specs"]


def options(role: Path) -> dict[str, Any]:
    return {
        name: option
        for entry in entry_points(role).values()
        for name, option in entry.get("options", {}).items()
    }


def tasks(nodes: Any) -> Iterator[dict[str, Any]]:
    """Every task of a task file or a playbook, those in blocks included."""
    for node in nodes or []:
        inner = ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks", "handlers")
        if not any(name in node for name in inner):
            yield node
        for name in inner:
            yield from tasks(node.get(name))


@by_name
def test_specification_and_defaults_name_the_same_variables(role: Path) -> None:
    defaults = load(role / "defaults" / "main.yml")
    required = {name for name, option in options(role).items() if option.get("required")}
    assert set(options(role)) == set(defaults) | required
    assert not required & set(defaults)


@by_name
def test_variables_carry_the_name_of_their_role(role: Path) -> None:
    assert [name for name in options(role) if not name.startswith(f"{role.name}_")] == []


@by_name
def test_readme_explains_every_variable(role: Path) -> None:
    readme = (role / "README.md").read_text(encoding="utf-8")
    assert [name for name in options(role) if f"`{name}`" not in readme] == []


@by_name
def test_every_entry_point_has_its_task_file(role: Path) -> None:
    assert [name for name in entry_points(role) if not (role / "tasks" / f"{name}.yml").exists()] == []


@by_name
def test_a_secret_has_neither_type_nor_choices_that_would_print_it(role: Path) -> None:
    """Ansible prints the value where a typed option or a choice does not fit, whatever `no_log` says."""
    assert [
        f"{entry}: {name}"
        for entry, described in entry_points(role).items()
        for name, option in described.get("options", {}).items()
        if re.search(r"password(?!_(re)?set)|secret", name)  # whether one may be reset is no secret
        and (option.get("type") != "str" or "choices" in option or not option.get("no_log"))
    ] == []


@pytest.mark.parametrize("path", TASK_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_an_include_hands_on_what_it_hides_and_tags(path: Path) -> None:
    """`no_log` and `tags` of a dynamic include don't reach its tasks unless `apply` says so."""
    lost = []
    for task in tasks(load(path)):
        for name, included in task.items():
            if name.rpartition(".")[2] in ("include_tasks", "include_role"):
                handed = included.get("apply", {}) if isinstance(included, dict) else {}
                lost += [
                    f"{task['name']}: {key}"
                    for key in ("no_log", "tags")
                    if key in task and key not in handed
                ]
    assert lost == []


def test_the_action_group_holds_every_module() -> None:
    modules = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")}
    assert set(load(ROOT / "meta" / "runtime.yml")["action_groups"]["provision"]) == modules


def test_every_role_is_shipped_with_a_molecule_scenario() -> None:
    assert [role.name for role in ROLES if not list(role.glob("molecule/*/molecule.yml"))] == []
