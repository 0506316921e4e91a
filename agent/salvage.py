"""What an epoch that was set aside had not delivered is numbered anew in the one that runs, beside the work of the day.

The rows themselves are read again from the source (index.py); the files hold what the source no longer does: versions in
between, deletions, events. They are read page by page, so that damage costs what it hit; every record proves itself by
its seal. At the end a gap says that nothing more comes of the old epoch. How far it got lies beside the records in the
buffer, so that a crash repeats nothing.
"""

import asyncio
from collections.abc import Sequence

import structlog
from msgspec import Struct

from agent import files
from agent.buffer import Buffer
from agent.capture import Capture
from agent.closed import Closed
from agent.core.chained import Chained
from agent.core.indexed import Former
from agent.core.readable import readable
from agent.index import Index
from common.clock import Clock
from common.core.happening import Happening
from common.core.instant import SECOND
from common.core.record import Event, Gap, Record

log = structlog.get_logger()

_PAGE = 500
_END = 1 << 62


class Salvage:
    """One at a time, the oldest first. `advance` is called in turn with reading the source, never beside it."""

    def __init__(
        self,
        buffer: Buffer,
        positions: dict[str, bytes],
        keks: Sequence[bytes],
        index: Index,
        capture: Capture,
        clock: Clock,
    ) -> None:
        """`positions`: those of the buffer, which say how far an earlier call got."""
        self._path = buffer.path
        self._site = buffer.site
        self._positions = positions
        self._keks = keks
        self._index = index
        self._capture = capture
        self._clock = clock
        self._work: _Work | None = None

    async def advance(self, secs: float) -> None:
        """Work for about `secs`, at least a page. Raises BufferFullError; then it goes on with the next call."""
        until = self._clock.mono() + int(secs * SECOND)
        while self._index.ended:
            await self._step(self._index.ended[0])
            if self._clock.mono() >= until:
                return

    async def _step(self, ended: Former) -> None:
        if self._work is None:
            self._work = await asyncio.to_thread(self._begin, ended)
        work = self._work
        page = await asyncio.to_thread(work.next)
        if page is not None:
            work.taken += await self._capture.take_again(page.records, {work.name: b"%d" % page.last})
            work.done = page.last
            return
        if not work.is_kept:
            hi = max(work.done, ended.newest)
            gap = Gap(ended.seq + 1, hi, "moved", before=ended.chain, epoch=ended.epoch)
            said = f"读出 {work.read} 条，救回 {work.taken} 条"
            await self._capture.ended(gap, Event(Happening.BUFFER_SALVAGED.value, said), {work.name: b""})
            log.info("buffer.salvaged", epoch=ended.epoch.hex(), records=work.taken)
        await self._index.settled(ended.epoch)
        await asyncio.to_thread(work.clear)
        self._work = None

    def _begin(self, ended: Former) -> "_Work":
        name = f"salvage.{ended.epoch.hex()}"
        done = int(self._positions.get(name, b"0") or b"0")
        found = [item for item in files.found(self._path) if item.epoch == ended.epoch]
        return _Work(name, self._site, found, self._keks, max(ended.seq, done))


class _Page(Struct, frozen=True):
    """Sound records up to number `last`."""

    last: int
    records: list[Record]


class _Work:
    """The files of one epoch, read once from number to number."""

    def __init__(
        self, name: str, site: str, found: list[files.Found], keks: Sequence[bytes], done: int
    ) -> None:
        self.name = name
        self._site = site
        self.done = done
        self.read = 0
        self.taken = 0
        self.is_kept = any(item.fate == "kept" for item in found)
        """A copy of another box, or of an old state: nothing of it may be sent."""
        self._drained = [item.path for item in found if not (item.fate or self.is_kept)]
        self._left = [] if self.is_kept else found
        self._keks = keks
        self._open: Closed | None = None
        self._chain = Chained()

    def next(self) -> _Page | None:
        """The next sound records behind `done`; None at the end."""
        while self._left:
            if self._open is None:
                item = self._left[0]
                self._open = Closed(item.path, self._site, item.epoch, item.first, _END)
                self._open.open(self._keks)
            page = self._open.read(self.done + 1, _END, _PAGE)
            if page:
                self.read += len(page)
                records = [readable(seq, raw) for seq, raw in self._chain.sound(page)]
                return _Page(page[-1][0], [item for item in records if item is not None])
            self._open.close()
            self._open = None
            del self._left[0]
        return None

    def clear(self) -> None:
        """Segments that were sound are shredded; what was set aside is kept for people."""
        for path in self._drained:
            files.shred(path)
