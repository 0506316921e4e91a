"""The source loop: reads the site's database round by round and hands pages to `capture.py`.

Two lanes per table, over one connection. The **cursor** lane reads what the vendor stamped as changed, again and
again over an overlap. The **sweep** walks the whole table in key order and proves the index row by row: it finds
late commits, edits without a stamp, and deletions, and it is the only lane where no cursor is mapped. A round
gives each lane a slice of time, so that fresh rows never wait for a long walk. After a clean round a `Pass` says
up to which instant of office time the tables are whole.

APScheduler only says *when* a round is due (it coalesces what was missed); the round runs in this loop, so that
an unforeseen error ends the process, as everywhere, and does not vanish in a scheduler's log.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Awaitable
from datetime import UTC, datetime

import msgspec
import structlog
from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from agent.capture import Capture
from agent.config import CaptureConfig
from agent.core.gentle import Account
from agent.core.mapping import Table
from agent.core.source_clock import LOOK_EVERY, Reading, jump_secs
from agent.index import Index
from agent.lane.schema import Schema
from agent.lanes import Lanes
from agent.root import EVERY, Roots
from agent.salvage import Salvage
from agent.source.base import OF_TABLE, SchemaError, Source
from agent.sqlfile import BufferFullError
from agent.switch import Switch, said
from agent.upheavals import Upheavals
from common.clock import Clock
from common.core import mask
from common.core.backoff import delay
from common.core.errors import MingchaError, UnavailableError
from common.core.instant import MINUTE, SECOND
from common.core.record import Anew, Observation, Pass
from common.core.state import Observed

log = structlog.get_logger()

MAX_PAUSE_SECS = 30.0
FULL_PAUSE_SECS = 8.0
"""At most this long after a full disk has room again, collection goes on (sync.md R8)."""
HUNG_SECS = 35.0
"""More than a pause after a fault, or a slow walk's slice, takes."""
RECHECK_SECS = 30.0
"""A table that could not be read is tried again after this, or when it would be swept, if that is sooner."""
_NEVER = -(1 << 63)
"""Before every instant of the monotonic clock, of former boots too."""


COST_OVER = 5 * MINUTE


class CollectState:
    """Where capture stands; written by the collector, read by heartbeat, status file and watchdog."""

    def __init__(self) -> None:
        self.source_fault = ""
        self.buffer_fault = ""
        self.paused = ""
        """By whom and why nothing is asked of the source; or empty."""
        self.busy_share = 0.0
        """Of the last minutes, the share in which the source worked for us."""
        self.table_faults: dict[str, str] = {}
        self.since_wall = 0
        self.last_ok_wall = 0
        self.last_ok_mono: int | None = None
        self.is_begun = False
        """A source is read: from now on its rounds must turn."""
        self.turned_mono = 0
        self.rounds = 0
        self.quarantined = 0
        self.lost: dict[str, int] = {}
        """Table and column -> rows whose text the source itself had lost, by the last whole walk."""
        self.new_columns: dict[str, int] = {}
        """Table and column of the source that appeared and is not mapped -> since when (wall time)."""
        self.overlaps: dict[str, int] = {}
        """Cursor -> seconds behind its high water from which it reads."""
        self.without_index: list[str] = []
        """Cursors, by table and column of the source, that are not read because no index carries them."""
        self.wholes: dict[str, tuple[int, int]] = {}
        """Table of the source that is read as a whole, because nothing tells its rows apart -> rows, seconds between two readings."""
        self.sweep_wanted = False
        self.is_said = False
        """Whether the log says that the buffer is full: at its edge it is full again and again."""
        self.quiet_until_mono = 0

    @property
    def fault(self) -> str:
        """What is wrong with the source: one Chinese sentence, or empty."""
        return self.paused or self.source_fault or "；".join(self.table_faults.values())

    def ok_age_secs(self, now_mono: int) -> float | None:
        """Seconds since the last clean round; None before the first."""
        return None if self.last_ok_mono is None else (now_mono - self.last_ok_mono) / SECOND

    def hung(self, now_mono: int, poll_secs: float) -> str:
        """What is wrong where a round does not come to its end, and no error either; or empty."""
        silent = (now_mono - self.turned_mono) / SECOND
        if not self.turned_mono or silent < HUNG_SECS + 3 * poll_secs:
            return ""
        return f"采集停住了：一轮采集 {silent:.0f} 秒没有结束"

    def sweep_needed(self) -> None:
        """Something was lost or must be told again: sweep at the next round."""
        self.sweep_wanted = True


