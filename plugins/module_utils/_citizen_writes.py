# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: S608 (names of tables and columns are ours, values are bound)

"""PRIVATE. The statements of one item about a citizen, as the web pages would make them.

As with institutions, neither the application's log tables nor any statement holds a password's hash: an
activation's travels by COPY, a citizen's own one moves to table usuarios inside the server.
"""

from __future__ import annotations

import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._activation import ACTIVATIONS, NO_ENTRY
from ansible_collections.quipux.provision.plugins.module_utils._cities import Cities
from ansible_collections.quipux.provision.plugins.module_utils._citizen_current import Row, agreement_of
from ansible_collections.quipux.provision.plugins.module_utils._citizen_decide import (
    APPROVED,
    EDITED,
    REJECTED,
    SENT,
    CitizenDecision,
)
from ansible_collections.quipux.provision.plugins.module_utils._citizen_desired import (
    CERTIFICATES,
    LIMITS,
    DesiredCitizen,
)
from ansible_collections.quipux.provision.plugins.module_utils._writes import (
    INSERTED,
    NOW,
    SUPER_ADMINISTRATOR,
    Script,
    end_sessions,
    literals,
    split,
)

_COLUMNS = {
    "given_names": "ciu_nombre",
    "surnames": "ciu_apellido",
    "position": "ciu_cargo",
    "title": "ciu_titulo",
    "organisation": "ciu_empresa",
    "email": "ciu_email",
    "phone": "ciu_telefono",
    "address": "ciu_direccion",
    "city": "ciudad_codi",
}
_PLAIN = {**{name: (column,) for name, column in _COLUMNS.items()}, "new": ("ciu_nuevo",)}
_SIGNING = {
    "given_names": ("usua_nomb",),
    "surnames": ("usua_apellido",),
    "position": ("usua_cargo", "usua_cargo_cabecera"),
    "title": ("usua_titulo",),
    "organisation": ("inst_nombre",),
    "email": ("usua_email",),
    "phone": ("usua_telefono",),
    "address": ("usua_direccion",),
    "mobile": ("usua_celular",),
    "certificate": ("usua_tipo_certificado",),
    "city": ("ciu_codi",),
    "new": ("usua_nuevo",),
}
_LABELS = {
    "given_names": "Nombre",
    "surnames": "Apellido",
    "position": "Cargo",
    "title": "Título",
    "organisation": "Empresa",
    "email": "E-mail",
    "phone": "Telefono",
    "address": "Dirección",
    "mobile": "Celular",
}
_CITIZENS, _USERS, _REQUESTS = 1, 2, 3  # logc_tabla_modificada
_CREATED, _CHANGED = 0, 1  # id_transaccion


def reserve(out: Script, desired: DesiredCitizen, number: int) -> None:
    """The request's row, empty and in edition: the number that the agreement's file is named by."""
    row = {"ciu_codigo": number, "ciu_cedula": desired.national_id, "sol_estado": EDITED, "sol_acuerdo": 0}
    out.insert("solicitud_firma_ciudadano", row)
    out.close()


def script(position: int, desired: DesiredCitizen, decision: CitizenDecision, cities: Cities) -> Script:
    """All statements of one item, in a fixed order: person, password, permissions, request, sessions, log."""
    out = Script()
    number = decision.number
    if number is not None:
        _person(out, desired, decision, number, cities)
        _password(out, position, desired, decision, number)
        _permissions(out, decision, number)
    if decision.set_request or decision.copy_request:
        _request(out, desired, decision, number)
    if decision.deactivate:
        end_sessions(out, "usua_codi = %s", number)
    out.close()
    return out


def _person(
    out: Script, desired: DesiredCitizen, decision: CitizenDecision, number: int, cities: Cities
) -> None:
    if decision.create:
        _create(out, desired, number, cities)
    elif decision.move:
        _move(out, desired, decision, number, cities)
    elif decision.deactivate:
        _deactivate(out, desired, decision, number)
    elif decision.reactivate or decision.set:
        _update(out, desired, decision, number, cities)


