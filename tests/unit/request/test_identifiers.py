from __future__ import annotations

import pytest
from stdnum.ec import ci

from quipux_provision.domain import identifiers as ids


def severities(findings):
    return [finding.severity for finding in findings]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1769999930001", []),  # public
        ("1769999940001", ["warning"]),  # public, check digit fails, as real ones do
        ("1799999991001", ["warning", "warning"]),  # company: check digit, and not a public institution's
        ("2405999992001", ["warning"]),  # natural person
        ("2405999991001", ["warning", "warning"]),
        ("2465999999001", ["warning"]),  # 6, fits neither way or a foreigner
        ("1769999930000", ["error"]),
        ("176999993000", ["error"]),
        ("17699999300011", ["error"]),
        ("2569999930001", ["error"]),  # province 25
        ("0069999930001", ["error"]),
        ("1779999930001", ["error"]),  # third digit
        ("1789999930001", ["error"]),
        ("176999993000A", ["error"]),
        ("1769999930001\n", ["error"]),
        ("1769999930-001", ["error"]),
        ("１７６９９９９９３０００１", ["error"]),
        ("", ["error"]),
    ],
)
def test_ruc(value, expected):
    assert severities(ids.check_ruc(value)) == expected


@pytest.mark.parametrize("province", ["01", "24", "30", "50"])
def test_ruc_of_each_kind_of_province_has_its_shape_accepted(province):
    assert "error" not in severities(ids.check_ruc(f"{province}69999930001"))


@pytest.mark.parametrize(
    ("value", "kind"),
    [("1769999930001", "public"), ("1799999990001", "private"), ("2405999992001", "natural")],
)
def test_ruc_kind(value, kind):
    assert ids.ruc_kind(value) == kind


def test_ruc_with_six_that_is_a_foreigners_cedula_is_a_natural_persons():
    candidates = [f"24699999{number:02}" for number in range(100)]
    cedula = next(one for one in candidates if ci.is_valid(one) and ids.ruc_kind(one + "001") == "natural")
    assert severities(ids.check_ruc(cedula + "001")) == ["warning"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2405999992", []),
        ("3005999993", ["error"]),
        ("2405999991", ["error"]),  # check digit
        ("240599999", ["error"]),
        ("24059999922", ["error"]),
        ("2505999992", ["error"]),  # province
        ("2475999992", ["error"]),
        ("2485999992", ["error"]),
        ("2495999992", ["error"]),
        ("240599999-2", ["error"]),
        ("2405999992 ", ["error"]),
        ("٢٤٠٥٩٩٩٩٩٢", ["error"]),
        ("²405999992", ["error"]),
    ],
)
def test_national_id(value, expected):
    assert severities(ids.check_national_id(value)) == expected


def test_national_id_with_third_digit_six_is_accepted_with_a_warning():
    found = [list(ids.check_national_id(f"246599999{digit}")) for digit in range(10)]
    assert sorted(severities(one) for one in found) == [["error"]] * 9 + [["warning"]]


@pytest.mark.parametrize(
    ("value", "e164", "quipux"),
    [
        ("02 2999999", "+59322999999", "022999999"),
        ("(02) 299-9999", "+59322999999", "022999999"),
        ("022999999", "+59322999999", "022999999"),
        ("+593 2 299 9999", "+59322999999", "022999999"),
        ("+59322999999", "+59322999999", "022999999"),
        ("07.299.9999", "+59372999999", "072999999"),
    ],
)
def test_phone(value, e164, quipux):
    assert not list(ids.check_phone(value))
    assert ids.phone_to_e164(value) == e164
    assert ids.phone_to_e164(e164) == e164
    assert ids.phone_to_quipux(e164) == quipux
    assert ids.phone_to_quipux(e164, "1234") == f"{quipux} ext. 1234"


