"""Each heartbeat beside the hall's own figures: raises and ends the alarms of a site's lag and clock."""

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import lag
from central.core.lag import Compared, Verdict, View, Watch
from central.store import alarms, facts
from common.core.message import Heartbeat
from common.core.state import AlarmKind

log = structlog.get_logger()


class Truth:
    """Remembers of each site the heartbeats before."""

    def __init__(self) -> None:
        self._watches: dict[str, Watch] = {}

    async def compare(
        self, conn: AsyncConnection, site: str, beat: Heartbeat, heard_wall: int, behind_wall: int | None
    ) -> int | None:
        """`behind_wall`: since when announced numbers are missing, as known so far. -> the same after this heartbeat."""
        await _follow(conn, site, AlarmKind.CLOCK, lag.clock_fault(beat.offset_ms), heard_wall)
        row = await facts.cursor(conn, site, beat.epoch)
        if row is None:
            return behind_wall
        view = View(
            epoch=beat.epoch,
            state=beat.state,
            newest=beat.newest,
            upto=beat.upto,
            rows=beat.rows,
            lacking=beat.lacking,
            age_s=beat.oldest_unsent_age_s,
            heard_wall=heard_wall,
            held=facts.decode_ranges(row.ranges),
        )
        before = self._watches.get(site, Watch())
        self._watches[site], found = lag.follow(before, view)
        await _follow(conn, site, AlarmKind.LAG, found, heard_wall)
        return lag.behind_since(behind_wall, before, view, row.newest)


async def _follow(conn: AsyncConnection, site: str, kind: AlarmKind, found: Compared, now_wall: int) -> None:
    """Only agreement ends an alarm: a box that says nothing to the point has not come round."""
    if found.verdict is Verdict.DIFFERS:
        if await alarms.sound(conn, site, kind, "", found.words, now_wall):
            log.warning("alarm.raised", site=site, kind=kind.value, reason=found.words)
    elif found.verdict is Verdict.AGREES and await alarms.end(conn, site, kind, now_wall):
        log.info("alarm.ended", site=site, kind=kind.value)
