"""Eight clerks who write as real offices do, to a journal that says what was committed when."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from common.clock import Clock
from common.core.instant import SECOND
from common.core.record import Case, Record, decode_body
from tests.hazard.store import ANSWER_SECS, LOST, Session, Store

ZONE = ZoneInfo("Asia/Shanghai")
CLERKS = 8
SLOW_SECS = 75
OPEN_SHARE = 0.03
INSERT = "INSERT INTO SP_YWSL (SLBH, SQR, ZT, BJSJ, BLR, XGSJ) VALUES (?, ?, ?, ?, ?, ?)"
Content = tuple[str, str, int, str, str]
"""SLBH, SQR, ZT, BJSJ (empty: none), BLR."""


class Kind(StrEnum):
    """What a clerk did."""

    STAMPED = "stamped"  # inserted or updated, with a time stamp
    SILENT = "silent"  # inserted, edited or back-dated without one
    DELETED = "deleted"


class Entry(Struct, frozen=True):
    """One committed change. `late`: its transaction stayed open, its clerk's clock is slow, or it has no stamp. `at_wall`: when that was
    known to the clerk, who may be told late; `begun_wall`: before he began.
    """

    key: int
    kind: Kind
    content: Content | None
    at_wall: int
    is_open: bool
    late: bool
    begun_wall: int = 0


def content_of(row: tuple[Any, ...]) -> Content:
    """Of (SLBH, SQR, ZT, BJSJ, BLR) as any driver gives them."""
    texts = [value.decode() if isinstance(value, bytes) else value for value in row]
    return (texts[0], texts[1], int(texts[2]), str(texts[3] or "")[:19], texts[4])


def content_in(item: Record) -> Content:
    """What a version of a row says."""
    body = decode_body(item)
    assert isinstance(body, Case)
    finished = (body.finished_at or "").replace("T", " ")[:19]
    return (body.case_no or "", body.applicant or "", body.promised or 0, finished, body.responsible or "")


class Office:
    """The table's clerks, and what they committed."""

    def __init__(self, store: Store, seed: int, clock: Clock) -> None:
        self._store = store
        self._random = random.Random(seed)
        self._clock = clock
        self.journal: list[Entry] = []
        self.rows: dict[int, Content] = {}
        self._held: set[int] = set()
        self.entered = 0
        """Cases that clerks have begun to enter."""
        self._until = 0
        self._at_work = 0
        self._open = asyncio.Event()
        self._open.set()
        self.is_waited_for = False
        """Somebody needs the clerks: they work on past their time."""
        self.behind_secs = 0
        """By how much all clocks of the office are behind."""

    async def work(self, secs: float) -> None:
        """All clerks, for so long; while the office is closed it does not count."""
        self._until = self._clock.mono() + int(secs * SECOND)
        async with asyncio.TaskGroup() as group:
            for number in range(CLERKS):
                group.create_task(self._clerk(number))

    @asynccontextmanager
    async def closed(self) -> AsyncIterator[None]:
        """Nobody writes meanwhile, and no transaction is open."""
        began = self._clock.mono()
        self._open.clear()
        while self._at_work:  # noqa: ASYNC110  each ends in its own time
            await asyncio.sleep(0.05)
        try:
            yield
        finally:
            self._until += self._clock.mono() - began
            self._open.set()

    async def _clerk(self, number: int) -> None:
        behind = SLOW_SECS if number == 0 else 0
        while self._clock.mono() < self._until or self.is_waited_for or not self._open.is_set():
            await asyncio.sleep(self._random.uniform(0.1, 0.7))
            await self._open.wait()
            self._at_work += 1
            key = self._pick()
            try:
                with suppress(*LOST):  # whether it was committed, the table says at the end
                    async with asyncio.timeout(
                        ANSWER_SECS
                    ):  # no driver here gives up a killed server by itself
                        await self._one(key, behind)
            finally:
                self._held.discard(key)
                self._at_work -= 1

    def _pick(self) -> int:
        """A row that nobody else writes just now; 0: a new one."""
        free = [key for key in self.rows if key not in self._held]
        if self._random.random() < 0.55 or not free:
            return 0
        key = self._random.choice(free)
        self._held.add(key)
        return key

    async def _one(self, key: int, behind: int) -> None:
        began, dice, now = (
            self._clock.wall(),
            self._random.random(),
            datetime.now(ZONE).replace(tzinfo=None, microsecond=0),
        )
        stamp = now - timedelta(seconds=behind + self.behind_secs)
        is_slow = self._random.random() < OPEN_SHARE
        async with self._store.session() as session:
            key, kind, content = await self._write(session, key, dice, stamp)
            if is_slow:
                longest = 1.0 if self._store.engine == "sqlite" else 9.0  # there nobody else could write
                await asyncio.sleep(self._random.uniform(longest / 3, longest))
        if content is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = content
        is_open = content is not None and not content[3]
        late = is_slow or behind > 0 or kind is not Kind.STAMPED
        self.journal.append(Entry(key, kind, content, self._clock.wall(), is_open, late, began))

    async def _write(
        self, session: Session, key: int, dice: float, stamp: datetime
    ) -> tuple[int, Kind, Content | None]:
        name = self._random.choice(["王秀英", "李强", "欧阳修文", "䶮龙", "𠮷野家有限公司"])
        if key == 0:
            self.entered += 1
            blank = self._random.random() < 0.05
            row = (f"SL{self.entered:06}", name, 1, None, "赵敏", None if blank else stamp)
            ((key,),) = await session.run(INSERT, *row)
            return key, Kind.SILENT if blank else Kind.STAMPED, content_of(row[:5])
        before = self.rows[key]
        if dice < 0.11:
            await session.run("DELETE FROM SP_YWSL WHERE ID = ?", key)
            return key, Kind.DELETED, None
        if dice < 0.20:  # 补录: a completion that is said to have been three days ago, and no stamp
            done = stamp - timedelta(days=3)
            await session.run("UPDATE SP_YWSL SET BJSJ = ? WHERE ID = ?", done, key)
            return key, Kind.SILENT, (*before[:3], str(done), before[4])
        if dice < 0.33:
            await session.run("UPDATE SP_YWSL SET SQR = ? WHERE ID = ?", f"{name}{key}", key)
            return key, Kind.SILENT, (before[0], f"{name}{key}", *before[2:])
        after = before[2] + 1
        await session.run("UPDATE SP_YWSL SET ZT = ?, XGSJ = ? WHERE ID = ?", after, stamp, key)
        return key, Kind.STAMPED, (before[0], before[1], after, *before[3:])

    async def table(self) -> dict[int, Content]:
        """What the database says now."""
        async with self._store.session() as session:
            rows = await session.run("SELECT ID, SLBH, SQR, ZT, BJSJ, BLR FROM SP_YWSL")
        return {int(row[0]): content_of(tuple(row[1:])) for row in rows}
