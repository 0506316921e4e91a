"""SQL Server through pymssql (FreeTDS inside, LGPL: an extra), blocking.

Never NOLOCK: it skips and repeats rows that are committed. SNAPSHOT where the database allows it; else READ COMMITTED,
which waits a second for a lock at most and gives way in a deadlock. There is no read-only session: what protects the
database are the grants and that only SELECTs are built.
"""

from pathlib import Path
from typing import Any

import pymssql

from agent.core.mapping import SourceConfig
from agent.core.query import Dialect, Query, table_name
from agent.source import base, mssql
from agent.source.base import Fault
from agent.source.blocking import BlockingSource, Engine, Look

PROVEN = False
"""See the other adapters."""
_PORT = 1433
FAULTS = {
    18456: Fault.LOGIN,
    18486: Fault.LOGIN,
    18487: Fault.LOGIN,
    18488: Fault.LOGIN,
    911: Fault.DATABASE,
    916: Fault.DATABASE,
    4060: Fault.DATABASE,
    208: Fault.TABLE,
    207: Fault.COLUMN,
    229: Fault.PRIVILEGE,
    230: Fault.PRIVILEGE,
    297: Fault.PRIVILEGE,
    300: Fault.PRIVILEGE,
    1204: Fault.BUSY,
    1205: Fault.BUSY,
    1222: Fault.BUSY,
    3960: Fault.BUSY,
    17809: Fault.BUSY,
    20003: Fault.BUSY,  # DB-Library: the statement took too long
    20002: Fault.AWAY,
    20004: Fault.AWAY,
    20006: Fault.AWAY,
    20009: Fault.AWAY,
    20017: Fault.AWAY,
    20047: Fault.AWAY,
}


def settings(*, snapshot: bool) -> str:
    """What a session begins with."""
    level = "SNAPSHOT" if snapshot else "READ COMMITTED"
    return (
        f"SET LOCK_TIMEOUT {base.LOCK_SECS * 1000:.0f}; SET DEADLOCK_PRIORITY LOW; "
        f"SET TRANSACTION ISOLATION LEVEL {level}"
    )


_SNAPSHOT = "SELECT snapshot_isolation_state FROM sys.databases WHERE database_id = DB_ID()"


def _connect(config: SourceConfig, password: str, read_only: bool) -> Any:  # noqa: ARG001
    connection = pymssql.connect(
        server=config.host,
        port=str(config.port or _PORT),
        user=config.user,
        password=password,
        database=config.database,
        login_timeout=int(base.CONNECT_SECS),
        timeout=int(base.STATEMENT_SECS),
        charset="UTF-8",
        autocommit=True,
        use_datetime2=True,
        appname="mingcha-agent",
    )
    with connection.cursor() as cursor:
        cursor.execute(_SNAPSHOT)
        found = cursor.fetchone()
        cursor.execute(settings(snapshot=bool(found and found[0] == 1)))
    return connection


def fault(error: Exception) -> tuple[Fault | None, str]:
    """The driver gives (number, text as bytes), or another such pair as the number."""
    parts: Any = error.args
    while parts and isinstance(parts[0], tuple):
        parts = parts[0]
    code, text = (parts[0], parts[1]) if len(parts) > 1 else (0, str(error))
    said = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    if "DB-Lib error message 20003" in said and code != 20003:
        return Fault.AWAY, said.strip()  # within a log-in
    return FAULTS.get(code), f"{code} {said.partition('DB-Lib')[0].strip() or said.strip()}"


def columns(table: str) -> Query:
    return Query(
        "SELECT c.name FROM sys.columns c WHERE c.object_id = OBJECT_ID(%s) "
        "AND HAS_PERMS_BY_NAME(%s, 'OBJECT', 'SELECT', c.name, 'COLUMN') = 1 ORDER BY c.column_id",
        (table_name(Dialect.SQLSERVER, table), table_name(Dialect.SQLSERVER, table)),
    )


def writes(table: str, key: str) -> Query:  # noqa: ARG001
    """Asked, not tried: an UPDATE of an identity column is refused for another reason."""
    rights = " OR ".join(
        f"HAS_PERMS_BY_NAME(%s, 'OBJECT', '{right}') = 1" for right in ("INSERT", "UPDATE", "DELETE")
    )
    return Query(f"SELECT 1 WHERE {rights}", (table_name(Dialect.SQLSERVER, table),) * 3)


_LOOK = Look(mssql.catalogue, mssql.explain, mssql.clock, mssql.in_flight)
ENGINE = Engine(_PORT, _connect, pymssql.Error, fault, columns, writes, _LOOK)


def from_config(config: SourceConfig, secrets_dir: Path) -> BlockingSource:
    """No network. Raises ConfigError if the password file is missing."""
    return BlockingSource(config, base.read_password(config, secrets_dir), ENGINE)
