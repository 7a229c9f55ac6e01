"""What our modules write where the real release's pages would: the same rows, and the differences we mean."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.functional.modules.conftest import run_module
from tests.hosts.conftest import REAL_RELEASE, Country
from tests.real.aiq import Aiq, Person, expect
from tests.real.forms import read_form
from tests.real.parametrised import WRITER, Parametrised
from tests.real.rows import compared, number_far, snapshot, traces

pytestmark = REAL_RELEASE

ADMINISTRATOR = (1, 12, 16, 18, 21, 29, 31, 32, 36)
ADMINISTERING = (1, 12, 16, 18, 31, 32, 36)
SESSIONS_END = {"usuarios_sesion ~ usua_sesion=FIN <time>"}  # the pages end none
# Numbers of rows, and the words of whoever asks.
OF_BACKUPS = {
    "respaldo_solicitud": {"resp_codi", "resp_soli_codi", "comentario"},
    "respaldo_usuario": {"resp_codi"},
    "respaldo_hist_eventos": {"resp_soli_codi", "comentario"},
}


class Side:
    """An institution with one colleague of the administrator, where the pages or our modules act."""

    def __init__(self, country: Country, folder: Path) -> None:
        self.world = Parametrised(country.training, folder)
        assert self.world.aiq.logged_in()
        self.colleague, self.person = self.world.hire("Olga", self.world.root, WRITER)

    @cached_property
    def boss(self) -> Aiq:
        """The super administrator, at work on this institution; who logs in again is out everywhere else."""
        browser = Aiq(self.world.environment.url)
        assert browser.login("ADMINISTRADOR", "123") == "in"
        browser.post("Administracion/formAdministracion.php", {"inst_actu": str(self.world.institution)})
        return browser

    @property
    def aiq(self) -> int:
        return self.world.ids[2]

    def ours(self, module: str, **item: Any) -> dict[str, Any]:
        """The result of one item."""
        environment, applicant = self.world.environment, self.world.applicant
        connection = {
            "login_host": environment.server.host.address,
            "login_user": "quipux_prov",
            "login_password": environment.password,
            "login_db": self.world.database.name,
        }
        items = [{"case": applicant.case, "ruc": applicant.ruc, **item}]
        answer = run_module(module, {**connection, "items": items})
        assert [result["status"] for result in answer.get("items", [])] == ["ok"], answer
        return dict(answer["items"][0])

    def left(self, act: Callable[[], Any]) -> set[str]:
        """What the act leaves, in words that are the same on both sides."""
        world, person = self.world, self.person
        names = {
            str(world.institution): "<institution>",
            str(world.root): "<area>",
            world.applicant.case: "<case>",
            world.applicant.case.upper(): "<CASE>",
            world.applicant.acronym: "<ACRONYM>",
            str(self.aiq): "<aiq>",
            world.applicant.national_id: "<aiq's cédula>",
            str(self.colleague): "<colleague>",
            person.national_id: "<colleague's cédula>",
            person.email: "<colleague's mail>",
            person.email.upper(): "<colleague's MAIL>",
        }
        before = snapshot(world.database)
        act()
        return traces(before, snapshot(world.database), names, OF_BACKUPS)


@pytest.fixture
def sides(country: Country, tmp_path: Path) -> tuple[Side, Side]:
    """Where the pages act, and where we do."""
    number_far(country.training.database)
    return Side(country, tmp_path), Side(country, tmp_path)


def retire_by_pages(side: Side) -> None:
    for account in (side.colleague, side.aiq):
        side.boss.edit_user(account, usr_estado=None)
    path = "Administracion/tbasicas/desactivar_institucion.php"
    side.boss.get(f"{path}?cod_inst_des={side.world.institution}")


def reinstate_by_pages(side: Side) -> None:
    # Any save in the page of institutions does this, whatever else it writes.
    side.world.database.sql(
        "UPDATE institucion SET inst_estado = 1 WHERE inst_codi = %s", (side.world.institution,)
    )
    for account, national_id in (
        (side.colleague, side.person.national_id),
        (side.aiq, side.world.applicant.national_id),
    ):
        side.boss.edit_user(account, usr_estado="1", usr_cedula=national_id)


def test_an_institution_that_leaves_and_comes_back(sides: tuple[Side, Side]) -> None:
    pages, we = sides
    assert pages.boss.logged_in()
    result: dict[str, Any] = {}
    only_pages, only_we = compared(
        pages.left(lambda: retire_by_pages(pages)), we.left(lambda: result.update(we.ours("retirement")))
    )
    assert (only_pages, only_we) == (set(), SESSIONS_END)
    accounts = result["ids"]["accounts"]
    assert sorted(accounts) == sorted([we.aiq, we.colleague])

    only_pages, only_we = compared(
        pages.left(lambda: reinstate_by_pages(pages)),
        we.left(lambda: we.ours("retirement", state="reinstated", accounts=accounts)),
    )
    assert (only_pages, only_we) == (set(), {"log + tabla=INSTITUCION tipo=1"})


def take_over_by_pages(side: Side) -> None:
    side.boss.edit_user(side.colleague, grant=ADMINISTRATOR)
    side.boss.edit_user(side.aiq, revoke=ADMINISTERING)


def take_over(side: Side) -> None:
    person: Person = side.person
    administrator = {
        "national_id": person.national_id,
        "given_names": person.names,
        "surnames": person.surnames,
        "position": person.position,
        "email": person.email,
        "phone": "022999999",
        "mobile": "0991234567",
        "existing_account": "reuse",
    }
    outgoing = {"national_id": side.world.applicant.national_id, "account": "keep"}
    side.ours("administrator", administrator=administrator, outgoing=outgoing)


def test_an_administrator_who_is_replaced(sides: tuple[Side, Side]) -> None:
    pages, we = sides
    assert pages.boss.logged_in()
    for side in sides:
        side.world.database.sql(
            "INSERT INTO usuario_dependencia (usua_codi, inst_codi, depe_codi_tmp) VALUES (%s, %s, %s)",
            (side.aiq, side.world.institution, str(side.world.root)),
        )
    only_pages, only_we = compared(
        pages.left(lambda: take_over_by_pages(pages)), we.left(lambda: take_over(we))
    )
    assert only_pages == set()
    limits = [line for line in only_we if line.startswith("usuario_dependencia - ")]
    assert len(limits) == 1  # the page leaves them behind
    assert only_we == {*limits, *SESSIONS_END}


def requested_by_pages(side: Side) -> None:
    """The administrator asks for the colleague's documents; since 2021 that is approved at once."""
    path = f"backup/respaldo_solicitud.php?txt_tipo_lista=5&usr_codigo={side.colleague}"
    form = read_form(side.world.aiq.get(path))
    today = datetime.now(ZoneInfo("America/Guayaquil")).date().isoformat()
    dates = {"txt_fecha_inicio_doc": today, "txt_fecha_fin_doc": today}
    fields = form.filled(txt_accion="2", txt_comentario="Usuario inactivo", **dates)
    expect(side.world.aiq.post("backup/respaldo_solicitud_grabar.php", fields), "guardados correctamente")


