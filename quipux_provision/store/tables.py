"""The ledger's tables. Imported only when a ledger is opened: SQLAlchemy costs a quarter of a second."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    inspect,
)

METADATA = MetaData()

EVENTS = Table(
    "events",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("time", String(27), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("case", String(63)),
    Column("environment", String(63)),
    Column("actor", Text),
    Column("data", Text, nullable=False),
    Column("personal_ref", String(32)),
    Column("personal_digest", String(64)),
    Column("previous", String(64), nullable=False, unique=True),
    Column("hash", String(64), nullable=False, unique=True),
    Index("events_case", "case", "seq"),
)

PERSONAL = Table(
    "personal",
    METADATA,
    Column("ref", String(32), primary_key=True),
    Column("case", String(63)),
    Column("salt", String(64), nullable=False),
    Column("data", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Index("personal_case", "case"),
)

# Named by content, never by the name that somebody gave the file.
FILES = Table(
    "files",
    METADATA,
    Column("case", String(63), primary_key=True),
    Column("sha256", String(64), primary_key=True, index=True),
    Column("media_type", String(127), nullable=False),
    Column("size", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

LOCKS = Table(
    "locks",
    METADATA,
    Column("environment", String(63), primary_key=True),
    Column("case", String(63), primary_key=True),
    Column("token", String(32), nullable=False),
    Column("host", Text, nullable=False),
    Column("machine", String(64), nullable=False),
    Column("boot", String(64), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started", String(64), nullable=False),
    Column("holder", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", String(27), nullable=False),
    Column("heartbeat", String(27), nullable=False),
)

# They stop accidents and honest scripts. Whoever drops them is found by `audit verify`.
_GUARDS = {
    "sqlite": (
        "CREATE TRIGGER events_no_update BEFORE UPDATE ON events"
        " BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END",
        "CREATE TRIGGER events_no_delete BEFORE DELETE ON events"
        " BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END",
        "CREATE TRIGGER personal_no_update BEFORE UPDATE ON personal"
        " BEGIN SELECT RAISE(ABORT, 'personal data is written once'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION quipux_provision_append_only() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN RAISE EXCEPTION 'the ledger is append-only'; END$$",
        "CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events"
        " FOR EACH STATEMENT EXECUTE FUNCTION quipux_provision_append_only()",
        "CREATE TRIGGER personal_no_update BEFORE UPDATE ON personal"
        " FOR EACH STATEMENT EXECUTE FUNCTION quipux_provision_append_only()",
    ),
}


_FILE_GUARDS = {
    "sqlite": (
        "CREATE TRIGGER files_no_update BEFORE UPDATE ON files"
        " BEGIN SELECT RAISE(ABORT, 'a file is written once'); END",
    ),
    "postgresql": (
        "CREATE TRIGGER files_no_update BEFORE UPDATE ON files"
        " FOR EACH STATEMENT EXECUTE FUNCTION quipux_provision_append_only()",
    ),
}
# Who may do what with personal data may do the same with files.
_COPY_GRANTS = """DO $$
DECLARE one record;
BEGIN
  FOR one IN
    SELECT a.privilege_type AS what,
           CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS who
    FROM pg_class c, aclexplode(c.relacl) a
    WHERE c.oid = 'personal'::regclass AND pg_get_userbyid(a.grantee) <> current_user
  LOOP
    EXECUTE 'GRANT ' || one.what || ' ON files TO ' || one.who;
  END LOOP;
END $$"""


def create(connection: Connection) -> None:
    """Create tables and guards inside the caller's transaction."""
    METADATA.create_all(connection, checkfirst=False)
    for statement in (*_GUARDS[connection.dialect.name], *_FILE_GUARDS[connection.dialect.name]):
        connection.exec_driver_sql(statement)


def upgrade(connection: Connection) -> None:
    """Give a ledger of an earlier version the tables it lacks, inside the caller's transaction."""
    if has_files(connection):
        return
    FILES.create(connection, checkfirst=False)
    for statement in _FILE_GUARDS[connection.dialect.name]:
        connection.exec_driver_sql(statement)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_COPY_GRANTS)


def has_files(connection: Connection) -> bool:
    """Whether the ledger can keep files; one of an earlier version cannot until it is written again."""
    return inspect(connection).has_table(FILES.name)
