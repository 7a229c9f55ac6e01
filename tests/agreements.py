"""Signed agreements, made as a citizen would with FirmaEC; every key is made anew and thrown away."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache
from typing import Any

from asn1crypto import algos, cms, core
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID


def pdf(text: str) -> bytes:
    """Return a page with one line of *text*."""
    stream = f"BT /F1 14 Tf 60 760 Td ({text}) Tj ET".encode("latin-1")
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    ]
    page, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(b"%010d 00000 n \n" % len(page))
        page += b"%d 0 obj%sendobj\n" % (number, body)
    size = len(objects) + 1
    table = b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, b"".join(places))
    return page + table + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, len(page))


PDF = pdf("Acuerdo de uso de Quipux. Documento de ejemplo, con datos inventados.")
CITIZEN = "1059999993"
NAME = "ANA LUCIA EJEMPLO CHASI"
SIGNED_AT = datetime(2026, 11, 9, 15, 30, tzinfo=UTC)
_CEDULA = x509.ObjectIdentifier("1.3.6.1.4.1.37947.3.1")


def key(number: int = 0, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return a key; another one for every *number*."""
    return _key(number, bits)


@cache
def _key(_number: int, bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def certificate(
    national_id: str | None = CITIZEN,
    *,
    name: str = NAME,
    number: int = 0,
    bits: int = 2048,
    years: tuple[int, int] = (2026, 2028),
    in_subject: bool = False,
) -> asn1.Certificate:
    """Return a certificate that is its own issuer.

    :param in_subject: the cédula stands in the subject's serial number, not in the authority's extension.
    """
    attributes = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "EC"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "ENTIDAD DE CERTIFICACION DE EJEMPLO"),
        x509.NameAttribute(NameOID.COMMON_NAME, name),
    ]
    if in_subject and national_id:
        attributes.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, f"IDCEC-{national_id}"))
    subject = x509.Name(attributes)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key(number, bits).public_key())
        .serial_number(1000 + number)
        .not_valid_before(datetime(years[0], 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(years[1], 1, 1, tzinfo=UTC))
    )
    if national_id and not in_subject:
        value = core.UTF8String(national_id).dump()
        builder = builder.add_extension(x509.UnrecognizedExtension(_CEDULA, value), critical=False)
    made = builder.sign(key(number, bits), hashes.SHA256())
    return asn1.Certificate.load(made.public_bytes(serialization.Encoding.DER))


def signer(
    made: asn1.Certificate,
    content: bytes = PDF,
    *,
    number: int = 0,
    bits: int = 2048,
    at: datetime | None = SIGNED_AT,
    digest: str = "sha256",
    twice: bool = False,
) -> cms.SignerInfo:
    """Return the signature over *content* by the owner of the certificate *made*."""
    found = hashlib.new(digest, content).digest()
    attributes = [
        cms.CMSAttribute({"type": "content_type", "values": ["data"]}),
        cms.CMSAttribute({"type": "message_digest", "values": [found]}),
    ]
    if twice:
        attributes.append(cms.CMSAttribute({"type": "message_digest", "values": [b"0" * 32]}))
    if at:
        attributes.append(cms.CMSAttribute({"type": "signing_time", "values": [cms.Time({"utc_time": at})]}))
    signed = cms.CMSAttributes(attributes)
    hasher = getattr(hashes, digest.upper())()
    return cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                {
                    "issuer_and_serial_number": cms.IssuerAndSerialNumber(
                        {"issuer": made.issuer, "serial_number": made.serial_number}
                    )
                }
            ),
            "digest_algorithm": algos.DigestAlgorithm({"algorithm": digest}),
            "signed_attrs": signed,
            "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": "rsassa_pkcs1v15"}),
            "signature": key(number, bits).sign(signed.untag().dump(), padding.PKCS1v15(), hasher),
        }
    )


def bundle(
    signers: list[cms.SignerInfo], certificates: list[asn1.Certificate], content: bytes | None = PDF
) -> bytes:
    """Return a CMS file; without *content* the signature is detached."""
    frame: dict[str, Any] = {"content_type": "data"}
    if content is not None:
        frame["content"] = content
    data = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [algos.DigestAlgorithm({"algorithm": "sha256"})],
            "encap_content_info": frame,
            "certificates": [cms.CertificateChoices({"certificate": one}) for one in certificates],
            "signer_infos": signers,
        }
    )
    dumped: bytes = cms.ContentInfo({"content_type": "signed_data", "content": data}).dump()
    return dumped


def agreement(national_id: str | None = CITIZEN, **more: Any) -> bytes:
    """Return the agreement of the citizen with that cédula, as it should be."""
    made = certificate(national_id, **more)
    return bundle([signer(made, number=more.get("number", 0))], [made])
