"""An office with real keys, and the place where a ledger lies."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from quipux_provision.store.ledger import Ledger
from quipux_provision.store.signatures import sign, verify
from quipux_provision.store.signers import AllowedSigners

KEY_TYPES = {"rosa": ["ed25519"], "luis": ["rsa", "-b", "3072"], "ana": ["ecdsa", "-b", "256"]}


@dataclass
class Office:
    """A folder with the keys of three people and their allowed_signers."""

    folder: Path
    keys: dict[str, Path] = field(default_factory=dict)

    @property
    def signers(self) -> AllowedSigners:
        return AllowedSigners.load("allowed_signers", self.folder)

    def signer(self, name: str) -> Callable[[str, bytes], tuple[str, str]]:
        """What checkpoints.write asks for."""

        def sign_as(namespace: str, data: bytes) -> tuple[str, str]:
            armour = sign(self.keys[name], namespace, data)
            return verify(self.signers, namespace, data, armour, at=datetime.now(UTC)), armour

        return sign_as


def make_key(path: Path, *options: str, passphrase: str = "") -> Path:
    """Make a key pair; the first option is the type."""
    kind, *more = options or ("ed25519",)
    command = ["ssh-keygen", "-q", "-t", kind, *more, "-N", passphrase, "-C", path.name, "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


@dataclass
class Place:
    """Where a ledger lies; `open` opens it like any process would."""

    url: str
    workspace: Path
    password: str | None = None
    run: Callable[[str], None] = lambda _statement: None

    def open(self, **options: Callable[[], datetime]) -> Ledger:
        return Ledger.open(self.url, self.workspace, password=self.password, **options)
