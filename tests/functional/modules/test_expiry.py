"""The end of accounts and of activation codes: what nobody used dies, what people chose and wrote stays."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from tests.functional.modules.conftest import CEDULA, CODE_HASH, RUC, Quipux, item, numbered
from tests.functional.modules.test_accounts import NO_ENTRY, code, populate
from tests.functional.modules.test_locks import wait_until_blocked
from tests.stand_in.http_client import Browser, PageError, md5, stored
from tests.stand_in.pages_server import php, serve

OWN_HASH, EARLIER_HASH = "c" * 26, "e" * 26


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def ending(state: str = "expired", *hashes: str, case: str = "inej", **changes: Any) -> dict[str, Any]:
    """An item as the driver gives it when a deadline has passed."""
    return {
        "case": case,
        "state": state,
        "ruc": RUC,
        "administrator": {"national_id": CEDULA},
        "activation": {"replaces": [sha256(one) for one in hashes or (CODE_HASH,)]},
        **changes,
    }


def end(quipux: Quipux, wanted: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    return quipux.one(wanted or ending(), module="administrator", **options)


def begin(quipux: Quipux) -> int:
    """An institution whose administrator has got a link; gives the account's number."""
    return int(quipux.one(item(activation={"hash": CODE_HASH}))["ids"]["administrator"])


def colleague(quipux: Quipux, **columns: Any) -> int:
    """Another account of the person, in another institution."""
    other = quipux.one(numbered(1, administrator=None))["ids"]
    place = {"inst_codi": other["institution"], "depe_codi": other["area"]}
    return quipux.app_insert_user(**{"usua_cedula": CEDULA, **place, **columns})


def password(quipux: Quipux, account: int, table: str = "usuarios") -> str | None:
    value: str | None = quipux.row(table, "usua_codi = %s", (account,))["usua_pasw"]
    return value


def set_password(quipux: Quipux, value: str | None) -> None:
    """As the page does: on every account with the cédula."""
    quipux.sql("UPDATE usuarios SET usua_pasw = %s WHERE usua_cedula = %s", (value, CEDULA))


@contextmanager
def only_changed(quipux: Quipux, *tables: str) -> Iterator[None]:
    before = quipux.dump()
    yield
    after = quipux.dump()
    assert {name for name in before if before[name] != after[name]} == set(tables)


