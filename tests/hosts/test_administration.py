"""What an AIQ sets up in the administration pages, and the rows they write: the same on stand-in and release.

The checklist's evidence rests on these rows: what is seen here is what `parametrisation_info` may ask for.
"""

from __future__ import annotations

import pytest

from tests.real.documents import MEMO, OFICIO
from tests.real.papers import letterhead
from tests.real.paperwork import Paperwork
from tests.real.parametrised import ADMINISTRATOR, CHIEF, CITY, DESK, WRITER
from tests.stand_in.http_client import PageError


def test_institution_data_and_logo(world: Paperwork):
    picture = world.logo
    found = world.row(
        "SELECT inst_email, inst_despedida_ofi, inst_logo, inst_estado, inst_ruc FROM institucion"
        " WHERE inst_codi = %s",
        world.institution,
    )
    path = f"/bodega/logos/{world.institution}.png"
    assert found == ("info@inst.example.gob.ec", "SALUDOS", path, 1, world.applicant.ruc)
    assert f"{world.institution}.png {len(picture)}" in world.files("logos")


def test_areas_with_city_and_letterhead(world: Paperwork):
    area = world.areas["DIR"]
    found = world.row(
        "SELECT depe_codi_padre, depe_plantilla, depe_estado, dep_central, ciudad.nombre, inst_adscrita"
        " FROM dependencia JOIN ciudad ON ciudad.id::text = depe_pie1 WHERE depe_codi = %s",
        area,
    )
    assert found == (world.root, area, 1, area, CITY, world.institution)
    assert f"{area}.pdf {len(letterhead())}" in world.files("plantillas")


def test_the_root_area_keeps_what_it_had_when_it_gets_a_letterhead(world: Paperwork):
    query = "SELECT depe_nomb, dep_sigla, depe_codi_padre, depe_pie1 FROM dependencia WHERE depe_codi = %s"
    before = world.row(query, world.root)
    world.aiq.edit_area(world.root, letterhead())
    assert world.row(query, world.root) == before
    plantilla = "SELECT depe_plantilla FROM dependencia WHERE depe_codi = %s"
    assert world.row(plantilla, world.root) == (world.root,)


def test_an_area_points_to_its_own_letterhead_without_having_one(world: Paperwork):
    area = world.found("Unidad sin Plantilla", "SIN")
    plantilla = "SELECT depe_plantilla FROM dependencia WHERE depe_codi = %s"
    assert world.row(plantilla, area) == (area,)
    assert not [name for name in world.files("plantillas") if name.startswith(f"{area}.pdf")]
    world.aiq.edit_area(area, slc_plantilla=str(world.areas["DIR"]))
    assert world.row(plantilla, area) == (world.areas["DIR"],)


def test_letterheads_may_have_100_kib_and_no_byte_more(world: Paperwork):
    area, limit = world.areas["DIR"], 100 * 1024
    world.aiq.edit_area(area, letterhead(limit))
    assert f"{area}.pdf {limit}" in world.files("plantillas")
    with pytest.raises(PageError, match="100 Kb"):
        world.aiq.edit_area(area, letterhead(limit + 1))
    # What PHP itself refuses (2 MiB) the page does not notice: it says that all went well.
    world.aiq.edit_area(area, letterhead(3 * 1024 * 1024))
    assert f"{area}.pdf {limit}" in world.files("plantillas")
    world.aiq.edit_area(area, letterhead())


def test_accounts_of_the_staff(world: Paperwork):
    staff, areas = world.staff, world.areas | {"root": world.root}
    found = {
        user: rest
        for user, *rest in world.rows(
            "SELECT usua_codi, depe_codi, cargo_tipo, usua_tipo_certificado, usua_esta, usua_nuevo,"
            " usua_login = 'U' || usua_cedula, length(usua_pasw), ciu_codi > 0 FROM usuarios"
            " WHERE inst_codi = %s",
            world.institution,
        )
    }
    expected = {
        "head": ("DIR", 1, 1),
        "writer": ("DIR", 0, 0),
        "desk": ("SEC", 1, 1),
        "deputy": ("root", 1, 1),
    }
    for role, (area, profile, certificate) in expected.items():
        assert found[staff[role]] == [areas[area], profile, certificate, 1, 1, True, 26, True], role
    mirrored = world.rows(
        "SELECT usua_codi, depe_codi FROM usuario WHERE inst_codi = %s AND usua_esta = 1", world.institution
    )
    assert set(mirrored) >= {(staff[role], areas[area]) for role, (area, *_) in expected.items()}
    assert world.rows("SELECT * FROM log_view_usuario") == []


