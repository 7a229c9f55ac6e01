"""Accounts that nobody has a password for yet: closed, since over none Quipux's page lets anybody set one
(and the empty one, trap 2, is no password at all)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.functional.modules.conftest import CEDULA, CODE_HASH, RUC, Quipux, item
from tests.functional.modules.test_accounts import NO_ENTRY, OTHER_HASH, code, plain_colleague
from tests.functional.modules.test_expiry import colleague, only_changed, password, set_password
from tests.functional.modules.test_locks import wait_until_blocked
from tests.functional.modules.test_plan import BINDING
from tests.stand_in.http_client import Browser, md5, stored
from tests.stand_in.pages_server import php, serve

EMPTY = [None, ""]
MANGLE = (
    "CREATE FUNCTION mangle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.usua_pasw := {}; "
    "RETURN NEW; END $$; CREATE TRIGGER aa_mangle BEFORE INSERT OR UPDATE ON usuarios FOR EACH ROW "
    "EXECUTE FUNCTION mangle()"
)


def alone(**changes: Any) -> dict[str, Any]:
    """The item of module administrator."""
    wanted = item(**changes)
    return {key: wanted[key] for key in wanted if key not in ("name", "acronym", "phone", "address")}


def passwords(quipux: Quipux, account: int) -> list[str | None]:
    return [password(quipux, account, table) for table in ("usuarios", "usuario")]


@pytest.mark.parametrize("module", ["institution", "administrator"])
def test_a_new_account_begins_closed(quipux: Quipux, module: str) -> None:
    if module == "institution":
        result = quipux.one(item())
    else:
        quipux.one(item(administrator=None))
        result = quipux.one(alone(), module=module)
    assert (result["status"], result["activation"], result["notes"]) == ("ok", None, [])
    assert passwords(quipux, result["ids"]["administrator"]) == [NO_ENTRY] * 2
    assert "password" not in {line["field"] for line in result["changes"]}
    assert quipux.value("SELECT count(*) FROM log WHERE sentencia LIKE %s", (f"%{NO_ENTRY}%",)) == 0
    assert quipux.value("SELECT count(*) FROM log_usr_permisos WHERE id_permiso = 0") == 0
    assert quipux.one(item())["status"] == "unchanged"


@pytest.mark.parametrize("module", ["institution", "administrator"])
@pytest.mark.parametrize("found", EMPTY)
def test_one_that_is_found_without_a_password_is_closed(
    quipux: Quipux, found: str | None, module: str
) -> None:
    """Even where the plan, which does not show it, was never approved."""
    account = quipux.one(item())["ids"]["administrator"]
    set_password(quipux, found)
    wanted = {**(item if module == "institution" else alone)(), "expect": "0" * 64}
    with only_changed(quipux):
        planned = quipux.one(wanted, module=module, check=True)
    with only_changed(quipux, "usuarios", "usuario"):
        done = quipux.one(wanted, module=module)
    for result in (planned, done):
        assert (result["status"], result["changed"], result["changes"]) == ("ok", True, [])
        assert ["had no password" in note for note in result["notes"]] == [True]
    assert passwords(quipux, account) == [NO_ENTRY] * 2
    assert quipux.one(wanted, module=module)["status"] == "unchanged"


@pytest.mark.parametrize("found", EMPTY)
@pytest.mark.parametrize("activation", [None, {"hash": CODE_HASH}])
def test_reactivated(quipux: Quipux, found: str | None, activation: dict[str, str] | None) -> None:
    account = quipux.one(item())["ids"]["administrator"]
    set_password(quipux, found)
    quipux.one({"case": "inej", "ruc": RUC, "state": "absent", "administrator": {"national_id": CEDULA}})
    back = quipux.one(item(activation=activation))
    assert (back["ids"]["administrator"], back["status"]) == (account, "ok")
    assert passwords(quipux, account) == [CODE_HASH if activation else NO_ENTRY] * 2
    assert [note for note in back["notes"] if "had no password" in note] == [] or activation is None


@pytest.mark.parametrize("found", EMPTY)
@pytest.mark.parametrize("activation", [None, {"hash": CODE_HASH}])
def test_reused(quipux: Quipux, found: str | None, activation: dict[str, str] | None) -> None:
    """An account that Quipux's form made without a mail; of those whose password is not ours to write."""
    account = plain_colleague(quipux)
    set_password(quipux, found)
    result = quipux.one(item(administrator__existing_account="reuse", activation=activation))
    assert (result["status"], result["activation"], result["error"]) == ("ok", None, None)
    assert passwords(quipux, account) == [NO_ENTRY] * 2


