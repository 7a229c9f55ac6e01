# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: S608 (names of tables and columns are ours, values are bound)

"""PRIVATE. The statements of one item, as the web pages would make them, gathered into one round trip.

The application's own log tables get the rows that its pages write. Neither they nor any statement sent to the
server ever holds a password hash: an
activation's travels by COPY, an existing one is copied inside the server.
"""

from __future__ import annotations

import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._activation import ACTIVATIONS, NO_ENTRY
from ansible_collections.quipux.provision.plugins.module_utils._cities import Cities
from ansible_collections.quipux.provision.plugins.module_utils._decision import Decision
from ansible_collections.quipux.provision.plugins.module_utils._desired import Desired, Fields, initials

SUPER_ADMINISTRATOR = 0  # whose pages these are, hence the author in the log rows
UPDATED, INSERTED = 1, 2  # kinds of `log` rows
_INSTITUTION = {
    "name": "inst_nombre",
    "acronym": "inst_sigla",
    "phone": "inst_telefono",
    "state": "inst_estado",
}
_AREA = {"name": "depe_nomb", "acronym": "dep_sigla", "address": "dep_direccion", "city": "depe_pie1"}
_ACCOUNT = {
    "given_names": ("usua_nomb",),
    "surnames": ("usua_apellido",),
    "position": ("usua_cargo", "usua_cargo_cabecera"),
    "email": ("usua_email",),
    "phone": ("usua_telefono",),
    "mobile": ("usua_celular",),
    "city": ("ciu_codi",),
    "new": ("usua_nuevo",),
}
_LABELS = {
    "given_names": "Nombre",
    "surnames": "Apellido",
    "position": "Puesto",
    "email": "E-mail",
    "phone": "Telefono",
    "mobile": "Celular",
}
_NUMBERS = ("inst_estado", "ciu_codi", "usua_nuevo")


class Raw(str):
    """SQL, not a value."""

    __slots__ = ()


NOW = Raw("CURRENT_TIMESTAMP")


class Script:
    """Statements with bind parameters, sent together."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.parameters: list[t.Any] = []
        self._log: list[tuple[str, str, int]] = []

    def add(self, sql: str, *parameters: t.Any) -> None:
        """One more statement."""
        self.parts.append(sql)
        self.parameters += parameters

    def insert(self, table: str, row: dict[str, t.Any]) -> None:
        """INSERT, and the log row that goes with it."""
        values, parameters = split(row)
        self.add(f"INSERT INTO public.{table} ({', '.join(row)}) VALUES ({', '.join(values)})", *parameters)
        names = ",".join(name.upper() for name in row)
        self.log(table, f"INSERT INTO {table.upper()} ({names}) VALUES ({','.join(literals(row))})", INSERTED)

    def update(self, table: str, key: str, number: int, row: dict[str, t.Any], log: bool = True) -> None:
        """UPDATE of one row, and the log row that goes with it."""
        values, parameters = split(row)
        pairs = ", ".join(f"{name} = {value}" for name, value in zip(row, values))
        self.add(f"UPDATE public.{table} SET {pairs} WHERE {key} = %s", *parameters, number)
        if log:
            shown = ",".join(f"{name.upper()}={value}" for name, value in zip(row, literals(row)))
            self.log(table, f"UPDATE {table.upper()} SET {shown} WHERE {key.upper()}={number}", UPDATED)

    def log(self, table: str, text: str, kind: int) -> None:
        """A row of the application's statement log."""
        self._log.append((table.upper(), text, kind))

    def close(self) -> None:
        """Write the gathered log rows."""
        if self._log:
            tables, texts, kinds = zip(*self._log)
            self.add(
                "INSERT INTO public.log (fecha, usua_codi, tabla, sentencia, tipo) SELECT now(), %s, * "
                "FROM unnest(%s::varchar[], %s::varchar[], %s::smallint[])",
                SUPER_ADMINISTRATOR,
                list(tables),
                list(texts),
                list(kinds),
            )


def split(row: dict[str, t.Any]) -> tuple[list[str], list[t.Any]]:
    """SQL of the values, and their parameters."""
    values = [value if isinstance(value, Raw) else "%s" for value in row.values()]
    return values, [value for value in row.values() if not isinstance(value, Raw)]


def literals(row: dict[str, t.Any]) -> list[str]:
    """Values as the application's log shows them; texts hold neither apostrophe nor backslash (see _text)."""
    return [
        str(value) if isinstance(value, (Raw, int)) else ("NULL" if value is None else f"E'{value}'")
        for value in row.values()
    ]


