# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. Connections that died runs left in the server: awaited, then ended."""

from __future__ import annotations

import time

from ansible_collections.quipux.provision.plugins.module_utils._connection import (
    Busy,
    Lost,
    Rejected,
    Session,
)
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError

PATIENCE = 5.0  # seconds; a statement that was under way may still finish by itself
_PAUSE = 0.1
_OURS = (
    "FROM pg_catalog.pg_stat_activity WHERE application_name = ANY(%s) AND usename = current_user "
    "AND datname = current_database() AND pid <> pg_catalog.pg_backend_pid()"
)


def end_runs(session: Session, names: list[str], patience: float = PATIENCE) -> None:
    """Wait until no connection called one of *names* is left, and end what is left after *patience* seconds.

    :raises CallError: a connection does not end.
    """
    try:
        for what in ("count(*)", "count(pg_catalog.pg_terminate_backend(pid))"):
            end = time.monotonic() + patience
            while session.fetch(f"SELECT {what} {_OURS}", (names,))[0][0]:
                if time.monotonic() >= end:
                    break
                time.sleep(_PAUSE)
            else:
                return
    except (Busy, Lost, Rejected) as error:
        raise CallError(f"cannot look for connections of earlier runs: {error}") from None
    raise CallError("a connection of an earlier run does not end; end it by hand: pg_terminate_backend")