def _create(out: Script, desired: DesiredCitizen, number: int, cities: Cities) -> None:
    wanted = {**desired.fields, "city": str(desired.city)}
    row: dict[str, t.Any] = {
        "ciu_codigo": number,
        "ciu_estado": 1,
        "ciu_cedula": desired.national_id,
        "ciu_documento": "",
        **{column: _typed(name, wanted[name]) for name, column in _COLUMNS.items()},
        "ciu_abr_titulo": "",
        "ciu_referencia": "",
        "ciu_nuevo": 1,
        **_audit("ciu_fecha_actualiza", "ciu_obs_actualiza", "Registro Nuevo"),
    }
    out.insert("ciudadano", row)
    shown = {**row, "ciudad_codi": cities.name(desired.city)}
    hidden = ("ciu_codigo", "usua_codi_actualiza", "ciu_fecha_actualiza", "ciu_obs_actualiza")
    lines = [f"**{name.upper()}**: {text}<br>" for name, text in shown.items() if text and name not in hidden]
    _history(out, number, "".join(lines), _CITIZENS, _CREATED)


def _update(
    out: Script, desired: DesiredCitizen, decision: CitizenDecision, number: int, cities: Cities
) -> None:
    before = decision.person or {}
    columns = _SIGNING if decision.signing else _PLAIN
    row: dict[str, t.Any] = {}
    changed: list[tuple[str, t.Any, t.Any]] = []
    remarks: list[str] = []
    if decision.reactivate:
        state, card = ("usua_esta", "usua_cedula") if decision.signing else ("ciu_estado", "ciu_cedula")
        row.update({state: 1, card: desired.national_id})
        changed += [(state, 0, 1), (card, before["national_id"], desired.national_id)]
        if decision.signing:
            row["usua_login"] = f"U{desired.national_id}"
            changed.append(("usua_login", before["login"], row["usua_login"]))
        remarks += [
            f"Cédula de {before['national_id']} a {desired.national_id}",
            "Estado de Inactivo a Activo",
        ]
    for name, text in decision.set.items():
        for column in columns[name]:
            row[column] = _typed(name, text)
        old, new = before.get(name), row[columns[name][0]]
        if name == "city":
            old, new = cities.name(int(old)) if old else None, cities.name(int(text))
            remarks.append(f"Ciudad de {old or ''} a {new}")
        elif name in _LABELS:
            remarks.append(f"{_LABELS[name]} de {old or ''} a {new}")
        changed.append((columns[name][0], old, new))
    _save(out, decision, number, row, remarks)
    text = "".join(f"**{name.upper()}**: {old or ''} -> {new} / " for name, old, new in changed)
    _history(out, number, text, _USERS if decision.signing else _CITIZENS, _CHANGED)


def _save(
    out: Script, decision: CitizenDecision, number: int, row: dict[str, t.Any], remarks: list[str]
) -> None:
    text = "".join(f"{remark}<br>" for remark in remarks)
    if decision.signing:
        audit = _audit("usua_fecha_actualiza", "usua_obs_actualiza", text)
        out.update("usuarios", "usua_codi", number, {**row, **audit})
        return
    audit = _audit("ciu_fecha_actualiza", "ciu_obs_actualiza", text)
    out.update("ciudadano", "ciu_codigo", number, {**row, **audit})
    # What the citizen had asked to be changed is over with this, as on the page.
    out.add("UPDATE public.ciudadano_tmp SET ciu_estado = 0 WHERE ciu_codigo = %s", number)


def _deactivate(out: Script, desired: DesiredCitizen, decision: CitizenDecision, number: int) -> None:
    card = f"{desired.national_id}-{number}"
    remarks = [f"Cédula de {desired.national_id} a {card}", "Estado de Activo a Inactivo"]
    if not decision.signing:
        _save(out, decision, number, {"ciu_estado": 0, "ciu_cedula": card}, remarks)
        text = f"**CIU_CEDULA**: {desired.national_id} -> {card} / **CIU_ESTADO**: 1 -> 0 / "
        _history(out, number, text, _CITIZENS, _CHANGED)
        return
    row = {
        "usua_esta": 0,
        "usua_login": f"l{number}",
        "usua_cedula": card,
        "cargo_tipo": 0,
        "usua_responsable_area": 0,
        "usua_nuevo": 1,
    }
    _save(out, decision, number, row, remarks)
    text = (
        f"**USUA_ESTA**: 1 -> 0 / **USUA_CEDULA**: {desired.national_id} -> {card} / "
        f"**USUA_LOGIN**: U{desired.national_id} -> l{number} / "
    )
    _history(out, number, text, _USERS, _CHANGED)
    out.add("DELETE FROM public.lista_usuarios WHERE usua_codi = %s", number)


