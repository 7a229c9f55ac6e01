"""Known secrets are taken out of every text that leaves a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from urllib.parse import quote

_MASK = "********"


def redactor(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return a function that masks *secrets*, as they are and as JSON, Python or a URL would write them."""
    forms = {
        form
        for secret in secrets
        if secret
        for form in (
            secret,
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
            repr(secret)[1:-1],
            quote(secret, safe=""),
        )
    }
    ordered = sorted(forms, key=len, reverse=True)

    def redact(text: str) -> str:
        for form in ordered:
            text = text.replace(form, _MASK)
        return text

    return redact
