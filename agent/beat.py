"""What the box says of itself every quarter of a minute: figures from its tables, compared with the hall's own there."""

import shutil

from agent import __version__
from agent.core import quota, resting, trend
from agent.core.sync import Sync, lacking
from agent.master import STANDS_IN
from agent.means import Means
from common.core.instant import SECOND
from common.core.message import Heartbeat
from common.core.text import one_line
from common.core.wire import LONGEST_SAID


async def compose(means: Means, connection: str, sync: Sync) -> Heartbeat:
    """`sync`: where the delivery stands on this connection."""
    figures, disk = await means.buffer.figures(), shutil.disk_usage(means.buffer.path.parent)
    collecting, offset = means.collecting, means.clock.offset
    means.status.trend = trend.looked(means.status.trend, means.clock.mono(), figures.rows)
    means.status.untaken = resting.notice(sync.resting)
    return Heartbeat(
        connection=connection,
        epoch=means.buffer.epoch,
        newest=means.buffer.newest,
        upto=sync.upto,
        rows=figures.rows,
        bytes=figures.bytes,
        oldest_unsent_age_s=(figures.oldest_age or 0) / SECOND,
        capture_ok_age_s=collecting.ok_age_secs(means.clock.mono()),
        source_fault=said(collecting.fault),
        quarantined=figures.bad_rows,
        ack_rtt_ms=sync.rtt / 1000 or None,
        disk_percent=round(100 * disk.used / disk.total, 1),
        state=sync.phase.value,
        at_wall=means.clock.wall(),
        version=__version__,
        buffer_percent=round(quota.percent(figures.bytes, figures.room), 1),
        agent_fault=said(
            collecting.buffer_fault or collecting.hung(means.clock.mono(), means.config.capture.poll_secs)
        ),
        offset_ms=None if offset is None else offset / 1000,
        offset_err_ms=max(0, means.clock.err) / 1000,
        agent_notice=STANDS_IN
        if means.keeper.master.stands_in
        else said(means.pace.notice or means.keeping.fault or means.status.untaken),
        policy_version=means.keeping.version,
        policy_fault=said(means.keeping.fault),
        lacking=lacking(sync, means.buffer.newest),
        policy_seen=means.keeping.judged[0],
        policy_digest=means.keeping.judged[1],
    )


def said(fault: str) -> str:
    """What a driver or the system said may hold anything: the hall refuses a heartbeat with a text that may not travel."""
    return one_line(fault, LONGEST_SAID)