def _move(
    out: Script, desired: DesiredCitizen, decision: CitizenDecision, number: int, cities: Cities
) -> None:
    """From ciudadano to usuarios with the same number. The mirror has one row a number, so one goes first."""
    found = decision.person or {}
    person: Row = {**found, **decision.set}
    city = int(person["city"] or desired.city)
    row: dict[str, t.Any] = {
        "usua_login": f"U{desired.national_id}",
        "usua_nomb": person["given_names"],
        "usua_cedula": desired.national_id,
        "usua_email": person["email"],
        "usua_titulo": person["title"],
        "usua_abr_titulo": person["short_title"],
        "usua_esta": 1,
        "usua_codi": number,
        "cargo_tipo": 0,
        "depe_codi": decision.area,
        "usua_nuevo": 1,
        "usua_tipo": 2,
        "usua_cargo": person["position"],
        "inst_codi": 1,
        "usua_apellido": person["surnames"],
        "cargo_id": 1,
        "usua_direccion": person["address"],
        "usua_telefono": person["phone"],
        "usua_celular": desired.mobile,
        **_audit("usua_fecha_actualiza", "usua_obs_actualiza", "Registro Nuevo"),
        "inst_nombre": person["organisation"],
        "usua_cargo_cabecera": person["position"],
        # The page reads a field that its form does not have, and so loses the city.
        "ciu_codi": city,
        "usua_tipo_certificado": CERTIFICATES[desired.certificate],
    }
    out.add("DELETE FROM public.ciudadano_tmp WHERE ciu_codigo = %s", number)
    values, parameters = split(row)
    out.add(
        "WITH gone AS (DELETE FROM public.ciudadano WHERE ciu_codigo = %s RETURNING ciu_pasw) "
        f"INSERT INTO public.usuarios ({', '.join(row)}, usua_pasw) "
        f"SELECT {', '.join(values)}, coalesce(nullif(gone.ciu_pasw, ''), %s) FROM gone",
        number,
        *parameters,
        NO_ENTRY,
    )
    out.log(
        "usuarios",
        f"INSERT INTO USUARIOS ({','.join(row).upper()}) VALUES ({','.join(literals(row))})",
        INSERTED,
    )
    told = {**row, "ciu_codi": cities.name(city)}
    hidden = ("usua_codi", "usua_codi_actualiza", "usua_fecha_actualiza", "usua_obs_actualiza", "inst_codi")
    lines = [f"**{name.upper()}**: {text}<br>" for name, text in told.items() if text and name not in hidden]
    _history(out, number, "".join(lines), _USERS, _CREATED)


def _password(
    out: Script, position: int, desired: DesiredCitizen, decision: CitizenDecision, number: int
) -> None:
    """Passwords are written without a log row, as by the pages."""
    table, key, password, new = (
        ("usuarios", "usua_codi", "usua_pasw", "usua_nuevo")
        if decision.signing or decision.move
        else ("ciudadano", "ciu_codigo", "ciu_pasw", "ciu_nuevo")
    )
    if decision.end_code:
        out.add(
            f"UPDATE public.{table} SET {password} = %s WHERE {key} = %s AND "
            f"encode(sha256(convert_to({password}, 'UTF8')), 'hex') = ANY(%s)",
            NO_ENTRY,
            number,
            sorted(desired.activation.replaces if desired.activation else ()),
        )
    if decision.write_activation:
        out.add(
            f"UPDATE public.{table} u SET {new} = 1, {password} = a.hash FROM pg_temp.{ACTIVATIONS} a "
            f"WHERE a.item = %s AND u.{key} = %s",
            position,
            number,
        )
    if decision.close_account:
        out.add(
            f"UPDATE public.{table} SET {password} = %s WHERE {key} = %s AND coalesce({password}, '') = ''",
            NO_ENTRY,
            number,
        )