@pytest.mark.parametrize("chosen", [OTHER_HASH, CODE_HASH])
def test_what_somebody_has_stays(quipux: Quipux, chosen: str) -> None:
    account = quipux.one(item())["ids"]["administrator"]
    set_password(quipux, chosen)
    assert quipux.one(item(address="Calle Nueva 2"))["changed"]
    assert passwords(quipux, account) == [chosen] * 2


def test_somebody_else_without_a_password_is_named_not_touched(quipux: Quipux) -> None:
    """Through that account the page sets the password of all accounts of the cédula."""
    quipux.one(item())
    other = colleague(quipux)
    result = quipux.one(item())
    assert (result["status"], result["changed"]) == ("unchanged", False)
    assert [str(other) in note for note in result["notes"]] == [True]
    assert password(quipux, other) is None


def test_a_plan_of_the_reading_role_is_the_same(quipux: Quipux) -> None:
    """It cannot see that there is none."""
    quipux.one(item())
    for found in EMPTY:
        set_password(quipux, found)
        for wanted in (item(binding=BINDING), item(address="Calle Nueva 2", binding=BINDING)):
            plans = [quipux.one(wanted, check=True, user=user) for user in ("quipux_prov", "quipux_ro")]
            parts = [[plan[key] for key in ("changes", "kept", "ids", "plan_digest")] for plan in plans]
            assert parts[0] == parts[1]
            assert (plans[0]["changed"], plans[1]["changed"]) == (True, bool(plans[1]["changes"]))


def test_a_password_that_is_set_meanwhile_stays(quipux: Quipux) -> None:
    account = quipux.one(item())["ids"]["administrator"]
    set_password(quipux, None)
    page = quipux.database.connect()
    with page.cursor() as cursor, ThreadPoolExecutor(1) as pool:
        cursor.execute("UPDATE usuarios SET usua_pasw = %s WHERE usua_cedula = %s", (OTHER_HASH, CEDULA))
        running = pool.submit(quipux.one, item())
        wait_until_blocked(quipux)
        page.commit()
        result = running.result()
    page.close()
    assert (result["status"], result["changed"], result["notes"]) == ("unchanged", False, [])
    assert passwords(quipux, account) == [OTHER_HASH] * 2


@pytest.mark.parametrize("mangled", ["NULL", "''"])
def test_an_account_that_stays_open_is_not_kept(quipux: Quipux, mangled: str) -> None:
    quipux.sql(MANGLE.format(mangled))
    result = quipux.one(item())
    assert (result["status"], code(result)) == ("failed", "database_error")
    assert quipux.sql("SELECT 1 FROM usuarios WHERE usua_cedula = %s", (CEDULA,)) == []


@pytest.mark.skipif(php() is None, reason="the pages need php-cli and php-pgsql")
@pytest.mark.parametrize("found", ["new", None, ""])
def test_at_the_door(quipux: Quipux, found: str | None) -> None:
    """Whoever knows the cédula sends the form behind the link without having had one."""
    quipux.one(item())
    if found != "new":
        set_password(quipux, found)
        quipux.one(item())
    wanted, chosen = md5("tomada2026"), "k2m4p6q8r9s2t4v6w8x2y4z6a8b2c4"
    with serve(quipux.database) as base:
        for old in ("", "0", "0" + NO_ENTRY, NO_ENTRY, md5(""), md5(NO_ENTRY)):
            fields = {"krd": f"U{CEDULA}", "contraold": old, "contradrd": wanted, "contraver": wanted}
            Browser(base).post("Administracion/usuarios/cambiar_password_grabar.php", fields)
        for word in ("", NO_ENTRY, "tomada2026"):
            assert Browser(base).login(CEDULA, word) != "in", word
        assert quipux.one(item(activation={"hash": stored(chosen)}))["activation"] == "written"
        assert Browser(base).login(CEDULA, chosen) == "in"
