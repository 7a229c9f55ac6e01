"""Databases come with the product's own roles, and copies of one template keep their rights."""

from __future__ import annotations

import psycopg2
import pytest

from tests.stand_in.database import Database
from tests.stand_in.roles import PROVISION, READ_ONLY


def test_the_provisioning_role_works_in_every_copy(provisionable: Database) -> None:
    with provisionable.connection(PROVISION) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT nextval('sec_institucion')")
        cursor.execute(
            "INSERT INTO institucion (inst_codi, inst_nombre, inst_estado) VALUES (3, 'Ensayo', 1)"
        )
        cursor.execute(
            "INSERT INTO dependencia (depe_codi, depe_nomb, depe_codi_padre, depe_estado, inst_codi,"
            " depe_pie1) VALUES (3, 'Ensayo', 3, 1, 3, '5')"
        )
        cursor.execute(
            "INSERT INTO usuarios (usua_codi, usua_login, depe_codi, inst_codi) VALUES (10, 'U1', 3, 3)"
        )
        cursor.execute("UPDATE institucion SET inst_nombre = 'Otro' WHERE inst_codi = 3")
        cursor.execute("SELECT inst_padre_nombre, usua_ciudad FROM usuario WHERE usua_codi = 10")
        assert cursor.fetchall() == [("Otro", "Cuenca")]
        cursor.execute("SELECT count(*) FROM log_view_usuario")
        assert cursor.fetchall() == [(0,)]
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("DELETE FROM usuarios")


def test_the_reading_role_sees_no_password(provisionable: Database) -> None:
    with provisionable.connection(READ_ONLY) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT usua_login FROM usuario")
        assert cursor.fetchall() == [("UADMINISTRADOR",)]
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("SELECT usua_pasw FROM usuario")
