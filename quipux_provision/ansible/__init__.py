"""The only room that knows Ansible: argument list, environment, vars file, run, and events folded to an Outcome."""

from __future__ import annotations
