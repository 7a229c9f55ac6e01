"""A plan: what one run would change for one case in one environment, and its digest.

The module ``quipux.provision.institution`` computes the same digest inside its transaction, so that an
approval binds exactly what will be written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quipux_provision.domain.canonical import digest

FORMAT = "quipux-provision-plan/1"


@dataclass(frozen=True)
class Target:
    """Where a plan would be carried out: host names of the inventory and one database."""

    hosts: tuple[str, ...]
    database: str
    system_identifier: str

    def as_dict(self) -> dict[str, Any]:
        """Return the target as it stands in the plan's digest."""
        return {
            "hosts": sorted(self.hosts),
            "database": self.database,
            "system_identifier": self.system_identifier,
        }


@dataclass(frozen=True)
class Plan:
    """The changes of one case; each change is ``{object, key, field, before, after}``."""

    case: str
    environment: str
    target: Target
    request_digest: str
    collection_digest: str
    changes: Sequence[Mapping[str, Any]]

    @property
    def pending(self) -> bool:
        """Whether carrying it out would change anything."""
        return bool(self.changes)

    @property
    def digest(self) -> str:
        """SHA-256 of the plan's canonical JSON."""
        return digest(
            {
                "format": FORMAT,
                "case": self.case,
                "environment": self.environment,
                "target": self.target.as_dict(),
                "request_digest": self.request_digest,
                "collection_digest": self.collection_digest,
                "changes": [dict(change) for change in self.changes],
            }
        )
