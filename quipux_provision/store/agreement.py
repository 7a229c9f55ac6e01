"""The signed agreement of a citizen: a CMS file (.p7m) with a PDF in it, read strictly.

Structure, digest, signature and the certificate's dates are checked. No chain is built up to a root: we keep
no list of Ecuador's certification authorities, so who issued the certificate is shown to the approver.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from quipux_provision.domain.approval import format_time
from quipux_provision.domain.text import Finding, shown
from quipux_provision.errors import RequestInvalid
from quipux_provision.i18n import _

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

SIZE_LIMIT = 5 * 1024 * 1024
MEDIA_TYPE = "application/pkcs7-mime"
_FRAME_LIMIT = 256 * 1024  # certificates, and signatures: what lies around the PDF
_CHUNK_LIMIT = 100_000
_CHUNK_WINDOW = 64 * 1024
_SIGNER_LIMIT = 10
_DIGESTS = ("sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512")


class AgreementInvalid(RequestInvalid):
    """The file is no agreement that somebody signed."""


@dataclass(frozen=True)
class Signer:
    """Who signed, by the certificate.

    :param national_id: cédula, None where the certificate has none.
    :param serial: of the certificate, hex.
    :param signed_at: what the signature says of its time; nobody but the signer vouches for it.
    """

    name: str
    national_id: str | None
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    signed_at: datetime | None
    digest_algorithm: str
    certificate_sha256: str

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON, times as in the ledger."""
        found = asdict(self)
        for key in ("not_before", "not_after", "signed_at"):
            found[key] = format_time(found[key]) if found[key] else None
        return found


