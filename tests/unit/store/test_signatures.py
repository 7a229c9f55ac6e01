"""Signatures by real ssh-keygen: every kind of key, and only the canonical bytes."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from quipux_provision.errors import GateClosed, UsageError
from quipux_provision.store import ssh
from quipux_provision.store.settings import Identity
from quipux_provision.store.signatures import APPROVAL, REQUEST, RUN, public_key, sign, signing_key, verify
from quipux_provision.store.signers import AllowedSigners
from tests.unit.store.support import KEY_TYPES, Office, make_key

NOW = datetime.now(UTC)
DATA = "Ñandú, céd. 2405999992\n".encode()


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An ssh-agent of this test; ends with it."""
    socket = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    # The socket's file is there a moment before anybody listens on it; 2 means that nobody answered.
    while subprocess.run(["ssh-add", "-l"], capture_output=True, check=False).returncode == 2:
        assert process.poll() is None
    yield socket
    process.terminate()
    process.wait()


@pytest.mark.parametrize("name", KEY_TYPES)
def test_every_kind_of_key_signs(office: Office, name: str) -> None:
    armour = sign(office.keys[name], RUN, DATA)
    assert verify(office.signers, RUN, DATA, armour, at=NOW) == name
    assert verify(office.signers, RUN, DATA, armour, at=NOW, principal=name) == name
    with pytest.raises(GateClosed, match="does not fit"):
        verify(office.signers, RUN, DATA + b" ", armour, at=NOW)
    with pytest.raises(GateClosed, match="not for quipux-provision-approval"):
        verify(office.signers, APPROVAL, DATA, armour, at=NOW)
    with pytest.raises(GateClosed, match="not by nobody"):
        verify(office.signers, RUN, DATA, armour, at=NOW, principal="nobody")


def test_a_strangers_signature_is_refused(office: Office, tmp_path: Path) -> None:
    armour = sign(make_key(tmp_path / "stranger"), RUN, DATA)
    with pytest.raises(GateClosed, match="nobody's"):
        verify(office.signers, RUN, DATA, armour, at=NOW)


def test_namespaces_and_dates_of_a_line_count(office: Office) -> None:
    key = office.keys["rosa"]
    public = key.with_name("rosa.pub").read_text()

    def limited(options: str) -> AllowedSigners:
        return AllowedSigners.parse(f"rosa {options} {public}".encode(), "allowed_signers")

    runs, requests = sign(key, RUN, DATA), sign(key, REQUEST, DATA)
    only_runs = limited(f'namespaces="{RUN}"')
    assert verify(only_runs, RUN, DATA, runs, at=NOW) == "rosa"
    with pytest.raises(GateClosed, match="may not sign"):
        verify(only_runs, REQUEST, DATA, requests, at=NOW)
    left = limited('valid-after="20260101",valid-before="20260601"')
    assert verify(left, RUN, DATA, runs, at=datetime(2026, 3, 1, tzinfo=UTC)) == "rosa"
    for moment in (datetime(2025, 12, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)):
        with pytest.raises(GateClosed, match="may not sign"):
            verify(left, RUN, DATA, runs, at=moment)


def test_what_was_loaded_is_what_verifies(office: Office) -> None:
    loaded = office.signers
    (office.folder / "allowed_signers").write_text("")
    assert verify(loaded, RUN, DATA, sign(office.keys["ana"], RUN, DATA), at=NOW) == "ana"


def _rearmoured(blob: bytes) -> str:
    text = base64.b64encode(blob).decode()
    lines = [text[at : at + 70] for at in range(0, len(text), 70)]
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""])


def _blob(armour: str) -> bytes:
    return base64.b64decode("".join(armour.splitlines()[1:-1]))


def _with_reserved_bytes(blob: bytes) -> bytes:
    """OpenSSH reads over that field, so it could hold anything."""
    at = blob.index(RUN.encode()) + len(RUN)
    assert blob[at : at + 4] == bytes(4)
    return blob[:at] + b"\0\0\0\x01x" + blob[at + 4 :]


