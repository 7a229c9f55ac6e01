"""Compare a ledger with what was kept elsewhere: signed checkpoints, and the heads in mails."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from quipux_provision.errors import ProvisionError
from quipux_provision.i18n import _
from quipux_provision.store import checkpoints as points
from quipux_provision.store.checkpoints import Checkpoint
from quipux_provision.store.findings import Finding
from quipux_provision.store.signers import AllowedSigners


def of_files(paths: Iterable[Path], signers: AllowedSigners) -> tuple[list[Checkpoint], list[Finding]]:
    """Return the checkpoints in files whose signatures hold, and what is wrong with the others."""
    anchors, findings = [], []
    for path in paths:
        try:
            anchor = points.read(path)
            points.check_signature(anchor, signers)
        except ProvisionError as error:
            findings.append(invalid(path.name, error))
        else:
            anchors.append(anchor)
    return anchors, findings


def invalid(name: str, error: ProvisionError) -> Finding:
    """Return the finding for a checkpoint that cannot be used."""
    message = _("checkpoint {name}: {reason}").format(name=name, reason=error.message)
    return Finding("checkpoint_invalid", message)


def compare(hashes: Sequence[str], ledger_id: str | None, anchors: Iterable[Checkpoint]) -> Iterator[Finding]:
    """Compare the hashes of all events, in order, with what *anchors* knew."""
    heads: dict[int, dict[str, str]] = defaultdict(dict)
    for anchor in anchors:
        name = Path(anchor.source).name
        if anchor.ledger_id not in (None, ledger_id):
            message = _("checkpoint {name} is of another ledger, or this ledger was begun anew")
            yield Finding("forked", message.format(name=name))
            continue
        heads[anchor.count][anchor.head] = name
        if anchor.count > len(hashes):
            message = _("checkpoint {name} knew {count} events, the ledger has {present}: its end was cut")
            yield Finding("cut", message.format(name=name, count=anchor.count, present=len(hashes)))
        elif anchor.count and hashes[anchor.count - 1] != anchor.head:
            message = _("the ledger's first {count} events are not those of checkpoint {name}: rewritten")
            yield Finding("rewritten", message.format(name=name, count=anchor.count), seq=anchor.count)
    for count, named in sorted(heads.items()):
        if len(named) > 1:
            message = _("checkpoints {names} tell of different ledgers of {count} events: a fork")
            yield Finding("forked", message.format(names=", ".join(sorted(named.values())), count=count))
