"""Check mode, digests, `expect`, `previous` and `kept`, activation by compare-and-set."""

from __future__ import annotations

import hashlib
import json

import pytest

from tests.functional.modules.conftest import CEDULA, CODE_HASH, RUC, Quipux, item, numbered, previous
from tests.functional.modules.test_accounts import NO_ENTRY

BINDING = {
    "environment": "capacitacion",
    "hosts": ["db1", "app1"],
    "request_digest": "a" * 64,
    "collection_digest": "b" * 64,
}


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_check_mode_writes_nothing_and_takes_no_number(quipux: Quipux) -> None:
    before = quipux.dump()
    planned = quipux.one(item(binding=BINDING, activation={"hash": CODE_HASH}), check=True)
    assert (planned["status"], planned["changed"], planned["activation"]) == ("ok", True, "written")
    assert planned["ids"] == {"institution": None, "area": None, "administrator": None}
    assert quipux.dump() == before
    done = quipux.one(item(binding=BINDING, activation={"hash": CODE_HASH}, expect=planned["plan_digest"]))
    assert (done["changes"], done["plan_digest"]) == ([], planned["plan_digest"]), "its caller knows them"
    assert done["status"] == "ok"


def test_plan_digest_can_be_computed_by_others(quipux: Quipux) -> None:
    answer = quipux.call("institution", items=[item(binding=BINDING)], _ansible_check_mode=True)
    result = answer["items"][0]
    document = {
        "format": "quipux-provision-plan/1",
        "case": "inej",
        "environment": "capacitacion",
        "target": {
            "hosts": ["app1", "db1"],
            "database": answer["database"]["name"],
            "system_identifier": answer["database"]["system_identifier"],
        },
        "request_digest": "a" * 64,
        "collection_digest": "b" * 64,
        "changes": result["changes"],
    }
    assert result["changes"] == sorted(
        result["changes"], key=lambda line: (line["object"], line["key"], line["field"])
    )
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert result["plan_digest"] == sha256(text)
    assert answer["database"]["system_identifier"] == quipux.database.cluster.system_identifier


def test_every_part_of_the_digest_counts(quipux: Quipux) -> None:
    base = quipux.one(item(binding=BINDING), check=True)["plan_digest"]
    others = [
        item("other", binding=BINDING),
        item(binding=BINDING, address="Otra calle"),
        *(
            item(binding={**BINDING, key: value})
            for key, value in (
                ("environment", "produccion"),
                ("hosts", ["db1"]),
                ("request_digest", "c" * 64),
                ("collection_digest", "d" * 64),
            )
        ),
    ]
    digests = [quipux.one(one, check=True)["plan_digest"] for one in others]
    assert len({base, *digests}) == len(others) + 1
    assert quipux.one(item(binding={**BINDING, "hosts": ["app1", "db1"]}), check=True)["plan_digest"] == base


def test_a_plan_that_is_not_the_approved_one_is_refused(quipux: Quipux) -> None:
    planned = quipux.one(item(), check=True)["plan_digest"]
    before = quipux.dump()
    result = quipux.one(item(address="Otra calle", expect=planned))
    assert (result["status"], result["error"]["code"]) == ("refused", "plan_changed")
    assert quipux.dump() == before
    assert quipux.one(item(expect=planned))["status"] == "ok"
    # A resumed run finds it all done: nothing to approve.
    assert quipux.one(item(expect=planned))["status"] == "unchanged"


