"""Ecuador's identifiers: RUC, cédula, telephone numbers, e-mail, sigla.

Each ``check_*`` takes the text as it stands in the request and yields what is wrong with it. Check digits are
python-stdnum's. A RUC whose check digit fails is only warned about, as the SRI gives out such numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from quipux_provision.domain.text import Finding, check_characters
from quipux_provision.i18n import _

_PROVINCE = "(?:0[1-9]|1[0-9]|2[0-4]|30|50)"  # 30: registered abroad; 50: as python-stdnum has it
_SEPARATOR = "[ .()-]*"
_PREFIX = rf"(?:\(?0|\+593{_SEPARATOR})"

RUC_PATTERN = rf"^{_PROVINCE}[0-69][0-9]{{7}}(?!000)[0-9]{{3}}$"
NATIONAL_ID_PATTERN = rf"^{_PROVINCE}[0-6][0-9]{{7}}$"
PHONE_PATTERN = rf"^{_PREFIX}(?:[2-7](?:{_SEPARATOR}[0-9]){{7}}|9(?:{_SEPARATOR}[0-9]){{8}})$"
MOBILE_PATTERN = rf"^{_PREFIX}9(?:{_SEPARATOR}[0-9]){{8}}$"
EXTENSION_PATTERN = "^[0-9]{1,6}$"
ACRONYM_PATTERN = "^[A-Z0-9]{2,10}$"
EMAIL_PATTERN = (
    r"^(?=.{6,254}$)(?=[^@]{1,64}@)[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$"
)
SHA256_PATTERN = "^[0-9a-f]{64}$"

_PERSONAL_MAIL = frozenset(
    {
        "gmail.com",
        "hotmail.com",
        "hotmail.es",
        "outlook.com",
        "outlook.es",
        "yahoo.com",
        "yahoo.es",
        "live.com",
        "icloud.com",
    }
)

RucKind = Literal["natural", "public", "private"]


def check_ruc(value: str) -> Iterator[Finding]:
    """Check a RUC: digits, province, third digit and suffix are errors; check digit and kind are warnings."""
    from stdnum.ec import ruc
    from stdnum.exceptions import ValidationError

    if findings := list(_check_number(value, 13, "78")):
        yield from findings
        return
    if value.endswith("000"):
        yield Finding("error", _("ends in 000, which no RUC does"), _("copy it from the RUC certificate"))
        return
    try:
        ruc.validate(value)
    except ValidationError:
        yield Finding(
            "warning",
            _("the check digit of RUC {value} does not fit; some real RUCs are so").format(value=value),
            _("look the number up at the SRI (srienlinea.sri.gob.ec)"),
        )
    kind = ruc_kind(value)
    if kind != "public":
        owner = _("a natural person") if kind == "natural" else _("a private company")
        yield Finding(
            "warning",
            _("RUC {value} is that of {owner}; a public institution's has 6 as third digit").format(
                value=value, owner=owner
            ),
            _("check it against the RUC certificate"),
        )


def ruc_kind(value: str) -> RucKind:
    """Say whose RUC *value* is, by its third digit; a 6 may be a foreigner's cédula with 001 behind it."""
    from stdnum.ec import ci

    if value[2] == "9":
        return "private"
    if value[2] != "6":
        return "natural"
    weights = (3, 2, 7, 6, 5, 4, 3, 2, 1)
    if sum(weight * int(digit) for weight, digit in zip(weights, value[:9], strict=True)) % 11 == 0:
        return "public"
    return "natural" if ci.is_valid(value[:10]) and value.endswith("001") else "public"


def check_national_id(value: str) -> Iterator[Finding]:
    """Check a cédula: 10 digits, province, third digit and check digit."""
    from stdnum.ec import ci

    if findings := list(_check_number(value, 10, "789")):
        yield from findings
    elif not ci.is_valid(value):
        yield Finding(
            "error",
            _("{value} is no cédula: its check digit does not fit").format(value=value),
            _("copy the 10 digits from the cédula"),
        )
    elif value[2] == "6":
        yield Finding(
            "warning",
            _("cédula {value} has the third digit 6 of foreigners, which Quipux's own form refuses").format(
                value=value
            ),
            _("check it against the document; that form can edit it only as another kind of document"),
        )


