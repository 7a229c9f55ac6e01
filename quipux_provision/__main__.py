"""``python -m quipux_provision``."""

from __future__ import annotations

from quipux_provision.cli.main import main

main()
