"""A vendor's database for the contract of the source adapters: the owner fills it, an adapter reads it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import asyncmy
import asyncpg
import msgspec
import openpyxl
import pytest

from agent.app import adapter
from agent.core.mapping import SourceConfig
from agent.core.query import Column, Query, Row, Table, quote
from agent.source import files
from agent.source.base import Source
from tests.server import HOST
from tests.services import ADMIN, PASSWORD, MariaDb, PostgreSql


class Vendor:
    """`config` is what a mapping says of the database; its account reads the tables made here and writes none."""

    moment = "TIMESTAMP"
    """Type of a column that holds a time."""
    lob = "BLOB"
    """Type of a column that holds a scan."""
    slow = Query("")
    """Runs far longer than any limit."""
    owner = ADMIN
    """Account that may do everything."""
    empty: str | None = ""
    """What an empty text is read as."""

    def __init__(self, config: SourceConfig, secrets_dir: Path) -> None:
        self.config = config
        self._secrets_dir = secrets_dir

    def source(self, **changes: Any) -> Source:
        """A new adapter; `changes` of the config."""
        config = msgspec.structs.replace(self.config, **changes)
        return adapter(config, self._secrets_dir)

    async def execute(self, sql: str) -> list[Row]:
        """As the owner."""
        raise NotImplementedError

    def locked(self, table: str) -> AbstractAsyncContextManager[None]:
        """The owner holds `table`, so that nobody else may read it."""
        raise NotImplementedError

    async def go_away(self) -> None:
        raise NotImplementedError

    async def come_back(self) -> None:
        raise NotImplementedError

    def quoted(self, name: str) -> str:
        return quote(self.config.dialect, name)

    def stored(self, text: str) -> Any:
        """Raw text as it is read."""
        return text.encode()

    async def create(self, table: str, columns: dict[str, str], *key: str, grant: str = "SELECT") -> None:
        """A table with the primary key `key`; the adapter's account gets `grant` on it (may be empty)."""
        lines = [f"{self.quoted(name)} {kind}" for name, kind in columns.items()]
        lines.append(f"PRIMARY KEY ({', '.join(self.quoted(name) for name in key)})")
        await self.execute(f"CREATE TABLE {self.quoted(table)} ({', '.join(lines)})")
        if grant and self.config.user:
            await self.execute(f"GRANT {grant} ON {self.quoted(table)} TO {self.grantee}")

    async def insert(self, table: str, *rows: tuple[str | int | None, ...]) -> None:
        values = ", ".join(f"({', '.join(map(_literal, row))})" for row in rows)
        await self.execute(f"INSERT INTO {self.quoted(table)} VALUES {values}")

    @property
    def grantee(self) -> str:
        return self.config.user


def _literal(value: str | int | None) -> str:
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else f"'{value}'"


class SqliteFile(Vendor):
    """A file; it is away when it is renamed."""

    moment = "TEXT"
    owner = ""
    slow = Query("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n")

    def __init__(self, folder: Path) -> None:
        super().__init__(SourceConfig("sqlite", path=str(folder / "spxt.db")), folder)
        self.file = folder / "spxt.db"

    async def execute(self, sql: str) -> list[Row]:
        with closing(sqlite3.connect(self.file, isolation_level=None)) as db:
            return db.execute(sql).fetchall()

    @asynccontextmanager
    async def locked(self, table: str) -> AsyncIterator[None]:
        with closing(sqlite3.connect(self.file, isolation_level=None)) as db:
            db.execute("BEGIN EXCLUSIVE")
            yield

    async def go_away(self) -> None:
        self.file.rename(self.file.with_suffix(".away"))

    async def come_back(self) -> None:
        self.file.with_suffix(".away").rename(self.file)


class Exports(SqliteFile):
    """A folder of workbooks that the vendor's software writes anew after every change; it is away when renamed."""

    empty = None

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder / "exports"
        self.folder.mkdir()
        self.config = SourceConfig("folder", path=str(self.folder))

    async def execute(self, sql: str) -> list[Row]:
        found = await super().execute(sql)
        for (table,) in await super().execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
            await asyncio.to_thread(self._export, table)
        return found

    def _export(self, table: str) -> None:
        book = openpyxl.Workbook(write_only=True)
        page = book.create_sheet()
        with closing(sqlite3.connect(self.file)) as db:
            rows = db.execute(f"SELECT * FROM {self.quoted(table)}")
            page.append([item[0] for item in rows.description])
            for row in rows:
                page.append(row)
        book.save(self.folder / "new.tmp")
        (self.folder / "new.tmp").rename(self.folder / f"{table}.xlsx")

    def stored(self, text: str) -> Any:
        return text

    async def go_away(self) -> None:
        self.folder.rename(self.folder.with_suffix(".away"))

    async def come_back(self) -> None:
        self.folder.with_suffix(".away").rename(self.folder)


class OnServer(Vendor):
    """One database of a server of its own."""

    def __init__(
        self, kind: Any, server: MariaDb | PostgreSql, database: str, user: str, folder: Path
    ) -> None:
        (folder / "password").write_text(f"{PASSWORD}\n")
        (folder / "wrong").write_text("12345678")
        config = SourceConfig(
            kind, host=HOST, port=server.port, database=database, user=user, password_file="password"
        )
        super().__init__(config, folder)
        self.server = server

    async def execute(self, sql: str) -> list[Row]:
        return await self.server.execute(sql, database=self.config.database)

    async def go_away(self) -> None:
        self.server.kill()

    async def come_back(self) -> None:
        await asyncio.to_thread(self.server.start)


