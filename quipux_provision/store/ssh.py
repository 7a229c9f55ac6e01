"""SSH keys and OpenSSH's tools, called so that nothing ever waits for an answer that nobody gives."""

from __future__ import annotations

import base64
import binascii
import os
import stat
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from quipux_provision.errors import UsageError
from quipux_provision.i18n import _

KEY_TYPES = (
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
_SMALLEST_RSA_BITS = 2048
_TIMEOUT_SECONDS = 30.0
_PRIVATE_MAGIC = b"openssh-key-v1\0"
_PRIVATE_HEAD = "-----BEGIN OPENSSH PRIVATE KEY-----"
_PRIVATE_TAIL = "-----END OPENSSH PRIVATE KEY-----"


@dataclass(frozen=True)
class PublicKey:
    """A public key by its wire form; two with the same blob are the same key."""

    type: str
    blob: bytes

    @classmethod
    def from_blob(cls, blob: bytes) -> PublicKey:
        """Read the wire form.

        :raises ValueError: it is no key that may sign here; the text says why.
        """
        reader = WireReader(blob)
        kind = reader.string().decode("ascii", "replace")
        if kind not in KEY_TYPES:
            raise ValueError(_("keys of type {type} are not accepted").format(type=kind))
        parts = [reader.string()]
        while not reader.at_end:
            parts.append(reader.string())
        if kind == "ssh-rsa":
            bits = int.from_bytes(parts[-1], "big").bit_length()
            if bits < _SMALLEST_RSA_BITS:
                raise ValueError(
                    _("an RSA key of {bits} bits is too short, it needs {least}").format(
                        bits=bits, least=_SMALLEST_RSA_BITS
                    )
                )
        return cls(kind, blob)

    @classmethod
    def from_text(cls, text: str) -> PublicKey:
        """Read the line of a ``.pub`` file.

        :raises ValueError: it is no such line; the text says why.
        """
        fields = text.split()
        if text.startswith("-----BEGIN"):
            raise ValueError(_("this is a private key; give the .pub file"))
        if len(fields) < 2 or len(text.strip().splitlines()) != 1:
            raise ValueError(_("this is not one line with an OpenSSH public key"))
        try:
            blob = base64.b64decode(fields[1], validate=True)
        except (binascii.Error, ValueError):
            raise ValueError(_("the key's base64 text is damaged")) from None
        if base64.b64encode(blob).decode() != fields[1]:
            raise ValueError(_("the key's base64 text is damaged"))
        key = cls.from_blob(blob)
        if key.type != fields[0]:
            raise ValueError(_("the key says {said} and is {found}").format(said=fields[0], found=key.type))
        return key

    @property
    def fingerprint(self) -> str:
        """``SHA256:...`` as OpenSSH prints it."""
        return "SHA256:" + base64.b64encode(sha256(self.blob).digest()).decode().rstrip("=")

    @property
    def text(self) -> str:
        """Type and base64, as in a ``.pub`` file, without a comment."""
        return f"{self.type} {base64.b64encode(self.blob).decode()}"


class WireReader:
    """Reads the length-prefixed strings of SSH's wire form; ValueError when they do not fit."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def at_end(self) -> bool:
        """Whether everything was read."""
        return self._at == len(self._data)

    def take(self, count: int) -> bytes:
        """Return the next *count* bytes."""
        if count > len(self._data) - self._at:
            raise ValueError(_("the data ends too early"))
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self) -> int:
        """Return the next unsigned 32-bit number."""
        value: int = struct.unpack(">I", self.take(4))[0]
        return value

    def string(self) -> bytes:
        """Return the next length-prefixed string."""
        return self.take(self.number())


def public_key_of(key: Path) -> PublicKey:
    """Return the public half of *key*: a private key file, or a ``.pub`` whose other half is in ssh-agent.

    An encrypted private key is not opened for it.

    :raises UsageError: the file is missing or holds no key.
    """
    text = _read_key(key)
    try:
        if text.startswith(_PRIVATE_HEAD):
            return _public_half(text)
        if not text.startswith("-----BEGIN"):
            return PublicKey.from_text(text)
        beside = key.with_name(key.name + ".pub")
        if beside.exists():
            return PublicKey.from_text(beside.read_text("utf-8"))
        return PublicKey.from_text(run(["ssh-keygen", "-y", "-P", "", "-f", str(key)]).stdout.decode())
    except (ValueError, OSError) as error:
        raise UsageError(
            _("{path} holds no usable SSH key: {reason}").format(path=key, reason=error),
            _("make one with ssh-keygen -t ed25519, or give another with --key"),
        ) from None


def check_private(key: Path) -> None:
    """Refuse a private key that is missing or that others may read.

    :raises UsageError: so it is.
    """
    if not _read_key(key).startswith("-----BEGIN"):
        return
    if stat.S_IMODE(key.stat().st_mode) & 0o077:
        raise UsageError(
            _("others may read the private key {path}").format(path=key),
            _("chmod 600 {path}").format(path=key),
        )


def agent_keys() -> list[PublicKey]:
    """Return the keys that ssh-agent offers; none when no agent runs."""
    if not os.environ.get("SSH_AUTH_SOCK"):
        return []
    listed = run(["ssh-add", "-L"])
    keys = []
    for line in listed.stdout.decode("utf-8", "replace").splitlines() if listed.returncode == 0 else []:
        try:
            keys.append(PublicKey.from_text(line))
        except ValueError:
            continue  # a certificate or an old type: not for us
    return keys


def run(command: Sequence[str], data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run one of OpenSSH's tools with *data* on its standard input.

    Where standard input is no terminal the tool gets none either, so that a passphrase is never asked in CI.

    :raises UsageError: the tool is missing or gave no answer in time.
    """
    ask = sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()
    hidden = {"SSH_ASKPASS", "DISPLAY", "WAYLAND_DISPLAY"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment |= {"LC_ALL": "C", "SSH_ASKPASS_REQUIRE": "never"}
    try:
        return subprocess.run(
            list(command),
            input=data,
            capture_output=True,
            env=environment,
            timeout=None if ask else _TIMEOUT_SECONDS,
            start_new_session=not ask,
            check=False,
        )
    except FileNotFoundError:
        raise UsageError(
            _("{program} is not installed").format(program=command[0]),
            _("install OpenSSH's client: apt install openssh-client"),
        ) from None
    except subprocess.TimeoutExpired:
        raise UsageError(
            _("{program} gave no answer in {seconds:g} s").format(
                program=command[0], seconds=_TIMEOUT_SECONDS
            ),
            _("run the command on a terminal, or load the key into ssh-agent"),
        ) from None


@contextmanager
def private_folder() -> Iterator[Path]:
    """Give a folder that only we can read, and remove it."""
    with tempfile.TemporaryDirectory(prefix="quipux-provision-") as folder:
        yield Path(folder)


def _read_key(key: Path) -> str:
    try:
        return key.read_text("utf-8")
    except FileNotFoundError:
        raise UsageError(
            _("there is no key {path}").format(path=key),
            _("make one with ssh-keygen -t ed25519, or give another with --key"),
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else _("it is not text")
        raise UsageError(
            _("cannot read the key {path}: {reason}").format(path=key, reason=reason),
            _("give another with --key"),
        ) from None


def _public_half(text: str) -> PublicKey:
    body = text.strip().removeprefix(_PRIVATE_HEAD).removesuffix(_PRIVATE_TAIL)
    blob = base64.b64decode("".join(body.split()), validate=True)
    if not blob.startswith(_PRIVATE_MAGIC):
        raise ValueError(_("the private key's format is not known"))
    reader = WireReader(blob[len(_PRIVATE_MAGIC) :])
    for _part in ("cipher", "key derivation", "its options"):
        reader.string()
    if reader.number() != 1:
        raise ValueError(_("the file holds several keys"))
    return PublicKey.from_blob(reader.string())
