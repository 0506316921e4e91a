"""MySQL and MariaDB through asyncmy: the fastest driver, and it leaves impossible dates as text.

Every statement commits by itself: an open read transaction would make the vendor's ALTER TABLE wait.
"""

import asyncio
import logging
from collections.abc import Awaitable
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import asyncmy
from asyncmy.errors import MySQLError

from agent.core import grants
from agent.core.catalogue import CatalogColumn, CatalogTable, Index, assembled
from agent.core.mapping import SourceConfig
from agent.core.query import Dialect, Query, Row, exactly, quote, table_name
from agent.source import base
from common.core.errors import MingchaError, words

PROVEN = True
"""Whether the contract suite has run against a real one; the doctor and the compatibility table say it."""
_PORT = 3306
_LONGEST_LIST = 16 * 1024 * 1024
"""Bytes of a page's hashes, row by row; MySQL's own is 1 kB."""
# What an answer looks like must not hang on the server's settings of the day: a page cut short is rows deleted, another zone
# or form of the same value is rows edited.
_PINNED = "sql_mode='', sql_select_limit=18446744073709551615, sql_big_selects=1, sql_auto_is_null=0"
_DENIED = {1142, 1143, 1227, 1288, 1370}  # 1288: a view that nobody can write through
_BUSY = {1040, 1203, 1205, 1213, 1226, 1317, 1969, 3024}
_UNREACHABLE = {2002, 2003, 2005, 2006, 2013, 2055}
_Result = TypeVar("_Result")
logging.getLogger("asyncmy").setLevel(logging.ERROR)  # what it warns of (a broken view) is said in our words
_TABLES = (
    "SELECT table_name, table_type LIKE '%VIEW%', table_comment, table_rows FROM information_schema.tables "
    "WHERE table_schema = database() ORDER BY table_name"
)
_COLUMNS = (
    "SELECT table_name, column_name, column_type, column_comment, is_nullable = 'YES' "
    "FROM information_schema.columns WHERE table_schema = database() ORDER BY table_name, ordinal_position"
)
_COLUMNS_OF = (
    "SELECT column_name, data_type FROM information_schema.columns "
    "WHERE table_schema = coalesce(%s, database()) AND table_name = %s"
)
_WRITTEN = (
    "SELECT update_time FROM information_schema.tables "
    "WHERE table_schema = coalesce(%s, database()) AND table_name = %s"
)
_MADE = _WRITTEN.replace("update_time", "create_time")
_CLOSED_VIEW = "SELECT 1 FROM information_schema.views WHERE table_schema = %s AND table_name = %s AND is_updatable = 'NO'"
_INDEXES = (
    "SELECT table_name, index_name, non_unique = 0, column_name FROM information_schema.statistics "
    "WHERE table_schema = database() AND column_name IS NOT NULL ORDER BY table_name, index_name, seq_in_index"
)