def test_what_others_changed_is_kept_and_shown(quipux: Quipux) -> None:
    ids = quipux.one(item())["ids"]
    quipux.sql("UPDATE usuarios SET usua_telefono = '0222' WHERE usua_codi = %s", (ids["administrator"],))
    quipux.sql("UPDATE dependencia SET depe_nomb = 'Dirección' WHERE depe_codi = %s", (ids["area"],))
    before = quipux.dump()
    same = quipux.one(item(previous=previous(item())))
    assert (same["status"], same["changes"]) == ("unchanged", [])
    assert [(line["object"], line["field"], line["current"], line["requested"]) for line in same["kept"]] == [
        ("administrator", "phone", "0222", "022999999 ext. 1234"),
        ("area", "name", "Dirección", "Instituto Nacional de Ejemplo"),
    ]
    assert quipux.dump() == before
    changed = quipux.one(
        item(previous=previous(item()), address="Calle Nueva 1", administrator__email="n@example.gob.ec")
    )
    assert [(line["object"], line["field"], line["after"]) for line in changed["changes"]] == [
        ("administrator", "email", "n@example.gob.ec"),
        ("area", "address", "Calle Nueva 1"),
    ]
    assert quipux.row("usuario", "usua_codi = %s", (ids["administrator"],))["usua_telefono"] == "0222"
    # Without `previous` the request rules.
    assert {line["field"] for line in quipux.one(item(), check=True)["changes"]} == {
        "address",
        "email",
        "name",
        "phone",
    }


def test_a_renamed_institution_renames_its_mirrors(quipux: Quipux) -> None:
    ids = quipux.one(item())["ids"]
    result = quipux.one(
        item(previous=previous(item()), name="Instituto Renombrado", acronym="IREN", phone="02 3000000 ext")
    )
    assert {(line["object"], line["field"]) for line in result["changes"]} == {
        ("institution", "name"),
        ("institution", "acronym"),
        ("institution", "phone"),
        ("area", "name"),
        ("area", "acronym"),
    }
    row = quipux.row("usuario", "usua_codi = %s", (ids["administrator"],))
    assert (row["inst_nombre"], row["inst_padre_sigla"], row["depe_nomb"], row["dep_sigla"]) == (
        "Instituto Renombrado",
        "IREN",
        "Instituto Renombrado",
        "IREN",
    )
    assert (
        quipux.row("institucion", "inst_codi = %s", (ids["institution"],))["inst_telefono"]
        == "02 3000000 EXT"
    )
    assert quipux.sql("SELECT tabla FROM log WHERE tipo = 1 ORDER BY log_id") == [
        ("INSTITUCION",),
        ("DEPENDENCIA",),
    ]


class TestActivation:
    """Compare-and-set: only over no password, or over a code of ours that nobody has used."""

    def password(self, quipux: Quipux) -> str | None:
        row = quipux.row("usuario", "usua_cedula = %s", (CEDULA,))
        assert row["usua_nuevo"] == 1
        value: str | None = row["usua_pasw"]
        return value

    def test_without_one_nobody_gets_in(self, quipux: Quipux) -> None:
        assert quipux.one(item())["activation"] is None
        assert self.password(quipux) == NO_ENTRY
        assert quipux.one(item())["status"] == "unchanged"

    @pytest.mark.parametrize("stored", [NO_ENTRY, None, ""])
    def test_over_no_password(self, quipux: Quipux, stored: str | None) -> None:
        quipux.one(item())
        quipux.sql("UPDATE usuarios SET usua_pasw = %s WHERE usua_cedula = %s", (stored, CEDULA))
        result = quipux.one(item(activation={"hash": CODE_HASH}))
        assert (result["status"], result["changed"], result["activation"], result["changes"]) == (
            "ok",
            True,
            "written",
            [],
        )
        assert self.password(quipux) == CODE_HASH
        assert quipux.sql("SELECT count(*) FROM log_usr_permisos WHERE id_permiso = 0") == [(1,)]

    def test_the_same_again_writes_nothing(self, quipux: Quipux) -> None:
        quipux.one(item(activation={"hash": CODE_HASH}))
        before = quipux.dump()
        result = quipux.one(item(activation={"hash": CODE_HASH}))
        assert (result["status"], result["changed"], result["activation"]) == ("unchanged", False, "written")
        assert quipux.dump() == before

    def test_over_an_earlier_code(self, quipux: Quipux) -> None:
        quipux.one(item(activation={"hash": CODE_HASH}))
        result = quipux.one(
            item(activation={"hash": "e" * 26, "replaces": [sha256("d" * 26), sha256(CODE_HASH)]})
        )
        assert (result["status"], result["activation"]) == ("ok", "written")
        assert self.password(quipux) == "e" * 26

    @pytest.mark.parametrize("replaces", [[], [sha256("d" * 26)]])
    def test_never_over_a_password_of_their_own(self, quipux: Quipux, replaces: list[str]) -> None:
        quipux.one(item(activation={"hash": CODE_HASH}))
        quipux.sql("UPDATE usuarios SET usua_pasw = %s WHERE usua_cedula = %s", ("c" * 26, CEDULA))
        wanted = item(
            activation={"hash": "e" * 26, "replaces": [*replaces, sha256(CODE_HASH)]}, address="Calle Nueva 2"
        )
        for check in (True, False):
            result = quipux.one(wanted, check=check)
            assert (result["status"], result["activation"], result["changed"]) == (
                "activated",
                "activated",
                True,
            )
        assert self.password(quipux) == "c" * 26
        assert quipux.value(
            "SELECT dep_direccion FROM dependencia WHERE depe_codi = %s", (result["ids"]["area"],)
        ) == ("Calle Nueva 2")

    def test_a_bad_hash_is_refused_without_being_shown(self, quipux: Quipux) -> None:
        answer = quipux.call("institution", items=[item(activation={"hash": "secret-not-a-hash"})])
        assert answer["items"][0]["error"]["code"] == "bad_value"
        assert "secret-not-a-hash" not in json.dumps(answer)

    def test_the_answer_holds_no_hash(self, quipux: Quipux) -> None:
        answer = quipux.call("institution", items=[item(activation={"hash": CODE_HASH})], _ansible_diff=True)
        assert CODE_HASH not in json.dumps(
            {key: value for key, value in answer.items() if key != "invocation"}
        )


