"""A SQLite file: opened read-only for each page and closed after it, so that the vendor's writer never waits long.

A half-read cursor holds a lock that the writer meets as "database is locked": every page is read whole. All text
comes as the bytes that are stored, because old software stores GBK where SQLite believes in UTF-8. A file that
was replaced (restored, rotated) is noticed by itself, since nothing stays open.
"""

import asyncio
import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from agent.core.catalogue import CatalogColumn, CatalogTable, Index, assembled
from agent.core.mapping import SourceConfig
from agent.core.query import Dialect, Query, Row, table_name
from agent.source import base, lite
from common.core.errors import MingchaError, UnavailableError

PROVEN = True
"""Whether the contract suite has run against a real one; the doctor and the compatibility table say it."""
_Result = TypeVar("_Result")


class SqliteSource:
    """See base.Source."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def open(self) -> None:
        await self._run(lambda db: db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall())

    async def close(self) -> None:
        """Nothing stays open between two pages."""

    async def columns(self, table: str) -> list[str]:
        sql = f"SELECT * FROM {table_name(Dialect.SQLITE, table)} LIMIT 0"  # noqa: S608
        return await self._run(lambda db: [item[0] for item in db.execute(sql).description])

    async def fetch(self, query: Query) -> list[Row]:
        return await self._run(lambda db: db.execute(query.sql, query.params).fetchall())

    async def write_allowed(self, table: str, key: str) -> str:  # noqa: ARG002
        """A file has no grants; what protects it is `mode=ro`, which SQLite itself enforces."""
        return "" if await asyncio.to_thread(os.access, self._path, os.R_OK) else f"无权读取 {self._path}"

    async def catalogue(self) -> list[CatalogTable]:
        return await self._run(_catalogue)

    async def explain(self, query: Query) -> str:
        steps = await self.fetch(Query(f"EXPLAIN QUERY PLAN {query.sql}", query.params))
        said = [_text(step[3]) for step in steps]
        return base.plan(
            scans=any(line.startswith("SCAN") for line in said),
            sorts=any("TEMP B-TREE" in line for line in said),
        )

    async def clock(self) -> int | None:
        """A file has no clock."""
        return None

    async def hint(self, table: str) -> str | None:  # noqa: ARG002
        """Of the whole file, and of the log beside it that is written first."""
        return await asyncio.to_thread(self._written)

    async def in_flight(self, table: str) -> base.InFlight | None:  # noqa: ARG002
        return None

    async def made(self, table: str) -> str:  # noqa: ARG002
        """Of a file that another took the place of; of one that was written over, nothing is known."""
        return (await asyncio.to_thread(self._written)).partition(".")[0]

    def age_secs(self, table: str) -> float:  # noqa: ARG002
        return 0.0

    def _written(self) -> str:
        """Raises UnavailableError where the file is away."""
        try:
            found = [self._path.stat(), *_logs(self._path)]
        except OSError as error:
            raise base.no_file(self._path, self._why_not_open()) from error
        return " ".join(f"{one.st_ino}.{one.st_size}.{one.st_mtime_ns}" for one in found)

    async def _run(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        return await asyncio.to_thread(self._work, work)

    def _work(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        try:
            with closing(self._connect()) as db:
                return work(db)
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def _connect(self) -> sqlite3.Connection:
        uri = f"{self._path.absolute().as_uri()}?mode=ro"
        db = sqlite3.connect(uri, uri=True, timeout=base.LOCK_SECS, isolation_level=None)
        db.text_factory = bytes
        lite.limit(db)
        return db

    def _translated(self, error: sqlite3.Error) -> MingchaError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_CANTOPEN:
            return base.no_file(self._path, self._why_not_open())
        if code == sqlite3.SQLITE_NOTADB:
            return UnavailableError(f"{self._path} 不是 SQLite 数据库", hint="请核对 mapping.toml 的 path")
        return lite.translated(error, str(self._path))

    def _why_not_open(self) -> str:
        return "无权读取该文件" if self._path.exists() else "文件不存在"


def _logs(path: Path) -> list[os.stat_result]:
    """Of the write-ahead log, if there is one."""
    try:
        return [path.with_name(f"{path.name}-wal").stat()]
    except FileNotFoundError:
        return []


_OF_TABLE = 'SELECT name, type, "notnull", pk FROM pragma_table_info(?)'


def _catalogue(db: sqlite3.Connection) -> list[CatalogTable]:
    """A comment behind a column's definition is kept with it: SQLite stores the statement as it was written.

    Without an estimate of rows: to count them is to read the whole file.
    """
    tables: list[CatalogTable] = []
    columns: list[tuple[str, CatalogColumn]] = []
    indexes: list[Index] = []
    listed = db.execute(
        "SELECT name, type, sql FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
    )
    for name, kind, sql in [tuple(map(_text, row)) for row in listed.fetchall()]:
        tables.append(CatalogTable(name, (), view=kind == "view"))
        try:
            info = db.execute(_OF_TABLE, (name,)).fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_ERROR:
                raise
            continue  # a view of what is no longer there, a kind of table that this SQLite does not know
        primary = tuple(_text(row[0]) for row in sorted(info, key=lambda row: row[3]) if row[3])
        for column, declared, never_null, _ in info:
            label = _text(column)
            found = re.search(rf"{re.escape(label)}[^\n]*?--[ \t]*([^\n]+)", sql)
            comment = found[1].strip() if found else ""
            nullable = not never_null and label not in primary
            columns.append((name, CatalogColumn(label, _text(declared).lower(), comment, nullable)))
        if primary:
            indexes.append(Index(name, primary, unique=True, primary=True))
        for index, unique in db.execute(
            'SELECT name, "unique" AND NOT partial FROM pragma_index_list(?)', (name,)
        ).fetchall():
            over = db.execute(
                "SELECT name FROM pragma_index_info(?) ORDER BY seqno", (_text(index),)
            ).fetchall()
            if over and None not in {row[0] for row in over}:
                indexes.append(Index(name, tuple(_text(row[0]) for row in over), unique=bool(unique)))
    return assembled(tables, columns, indexes)


def _text(value: bytes | str | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""


def from_config(config: SourceConfig, secrets_dir: Path) -> SqliteSource:  # noqa: ARG001
    """No network, no file is opened."""
    return SqliteSource(Path(config.path))
