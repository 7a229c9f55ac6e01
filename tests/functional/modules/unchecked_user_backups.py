"""Module user_backups without its own check of rights, so that a test sees what PostgreSQL refuses."""

from __future__ import annotations

from typing import Any

import unchecked_institution  # noqa: F401 (the script's own folder; does for the layout what this one does)
from ansible_collections.quipux.provision.plugins.module_utils import _user_backups
from ansible_collections.quipux.provision.plugins.modules.user_backups import main


def demand(*_arguments: Any) -> None:
    """As if nothing lacked."""


_user_backups.demand = demand

if __name__ == "__main__":
    main()
