"""Oracle 12.1 and newer through oracledb in its thin mode, over asyncio: no client software, and a call can be given up.

In the blocking mode a listener that never answers holds the caller for ever, whatever its time limit. Readers never wait
for writers here and hold no lock. There is no read-only session: the grants protect the database, and that only SELECTs
are built. `database` is the service name.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import oracledb

from agent.core.catalogue import CatalogTable
from agent.core.mapping import SourceConfig
from agent.core.query import Dialect, Query, Row, quote, table_name
from agent.source import base, ora
from agent.source.base import Fault
from common.core.errors import words

PROVEN = False
"""See the other adapters."""
_PORT = 1521
FAULTS = {
    "ORA-01017": Fault.LOGIN,
    "ORA-28000": Fault.LOGIN,
    "ORA-28001": Fault.LOGIN,
    "ORA-01045": Fault.PRIVILEGE,
    "ORA-12505": Fault.DATABASE,
    "ORA-12514": Fault.DATABASE,
    "DPY-6001": Fault.DATABASE,
    "DPY-6003": Fault.DATABASE,
    "ORA-00942": Fault.TABLE,
    "ORA-04043": Fault.TABLE,
    "ORA-00904": Fault.COLUMN,
    "ORA-01031": Fault.PRIVILEGE,
    "ORA-41900": Fault.PRIVILEGE,
    "ORA-01732": Fault.PRIVILEGE,  # a view that nobody can write through
    "ORA-01733": Fault.PRIVILEGE,
    "ORA-01779": Fault.PRIVILEGE,
    "ORA-00018": Fault.BUSY,
    "ORA-00020": Fault.BUSY,
    "ORA-00054": Fault.BUSY,
    "ORA-00060": Fault.BUSY,
    "ORA-01013": Fault.BUSY,
    "ORA-01555": Fault.BUSY,
    "ORA-02391": Fault.BUSY,
    "DPY-4024": Fault.BUSY,
    "ORA-01033": Fault.AWAY,
    "ORA-01034": Fault.AWAY,
    "ORA-01089": Fault.AWAY,
    "ORA-03113": Fault.AWAY,
    "ORA-03114": Fault.AWAY,
    "ORA-03135": Fault.AWAY,
    "ORA-12541": Fault.AWAY,
    "DPY-1001": Fault.AWAY,
    "DPY-4011": Fault.AWAY,
    "DPY-6000": Fault.AWAY,
    "DPY-6005": Fault.AWAY,
}
_SYSTEM = "SELECT username FROM all_users WHERE oracle_maintained = 'Y'"
_Result = TypeVar("_Result")

oracledb.defaults.fetch_lobs = False
oracledb.defaults.fetch_decimals = True  # a NUMBER as a float would lose digits


class OracleSource:
    """See base.Source."""

    def __init__(self, config: SourceConfig, password: str) -> None:
        self._config = config
        self._password = password
        self._where = f"{config.host}:{config.port or _PORT}"
        self._connection: Any = None
        self._has_scn = True

    async def open(self) -> None:
        if self._connection is None:
            self._connection = await self._enter()

    async def close(self) -> None:
        """The farewell gets a second: on a dead line nobody answers it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(oracledb.Error, OSError, TimeoutError):
                async with asyncio.timeout(base.LOCK_SECS):
                    await connection.close()

    async def columns(self, table: str) -> list[str]:
        found = await self.fetch(columns(table))
        if not found:
            raise base.no_table(table)
        return [row[0] for row in found]

    async def fetch(self, query: Query) -> list[Row]:
        await self.open()
        return await self._limited(_execute(self._connection, query))

    async def write_allowed(self, table: str, key: str) -> str:
        connection = await self._enter()
        try:
            await self._limited(_execute(connection, writes(table, key)))
        except base.PrivilegeError:
            return ""
        except base.SchemaError as error:
            return str(error)
        finally:
            await connection.close()
        return f"账号 {self._config.user} 有权改写 {table}"

    async def catalogue(self) -> list[CatalogTable]:
        return await ora.catalogue(self.fetch, _SYSTEM)

    async def explain(self, query: Query) -> str:
        return await ora.explain(self.fetch, query, (":1", ":2"))

    async def clock(self) -> int | None:
        return await ora.clock(self.fetch)

    async def hint(self, table: str) -> str | None:  # noqa: ARG002
        return None

    async def in_flight(self, table: str) -> base.InFlight | None:
        """None for good where the question is not understood: a standby, a right that is missing."""
        if not self._has_scn:
            return None
        try:
            return await ora.in_flight(self.fetch, table)
        except (base.UnforeseenError, base.SchemaError):
            self._has_scn = False
            return None

    async def made(self, table: str) -> str:  # noqa: ARG002
        return ""

    def age_secs(self, table: str) -> float:  # noqa: ARG002
        return 0.0

    async def _enter(self) -> Any:
        return await base.patiently(lambda: self._limited(self._connect()), base.GONE_SECS)

    async def _connect(self) -> Any:
        connection = await oracledb.connect_async(
            user=self._config.user,
            password=self._password,
            host=self._config.host,
            port=self._config.port or _PORT,
            service_name=self._config.database,
            tcp_connect_timeout=base.CONNECT_SECS,
            program="mingcha-agent",
        )
        connection.call_timeout = int(base.STATEMENT_SECS * 1000)
        connection.autocommit = True
        return connection

    async def _limited(self, work: Awaitable[_Result]) -> _Result:
        """Wait for `work` with a time limit; whatever goes wrong, the connection is gone afterwards."""
        try:
            async with asyncio.timeout(base.ANSWER_SECS):
                return await work
        except TimeoutError as error:
            await self.close()
            raise base.unreachable(self._where, "没有应答") from error
        except oracledb.Error as error:
            await self.close()
            raise base.translated(*fault(error), self._config, self._where) from error
        except OSError as error:
            await self.close()
            raise base.unreachable(self._where, words(error)) from error
        except asyncio.CancelledError:
            await self.close()
            raise


async def _execute(connection: Any, query: Query) -> list[Row]:
    with connection.cursor() as cursor:
        await cursor.execute(query.sql, list(query.params))
        return [] if cursor.description is None else list(await cursor.fetchall())


def fault(error: Exception) -> tuple[Fault | None, str]:
    """What the driver's error means, and its text."""
    detail = error.args[0] if error.args else error
    text = str(getattr(detail, "message", detail)).strip()
    return FAULTS.get(getattr(detail, "full_code", "")), text


def columns(table: str) -> Query:
    """Of tables and views; `from` of a synonym must name what is behind it, with its owner."""
    schema, _, name = table.rpartition(".")
    return Query(
        "SELECT column_name FROM all_tab_columns "
        "WHERE owner = coalesce(:1, sys_context('USERENV', 'CURRENT_SCHEMA')) AND table_name = :2 ORDER BY column_id",
        (schema or None, name),
    )


def writes(table: str, key: str) -> Query:
    """Changes no row, and is refused where the account may not write."""
    column = quote(Dialect.ORACLE, key)
    return Query(f"UPDATE {table_name(Dialect.ORACLE, table)} SET {column} = {column} WHERE 1 = 0")  # noqa: S608


def from_config(config: SourceConfig, secrets_dir: Path) -> OracleSource:
    """No network. Raises ConfigError if the password file is missing."""
    return OracleSource(config, base.read_password(config, secrets_dir))