def test_only_the_canonical_armour_is_accepted(office: Office, tmp_path: Path) -> None:
    armour = sign(office.keys["rosa"], RUN, DATA)
    assert _rearmoured(_blob(armour)) == armour
    lines = armour.splitlines()
    body = "".join(lines[1:-1])
    others = {
        "carriage returns": armour.replace("\n", "\r\n"),
        "no last newline": armour.removesuffix("\n"),
        "text before": "\n" + armour,
        "text after": armour + "x\n",
        "one line": "\n".join([lines[0], body, lines[-1], ""]),
        "spaces": armour.replace("\n", " \n"),
        "empty line": armour.replace("\n", "\n\n", 1),
        "trailing byte in the blob": _rearmoured(_blob(armour) + b"\0"),
        "bytes in the reserved field": _rearmoured(_with_reserved_bytes(_blob(armour))),
        "nothing": "",
        "no blob": lines[0] + "\n" + lines[-1] + "\n",
    }
    tolerated = 0
    for name, text in others.items():
        with pytest.raises(GateClosed, match="not an SSH signature"):
            verify(office.signers, RUN, DATA, text, at=NOW)
        (tmp_path / "other.sig").write_text(text)
        command = ["ssh-keygen", "-Y", "verify", "-n", RUN, "-I", "rosa", "-s", tmp_path / "other.sig"]
        command += ["-f", office.folder / "allowed_signers"]
        tolerated += subprocess.run(command, input=DATA, capture_output=True, check=False).returncode == 0
        assert name
    assert tolerated >= 3, "OpenSSH itself is strict: this test compares with nothing"


@pytest.mark.parametrize("name", KEY_TYPES)
def test_no_flipped_bit_of_a_signature_is_accepted(office: Office, name: str) -> None:
    signers = office.signers
    armour = sign(office.keys[name], APPROVAL, DATA).encode()
    blob = _blob(armour.decode())
    # The armour hides most of a blob's bits from flips; so the blob's own, too.
    flipped = [
        _rearmoured(blob[:at] + bytes([blob[at] ^ 1 << at % 8]) + blob[at + 1 :]) for at in range(len(blob))
    ]
    if name == "rosa":
        flipped += [
            (armour[:at] + bytes([armour[at] ^ 1 << bit]) + armour[at + 1 :]).decode("latin-1")
            for at in range(len(armour))
            for bit in (0, 3, 6)
        ]

    def accepted(text: str) -> bool:
        try:
            verify(signers, APPROVAL, DATA, text, at=NOW)
        except GateClosed:
            return False
        return True

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        assert sum(pool.map(accepted, flipped)) == 0
    assert accepted(armour.decode())


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    key.chmod(0o644)
    with pytest.raises(UsageError, match="others may read") as refused:
        sign(key, RUN, DATA)
    assert refused.value.hint == f"chmod 600 {key}"


def test_an_encrypted_key_without_a_terminal_does_not_hang(tmp_path: Path) -> None:
    key = make_key(tmp_path / "key", passphrase="hunter2-canary")
    with pytest.raises(UsageError, match="encrypted") as refused:
        sign(key, RUN, DATA)
    assert "ssh-add" in refused.value.hint
    assert public_key(key).text in key.with_name("key.pub").read_text(), "its public half needs no passphrase"


def test_a_terminal_behind_a_pipeline_is_not_asked(tmp_path: Path) -> None:
    """A CI runner may have a controlling terminal that nobody sits at."""
    key = make_key(tmp_path / "key", passphrase="hunter2-canary")
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from quipux_provision.errors import UsageError\n"
        "from quipux_provision.store.signatures import RUN, sign\n"
        "open('/dev/tty').close()\n"
        "try:\n"
        "    sign(Path(sys.argv[1]), RUN, b'x')\n"
        "except UsageError as error:\n"
        "    print(error.message)\n"
    )
    (tmp_path / "signs.py").write_text(script)
    inner = ["sh", "-c", '"$1" "$2" "$3" < /dev/null', "sh", sys.executable, tmp_path / "signs.py", key]
    spawn = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", spawn, *inner],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        check=False,
    )
    assert "is encrypted" in done.stdout, done


