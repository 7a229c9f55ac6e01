"""What an AIQ does in the real release's own pages, and the rows that the release writes of it.

The checklist's evidence rests on these rows: what is seen here is what `parametrisation_info` may ask for.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest

from tests.hosts.conftest import Country
from tests.hosts.servers import BODEGA
from tests.real import documents
from tests.real.aiq import PageError
from tests.real.papers import letterhead, logo
from tests.real.parametrised import ADMINISTRATOR, CHIEF, CITY, DESK, WRITER, Parametrised

pytestmark = [pytest.mark.real, pytest.mark.parametrize("country", ["real"], indirect=True, scope="session")]

DRAFT, RECEIVED, UNSIGNED, TO_PRINT, SENT, ARCHIVED = 1, 2, 3, 5, 6, 0  # esta_codi


@pytest.fixture(scope="module")
def world(country: Country, tmp_path_factory: pytest.TempPathFactory) -> Parametrised:
    return Parametrised(country.training, tmp_path_factory.mktemp("parametrisation"))


def rows(world: Parametrised, text: str, *values: object) -> list[tuple[Any, ...]]:
    return world.database.sql(text, values)


def row(world: Parametrised, text: str, *values: object) -> tuple[Any, ...]:
    (only,) = rows(world, text, *values)
    return only


def files(world: Parametrised, path: str) -> list[str]:
    """Files of a folder of the bodega with their sizes, `name size`."""
    found = world.environment.application_host.exec(f"find {BODEGA}/{path} -type f -printf '%f %s\\n'")
    return sorted(found.splitlines())


def events(world: Parametrised, document: str) -> set[int]:
    """Codes in the history of a document and of its copies."""
    found = rows(
        world,
        "SELECT DISTINCT sgd_ttr_codigo FROM hist_eventos JOIN radicado USING (radi_nume_radi)"
        " WHERE radi_nume_temp = %s",
        document,
    )
    return {code for (code,) in found}


def state(world: Parametrised, document: str) -> dict[int, int]:
    """Documents of an original, itself (0 or 2) and copies (1): {last digit: esta_codi}."""
    found = rows(world, "SELECT radi_nume_radi, esta_codi FROM radicado WHERE radi_nume_temp = %s", document)
    return {int(number) % 10: code for number, code in found}


def write(world: Parametrised, role: str, kind: int, recipient: int) -> str:
    """A draft of somebody of the staff."""
    browser = world.browser(role)
    parts = (kind, world.staff[role], recipient, "Prueba de capacitación", "Texto de prueba")
    (texts,) = row(world, "SELECT last_value FROM sec_radi_texto WHERE is_called UNION ALL SELECT -1 LIMIT 1")
    if texts < 0:
        # The dump's sequence of texts begins with 0, which the pages take for a failure: a database's very
        # first document is lost.
        with pytest.raises(PageError, match="RADI_TEXTO=0"):
            browser.write(*parts)
    return browser.write(*parts)


def copy(world: Parametrised, document: str) -> str:
    """The recipient's copy of a document."""
    (number,) = row(
        world,
        "SELECT radi_nume_radi FROM radicado WHERE radi_nume_temp = %s AND radi_nume_radi <> radi_nume_temp",
        document,
    )
    return str(number)


def test_institution_data_and_logo(world: Parametrised):
    picture = logo()
    world.aiq.edit_institution(picture, txtCorreo="info@inst.example.gob.ec", txtDespedidaOfi="Saludos")
    found = row(
        world,
        "SELECT inst_email, inst_despedida_ofi, inst_logo, inst_estado, inst_ruc FROM institucion"
        " WHERE inst_codi = %s",
        world.institution,
    )
    path = f"/bodega/logos/{world.institution}.png"
    assert found == ("info@inst.example.gob.ec", "SALUDOS", path, 1, world.applicant.ruc)
    assert f"{world.institution}.png {len(picture)}" in files(world, "logos")


