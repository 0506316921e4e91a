"""The media lane: pictures of the spool go to the hall one by one, when nothing else waits or is under way (P-MEDIA-01)."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog

from agent.spool import Spool
from common.clock import Clock
from common.core import media, message, topics
from common.core.instant import MINUTE
from common.core.message import Filed
from common.mqtt import NO_MATCHING_SUBSCRIBERS, NOT_AUTHORIZED, Link

log = structlog.get_logger()

LOOK_SECS = 1.0
ANSWER_SECS = 30.0
_AGAIN = 5 * MINUTE
"""After this a picture that the hall did not take is offered again."""


class MediaLane:
    """Outlives a connection; `run` belongs to one."""

    def __init__(self, site: str, spool: Spool, clock: Clock, alg: str) -> None:
        """`alg`: an id of `crypto.WIRE_ALGS`."""
        self._site = site
        self._spool = spool
        self._clock = clock
        self._alg = alg
        self._offered: dict[bytes, int] = {}
        """Monotonic time at which a picture was offered last."""
        self._answered = asyncio.Event()
        self.sent = 0
        self.held_wall = 0
        """When the hall said last that it holds one; 0: not yet."""

    async def run(self, link: Link, key: Callable[[], bytes]) -> None:
        """For ever. `key`: the hall's wire key while nothing else is to be sent, else empty."""
        while True:
            await asyncio.sleep(LOOK_SECS)
            if wire_key := key():
                await self._offer(link, wire_key)

    async def _offer(self, link: Link, wire_key: bytes) -> None:
        now = self._clock.mono()
        waiting = await asyncio.to_thread(self._spool.waiting)
        self._offered = {item.sha256: at for item in waiting if (at := self._offered.get(item.sha256))}
        item = next(
            (one for one in waiting if now - self._offered.get(one.sha256, now - _AGAIN) >= _AGAIN), None
        )
        jpeg = None if item is None else await asyncio.to_thread(self._spool.read, item)
        if item is None or jpeg is None:
            return
        self._offered[item.sha256] = now
        self._answered.clear()
        parcel = media.encode(self._site, jpeg, wire_key, self._alg)
        code = await link.publish(topics.media(self._site), parcel)
        if code in {NO_MATCHING_SUBSCRIBERS, NOT_AUTHORIZED}:  # tried again later
            return
        self.sent += 1
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECS):
                await self._answered.wait()

    def take(self, raw: bytes, hall_sign: bytes) -> None:
        """What the hall did with one. Raises ValueError for what it has not signed."""
        filed = message.decode_signed(Filed, topics.filed(self._site), hall_sign, raw)
        if filed.code == "held":
            self._spool.drop(filed.sha256)
            self.held_wall = self._clock.wall()
        elif filed.code == "refused":
            self._spool.refused(filed.sha256)
            log.warning("still.refused", sha256=filed.sha256.hex(), hint="请查看市中心日志")
        self._answered.set()
