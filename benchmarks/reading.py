"""The floor of drift: one connection reads the same tables and does nothing with them."""

from __future__ import annotations

import psycopg2

# Whole columns of whole tables, as the looks at them need.
QUERIES = (
    "SELECT inst_codi, inst_ruc, inst_nombre, inst_sigla, inst_estado FROM institucion",
    "SELECT usua_codi, inst_codi, usua_esta, usua_login, usua_cedula, usua_nuevo, usua_pasw FROM usuarios",
    "SELECT usua_codi, inst_codi, usua_esta, usua_login, usua_cedula, inst_estado, usua_pasw FROM usuario",
    "SELECT id_permiso, usua_codi FROM permiso_usuario",
    "SELECT depe_codi, inst_codi FROM dependencia",
    "SELECT fecha, tabla, codigo FROM log_view_usuario",
    "SELECT ciu_codigo, ciu_cedula, ciu_estado FROM ciudadano",
    "SELECT ciu_codigo, sol_codigo, sol_estado FROM solicitud_firma_ciudadano",
)


def main() -> None:
    """Read; libpq's variables say where."""
    with psycopg2.connect("") as connection, connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for query in QUERIES:
            cursor.execute(query)
            cursor.fetchall()


if __name__ == "__main__":
    main()
