"""Module adoption_info: an environment filled by hand, read whole, on both layouts, by the reading role."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.conftest import MakeDatabase
from tests.functional.modules.conftest import CEDULA, Quipux, item, numbered
from tests.functional.modules.test_playbook import Plays

HOSTILE = "Ministerio \"de\" {{ lookup('pipe', 'id') }}\n'); DROP TABLE institucion; -- : # &x *x"


def seen(quipux: Quipux, **options: Any) -> dict[int, dict[str, Any]]:
    """What the module tells of each institution, having changed nothing."""
    before = quipux.dump()
    answer = quipux.call("adoption_info", **{"user": "quipux_ro", **options})
    assert quipux.dump() == before
    assert answer["changed"] is False, answer
    assert answer["layout"] == "quipux-2014"
    assert [one["id"] for one in answer["institutions"]] == sorted(
        one["id"] for one in answer["institutions"]
    )
    return {one["id"]: one for one in answer["institutions"]}


def test_what_stands_there_is_told_as_it_stands(quipux: Quipux) -> None:
    ids = quipux.one(item())["ids"]
    (found,) = seen(quipux).values()
    assert found == {
        "id": ids["institution"],
        "ruc": "1769999930001",
        "name": "Instituto Nacional de Ejemplo",
        "acronym": "INEJ",
        "phone": "022999999",
        "active": True,
        "root_areas": 1,
        "area": {
            "id": ids["area"],
            "name": "Instituto Nacional de Ejemplo",
            "address": "Calle Inventada 100, Quito",
            "city": found["area"]["city"],
            "city_name": "Azogues",
        },
        "administrators": [
            {
                "id": ids["administrator"],
                "national_id": CEDULA,
                "given_names": "María Fernanda",
                "surnames": "Ejemplo Loor",
                "position": "Analista de Gestión Documental",
                "email": "maria.ejemplo@inej.example.gob.ec",
                "phone": "022999999 ext. 1234",
                "mobile": "0991234567",
                "any_password": False,
                "accounts_here": 0,
                "accounts_elsewhere": 0,
            }
        ],
        "incomplete_administrators": [],
    }
    assert seen(quipux, user="quipux_prov") == {found["id"]: found}


def test_who_administrates_and_who_does_not(quipux: Quipux) -> None:
    first = quipux.one(numbered(1))["ids"]
    place = {"inst_codi": first["institution"], "depe_codi": first["area"]}
    second = quipux.app_insert_user(usua_cedula="2400000099", **place)
    partial = quipux.app_insert_user(usua_cedula="2400000098", **place)
    gone = quipux.app_insert_user(usua_cedula="2400000097", usua_esta=0, **place)
    nobody = quipux.app_insert_user(usua_cedula="2400000096", **place)
    for account, permission in (
        (second, 12),
        (second, 36),
        (partial, 12),
        (gone, 12),
        (gone, 36),
        (nobody, 32),
    ):
        quipux.sql(
            "INSERT INTO permiso_usuario (usua_codi, id_permiso) VALUES (%s, %s)", (account, permission)
        )
    (found,) = seen(quipux).values()
    assert [one["id"] for one in found["administrators"]] == [first["administrator"], second]
    assert found["incomplete_administrators"] == [partial]

    # The same person elsewhere, by cédula and by login; an account whose cédula is that of a deactivated one.
    other = quipux.one(numbered(2))["ids"]
    quipux.app_insert_user(
        usua_cedula="2400000001", inst_codi=other["institution"], depe_codi=other["area"], usua_login="Uotro"
    )
    quipux.sql("UPDATE usuarios SET usua_cedula = '2400000099-' || usua_codi WHERE usua_codi = %s", (second,))
    quipux.app_insert_user(usua_cedula="2400000099", **place)
    quipux.sql("UPDATE usuarios SET usua_nuevo = 0 WHERE usua_codi = %s", (second,))
    found = seen(quipux)[first["institution"]]
    told = [(one["accounts_here"], one["accounts_elsewhere"]) for one in found["administrators"]]
    assert told == [(0, 1), (1, 0)]
    assert found["administrators"][1]["national_id"] == f"2400000099-{second}"
    assert [one["any_password"] for one in found["administrators"]] == [False, True]


def test_institutions_that_lack_things(quipux: Quipux) -> None:
    whole, bare, gone, odd = (quipux.one(numbered(number))["ids"] for number in range(1, 5))
    quipux.sql(
        "INSERT INTO institucion (inst_codi, inst_nombre, inst_estado) VALUES (0, 'Cero', 1), (2, 'Dos', 1)"
    )
    quipux.sql(
        "UPDATE institucion SET inst_ruc = NULL, inst_telefono = NULL WHERE inst_codi = %s",
        (bare["institution"],),
    )
    quipux.sql(
        "UPDATE dependencia SET depe_codi_padre = %s WHERE depe_codi = %s", (whole["area"], bare["area"])
    )
    quipux.sql("UPDATE institucion SET inst_estado = 0 WHERE inst_codi = %s", (gone["institution"],))
    quipux.sql(
        "UPDATE institucion SET inst_nombre = %s WHERE inst_codi = %s", (HOSTILE[:100], odd["institution"])
    )
    quipux.sql(
        "UPDATE dependencia SET depe_pie1 = 'x', dep_direccion = '' WHERE depe_codi = %s", (odd["area"],)
    )
    quipux.sql(
        "INSERT INTO dependencia (depe_codi, depe_nomb, depe_codi_padre, depe_estado, inst_codi)"
        " VALUES (9001, 'Otra raíz', 9001, 1, %s)",
        (odd["institution"],),
    )
    found = seen(quipux)
    assert set(found) == {one["institution"] for one in (whole, bare, gone, odd)}
    one = found[bare["institution"]]
    assert (one["ruc"], one["phone"], one["area"], one["root_areas"]) == (None, None, None, 0)
    assert not found[gone["institution"]]["active"]
    one = found[odd["institution"]]
    assert (one["name"], one["root_areas"], one["area"]["id"]) == (HOSTILE[:100], 2, odd["area"])
    assert (one["area"]["city"], one["area"]["city_name"], one["area"]["address"]) == (None, None, "")


def test_a_login_that_may_not_read_and_a_layout_that_is_another(
    quipux: Quipux, make_database: MakeDatabase
) -> None:
    quipux.one(item())
    quipux.sql("REVOKE SELECT ON permiso_usuario FROM quipux_ro")
    answer = quipux.call("adoption_info", user="quipux_ro")
    assert answer["failed"]
    assert "missing privileges for quipux_ro: SELECT on permiso_usuario" in answer["msg"]
    old = Quipux(make_database("2010-like"))
    answer = old.call("adoption_info", user=old.database.owner)
    assert "unknown layout" in answer["msg"]


def test_no_password_is_read_and_nothing_locked(quipux: Quipux) -> None:
    """Also while somebody is about to write every table."""
    quipux.one(item())
    page = quipux.database.connect()
    with page.cursor() as cursor:
        cursor.execute("SELECT format('%I', tablename) FROM pg_tables WHERE schemaname = 'public'")
        cursor.execute("LOCK TABLE " + ", ".join(name for (name,) in cursor) + " IN EXCLUSIVE MODE")
        answer = quipux.call("adoption_info", user="quipux_ro")
        page.rollback()
    page.close()
    assert len(answer["institutions"]) == 1
    hashes = quipux.sql("SELECT usua_pasw FROM usuarios WHERE usua_pasw <> ''")
    assert hashes
    assert not any(value in str(answer) for (value,) in hashes)


def test_the_playbook(quipux: Quipux, tmp_path: Path) -> None:
    plays = Plays(quipux, tmp_path)
    quipux.one(item())
    quipux.sql("UPDATE institucion SET inst_nombre = %s WHERE inst_codi > 2", (HOSTILE[:100],))
    before = quipux.dump()
    password = quipux.database.cluster.role_passwords["quipux_ro"]
    done = plays.run("adopt", {"quipux_db_read_only_password": password})
    assert done.returncode == 0, done.stdout
    assert "1 institutions, 1 of them active" in done.stdout
    assert plays.recap(done.stdout, "db1")["changed"] == 0
    assert quipux.dump() == before
    plays.inventory({"quipux_db": ["db1", "db2"]})
    refused = plays.run("adopt", {"quipux_db_read_only_password": password})
    assert "exactly one host in group quipux_db" in refused.stdout
