# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: S608 (the pieces are ours)

"""PRIVATE. The checks of groups A to D: institution, areas, people, permissions."""

from __future__ import annotations

from ansible_collections.quipux.provision.plugins.module_utils._evidence_sql import (
    areas,
    check,
    counts,
    fewer,
    ids,
    none,
    people,
    some,
)

_LOGO = "substring(s.inst_logo::text from '^/?bodega/(logos/[0-9]+[.](?:png|jpe?g|gif))$')"
# Modulus 10 of a cédula: every other digit doubled, the tenth makes the sum a multiple of ten.
_NATIONAL_ID = """CASE WHEN usua_cedula ~ '^(0[1-9]|1[0-9]|2[0-4]|30|50)[0-6][0-9]{7}$' THEN (
    SELECT mod(sum(CASE WHEN mod(g, 2) = 0 OR g = 10 THEN d WHEN d > 4 THEN d * 2 - 9 ELSE d * 2 END), 10) = 0
    FROM (SELECT g, substr(usua_cedula, g, 1)::int AS d FROM generate_series(1, 10) AS g) AS digit)
  ELSE false END"""


def _empty(column: str) -> str:
    return f"btrim(coalesce({column}::text, '')) = ''"


def _may(permission: str) -> str:
    """Whether the person of this row holds a permission."""
    return (
        "EXISTS (SELECT 1 FROM public.permiso_usuario h WHERE h.usua_codi = p.usua_codi AND h.id_permiso = "
        f"%({permission})s)"
    )


_AIQ = ("usua_admin_sistema", "perm_admin_institucional")
_IS_AIQ = " AND ".join(_may(name) for name in _AIQ)
_DESK = ("usua_prad_tp2", "usua_perm_digitalizar", "usua_perm_ciudadano", "ver_todos_docu")
_SUBSTITUTE = "coalesce(usua_subrogado, 0) > 0"  # a second account of one person, made by the pages

