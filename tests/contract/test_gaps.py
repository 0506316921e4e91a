"""What a box has lost, and says so; and what the hall lost itself: on both engines."""

from sqlalchemy import delete, insert, select, update
from structlog.testing import capture_logs

from central import verify
from central.core.flaw import What
from central.judge import World
from central.store import alarms
from central.store import tables as t
from central.store.engine import Store
from common.core.instant import DAY, HOUR, MINUTE
from common.core.record import Gap
from tests.contract.test_store import NOW, ZONE, _chained, _until, box_row, store, taken, welcomed, world
from tests.sender import Sender, case, draft, passed

__all__ = ["store", "world"]


async def test_a_gap_of_a_clock_that_is_far_ahead_does_not_hold_passes_back_for_a_year(
    store: Store, world: World
) -> None:
    """When it was declared is bounded by the hall's clock, for its own epoch and for a former one."""
    former, sender = Sender(), Sender()
    ahead = NOW + 365 * DAY
    sender.number(
        case("1"),
        draft(Gap(1, 1, "damaged"), at=ahead),
        draft(Gap(1, 1, "moved", epoch=former.epoch), at=ahead),
        passed(NOW + MINUTE),
    )
    for epoch in (former, sender):
        assert await welcomed(store, epoch) == ""
    await taken(store, world, sender.payload(2, 3))
    async with store.read() as conn:
        assert {row.gap_at for row in await conn.execute(select(t.ingest_cursor))} == {NOW}
    await taken(store, world, sender.payload(4), now=NOW + MINUTE)
    async with store.read() as conn:
        assert await _until(conn) == NOW + MINUTE


async def test_a_pass_before_a_gap_proves_nothing_whatever_the_clock_said_then(
    store: Store, world: World
) -> None:
    """P-GAP-04: the box's clock was set back between the two."""
    sender = Sender()
    sender.number(case("1"), passed(NOW - MINUTE), draft(Gap(1, 1, "damaged"), at=NOW - HOUR))
    await welcomed(store, sender)
    await taken(store, world, sender.payload(2, 3))
    async with store.read() as conn:
        assert await _until(conn) is None


async def test_a_batch_of_gaps_or_of_letters_is_one_line_of_the_log(store: Store, world: World) -> None:
    former, sender = Sender(), Sender()
    sender.number(*(case(str(n)) for n in range(1, 40)))
    for n in range(1, 40):
        sender.number(draft(Gap(n, n, f"why{n}"), at=NOW))
        sender.number(draft(Gap(n, n, "moved", epoch=former.epoch), at=NOW))
        raw = b"\x93\x01\x02\x03"
        sender.raws.append(raw)
        sender.chain.append(_chained(sender, raw))
    for epoch in (former, sender):
        assert await welcomed(store, epoch) == ""
    with capture_logs() as logs:
        await taken(store, world, sender.payload(40))
    said = [(line["event"], line.get("gaps", line.get("records"))) for line in logs]
    assert said == [("record.parked", 39), ("site.gap", 39), ("site.gap", 39)]
    async with store.read() as conn:
        subjects = {row.subject for row in await conn.execute(select(t.alarm))}
    assert subjects == {f"{former.epoch.hex()}/1-39", f"{sender.epoch.hex()}/1-39"}


async def test_a_loss_of_what_the_hall_holds_is_none(store: Store, world: World) -> None:
    """P-GAP-03: the receipt was on its way when the box met the damage."""
    sender = Sender()
    sender.number(case("1"), passed(NOW), draft(Gap(1, 1, "damaged"), at=NOW))
    await welcomed(store, sender)
    await taken(store, world, sender.payload(1, 2))
    await taken(store, world, sender.payload(3))
    async with store.read() as conn:
        assert await alarms.listed(conn) == []
        assert await _until(conn) == NOW
    sender.number(draft(Gap(3, 5, "damaged"), at=NOW), case("2"))
    sender.number(draft(Gap(4, 5, "damaged"), at=NOW))
    await taken(store, world, sender.payload(6))
    async with store.read() as conn:
        assert [row.subject for row in await alarms.listed(conn)] == [f"{sender.epoch.hex()}/4-5"]
    async with store.write() as conn:
        await conn.execute(delete(t.record).where(t.record.c.seq == 1))
    async with store.read() as conn:
        (report,) = await verify.examine(conn, ZONE, NOW)
    gone = [(item.what, item.lo, item.hi) for item in report.epochs[0].findings]
    assert (What.MISSING, 1, 1) in gone, "taken away: it was there when it was declared"
    assert [run for run in gone if run[0] is What.DECLARED] == [(What.DECLARED, 4, 5)]


async def test_what_the_hall_itself_lost_is_no_alarm_of_the_site(store: Store, world: World) -> None:
    sender = Sender()
    sender.number(
        case("1"), case("2"), draft(Gap(1, 1, "hall_restored")), draft(Gap(2, 2, "damaged")), case("3")
    )
    await welcomed(store, sender)
    ack = (await taken(store, world, sender.payload(3, 5))).acks[0][1]
    assert ack.upto == 5
    async with store.read() as conn:
        subjects = [row.subject for row in await conn.execute(select(t.alarm))]
    assert subjects == [f"{sender.epoch.hex()}/2-2"]


async def test_a_backlog_that_a_restored_hall_does_not_know_is_named_and_never_outranks_the_new_box(
    store: Store, world: World
) -> None:
    """P-HELLO-03: a replaced box drains an epoch of which the backup knows nothing."""
    old, new = Sender(), Sender(generation=2)
    old.number(case("1", item_name="旧"), case("2"))
    async with store.write() as conn:
        await conn.execute(update(t.box).values(state="draining"))
        await conn.execute(insert(t.box), [box_row(2)])
    assert await welcomed(store, new) == ""
    assert await welcomed(store, Sender()) == "superseded"
    async with store.read() as conn:
        assert await alarms.listed(conn) == [], "it has nothing that anybody could miss"
    for _ in range(3):
        assert await welcomed(store, old) == "superseded"
    assert [nack.code for nack in (await taken(store, world, old.payload())).acks[0][1].nacks] == [
        "unknown_epoch"
    ]
    new.number(case("1", item_name="新"), passed(NOW))
    await taken(store, world, new.payload())
    async with store.read() as conn:
        (alarm,) = await alarms.listed(conn, "s01")
        assert (alarm.kind, alarm.subject, "至 2 号" in alarm.detail) == ("untaken", "1", True)
        assert await _until(conn) == NOW
        assert set(await conn.scalars(select(t.case.c.item_name))) == {"新"}
        assert len((await conn.execute(select(t.ingest_cursor))).all()) == 1