def test_areas_with_city_and_letterhead(world: Parametrised):
    area = world.areas["DIR"]
    found = row(
        world,
        "SELECT depe_codi_padre, depe_plantilla, depe_estado, dep_central, ciudad.nombre, inst_adscrita"
        " FROM dependencia JOIN ciudad ON ciudad.id::text = depe_pie1 WHERE depe_codi = %s",
        area,
    )
    assert found == (world.root, area, 1, area, CITY, world.institution)
    assert f"{area}.pdf {len(letterhead())}" in files(world, "plantillas")


def test_an_area_points_to_its_own_letterhead_without_having_one(world: Parametrised):
    area = world.areas["SEC"]
    assert row(world, "SELECT depe_plantilla FROM dependencia WHERE depe_codi = %s", area) == (area,)
    assert not [name for name in files(world, "plantillas") if name.startswith(f"{area}.pdf")]


def test_letterheads_may_have_100_kib_and_no_byte_more(world: Parametrised):
    area = world.areas["DIR"]
    limit = 100 * 1024
    world.aiq.edit_area(area, letterhead(limit))
    assert f"{area}.pdf {limit}" in files(world, "plantillas")
    with pytest.raises(PageError, match="100 Kb"):
        world.aiq.edit_area(area, letterhead(limit + 1))
    # What PHP itself refuses (2 MiB) the page does not notice: it says that all went well.
    world.aiq.edit_area(area, letterhead(3 * 1024 * 1024))
    assert f"{area}.pdf {limit}" in files(world, "plantillas")
    world.aiq.edit_area(area, letterhead())


def test_the_root_area_gets_its_letterhead(world: Parametrised):
    before = row(
        world,
        "SELECT depe_nomb, dep_sigla, depe_codi_padre, depe_pie1 FROM dependencia WHERE depe_codi = %s",
        world.root,
    )
    world.aiq.edit_area(world.root, letterhead())
    after = row(
        world,
        "SELECT depe_nomb, dep_sigla, depe_codi_padre, depe_pie1, depe_plantilla FROM dependencia"
        " WHERE depe_codi = %s",
        world.root,
    )
    assert after == (*before, world.root)


def test_accounts_of_the_staff(world: Parametrised):
    staff = world.staff
    found = {
        user: rest
        for user, *rest in rows(
            world,
            "SELECT usua_codi, depe_codi, cargo_tipo, usua_tipo_certificado, usua_esta, usua_nuevo,"
            " usua_login = 'U' || usua_cedula, length(usua_pasw), ciu_codi > 0 FROM usuarios"
            " WHERE inst_codi = %s",
            world.institution,
        )
    }
    areas = world.areas | {"root": world.root}
    expected = {
        "head": ("DIR", 1, 1),
        "writer": ("DIR", 0, 0),
        "desk": ("SEC", 1, 0),
        "deputy": ("root", 1, 0),
    }
    for role, (area, profile, certificate) in expected.items():
        assert found[staff[role]] == [areas[area], profile, certificate, 1, 1, True, 26, True], role
    mirrored = rows(
        world,
        "SELECT usua_codi, depe_codi FROM usuario WHERE inst_codi = %s AND usua_esta = 1",
        world.institution,
    )
    assert set(mirrored) >= {(staff[role], areas[area]) for role, (area, *_) in expected.items()}
    assert rows(world, "SELECT * FROM log_view_usuario") == []


def test_permissions_and_their_trace(world: Parametrised):
    for role, wanted in (("head", CHIEF), ("writer", WRITER), ("desk", DESK), ("deputy", ADMINISTRATOR)):
        (held,) = row(
            world, "SELECT array_agg(id_permiso) FROM permiso_usuario WHERE usua_codi = %s", world.staff[role]
        )
        assert sorted(held) == sorted(wanted), role
        traced = rows(
            world,
            "SELECT id_permiso, usua_codi_actualiza FROM log_usr_permisos"
            " WHERE usua_codi = %s AND accion = 1",
            world.staff[role],
        )
        assert set(traced) >= {(number, world.ids[2]) for number in wanted}, role
        assert (0, world.ids[2]) in traced  # the mailed activation leaves permission 0 there