class Ids(t.NamedTuple):
    """Numbers of the item's rows, fetched ones for new rows."""

    institution: int
    area: int
    account: int | None
    outgoing: int | None


def script(position: int, desired: Desired, decision: Decision, ids: Ids, cities: Cities) -> Script:
    """All statements of one item, in the fixed order institution, area, account, permissions, sessions,
    log."""
    out = Script()
    if decision.create_institution:
        _create_institution(out, desired, ids)
    _set(out, "institucion", "inst_codi", ids.institution, decision.set_institution, _INSTITUTION)
    _set(out, "dependencia", "depe_codi", ids.area, decision.set_area, _AREA)
    if decision.deactivate_institution:
        # The page does this one without a log row.
        out.update("institucion", "inst_codi", ids.institution, {"inst_estado": 0}, log=False)
    if decision.outgoing:
        # Nobody takes a permission away between our look at who is left and COMMIT.
        out.add("LOCK TABLE public.permiso_usuario IN SHARE ROW EXCLUSIVE MODE")
    if ids.account is not None:
        _account(out, position, desired, decision, ids, ids.account, cities)
    if desired.outgoing and decision.outgoing:
        _dismiss(out, desired.outgoing.national_id, decision, decision.outgoing["id"])
    if decision.deactivate_institution:
        end_sessions(
            out, "usua_codi IN (SELECT usua_codi FROM public.usuarios WHERE inst_codi = %s)", ids.institution
        )
    out.close()
    return out


def expire(out: Script, desired: Desired, decision: Decision) -> None:
    """Accounts that still have a code of ours lose it. Nothing else of them changes, and the application's
    pages log no password either."""
    out.add(
        "UPDATE public.usuarios SET usua_pasw = %s WHERE usua_codi = ANY(%s) AND "
        "encode(sha256(convert_to(usua_pasw, 'UTF8')), 'hex') = ANY(%s)",
        NO_ENTRY,
        decision.expire,
        sorted(desired.activation.replaces if desired.activation else ()),
    )


def _create_institution(out: Script, desired: Desired, ids: Ids) -> None:
    wanted = desired.institution or {}
    logo = f"/bodega/logos/{ids.institution}.{desired.logo_extension}" if desired.logo_extension else None
    out.insert(
        "institucion",
        {
            "inst_codi": ids.institution,
            "inst_ruc": desired.ruc,
            "inst_nombre": wanted["name"],
            "inst_sigla": wanted["acronym"],
            "inst_estado": 1,
            "inst_coordinador": 0,
            "inst_telefono": wanted["phone"],
            "inst_email": "",
            "inst_despedida_ofi": "",
            "inst_logo": logo,
        },
    )
    out.insert(
        "dependencia",
        {
            "depe_codi": ids.area,
            "depe_nomb": desired.area["name"],
            "depe_codi_padre": ids.area,
            "dep_sigla": desired.area["acronym"],
            "dep_central": ids.area,
            "depe_estado": 1,
            "inst_codi": ids.institution,
            "inst_adscrita": ids.institution,
            "depe_pie1": str(desired.city),
            "dep_direccion": desired.area["address"],
        },
    )


def _set(out: Script, table: str, key: str, number: int, fields: Fields, columns: dict[str, str]) -> None:
    if fields:
        out.update(
            table, key, number, {columns[name]: _typed(columns[name], text) for name, text in fields.items()}
        )


def _typed(column: str, text: str) -> str | int:
    return int(text) if column in _NUMBERS else text


