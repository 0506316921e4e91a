"""Sends what waits: asks each message again whether it is still to be told, plans digests, and keeps what became of it.

Three transactions for each message: claimed (`sending`), given away outside of any, and kept with the answer. A process that
dies in between leaves `sending` behind: the next start sends it again under the same key where the channel takes a key twice
for one message, and calls it undelivered, visibly, where it does not.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import structlog
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import holding
from central.config import CentralConfig
from central.core import digest, ladder, message
from central.core.digest import Waiting
from central.core.gateway import Receipt
from central.core.ladder import Level
from central.core.message import Channel as Kind
from central.core.message import State
from central.notify.base import Parcel, UncertainError
from central.notify.channels import Channels, configured
from central.store import messages, silences
from central.store.engine import Store
from central.telling import MARK
from central.world import Moment, World
from common.clock import Clock
from common.core import crypto
from common.core.backoff import delay
from common.core.errors import RejectedError, UnavailableError
from common.core.instant import DAY, HOUR, SECOND

log = structlog.get_logger()

LOOK_SECS = 2.0
ATTEND_SECS = 10.0
"""Between two looks at the sites' lines and at receipts."""
PAGE = 200
MOST_TOGETHER = 1_000
TRIED_FOR = DAY
"""So long a message is tried, and so long its receipt is waited for."""
_BASE_SECS, _CAP_SECS = 30.0, 1800.0


