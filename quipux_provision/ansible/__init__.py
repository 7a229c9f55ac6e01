"""The only room that knows Ansible: arguments, environment, vars file, run, events folded to an Outcome."""

from __future__ import annotations
