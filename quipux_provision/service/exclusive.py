"""Steps that must not meet a run of the same case."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from quipux_provision.service.workspace import Workspace


@contextmanager
def alone(workspace: Workspace, name: str, reason: str) -> Iterator[None]:
    """Hold the locks of the case *name* in every environment.

    :raises Locked: a run of it is under way.
    """
    from quipux_provision.store import locks

    lifetime = workspace.settings.policy.lock_ttl
    with ExitStack() as stack:
        for environment in workspace.settings.environments:
            held = stack.enter_context(
                locks.acquire(workspace.ledger, environment, [name], lifetime, reason=reason)
            )
            if name in held.refused:
                raise held.refused[name]
        yield