class Collector:
    """Owns the source's connection. `round_once` is the loop's step, testable alone."""

    def __init__(
        self,
        source: Source,
        tables: list[Table],
        capture: Capture,
        index: Index,
        config: CaptureConfig,
        clock: Clock,
        state: CollectState,
        salvage: Salvage | None = None,
        switch: Switch | None = None,
    ) -> None:
        self._source = source
        self._salvage = salvage
        self._switch = switch
        self._read_clock: Reading | None = None
        self._busy: deque[tuple[int, int]] = deque([(clock.mono(), 0)])
        self._capture = capture
        self._config = config
        self._clock = clock
        self._state = state
        self._tables = tables
        self._schema = Schema(tables, source, capture, index, clock)
        account = Account(clock.mono())
        self._lanes = {
            table.name: Lanes(table, source, capture, index, config, clock, self._schema, account)
            for table in tables
        }
        self._upheavals = Upheavals(self._lanes, capture)
        self._retry_mono: dict[str, int] = {}
        self._passed: dict[str, int] = {}
        self._passed_mono = 0
        self._compared = False
        self._roots = Roots(index.path)
        self._root_mono = clock.mono() + EVERY

    async def start(self, positions: dict[str, bytes]) -> None:
        """Continue where the buffer says the source was read to."""
        for lanes in self._lanes.values():
            lanes.resume(positions)

    async def close(self) -> None:
        await self._source.close()

    async def end(self) -> None:
        """Nothing is read or computed any more."""
        await self.close()
        await self._roots.close()

    async def round_once(self) -> int:
        """Read every table once. -> number of changes. Raises UnavailableError, BufferFullError."""
        began = self._clock.mono()
        if await self._is_off():
            return 0
        await self._capture.check_room()
        await self._capture.catch_up()
        for table in self._tables:
            await self._capture.evidence.begin(table)
        await self._source.open()
        await self._look_at_clock()
        if self._state.sweep_wanted:
            self._state.sweep_wanted = False
            for lanes in self._lanes.values():
                lanes.sweep_now()
        changed = await self._read(began)
        await self._pass(changed)
        await self._root()
        if self._salvage is not None:
            await self._salvage.advance(self._config.poll_secs / 2)
        self._count_cost()
        self._state.rounds += 1
        self._state.quarantined = len(self._capture.bad)
        self._state.lost = {name: rows for lanes in self._lanes.values() for name, rows in lanes.lost.items()}
        self._state.new_columns = self._schema.new
        self._state.overlaps = {
            name: secs for one in self._lanes.values() for name, secs in one.overlaps.items()
        }
        self._state.without_index = [name for one in self._lanes.values() for name in one.without_index]
        self._state.wholes = {name: said for one in self._lanes.values() for name, said in one.wholes.items()}
        if not self._retry_mono:
            self._state.last_ok_mono, self._state.last_ok_wall = self._clock.mono(), self._clock.wall()
        took = (self._clock.mono() - began) // 1000
        log.debug("round.finished", tables=len(self._lanes), changed=changed, ms=took)
        return changed

    async def _is_off(self) -> bool:
        """The site's own switch, and the hall's. Nothing stays open while one is off, and completeness is not stated."""
        found = self._switch.off(self._clock.wall()) if self._switch is not None else None
        if found is not None and not self._state.paused:
            log.warning("capture.paused", who=found.who, why=found.why, hint="执行 mingcha-agent resume")
            await self._source.close()
        if found is None and self._state.paused:
            log.info("capture.resumed")
        self._state.paused = said(found)
        return found is not None

    async def _look_at_clock(self) -> None:
        """Now and then: a jump of the source's clock is told, because its times say something else since."""
        if self._read_clock is not None and self._clock.mono() < self._read_clock.mono + LOOK_EVERY:
            return
        began, at = self._clock.mono(), await self._source.clock()
        if at is None:
            return
        reading = Reading(at, (began + self._clock.mono()) // 2)
        secs = jump_secs(self._read_clock, reading)
        self._read_clock = reading
        if secs:
            log.warning("source.jumped", secs=secs)
            detail = msgspec.json.encode({"seconds": secs}).decode()
            await self._capture.observe(Observation(Observed.CLOCK_JUMP, "", "", detail))

    def _count_cost(self) -> None:
        """What the source has worked for us, over the last minutes."""
        now, busy = self._clock.mono(), sum(lanes.busy_us for lanes in self._lanes.values())
        self._busy.append((now, busy))
        while now - self._busy[0][0] > COST_OVER:
            self._busy.popleft()
        since, before = self._busy[0]
        self._state.busy_share = (busy - before) / max(1, now - since)

    async def _read(self, began: int) -> int:
        """Every table that can be read. -> number of changes."""
        slice_secs = self._config.poll_secs / len(self._lanes)
        for name, lanes in self._readable(began):
            await self._guarded(name, lanes.look())
        await self._upheavals.spread()
        changed = 0
        for name, lanes in self._readable(began):
            changed += await self._guarded(name, lanes.advance(slice_secs), is_whole=True)
            await self._upheavals.spread()  # before the next one tells what belongs to it
        if await self._upheavals.settle(self._retry_mono):
            for name, lanes in self._readable(began):
                changed += await self._guarded(name, lanes.advance(slice_secs), is_whole=True)
        return changed

    def _readable(self, began: int) -> list[tuple[str, Lanes]]:
        return [(name, one) for name, one in self._lanes.items() if self._retry_mono.get(name, 0) <= began]

    async def _guarded(self, name: str, reading: Awaitable[int], *, is_whole: bool = False) -> int:
        """A table that cannot be read stops alone; `is_whole`: one that is read goes on.

        What a person must mend begins anew; what passes by itself, a lock, goes on where it stood. Past the statement limit
        or in an error nobody has foreseen the table is left alone as long, so that a hopeless query costs the office little.
        """
        lanes = self._lanes[name]
        try:
            changed = await reading
        except OF_TABLE as error:
            if isinstance(error, SchemaError):
                lanes.restart()
            pause = min(RECHECK_SECS, self._config.sweep_secs)
            self._retry_mono[name] = self._clock.mono() + int(pause * SECOND)
            self._table_stopped(name, error)
            return 0
        if is_whole and self._retry_mono.pop(name, None) is not None:
            del self._state.table_faults[name]
            log.info("table.recovered", table=name)
        return changed

    def _table_stopped(self, name: str, error: MingchaError) -> None:
        self._state.turned_mono = self._clock.mono()  # many slow tables are no round that hangs
        said = (
            str(error) if isinstance(error, SchemaError) else f"表 {self._lanes[name].source_name}：{error}"
        )
        if name not in self._state.table_faults:
            log.error("table.stopped", table=name, reason=mask.numbers(said), hint=error.hint)
            self._state.since_wall = self._state.since_wall or self._clock.wall()
        self._state.table_faults[name] = mask.numbers(said)

    async def _root(self) -> None:
        """Now and then, once all tables have been walked: what the index comes to."""
        found = self._roots.take()
        if found is not None:
            await self._capture.note(found)
        whole = all(lanes.whole_mono is not None for lanes in self._lanes.values())
        if whole and self._clock.mono() >= self._root_mono:
            self._root_mono = self._clock.mono() + EVERY
            self._roots.begin()

    async def _pass(self, changed: int) -> None:
        """State completeness, at most every `pass_secs` unless something changed.

        Nothing is stated before every table was read once: a case without its result and its pauses looks late.
        """
        if self._state.sweep_wanted or self._capture.bad:
            return  # something is being read again, or could not be mapped: what we hold is not whole
        if not self._compared and self._clock.offset is not None:
            self._compared, self._passed, self._passed_mono = (
                True,
                {},
                0,
            )  # what was said before does not count
        due = self._passed_mono + int(self._config.pass_secs * SECOND) <= self._clock.mono()
        if not (changed or due) or any(lanes.whole_mono is None for lanes in self._lanes.values()):
            return
        walks: dict[tuple[int, Anew | None], dict[str, int]] = {}
        for name, lanes in self._lanes.items():
            whole = lanes.whole_mono
            if name not in self._retry_mono and whole is not None and whole > self._passed.get(name, _NEVER):
                walks.setdefault((whole, lanes.anew), {})[name] = lanes.rows
        if not walks:
            return
        mapped = list(self._lanes)
        passes = [
            Pass(self._clock.office(whole), tables, mapped, anew, self._clock.err)
            for (whole, anew), tables in walks.items()
        ]
        await self._capture.passed(passes)
        self._passed_mono = self._clock.mono()
        for (whole, _), tables in walks.items():
            self._passed |= dict.fromkeys(tables, whole)


async def run(collector: Collector, config: CaptureConfig, state: CollectState, clock: Clock) -> None:
    """Collect for ever."""
    due = asyncio.Event()

    # On the loop itself: as a task of its own, one that the end of the process overtook was told as an error.
    scheduler = AsyncIOScheduler(timezone=UTC, executors={"default": DebugExecutor()})
    scheduler.add_job(
        due.set,
        "interval",
        seconds=config.poll_secs,
        coalesce=True,
        max_instances=1,
        misfire_grace_time=None,
        next_run_time=datetime.now(UTC),
    )
    scheduler.start()
    failed = 0
    try:
        while True:
            state.turned_mono = clock.mono()
            await due.wait()
            due.clear()
            failed = 0 if await _survived(collector, state, clock) else failed + 1
            if failed:
                await asyncio.sleep(_pause(failed, FULL_PAUSE_SECS if state.buffer_fault else MAX_PAUSE_SECS))
    finally:
        scheduler.shutdown(wait=False)
        await collector.end()


def _pause(failed: int, longest: float) -> float:
    return delay(failed, secrets.randbelow(1000) / 1000, cap=longest)


async def _survived(collector: Collector, state: CollectState, clock: Clock) -> bool:
    """One round; what heals by itself is noted once when it begins and once when it ends."""
    try:
        await collector.round_once()
    except BufferFullError as error:
        if not state.buffer_fault:
            state.since_wall = clock.wall()
            state.is_said = clock.mono() >= state.quiet_until_mono
        if not state.buffer_fault and state.is_said:
            state.quiet_until_mono = clock.mono() + MINUTE
            log.error("buffer.full", reason=str(error), hint=error.hint)
        state.buffer_fault = str(error)
        return False
    except UnavailableError as error:
        if not state.source_fault:
            log.warning("source.unavailable", reason=mask.numbers(str(error)), hint=error.hint)
            state.since_wall = clock.wall()
        state.source_fault = mask.numbers(str(error))
        await collector.close()
        return False
    _recovered(state, clock)
    return True


def _recovered(state: CollectState, clock: Clock) -> None:
    secs = round((clock.wall() - state.since_wall) / SECOND, 1)
    if state.source_fault:
        log.info("source.recovered", after_secs=secs)
    if state.buffer_fault and state.is_said:
        log.info("buffer.recovered", after_secs=secs)
    state.source_fault = state.buffer_fault = ""
    if not state.table_faults:
        state.since_wall = 0
