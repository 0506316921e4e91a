"""The site's sealed buffer: what was read and not yet acknowledged by the hall's commit.

Rules: a record and the source position that led to it are one transaction, flushed to the disk
(`synchronous=FULL`); reading deletes nothing; only an acknowledgement does, through `forget`. Every record is
packed and sealed on its own (bound to site, epoch, number and key, see common.core.rest) and checked on every reading. A file that
cannot be opened, or whose key is lost, is set aside whole and a new epoch begins: start-up never depends on
old data being readable.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import IO, Any, Self

import aiosqlite
import msgspec
import structlog
from msgspec import Struct

from agent.core.rows import Stamp, statement
from agent.hold import Ballast, hold
from agent.sqlfile import DamagedFileError, guarded, set_aside, transaction, tune, whole
from common.clock import Clock
from common.core import crypto, pack, record
from common.core.errors import ConfigError
from common.core.record import Gap, Record
from common.core.rest import DataKey

log = structlog.get_logger()

_SCHEMA = """
CREATE TABLE outbox(seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, cap_wall INTEGER NOT NULL,
    dek INTEGER NOT NULL, chain BLOB NOT NULL, blob BLOB NOT NULL);
CREATE TABLE position(source TEXT PRIMARY KEY, pos BLOB NOT NULL);
CREATE TABLE dek(id INTEGER PRIMARY KEY, wrapped BLOB NOT NULL, alg TEXT NOT NULL, dict TEXT NOT NULL,
    created_wall INTEGER NOT NULL);
CREATE TABLE quarantine(seq INTEGER PRIMARY KEY, why TEXT NOT NULL, chain BLOB NOT NULL, blob BLOB NOT NULL,
    at_wall INTEGER NOT NULL);
CREATE TABLE bad_row(tbl TEXT NOT NULL, key TEXT NOT NULL, reason TEXT NOT NULL, at_wall INTEGER NOT NULL,
    PRIMARY KEY(tbl, key));
CREATE TABLE refusal(first INTEGER NOT NULL, last INTEGER NOT NULL, code TEXT NOT NULL, at_wall INTEGER NOT NULL,
    PRIMARY KEY(first, last));
