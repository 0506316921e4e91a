"""What was ever seen of each source row: its newest version and digest, and which record carried it.

A file of its own beside the buffer, committed always AFTER it and with `synchronous=NORMAL`. It may therefore be
behind, never ahead: at start the buffer's tail is replayed into it, and the buffer deletes nothing that is not
in here. If it is behind what the buffer has already deleted (the file was lost, or power failed), then `floor`
lifts every further version above all that may have been given before. Rows that went meanwhile are unknown to it:
`anew` lets the hall find them, as those that were not sent again.

`dirty` rows are sent again by the next sweep although they did not change: the record that carried them was
damaged, or was not delivered before the buffer was replaced, or the hall was restored from an older backup.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import aiosqlite
import msgspec
import structlog
from msgspec import Struct

from agent.sqlfile import DamagedFileError, damage, guarded, rename, transaction, tune, whole
from common.core.record import Anew

log = structlog.get_logger()

_SCHEMA = """
CREATE TABLE IF NOT EXISTS row(id INTEGER PRIMARY KEY, tbl TEXT NOT NULL, key TEXT NOT NULL, n INTEGER NOT NULL,
    digest BLOB NOT NULL, case_key TEXT NOT NULL, gone INTEGER NOT NULL, dirty INTEGER NOT NULL,
    epoch BLOB NOT NULL, seq INTEGER NOT NULL, sum INTEGER NOT NULL, UNIQUE(tbl, key));
CREATE TABLE IF NOT EXISTS meta(k TEXT PRIMARY KEY, v BLOB NOT NULL);
"""
_PRAGMAS = ("synchronous=NORMAL", "journal_size_limit=4194304")
_UPSERT = """
INSERT INTO row(tbl, key, n, digest, case_key, gone, dirty, epoch, seq, sum) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT(tbl, key) DO UPDATE SET n=excluded.n, digest=excluded.digest, case_key=excluded.case_key,
    gone=excluded.gone, dirty=excluded.dirty, epoch=excluded.epoch, seq=excluded.seq, sum=excluded.sum
"""
_SOIL = "UPDATE row SET dirty=1, sum=sum|1"
_TYPES = (str, str, int, int, bytes, str, int, int, bytes, int, int)
"""Of `_COLUMNS`: a flipped bit in a row's header makes other types of its values."""
_COLUMNS = "key, tbl, id, n, digest, case_key, gone, dirty, epoch, seq, sum"
_IN = 500
_Kept = TypeVar("_Kept")


class Known(Struct, frozen=True):
    """What the index holds of a row."""

    id: int
    version: int
    digest: bytes
    case_key: str
    gone: bool
    dirty: bool


class Former(Struct, array_like=True, frozen=True):
    """How far the hall held an epoch, and its chain value there. `newest`: the highest number that was in the index."""

    epoch: bytes
    seq: int
    chain: bytes
    newest: int = 0


class Seen(Struct, frozen=True):
    """A version that the buffer has just taken under number `seq`."""

    table: str
    key: str
    version: int
    digest: bytes
    case_key: str
    gone: bool
    seq: int
    dirty: bool = False  # to be sent again


