"""人大金仓 KingbaseES through ksycopg2, the vendor's own driver.

Its wire is PostgreSQL's, but other drivers fail on it: asyncpg cannot read its version (`V008R006C008...`), and none but the
vendor's knows its SM3 and SM4 log-in. The driver is a fork of psycopg2 (LGPL: an extra, never part of the product).
"""

import select
import time
from pathlib import Path
from typing import Any

import ksycopg2
from ksycopg2 import extensions

from agent.core.mapping import SourceConfig
from agent.core.query import Dialect, Query, quote, table_name
from agent.source import base, pg
from agent.source.base import Fault
from agent.source.blocking import BlockingSource, Engine, Fetch, Look

PROVEN = False
"""See the other adapters. The contract suite has run against PostgreSQL in its place."""
_PORT = 54321
_FAULTS = {
    "28P01": Fault.LOGIN,
    "28000": Fault.LOGIN,
    "3D000": Fault.DATABASE,
    "42P01": Fault.TABLE,
    "3F000": Fault.TABLE,
    "42703": Fault.COLUMN,
    "42883": Fault.LENGTH,
    "42501": Fault.PRIVILEGE,
    "55000": Fault.PRIVILEGE,  # a view that nobody can write through
    "55P03": Fault.BUSY,
    "57014": Fault.BUSY,
    "40P01": Fault.BUSY,
    "53300": Fault.BUSY,
    "57P01": Fault.AWAY,
    "57P02": Fault.AWAY,
    "57P03": Fault.AWAY,
}
_SAID = {
    "password authentication failed": Fault.LOGIN,
    "does not exist": Fault.DATABASE,
    "too many connections": Fault.BUSY,
}
"""A connection that does not come about has no code."""


def _wait(connection: Any) -> None:
    """The driver's own waiting has no time limit: a server that hangs would hold the thread for ever."""
    until = time.monotonic() + base.ANSWER_SECS
    while (state := connection.poll()) != extensions.POLL_OK:
        left = max(0.0, until - time.monotonic())
        place = [connection.fileno()]
        reading = state == extensions.POLL_READ
        if not any(select.select(place if reading else [], [] if reading else place, [], left)):
            raise TimeoutError("没有应答")


extensions.set_wait_callback(_wait)


def _connect(config: SourceConfig, password: str, read_only: bool) -> Any:
    connection = ksycopg2.connect(
        host=config.host,
        port=config.port or _PORT,
        user=config.user,
        password=password,
        dbname=config.database,
        connect_timeout=int(base.CONNECT_SECS),
        application_name="mingcha-agent",
        client_encoding="UTF8",
    )
    connection.autocommit = True
    settings = {
        "default_transaction_read_only": "on" if read_only else "off",
        "statement_timeout": f"{base.STATEMENT_SECS * 1000:.0f}",
        "lock_timeout": f"{base.LOCK_SECS * 1000:.0f}",
        "extra_float_digits": "3",  # older servers write a real with six digits
    }
    with connection.cursor() as cursor:
        for name, value in settings.items():
            cursor.execute(f"SET {name} = {value}")
    return connection


def _fault(error: Exception) -> tuple[Fault | None, str]:
    code, text = getattr(error, "kbcode", None), str(error).strip()
    if code:
        return _FAULTS.get(code, Fault.AWAY if code.startswith("08") else None), text
    said = next((fault for words, fault in _SAID.items() if words in text), Fault.AWAY)
    return said, text


def _columns(table: str) -> Query:
    return Query(
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 "
        "AND NOT attisdropped AND has_column_privilege(attrelid, attnum, 'SELECT')",
        (table_name(Dialect.KINGBASE, table),),
    )


def _writes(table: str, key: str) -> Query:
    column = quote(Dialect.KINGBASE, key)
    return Query(f"UPDATE {table_name(Dialect.KINGBASE, table)} SET {column} = {column} WHERE 1 = 0")  # noqa: S608


async def _made(fetch: Fetch, table: str) -> str:
    return await pg.made(fetch, "%s", table_name(Dialect.KINGBASE, table))


_LOOK = Look(pg.catalogue, pg.explain, pg.clock, made=_made)
ENGINE = Engine(_PORT, _connect, ksycopg2.Error, _fault, _columns, _writes, _LOOK)


def from_config(config: SourceConfig, secrets_dir: Path) -> BlockingSource:
    """No network. Raises ConfigError if the password file is missing."""
    return BlockingSource(config, base.read_password(config, secrets_dir), ENGINE)
