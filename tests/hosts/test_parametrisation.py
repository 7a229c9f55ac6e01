"""What an AIQ sets up beyond the administration pages, in the real release only, and the rows it writes."""

from __future__ import annotations

from tests.hosts.conftest import REAL_RELEASE
from tests.real.paperwork import Paperwork
from tests.real.parametrised import DESK, WRITER

pytestmark = REAL_RELEASE


def test_a_mailing_list(world: Paperwork):
    members = world.mailing_list
    code, owner, status = world.row(
        "SELECT lista_codi, usua_codi, lista_estado FROM lista WHERE inst_codi = %s", world.institution
    )
    assert (owner, status) == (0, 1)  # 0: everybody's in the institution
    found = world.rows("SELECT usua_codi FROM lista_usuarios WHERE lista_codi = %s", code)
    assert {user for (user,) in found} == set(members)


def test_virtual_folders(world: Paperwork):
    area, (top, below) = world.areas["DIR"], world.folders
    levels = world.rows("SELECT trd_codi, trd_nombre FROM trd_nivel WHERE depe_codi = %s ORDER BY 1", area)
    assert levels == [(0, "SERIE"), (1, "EXPEDIENTE")]
    found = world.rows(
        "SELECT trd_codi, trd_padre, trd_estado, trd_arch_gestion, trd_arch_central, trd_nivel FROM trd"
        " WHERE depe_codi = %s ORDER BY trd_codi",
        area,
    )
    assert found == [(top, 0, 1, 5, 15, 0), (below, top, 1, 5, 15, 1)]


def test_physical_archive(world: Paperwork):
    building, shelf = world.places
    levels = world.rows(
        "SELECT arch_codi, arch_nombre FROM archivo_nivel WHERE depe_codi = %s ORDER BY 1", world.root
    )
    assert levels == [(0, "EDIFICIO"), (1, "ESTANTE")]
    found = world.row("SELECT arch_nombre, arch_padre, arch_estado FROM archivo WHERE arch_codi = %s", shelf)
    assert found == ("Estante 1", building, 1)


def test_subrogation_makes_a_second_account(world: Paperwork):
    area = world.areas["SEC"]
    absent, deputy = world.staff["desk"], world.hire("Julia", area, WRITER)[0]
    world.aiq.subrogate(absent, deputy, area, "2026-11-03", "2026-12-03")
    second, visible, ordered = world.row(
        "SELECT usua_subrogante, usua_visible, usua_fecha_inicio < usua_fecha_fin FROM usuarios_subrogacion"
        " WHERE usua_subrogado = %s AND usua_visible = 1",
        absent,
    )
    assert (visible, ordered) == (1, True)
    assert second != deputy
    same = world.row(
        "SELECT a.usua_login = b.usua_login, a.usua_cedula = b.usua_cedula, a.usua_esta, a.depe_codi,"
        " a.cargo_tipo, a.usua_subrogado FROM usuarios a, usuarios b"
        " WHERE a.usua_codi = %s AND b.usua_codi = %s",
        second,
        deputy,
    )
    assert same == (True, True, 1, area, 0, absent)
    permissions = "SELECT id_permiso FROM permiso_usuario WHERE usua_codi = %s"
    assert {number for (number,) in world.rows(permissions, second)} == {*DESK, 29}
    assert world.rows("SELECT 1 FROM log_usr_permisos WHERE usua_codi = %s", second) == []
    head = world.row("SELECT cargo_tipo, visible_sub FROM usuarios WHERE usua_codi = %s", absent)
    assert head == (1, 0)

    world.aiq.end_subrogation(absent, second)
    ended = "SELECT usua_visible FROM usuarios_subrogacion WHERE usua_subrogante = %s"
    assert world.row(ended, second) == (0,)
    account = "SELECT usua_esta, usua_login FROM usuarios WHERE usua_codi = %s"
    assert world.row(account, second) == (0, f"l{second}")
    assert world.rows(permissions, second) == []
