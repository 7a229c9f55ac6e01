"""Who may sign: OpenSSH's allowed_signers file, read more strictly than OpenSSH reads it.

One person is one principal, named in plain letters; a key belongs to one principal only.
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from quipux_provision.errors import UsageError
from quipux_provision.i18n import _
from quipux_provision.store import ssh

_PRINCIPAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_NAMESPACE = re.compile(r"!?[A-Za-z0-9*?._@-]+")
_OPTION = re.compile(r'([a-z-]+)(?:=("[^"]*"|[^",]*))?(?:,|$)', re.IGNORECASE)
_MOMENT = re.compile(r"(\d{8}|\d{12}|\d{14})Z?")
_GIT = re.compile(r"git:(?P<remote>[A-Za-z0-9][\w.-]*)/(?P<branch>[A-Za-z0-9][\w./-]*):(?P<path>[^:]+)")
_GIT_TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Signer:
    """One line of the file.

    :param namespaces: patterns of what the key may sign, empty: everything.
    :param valid_after: as written in the file, ``YYYYMMDD[HHMM[SS]][Z]``; ssh-keygen judges it.
    """

    principal: str
    key: ssh.PublicKey
    namespaces: tuple[str, ...] = ()
    valid_after: str | None = None
    valid_before: str | None = None
    comment: str = ""


@dataclass(frozen=True)
class AllowedSigners:
    """A loaded file: its bytes, and where they came from."""

    source: str
    content: bytes
    signers: tuple[Signer, ...]

    @classmethod
    def load(cls, spec: str, workspace: Path) -> AllowedSigners:
        """Load from a path (relative to *workspace*) or from ``git:REMOTE/BRANCH:PATH`` of its repository.

        :raises UsageError: it can't be read, or breaks a rule; the text names the line.
        """
        if spec.startswith("git:"):
            content = _from_git(spec, workspace)
            return cls.parse(content, spec)
        path = workspace / Path(spec).expanduser()
        try:
            return cls.parse(path.read_bytes(), str(path))
        except OSError as error:
            raise UsageError(
                _("cannot read the signers file {path}: {reason}").format(path=path, reason=error.strerror),
                _("quipux-provision signers add NAME KEY.pub, or correct identity.signers in the settings"),
            ) from None

    @classmethod
    def parse(cls, content: bytes, source: str) -> AllowedSigners:
        """Read the bytes of a file.

        :raises UsageError: a line breaks a rule.
        """
        try:
            lines = content.decode("utf-8").split("\n")
        except UnicodeDecodeError:
            raise _refused(source, 1, _("the file is not UTF-8 text")) from None
        signers: list[Signer] = []
        owners: dict[bytes, str] = {}
        for number, line in enumerate(lines, start=1):
            text = line.strip(" \t")
            if not text or text.startswith("#"):
                continue
            try:
                signer = _signer(text)
            except ValueError as error:
                raise _refused(source, number, str(error)) from None
            if signer.key.blob in owners:
                owner = owners[signer.key.blob]
                if owner != signer.principal:
                    reason = _("this key is already {owner}'s; one key is one person's").format(owner=owner)
                else:
                    reason = _("this key of {owner} stands twice").format(owner=owner)
                raise _refused(source, number, reason)
            owners[signer.key.blob] = signer.principal
            signers.append(signer)
        return cls(source, content, tuple(signers))

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the file's bytes, in hex."""
        return sha256(self.content).hexdigest()

    @property
    def principals(self) -> tuple[str, ...]:
        """The people, in the file's order."""
        return tuple(dict.fromkeys(signer.principal for signer in self.signers))

    def principal_of(self, key: ssh.PublicKey) -> str | None:
        """Return whose key it is."""
        return next((signer.principal for signer in self.signers if signer.key.blob == key.blob), None)

    def keys_of(self, principal: str) -> tuple[Signer, ...]:
        """Return the lines of one person."""
        return tuple(signer for signer in self.signers if signer.principal == principal)

    def may(self, principal: str, namespace: str) -> bool:
        """Return whether a key of *principal* is meant for *namespace*; a verified signature counts."""
        return any(_matches(signer.namespaces, namespace) for signer in self.keys_of(principal))


