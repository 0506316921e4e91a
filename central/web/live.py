"""One producer looks at the tables once a second; every window is told the same, in numbered messages.

A window gets the whole state first, then what changed. Whoever falls behind, or misses a number, gets the whole
again; so does everybody once a minute, which heals whatever nobody foresaw.
"""

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from aiohttp import web
from msgspec import UNSET, Struct, UnsetType

from central.core import hall, news, site
from central.core.hall import EVENT_ROWS, Facts, SiteFacts, Slow, State
from central.core.site import Backlog
from central.store import messages
from central.store import wall as rows
from central.store.engine import Store
from common.clock import Clock
from common.core.errors import UnavailableError
from common.core.instant import SECOND, from_us, start_of_day

LOOK_SECS = (
    1.0  # from the end of one look to the next: two messages are never nearer, however long a look takes
)
SLOW_SECS = 10.0
QUIET_SECS = (
    3.5  # told at the first look after it, so that no silence is longer than 5 s; windows call 10 s stale
)
WHOLE_SECS = 60.0
KEPT = 30  # messages that a slow window may be behind
PER_LOGIN = 4
ASK_SECS = 15.0  # whoever was logged out sees what is new for so long; 200 windows cost 14 look-ups a second


Section = dict[str, dict[str, str]] | UnsetType


class Message(Struct, frozen=True):
    """One message: its number, both clocks and their age in ms (`now`: office time), and of each section of the state (`hall.compose`)
    what is new. `full`: it is the whole state; `build` then tells that pages were exchanged."""

    seq: int
    now: int
    wall: int
    pace: float
    age: int
    full: bool | UnsetType = UNSET
    build: str | UnsetType = UNSET
    h: Section = UNSET
    k: Section = UNSET
    s: Section = UNSET
    q: Section = UNSET
    t: Section = UNSET
    f: Section = UNSET
    n: Section = UNSET
    e: Section = UNSET


