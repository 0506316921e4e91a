"""Rows that were read -> records in the buffer: the index says what changed, the buffer takes it, the index learns.

The order is the promise: records and source positions in one flushed transaction of the buffer first, the index
after it. A crash between the two is healed by `catch_up`, which replays the buffer's tail into the index.
A row that cannot be mapped is set aside with its reason and shown by the doctor; when it maps again it is cured.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Container, Sequence
from contextlib import suppress

from msgspec import Struct
from msgspec.structs import replace

from agent.aside import REPEATED, Aside
from agent.buffer import Buffer
from agent.checkpoint import Signer
from agent.core import quota, rows, upheaval
from agent.core.indexed import Known, Seen
from agent.core.indexed import seen as seen_of
from agent.core.mapping import Table
from agent.core.page import Pages, Place
from agent.core.page import digest as page_digest
from agent.core.proof import Met
from agent.core.query import Row
from agent.core.quota import Level
from agent.core.rows import Item, Stamp
from agent.evidence import Evidence
from agent.index import Index
from agent.room import QuotaError
from common.clock import Clock
from common.core import record
from common.core.errors import RejectedError
from common.core.record import (
    CameraState,
    Case,
    Cause,
    Event,
    Gap,
    IndexRoot,
    Observation,
    Pass,
    Record,
    RecordKind,
    Result,
    SeatState,
    Step,
    Still,
)

NO_KEY = "(无主键)"
SHED = "shed"
"""Position of the buffer: how many observations were left out for want of room."""
_REPLAYED = 500
"""Records at a time that teach the index: memory does not grow with the backlog."""


class Draft(Struct, frozen=True):
    """A record before it has its number. `is_history`: the index knows a newer version, or must not rely on this one."""

    record: Record
    case_key: str
    is_history: bool = False
    ends: bool = False


class Capture:
    """One site's way from rows to numbered records."""

    def __init__(self, buffer: Buffer, index: Index, clock: Clock, digest_key: bytes, signer: Signer) -> None:
        self._buffer = buffer
        self._index = index
        self._clock = clock
        self.digest_key = digest_key
        self._signer = signer
        self._behind = True
        self._lock = asyncio.Lock()
        self._aside = Aside(buffer)
        self._pages = defaultdict[str, Pages](Pages)
        self.evidence = Evidence(index)

    async def catch_up(self) -> None:
        """Bring the index level with the buffer; does nothing when it is."""
        async with self._lock:
            await self._catch_up()

    async def _catch_up(self) -> None:
        if not self._behind:
            return
        if self._index.indexed < self._buffer.forgotten:
            await self._index.lift(self._buffer.newest, max(self._buffer.newest, await self._top()))
        while self._index.indexed < self._buffer.newest:
            upto = min(self._index.indexed + _REPLAYED, self._buffer.newest)
            tail = await self._buffer.tail(self._index.indexed, upto)
            self._pages.clear()
            await self._index.commit(await self._replayed(tail), upto)
        self._buffer.indexed = self._index.indexed
        await self._aside.load()
        self._behind = False

    async def _replayed(self, tail: Sequence[Record]) -> list[Seen]:
        """What the records of the buffer teach the index. No row's version falls, whatever order they came in.

        A lower version behind a higher one is a version of history, or was given by an index that had lost the row: the
        hall takes the higher one for the newest, so the row is sent again above it, whatever it says.
        """
        seen, highest = [], dict[tuple[str, str], int]()
        found = [item for item in tail if item.kind in _ROWS]
        for table in {item.table for item in found}:
            known = await self._index.known(table, list({item.key for item in found if item.table == table}))
            highest |= {(table, key): old.version for key, old in known.items()}
        for item in found:
            body = record.decode_body(item)
            assert isinstance(body, Case | Step)
            one = seen_of(item, body.case_key, item.seq, ends=rows.ends(body, item.cap_at))
            best = highest.get((item.table, item.key), 0)
            if one.version <= best:  # even a deletion: the walk finds out whether it still is one
                one = replace(one, version=best, digest=b"", gone=False, dirty=True)
            seen.append(one)
            highest[item.table, item.key] = max(best, one.version)
        return seen

    @property
    def bad(self) -> dict[tuple[str, str], str]:
        """Rows that are set aside: (table, key) -> reason."""
        return self._aside.rows

    async def _top(self) -> int:
        """The highest version in this epoch: rows bring theirs from the epoch before, where numbers were higher."""
        return int((await self._buffer.positions()).get(_TOP, b"0"))

    @property
    def level(self) -> Level:
        """Of the buffer's room."""
        return self._buffer.level

    async def check_room(self) -> None:
        """Raises QuotaError: what is read now could not be kept."""
        await self._buffer.check_room()

    async def take(
        self,
        table: Table,
        page: Sequence[Row],
        positions: dict[str, bytes] | None = None,
        met: Met | None = None,
        *,
        place: Place | None = None,
        settle: bool = False,
        watch: Callable[[int, list[str]], Awaitable[None]] | None = None,
        fresh: list[Row] | None = None,
    ) -> int:
        """Buffer what is new or changed in `page` together with `positions`, and tell `met` what was met and `fresh` which
        rows the index did not know.

        Without a change the page is remembered as proven at `place`, and the positions are stored only if `settle`. -> how
        many changed.
        Raises BufferFullError, QuotaError, and UpheavalError with `watch`, which is told how many rows are as they were and which differ; then
        nothing has changed, positions least of all.
        """
        read = [self._read(row, table) for row in page]
        known = await self._index.known(table.name, list({key for key, _ in read}))
        if watch is not None:
            same, off, _ = upheaval.compared(self._aside.judged(table.name, read), known)
            await watch(same, off)
        if met is not None:
            for old in known.values():
                met.add(old.id)
        drafts, mapped = self._drafts(table, read, known, walks=place is not None)
        await self._aside.keep()
        if drafts:
            await self.check_room()
        if drafts or (settle and positions):
            await self._store(list(drafts.values()), positions)
        await self.cure(mapped)
        if met is not None:
            met.bad.update(key for key, _ in read if (table.name, key) in self.bad)
        if fresh is not None:
            fresh += [
                row for row, (key, _) in zip(page, read, strict=True) if key in drafts and key not in known
            ]
        self._learn(table, page, [key for key, _ in read], known, None if drafts else place)
        return len(drafts)

    def _drafts(
        self, table: Table, read: Sequence[tuple[str, Item | None]], known: dict[str, Known], *, walks: bool
    ) -> tuple[dict[str, Draft], list[tuple[str, str]]]:
        """-> by key what is to be told of a page, and the rows of it that map. The others are set aside.

        Where rows are known to share a key, only a page that a walk has read may say which of them is meant.
        """
        stamp, drafts, digests = self.stamp(), dict[str, Draft](), dict[str, bytes]()
        mapped: dict[tuple[str, str], None] = {}
        for key, item in read:
            row = (table.name, key)
            if item is None or (not walks and self._aside.is_repeated(*row)):
                continue
            if digests.setdefault(key, item.digest) != item.digest:
                self._aside.add(*row, REPEATED)
                digests[key] = b""
                mapped.pop(row, None)
            elif row not in mapped:
                try:
                    draft = self._draft(item, table, known.get(key), stamp)
                except RejectedError as error:
                    self._aside.add(*row, error)
                    continue
                mapped[row] = None
                if draft is not None:
                    drafts[key] = draft
        for key in drafts.keys() & known.keys():
            self._pages[table.name].told(known[key].id)
        return drafts, list(mapped)

    async def compare(self, table: Table, page: Sequence[Row]) -> tuple[int, list[str], int]:
        """-> how many rows of `page` are as the index has them, which differ, how many are new. Nothing is taken."""
        read = [self._read(row, table) for row in page]
        await self._aside.keep()
        known = await self._index.known(table.name, list({key for key, _ in read}))
        return upheaval.compared(self._aside.judged(table.name, read), known)

    def _learn(
        self, table: Table, page: Sequence[Row], keys: list[str], known: dict[str, Known], place: Place | None
    ) -> None:
        if place is not None and not any((table.name, key) in self.bad for key in keys):
            self._pages[table.name].learn(keys, known, self.digest(page), place)

    async def gone(
        self, table: Table, lost: Sequence[tuple[str, Known]], replaced: Container[str] = ()
    ) -> int:
        """These rows were seen once and are no longer in the source; for those of keys `replaced` others have come."""
        stamp, drafts = self.stamp(), list[Draft]()
        for key, old in lost:
            self._pages[table.name].told(old.id)
            version, until = (
                self._same(old) if old.gone else self._next(old),
                self._same_until(table, key, old),
            )
            item = rows.to_deletion(table, key, old.case_key, version, old.digest, stamp)
            cause = Cause.AGAIN if old.gone else self.evidence.cause(table, replaced=key in replaced)
            drafts.append(Draft(replace(item, cause=cause, same_until=until), old.case_key))
        if drafts:
            await self._store(drafts)
        return len(drafts)

    async def passed(self, passes: Sequence[Pass]) -> None:
        """State which tables are whole, and up to when."""
        stamp = self.stamp()
        await self._store([Draft(rows.statement(item, stamp), "") for item in passes])

    async def take_again(self, found: Sequence[Record], position: dict[str, bytes]) -> int:
        """Number records anew that another epoch numbered and did not deliver, in their order. -> how many.

        What the index has sent again since is left out; older versions go as history. Raises as `take`.
        """
        keys: dict[str, set[str]] = defaultdict(set)
        for item in found:
            keys[item.table].add(item.key)
        known = {name: await self._index.known(name, list(keys[name])) for name in keys}
        for name, old_rows in known.items():
            for old in old_rows.values():
                self._pages[name].told(old.id)
        drafts = [
            draft
            for item in found
            if (draft := self._salvaged(item, known[item.table].get(item.key))) is not None
        ]
        await self.check_room()
        await self._store(drafts, position)
        return len(drafts)

    def _salvaged(self, item: Record, old: Known | None) -> Draft | None:
        if item.kind not in _ROWS:
            return Draft(item, "") if item.kind in _TAKEN_AGAIN else None
        body = record.decode_body(item)
        assert isinstance(body, Case | Step)
        if item.version <= self._index.floor or (old is not None and item.version < old.version):
            return Draft(item, body.case_key, is_history=True)
        newer = old is None or item.version > old.version
        lost = old is not None and old.dirty and old.digest == item.digest
        return Draft(item, body.case_key) if newer or lost else None

    async def ended(self, gap: Gap, event: Event, position: dict[str, bytes]) -> None:
        """Nothing more comes of an epoch that was set aside."""
        stamp = self.stamp()
        said = rows.statement(gap, stamp, gap.epoch.hex()), rows.statement(event, stamp)
        await self._store([Draft(item, "") for item in said], position)

    async def observe(self, *seen: Observation, positions: dict[str, bytes] | None = None) -> None:
        """What is no row was seen in the source; told together with `positions`. What is left out for room is counted."""
        with suppress(QuotaError):  # evidence is written as long as the disk takes it
            await self._buffer.check_room()
        told, stamp = quota.kept(seen, self._buffer.level), self.stamp()
        if len(told) < len(seen):
            before = int((await self._buffer.positions()).get(SHED, b"0"))
            positions = {**(positions or {}), SHED: b"%d" % (before + len(seen) - len(told))}
        await self._store([Draft(rows.statement(item, stamp, item.key), "") for item in told], positions)

    async def note(
        self,
        *events: Event | Result | IndexRoot | CameraState | SeatState | Still,
        positions: dict[str, bytes] | None = None,
    ) -> None:
        """Changes of the agent's own state or of a camera's, a still, what became of a command, what the index comes to: all
        or none."""
        await self._store([Draft(rows.statement(event, self.stamp()), "") for event in events], positions)

    async def cure(self, found: Sequence[tuple[str, str]]) -> None:
        """These rows map again, or are no longer there."""
        await self._aside.cure(found)

    def stamp(self) -> Stamp:
        return Stamp(self._clock.office(), self._clock.wall(), self._clock.mono())

    def _read(self, row: Row, table: Table) -> tuple[str, Item | None]:
        try:
            item = rows.read(row, table, self.digest_key)
        except RejectedError as error:
            key = NO_KEY
            with suppress(RejectedError):
                key = rows.key_of(row, table)
            self._aside.add(table.name, key, error)
            return key, None
        return item.key, item

    def _draft(self, item: Item, table: Table, old: Known | None, stamp: Stamp) -> Draft | None:
        """None for a row that did not change. Raises RejectedError for one that cannot be mapped."""
        if old is not None and old.digest == item.digest and not old.gone:
            return self._made(item, table, self._same(old), stamp, None, Cause.AGAIN) if old.dirty else None
        return self._made(item, table, self._next(old), stamp, old, self.evidence.cause(table))

    def _made(
        self, item: Item, table: Table, version: int, stamp: Stamp, before: Known | None, cause: Cause
    ) -> Draft:
        body = rows.to_body(item, table)
        made = rows.to_record(item, table, version, stamp, body)
        made = replace(made, same_until=self._same_until(table, item.key, before), cause=cause)
        return Draft(made, body.case_key, ends=rows.ends(body, stamp.at))

    def _same_until(self, table: Table, key: str, before: Known | None) -> int | None:
        """P-REC-08. Of a row that could not be mapped meanwhile nobody knows when it changed."""
        proof = self.evidence.proof(table.name)
        if (table.name, key) in self.bad or (before is not None and before.gone):
            return None
        if before is None or table.is_image:
            return proof.walked_at(
                before
            )  # a new row would have been met; a file vouches for no later than it was written
        return proof.same_until(before.id, before.at)

    def pages(self, table: str) -> Pages:
        return self._pages[table]

    def digest(self, page: Sequence[Row]) -> bytes | None:
        """Of a page as the source gave it; None where it has none."""
        return page_digest(self.digest_key, page)

    def _same(self, old: Known) -> int:
        """The row's own version, unless a higher one may have been given since and forgotten."""
        return old.version if old.version > self._index.floor else self._next(old)

    def _next(self, old: Known | None) -> int:
        return max(old.version if old else 0, self._index.floor) + 1

    async def _store(self, drafts: Sequence[Draft], positions: dict[str, bytes] | None = None) -> None:
        """One at a time, and never past what the index has not learned: what it does not know is numbered twice."""
        async with self._lock:
            await self._catch_up()
            self._behind = True
            former = self._index.former
            stamp = self.stamp()
            due = self._signer.due(len(drafts), stamp, former)
            drafts = [*(Draft(item, "") for item in due), *drafts]
            top = max((draft.record.version for draft in drafts), default=0)
            if top > await self._top():
                positions = {**(positions or {}), _TOP: str(top).encode()}
            seqs = await self._buffer.append([draft.record for draft in drafts], positions or {})
            self._signer.taken(stamp)
            seen = [
                seen_of(draft.record, draft.case_key, seq, ends=draft.ends)
                for draft, seq in zip(drafts, seqs, strict=True)
                if draft.record.kind in _ROWS and not draft.is_history
            ]
            await self._index.commit(seen, seqs[-1] if seqs else self._index.indexed)
            self._buffer.indexed = self._index.indexed
            if former is not None:
                await self._index.former_signed()
            self._behind = False


_TOP = "#version"
_ROWS = {RecordKind.CASE, RecordKind.STEP}
_TAKEN_AGAIN = {
    RecordKind.OBSERVATION, RecordKind.EVENT, RecordKind.RESULT, RecordKind.CAMERA, RecordKind.SEAT, RecordKind.STILL,
}  # fmt: skip