def add(path: Path, name: str, public_key: str, namespaces: Sequence[str] | None = None) -> Signer:
    """Append a person's key; the file (0644) is made when it is missing.

    :param public_key: the line of the ``.pub`` file.
    :param namespaces: what the key may sign, None: everything.
    :raises UsageError: bad name or key, or the key is there already; the file is unchanged.
    """
    line = check(name, public_key, namespaces)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise UsageError(
            _("cannot write {path}: {reason}").format(path=path, reason=error.strerror),
            _("ask whoever keeps the signers file to add the key"),
        ) from None
    with os.fdopen(descriptor, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        before = file.read()
        if before and not before.endswith(b"\n"):
            line = "\n" + line
        after = AllowedSigners.parse(before + line.encode("utf-8"), str(path))
        file.write(line.encode("utf-8"))
        file.flush()
        os.fsync(file.fileno())
    return after.signers[-1]


def check(name: str, public_key: str, namespaces: Sequence[str] | None = None) -> str:
    """Return the line that :func:`add` would write.

    :raises UsageError: bad name or key.
    """
    try:
        return _line(name, public_key, namespaces)
    except ValueError as error:
        raise UsageError(
            _("cannot add {name}: {reason}").format(name=name, reason=error),
            _("quipux-provision signers add NAME KEY.pub; NAME like rosa.ejemplo"),
        ) from None


def writable_by_me(path: Path) -> bool:
    """Return whether the user who runs can change the file, or put another in its place."""
    real = path.resolve()
    effective = os.access in os.supports_effective_ids
    return any(os.access(one, os.W_OK, effective_ids=effective) for one in (real, real.parent))


def _line(name: str, public_key: str, namespaces: Sequence[str] | None) -> str:
    key = ssh.PublicKey.from_text(public_key)
    _check_principal(name)
    options = f'namespaces="{",".join(namespaces)}" ' if namespaces else ""
    line = f"{name} {options}{key.text}"
    _signer(line)
    return line + "\n"


def _signer(text: str) -> Signer:
    principal, _space, rest = text.partition(" ")
    _check_principal(principal)
    rest = rest.strip()
    options: dict[str, str] = {}
    if rest.split(" ", 1)[0] not in ssh.KEY_TYPES:
        options, rest = _options(rest)
    fields = rest.split(None, 2)
    key = ssh.PublicKey.from_text(" ".join(fields[:2]))
    return Signer(
        principal=principal,
        key=key,
        namespaces=_namespaces(options),
        valid_after=_moment(options, "valid-after"),
        valid_before=_moment(options, "valid-before"),
        comment=fields[2] if len(fields) > 2 else "",
    )


def _check_principal(principal: str) -> None:
    if "," in principal or principal.startswith('"'):
        raise ValueError(_("one person is one name; write one line for each key"))
    if any(sign in principal for sign in "*?!"):
        raise ValueError(_("patterns are not accepted as a name"))
    if not _PRINCIPAL.fullmatch(principal):
        raise ValueError(_("a name is letters a-z, digits and . _ @ + - without accents"))


def _options(text: str) -> tuple[dict[str, str], str]:
    # The options end at the first space outside quotes.
    end, quoted = 0, False
    while end < len(text) and (quoted or text[end] not in " \t"):
        quoted ^= text[end] == '"'
        end += 1
    found: dict[str, str] = {}
    at = 0
    while at < end:
        match = _OPTION.match(text[:end], at)
        if not match:
            raise ValueError(_("the options cannot be read"))
        name = match[1].lower()
        if name == "cert-authority":
            raise ValueError(_("certificate authorities are not accepted; name each person's key"))
        if name not in ("namespaces", "valid-after", "valid-before") or not match[2] or name in found:
            raise ValueError(_("the option {name} is not accepted here").format(name=name))
        found[name] = match[2].strip('"')
        at = match.end()
    return found, text[end:].strip()


def _namespaces(options: dict[str, str]) -> tuple[str, ...]:
    if "namespaces" not in options:
        return ()
    names = tuple(options["namespaces"].split(","))
    if not all(_NAMESPACE.fullmatch(name) for name in names):
        raise ValueError(_("namespaces= is a list of names with commas between"))
    return names


def _moment(options: dict[str, str], name: str) -> str | None:
    value = options.get(name)
    if value is not None and not _MOMENT.fullmatch(value):
        raise ValueError(_("{name}= is a date like 20261103").format(name=name))
    return value


def _matches(patterns: tuple[str, ...], namespace: str) -> bool:
    if any(pattern[0] == "!" and fnmatchcase(namespace, pattern[1:]) for pattern in patterns):
        return False
    return not patterns or any(fnmatchcase(namespace, pattern) for pattern in patterns)


def _from_git(spec: str, workspace: Path) -> bytes:
    match = _GIT.fullmatch(spec)
    if not match or ".." in match["branch"]:
        raise UsageError(
            _("{spec} is not of the form git:REMOTE/BRANCH:PATH").format(spec=spec),
            _("write, for example, git:origin/main:allowed_signers in identity.signers"),
        )
    # The full name of the remote's branch: a local tag or branch of the same name must not stand in for it.
    name = f"refs/remotes/{match['remote']}/{match['branch']}:{match['path']}"
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(workspace), "--no-replace-objects", "show", "--no-textconv", name],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=clean | {"LC_ALL": "C"},
            timeout=_GIT_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        done = None
    if done is None or done.returncode != 0:
        raise UsageError(
            _("git cannot show {spec}").format(spec=spec),
            _("in the workspace: git fetch {remote}, then git show {name}").format(
                remote=match["remote"], name=name
            ),
        )
    return done.stdout


def is_what_the_remote_has(spec: str, workspace: Path) -> bool | None:
    """Return whether *spec*'s branch is here what the remote has; None: the remote does not answer."""
    match = _GIT.fullmatch(spec)
    if not match:
        return None
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environ = clean | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}
    ref = f"refs/remotes/{match['remote']}/{match['branch']}"
    heads = []
    for command in (
        ["rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}"],
        ["ls-remote", "--exit-code", match["remote"], f"refs/heads/{match['branch']}"],
    ):
        try:
            done = subprocess.run(
                ["git", "-C", str(workspace), "--no-replace-objects", *command],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=environ,
                timeout=_GIT_TIMEOUT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        if done.returncode != 0:
            return None
        heads.append(done.stdout.split()[0])
    return heads[0] == heads[1]


def _refused(source: str, line: int, reason: str) -> UsageError:
    return UsageError(
        f"{source}:{line}: {reason}",
        _("correct that line; one line is: NAME ssh-ed25519 AAAA... comment"),
    )
