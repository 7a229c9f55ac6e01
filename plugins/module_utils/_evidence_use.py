# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: S608 (the pieces are ours)

"""PRIVATE. The checks of groups E and F: numbering, test documents, and the functions tried out."""

from __future__ import annotations

from ansible_collections.quipux.provision.plugins.module_utils._evidence_sql import (
    areas,
    check,
    counts,
    ids,
    none,
    people,
    some,
)

_PIECES = "ARRAY['inst', 'dep', 'anio', 'secuencial', 'tipodoc']"
_DOCUMENTS = {
    "radicado": (
        *("radi_nume_radi", "radi_nume_temp", "radi_tipo", "esta_codi", "radi_inst_actu"),
        "radi_fech_radi",
    )
}
# An original is its own temporary document; once sent it is 6, and 0 when archived afterwards.
_SENT = (
    "FROM item i JOIN public.radicado r ON r.radi_inst_actu = i.inst AND r.radi_nume_radi = r.radi_nume_temp "
    "AND r.esta_codi IN (0, 6) AND (i.since IS NULL OR r.radi_fech_radi >= i.since)"
)
_EVENTS = {"hist_eventos": ("hist_fech", "usua_codi_ori", "sgd_ttr_codigo")}
_ACCOUNTS = people("usua_codi", active=False)
_HAPPENED = (
    "FROM person p JOIN public.hist_eventos h ON h.usua_codi_ori = p.usua_codi "
    "AND (p.since IS NULL OR h.hist_fech >= p.since)"
)

