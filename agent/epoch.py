"""The files of the epoch that is being written: opened, begun, continued in a next segment, read as one.

`buffer.db` is the segment that is written; the ones before it drain. A segment that is damaged in its structure, or
that the master key does not open, is set aside and a new epoch begins: start-up never depends on old data being
readable.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Self

import structlog
from msgspec import Struct
from msgspec.structs import replace

from agent import files, segment
from agent import label as labels
from agent.closed import Closed
from agent.drains import Drains
from agent.segment import LockedError, Segment, State
from agent.sqlfile import BufferFullError, DamagedFileError, ReopenError
from common.clock import Clock
from common.core import crypto
from common.core.errors import ConfigError, words
from common.core.instant import DAY

log = structlog.get_logger()

SEGMENT_BYTES = 64 * 1024 * 1024
SEGMENT_AGE = 7 * DAY


class Sealing(Struct):
    """How records are sealed at rest: master keys, the one to wrap with first; the algorithm of new segments."""

    keks: list[bytes]
    alg: str = crypto.AT_REST


class Epoch:
    """Made by `Epoch.open`; one writer. `state` moves with every transaction of `active`."""

    def __init__(self, path: Path, site: str, seal: Sealing, clock: Clock, full: Callable[[], None]) -> None:
        self.path = path
        self.site = site
        self.active: Segment
        self.drains = Drains(seal.keks)
        self._seal = seal
        self._clock = clock
        self._full = full
        self._fate = ""

    @classmethod
    async def open(
        cls,
        path: Path,
        site: str,
        seal: Sealing,
        sign_key: bytes,
        clock: Clock,
        full: Callable[[], None],
    ) -> Self:
        """Go on with the epoch whose written segment is at `path`, or begin one. `full`: the disk takes no more.

        Raises ConfigError for the files of another site, BufferFullError.
        """
        epoch = cls(path, site, seal, clock, full)
        began = "new"
        segment.adopt(path)
        if path.exists():
            try:
                epoch.active = await epoch._open()
            except (LockedError, DamagedFileError) as error:
                began = "locked" if isinstance(error, LockedError) else "damaged"
                epoch._set_aside("damaged", str(error))
        if not path.exists():
            await epoch._begin(sign_key, began)
        try:
            await epoch._begin_reading()
        except BaseException:
            await epoch.active.db.close()
            raise
        return epoch

    async def _open(self) -> Segment:
        opened = await Segment.open(self.path, self._seal.keks, self._full)
        self.path.chmod(0o600)
        if not labels.beside(self.path).exists():
            labels.write(self.path, opened.label)
        return opened

    async def _begin(self, sign_key: bytes, began: str) -> None:
        epoch, now = os.urandom(8), self._clock.wall()
        start = crypto.chain_start(self.site, epoch, sign_key)
        state = State(
            first=1,
            before=start,
            newest=0,
            head=start,
            forgotten=0,
            forgotten_hash=start,
            created_wall=now,
            began=began,
        )
        label = labels.fresh(self.site, epoch, 1, 1, self._seal.keks[0], self._seal.alg)
        await segment.prepare(self.path, label, self._seal.keks, state, {})
        segment.adopt(self.path)
        self.active = await self._open()

    async def _begin_reading(self) -> None:
        label, state = self.active.label, self.state
        if label.site != self.site:
            raise ConfigError(
                f"缓存 {self.path} 属于站点 {label.site}，不是 {self.site}",
                hint="请核对 agent.toml 的 site 与 data_dir",
            )
        before = [item for item in files.found(self.path) if item.epoch == label.epoch and not item.fate]
        for item, following in zip(before, [*(item.first for item in before[1:]), state.first], strict=False):
            self.drains.add(Closed(item.path, label.site, label.epoch, item.first, following - 1))
        await self.drains.shred(state.forgotten)

    @property
    def state(self) -> State:
        return self.active.state

    async def rotate(self, segment_bytes: int) -> None:
        """Begin the next segment if this one is large or old enough. If that cannot be done now, this one goes on.

        Raises ReopenError where the disk filled up in between, or the file is no longer where it was.
        """
        old, state = self.active, self.state
        size, age = old.size(), self._clock.wall() - state.created_wall
        young = age < SEGMENT_AGE and size < segment_bytes
        if state.newest < state.first or (young and old.label.alg == self._seal.alg):
            return
        state = replace(state, first=state.newest + 1, before=state.head, created_wall=self._clock.wall())
        label = labels.fresh(
            self.site, old.label.epoch, state.first, old.label.number + 1, self._seal.keks[0], self._seal.alg
        )
        notes = {table: await old.all(f"SELECT * FROM {table}") for table in segment.NOTES}  # noqa: S608
        try:
            await segment.prepare(self.path, label, self._seal.keks, state, notes)
            is_folded = await old.fold()
        except BufferFullError:
            is_folded = False
        if not is_folded:
            segment.discard(self.path)
            return
        await old.db.close()
        try:
            closed = files.close(self.path, old.label)
            segment.adopt(self.path)
            self.active = await self._open()
        except (OSError, BufferFullError) as error:
            raise ReopenError(f"换段时写不进去：{error}") from error
        self.drains.add(Closed(closed, self.site, label.epoch, old.label.first, state.first - 1))
        log.info("buffer.rotated", first=state.first)

    async def sound(self, first: int, last: int, limit: int) -> list[tuple[int, bytes, bytes]]:
        """Sound records of `first..last`, oldest first, at most `limit`. -> [(seq, chain, record)]."""
        first, begun = max(first, self.state.forgotten + 1), self.state.first
        found = await self.drains.read(first, min(last, begun - 1), limit) if first < begun else []
        if last >= begun and len(found) < limit:
            found += await self.active.read(max(first, begun), last, limit - len(found))
        return found

    async def chain_at(self, seq: int) -> bytes:
        """Chain value at `seq`; empty where it can no longer be known."""
        state = self.state
        if seq == state.forgotten:
            return state.forgotten_hash
        if seq == state.first - 1:
            return state.before
        if seq == state.newest:
            return state.head
        found = await self.sound(seq, seq, 1)
        return found[0][1] if found else b""

    async def rewrap(self) -> dict[str, str]:
        """Every data key that an older master key wraps is wrapped by the first one; a lost label stays as it is.

        -> files in which that could not be written, and why: one holds no other up.
        """
        kek, old = self._seal.keks[0], self._seal.keks[1:]
        active, left = self.active, dict[str, str]()
        try:
            await active.rewrap(labels.rewrapped(active.label, kek, old))
        except (OSError, BufferFullError) as error:
            left[self.path.name] = words(error) if isinstance(error, OSError) else str(error)
        for item in files.found(self.path):
            try:
                await asyncio.to_thread(labels.rewrap, item.path, kek, old)
            except OSError as error:
                left[item.path.name] = words(error)
        return left

    async def bytes(self) -> int:
        return await self.active.used_bytes() + self.drains.bytes()

    def condemn(self) -> None:
        """What is here must neither be sent nor saved: it is set aside when it is closed, for people alone."""
        self._fate = "kept"

    async def close(self) -> None:
        await self.active.db.close()
        self.drains.close()
        if self._fate or self.active.fault:
            self._set_aside(self._fate or "damaged", self.active.fault)

    def _set_aside(self, fate: str, reason: str) -> None:
        segment.discard(self.path)
        if not self.path.exists():
            return
        found = labels.copies(self.path, ())
        kept = files.set_aside(self.path, found[0] if found else None, fate, self._clock.wall())
        log.error(
            "buffer.replaced", kept=kept.name, reason=reason, hint="执行 mingcha-agent doctor --only 缓存"
        )
