"""One connection to the broker: carries out what `core/sync.py` decides. Capture never waits for it.

It says hello until it is welcomed, publishes runs as the core asks, forgets what the hall has committed, and beats its
heart. Nothing is kept between sessions but the buffer.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog
from msgspec import MsgspecError, Struct

from agent import __version__, beat
from agent.buffer import Damaged
from agent.core import stall, sync
from agent.core.sync import Flight, Phase, Sync
from agent.link import HALL_STOPPED
from agent.means import Means
from agent.sqlfile import BufferFullError
from common.core import message, pack, ranges, topics
from common.core.batch import Lane
from common.core.errors import MingchaError, UnavailableError
from common.core.instant import SECOND
from common.mqtt import NO_MATCHING_SUBSCRIBERS, NOT_AUTHORIZED, Link, Received, connect

log = structlog.get_logger()

HEARTBEAT_SECS = 15.0
HELLO_SECS = 5.0
REFUSED_SECS = 60.0
RUN_BYTES = 256 * 1024
GOODBYE_SECS = 2.0
PAUSE_LOOK_SECS = 2
ROOM_SECS = 0.5
ASKED = 256


class ForkedError(MingchaError):
    """The hall holds other records under our numbers: this buffer was restored from a copy or cloned."""


class Owed(Struct, frozen=True):
    """What the hall lacks, by its welcome, and never gets: `lost` was forgotten here; the rest is as it said."""

    lost: list[tuple[int, int]]
    upto: int
    ranges: list[tuple[int, int]]


class Session:
    """One connection to the broker."""

    def __init__(self, up: Means) -> None:
        self.up = up
        self.site = up.config.site
        self.buffer = up.buffer
        self.clock = up.clock
        self.connection = secrets.token_hex(16)
        self.sync = Sync(up.buffer.epoch)
        self.wire_key = b""
        self.dictionary = pack.NEWEST
        self.differs_at = 0
        self.hall_instance = ""
        self.confined = False
        """The broker lets us speak for the site no more, at most deliver our backlog."""
        self.wake = up.buffer.appended
        self.greet = asyncio.Event()
        """Introduce ourselves now, not at the next turn."""
        self.asked: dict[int, int] = {}
        """What was asked lately: the wall time that its answer names -> monotonic time."""
        self.owed: Owed | None = None
        """What must be declared and is not yet: a full disk takes it later, while delivery goes on."""

    async def run(self) -> None:
        will = (topics.state(self.site), message.encode(self._state(online=False)))
        async with (
            connect(self.up.config.mqtt, self.up.config.client_id, will=will) as link,
            self._farewell(link),
        ):
            await link.subscribe(topics.downstream(self.site))
            birth = message.encode(self._state(online=True))
            self.confined = await link.publish(topics.state(self.site), birth, retain=True) == NOT_AUTHORIZED
            self.sync = sync.connected(self.sync)
            self.up.status.connected()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._receive(link), name="receive")
                group.create_task(self._introduce(link), name="hello")
                group.create_task(self._deliver(link, group), name="deliver")
                group.create_task(self._beat(link), name="heartbeat")
                group.create_task(self.up.lane.run(link, self._idle_key), name="media")
                group.create_task(self._make_room(), name="room")

    @asynccontextmanager
    async def _farewell(self, link: Link) -> AsyncIterator[None]:
        """A graceful stop says goodbye, so that the hall does not wait for the will."""
        try:
            yield
        except asyncio.CancelledError:
            offline = message.encode(self._state(online=False))
            with suppress(UnavailableError, TimeoutError):  # then the will says it
                async with asyncio.timeout(GOODBYE_SECS):
                    await link.publish(topics.state(self.site), offline, retain=True)
            raise

    def _state(self, *, online: bool) -> message.State:
        return message.State(self.connection, online, self.buffer.epoch, __version__)

    # hello ---------------------------------------------------------------------------------------------------

    async def _introduce(self, link: Link) -> None:
        while True:
            self.greet.clear()
            if self.sync.phase in {Phase.HELLO, Phase.REFUSED}:
                hello = message.encode_signed(self._hello(), topics.hello(self.site), self.up.sign_secret)
                if await link.publish(topics.hello(self.site), hello) == NOT_AUTHORIZED:
                    await self._stop("denied")
            await self._declare()
            self._look_for_stall()
            pause = REFUSED_SECS if self.sync.phase is Phase.REFUSED else HELLO_SECS
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self.greet.wait()

    def _look_for_stall(self) -> None:
        if self.owed is not None or self.sync.phase not in {Phase.CATCHUP, Phase.STEADY}:
            return
        link, newest, now = self.up.status, self.buffer.newest, self.clock.mono()
        idle = sync.is_idle(self.sync, newest)
        link.stall, due = stall.looked(link.stall, self.sync.upto, newest, now, idle=idle)
        if due:
            log.warning("delivery.stalled", upto=self.sync.upto, newest=newest)
            self.sync = sync.connected(self.sync)
            self.greet.set()

    def _hello(self) -> message.Hello:
        at_wall = self._ask()
        self.sync = sync.greeted(self.sync, at_wall)
        return message.Hello(
            site=self.site,
            generation=self.up.config.generation,
            epoch=self.buffer.epoch,
            connection=self.connection,
            version=__version__,
            newest=self.buffer.newest,
            head_hash=self.buffer.head,
            at_wall=at_wall,
            differs_at=self.differs_at,
        )

    def _ask(self) -> int:
        """Wall time to name in what is sent now."""
        wall = self.clock.wall()
        self.asked[wall] = self.clock.mono()
        if len(self.asked) > ASKED:
            del self.asked[next(iter(self.asked))]
        return wall

    def _compare(self, answer: message.Welcome | message.Ack) -> None:
        """Our clock with the hall's, if we know when this was asked: the same may be answered twice."""
        asked_mono = self.asked.pop(answer.asked_wall, None)
        if asked_mono is not None:
            self.up.compare(asked_mono, answer.now_wall)
            if isinstance(answer, message.Ack):
                self.up.status.asked_mono = asked_mono

    async def _on_welcome(self, raw: bytes) -> None:
        welcome = message.decode_signed(message.Welcome, topics.welcome(self.site), self.up.hall_sign, raw)
        if welcome.connection != self.connection or not sync.is_awaited(self.sync, welcome):
            return
        self._compare(welcome)
        if not welcome.refused and await self._is_contradicted(welcome):
            self.differs_at = welcome.upto
            self.greet.set()  # the hall must know, and says what that makes of us
            return
        newest, forgotten = self.buffer.newest, self.buffer.forgotten
        self.sync = sync.welcomed(self.sync, welcome, newest, self.clock.mono(), forgotten)
        self.up.status.heard()
        if self.sync.phase is Phase.REFUSED:
            await self._stop(self.sync.refused)
            return
        self.wire_key = welcome.wire_key
        self.up.status.state = self.sync.phase
        self.up.status.refuse("draining" if self.confined or welcome.draining else "")
        self.owed = Owed(self._lacking(welcome), welcome.upto, welcome.ranges)
        self.greet.set()
        await self._forget()

    async def _is_contradicted(self, said: message.Welcome | message.Ack) -> bool:
        """Whether the hall holds, up to where it holds all, something else than we gave these numbers to, or more.

        To forget what it merely holds other records of would lose ours.
        """
        if said.epoch != self.buffer.epoch or said.upto > self.buffer.newest:
            return said.epoch == self.buffer.epoch
        if not said.upto_hash:
            return False
        return await self.buffer.chain_at(said.upto) not in {b"", said.upto_hash}

    def _lacking(self, welcome: message.Welcome) -> list[tuple[int, int]]:
        """What we have deleted and the hall does not hold: it was restored from a backup."""
        held = [ranges.Range(lo, hi, b"", b"") for lo, hi in [(1, welcome.upto), *welcome.ranges] if hi >= lo]
        lost = ranges.missing(held, 1, self.buffer.forgotten)
        if lost:
            log.warning("history.requested", upto=welcome.upto, forgotten=self.buffer.forgotten)
        return lost

    async def _declare(self) -> None:
        """Declare what is owed, after it is marked to be read again. On a full disk it stays owed, for the next look."""
        owed = self.owed
        if owed is None:
            return
        try:
            if owed.lost:
                await self._restore_history(owed)
            await self.buffer.declare_again(owed.upto, owed.ranges)
        except BufferFullError:
            return  # the collector says so, once
        self.owed = None if self.owed is owed else self.owed

    async def _restore_history(self, owed: Owed) -> None:
        """Read again from the source what the hall has lost.

        A hall that knows nothing of this epoch is older than it: what earlier epochs delivered may be lost too.
        """
        if owed.upto or owed.ranges:
            for lo, hi in owed.lost:
                await self.up.index.forget_range(self.buffer.epoch, lo, hi)
        else:
            await self.up.index.forget_all()
        self.up.collecting.sweep_needed()
        await self.buffer.append([self.buffer.gap(lo, hi, "hall_restored") for lo, hi in owed.lost])

    async def _stop(self, code: str) -> None:
        """We may not deliver. On a fork neither buffer nor index is what the hall has: all is read again."""
        self.sync = sync.stopped(self.sync, code)
        if code == "fork":
            await self.up.index.forget_all()
            self.buffer.set_aside()
            raise ForkedError(
                "市中心已有同编号的其他记录：本机缓存来自旧备份或克隆",
                hint="旧缓存已改名保留；程序重启后从数据源重读",
            )
        self.up.status.state = Phase.REFUSED
        self.up.status.refuse(code)

    # delivery ------------------------------------------------------------------------------------------------

    async def _deliver(self, link: Link, group: asyncio.TaskGroup) -> None:
        while True:
            self.wake.clear()
            now = self.clock.mono()
            before, self.sync = self.sync, sync.expire(self.sync, now)
            if self.sync.phase is not before.phase:
                self.greet.set()
            send = sync.next_send(self.sync, self.buffer.newest, now, bulk_mono=self.up.pace.bulk_mono)
            if send is None:
                await self._rest()
                continue
            run = await self.buffer.read(send.first, send.last, RUN_BYTES)
            if isinstance(run, Damaged):
                await self._lose(run)
                continue
            payload = self.up.sealed(run, send.lane, self.wire_key, self.dictionary, self._ask())
            flight = Flight(send.lane, run.first, run.last, len(payload), self.clock.mono())
            self.sync = sync.sent(self.sync, flight)
            self.up.status.sent_mono = flight.sent_mono
            if send.lane is Lane.BULK:
                self.up.pace.spend(len(payload))
            group.create_task(self._publish(link, flight, payload))

    async def _lose(self, lost: Damaged) -> None:
        """Have it read again, then declare it: a walk that begins after the declaration meets the row."""
        await self.up.index.forget_range(self.buffer.epoch, lost.first, lost.last)
        await self.buffer.quarantine(lost.first, lost.last, lost.why)
        self.up.collecting.sweep_needed()
        self.sync = sync.skipped(self.sync, lost.first, lost.last)

    async def _rest(self) -> None:
        now, held, due = self.clock.mono(), self.up.pace.bulk_mono, sync.wake_at(self.sync)
        if self.sync.phase is Phase.CATCHUP and held > now:
            due = min(due or held, held, now + PAUSE_LOOK_SECS * SECOND)
        seconds = None if due is None else max(0.0, (due - now) / SECOND)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.wake.wait()
        if self.sync.phase is Phase.STEADY:
            await asyncio.sleep(self.up.pace.policy.linger_ms / 1000)

    def _idle_key(self) -> bytes:
        """The hall's wire key while nothing else is to be sent; else empty."""
        idle = self.sync.phase is Phase.STEADY and sync.is_idle(self.sync, self.buffer.newest)
        return self.wire_key if idle and not self.confined else b""

    async def _make_room(self) -> None:
        """Live pictures go out by a connection of their own, and only while no record waits for long."""
        while True:
            is_idle = self.sync.phase is Phase.STEADY and sync.is_idle(self.sync, self.buffer.newest)
            self.up.live.pressed(is_busy=not is_idle)
            await asyncio.sleep(ROOM_SECS)

    async def _publish(self, link: Link, flight: Flight, payload: bytes) -> None:
        code = await link.publish(topics.lane(self.site, flight.lane), payload)
        if code == NO_MATCHING_SUBSCRIBERS:
            self.sync = sync.unsent(self.sync, flight.first, self.clock.mono())
        elif code == NOT_AUTHORIZED and flight.lane is Lane.LIVE:
            self.confined = True
            self.sync = sync.denied(self.sync, flight)
            self.up.status.refuse("draining")
        elif code == NOT_AUTHORIZED:
            await self._stop("denied")
        self.wake.set()

    # what the hall says --------------------------------------------------------------------------------------

    async def _receive(self, link: Link) -> None:
        async for item in link.messages():
            link.puback(item)
            try:
                await self._handle(item)
            except BufferFullError:
                continue  # the collector says so, once; what could not be deleted now is after the next ack
            except (ValueError, MsgspecError) as error:
                log.warning("message.ignored", topic=item.topic, reason=str(error))

    async def _handle(self, item: Received) -> None:
        if item.topic == topics.welcome(self.site):
            await self._on_welcome(item.payload)
        elif item.topic == topics.ack(self.site):
            await self._on_ack(item.payload)
        elif item.topic == topics.command(self.site):
            self.up.remote.take(item.payload, self.up.hall_sign)
        elif item.topic == topics.filed(self.site):
            self.up.lane.take(item.payload, self.up.hall_sign)
        elif item.topic == topics.watch(self.site):
            self.up.live.take(item.payload, self.up.hall_sign)
        elif item.topic == topics.policy(self.site):
            self.up.keeping.take(item.payload)
        elif item.topic == topics.CENTRAL_STATE:
            self._on_central(message.decode(message.CentralState, item.payload), fresh=not item.retain)
        self.wake.set()

    async def _on_ack(self, raw: bytes) -> None:
        ack = message.decode_signed(message.Ack, topics.ack(self.site), self.up.hall_sign, raw)
        if ack.epoch != self.buffer.epoch:
            return
        ack = sync.heeded(self.sync, ack, self.asked.get(ack.asked_wall))
        self.up.status.heard()
        before, self.sync = self.sync, sync.acknowledged(self.sync, ack, self.clock.mono())
        if self.sync.phase is Phase.HELLO and before.phase is not Phase.HELLO:
            self.greet.set()
        self._compare(ack)
        link = self.up.status
        link.state, link.ack_wall, link.ack_mono = self.sync.phase, self.clock.wall(), self.clock.mono()
        if self.sync.phase is Phase.REFUSED:
            await self._stop(self.sync.refused)
            return
        if await self._is_contradicted(ack):
            self.differs_at, self.sync = ack.upto, sync.connected(self.sync)
            self.greet.set()
            return
        for nack in ack.nacks:
            if nack.code in {"unknown_dict", "bad_seal"}:
                self.dictionary = ""  # the hall's is older, or damaged: it takes them without
            if nack.permanent:
                log.error("record.refused", first=nack.first, last=nack.last, code=nack.code)
                await self.buffer.note_refusal(nack.first, nack.last, nack.code)
        await self._forget()

    async def _forget(self) -> None:
        upto = min(self.sync.upto, self.buffer.newest)
        if upto > self.buffer.forgotten:
            chain = await self.buffer.chain_at(upto)
            await self.up.index.note_acknowledged(self.buffer.epoch, upto, chain)
        await self.buffer.forget(upto)

    def _on_central(self, state: message.CentralState, *, fresh: bool) -> None:
        """Another instance may hold less than the one before: introduce ourselves again. `fresh`: said now, not kept by the
        broker: it has not heard us, even if we said hello already."""
        self.sync = sync.told(self.sync, state.wait_ms * 1000 if state.online else 0)
        self.up.status.is_hall_there = state.online
        if not state.online:
            self.up.status.away(HALL_STOPPED)
        elif state.instance == self.hall_instance and self.up.status.fault == HALL_STOPPED:
            self.up.status.heard()
        elif state.instance != self.hall_instance:
            known, self.hall_instance = self.hall_instance, state.instance
            if (known or fresh) and self.sync.phase is not Phase.OFFLINE:
                self.sync = sync.connected(self.sync)
                self.greet.set()

    # heartbeat -----------------------------------------------------------------------------------------------

    async def _beat(self, link: Link) -> None:
        while True:
            said = await beat.compose(self.up, self.connection, self.sync)
            await link.publish(topics.heartbeat(self.site), message.encode(said), qos=0)
            await asyncio.sleep(HEARTBEAT_SECS)