CHECKS = (
    check(
        "E1",
        (areas("depe_codi"),),
        # Empty pieces are skipped by the application; an empty format gets the default with the first number.
        ", judged AS (SELECT a.n, a.depe_codi, o.depe_codi IS NULL AS elsewhere, "
        "coalesce(f.fn_contador, 0) < 0 AS negative, "
        "coalesce(f.depe_numeracion, f.depe_codi) = f.depe_codi "
        "AND btrim(coalesce(f.fn_formato, '')) <> '' AND ("
        "coalesce(f.fn_caracter, '') = '' OR x.pieces <> ARRAY(SELECT DISTINCT e FROM unnest(x.pieces) e "
        f"ORDER BY e) OR NOT x.pieces <@ {_PIECES} OR NOT 'secuencial' = ANY (x.pieces)) AS broken "
        "FROM area a JOIN public.formato_numeracion f ON f.depe_codi = a.depe_codi "
        "CROSS JOIN LATERAL (SELECT ARRAY(SELECT btrim(e) FROM unnest(string_to_array(f.fn_formato, '-')) e "
        "WHERE btrim(e) <> '' ORDER BY 1) AS pieces) x "
        "LEFT JOIN area o ON o.n = a.n AND o.depe_codi = coalesce(f.depe_numeracion, f.depe_codi)) "
        "SELECT i.n, "
        + counts(
            formats="j.depe_codi IS NOT NULL",
            broken="j.broken",
            elsewhere="j.elsewhere",
            negative="j.negative",
        )
        + ", coalesce((array_agg(DISTINCT j.depe_codi) FILTER (WHERE j.broken OR j.elsewhere OR j.negative))"
        "[1:50], '{}') FROM item i LEFT JOIN judged j USING (n) GROUP BY i.n",
        {
            "format_broken": some("broken"),
            "numbering_elsewhere": some("elsewhere"),
            "counter_negative": some("negative"),
        },
        {
            "formato_numeracion": (
                *("depe_codi", "fn_formato", "fn_caracter", "depe_numeracion", "fn_contador"),
            )
        },
    ),
    check(
        "E2",
        (),
        f", document AS (SELECT i.n, r.radi_nume_radi AS id {_SENT} WHERE r.radi_tipo = 3) SELECT i.n, "
        + counts(memorandums="d.id IS NOT NULL")
        + ", "
        + ids("d.id", "d.id IS NOT NULL")
        + " FROM item i LEFT JOIN document d USING (n) GROUP BY i.n",
        {"no_memorandum": none("memorandums")},
        _DOCUMENTS,
    ),
    check(
        "E3",
        (),
        f", document AS (SELECT i.n, r.radi_nume_radi AS id, r.radi_tipo AS kind, EXISTS (SELECT 1 "
        "FROM public.permiso_usuario h WHERE h.usua_codi = r.radi_usua_radi AND h.id_permiso = "
        f"%(usua_prad_tp2)s) AS desk {_SENT} WHERE r.radi_tipo IN (1, 2)) SELECT i.n, "
        + counts(letters="d.kind = 1", externals="d.kind = 2", from_desk="d.kind = 2 AND d.desk")
        + ", "
        + ids("d.id", "d.kind = 1 OR d.desk")
        + " FROM item i LEFT JOIN document d USING (n) GROUP BY i.n",
        {
            "no_letter": none("letters"),
            "no_external": none("externals"),
            "external_not_from_desk": lambda found: found["externals"] > 0 and found["from_desk"] == 0,
        },
        {"radicado": (*_DOCUMENTS["radicado"], "radi_usua_radi")},
        permissions=("usua_prad_tp2",),
    ),
    check(
        "E4",
        (_ACCOUNTS,),
        f", event AS (SELECT p.n, h.sgd_ttr_codigo AS kind {_HAPPENED} WHERE h.sgd_ttr_codigo IN "
        "(2, 8, 9, 13, 18, 19)) SELECT i.n, "
        + counts(
            registered="e.kind = 2",
            reassigned="e.kind = 9",
            informed="e.kind = 8",
            archived="e.kind = 13",
            sent="e.kind IN (18, 19)",
        )
        + ", '{}'::int[] FROM item i LEFT JOIN event e USING (n) GROUP BY i.n",
        {
            "nothing_registered": none("registered"),
            "nothing_reassigned": none("reassigned"),
            "nothing_informed": none("informed"),
            "nothing_archived": none("archived"),
            "nothing_sent": none("sent"),
        },
        _EVENTS,
    ),
    check(
        "E5",
        (_ACCOUNTS,),
        f", event AS (SELECT p.n, 1 AS digital, 0 AS attached {_HAPPENED} WHERE h.sgd_ttr_codigo IN "
        "(22, 29, 42, 66) UNION ALL SELECT p.n, 0, 1 FROM person p JOIN public.anexos x "
        "ON x.anex_usua_codi = p.usua_codi AND x.anex_borrado = 'N' "
        "AND (p.since IS NULL OR x.anex_fecha >= p.since)) SELECT i.n, "
        + counts(events="e.digital = 1", attachments="e.attached = 1")
        + ", '{}'::int[] FROM item i LEFT JOIN event e USING (n) GROUP BY i.n",
        {"nothing_attached": lambda found: found["events"] + found["attachments"] == 0},
        {**_EVENTS, "anexos": ("anex_usua_codi", "anex_borrado", "anex_fecha")},
    ),
    check(
        "E6",
        (_ACCOUNTS,),
        # Event 65 is no proof: the application writes it whenever a document is sent, signed or not.
        f", event AS (SELECT p.n, 1 AS event, 0 AS signed {_HAPPENED} WHERE h.sgd_ttr_codigo = 40 UNION ALL "
        "SELECT i.n, 0, 1 FROM item i JOIN public.radicado r ON r.radi_inst_actu = i.inst "
        "AND r.radi_fech_firma >= coalesce(i.since, '-infinity')) SELECT i.n, "
        + counts(events="e.event = 1", signed="e.signed = 1")
        + ", '{}'::int[] FROM item i LEFT JOIN event e USING (n) GROUP BY i.n",
        {"nothing_signed": lambda found: found["events"] + found["signed"] == 0},
        {**_EVENTS, "radicado": ("radi_inst_actu", "radi_fech_firma")},
    ),
    check(
        "F1",
        (_ACCOUNTS,),
        ", task AS (SELECT p.n, t.tarea_codi AS id, t.estado = 2 AS finished FROM person p "
        "JOIN public.tarea t ON t.usua_codi_ori = p.usua_codi "
        "AND (p.since IS NULL OR t.fecha_inicio >= p.since)) SELECT i.n, "
        + counts(created="t.id IS NOT NULL", finished="t.finished")
        + ", "
        + ids("t.id", "t.finished")
        + " FROM item i LEFT JOIN task t USING (n) GROUP BY i.n",
        {
            "no_task": none("created"),
            "no_finished_task": lambda found: found["created"] > 0 and found["finished"] == 0,
        },
        {"tarea": ("tarea_codi", "usua_codi_ori", "estado", "fecha_inicio")},
    ),
    check(
        "F2",
        (),
        ", list AS (SELECT i.n, l.lista_codi AS id, (SELECT count(*) FROM public.lista_usuarios m "
        "WHERE m.lista_codi = l.lista_codi) > 1 AS whole FROM item i JOIN public.lista l "
        "ON l.inst_codi = i.inst AND l.lista_estado = 1) SELECT i.n, "
        + counts(lists="l.id IS NOT NULL", with_two="l.whole")
        + ", "
        + ids("l.id", "l.whole")
        + " FROM item i LEFT JOIN list l USING (n) GROUP BY i.n",
        {
            "no_list": none("lists"),
            "lists_too_short": lambda found: found["lists"] > 0 and found["with_two"] == 0,
        },
        {"lista": ("lista_codi", "inst_codi", "lista_estado"), "lista_usuarios": ("lista_codi",)},
    ),
    check(
        "F3",
        (_ACCOUNTS,),
        ", stand AS (SELECT p.n, s.usua_subrogacion_codi AS id, "
        "coalesce(s.usua_fecha_inicio < s.usua_fecha_fin, false) AS valid, s.usua_visible = 0 AS ended "
        "FROM person p JOIN public.usuarios_subrogacion s ON s.usua_subrogado = p.usua_codi) SELECT i.n, "
        + counts(made="s.id IS NOT NULL", valid="s.valid", ended="s.valid AND s.ended")
        + ", "
        + ids("s.id", "s.valid")
        + " FROM item i LEFT JOIN stand s USING (n) GROUP BY i.n",
        {
            "no_substitution": none("made"),
            "substitution_dates": lambda found: found["made"] > 0 and found["valid"] == 0,
        },
        {
            "usuarios_subrogacion": (
                *("usua_subrogacion_codi", "usua_subrogado", "usua_fecha_inicio", "usua_fecha_fin"),
                "usua_visible",
            )
        },
    ),
    check(
        "F4",
        (people("usua_codi", "cargo_tipo", "usua_subrogado"),),
        # A substitution shares the tray with its second account, and takes it back at its end.
        ", shared AS (SELECT h.n, b.ban_com_codi AS id FROM person h JOIN public.bandeja_compartida b "
        "ON b.usua_codi_jefe = h.usua_codi AND h.cargo_tipo = 1 JOIN person o ON o.n = h.n "
        "AND o.usua_codi = b.usua_codi AND o.usua_codi <> h.usua_codi "
        "AND coalesce(o.usua_subrogado, 0) = 0) SELECT i.n, "
        + counts(shared="s.id IS NOT NULL")
        + ", "
        + ids("s.id", "s.id IS NOT NULL")
        + " FROM item i LEFT JOIN shared s USING (n) GROUP BY i.n",
        {"no_shared_tray": none("shared")},
        {"bandeja_compartida": ("ban_com_codi", "usua_codi_jefe", "usua_codi")},
    ),
    check(
        "F5",
        (areas("depe_codi"),),
        ", judged AS (SELECT a.n, a.depe_codi, EXISTS (SELECT 1 FROM public.trd_nivel l "
        "WHERE l.depe_codi = a.depe_codi) AS levels, f.active, f.bad FROM area a CROSS JOIN LATERAL ("
        "SELECT count(*) AS active, count(*) FILTER (WHERE NOT coalesce(trd_arch_gestion > 0 AND "
        "trd_arch_central > 0, false)) AS bad FROM public.trd t WHERE t.depe_codi = a.depe_codi "
        "AND t.trd_estado = 1) f) SELECT i.n, "
        + counts(
            areas="j.depe_codi IS NOT NULL",
            with_folders="j.active > 0",
            complete="j.active > 0 AND j.levels",
            without_terms="j.bad > 0",
        )
        + ", "
        + ids("j.depe_codi", "j.bad > 0 OR j.active > 0 AND NOT j.levels")
        + " FROM item i LEFT JOIN judged j USING (n) GROUP BY i.n",
        {
            "no_folders": none("with_folders"),
            "folders_without_levels": lambda found: found["with_folders"] > 0 and found["complete"] == 0,
            "folders_without_terms": some("without_terms"),
        },
        {
            "trd": ("depe_codi", "trd_estado", "trd_arch_gestion", "trd_arch_central"),
            "trd_nivel": ("depe_codi",),
        },
    ),
    check(
        "F6",
        (areas("depe_codi"),),
        ", judged AS (SELECT a.n, a.depe_codi, EXISTS (SELECT 1 FROM public.archivo_nivel l "
        "WHERE l.depe_codi = a.depe_codi) AS levels, EXISTS (SELECT 1 FROM public.archivo f "
        "WHERE f.depe_codi = a.depe_codi AND f.arch_estado = 1) AS places FROM area a) SELECT i.n, "
        + counts(with_levels="j.levels", complete="j.levels AND j.places")
        + ", "
        + ids("j.depe_codi", "j.levels AND j.places")
        + " FROM item i LEFT JOIN judged j USING (n) GROUP BY i.n",
        {
            "no_archive_levels": none("with_levels"),
            "no_archive_places": lambda found: found["with_levels"] > 0 and found["complete"] == 0,
        },
        {"archivo_nivel": ("depe_codi",), "archivo": ("depe_codi", "arch_estado")},
    ),
)
