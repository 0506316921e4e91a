"""The segment that is written: a SQLite file with sealed records, and with each of its transactions where the epoch stands.

That state is one sealed row: whatever bit of it is flipped, it does not open, and the file is known to be damaged.
A new segment is made whole under another name before it takes its place, so that there is never half of one.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self

import aiosqlite
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from agent import files
from agent import label as labels
from agent.core.pages import PAGE_BYTES
from agent.label import Label
from agent.sqlfile import DamagedFileError, ReopenError, damage, guarded, transaction, tune
from common.core import crypto
from common.core.crypto import DamagedError
from common.core.errors import ConfigError
from common.core.rest import BUFFER_FORMAT, DataKey

_SCHEMA = """
CREATE TABLE outbox(seq INTEGER PRIMARY KEY, blob BLOB NOT NULL);
CREATE TABLE label(one INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE state(one INTEGER PRIMARY KEY, blob BLOB NOT NULL);
CREATE TABLE quarantine(first INTEGER PRIMARY KEY, last INTEGER NOT NULL, why TEXT NOT NULL, blob BLOB NOT NULL,
    at_wall INTEGER NOT NULL);
CREATE TABLE bad_row(tbl TEXT NOT NULL, key TEXT NOT NULL, reason TEXT NOT NULL, at_wall INTEGER NOT NULL,
    PRIMARY KEY(tbl, key));
CREATE TABLE refusal(first INTEGER NOT NULL, last INTEGER NOT NULL, code TEXT NOT NULL, at_wall INTEGER NOT NULL,
    PRIMARY KEY(first, last));
"""
_PRAGMAS = ("synchronous=FULL", "wal_autocheckpoint=100", "journal_size_limit=524288")
_CHUNK = 500
_STATE_SEQ = 0
"""The place the state is sealed to; records begin with 1."""
NOTES = {"quarantine": 5, "bad_row": 4, "refusal": 4}
"""Tables that a new segment takes over from the one before, with their columns."""


class State(Struct, array_like=True, frozen=True, kw_only=True):
    """Where the epoch stands after a transaction."""

    first: int
    """First number of this segment."""
    before: bytes
    """Chain value before it; empty if that is lost."""
    newest: int
    head: bytes
    forgotten: int
    forgotten_hash: bytes
    created_wall: int
    """When the segment was begun."""
    began: str
    """Why the epoch was begun: `new`, `damaged`, `locked`."""
    positions: dict[str, bytes] = {}
    format: int = 1
    """`BUFFER_FORMAT` of who wrote it last; the first one did not say. It is sealed: no flipped bit makes another of it."""


class LockedError(DamagedError):
    """The master key does not open this segment."""


NEWER = "数据完好，没有改动：请换回新的版本，用市中心最新的安装命令（不含令牌亦可）"
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(State)


class Segment:
    """Made by `Segment.open`; every method may raise BufferFullError or DamagedFileError, then nothing has changed."""

    def __init__(self, path: Path, full: Callable[[], None]) -> None:
        self.path = path
        self.fault = ""
        """Why it is of no use any more."""
        self.db: aiosqlite.Connection
        self.label: Label
        self.key: DataKey
        self.state: State
        self._place = (0, 0)
        self._full = full

    @classmethod
    async def open(cls, path: Path, keks: Sequence[bytes], full: Callable[[], None]) -> Self:
        """`full` is called when the disk takes no more. Raises LockedError, DamagedFileError, BufferFullError.

        ConfigError for a file in a format that is not understood: it is left as it is.
        """
        segment = cls(path, full)
        with segment._guard():
            segment.db = await aiosqlite.connect(path, isolation_level=None)
        try:
            await segment._open(keks)
        except BaseException:
            await segment.db.close()
            raise
        return segment

    async def _open(self, keks: Sequence[bytes]) -> None:
        with self._guard():
            await tune(self.db, _PRAGMAS)
        self._place, _ = self._stat()
        blobs = await self.all("SELECT CAST(blob AS BLOB) FROM state")
        inside = [row[0] for row in await self.all("SELECT CAST(body AS BLOB) FROM label")]
        if not (blobs and self._unlock(labels.copies(self.path, inside), keks, blobs[0][0])):
            raise self.broken("状态打不开")
        state, highest = self.state, int(await self.value("SELECT coalesce(max(seq), 0) FROM outbox"))
        if highest != (state.newest if state.newest >= max(state.first, state.forgotten + 1) else 0):
            raise self.broken(f"末号应为 {state.newest}，现为 {highest}")

    def _unlock(self, found: list[Label], keks: Sequence[bytes], blob: bytes) -> bool:
        """Take the label that opens the state. Raises LockedError where the master key opens none."""
        locked = bool(found)
        for label in found:
            try:
                key = labels.unlock(label, keks)
            except DamagedError:
                continue
            locked = False
            with suppress(DamagedError, msgspec.MsgspecError):
                raw = key.open((label.site, label.epoch, _STATE_SEQ), blob)[1]
                state = _decoder.decode(raw)
                if said := beyond(state.format):
                    raise ConfigError(f"{self.path} {said}", hint=NEWER)
                if state.first == label.first:  # the one word of a label that its key does not vouch for
                    self.label, self.key, self.state = label, key, state
                    return True
        if locked:
            raise LockedError(f"主密钥打不开 {self.path}")
        return False

    def size(self) -> int:
        """Bytes of the file, without what was written last. Raises ReopenError where it is no longer at its path.

        It was deleted, or another disk was mounted over it: what is written now would be gone with the next start.
        """
        place, size = self._stat()
        if place != self._place:
            raise ReopenError(f"缓存文件已不在原处：{self.path}")
        return size

    def _stat(self) -> tuple[tuple[int, int], int]:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return (0, 0), 0
        return (found.st_dev, found.st_ino), found.st_size

    def broken(self, fault: str) -> DamagedFileError:
        """The error to raise: the file is set aside when it is closed."""
        self.fault = self.fault or fault
        return damage(self.path, fault)

    def _guard(self) -> AbstractContextManager[None]:
        return guarded(self.path, self._full, self.broken)

    # writing -------------------------------------------------------------------------------------------------

    async def append(self, rows: Sequence[tuple[int, bytes]], state: State) -> None:
        """Records and the state after them, durably."""
        async with self.transaction():
            await self.put(rows, state)
        self.state = state

    async def delete(self, last: int, state: State) -> None:
        """Every record up to `last`."""
        async with self.transaction():
            await self.db.execute("DELETE FROM outbox WHERE seq<=?", (last,))
            await self.put([], state)
        self.state = state

    async def put(self, rows: Sequence[tuple[int, bytes]], state: State) -> None:
        """Inside a transaction; the caller sets `state` once it is committed."""
        if rows:
            await self.db.executemany("INSERT INTO outbox VALUES(?, ?)", rows)
        await self.db.execute("UPDATE state SET blob=?", (seal_state(self.label, self.key, state),))

    def seal(self, seq: int, chain: bytes, raw: bytes) -> bytes:
        place = (self.label.site, self.label.epoch, seq)
        return self.key.seal(place, os.urandom(crypto.NONCE_BYTES), chain, raw)

    async def rewrap(self, label: Label) -> None:
        """`label`: this segment's, with its key wrapped anew. In the file first, then beside it. May raise OSError."""
        if label == self.label:
            return
        async with self.transaction():
            await self.db.execute("UPDATE label SET body=?", (labels.encode(label),))
        labels.write(self.path, label)
        self.label = label

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        with self._guard():
            async with transaction(self.db):
                yield

    # reading -------------------------------------------------------------------------------------------------

    async def rows(self, first: int, last: int, limit: int) -> list[tuple[int, bytes]]:
        """As they are stored: a flipped bit in a row's header that makes a text of its bytes costs nothing."""
        return await self.all(
            "SELECT seq, CAST(blob AS BLOB) FROM outbox WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT ?",
            (first, last, limit),
        )

    def unseal(self, seq: int, blob: bytes) -> tuple[bytes, bytes]:
        """-> (chain, record). Raises DamagedError."""
        return self.key.open((self.label.site, self.label.epoch, seq), blob)

    async def read(self, first: int, last: int, limit: int) -> list[tuple[int, bytes, bytes]]:
        """Sound records of `first..last`, at most `limit`. -> [(seq, chain, record)]."""
        found: list[tuple[int, bytes, bytes]] = []
        while first <= last and len(found) < limit:
            rows = await self.rows(first, last, min(limit - len(found), _CHUNK))
            for seq, blob in rows:
                with suppress(DamagedError):
                    found.append((seq, *self.unseal(seq, blob)))
            first = rows[-1][0] + 1 if rows else last + 1
        return found

    async def used_bytes(self) -> int:
        pages = await self.value("SELECT page_count FROM pragma_page_count")
        return (
            int(pages) - int(await self.value("SELECT freelist_count FROM pragma_freelist_count"))
        ) * PAGE_BYTES

    async def all(self, sql: str, args: Sequence[object] = ()) -> list[Any]:
        with self._guard():
            return list(await self.db.execute_fetchall(sql, args))

    async def value(self, sql: str, *args: object) -> Any:
        return (await self.all(sql, args))[0][0]

    async def cap(self, room: int) -> None:
        """The file may not grow beyond `room` bytes: then it is like a full disk, and deleting goes on."""
        await self.all(f"PRAGMA max_page_count={max(1, room // PAGE_BYTES)}")

    async def fold(self) -> bool:
        """Move all that was written into the file itself. -> whether that was possible: nobody else may be reading."""
        return bool(await self.value("PRAGMA wal_checkpoint(TRUNCATE)") == 0)


def seal_state(label: Label, key: DataKey, state: State) -> bytes:
    place = (label.site, label.epoch, _STATE_SEQ)
    written = replace(state, format=BUFFER_FORMAT)
    return key.seal(place, os.urandom(crypto.NONCE_BYTES), state.head, _encoder.encode(written))


def beyond(number: int) -> str:
    """Why a file of this format is not touched; or empty."""
    newest = BUFFER_FORMAT + 1
    return f"是更新的版本写的（缓存格式 {number}，本版本只认到 {newest}）" if number > newest else ""


def format_of(path: Path, body: bytes, blob: bytes, keks: Sequence[bytes]) -> int:
    """Of the segment at `path`, whose label and state these are; 0 where that cannot be told."""
    for label in labels.copies(path, [body]):
        with suppress(DamagedError, msgspec.MsgspecError):
            raw = labels.unlock(label, keks).open((label.site, label.epoch, _STATE_SEQ), blob)[1]
            return _decoder.decode(raw).format
    return 0


def _next(path: Path) -> Path:
    """Where the segment that is to be at `path` is made; it is whole or not there."""
    return path.with_suffix(".next")


def adopt(path: Path) -> None:
    """The prepared segment takes its place at `path`, unless there is one: then it was prepared in vain."""
    new = _next(path)
    if path.exists():
        new.unlink(missing_ok=True)
    elif new.exists():
        labels.beside(path).unlink(missing_ok=True)
        new.replace(path)
        files.sync(path.parent)


def discard(path: Path) -> None:
    """What was prepared is not to follow what is at `path` now: its numbers may have been given since."""
    _next(path).unlink(missing_ok=True)


async def prepare(
    path: Path,
    label: Label,
    keks: Sequence[bytes],
    state: State,
    notes: Mapping[str, Iterable[Sequence[object]]],
) -> None:
    """Make the segment that is to be at `path`, for `adopt`. Raises BufferFullError; then there is none."""
    part = path.with_suffix(".part")
    for old in (_next(path), part, part.with_name(f"{part.name}-journal")):
        old.unlink(missing_ok=True)
    await _write(part, label, seal_state(label, labels.unlock(label, keks), state), notes)
    part.replace(_next(path))


async def _write(
    part: Path, label: Label, state: bytes, notes: Mapping[str, Iterable[Sequence[object]]]
) -> None:
    with guarded(part, lambda: None, lambda fault: damage(part, fault)):
        db = await aiosqlite.connect(part, isolation_level=None)
        try:
            for pragma in (f"page_size={PAGE_BYTES}", "synchronous=FULL"):
                await db.execute(f"PRAGMA {pragma}")
            await db.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
            async with transaction(db):
                await db.execute("INSERT INTO label VALUES(1, ?)", (labels.encode(label),))
                await db.execute("INSERT INTO state VALUES(1, ?)", (state,))
                for table, rows in notes.items():
                    places = ",".join("?" * NOTES[table])
                    await db.executemany(f"INSERT INTO {table} VALUES({places})", rows)
        finally:
            await db.close()
