"""Ways to spoil what an AIQ did, each with the reasons it must give and the way back."""

from __future__ import annotations

from typing import NamedTuple


class Spoiling(NamedTuple):
    """`spoil` and `mend` are SQL with the names of :class:`Parametrisation`."""

    activity: str
    reasons: str  # all of them, separated by blanks
    spoil: str
    mend: str


def _column(table: str, key: str, name: str, column: str, bad: str, good: str) -> tuple[str, str]:
    """Set a column of one row."""
    head = f"UPDATE {table} SET {column} = "
    return f"{head}{bad} WHERE {key} = %({name})s", f"{head}{good} WHERE {key} = %({name})s"


def _institution(column: str, bad: str, good: str) -> tuple[str, str]:
    return _column("institucion", "inst_codi", "inst", column, bad, good)


def _area(column: str, bad: str, good: str, name: str = "area") -> tuple[str, str]:
    return _column("dependencia", "depe_codi", name, column, bad, good)


def _user(column: str, bad: str, good: str, name: str = "clerk") -> tuple[str, str]:
    return _column("usuarios", "usua_codi", name, column, bad, good)


def _without(name: str, permission: int) -> tuple[str, str]:
    """Take a permission away."""
    return (
        f"DELETE FROM permiso_usuario WHERE usua_codi = %({name})s AND id_permiso = {permission}",
        f"INSERT INTO permiso_usuario VALUES ({permission}, %({name})s)",
    )


def _old(table: str, column: str, condition: str) -> tuple[str, str]:
    """Move rows to a time before the term, and back."""
    head = f"UPDATE {table} SET {column} = {column}"
    return f"{head} - interval '1 year' WHERE {condition}", f"{head} + interval '1 year' WHERE {condition}"


def _events(codes: str) -> tuple[str, str]:
    people = "SELECT usua_codi FROM usuarios WHERE inst_codi = %(inst)s"
    return _old("hist_eventos", "hist_fech", f"sgd_ttr_codigo IN ({codes}) AND usua_codi_ori IN ({people})")


def _both(*pairs: tuple[str, str]) -> tuple[str, str]:
    return "; ".join(pair[0] for pair in pairs), "; ".join(pair[1] for pair in reversed(pairs))


_ALL_AREAS = _column("dependencia", "inst_codi", "inst", "depe_estado", "0", "1")
_SUB = "%(sub)s"

