"""The traps of contract 2 and 4, hostile texts, column widths, cities."""

from __future__ import annotations

from typing import Any

import pytest

from tests.functional.modules.conftest import CEDULA, RUC, Quipux, item, numbered

BREAK_AREA = "UPDATE dependencia SET depe_pie1 = 'Quito' WHERE depe_codi = %s"
MANGLE = (
    "CREATE FUNCTION mangle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {} RETURN NULL; END $$; "
    "CREATE TRIGGER zz_mangle AFTER INSERT OR UPDATE ON usuarios FOR EACH ROW EXECUTE FUNCTION mangle()"
)


def refused(result: dict[str, Any], code: str, *, status: str = "refused") -> dict[str, str]:
    assert (result["status"], result["changed"]) == (status, False), result
    assert result["error"]["code"] == code, result
    return dict(result["error"])


def test_a_swallowed_trigger_error_is_found_and_nothing_is_kept(quipux: Quipux) -> None:
    """Contract 2: a non-numeric city of the area and an account without one: the trigger fails silently."""
    ids = quipux.one(item())["ids"]
    quipux.sql(BREAK_AREA, (ids["area"],))
    quipux.sql("UPDATE usuarios SET ciu_codi = NULL WHERE usua_codi = %s", (ids["administrator"],))
    quipux.sql("DELETE FROM log_view_usuario")
    before = quipux.row("usuarios", "usua_codi = %s", (ids["administrator"],))
    result = quipux.one(item(city=None, administrator__phone="022111111"))
    error = refused(result, "swallowed_error", status="failed")
    assert "usuarios UPDATE" in error["message"]
    assert quipux.row("usuarios", "usua_codi = %s", (ids["administrator"],)) == before
    assert quipux.sql("SELECT 1 FROM log WHERE tipo = 1") == []


def test_a_missing_mirror_row_is_found(quipux: Quipux) -> None:
    quipux.sql(MANGLE.format("DELETE FROM usuario WHERE usua_codi = NEW.usua_codi;"))
    quipux.sql("GRANT DELETE ON usuario TO quipux_prov")
    refused(quipux.one(item()), "mirror_missing", status="failed")
    assert quipux.sql("SELECT 1 FROM institucion WHERE inst_ruc = %s", (RUC,)) == []


def test_a_mirror_row_that_differs_is_found(quipux: Quipux) -> None:
    quipux.sql(MANGLE.format("UPDATE usuario SET usua_email = 'x' WHERE usua_codi = NEW.usua_codi;"))
    refused(quipux.one(item()), "mirror_missing", status="failed")


def test_the_first_login_mark_is_restored(quipux: Quipux) -> None:
    """Trap 1: with usua_nuevo 0 the login form takes any password."""
    ids = quipux.one(item())["ids"]
    quipux.sql("UPDATE usuarios SET usua_nuevo = 0 WHERE usua_codi = %s", (ids["administrator"],))
    result = quipux.one(item())
    assert [(line["field"], line["before"], line["after"]) for line in result["changes"]] == [
        ("usua_nuevo", "0", "1")
    ]
    assert quipux.row("usuario", "usua_codi = %s", (ids["administrator"],))["usua_nuevo"] == 1


def test_area_numbers_stay_within_six_digits(quipux: Quipux) -> None:
    """Contract 2: the area's number is part of a document's number."""
    quipux.sql("SELECT setval('sec_dependencia', 999998)")
    assert quipux.one(item())["ids"]["area"] == 999999
    error = refused(quipux.one(numbered(1)), "database_error", status="failed")
    assert "sec_dependencia" in error["message"]


def test_catalogue_and_ids_are_not_guessed(quipux: Quipux) -> None:
    """Contract 2: never max()+1; accounts and citizens share one sequence."""
    quipux.sql("SELECT setval('usuarios_usua_codi_seq', 500); SELECT setval('sec_institucion', 70)")
    ids = quipux.one(item())["ids"]
    assert (ids["administrator"], ids["institution"]) == (501, 71)


