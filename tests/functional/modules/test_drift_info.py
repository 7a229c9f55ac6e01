"""Module drift_info: a whole database has no drift; each thing that may go wrong is found, and only that."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from ansible_collections.quipux.provision.plugins.module_utils._drift import SEVERITIES
from ansible_collections.quipux.provision.plugins.module_utils._drift_persons import judge_person

from quipux_provision.domain.drift import Finding, told
from tests.functional.modules.conftest import CEDULA, RUC, Quipux, item, numbered

OTHER_RUC = "1700000002001"
NAMES: dict[str, Any] = {}


class Spoiling(NamedTuple):
    """`spoil` and `mend` are SQL with the numbers of `whole`; `found` is what they make, as ``code case``."""

    name: str
    found: tuple[str, ...]
    spoil: str
    mend: str


def _set(table: str, column: str, bad: str, good: str, where: str) -> tuple[str, str]:
    head = f"UPDATE {table} SET {column} = "
    return f"{head}{bad} WHERE {where}", f"{head}{good} WHERE {where}"


def _inst(column: str, bad: str, good: str) -> tuple[str, str]:
    return _set("institucion", column, bad, good, "inst_codi = %(inst)s")


def _user(column: str, bad: str, good: str, name: str = "aiq") -> tuple[str, str]:
    return _set("usuarios", column, bad, good, f"usua_codi = %({name})s")


def _right(permission: int, name: str) -> tuple[str, str]:
    return (
        f"INSERT INTO permiso_usuario VALUES ({permission}, %({name})s)",
        f"DELETE FROM permiso_usuario WHERE id_permiso = {permission} AND usua_codi = %({name})s",
    )


def _without(permission: int, name: str) -> tuple[str, str]:
    give, take = _right(permission, name)
    return take, give


def _both(*pairs: tuple[str, str]) -> tuple[str, str]:
    return "; ".join(pair[0] for pair in pairs), "; ".join(pair[1] for pair in reversed(pairs))


def _quietly(sql: str) -> str:
    """A write that no trigger sees."""
    return f"SET session_replication_role = replica; {sql}; RESET session_replication_role"


_ROOT = "(SELECT depe_codi FROM dependencia WHERE inst_codi = %(inst)s AND depe_codi_padre = depe_codi)"
_BY_HAND = (
    "INSERT INTO institucion (inst_codi, inst_ruc, inst_nombre, inst_sigla, inst_estado, inst_coordinador) "
    "VALUES (900, '1799999999001', '<script>x</script>', 'MANO', 1, 0)"
)
_AWAY = "DELETE FROM institucion WHERE inst_codi = 900"
_MIRROR = "usuario WHERE usua_codi = %(clerk)s"

SPOILINGS = [
    Spoiling(name, tuple(found), *pair)
    for name, found, pair in (
        (
            "renamed",
            ["institution_renamed inej"],
            _inst("inst_nombre", "'Otro'", "'Instituto Nacional de Ejemplo'"),
        ),
        ("ruc", ["ruc_changed inej"], _inst("inst_ruc", "'1799999999001'", f"'{RUC}'")),
        ("acronym", ["acronym_changed inej"], _inst("inst_sigla", "'OTRA'", "'INEJ'")),
        ("inactive", ["institution_inactive inej"], _inst("inst_estado", "0", "1")),
        (
            "vanished",
            ["institution_missing inej"],
            (
                _quietly(
                    "UPDATE institucion SET inst_codi = 901, inst_estado = 0 WHERE inst_codi = %(inst)s"
                ),
                _quietly(
                    "UPDATE institucion SET inst_codi = %(inst)s, inst_estado = 1 WHERE inst_codi = 901"
                ),
            ),
        ),
        ("citizens validated", ["forbidden_permission inej"], _right(14, "clerk")),
        ("institutions", ["forbidden_permission inej"], _right(30, "aiq")),
        ("backups", ["forbidden_permission inej"], _right(33, "backup")),
        ("repository", ["forbidden_permission inej"], _right(35, "clerk")),
        ("on the bench", [], _both(_user("usua_esta", "0", "1", "clerk"), _right(35, "clerk"))),
        ("AIQ without menu", ["aiq_without_rights inej"], _without(12, "aiq")),
        ("AIQ without areas", ["aiq_without_rights inej"], _without(36, "aiq")),
        ("AIQ gone", ["aiq_inactive inej"], _user("usua_esta", "0", "1")),
        (
            "nobody left",
            ["aiq_inactive inej", "aiq_missing inej"],
            _both(_user("usua_esta", "0", "1"), _without(36, "backup")),
        ),
        ("no backup", ["aiq_no_backup inej"], _user("usua_esta", "0", "1", "backup")),
        ("a third", ["aiq_doubled inej"], _right(12, "clerk")),
        ("by hand", ["institution_unmanaged -"], (_BY_HAND, _AWAY)),
        (
            "RUC twice",
            ["duplicate_ruc inej", "duplicate_ruc -", "institution_unmanaged -"],
            (_BY_HAND.replace("1799999999001", RUC), _AWAY),
        ),
        (
            "acronym twice",
            ["duplicate_acronym inej", "duplicate_acronym -", "institution_unmanaged -"],
            (_BY_HAND.replace("MANO", "inej"), _AWAY),
        ),
        (
            "login twice",
            ["duplicate_login inej"],
            _user("usua_login", f"'U{CEDULA}'", "'U2405000011'", "clerk"),
        ),
        (
            "login elsewhere",
            ["shared_login inej", "shared_login other"],
            _user("usua_login", f"'U{CEDULA}'", "'U2405000022'", "stranger"),
        ),
        (
            "swallowed",
            ["mirror_differs inej", "trigger_errors inej"],
            (
                f"UPDATE dependencia SET depe_pie1 = 'Quito' WHERE depe_codi = {_ROOT}; "
                "UPDATE usuarios SET ciu_codi = NULL, usua_esta = 0 WHERE usua_codi = %(clerk)s",
                f"UPDATE dependencia SET depe_pie1 = '1' WHERE depe_codi = {_ROOT}; "
                "UPDATE usuarios SET ciu_codi = 1, usua_esta = 1 WHERE usua_codi = %(clerk)s; "
                "DELETE FROM log_view_usuario",
            ),
        ),
        (
            "no mirror",
            ["mirror_missing inej"],
            (
                f"CREATE TABLE kept AS SELECT * FROM {_MIRROR}; DELETE FROM {_MIRROR}",
                "INSERT INTO usuario SELECT * FROM kept; DROP TABLE kept",
            ),
        ),
        (
            "orphan",
            ["mirror_orphan other"],
            (
                "CREATE TABLE kept AS SELECT * FROM usuarios WHERE usua_codi = %(stranger)s; "
                "DELETE FROM usuarios WHERE usua_codi = %(stranger)s",
                _quietly("INSERT INTO usuarios SELECT * FROM kept") + "; DROP TABLE kept",
            ),
        ),
        (
            "stale mirror",
            ["mirror_differs inej"],
            _set("usuario", "usua_esta", "0", "1", "usua_codi = %(clerk)s"),
        ),
        ("new", ["account_new inej"], _user("usua_nuevo", "0", "1", "clerk")),
        ("empty", ["password_empty inej"], _user("usua_pasw", "''", "repeat('b', 26)", "clerk")),
        (
            "empty in the mirror",
            ["password_empty inej"],
            _set("usuario", "usua_pasw", "''", "repeat('b', 26)", "usua_codi = %(clerk)s"),
        ),
        ("none", ["password_missing inej"], _user("usua_pasw", "NULL", "repeat('b', 26)", "clerk")),
        (
            "published",
            ["published_password -"],
            _set("usuarios", "usua_pasw", "substr(md5('123'), 2, 26)", "repeat('c', 26)", "usua_codi = 0"),
        ),
    )
]


@pytest.fixture(scope="module")
def whole(shared: Quipux) -> Quipux:
    """Two institutions as they should be: an administrator with a password, a backup, a clerk."""
    shared.sql("UPDATE usuarios SET usua_pasw = repeat('c', 26) WHERE usua_codi = 0")
    other = numbered(2, ruc=OTHER_RUC)
    ours, theirs = shared.run(
        item(activation={"hash": "a" * 26}), {**other, "activation": {"hash": "d" * 26}}
    )
    NAMES.clear()
    NAMES.update(inst=ours["ids"]["institution"], aiq=ours["ids"]["administrator"])
    NAMES.update(other=theirs["ids"]["institution"], other_aiq=theirs["ids"]["administrator"])
    for name, cedula, of in (
        ("backup", "2405000003", ours),
        ("clerk", "2405000011", ours),
        ("other_backup", "2405000029", theirs),
        ("stranger", "2405000022", theirs),
    ):
        NAMES[name] = shared.app_insert_user(
            usua_cedula=cedula,
            inst_codi=of["ids"]["institution"],
            depe_codi=of["ids"]["area"],
            usua_pasw="b" * 26,
            ciu_codi=1,
        )
    for name in ("backup", "other_backup"):
        shared.sql("INSERT INTO permiso_usuario SELECT unnest(ARRAY[12, 36]), %s", (NAMES[name],))
    return shared


def items(**changes: Any) -> list[dict[str, Any]]:
    """What was provisioned, with changes to the first one."""
    other = numbered(2)
    ours = {
        "case": "inej",
        "state": "present",
        "institution": NAMES["inst"],
        "ruc": RUC,
        "name": item()["name"],
        "acronym": "INEJ",
        "national_id": CEDULA,
        "accounts": [NAMES["aiq"]],
    }
    theirs = {
        **ours,
        **{"case": "other", "institution": NAMES["other"], "ruc": OTHER_RUC, "name": other["name"]},
        **{"acronym": other["acronym"], "national_id": other["administrator"]["national_id"]},
    }
    return [{**ours, **changes}, theirs]


def look(quipux: Quipux, *wanted: dict[str, Any], user: str = "quipux_ro", **options: Any) -> dict[str, Any]:
    answer = quipux.call("drift_info", user=user, items=list(wanted) or items(), **options)
    assert "findings" in answer, answer
    return answer


def found(answer: dict[str, Any]) -> list[str]:
    return [f"{one['code']} {one['case'] or '-'}" for one in answer["findings"]]


def test_a_whole_database_has_no_drift(whole: Quipux) -> None:
    before = whole.dump()
    for user in ("quipux_ro", "quipux_prov"):
        answer = look(whole, user=user)
        assert answer["findings"] == []
        assert (answer["institutions"], answer["changed"], answer["layout"]) == (2, False, "quipux-2014")
    assert whole.dump() == before


@pytest.mark.parametrize("spoiling", SPOILINGS, ids=lambda one: one.name)
def test_what_goes_wrong_is_found(whole: Quipux, spoiling: Spoiling) -> None:
    whole.sql(spoiling.spoil, NAMES)
    try:
        answer = look(whole)
    finally:
        whole.sql(spoiling.mend, NAMES)
    assert sorted(found(answer)) == sorted(spoiling.found)
    assert all(one["severity"] == SEVERITIES[one["code"]] for one in answer["findings"])
    assert look(whole)["findings"] == []


def test_every_code_is_found_or_judged_somewhere() -> None:
    spoiled = {line.split()[0] for one in SPOILINGS for line in one.found}
    elsewhere = {
        *("retired_active", "retired_account_active", "ended_account_active", "not_looked_at"),
        *(code for code in SEVERITIES if code.startswith("citizen_") or code == "request_changed"),
    }
    assert spoiled | elsewhere == set(SEVERITIES)


def test_every_code_has_its_words() -> None:
    for code, severity in SEVERITIES.items():
        message, hint = told(Finding(code, severity))
        assert message != code
        assert hint


def test_one_that_was_retired(whole: Quipux) -> None:
    assert found(look(whole, *items(state="retired"))) == [
        "retired_active inej",
        "retired_account_active inej",
    ]
    whole.sql("UPDATE institucion SET inst_estado = 0 WHERE inst_codi = %(inst)s", NAMES)
    whole.sql("UPDATE usuarios SET usua_esta = 0 WHERE inst_codi = %(inst)s", NAMES)
    assert found(look(whole, *items(state="retired"))) == []
    whole.sql("UPDATE usuarios SET usua_esta = 1 WHERE usua_codi = %(clerk)s", NAMES)
    answer = look(whole, *items(state="retired"))
    assert [(one["code"], one["accounts"]) for one in answer["findings"]] == [
        ("retired_account_active", [NAMES["clerk"]])
    ]
    whole.sql("UPDATE usuarios SET usua_esta = 1 WHERE inst_codi = %(inst)s", NAMES)
    whole.sql("UPDATE institucion SET inst_estado = 1 WHERE inst_codi = %(inst)s", NAMES)
    assert look(whole)["findings"] == []


def test_an_account_that_was_ended(whole: Quipux) -> None:
    assert found(look(whole, *items(state="ended"))) == ["ended_account_active inej"]
    whole.sql("UPDATE usuarios SET usua_esta = 0 WHERE usua_codi = %(aiq)s", NAMES)
    assert found(look(whole, *items(state="ended"))) == []
    whole.sql("UPDATE usuarios SET usua_esta = 1 WHERE usua_codi = %(aiq)s", NAMES)


def test_who_was_made_by_us_is_no_stranger(whole: Quipux) -> None:
    give, take = _right(12, "clerk")
    whole.sql(give, NAMES)
    assert found(look(whole, *items(accounts=[NAMES["aiq"], NAMES["clerk"]]))) == []
    whole.sql(take, NAMES)


def test_of_a_purged_case_only_the_institution_is_known(whole: Quipux) -> None:
    nothing = dict.fromkeys(("ruc", "name", "acronym", "national_id"))
    assert found(look(whole, *items(**nothing))) == []


def test_without_a_number_the_ruc_tells(whole: Quipux) -> None:
    assert found(look(whole, *items(institution=None))) == []


def test_swallowed_errors_count_since_a_moment(whole: Quipux) -> None:
    whole.sql(
        "INSERT INTO log_view_usuario (fecha, tabla, accion, codigo, error) VALUES "
        "(now() - interval '1 day', 'usuarios', 'UPDATE', %(clerk)s, 'x')",
        NAMES,
    )
    before = look(whole)
    assert found(before) == ["trigger_errors inej"]
    assert found(look(whole, since=before["time"])) == []
    assert found(look(whole, since="2020-01-01T00:00:00Z")) == ["trigger_errors inej"]
    assert "no moment" in whole.call("drift_info", user="quipux_ro", items=items(), since="ayer")["msg"]
    whole.sql("DELETE FROM log_view_usuario")


def test_passwords_are_judged_in_the_database(whole: Quipux) -> None:
    """The reading role sees no hash, not even through the view, and none is in an answer or a statement."""
    with whole.database.connection("quipux_ro") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM quipux_provision.password_state")
        seen = {value for row in cursor.fetchall() for value in row if not isinstance(value, int)}
    assert seen <= {None}
    answer = str(look(whole, user="quipux_prov")) + str(look(whole))
    for known in ("a" * 26, "b" * 26, "c" * 26):
        assert known not in answer


def test_without_the_view_it_says_so(whole: Quipux) -> None:
    whole.sql("REVOKE SELECT ON quipux_provision.password_state FROM quipux_ro")
    answer = look(whole)
    assert found(answer) == ["not_looked_at -"]
    assert answer["findings"][0]["details"]["part"] == "passwords"
    assert look(whole, user="quipux_prov")["findings"] == []
    whole.sql("GRANT SELECT ON quipux_provision.password_state TO quipux_ro")


def test_what_cannot_be_read_leaves_the_rest(whole: Quipux) -> None:
    whole.sql("REVOKE SELECT ON permiso_usuario FROM quipux_ro")
    whole.sql("UPDATE usuarios SET usua_nuevo = 0 WHERE usua_codi = %(clerk)s", NAMES)
    assert found(look(whole)) == ["account_new inej", "not_looked_at -"]
    whole.sql("UPDATE usuarios SET usua_nuevo = 1 WHERE usua_codi = %(clerk)s", NAMES)
    whole.sql("GRANT SELECT ON permiso_usuario TO quipux_ro")


def test_the_same_statements_however_many_items(whole: Quipux) -> None:
    """And over one connection: the role may have no second one."""
    log = whole.database.cluster.log
    whole.sql("ALTER ROLE quipux_ro CONNECTION LIMIT 1")
    counts = []
    for many in (1, 300):
        before = len(log())
        extra = [numbered(number) for number in range(10, 10 + many)]
        look(whole, *[{"case": one["case"], "state": "present", "ruc": one["ruc"]} for one in extra])
        counts.append(log()[before:].count("statement: "))
    whole.sql("ALTER ROLE quipux_ro CONNECTION LIMIT -1")
    assert counts[0] == counts[1] < 20


def test_a_state_of_the_wrong_kind(whole: Quipux) -> None:
    answer = whole.call("drift_info", user="quipux_ro", items=items(state="approved"))
    assert answer["msg"] == "inej: no institution can be approved"


@pytest.mark.parametrize(
    ("state", "outside", "inside", "codes"),
    [
        ("requested", [[7, 1, 2]], [], []),
        ("requested", [[7, 1, 1]], [], ["request_changed"]),
        ("requested", [[7, 1, None]], [], ["request_changed"]),
        ("requested", [[7, 0, 2]], [], ["citizen_inactive"]),
        ("requested", [], [[7, 1, 1]], ["citizen_signed"]),
        ("requested", [], [], ["citizen_missing"]),
        ("approved", [], [[7, 1, 1]], []),
        ("approved", [], [[7, 0, 1]], ["citizen_inactive"]),
        ("approved", [[7, 1, 2]], [], ["citizen_not_signed"]),
        ("rejected", [[7, 1, 0]], [], []),
        ("rejected", [], [[7, 1, 1]], ["citizen_signed"]),
        ("absent", [[7, 0, 3]], [[7, 0, 1]], []),
        ("absent", [], [[7, 1, 1]], ["citizen_active"]),
    ],
)
def test_a_citizen_at_each_stage(state: str, outside: list[Any], inside: list[Any], codes: list[str]) -> None:
    assert [code for code, _accounts in judge_person(state, outside, inside)] == codes


def test_citizens_of_a_database(whole: Quipux) -> None:
    number = whole.value(
        "INSERT INTO ciudadano (ciu_cedula, ciu_nombre, ciu_apellido, ciu_estado, ciu_nuevo, inst_codi, "
        "ciudad_codi) VALUES ('2405000037', 'Ana', 'Prueba', 1, 1, %(inst)s, 1) RETURNING ciu_codigo",
        NAMES,
    )
    whole.sql("INSERT INTO solicitud_firma_ciudadano (ciu_codigo, sol_estado) VALUES (%s, 2)", (number,))
    citizen = {
        "case": "ana",
        "kind": "citizen",
        "state": "requested",
        "account": number,
        "national_id": "2405000037",
    }
    assert found(look(whole, *items(), citizen)) == []
    assert found(look(whole, *items(), {**citizen, "account": None})) == []
    assert found(look(whole, *items(), {**citizen, "state": "approved"})) == ["citizen_not_signed ana"]
    whole.sql("UPDATE solicitud_firma_ciudadano SET sol_estado = 3 WHERE ciu_codigo = %s", (number,))
    assert found(look(whole, *items(), citizen)) == ["request_changed ana"]
    whole.sql("DELETE FROM solicitud_firma_ciudadano WHERE ciu_codigo = %s", (number,))
    whole.sql("DELETE FROM ciudadano WHERE ciu_codigo = %s", (number,))
    assert found(look(whole, *items(), citizen)) == ["citizen_missing ana"]