class TestExpired:
    def test_an_unused_code_dies_and_nothing_else_changes(self, quipux: Quipux) -> None:
        account = begin(quipux)
        before = [quipux.row(table, "usua_codi = %s", (account,)) for table in ("usuarios", "usuario")]
        with only_changed(quipux):
            planned = end(quipux, check=True)
        assert (planned["status"], planned["changed"], planned["activation"]) == ("ok", True, "expired")
        with only_changed(quipux, "usuarios", "usuario"):
            done = end(quipux)
        assert (done["status"], done["changed"], done["activation"], done["error"]) == (
            "ok",
            True,
            "expired",
            None,
        )
        assert (done["ids"]["administrator"], done["plan_digest"]) == (account, planned["plan_digest"])
        after = [quipux.row(table, "usua_codi = %s", (account,)) for table in ("usuarios", "usuario")]
        assert after == [{**row, "usua_pasw": NO_ENTRY} for row in before]

    def test_again_there_is_nothing_left(self, quipux: Quipux) -> None:
        begin(quipux)
        end(quipux)
        with only_changed(quipux):
            again = end(quipux)
        assert (again["status"], again["changed"], again["activation"]) == ("unchanged", False, None)

    def test_every_code_that_was_sent_may_be_the_one(self, quipux: Quipux) -> None:
        account = begin(quipux)
        assert end(quipux, ending("expired", EARLIER_HASH, CODE_HASH))["activation"] == "expired"
        assert password(quipux, account) == NO_ENTRY

    @pytest.mark.parametrize("chosen", [OWN_HASH, EARLIER_HASH])
    def test_a_password_of_their_own_stays(self, quipux: Quipux, chosen: str) -> None:
        """Also a code that is not among those that are to die."""
        begin(quipux)
        set_password(quipux, chosen)
        with only_changed(quipux):
            result = end(quipux)
        assert (result["status"], result["changed"], result["activation"]) == (
            "activated",
            False,
            "activated",
        )

    @pytest.mark.parametrize("stored", [None, ""])
    def test_without_a_password_there_is_nothing_to_end(self, quipux: Quipux, stored: str | None) -> None:
        begin(quipux)
        set_password(quipux, stored)
        with only_changed(quipux):
            result = end(quipux)
        assert (result["status"], result["activation"]) == ("unchanged", None)

    def test_an_inactive_account_is_left_and_not_reactivated(self, quipux: Quipux) -> None:
        begin(quipux)
        end(quipux, {**ending("absent"), "activation": None})
        with only_changed(quipux):
            result = end(quipux)
        assert (result["status"], result["activation"], result["error"]) == ("unchanged", None, None)

    def test_without_institution_or_account(self, quipux: Quipux) -> None:
        assert (end(quipux)["status"], end(quipux)["error"]) == ("unchanged", None)
        quipux.one(item(administrator=None))
        assert (end(quipux)["status"], end(quipux)["error"]) == ("unchanged", None)

    def test_in_an_institution_that_is_not_as_it_was(self, quipux: Quipux) -> None:
        """Deactivated, without a root area, without the administrator's permissions: the code dies anyway."""
        account = begin(quipux)
        quipux.sql("UPDATE institucion SET inst_estado = 0 WHERE inst_ruc = %s", (RUC,))
        quipux.sql("UPDATE dependencia SET depe_codi_padre = 1 WHERE inst_codi > 1")
        quipux.sql("DELETE FROM permiso_usuario WHERE usua_codi = %s", (account,))
        result = end(quipux)
        assert (result["status"], result["error"]) == ("ok", None), result
        assert password(quipux, account, "usuario") == NO_ENTRY

    def test_the_next_link_is_written_over_it(self, quipux: Quipux) -> None:
        account = begin(quipux)
        end(quipux)
        result = quipux.one(item(activation={"hash": EARLIER_HASH}))
        assert (result["status"], result["activation"]) == ("ok", "written")
        assert password(quipux, account) == EARLIER_HASH

    def test_it_needs_to_know_the_codes(self, quipux: Quipux) -> None:
        begin(quipux)
        for activation in (None, {"replaces": []}, {"hash": CODE_HASH}):
            with only_changed(quipux):
                assert code(end(quipux, {**ending(), "activation": activation})) == "bad_value"

    def test_a_hash_is_still_demanded_where_one_is_written(self, quipux: Quipux) -> None:
        wanted = item(activation={"replaces": [sha256(CODE_HASH)]})
        assert code(
            end(quipux, {**ending(), "state": "present", **{"administrator": wanted["administrator"]}})
        )
        assert quipux.call("institution", items=[wanted])["failed"]

    def test_no_hash_in_answer_or_log(self, quipux: Quipux) -> None:
        secret = "5ec4e75ec4e75ec4e75ec4e75e"  # of this test alone: the log is all tests'
        quipux.one(item(activation={"hash": secret}))
        answer = quipux.call("administrator", items=[ending("expired", secret)], _ansible_diff=True)
        assert answer["items"][0]["activation"] == "expired"
        assert secret not in json.dumps(answer)
        assert "UPDATE public.usuarios SET usua_pasw" in quipux.database.cluster.log()
        assert secret not in quipux.database.cluster.log()


