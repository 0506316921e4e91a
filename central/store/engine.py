"""The hall's database: SQLite or PostgreSQL behind the same SQLAlchemy Core statements.

`read` and `write` are one transaction each. A write on SQLite begins IMMEDIATE (one writer, no upgrade of locks)
and is flushed (`synchronous=FULL`), because an acknowledgement follows it. Driver errors leave here translated:
a database that is away, full or locked is UnavailableError; anything else is our bug and crashes.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
from sqlalchemy import URL, Connection, event, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from central.store import key
from central.store.sealed import Ring, hold
from common.core.errors import UnavailableError

_Result = TypeVar("_Result")
_MIGRATIONS = Path(__file__).parent / "migrations"
_PART = 500
_MIGRATION_LOCK = 0x6D696E67  # any constant: "ming"
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA busy_timeout=10000",
    "PRAGMA foreign_keys=ON",
    "PRAGMA trusted_schema=OFF",
)


class Store:
    """An open, migrated database. Made by `open_store`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        # SQLite has one writer: waiting here costs no busy loop and no time-out inside the driver.
        self._writer = asyncio.Lock() if self.dialect == "sqlite" else None

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for statements that change nothing. Raises UnavailableError."""
        async with translated(), self.engine.connect() as conn:
            yield conn

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction, committed at the end or rolled back whole. Raises UnavailableError."""
        async with self._turn(), translated(), self.engine.connect() as conn:
            if self._writer is not None:
                await conn.execute(text("BEGIN IMMEDIATE"))
            try:
                yield conn
            except BaseException:
                await conn.rollback()
                raise
            await conn.commit()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._writer is None:
            yield
            return
        async with self._writer:
            yield

    async def close(self) -> None:
        await self.engine.dispose()


@asynccontextmanager
async def translated() -> AsyncIterator[None]:
    """Turn a driver's "not now" into UnavailableError."""
    try:
        yield
    except DBAPIError as error:
        if not _is_away(error):
            raise
        raise UnavailableError(
            f"数据库不可用：{error.orig}", hint="请检查数据库服务与磁盘空间，恢复后自动继续"
        ) from error
    except _unreached() as error:
        # SQLAlchemy lets asyncpg's own errors through while a connection is made (starting up, wrong password), and
        # always that its protocol went wrong, as when the server is killed between two messages.
        raise UnavailableError(
            f"连不上数据库：{error}", hint="请检查数据库服务与地址，恢复后自动继续"
        ) from error


def _unreached() -> tuple[type[Exception], ...]:
    """Looked up when something has failed: a command on SQLite starts without a driver it does not need."""
    import asyncpg

    return (
        OSError,
        TimeoutError,
        NoConnectionError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
    )


_AWAY_STATES = ("08", "25006", "28", "3D", "40", "53", "55", "57", "58")
"""SQLSTATE: connection, standby, login, no such database, conflict, resources, locks, shutdown or time-out, system."""
_AWAY_CODES = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOTADB,
}


def _is_away(error: DBAPIError) -> bool:
    """Whether the database is lost, locked or full, and the same statement may work later.

    Anything else is a statement that the database refuses: to wait for it would hold up everybody for ever.
    """
    if error.connection_invalidated:
        return True
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return str(state).startswith(_AWAY_STATES)
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in _AWAY_CODES or "no such table" in str(error.orig)  # not ours, or not yet
    return type(error).__name__ == "InterfaceError" and "connection" in str(error.orig)


async def open_store(url: str) -> Store:
    """Connect, migrate under a lock, and return the store.

    `url` is SQLAlchemy's, with the asyncio driver named, and with its key (`central.store.key.with_key`); without one personal
    fields are neither opened nor written. Raises UnavailableError where the database is away, ConfigError without its key.
    """
    parsed, path = key.parted(url)
    if parsed.get_backend_name() == "sqlite":
        _private_file(Path(str(parsed.database)))
    rings: list[Ring] = []

    def prepare(conn: Connection) -> None:
        _migrate(conn)
        if path is not None:
            rings.append(key.checked(conn, path))

    store = await opened(parsed, prepare)
    if rings:
        hold(store.engine, rings[0])
    return store


async def opened(url: URL, prepare: Callable[[Connection], None], schema: str = "") -> Store:
    """The store at `url` after `prepare` in one transaction. `schema`: the only one that its statements see, on PostgreSQL.

    Raises UnavailableError, and what `prepare` raises.
    """
    if url.get_backend_name() == "sqlite":
        engine = create_async_engine(
            url, isolation_level=None, pool_size=4, async_creator=_opener(url), hide_parameters=True
        )
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    else:
        path: dict[str, Any] = {"server_settings": {"search_path": schema}} if schema else {}
        engine = create_async_engine(
            url, pool_size=5, pool_pre_ping=True, connect_args=path, hide_parameters=True
        )
    try:
        async with translated(), engine.connect() as conn:
            await conn.run_sync(prepare)
            await conn.commit()
    except BaseException:
        await engine.dispose()
        raise
    return Store(engine)


