"""What a restored hall lacks is declared as soon as the buffer takes it, over the same connection."""

from pathlib import Path

from agent.core import sync
from agent.keeper import Keeper
from agent.link import LinkStatus
from agent.means import Means
from agent.session import Session
from agent.sqlfile import BufferFullError
from common.core import message, record, topics
from common.core.record import Gap
from tests.integration.test_collect import Box, Site, forgotten
from tests.integration.test_remote import HALL_SECRET, box_config, compared, write_keys
from tests.sender import WIRE_KEY, draft


async def gaps(box: Box) -> list[Gap]:
    bodies = [record.decode_body(item) for item in await box.buffer.tail(0)]
    return [body for body in bodies if isinstance(body, Gap)]


async def fill(box: Box) -> None:
    """No byte more goes into the buffer's file."""
    await box.buffer._files.active.cap(1)
    for size in (1000, 10):
        try:
            while True:
                await box.buffer.append([draft(record.Event("filler", "x" * size))])
        except BufferFullError:
            continue


def welcome(session: Session, upto: int) -> bytes:
    said = message.Welcome(session.buffer.epoch, session.connection, upto, [], WIRE_KEY, 1 << 20, 0, 0)
    return message.encode_signed(said, topics.welcome("s01"), HALL_SECRET)


async def test_a_gap_that_a_full_disk_did_not_take_stays_owed_until_there_is_room(tmp_path: Path) -> None:
    """P-HELLO-06, P-GAP-04"""
    write_keys(tmp_path)
    async with Site(tmp_path).running() as box:
        config, clock = box_config(tmp_path), compared()
        capture, link = box.collector._capture, LinkStatus(clock)
        session = Session(
            Means(config, box.buffer, box.index, capture, box.state, clock, link, Keeper(config))
        )
        rows = [item.key for item in await box.round() if item.seq > 4]
        lost = box.buffer.newest
        await forgotten(box)
        await fill(box)
        session.sync = sync.connected(session.sync)
        await session._on_welcome(welcome(session, 4))
        await session._declare()
        assert await gaps(box) == []
        assert session.sync.phase is sync.Phase.CATCHUP, "what waits is delivered meanwhile"
        await box.buffer._files.active.cap(1 << 30)
        await session._declare()
        await session._declare()
        assert [(gap.lo, gap.hi, gap.why) for gap in await gaps(box)] == [(5, lost, "hall_restored")]
        await box.collector.round_once()
        assert sorted(item.key for item in await box.buffer.tail(0) if item.table) == sorted(rows)