class TestCopies:
    """Quipux gives a new account the password of the person's other ones, an unused code included."""

    def test_a_copied_code_dies_with_the_first_one(self, quipux: Quipux) -> None:
        account = begin(quipux)
        copy = colleague(quipux, usua_pasw=CODE_HASH)
        result = end(quipux)
        assert result["activation"] == "expired"
        assert [str(copy) in note for note in result["notes"]] == [True]
        for table in ("usuarios", "usuario"):
            assert [password(quipux, number, table) for number in (account, copy)] == [NO_ENTRY] * 2

    def test_a_copy_in_the_same_institution(self, quipux: Quipux) -> None:
        account = begin(quipux)
        row = quipux.row("usuarios", "usua_codi = %s", (account,))
        copy = quipux.app_insert_user(
            usua_cedula=CEDULA, usua_pasw=CODE_HASH, inst_codi=row["inst_codi"], depe_codi=row["depe_codi"]
        )
        assert end(quipux)["activation"] == "expired"
        assert [password(quipux, number) for number in (account, copy)] == [NO_ENTRY] * 2

    @pytest.mark.parametrize("other", [OWN_HASH, None])
    def test_another_password_is_left_alone(self, quipux: Quipux, other: str | None) -> None:
        begin(quipux)
        kept = colleague(quipux, usua_pasw=other)
        before = quipux.row("usuarios", "usua_codi = %s", (kept,))
        assert end(quipux)["activation"] == "expired"
        assert quipux.row("usuarios", "usua_codi = %s", (kept,)) == before

    def test_somebody_else_is_left_alone(self, quipux: Quipux) -> None:
        begin(quipux)
        other = colleague(quipux, usua_cedula="2400000001", usua_pasw=CODE_HASH)
        end(quipux)
        assert password(quipux, other) == CODE_HASH

    def test_a_citizen_who_got_it_is_told(self, quipux: Quipux) -> None:
        begin(quipux)
        citizen = quipux.value(
            "INSERT INTO ciudadano (ciu_codigo, ciu_cedula, ciu_nombre, ciu_apellido, ciu_estado, ciu_nuevo, "
            "ciu_pasw) VALUES (nextval('usuarios_usua_codi_seq'), %s, 'Otra', 'Persona', 1, 1, %s) "
            "RETURNING ciu_codigo",
            (CEDULA, CODE_HASH),
        )
        result = end(quipux)
        assert (result["activation"], result["error"]) == ("expired", None)
        assert [str(citizen) in note for note in result["notes"]] == [True]
        assert password(quipux, citizen, "usuario") == CODE_HASH


class TestAtTheSameTime:
    def test_the_administrator_sets_a_password_between_reading_and_writing(self, quipux: Quipux) -> None:
        """Planned over the unused code; when the page lets go of the row, it is a person's password."""
        account = begin(quipux)
        page = quipux.database.connect()
        with page.cursor() as cursor, ThreadPoolExecutor(1) as pool:
            cursor.execute("UPDATE usuarios SET usua_pasw = %s WHERE usua_cedula = %s", (OWN_HASH, CEDULA))
            running = pool.submit(end, quipux)
            wait_until_blocked(quipux)
            page.commit()
            result = running.result()
        page.close()
        assert (result["status"], result["changed"], result["activation"]) == (
            "activated",
            False,
            "activated",
        )
        for table in ("usuarios", "usuario"):
            assert password(quipux, account, table) == OWN_HASH

    def test_a_page_that_gave_up_leaves_the_code_to_die(self, quipux: Quipux) -> None:
        account = begin(quipux)
        page = quipux.database.connect()
        with page.cursor() as cursor, ThreadPoolExecutor(1) as pool:
            cursor.execute("UPDATE usuarios SET usua_pasw = %s WHERE usua_cedula = %s", (OWN_HASH, CEDULA))
            running = pool.submit(end, quipux)
            wait_until_blocked(quipux)
            page.rollback()
            assert running.result()["activation"] == "expired"
        page.close()
        assert password(quipux, account) == NO_ENTRY

    def test_two_runs_at_once_end_it_once(self, quipux: Quipux) -> None:
        begin(quipux)
        with ThreadPoolExecutor(6) as pool:
            results = [future.result() for future in [pool.submit(end, quipux) for _ in range(6)]]
        assert sorted(result["status"] for result in results) == ["ok"] + ["unchanged"] * 5

    def test_a_page_that_never_ends_gives_lock_timeout(self, quipux: Quipux) -> None:
        account = begin(quipux)
        page = quipux.database.connect()
        with page.cursor() as cursor:
            cursor.execute("UPDATE usuarios SET usua_telefono = '1' WHERE usua_codi = %s", (account,))
            result = end(quipux, lock_timeout=200)
            page.rollback()
        page.close()
        assert (result["status"], code(result)) == ("failed", "lock_timeout")
        assert password(quipux, account) == CODE_HASH


