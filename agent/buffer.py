"""The site's sealed buffer: what was read and not yet acknowledged by the hall's commit.

Rules: a record and the source position that led to it are one transaction, flushed to the disk; reading deletes
nothing; only an acknowledgement does, through `forget`. Every record is sealed and checked on every reading; one that does
not open is quarantined alone. Where more is damaged, `epoch.py` sets the file aside; what was in it is read again.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any, Self

import structlog
from msgspec import Struct
from msgspec.structs import replace

from agent.ballast import Ballast
from agent.core import quota
from agent.core.quota import Level
from agent.core.readable import readable
from agent.core.rows import Stamp, statement
from agent.epoch import Epoch, Sealing
from agent.oldest import Oldest
from agent.room import AMPLE, Room, full
from agent.segment import State
from agent.sqlfile import DamagedFileError, whole
from common.clock import Clock
from common.core import crypto, record
from common.core.record import Gap, Record
from common.hold import hold

log = structlog.get_logger()

_CHUNK = 500
_COMMITS = 9
_ALL = 1 << 62


class BadRow(Struct, frozen=True):
    """A source row that cannot be mapped, kept aside with its reason."""

    table: str
    key: str
    reason: str
    at_wall: int


class Run(Struct, frozen=True):
    """A contiguous run of records, ready for a batch. `prev_hash` is empty where the number before is lost."""

    first: int
    last: int
    records: list[bytes]
    prev_hash: bytes
    last_hash: bytes


class Damaged(Struct, frozen=True):
    """Numbers whose records can never be sent."""

    first: int
    last: int
    why: str


class Figures(Struct, frozen=True):
    """What waits in the buffer."""

    rows: int
    bytes: int
    room: int
    oldest_age: int | None
    quarantined: int
    bad_rows: int


class Buffer:
    """One epoch of one site. Made by `Buffer.open`; one writer per folder (a second agent is refused)."""

    def __init__(self, path: Path, site: str, clock: Clock, room: Room) -> None:
        self.path = path
        self.site = site
        self.indexed = 0
        self.appended = asyncio.Event()
        self.commits: deque[int] = deque(maxlen=_COMMITS)
        """How long the last ones took, in microseconds."""
        self._clock = clock
        self._room = room
        self.level = Level.OK
        self._hold: IO[str] | None = None
        self._lock = asyncio.Lock()  # reading too: a rotation puts another file under it
        self._ballast = Ballast(path.with_name("ballast"))
        self._files: Epoch
        self._oldest: Oldest

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        seal: Sealing,
        site: str,
        sign_key: bytes,
        clock: Clock,
        room: Room = AMPLE,
    ) -> Self:
        """Open or create the buffer whose written segment is at `path`.

        `sign_key` is the box's raw public signing key.
        Raises ConfigError if another agent holds it or the folder cannot be written, BufferFullError on a full disk.
        """
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        buffer = cls(path, site, clock, room)
        buffer._hold = hold(
            path.with_name("buffer.lock"),
            who="采集程序",
            hint="同一缓存只能由一个采集程序使用；请先停止另一个：systemctl stop mingcha-agent",
        )
        try:
            buffer._files = await Epoch.open(path, site, seal, sign_key, clock, buffer._ballast.release)
        except BaseException:
            buffer._hold.close()
            raise
        buffer._oldest = Oldest(buffer._files, clock)
        buffer._ballast.fill()
        return buffer

    async def close(self) -> None:
        await self._files.close()
        if self._hold is not None:
            self._hold.close()

    def set_aside(self) -> None:
        """What is here must not be sent: with `close` it is renamed, for people alone."""
        self._files.condemn()

    def broken(self, fault: str) -> DamagedFileError:
        """The error to raise where the file is found to be of no use: with `close` it is set aside."""
        return self._files.active.broken(fault)

    # where the epoch stands ----------------------------------------------------------------------------------

    @property
    def _state(self) -> State:
        return self._files.state

    @property
    def epoch(self) -> bytes:
        return self._files.active.label.epoch

    @property
    def newest(self) -> int:
        return self._state.newest

    @property
    def head(self) -> bytes:
        """Chain value at the newest number."""
        return self._state.head

    @property
    def forgotten(self) -> int:
        return self._state.forgotten

    async def positions(self) -> dict[str, bytes]:
        return dict(self._state.positions)

    # writing -------------------------------------------------------------------------------------------------

    @whole
    async def append(self, records: list[Record], positions: dict[str, bytes] | None = None) -> list[int]:
        """Number, chain, seal and store `records` together with the source `positions`, durably. An empty one is dropped.

        -> the numbers given. Raises BufferFullError; then nothing has changed.
        """
        async with self._lock:
            await self._files.rotate(self._room.segment_bytes)
            rows, state = self._numbered(records)
            merged = state.positions | (positions or {})
            state = replace(state, positions={name: place for name, place in merged.items() if place})
            began_mono = self._clock.mono()
            await self._files.active.append(rows, state)
            self.commits.append(self._clock.mono() - began_mono)
        if rows:
            self.appended.set()
        return [seq for seq, _ in rows]

    def _numbered(self, records: Sequence[Record]) -> tuple[list[tuple[int, bytes]], State]:
        """-> (rows of the outbox, the state after them)."""
        head, rows = self.head, []
        for seq, item in enumerate(records, self.newest + 1):
            raw = record.encode_record(replace(item, seq=seq))
            head = crypto.chain_next(head, seq, raw)
            rows.append((seq, self._files.active.seal(seq, head, raw)))
        return rows, replace(self._state, newest=self.newest + len(rows), head=head)

    async def check_room(self) -> None:
        """Look anew at `level`. Raises QuotaError where so little is left that reading must wait (core/quota.py)."""
        async with self._lock:
            used, limit = await self._files.bytes(), self._room.limit(self.path.parent)
            await self._files.active.cap(limit + self._room.slack_bytes - self._files.drains.bytes())
        self.level = quota.level(used, limit, self.level)
        if self.level is Level.STOP:
            raise full(used, limit)

    @whole
    async def rewrap(self) -> dict[str, str]:
        """Every data key that an older master key wraps is wrapped by the first one. -> where not, and why (epoch.py)."""
        async with self._lock:
            return await self._files.rewrap()

    @whole
    async def forget(self, upto: int) -> None:
        """Delete what the hall holds: every number up to `upto`, never past what the index has (see index.py)."""
        upto = min(upto, self.indexed, self.newest)
        while self.forgotten < upto:
            async with self._lock:
                last = min(upto, max(self.forgotten + _CHUNK, self._state.first - 1))
                state = replace(self._state, forgotten=last, forgotten_hash=await self._files.chain_at(last))
                await self._files.active.delete(last, state)
        await self._files.drains.shred(self.forgotten)
        self._ballast.fill()

    @whole
    async def quarantine_rows(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """Table, key and reason of each."""
        now = self._clock.wall()
        await self.note(
            "INSERT INTO bad_row VALUES(?, ?, ?, ?) ON CONFLICT(tbl, key) DO UPDATE SET reason=excluded.reason",
            [(*row, now) for row in rows],
        )

    @whole
    async def cure_rows(self, rows: Iterable[tuple[str, str]]) -> None:
        await self.note("DELETE FROM bad_row WHERE tbl=? AND key=?", rows)

    @whole
    async def note_refusal(self, first: int, last: int, code: str) -> None:
        """The hall keeps these numbers as dead letters; remembered here for the doctor."""
        await self.note(
            "INSERT OR IGNORE INTO refusal VALUES(?, ?, ?, ?)", [(first, last, code, self._clock.wall())]
        )

    @whole
    async def note(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Write in one of the tables that every segment takes over (segment.py, NOTES)."""
        async with self._lock, self._files.active.transaction():
            await self._files.active.db.executemany(sql, rows)

    async def noted(self, sql: str) -> list[Any]:
        async with self._lock:
            return await self._files.active.all(sql)

    @whole
    async def rotate(self) -> bool:
        """Begin the next segment, with a data key of its own. -> False where nothing was written in this one."""
        async with self._lock:
            first = self._state.first
            await self._files.rotate(0)
            return self._state.first > first

    # reading -------------------------------------------------------------------------------------------------

    async def quarantined_rows(self) -> list[BadRow]:
        rows = await self.noted("SELECT tbl, key, reason, at_wall FROM bad_row ORDER BY at_wall")
        return [BadRow(*row) for row in rows]

    async def read(self, first: int, last: int, max_bytes: int) -> Run | Damaged:
        """The run that starts at `first`: as far as numbers are contiguous, sound, <= `last` and in `max_bytes`.

        Damage ends a run; what *starts* it is answered alone, for `quarantine`. The record behind it is a run of one,
        because the chain value in between is lost. Raises DamagedFileError where more than records is damaged.
        """
        async with self._lock:
            return await self._read(first, last, max_bytes)

    async def _read(self, first: int, last: int, max_bytes: int) -> Run | Damaged:
        found = await self._files.sound(first, last, _CHUNK)
        before = await self._files.chain_at(first - 1)
        records: list[bytes] = []
        size, chain = 0, before
        for seq, link, raw in found:
            size += len(raw)
            if seq != first + len(records) or (records and (size > max_bytes or not before)):
                break
            if not crypto.continues(chain, seq, raw, link):
                break
            records.append(raw)
            chain = link
        if not records:
            return await self._damage(first, found[0][0] if found else last + 1)
        return Run(first, first + len(records) - 1, records, before, chain)

    async def chain_at(self, seq: int) -> bytes:
        """Chain value at `seq`; empty where it can no longer be known."""
        async with self._lock:
            return await self._files.chain_at(seq)

    async def tail(self, after: int, upto: int | None = None) -> list[Record]:
        """Every record above `after`, up to `upto` or the newest, that is sound and can be read: for the index."""
        async with self._lock:
            found = await self._files.sound(after + 1, self.newest if upto is None else upto, _ALL)
        records = (readable(seq, raw) for seq, _, raw in found)
        return [item for item in records if item is not None]

    async def figures(self) -> Figures:
        """Cheap at any backlog: numbers are consecutive, so their ends and the holes give the count."""
        async with self._lock:
            return await self._figures()

    async def _figures(self) -> Figures:
        active, waiting = self._files.active, self.forgotten + 1
        holes = await active.value(
            "SELECT coalesce(sum(last - max(first, ?) + 1), 0) FROM quarantine WHERE last>=?",
            waiting,
            waiting,
        )
        return Figures(
            rows=self.newest - self.forgotten - holes,
            bytes=await self._files.bytes(),
            room=self._room.limit(self.path.parent),
            oldest_age=await self._oldest.age(),
            quarantined=await active.value("SELECT coalesce(sum(last - first + 1), 0) FROM quarantine"),
            bad_rows=await active.value("SELECT count(*) FROM bad_row"),
        )

    def gap(self, lo: int, hi: int, why: str) -> Record:
        """A record that declares `lo..hi` of this epoch, which were forgotten, as never to come."""
        known = hi == self.forgotten
        return self._gap(Gap(lo, hi, why, hi if known else 0, self._state.forgotten_hash if known else b""))

    def _gap(self, gap: Gap) -> Record:
        stamp = Stamp(self._clock.office(), self._clock.wall(), self._clock.mono())
        return statement(gap, stamp, f"{gap.lo}-{gap.hi}")

    async def _damaged_gap(self, lo: int, hi: int) -> Record:
        """The chain value at `hi` is lost with its record: the next sound one is named by its hash."""
        found = await self._files.sound(hi + 1, self.newest, 1)
        seq, link, raw = found[0] if found else (self.newest, self.head, b"")
        proof = crypto.record_hash(raw) if found else b""
        return self._gap(Gap(lo, hi, "damaged", seq, link, proof, await self._files.chain_at(lo - 1)))

    # damage --------------------------------------------------------------------------------------------------

    async def declare_again(self, upto: int, held: Iterable[tuple[int, int]]) -> None:
        """Quarantined numbers that the hall does not know as gaps yet: the record that said so may be lost too."""
        async with self._lock:
            rows = await self._files.active.all(
                "SELECT first, last FROM quarantine WHERE last>? ORDER BY first", (upto,)
            )
            known = [(1, upto), *held]
            lost = [(lo, hi) for lo, hi in rows if not any(a <= lo and hi <= b for a, b in known)]
            gaps = [await self._damaged_gap(lo, hi) for lo, hi in lost]
        if gaps:
            await self.append(gaps)

    @whole
    async def quarantine(self, first: int, last: int, why: str) -> None:
        """Set records that can never be sent aside and declare them as a gap, in one transaction.

        What they carried must be marked to be read again before (PROTOCOL.md P-GAP-04). A second call does nothing.
        """
        async with self._lock:
            if await self._quarantined(first):
                return
            log.error("record.damaged", seq=first, last=last, hint="执行 mingcha-agent doctor --only 缓存")
            active = self._files.active
            found = await active.rows(first, first, 1)
            rows, state = self._numbered([await self._damaged_gap(first, last)])
            note = (first, last, why, found[0][1] if found else b"", self._clock.wall())
            async with active.transaction():
                await active.db.execute("INSERT INTO quarantine VALUES(?, ?, ?, ?, ?)", note)
                await active.db.execute("DELETE FROM outbox WHERE seq BETWEEN ? AND ?", (first, last))
                await active.put(rows, state)
            active.state = state
        self.appended.set()

    async def _quarantined(self, seq: int) -> int:
        """The last number of the quarantined ones that `seq` is among, or 0."""
        rows = await self._files.active.all(
            "SELECT last FROM quarantine WHERE first<=? ORDER BY first DESC LIMIT 1", (seq,)
        )
        return rows[0][0] if rows and rows[0][0] >= seq else 0

    async def _damage(self, first: int, sound: int) -> Damaged:
        """What is wrong with `first`, where the next record that opens is `sound`, perhaps itself: then it is not the one
        that was chained (P-REST-06)."""
        if first <= self.forgotten:
            return Damaged(first, min(sound - 1, self.forgotten), "forgotten")
        known = await self._quarantined(first)
        if known or sound == first:
            return Damaged(first, known or first, "quarantined" if known else "is not what was chained")
        active, begun = self._files.active, self._state.first
        if first >= begun:
            if await active.rows(first, first, 1):
                return Damaged(first, first, "does not open")
            raise active.broken(f"缺少编号 {first}")
        found = await self._files.sound(first, begun - 1, 1)
        return Damaged(first, found[0][0] - 1 if found else begun - 1, "not in its segment")
