"""The shell script that the installation is measured against keeps to what the roles do."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import yaml

from benchmarks.bench import merged

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "benchmarks" / "install.sh"
PLAYBOOK = ROOT / "playbooks" / "self_hosted.yml"


def text() -> str:
    return SCRIPT.read_text(encoding="utf-8")


def roles() -> set[str]:
    """The roles that a host of everything runs."""
    plays = yaml.safe_load(PLAYBOOK.read_text(encoding="utf-8"))
    (groups,) = (
        play["vars"]["self_hosted_group_roles"]
        for play in plays
        if "self_hosted_group_roles" in play.get("vars", {})
    )
    return {role for names in groups.values() for role in names}


def of_role(role: str, folder: str) -> dict[str, object]:
    path = ROOT / "roles" / role / folder / "main.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}


def test_shell_can_read_the_scripts() -> None:
    for path in (SCRIPT, SCRIPT.with_name("end_state.sh")):
        done = subprocess.run(["sh", "-n", path], capture_output=True, check=False, text=True)
        assert (done.returncode, done.stderr) == (0, "")


def test_the_script_installs_the_roles_packages() -> None:
    found = re.search(r'^PACKAGES="([^"]*)"$', text(), re.MULTILINE)
    assert found
    named = found[1].split()
    wanted: set[str] = set()
    for role in roles():
        wanted |= set(of_role(role, "defaults").get(f"{role}_packages", []))  # type: ignore[call-overload]
    assert len(named) == len(set(named))
    assert set(named) == wanted


def test_the_script_denies_what_the_role_denies() -> None:
    denied = of_role("apache", "vars")["apache_denied"]
    block = text().partition("<LocationMatch")[2].partition("<<'END'\n")[2].partition("\nEND\n")[0]
    assert block.splitlines() == [entry["path"] for entry in denied]  # type: ignore[attr-defined]


def test_the_script_switches_the_roles_modules() -> None:
    variables = of_role("apache", "vars")
    for word, name in (("a2dismod -q -f", "apache_modules_off"), ("a2enmod -q", "apache_modules_on")):
        found = re.search(rf"^{word} (.*) >/dev/null$", text(), re.MULTILINE)
        assert found
        wanted = [module.replace("{{ apache_php_version }}", "7.4") for module in variables[name]]  # type: ignore[attr-defined]
        assert found[1].split() == wanted


def test_the_script_neither_waits_nor_tells_a_password() -> None:
    words = [re.sub(r"(^|\s)#.*", "", line) for line in text().splitlines()]
    assert not [line for line in words if re.search(r"\bsleep\b", line)]
    # psql reads passwords from its environment; the shell writes one, into config.php, by its own printf.
    expanded = [line for line in words if re.search(r"\$\{?\w*PASSWORD", line)]
    assert [line.partition(" = $(")[0] for line in expanded] == ["\\$contrasena = \\$contrasena_bodega"]
    assert [line for line in text().splitlines() if line.startswith("php_text() { printf %s ")]


def test_a_part_measured_anew_leaves_the_rest() -> None:
    before = [
        {"name": "load-before", "value": 1},
        {"name": "help", "value": 2},
        {"name": "run-1", "value": 3},
    ]
    part = [{"name": "load-before", "value": 9}, {"name": "run-1", "value": 4}, {"name": "new", "value": 5}]
    assert merged(before, part) == [*before[:2], *part[1:]]
    assert merged([], part) == part
