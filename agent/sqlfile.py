"""What buffer and index have in common as SQLite files of the box: one writer, and errors told apart by their cure.

A file that cannot take more (full disk, quota, read-only, a failed write) is waited for. One whose pages are damaged
or cannot be read is of no use any more: it is renamed, never deleted, and the work begins again without it.
"""

import asyncio
import functools
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import aiosqlite

from common.core.errors import MingchaError, UnavailableError

_Args = ParamSpec("_Args")
_Result = TypeVar("_Result")
_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
_DAMAGED = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_SCHEMA,
}
"""The last four too: our statements are fixed and nobody else writes, so only a file that has changed by itself refuses
one: a number that is there twice, a table that has lost its name."""
_UNREADABLE = {
    sqlite3.SQLITE_IOERR_READ,
    sqlite3.SQLITE_IOERR_SHORT_READ,
    sqlite3.SQLITE_IOERR_CORRUPTFS,
    sqlite3.SQLITE_IOERR_DATA,
}
"""Errors of input and output that waiting does not mend; the others come from writing, as a full disk's do."""

_NO_TEXT = "Could not decode to UTF-8"
"""The driver's own words, without a code: other bytes stand where there was a text, or its type has changed."""


class BufferFullError(UnavailableError):
    """Nothing more can be written. The position has not moved: the office's own database keeps the rows."""


class ReopenError(MingchaError):
    """Buffer and index must be closed and opened anew; the process need not end."""


class DamagedFileError(ReopenError):
    """The file is of no use any more. Whoever closes it sets it aside; another takes its place."""


def damage(path: Path, fault: str) -> DamagedFileError:
    return DamagedFileError(f"{path} 已损坏：{fault}", hint="坏文件将改名保留，换用新文件")


@contextmanager
def guarded(
    path: Path, full: Callable[[], None], damaged: Callable[[str], DamagedFileError]
) -> Iterator[None]:
    """Translate what SQLite says of the file at `path`: after `full`, or into what `damaged` makes of its words."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", -1)
        if code & 0xFF in _DAMAGED or code in _UNREADABLE or _NO_TEXT in str(error):
            raise damaged(str(error)) from error
        if code & 0xFF in _FULL:
            full()
            raise BufferFullError(
                f"缓存写不进去：{path.name}（{error}）", hint="请清理磁盘空间，之后自动恢复"
            ) from error
        raise


async def tune(db: aiosqlite.Connection, pragmas: Iterable[str]) -> None:
    """Settings that SQLite keeps per connection: those of every file of the box, then the file's own."""
    for pragma in (
        "busy_timeout=10000",
        "journal_mode=WAL",
        "cell_size_check=ON",
        "trusted_schema=OFF",
        *pragmas,
    ):
        await db.execute(f"PRAGMA {pragma}")


@asynccontextmanager
async def transaction(db: aiosqlite.Connection) -> AsyncIterator[None]:
    """BEGIN IMMEDIATE .. COMMIT, or nothing."""
    try:
        await db.execute("BEGIN IMMEDIATE")
        yield
        await db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            await db.execute("ROLLBACK")
        raise


def whole(
    write: Callable[_Args, Coroutine[Any, Any, _Result]],
) -> Callable[_Args, Coroutine[Any, Any, _Result]]:
    """Decorates a write: it runs to its end although its caller is cancelled (a lost line, a stop).

    Cut off in the middle, the statement runs on in the driver's thread: a transaction stays open, or is committed
    and this object does not know.
    """

    @functools.wraps(write)
    async def run(*args: _Args.args, **kwargs: _Args.kwargs) -> _Result:
        task = asyncio.create_task(write(*args, **kwargs))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # heard, and of no more use
            raise

    return run


def rename(path: Path, to: Path, suffixes: Iterable[str] = ("", "-wal", "-shm")) -> None:
    """Rename a database with what belongs to it."""
    for suffix in suffixes:
        old = path.with_name(path.name + suffix)
        if old.exists():
            old.replace(to.with_name(to.name + suffix))
