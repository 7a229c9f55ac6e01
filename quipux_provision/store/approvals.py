"""Approval documents: ``approvals/<case>/<environment>-<decision>-<nonce8>.json`` and ``.sig`` beside it.

A document that decides many cases lies once, in ``approvals/_varios/``: no case can be called so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from quipux_provision.domain.approval import ApprovalDocument
from quipux_provision.errors import GateClosed, UsageError
from quipux_provision.i18n import _
from quipux_provision.store.files import signature_of, write_whole
from quipux_provision.store.signatures import Signature

FOLDER = "approvals"
MANY = "_varios"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_LARGEST_BYTES = 5_000_000


def document_path(document: ApprovalDocument) -> Path:
    """Return where a document lies below the folder of all approvals.

    :raises GateClosed: a case or the environment is no plain name.
    """
    cases = [decided.case for decided in document.cases]
    if not all(_NAME.fullmatch(name) for name in (*cases, document.environment)):
        raise GateClosed(
            _("the approval names no plain case or environment"),
            _("ask its author for the file that quipux-provision approve wrote"),
        )
    folder = cases[0] if len(cases) == 1 else MANY
    return Path(folder) / f"{document.environment}-{document.decision}-{document.nonce[:8]}.json"


def write_document(
    workspace: Path, document: ApprovalDocument, armour: str, *, folder: Path | None = None
) -> Path:
    """Write the document and its signature.

    :param folder: where to write instead of the workspace's ``approvals/``.
    :returns: the document's path.
    :raises UsageError: a file can't be written.
    """
    path = (workspace / FOLDER if folder is None else folder) / document_path(document)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The signature first: a document never stands there without it.
        write_whole(signature_of(path), armour.encode("utf-8"))
        write_whole(path, document.to_bytes())
    except OSError as error:
        raise UsageError(
            _("cannot write {path}: {reason}").format(path=path, reason=error.strerror),
            _("correct the permissions of the folder, then run: quipux-provision approvals export"),
        ) from None
    return path


def read_document(path: Path) -> tuple[bytes, str]:
    """Return a document's bytes and its signature; both are canonical, neither is verified.

    :param path: the document, or the signature beside it.
    :raises GateClosed: a file's bytes are not canonical.
    :raises UsageError: a file is missing.
    """
    document = path.with_suffix("") if path.suffix == ".sig" else path
    data = _read(document)
    armour = _read(signature_of(document))
    try:
        ApprovalDocument.from_bytes(data)
        text = armour.decode("ascii", "replace")
        Signature.parse(text)
    except GateClosed as error:
        raise GateClosed(f"{document}: {error.message}", error.hint) from None
    return data, text


def read_documents(paths: Sequence[Path]) -> list[tuple[bytes, str]]:
    """Return the documents at *paths*, files or folders of them, each document once.

    :raises UsageError: a path holds none.
    :raises GateClosed: one is not canonical.
    """
    found: dict[tuple[bytes, str], None] = {}
    for path in paths:
        documents = sorted(_documents(path))
        if not documents:
            raise UsageError(
                _("there is no approval in {path}").format(path=path),
                _("name the .json file that quipux-provision approve wrote, or its folder"),
            )
        found |= {read_document(document): None for document in documents}
    return list(found)


def _documents(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for signature in path.rglob("*.sig"):
        yield signature.with_suffix("")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise UsageError(
            _("cannot read {path}: {reason}").format(path=path, reason=error.strerror),
            _("an approval is two files, .json and .json.sig; copy both"),
        ) from None
    if len(data) > _LARGEST_BYTES:
        raise GateClosed(
            _("{path} is too large for an approval").format(path=path),
            _("ask its author for the file that quipux-provision approve wrote"),
        )
    return data
