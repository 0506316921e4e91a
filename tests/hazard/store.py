"""One vendor's table on each engine, as its owner writes it: connections whose transactions stay open as long as wanted."""

import asyncio
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Protocol, TypeVar

import asyncmy
import asyncpg

from tests.real.chaos import say
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


AGAIN_SECS, PATIENCE_SECS = 1.0, 300.0
_Result = TypeVar("_Result")


async def patiently(name: str, work: Callable[[], Awaitable[_Result]]) -> _Result:
    """What may be done twice over is done until its server answers; that one did not is said. Raises what it met at last."""
    end = time.monotonic() + PATIENCE_SECS
    while True:
        try:
            async with asyncio.timeout(ANSWER_SECS):
                return await work()
        except (*LOST, TimeoutError) as error:
            if time.monotonic() > end:
                raise
            say(f"{name}: {type(error).__name__} {error}; once more")
        await asyncio.sleep(AGAIN_SECS)


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

    async def fill(self, rows: list[tuple[Any, ...]]) -> None:
        """Rows as in COLUMNS; further ones are numbered behind them."""

    async def backup(self) -> Any:
        """What `put_back` takes."""

    async def put_back(self, backup: Any) -> None:
        """As an administrator does: the table, or the file, is another afterwards."""

    async def renumber(self) -> None:
        """The same rows, numbered from 1 on."""

    async def alter(self, column: str) -> None:
        """A column is added and another one widened."""

    async def zone(self, zone: str) -> None:
        """The server's own, for new connections."""


_ALL = "SELECT ID, SLBH, SQR, ZT, BJSJ, BLR, XGSJ FROM SP_YWSL ORDER BY ID"
_MARIADB = (
    "CREATE TABLE SP_YWSL (ID BIGINT AUTO_INCREMENT PRIMARY KEY, SLBH VARCHAR(40), SQR VARCHAR(40), ZT INT, "
    "BJSJ DATETIME, BLR VARCHAR(40), XGSJ DATETIME, KEY (XGSJ))"
)
_POSTGRESQL = (
    'CREATE TABLE "SP_YWSL" ("ID" BIGSERIAL PRIMARY KEY, "SLBH" TEXT, "SQR" TEXT, "ZT" INT, "BJSJ" TIMESTAMP, "BLR" TEXT, '
    '"XGSJ" TIMESTAMP)'
)


