"""What happens to a whole database and not to a row of it, while clerks work: an old backup put back, numbers given anew, columns
that come and go, another zone. Whoever does it closes the office for a moment; everything it changes is his doing and nobody's finding.
"""

import asyncio
import random
from contextlib import suppress
from datetime import datetime, timedelta

from common.clock import Clock
from common.core.instant import SECOND
from common.core.record import Cause, Op, Record
from tests.hazard.office import ZONE, Office, content_in
from tests.hazard.store import LOST, Store
from tests.processes import Agent

ACTS = ("put_back", "renumber", "alter", "zone", "restart")
LEVEL_SECS = 240
OLD_ROWS, NEWER_ROWS = 150, 40
LEAST_SECS, PAGE_ROWS = 6, 20


class Acts:
    """`done`: when each act was under way, in wall time."""

    def __init__(self, store: Store, office: Office, agent: Agent, seed: int) -> None:
        self._store = store
        self._office = office
        self._agent = agent
        self._random = random.Random(seed)
        self._clock = Clock()
        self.done: list[tuple[str, int]] = []

    async def begin(self) -> None:
        """The cases of a month ago, with numbers that were given and not used between them."""
        month = (datetime.now(ZONE) - timedelta(days=30)).replace(tzinfo=None, microsecond=0)
        old = [(2 * n, f"LS{n:06}", "王秀英", 1, month, "赵敏", month) for n in range(1, OLD_ROWS + 1)]
        await self._store.fill(old)
        self._office.rows = await self._office.table()

    async def play(self, secs: float) -> None:
        """All of them, in the order of the seed, while the office is open for about `secs`, or until enough was entered behind the
        backup: one that lacks no more than a few rows is told row by row (agent/DESIGN.md)."""
        order = self._random.sample(ACTS, len(ACTS))
        share = secs / (len(order) + 2)
        await asyncio.sleep(share)
        async with self._office.closed():
            backup, entered = await self._store.backup(), self._office.entered
        for act in order:
            await asyncio.sleep(share * self._random.uniform(0.7, 1.2))
            while act == "put_back" and self._office.entered < entered + NEWER_ROWS:
                self._office.stay_open(1)
                await asyncio.sleep(0.5)
            await self._act(act, backup)
            self.done.append((act, self._clock.wall()))

    async def _act(self, act: str, backup: object) -> None:
        if act == "alter":
            for column in ("BZ", "DH"):
                with suppress(*LOST):  # a clerk's long transaction was before it; the vendor tries again
                    await self._store.alter(column)
            return
        if act == "restart":
            async with self._office.closed():
                await self._store.restart()
            return
        if act == "zone":
            self._office.behind_secs += 8 * 3600
            await self._store.zone("+00:00")
            await asyncio.to_thread(self._agent.kill)  # it meets the other zone with its next connection
            await asyncio.to_thread(self._agent.start)
            return
        async with self._office.closed():
            await level(self._agent, self._clock, 2 * (len(self._office.rows) // PAGE_ROWS + 3))
            self.done.append((f"{act} begins", self._clock.wall()))
            if act == "put_back":
                await self._store.put_back(backup)
            else:
                await self._store.renumber()
            self._office.rows = await self._office.table()

    def false_findings(self, records: list[Record]) -> list[str]:
        """Versions that the hall would take for somebody's doing, and that no clerk made: of each row since the last act on it.

        Before an act all was told, so what is told behind it and was done before it is the act's.
        """
        gone = {(item.key, item.version) for item in records if item.op is Op.DELETE}
        begins = [at for name, at in self.done if name.endswith(" begins")]
        found = []
        for item in records:
            is_new = item.version == 1 or (item.key, item.version - 1) in gone
            if item.cause is not Cause.SOURCE or (item.op is Op.PUT and is_new):
                continue
            since = max((at for at in begins if at <= item.cap_wall), default=0)
            made = [
                entry
                for entry in self._office.journal
                if str(entry.key) == item.key and since <= entry.at_wall <= item.cap_wall + SECOND
            ]
            told = None if item.op is Op.DELETE else content_in(item)
            if not any(entry.content == told for entry in made):
                last = max(
                    ((at, name) for name, at in self.done if at <= item.cap_wall),
                    default=(item.cap_wall, "start"),
                )
                secs = (item.cap_wall - last[0]) / SECOND
                found.append(
                    f"{item.key} version {item.version} {item.op} {told}, {secs:.1f} s behind {last[1]}"
                )
        return found


async def level(agent: Agent, clock: Clock, rounds: int) -> None:
    """The agent has told all that was committed until now: it has made so many clean rounds, each of a page of the walk or more."""
    since, patience, first = clock.wall(), clock.wall() + LEVEL_SECS * SECOND, None
    while clock.wall() < patience:
        status = agent.status()
        if status is not None:
            first = status.rounds if first is None or status.rounds < first else first
            if status.pass_wall >= since + LEAST_SECS * SECOND and status.rounds >= first + rounds:
                return
        await asyncio.sleep(0.3)
    raise AssertionError(f"no clean round:\n{agent.log[-2000:]}")
