"""PostgreSQL through asyncpg: each statement its own transaction, read-only by session, with time limits."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from agent.core.catalogue import CatalogTable
from agent.core.mapping import SourceConfig
from agent.core.query import Dialect, Query, Row, quote, table_name
from agent.source import base, pg
from common.core.errors import MingchaError, words

PROVEN = True
"""Whether the contract suite has run against a real one; the doctor and the compatibility table say it."""
_PORT = 5432
_Result = TypeVar("_Result")
_WRITTEN = "SELECT n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables WHERE relid = to_regclass($1)"

# A snapshot's xmax is behind the newest that has *ended*; its age is how many were given since, and some may be open.
_IN_FLIGHT = (
    "SELECT oldest, ended + age((ended % 4294967296)::text::xid) FROM (SELECT txid_snapshot_xmin(s) AS oldest, "
    "txid_snapshot_xmax(s) AS ended FROM (SELECT txid_current_snapshot() AS s) AS now) AS bounds"
)


class PostgresqlSource:
    """See base.Source."""

    def __init__(self, config: SourceConfig, password: str) -> None:
        self._config = config
        self._password = password
        self._where = f"{config.host}:{config.port or _PORT}"
        self._connection: Any = None

    async def open(self) -> None:
        if self._connection is None:
            self._connection = await self._enter(read_only=True)

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def columns(self, table: str) -> list[str]:
        quoted = table_name(Dialect.POSTGRESQL, table)
        found = await self.fetch(
            Query(
                "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 "
                "AND NOT attisdropped AND has_column_privilege(attrelid, attnum, 'SELECT')",
                (quoted,),
            )
        )
        if not found:
            raise base.no_table(table)
        return [row[0] for row in found]

    async def fetch(self, query: Query) -> list[Row]:
        await self.open()
        found = await self._limited(self._connection.fetch(query.sql, *query.params))
        return [tuple(row) for row in found]

    async def write_allowed(self, table: str, key: str) -> str:
        column, quoted = quote(Dialect.POSTGRESQL, key), table_name(Dialect.POSTGRESQL, table)
        sql = f"UPDATE {quoted} SET {column} = {column} WHERE 1 = 0"  # noqa: S608
        connection = await self._enter(read_only=False)
        try:
            await self._limited(_update(connection, sql))
        except base.PrivilegeError:
            found = await self._limited(connection.fetch(pg.WRITES, quoted))
            return base.may_write(self._config.user, table, [name for (name,) in found])
        except base.SchemaError as error:
            return str(error)
        finally:
            connection.terminate()
        return f"账号 {self._config.user} 有权改写 {table}"

    async def catalogue(self) -> list[CatalogTable]:
        return await pg.catalogue(self.fetch)

    async def explain(self, query: Query) -> str:
        return await pg.explain(self.fetch, query)

    async def clock(self) -> int | None:
        return await pg.clock(self.fetch)

    async def hint(self, table: str) -> str | None:
        """The server gathers the numbers about once a second."""
        found = await self.fetch(Query(_WRITTEN, (table_name(Dialect.POSTGRESQL, table),)))
        return str(found[0][0]) if found else None

    async def in_flight(self, table: str) -> base.InFlight | None:  # noqa: ARG002
        ((oldest, following),) = await self.fetch(Query(_IN_FLIGHT))
        return base.InFlight(oldest, following)

    async def made(self, table: str) -> str:
        return await pg.made(self.fetch, "$1", table_name(Dialect.POSTGRESQL, table))

    def age_secs(self, table: str) -> float:  # noqa: ARG002
        return 0.0

    async def _enter(self, *, read_only: bool) -> Any:
        return await base.patiently(lambda: self._limited(self._connect(read_only=read_only)), base.GONE_SECS)

    async def _connect(self, *, read_only: bool) -> Any:
        connection = await asyncpg.connect(
            host=self._config.host,
            port=self._config.port or _PORT,
            user=self._config.user,
            password=self._password,
            database=self._config.database,
            timeout=base.CONNECT_SECS,
            server_settings={
                "default_transaction_read_only": "on" if read_only else "off",
                "statement_timeout": f"{base.STATEMENT_SECS * 1000:.0f}",
                "lock_timeout": f"{base.LOCK_SECS * 1000:.0f}",
                "application_name": "mingcha-agent",
                "datestyle": "ISO, YMD",
                "intervalstyle": "postgres",
            },
        )
        try:
            for kind, decoder in _DECODERS.items():
                await connection.set_type_codec(
                    kind, schema="pg_catalog", encoder=str, decoder=decoder, format="text"
                )
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _limited(self, work: Awaitable[_Result]) -> _Result:
        """Wait for `work` with a time limit; whatever goes wrong, the connection is gone afterwards."""
        try:
            async with asyncio.timeout(base.ANSWER_SECS):
                return await work
        except TimeoutError as error:
            await self.close()
            raise base.unreachable(self._where, "没有应答") from error
        except _FAULTS as error:
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

    def _translated(self, error: Exception) -> MingchaError:
        if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
            return base.wrong_password(self._config.user)
        if isinstance(error, asyncpg.InvalidCatalogNameError):
            return base.no_database(self._config.database)
        if isinstance(error, asyncpg.UndefinedTableError | asyncpg.InvalidSchemaNameError):
            return base.no_table(str(error))
        if isinstance(error, asyncpg.UndefinedColumnError):
            return base.no_column(str(error))
        if isinstance(error, asyncpg.UndefinedFunctionError):
            return base.no_length(error)
        return _other(error, self._where)


# Years beyond 9999 or before Christ, infinity, 24:00: PostgreSQL holds what Python cannot, and its driver then fails as a
# whole. Such a value stays the text that the server writes, and is told as an impossible time.


def _moment(text: str) -> datetime | str:
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found
    except (ValueError, OverflowError):
        return text


def _date(text: str) -> date | str:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return text


def _time(text: str) -> time | str:
    try:
        return time.fromisoformat(text)
    except ValueError:
        return text


_DECODERS: dict[str, Callable[[str], Any]] = {
    "timestamp": _moment,
    "timestamptz": _moment,
    "date": _date,
    "time": _time,
    "timetz": _time,
    "interval": str,
}


async def _update(connection: Any, sql: str) -> None:
    try:
        await connection.execute(sql)
    except asyncpg.ObjectNotInPrerequisiteStateError as error:
        if isinstance(error, asyncpg.LockNotAvailableError):  # of the same family in the driver
            raise
        raise base.no_privilege(error) from error  # a view that nobody can write through


def _other(error: Exception, where: str) -> MingchaError:
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return base.no_privilege(error)
    if isinstance(error, _BUSY):
        return base.busy(error)
    if isinstance(error, _AWAY):
        return base.unreachable(where, error)
    return base.broken(error)


_BUSY = (
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.DeadlockDetectedError,
    asyncpg.TooManyConnectionsError,
)
# InternalClientError: the driver lost count of its own protocol, as when the server is killed between two messages.
_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
_FAULTS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


def from_config(config: SourceConfig, secrets_dir: Path) -> PostgresqlSource:
    """No network. Raises ConfigError if the password file is missing."""
    return PostgresqlSource(config, base.read_password(config, secrets_dir))
