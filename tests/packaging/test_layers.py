"""`make test` itself: it may not call a run good that was not."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.packaging.building import ROOT


@pytest.fixture
def layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("quipux_test_layers", ROOT / "tools" / "test.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "OUTPUT", tmp_path / "output")
    monkeypatch.setattr(module, "IN_CI", False)
    return module


def write(folder: Path, name: str, text: str) -> str:
    path = folder / f"test_{name}.py"
    path.write_text(text, encoding="utf-8")
    return str(path)


def closing_line(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.splitlines()[-1]


def test_counts_of_all_layers_are_added_up(
    layers: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write(
        tmp_path,
        "good",
        "import pytest\ndef test_a(): pass\ndef test_b(): pass\ndef test_c(): pytest.skip('why')\n",
    )
    monkeypatch.setattr(
        layers,
        "LAYERS",
        (layers.Layer("one", (good,)), layers.Layer("two", (good,), obstacle=lambda: "not here")),
    )
    assert layers.main([]) == 0
    assert closing_line(capsys) == "2 passed, 0 failed, 2 skipped"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def test_a(): pass\ndef test_b(): assert False\n", "1 passed, 1 failed, 0 skipped"),
        ("import no_such_module_at_all\n", "0 passed, 1 failed, 0 skipped"),
        ("", "0 passed, 1 failed, 0 skipped"),
        ("import os\ndef test_a(): os._exit(0)\n", "0 passed, 1 failed, 0 skipped"),
        ("import os\ndef test_a(): os._exit(3)\n", "0 passed, 1 failed, 0 skipped"),
    ],
    ids=["assertion", "import", "nothing collected", "vanished quietly", "died"],
)
def test_what_went_wrong_is_never_good(
    layers: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str,
    expected: str,
) -> None:
    bad = write(tmp_path, "bad", text)
    monkeypatch.setattr(layers, "LAYERS", (layers.Layer("bad", (bad,)),))
    assert layers.main([]) == 1
    assert closing_line(capsys) == expected


def test_a_layer_that_hangs_is_ended(
    layers: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = write(tmp_path, "slow", "import time\ndef test_a(): time.sleep(600)\n")
    monkeypatch.setattr(layers, "LAYERS", (layers.Layer("slow", (slow,), minutes=0.03),))
    assert layers.main([]) == 1
    assert "stopped after" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "obstacle"),
    [("def test_a(): pass\n", "no root"), ("import pytest\ndef test_a(): pytest.skip('x')\n", None)],
)
def test_in_ci_a_skip_of_container_tests_is_a_failure(
    layers: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, obstacle: str | None
) -> None:
    path = write(tmp_path, "containers", text)
    layer = layers.Layer("hosts", (path,), obstacle=lambda: obstacle, required_in_ci=True)
    monkeypatch.setattr(layers, "LAYERS", (layer,))
    assert layers.main([]) == 0
    monkeypatch.setattr(layers, "IN_CI", True)
    assert layers.main([]) == 1


def test_an_unknown_layer_is_named(layers: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        layers.main(["units"])
    assert ended.value.code == 2
    assert "no layer units" in capsys.readouterr().err