@pytest.mark.skipif(php() is None, reason="the pages need php-cli and php-pgsql")
class TestAtTheDoor:
    """What the pages make of it; they show this in the same way as the release's."""

    CODE, NEXT, WANTED = "k2m4p6q8r9s2t4v6w8x2y4z6a8b2c4", "b2c4k2m4p6q8r9s2t4v6w8x2y4z6a8", "tomada2026"

    def link(self, base: str, secret: str) -> str:
        krd, text = (base64.b64encode(part.encode()).decode() for part in (f"U{CEDULA}", secret))
        return f"{base}/usuarionuevo.php?krd={krd}&code={text}"

    def set_without_link(self, base: str, old: str) -> None:
        """The form behind the link, sent by somebody who never saw the link."""
        new = md5(self.WANTED)
        fields = {"krd": f"U{CEDULA}", "contraold": old, "contradrd": new, "contraver": new}
        Browser(base).post("Administracion/usuarios/cambiar_password_grabar.php", fields)

    def test_nobody_gets_in_by_the_dead_code_or_by_there_being_none(self, quipux: Quipux) -> None:
        quipux.one(item(activation={"hash": stored(self.CODE)}))
        with serve(quipux.database) as base:
            assert Browser(base).login(CEDULA, self.CODE) == "in", "the code is alive"
            assert end(quipux, ending("expired", stored(self.CODE)))["activation"] == "expired"
            with pytest.raises(PageError):
                Browser(base).open_activation(self.link(base, self.CODE))
            for old in ("", md5(self.CODE), "0" + NO_ENTRY, NO_ENTRY):
                self.set_without_link(base, old)
            for word in ("", self.CODE, NO_ENTRY, self.WANTED):
                assert Browser(base).login(CEDULA, word) != "in", word
            quipux.one(item(activation={"hash": stored(self.NEXT)}))
            browser = Browser(base)
            browser.set_password(browser.open_activation(self.link(base, self.NEXT)), self.WANTED)
            assert browser.login(CEDULA, self.WANTED) == "in"

    def test_why_no_password_at_all_is_not_enough(self, quipux: Quipux) -> None:
        """If this fails, pages no longer take an empty old password for NULL, and NULL would do."""
        begin(quipux)
        set_password(quipux, None)
        with serve(quipux.database) as base:
            self.set_without_link(base, "")
            assert Browser(base).login(CEDULA, self.WANTED) == "in"


class TestVerified:
    """What the triggers hide is found before COMMIT."""

    def test_a_mirror_that_does_not_follow(self, quipux: Quipux) -> None:
        account = begin(quipux)
        quipux.sql("ALTER TABLE usuarios DISABLE TRIGGER ALL")
        quipux.sql(
            "CREATE TRIGGER zz_nothing BEFORE INSERT ON usuarios FOR EACH ROW EXECUTE FUNCTION "
            "suppress_redundant_updates_trigger()"
        )
        result = end(quipux)
        assert (result["status"], code(result)) == ("failed", "mirror_missing")
        assert password(quipux, account) == CODE_HASH

    def test_an_error_that_a_trigger_swallows(self, quipux: Quipux) -> None:
        account = begin(quipux)
        area = quipux.row("usuarios", "usua_codi = %s", (account,))["depe_codi"]
        quipux.sql("ALTER TABLE dependencia DISABLE TRIGGER ALL")
        quipux.sql("UPDATE dependencia SET depe_pie1 = 'Quito' WHERE depe_codi = %s", (area,))
        quipux.sql("ALTER TABLE dependencia ENABLE TRIGGER ALL")
        quipux.sql("ALTER TABLE usuarios DISABLE TRIGGER ALL")
        quipux.sql("UPDATE usuarios SET ciu_codi = NULL WHERE usua_codi = %s", (account,))
        quipux.sql("ALTER TABLE usuarios ENABLE TRIGGER ALL")
        result = end(quipux)
        assert (result["status"], code(result)) == ("failed", "swallowed_error")
        assert [password(quipux, account, table) for table in ("usuarios", "usuario")] == [CODE_HASH] * 2