class OnMariaDb(OnServer):
    """See Vendor."""

    moment = "DATETIME"
    lob = "LONGBLOB"
    slow = Query("SELECT SLEEP(60)")

    @property
    def grantee(self) -> str:
        return f"'{self.config.user}'@'{HOST}'"

    @asynccontextmanager
    async def locked(self, table: str) -> AsyncIterator[None]:
        connection = await asyncmy.connect(
            host=HOST,
            port=self.config.port,
            user=ADMIN,
            password=PASSWORD,
            database=self.config.database,
            charset="utf8mb4",
        )
        try:
            async with connection.cursor() as cursor:
                await cursor.execute(f"LOCK TABLES {self.quoted(table)} WRITE")
                yield
        finally:
            connection.close()


class OnPostgreSql(OnServer):
    """See Vendor."""

    lob = "BYTEA"
    slow = Query("SELECT pg_sleep(60)")

    @asynccontextmanager
    async def locked(self, table: str) -> AsyncIterator[None]:
        assert isinstance(self.server, PostgreSql)
        connection = await asyncpg.connect(self.server.url(self.config.database))
        try:
            async with connection.transaction():
                await connection.execute(f"LOCK TABLE {self.quoted(table)}")
                yield
        finally:
            await connection.close()


async def on_sqlite(request: pytest.FixtureRequest, folder: Path) -> Vendor:
    return SqliteFile(folder)


async def on_mariadb(request: pytest.FixtureRequest, folder: Path, charset: str = "utf8mb4") -> OnMariaDb:
    server: MariaDb = request.getfixturevalue("mariadb")
    database = await server.create_database(charset)
    return OnMariaDb("mysql", server, database, await server.create_user(database, ""), folder)


async def on_postgresql(request: pytest.FixtureRequest, folder: Path) -> OnPostgreSql:
    server: PostgreSql = request.getfixturevalue("postgresql")
    database = await server.create_database()
    return OnPostgreSql("postgresql", server, database, await server.create_user(database, ""), folder)


async def on_kingbase(request: pytest.FixtureRequest, folder: Path) -> OnPostgreSql:
    """Its driver and adapter, with PostgreSQL in the place of the server that nobody may install."""
    made = await on_postgresql(request, folder)
    made.config = msgspec.structs.replace(made.config, type="kingbase")
    return made


async def on_folder(request: pytest.FixtureRequest, folder: Path) -> Exports:
    request.getfixturevalue("monkeypatch").setattr(files, "SETTLE_SECS", 0.0)
    request.getfixturevalue("monkeypatch").setattr(files, "DUTY", 1.0)
    return Exports(folder)


VENDORS: dict[str, Callable[[pytest.FixtureRequest, Path], Awaitable[Vendor]]] = {
    "sqlite": on_sqlite,
    "mysql": on_mariadb,
    "postgresql": on_postgresql,
    "kingbase": on_kingbase,
    "folder": on_folder,
}
"""Every implementation that the contract runs over, by the `type` of a mapping."""
ELSEWHERE = {"access", "sqlserver", "oracle", "dm"}
"""Adapters without a server or a writer here: tests/real/test_access.py and tests/integration/test_drivers.py."""
FILES = ["sqlite", "folder"]
SERVERS = [pytest.param(name, marks=pytest.mark.service) for name in VENDORS if name not in FILES]
WITH_GRANTS = [pytest.param(name, marks=pytest.mark.service) for name in ("mysql", "postgresql")]
"""Whose grants the adapter reads."""
only_servers = pytest.mark.parametrize("vendor", SERVERS, indirect=True)
with_locks = pytest.mark.parametrize("vendor", ["sqlite", *SERVERS], indirect=True)


# what the contract reads: two tables of a permit system ------------------------------------------------------

CASES, STEPS = "办件", "办理过程（含退件）"


def cases(vendor: Vendor) -> Table:
    columns = tuple(Column(name) for name in ("编号", "申请人", "状态", "修改时间"))
    return Table(vendor.config.dialect, CASES, columns, ("编号",))


def steps(vendor: Vendor) -> Table:
    columns = tuple(Column(name) for name in ("环节", "序 号", "编号"))
    return Table(vendor.config.dialect, STEPS, columns, ("编号", "序 号"))


def case(
    number: int, applicant: str | None = "王小明", at: str | None = None
) -> tuple[str | int | None, ...]:
    return (f"青云{number:03}", applicant, 0, at)


def text(value: Any) -> Any:
    """SQLite gives text as bytes, because it may be GBK."""
    return value.decode() if isinstance(value, bytes) else value


def keys(table: Table, rows: list[Row]) -> list[Row]:
    places = [[column.name for column in table.columns].index(name) for name in table.key]
    return [tuple(row[place] for place in places) for row in rows]


def numbers(rows: list[Row], place: int = 0) -> list[Any]:
    return [text(row[place]) for row in rows]