def test_items_stand_alone(quipux: Quipux) -> None:
    results = quipux.run(
        numbered(1),
        numbered(2, city="Quitoo"),
        numbered(3, ruc="1700000001001"),
        numbered(4, acronym="E1"),
        numbered(5, administrator__national_id="2400000001"),
        numbered(6),
        numbered(6),
    )
    assert [result["error"]["code"] if result["error"] else result["status"] for result in results] == [
        "ok",
        "unknown_city",
        "duplicate_ruc",
        "duplicate_acronym",
        "account_exists",
        "ok",
        "bad_value",
    ]
    assert quipux.value("SELECT count(*) FROM institucion WHERE inst_ruc LIKE '17%%'") == 2


@pytest.mark.parametrize("field", ["inst_ruc", "inst_sigla"])
def test_taken_ruc_and_acronym(quipux: Quipux, field: str) -> None:
    number = quipux.value("SELECT nextval('sec_institucion')")
    quipux.sql(
        "INSERT INTO institucion (inst_codi, inst_ruc, inst_nombre, inst_sigla, inst_estado) VALUES (%s, "
        "%s, 'Otra', %s, %s)",
        (
            number,
            RUC if field == "inst_ruc" else "1700000009001",
            "inej" if field == "inst_sigla" else "OTRA",
            1,
        ),
    )
    if field == "inst_ruc":  # twice, as the web pages allow
        quipux.sql(
            "INSERT INTO institucion (inst_codi, inst_ruc, inst_nombre, inst_estado) VALUES (%s, %s, "
            "'Otra', 1)",
            (quipux.value("SELECT nextval('sec_institucion')"), RUC),
        )
    before = quipux.dump()
    result = quipux.one(item())
    assert result["error"]["code"] == ("duplicate_ruc" if field == "inst_ruc" else "duplicate_acronym")
    assert quipux.dump() == before


def test_diff_mode_shows_what_changes(quipux: Quipux) -> None:
    quipux.one(item())
    answer = quipux.call(
        "institution", items=[item(phone="023333333")], _ansible_check_mode=True, _ansible_diff=True
    )
    assert answer["diff"] == [
        {
            "before_header": "inej",
            "after_header": "inej",
            "before": "institution.phone: 022999999\n",
            "after": "institution.phone: 023333333\n",
        }
    ]
