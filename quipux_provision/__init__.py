"""Carry institutions through Ecuador's official Quipux implantation process."""

from __future__ import annotations

__version__ = "0.1.0"
