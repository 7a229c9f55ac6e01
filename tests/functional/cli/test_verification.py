"""After the command line made an institution and its AIQ, the verification queries of the contract hold."""

from __future__ import annotations

from tests.functional.cli.local import LocalEnvironment
from tests.functional.cli.test_road import loginable
from tests.hosts.office import Applicant, Office

FORBIDDEN = """
SELECT usua_codi, id_permiso FROM permiso_usuario
WHERE id_permiso IN (14, 24, 25, 30, 33, 34, 35) AND usua_codi <> 0
"""
MISSING_MIRROR = """
SELECT u.usua_codi FROM usuarios u LEFT JOIN usuario m USING (usua_codi)
WHERE m.usua_codi IS NULL
"""
ORPHANS = """
SELECT m.usua_codi FROM usuario m WHERE NOT EXISTS (SELECT 1 FROM usuarios u WHERE u.usua_codi = m.usua_codi)
  AND NOT EXISTS (SELECT 1 FROM ciudadano c WHERE c.ciu_codigo = m.usua_codi)
"""
SAME_RUC = "SELECT inst_ruc FROM institucion WHERE inst_estado = 1 GROUP BY 1 HAVING count(*) > 1"
SAME_LOGIN = "SELECT usua_login FROM usuario WHERE usua_esta = 1 GROUP BY 1 HAVING count(*) > 1"
OPEN_ACCOUNTS = "SELECT usua_codi FROM usuarios WHERE usua_esta = 1 AND (usua_nuevo = 0 OR usua_pasw = '')"
PERMISSIONS = """
SELECT array_agg(p.id_permiso ORDER BY p.id_permiso) FROM permiso_usuario p JOIN usuarios u USING (usua_codi)
WHERE u.usua_login = %s
"""
# What must give no row, and gave none before us either (the dump brings open accounts of its own).
EMPTY = (FORBIDDEN, MISSING_MIRROR, ORPHANS, SAME_RUC, SAME_LOGIN, OPEN_ACCOUNTS)


def test_verification_queries(office: Office, environments: dict[str, LocalEnvironment]) -> None:
    applicant, database = Applicant.invent(), environments["training"].database
    before = [set(database.sql(query)) for query in EMPTY]
    office.approved(applicant)
    office.must("operador", "apply", applicant.case, "-e", "training")

    assert loginable(environments["training"], applicant) == 1
    ((permissions,),) = database.sql(PERMISSIONS, (f"U{applicant.national_id}",))
    assert {12, 36} <= set(permissions)
    assert permissions == [1, 12, 16, 18, 21, 29, 31, 32, 36]
    assert [set(database.sql(query)) for query in EMPTY] == before
    assert database.sql("SELECT count(*) FROM log_view_usuario") == [(0,)]
