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
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import aiosqlite
import msgspec
import structlog

from agent.core.drift import Columns
from agent.core.indexed import Former, Known, Seen, checksum
from agent.core.proof import Met, Walked
from agent.core.upheaval import Upheaval
from agent.sqlfile import DamagedFileError, damage, guarded, rename, transaction, tune, whole
from common.core.record import Anew

log = structlog.get_logger()

_SCHEMA = """
CREATE TABLE IF NOT EXISTS row(id INTEGER PRIMARY KEY, tbl TEXT NOT NULL, key TEXT NOT NULL, n INTEGER NOT NULL,
    digest BLOB NOT NULL, case_key TEXT NOT NULL, gone INTEGER NOT NULL, dirty INTEGER NOT NULL,
    epoch BLOB NOT NULL, seq INTEGER NOT NULL, ends INTEGER NOT NULL, at INTEGER NOT NULL, sum INTEGER NOT NULL,
    UNIQUE(tbl, key));
CREATE INDEX IF NOT EXISTS row_case ON row(case_key);
CREATE INDEX IF NOT EXISTS row_open ON row(case_key) WHERE tbl='case' AND gone=0 AND ends=0;
CREATE TABLE IF NOT EXISTS meta(k TEXT PRIMARY KEY, v BLOB NOT NULL);
"""
_PRAGMAS = ("synchronous=NORMAL", "journal_size_limit=4194304", "cache_size=-1000")
_UPSERT = """
INSERT INTO row(tbl, key, n, digest, case_key, gone, dirty, epoch, seq, ends, at, sum)
VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT(tbl, key) DO UPDATE SET n=excluded.n, digest=excluded.digest, case_key=excluded.case_key,
    gone=excluded.gone, dirty=excluded.dirty, epoch=excluded.epoch, seq=excluded.seq, ends=excluded.ends,
    at=excluded.at, sum=excluded.sum
"""
_SOIL = "UPDATE row SET dirty=1, sum=sum|1"
_TYPES = (str, str, int, int, bytes, str, int, int, bytes, int, int, int, int)
"""Of `_COLUMNS`: a flipped bit in a row's header makes other types of its values."""
_COLUMNS = "key, tbl, id, n, digest, case_key, gone, dirty, epoch, seq, ends, at, sum"
_WALKED = "walked."
_COLUMNS_OF = "columns."
_UPHEAVAL = "upheaval."
_IN = 500
_THERE = "(gone=0 OR dirty=1)"
_SCAN = 2_000
"""Ids that one look at the file brings."""
_Kept = TypeVar("_Kept")


