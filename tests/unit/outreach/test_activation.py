"""Codes and links: what Quipux's own pages decode must be what we made."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest

from quipux_provision.errors import UsageError
from quipux_provision.outreach.mail import activation_link, code_hash, new_code

CEDULA = "2405999992"


def test_codes_use_quipux_alphabet_and_never_repeat():
    codes = {new_code() for _number in range(400)}
    assert len(codes) == 400
    assert {len(code) for code in codes} == {30}
    assert set("".join(codes)) == set("abcdefghijkmnopqrstuvwxyz023456789")


def test_the_hash_is_characters_2_to_27_of_md5():
    # What PostgreSQL's substr(md5('abc'), 2, 26) says.
    assert code_hash("abc") == "00150983cd24fb0d6963f7d28e17f7"[:26]
    assert code_hash("abc") == hashlib.md5(b"abc").hexdigest()[1:27]
    assert len(code_hash(new_code())) == 26


@pytest.mark.parametrize("base", ["https://cap.example.gob.ec", "https://example.gob.ec:8443/quipux/"])
def test_the_link_carries_login_and_code(base):
    code = new_code()
    parts = urlsplit(activation_link(base, CEDULA, code))
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == base.rstrip("/") + "/usuarionuevo.php"
    query = parse_qs(parts.query, strict_parsing=True)
    assert base64.b64decode(query["krd"][0]).decode() == f"U{CEDULA}"
    assert base64.b64decode(query["code"][0]).decode() == code
    # usuarionuevo.php copies the decoded values into another address as they are.
    assert not set(query["krd"][0] + query["code"][0]) & set("+/&%# ")


def test_plain_http_is_for_demonstrations_only():
    with pytest.raises(UsageError):
        activation_link("http://cap.example.gob.ec", CEDULA, new_code())
    assert activation_link("http://127.0.0.1:8080", CEDULA, new_code(), demo=True).startswith("http://127")


@pytest.mark.parametrize(
    "base",
    [
        "",
        "cap.example.gob.ec",
        "https://",
        "ftp://cap.example.gob.ec",
        "javascript:alert(1)",
        "https://a@b.example.gob.ec",
        "https://cap.example.gob.ec/?x=1",
        "https://cap.example.gob.ec/#x",
        'https://cap.example.gob.ec/"><script>',
        "https://cap.example.gob.ec\r\nBcc: x@example.org",
        "https://cap.example.gob.ec:port",
        "https://[cap",
        "https://cáp.example.gob.ec",
    ],
)
def test_addresses_that_cannot_carry_a_link_are_refused(base):
    with pytest.raises(UsageError) as caught:
        activation_link(base, CEDULA, new_code(), demo=True)
    assert caught.value.hint


@pytest.mark.parametrize(
    "cedula", ["", "240599999", "24059999920", "240599999a", "٢٤٠٥٩٩٩٩٩٢", "2405999992\n"]
)
def test_only_a_cedula_goes_into_the_link(cedula):
    with pytest.raises(UsageError):
        activation_link("https://cap.example.gob.ec", cedula, new_code())
