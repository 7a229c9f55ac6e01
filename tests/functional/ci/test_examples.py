"""The examples say what the pipeline does: both forms call the same commands, and each of them exists."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from quipux_provision.cli.parser import build_parser
from tests.functional.ci.project import EXAMPLES, ROOT, commands

SCRIPT = EXAMPLES / "quipux-ci"
UNITS = ROOT / "examples" / "systemd"
WRITING = ("capacitacion", "produccion", "diario")
JOBS = {
    "revision": "merge-request",
    "capacitacion": "training",
    "produccion": "production",
    "diario": "daily",
}


def gitlab() -> dict[str, Any]:
    return yaml.safe_load((EXAMPLES / "gitlab-ci.yml").read_text())


def github() -> dict[str, Any]:
    return yaml.safe_load((EXAMPLES / "github-actions.yml").read_text())


def secrets_of(job: dict[str, Any]) -> set[str]:
    return {name for step in job["steps"] for name in step.get("env", {})}


def test_both_pipelines_call_the_same_commands_and_the_script_has_them() -> None:
    known = set(re.findall(r"^  ([a-z-]+)\) ", SCRIPT.read_text(), re.MULTILINE))
    for name in ("gitlab-ci.yml", "github-actions.yml"):
        assert commands((EXAMPLES / name).read_text()) == known
    for job, verb in zip(
        ("revision", *WRITING), ("merge-request", "training", "production", "daily"), strict=True
    ):
        steps = " ".join(step.get("run", "") for step in github()["jobs"][job]["steps"])
        assert commands(steps) == {"install", verb}
        assert commands(" ".join(gitlab()[job]["script"])) == {verb}


def test_every_step_of_the_script_is_a_command_of_the_program() -> None:
    parser = build_parser()
    steps = re.findall(r"(?m)(?:^|\|\| )\s*step ((?!\w+=).+)$", SCRIPT.read_text())
    verbs = set()
    for step in steps:
        words = [re.sub(r"\$\{?(\w+).*", r"\1", word) for word in shlex.split(step)]
        arguments = parser.parse_args([*words, "--junit", "informe.xml"])
        verbs.add(arguments.verb)
    expected = {"validate", "preview", "submit", "plan", "approvals", "apply", "promote", "status"}
    assert verbs == expected | {"deadlines", "board", "audit"}


def test_only_the_protected_branch_signs_and_one_at_a_time() -> None:
    pipeline, workflow = gitlab(), github()
    fetch, checkout, clean, install = pipeline["default"]["before_script"]
    assert "CI_DEFAULT_BRANCH" in fetch
    assert checkout.endswith('"refs/remotes/origin/$CI_DEFAULT_BRANCH"')
    assert (clean, install) == ("git clean --quiet -ffdx", "ci/quipux-ci install")
    assert pipeline["variables"]["GIT_CHECKOUT"] == "false"
    assert not any(
        "before_script" in job for name, job in pipeline.items() if name != "default" and "script" in job
    )
    for name in WRITING:
        assert pipeline[name]["extends"] == ".firma"
        assert all('$CI_COMMIT_REF_PROTECTED == "true"' in rule["if"] for rule in pipeline[name]["rules"])
        assert "QUIPUX_CI_KEY" in secrets_of(workflow["jobs"][name])
        assert (
            "pull_request_target" in workflow["jobs"][name]["if"]
            or "schedule" in workflow["jobs"][name]["if"]
        )
    assert pipeline[".firma"]["resource_group"]
    assert workflow["concurrency"]["cancel-in-progress"] is False
    review = secrets_of(workflow["jobs"]["revision"])
    assert not review & {
        "QUIPUX_CI_KEY",
        "QUIPUX_CI_KEEP",
        "QUIPUX_VAULT_TRAINING",
        "QUIPUX_VAULT_PRODUCTION",
    }
    environments = [pipeline[name]["environment"]["name"] for name in JOBS]
    assert environments == [workflow["jobs"][name]["environment"] for name in JOBS]


def test_github_takes_the_protected_branch_and_pinned_actions() -> None:
    workflow = github()
    assert set(workflow["on"]) == {
        "pull_request_target",
        "push",
        "schedule",
    }  # a bare `on` would be a truth value
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        first, *steps = job["steps"]
        assert first["with"]["ref"] == "main"
        for step in (first, *steps):
            assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step.get("uses", f"actions/x@{'0' * 40}"))
            # What others wrote reaches a shell as a variable, never as text of the script.
            assert "${{" not in step.get("run", "")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_the_units_are_sound(tmp_path: Path) -> None:
    for path in UNITS.iterdir():
        text = re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", path.read_text())
        (tmp_path / path.name).write_text(text)
    units = sorted(str(path) for path in tmp_path.iterdir())
    verified = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=20", units[0]],
        capture_output=True,
        text=True,
        check=False,
    )
    assert rated.returncode == 0, rated.stdout
    calendars = re.findall(r"(?m)^OnCalendar=(.+)$", (UNITS / "quipux-provision-deadlines.timer").read_text())
    for calendar in calendars:
        assert calendar.endswith(" America/Guayaquil")
        subprocess.run(["systemd-analyze", "calendar", calendar], capture_output=True, check=True)


def test_the_unit_runs_a_command_of_the_program() -> None:
    text = (UNITS / "quipux-provision-deadlines.service").read_text()
    (command,) = re.findall(r"(?m)^ExecStart=(.+)$", text)
    program, *words = command.split()
    assert program.endswith("/quipux-provision")
    assert build_parser().parse_args(words).verb == "deadlines"
    assert {"UMask=0077", "ProtectSystem=strict", "NoNewPrivileges=yes"} <= set(text.splitlines())
    timer = (UNITS / "quipux-provision-deadlines.timer").read_text()
    assert "Persistent=true" in timer.splitlines()
