"""The command line: ``run(argv) -> int`` does all, ``main()`` only exits.

Exit codes: 0 done or nothing to do; 1 our bug; 2 usage; 3 request invalid; 4 Ansible ran and failed or its
outcome is incomplete; 5 a gate is closed; 6 locked by another run; 7 unreachable or host key refused;
8 ``drift`` found some; 10 ``plan --detailed-exitcode`` with changes pending; 130 interrupted.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from types import FrameType

from quipux_provision import i18n
from quipux_provision.cli.output import Output
from quipux_provision.cli.parser import build_parser
from quipux_provision.errors import ProvisionError


def run(argv: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    i18n.activate(_language(argv))
    parser = build_parser()
    try:
        arguments = parser.parse_args(list(argv))
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 2
    output = Output(
        json=getattr(arguments, "format", "text") == "json",
        junit=getattr(arguments, "junit", None),
        verb=" ".join(filter(None, (arguments.verb, getattr(arguments, "action", None)))),
        files=getattr(arguments, "files", ()),
    )
    module, function = arguments.handler.split(":")
    try:
        output.begin()
        handler = getattr(import_module(f"quipux_provision.cli.{module}"), function)
        return int(handler(arguments, output))
    except ProvisionError as error:
        output.error(error)
        return error.exit_code
    except KeyboardInterrupt:
        output.interrupted()
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:
        # A value may stand in the text of an unforeseen error, so only its class and place are shown.
        output.bug(error)
        return 1


def _language(argv: Sequence[str]) -> str | None:
    """Return ``--lang``'s value before there is a parser: the help itself is translated."""
    for position, word in enumerate(argv):
        if word == "--lang" and position + 1 < len(argv):
            return argv[position + 1]
        if word.startswith("--lang="):
            return word.removeprefix("--lang=")
    return None


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Console entry point; SIGTERM ends a command as in order as SIGINT does."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(run(sys.argv[1:]))