class Index:
    """Made by `Index.open`. `indexed`: the highest number of the buffer that is in here."""

    def __init__(self, path: Path, epoch: bytes) -> None:
        self.path = path
        self.epoch = epoch
        self.indexed = 0
        self.floor = 0
        """No version is given that is not above it."""
        self.lifted = 0
        self.anew: Anew | None = None
        """Where the index began: what a walk from now on meets is sent, or was, from there on."""
        self.former: Former | None = None
        """The epoch before this one, while its end is not signed."""
        self.ended: list[Former] = []
        """Epochs that were set aside before all was delivered, oldest first, until that is salvaged."""
        self.walked: dict[str, Walked] = {}
        """Table -> its last finished walk."""
        self.upheavals: dict[str, Upheaval] = {}
        """Table -> one that had been noticed, and was not over, when the file was opened."""
        self.columns: dict[str, Columns] = {}
        """Table -> the columns that were seen in its source."""
        self.soiled = 0
        """How often rows were marked to be sent again since the start."""
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
        self.walked = _by_table(meta, _WALKED, Walked)
        self.upheavals = _by_table(meta, _UPHEAVAL, Upheaval)
        self.columns = _by_table(meta, _COLUMNS_OF, Columns)
        if meta.get("epoch") != self.epoch:
            await self._begin_epoch(meta)
            return
        self.indexed, self.floor, self.lifted = (int(meta[name]) for name in ("indexed", "floor", "lifted"))
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
            await self._soil(" WHERE epoch=? AND seq>?", before, acknowledged)
            await self._set(
                epoch=self.epoch, indexed=b"0", floor=b"0", lifted=b"0", acknowledged=b"0", chain=b""
            )
            await self._set(former=_encoded(former), anew=_encoded(anew), ended=_encoded(ended))
        self.former, self.anew, self.ended = former, anew, ended

    async def close(self) -> None:
        await self._db.close()
        if self._damaged:
            rename(self.path, self.path.with_name(f"{self.path.name}.damaged"))
            log.error("index.replaced", hint="无需处理，正从数据源重读")

    @whole
    async def lift(self, newest: int, top: int) -> None:
        """Numbers up to `newest` were deleted that the index never had: further versions start above `top`.

        Every row is sent again: what the hall holds of it may be a version that is not in here.
        """
        anew = Anew(self.epoch, top)
        async with self._lock, self._transaction():
            await self._set(floor=str(top).encode(), lifted=str(newest).encode(), anew=_encoded(anew))
            await self._soil()
        self.floor, self.lifted, self.anew = top, newest, anew

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
    async def commit(self, rows: Sequence[Seen], indexed: int) -> None:
        """Remember versions that the buffer has committed; `indexed` is the last of their numbers.

        What is replayed from what was lifted is sent again too: `anew` says so of every row.
        """
        values = []
        for row in rows:
            dirty = row.dirty or row.seq <= self.lifted
            facts = (
                row.version,
                row.digest,
                row.case_key,
                row.gone,
                dirty,
                self.epoch,
                row.seq,
                row.ends,
                row.at,
            )
            values.append((row.table, row.key, *facts, checksum(row.table, row.key, *facts)))
        async with self._lock, self._transaction():
            await self._db.executemany(_UPSERT, values)
            await self._set(indexed=str(indexed).encode())
        self.indexed = indexed
        self.soiled += any(row.dirty or row.seq <= self.lifted for row in rows)

    async def newest_id(self) -> int:
        """Rows that are new from now on get a higher id."""
        found = await self._all("SELECT coalesce(max(id), 0) FROM row")
        return next(int(row[0]) for row in found)

    async def unseen(
        self, table: str, met: Met, between: tuple[int, int], limit: int
    ) -> list[tuple[str, Known]]:
        """Rows of `table` with id in (lo, hi], in id order, that a sweep should have met but has not: `limit` at most."""
        sql = f"SELECT id FROM row NOT INDEXED WHERE id>? AND id<=? AND tbl=? AND {_THERE} ORDER BY id LIMIT {_SCAN}"  # noqa: S608
        (lo, hi), missing = between, list[int]()
        while len(missing) < limit:
            ids = [row[0] for row in await self._all(sql, (lo, hi, table))]
            missing += met.lacks(ids)
            if len(ids) < _SCAN:
                break
            lo = ids[-1]
        return await self.there(table, missing[:limit])

    async def there(self, table: str, ids: Sequence[int]) -> list[tuple[str, Known]]:
        """Of these ids, in order, the rows of `table` that should be in the source.

        Rows known to be gone are not, unless their deletion must be repeated.
        """
        places = ",".join("?" * len(ids))
        sql = f"SELECT {_COLUMNS} FROM row WHERE id IN ({places}) AND tbl=? AND {_THERE} ORDER BY id"  # noqa: S608
        return [(row[0], self._known(row)) for row in await self._all(sql, (*ids, table))]

    async def open_cases(self, after: str, limit: int) -> list[str]:
        """Keys of cases of which no row says that they have ended, in order, behind `after`."""
        sql = (
            "SELECT DISTINCT case_key FROM row AS r INDEXED BY row_open WHERE tbl='case' AND gone=0 AND ends=0 AND case_key>? AND NOT EXISTS "
            "(SELECT 1 FROM row AS e WHERE e.case_key=r.case_key AND e.ends=1 AND e.gone=0) ORDER BY case_key LIMIT ?"
        )
        return [row[0] for row in await self._all(sql, (after, limit))]

    async def rows_of(self, table: str, cases: Sequence[str]) -> dict[str, Known]:
        """Key -> row of `table` that belongs to one of `cases` and is there."""
        places = ",".join("?" * len(cases))
        sql = f"SELECT {_COLUMNS} FROM row INDEXED BY row_case WHERE case_key IN ({places}) AND tbl=? AND gone=0"  # noqa: S608
        return {row[0]: self._known(row) for row in await self._all(sql, (*cases, table))}

    async def newest(self, table: str, limit: int) -> dict[str, Known]:
        """Key -> row of `table` that is there, of those the index met last; of rows long before, none."""
        sql = (
            f"SELECT {_COLUMNS} FROM row NOT INDEXED "  # noqa: S608
            "WHERE id>(SELECT max(id) FROM row)-100000 AND tbl=? AND gone=0 ORDER BY id DESC LIMIT ?"
        )
        return {row[0]: self._known(row) for row in await self._all(sql, (table, limit))}

    async def keys(self, table: str, limit: int) -> list[str]:
        """Of rows of `table` that are there."""
        sql = "SELECT key FROM row WHERE tbl=? AND gone=0 LIMIT ?"
        return [row[0] for row in await self._all(sql, (table, limit))]

    async def count(self, table: str) -> int:
        """Rows of `table` that are there."""
        found = await self._all("SELECT count(*) FROM row WHERE tbl=? AND gone=0", (table,))
        return next(int(row[0]) for row in found)

    @whole
    async def note_walk(self, table: str, walked: Walked) -> None:
        """A walk of `table` has come to its end, and an upheaval of it with that."""
        async with self._lock, self._transaction():
            await self._set(**{f"{_WALKED}{table}": _encoded(walked), f"{_UPHEAVAL}{table}": b""})
        self.walked[table] = walked

    @whole
    async def note_upheaval(self, table: str, found: Upheaval | None) -> None:
        """One was noticed, told, or was none."""
        async with self._lock, self._transaction():
            await self._set(**{f"{_UPHEAVAL}{table}": _encoded(found)})

    @whole
    async def note_columns(self, table: str, columns: Columns) -> None:
        """What was seen of a table's columns; what is new among them is in the buffer."""
        async with self._lock, self._transaction():
            await self._set(**{f"{_COLUMNS_OF}{table}": _encoded(columns)})
        self.columns[table] = columns

    def _known(self, row: Sequence[Any]) -> Known:
        """Raises DamagedFileError where a bit of the row has changed: SQLite itself does not notice."""
        key, table, number, version, digest, case_key, gone, dirty, epoch, seq, ends, at, total = row
        facts = version, digest, case_key, gone, dirty, epoch, seq, ends, at
        if tuple(map(type, row)) != _TYPES or total != checksum(table, key, *facts):
            raise self._broken(f"第 {number} 行与其校验不符")
        return Known(number, version, digest, case_key, bool(gone), bool(dirty), bool(ends), at)

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
            await self._soil(" WHERE epoch=? AND seq BETWEEN ? AND ?", epoch, lo, hi)

    @whole
    async def forget_all(self) -> None:
        """Nothing can be relied on to be in the hall: every row is sent again by the next sweep."""
        anew = Anew(self.epoch, self.floor)
        async with self._lock, self._transaction():
            await self._soil()
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

    async def _soil(self, which: str = "", *args: object) -> None:
        """Inside a transaction: these rows are sent again."""
        self.soiled += 1
        await self._db.execute(_SOIL + which, args)

    async def _set(self, **values: bytes) -> None:
        await self._db.executemany(
            "INSERT INTO meta VALUES(?, ?) ON CONFLICT(k) DO UPDATE SET v=excluded.v",
            [(name, _meta_sum(name, value) + value) for name, value in values.items()],
        )

    def _meta(self, name: str, raw: bytes) -> bytes:
        """A value behind its checksum. Raises DamagedFileError."""
        found = value(name, raw)
        if found is None:
            raise self._broken(f"{name} 与其校验不符")
        return found

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


def _meta_sum(name: str, value: bytes) -> bytes:
    return zlib.crc32(value, zlib.crc32(name.encode("utf-8", "surrogatepass"))).to_bytes(4, "big")


def value(name: str, raw: object) -> bytes | None:
    """Of a row of `meta`: what stands behind its checksum; None where that does not fit."""
    return raw[4:] if isinstance(raw, bytes) and raw[:4] == _meta_sum(name, raw[4:]) else None


def _encoded(value: object) -> bytes:
    return b"" if value is None else msgspec.msgpack.encode(value)


def _decoded(raw: bytes | None, kind: type[_Kept]) -> _Kept | None:
    return msgspec.msgpack.decode(raw, type=kind) if raw else None


def _by_table(meta: dict[str, bytes], prefix: str, kind: type[_Kept]) -> dict[str, _Kept]:
    found = {name.removeprefix(prefix): raw for name, raw in meta.items() if name.startswith(prefix) and raw}
    return {table: msgspec.msgpack.decode(raw, type=kind) for table, raw in found.items()}


def _nothing() -> None:
    """The buffer gives up the ballast: it is written before the index."""
