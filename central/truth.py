"""Each heartbeat beside the hall's own figures: raises and ends the alarms of a site's lag and clock."""

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import lag
from central.core.lag import View
from central.core.site import rows_left
from central.store import alarms, facts
from common.core import ranges
from common.core.message import Heartbeat
from common.core.state import AlarmKind

log = structlog.get_logger()


class Truth:
    """Remembers of each site the heartbeat before."""

    def __init__(self) -> None:
        self._views: dict[str, View] = {}

    async def compare(self, conn: AsyncConnection, site: str, beat: Heartbeat, heard_wall: int) -> None:
        row = await facts.cursor(conn, site, beat.epoch)
        if row is not None:
            held = facts.decode_ranges(row.ranges)
            view = View(
                epoch=beat.epoch,
                state=beat.state,
                newest=beat.newest,
                upto=beat.upto,
                rows=beat.rows,
                lacking=beat.lacking,
                age_s=beat.oldest_unsent_age_s,
                heard_wall=heard_wall,
                held_upto=ranges.upto(held),
                held_top=held[-1].hi if held else 0,
                missing=rows_left(held, beat.newest),
                moved_wall=row.updated_wall,
            )
            before, self._views[site] = self._views.get(site), view
            await _follow(conn, site, AlarmKind.LAG, lag.disagreement(before, view), heard_wall)
        await _follow(conn, site, AlarmKind.CLOCK, lag.clock_fault(beat.offset_ms), heard_wall)


async def _follow(conn: AsyncConnection, site: str, kind: AlarmKind, fault: str, now_wall: int) -> None:
    if fault:
        if await alarms.sound(conn, site, kind, "", fault, now_wall):
            log.warning("alarm.raised", site=site, kind=kind.value, reason=fault)
    elif await alarms.end(conn, site, kind, now_wall):
        log.info("alarm.ended", site=site, kind=kind.value)
