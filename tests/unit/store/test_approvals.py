"""Approval documents as files: canonical bytes only, whole or not at all."""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from quipux_provision.domain.approval import NAMESPACE, ApprovalDocument, CaseDecision
from quipux_provision.errors import GateClosed, ProvisionError, UsageError
from quipux_provision.store import approvals
from quipux_provision.store.signatures import sign, verify
from tests.unit.store.support import Office

NOW = datetime.now(UTC).replace(microsecond=0)


def document(*cases: str, nonce: str = "0123456789abcdef") -> ApprovalDocument:
    return ApprovalDocument(
        ledger_id="c0ffee",
        environment="production",
        cases=tuple(CaseDecision(case, 1, "a" * 8, "b" * 8) for case in cases or ("inej",)),
        decision="approve",
        reason="revisé las actividades",
        issued_at=NOW,
        expires_at=NOW + timedelta(days=7),
        nonce=nonce,
    )


def signed(office: Office, one: ApprovalDocument) -> str:
    return sign(office.keys["rosa"], NAMESPACE, one.to_bytes())


@pytest.mark.parametrize(("cases", "folder"), [(("inej",), "inej"), (("inej", "otro"), "_varios")])
def test_a_document_is_kept_once(office: Office, cases: tuple[str, ...], folder: str) -> None:
    one = document(*cases)
    armour = signed(office, one)
    path = approvals.write_document(office.folder, one, armour)
    assert path == office.folder / "approvals" / folder / "production-approve-01234567.json"
    assert approvals.read_document(path) == (one.to_bytes(), armour)
    assert approvals.read_document(path.with_name(path.name + ".sig")) == (one.to_bytes(), armour)
    assert not list(office.folder.rglob("*.part"))
    assert approvals.read_documents([office.folder / "approvals"]) == [(one.to_bytes(), armour)]
    # Whoever has only OpenSSH can verify it by hand.
    command = ["ssh-keygen", "-Y", "verify", "-n", NAMESPACE, "-I", "rosa", "-s", f"{path}.sig"]
    command += ["-f", str(office.folder / "allowed_signers")]
    subprocess.run(command, input=one.to_bytes(), check=True, capture_output=True)


def test_documents_travel_in_a_folder_or_alone(office: Office, tmp_path: Path) -> None:
    first, second = document("inej"), document("otro", nonce="fedcba9876543210")
    target = tmp_path / "usb"
    for one in (first, second):
        approvals.write_document(office.folder, one, signed(office, one), folder=target)
    assert [data for data, _armour in approvals.read_documents([target])] == [
        first.to_bytes(),
        second.to_bytes(),
    ]
    alone = target / "otro/production-approve-fedcba98.json"
    assert [data for data, _armour in approvals.read_documents([alone, alone])] == [second.to_bytes()]
    assert not (office.folder / "approvals").exists()


def test_what_is_not_there_is_named(office: Office, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no approval in"):
        approvals.read_documents([tmp_path / "empty"])
    with pytest.raises(UsageError, match="cannot read"):
        approvals.read_documents([tmp_path / "nothing.json"])
    one = document()
    path = approvals.write_document(office.folder, one, signed(office, one))
    path.with_name(path.name + ".sig").unlink()
    with pytest.raises(UsageError, match=r"\.sig") as refused:
        approvals.read_document(path)
    assert "copy both" in refused.value.hint


@pytest.mark.parametrize("case", ["../../etc", "/etc/x", "a/b", ".", "", "Ñ", "x" * 64])
def test_a_case_is_no_path(office: Office, tmp_path: Path, case: str) -> None:
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(GateClosed, match="no plain case"):
        approvals.write_document(office.folder, document(case), "", folder=tmp_path / "x")
    assert sorted(tmp_path.rglob("*")) == before
    with pytest.raises(GateClosed, match="no plain case"):
        approvals.document_path(replace(document("inej"), environment=case))


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data + b"\n",
        lambda data: b" " + data,
        lambda data: data.replace(b'":', b'": ', 1),
        lambda data: data.replace(b'"decision":"approve"', b'"decision":"reject","decision":"approve"'),
        lambda data: data.replace(b'"round":1', b'"round":1.0'),
        lambda data: data.replace("é".encode(), b"\\u00e9"),
        lambda data: data.replace(b'"round":1', b'"extra":0,"round":1'),
        lambda data: data[:-1],
        lambda data: b"",
        lambda data: b"[" * 100_000,
        lambda data: b"\xef\xbb\xbf" + data,
    ],
)
def test_only_canonical_bytes_are_read(office: Office, change: object) -> None:
    one = document()
    path = approvals.write_document(office.folder, one, signed(office, one))
    other = change(one.to_bytes())  # type: ignore[operator]
    assert other != one.to_bytes()
    path.write_bytes(other)
    with pytest.raises(GateClosed, match="not an approval document"):
        approvals.read_document(path)


def test_a_huge_file_is_refused(office: Office) -> None:
    one = document()
    path = approvals.write_document(office.folder, one, signed(office, one))
    os.truncate(path, 6_000_000)
    with pytest.raises(GateClosed, match="too large"):
        approvals.read_document(path)


def test_no_flipped_bit_of_document_or_signature_is_accepted(office: Office, tmp_path: Path) -> None:
    one = document()
    path = approvals.write_document(office.folder, one, signed(office, one))
    signers = office.signers

    def accepted(name: str, which: str, at: int, bit: int) -> bool:
        folder = tmp_path / name
        folder.mkdir()
        for suffix in ("", ".sig"):
            shutil.copy(f"{path}{suffix}", folder / f"x.json{suffix}")
        victim = folder / f"x.json{which}"
        data = bytearray(victim.read_bytes())
        data[at] ^= 1 << bit
        victim.write_bytes(data)
        try:
            content, armour = approvals.read_document(folder / "x.json")
            verify(signers, NAMESPACE, content, armour, at=NOW)
        except ProvisionError:
            return False
        finally:
            shutil.rmtree(folder)
        return True

    flips = [
        (f"{which}{at}-{bit}", which, at, bit)
        for which in ("", ".sig")
        for at in range(Path(f"{path}{which}").stat().st_size)
        for bit in (0, 4, 7)
    ]
    assert len(flips) > 1500
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        assert sum(pool.map(lambda flip: accepted(*flip), flips)) == 0
    content, armour = approvals.read_document(path)
    assert verify(signers, NAMESPACE, content, armour, at=NOW) == "rosa"