@pytest.mark.parametrize(
    "value",
    [
        "01 2999999", "08 2999999", "02 299999", "02 29999999", "2999999", "12 2999999", "+1 2 2999999",
        "1800 637276", "1700123456", "02 2999999 ext. 12", "022999999x12", "022999999\n",
        "02\t2999999", "0２2999999",
        "+593 02 2999999", "02 299999A", "'; DROP TABLE usuarios", "",
    ],
)  # fmt: skip
def test_impossible_phones(value):
    assert severities(ids.check_phone(value)) == ["error"]


def test_a_mobile_as_telephone_is_warned_about():
    assert severities(ids.check_phone("0991234567")) == ["warning"]


@pytest.mark.parametrize("value", ["0991234567", "099 123 4567", "+593991234567", "+593 99 123 4567"])
def test_mobile(value):
    assert not list(ids.check_mobile(value))
    assert ids.phone_to_e164(value) == "+593991234567"
    assert ids.phone_to_quipux("+593991234567") == "0991234567"


@pytest.mark.parametrize(
    "value", ["022999999", "099123456", "09912345678", "0891234567", "991234567", "0991234567\r\n"]
)
def test_impossible_mobiles(value):
    assert severities(ids.check_mobile(value)) == ["error"]


@pytest.mark.parametrize(
    ("value", "good"), [("1", 1), ("123456", 1), ("1234567", 0), ("", 0), ("12a", 0), ("１", 0)]
)
def test_extension(value, good):
    assert (not list(ids.check_extension(value))) == bool(good)


@pytest.mark.parametrize(
    ("value", "good"),
    [("INEJ", 1), ("A1", 1), ("ABCDEFGHIJ", 1), ("A", 0), ("ABCDEFGHIJK", 0), ("inej", 0),
     ("IN EJ", 0), ("IN-EJ", 0),
     ("NIÑO", 0), ("INEJ\n", 0), ("../X", 0), ("", 0)],
)  # fmt: skip
def test_acronym(value, good):
    assert (not list(ids.check_acronym(value))) == bool(good)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ana.perez@inej.gob.ec", []),
        ("ANA@INEJ.GOB.EC", []),
        ("ana@inej.example.gob.ec", []),
        ("ana@universidad.edu.ec", ["warning"]),
        ("ana@gmail.com", ["warning"]),
        ("ana@gob.ec.example.com", ["warning"]),
        ("ana@notgob.ec", ["warning"]),
        ("ana@inej.gob.ec,otra@inej.gob.ec", ["error"]),
        ("ana@inej.gob.ec\r\nBcc: x@example.com", ["error"]),
        ("ana@inej.gob.ec\n", ["error"]),
        ("Ana <ana@inej.gob.ec>", ["error"]),
        ("ana@@inej.gob.ec", ["error"]),
        ("ana", ["error"]),
        ("@inej.gob.ec", ["error"]),
        (".ana@inej.gob.ec", ["error"]),
        ("ana..b@inej.gob.ec", ["error"]),
        ("ana@-inej.gob.ec", ["error"]),
        ("ana@inej", ["error"]),
        ("ana@[127.0.0.1]", ["error"]),
        ("añá@inej.gob.ec", ["error"]),
        ("o'brien@inej.gob.ec", ["error"]),
        ("a b@inej.gob.ec", ["error"]),
        ('"a"@inej.gob.ec', ["error"]),
        ("a" * 65 + "@inej.gob.ec", ["error"]),
        ("a@" + "b" * 63 + ".gob.ec", []),
        ("a@" + ".".join(["b" * 60] * 5) + ".gob.ec", ["error"]),
    ],
)
def test_email(value, expected):
    assert severities(ids.check_email(value)) == expected


def test_a_public_ruc_stays_one_though_it_reads_as_a_cedula_too():
    candidates = [f"176{number:06}0001" for number in range(999000, 1000000)]
    both = next(one for one in candidates if ci.is_valid(one[:10]) and not list(ids.check_ruc(one)))
    assert ids.ruc_kind(both) == "public"