@asynccontextmanager
async def look(url: str) -> AsyncIterator[AsyncConnection]:
    """A connection for the doctor: nothing is created, migrated or written. Raises UnavailableError, ConfigError without the
    key that `url` names.
    """
    parsed, path = key.parted(url)
    if parsed.get_backend_name() == "sqlite" and not Path(str(parsed.database)).exists():
        raise UnavailableError(f"数据库文件不存在：{parsed.database}", hint="首次启动市中心程序时会自动建立")
    engine = create_async_engine(parsed, hide_parameters=True)
    try:
        async with translated(), engine.connect() as conn:
            if path is not None:
                hold(engine, key.ring_of(path, await conn.run_sync(key.index_of)))
                await conn.rollback()  # whoever wants one picture of it all must begin with that
            yield conn
    finally:
        await engine.dispose()


async def within(url: str, work: Callable[[AsyncConnection], Awaitable[_Result]]) -> _Result:
    """Open the database, run `work` in one transaction, close it. Raises UnavailableError."""
    store = await open_store(url)
    try:
        async with store.write() as conn:
            return await work(conn)
    finally:
        await store.close()


class _Cursor:
    """A small answer in one crossing to the connection's thread, where an aiosqlite cursor makes four.

    A hall commits a few records at a time in some thirty statements: the crossings were half of what they cost. A large
    answer is fetched in parts, as its reader asks for them.
    """

    def __init__(self, connection: "_Connection") -> None:
        self._connection = connection
        self._open: sqlite3.Cursor | None = None  # used and closed in the thread alone
        self._rows: list[Any] = []
        self.description: Any = None
        self.lastrowid: int | None = None
        self.rowcount = -1

    async def execute(self, sql: str, parameters: Any = ()) -> None:
        await self._connection.crossed(lambda db: self._take(db.execute(sql, parameters)))

    async def executemany(self, sql: str, parameters: Any) -> None:
        await self._connection.crossed(lambda db: self._take(db.executemany(sql, parameters)))

    async def fetchall(self) -> list[Any]:
        rows = self._rows
        if self._open is not None:
            rows = rows + await self._connection.crossed(lambda _: self._fetch(-1))
        self._rows = []
        return rows

    async def fetchmany(self, size: int) -> list[Any]:
        if len(self._rows) < size and self._open is not None:
            self._rows += await self._connection.crossed(lambda _: self._fetch(max(size, _PART)))
        rows, self._rows = self._rows[:size], self._rows[size:]
        return rows

    async def fetchone(self) -> Any:
        rows = await self.fetchmany(1)
        return rows[0] if rows else None

    async def close(self) -> None:
        self._rows = []
        if self._open is not None:
            await self._connection.crossed(lambda _: self._close())

    def _take(self, cursor: sqlite3.Cursor) -> None:
        self._open = cursor
        self.description, self.lastrowid, self.rowcount = (
            cursor.description,
            cursor.lastrowid,
            cursor.rowcount,
        )
        self._rows = self._fetch(_PART) if cursor.description else self._fetch(0)

    def _fetch(self, size: int) -> list[Any]:
        """`size`: rows at most, all of them when negative. The cursor is closed when it has no more."""
        assert self._open is not None
        rows = self._open.fetchall() if size < 0 else self._open.fetchmany(size) if size else []
        if len(rows) < size or size <= 0:
            self._close()
        return rows

    def _close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None


class _Connection(aiosqlite.Connection):
    """Whoever is cancelled leaves no lock behind.

    SQLAlchemy drops a connection whose caller was cancelled in the middle of a statement. To close it ends no transaction
    as long as a cursor is still referred to, as by the traceback of the cancellation: SQLite keeps it, with its lock on
    the whole database, as a zombie (sqlite3_close_v2). So it is rolled back first.
    """

    async def cursor(self) -> _Cursor:  # type: ignore[override]
        return _Cursor(self)

    async def crossed(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        """Do `work` in the connection's thread. -> its result."""
        return await self._execute(lambda: work(self._conn))  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        if self._connection is not None:
            await self.rollback()
        await super().close()

    def stop(self) -> asyncio.Future[Any] | None:
        if self._running and self._connection is not None:
            with suppress(RuntimeError):  # dropped after its loop had ended: closing it is all that is left
                done = asyncio.get_running_loop().create_future()
                self._tx.put_nowait((done, self._connection.rollback))
        return super().stop()


def _opener(url: URL) -> Callable[[], Awaitable[aiosqlite.Connection]]:
    def opened() -> aiosqlite.Connection:
        made = _Connection(lambda: sqlite3.connect(str(url.database)), iter_chunk_size=64)
        made._thread.daemon = True  # noqa: SLF001  as SQLAlchemy does with those that it opens itself
        return made

    return opened  # to await a connection opens it


def _private_file(path: Path) -> None:
    """Nobody else on the machine reads the hall's database; SQLite gives its WAL the same rights."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _migrate(conn: Connection) -> None:
    """Bring the schema to the newest revision; a second process waits for the first."""
    if _is_newest(conn):
        return
    if conn.dialect.name == "sqlite":
        conn.execute(text("BEGIN IMMEDIATE"))
    else:
        conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = conn
    command.upgrade(config, "head")


def _is_newest(conn: Connection) -> bool:
    """Whether there is nothing to migrate. Alembic takes longer to import than most commands take, and waits for a lock."""
    newest = max(path.stem for path in (_MIGRATIONS / "versions").glob("r*_*.py"))
    if not inspect(conn).has_table("alembic_version"):
        return False
    stands = conn.scalar(text("SELECT version_num FROM alembic_version"))
    return newest.startswith(f"r{stands}_")
