"""Run the test layers one after another and say how long each took.

``tools/test.py`` runs all of them, ``tools/test.py unit lint`` only those named; ``--list`` names them.
Each layer is one pytest run; its full output and JUnit report lie in tests/output/, printed where it failed.

The last line of the output is always ``N passed, N failed, N skipped``.
With QUIPUX_TEST_FULL=1 (``make test-full``) the slow tests marked ``full`` run, too.
Exit code: 0 all well, 1 a layer failed, 2 usage.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "tests" / "output"
IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")
NO_TESTS_COLLECTED = 5


@dataclass(frozen=True)
class Result:
    """What one layer came to; ``note`` says why it was skipped or what went wrong."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    note: str = ""

    @property
    def word(self) -> str:
        if self.failed:
            return "FAILED"
        return "passed" if self.passed else "skipped"


@dataclass(frozen=True)
class Layer:
    """One pytest run: its arguments, its time limit, and ``obstacle``: why it can't run here, or None."""

    name: str
    arguments: tuple[str, ...]
    minutes: float = 15
    obstacle: Callable[[], str | None] = lambda: None
    required_in_ci: bool = False
    python: Callable[[], Path] = lambda: Path(sys.executable)


def run_layer(layer: Layer) -> Result:
    if reason := layer.obstacle():
        if IN_CI and layer.required_in_ci:
            return Result(failed=1, note=f"may not be skipped in CI: {reason}")
        return Result(skipped=1, note=reason)
    started = time.monotonic()
    log, report = OUTPUT / f"{layer.name}.log", OUTPUT / f"{layer.name}.xml"
    report.unlink(missing_ok=True)
    try:
        python = layer.python()
    except subprocess.CalledProcessError as error:
        return Result(failed=1, seconds=time.monotonic() - started, note=f"no environment: {error}")
    command = [str(python), "-m", "pytest", f"--junitxml={report}", "-o", f"junit_suite_name={layer.name}"]
    with log.open("wb") as sink:
        note = run_for([*command, *layer.arguments], sink.fileno(), layer.minutes * 60)
    result = read_report(report, note, time.monotonic() - started)
    if IN_CI and layer.required_in_ci and result.skipped:
        return replace(result, failed=result.failed + 1, note="nothing of this may be skipped in CI")
    return result


