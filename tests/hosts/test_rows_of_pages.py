"""What our modules write where the real release's pages would: the same rows, and the differences we mean."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.functional.modules.conftest import run_module
from tests.hosts.conftest import REAL_RELEASE, Country
from tests.hosts.office import Applicant
from tests.real.aiq import Aiq, Person, expect
from tests.real.citizens import Officer, Petitioner
from tests.real.forms import read_form
from tests.real.parametrised import PASSWORD, WRITER, Parametrised
from tests.real.rows import snapshot, traces
from tests.stand_in.http_client import stored

pytestmark = REAL_RELEASE

ADMINISTRATOR = (1, 12, 16, 18, 21, 29, 31, 32, 36)
ADMINISTERING = (1, 12, 16, 18, 31, 32, 36)
# Numbers that can be found in a text and are nothing else there.
FAR = "SELECT setval(%s, greatest(%s, nextval(%s)))"
BEGIN = {"usuarios_usua_codi_seq": 7_000_000, "sec_institucion": 80_000, "sec_dependencia": 600_000}


SESSIONS_END = {"usuarios_sesion ~ usua_sesion=FIN <time>"}  # the pages end none


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
    for sequence, number in BEGIN.items():
        country.training.database.sql(FAR, (sequence, number, sequence))
    return Side(country, tmp_path), Side(country, tmp_path)


def compared(pages: set[str], ours: set[str]) -> tuple[set[str], set[str]]:
    """What only the pages left, and what only we did."""
    return pages - ours, ours - pages


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


REMARKS = "Acuerdo ajeno"
# No institution of ours registers citizens; the agreement's digest stands in the remarks; city and mobile
# telephone are kept; logs have their own words.
OTHERWISE = {
    "ciudadano": {"inst_codi"},
    "solicitud_firma_ciudadano": {"sol_codigo", "sol_observaciones"},
    "usuarios": {"ciu_codi", "usua_celular"},
    "usuario": {"ciu_codi", "usua_ciudad"},
    "log_usr_ciudadanos": {"logc_observacion"},
    "log": set(),
    "usuarios_sesion": set(),
}
AGREEMENT = b"no real agreement: neither the pages nor the module look inside"
DATA = {
    "nombre": "Ana Lucía",
    "apellido": "Ejemplo Chasi",
    "cargo": "Presidenta",
    "titulo": "Ingeniera",
    "abr_titulo": "",
    "empresa": "JUNTA DE EJEMPLO",
    "telefono": "062999999",
    "direccion": "Barrio Inventado s/n",
    "documento": "",
}


class Vecina:
    """A citizen whom the pages or our playbook take from the request to the signature."""

    def __init__(self, country: Country, folder: Path) -> None:
        self.country = country
        self.play = Parametrised(country.training, folder).play
        self.database = country.training.database
        self.applicant = Applicant.invent()
        self.email = f"ana@{self.applicant.case}.example.org"
        self.agreement = folder / f"{self.applicant.case}.pdf.p7m"
        self.agreement.write_bytes(AGREEMENT)

    @property
    def number(self) -> int:
        ((number,),) = self.database.sql(
            "SELECT usua_codi FROM usuario WHERE usua_cedula LIKE %s", (f"{self.applicant.national_id}%",)
        )
        return int(number)

    @cached_property
    def officer(self) -> Officer:
        browser = Officer(self.country.training.url)
        assert browser.login("ADMINISTRADOR", "123") == "in"
        browser.post("Administracion/formAdministracion.php", {"inst_actu": "1"})
        return browser

    def row(self, table: str, key: str) -> dict[str, Any]:
        """The citizen's one row of a table."""
        query = f"SELECT to_jsonb(x) FROM {table} x WHERE {key} = %s"
        ((found,),) = self.database.sql(query, (self.number,))
        return dict(found)

    def decide(self, *, approve: bool) -> None:
        remarks = "" if approve else REMARKS
        self.officer.decide(self.number, self.applicant.national_id, approve=approve, remarks=remarks)

    def left(self, act: Callable[[], Any]) -> set[str]:
        """What the act leaves, in words that are the same on both sides."""
        before = snapshot(self.database)
        act()
        names = {
            str(self.number): "<citizen>",
            self.applicant.national_id: "<cédula>",
            self.email: "<mail>",
            self.email.upper(): "<MAIL>",
        }
        return traces(before, snapshot(self.database), names, OTHERWISE)

    def requested_by_pages(self) -> None:
        national_id = self.applicant.national_id
        data = {**DATA, "cedula": national_id, "email": self.email, "ciudad": "49"}
        self.officer.register(**data)
        self.database.sql(
            "UPDATE ciudadano SET ciu_pasw = %s WHERE ciu_codigo = %s", (stored(PASSWORD), self.number)
        )
        browser = Petitioner(self.country.training.url)
        assert browser.login(national_id, PASSWORD) == "in"
        browser.ask_to_sign(AGREEMENT, 2, **data)

    def ours(self, state: str, **more: Any) -> None:
        item = {
            "case": self.applicant.case,
            "state": state,
            "given_names": DATA["nombre"],
            "surnames": DATA["apellido"],
            "national_id": self.applicant.national_id,
            "position": DATA["cargo"],
            "title": DATA["titulo"],
            "organisation": DATA["empresa"],
            "email": self.email,
            "phone": DATA["telefono"],
            "mobile": "0991234567",
            "address": DATA["direccion"],
            "city": "49",
            "certificate": "file",
            "agreement_sha256": sha256(AGREEMENT).hexdigest(),
            "agreement_path": str(self.agreement),
            **more,
        }
        self.play("citizen", provision_items=[item])