def test_permissions_change_by_tabs(world: Parametrised):
    user, _ = world.hire("Elena", world.areas["SEC"], WRITER)
    world.aiq.edit_user(user, grant=(22,), revoke=(21,))
    held = rows(world, "SELECT id_permiso FROM permiso_usuario WHERE usua_codi = %s", user)
    assert set(held) == {(27,), (22,)}
    traced = rows(world, "SELECT id_permiso, accion FROM log_usr_permisos WHERE usua_codi = %s", user)
    assert set(traced) == {(27, 1), (21, 1), (0, 1), (22, 1), (21, 0)}


def test_who_answers_for_an_areas_papers(world: Parametrised):
    user, _ = world.hire("Silvia", world.areas["SEC"], WRITER)
    world.aiq.edit_user(user, usr_area_responsable="0")
    found = row(world, "SELECT usua_responsable_area, usua_sumilla FROM usuarios WHERE usua_codi = %s", user)
    assert found == (1, "S")


def test_an_areas_head_and_the_shared_tray(world: Parametrised):
    world.aiq.share_tray(world.staff["head"], world.staff["writer"], world.areas["DIR"])
    found = rows(
        world, "SELECT usua_codi FROM bandeja_compartida WHERE usua_codi_jefe = %s", world.staff["head"]
    )
    assert (world.staff["writer"],) in found
    world.aiq.create_area("Archivo de Ejemplo", "ARC", world.root, CITY)
    (area,) = row(
        world,
        "SELECT depe_codi FROM dependencia WHERE inst_codi = %s AND dep_sigla = 'ARC'",
        world.institution,
    )
    user, _ = world.hire("Marta", area, WRITER)
    world.aiq.make_head(user, area)
    assert row(world, "SELECT cargo_tipo FROM usuarios WHERE usua_codi = %s", user) == (1,)
    assert row(world, "SELECT cargo_tipo FROM usuario WHERE usua_codi = %s", user) == (1,)


def test_numbering_of_an_area(world: Parametrised):
    area = world.areas["SEC"]
    assert world.aiq.number_documents(area) == 8
    found = rows(
        world,
        "SELECT fn_tiporad, fn_formato, fn_caracter, depe_numeracion, fn_contador FROM formato_numeracion"
        " WHERE depe_codi = %s ORDER BY 1",
        area,
    )
    wanted = ("inst-dep-anio-secuencial-tipodoc", "-", area, 0)
    assert found == [(kind, *wanted) for kind in (1, 2, 3, 4, 5, 6, 8, 9)]


def test_a_mailing_list(world: Parametrised):
    members = [world.staff["head"], world.staff["writer"]]
    world.aiq.create_list("Directivos", members)
    code, owner, status = row(
        world, "SELECT lista_codi, usua_codi, lista_estado FROM lista WHERE inst_codi = %s", world.institution
    )
    assert (owner, status) == (0, 1)  # 0: everybody's in the institution
    found = rows(world, "SELECT usua_codi FROM lista_usuarios WHERE lista_codi = %s", code)
    assert {user for (user,) in found} == set(members)


def test_virtual_folders(world: Parametrised):
    area = world.areas["DIR"]
    world.aiq.organise_folders(area, ["SERIE", "EXPEDIENTE"])
    levels = rows(world, "SELECT trd_codi, trd_nombre FROM trd_nivel WHERE depe_codi = %s ORDER BY 1", area)
    assert levels == [(0, "SERIE"), (1, "EXPEDIENTE")]
    world.aiq.create_folder(area, "Correspondencia")
    (top,) = row(world, "SELECT trd_codi FROM trd WHERE depe_codi = %s", area)
    world.aiq.create_folder(area, "Oficios", top)
    found = rows(
        world,
        "SELECT trd_padre, trd_estado, trd_arch_gestion, trd_arch_central, trd_nivel FROM trd"
        " WHERE depe_codi = %s ORDER BY trd_codi",
        area,
    )
    assert found == [(0, 1, 5, 15, 0), (top, 1, 5, 15, 1)]


