"""A command's result as a JUnit report: the one form that GitLab, GitHub and Jenkins all show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from xml.etree import ElementTree

from quipux_provision.errors import RunFailed, Unreachable

# What went wrong outside of the case is an error; what a rule or a gate refused is a failure.
_ERRORS = (1, RunFailed.exit_code, Unreachable.exit_code)


@dataclass(frozen=True)
class _Test:
    name: str
    message: str = ""
    hint: str = ""
    exit_code: int = 0


def junit(verb: str, result: Mapping[str, Any], files: tuple[str, ...] = ()) -> bytes:
    """Return the report of *verb* as XML.

    :param result: what ``--format json`` prints: of ``cases``, ``problems``, ``environments``,
        ``findings`` or ``error``.
    :param files: the request files that were checked; one without a problem is a test that passed.
    """
    tests = list(_tests(verb, result, files))
    failed = [test for test in tests if test.exit_code]
    errors = [test for test in failed if test.exit_code in _ERRORS]
    counts = {"tests": len(tests), "failures": len(failed) - len(errors), "errors": len(errors)}
    suites = ElementTree.Element("testsuites")
    attributes = {"name": verb} | {name: str(count) for name, count in counts.items()}
    suite = ElementTree.SubElement(suites, "testsuite", attributes)
    for test in tests:
        case = ElementTree.SubElement(suite, "testcase", classname=verb, name=_plain(test.name))
        if test.exit_code:
            kind = "error" if test in errors else "failure"
            told = ElementTree.SubElement(
                case, kind, type=f"exit {test.exit_code}", message=_plain(test.message)
            )
            told.text = _plain(f"{test.message}\n{test.hint}".strip())
    ElementTree.indent(suites)
    return bytes(ElementTree.tostring(suites, "utf-8", xml_declaration=True)) + b"\n"


def _tests(verb: str, result: Mapping[str, Any], files: tuple[str, ...]) -> Iterator[_Test]:
    if error := result.get("error"):
        yield _Test(verb, error["message"], error["hint"], error["exit_code"])
    elif "problems" in result:
        yield from _file_tests(result["problems"], files)
    elif isinstance(result.get("cases"), list):
        for case in result["cases"]:
            error = case.get("error") or {"message": "", "hint": "", "exit_code": 0}
            yield _Test(case["case"], error["message"], error["hint"], error["exit_code"])
    elif "environments" in result and "counts" in result:
        yield from _drift_tests(result["environments"])
    else:
        wrong = [one for one in result.get("findings", ()) if one["severity"] == "error"]
        for finding in wrong:
            yield _Test(finding["code"], finding["message"], exit_code=5)
        if not wrong:
            yield _Test(verb)


def _drift_tests(environments: list[Mapping[str, Any]]) -> Iterator[_Test]:
    for look in environments:
        name = look["environment"]
        if error := look["error"]:
            yield _Test(name, error["message"], error["hint"], error["exit_code"])
            continue
        wrong = [one for one in look["findings"] if one["severity"] == "error"]
        for one in wrong:
            whose = one["case"] or one["ruc"] or "-"
            yield _Test(f"{name}: {whose}: {one['code']}", one["message"], one["hint"], 8)
        if not wrong:
            yield _Test(name)


def _file_tests(problems: list[Mapping[str, Any]], files: tuple[str, ...]) -> Iterator[_Test]:
    for file in dict.fromkeys([*files, *(problem["file"] for problem in problems)]):
        lines = [
            f"{file}:{problem['line']}:{problem['column']}: {problem['message']}; {problem['hint']}"
            for problem in problems
            if problem["file"] == file and problem["severity"] == "error"
        ]
        name = PurePath(file).stem
        yield _Test(name, lines[0], "\n".join(lines[1:]), 3) if lines else _Test(name)


def _plain(text: str) -> str:
    """Return *text* without what XML 1.0 can't hold, and without what could drive a reader's terminal."""
    return "".join(c if c == "\n" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
