"""Signatures of people: ``ssh-keygen -Y``, over canonical armour only.

OpenSSH reads armour with spaces, other line lengths and loose base64; one signature would have many byte
forms. So the armour must be the very bytes that OpenSSH writes; then ssh-keygen is the authority.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from quipux_provision.errors import GateClosed, UsageError
from quipux_provision.i18n import _
from quipux_provision.store import ssh

if TYPE_CHECKING:
    from quipux_provision.store.settings import Identity
    from quipux_provision.store.signers import AllowedSigners

REQUEST = "quipux-provision-request"
RUN = "quipux-provision-run"
APPROVAL = "quipux-provision-approval"
CHECKPOINT = "quipux-provision-checkpoint"
DOSSIER = "quipux-provision-dossier"

_BEGIN = "-----BEGIN SSH SIGNATURE-----\n"
_END = "-----END SSH SIGNATURE-----\n"
_COLUMNS = 70
_MAGIC = b"SSHSIG"
_HASHES = (b"sha512", b"sha256")
_LONGEST_ARMOUR = 16384


@dataclass(frozen=True)
class Signature:
    """What an armoured signature says about itself; nothing of it is proven before :func:`verify`."""

    namespace: str
    key: ssh.PublicKey

    @classmethod
    def parse(cls, armour: str) -> Signature:
        """Read canonical armour.

        :raises GateClosed: it is not what ``ssh-keygen -Y sign`` writes, byte for byte.
        """
        try:
            blob = _blob(armour)
            reader = ssh.WireReader(blob)
            if reader.take(len(_MAGIC)) != _MAGIC or reader.number() != 1:
                raise ValueError
            key = ssh.PublicKey.from_blob(reader.string())
            namespace = reader.string().decode("ascii")
            if reader.string() != b"" or reader.string() not in _HASHES:
                raise ValueError
            inner = ssh.WireReader(reader.string())
            if not reader.at_end or not inner.string() or not inner.string():
                raise ValueError
            if not inner.at_end and not key.type.startswith("sk-"):
                raise ValueError
        except (ValueError, binascii.Error):
            raise GateClosed(
                _("this is not an SSH signature, or its bytes were changed"),
                _("ask its author for the .sig file that quipux-provision wrote"),
            ) from None
        return cls(namespace, key)


def signing_key(
    option: Path | None, identity: Identity, environ: Mapping[str, str] = os.environ
) -> Path | None:
    """Return the key to sign with: ``--key``, ``QUIPUX_PROVISION_KEY``, settings; None: ssh-agent's."""
    if option is not None:
        return option.expanduser()
    if named := environ.get("QUIPUX_PROVISION_KEY"):
        return Path(named).expanduser()
    return identity.key


def public_key(key: Path | None) -> ssh.PublicKey:
    """Return the public half of the key that :func:`sign` would use.

    :param key: as for :func:`sign`.
    :raises UsageError: there is none, or ssh-agent offers several.
    """
    if key is not None:
        return ssh.public_key_of(key)
    offered = ssh.agent_keys()
    if len(offered) == 1:
        return offered[0]
    if offered:
        message = _("ssh-agent offers {count} keys").format(count=len(offered))
    else:
        message = _("there is no key to sign with")
    raise UsageError(message, _("name yours with --key FILE, QUIPUX_PROVISION_KEY or identity.key"))


def sign(key: Path | None, namespace: str, data: bytes) -> str:
    """Return the armoured signature of *data*.

    :param key: a private key file; a ``.pub`` whose other half is in ssh-agent; None: the agent's only key.
    :raises UsageError: the key is missing, open to others, or encrypted with nobody there to ask.
    """
    if key is not None:
        ssh.check_private(key)
        return _sign(key, namespace, data)
    with ssh.private_folder() as folder:
        offered = folder / "agent.pub"
        offered.write_text(public_key(None).text + "\n", "utf-8")
        return _sign(offered, namespace, data)


