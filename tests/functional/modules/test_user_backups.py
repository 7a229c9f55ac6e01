"""Modules inactive_users_info and user_backups: whose documents still need a backup, and asking for it as the
first of two persons."""

from __future__ import annotations

from typing import Any

import psycopg2
import pytest

from tests.functional.modules.conftest import CEDULA, RUC, Quipux, item
from tests.functional.modules.test_retirement import House, code, retired


def wanted(**changes: Any) -> dict[str, Any]:
    return {"case": "inej", "ruc": RUC, "requested_by_national_id": CEDULA, **changes}


def ask(quipux: Quipux, request: dict[str, Any], **options: Any) -> dict[str, Any]:
    return quipux.one(request, module="user_backups", **options)


def look(quipux: Quipux, ruc: str = RUC) -> dict[str, Any]:
    answer = quipux.call("inactive_users_info", user="quipux_ro", items=[{"case": "inej", "ruc": ruc}])
    assert "items" in answer, answer
    return dict(answer["items"][0])


class Office(House):
    """The clerk and the head have left; each of them has documents."""

    def __init__(self, quipux: Quipux) -> None:
        super().__init__(quipux)
        self.numbers = iter(range(1, 1000))
        for user, cedula in ((self.clerk, "2400000012"), (self.head, "2400000011")):
            self.leave(user, cedula)

    def leave(self, user: int, cedula: str) -> None:
        """As the page."""
        self.quipux.sql(
            "UPDATE usuarios SET usua_esta = 0, usua_login = %s, usua_cedula = %s, "
            "usua_fecha_actualiza = '2026-03-01 10:00:00-05' WHERE usua_codi = %s",
            (f"l{user}", f"{cedula}-{user}", user),
        )

    def paper(self, end: int, state: int, day: str = "2025-05-05", **columns: Any) -> int:
        number = 20250000010000000000 + next(self.numbers) * 10 + end
        row = {
            "radi_nume_radi": number,
            "radi_nume_temp": number - end,
            "radi_fech_radi": f"{day} 10:00:00-05",
            "radi_fech_ofic": f"{day} 10:00:00-05",
            "esta_codi": state,
            **columns,
        }
        if end:
            row["radi_nume_temp"] = self.paper(0, 6, day)
        self.quipux.sql(
            f"INSERT INTO radicado ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})",
            tuple(row.values()),
        )
        return number

    def sent(self, user: int, **columns: Any) -> int:
        return self.paper(0, 6, radi_usua_rem=f"-{user}-", **columns)

    def backup(self, user: int, finished: str | None, **columns: Any) -> int:
        row = {
            "usua_codi": user,
            "fecha_solicita": finished or "2026-04-01",
            "fecha_fin": finished,
            **columns,
        }
        return int(
            self.quipux.value(
                f"INSERT INTO respaldo_usuario ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))}) "
                "RETURNING resp_codi",
                tuple(row.values()),
            )
        )

    def request(self, user: int, state: int, backup_state: int, **columns: Any) -> int:
        row = {
            "usua_codi_solicita": user,
            "estado_solicitud": state,
            "estado_respaldo": backup_state,
            "fecha_solicita": "2026-04-01",
            "fecha_inicio_doc": "2025-01-01",
            "fecha_fin_doc": "2026-12-31 23:59:59",
            **columns,
        }
        return int(
            self.quipux.value(
                f"INSERT INTO respaldo_solicitud ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))}) "
                "RETURNING resp_soli_codi",
                tuple(row.values()),
            )
        )

    def states(self) -> dict[int, str]:
        return {user["id"]: user["state"] for user in look(self.quipux)["users"]}


@pytest.fixture
def office(quipux: Quipux) -> Office:
    return Office(quipux)


