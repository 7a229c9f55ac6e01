"""Module institution without its own check of rights, so that a test sees what PostgreSQL itself refuses."""

from __future__ import annotations

from typing import Any

from ansible_collections.quipux.provision.plugins.module_utils import _layout
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError
from ansible_collections.quipux.provision.plugins.modules.institution import main

_detect = _layout.detect


def detect(fetch: Any, rights: Any = _layout.PROVISION) -> _layout.Layout:
    """The layout, as if no right lacked."""
    layout = _detect(fetch, rights)
    if not layout.permissions:
        raise CallError("the permissions could not be read")
    return layout._replace(missing_rights=[])


_layout.detect = detect

if __name__ == "__main__":
    main()
