"""Files that nobody can put a SELECT to, served as if they were a database: each table through its image.

A file is copied when it has come to rest, loaded from the copy in a thread, and served until it changes. What is written at
this moment, or cannot be read, is waited for or stops its own table with the reason.
"""

import asyncio
import hashlib
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol

import structlog
from msgspec import Struct

from agent.core.catalogue import CatalogColumn, CatalogTable
from agent.core.mapping import ROW_KEY
from agent.core.query import Query, Row
from agent.source.base import InFlight, NotYetError, SchemaError
from agent.source.image import Image, Sheet, StoppedError
from common.core.errors import words

log = structlog.get_logger()

SETTLE_SECS = 3.0
"""A file that looks the same for so long is not being written."""
OLD_SECS = 60.0
"""Nor is one that was last written so long ago."""
DUTY = 0.05
"""Share of the time that loading may take: a large file that changes all day is read now and then."""
PATIENCE_SECS = 2.0
"""A load is waited for so long; then the former image serves, or the table says that it is loading."""


_COPIES = "/var/tmp"  # noqa: S108 - without a name; /tmp may be memory


class Stamp(Struct, frozen=True):
    """A file as it was seen."""

    path: Path
    size: int
    mtime_ns: int
    inode: int


class Origin(Protocol):
    """Where tables come from: a folder, or one Access file."""

    is_live: bool
    """The file is what the vendor's software itself works on: unchanged, it is the truth of now."""

    def check(self) -> None:
        """Raises UnavailableError where it is away as a whole."""

    def find(self, table: str) -> Path:
        """The file that holds `table`. Raises SchemaError if there is none."""

    def names(self) -> list[str]:
        """Tables there are, as a mapping's `from` takes them. Raises SchemaError, UnavailableError."""

    def read(self, copy: BinaryIO, path: Path, table: str) -> AbstractContextManager[Sheet]:
        """`copy` is of the file `path`. Raises SchemaError where it is broken, UnavailableError where we lack a tool."""


class _Shelf:
    """What is known of one table."""

    def __init__(self) -> None:
        self.image: Image | None = None
        self.stamp: Stamp | None = None
        """The file that the image is of."""
        self.same_mono = 0.0
        """When the image was last seen to be the file."""
        self.waiting: tuple[Stamp, float] | None = None
        """How the file looked that is waited for, since when."""
        self.loading: asyncio.Future[Image | None] | None = None
        self.began: tuple[Stamp, float] | None = None
        """Which file is being loaded, since when."""
        self.fault: tuple[Stamp, SchemaError] | None = None
        self.not_before_mono = 0.0