def test_an_askpass_program_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    askpass = tmp_path / "askpass"
    askpass.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\necho hunter2\n")
    askpass.chmod(0o755)
    for name, value in {"SSH_ASKPASS": askpass, "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0"}.items():
        monkeypatch.setenv(name, str(value))
    with pytest.raises(UsageError, match="encrypted"):
        sign(make_key(tmp_path / "key", passphrase="hunter2"), RUN, DATA)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [None, "no key\n", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
def test_a_key_that_is_none_is_named(tmp_path: Path, content: str | None) -> None:
    key = tmp_path / "key"
    if content is not None:
        key.write_text(content)
        key.chmod(0o600)
    with pytest.raises(UsageError, match=str(key)):
        sign(key, RUN, DATA)
    with pytest.raises(UsageError, match=str(key)):
        public_key(key)


def test_a_key_in_the_agent_signs(office: Office, agent: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no key to sign with") as refused:
        sign(None, RUN, DATA)
    assert "--key" in refused.value.hint
    subprocess.run(["ssh-add", "-q", office.keys["rosa"]], check=True, capture_output=True)
    assert verify(office.signers, RUN, DATA, sign(None, RUN, DATA), at=NOW) == "rosa"
    lonely = tmp_path / "elsewhere.pub"
    lonely.write_text(office.keys["rosa"].with_name("rosa.pub").read_text())
    assert verify(office.signers, RUN, DATA, sign(lonely, RUN, DATA), at=NOW) == "rosa"
    subprocess.run(["ssh-add", "-q", office.keys["ana"]], check=True, capture_output=True)
    with pytest.raises(UsageError, match="2 keys"):
        sign(None, RUN, DATA)
    lonely.write_text(office.keys["luis"].with_name("luis.pub").read_text())
    with pytest.raises(UsageError, match="does not offer"):
        sign(lonely, RUN, DATA)


def test_without_ssh_keygen_the_package_is_named(
    office: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="not installed") as refused:
        sign(office.keys["rosa"], RUN, DATA)
    assert "openssh-client" in refused.value.hint


def test_the_key_is_found_in_order(tmp_path: Path) -> None:
    option, variable, settings = (
        tmp_path / "option",
        tmp_path / "variable",
        Identity(key=tmp_path / "settings"),
    )
    environ = {"QUIPUX_PROVISION_KEY": str(variable)}
    assert signing_key(option, settings, environ) == option
    assert signing_key(None, settings, environ) == variable
    assert signing_key(None, settings, {}) == settings.key
    assert signing_key(None, Identity(), {}) is None


@pytest.mark.parametrize("name", KEY_TYPES)
def test_public_halves_and_fingerprints_are_openssh_s(office: Office, name: str) -> None:
    listed = subprocess.run(
        ["ssh-keygen", "-l", "-f", office.keys[name]], capture_output=True, text=True, check=True
    )
    assert ssh.public_key_of(office.keys[name]).fingerprint == listed.stdout.split()[1]


def test_an_old_pem_key_works(tmp_path: Path) -> None:
    key = make_key(tmp_path / "pem", "rsa", "-b", "2048", "-m", "PEM")
    expected = ssh.PublicKey.from_text(key.with_name("pem.pub").read_text())
    assert ssh.public_key_of(key) == expected
    key.with_name("pem.pub").unlink()
    assert ssh.public_key_of(key) == expected


def test_a_signature_from_the_future_of_a_line_does_not_count(office: Office) -> None:
    public = office.keys["rosa"].with_name("rosa.pub").read_text()
    begin = (NOW + timedelta(days=2)).strftime("%Y%m%d")
    later = AllowedSigners.parse(f'rosa valid-after="{begin}" {public}'.encode(), "allowed_signers")
    with pytest.raises(GateClosed, match="may not sign"):
        verify(later, RUN, DATA, sign(office.keys["rosa"], RUN, DATA), at=NOW)