class Index:
    """Made by `Index.open`. `indexed`: the highest number of the buffer that is in here."""

    def __init__(self, path: Path, epoch: bytes) -> None:
        self.path = path
        self.epoch = epoch
        self.indexed = 0
        self.floor = 0
        self.anew: Anew | None = None
        """Where the index began: what a walk from now on meets is sent, or was, from there on."""
        self.former: Former | None = None
        """The epoch before this one, while its end is not signed."""
        self.ended: list[Former] = []
        """Epochs that were set aside before all was delivered, oldest first, until that is salvaged."""
        self._acknowledged = 0
        self._damaged = False
        self._lock = asyncio.Lock()
        self._db: aiosqlite.Connection

    @classmethod
    async def open(cls, path: Path, epoch: bytes) -> Self:
        """Open or create. A new epoch of the buffer: what the old one did not deliver becomes dirty.

        A file that is damaged is set aside: everything is read again. Raises BufferFullError on a full disk.
        """
        index = cls(path, epoch)
        try:
            await index._open()
        except DamagedFileError:
            await index.close()
            index._damaged = False
            await index._open()
        except BaseException:
            await index.close()
            raise
        return index

    async def _open(self) -> None:
        with self._guarded():
            self._db = await aiosqlite.connect(self.path, isolation_level=None)
            await tune(self._db, _PRAGMAS)
            await self._db.executescript(_SCHEMA)
        meta = {name: self._meta(name, raw) for name, raw in await self._all("SELECT k, v FROM meta")}
        if meta.get("epoch") != self.epoch:
            await self._begin_epoch(meta)
            return
        self.indexed, self.floor = int(meta["indexed"]), int(meta["floor"])
        self._acknowledged = int(meta["acknowledged"])
        self.former = _decoded(meta.get("former"), Former)
        self.anew = _decoded(meta.get("anew"), Anew)
        self.ended = _decoded(meta.get("ended"), list[Former]) or []

    async def _begin_epoch(self, meta: dict[str, bytes]) -> None:
        before, acknowledged = meta.get("epoch"), int(meta.get("acknowledged", b"0"))
        former, anew = _decoded(meta.get("former"), Former), _decoded(meta.get("anew"), Anew)
        if before is not None and meta.get("chain"):
            former = Former(before, acknowledged, meta["chain"])
        ended = _decoded(meta.get("ended"), list[Former]) or []
        if before is not None:
            ended.append(Former(before, acknowledged, meta.get("chain", b""), int(meta["indexed"])))
        if before is None or (anew is not None and anew.epoch == before and not acknowledged):
            anew = Anew(self.epoch, 0)  # of the epoch before the hall may never have heard
        async with self._transaction():
            await self._db.execute(f"{_SOIL} WHERE epoch=? AND seq>?", (before, acknowledged))
            await self._set(epoch=self.epoch, indexed=b"0", floor=b"0", acknowledged=b"0", chain=b"")
            await self._set(former=_encoded(former), anew=_encoded(anew), ended=_encoded(ended))
        self.former, self.anew, self.ended = former, anew, ended

    async def close(self) -> None:
        await self._db.close()
        if self._damaged:
            rename(self.path, self.path.with_name(f"{self.path.name}.damaged"))
            log.error("index.replaced", hint="无需处理，正从数据源重读")

    @whole
    async def lift(self, newest: int) -> None:
        """Numbers were deleted that the index never had: further versions start above `newest`.

        Every row is sent again: what the hall holds of it may be a version that is not in here.
        """
        anew = Anew(self.epoch, newest)
        async with self._lock, self._transaction():
            await self._set(floor=str(newest).encode(), anew=_encoded(anew))
            await self._db.execute(_SOIL)
        self.floor, self.anew = newest, anew

    async def known(self, table: str, keys: Sequence[str]) -> dict[str, Known]:
        found: dict[str, Known] = {}
        for start in range(0, len(keys), _IN):
            part = keys[start : start + _IN]
            places = ",".join("?" * len(part))
            sql = f"SELECT {_COLUMNS} FROM row WHERE tbl=? AND key IN ({places})"  # noqa: S608
            for row in await self._all(sql, (table, *part)):
                if row[0] in found:
                    raise self._broken(f"主键 {row[0]} 有两行")
                found[row[0]] = self._known(row)
        return found

    @whole
    async def commit(self, rows: Iterable[Seen], indexed: int) -> None:
        """Remember versions that the buffer has committed; `indexed` is the last of their numbers.

        What is replayed from below the floor is sent again too: `anew` says so of every row.
        """
        values = []
        for row in rows:
            dirty = row.dirty or row.seq <= self.floor
            facts = row.version, row.digest, row.case_key, row.gone, dirty, self.epoch, row.seq
            values.append((row.table, row.key, *facts, _sum(row.table, row.key, *facts)))
        async with self._lock, self._transaction():
            await self._db.executemany(_UPSERT, values)
            await self._set(indexed=str(indexed).encode())
        self.indexed = indexed

    async def newest_id(self) -> int:
        """Rows that are new from now on get a higher id."""
        found = await self._all("SELECT coalesce(max(id), 0) FROM row")
        return next(int(row[0]) for row in found)

    async def unseen(
        self, table: str, seen: bytearray, between: tuple[int, int], limit: int
    ) -> list[tuple[str, Known]]:
        """Rows of `table` with id in (lo, hi], in id order, that a sweep should have met but has not.

        `seen` has one bit per id. Rows known to be gone are met no more, unless their deletion must be repeated.
        """
        sql = (
            f"SELECT {_COLUMNS} FROM row "  # noqa: S608
            "WHERE id>? AND id<=? AND tbl=? AND (gone=0 OR dirty=1) ORDER BY id"
        )
        missing: list[tuple[str, Known]] = []
        with self._guarded():
            async with self._db.execute(sql, (*between, table)) as cursor:
                async for row in cursor:
                    if _bit(seen, row[2]):
                        continue
                    missing.append((row[0], self._known(row)))
                    if len(missing) == limit:
                        break
        return missing

    def _known(self, row: Sequence[Any]) -> Known:
        """Raises DamagedFileError where a bit of the row has changed: SQLite itself does not notice."""
        key, table, number, version, digest, case_key, gone, dirty, epoch, seq, total = row
        facts = version, digest, case_key, gone, dirty, epoch, seq
        if tuple(map(type, row)) != _TYPES or total != _sum(table, key, *facts):
            raise self._broken(f"第 {number} 行与其校验不符")
        return Known(number, version, digest, case_key, bool(gone), bool(dirty))

    async def check_found(self, table: str, missing: Sequence[tuple[str, Known]]) -> None:
        """Rows that a walk along ids brought must be found by their keys too. Raises DamagedFileError."""
        known = await self.known(table, [key for key, _ in missing])
        for key, old in missing:
            if key not in known or known[key].id != old.id:
                raise self._broken(f"第 {old.id} 行按主键找不到")

    @whole
    async def forget_range(self, epoch: bytes, lo: int, hi: int) -> None:
        """The records lo..hi of `epoch` are lost: what they carried is sent again by the next sweep."""
        async with self._lock, self._transaction():
            await self._db.execute(f"{_SOIL} WHERE epoch=? AND seq BETWEEN ? AND ?", (epoch, lo, hi))

    @whole
    async def forget_all(self) -> None:
        """Nothing can be relied on to be in the hall: every row is sent again by the next sweep."""
        anew = Anew(self.epoch, self.floor)
        async with self._lock, self._transaction():
            await self._db.execute(_SOIL)
            await self._set(anew=_encoded(anew))
        self.anew = anew

    @whole
    async def note_acknowledged(self, epoch: bytes, upto: int, chain: bytes) -> None:
        """The hall holds everything up to `upto`, whose chain value is `chain` (empty: lost).

        Remembered for the case that the buffer is lost.
        """
        if epoch != self.epoch or upto <= self._acknowledged:
            return
        async with self._lock, self._transaction():
            await self._set(acknowledged=str(upto).encode(), chain=chain)
        self._acknowledged = upto

    @whole
    async def former_signed(self) -> None:
        """The buffer has taken the checkpoint of the epoch before."""
        async with self._lock, self._transaction():
            await self._set(former=b"")
        self.former = None

    @whole
    async def settled(self, epoch: bytes) -> None:
        """Nothing more comes of an epoch that was set aside."""
        left = [item for item in self.ended if item.epoch != epoch]
        async with self._lock, self._transaction():
            await self._set(ended=_encoded(left))
        self.ended = left

    async def _set(self, **values: bytes) -> None:
        await self._db.executemany(
            "INSERT INTO meta VALUES(?, ?) ON CONFLICT(k) DO UPDATE SET v=excluded.v",
            [(name, _meta_sum(name, value) + value) for name, value in values.items()],
        )

    def _meta(self, name: str, raw: bytes) -> bytes:
        """A value behind its checksum. Raises DamagedFileError."""
        if not isinstance(raw, bytes) or raw[:4] != _meta_sum(name, raw[4:]):
            raise self._broken(f"{name} 与其校验不符")
        return raw[4:]

    async def _all(self, sql: str, args: Sequence[object] = ()) -> list[Any]:
        with self._guarded():
            return list(await self._db.execute_fetchall(sql, args))

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[None]:
        with self._guarded():
            async with transaction(self._db):
                yield

    def _guarded(self) -> AbstractContextManager[None]:
        return guarded(self.path, _nothing, self._broken)

    def _broken(self, fault: str) -> DamagedFileError:
        self._damaged = True
        return damage(self.path, fault)