@pytest.fixture
def neighbours(country: Country, tmp_path: Path) -> tuple[Vecina, Vecina]:
    country.training.database.sql(FAR, ("usuarios_usua_codi_seq", 7_000_000, "usuarios_usua_codi_seq"))
    return Vecina(country, tmp_path), Vecina(country, tmp_path)


REQUESTED = "+ fecha_cambio=<time> id_transaccion=0 logc_tabla_modificada=1 usua_codi=<citizen>"
APPROVED = {
    # The page writes of the request's change only.
    "log_usr_ciudadanos + fecha_cambio=<time> id_transaccion=0 logc_tabla_modificada=2 usua_codi=<citizen>",
    *(
        f"log_usr_permisos + accion=1 fecha_actualiza=<time> id_permiso={number} usua_codi=<citizen>"
        for number in (19, 21, 27)
    ),
}


def test_a_citizen_who_is_approved(neighbours: tuple[Vecina, Vecina]) -> None:
    pages, we = neighbours
    asked = pages.left(pages.requested_by_pages)
    assert f"log_usr_ciudadanos {REQUESTED}" in asked
    assert compared(asked, we.left(lambda: we.ours("requested"))) == (set(), set())
    approved = pages.left(lambda: pages.decide(approve=True))
    assert compared(approved, we.left(lambda: we.ours("approved"))) == (set(), APPROVED)
    # The page's form has another name for the city than the page looks for, so that there is none.
    places = [side.row("usuarios", "usua_codi")["ciu_codi"] for side in neighbours]
    assert places == [0, 49]


def test_a_citizen_who_is_rejected_and_gone(neighbours: tuple[Vecina, Vecina]) -> None:
    pages, we = neighbours
    pages.requested_by_pages()
    we.ours("requested")
    rejected = pages.left(lambda: pages.decide(approve=False))
    assert rejected
    assert compared(rejected, we.left(lambda: we.ours("rejected", observations=REMARKS))) == (set(), set())
    remarks = [
        side.row("solicitud_firma_ciudadano", "ciu_codigo")["sol_observaciones"] for side in neighbours
    ]
    assert remarks[0] == REMARKS
    assert remarks[1].startswith(REMARKS)
    gone = pages.left(lambda: pages.officer.deactivate_citizen(pages.number))
    assert gone
    assert compared(gone, we.left(lambda: we.ours("absent"))) == (set(), set())


def test_an_officer_can_approve_in_the_pages_what_we_requested(neighbours: tuple[Vecina, Vecina]) -> None:
    we = neighbours[1]
    we.ours("requested")
    path = f"Administracion/ciudadanos_solicitud/adm_solicitud_ext.php?ciu_codigo={we.number}"
    page = we.officer.get(f"{path}&cedula={we.applicant.national_id}")
    assert read_form(page).get("sol_estado") == "Enviado"
    assert f"{we.number}_acuerdo.pdf.p7m" in page
    download = (
        f"archivo_descargar.php?path_arch=/ciudadanos/{we.number}_acuerdo.pdf.p7m&nomb_arch=acuerdo.pdf.p7m"
    )
    assert we.officer.get(download) == AGREEMENT.decode()
    we.decide(approve=True)
    assert we.row("usuarios", "usua_codi")["inst_codi"] == 1
    # What the page lost, the city and the mobile telephone, is put back; nothing is done twice.
    assert we.left(lambda: we.ours("approved")) == {
        "log_usr_ciudadanos + fecha_cambio=<time> id_transaccion=1 logc_tabla_modificada=2 usua_codi=<citizen>",
        "usuario ~ ",
        "usuarios ~ usua_fecha_actualiza=<time>",
    }
    account = we.row("usuarios", "usua_codi")
    assert (account["ciu_codi"], account["usua_celular"]) == (49, "0991234567")