def test_physical_archive(world: Parametrised):
    area = world.root  # the pages make places in the archive of one's own area only
    world.aiq.organise_archive(area, ["EDIFICIO", "ESTANTE"])
    levels = rows(
        world, "SELECT arch_codi, arch_nombre FROM archivo_nivel WHERE depe_codi = %s ORDER BY 1", area
    )
    assert levels == [(0, "EDIFICIO"), (1, "ESTANTE")]
    world.aiq.create_place("Matriz", "M")
    (building,) = row(world, "SELECT arch_codi FROM archivo WHERE depe_codi = %s", area)
    world.aiq.create_place("Estante 1", "E1", building, lowest=True)
    found = rows(
        world,
        "SELECT arch_nombre, arch_padre, arch_estado FROM archivo WHERE depe_codi = %s ORDER BY arch_codi",
        area,
    )
    assert found[-1] == ("Estante 1", building, 1)


def test_subrogation_makes_a_second_account(world: Parametrised):
    area = world.areas["SEC"]
    absent, deputy = world.staff["desk"], world.hire("Julia", area, WRITER)[0]
    world.aiq.subrogate(absent, deputy, area, "2026-11-03", "2026-12-03")
    second, visible, ordered = row(
        world,
        "SELECT usua_subrogante, usua_visible, usua_fecha_inicio < usua_fecha_fin FROM usuarios_subrogacion"
        " WHERE usua_subrogado = %s",
        absent,
    )
    assert (visible, ordered) == (1, True)
    assert second != deputy
    same = row(
        world,
        "SELECT a.usua_login = b.usua_login, a.usua_cedula = b.usua_cedula, a.usua_esta, a.depe_codi,"
        " a.cargo_tipo, a.usua_subrogado FROM usuarios a, usuarios b"
        " WHERE a.usua_codi = %s AND b.usua_codi = %s",
        second,
        deputy,
    )
    assert same == (True, True, 1, area, 0, absent)
    permissions = "SELECT id_permiso FROM permiso_usuario WHERE usua_codi = %s"
    assert {number for (number,) in rows(world, permissions, second)} == {*DESK, 29}
    assert rows(world, "SELECT * FROM log_usr_permisos WHERE usua_codi = %s", second) == []

    world.aiq.end_subrogation(absent, second)
    assert row(world, "SELECT usua_visible FROM usuarios_subrogacion WHERE usua_subrogante = %s", second) == (
        0,
    )
    assert row(world, "SELECT usua_esta, usua_login FROM usuarios WHERE usua_codi = %s", second) == (
        0,
        f"l{second}",
    )
    assert rows(world, permissions, second) == []


@pytest.mark.parametrize(("kind", "letter"), [(documents.MEMO, "M"), (documents.OFICIO, "O")])
def test_a_document_sent_on_paper(world: Parametrised, kind: int, letter: str):
    document = write(world, "head", kind, world.staff["writer"])
    found = row(
        world,
        "SELECT radi_tipo, esta_codi, radi_inst_actu, radi_usua_actu FROM radicado WHERE radi_nume_radi = %s",
        document,
    )
    assert found == (kind, DRAFT, world.institution, world.staff["head"])

    world.browser("head").transact(documents.SIGN_AND_SEND, document, "Envíese", chk_firma=0)
    assert state(world, document) == {0: SENT, 1: TO_PRINT}
    number, signed, file = row(
        world,
        "SELECT radi_nume_text, radi_fech_firma, arch_codi FROM radicado WHERE radi_nume_radi = %s",
        document,
    )
    assert re.fullmatch(rf"{world.applicant.acronym}-DIR-\d{{4}}-\d{{4}}-{letter}", number)
    assert signed is None
    assert file > 0  # the PDF with the letterhead, in the file store
    assert events(world, document) == {2, 65}  # "firmar y enviar", though nobody signed

    world.browser("desk").transact(documents.SEND_BY_HAND, copy(world, document), "Entregado")
    assert state(world, document) == {0: SENT, 1: RECEIVED}
    assert events(world, document) == {2, 65, 19}


