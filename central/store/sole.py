"""One hall per database: two would both follow the clocks, send and sign.

SQLite: a lock file beside it. PostgreSQL: a session's advisory lock, so that a hall on another machine is kept out
too. Programs that only look or keep users do not take it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from central.store.engine import translated
from central.store.key import parted
from common.core.errors import ConfigError, UnavailableError
from common.hold import hold

HALL_LOCK = 0x6D63  # any constant: "mc"
WATCH_SECS = 5.0
ANSWER_SECS = 10.0
_HINT = "同一数据库只能由一个市中心程序使用；请先停止另一个：systemctl stop mingcha-central"
_DEAD_SESSION = (  # a hall whose machine is gone gives the lock up within a minute
    "SET tcp_keepalives_idle = 30",
    "SET tcp_keepalives_interval = 10",
    "SET tcp_keepalives_count = 3",
)
_HOLDER = text(
    "SELECT pid, client_addr, backend_start FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE locktype = 'advisory' AND classid = 0 AND objid = :key AND pg_locks.granted"
    " AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)

Watch = Callable[[], Coroutine[Any, Any, None]]
"""Never returns while we are alone; raises ConfigError when another hall has taken the database."""


@asynccontextmanager
async def sole(url: str) -> AsyncIterator[Watch]:
    """Hold the database whose SQLAlchemy address is `url`, which is there.

    Raises ConfigError where another hall holds it, UnavailableError where it went away.
    """
    parsed, _ = parted(url)
    if parsed.get_backend_name() == "sqlite":
        path = Path(str(parsed.database))
        with hold(path.with_name(path.name + ".lock"), who="市中心程序", hint=_HINT):
            yield _for_ever
        return
    engine = create_async_engine(parsed, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    session = _Session(engine)
    try:
        await session.take()
        yield session.watch
    finally:
        await session.close()
        await engine.dispose()


class _Session:
    """The connection that has the lock, made anew after the server was away."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._conn: AsyncConnection | None = None

    async def take(self) -> None:
        async with translated():
            conn = await self._engine.connect()
            try:
                await _lock(conn)
            except BaseException:
                await conn.close()
                raise
            self._conn = conn

    async def watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECS)
            try:
                if self._conn is None:
                    await self.take()
                else:
                    async with translated(), asyncio.timeout(ANSWER_SECS):  # a line that is cut says nothing
                        await self._conn.scalar(text("SELECT 1"))
            except UnavailableError:  # the receiver says it; nothing is committed meanwhile
                await self.close()

    async def close(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            await conn.invalidate()
            await conn.close()


async def _for_ever() -> None:
    await asyncio.Event().wait()


async def _lock(conn: AsyncConnection) -> None:
    for statement in _DEAD_SESSION:
        await conn.execute(text(statement))
    if not await conn.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": HALL_LOCK}):
        raise ConfigError(await _taken(conn), hint=_HINT)


async def _taken(conn: AsyncConnection) -> str:
    holder = (await conn.execute(_HOLDER, {"key": HALL_LOCK})).first()
    if holder is None:  # it went in this moment
        return "已有市中心程序在使用这个数据库"
    where = holder.client_addr or "本机"
    return (
        f"已有市中心程序在使用这个数据库（{where}，{holder.backend_start:%m-%d %H:%M} 连上，"
        f"数据库会话 {holder.pid}）"
    )
