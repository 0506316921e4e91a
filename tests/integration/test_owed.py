"""What the hall lacks and never gets is read again and declared, over the same connection."""

from pathlib import Path

import msgspec
import pytest

from agent.buffer import Damaged, Run
from agent.core import sync
from agent.keeper import Keeper
from agent.link import LinkStatus
from agent.means import Means
from agent.session import Session
from agent.sqlfile import BufferFullError
from common.core import batch, message, pack, record, topics
from common.core.errors import MingchaError
from common.core.instant import MINUTE
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
    """Of a hello that is said now."""
    return answer(session, session._hello(), upto)


def answer(session: Session, hello: message.Hello, upto: int, refused: str = "") -> bytes:
    said = message.Welcome(
        hello.epoch, hello.connection, upto, [], WIRE_KEY, 1 << 20, 0, 0, refused, asked_wall=hello.at_wall
    )
    return message.encode_signed(said, topics.welcome(session.site), HALL_SECRET)


def ack(session: Session, upto: int, upto_hash: bytes = b"") -> bytes:
    said = message.Ack(session.buffer.epoch, upto, [], [], 1 << 20, 0, session._ask(), upto_hash)
    return message.encode_signed(said, topics.ack("s01"), HALL_SECRET)


def session_of(box: Box, folder: Path) -> Session:
    """As far as a connection has come when the box has said hello."""
    write_keys(folder)
    config, clock = box_config(folder), compared()
    capture, link = box.collector._capture, LinkStatus(clock)
    session = Session(Means(config, box.buffer, box.index, capture, box.state, clock, link, Keeper(config)))
    session.sync = sync.connected(session.sync)
    return session


async def damage(box: Box, seq: int) -> Damaged:
    active = box.buffer._files.active
    async with active.transaction():
        await active.db.execute("UPDATE outbox SET blob=x'00' || blob WHERE seq=?", (seq,))
    found = await box.buffer.read(seq, box.buffer.newest, 1 << 20)
    assert isinstance(found, Damaged)
    return found


async def test_a_row_whose_record_is_damaged_is_read_again_and_the_number_declared(tmp_path: Path) -> None:
    """P-GAP-01, P-GAP-04"""
    async with Site(tmp_path).running() as box:
        session = session_of(box, tmp_path)
        (row, *_) = await box.round()
        await box.collector.round_once()
        assert [item.key for item in await box.round()] == [], "nothing else is read again"
        await session._lose(await damage(box, row.seq))
        (again,) = await box.round()
        assert (again.table, again.key, again.cause) == (row.table, row.key, "again")
        (gap,) = await gaps(box)
        assert (gap.lo, gap.hi, gap.why) == (row.seq, row.seq, "damaged")
        assert gap.lo < again.seq


async def test_a_lost_number_that_the_hall_waits_for_is_declared_at_each_welcome(tmp_path: Path) -> None:
    """P-HELLO-06, P-HELLO-11: the record that declared it may be lost too, or was not taken where it would scatter."""
    async with Site(tmp_path).running() as box:
        session = session_of(box, tmp_path)
        (row, *_) = await box.round()
        await session._lose(await damage(box, row.seq))
        await session._on_welcome(welcome(session, row.seq - 1))
        await session._declare()
        assert [gap.lo for gap in await gaps(box)] == [row.seq, row.seq]
        session.sync = sync.connected(session.sync)
        await session._on_welcome(welcome(session, row.seq))
        await session._declare()
        assert len(await gaps(box)) == 2, "the hall knows"


async def test_what_stands_still_with_nothing_left_to_send_asks_for_a_welcome(tmp_path: Path) -> None:
    """P-HELLO-11"""
    async with Site(tmp_path).running() as box:
        session = session_of(box, tmp_path)
        await box.round()
        newest = box.buffer.newest
        await session._on_welcome(welcome(session, 3))
        await session._declare()
        session.sync = sync.skipped(session.sync, 4, newest)
        assert sync.next_send(session.sync, newest, session.clock.mono()) is None
        link = session.up.status
        session._look_for_stall()
        assert (session.sync.phase, link.stall.upto) == (sync.Phase.STEADY, 3)
        assert link.stall.idle is not None
        link.stall = msgspec.structs.replace(link.stall, idle=link.stall.idle - MINUTE)
        session.greet.clear()
        session._look_for_stall()
        assert session.sync.phase is sync.Phase.HELLO
        assert session.greet.is_set()


async def test_an_answer_that_names_numbers_never_given_is_a_contradiction(tmp_path: Path) -> None:
    """P-HELLO-10: somebody wrote there in our name; to forget by it would lose ours."""
    async with Site(tmp_path).running() as box:
        session = session_of(box, tmp_path)
        await box.round()
        newest = box.buffer.newest
        await session._on_welcome(welcome(session, 0))
        await session._on_ack(ack(session, newest + 3))
        assert (session.sync.phase, session.differs_at) == (sync.Phase.HELLO, newest + 3)
        assert (await box.buffer.figures()).rows == newest
        assert session._hello().differs_at == newest + 3