def requested_and_approved(side: Side) -> None:
    """We ask in the administrator's name; the super administrator approves in the page."""
    result = side.ours("user_backups", requested_by_national_id=side.world.applicant.national_id)
    (number,) = result["ids"]["requests"]
    fields = {"txt_accion": "3", f"checkValue[{number}]": "1"}
    expect(side.boss.post("backup/respaldo_grabar_masivo.php", fields), "guardados correctamente")


APPROVAL = "respaldo_hist_eventos + accion=73 estado_respaldo=8 estado_solicitud=3 fecha=<time> usua_codi={}"


def test_a_backup_of_a_users_documents(sides: tuple[Side, Side]) -> None:
    pages, we = sides
    for side in sides:
        number = int(f"2026{side.world.root:06d}0000000010")
        side.world.database.sql(
            "INSERT INTO radicado (radi_nume_radi, radi_nume_temp, radi_fech_radi, radi_fech_ofic, esta_codi,"
            " radi_usua_rem) VALUES (%s, %s, now(), now(), 6, %s)",
            (number, number, f"-{side.colleague}-"),
        )
        side.world.aiq.edit_user(side.colleague, usr_estado=None)
    assert we.boss.logged_in()
    only_pages, only_we = compared(
        pages.left(lambda: requested_by_pages(pages)), we.left(lambda: requested_and_approved(we))
    )
    # The page of today approves in the name of whoever asks.
    assert (only_pages, only_we) == ({APPROVAL.format("<aiq>")}, {APPROVAL.format(0)})