class TestWhoIsInactive:
    def test_the_list(self, office: Office) -> None:
        first, second = (
            office.sent(office.clerk),
            office.sent(office.clerk, radi_fech_ofic="2025-06-01 10:00:00-05"),
        )
        assert first != second
        office.sent(office.aiq)
        office.sent(office.neighbour)
        before = office.quipux.dump()
        result = look(office.quipux)
        assert office.quipux.dump() == before
        assert (result["status"], result["due"]) == ("ok", 1)
        assert result["ids"] == {"institution": office.ids["institution"]}
        head, clerk = sorted(result["users"], key=lambda user: user["id"])
        assert (head["id"], head["state"], head["documents"]) == (office.head, "nothing", 0)
        assert clerk["deactivated"].startswith("2026-03-01T")
        shown = {key: clerk[key] for key in clerk if key != "deactivated"}
        assert shown == {
            "id": office.clerk,
            "national_id": "2400000012",
            "name": "Otra Persona",
            "area": {"id": office.ids["area"], "name": "Instituto Nacional de Ejemplo"},
            "documents": 2,
            "missing": 2,
            "first": "2025-05-05",
            "last": "2025-06-01",
            "backup": None,
            "request": None,
            "state": "due",
        }

    def test_what_counts_as_a_users_document(self, office: Office) -> None:
        """As Quipux's own backup takes them."""
        user, other = office.clerk, office.aiq
        office.sent(user)
        office.paper(0, 0, radi_usua_rem=f"-{other}--{user}-")
        office.paper(1, 2, radi_usua_dest=f"-{user}-")
        office.paper(1, 0, radi_cca=f"-{other}--{user}-")
        for transaction, column in ((9, "usua_codi_ori"), (9, "usua_codi_dest"), (8, "usua_codi_dest")):
            number = office.paper(1, 2, radi_usua_dest=f"-{other}-")
            row = {"usua_codi_ori": other, "usua_codi_dest": other, column: user}
            office.quipux.sql(
                "INSERT INTO hist_eventos (hist_fech, usua_codi_ori, usua_codi_dest, radi_nume_radi, "
                "hist_obse, sgd_ttr_codigo) VALUES (now(), %s, %s, %s, '', %s)",
                (row["usua_codi_ori"], row["usua_codi_dest"], number, transaction),
            )
        # Not these: in process, removed, somebody else's whose number begins alike.
        office.paper(0, 1, radi_usua_rem=f"-{user}-")
        office.paper(1, 7, radi_usua_dest=f"-{user}-")
        office.paper(0, 6, radi_usua_rem=f"-{user}0-")
        assert {one["id"]: one["documents"] for one in look(office.quipux)["users"]}[user] == 7

    def test_states(self, office: Office) -> None:
        user = office.clerk
        office.sent(user)
        for state, backup_state, expected in (
            (4, 10, "due"),
            (14, 15, "due"),
            (2, 8, "requested"),
            (3, 9, "requested"),
        ):
            office.request(user, state, backup_state)
            assert office.states()[user] == expected, (state, backup_state)
        newest = (
            look(office.quipux)["users"][-1]
            if office.clerk > office.head
            else look(office.quipux)["users"][0]
        )
        assert (newest["request"]["state"], newest["request"]["backup_state"]) == (3, 9)

    def test_a_backup_covers_its_days(self, office: Office) -> None:
        user = office.clerk
        office.sent(user)
        made = office.backup(user, "2026-04-02", fecha_eliminado="2026-04-20")
        request = office.request(user, 6, 12, resp_codi=made)
        assert office.states()[user] == "backed_up"
        office.quipux.sql(
            "UPDATE respaldo_solicitud SET fecha_fin_doc = '2025-05-04 23:59:59' WHERE resp_soli_codi = %s",
            (request,),
        )
        assert office.states()[user] == "due"

    def test_one_ordered_by_the_super_administrator(self, office: Office) -> None:
        office.sent(office.clerk)
        office.backup(office.clerk, None)
        assert office.states()[office.clerk] == "requested"

    def test_a_retired_institution(self, office: Office) -> None:
        """Who left with the institution is known by the log's moment."""
        office.quipux.one(retired(), module="retirement")
        users = {user["id"]: user for user in look(office.quipux)["users"]}
        assert set(users) == set(office.all)
        assert not users[office.aiq]["deactivated"].startswith("2026-03-01")

    def test_refused(self, office: Office) -> None:
        assert look(office.quipux, "17")["error"]["code"] == "bad_value"
        assert look(office.quipux, "1700000077001")["error"]["code"] == "no_such_institution"

    def test_a_right_that_lacks(self, office: Office) -> None:
        office.quipux.sql("REVOKE SELECT ON respaldo_usuario FROM quipux_ro")
        answer = office.quipux.call("inactive_users_info", user="quipux_ro", items=[])
        assert "missing privileges for quipux_ro: SELECT on respaldo_usuario" in answer["msg"]

    def test_another_layout(self, office: Office) -> None:
        office.quipux.sql("ALTER TABLE respaldo_solicitud RENAME resp_codi TO other")
        answer = office.quipux.call("inactive_users_info", user="quipux_ro", items=[])
        assert "unknown layout: the database lacks respaldo_solicitud.resp_codi" in answer["msg"]