def _account(
    out: Script, position: int, desired: Desired, decision: Decision, ids: Ids, number: int, cities: Cities
) -> None:
    if decision.create_account:
        _create_account(out, desired, ids, number, cities)
    elif decision.deactivate_account:
        _deactivate_account(out, t.cast(str, desired.national_id), number)
    elif decision.reactivate_account or decision.set_account:
        _update_account(out, desired, decision, number, cities)
    if decision.expire:
        expire(out, desired, decision)
    if decision.copy_password:
        # As the page does: the hash of another active account, here without leaving the server.
        out.add(
            "UPDATE public.usuarios u SET usua_pasw = o.usua_pasw FROM (SELECT usua_pasw "
            "FROM public.usuarios WHERE usua_nuevo = 1 AND usua_esta = 1 AND usua_cedula = %s AND "
            "usua_codi <> %s "
            "ORDER BY usua_codi LIMIT 1) o WHERE u.usua_codi = %s",
            desired.national_id,
            number,
            number,
        )
    if decision.write_activation:
        out.add(
            f"UPDATE public.usuarios u SET usua_nuevo = 1, usua_pasw = a.hash FROM pg_temp.{ACTIVATIONS} a "
            "WHERE a.item = %s AND u.usua_codi = %s",
            position,
            number,
        )
    if decision.close_account:
        # After the copy, which may have found none. As the pages, without a log row.
        out.add(
            "UPDATE public.usuarios SET usua_pasw = %s WHERE usua_codi = %s AND coalesce(usua_pasw, '') = ''",
            NO_ENTRY,
            number,
        )
    granted = list(decision.grant)
    if granted:
        out.add(
            "INSERT INTO public.permiso_usuario (id_permiso, usua_codi) SELECT unnest(%s::int[]), %s",
            granted,
            number,
        )
        for permission in granted:
            out.log(
                "permiso_usuario",
                f"INSERT INTO PERMISO_USUARIO (ID_PERMISO,USUA_CODI) VALUES ({permission},{number})",
                INSERTED,
            )
    # Number 0 is how the page notes that an activation mail goes out.
    logged = granted + ([0] if decision.write_activation else [])
    if logged:
        _permission_log(out, number, 1, logged)


def _create_account(out: Script, desired: Desired, ids: Ids, number: int, cities: Cities) -> None:
    person = desired.administrator or {}
    row: dict[str, t.Any] = {
        "inst_codi": ids.institution,
        "usua_codi": number,
        "depe_codi": ids.area,
        "usua_login": f"U{desired.national_id}",
        "usua_cedula": desired.national_id,
        "tipo_identificacion": 0,
        "usua_nomb": person["given_names"],
        "usua_apellido": person["surnames"],
        "usua_titulo": "",
        "usua_abr_titulo": "",
        "usua_cargo": person["position"],
        "usua_cargo_cabecera": person["position"],
        "usua_sumilla": initials(person),
        "usua_responsable_area": 0,
        "cargo_tipo": 0,
        "usua_email": person["email"],
        "usua_obs": "",
        "ciu_codi": desired.city,
        "usua_esta": 1,
        "usua_nuevo": 1,
        "usua_direccion": "",
        "usua_telefono": person["phone"],
        "usua_celular": person["mobile"],
        "usua_codi_actualiza": SUPER_ADMINISTRATOR,
        "usua_fecha_actualiza": NOW,
        "usua_tipo_certificado": 0,
        "usua_obs_actualiza": "Registro Nuevo",
    }
    out.insert("usuarios", row)
    area = desired.area.get("name")
    shown = [
        f"**USUA_LOGIN**: U{desired.national_id}",
        f"**USUA_NOMB**: {person['given_names']}",
        f"**USUA_CEDULA**: {desired.national_id}",
        f"**USUA_EMAIL**: {person['email']}",
        "**USUA_ESTA**: 1",
        "**CARGO_TIPO**: 0",
        *([f"**DEPE_CODI**: {area}"] if area else []),
        "**USUA_NUEVO**: 1",
        "**USUA_TIPO**: 2",
        f"**USUA_CARGO**: {person['position']}",
        f"**USUA_APELLIDO**: {person['surnames']}",
        f"**CIU_CODI**: {cities.name(desired.city)}",
        f"**USUA_TELEFONO**: {person['phone']}",
        f"**USUA_CARGO_CABECERA**: {person['position']}",
        f"**USUA_SUMILLA**: {initials(person)}",
        "**USUA_RESPONSABLE_AREA**: NO ",
        "**USUA_TIPO_CERTIFICADO**: ",
        "**VISIBLE_SUB**: 1",
        f"**USUA_CELULAR**: {person['mobile']}",
        "**TIPO_IDENTIFICACION**: 0",
    ]
    _user_log(out, number, "".join(f"{line}<br>" for line in shown), 0)


def _user_log(out: Script, number: int, text: str, transaction: int) -> None:
    out.add(
        "INSERT INTO public.log_usr_ciudadanos (usua_codi, usua_codi_ori, logc_observacion, fecha_cambio, "
        "logc_tabla_modificada, id_transaccion) VALUES (%s, %s, %s, now(), 2, %s)",
        number,
        SUPER_ADMINISTRATOR,
        text,
        transaction,
    )


def _audited(row: dict[str, t.Any], remarks: list[str]) -> dict[str, t.Any]:
    text = "".join(f"{remark}<br>" for remark in remarks)
    return {
        **row,
        "usua_codi_actualiza": SUPER_ADMINISTRATOR,
        "usua_fecha_actualiza": NOW,
        "usua_obs_actualiza": text
        or "Modificación de Perfil, Cargo, Observaciones o Permisos en el funcionario.<br>",
    }


