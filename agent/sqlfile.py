"""What buffer and index have in common as SQLite files of the box: one writer, and errors told apart by their cure.

A file that cannot take more (full disk, quota, read-only) is waited for. One whose pages are damaged is of no use
any more: it is renamed, never deleted, and the process begins again without it; everything in it that the hall
does not hold is read again from the source.
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
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class BufferFullError(UnavailableError):
    """Nothing more can be written. The position has not moved: the office's own database keeps the rows."""


class DamagedFileError(MingchaError):
    """The file was renamed; a new one is made at the next start."""


@contextmanager
def guarded(path: Path, full: Callable[[], None], damaged: Callable[[], None]) -> Iterator[None]:
    """Translate what SQLite says of the file at `path`, after `full` or `damaged` has done its part."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", -1) & 0xFF
        if code in _FULL:
            full()
            raise BufferFullError(
                f"缓存写不进去：{path.name}（{error}）", hint="请清理磁盘空间，之后自动恢复"
            ) from error
        if code in _DAMAGED:
            damaged()
            raise DamagedFileError(
                f"{path} 已损坏：{error}", hint="坏文件已改名保留；程序重启后从数据源重读，不会缺失"
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


def set_aside(path: Path, kept: Path) -> None:
    """Rename a database with its WAL; nothing is deleted."""
    for suffix in ("", "-wal", "-shm"):
        old = path.with_name(path.name + suffix)
        if old.exists():
            old.rename(kept.with_name(kept.name + suffix))
