# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. The account by which a check logs in: one row for ever, open for the time of the check only.

It belongs to the institution "Ciudadanos", which every Quipux has, without any permission. While closed it is
inactive and holds a text that no password's hash can be.
"""

from __future__ import annotations

import contextlib
import os
import time
import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._activation import NO_ENTRY
from ansible_collections.quipux.provision.plugins.module_utils._connection import (
    Busy,
    Lost,
    Rejected,
    Session,
)
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError

LOGIN = "VERIFICACION"  # typed as user; no cédula, hence nobody's
GIVEN_NAME, SURNAME = "Verificación", "Automática"
NAME = f"{GIVEN_NAME} {SURNAME}"
CITIZENS = 1  # number of the institution and of its area

_LOCK = (
    "BEGIN; SET LOCAL lock_timeout = '5s'; SELECT pg_advisory_xact_lock(hashtext('quipux-provision-probe'))"
)
_FIND = (
    "SELECT u.usua_codi, u.usua_esta, u.inst_codi, u.usua_pasw, u.usua_nuevo, "
    "(SELECT count(*) FROM public.permiso_usuario p WHERE p.usua_codi = u.usua_codi) "
    "FROM public.usuarios u WHERE u.usua_cedula = %s OR u.usua_login = %s"
)
_INSERT = (
    "INSERT INTO public.usuarios (usua_login, usua_pasw, usua_cedula, tipo_identificacion, usua_nomb, "
    "usua_apellido, usua_cargo, usua_cargo_cabecera, usua_email, usua_obs, ciu_codi, usua_esta, usua_nuevo, "
    "usua_tipo_certificado, usua_codi_actualiza, usua_fecha_actualiza, usua_obs_actualiza, inst_codi, "
    "depe_codi) SELECT %s, %s, %s, 1, %s, %s, %s, %s, '', %s, 1, 0, 1, 0, 0, now(), 'Registro Nuevo', "
    "d.inst_codi, d.depe_codi "
    "FROM public.dependencia d JOIN public.institucion i USING (inst_codi) "
    "WHERE d.depe_codi = %s AND i.inst_codi = %s RETURNING usua_codi"
)
_PURPOSE = "Cuenta con la que quipux-provision comprueba el sistema; cerrada fuera de la comprobación"
# Citizens may be shut out: the mirror's row says staff, until the next UPDATE makes it anew.
_OPEN = (
    "UPDATE public.usuarios u SET usua_esta = 1, usua_nuevo = 1, usua_pasw = p.hash, "
    "usua_fecha_actualiza = now() FROM pg_temp.quipux_provision_probe p WHERE u.usua_codi = %s; "
    "UPDATE public.usuario SET tipo_usuario = 1 WHERE usua_codi = %s; "
    "UPDATE public.usuarios_sesion SET usua_intentos = 0 WHERE usua_codi = %s"
)
_OPENED = (
    "SELECT count(*) FROM public.usuario m JOIN public.usuarios u USING (usua_codi) WHERE u.usua_codi = %s "
    "AND m.usua_pasw = u.usua_pasw AND m.usua_esta = 1 AND m.inst_estado = 1"
)
_CLOSE = (
    "UPDATE public.usuarios SET usua_esta = 0, usua_nuevo = 1, usua_pasw = %s, usua_fecha_actualiza = now() "
    "WHERE usua_codi = %s; "
    "UPDATE public.usuarios_sesion SET usua_sesion = 'FIN  ' || to_char(now(), 'YYYY-MM-DD HH24:MI:SS') "
    "WHERE usua_codi = %s AND usua_sesion NOT LIKE 'FIN%%'"
)


class Found(t.NamedTuple):
    """The account's row."""

    number: int
    active: int
    institution: int | None
    stored: str | None
    new: int
    permissions: int

    @property
    def closed(self) -> bool:
        """Whether nobody can enter."""
        return self.active == 0 and self.stored == NO_ENTRY and self.new == 1


def open_account(session: Session, stored: str, check_mode: bool) -> int | None:
    """Let `stored`, a hash as Quipux keeps it, open the account; its number, None where it would be made.

    Raises CallError, Busy, Lost, Rejected.
    """
    session.fetch(_LOCK)
    found = _find(session)
    if check_mode:
        session.rollback()
        return found.number if found else None
    number = found.number if found else _make(session)
    session.fetch("CREATE TEMPORARY TABLE quipux_provision_probe (hash text) ON COMMIT DROP")
    session.copy(
        "pg_temp.quipux_provision_probe", [(stored,)]
    )  # statements are logged, what COPY carries is not
    session.fetch(_OPEN, (number, number, number))
    if session.fetch(_OPENED, (number,))[0][0] != 1:
        session.rollback()
        raise CallError(
            "Quipux's trigger did not take the probe account over into table usuario; see log_view_usuario"
        )
    session.fetch("COMMIT")
    return number


def close_account(session: Session, check_mode: bool, only: str = "") -> bool:
    """Shut it; whether that changed anything.

    :param only: do so only while this hash opens it.
    """
    session.fetch(_LOCK)
    found = _find(session)
    if found is None or found.closed or (only and found.stored != only):
        session.rollback()
        return False
    if check_mode:
        session.rollback()
        return True
    session.fetch(_CLOSE, (NO_ENTRY, found.number, found.number))
    session.fetch("COMMIT")
    return True


def _find(session: Session) -> Found | None:
    rows = [Found(*row) for row in session.fetch(_FIND, (LOGIN, f"U{LOGIN}"))]
    if not rows:
        return None
    if len(rows) > 1 or rows[0].institution != CITIZENS or rows[0].permissions or rows[0].number == 0:
        session.rollback()
        numbers = ", ".join(str(row.number) for row in rows)
        raise CallError(
            f"account {numbers} with login U{LOGIN} is not the probe account any more (one account of "
            f"institution {CITIZENS} without permissions); give it another login in Quipux"
        )
    return rows[0]


def _make(session: Session) -> int:
    made = session.fetch(
        _INSERT,
        (
            *(f"U{LOGIN}", NO_ENTRY, LOGIN, GIVEN_NAME, SURNAME),
            *("Comprobación del sistema", "Comprobación del sistema", _PURPOSE, CITIZENS, CITIZENS),
        ),
    )
    if not made:
        session.rollback()
        raise CallError(
            f"the database lacks institution and area {CITIZENS} (Ciudadanos), which every Quipux has; "
            "is this a Quipux?"
        )
    return int(made[0][0])


def close_later(parameters: dict[str, t.Any], stored: str, seconds: int) -> None:
    """Leave a process behind that shuts the account if nobody else has done so by then: whoever opened it may
    be dead."""
    if os.fork():
        os.wait()
        return
    with contextlib.suppress(BaseException):
        os.setsid()
        if os.fork() == 0:
            os.chdir("/")
            nothing = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(nothing, number)
            os.closerange(3, 1024)  # Ansible waits for whoever holds its pipes
            time.sleep(seconds)
            _close_quietly(parameters, stored)
    os._exit(0)


def _close_quietly(parameters: dict[str, t.Any], stored: str) -> None:
    for _attempt in range(10):
        try:
            session = Session(parameters)
            try:
                close_account(session, False, stored)
                return
            finally:
                session.close()
        except (CallError, Busy, Lost, Rejected):
            time.sleep(10)