class TestAsking:
    def test_as_the_page_does_it_and_no_more(self, office: Office) -> None:
        quipux = office.quipux
        office.sent(office.clerk)
        office.sent(office.head)
        logged = quipux.value("SELECT count(*) FROM log")
        before = quipux.dump()
        plan = ask(quipux, wanted(), check=True, user="quipux_ro")
        assert quipux.dump() == before
        result = ask(quipux, wanted(expect=plan["plan_digest"]))
        assert (result["status"], result["error"]) == ("ok", None), result
        people = sorted([office.clerk, office.head])
        assert plan["changes"] == [
            {"object": "backup_request", "key": str(user), "field": "state", "before": None, "after": "sent"}
            for user in people
        ]
        assert result["ids"]["requester"] == office.aiq
        for number, user in zip(result["ids"]["requests"], people, strict=True):
            row = quipux.row("respaldo_solicitud", "resp_soli_codi = %s", (number,))
            expected = {
                "usua_codi_solicita": user,
                "usua_codi_accion": office.aiq,
                "usua_codi_autoriza": None,
                "resp_codi": None,
                "estado_solicitud": 2,
                "estado_respaldo": 8,
                "fecha_ejecutar": None,
                "radi_nume_radi": None,
            }
            assert {key: row[key] for key in expected} == expected
            assert row["fecha_inicio_doc"].startswith("2025-05-05T00:00:00")
            assert "T23:59:59" in row["fecha_fin_doc"]
            event = quipux.row("respaldo_hist_eventos", "resp_soli_codi = %s", (number,))
            assert (
                event["accion"],
                event["usua_codi"],
                event["estado_solicitud"],
                event["estado_respaldo"],
            ) == (*(72, office.aiq, 2, 8),)
        log = quipux.sql("SELECT tabla, tipo, usua_codi FROM log ORDER BY log_id OFFSET %s", (logged,))
        assert sorted(log) == sorted(
            [("RESPALDO_SOLICITUD", 2, office.aiq), ("RESPALDO_HIST_EVENTOS", 2, office.aiq)] * 2
        )
        assert quipux.sql("SELECT 1 FROM respaldo_usuario") == []
        assert office.states() == dict.fromkeys(people, "requested")
        written = {"respaldo_solicitud", "respaldo_hist_eventos", "log"}
        after = quipux.dump()
        assert {name for name in after if after[name] != before[name]} <= {
            *written,
            *("sec_respaldo_solicitud", "sec_resp_hist_eventos", "log_log_id_seq"),
        }
        again = ask(quipux, wanted())
        assert (again["status"], again["ids"]) == ("unchanged", result["ids"])
        assert quipux.dump() == after

    def test_named_accounts(self, office: Office) -> None:
        quipux = office.quipux
        office.sent(office.clerk)
        result = ask(quipux, wanted(accounts=[office.clerk, office.head]))
        assert [line["key"] for line in result["changes"]] == [str(office.clerk)]
        assert f"no backup is due for account {office.head}: it has no documents" in result["notes"]
        for numbers in ([office.aiq], [office.neighbour], [999999]):
            assert code(ask(quipux, wanted(accounts=numbers))) == "no_such_account"

    def test_only_an_active_administrator_asks(self, office: Office) -> None:
        quipux = office.quipux
        office.sent(office.clerk)
        colleague = office.user("2400000033")
        before = quipux.dump()
        for cedula in ("2400000033", "2400000012", "2400000021", "2400000099"):
            assert code(ask(quipux, wanted(requested_by_national_id=cedula))) == "not_administrator"
        assert code(ask(quipux, wanted(requested_by_national_id="1' OR '1"))) == "bad_value"
        assert quipux.dump() == before
        quipux.sql(
            "INSERT INTO permiso_usuario (id_permiso, usua_codi) VALUES (12, %s), (36, %s)", (colleague,) * 2
        )
        assert ask(quipux, wanted(requested_by_national_id="2400000033"))["status"] == "ok"
        quipux.one(retired(), module="retirement")
        assert code(ask(quipux, wanted())) == "inactive_institution"
        assert code(ask(quipux, wanted(ruc="1700000077001"))) == "no_such_institution"

    def test_the_writing_role_cannot_approve(self, office: Office) -> None:
        office.sent(office.clerk)
        ask(office.quipux, wanted())
        with office.quipux.database.connection("quipux_prov") as connection, connection.cursor() as cursor:
            for statement in (
                "UPDATE respaldo_solicitud SET estado_solicitud = 3",
                "INSERT INTO respaldo_usuario (usua_codi) VALUES (1)",
                "SELECT comentario FROM respaldo_solicitud",
                "SELECT radi_asunto FROM radicado",
            ):
                with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                    cursor.execute(statement)
                connection.rollback()

    def test_another_plan(self, office: Office) -> None:
        office.sent(office.clerk)
        plan = ask(office.quipux, wanted(), check=True)
        office.sent(office.head)
        assert code(ask(office.quipux, wanted(expect=plan["plan_digest"]))) == "plan_changed"

    def test_hostile_names(self, office: Office) -> None:
        office.sent(office.clerk)
        evil = "'); DROP TABLE log; -- %s {{ 1 }} \\"
        office.quipux.sql("UPDATE usuarios SET usua_nomb = %s WHERE usua_codi = %s", (evil, office.clerk))
        assert ask(office.quipux, wanted())["status"] == "ok"
        assert evil in {user["name"].removesuffix(" Persona") for user in look(office.quipux)["users"]}


def test_nobody_inactive(quipux: Quipux) -> None:
    quipux.one(item())
    assert ask(quipux, wanted())["status"] == "unchanged"
    assert look(quipux)["users"] == []