def _sum(
    table: str,
    key: str,
    version: int,
    digest: bytes,
    case_key: str,
    gone: int,
    dirty: int,
    epoch: bytes,
    seq: int,
) -> int:
    """Of a row: CRC-32 of what it says, and in the lowest bit whether it is dirty, which changes by itself."""
    text = f"{table}|{key}|{version}|{case_key}|{int(gone)}|{seq}|".encode("utf-8", "surrogatepass")
    return zlib.crc32(digest + epoch, zlib.crc32(text)) << 1 | int(dirty)


def _meta_sum(name: str, value: bytes) -> bytes:
    return zlib.crc32(value, zlib.crc32(name.encode("utf-8", "surrogatepass"))).to_bytes(4, "big")


def _encoded(value: object) -> bytes:
    return b"" if value is None else msgspec.msgpack.encode(value)


def _decoded(raw: bytes | None, kind: type[_Kept]) -> _Kept | None:
    return msgspec.msgpack.decode(raw, type=kind) if raw else None


def _nothing() -> None:
    """The buffer gives up the ballast: it is written before the index."""


def mark(seen: bytearray, number: int) -> None:
    """Set the bit of `number`, growing as needed: a sweep of a million rows costs 125 kB."""
    place = number >> 3
    if place >= len(seen):
        seen.extend(bytes(place + 1024 - len(seen)))
    seen[place] |= 1 << (number & 7)


def _bit(seen: bytearray, number: int) -> Any:
    place = number >> 3
    return place < len(seen) and seen[place] & (1 << (number & 7))
