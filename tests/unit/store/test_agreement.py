"""Signed agreements: which are read, and what is said of those that are not."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from asn1crypto import algos, cms, core
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7

from quipux_provision.store.agreement import (
    SIZE_LIMIT,
    AgreementInvalid,
    check_signer,
    read_agreement,
)
from tests import agreements
from tests.agreements import CITIZEN, PDF, bundle, certificate, key, signer


def value(tag: int, body: bytes) -> bytes:
    """One value of DER."""
    size = len(body)
    count = (size.bit_length() + 7) // 8
    length = bytes([size]) if size < 128 else bytes([0x80 | count]) + size.to_bytes(count, "big")
    return bytes([tag]) + length + body


def open_value(tag: int, body: bytes) -> bytes:
    """One value of BER without a length, as BouncyCastle (and so FirmaEC) writes them."""
    return bytes([tag, 0x80]) + body + b"\0\0"


def in_pieces(pieces: list[bytes]) -> bytes:
    """An agreement as FirmaEC writes it: the PDF cut into pieces."""
    made = certificate()
    signed = signer(made, b"".join(pieces))
    octets = open_value(0x24, b"".join(value(4, piece) for piece in pieces))
    data = core.ObjectIdentifier("1.2.840.113549.1.7.1").dump()
    frame = open_value(0x30, data + open_value(0xA0, octets))
    digest = algos.DigestAlgorithm({"algorithm": "sha256"}).dump()
    parts = [core.Integer(1).dump(), value(0x31, digest), frame]
    parts += [value(0xA0, made.dump()), value(0x31, signed.dump())]
    kind = core.ObjectIdentifier("1.2.840.113549.1.7.2").dump()
    return open_value(0x30, kind + open_value(0xA0, open_value(0x30, b"".join(parts))))


def test_who_signed_what_and_when():
    data = agreements.agreement()
    found = read_agreement(data)
    assert (found.sha256, found.content_sha256) == (sha256(data).hexdigest(), sha256(PDF).hexdigest())
    (one,) = found.signers
    assert (one.name, one.national_id, one.serial) == (agreements.NAME, CITIZEN, "3e8")
    assert "ENTIDAD DE CERTIFICACION DE EJEMPLO" in one.issuer
    assert one.signed_at == agreements.SIGNED_AT
    assert one.digest_algorithm == "sha256"
    assert found.as_dict()["signers"][0]["signed_at"] == "2026-11-09T15:30:00Z"
    assert list(check_signer(found, CITIZEN)) == []


def test_pieces_as_firmaec_writes_them():
    content = PDF + b" " * 4000 + b"%%EOF"
    pieces = [content[at : at + 1000] for at in range(0, len(content), 1000)]
    assert read_agreement(in_pieces(pieces)).content_sha256 == sha256(content).hexdigest()


def test_what_another_library_signs_is_read():
    made = x509.load_der_x509_certificate(certificate().dump())
    builder = pkcs7.PKCS7SignatureBuilder().set_data(PDF).add_signer(made, key(), hashes.SHA512())
    data = builder.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])
    found = read_agreement(data)
    assert found.signers[0].digest_algorithm == "sha512"
    assert found.signers[0].national_id == CITIZEN


def test_elliptic_curve():
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ANA")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(7)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .sign(private, hashes.SHA256())
    )
    builder = pkcs7.PKCS7SignatureBuilder().set_data(PDF).add_signer(made, private, hashes.SHA256())
    data = builder.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])
    assert read_agreement(data).signers[0].name == "ANA"


@pytest.mark.parametrize("in_subject", [True, False])
def test_somebody_elses_signature(in_subject):
    found = read_agreement(agreements.agreement("2405999992", in_subject=in_subject))
    (finding,) = check_signer(found, CITIZEN)
    assert finding.severity == "error"
    assert "2405999992" in finding.message


def test_certificate_without_a_cedula_is_a_warning():
    (finding,) = check_signer(read_agreement(agreements.agreement(None)), CITIZEN)
    assert finding.severity == "warning"
    assert agreements.NAME in finding.message


def test_two_signers_of_whom_one_is_the_citizen():
    one, other = certificate(), certificate("2405999992", name="OTRO", number=1)
    found = read_agreement(bundle([signer(one), signer(other, number=1)], [one, other]))
    assert {who.national_id for who in found.signers} == {CITIZEN, "2405999992"}
    assert list(check_signer(found, CITIZEN)) == []


def forged() -> bytes:
    """The citizen's certificate, and the signature of another key."""
    made = certificate()
    return bundle([signer(made, number=1)], [made])


def tampered() -> bytes:
    data = agreements.agreement()
    return data.replace(b"Documento de ejemplo", b"Documento cambiado  ")