def test_a_document_that_waits_for_the_electronic_signature(world: Parametrised):
    """FirmaEC is another system: without it a document stays where it is until somebody prints it instead."""
    document = write(world, "head", documents.MEMO, world.staff["writer"])
    said = world.browser("head").transact(documents.SIGN_AND_SEND, document, "Firmo")
    assert "firma electrónica" in said
    assert state(world, document) == {0: UNSIGNED, 1: 4}
    signature = "SELECT radi_fech_firma FROM radicado WHERE radi_nume_radi = %s"
    assert row(world, signature, document) == (None,)
    assert events(world, document) == {2, 65}
    world.browser("head").transact(documents.PRINT_INSTEAD, document, "Sin firma")
    assert state(world, document) == {0: SENT, 1: TO_PRINT}
    assert events(world, document) == {2, 20, 65}
    assert row(world, signature, document) == (None,)


def test_a_document_from_outside_and_its_way(world: Parametrised):
    desk, head, writer = (world.browser(role) for role in ("desk", "head", "writer"))
    write(world, "head", documents.MEMO, world.staff["writer"])  # the database's first one may get lost
    citizen = world.citizen
    document = desk.register(citizen, world.staff["head"], "Solicitud", "Resumen", "S-001")
    kind, at, number = row(
        world, "SELECT radi_tipo, esta_codi, radi_nume_text FROM radicado WHERE radi_nume_radi = %s", document
    )
    assert (kind, at) == (2, DRAFT)
    assert re.fullmatch(rf"{world.applicant.acronym}-SEC-\d{{4}}-\d{{4}}-E", number)
    desk.transact(documents.SIGN_AND_SEND, document, "Para su trámite")
    assert state(world, document) == {2: SENT, 1: RECEIVED}
    assert events(world, document) == {2, 18, 65}

    received = copy(world, document)
    head.attach(received, "anexo.pdf", letterhead())
    assert row(
        world,
        "SELECT anex_nombre, anex_borrado FROM anexos WHERE anex_radi_nume = %s AND arch_codi > 0",
        received,
    ) == ("anexo.pdf", "N")
    head.transact(documents.INFORM, received, "Conozca", usCodSelect=[world.staff["desk"]])
    assert rows(world, "SELECT usua_codi FROM informados WHERE radi_nume_radi = %s", received) == [
        (world.staff["desk"],)
    ]

    until = dt.date.today() + dt.timedelta(days=30)
    head.assign_task(received, world.staff["writer"], "Prepare la respuesta", f"{until:%Y-%m-%d}")
    task, status = row(world, "SELECT tarea_codi, estado FROM tarea WHERE radi_nume_radi = %s", received)
    assert status == 1
    writer.finish_task(received, task, "Hecho")
    done = row(
        world,
        "SELECT estado, avance, fecha_fin IS NOT NULL FROM tarea WHERE tarea_codi = %s",
        task,
    )
    assert done == (2, 100, True)

    due = f"{until:%d-%m-%Y}"
    head.transact(documents.REASSIGN, received, "Atienda", usCodSelect=world.staff["writer"], fecha_doc=due)
    assert row(world, "SELECT radi_usua_actu FROM radicado WHERE radi_nume_radi = %s", received) == (
        world.staff["writer"],
    )
    writer.transact(documents.ARCHIVE, received, "Al archivo")
    assert state(world, document) == {2: SENT, 1: ARCHIVED}
    assert events(world, document) == {2, 8, 9, 13, 18, 50, 51, 65, 66}