class Post:
    """The hall's post office: what a look needs."""

    def __init__(self, store: Store, world: World, clock: Clock, channels: Channels, sign_key: bytes) -> None:
        """`sign_key`: the hall's public operations key, which silences are signed with."""
        self.store, self.world, self.clock, self.channels, self.sign_key = (
            store,
            world,
            clock,
            channels,
            sign_key,
        )
        self._is_away: set[Kind] = set()
        self._came: deque[tuple[Kind, Receipt]] = deque()

    async def close(self) -> None:
        """Give back every channel's line."""
        for channel in self.channels.values():
            await channel.close()

    @property
    def now(self) -> Moment:
        return Moment(self.clock.office(), self.clock.wall())

    async def begin(self) -> None:
        """What a process that died has left half sent. Raises UnavailableError."""
        async with self.store.write() as conn:
            for row in await messages.in_state(conn, State.SENDING, MOST_TOGETHER):
                channel = self.channels.get(Kind(row.channel))
                if channel is not None and channel.is_repeatable:
                    await messages.move(conn, row, State.QUEUED, self.now, "发送途中程序中断，以同一编号重发")
                else:
                    await self._fail(conn, row, "发送途中程序中断，可能已经发出；请核实后重发")

    async def look_once(self) -> int:
        """-> how many were given away. Raises UnavailableError."""
        async with self.store.write() as conn:
            await holding.release(conn, self.now, self.sign_key)
            await self._give_up(conn)
        async with self.store.read() as conn:
            ready = await messages.due(conn, self.now, PAGE)
        sent = 0
        for person, channel in dict.fromkeys((row.person, row.channel) for row in ready):
            sent += await self._serve(person, Kind(channel))
        return sent

    async def _serve(self, person: str, channel: Kind) -> int:
        """Everything that is due for one person over one channel."""
        async with self.store.write() as conn:
            waiting = await messages.waiting_for(conn, person, channel.value, self.now, MOST_TOGETHER)
            rows = [row for row in waiting if await self._still(conn, row)]
            chosen = await self._planned(conn, rows, person, channel)
            claimed = [row for row in chosen if await self._claim(conn, row)]
        for row in claimed:
            await self._send(row)
        return len(claimed)

    async def _still(self, conn: AsyncConnection, row: Row[Any]) -> bool:
        """Whether it is to be told now; what is not is moved where it belongs."""
        if Kind(row.channel) not in self.channels:
            await messages.move(conn, row, State.OVER, self.now, "没有配置这种通道")
            return False
        return await holding.is_wanted(conn, row, self.world, self.clock, self.sign_key)

    async def _planned(
        self, conn: AsyncConnection, rows: Sequence[Row[Any]], person: str, channel: Kind
    ) -> Iterable[Row[Any]]:
        """Short messages have hours, and many of them become a digest."""
        if channel is not Kind.SMS or not rows:
            return rows
        now, world = self.now, self.world
        opens_at = ladder.may_wake_at(now.at, world.calendar, world.zone)
        numbers = [row.id for row in rows if row.level != Level.TEST]
        if opens_at > now.at:
            await messages.postpone(conn, numbers, send_at=opens_at)
            return [row for row in rows if row.level == Level.TEST]
        singles, newest = await messages.lately(conn, person, channel.value, now.wall - HOUR)
        plan = digest.plan([Waiting(row.id, bool(row.alone)) for row in rows], singles, newest, now.wall)
        await messages.postpone(conn, plan.later, next_wall=plan.later_wall)
        if plan.together:
            await self._join(conn, [row for row in rows if row.id in set(plan.together)])
        return [row for row in rows if row.id in set(plan.singly)]

    async def _join(self, conn: AsyncConnection, rows: Sequence[Row[Any]]) -> None:
        """One message for all of them; it goes at the next look."""
        first, now = rows[0], self.now
        event = f"digest/{first.id}/{rows[-1].id}/{len(rows)}"
        key = message.key_of(event, 0, first.person, Kind(first.channel))
        text = message.digest(MARK, [Level(row.level).word for row in rows])
        same = {name: getattr(first, name) for name in ("channel", "person", "name", "address")}
        fresh = {
            "key": key, "event": event, "rung": 0, "level": Level.DIGEST.value, "site": "", "case_key": None,
            "subject": None, "cycle": None, "correction": None, "title": f"{len(rows)} 条提示", "text": text,
            "alone": True, "send_at": now.at, "made_at": now.at, "made_wall": now.wall, "changed_at": now.at,
            "changed_wall": now.wall,
        }  # fmt: skip
        await messages.add(conn, [same | fresh])
        carrier = await messages.id_of(conn, key)
        for row in rows:
            await messages.move(conn, row, State.JOINED, now, f"并入第 {carrier} 号", carrier=carrier)

    async def _claim(self, conn: AsyncConnection, row: Row[Any]) -> bool:
        now = self.now
        first = row.first_wall if row.first_wall is not None else now.wall
        return await messages.move(
            conn, row, State.SENDING, now, "", attempts=row.attempts + 1, first_wall=first
        )

    async def _send(self, claimed: Row[Any]) -> None:
        kind = Kind(claimed.channel)
        channel = self.channels[kind]
        try:
            ref = await channel.send(Parcel(claimed.key, claimed.address, claimed.title, claimed.text))
        except RejectedError as error:
            await self._keep(claimed, State.FAILED, f"{error}。{error.hint}")
        except UncertainError as error:
            if channel.is_repeatable:
                await self._again(claimed, str(error))
            else:
                await self._keep(claimed, State.FAILED, f"{error}，{error.hint}；请核实后重发")
        except UnavailableError as error:
            self._away(kind, error)
            await self._again(claimed, str(error))
        except (LookupError, TypeError, ValueError):  # what one message's content does to a channel
            log.exception("message.unsendable", message=claimed.id, hint="请把这条日志交给软件维护人员")
            await self._keep(claimed, State.FAILED, "程序出错，可能已经发出；请核实后重发")
        else:
            self._back(kind)
            state = State.DELIVERED if channel.is_final else State.SENT
            await self._keep(claimed, state, "" if channel.is_final else f"对方编号 {ref}", ref=ref)

    def _away(self, kind: Kind, error: UnavailableError) -> None:
        if kind not in self._is_away:
            self._is_away.add(kind)
            log.warning("channel.unavailable", channel=kind.value, reason=str(error), hint=error.hint)

    def _back(self, kind: Kind) -> None:
        if kind in self._is_away:
            self._is_away.discard(kind)
            log.info("channel.recovered", channel=kind.value)

    async def _again(self, claimed: Row[Any], why: str) -> None:
        """Try later; what has been tried for a day has not arrived."""
        async with self.store.write() as conn:
            row = await self._still_sending(conn, claimed)
            if row is None:
                return
            wait = _BASE_SECS / 2 + delay(
                row.attempts, secrets.randbelow(1000) / 1000, base=_BASE_SECS, cap=_CAP_SECS
            )
            later = self.now.wall + int(wait * SECOND)
            if row.first_wall is not None and later - row.first_wall > TRIED_FOR:
                await self._fail(conn, row, f"试了 {row.attempts} 次：{why}")
            else:
                await messages.move(conn, row, State.QUEUED, self.now, why, next_wall=later)

    async def _keep(self, claimed: Row[Any], state: State, detail: str, **values: str) -> None:
        async with self.store.write() as conn:
            row = await self._still_sending(conn, claimed)
            if row is None:
                return
            if state is State.FAILED:
                await self._fail(conn, row, detail)
            else:
                await messages.move(conn, row, state, self.now, detail, **values)

    async def _still_sending(self, conn: AsyncConnection, claimed: Row[Any]) -> Row[Any] | None:
        """None where a receipt was faster than the answer and has said what became of it."""
        row = await messages.one(conn, claimed.id)
        assert row is not None
        return row if row.state == State.SENDING else None

    async def _fail(self, conn: AsyncConnection, row: Row[Any], detail: str) -> None:
        """It did not arrive: that is a fact for people, and the next rung's turn."""
        if await messages.move(conn, row, State.FAILED, self.now, detail, settled=False):
            for one in (row, *await messages.parts(conn, row.id)):
                await messages.hurry(conn, one, self.now.at)
            log.warning("message.failed", message=row.id, channel=row.channel, reason=detail)

    async def _give_up(self, conn: AsyncConnection) -> None:
        """A gateway that gives receipts has given none for a day."""
        before = self.now.wall - TRIED_FOR
        answering = [kind for kind, channel in self.channels.items() if channel.has_receipts]
        for row in await messages.in_state(conn, State.SENT, PAGE, before_wall=before, channels=answering):
            await self._fail(conn, row, "对方收下后一天没有回执")

    async def collect(self) -> None:
        """Receipts that have come since. Raises UnavailableError of the database alone.

        A channel gives each once, so what the database did not take is kept for the next time.
        """
        for kind, channel in self.channels.items():
            try:
                self._came += [(kind, receipt) for receipt in await channel.receipts()]
            except UnavailableError as error:
                self._away(kind, error)
        while self._came:
            async with self.store.write() as conn:
                await holding.receive(conn, *self._came[0], self.now)
            self._came.popleft()


async def opened(store: Store, world: World, clock: Clock, config: CentralConfig, sign_secret: bytes) -> Post:
    """The post office of this hall. `sign_secret`: its raw operations key. Raises ConfigError as `configured` does."""
    async with store.read() as conn:
        kept = await silences.secrets(conn)
    channels = configured(config.notify, kept, sign_secret, clock)
    return Post(store, world, clock, channels, crypto.sign_public(sign_secret))


async def run(post: Post) -> None:
    """Look for ever. A database that goes away in the middle leaves half sent what a process that dies would: so it begins anew."""
    has_begun, attended_mono = False, -ATTEND_SECS
    while True:
        try:
            if not has_begun:
                await post.begin()
                has_begun = True
            if post.clock.mono_secs() - attended_mono >= ATTEND_SECS:
                attended_mono = post.clock.mono_secs()
                await holding.watch(post.store, post.world, post.clock)
                await post.collect()
            await post.look_once()
        except UnavailableError:  # the writer of batches reports the database
            has_begun = False
        await asyncio.sleep(LOOK_SECS)
