"""The hall's door: what its box has not signed is not opened, whoever brings it; on both engines."""

from sqlalchemy import func, insert, select, update

from central.ingest import ingest_batches
from central.judge import Moment, World
from central.opening import Door
from central.store import alarms
from central.store import tables as t
from central.store.engine import Store
from common.clock import Clock
from common.core.state import AlarmKind
from tests.contract.test_store import NOW, store, welcomed, world
from tests.sender import SECRETS, Sender, case

__all__ = ["store", "world"]


def forged(box: Sender, count: int = 1) -> bytes:
    """As whoever carries batches could make it: sealed to the public wire key, chained on from the clear header."""
    maker = Sender(sign_secret=b"t" * 32)
    maker.epoch, maker.raws, maker.chain = box.epoch, list(box.raws), list(box.chain)
    first = maker.newest + 1
    maker.number(*(case(f"forged{number}", at=NOW) for number in range(count)))
    return maker.payload(first, maker.newest)


async def test_a_batch_that_its_box_has_not_signed_is_refused_and_people_are_told_once(
    store: Store, world: World
) -> None:
    """P-BATCH-15, P-SIGN-04: the key is that of the generation whose hello has opened the epoch."""
    box, stranger = Sender(), Sender()
    box.number(case("1", at=NOW))
    stranger.number(case("9", at=NOW))
    await welcomed(store, box)
    door = Door(store, SECRETS, Clock())
    arrived = [("s01", forged(box)), ("s01", forged(box)), ("s01", box.payload()), ("s01", b"junk")]
    opened, replies = await door.open([*arrived, ("s01", stranger.payload()), ("s02", box.payload())])
    assert [item.raws for item in opened] == [box.raws]
    codes = [(site, nack.code, nack.permanent) for site, ack in replies for nack in ack.nacks]
    assert codes == [("s01", "bad_signature", False)] * 2 + [("s01", "unknown_epoch", False)]
    async with store.write() as conn:
        outcome = await ingest_batches(conn, opened, world, Moment(NOW, NOW))
        told = [(row.kind, row.subject.split("/")[0]) for row in await alarms.listed(conn)]
        assert told == [(AlarmKind.FORGED.value, box.epoch.hex())]
        assert await conn.scalar(select(func.count()).select_from(t.record)) == 1
    assert outcome.acks[0][1].upto == 1


async def test_each_generation_signs_what_it_sends_itself(store: Store) -> None:
    old, new = Sender(), Sender(generation=2, sign_secret=b"n" * 32)
    await welcomed(store, old)
    async with store.write() as conn:
        await conn.execute(update(t.box).values(state="draining"))
        row = {"site": "s01", "generation": 2, "sign_key": new.sign_key, "state": "active", "created_wall": 0}
        await conn.execute(insert(t.box), [row])
    assert await welcomed(store, new) == ""
    for sender in (old, new):
        sender.number(case("1", at=NOW))
    door = Door(store, SECRETS, Clock())
    opened, replies = await door.open([("s01", old.payload()), ("s01", new.payload())])
    assert (len(opened), replies) == (2, [])
    old.sign_secret, new.sign_secret = new.sign_secret, old.sign_secret
    opened, replies = await door.open([("s01", old.payload()), ("s01", new.payload())])
    assert (opened, len(replies)) == ([], 2)