class TestTexts:
    """What is stored is what the pages would store, or it is refused."""

    @pytest.mark.parametrize(
        ("given", "stored"),
        [
            ("Unidad D'Angelo", "Unidad D′Angelo"),
            ("Unidad D’Angelo", "Unidad D’Angelo"),  # the application knows the straight one only
            ("Unidad “Ñandú”", 'Unidad "Ñandú"'),
            ("  Unidad  ", "Unidad"),
            ("Unidad A\u0301rea", "Unidad Área"),
            ("'); DROP TABLE usuarios; --", "′); DROP TABLE usuarios; --"),
            ("{{ lookup('pipe', 'id') }}", "{{ lookup(′pipe′, ′id′) }}"),
            ("%s %(x)s $1 :a {0}", "%s %(x)s $1 :a {0}"),
            ("=HYPERLINK(1)", "=HYPERLINK(1)"),
            ("a;SELECT 1", "a;SELECT 1"),
            ("$$; ROLLBACK; $$", "$$; ROLLBACK; $$"),
            ("Ünï©ødé 🏛", "Ünï©ødé 🏛"),
        ],
    )
    def test_stored_as_text(self, shared: Quipux, given: str, stored: str) -> None:
        wanted = item(
            name=given,
            address=given,
            **{f"administrator__{key}": given for key in ("given_names", "surnames", "position")},
        )
        result = shared.one(wanted)
        assert result["error"] is None, result
        ids = result["ids"]
        assert shared.row("institucion", "inst_codi = %s", (ids["institution"],))["inst_nombre"] == stored
        area = shared.row("dependencia", "depe_codi = %s", (ids["area"],))
        assert (area["depe_nomb"], area["dep_direccion"]) == (stored, stored)
        mirror = shared.row("usuario", "usua_codi = %s", (ids["administrator"],))
        assert (mirror["usua_nomb"], mirror["usua_apellido"], mirror["usua_cargo"]) == (
            stored,
            stored,
            stored,
        )
        assert shared.one(wanted)["status"] == "unchanged"

    @pytest.mark.parametrize(
        "text", ["a\\b", "a<b", "a\nb", "a\tb", "a\x00b", "a\u202eb", "a\u2066b", "a\x7fb", "", "   "]
    )
    @pytest.mark.parametrize("field", ["name", "address", "administrator__position"])
    def test_refused(self, shared: Quipux, field: str, text: str) -> None:
        error = refused(shared.one(item(acronym="OTRA", ruc="1700000077001", **{field: text})), "bad_value")
        assert field.replace("__", ".") in error["message"]

    @pytest.mark.parametrize(
        ("field", "limit"),
        [
            ("name", 150),
            ("acronym", 10),
            ("phone", 30),
            ("address", 100),
            ("administrator__given_names", 200),
            ("administrator__surnames", 200),
            ("administrator__position", 200),
            ("administrator__phone", 50),
            ("administrator__mobile", 10),
        ],
    )
    def test_widths(self, shared: Quipux, field: str, limit: int) -> None:
        base = {"acronym": "ANCHO", "ruc": "1700000088001", "administrator__national_id": "2400000088"}
        error = refused(shared.one(item(**{**base, field: "Ñ" * (limit + 1)}), check=True), "value_too_long")
        assert str(limit) in error["message"]
        assert shared.one(item("wide", **{**base, field: "Ñ" * limit}))["error"] is None

    def test_email_width(self, shared: Quipux) -> None:
        wide = "a" * (500 - len("@example.gob.ec")) + "@example.gob.ec"
        base = {"acronym": "CORREO", "ruc": "1700000099001", "administrator__national_id": "2400000099"}
        refused(shared.one(item(**base, administrator__email=f"b{wide}"), check=True), "value_too_long")
        assert shared.one(item("mail", **base, administrator__email=wide))["error"] is None

    @pytest.mark.parametrize("field", ["ruc", "administrator__national_id"])
    @pytest.mark.parametrize("value", ["١٧٦٩٩٩٩٩٣٠٠٠١", "17", "1' OR '1'='1", "17699999300O1"])
    def test_identifiers(self, shared: Quipux, field: str, value: str) -> None:
        refused(shared.one(item(**{field: value})), "bad_value")

    @pytest.mark.parametrize("value", ["a@b@c", "a b@c.ec", "a@c.ec,b@c.ec", "a", "a@c.ec\r\nBcc: x@y.ec"])
    def test_email(self, shared: Quipux, value: str) -> None:
        refused(shared.one(item(administrator__email=value)), "bad_value")

    def test_acronym_without_blanks(self, shared: Quipux) -> None:
        refused(shared.one(item(acronym="IN EJ")), "bad_value")

    def test_missing_values(self, shared: Quipux) -> None:
        for field in ("name", "acronym", "phone", "address", "administrator__email"):
            assert "missing" in refused(shared.one(item(**{field: None})), "bad_value")["message"]


