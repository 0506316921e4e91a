"""Takes in the pictures of the media lane: opened, held against the record that names them, sealed at rest, answered.

Apart from the batches and behind them: few wait, a site waits for its own, and one that is let go comes again.
"""

import asyncio
from collections import deque
from contextlib import suppress

import structlog

from central.store import stills
from central.store.engine import Store
from common.clock import Clock
from common.core import media, message, topics
from common.core.errors import UnavailableError
from common.core.message import Filed
from common.mqtt import Link

log = structlog.get_logger()

MOST = 16
"""Pictures in memory at most."""
PAUSE_SECS = 0.1
"""Between two, so that a batch never waits for more than one."""
ANSWER_EXPIRY_SECS = 60


class Filing:
    """`offer` never waits; `run` belongs to one connection to the broker."""

    def __init__(
        self, store: Store, wire_secrets: dict[str, bytes], sign_secret: bytes, clock: Clock
    ) -> None:
        self._store = store
        self._wire_secrets = wire_secrets
        self._sign_secret = sign_secret
        self._clock = clock
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._arrived = asyncio.Event()

    def offer(self, site: str, raw: bytes) -> None:
        """One beyond `MOST` is let go: the box offers it again."""
        if len(self._waiting) < MOST:
            self._waiting.append((site, raw))
            self._arrived.set()

    async def run(self, link: Link) -> None:
        """For ever."""
        while True:
            while not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
            site, raw = self._waiting.popleft()
            with suppress(
                UnavailableError
            ):  # the writer of batches reports the database; the box offers it again
                filed = await self.file(site, raw)
                if filed is not None:
                    topic = topics.filed(site)
                    answer = message.encode_signed(filed, topic, self._sign_secret)
                    await link.publish(topic, answer, expiry_secs=ANSWER_EXPIRY_SECS)
            await asyncio.sleep(PAUSE_SECS)

    async def file(self, site: str, raw: bytes) -> Filed | None:
        """-> the answer; None for what is no picture at all."""
        try:
            named = media.name_of(raw)
        except ValueError as error:
            log.warning("still.refused", site=site, reason=str(error))
            return None
        try:
            sha256, body = await asyncio.to_thread(media.decode, site, raw, self._wire_secrets)
        except ValueError as error:
            log.warning("still.refused", site=site, sha256=named.hex(), reason=str(error))
            return Filed(named, "refused")
        async with self._store.write() as conn:
            if await stills.is_held(conn, site, sha256):
                return Filed(sha256, "held")
            if not await stills.is_named(conn, site, sha256, len(body)):
                return Filed(sha256, "unknown")
            await stills.hold(conn, site, sha256, body, self._clock.wall())
        log.info("still.held", site=site, sha256=sha256.hex(), bytes=len(body))
        return Filed(sha256, "held")