@dataclass(frozen=True)
class Agreement:
    """What a good file holds: its signatures fit the PDF in it and the certificates beside it.

    :param sha256: of the file.
    :param content_sha256: of the PDF.
    """

    sha256: str
    content_sha256: str
    signers: tuple[Signer, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        signers = [signer.as_dict() for signer in self.signers]
        return {"sha256": self.sha256, "content_sha256": self.content_sha256, "signers": signers}


def read_agreement(data: bytes, now: datetime | None = None) -> Agreement:
    """Read a CMS file, DER or BER.

    :param now: moment for the dates of a certificate whose signature does not say when it was made; UTC.
    :raises AgreementInvalid: it is no CMS, holds no PDF, or a signature or a certificate does not fit.
    """
    from asn1crypto import cms

    if len(data) > SIZE_LIMIT:
        raise AgreementInvalid(
            _("has more than {limit} MiB").format(limit=SIZE_LIMIT // 1024**2),
            _("scan the agreement with fewer dots an inch, and sign it again"),
        )
    try:
        info = cms.ContentInfo.load(data, strict=True)
        if info["content_type"].native != "signed_data":
            raise _no_cms(_("it holds no signature"))
        signed = info["content"]
        content = _content(signed)
        certificates, signers = _certificates(signed), _signers(signed)
        found = [_signer(signer, certificates, content, now or datetime.now(UTC)) for signer in signers]
    # What asn1crypto raises for bytes that are no ASN.1, or other than the standard says.
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError):
        raise _no_cms(_("its structure is broken")) from None
    return Agreement(hashlib.sha256(data).hexdigest(), hashlib.sha256(content).hexdigest(), tuple(found))


def check_signer(agreement: Agreement, national_id: str) -> Iterator[Finding]:
    """Compare who signed with the citizen's cédula."""
    known = {signer.national_id for signer in agreement.signers if signer.national_id}
    names = ", ".join(signer.name for signer in agreement.signers)
    if known and national_id not in known:
        yield Finding(
            "error",
            _("was signed by somebody else: {names} ({ids})").format(
                names=names, ids=", ".join(sorted(known))
            ),
            _("the citizen has to sign it with a certificate of his or her own"),
        )
    elif not known:
        yield Finding(
            "warning",
            _("was signed with a certificate without a cédula: {names}").format(names=names),
            _("check that this is the citizen"),
        )


def _no_cms(reason: str) -> AgreementInvalid:
    return AgreementInvalid(
        _("is no signed file (.p7m): {reason}").format(reason=reason),
        _("sign the PDF with FirmaEC as .p7m and name that file"),
    )


def _content(signed: Any) -> bytes:
    """Return the PDF that lies in the signed data."""
    from asn1crypto.core import Void

    frame = signed["encap_content_info"]
    if frame["content_type"].native != "data":
        raise _no_cms(_("what was signed is no plain file"))
    if isinstance(frame["content"], Void):
        raise AgreementInvalid(
            _("holds a signature alone, without the agreement"),
            _("sign it again such that the PDF is in the .p7m (not detached)"),
        )
    content = _joined(frame["content"])
    if not content.startswith(b"%PDF-") or b"%%EOF" not in content[-2048:]:
        raise AgreementInvalid(
            _("holds no PDF, or only a part of one"), _("sign the agreement as a PDF, without changing it")
        )
    return content


def _joined(value: Any) -> bytes:
    """Return the bytes of an octet string, which BER may cut into pieces."""
    from asn1crypto import parser

    contents: bytes = value.contents
    if value.method == 0:
        return contents
    pieces: list[bytes] = []
    at = 0
    while at < len(contents):
        try:
            piece = parser.parse(contents[at : at + _CHUNK_WINDOW])
        except ValueError:
            piece = parser.parse(contents[at:])
        _class, method, tag, header, body, trailer = piece
        if (method, tag) != (0, 4) or len(pieces) >= _CHUNK_LIMIT:
            raise _no_cms(_("its structure is broken"))
        pieces.append(body)
        at += len(header) + len(body) + len(trailer)
    return b"".join(pieces)


def _certificates(signed: Any) -> list[Any]:
    found = signed["certificates"]
    if found.contents is None or len(found.contents) > _FRAME_LIMIT:
        raise _no_cms(_("it holds no certificate, or too many"))
    return [choice.chosen for choice in found if choice.name == "certificate"]


def _signers(signed: Any) -> list[Any]:
    found = signed["signer_infos"]
    if len(found.contents) > _FRAME_LIMIT or not 0 < len(found) <= _SIGNER_LIMIT:
        raise _no_cms(_("nobody signed it, or too many did"))
    return list(found)


def _signer(info: Any, certificates: list[Any], content: bytes, now: datetime) -> Signer:
    certificate = _certificate_of(info["sid"], certificates)
    algorithm = str(info["digest_algorithm"]["algorithm"].native)
    if algorithm not in _DIGESTS:
        raise AgreementInvalid(
            _("was signed with {algorithm}, which can be forged or is not known here").format(
                algorithm=_line(algorithm)
            ),
            _("sign it again with FirmaEC (SHA-256 or stronger)"),
        )
    attributes = _attributes(info)
    _check_attributes(attributes, algorithm, content)
    signed_at = attributes["signing_time"].native if "signing_time" in attributes else None
    data = info["signed_attrs"].untag().dump() if attributes else content
    if not _fits(info, certificate, algorithm, data):
        raise AgreementInvalid(
            _("has a signature that does not fit: it was forged, or the file was changed"),
            _("ask for the file as it was signed"),
        )
    validity = certificate["tbs_certificate"]["validity"]
    start, end = validity["not_before"].native, validity["not_after"].native
    if not start <= (signed_at or now) <= end:
        raise AgreementInvalid(
            _("was signed with a certificate that was not valid then: it was from {start} to {end}").format(
                start=f"{start:%Y-%m-%d}", end=f"{end:%Y-%m-%d}"
            ),
            _("sign it again with a valid certificate"),
        )
    return Signer(
        name=_name(certificate.subject),
        national_id=_national_id(certificate),
        issuer=_name(certificate.issuer, "organization_name"),
        serial=f"{certificate.serial_number:x}",
        not_before=start,
        not_after=end,
        signed_at=signed_at,
        digest_algorithm=algorithm,
        certificate_sha256=hashlib.sha256(certificate.dump()).hexdigest(),
    )


def _certificate_of(sid: Any, certificates: list[Any]) -> Any:
    for one in certificates:
        if sid.name == "issuer_and_serial_number":
            if (one.issuer, one.serial_number) == (sid.chosen["issuer"], sid.chosen["serial_number"].native):
                return one
        elif one.key_identifier == sid.native:
            return one
    raise _no_cms(_("the certificate of who signed it is not in it"))


def _attributes(info: Any) -> Mapping[str, Any]:
    """Return the signed attributes, each with its only value."""
    if info["signed_attrs"].native is None:
        return {}
    found: dict[str, Any] = {}
    for attribute in info["signed_attrs"]:
        kind = str(attribute["type"].native)
        if kind in found:
            raise _no_cms(_("it says {attribute} twice").format(attribute=_line(kind)))
        if kind in ("content_type", "message_digest", "signing_time"):
            (found[kind],) = attribute["values"]
    return found


def _check_attributes(attributes: Mapping[str, Any], algorithm: str, content: bytes) -> None:
    if not attributes:
        return
    if attributes["content_type"].native != "data":
        raise _no_cms(_("what was signed is no plain file"))
    if attributes["message_digest"].native != hashlib.new(algorithm, content).digest():
        raise AgreementInvalid(
            _("holds another PDF than the one that was signed"), _("ask for the file as it was signed")
        )


def _fits(info: Any, certificate: Any, algorithm: str, data: bytes) -> bool:
    """Whether the signature over *data* was made with the certificate's key."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.x509 import load_der_x509_certificate

    try:
        _verify(info, load_der_x509_certificate(certificate.dump()), algorithm, data)
    except InvalidSignature:
        return False
    except UnsupportedAlgorithm:
        raise _unknown_signature(info) from None
    return True


def _verify(info: Any, certificate: Certificate, algorithm: str, data: bytes) -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

    digest: hashes.HashAlgorithm = getattr(hashes, algorithm.upper())()
    key, signature = certificate.public_key(), info["signature"].native
    kind = info["signature_algorithm"].signature_algo
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048 and kind == "rsassa_pkcs1v15":
        key.verify(signature, data, padding.PKCS1v15(), digest)
    elif isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048 and kind == "rsassa_pss":
        key.verify(signature, data, padding.PSS(padding.MGF1(digest), padding.PSS.AUTO), digest)
    elif isinstance(key, ec.EllipticCurvePublicKey) and kind == "ecdsa":
        key.verify(signature, data, ec.ECDSA(digest))
    elif isinstance(key, ed25519.Ed25519PublicKey) and kind == "ed25519":
        key.verify(signature, data)
    else:
        raise _unknown_signature(info)


def _unknown_signature(info: Any) -> AgreementInvalid:
    kind = _line(str(info["signature_algorithm"]["algorithm"].native))
    return AgreementInvalid(
        _("has a signature that can't be checked here, or is weak: {kind}").format(kind=kind),
        _("sign it again with FirmaEC (RSA of 2048 bits or more, or an elliptic curve)"),
    )


def _national_id(certificate: Any) -> str | None:
    """Return the cédula: Ecuador's authorities write it in an extension <theirs>.3.1, or in the subject."""
    from stdnum.ec import ci

    texts = [
        extension["extn_value"].contents
        for extension in certificate["tbs_certificate"]["extensions"]
        if re.fullmatch(r"1\.3\.6\.1\.4\.1\.[0-9.]+\.3\.1", extension["extn_id"].dotted)
    ]
    texts.append(str(certificate.subject.native.get("serial_number", "")).encode("utf-8"))
    for text in texts:
        for found in re.findall(rb"(?<![0-9])[0-9]{10}(?![0-9])", text):
            if ci.is_valid(found.decode("ascii")):
                return str(found.decode("ascii"))
    return None


def _name(name: Any, *more: str) -> str:
    """Return what *name* is called, with *more* of it."""
    native = name.native
    parts = [str(native[key]) for key in ("common_name", *more) if native.get(key)]
    return ", ".join(map(_line, parts)) or _line(name.human_friendly)


def _line(text: str) -> str:
    """Return *text*, which a stranger wrote, such that it can stand in one line."""
    return shown(" ".join(text.split()))
