"""The people of the documentation at their terminals: a pseudo-terminal, an ssh-agent and an editor each."""

from __future__ import annotations

import json
import os
import pty
import select
import shlex
import stat
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.functional.cli.desk import clock
from tests.functional.docs.pages import Command

_SECONDS = 300
_PRIVATE = ("ANSIBLE_", "QUIPUX_", "SSH_", "LC_", "VIRTUAL_ENV", "PYTHONPATH", "LANGUAGE", "XDG_", "FAKETIME")

# Stands in for a person with an editor: writes what the table says into the files it is given. A file that
# the table does not name is the temporary one that ansible-vault opens.
_EDITOR = """\
#!{python}
import json, pathlib, sys
texts = json.loads(pathlib.Path({table!r}).read_text(encoding="utf-8"))
for name in sys.argv[1:]:
    path = pathlib.Path(name)
    text = texts[name] if name in texts else texts["vault"] if path.is_absolute() else None
    if text is not None:
        path.write_text(text, encoding="utf-8")
    elif not path.is_file():
        sys.exit(f"the editor does not know what to write into {{name}}")
"""


class Terminal:
    """One account of a control node that several people use, each with a key of their own.

    :param folder: where the account's home is made.
    :param people: names; the public key of each lies in the home folder.
    :param more: further environment variables.
    """

    def __init__(self, folder: Path, people: tuple[str, ...], **more: str) -> None:
        self.home = folder / "home"
        self.cwd = folder
        self.texts: dict[str, str] = {}
        self.day = 0
        self._people = people
        self._stack = ExitStack()
        self._editor = folder / "editor"
        own = {name: text for name, text in os.environ.items() if not name.startswith(_PRIVATE)}
        program = self.home / "quipux-provision" / "bin"
        self._environment = {
            **own,
            "HOME": str(self.home),
            "PATH": f"{program}:{Path(sys.executable).parent}:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "TZ": "ECT5",  # Ecuador: five hours behind UTC, without a list of time zones
            "EDITOR": str(self._editor),
            **more,
        }

    def __enter__(self) -> Self:
        self.home.mkdir(mode=0o700)
        for person in self._people:
            self._start_agent(person)
        table = self._editor.with_suffix(".json")
        self._editor.write_text(_EDITOR.format(python=sys.executable, table=str(table)))
        self._editor.chmod(self._editor.stat().st_mode | stat.S_IXUSR)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _start_agent(self, person: str) -> None:
        key, socket = self.home.parent / f"key-{person}", self.home.parent / f"agent-{person}"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", person, "-f", key], check=True)
        key.with_suffix(".pub").rename(self.home / f"{person}.pub")
        agent = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
        self._stack.callback(agent.wait)
        self._stack.callback(agent.terminate)
        environment = {**os.environ, "SSH_AUTH_SOCK": str(socket)}
        # The socket's file is there a moment before anybody listens on it; 2 means that nobody answered.
        while (
            subprocess.run(["ssh-add", "-l"], env=environment, capture_output=True, check=False).returncode
            == 2
        ):
            assert agent.poll() is None
            time.sleep(0.01)
        subprocess.run(["ssh-add", "-q", key], env=environment, check=True)
        key.unlink()

    def type(self, command: Command) -> str:
        """Run a command in the folder and with the variables that earlier ones left; gives what was shown.

        The clock is moved to the command's day, never back.
        """
        self.day = max(self.day, command.day)
        moved = clock(f"+{self.day}d") if self.day else {}
        self._editor.with_suffix(".json").write_text(json.dumps(self.texts))
        variables, place = self.home.parent / f"variables-{command.who}", self.home.parent / "place"
        script = (
            f"[ -f {shlex.quote(str(variables))} ] && . {shlex.quote(str(variables))}\n"
            f"{''.join(f'export {name}={shlex.quote(value)}; ' for name, value in moved.items())}\n"
            f"cd {shlex.quote(str(self.cwd))}\n{command.text}\ncode=$?\n"
            f"pwd > {shlex.quote(str(place))}\n"
            # What libfaketime shares belongs to one process and its children, and ends with it.
            f"export -p | grep -v FAKETIME > {shlex.quote(str(variables))}; exit $code\n"
        )
        socket = self.home.parent / f"agent-{command.who}"
        environment = {**self._environment, **({"SSH_AUTH_SOCK": str(socket)} if command.who else {})}
        code, shown = _in_terminal(script, {**environment, **moved})
        assert code == command.code, f"{command.place}: {command.text}\nexit {code}\n{shown}"
        self.cwd = Path(place.read_text().strip())
        return shown


def _in_terminal(script: str, environment: dict[str, str]) -> tuple[int, str]:
    """Run *script* in a pseudo-terminal, agree to whatever it asks, and give exit code and output."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["bash", "-c", script],
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown, answered = b"", 0
    deadline = time.monotonic() + _SECONDS
    try:
        while True:
            assert time.monotonic() < deadline, shown.decode(errors="replace")
            if not select.select([ours], [], [], 1)[0]:
                continue
            try:
                part = os.read(ours, 65536)
            except OSError:  # Linux says so when the last process has closed the terminal
                break
            if not part:
                break
            shown += part
            if shown.rstrip().endswith(b"[y/N]") and len(shown) > answered:
                os.write(ours, b"y\n")
                answered = len(shown) + 8  # past the echo of the answer
        return process.wait(_SECONDS), shown.decode(errors="replace")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)