def attributes_changed() -> bytes:
    made = certificate()
    one = signer(made)
    text = one.dump().replace(b"261109153000Z", b"271109153000Z")
    return bundle([cms.SignerInfo.load(text)], [made])


def other_kind() -> bytes:
    return cms.ContentInfo({"content_type": "data", "content": PDF}).dump()


def nested() -> bytes:
    inner = agreements.agreement()
    made = certificate()
    return bundle([signer(made, inner)], [made], inner)


def of(content: bytes) -> bytes:
    made = certificate()
    return bundle([signer(made, content)], [made], content)


def weak_key() -> bytes:
    made = certificate(number=9, bits=1024)
    return bundle([signer(made, number=9, bits=1024)], [made])


def signed(**options: object) -> bytes:
    made = certificate()
    return bundle([signer(made, **options)], [made])


HOSTILE = {
    "empty": (lambda: b"", "structure is broken"),
    "text": (lambda: b"hola\n", "structure is broken"),
    "a PDF": (lambda: PDF, "structure is broken"),
    "PEM": (lambda: b"-----BEGIN PKCS7-----\nMIIB\n-----END PKCS7-----\n", "structure is broken"),
    "truncated": (lambda: agreements.agreement()[:-20], "structure is broken"),
    "cut in the PDF": (lambda: agreements.agreement()[:300], "structure is broken"),
    "two files in one": (lambda: agreements.agreement() * 2, "structure is broken"),
    "more behind it": (lambda: agreements.agreement() + b"\0", "structure is broken"),
    "no signature": (other_kind, "holds no signature"),
    "detached": (lambda: bundle([signer(certificate())], [certificate()], None), "without the agreement"),
    "no signer": (lambda: bundle([], [certificate()]), "nobody signed"),
    "no certificate": (lambda: bundle([signer(certificate())], []), "certificate"),
    "another's certificate": (
        lambda: bundle([signer(certificate())], [certificate(number=1)]),
        "the certificate of who signed it is not in it",
    ),
    "forged": (forged, "does not fit"),
    "PDF changed": (tampered, "another PDF"),
    "attributes changed": (attributes_changed, "does not fit"),
    "digest twice": (lambda: signed(twice=True), "message_digest twice"),
    "SHA-1": (lambda: signed(digest="sha1"), "sha1"),
    "weak key": (weak_key, "weak"),
    "no PDF": (lambda: of(b"PK\x03\x04 un documento"), "no PDF"),
    "half a PDF": (lambda: of(PDF[: len(PDF) // 2]), "no PDF"),
    "signed twice over": (nested, "no PDF"),
    "expired": (lambda: signed(at=datetime(2029, 5, 1, tzinfo=UTC)), "2026-01-01 to 2028-01-01"),
    "not valid yet": (lambda: signed(at=datetime(2025, 5, 1, tzinfo=UTC)), "2026-01-01 to 2028-01-01"),
    "too large": (lambda: of(PDF + b"\0" * SIZE_LIMIT + b"%%EOF"), "more than 5 MiB"),
    "endless nesting": (lambda: b"\x30\x80" * 200_000, "structure is broken"),
    "nested strings": (lambda: b"\x24\x80" * 200_000, "structure is broken"),
    "pieces without end": (lambda: in_pieces([b"%"] * 150_000), "structure is broken"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files(name):
    make, message = HOSTILE[name]
    data = make()
    start = time.monotonic()
    with pytest.raises(AgreementInvalid) as caught:
        read_agreement(data)
    assert time.monotonic() - start < 20
    assert message in caught.value.message
    assert caught.value.hint
    assert caught.value.message.isprintable()


def test_names_cannot_drive_the_terminal():
    found = read_agreement(agreements.agreement(name="ANA\x1b[2J\u202e\nEJEMPLO"))
    assert found.signers[0].name.isprintable()


def test_signature_without_a_time_is_measured_by_the_present():
    data = signed(at=None)
    assert read_agreement(data, datetime(2027, 1, 1, tzinfo=UTC)).signers[0].signed_at is None
    with pytest.raises(AgreementInvalid, match="not valid then"):
        read_agreement(data, datetime(2031, 1, 1, tzinfo=UTC))


def test_every_byte_that_changes_is_noticed():
    data = agreements.agreement()
    good = read_agreement(data)
    for at in range(0, len(data), 7):
        spoilt = data[:at] + bytes([data[at] ^ 0x41]) + data[at + 1 :]
        try:
            found = read_agreement(spoilt)
        except AgreementInvalid:
            continue
        # What lies outside the signature may differ (a version, say); what it vouches for may not.
        assert replace(found, sha256="", signers=()) == replace(good, sha256="", signers=())
        assert found.signers[0].signed_at == good.signers[0].signed_at