class TestAbsent:
    def test_only_the_account_in_that_institution(self, quipux: Quipux) -> None:
        account = begin(quipux)
        populate(quipux, account)  # a live session, lists, a password of their own
        other = colleague(quipux, usua_pasw=OWN_HASH)
        quipux.sql("INSERT INTO usuarios_sesion (usua_codi, usua_sesion) VALUES (%s, 'o1o2Uother')", (other,))
        before = quipux.row("usuarios", "usua_codi = %s", (other,))
        result = end(quipux, ending("absent"))
        assert (result["status"], result["activation"], result["error"]) == ("ok", None, None)
        assert quipux.row("usuarios", "usua_codi = %s", (other,)) == before
        assert quipux.sql("SELECT usua_codi, usua_sesion LIKE 'FIN%%' FROM usuarios_sesion ORDER BY 1") == [
            (account, True),
            (other, False),
        ]
        row = quipux.row("usuarios", "usua_codi = %s", (account,))
        assert (row["usua_esta"], row["usua_cedula"]) == (0, f"{CEDULA}-{account}")
        assert quipux.value("SELECT count(*) FROM permiso_usuario WHERE usua_codi = %s", (account,)) == 9

    def test_an_unused_code_dies_with_the_account(self, quipux: Quipux) -> None:
        account = begin(quipux)
        copy = colleague(quipux, usua_pasw=CODE_HASH)
        planned = end(quipux, ending("absent"), check=True)
        result = end(quipux, ending("absent"))
        assert (result["status"], result["activation"]) == ("ok", "expired")
        assert (planned["activation"], planned["plan_digest"]) == ("expired", result["plan_digest"])
        assert [password(quipux, account, table) for table in ("usuarios", "usuario")] == [NO_ENTRY] * 2
        assert password(quipux, copy) == CODE_HASH

    @pytest.mark.parametrize("stored", [OWN_HASH, None])
    def test_another_password_stays_with_the_account(self, quipux: Quipux, stored: str | None) -> None:
        account = begin(quipux)
        set_password(quipux, stored)
        result = end(quipux, ending("absent"))
        assert (result["status"], result["activation"]) == ("ok", None)
        assert password(quipux, account) == stored

    def test_nothing_there_or_gone_already(self, quipux: Quipux) -> None:
        assert (end(quipux, ending("absent"))["status"], end(quipux)["error"]) == ("unchanged", None)
        quipux.one(item(administrator=None))
        assert end(quipux, ending("absent"))["status"] == "unchanged"
        begin(quipux)
        assert end(quipux, ending("absent"))["changed"]
        with only_changed(quipux):
            assert end(quipux, ending("absent"))["status"] == "unchanged"
            gone = {key: value for key, value in ending("absent").items() if key != "activation"}
            assert quipux.one({**gone, "ruc": "1700000001001"})["status"] == "unchanged"
        quipux.one(gone)
        with only_changed(quipux):
            assert quipux.one(gone)["status"] == "unchanged"
            assert end(quipux, ending("absent"))["status"] == "unchanged"

    def test_expiry_in_a_mixed_list(self, quipux: Quipux) -> None:
        begin(quipux)
        quipux.one(numbered(7))
        person = numbered(7, administrator__phone="0229")
        alone = {key: person[key] for key in ("case", "ruc", "administrator")}
        results = quipux.run(
            ending(case="end"),
            ending(case="none", ruc="1700000001001", administrator={"national_id": "2400000001"}),
            alone,
            module="administrator",
        )
        assert [(one["status"], one["activation"]) for one in results] == [
            ("ok", "expired"),
            ("unchanged", None),
            ("ok", None),
        ]
