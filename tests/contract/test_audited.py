"""What `mingcha verify` says of records that were set aside, buffers that went, and what was derived; on both engines."""

import msgspec
import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central import dead, verify
from central.core.flaw import What
from central.judge import Moment, World
from central.store import tables as t
from central.store import trail
from central.store.engine import Store
from common.core import batch, crypto
from common.core.instant import DAY
from common.core.ranges import Range
from common.core.record import Event, Record, RecordKind, decode_record, encode_body, encode_record
from common.core.state import LetterState
from tests.contract.test_store import NOW, ZONE, store, taken, welcomed, world
from tests.sender import Sender, case

__all__ = ["store", "world"]


async def found(store: Store) -> list[tuple[What, int]]:
    async with store.read() as conn:
        (report,) = await verify.examine(conn, ZONE, NOW, hall_key=crypto.sign_public(b"h" * 32))
    return [(item.what, item.lo) for item in report.everything]


async def test_a_letter_that_a_newer_program_reads_is_taken_in_with_a_line_of_the_audit(
    store: Store, world: World
) -> None:
    """So none is left that could be read, unless somebody called a record a letter."""
    box = Sender()
    box.number(case("1", at=NOW))
    box.raws.append(b"\xc1")
    box.chain.append(crypto.chain_next(box.chain[-1], 2, b"\xc1"))
    box.sign()
    await welcomed(store, box)
    await taken(store, world, box.payload())
    assert await found(store) == [(What.DEAD, 2)]
    async with store.read() as conn:
        assert await dead.readable(conn) == []
    raw = encode_record(record_of(2))
    async with store.write() as conn:  # what an upgrade of this program comes to
        await conn.execute(update(t.dead_letter).values(raw=raw))
        (letter,) = await dead.readable(conn)
        await dead.take_readable(conn, letter, world, Moment(NOW, NOW))
        assert await dead.readable(conn) == []
        (state,) = await conn.scalars(select(t.dead_letter.c.state))
        (line,) = await trail.about(conn, "dead.reinject", dead.name_of(letter), 9)
    assert (state, line.who) == (LetterState.REINJECTED.value, trail.HALL)
    assert (What.HIDDEN, 2) not in await found(store)


def record_of(seq: int) -> Record:
    return msgspec.structs.replace(case("2", at=NOW), seq=seq)


@pytest.mark.parametrize("name", ["s01/{}/1", "s01/{}", "s01/{}/1-3"])
async def test_a_letter_that_was_given_up_needs_a_line_of_the_audit_that_names_it(
    store: Store, world: World, name: str
) -> None:
    box = Sender()
    box.number(case("1", at=NOW))
    box.sign()
    await welcomed(store, box)
    await taken(store, world, box.payload())
    assert await found(store) == []
    async with store.write() as conn:
        await conn.execute(t.record.delete().where(t.record.c.seq == 1))
        await conn.execute(t.row_head.delete())
        await conn.execute(t.case.delete())
        letter = {"site": "s01", "epoch": box.epoch, "seq": 1, "code": "bad_record", "reason": "?"}
        letter |= {"raw": box.raws[0], "at_wall": NOW, "state": LetterState.DROPPED.value}
        await conn.execute(insert(t.dead_letter).values(**letter))
    assert await found(store) == [(What.HIDDEN, 1)]
    async with store.write() as conn:
        await trail.note(conn, NOW, "anna", "dead.drop", f"s01/{box.epoch.hex()}/2", "另一封")
    assert await found(store) == [(What.HIDDEN, 1)]
    async with store.write() as conn:
        await trail.note(conn, NOW, "anna", "dead.drop", name.format(box.epoch.hex()), "厂商确认")
    assert await found(store) == [(What.HIDDEN, 1)], "when it came it could be read"
    async with store.write() as conn:
        await trail.note(conn, NOW, trail.HALL, "dead.came", f"s01/{box.epoch.hex()}", "1")
    assert await found(store) == [(What.DEAD, 1)]
    async with store.write() as conn:
        await conn.execute(t.audit_line.update().where(t.audit_line.c.act == "dead.drop").values(who="bao"))
    assert What.TRAIL in {what for what, _ in await found(store)}