def _permissions(out: Script, decision: CitizenDecision, number: int) -> None:
    if not decision.grant:
        return
    out.add(
        "INSERT INTO public.permiso_usuario (id_permiso, usua_codi) SELECT unnest(%s::int[]), %s",
        decision.grant,
        number,
    )
    for permission in decision.grant:
        text = f"INSERT INTO PERMISO_USUARIO (ID_PERMISO,USUA_CODI) VALUES ({permission},{number})"
        out.log("permiso_usuario", text, INSERTED)
    out.add(
        "INSERT INTO public.log_usr_permisos (usua_codi, usua_codi_actualiza, accion, id_permiso, "
        "fecha_actualiza) SELECT %s, %s, 1, unnest(%s::int[]), now()",
        number,
        SUPER_ADMINISTRATOR,
        decision.grant,
    )


def _request(out: Script, desired: DesiredCitizen, decision: CitizenDecision, number: int | None) -> None:
    found, wanted = decision.request, decision.set_request
    row: dict[str, t.Any] = {}
    if decision.copy_request:
        row = _copy(desired, decision)
    state = wanted.get("state")
    if state is not None:
        row["sol_estado"] = state
    if state == SENT:
        row.update(
            sol_observaciones=_remarks("", wanted["agreement"]),
            sol_firma=CERTIFICATES[wanted["certificate"]],
            sol_acuerdo=1,
            sol_acuerdo_estado=0,
            sol_fecha_envio=NOW,
            sol_fecha_autorizado=None,
        )
    elif state == APPROVED:
        row.update(sol_acuerdo_estado=1, sol_fecha_autorizado=NOW)
    elif state == REJECTED:
        remarks = _remarks(wanted["observations"], agreement_of(found))
        row.update({"sol_acuerdo_estado": 0, **({"sol_observaciones": remarks} if remarks else {})})
    if found is None:
        out.insert("solicitud_firma_ciudadano", {"ciu_codigo": number, **row})
    else:
        out.update("solicitud_firma_ciudadano", "sol_codigo", found["id"], row)
    if state is not None and number is not None:
        before = EDITED if found is None else found["state"]
        _history(out, number, f"**SOL_ESTADO**: {before} -> {state} / ", _REQUESTS, _CHANGED)


def _copy(desired: DesiredCitizen, decision: CitizenDecision) -> dict[str, t.Any]:
    """The person's data as the request repeats them."""
    fields = {**desired.fields, "city": str(desired.city)}
    if decision.person:
        # The request's columns are narrower than the citizen's.
        fields = {name: (decision.person.get(name) or "")[: LIMITS.get(name)] for name in _COLUMNS}
        fields.update({name: text for name, text in decision.set.items() if name in _COLUMNS})
        if decision.signing and decision.set_request.get("state") == SENT:
            # An inactive signing citizen's data change only when this request is approved.
            fields.update(desired.fields)
    return {
        "ciu_cedula": desired.national_id,
        "ciu_documento": "",
        **{column: _typed(name, fields[name]) for name, column in _COLUMNS.items()},
        "ciu_abr_titulo": "",
        "ciu_referencia": "",
    }


def _remarks(text: str, agreement: str | None) -> str:
    digest = f"Acuerdo con SHA-256 {agreement}" if agreement else ""
    return " ".join(part for part in (text, digest) if part)


def _typed(name: str, text: str) -> str | int | None:
    if name in ("city", "new"):
        return int(text) if text else None
    return CERTIFICATES[text] if name == "certificate" else text


def _audit(date: str, remarks: str, text: str) -> dict[str, t.Any]:
    return {"usua_codi_actualiza": SUPER_ADMINISTRATOR, date: NOW, remarks: text}


def _history(out: Script, number: int, text: str, table: int, transaction: int) -> None:
    out.add(
        "INSERT INTO public.log_usr_ciudadanos (usua_codi, usua_codi_ori, logc_observacion, fecha_cambio, "
        "logc_tabla_modificada, id_transaccion) VALUES (%s, %s, %s, now(), %s, %s)",
        number,
        SUPER_ADMINISTRATOR,
        text,
        table,
        transaction,
    )