class TestCities:
    """Contract 4, trap 8: 444 cities, Quito is not among them, names repeat along a branch."""

    def planned(self, shared: Quipux, city: str | None, **options: Any) -> Any:
        result = shared.one(
            item("city", ruc="1700000055001", acronym="CIU", city=city, administrator=None),
            check=True,
            **options,
        )
        lines = [line["after"] for line in result["changes"] if line["field"] == "city"]
        return lines[0] if lines else result["error"]

    def test_by_number_and_name(self, shared: Quipux) -> None:
        assert self.planned(shared, "49") == "Azogues / Azogues / Cañar"
        assert self.planned(shared, "48") == "Azogues / Cañar"
        assert self.planned(shared, "Azogues") == "Azogues / Azogues / Cañar"

    def test_unknown_with_the_nearest(self, shared: Quipux) -> None:
        error = self.planned(shared, "Quito")
        assert error["code"] == "unknown_city"
        assert "Puerto Quito" in error["hint"]
        assert "Azogues" in self.planned(shared, "azoges")["hint"]
        assert self.planned(shared, "99999")["code"] == "unknown_city"

    def test_default(self, shared: Quipux) -> None:
        assert self.planned(shared, None, default_city="Cuenca").startswith("Cuenca / ")
        assert self.planned(shared, None) == "Azuay"  # what the page writes for want of a choice
        answer = shared.call("institution", items=[item()], default_city="Quito")
        assert answer["failed"]
        assert answer["msg"].startswith("default_city: no city is called Quito")


def test_the_application_finds_the_citizens_institution_untouched(quipux: Quipux) -> None:
    """Institution 1 is the citizens'; its RUC is no institution's."""
    before = quipux.row("institucion", "inst_codi = 1")
    refused(quipux.one(item(ruc="0000000000000")), "duplicate_ruc", status="failed")
    assert quipux.row("institucion", "inst_codi = 1") == before


def test_an_institution_without_a_root_area(quipux: Quipux) -> None:
    number = quipux.value("SELECT nextval('sec_institucion')")
    quipux.sql(
        "INSERT INTO institucion (inst_codi, inst_ruc, inst_nombre, inst_estado) VALUES (%s, %s, 'X', 1)",
        (number, RUC),
    )
    refused(quipux.one(item()), "no_root_area")


def test_an_institution_made_by_hand_is_taken_over(quipux: Quipux) -> None:
    """Made in the web pages, with the page's default city and no address."""
    number, area = quipux.sql("SELECT nextval('sec_institucion'), nextval('sec_dependencia')")[0]
    quipux.sql(
        "INSERT INTO institucion (inst_codi, inst_ruc, inst_nombre, inst_sigla, inst_estado, "
        "inst_coordinador, inst_telefono) "
        "VALUES (%s, %s, 'Instituto Nacional de Ejemplo', 'INEJ', 1, 0, '022999999')",
        (number, RUC),
    )
    quipux.sql(
        "INSERT INTO dependencia (depe_codi, depe_nomb, depe_codi_padre, dep_sigla, dep_central, "
        "depe_estado, inst_codi, "
        "inst_adscrita, depe_pie1) VALUES (%s, 'Instituto Nacional de Ejemplo', %s, 'INEJ', %s, 1, %s, "
        "%s, '1')",
        (area, area, area, number, number),
    )
    result = quipux.one(item())
    assert result["error"] is None, result
    assert (result["ids"]["institution"], result["ids"]["area"]) == (number, area)
    assert {(line["field"], line["before"]) for line in result["changes"] if line["object"] == "area"} == {
        ("address", None),
        ("city", "Azuay"),
    }
    assert quipux.row("usuario", "usua_cedula = %s", (CEDULA,))["inst_codi"] == number