def _update_account(out: Script, desired: Desired, decision: Decision, number: int, cities: Cities) -> None:
    before = decision.account or {}
    row: dict[str, t.Any] = {}
    changed: list[tuple[str, t.Any, t.Any]] = []
    remarks: list[str] = []
    if decision.reactivate_account:
        row.update(
            usua_esta=1, usua_nuevo=1, usua_login=f"U{desired.national_id}", usua_cedula=desired.national_id
        )
        changed += [
            ("USUA_ESTA", 0, 1),
            ("USUA_LOGIN", before["login"], row["usua_login"]),
            ("USUA_CEDULA", before["national_id"], desired.national_id),
        ]
        remarks += [
            f"Cédula de {before['national_id']} a {desired.national_id}",
            "Usuario estado de Inactivo a Activo",
        ]
    for name, text in decision.set_account.items():
        for column in _ACCOUNT[name]:
            row[column] = _typed(column, text)
        old, new = before.get(name), text
        if name == "city":
            old, new = cities.name(int(old)) if old else None, cities.name(int(text))
            remarks.append(f"Ciudad de {old or ''} a {new}")
        elif name in _LABELS:
            remarks.append(f"{_LABELS[name]} de {old or ''} a {new}")
        changed.append((_ACCOUNT[name][0].upper(), old, new))
    out.update("usuarios", "usua_codi", number, _audited(row, remarks))
    _user_log(out, number, "".join(f"**{name}**: {old or ''} -> {new} / " for name, old, new in changed), 1)


def _dismiss(out: Script, national_id: str, decision: Decision, number: int) -> None:
    """The administrator who goes. The page deletes permissions without a row in `log`, with one in
    `log_usr_permisos`."""
    if decision.revoke:
        out.add(
            "DELETE FROM public.permiso_usuario WHERE usua_codi = %s AND id_permiso = ANY(%s)",
            number,
            decision.revoke,
        )
        _permission_log(out, number, 0, decision.revoke)
        # The areas that the rights were limited to.
        out.add("DELETE FROM public.usuario_dependencia WHERE usua_codi = %s", number)
    if decision.deactivate_outgoing:
        _deactivate_account(out, national_id, number)
    elif decision.revoke:
        out.update("usuarios", "usua_codi", number, _audited({}, []))
        # The session holds the permissions of its beginning.
        end_sessions(out, "usua_codi = %s", number)


def _permission_log(out: Script, number: int, action: int, permissions: list[int]) -> None:
    out.add(
        "INSERT INTO public.log_usr_permisos (usua_codi, usua_codi_actualiza, accion, id_permiso, "
        "fecha_actualiza) "
        "SELECT %s, %s, %s, unnest(%s::int[]), now()",
        number,
        SUPER_ADMINISTRATOR,
        action,
        permissions,
    )


def _deactivate_account(out: Script, national_id: str, number: int) -> None:
    cedula = f"{national_id}-{number}"
    row = {
        "usua_esta": 0,
        "usua_login": f"l{number}",
        "usua_cedula": cedula,
        "cargo_tipo": 0,
        "usua_responsable_area": 0,
        "usua_nuevo": 1,
    }
    remarks = [f"Cédula de {national_id} a {cedula}", "Usuario estado de Activo a Inactivo"]
    out.update("usuarios", "usua_codi", number, _audited(row, remarks))
    text = (
        f"**USUA_ESTA**: 1 -> 0 / **USUA_CEDULA**: {national_id} -> {cedula} / "
        f"**USUA_LOGIN**: U{national_id} -> l{number} / "
    )
    _user_log(out, number, text, 1)
    out.add("DELETE FROM public.lista_usuarios WHERE usua_codi = %s", number)
    out.add(
        "DELETE FROM public.bandeja_compartida WHERE usua_codi = %s OR usua_codi_jefe = %s", number, number
    )
    end_sessions(out, "usua_codi = %s", number)


def end_sessions(out: Script, where: str, number: int | None) -> None:
    """Whoever is logged in is so no longer at the next page."""
    out.add(
        "UPDATE public.usuarios_sesion SET usua_sesion = 'FIN  ' || to_char(now(), 'YYYY-MM-DD HH24:MI:SS') "
        f"WHERE {where} AND usua_sesion NOT LIKE 'FIN%%'",
        number,
    )