def run_for(command: list[str], sink: int, seconds: float) -> str:
    """Run *command* in a process group of its own, ended at the time limit. Return what went wrong, or ""."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=sink,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        end_group(process)
        return f"stopped after {seconds / 60:.0f} minutes"
    except KeyboardInterrupt:
        end_group(process)
        raise
    if code == NO_TESTS_COLLECTED:
        return "no tests were found"
    return f"pytest ended with {code}" if code else ""


def end_group(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(20)
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            pass
        return


def read_report(report: Path, note: str, seconds: float) -> Result:
    counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    if report.exists():
        for suite in ElementTree.parse(report).getroot().iter("testsuite"):  # noqa: S314  (pytest wrote it)
            for name in counts:
                counts[name] += int(suite.get(name, "0"))
    failed = counts["failures"] + counts["errors"]
    passed = max(0, counts["tests"] - failed - counts["skipped"])
    if not counts["tests"]:
        note = note or "pytest left no report of any test"
    if note and not failed:
        failed = 1
    return Result(passed, failed, counts["skipped"], seconds, note if failed else "")


def needs_packages() -> str | None:
    if os.geteuid() != 0:
        return "these tests install Debian packages; this is not root"
    if not Path("/etc/debian_version").exists():
        return "these tests install Debian packages; this is not Debian"
    return None


def needs_release() -> str | None:
    if os.environ.get("QUIPUX_SQL"):
        return None
    return "QUIPUX_SQL (folder of the real dumps) and QUIPUX_RELEASE (the real release) are not set"


def other_version() -> tuple[str, str] | None:
    """Version and path of the newest interpreter that gets the other ansible-core from the lock."""
    here = sys.version_info[:2]
    candidates = ["3.14", "3.13", "3.12"] if here == (3, 11) else ["3.11"]
    for version in candidates:
        found = subprocess.run(
            [ROOT / "tools" / "find-python", version], capture_output=True, text=True, check=True
        ).stdout.strip()
        if found:
            return version, found
    return None


def needs_other_version() -> str | None:
    if other_version() is None:
        wanted = "3.12 or newer" if sys.version_info[:2] == (3, 11) else "3.11"
        return f"no second interpreter (Python {wanted}) was found"
    return None


def other_python() -> Path:
    """Python of a second environment from the same lock, made anew when the lock has changed."""
    found = other_version()
    assert found is not None
    version, interpreter = found
    folder = ROOT / f".venv-{version}"
    stamp = folder / ".made-from"
    sources = (
        *("pyproject.toml", "requirements.lock", "tools/make-venv"),
        "quipux_provision/ansible/collections.json",
    )
    if not stamp.exists() or any((ROOT / name).stat().st_mtime > stamp.stat().st_mtime for name in sources):
        command = [ROOT / "tools" / "make-venv", interpreter, folder]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        stamp.touch()
    return folder / "bin" / "python"


SIDE_BY_SIDE = ("-n", "2", "--dist", "loadfile")
# The variant on the real release is a layer of its own, so that the others don't report it as skipped.
STAND_IN = ("-m", "not real and not container")
REAL = ("-m", "real and not container")
HOSTS = ("-m", "not real") if needs_release() else ()
# Left out rather than skipped: nothing of a required layer may be skipped in CI.
FULL = os.environ.get("QUIPUX_TEST_FULL") == "1"
LEFT_OUT = [*(["not real"] if needs_release() else []), *([] if FULL else ["not full"])]
SELF_HOSTED = ("-m", " and ".join(LEFT_OUT)) if LEFT_OUT else ()
MOLECULE = () if FULL else ("-m", "not full")

LAYERS = (
    Layer("lint", ("tests/lint",)),
    Layer("unit", (*SIDE_BY_SIDE, *STAND_IN, "tests/unit")),
    Layer("packaging", ("tests/packaging",)),
    Layer("functional", (*SIDE_BY_SIDE, *STAND_IN, "tests/functional"), minutes=40),
    Layer("browser", (*STAND_IN, "tests/browser"), obstacle=needs_packages, required_in_ci=True),
    Layer("real", (*SIDE_BY_SIDE, *REAL, "tests"), minutes=25, obstacle=needs_release),
    Layer("hosts", (*HOSTS, "tests/hosts"), minutes=25, obstacle=needs_packages, required_in_ci=True),
    Layer(
        "self-hosted",
        (*SIDE_BY_SIDE, *SELF_HOSTED, "tests/self_hosted"),
        minutes=180 if FULL else 45,
        obstacle=needs_packages,
        required_in_ci=True,
    ),
    Layer(
        "molecule", (*MOLECULE, "tests/molecule"), minutes=20, obstacle=needs_packages, required_in_ci=True
    ),
    Layer(
        "second-python",
        ("-m", "smoke and not real and not container", "tests/unit", "tests/functional"),
        obstacle=needs_other_version,
        python=other_python,
    ),
)


def show(layer: Layer, result: Result) -> None:
    counts = f"{result.passed} passed, {result.failed} failed, {result.skipped} skipped"
    print(f"{layer.name:<14} {result.word:<8} {result.seconds / 60:5.1f} min   {counts}", end="")
    print(f"   ({result.note})" if result.note else "", flush=True)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="tools/test.py", description="Run the test layers.")
    names = [layer.name for layer in LAYERS]
    parser.add_argument("layers", nargs="*", metavar="LAYER", help=", ".join(names))
    parser.add_argument("--list", action="store_true", help="name the layers")
    options = parser.parse_args(arguments)
    if options.list:
        print("\n".join(names))
        return 0
    if unknown := sorted(set(options.layers) - set(names)):
        parser.error(f"no layer {', '.join(unknown)}; there are {', '.join(names)}")
    OUTPUT.mkdir(parents=True, exist_ok=True)
    results: dict[Layer, Result] = {}
    for layer in (layer for layer in LAYERS if layer.name in options.layers or not options.layers):
        result = results[layer] = run_layer(layer)
        show(layer, result)
        if result.failed:
            log = OUTPUT / f"{layer.name}.log"
            print(log.read_text(errors="replace") if log.exists() else "", flush=True)
    summarise(results)
    return 1 if any(result.failed for result in results.values()) else 0


def summarise(results: dict[Layer, Result]) -> None:
    print(f"\n{'layer':<14} {'result':<8} minutes")
    for layer, result in results.items():
        show(layer, result)
    minutes = sum(result.seconds for result in results.values()) / 60
    print(f"{'together':<14} {'':<8} {minutes:5.1f} min\n")
    passed, failed, skipped = (
        sum(getattr(result, name) for result in results.values()) for name in ("passed", "failed", "skipped")
    )
    print(f"{passed} passed, {failed} failed, {skipped} skipped")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