CREATE TABLE meta(k TEXT PRIMARY KEY, v BLOB NOT NULL);
"""
_PRAGMAS = ("synchronous=FULL", "wal_autocheckpoint=100", "journal_size_limit=524288")
_CHUNK = 500


class BadRow(Struct, frozen=True):
    """A source row that cannot be mapped, kept aside with its reason."""

    table: str
    key: str
    reason: str
    at_wall: int


class Run(Struct, frozen=True):
    """A contiguous run of records, ready for a batch."""

    first: int
    last: int
    records: list[bytes]
    prev_hash: bytes
    last_hash: bytes


class Damaged(Struct, frozen=True):
    """A record that can never be sent."""

    seq: int
    why: str


class Figures(Struct, frozen=True):
    """What waits in the buffer."""

    rows: int
    bytes: int
    oldest_wall: int | None
    quarantined: int
    bad_rows: int


class Buffer:
    """One epoch of one site. Made by `Buffer.open`; one writer per file (a second agent is refused)."""

    def __init__(self, path: Path, site: str, clock: Clock) -> None:
        self.path = path
        self.site = site
        self.epoch = b""
        self.newest = 0
        self.forgotten = 0
        self.indexed = 0
        self.head = b""
        self.appended = asyncio.Event()
        self._hold: IO[str] | None = None
        self._clock = clock
        self._deks: dict[int, DataKey] = {}
        self._dek = 0
        self._lock = asyncio.Lock()
        self._ballast = Ballast(path.with_name("ballast"))

    @classmethod
    async def open(cls, path: Path, *, kek: bytes, site: str, sign_key: bytes, clock: Clock) -> Self:
        """Open or create the buffer at `path`.

        `kek` is the 32-byte key-encryption key, `sign_key` the box's raw public signing key.
        Raises ConfigError if another agent holds it or the folder cannot be written, BufferFullError on a full disk.
        """
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        buffer = cls(path, site, clock)
        buffer._hold = hold(path.with_name("buffer.lock"))
        try:
            await buffer._open_or_replace(kek, sign_key)
        except BaseException:
            await buffer.close()
            raise
        buffer._ballast.fill()
        return buffer

    async def _open_or_replace(self, kek: bytes, sign_key: bytes) -> None:
        try:
            await self._open(kek, sign_key)
        except (DamagedFileError, crypto.DamagedError, LookupError) as error:
            await self._db.close()
            if not isinstance(error, DamagedFileError):  # the key is lost, or the file was never finished
                self.set_aside()
            self._deks.clear()
            await self._open(kek, sign_key)

    async def _open(self, kek: bytes, sign_key: bytes) -> None:
        fresh = not self.path.exists()
        with self._guarded():
            self._db = await aiosqlite.connect(self.path, isolation_level=None)
            await tune(self._db, _PRAGMAS)
        if fresh:
            self.path.chmod(0o600)
        if await self._value("SELECT count(*) FROM sqlite_master WHERE name='meta'") == 0:
            await self._create(kek, sign_key)
        meta = {row[0]: row[1] for row in await self._all("SELECT k, v FROM meta")}
        self.epoch, self.head = meta["epoch"], meta["head"]
        self.newest, self.forgotten = int(meta["newest"]), int(meta["forgotten"])
        if meta["site"] != self.site.encode():
            raise ConfigError(
                f"缓存 {self.path} 属于站点 {meta['site'].decode()}，不是 {self.site}",
                hint="请核对 agent.toml 的 site 与 data_dir",
            )
        for key_id, wrapped, alg, dictionary in await self._all("SELECT id, wrapped, alg, dict FROM dek"):
            self._deks[key_id] = DataKey(key_id, crypto.unwrap(kek, wrapped), alg, dictionary)
        self._dek = max(self._deks)

    async def _create(self, kek: bytes, sign_key: bytes) -> None:
        epoch, dek = os.urandom(8), os.urandom(crypto.key_bytes(crypto.AT_REST))
        start = crypto.chain_start(self.site, epoch, sign_key)
        meta = {
            "site": self.site.encode(),
            "epoch": epoch,
            "head": start,
            "newest": b"0",
            "forgotten": b"0",
            "forgotten_hash": start,
        }
        wrapped = crypto.wrap(kek, dek)
        with self._guarded():
            await self._db.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
        async with self._transaction():
            await self._db.executemany("INSERT INTO meta VALUES(?, ?)", meta.items())
            data_key = (wrapped, crypto.AT_REST, pack.NEWEST, self._clock.wall())
            await self._db.execute("INSERT INTO dek VALUES(1, ?, ?, ?, ?)", data_key)

    async def close(self) -> None:
        await self._db.close()
        if self._hold is not None:
            self._hold.close()

    # writing -------------------------------------------------------------------------------------------------

    @whole
    async def append(self, records: list[Record], positions: dict[str, bytes] | None = None) -> list[int]:
        """Number, chain, seal and store `records` together with the source `positions`, durably.

        -> the numbers given. Raises BufferFullError; then nothing has changed.
        """
        async with self._lock:
            rows, head = self._numbered(records)
            async with self._transaction():
                await self._insert(rows, head)
                await self._db.executemany(
                    "INSERT INTO position VALUES(?, ?) ON CONFLICT(source) DO UPDATE SET pos=excluded.pos",
                    (positions or {}).items(),
                )
            self._taken(rows, head)
        return [row[0] for row in rows]

    def _numbered(self, records: Sequence[Record]) -> tuple[list[tuple[Any, ...]], bytes]:
        """-> (rows of the outbox, chain value at the last)."""
        head, rows = self.head, []
        for seq, item in enumerate(records, self.newest + 1):
            raw = record.encode_record(msgspec.structs.replace(item, seq=seq))
            head = crypto.chain_next(head, seq, raw)
            rows.append((seq, item.kind.value, item.cap_wall, self._dek, head, self._seal(seq, raw)))
        return rows, head

    async def _insert(self, rows: list[tuple[Any, ...]], head: bytes) -> None:
        await self._db.executemany("INSERT INTO outbox VALUES(?, ?, ?, ?, ?, ?)", rows)
        await self._set_meta({"head": head, "newest": str(self.newest + len(rows)).encode()})

    def _taken(self, rows: list[tuple[Any, ...]], head: bytes) -> None:
        """What the transaction has committed."""
        self.head, self.newest = head, self.newest + len(rows)
        if rows:
            self.appended.set()

    @whole
    async def forget(self, upto: int) -> None:
        """Delete what the hall holds: every number up to `upto`, never past what the index has (see index.py)."""
        upto = min(upto, self.indexed, self.newest)
        while self.forgotten < upto:
            async with self._lock:
                last = min(upto, self.forgotten + _CHUNK)
                chain = await self._chain_at(last)
                async with self._transaction():
                    await self._db.execute("DELETE FROM outbox WHERE seq <= ?", (last,))
                    await self._set_meta({"forgotten": str(last).encode(), "forgotten_hash": chain})
                self.forgotten = last
        self._ballast.fill()

    @whole
    async def quarantine_row(self, table: str, key: str, reason: str) -> None:
        async with self._lock, self._transaction():
            await self._db.execute(
                "INSERT INTO bad_row VALUES(?, ?, ?, ?) ON CONFLICT(tbl, key) DO UPDATE SET reason=excluded.reason",
                (table, key, reason, self._clock.wall()),
            )

    @whole
    async def cure_rows(self, rows: Iterable[tuple[str, str]]) -> None:
        async with self._lock, self._transaction():
            await self._db.executemany("DELETE FROM bad_row WHERE tbl=? AND key=?", rows)

    @whole
    async def note_refusal(self, first: int, last: int, code: str) -> None:
        """The hall keeps these numbers as dead letters; remembered here for the doctor."""
        async with self._lock, self._transaction():
            await self._db.execute(
                "INSERT OR IGNORE INTO refusal VALUES(?, ?, ?, ?)", (first, last, code, self._clock.wall())
            )

    # reading -------------------------------------------------------------------------------------------------

    async def positions(self) -> dict[str, bytes]:
        return {row[0]: row[1] for row in await self._all("SELECT source, pos FROM position")}

    async def quarantined_rows(self) -> list[BadRow]:
        rows = await self._all("SELECT tbl, key, reason, at_wall FROM bad_row ORDER BY at_wall")
        return [BadRow(*row) for row in rows]

    async def read(self, first: int, last: int, max_bytes: int) -> Run | Damaged:
        """The run that starts at `first`: as far as numbers are contiguous, sound, <= `last` and in `max_bytes`.

        A damaged record ends a run; one that *starts* it is answered alone, for `quarantine`.
        """
        rows = await self._all(
            "SELECT seq, dek, chain, blob FROM outbox WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT ?",
            (first, last, _CHUNK),
        )
        records: list[bytes] = []
        size, chain = 0, b""
        for seq, dek, link, blob in rows:
            size += len(blob)
            if seq != first + len(records) or (records and size > max_bytes):
                break
            try:
                records.append(self._unseal(seq, dek, blob))
            except crypto.DamagedError as error:
                if not records:
                    return Damaged(seq, str(error))
                break  # what is sound before it goes first
            chain = link
        if not records:
            return Damaged(first, "no such record")
        return Run(first, first + len(records) - 1, records, await self._chain_at(first - 1), chain)

    async def tail(self, after: int) -> list[Record]:
        """Every sound record above `after`, for the index to catch up with."""
        rows = await self._all("SELECT seq, dek, blob FROM outbox WHERE seq > ? ORDER BY seq", (after,))
        found = []
        for seq, dek, blob in rows:
            try:
                found.append(record.decode_record(self._unseal(seq, dek, blob)))
            except crypto.DamagedError:
                continue  # `read` quarantines it when its turn comes
        return found

    async def figures(self) -> Figures:
        """Cheap at any backlog: numbers are consecutive, so their ends and the holes give the count."""
        lowest = await self.lowest()
        holes = await self._value("SELECT count(*) FROM quarantine WHERE seq >= ?", lowest)
        pages = await self._value("SELECT page_count FROM pragma_page_count")
        free = await self._value("SELECT freelist_count FROM pragma_freelist_count")
        return Figures(
            rows=self.newest - lowest + 1 - holes,
            bytes=(pages - free) * await self._value("SELECT page_size FROM pragma_page_size"),
            oldest_wall=await self.oldest_wall(),
            quarantined=await self._value("SELECT count(*) FROM quarantine"),
            bad_rows=await self._value("SELECT count(*) FROM bad_row"),
        )

    async def oldest_wall(self) -> int | None:
        """Wall time at which the oldest waiting record was captured."""
        rows = await self._all("SELECT cap_wall FROM outbox ORDER BY seq LIMIT 1")
        return next((row[0] for row in rows), None)

    async def lowest(self) -> int:
        """Lowest number still here, or `newest + 1`."""
        return int(await self._value("SELECT coalesce(min(seq), ?) FROM outbox", self.newest + 1))

    def gap(self, lo: int, hi: int, why: str) -> Record:
        """A record that declares `lo..hi` of this epoch as never to come."""
        stamp = Stamp(self._clock.office(), self._clock.wall(), self._clock.mono())
        return statement(Gap(lo, hi, why), stamp, f"{lo}-{hi}")

    # inside --------------------------------------------------------------------------------------------------

    def _seal(self, seq: int, raw: bytes) -> bytes:
        place = (self.site, self.epoch, seq)
        return self._deks[self._dek].seal(place, os.urandom(crypto.NONCE_BYTES), raw)

    def _unseal(self, seq: int, dek: int, blob: bytes) -> bytes:
        if dek not in self._deks:
            raise crypto.DamagedError(f"no data key {dek}")
        return self._deks[dek].open((self.site, self.epoch, seq), blob)

    async def declare_again(self, upto: int, held: Iterable[tuple[int, int]]) -> None:
        """Quarantined numbers that the hall does not know as gaps yet: the record that said so may be lost too."""
        rows = await self._all("SELECT seq FROM quarantine WHERE seq>? ORDER BY seq", (upto,))
        known = list(held)
        lost = [seq for (seq,) in rows if not any(lo <= seq <= hi for lo, hi in known)]
        if lost:
            await self.append([self.gap(seq, seq, "damaged") for seq in lost])

    @whole
    async def quarantine(self, seq: int, why: str) -> None:
        """Set a record that can never be sent aside and declare it as a gap, in one transaction.

        What it carried must be marked to be read again before (PROTOCOL.md P-GAP-04).
        """
        log.error("record.damaged", seq=seq, hint="执行 mingcha-agent doctor --only 缓存")
        async with self._lock:
            found = await self._all("SELECT chain, blob FROM outbox WHERE seq=?", (seq,))
            chain, blob = found[0] if found else (b"", b"")
            rows, head = self._numbered([self.gap(seq, seq, "damaged")])
            async with self._transaction():
                await self._db.execute(
                    "INSERT OR REPLACE INTO quarantine VALUES(?, ?, ?, ?, ?)",
                    (seq, why, chain, blob, self._clock.wall()),
                )
                await self._db.execute("DELETE FROM outbox WHERE seq=?", (seq,))
                await self._insert(rows, head)
            self._taken(rows, head)

    async def _chain_at(self, seq: int) -> bytes:
        """Chain value at `seq`; empty where it can no longer be known."""
        if seq == self.forgotten:
            return bytes(await self._value("SELECT v FROM meta WHERE k='forgotten_hash'"))
        found = await self._all(
            "SELECT chain FROM outbox WHERE seq=? UNION ALL SELECT chain FROM quarantine WHERE seq=?",
            (seq, seq),
        )
        return next((bytes(row[0]) for row in found), b"")

    async def _set_meta(self, values: dict[str, bytes]) -> None:
        await self._db.executemany("UPDATE meta SET v=? WHERE k=?", [(v, k) for k, v in values.items()])

    async def _all(self, sql: str, args: Sequence[object] = ()) -> list[Any]:
        with self._guarded():
            return list(await self._db.execute_fetchall(sql, args))

    async def _value(self, sql: str, *args: object) -> Any:
        return (await self._all(sql, args))[0][0]

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[None]:
        """Raises BufferFullError where the disk is full; the ballast has been given up for the next try."""
        with self._guarded():
            async with transaction(self._db):
                yield

    def _guarded(self) -> AbstractContextManager[None]:
        return guarded(self.path, self._ballast.release, self.set_aside)

    def set_aside(self) -> None:
        """Keep the file under another name: it is of no use any more, and the process must not go on with it."""
        kept = self.path.with_name(f"{self.path.name}.damaged-{self._clock.wall()}")
        set_aside(self.path, kept)
        log.error("buffer.replaced", kept=str(kept), hint="保留该文件，联系市中心")