class MysqlSource:
    """See base.Source."""

    def __init__(self, config: SourceConfig, password: str) -> None:
        self._config = config
        self._password = password
        self._where = f"{config.host}:{config.port or _PORT}"
        self._connection: Any = None
        self._is_maria = False
        self._rounded: dict[str, list[str]] = {}
        """Table -> its columns of a type that is written rounded."""

    async def open(self) -> None:
        if self._connection is None:
            self._connection = await self._enter(read_only=True)

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def columns(self, table: str) -> list[str]:
        found = await self._described(table)
        if not found:
            raise base.no_table(table)
        return found

    async def _described(self, table: str) -> list[str]:
        schema, _, name = table.rpartition(".")
        found = await self.fetch(Query(_COLUMNS_OF, (schema or None, name)))
        self._rounded[table] = [name for name, kind in found if _plain(kind).lower() == "float"]
        return [name for name, _ in found]

    async def fetch(self, query: Query) -> list[Row]:
        """An edit in the seventh digit of a FLOAT must not stay unseen, nor a row not be found by such a key."""
        if query.listed and query.table not in self._rounded:
            await self._described(query.table)
        if rounded := self._rounded.get(query.table):
            query = exactly(Dialect.MYSQL, query, rounded)
        await self.open()
        return await self._limited(self._execute(self._connection, query))

    async def write_allowed(self, table: str, key: str) -> str:
        column = quote(Dialect.MYSQL, key)
        sql = f"UPDATE {table_name(Dialect.MYSQL, table)} SET {column} = {column} WHERE 1 = 0"  # noqa: S608
        connection = await self._enter(read_only=False)
        try:
            await self._limited(self._execute(connection, Query(sql)))
        except base.PrivilegeError:
            return base.may_write(self._config.user, table, await self._writes(connection, table))
        except base.SchemaError as error:
            return str(error)
        finally:
            connection.close()
        return f"账号 {self._config.user} 有权改写 {table}"

    async def _writes(self, connection: Any, table: str) -> list[str]:
        """By the account's grants; those of a role that is not switched on in a session are not in force."""
        schema, _, name = table.rpartition(".")
        database = schema or self._config.database
        closed = await self._limited(self._execute(connection, Query(_CLOSED_VIEW, (database, name))))
        listed = await self._limited(self._execute(connection, Query("SHOW GRANTS")))
        lines = [_plain(row[0]) for row in listed]
        return grants.writes(lines, database, name, view=bool(closed))

    async def catalogue(self) -> list[CatalogTable]:
        tables = await self.fetch(Query(_TABLES))
        columns = await self.fetch(Query(_COLUMNS))
        keys = await self.fetch(Query(_INDEXES))
        return assembled(
            [
                CatalogTable(name, (), "" if view else comment, bool(view), rows=rows)
                for name, view, comment, rows in tables
            ],
            [
                (table, CatalogColumn(name, _plain(kind).lower(), comment, bool(nullable)))
                for table, name, kind, comment, nullable in columns
            ],
            [
                Index(table, tuple(row[3] for row in rows), unique=bool(unique), primary=name == "PRIMARY")
                for (table, name, unique), rows in groupby(keys, key=lambda row: row[:3])
            ],
        )

    async def explain(self, query: Query) -> str:
        said = _plain((await self.fetch(Query(f"EXPLAIN FORMAT=JSON {query.sql}", query.params)))[0][0])
        return base.plan(
            scans='"access_type": "ALL"' in said,
            sorts='"using_filesort": true' in said or '"filesort": {' in said,
        )

    async def clock(self) -> int | None:
        found = await self.fetch(Query("SELECT CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)"))
        return int(found[0][0])

    async def hint(self, table: str) -> str | None:
        """To a second. MySQL 8 keeps the value for a day, so of it none is asked."""
        await self.open()
        if not self._is_maria:
            return None
        return await self._of(_WRITTEN, table) or None

    async def made(self, table: str) -> str:
        """To a second; of a view nothing."""
        return await self._of(_MADE, table)

    async def _of(self, sql: str, table: str) -> str:
        schema, _, name = table.rpartition(".")
        found = await self.fetch(Query(sql, (schema or None, name)))
        return str(found[0][0]) if found else ""

    async def in_flight(self, table: str) -> base.InFlight | None:  # noqa: ARG002
        return None

    def age_secs(self, table: str) -> float:  # noqa: ARG002
        return 0.0

    async def _enter(self, *, read_only: bool) -> Any:
        return await base.patiently(lambda: self._limited(self._connect(read_only=read_only)), base.GONE_SECS)

    async def _connect(self, *, read_only: bool) -> Any:
        connection = await asyncmy.connect(
            host=self._config.host,
            port=self._config.port or _PORT,
            user=self._config.user,
            password=self._password,
            database=self._config.database,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=base.CONNECT_SECS,
        )
        self._is_maria = maria = "MariaDB" in connection.get_server_info()
        fuse = (
            f"max_statement_time={base.STATEMENT_SECS:g}"
            if maria
            else f"max_execution_time={base.STATEMENT_SECS * 1000:.0f}"
        )
        lock = f"lock_wait_timeout={base.LOCK_SECS:.0f}"
        longest = f"group_concat_max_len={_LONGEST_LIST}"
        zone = f"time_zone='{_offset(self._config.timezone)}'"
        pinned = f"{fuse}, {lock}, innodb_{lock}, {longest}, {zone}, {_PINNED}"
        try:
            await self._execute(connection, Query(f"SET SESSION {pinned}"))
            if read_only:
                await self._execute(connection, Query("SET SESSION TRANSACTION READ ONLY"))
        except BaseException:
            connection.close()
            raise
        return connection

    async def _execute(self, connection: Any, query: Query) -> list[Row]:
        async with connection.cursor() as cursor:
            await cursor.execute(query.sql, query.params or None)
            return list(await cursor.fetchall())

    async def _limited(self, work: Awaitable[_Result]) -> _Result:
        """Wait for `work` with a time limit; whatever goes wrong, the connection is gone afterwards."""
        try:
            async with asyncio.timeout(base.ANSWER_SECS):
                return await work
        except TimeoutError as error:
            await self.close()
            raise base.unreachable(self._where, "没有应答") from error
        except MySQLError as error:
            await self.close()
            raise self._translated(error) from error
        except OSError as error:
            await self.close()
            raise base.unreachable(self._where, words(error)) from error
        except (ValueError, ArithmeticError) as error:
            await self.close()
            raise base.undecodable(error) from error
        except asyncio.CancelledError:
            await self.close()
            raise

    def _translated(self, error: MySQLError) -> MingchaError:
        code = error.args[0] if error.args else 0
        text = str(error.args[1]) if len(error.args) > 1 else str(error)
        if code in {1045, 1698}:
            return base.wrong_password(self._config.user)
        if code in {1044, 1049}:
            return base.no_database(self._config.database)
        if code == 1146:
            return base.no_table(text)
        if code == 1054:
            return base.no_column(text)
        return _other(code, text, self._where)


def _offset(zone: str) -> str:
    """As a number, because a server may not know the name: the zone's in winter, of 2020, so that it never changes."""
    return datetime(2020, 1, 1, tzinfo=ZoneInfo(zone)).isoformat()[-6:]


def _other(code: int, text: str, where: str) -> MingchaError:
    if code in _DENIED:
        return base.no_privilege(text)
    if code in _BUSY:
        return base.busy(text)
    if code in _UNREACHABLE:
        return base.unreachable(where, text)
    return base.broken(f"{code} {text}")


def _plain(value: bytes | str) -> str:
    """MySQL 8 gives some catalogue text as bytes."""
    return value.decode() if isinstance(value, bytes) else value


def from_config(config: SourceConfig, secrets_dir: Path) -> MysqlSource:
    """No network. Raises ConfigError if the password file is missing."""
    return MysqlSource(config, base.read_password(config, secrets_dir))