class ImageSource:
    """See base.Source."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._shelves: dict[str, _Shelf] = {}
        self._stop = threading.Event()

    async def open(self) -> None:
        await asyncio.to_thread(self._origin.check)

    async def close(self) -> None:
        """Loads that are under way end; images stay, they hold nothing of the vendor's."""
        self._stop.set()
        self._stop = threading.Event()

    async def columns(self, table: str) -> list[str]:
        return (await self._image(table)).names

    async def fetch(self, query: Query) -> list[Row]:
        if not query.table:
            return await asyncio.to_thread(_of_nothing, query)
        image = await self._image(query.table)
        return await asyncio.to_thread(image.fetch, query)

    async def write_allowed(self, table: str, key: str) -> str:  # noqa: ARG002
        """Nothing of ours opens the file for writing, and it is read from a copy."""
        await self.open()
        return ""

    async def catalogue(self) -> list[CatalogTable]:
        """Tables that can be read; a file says nothing of types and keys."""
        await self.open()
        found = []
        for name in await asyncio.to_thread(self._origin.names):
            try:
                image = await self._image(name)
            except SchemaError:
                continue
            columns = tuple(CatalogColumn(column, "") for column in image.names if column != ROW_KEY)
            found.append(CatalogTable(name, columns, rows=image.rows))
        return found

    async def explain(self, query: Query) -> str:  # noqa: ARG002
        """An image gets the indexes that its queries ask for."""
        return ""

    async def clock(self) -> int | None:
        """A file has no clock."""
        return None

    async def hint(self, table: str) -> str | None:
        """Of the content that is served."""
        return (await self._image(table)).content.hex()

    async def in_flight(self, table: str) -> InFlight | None:  # noqa: ARG002
        return None

    async def made(self, table: str) -> str:  # noqa: ARG002
        return ""

    def age_secs(self, table: str) -> float:
        shelf = self._shelves.get(table)
        if shelf is None or shelf.stamp is None:
            return 0.0
        if self._origin.is_live:
            return time.monotonic() - shelf.same_mono
        return max(0.0, time.time() - shelf.stamp.mtime_ns / 1e9)

    async def _image(self, table: str) -> Image:
        """The newest image that there is. Raises SchemaError, UnavailableError."""
        shelf = self._shelves.setdefault(table, _Shelf())
        stamp = await asyncio.to_thread(self._look, table)
        if shelf.loading is None and (shelf.image is None or shelf.stamp != stamp):
            if shelf.fault is not None and shelf.fault[0] == stamp:
                raise shelf.fault[1]
            if await self._at_rest(shelf, table, stamp):
                self._begin(shelf, table, stamp)
        if shelf.loading is not None:
            await asyncio.wait({shelf.loading}, timeout=PATIENCE_SECS)
            if shelf.loading.done():
                await self._finish(shelf, table)
        if shelf.image is None:
            raise NotYetError(f"{stamp.path.name} 正在载入", hint="文件较大，载入之后自动开始采集")
        if shelf.stamp == stamp:
            shelf.same_mono = time.monotonic()
        return shelf.image

    def _look(self, table: str) -> Stamp:
        self._origin.check()
        path = self._origin.find(table)
        try:
            found = path.stat()
        except OSError as error:
            raise _unreadable(path, words(error)) from error
        return Stamp(path, found.st_size, found.st_mtime_ns, found.st_ino)

    async def _at_rest(self, shelf: _Shelf, table: str, stamp: Stamp) -> bool:
        """Whether the file is not being written. Waited for only where there is nothing else to serve."""
        if shelf.waiting is None or shelf.waiting[0] != stamp:
            shelf.waiting = (stamp, time.monotonic())
        if time.time() - stamp.mtime_ns / 1e9 >= OLD_SECS:
            return time.monotonic() >= shelf.not_before_mono
        if shelf.image is not None:
            rested = time.monotonic() - shelf.waiting[1] >= SETTLE_SECS
            return rested and time.monotonic() >= shelf.not_before_mono
        await asyncio.sleep(max(0.0, shelf.waiting[1] + SETTLE_SECS - time.monotonic()))
        if await asyncio.to_thread(self._look, table) != stamp:
            raise NotYetError(f"{stamp.path.name} 正在写入", hint="写完之后自动开始采集")
        return True

    def _begin(self, shelf: _Shelf, table: str, stamp: Stamp) -> None:
        thread = ThreadPoolExecutor(1, f"image {table}")
        shelf.began = (stamp, time.monotonic())
        shelf.loading = asyncio.get_running_loop().run_in_executor(
            thread, _loaded, self._origin, table, stamp, shelf.image, self._stop
        )
        thread.shutdown(wait=False)

    async def _finish(self, shelf: _Shelf, table: str) -> None:
        assert shelf.loading is not None
        assert shelf.began is not None
        done, (stamp, began) = shelf.loading, shelf.began
        former, shelf.loading = shelf.image, None
        shelf.not_before_mono = time.monotonic() + (time.monotonic() - began) * (1 / DUTY - 1)
        try:
            image = done.result()
        except StoppedError:
            return
        except _UnreadableError:
            raise
        except SchemaError as error:
            shelf.image, shelf.stamp, shelf.fault = None, None, (stamp, error)
            await _closed(former)
            raise
        if image is None:
            return
        shelf.image, shelf.stamp, shelf.fault, shelf.waiting = image, stamp, None, None
        if image is not former:
            log.info("image.loaded", table=table, rows=image.rows, how=image.how)
            await _closed(former)


async def _closed(image: Image | None) -> None:
    if image is not None:
        await asyncio.to_thread(image.close)


def _of_nothing(query: Query) -> list[Row]:
    image = Image()
    try:
        return image.fetch(query)
    finally:
        image.close()


def _loaded(
    origin: Origin, table: str, stamp: Stamp, former: Image | None, stop: threading.Event
) -> Image | None:
    """In a thread of its own. `former` for a file that was only touched, None for one that is being written."""
    try:
        with stamp.path.open("rb") as file, tempfile.TemporaryFile(dir=_COPIES) as copy:
            content = _copied(file, copy, stop)
            seen = stamp.path.stat()
            if (seen.st_size, seen.st_mtime_ns) != (stamp.size, stamp.mtime_ns):
                return None
            if former is not None and former.content == content:
                return former
            image = Image()
            try:
                with origin.read(copy, stamp.path, table) as found:
                    image.load(found, table, stop)
            except BaseException:
                image.close()
                raise
            image.content = content
            return image
    except OSError as error:
        raise _unreadable(stamp.path, words(error)) from error


def _copied(file: BinaryIO, copy: BinaryIO, stop: threading.Event) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    while part := file.read(1 << 20):
        if stop.is_set():
            raise StoppedError
        digest.update(part)
        copy.write(part)
    copy.seek(0)
    return digest.digest()


class _UnreadableError(SchemaError):
    """The file cannot be opened now; the same may be possible in a moment."""


def _unreadable(path: Path, why: str) -> _UnreadableError:
    hint = "请检查文件的权限，或是否被别的程序占用；程序会自动重试"
    return _UnreadableError(f"读不了 {path.name}：{why}", hint=hint)
