"""Module citizen without its own check of rights, so that a test sees what PostgreSQL itself refuses."""

from __future__ import annotations

import unchecked_institution  # noqa: F401 (the script's own folder; does for the layout what this one does)
from ansible_collections.quipux.provision.plugins.modules.citizen import main

if __name__ == "__main__":
    main()
