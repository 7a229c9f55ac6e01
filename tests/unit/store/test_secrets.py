"""Secrets by reference: nothing of a value in any message, and nothing that others can read."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from quipux_provision.errors import UsageError
from quipux_provision.store.secrets import SecretRef, resolve

CANARY = "canary-7f3a ñ"


def secret_file(path: Path, content: str = CANARY, mode: int = 0o600) -> Path:
    path.write_text(content)
    path.chmod(mode)
    return path


def test_each_form_gives_the_secret(tmp_path: Path) -> None:
    secret_file(tmp_path / "secret", CANARY + "\n")
    assert resolve(SecretRef(env="X"), tmp_path, environ={"X": CANARY}) == CANARY
    assert resolve(SecretRef(file="secret"), tmp_path) == CANARY
    assert resolve(SecretRef(file=str(tmp_path / "secret")), Path("/")) == CANARY
    script = f"import os; print({CANARY!r} + os.path.basename(os.getcwd()))"
    command = SecretRef(command=(sys.executable, "-c", script))
    assert resolve(command, tmp_path) == CANARY + tmp_path.name


def test_a_command_is_no_shell(tmp_path: Path) -> None:
    ref = SecretRef(command=("printf", "%s", "$(id); `id`"))
    assert resolve(ref, tmp_path) == "$(id); `id`"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o700, 0o666])
def test_a_file_that_is_not_0600_is_refused(tmp_path: Path, mode: int) -> None:
    path = secret_file(tmp_path / "secret", mode=mode)
    with pytest.raises(UsageError, match="others may read") as refused:
        resolve(SecretRef(file="secret"), tmp_path)
    assert refused.value.hint == f"chmod 600 {path}"
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can give a file away")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    os.chown(secret_file(tmp_path / "secret"), 65534, 65534)
    with pytest.raises(UsageError, match="another user"):
        resolve(SecretRef(file="secret"), tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "secret", 0o600)
    with pytest.raises(UsageError, match="regular file"):
        resolve(SecretRef(file="secret"), tmp_path)


def python(script: str) -> SecretRef:
    return SecretRef(command=(sys.executable, "-c", script))


@pytest.mark.parametrize(
    ("ref", "reason"),
    [
        (SecretRef(env="X"), "X is not set"),
        (SecretRef(env="EMPTY"), "EMPTY is not set"),
        (SecretRef(file="missing"), "cannot read"),
        (SecretRef(file="empty"), "no secret"),
        (SecretRef(file="latin"), "no secret"),
        (SecretRef(command=("no-such-program-here",)), "cannot be run"),
        (python(f"import sys; print({CANARY!r}); sys.exit(3)"), "code 3"),
        (python(f"import sys; print({CANARY!r}, file=sys.stderr); sys.exit(1)"), "code 1"),
        (python(f"import time; print({CANARY!r}, flush=True); time.sleep(60)"), "no answer in 0.5 s"),
        (python("pass"), "no secret"),
    ],
)
def test_a_secret_that_can_not_be_had_is_said_without_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], ref: SecretRef, reason: str
) -> None:
    secret_file(tmp_path / "empty", "\n")
    (tmp_path / "latin").write_bytes(b"canary-7f3a \xf1")
    (tmp_path / "latin").chmod(0o600)
    with pytest.raises(UsageError, match=reason) as refused:
        resolve(ref, tmp_path, environ={"EMPTY": ""}, timeout=0.5 if "0.5" in reason else 10)
    assert "canary" not in refused.value.message + refused.value.hint
    assert "".join(capfd.readouterr()) == ""
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize("forms", [{}, {"env": "X", "file": "y"}])
def test_a_reference_has_one_form(forms: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="exactly one"):
        SecretRef(**forms)  # type: ignore[arg-type]
