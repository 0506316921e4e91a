"""Lets pictures go that are too old, or for which a site has no room: each with a line in the audit. The record stays."""

import asyncio
from contextlib import suppress

import structlog

from central.config import StillsConfig
from central.store import stills, trail
from central.store.engine import Store
from common.clock import Clock
from common.core.errors import UnavailableError
from common.core.instant import DAY

log = structlog.get_logger()

LOOK_SECS = 300.0
BATCH = 200
"""Pictures of one site and one transaction."""


async def run(store: Store, config: StillsConfig, clock: Clock) -> None:
    """Until cancelled."""
    while True:
        with suppress(UnavailableError):  # the writer of batches reports the database
            await once(store, config, clock.wall())
        await asyncio.sleep(LOOK_SECS)


async def once(store: Store, config: StillsConfig, now_wall: int) -> int:
    """-> how many went."""
    async with store.read() as conn:
        room = await stills.room(conn)
    gone = 0
    for site, (_, used) in room.items():
        freed = 0
        while went := await _part(store, config, site, used - freed, now_wall):
            gone, freed = gone + went[0], freed + went[1]
            await asyncio.sleep(0)
    if gone:
        log.info("stills.gone", count=gone)
    return gone


async def _part(
    store: Store, config: StillsConfig, site: str, used: int, now_wall: int
) -> tuple[int, int] | None:
    """-> (how many, their bytes) of the oldest that have to go; None: no more."""
    most, before_wall = config.site_mb << 20, now_wall - config.keep_days * DAY
    count = freed = 0
    async with store.write() as conn:
        for row in await stills.oldest(conn, site, BATCH):
            is_old = row.held_wall < before_wall
            if not is_old and used - freed <= most:
                break
            why = f"保存满 {config.keep_days} 天" if is_old else f"超出本站点的 {config.site_mb} MB"
            await stills.drop(conn, site, row.sha256, why, now_wall)
            await trail.note(conn, now_wall, trail.HALL, "still.drop", f"{site}/{row.sha256.hex()}", why)
            count, freed = count + 1, freed + row.size
    return (count, freed) if count else None
