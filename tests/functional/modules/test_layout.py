"""Layouts that are not the known one, rights that lack, servers that do not answer."""

from __future__ import annotations

import socket

import pytest

from tests.conftest import MakeDatabase
from tests.functional.modules.conftest import Quipux, item, run_module
from tests.stand_in.database import OWNER


def test_known(quipux: Quipux) -> None:
    answer = quipux.call("layout_info")
    assert (answer["changed"], answer["layout"], answer["differences"], answer["missing_rights"]) == (
        False,
        "quipux-2014",
        [],
        [],
    )
    assert answer["permissions"]["usua_admin_sistema"] == 12
    assert answer["database"]["system_identifier"] == quipux.database.cluster.system_identifier
    reading = quipux.call("layout_info", user="quipux_ro", rights="read_only")
    assert (reading["layout"], reading["missing_rights"]) == ("quipux-2014", [])


def test_the_layout_of_2010_is_refused(make_database: MakeDatabase) -> None:
    old = Quipux(make_database("2010-like"))
    answer = old.call("institution", user=OWNER, items=[item()])
    assert answer["failed"]
    assert "expected quipux-2014" in answer["msg"]
    assert "usuario is a view, expected a table" in answer["msg"]
    info = old.call("layout_info", user=OWNER)
    assert info["layout"] == "unknown"
    assert any(
        line.startswith("usuarios lacks ") and "tipo_identificacion" in line for line in info["differences"]
    )


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (
            "UPDATE permiso SET nombre = 'otra_cosa' WHERE id_permiso = 36",
            "permission 36 is otra_cosa, expected perm_admin_institucional",
        ),
        (
            "INSERT INTO permiso (id_permiso, nombre) VALUES (99, 'aside'); UPDATE permiso SET nombre = "
            "'x' WHERE id_permiso = 12;"
            "UPDATE permiso SET nombre = 'usua_admin_sistema' WHERE id_permiso = 99",
            "permission usua_admin_sistema has number 99, expected 12",
        ),
        ("ALTER TABLE usuarios DISABLE TRIGGER ALL", "no active trigger on usuarios"),
        ("ALTER TABLE usuarios DROP COLUMN usua_celular CASCADE", "usuarios lacks usua_celular"),
        ("ALTER SEQUENCE sec_dependencia RENAME TO sec_areas", "no sequence sec_dependencia"),
        ("DROP TABLE bandeja_compartida CASCADE", "bandeja_compartida is nothing, expected a table"),
    ],
)
def test_differences_are_named(quipux: Quipux, damage: str, found: str) -> None:
    quipux.sql(damage)
    answer = quipux.call("institution", items=[item()])
    assert answer["failed"]
    assert found in answer["msg"]


def test_missing_rights_are_named(quipux: Quipux) -> None:
    quipux.sql(
        "REVOKE INSERT ON log FROM quipux_prov; REVOKE USAGE ON SEQUENCE sec_institucion FROM quipux_prov"
    )
    answer = quipux.call("institution", items=[item()])
    assert answer["failed"]
    assert answer["msg"].startswith(
        "missing privileges for quipux_prov: INSERT on log, USAGE on sec_institucion"
    )


def test_no_server() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        answer = run_module(
            "institution",
            {
                "login_host": "127.0.0.1",
                "login_port": taken.getsockname()[1],
                "login_password": "canary-password",
                "items": [],
            },
        )
    assert answer["failed"]
    assert answer["msg"].startswith("cannot reach the database")
    assert "canary-password" not in str(answer)


def test_a_wrong_password(quipux: Quipux) -> None:
    answer = quipux.call("institution", login_password="canary-wrong-password", items=[item()])
    assert answer["msg"].startswith("cannot reach the database")
    assert "canary-wrong-password" not in str(answer)


def test_a_unix_socket(quipux: Quipux) -> None:
    answer = quipux.call(
        "institution", login_unix_socket=str(quipux.database.cluster.socket_dir), items=[item()]
    )
    assert answer["items"][0]["status"] == "ok"