@pytest.mark.parametrize(
    ("role", "wanted"), [("head", CHIEF), ("writer", WRITER), ("desk", DESK), ("deputy", ADMINISTRATOR)]
)
def test_permissions_and_their_trace(world: Paperwork, role: str, wanted: list[int]):
    held = world.rows("SELECT id_permiso FROM permiso_usuario WHERE usua_codi = %s", world.staff[role])
    assert {number for (number,) in held} == set(wanted)
    traced = world.rows(
        "SELECT id_permiso, usua_codi_actualiza FROM log_usr_permisos WHERE usua_codi = %s AND accion = 1",
        world.staff[role],
    )
    aiq = world.ids[2]
    assert set(traced) == {(number, aiq) for number in [*wanted, 0]}  # 0: the activation was mailed


def test_permissions_change_by_tabs(world: Paperwork):
    user, _ = world.hire("Elena", world.areas["SEC"], WRITER)
    world.aiq.edit_user(user, grant=(22,), revoke=(21,))
    held = world.rows("SELECT id_permiso FROM permiso_usuario WHERE usua_codi = %s", user)
    assert set(held) == {(27,), (22,)}
    traced = world.rows("SELECT id_permiso, accion FROM log_usr_permisos WHERE usua_codi = %s", user)
    assert set(traced) == {(27, 1), (21, 1), (0, 1), (22, 1), (21, 0)}


def test_who_answers_for_an_areas_papers(world: Paperwork):
    user, _ = world.hire("Silvia", world.areas["SEC"], WRITER)
    world.aiq.edit_user(user, usr_area_responsable="0")
    found = world.row("SELECT usua_responsable_area, usua_sumilla FROM usuarios WHERE usua_codi = %s", user)
    assert found == (1, "S")


def test_a_user_without_the_tick_is_deactivated(world: Paperwork):
    user, person = world.hire("Olga", world.areas["SEC"], WRITER)
    world.aiq.edit_user(user, usr_estado=None)
    query = "SELECT usua_esta, usua_login, usua_cedula FROM {} WHERE usua_codi = %s"
    gone = (0, f"l{user}", f"{person.national_id}-{user}")
    assert world.row(query.format("usuarios"), user) == gone
    assert world.row(query.format("usuario"), user) == gone
    assert len(world.rows("SELECT 1 FROM permiso_usuario WHERE usua_codi = %s", user)) == len(WRITER)


def test_an_area_gets_its_head_on_the_areas_page(world: Paperwork):
    area = world.found("Archivo de Ejemplo", "ARC", letterhead())
    user, _ = world.hire("Marta", area, [*WRITER, 19])
    world.aiq.make_head(user, area)
    for table in ("usuarios", "usuario"):
        assert world.row(f"SELECT cargo_tipo FROM {table} WHERE usua_codi = %s", user) == (1,), table


def test_a_shared_tray(world: Paperwork):
    head, writer = world.shared_tray
    found = world.rows("SELECT usua_codi FROM bandeja_compartida WHERE usua_codi_jefe = %s", head)
    assert found == [(writer,)]


def test_numbering_of_an_area(world: Paperwork):
    area = world.areas["SEC"]
    assert world.aiq.number_documents(area) == 8
    found = world.rows(
        "SELECT fn_tiporad, fn_formato, fn_caracter, depe_numeracion, fn_contador FROM formato_numeracion"
        " WHERE depe_codi = %s ORDER BY 1",
        area,
    )
    wanted = ("inst-dep-anio-secuencial-tipodoc", "-", area)
    assert [(kind, *rest) for kind, *rest, _ in found] == [
        (kind, *wanted) for kind in (1, 2, 3, 4, 5, 6, 8, 9)
    ]


def test_an_area_may_be_numbered_by_another(world: Paperwork):
    area, other = world.found("Unidad Numerada", "NUM", letterhead()), world.areas["SEC"]
    kinds = {0: OFICIO, 2: MEMO}
    world.aiq.number_documents(area, **{f"depe_doc_{row}": str(other) for row in kinds})
    found = world.rows(
        "SELECT fn_tiporad, depe_numeracion, fn_formato FROM formato_numeracion WHERE depe_codi = %s"
        " AND depe_numeracion <> depe_codi ORDER BY 1",
        area,
    )
    assert found == [(kind, other, None) for kind in kinds.values()]
