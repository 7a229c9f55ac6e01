"""The machinery of ``make bench`` works, at sizes of one and two: it is measured in earnest elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.bench import reached

ROOT = Path(__file__).resolve().parents[2]
PER_SIZE = {
    "floor-{}",
    "playbook-{}-vs-floor",
    "apply-{}-vs-floor",
    "playbook-{}-unchanged",
    "apply-{}-unchanged",
    "mail-{}",
}


def test_a_small_run_writes_its_rows(tmp_path: Path) -> None:
    output = tmp_path / "results.json"
    words = "--only start --only sizes --only single --size 1 --size 2 --runs 1 --list 2 --output"
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks/bench.py", *words.split(), output],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(output.read_text(encoding="utf-8"))
    assert all(set(row) == {"name", "value", "unit", "baseline", "ratio"} for row in rows)
    names = [row["name"] for row in rows]
    expected = {name.format(size) for name in PER_SIZE for size in (1, 2)}
    expected |= {
        "help",
        "run-1",
        "cli-over-playbook-1",
        "runs-2",
        "list-2-vs-runs",
        "load-before",
        "load-after",
    }
    assert set(names) == expected
    assert len(names) == len(set(names))
    for row in rows:
        assert row["baseline"] is None or row["baseline"] in names
        assert row["unit"] == ("processes" if row["name"].startswith("load-") else "s")
    assert "help: value" in done.stdout


def test_aims_are_told_apart() -> None:
    row = {"name": "apply-1000-vs-floor", "value": 9.0, "unit": "s", "baseline": "floor-1000", "ratio": 3.01}
    assert reached([row])[0].startswith("MISSED")
    assert reached([{**row, "ratio": 3.0}])[0].startswith("reached")
    row = {"name": "list-100-vs-runs", "value": 9.0, "unit": "s", "baseline": "runs-100", "ratio": 49.9}
    assert reached([row])[0].startswith("MISSED")