def _renumbered(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [(number, *row[1:]) for number, row in enumerate(rows, 1)]


class MariaDbStore:
    engine = "mariadb"

    def __init__(self, server: MariaDb, folder: Path) -> None:
        self._server = server
        self._folder = folder

    async def create(self) -> None:
        self.database = await self._server.create_database()
        self._user = await self._server.create_user(self.database)
        await self._server.execute(_MARIADB, database=self.database)

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

    async def backup(self) -> Any:
        return await self._server.execute(_ALL, database=self.database)

    async def put_back(self, backup: Any) -> None:
        await patiently("mariadb, put back", lambda: self._made_anew(backup))

    async def _made_anew(self, rows: list[tuple[Any, ...]]) -> None:
        for sql in ("DROP TABLE IF EXISTS SP_YWSL", _MARIADB):
            await self._server.execute(sql, database=self.database)
        await self.fill(rows)

    async def renumber(self) -> None:
        rows = _renumbered(await patiently("mariadb, numbers", self.backup))
        await patiently("mariadb, renumber", lambda: self._filled_anew(rows))

    async def _filled_anew(self, rows: list[tuple[Any, ...]]) -> None:
        await self._server.execute("TRUNCATE SP_YWSL", database=self.database)
        await self.fill(rows)

    async def fill(self, rows: list[tuple[Any, ...]]) -> None:
        names = ", ".join(COLUMNS)
        places = ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(rows))
        values = [value for row in rows for value in row]
        await self._server.execute(
            f"INSERT INTO SP_YWSL ({names}) VALUES {places}", *values, database=self.database
        )

    async def alter(self, column: str) -> None:
        for sql in (f"ADD COLUMN {column} VARCHAR(20)", "MODIFY SQR VARCHAR(80)"):
            await self._server.execute(f"ALTER TABLE SP_YWSL {sql}", database=self.database)

    async def zone(self, zone: str) -> None:
        await self._server.execute(f"SET GLOBAL time_zone = '{zone}'")


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
        await self._server.execute(_POSTGRESQL, database=self.database)
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

    async def backup(self) -> Any:
        return [tuple(row) for row in await self._server.execute(_pg(_ALL), database=self.database)]

    async def put_back(self, backup: Any) -> None:
        await patiently("postgresql, put back", lambda: self._made_anew(backup))

    async def _made_anew(self, rows: list[tuple[Any, ...]]) -> None:
        for sql in ('DROP TABLE IF EXISTS "SP_YWSL"', _POSTGRESQL, 'CREATE INDEX ON "SP_YWSL" ("XGSJ")'):
            await self._server.execute(sql, database=self.database)
        await self.fill(rows)

    async def renumber(self) -> None:
        rows = _renumbered(await patiently("postgresql, numbers", self.backup))
        await patiently("postgresql, renumber", lambda: self._filled_anew(rows))

    async def _filled_anew(self, rows: list[tuple[Any, ...]]) -> None:
        await self._server.execute('TRUNCATE "SP_YWSL" RESTART IDENTITY', database=self.database)
        await self.fill(rows)

    async def fill(self, rows: list[tuple[Any, ...]]) -> None:
        connection = await asyncpg.connect(self._server.url(self.database))
        try:
            await connection.copy_records_to_table("SP_YWSL", records=rows, columns=list(COLUMNS))
            await connection.execute(
                """SELECT setval(pg_get_serial_sequence('"SP_YWSL"', 'ID'), max("ID")) FROM "SP_YWSL\""""
            )
        finally:
            await connection.close()

    async def alter(self, column: str) -> None:
        for sql in (f'ADD COLUMN "{column}" TEXT', 'ALTER COLUMN "SQR" TYPE VARCHAR(80)'):
            await self._server.execute(f'ALTER TABLE "SP_YWSL" {sql}', database=self.database)

    async def zone(self, zone: str) -> None:
        await self._server.execute(f"ALTER DATABASE {self.database} SET timezone = '{zone}'")


def _pg(sql: str) -> str:
    """With names as the catalogue has them."""
    for name in ("SP_YWSL", *COLUMNS):
        sql = sql.replace(f" {name}", f' "{name}"').replace(f"({name}", f'("{name}"')
    return sql


class _Pg:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def run(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        sql = _pg(sql)
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

    async def backup(self) -> Any:
        """A file, as a copying program makes it when nobody works."""
        copy = self._file.with_name("backup.db")
        copy.unlink(missing_ok=True)
        with closing(sqlite3.connect(self._file)) as db:
            db.execute("VACUUM INTO ?", (str(copy),))
        return copy

    async def put_back(self, backup: Any) -> None:
        """Another file takes its place."""
        new = self._file.with_name("new.db")
        shutil.copy(backup, new)
        with closing(sqlite3.connect(new)) as db:
            db.execute("PRAGMA journal_mode=WAL")
        with closing(sqlite3.connect(self._file)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        new.rename(self._file)
        for name in ("-wal", "-shm"):
            self._file.with_name(f"{self._file.name}{name}").unlink(missing_ok=True)
        shutil.chown(self._file, self._file.parent.owner())

    async def renumber(self) -> None:
        async with self.session() as session:
            rows = await session.run(_ALL)
            await session.run("DELETE FROM SP_YWSL")
            await session.run("DELETE FROM sqlite_sequence")
        await self.fill(_renumbered(rows))

    async def fill(self, rows: list[tuple[Any, ...]]) -> None:
        async with self.session() as session:
            for row in rows:
                await session.run(
                    "INSERT INTO SP_YWSL (ID, SLBH, SQR, ZT, BJSJ, BLR, XGSJ) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    *row,
                )

    async def alter(self, column: str) -> None:
        async with self.session() as session:
            await session.run(f"ALTER TABLE SP_YWSL ADD COLUMN {column}")

    async def zone(self, zone: str) -> None:
        """A file has none."""


class _Lite:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    async def run(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        cursor = self._db.execute(sql, [str(value) if hasattr(value, "year") else value for value in values])
        return [(cursor.lastrowid,)] if sql.startswith("INSERT") else cursor.fetchall()
