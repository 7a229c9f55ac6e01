"""Module probe_account: one row for ever, open only while a check needs it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.functional.modules.conftest import Quipux

HASH = "0123456789abcdef0123456789"
OTHER = "abcdef0123456789abcdef0123"
LOGIN = "UVERIFICACION"


def account(quipux: Quipux) -> dict[str, Any]:
    return quipux.row("usuario", "usua_login = %s", (LOGIN,))


def opened(quipux: Quipux, stored: str = HASH, **options: Any) -> Any:
    return quipux.call("probe_account", state="open", password_hash=stored, **{"lifetime": 1, **options})


def closed(quipux: Quipux, **options: Any) -> Any:
    return quipux.call("probe_account", state="closed", **options)


def test_opened_used_again_and_closed(quipux: Quipux) -> None:
    first = opened(quipux, lifetime=60)
    row = account(quipux)
    assert (row["usua_pasw"], row["usua_esta"], row["usua_nuevo"]) == (HASH, 1, 1)
    assert row["inst_codi"] == 1, "no institution's user"
    assert closed(quipux)["changed"]
    row = account(quipux)
    assert row["usua_esta"] == 0
    assert len(row["usua_pasw"]) > 26, "no hash is that long"
    assert not closed(quipux)["changed"]
    assert opened(quipux, OTHER, lifetime=60)["account"] == first["account"], "one row for ever"
    assert quipux.value("SELECT count(*) FROM usuarios WHERE usua_login = %s", (LOGIN,)) == 1
    assert quipux.value("SELECT count(*) FROM permiso_usuario") == quipux.value(
        "SELECT count(*) FROM permiso_usuario WHERE usua_codi = 0"
    )
    assert closed(quipux)["changed"]


def test_a_check_that_died_leaves_it_to_close_by_itself(quipux: Quipux) -> None:
    opened(quipux, lifetime=1)
    deadline = time.monotonic() + 60
    while account(quipux)["usua_esta"] == 1:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert len(account(quipux)["usua_pasw"]) > 26


def test_the_end_of_an_old_check_does_not_close_a_new_one(quipux: Quipux) -> None:
    opened(quipux, lifetime=1)
    opened(quipux, OTHER, lifetime=60)
    # The first one's process connects when its time is over.
    time.sleep(3)
    assert account(quipux)["usua_pasw"] == OTHER
    closed(quipux)


def test_its_session_ends_with_it(quipux: Quipux) -> None:
    number = opened(quipux, lifetime=60)["account"]
    quipux.sql("INSERT INTO usuarios_sesion (usua_codi, usua_sesion) VALUES (%s, 'viva')", (number,))
    closed(quipux)
    assert quipux.value("SELECT usua_sesion FROM usuarios_sesion WHERE usua_codi = %s", (number,)).startswith(
        "FIN"
    )


def test_check_mode_makes_nothing(quipux: Quipux) -> None:
    before = quipux.dump()
    answer = opened(quipux, _ansible_check_mode=True)
    assert answer["changed"]
    assert answer["account"] is None
    assert quipux.dump() == before


@pytest.mark.parametrize(
    "spoil",
    [
        "INSERT INTO permiso_usuario SELECT 12, usua_codi FROM usuarios WHERE usua_login = %s",
        "UPDATE usuarios SET inst_codi = NULL WHERE usua_login = %s",
    ],
    ids=["permission", "institution"],
)
def test_an_account_that_somebody_made_more_of_is_refused(quipux: Quipux, spoil: str) -> None:
    opened(quipux, lifetime=60)
    closed(quipux)
    quipux.sql(spoil, (LOGIN,))
    answer = opened(quipux)
    assert "not the probe account any more" in answer["msg"]
    assert account(quipux)["usua_esta"] == 0


def test_a_database_without_citizens_is_refused(quipux: Quipux) -> None:
    quipux.sql("UPDATE dependencia SET inst_codi = NULL WHERE depe_codi = 1")
    assert "Ciudadanos" in opened(quipux)["msg"]


def test_the_hash_is_in_no_answer_and_no_log(quipux: Quipux) -> None:
    assert HASH not in str(opened(quipux, lifetime=60))
    assert quipux.value("SELECT count(*) FROM log WHERE sentencia LIKE %s", (f"%{HASH}%",)) == 0
    closed(quipux)
    assert "26 hexadecimal" in opened(quipux, "corto")["msg"]
