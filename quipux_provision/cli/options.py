"""Options that many verbs share. Handlers are named, not imported, so that ``--help`` stays quick."""

from __future__ import annotations

import argparse
from pathlib import Path

from quipux_provision.i18n import _

Subparsers = argparse._SubParsersAction  # argparse gives no public name


def add_verb(
    verbs: Subparsers[argparse.ArgumentParser], name: str, handler: str, text: str, *, formats: bool = True
) -> argparse.ArgumentParser:
    verb = verbs.add_parser(name, help=text, description=text)
    verb.set_defaults(handler=handler)
    # Also after the verb, where people type them; SUPPRESS keeps what stood before it.
    verb.add_argument("--lang", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    verb.add_argument("--workspace", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    if formats:
        verb.add_argument("--format", choices=("text", "json"), default="text", help=_("form of the output"))
        verb.add_argument(
            "--junit",
            metavar="FILE",
            type=Path,
            help=_("also write the result there, as a JUnit report for CI"),
        )
    return verb


def add_cases(verb: argparse.ArgumentParser, text: str, count: str = "*") -> None:
    verb.add_argument("cases", metavar=_("CASE"), nargs=count, help=text)


def add_environment(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--environment", "-e", metavar="E", required=True, help=_("an environment of the settings file")
    )


def add_key(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--key",
        metavar="FILE",
        type=Path,
        help=_("SSH key to sign with (private key, or the .pub of a key in ssh-agent)"),
    )


def add_watch(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--verbose", "-v", action="count", default=0, help=_("show Ansible's output; repeat for more")
    )