@pytest.mark.parametrize("stand_in", ["event", "letter"])
async def test_an_edit_is_not_hidden_by_taking_out_every_signature_behind_it(
    store: Store, world: World, stand_in: str
) -> None:
    """Of a box that is never heard again, and chained anew, nothing else contradicts it. What was held a day ago is in the audit,
    and so is each record that could not be read when it came."""
    box = Sender()
    for day in range(3):
        first = box.newest + 1
        box.number(case(f"{day}", at=NOW))
        box.sign()
        await welcomed(store, box)
        await taken(store, world, box.payload(first), wall=NOW + day * DAY // 2)
    assert await found(store) == []
    async with store.read() as conn:
        lines = await trail.listed(conn, trail.Wanted(act="epoch.reached"), 9)
    assert [line.subject.rpartition("/")[2] for line in lines] == ["1-6", "1-2"], "once a day"
    raws = [encode_record(edited(box.raws[0])), *box.raws[1:]]
    async with store.write() as conn:
        await conn.execute(update(t.record).where(t.record.c.seq == 1).values(raw=raws[0]))
        for seq in (2, 4, 6):
            raws[seq - 1] = await replaced(conn, box, seq, stand_in)
        value = box.chain[0]
        for seq, raw in enumerate(raws, 1):
            value = crypto.chain_next(value, seq, raw)
        held = msgspec.msgpack.encode([Range(1, 6, box.chain[0], value)])
        await conn.execute(update(t.ingest_cursor).values(ranges=held))
    said = await found(store)
    assert (What.ALTERED, 1) in said
    assert [seq for what, seq in said if what is What.HIDDEN] == ([2, 4, 6] if stand_in == "letter" else [])


def edited(raw: bytes) -> Record:
    item = decode_record(raw)
    return msgspec.structs.replace(item, cap_mono=item.cap_mono + 1)


async def replaced(conn: AsyncConnection, box: Sender, seq: int, stand_in: str) -> bytes:
    """A checkpoint makes place for an event, or for bytes that nobody can read."""
    at = t.record.c.seq == seq
    if stand_in == "letter":
        await conn.execute(t.record.delete().where(at))
        letter = {"site": "s01", "epoch": box.epoch, "seq": seq, "code": "bad_record", "reason": "?"}
        letter |= {"raw": b"\xc1", "at_wall": NOW, "state": LetterState.OPEN.value}
        await conn.execute(insert(t.dead_letter).values(**letter))
        return b"\xc1"
    event = msgspec.structs.replace(
        decode_record(box.raws[seq - 1]), kind=RecordKind.EVENT, body=encode_body(Event("agent.started"))
    )
    raw = encode_record(event)
    await conn.execute(update(t.record).where(at).values(raw=raw, kind="event"))
    return raw


async def test_the_buffers_of_a_site_are_those_that_the_audit_says_began(store: Store, world: World) -> None:
    one, two = Sender(), Sender()
    for sender in (one, two):
        sender.number(case("1", at=NOW))
        sender.sign()
        await welcomed(store, sender)
        await taken(store, world, sender.payload())
    honest = await found(store)
    async with store.write() as conn:
        await conn.execute(t.ingest_cursor.update().values(epoch_no=3 - t.ingest_cursor.c.epoch_no))
    assert (What.EPOCH, 0) in await found(store)
    assert (What.EPOCH, 0) not in honest


async def said(store: Store) -> list[str]:
    async with store.read() as conn:
        (report,) = await verify.examine(conn, ZONE, NOW)
    return [item.detail for item in report.findings]


async def test_records_of_a_buffer_that_nobody_knows_are_named(store: Store, world: World) -> None:
    """Whatever else of it was taken out: its line of the audit, its cursor, which was the last."""
    one, two = Sender(), Sender()
    for sender in (one, two):
        sender.number(case(sender.epoch.hex(), at=NOW))
        sender.sign()
        await welcomed(store, sender)
        await taken(store, world, sender.payload())
    async with store.write() as conn:
        await conn.execute(t.ingest_cursor.delete().where(t.ingest_cursor.c.epoch == two.epoch))
        await conn.execute(t.audit_line.delete().where(t.audit_line.c.subject.contains(two.epoch.hex())))
    assert f"缓存 {two.epoch.hex()} 没有游标" in await said(store)


async def test_a_row_without_its_current_version_is_named_though_its_case_is_gone_too(
    store: Store, world: World
) -> None:
    box = Sender()
    box.number(case("1", at=NOW), case("2", at=NOW))
    box.sign()
    await welcomed(store, box)
    await taken(store, world, box.payload())
    assert await said(store) == []
    async with store.write() as conn:
        await conn.execute(t.row_head.delete().where(t.row_head.c.key == "2"))
        await conn.execute(t.case.delete().where(t.case.c.case_key == "2"))
    assert await said(store) == ["case 的一行没有当前版本"]


async def test_a_record_under_another_number_than_its_own_is_set_aside_alone(
    store: Store, world: World
) -> None:
    """P-REC-01, P-NACK-02: it would take the place of the one that has this number by right."""
    box = Sender()
    box.number(case("1", at=NOW))
    for raw in (
        encode_record(record_of(3)),
        encode_record(msgspec.structs.replace(case("3", at=NOW), seq=3)),
    ):
        box.raws.append(raw)
        box.chain.append(crypto.chain_next(box.chain[-1], box.newest, raw))
    await welcomed(store, box)
    ack = (await taken(store, world, box.payload())).acks[0][1]
    assert (ack.upto, [(nack.first, nack.last) for nack in ack.nacks]) == (3, [(2, 2)])
    async with store.read() as conn:
        assert [
            tuple(row) for row in await conn.execute(select(t.dead_letter.c.seq, t.dead_letter.c.reason))
        ] == [(2, "number 3 in the place of 2")]
        kept = await conn.execute(select(t.record.c.seq, t.record.c.key).order_by(t.record.c.seq))
        assert [tuple(row) for row in kept] == [(1, "1"), (3, "3")]


@pytest.mark.parametrize("schema", [1, 2])
async def test_a_record_waits_for_an_upgrade_only_where_its_box_has_signed_that_it_must(
    store: Store, world: World, schema: int
) -> None:
    """P-NACK-04: what the box has signed of the batch in which it was says that it can be read."""
    box = Sender()
    box.number(case("1", at=NOW))
    box.sign()
    await welcomed(store, box)
    await taken(store, world, box.payload())
    async with store.write() as conn:
        await conn.execute(t.record.delete().where(t.record.c.seq == 1))
        await conn.execute(t.row_head.delete())
        await conn.execute(t.case.delete())
        row = {"site": "s01", "epoch": box.epoch, "first": 1, "last": 1, "schema": schema, "at_wall": NOW}
        row |= {"raws": msgspec.msgpack.encode(box.raws[:1]), "claim": batch.claim(box.payload(1, 1))}
        await conn.execute(insert(t.parked_batch).values(**row))
    assert await found(store) == [(What.HIDDEN, 1)]