SPOILINGS = tuple(
    Spoiling(activity, reasons, *pair)
    for activity, reasons, pair in (
        ("A1", "email_missing", _institution("inst_email", "''", "'info@example.gob.ec'")),
        ("A1", "ruc_differs", _institution("inst_ruc", "'9' || inst_ruc", "substr(inst_ruc, 2)")),
        ("A1", "name_differs", _institution("inst_nombre", "'x' || inst_nombre", "substr(inst_nombre, 2)")),
        ("A1", "acronym_differs", _institution("inst_sigla", "'X' || inst_sigla", "substr(inst_sigla, 2)")),
        ("A1", "phone_differs", _institution("inst_telefono", "NULL", "'022999999'")),
        ("A1", "institution_inactive", _institution("inst_estado", "0", "1")),
        (
            "A2",
            "logo_missing",
            _institution("inst_logo", "NULL", "'/bodega/logos/' || inst_codi || '.png'"),
        ),
        (
            "A2",
            "logo_elsewhere",
            _institution("inst_logo", "'/bodega/../x.png'", "'/bodega/logos/' || inst_codi || '.png'"),
        ),
        ("B1", "too_few_areas", _both(_area("depe_estado", "0", "1"), _area("depe_estado", "0", "1", "sub"))),
        ("B2", "no_root_area parent_elsewhere", _area("depe_codi_padre", "1", "depe_codi", "root")),
        ("B2", "several_roots", _area("depe_codi_padre", "depe_codi", "%(root)s")),
        ("B2", "area_circle", _area("depe_codi_padre", _SUB, "%(root)s")),
        ("B2", "parent_elsewhere", _area("depe_codi_padre", "1", "%(root)s")),
        ("B2", "orphan_areas", _area("depe_codi_padre", "NULL", "%(root)s")),
        ("B2", "orphan_areas", _area("depe_estado", "0", "1")),
        ("B3", "sigla_missing", _area("dep_sigla", "' '", "'DE'")),
        ("B3", "sigla_missing", _area("dep_sigla", "NULL", "'DE'")),
        ("B3", "sigla_not_upper", _area("dep_sigla", "'De'", "'DE'")),
        ("B3", "sigla_with_blank", _area("dep_sigla", "'D E'", "'DE'")),
        ("B3", "sigla_repeated", _area("dep_sigla", "'UE'", "'DE'")),
        ("B4", "city_missing", _area("depe_pie1", "'Quito'", "'49'")),
        ("B4", "city_missing", _area("depe_pie1", "'0'", "'49'")),
        ("B4", "city_missing", _area("depe_pie1", "NULL", "'49'")),
        ("B5", "template_elsewhere", _area("depe_plantilla", "1", "depe_codi")),
        ("B5", "no_areas", _ALL_AREAS),
        (
            "C1",
            "no_users",
            (
                "UPDATE usuarios SET usua_esta = 0 WHERE inst_codi = %(inst)s AND usua_codi <> %(aiq)s",
                "UPDATE usuarios SET usua_esta = 1 WHERE inst_codi = %(inst)s",
            ),
        ),
        (
            "C2",
            "number_invalid",
            _both(
                _user(
                    "usua_cedula",
                    "reverse(usua_cedula)",
                    "reverse(usua_cedula)",
                ),
                _user("usua_login", "'U' || usua_cedula", "'U' || reverse(usua_cedula)"),
            ),
        ),
        (
            "C2",
            "number_repeated",
            (
                "UPDATE usuarios u SET usua_obs = u.usua_cedula, usua_cedula = c.usua_cedula, "
                "usua_login = c.usua_login FROM usuarios c "
                "WHERE u.usua_codi = %(clerk)s AND c.usua_codi = %(chief)s",
                "UPDATE usuarios SET usua_cedula = usua_obs, usua_login = 'U' || usua_obs "
                "WHERE usua_codi = %(clerk)s",
            ),
        ),
        ("C2", "login_differs", _user("usua_login", "lower(usua_login)", "upper(usua_login)")),
        ("C2", "user_email_missing", _user("usua_email", "'nadie'", "'p@example.gob.ec'")),
        ("C2", "position_missing", _user("usua_cargo_cabecera", "NULL", "'Técnica'")),
        ("C2", "initials_missing", _user("usua_sumilla", "''", "'pde'")),
        ("C3", "users_without_area", _user("depe_codi", "NULL", "%(area)s")),
        ("C3", "users_in_foreign_area", _user("depe_codi", "1", "%(area)s")),
        (
            "C3",
            "users_in_inactive_area",
            _both(_user("depe_codi", _SUB, "%(area)s"), _area("depe_estado", "0", "1", "sub")),
        ),
        ("C4", "no_area_with_users", _ALL_AREAS),
        ("C4", "area_without_head", _user("cargo_tipo", "0", "1", "chief")),
        ("C4", "area_with_several_heads", _user("cargo_tipo", "1", "0")),
        ("C5", "area_with_several_responsibles", _user("usua_responsable_area", "1", "0", "chief")),
        ("C6", "open_accounts", _user("usua_nuevo", "0", "1")),
        (
            "C7",
            "mirror_missing",
            (
                "UPDATE usuario SET usua_codi = -usua_codi, inst_codi = 0 WHERE usua_codi = %(clerk)s",
                "UPDATE usuario SET usua_codi = -usua_codi, inst_codi = %(inst)s "
                "WHERE usua_codi = -%(clerk)s",
            ),
        ),
        (
            "C7",
            "mirror_differs",
            _column("usuario", "usua_codi", "clerk", "depe_codi", "%(root)s", "%(area)s"),
        ),
        (
            "C7",
            "mirror_stray",
            (
                "INSERT INTO usuario (usua_codi, inst_codi, tipo_usuario) VALUES (-%(clerk)s, %(inst)s, 1)",
                "DELETE FROM usuario WHERE usua_codi = -%(clerk)s",
            ),
        ),
        (
            "D1",
            "users_without_permission",
            (
                "DELETE FROM permiso_usuario WHERE usua_codi = %(head)s",
                "INSERT INTO permiso_usuario SELECT p, %(head)s FROM unnest(ARRAY[27, 19, 29]) AS p",
            ),
        ),
        (
            "D1",
            "forbidden_permission",
            tuple(reversed(_without("clerk", 35))),
        ),
        ("D1", "aiq_without_permission", _without("aiq", 36)),
        ("D2", "no_second_aiq", _without("deputy", 12)),
        ("D3", "no_desk", _without("clerk", 28)),
        ("D3", "desk_incomplete", _without("clerk", 13)),
        (
            "D4",
            "no_heads",
            _both(_user("cargo_tipo", "0", "1", "chief"), _user("cargo_tipo", "0", "1", "head")),
        ),
        ("D4", "heads_without_signature", _without("chief", 19)),
        ("D4", "heads_without_certificate_kind", _user("usua_tipo_certificado", "0", "2", "chief")),
        ("D5", "nobody_receives_citizens", _without("deputy", 9)),
        (
            "D6",
            "permissions_untraced",
            (
                "UPDATE log_usr_permisos SET accion = 9 WHERE usua_codi = %(clerk)s AND id_permiso = 28",
                "UPDATE log_usr_permisos SET accion = 1 WHERE usua_codi = %(clerk)s AND id_permiso = 28",
            ),
        ),
        *(
            (
                "E1",
                reason,
                _column("formato_numeracion", "fn_tiporad = 3 AND depe_codi", "root", column, bad, good),
            )
            for reason, column, bad, good in (
                ("format_broken", "fn_formato", "'inst-dep-anio'", "'inst-dep-anio-secuencial-tipodoc'"),
                ("format_broken", "fn_formato", "'sigla-secuencial'", "'inst-dep-anio-secuencial-tipodoc'"),
                (
                    "format_broken",
                    "fn_formato",
                    "'anio-anio-secuencial'",
                    "'inst-dep-anio-secuencial-tipodoc'",
                ),
                ("format_broken", "fn_caracter", "''", "'-'"),
                ("numbering_elsewhere", "depe_numeracion", "1", "depe_codi"),
                ("counter_negative", "fn_contador", "-1", "0"),
            )
        ),
        *(
            (
                activity,
                reason,
                _column("radicado", "radi_nume_radi", document, "esta_codi", bad, "6"),
            )
            for activity, reason, document, bad in (
                ("E2", "no_memorandum", "memorandum", "1"),
                ("E3", "no_letter", "letter", "5"),
                ("E3", "no_external", "external", "7"),
            )
        ),
        (
            "E2",
            "no_memorandum",
            _old("radicado", "radi_fech_radi", "radi_nume_radi = %(memorandum)s"),
        ),
        (
            "E3",
            "external_not_from_desk",
            _column("radicado", "radi_nume_radi", "external", "radi_usua_radi", "%(chief)s", "%(clerk)s"),
        ),
        ("E4", "nothing_registered", _events("2")),
        ("E4", "nothing_reassigned", _events("9")),
        ("E4", "nothing_informed", _events("8")),
        ("E4", "nothing_archived", _events("13")),
        ("E4", "nothing_sent", _events("18, 19")),
        (
            "E5",
            "nothing_attached",
            _both(
                _events("66"),
                _column("anexos", "anex_usua_codi", "clerk", "anex_borrado", "'S'", "'N'"),
            ),
        ),
        ("E6", "nothing_signed", _events("40")),
        ("F1", "no_task", _old("tarea", "fecha_inicio", "usua_codi_ori = %(head)s")),
        ("F1", "no_finished_task", _column("tarea", "usua_codi_ori", "head", "estado", "3", "2")),
        ("F2", "no_list", _column("lista", "lista_codi", "list", "lista_estado", "0", "1")),
        (
            "F2",
            "lists_too_short",
            (
                "DELETE FROM lista_usuarios WHERE lista_codi = %(list)s AND usua_codi = %(head)s",
                "INSERT INTO lista_usuarios VALUES (%(list)s, %(head)s, 0)",
            ),
        ),
        (
            "F3",
            "no_substitution",
            (
                "UPDATE usuarios_subrogacion SET usua_subrogado = -%(chief)s "
                "WHERE usua_subrogado = %(chief)s",
                "UPDATE usuarios_subrogacion SET usua_subrogado = %(chief)s "
                "WHERE usua_subrogado = -%(chief)s",
            ),
        ),
        (
            "F3",
            "substitution_dates",
            _old("usuarios_subrogacion", "usua_fecha_fin", "usua_subrogado = %(chief)s"),
        ),
        (
            "F4",
            "no_shared_tray",
            (
                "UPDATE bandeja_compartida SET usua_codi_jefe = %(deputy)s WHERE usua_codi_jefe = %(chief)s",
                "UPDATE bandeja_compartida SET usua_codi_jefe = %(chief)s WHERE usua_codi_jefe = %(deputy)s",
            ),
        ),
        ("F5", "no_folders", _column("trd", "depe_codi", "area", "trd_estado", "0", "1")),
        ("F5", "folders_without_terms", _column("trd", "depe_codi", "area", "trd_arch_gestion", "0", "5")),
        (
            "F5",
            "folders_without_levels",
            (
                "DELETE FROM trd_nivel WHERE depe_codi = %(area)s",
                "INSERT INTO trd_nivel (trd_codi, depe_codi, trd_nombre) VALUES (0, %(area)s, 'SERIE')",
            ),
        ),
        (
            "F6",
            "no_archive_levels",
            (
                "DELETE FROM archivo_nivel WHERE depe_codi = %(area)s",
                "INSERT INTO archivo_nivel (arch_codi, depe_codi, arch_nombre) VALUES (0, %(area)s, 'PISO')",
            ),
        ),
        ("F6", "no_archive_places", _column("archivo", "depe_codi", "area", "arch_estado", "0", "1")),
    )
)
