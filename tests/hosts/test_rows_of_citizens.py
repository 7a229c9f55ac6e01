"""A citizen on the way to the signature: what our playbook writes, and what the release's own pages would."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.hosts.conftest import REAL_RELEASE, Country
from tests.hosts.office import Applicant
from tests.real.citizens import Officer, Petitioner
from tests.real.forms import read_form
from tests.real.parametrised import PASSWORD, Parametrised
from tests.real.rows import compared, number_far, snapshot, traces
from tests.stand_in.http_client import stored

pytestmark = REAL_RELEASE

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
    number_far(country.training.database)
    return Vecina(country, tmp_path), Vecina(country, tmp_path)


LOGGED = "log_usr_ciudadanos + fecha_cambio=<time>"
REQUESTED = f"{LOGGED} id_transaccion=0 logc_tabla_modificada=1 usua_codi=<citizen>"
APPROVED = {
    # The page writes of the request's change only.
    f"{LOGGED} id_transaccion=0 logc_tabla_modificada=2 usua_codi=<citizen>",
    *(
        f"log_usr_permisos + accion=1 fecha_actualiza=<time> id_permiso={number} usua_codi=<citizen>"
        for number in (19, 21, 27)
    ),
}


def test_a_citizen_who_is_approved(neighbours: tuple[Vecina, Vecina]) -> None:
    pages, we = neighbours
    asked = pages.left(pages.requested_by_pages)
    assert REQUESTED in asked
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
        f"{LOGGED} id_transaccion=1 logc_tabla_modificada=2 usua_codi=<citizen>",
        "usuario ~ ",
        "usuarios ~ usua_fecha_actualiza=<time>",
    }
    account = we.row("usuarios", "usua_codi")
    assert (account["ciu_codi"], account["usua_celular"]) == (49, "0991234567")