def verify(
    signers: AllowedSigners,
    namespace: str,
    data: bytes,
    armour: str,
    *,
    at: datetime,
    principal: str | None = None,
) -> str:
    """Return the principal who signed *data*.

    :param at: when the signature must have been allowed, aware.
    :param principal: who must have signed; None: whoever the key belongs to.
    :raises GateClosed: it is not canonical, not valid, for another use, or its key is not theirs.
    """
    signature = Signature.parse(armour)
    if signature.namespace != namespace:
        raise GateClosed(
            _("the signature is for {found}, not for {expected}").format(
                found=signature.namespace, expected=namespace
            ),
            _("sign again with the command that this step asks for"),
        )
    owner = signers.principal_of(signature.key)
    if owner is None:
        raise GateClosed(
            _("the signing key {fingerprint} is nobody's in {source}").format(
                fingerprint=signature.key.fingerprint, source=signers.source
            ),
            _("quipux-provision signers add NAME KEY.pub"),
        )
    if principal is not None and owner != principal:
        raise GateClosed(
            _("this was signed by {owner}, not by {principal}").format(owner=owner, principal=principal),
            _("it must be signed with a key of {principal}").format(principal=principal),
        )
    _ask_ssh_keygen(signers, owner, namespace, at, data=data, armour=armour)
    return owner


def _sign(key: Path, namespace: str, data: bytes) -> str:
    done = ssh.run(["ssh-keygen", "-Y", "sign", "-f", str(key), "-n", namespace], data)
    armour = done.stdout.decode("utf-8", "replace")
    if done.returncode == 0 and armour:
        Signature.parse(armour)
        return armour
    problem = done.stderr.decode("utf-8", "replace")
    if "passphrase" in problem:
        raise UsageError(
            _("the key {path} is encrypted and its passphrase was not given").format(path=key),
            _("load it into ssh-agent (ssh-add {path}), then run again").format(path=key),
        )
    if key.suffix == ".pub":
        raise UsageError(
            _("ssh-agent does not offer the key {path}").format(path=key),
            _("load it: ssh-add {path}").format(path=key.with_suffix("")),
        )
    raise UsageError(
        _("ssh-keygen cannot sign with {path}: {reason}").format(path=key, reason=_last_line(problem)),
        _("try: ssh-keygen -Y sign -n test -f {path}").format(path=key),
    )


def _ask_ssh_keygen(
    signers: AllowedSigners, owner: str, namespace: str, at: datetime, *, data: bytes, armour: str
) -> None:
    with ssh.private_folder() as folder:
        allowed, signature = folder / "allowed_signers", folder / "signature"
        # The very bytes that were loaded and hashed, whatever happens to the file meanwhile.
        allowed.write_bytes(signers.content)
        signature.write_text(armour, "utf-8")
        moment = at.astimezone().strftime("%Y%m%d%H%M%S")
        command = ["ssh-keygen", "-Y", "verify", "-f", str(allowed), "-I", owner, "-n", namespace]
        done = ssh.run([*command, "-s", str(signature), "-O", f"verify-time={moment}"], data)
    if done.returncode != 0:
        problem = (done.stderr + done.stdout).decode("utf-8", "replace")
        if "incorrect signature" in problem:
            raise GateClosed(
                _("the signature of {owner} does not fit what it should sign").format(owner=owner),
                _("ask {owner} to sign again").format(owner=owner),
            )
        raise GateClosed(
            _("{owner} may not sign this: {reason}").format(owner=owner, reason=_last_line(problem)),
            _("look at namespaces=, valid-after= and valid-before= of {owner} in {source}").format(
                owner=owner, source=signers.source
            ),
        )


def _blob(armour: str) -> bytes:
    if len(armour) > _LONGEST_ARMOUR or not armour.startswith(_BEGIN) or not armour.endswith(_END):
        raise ValueError
    blob = base64.b64decode(armour[len(_BEGIN) : -len(_END)].replace("\n", ""), validate=True)
    text = base64.b64encode(blob).decode()
    lines = "".join(text[at : at + _COLUMNS] + "\n" for at in range(0, len(text), _COLUMNS))
    if _BEGIN + lines + _END != armour:
        raise ValueError
    return blob


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else _("no reason given")