CHECKS = (
    check(
        "A1",
        (),
        "SELECT f.n, json_build_object("
        "'email', (position('@' in coalesce(s.inst_email, '')) > 1)::int, "
        "'ruc', (btrim(coalesce(s.inst_ruc, '')) = f.ruc)::int, "
        "'name', (btrim(coalesce(s.inst_nombre, '')) = f.name)::int, "
        "'acronym', (btrim(coalesce(s.inst_sigla, '')) = upper(f.acronym))::int, "
        "'phone', (btrim(coalesce(s.inst_telefono, '')) = upper(f.phone))::int, "
        "'active', (s.inst_estado IS NOT DISTINCT FROM 1)::int), '{}'::int[] "
        "FROM json_to_recordset(%(facts)s::json) AS f(n int, inst int, ruc text, name text, acronym text, "
        "phone text) JOIN public.institucion s ON s.inst_codi = f.inst",
        {
            "email_missing": none("email"),
            "ruc_differs": none("ruc"),
            "name_differs": none("name"),
            "acronym_differs": none("acronym"),
            "phone_differs": none("phone"),
            "institution_inactive": none("active"),
        },
        {
            "institucion": (
                *("inst_codi", "inst_ruc", "inst_nombre", "inst_sigla", "inst_telefono", "inst_email"),
                "inst_estado",
            )
        },
    ),
    check(
        "A2",
        (),
        f"SELECT i.n, json_build_object('logo', (NOT {_empty('s.inst_logo')})::int, "
        f"'elsewhere', (NOT {_empty('s.inst_logo')} AND {_LOGO} IS NULL)::int), '{{}}'::int[], "
        f"json_build_object('logo', {_LOGO}) "
        "FROM item i JOIN public.institucion s ON s.inst_codi = i.inst",
        {"logo_missing": none("logo"), "logo_elsewhere": some("elsewhere")},
        {"institucion": ("inst_codi", "inst_logo")},
    ),
    check(
        "B1",
        (areas("depe_codi"),),
        "SELECT i.n, json_build_object('areas', count(a.depe_codi)), '{}'::int[] "
        "FROM item i LEFT JOIN area a USING (n) GROUP BY i.n",
        {"too_few_areas": fewer("areas", 2)},
    ),
    check(
        "B2",
        (areas("depe_codi", "depe_codi_padre"),),
        # Walk up from every area; whoever comes back to himself is in a circle. UNION makes the walk end.
        ", up(n, start, here) AS ("
        "SELECT n, depe_codi, depe_codi_padre FROM area WHERE depe_codi_padre <> depe_codi UNION "
        "SELECT u.n, u.start, a.depe_codi_padre FROM up u JOIN area a ON a.n = u.n AND a.depe_codi = u.here "
        "WHERE a.depe_codi_padre <> a.depe_codi AND u.here <> u.start), "
        "judged AS (SELECT a.n, a.depe_codi, CASE "
        "WHEN a.depe_codi_padre = a.depe_codi THEN 'root' "
        "WHEN p.depe_codi IS NULL THEN 'orphan' "
        "WHEN p.inst_codi IS DISTINCT FROM a.inst THEN 'elsewhere' "
        "WHEN p.depe_estado IS DISTINCT FROM 1 THEN 'orphan' "
        "WHEN c.start IS NOT NULL THEN 'circle' ELSE 'child' END AS kind "
        "FROM area a LEFT JOIN public.dependencia p ON p.depe_codi = a.depe_codi_padre "
        "LEFT JOIN up c ON c.n = a.n AND c.start = a.depe_codi AND c.here = c.start) "
        + "SELECT i.n, "
        + counts(
            roots="j.kind = 'root'",
            circle="j.kind = 'circle'",
            elsewhere="j.kind = 'elsewhere'",
            orphans="j.kind = 'orphan'",
        )
        + ", "
        + ids("j.depe_codi", "j.kind NOT IN ('root', 'child')")
        + " FROM item i LEFT JOIN judged j USING (n) GROUP BY i.n",
        {
            "no_root_area": none("roots"),
            "several_roots": lambda found: found["roots"] > 1,
            "area_circle": some("circle"),
            "parent_elsewhere": some("elsewhere"),
            "orphan_areas": some("orphans"),
        },
    ),
    check(
        "B3",
        (areas("depe_codi", "dep_sigla"),),
        ", s AS (SELECT n, depe_codi, dep_sigla, btrim(coalesce(dep_sigla, '')) AS sigla, "
        "count(*) OVER (PARTITION BY n, upper(btrim(dep_sigla))) > 1 AS again FROM area), "
        "judged AS (SELECT n, depe_codi, sigla = '' AS missing, sigla <> upper(sigla) AS lower, "
        "sigla <> '' AND dep_sigla ~ '[[:space:]]' AS blank, sigla <> '' AND again AS again FROM s) "
        "SELECT i.n, "
        + counts(missing="j.missing", not_upper="j.lower", with_blank="j.blank", repeated="j.again")
        + ", "
        + ids("j.depe_codi", "j.missing OR j.lower OR j.blank OR j.again")
        + " FROM item i LEFT JOIN judged j USING (n) GROUP BY i.n",
        {
            "sigla_missing": some("missing"),
            "sigla_not_upper": some("not_upper"),
            "sigla_with_blank": some("with_blank"),
            "sigla_repeated": some("repeated"),
        },
    ),
    check(
        "B4",
        (areas("depe_codi", "depe_pie1"),),
        ", judged AS (SELECT a.n, a.depe_codi, c.id IS NULL AS bad FROM area a LEFT JOIN public.ciudad c "
        "ON c.id = CASE WHEN a.depe_pie1::text ~ '^[0-9]{1,9}$' THEN a.depe_pie1::text::int END) "
        "SELECT i.n, "
        + counts(without_city="j.bad")
        + ", "
        + ids("j.depe_codi", "j.bad")
        + " FROM item i LEFT JOIN judged j USING (n) GROUP BY i.n",
        {"city_missing": some("without_city")},
        {"ciudad": ("id",)},
    ),
    check(
        "B5",
        (areas("depe_codi", "depe_plantilla"),),
        # As the pages do: without an area to take the letterhead from, an area has its own.
        ", judged AS (SELECT a.n, a.depe_codi, d.depe_codi AS source, d.inst_codi IS DISTINCT FROM a.inst AS "
        "bad FROM area a LEFT JOIN public.dependencia d "
        "ON d.depe_codi = coalesce(a.depe_plantilla, a.depe_codi)) "
        "SELECT i.n, json_build_object('areas', count(j.depe_codi), 'templates', count(DISTINCT j.source) "
        "FILTER (WHERE NOT j.bad), 'elsewhere', count(*) FILTER (WHERE j.bad)), "
        + ids("j.depe_codi", "j.bad")
        + ", json_build_object('templates', coalesce(json_agg(DISTINCT j.source) FILTER (WHERE NOT j.bad), "
        "'[]')) FROM item i LEFT JOIN judged j USING (n) GROUP BY i.n",
        {"no_areas": none("areas"), "template_elsewhere": some("elsewhere")},
    ),
    check(
        "C1",
        (people("usua_codi"),),
        "SELECT i.n, "
        + counts(users="p.usua_codi <> ALL (i.aiq)")
        + ", '{}'::int[] FROM item i LEFT JOIN person p USING (n) GROUP BY i.n",
        {"no_users": none("users")},
    ),
    check(
        "C2",
        (
            people(
                *("usua_codi", "usua_login", "usua_cedula", "tipo_identificacion", "usua_email"),
                *("usua_cargo", "usua_cargo_cabecera", "usua_sumilla", "usua_subrogado"),
            ),
        ),
        f", judged AS (SELECT n, usua_codi, "
        f"CASE WHEN coalesce(tipo_identificacion, 0) = 0 THEN NOT {_NATIONAL_ID} "
        f"ELSE {_empty('usua_cedula')} END OR usua_cedula IS NULL AS number, "
        f"NOT {_SUBSTITUTE} AND count(*) FILTER (WHERE NOT {_SUBSTITUTE}) "
        "OVER (PARTITION BY n, upper(usua_cedula)) > 1 AS again, "
        "left(usua_login, 6) IS DISTINCT FROM 'UADMIN' AND usua_login IS DISTINCT FROM CASE WHEN "
        "coalesce(tipo_identificacion, 0) = 0 THEN 'U' || usua_cedula ELSE 'UUSR' || upper(usua_cedula) END "
        "AS login, coalesce(usua_email, '') !~ '[^@[:space:],]@[^@[:space:],]' AS mail, "
        f"{_empty('usua_cargo')} OR {_empty('usua_cargo_cabecera')} AS job, "
        f"{_empty('usua_sumilla')} AS initials FROM person) SELECT i.n, "
        + counts(
            bad_number="j.number",
            repeated="j.again",
            bad_login="j.login",
            without_email="j.mail",
            without_position="j.job",
            without_initials="j.initials",
        )
        + ", "
        + ids("j.usua_codi", "j.number OR j.again OR j.login OR j.mail OR j.job OR j.initials")
        + " FROM item i LEFT JOIN judged j USING (n) GROUP BY i.n",
        {
            "number_invalid": some("bad_number"),
            "number_repeated": some("repeated"),
            "login_differs": some("bad_login"),
            "user_email_missing": some("without_email"),
            "position_missing": some("without_position"),
            "initials_missing": some("without_initials"),
        },
    ),
    check(
        "C3",
        (people("usua_codi", "depe_codi"),),
        ", judged AS (SELECT p.n, p.usua_codi, d.depe_codi IS NULL AS nowhere, "
        "d.inst_codi IS DISTINCT FROM p.inst AS elsewhere, d.depe_estado IS DISTINCT FROM 1 AS inactive "
        "FROM person p LEFT JOIN public.dependencia d ON d.depe_codi = p.depe_codi) SELECT i.n, "
        + counts(
            without_area="j.nowhere",
            area_elsewhere="NOT j.nowhere AND j.elsewhere",
            area_inactive="NOT j.nowhere AND NOT j.elsewhere AND j.inactive",
        )
        + ", "
        + ids("j.usua_codi", "j.nowhere OR j.elsewhere OR j.inactive")
        + " FROM item i LEFT JOIN judged j USING (n) GROUP BY i.n",
        {
            "users_without_area": some("without_area"),
            "users_in_foreign_area": some("area_elsewhere"),
            "users_in_inactive_area": some("area_inactive"),
        },
        {"dependencia": ("depe_codi", "inst_codi", "depe_estado")},
    ),
    check(
        "C4",
        (areas("depe_codi"), people("usua_codi", "depe_codi", "cargo_tipo")),
        ", judged AS (SELECT a.n, a.depe_codi, count(*) FILTER (WHERE p.cargo_tipo = 1) AS heads "
        "FROM area a JOIN person p ON p.n = a.n AND p.depe_codi = a.depe_codi GROUP BY 1, 2) SELECT i.n, "
        + counts(
            areas_with_users="j.depe_codi IS NOT NULL",
            without_head="j.heads = 0",
            several_heads="j.heads > 1",
        )
        + ", "
        + ids("j.depe_codi", "j.heads <> 1")
        + " FROM item i LEFT JOIN judged j USING (n) GROUP BY i.n",
        {
            "no_area_with_users": none("areas_with_users"),
            "area_without_head": some("without_head"),
            "area_with_several_heads": some("several_heads"),
        },
    ),
    check(
        "C5",
        (areas("depe_codi"), people("usua_codi", "depe_codi", "usua_responsable_area")),
        ", judged AS (SELECT a.n, a.depe_codi, count(*) AS many FROM area a JOIN person p "
        "ON p.n = a.n AND p.depe_codi = a.depe_codi AND p.usua_responsable_area = 1 GROUP BY 1, 2) "
        "SELECT i.n, "
        + counts(with_one="j.many = 1", several="j.many > 1")
        + ", "
        + ids("j.depe_codi", "j.many > 1")
        + " FROM item i LEFT JOIN judged j USING (n) GROUP BY i.n",
        {"area_with_several_responsibles": some("several")},
    ),
    check(
        "C6",
        (people("usua_codi", "usua_nuevo"),),
        "SELECT i.n, "
        + counts(open="p.usua_codi IS NOT NULL AND p.usua_nuevo IS DISTINCT FROM 1")
        + ", "
        + ids("p.usua_codi", "p.usua_nuevo IS DISTINCT FROM 1 AND p.usua_codi IS NOT NULL")
        + " FROM item i LEFT JOIN person p USING (n) GROUP BY i.n",
        {"open_accounts": some("open")},
    ),
    check(
        "C7",
        (people("usua_codi", "usua_login", "depe_codi", "usua_esta", active=False),),
        ", judged AS (SELECT p.n, p.usua_codi, m.usua_codi IS NULL AS missing, (m.depe_codi, m.usua_esta, "
        "m.inst_codi, m.usua_login) IS DISTINCT FROM (p.depe_codi, p.usua_esta, p.inst, p.usua_login) AS "
        "differs, false AS stray FROM person p LEFT JOIN public.usuario m ON m.usua_codi = p.usua_codi "
        "UNION ALL SELECT i.n, m.usua_codi, false, false, true FROM item i JOIN public.usuario m "
        "ON m.inst_codi = i.inst AND m.tipo_usuario = 1 WHERE NOT EXISTS (SELECT 1 FROM public.usuarios u "
        "WHERE u.usua_codi = m.usua_codi)) SELECT i.n, "
        + counts(missing="j.missing", differing="j.differs AND NOT j.missing", stray="j.stray")
        + ", "
        + ids("j.usua_codi", "j.missing OR j.differs OR j.stray")
        + " FROM item i LEFT JOIN judged j USING (n) GROUP BY i.n",
        {
            "mirror_missing": some("missing"),
            "mirror_differs": some("differing"),
            "mirror_stray": some("stray"),
        },
        {"usuario": ("usua_codi", "depe_codi", "usua_esta", "inst_codi", "usua_login", "tipo_usuario")},
    ),
    check(
        "D1",
        (people("usua_codi"),),
        ", judged AS (SELECT p.n, p.usua_codi, NOT EXISTS (SELECT 1 FROM public.permiso_usuario h "
        "WHERE h.usua_codi = p.usua_codi) AS nothing, EXISTS (SELECT 1 FROM public.permiso_usuario h "
        "WHERE h.usua_codi = p.usua_codi AND h.id_permiso = ANY (%(forbidden)s)) AS forbidden, "
        f"p.usua_codi = ANY (p.aiq) AND {_IS_AIQ} AS aiq FROM person p) SELECT i.n, "
        + counts(without_permission="j.nothing", forbidden="j.forbidden", aiq="j.aiq")
        + ", "
        + ids("j.usua_codi", "j.nothing OR j.forbidden")
        + " FROM item i LEFT JOIN judged j USING (n) GROUP BY i.n",
        {
            "users_without_permission": some("without_permission"),
            "forbidden_permission": some("forbidden"),
            "aiq_without_permission": none("aiq"),
        },
        permissions=(*_AIQ, "admin_institucion", "perm_actualizar_sistema"),
    ),
    check(
        "D2",
        (people("usua_codi", "usua_subrogado"),),
        f", judged AS (SELECT p.n, p.usua_codi FROM person p WHERE NOT {_SUBSTITUTE} AND {_IS_AIQ}) "
        "SELECT i.n, "
        + counts(aiq="j.usua_codi IS NOT NULL")
        + ", '{}'::int[] FROM item i LEFT JOIN judged j USING (n) GROUP BY i.n",
        {"no_second_aiq": fewer("aiq", 2)},
        permissions=_AIQ,
    ),
    check(
        "D3",
        (people("usua_codi"),),
        f", judged AS (SELECT p.n, p.usua_codi, {' AND '.join(_may(name) for name in _DESK[1:])} AS whole "
        f"FROM person p WHERE {_may(_DESK[0])}) SELECT i.n, "
        + counts(desk="j.usua_codi IS NOT NULL", complete="j.whole")
        + ", "
        + ids("j.usua_codi", "j.whole")
        + " FROM item i LEFT JOIN judged j USING (n) GROUP BY i.n",
        {
            "no_desk": none("desk"),
            "desk_incomplete": lambda found: found["desk"] > 0 and found["complete"] == 0,
        },
        permissions=_DESK,
    ),
    check(
        "D4",
        (people("usua_codi", "cargo_tipo", "usua_tipo_certificado"),),
        f", judged AS (SELECT p.n, p.usua_codi, {_may('firma_digital')} AS may, "
        "coalesce(p.usua_tipo_certificado IN (1, 2), false) AS certificate FROM person p "
        "WHERE p.cargo_tipo = 1) SELECT i.n, "
        + counts(
            heads="j.usua_codi IS NOT NULL", without_permission="NOT j.may", without_kind="NOT j.certificate"
        )
        + ", "
        + ids("j.usua_codi", "NOT (j.may AND j.certificate)")
        + " FROM item i LEFT JOIN judged j USING (n) GROUP BY i.n",
        {
            "no_heads": none("heads"),
            "heads_without_signature": some("without_permission"),
            "heads_without_certificate_kind": some("without_kind"),
        },
        permissions=("firma_digital",),
    ),
    check(
        "D5",
        (people("usua_codi"),),
        f", judged AS (SELECT p.n, p.usua_codi FROM person p WHERE {_may('perm_recibir_ciudadano')} OR "
        f"{_may('perm_tramitar_docs_ciudadano')}) SELECT i.n, "
        + counts(receivers="j.usua_codi IS NOT NULL")
        + ", "
        + ids("j.usua_codi", "j.usua_codi IS NOT NULL")
        + " FROM item i LEFT JOIN judged j USING (n) GROUP BY i.n",
        {"nobody_receives_citizens": none("receivers")},
        permissions=("perm_recibir_ciudadano", "perm_tramitar_docs_ciudadano"),
    ),
    check(
        "D6",
        (people("usua_codi", "usua_subrogado"),),
        ", judged AS (SELECT p.n, p.usua_codi, NOT EXISTS (SELECT 1 FROM public.log_usr_permisos l "
        "WHERE l.usua_codi = p.usua_codi AND l.id_permiso = h.id_permiso AND l.accion = 1) AS bad "
        f"FROM person p JOIN public.permiso_usuario h ON h.usua_codi = p.usua_codi WHERE NOT {_SUBSTITUTE}) "
        "SELECT i.n, "
        + counts(granted="j.usua_codi IS NOT NULL", untraced="j.bad")
        + ", coalesce((array_agg(DISTINCT j.usua_codi) FILTER (WHERE j.bad))[1:50], '{}')"
        + " FROM item i LEFT JOIN judged j USING (n) GROUP BY i.n",
        {"permissions_untraced": some("untraced")},
        {
            "permiso_usuario": ("id_permiso", "usua_codi"),
            "log_usr_permisos": ("usua_codi", "id_permiso", "accion"),
        },
    ),
)
