"""One vendor's table on each engine, as its owner writes it: connections whose transactions stay open as long as wanted."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Protocol

import asyncmy
import asyncpg

from tests.server import HOST
from tests.services import ADMIN, PASSWORD, MariaDb, PostgreSql

COLUMNS = ("ID", "SLBH", "SQR", "ZT", "BJSJ", "BLR", "XGSJ")
ANSWER_SECS = 60.0
LOST = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncmy.errors.MySQLError,
    sqlite3.Error,
)
"""What a writer meets when the server is restarted under it."""


class Session(Protocol):
    """Inside one transaction. Parameters are `?` in every engine."""

    async def run(self, sql: str, *values: Any) -> list[tuple[Any, ...]]: ...


class Store(Protocol):
    """The vendor's database."""

    engine: str

    def mapping(self) -> str:
        """`[source]` of mapping.toml."""

    def address(self) -> str:
        """As SQLAlchemy takes it, for dlt."""

    async def create(self) -> None: ...

    def session(self) -> Any:
        """A transaction as an async context: committed at its end."""

    async def restart(self) -> None:
        """SIGKILL, and up again."""


class MariaDbStore:
    engine = "mariadb"

    def __init__(self, server: MariaDb, folder: Path) -> None:
        self._server = server
        self._folder = folder

    async def create(self) -> None:
        self.database = await self._server.create_database()
        self._user = await self._server.create_user(self.database)
        await self._server.execute(
            "CREATE TABLE SP_YWSL (ID BIGINT AUTO_INCREMENT PRIMARY KEY, SLBH VARCHAR(40), SQR VARCHAR(40), ZT INT, "
            "BJSJ DATETIME, BLR VARCHAR(40), XGSJ DATETIME, KEY (XGSJ))",
            database=self.database,
        )

    def mapping(self) -> str:
        (self._folder / "password").write_text(PASSWORD)
        return (
            f'type = "mariadb"\nhost = "{HOST}"\nport = {self._server.port}\ndatabase = "{self.database}"\n'
            f'user = "{self._user}"\npassword_file = "password"\n'
        )

    def address(self) -> str:
        return (
            f"mysql+pymysql://{ADMIN}:{PASSWORD}@{HOST}:{self._server.port}/{self.database}?charset=utf8mb4"
        )

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        connection = await asyncmy.connect(
            host=HOST, port=self._server.port, user=ADMIN, password=PASSWORD, database=self.database,
            charset="utf8mb4", autocommit=False,
        )  # fmt: skip
        try:
            yield _My(connection)
            await connection.commit()
        finally:
            connection.close()

    async def restart(self) -> None:
        await asyncio.to_thread(self._server.kill)
        await asyncio.to_thread(self._server.start)


class _My:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def run(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        async with self._connection.cursor() as cursor:
            await cursor.execute(sql.replace("?", "%s"), values or None)
            return [(cursor.lastrowid,)] if sql.startswith("INSERT") else list(await cursor.fetchall() or ())


class PostgreSqlStore:
    engine = "postgresql"

    def __init__(self, server: PostgreSql, folder: Path) -> None:
        self._server = server
        self._folder = folder

    async def create(self) -> None:
        self.database = await self._server.create_database()
        self._user = await self._server.create_user(self.database)
        columns = '"ID" BIGSERIAL PRIMARY KEY, "SLBH" TEXT, "SQR" TEXT, "ZT" INT, "BJSJ" TIMESTAMP, "BLR" TEXT, "XGSJ" TIMESTAMP'
        await self._server.execute(f'CREATE TABLE "SP_YWSL" ({columns})', database=self.database)
        await self._server.execute('CREATE INDEX ON "SP_YWSL" ("XGSJ")', database=self.database)

    def mapping(self) -> str:
        (self._folder / "password").write_text(PASSWORD)
        return (
            f'type = "postgresql"\nhost = "{HOST}"\nport = {self._server.port}\ndatabase = "{self.database}"\n'
            f'user = "{self._user}"\npassword_file = "password"\n'
        )

    def address(self) -> str:
        return self._server.url(self.database).replace("postgresql://", "postgresql+psycopg://", 1)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        connection = await asyncpg.connect(self._server.url(self.database))
        try:
            async with connection.transaction():
                yield _Pg(connection)
        finally:
            connection.terminate()

    async def restart(self) -> None:
        await asyncio.to_thread(self._server.kill)
        await asyncio.to_thread(self._server.start)


class _Pg:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def run(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        for name in ("SP_YWSL", *COLUMNS):
            sql = sql.replace(f" {name}", f' "{name}"').replace(f"({name}", f'("{name}"')
        for place in range(len(values)):
            sql = sql.replace("?", f"${place + 1}", 1)
        if sql.startswith("INSERT"):
            return [tuple(row) for row in await self._connection.fetch(f'{sql} RETURNING "ID"', *values)]
        return [tuple(row) for row in await self._connection.fetch(sql, *values)]


class SqliteStore:
    """One writer at a time; numbers are drawn before the lock is taken, as such programs do."""

    engine = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._file = folder / "spxt.db"
        self._turn = asyncio.Lock()

    async def create(self) -> None:
        with closing(sqlite3.connect(self._file)) as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute(
                "CREATE TABLE SP_YWSL (ID INTEGER PRIMARY KEY AUTOINCREMENT, SLBH, SQR, ZT, BJSJ, BLR, XGSJ)"
            )
            db.execute("CREATE INDEX xgsj ON SP_YWSL(XGSJ)")

    def mapping(self) -> str:
        return f'type = "sqlite"\npath = "{self._file}"\n'

    def address(self) -> str:
        return f"sqlite:///{self._file}"

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        async with self._turn:
            with closing(sqlite3.connect(self._file, isolation_level=None)) as db:
                db.execute("BEGIN IMMEDIATE")
                yield _Lite(db)
                db.execute("COMMIT")

    async def restart(self) -> None:
        """A file has no server."""


class _Lite:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    async def run(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        cursor = self._db.execute(sql, [str(value) if hasattr(value, "year") else value for value in values])
        return [(cursor.lastrowid,)] if sql.startswith("INSERT") else cursor.fetchall()
