# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. The plan digest: what an approval is about. The driver compares it as text only."""

from __future__ import annotations

import hashlib
import json
import typing as t

FORMAT = "quipux-provision-plan/1"


def plan_digest(
    case: str, binding: dict[str, t.Any], database: dict[str, t.Any], changes: list[dict[str, t.Any]]
) -> str:
    """SHA-256 (hex) of the canonical JSON of what would change, where, and by whose code."""
    document = {
        "format": FORMAT,
        "case": case,
        "environment": binding.get("environment") or "",
        "target": {
            "hosts": sorted(binding.get("hosts") or []),
            "database": database["name"],
            "system_identifier": database["system_identifier"],
        },
        "request_digest": binding.get("request_digest") or "",
        "collection_digest": binding.get("collection_digest") or "",
        "changes": sorted(changes, key=lambda line: (line["object"], line["key"], line["field"])),
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
