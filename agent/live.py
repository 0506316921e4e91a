"""What the hall wants to see live, as far as its lease goes, and how much of the line that may take (cameras.md 3.10).

A wish is signed, names one box, and holds for seconds: the hall says it again and again while somebody looks. What is late or
no longer said ends by itself. Records go before pictures: while they wait, nothing of a picture goes out.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import structlog

from agent.camera.talk import Film, Films
from agent.config import AgentConfig
from common.clock import Clock
from common.core import message, topics
from common.core.instant import SECOND
from common.core.live import LONGEST_LEASE, TICKET_BYTES
from common.core.message import Dial, Watch

log = structlog.get_logger()

PRESSED = SECOND + SECOND // 2
"""So long records must have waited before pictures make room: what passes at once presses nobody."""
LEAST_KBPS, MOST_KBPS = 120, 700
"""Of one masked stream: below it nothing is to be recognised, beyond it nothing is won."""
_LOOPBACK = ("ws://127.0.0.1:", "ws://localhost:", "ws://[::1]:")


class Live:
    """`take` hears the hall, `pressed` the session; `due` is what the worker is to be told."""

    def __init__(self, config: AgentConfig, clock: Clock, sign_secret: bytes) -> None:
        self._config, self._clock, self._sign_secret = config, clock, sign_secret
        self._watch: Watch | None = None
        self._until_mono = 0
        self._busy_mono: int | None = None
        self._changed = asyncio.Event()

    def take(self, raw: bytes, hall_sign: bytes) -> None:
        """Raises ValueError for what the hall has not signed, or what a box must not obey."""
        site = self._config.site
        said = message.decode_signed(Watch, topics.watch(site), hall_sign, raw)
        if said.site != site or said.generation != self._config.generation or self._clock.offset is None:
            return
        left = said.until_wall - (self._clock.wall() + self._clock.offset)
        is_on = self._watch is not None and self._clock.mono() < self._until_mono
        if left > LONGEST_LEASE or (is_on and self._watch and said.until_wall <= self._watch.until_wall):
            return
        if not self._may_dial(said.address) or any(len(item.ticket) != TICKET_BYTES for item in said.wanted):
            raise ValueError(f"no place for live pictures: {said.address}")
        before = self._watch.wanted if is_on and self._watch else []
        self._watch, self._until_mono = said, self._clock.mono() + left
        if said.wanted != before:
            log.info("live.asked", cameras=[item.camera for item in said.wanted])
            self._changed.set()

    def _may_dial(self, address: str) -> bool:
        """Unencrypted only where the whole demonstration is, on one machine."""
        return address.startswith("wss://" if self._config.mqtt.tls else _LOOPBACK)

    def pressed(self, *, is_busy: bool) -> None:
        """Records wait, or none does; said again and again."""
        if not is_busy:
            self._busy_mono = None
        elif self._busy_mono is None:
            self._busy_mono = self._clock.mono()

    def due(self, blind: Mapping[str, str]) -> Films:
        """All that is to be sent now. As many as the site's share of the line has room for, the first wanted come first; of the rest
        it is only said that there is no room (`kbps` 0). A picture as the camera sends it may take all of its part. `blind`: cameras
        that have no picture, with the word for it: they leave the room to those that have one."""
        now, watch = self._clock.mono(), self._watch
        wanted = watch.wanted if watch is not None and now < self._until_mono else []
        most = self._config.live.kbps
        room = max(1, most // LEAST_KBPS) if most else 0
        part = max(LEAST_KBPS, most // max(1, min(room, len(wanted))))
        films = []
        for place, item in enumerate(sorted(wanted, key=lambda item: item.camera in blind)):
            assert watch is not None
            dial = Dial(self._config.site, self._config.generation, item.camera, item.ticket)
            signed = message.encode_signed(dial, topics.dial(dial.site, dial.camera), self._sign_secret)
            kbps = 0 if place >= room else part if item.plain else min(MOST_KBPS, part)
            fault = blind.get(item.camera, "") if kbps == 0 else ""
            films.append(Film(item.camera, watch.address, signed, kbps, item.plain, fault))
        mqtt = self._config.mqtt
        files = (str(mqtt.ca), str(mqtt.node)) if mqtt.tls else ("", "")
        is_held = self._busy_mono is not None and now - self._busy_mono > PRESSED
        return Films(films, self._clock.offset or 0, *files, is_held)

    async def rest(self, secs: float) -> None:
        """So long, or until the hall has said something else."""
        with suppress(TimeoutError):
            async with asyncio.timeout(secs):
                await self._changed.wait()
        self._changed.clear()


class Telling:
    """What one worker has been told."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._told: Films | None = None

    def due(self, blind: Mapping[str, str]) -> list[Films]:
        """What it does not know yet. The comparison of the clocks alone is no news. `blind`: see `Live.due`."""
        said, before = self._live.due(blind), self._told
        if before is not None and (said.films, said.is_held) == (before.films, before.is_held):
            return []
        if before is None and not said.films:
            return []
        self._told = said
        return [said]
