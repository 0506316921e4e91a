"""What happens to a whole database and not to a row of it, while clerks work: an old backup put back, numbers given anew, columns
that come and go, another zone. Whoever does it closes the office for a moment; everything it changes is his doing and nobody's finding.
"""

import asyncio
import random
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from common.clock import Clock
from common.core.instant import MINUTE, SECOND
from common.core.record import Cause, Op, Record
from tests.hazard.office import ZONE, Office, content_in
from tests.hazard.store import LOST, Store, patiently
from tests.processes import Agent

ACTS = ("put_back", "renumber", "alter", "zone", "restart")
PATIENCE = 15 * MINUTE
"""For a walk of a few hundred rows: what is not told by then never will be."""
ROUNDED_SECS = 0.05
"""By which the log's figure may be too small."""
OLD_ROWS, NEWER_ROWS = 150, 40


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
        self._office.is_waited_for = True
        try:
            await self._play(secs)
        finally:
            self._office.is_waited_for = False

    async def _play(self, secs: float) -> None:
        order = self._random.sample(ACTS, len(ACTS))
        share = secs / (len(order) + 2)
        await asyncio.sleep(share)
        async with self._office.closed():
            backup = await patiently(f"{self._store.engine}, the backup", self._store.backup)
            entered = self._office.entered
        for act in order:
            await asyncio.sleep(share * self._random.uniform(0.7, 1.2))
            while act == "put_back" and self._office.entered < entered + NEWER_ROWS:  # noqa: ASYNC110  clerks are waited for
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
            await patiently(f"{self._store.engine}, the zone", lambda: self._store.zone("+00:00"))
            await asyncio.to_thread(self._agent.kill)  # it meets the other zone with its next connection
            await asyncio.to_thread(self._agent.start)
            return
        async with self._office.closed():
            await all_told(self._agent, self._clock)
            self.done.append((f"{act} begins", self._clock.wall()))
            if act == "put_back":
                await self._store.put_back(backup)
            else:
                await self._store.renumber()
            self._office.rows = await patiently(f"{self._store.engine}, after {act}", self._office.table)

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
                if str(entry.key) == item.key and since <= entry.at_wall and entry.begun_wall <= item.cap_wall
            ]
            told = None if item.op is Op.DELETE else content_in(item)
            if not any(entry.content == told for entry in made):
                acts = [f"{name} {(at - item.cap_wall) / SECOND:+.1f} s" for name, at in self.done]
                found.append(f"{item.key} version {item.version} {item.op} {told}; acts {acts}")
        return found


async def all_told(agent: Agent, clock: Clock) -> None:
    """The agent has told all that was committed until now: it has ended a walk over every row that began after it. By what its log
    says and not by time, because on a crowded machine one round may take a minute.
    """
    since = clock.wall()
    while clock.wall() < since + PATIENCE:
        if any(begun >= since for begun in _walks(agent)):
            return
        await asyncio.sleep(0.3)
    raise AssertionError(f"no walk since {since}:\n{agent.log[-2000:]}")


def _walks(agent: Agent) -> list[int]:
    """When the walks of the log's newest lines began, in wall time, not sooner."""
    found = []
    for line in agent.log[-50_000:].splitlines():
        with suppress(msgspec.DecodeError, msgspec.ValidationError):
            said = msgspec.json.decode(line, type=_Walked)
            ended = datetime.fromisoformat(said.timestamp).timestamp()
            found.append(int((ended - said.secs - ROUNDED_SECS) * SECOND))
    return found


class _Walked(Struct, tag_field="event", tag="walk.finished"):
    """A line of the agent's log."""

    secs: float
    timestamp: str
