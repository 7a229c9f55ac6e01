"""Files that lie beside a request: the signed letter, the signed agreement."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from quipux_provision.domain.text import Finding, shown
from quipux_provision.i18n import _
from quipux_provision.store.agreement import SIZE_LIMIT, AgreementInvalid, check_signer, read_agreement


class Attached(NamedTuple):
    """What became of a file.

    :param content: its first bytes, as many as were asked for; None where the file is not good.
    """

    content: bytes | None
    findings: list[tuple[str, Finding]]


def check_letter(folder: Path, letter: Mapping[str, Any]) -> list[tuple[str, Finding]]:
    """Find what is wrong with the letter's file; pairs of field path and finding."""
    return _attached(folder, letter, "oficio").findings


def read_signed(folder: Path, source: Mapping[str, Any], today: date) -> Attached:
    """Read a citizen's agreement and find what is wrong with it.

    :param source: the good values of the request; any may be missing.
    """
    found = _attached(folder, source.get("acuerdo", {}), "acuerdo", SIZE_LIMIT + 1)
    if found.content is None:
        return found
    findings = list(_check_signed(found.content, source.get("ciudadano", {}).get("cedula"), today))
    good = all(finding.severity != "error" for finding in findings)
    return Attached(found.content if good else None, [("acuerdo.archivo", finding) for finding in findings])


def _check_signed(content: bytes, national_id: str | None, today: date) -> Iterator[Finding]:
    try:
        agreement = read_agreement(content)
    except AgreementInvalid as error:
        yield Finding("error", error.message, error.hint)
        return
    if any(signer.signed_at and signer.signed_at.date() > today for signer in agreement.signers):
        yield Finding(
            "warning",
            _("says that it was signed in the future"),
            _("check the clock of the computer that signed it"),
        )
    if national_id:
        yield from check_signer(agreement, national_id)


def _attached(folder: Path, values: Mapping[str, Any], section: str, wanted: int = 0) -> Attached:
    """Look at the file that ``archivo`` of a *section* names: below the request's folder, with its digest."""
    if not (name := values.get("archivo")):
        return Attached(None, [])
    folder = folder.resolve()

    def refused(key: str, message: str, hint: str) -> Attached:
        return Attached(None, [(f"{section}.{key}", Finding("error", message, hint))])

    try:
        file = (folder / name).resolve()
        if not file.is_relative_to(folder):
            return refused(
                "archivo",
                _("leads out of the folder of the request"),
                _("put the file itself beside the request"),
            )
        if not stat.S_ISREG(file.stat().st_mode):
            return refused("archivo", _("is no regular file"), _("name the signed file"))
        with file.open("rb") as opened:
            content = opened.read(wanted)
            hasher = hashlib.sha256(content)
            while block := opened.read(1024 * 1024):
                hasher.update(block)
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
        reason = getattr(error, "strerror", None) or type(error).__name__
        message = _("{file} can't be read: {reason}").format(file=shown(name), reason=reason)
        return refused("archivo", message, _("put it beside the request, and check its name"))
    digest = hasher.hexdigest()
    if digest != values.get("sha256", digest):
        return refused(
            "sha256",
            _("is not the digest of {file}").format(file=shown(name)),
            _("check that it is the right file; its digest is {digest}").format(digest=digest),
        )
    return Attached(content, [])