def clocks(facts: Facts) -> dict[str, float]:
    """What a window reckons its times from: both clocks and their age in ms, and how fast office time runs."""
    pace = 1.0 if facts.pace is None else facts.pace
    return {"now": facts.now_at // 1000, "wall": facts.now_wall // 1000, "pace": pace, "age": 0}


class Wall:
    """The state of the wall, kept by `run`, read by pages and streams."""

    def __init__(self, store: Store, clock: Clock, zone: ZoneInfo) -> None:
        self._store, self._clock, self._zone = store, clock, zone
        self.state: State = {}
        self.facts: Facts | None = None
        self.build = ""
        self.seq = 0
        self.open: Counter[str] = Counter()  # streams by user
        self.closing = False
        self.turned_mono = clock.mono()
        self.producer: asyncio.Task[None] | None = None
        self._recent: deque[tuple[int, bytes]] = deque(maxlen=KEPT)
        self._news = asyncio.Event()
        self._backlogs: dict[str, Backlog | None] = {}
        self._happenings: deque[tuple[int, str, str]] = deque(maxlen=EVENT_ROWS)
        self._slow = Slow()
        self._slow_mono = -SLOW_SECS
        self._told_mono = self._whole_mono = 0.0

    async def run(self) -> None:
        """Look for ever. A database that is away is no reason to stop: the windows say that they are stale."""
        while True:
            self.turned_mono = self._clock.mono()
            with contextlib.suppress(
                UnavailableError
            ):  # the receiver says it, once; `mingcha doctor` names the age
                await self.look_once()
            await asyncio.sleep(LOOK_SECS)

    async def first_look(self) -> None:
        """Look until it succeeds: no page is served before."""
        while not self.state:
            try:
                await self.look_once()
            except UnavailableError:
                await asyncio.sleep(LOOK_SECS)

    async def ended(self) -> None:
        """Wait for the producer. Raises what it ended with: a wall that stands still for ever must not go unseen."""
        assert self.producer is not None
        await asyncio.shield(self.producer)

    async def look_once(self) -> None:
        """Read, compose, and tell what changed."""
        self.facts = await self._read()
        before, self.state = self.state, hall.compose(self.facts)
        if before:
            told = news.happenings(before["s"], self.state["s"], self.facts.now_at)
            self._happenings.extend(told)
        self._tell(hall.changed(before, self.state))

    async def _read(self) -> Facts:
        now_at, now_wall, mono = self._clock.office(), self._clock.wall(), self._clock.mono_secs()
        day_at = start_of_day(from_us(now_at, self._zone).date(), self._zone)
        async with self._store.read() as conn:
            if mono - self._slow_mono >= SLOW_SECS:
                self._slow = await rows.slow(conn, now_at, self._zone)
                self._slow_mono = mono
            sites = await rows.sites(conn, day_at, now_at)
            red, late = await rows.reds_since(conn, day_at)
            return Facts(
                now_at=now_at,
                now_wall=now_wall,
                zone=self._zone,
                sites=[self._followed(item, now_wall, now_at) for item in sites],
                lit=await rows.most_urgent(conn),
                red_today=red,
                late_today=late,
                changes=await rows.newest_changes(conn, EVENT_ROWS),
                happenings=list(self._happenings),
                slow=self._slow,
                undelivered=(await messages.failures(conn, 1))[0],
                pace=self._clock.pace if self._clock.is_demo else None,
            )

    def _followed(self, item: SiteFacts, now_wall: int, now_at: int) -> SiteFacts:
        """Join the account of the site's catch-up, which only somebody who watches can keep."""
        link = site.derive(item.signals, now_wall, now_at)
        backlog = site.follow(self._backlogs.get(item.id), link, item.signals.left, now_wall)
        self._backlogs[item.id] = backlog
        return msgspec.structs.replace(item, backlog=backlog)

    def _tell(self, delta: State) -> None:
        mono = self._clock.mono_secs()
        whole = mono - self._whole_mono >= WHOLE_SECS
        if not (delta or whole or mono - self._told_mono >= QUIET_SECS):
            return
        self.seq += 1
        self._told_mono = mono
        if whole:
            self._whole_mono = mono
        self._recent.append((self.seq, self.snapshot() if whole else self._message(delta)))
        self.wake()

    def snapshot(self) -> bytes:
        """The whole state as a message with the newest number; it may be old, and says so."""
        assert self.facts is not None
        age = {"age": (self._clock.wall() - self.facts.now_wall) // 1000}
        return self._message({**self.state, "full": True, "build": self.build} | age)

    def _message(self, content: Mapping[str, Any]) -> bytes:
        assert self.facts is not None
        told = Message(**{"seq": self.seq, **clocks(self.facts), **content})
        return b"data: " + msgspec.json.encode(told) + b"\n\n"

    def wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    def close(self) -> None:
        """End every stream: the process stops."""
        self.closing = True
        self.wake()

    async def messages(self) -> AsyncIterator[bytes]:
        """The whole state at once, then what follows, until the hall closes: one message a second at most, one in five at least."""
        while not self.state:
            await self._news.wait()
        seq = self.seq
        yield self.snapshot()
        while not self.closing:
            if seq == self.seq:
                await self._news.wait()
                continue
            following = [message for number, message in self._recent if number > seq]
            caught_up = len(following) == self.seq - seq == 1
            seq = self.seq
            yield following[0] if caught_up else self.snapshot()


async def produce(wall: Wall) -> AsyncIterator[None]:
    """Run the producer as long as the application runs; the first look is done before the first page."""
    await wall.first_look()
    wall.producer = asyncio.create_task(wall.run(), name="wall")
    yield
    wall.close()
    wall.producer.cancel()
    await asyncio.wait([wall.producer])  # what it ended with was raised by `ended`


def age_secs(wall: Wall, clock: Clock) -> float:
    """How old the newest look is."""
    return (clock.wall() - wall.facts.now_wall) / SECOND if wall.facts else float("inf")


async def answer(
    request: web.Request, wall: Wall, user: str, headers: dict[str, str], is_in: Callable[[], Awaitable[bool]]
) -> web.StreamResponse:
    """Send `wall.messages` to one browser until it goes, or `is_in` says that its session has ended."""
    if wall.open[user] >= PER_LOGIN:
        raise web.HTTPTooManyRequests(text="请关闭多余的窗口")
    response = web.StreamResponse(headers={**headers, "Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    response.content_type = "text/event-stream"
    wall.open[user] += 1
    try:
        await response.prepare(request)
        asked_mono = time.monotonic()
        async for message in wall.messages():
            if time.monotonic() - asked_mono >= ASK_SECS:
                if not await is_in():
                    break
                asked_mono = time.monotonic()
            await response.write(message)
    except ConnectionResetError:
        pass  # the window was closed
    finally:
        wall.open[user] -= 1
    return response
