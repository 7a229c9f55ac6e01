"""One JSON line for each thing that happens in a play, for the test that runs it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: record
type: aggregate
short_description: One JSON line for each thing that happens
description: Written to the file that the environment variable QUIPUX_TEST_EVENTS names.
"""


class CallbackModule(CallbackBase):
    """What happened, to whom, and when; never what a module answered."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "record"

    def _write(self, event: str, host: str = "", task: Any = "", changed: bool = False) -> None:
        name = task if isinstance(task, str) else task.get_name()
        line = {"event": event, "host": host, "task": name, "changed": changed, "at": time.monotonic()}
        with Path(os.environ["QUIPUX_TEST_EVENTS"]).open("a", encoding="utf-8") as sink:
            sink.write(json.dumps(line) + "\n")

    def _ended(self, event: str, result: Any) -> None:
        # ansible-core 2.19 has new names for these and keeps the old ones until 2.23.
        self._write(event, result.host.get_name(), result.task, bool(result.result.get("changed")))

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        self._write("start", host.get_name(), task)

    def v2_runner_on_ok(self, result: Any) -> None:
        self._ended("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._ended("ignored" if ignore_errors else "failed", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._ended("skipped", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._ended("unreachable", result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        for host in sorted(stats.processed):
            self._write("end", host, str(stats.summarize(host)["changed"]))