def _check_number(value: str, length: int, impossible_third: str) -> Iterator[Finding]:
    """Check what RUC and cédula have in common: number of digits, province, third digit."""
    if findings := list(check_characters(value)):
        yield from findings
        return
    if not re.fullmatch("[0-9]+", value):
        yield Finding(
            "error",
            _("has something else than digits"),
            _("write its {length} digits alone").format(length=length),
        )
    elif len(value) != length:
        yield Finding(
            "error",
            _("has {count} digits in place of {length}").format(count=len(value), length=length),
            _("write all {length} digits, leading zero included").format(length=length),
        )
    elif not re.match(_PROVINCE, value):
        yield Finding(
            "error",
            _("begins with {province}, which is no province").format(province=value[:2]),
            _("the first two digits are 01 to 24, 30 or 50; copy the number from the document"),
        )
    elif value[2] in impossible_third:
        yield Finding(
            "error",
            _("has {digit} as third digit, which none has").format(digit=value[2]),
            _("copy the number from the document"),
        )


def check_phone(value: str) -> Iterator[Finding]:
    """Check a telephone number of Ecuador, a landline by preference."""
    if findings := list(check_characters(value)):
        yield from findings
    elif re.search("ext|x|#", value, re.IGNORECASE):
        yield Finding(
            "error",
            _("has an extension in it"),
            _("write the number alone; an extension has a key of its own in administrador: extension"),
        )
    elif re.match(r"\D*1[ -]?[78]00", value):
        yield Finding(
            "error", _("is a service line (1800, 1700)"), _('write a landline such as "02 2999999"')
        )
    elif not re.match(PHONE_PATTERN, value) or value.endswith("\n"):
        yield Finding(
            "error",
            _("is no telephone number of Ecuador"),
            _('write area code and 7 digits, such as "02 2999999" or "+593 2 299 9999"'),
        )
    elif phone_to_e164(value).startswith("+5939"):
        yield Finding("warning", _("is a mobile number"), _("give a landline (02 to 07) if there is one"))


def check_mobile(value: str) -> Iterator[Finding]:
    """Check a mobile number of Ecuador."""
    if findings := list(check_characters(value)):
        yield from findings
    elif not re.match(MOBILE_PATTERN, value) or value.endswith("\n"):
        yield Finding(
            "error",
            _("is no mobile number of Ecuador"),
            _('write 09 and 8 digits, such as "0991234567"'),
        )


def check_extension(value: str) -> Iterator[Finding]:
    """Check an extension: 1 to 6 digits."""
    if findings := list(check_characters(value)):
        yield from findings
    elif not re.fullmatch("[0-9]{1,6}", value):
        yield Finding("error", _("is no extension"), _('write 1 to 6 digits, such as "1234"'))


def phone_to_e164(value: str) -> str:
    """Return a checked number as E.164 (``+59322999999``); E.164 comes back as it is."""
    digits = re.sub("[^0-9]", "", value)
    return "+593" + (digits.removeprefix("593") if value.startswith("+") else digits.removeprefix("0"))


def phone_to_quipux(e164: str, extension: str | None = None) -> str:
    """Return the number as Quipux's own form writes it: ``022999999 ext. 1234``, a mobile ``0991234567``."""
    number = "0" + e164.removeprefix("+593")
    return f"{number} ext. {extension}" if extension else number


def check_acronym(value: str) -> Iterator[Finding]:
    """Check a sigla: it becomes part of document numbers and file names."""
    if findings := list(check_characters(value)):
        yield from findings
    elif not re.fullmatch("[A-Z0-9]{2,10}", value):
        yield Finding(
            "error",
            _("is no sigla: 2 to 10 capitals A to Z without accents, or digits"),
            _("write it such as INEJ"),
        )


def check_email(value: str) -> Iterator[Finding]:
    """Check one e-mail address; ASCII only, as it goes into mail headers and SMTP commands."""
    if findings := list(check_characters(value)):
        yield from findings
        return
    if not re.match(EMAIL_PATTERN, value):
        yield Finding(
            "error",
            _("is no e-mail address"),
            _("write one address, such as ana.perez@institucion.gob.ec"),
        )
        return
    domain = value.rpartition("@")[2].lower()
    if domain in _PERSONAL_MAIL:
        yield Finding(
            "warning",
            _("is a personal mailbox ({domain}), and the activation link goes there").format(domain=domain),
            _("ask the institution for the official address of its administrator"),
        )
    elif not domain.endswith(".gob.ec"):
        yield Finding(
            "warning",
            _("is outside .gob.ec ({domain})").format(domain=domain),
            _("check that it is the official address of the institution"),
        )


def check_sha256(value: str) -> Iterator[Finding]:
    """Check a SHA-256 in hex."""
    if not re.fullmatch("[0-9a-f]{64}", value):
        yield Finding(
            "error",
            _("is no SHA-256"),
            _("write the 64 digits in lower case that sha256sum prints"),
        )
