"""What the demonstration looks up by itself, beside the program: rows, and links of mails."""

from __future__ import annotations

from base64 import b64decode
from email.message import EmailMessage
from urllib.parse import parse_qs, urlsplit

from screen import expect, tell
from stage import CASES, ENVIRONMENTS, Applicant, Stage

# Query 1 of the contract: the account is complete and its owner can log in.
LOGIN = """
SELECT count(*) FROM usuarios u JOIN usuario m USING (usua_codi)
  JOIN institucion i ON i.inst_codi = u.inst_codi JOIN dependencia d ON d.depe_codi = u.depe_codi
 WHERE u.usua_login = %s AND u.usua_esta = 1 AND u.usua_nuevo = 1 AND length(u.usua_pasw) = 26
   AND m.usua_pasw = u.usua_pasw AND m.inst_estado = 1 AND i.inst_estado = 1
   AND d.inst_codi = i.inst_codi AND d.depe_codi_padre = d.depe_codi
"""
# What the activation page asks: does the code of the mail open this account?
OPENS = "SELECT count(*) FROM usuario WHERE usua_login = %s AND usua_pasw = substr(md5(%s), 2, 26)"
RIGHTS = """
SELECT count(*) FROM permiso_usuario p JOIN usuarios u USING (usua_codi)
 WHERE u.usua_login = %s AND p.id_permiso IN (12, 36)
"""


def institutions(stage: Stage, name: str) -> int:
    """Return how many of our institutions the environment's database holds."""
    rucs = [applicant.ruc for applicant in CASES.values()]
    return int(
        stage.databases[name].sql("SELECT count(*) FROM institucion WHERE inst_ruc = ANY(%s)", (rucs,))[0][0]
    )


def rows(stage: Stage) -> list[object]:
    """Return the versions of every row that we may have written, in both databases."""
    tables = ("institucion", "dependencia", "usuarios", "usuario", "permiso_usuario")
    return [
        database.sql(f"SELECT xmin, ctid FROM {table} ORDER BY ctid")  # noqa: S608
        for database in stage.databases.values()
        for table in tables
    ]


def is_active(stage: Stage, name: str, applicant: Applicant) -> bool:
    """Say whether an AIQ's account is active."""
    text = "SELECT usua_esta FROM usuarios WHERE usua_login = %s"
    return stage.databases[name].sql(text, (applicant.login,)) == [(1,)]


def check_accounts(stage: Stage, name: str, *cases: str) -> None:
    """Check that each AIQ can log in, with the code that the mail brought."""
    database = stage.databases[name]
    for case in cases:
        login = CASES[case].login
        expect(database.sql(LOGIN, (login,)) == [(1,)], f"the account of {case} is complete in {name}")
        expect(
            database.sql(RIGHTS, (login,)) == [(2,)], f"the administrator of {case} has both rights in {name}"
        )
        expect(opens(stage, name, case), f"the link of {case} opens its account in {name}")
    tell(f"checked in the database of {name}: the links of {', '.join(cases)} open their accounts")


def opens(stage: Stage, name: str, case: str) -> bool:
    """Say whether the link that an AIQ got by mail opens the account."""
    login = CASES[case].login
    link = next(link for link in map(link_of, stage.mail.messages) if is_for(link, name, login))
    code = b64decode(parse_qs(urlsplit(link).query)["code"][0]).decode()
    return stage.databases[name].sql(OPENS, (login, code)) == [(1,)]


def mails_to(stage: Stage, text: str) -> list[EmailMessage]:
    """Return the mails to an address that holds *text*, oldest first."""
    return [message for message in stage.mail.messages if text in str(message["To"])]


def link_of(message: EmailMessage) -> str:
    """Return the activation link in a mail."""
    body = message.get_body(("plain",))
    words = body.get_content().split() if body else []
    return next((str(word) for word in words if "usuarionuevo.php" in word), "")


def is_for(link: str, name: str, login: str) -> bool:
    """Say whether *link* is that of *login* in an environment."""
    parts = urlsplit(link)
    krd = parse_qs(parts.query).get("krd", [""])[0]
    return parts.hostname == ENVIRONMENTS[name] and b64decode(krd).decode() == login
