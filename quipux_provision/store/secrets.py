"""Secrets by reference: the settings say where a secret lies, never what it is."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from quipux_provision.errors import UsageError
from quipux_provision.i18n import _

COMMAND_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class SecretRef:
    """Where a secret lies: exactly one of the three is set.

    :param env: name of an environment variable.
    :param file: path of a file, 0600 and ours; relative to the workspace; the last newline is not part of it.
    :param command: program and arguments, run in the workspace; its output is the secret.
    """

    env: str | None = None
    file: str | None = None
    command: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if [self.env, self.file, self.command].count(None) != 2:
            raise ValueError("a SecretRef has exactly one of env, file, command")


def resolve(
    ref: SecretRef,
    base: Path,
    *,
    environ: Mapping[str, str] = os.environ,
    timeout: float = COMMAND_TIMEOUT_SECONDS,
) -> str:
    """Return the secret that *ref* points to; never empty.

    :param base: the workspace, where relative paths start and commands run.
    :raises UsageError: it can't be had; the text names the reference, never a value.
    """
    if ref.env is not None:
        return _from_environment(ref.env, environ)
    if ref.file is not None:
        return _from_file(base / Path(ref.file).expanduser())
    return _from_command(ref.command or (), base, environ, timeout)


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    value = environ.get(name, "")
    if not value:
        raise UsageError(
            _("the environment variable {name} is not set").format(name=name),
            _("export {name} with the secret, then run again").format(name=name),
        )
    return value


def _from_file(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise UsageError(
            _("cannot read the secret file {path}: {reason}").format(path=path, reason=error.strerror),
            _("write the secret there with mode 0600, or correct the path in the settings"),
        ) from None
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise UsageError(
                _("the secret file {path} is not a regular file").format(path=path),
                _("write the secret into a file of mode 0600"),
            )
        if about.st_uid != os.geteuid():
            raise UsageError(
                _("the secret file {path} belongs to another user").format(path=path),
                _("make a copy that belongs to you, with mode 0600"),
            )
        if stat.S_IMODE(about.st_mode) & 0o177:
            raise UsageError(
                _("others may read the secret file {path}").format(path=path),
                _("chmod 600 {path}").format(path=path),
            )
        content = file.read()
    return _text(content, str(path))


def _from_command(command: tuple[str, ...], base: Path, environ: Mapping[str, str], timeout: float) -> str:
    program = command[0] if command else ""
    try:
        done = subprocess.run(
            command,
            cwd=base,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UsageError(
            _("the secret command {program} gave no answer in {seconds:g} s").format(
                program=program, seconds=timeout
            ),
            _("run it by hand; it must answer without asking"),
        ) from None
    except (OSError, ValueError):
        raise UsageError(
            _("the secret command {program} cannot be run").format(program=program),
            _("install it, or correct the command in the settings"),
        ) from None
    if done.returncode != 0:
        raise UsageError(
            _("the secret command {program} failed with code {code}").format(
                program=program, code=done.returncode
            ),
            _("run it by hand to see why"),
        )
    return _text(done.stdout, program)


def _text(content: bytes, source: str) -> str:
    try:
        text = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        text = ""
    if not text or "\0" in text:
        raise UsageError(
            _("{source} holds no secret: it is empty or not text").format(source=source),
            _("write the secret there as one line of UTF-8"),
        )
    return text
