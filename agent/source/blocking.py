"""An adapter over a driver that blocks: one connection, used in one thread of its own. An engine is data, see `Engine`.

A call that is given up (time limit, cancellation) cannot be stopped from outside; its thread closes the connection when
the driver returns, and nothing new begins before: the site was promised one connection. Every driver has time limits of
its own, so that it does return.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from msgspec import Struct

from agent.core.catalogue import CatalogTable
from agent.core.mapping import SourceConfig
from agent.core.query import Query, Row
from agent.source import base
from agent.source.base import Fault
from common.core.errors import MingchaError, words

_Result = TypeVar("_Result")
Fetch = Callable[[Query], Awaitable[list[Row]]]


class Look(Struct, frozen=True):
    """See base.Source: catalogue, explain, clock, in_flight, made; each is given `fetch`."""

    catalogue: Callable[[Fetch], Awaitable[list[CatalogTable]]]
    explain: Callable[[Fetch, Query], Awaitable[str]]
    clock: Callable[[Fetch], Awaitable[int | None]]
    in_flight: Callable[[Fetch, str], Awaitable[base.InFlight | None]] | None = None
    """None: the engine numbers no changes that it keeps with the rows."""
    made: Callable[[Fetch, str], Awaitable[str]] | None = None
    """None: the engine does not say, to an account that may only read."""


class Engine(Struct, frozen=True):
    """What is particular to one driver."""

    port: int
    connect: Callable[[SourceConfig, str, bool], Any]
    """(config, password, read-only) -> a connection with its time limits in force. Blocks."""
    error: type[Exception]
    fault: Callable[[Exception], tuple[Fault | None, str]]
    """The driver's error -> what it means, and its text."""
    columns: Callable[[str], Query]
    """Table -> names of the columns the account may read."""
    writes: Callable[[str, str], Query]
    """(table, key) -> what is refused, or gives no row, where the account may not write."""
    look: Look
    """How the database is asked about itself."""


class BlockingSource:
    """See base.Source."""

    def __init__(self, config: SourceConfig, password: str, engine: Engine) -> None:
        self._config = config
        self._password = password
        self._engine = engine
        self._where = f"{config.host}:{config.port or engine.port}"
        self._line: _Line | None = None
        self._leaving: asyncio.Future[None] | None = None
        self._has_clock = self._has_numbers = True

    async def open(self) -> None:
        if self._line is None:
            await base.patiently(lambda: self._enter(read_only=True), base.GONE_SECS)

    async def close(self) -> None:
        if self._line is not None:
            self._leaving = self._line.leave()
            self._line = None

    async def columns(self, table: str) -> list[str]:
        found = await self.fetch(self._engine.columns(table))
        if not found:
            raise base.no_table(table)
        return [row[0] for row in found]

    async def fetch(self, query: Query) -> list[Row]:
        await self.open()
        assert self._line is not None
        return await self._limited(self._line.execute(query))

    async def write_allowed(self, table: str, key: str) -> str:
        """Over a connection without the read-only setting, after ours was closed: the site was promised one."""
        await self.close()
        try:
            line = await base.patiently(lambda: self._enter(read_only=False), base.GONE_SECS)
            found = await self._limited(line.execute(self._engine.writes(table, key)))
        except base.PrivilegeError:
            return ""
        except base.SchemaError as error:
            return str(error)
        finally:
            await self.close()
        return f"账号 {self._config.user} 有权改写 {table}" if found else ""

    async def catalogue(self) -> list[CatalogTable]:
        return await self._engine.look.catalogue(self.fetch)

    async def explain(self, query: Query) -> str:
        return await self._engine.look.explain(self.fetch, query)

    async def clock(self) -> int | None:
        """None for good where the question is not understood: no engine's clock is worth its rows."""
        if not self._has_clock:
            return None
        try:
            return await self._engine.look.clock(self.fetch)
        except base.UnforeseenError:
            self._has_clock = False
            return None

    async def hint(self, table: str) -> str | None:  # noqa: ARG002
        return None

    async def in_flight(self, table: str) -> base.InFlight | None:
        """None for good where the question is not understood, as with the clock."""
        if self._engine.look.in_flight is None or not self._has_numbers:
            return None
        try:
            return await self._engine.look.in_flight(self.fetch, table)
        except (base.UnforeseenError, base.SchemaError):
            self._has_numbers = False
            return None

    async def made(self, table: str) -> str:
        return "" if self._engine.look.made is None else await self._engine.look.made(self.fetch, table)

    def age_secs(self, table: str) -> float:  # noqa: ARG002
        return 0.0

    async def _enter(self, *, read_only: bool) -> "_Line":
        await self._left()
        line = self._line = _Line(self._engine, self._config, self._password)
        await self._limited(line.connect(read_only=read_only))
        return line

    async def _left(self) -> None:
        """The former connection is gone. Raises UnavailableError while its driver does not return."""
        if self._leaving is None:
            return
        await asyncio.wait({self._leaving}, timeout=base.ANSWER_SECS)
        if not self._leaving.done():
            raise base.unreachable(self._where, "没有应答，驱动程序还没有放手")
        self._leaving = None

    async def _limited(self, work: asyncio.Future[_Result]) -> _Result:
        """Wait for `work` with a time limit; whatever goes wrong, the connection is gone afterwards."""
        try:
            async with asyncio.timeout(base.ANSWER_SECS):
                return await work
        except TimeoutError as error:
            await self.close()
            raise base.unreachable(self._where, "没有应答") from error
        except self._engine.error as error:
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
        fault, text = self._engine.fault(error)
        return base.translated(fault, text, self._config, self._where)


class _Line:
    """One connection and the thread in which alone it is used."""

    def __init__(self, engine: Engine, config: SourceConfig, password: str) -> None:
        self._engine, self._config, self._password = engine, config, password
        self._thread = ThreadPoolExecutor(1, f"source {config.type}")
        self._connection: Any = None

    def connect(self, *, read_only: bool) -> asyncio.Future[None]:
        return self._run(lambda: self._connect(read_only=read_only))

    def execute(self, query: Query) -> asyncio.Future[list[Row]]:
        return self._run(lambda: execute(self._connection, query))

    def leave(self) -> asyncio.Future[None]:
        """Done when the driver has let go; the thread ends."""
        left = self._run(self._close)
        self._thread.shutdown(wait=False)
        return left

    def _run(self, work: Callable[[], _Result]) -> asyncio.Future[_Result]:
        return asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _connect(self, *, read_only: bool) -> None:
        self._connection = self._engine.connect(self._config, self._password, read_only)

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        try:
            if connection is not None:
                connection.close()
        except self._engine.error:
            pass  # it was gone already


def execute(connection: Any, query: Query) -> list[Row]:
    """All rows; of a statement that gives none, one empty row: it was carried out."""
    cursor = connection.cursor()
    try:
        cursor.execute(query.sql, query.params) if query.params else cursor.execute(query.sql)
        return [()] if cursor.description is None else [_plain(row) for row in cursor.fetchall()]
    finally:
        cursor.close()


def _plain(row: Iterable[Any]) -> Row:
    """Large objects are read: a value must outlive its connection."""
    return tuple(
        bytes(value) if isinstance(value, memoryview) else value.read() if hasattr(value, "read") else value
        for value in row
    )
