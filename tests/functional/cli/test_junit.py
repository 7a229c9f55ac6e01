"""``--junit FILE``: the result as CI systems show it, beside what a person reads."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from xml.etree import ElementTree

from tests.functional.cli.attack import settings, until
from tests.functional.cli.desk import edit
from tests.hosts.office import PROGRAM, Applicant, Office

RESULTS = {None: "passed", "failure": "failed", "error": "errored"}


def told(path: Path) -> dict[str, tuple[str, str]]:
    """What a report says of each test: how it ended, and why."""
    suite = ElementTree.parse(path).getroot().find("testsuite")
    assert suite is not None
    found = {}
    for case in suite.iter("testcase"):
        why = next(iter(case), None)
        kind = RESULTS[None if why is None else why.tag]
        found[str(case.get("name"))] = (kind, "" if why is None else str(why.get("message")))
    kinds = [kind for kind, _why in found.values()]
    assert int(str(suite.get("tests"))) == len(kinds)
    assert int(str(suite.get("failures"))) == kinds.count("failed")
    assert int(str(suite.get("errors"))) == kinds.count("errored")
    return found


def test_each_case_is_a_test(house: Office, tmp_path: Path) -> None:
    good, bad = Applicant.invent(), Applicant.invent()
    report = tmp_path / "informe" / "uno.xml"
    paths = house.write(good), edit(house, bad, (bad.ruc, "17<&>\\e"))
    shown = house.must("autora", "validate", *paths, "--junit", report, code=3)
    assert f"{bad.case}.yml:" in shown.output  # people read it as before
    assert report.stat().st_mode & 0o777 == 0o600
    checked = told(report)
    assert checked[good.case] == ("passed", "")
    kind, why = checked[bad.case]
    assert kind == "failed"
    assert f"{bad.case}.yml:" in why
    assert "\x1b" not in report.read_text()

    house.must("autora", "submit", paths[0], "--format", "json", "--junit", report)
    assert told(report) == {good.case: ("passed", "")}
    house.must("operador", "apply", good.case, "-e", "training", "--junit", report, code=5)
    kind, why = told(report)[good.case]
    assert kind == "failed"
    assert good.case in why
    house.must("operador", "audit", "verify", "--junit", report)
    assert told(report) == {"audit verify": ("passed", "")}
    house.must("operador", "board", "--output", tmp_path / "tablero", "--junit", report)
    assert told(report) == {"board": ("passed", "")}


def test_what_stops_a_command_is_a_test_too(house: Office, tmp_path: Path) -> None:
    report = tmp_path / "uno.xml"
    refused = house.must("operador", "plan", "nadie", "-e", "training", "--junit", report, code=2)
    kind, why = told(report)["plan"]
    assert kind == "failed"
    assert why in refused.errors
    house.describe(house.environments[0], quipux_db_port=1)
    applicant = Applicant.invent()
    house.must("autora", "submit", house.write(applicant))
    house.must("operador", "plan", applicant.case, "-e", "training", "--junit", report, code=7)
    house.describe(house.environments[0])
    assert told(report)[applicant.case][0] == "errored"


def test_a_report_that_cannot_be_written_stops_the_command_first(house: Office, tmp_path: Path) -> None:
    applicant = Applicant.invent()
    (tmp_path / "archivo").touch()
    path = house.write(applicant)
    refused = house.must("autora", "submit", path, "--junit", tmp_path / "archivo" / "uno.xml", code=2)
    assert "cannot be written" in refused.errors
    house.must("operador", "status", applicant.case, code=2)


def test_a_killed_command_leaves_a_report_that_fails(office: Office, tmp_path: Path) -> None:
    report = tmp_path / "uno.xml"
    never = tmp_path / "espera"
    os.mkfifo(never)
    settings(office, ledger={"command": ["cat", str(never)]})
    process = subprocess.Popen(
        [PROGRAM, "status", "--junit", report], cwd=office.folder, start_new_session=True
    )
    until(report.is_file, "the report of a command under way")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(60)
    assert told(report) == {"status": ("errored", "the command did not end")}