async def test_a_gap_that_a_full_disk_did_not_take_stays_owed_until_there_is_room(tmp_path: Path) -> None:
    """P-HELLO-06, P-GAP-04"""
    async with Site(tmp_path).running() as box:
        session = session_of(box, tmp_path)
        rows = [item.key for item in await box.round() if item.seq > 4]
        lost = box.buffer.newest
        await forgotten(box)
        await fill(box)
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


async def test_a_hello_that_the_broker_repeats_makes_no_fork_of_an_honest_box(tmp_path: Path) -> None:
    """P-HELLO-05: the hall has more by then than that hello names, and takes the box for a copy."""
    async with Site(tmp_path).running() as box:
        session = session_of(box, tmp_path)
        await box.round()
        first = session._hello()
        await session._on_welcome(answer(session, first, 3))
        session.sync = sync.connected(session.sync)
        second = session._hello()
        phases = []
        for said in (
            answer(session, first, box.buffer.newest, refused="fork"),
            answer(session, second, box.buffer.newest),
        ):
            await session._on_welcome(said)
            phases.append(session.sync.phase)
        assert phases == [sync.Phase.HELLO, sync.Phase.STEADY]


async def test_what_the_hall_acknowledges_is_remembered_for_the_day_the_buffer_is_lost(
    tmp_path: Path,
) -> None:
    """P-CHAIN-06: the next epoch signs the former one up to there."""
    async with Site(tmp_path).running() as box:
        session = session_of(box, tmp_path)
        await box.round()
        await session._on_welcome(welcome(session, 0))
        await session._on_ack(ack(session, 5))
        assert box.index._acknowledged == 5


async def test_a_receipt_from_before_the_welcome_makes_nothing_be_forgotten(tmp_path: Path) -> None:
    """P-ACK-03: the broker kept it, and the hall was set back to a backup meanwhile."""
    async with Site(tmp_path).running() as box:
        session = session_of(box, tmp_path)
        await box.round()
        await session._on_welcome(welcome(session, 0))
        late, now = ack(session, 2), session.clock.mono()
        session.sync = sync.connected(session.sync)
        await session._on_welcome(welcome(session, 0))
        assert session.sync.welcomed_mono > now
        await session._on_ack(late)
        assert (session.sync.upto, box.buffer.forgotten) == (0, 0)
        said = ack(session, 2)
        await session._on_ack(said)
        assert (session.sync.upto, box.buffer.forgotten) == (2, 2)


async def test_a_row_is_marked_to_be_read_again_before_its_number_is_declared(tmp_path: Path) -> None:
    """P-GAP-04: where that cannot be written, the record stays as it is and is met again."""
    async with Site(tmp_path).running() as box:
        session = session_of(box, tmp_path)
        (row, *_) = await box.round()
        found = await damage(box, row.seq)
        await box.index._db.execute("PRAGMA query_only=1")
        with pytest.raises(MingchaError):
            await session._lose(found)
        await box.index._db.execute("PRAGMA query_only=0")
        assert await gaps(box) == []


async def test_a_hall_that_knows_nothing_of_the_epoch_is_told_everything_again(tmp_path: Path) -> None:
    """P-HELLO-06: it may have lost what earlier epochs delivered too."""
    async with Site(tmp_path).running() as box:
        session = session_of(box, tmp_path)
        rows = sorted(item.key for item in await box.round())
        await session._on_welcome(welcome(session, 3))
        await session._on_ack(ack(session, 5))
        session.sync = sync.connected(session.sync)
        await session._on_welcome(welcome(session, 0))
        await session._declare()
        assert sorted(item.key for item in await box.round() if item.table) == rows


@pytest.mark.parametrize("code", ["unknown_dict", "bad_seal"])
async def test_a_hall_without_the_dictionary_gets_batches_without_one(tmp_path: Path, code: str) -> None:
    """P-BATCH-11, P-NACK-05: its copy may be damaged as well as missing."""
    async with Site(tmp_path).running() as box:
        session = session_of(box, tmp_path)
        await box.round()
        await session._on_welcome(welcome(session, 0))
        run = await box.buffer.read(1, 3, 1 << 20)
        assert isinstance(run, Run)
        said = []
        for nacks in ([], [message.Nack(1, 3, code, permanent=False)]):
            refused = message.Ack(session.buffer.epoch, 0, [], nacks, 1 << 20, 0)
            await session._on_ack(message.encode_signed(refused, topics.ack("s01"), HALL_SECRET))
            payload = session.up.sealed(run, batch.Lane.LIVE, session.wire_key, session.dictionary, 0)
            said.append(batch.read_header(payload)[0].dict)
        assert said == [pack.NEWEST, ""]


async def test_a_hall_that_has_just_come_is_greeted_and_one_that_was_there_before_has_heard_us(
    tmp_path: Path,
) -> None:
    """P-HELLO-08: what the broker kept of its state says nothing new to a box that has just said hello."""
    async with Site(tmp_path).running() as box:
        session = session_of(box, tmp_path)
        greeted = []
        for instance, fresh in (("a", False), ("a", True), ("b", False), ("b", True)):
            session.greet.clear()
            session._on_central(message.CentralState(online=True, instance=instance), fresh=fresh)
            greeted.append(session.greet.is_set())
        assert greeted == [False, False, True, False]
        new = session_of(box, tmp_path)
        new._on_central(message.CentralState(online=True, instance="a"), fresh=True)
        assert new.greet.is_set()
