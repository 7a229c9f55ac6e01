"""Follow a run: a moving line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from quipux_provision.cli.output import Output
from quipux_provision.i18n import _
from quipux_provision.service.playbook_runs import Watch

if TYPE_CHECKING:
    from quipux_provision.ansible.progress import Progress


@contextmanager
def watching(arguments: Namespace, output: Output) -> Iterator[Watch]:
    """Yield the watch of one run and clear its line afterwards."""
    line = _Line(sys.stderr.isatty())
    try:
        yield Watch(
            on_progress=line.show,
            on_output=output.note if arguments.verbose else None,
            verbosity=max(0, arguments.verbose - 1),
        )
    finally:
        line.close()


class _Line:
    """Progress: host, task, seconds."""

    def __init__(self, terminal: bool) -> None:
        self.terminal = terminal
        self.last = ""

    def show(self, progress: Progress) -> None:
        text = _("{elapsed:5.1f} s  {host}: {task} ({state})").format(
            elapsed=progress.elapsed, host=progress.host, task=progress.task, state=progress.state
        )
        if self.terminal:
            print(f"\r\x1b[2K{text[:120]}", end="", file=sys.stderr, flush=True)
            self.last = text
        elif progress.state != "started":
            print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        if self.terminal and self.last:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
