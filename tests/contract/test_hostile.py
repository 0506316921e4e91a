"""What a site sends within the limits costs the hall little, and what a database refuses stops nobody: on both engines."""

import random

import pytest
from sqlalchemy import Executable, select, text
from sqlalchemy.exc import DBAPIError

from central.gaps import MOST_ALARMS
from central.judge import World
from central.store import alarms, facts
from central.store import tables as t
from central.store.engine import Store
from central.welcome import introduce
from common.core import ranges
from common.core.errors import UnavailableError
from common.core.record import MOST_TABLES, Case, Gap, Pass
from common.core.wire import LONGEST_KEY
from tests.contract.test_store import NOW, store, taken, welcomed, world
from tests.sender import Sender, case, draft

__all__ = ["store", "world"]


async def dead(store: Store) -> list[int]:
    async with store.read() as conn:
        return list(await conn.scalars(select(t.dead_letter.c.seq).order_by(t.dead_letter.c.seq)))


async def test_the_longest_key_is_kept_and_one_longer_is_a_dead_letter_alone(
    store: Store, world: World
) -> None:
    """P-LIMIT-06"""
    sender = Sender()
    await welcomed(store, sender)
    longest = "\U00020bb7" * LONGEST_KEY
    sender.number(
        case(longest, at=NOW),
        draft(Case(case_key="A"), key=longest + "x", at=NOW),
        draft(Case(case_key=longest + "x"), key="B", at=NOW),
        case("C", at=NOW),
    )
    ack = (await taken(store, world, sender.payload())).acks[0][1]
    assert ack.upto == 4
    assert await dead(store) == [2, 3]
    async with store.read() as conn:
        assert set(await conn.scalars(select(t.case.c.case_key))) == {longest, "C"}


async def test_a_pass_names_no_more_tables_than_a_mapping_has(store: Store, world: World) -> None:
    """P-LIMIT-06"""
    sender = Sender()
    await welcomed(store, sender)
    names = [f"case.{number}" for number in range(MOST_TABLES)]
    sender.number(
        draft(Pass(NOW, dict.fromkeys(names, 1), names), at=NOW),
        draft(Pass(NOW, {}, [*names, "x"]), at=NOW),
        draft(Pass(NOW, dict.fromkeys([*names, "x"], 1)), at=NOW),
    )
    assert (await taken(store, world, sender.payload())).acks[0][1].upto == 3
    assert await dead(store) == [2, 3]


@pytest.mark.parametrize("epoch", [b"", bytes(17), bytes(5_000)])
async def test_an_epoch_of_another_length_is_not_welcomed(store: Store, epoch: bytes) -> None:
    """P-LIMIT-06"""
    sender = Sender()
    await welcomed(store, sender)
    sender.epoch = epoch
    async with store.write() as conn:
        with pytest.raises(ValueError, match="an epoch of"):
            await introduce(conn, "s01", sender.hello(), NOW)


async def test_thousands_of_gaps_are_closed_together_and_told_of_in_runs(store: Store, world: World) -> None:
    """P-LIMIT-05"""
    sender = Sender()
    await welcomed(store, sender)
    first = 5_000
    sender.number(*(case(str(n), at=NOW) for n in range(first)))
    sender.number(*(draft(Gap(2 * n, 2 * n, "damaged"), at=NOW) for n in range(1, 901)))
    await taken(store, world, sender.payload(first + 1))
    async with store.read() as conn:
        row = await facts.cursor(conn, "s01", sender.epoch)
        assert row is not None
        held = facts.decode_ranges(row.ranges)
        assert len(held) == 901
        told = [item.detail for item in await alarms.listed(conn)]
        assert (len(told), told[0].startswith("第 2 条")) == (MOST_ALARMS + 1, True)
    sender.number(*(draft(Gap(2_000 + 2 * n, 2_000 + 2 * n, "damaged"), at=NOW) for n in range(200)))
    ack = (await taken(store, world, sender.payload(first + 901))).acks[0][1]
    assert len(ack.ranges) <= ranges.MOST, "what would scatter an epoch closes nothing"
    sender.number(draft(Gap(1, first, "damaged"), at=NOW))
    ack = (await taken(store, world, sender.payload(sender.newest))).acks[0][1]
    assert (ack.upto, ack.ranges) == (sender.newest, [])


async def test_batches_that_would_scatter_an_epoch_are_to_be_sent_later(store: Store, world: World) -> None:
    """P-LIMIT-05"""
    sender = Sender()
    await welcomed(store, sender)
    sender.number(*(case(str(n), at=NOW) for n in range(1, 2 * ranges.MOST + 10)))
    for begin in range(1, 2 * ranges.MOST, 400):
        numbers = range(begin, min(begin + 400, 2 * ranges.MOST), 2)
        await taken(store, world, *(sender.payload(number, number) for number in numbers))
    last = 2 * ranges.MOST + 5
    (nack,) = (await taken(store, world, sender.payload(last, last))).acks[0][1].nacks
    assert (nack.code, nack.permanent) == ("scattered", False)
    for begin in range(2, 2 * ranges.MOST, 400):
        await taken(store, world, sender.payload(begin, begin + 399))
    ack = (await taken(store, world, sender.payload(last, last))).acks[0][1]
    assert ack.nacks == []


async def test_a_statement_that_the_database_refuses_is_no_outage(store: Store) -> None:
    many = select(t.site.c.id).where(t.site.c.id.in_([str(n) for n in range(300_000)]))
    with pytest.raises(DBAPIError):
        async with store.read() as conn:
            await conn.execute(many)
    if store.dialect == "postgresql":
        dice = random.Random(1)
        key = "".join(chr(dice.randrange(0x4E00, 0x9FFF)) for _ in range(9_000))
        values = {"id": key, "name": "x", "kind": "street", "position": 1}
        with pytest.raises(DBAPIError, match="index row"):
            await written(store, t.site.insert().values(**values))


async def written(store: Store, *statements: Executable) -> None:
    async with store.write() as conn:
        for statement in statements:
            await conn.execute(statement)


async def test_a_table_that_is_locked_is_an_outage(store: Store) -> None:
    if store.dialect != "postgresql":
        pytest.skip("a second writer of SQLite waits in the process")
    lock = text("LOCK TABLE site")
    async with store.write() as conn:
        await conn.execute(lock)
        with pytest.raises(UnavailableError):
            await written(store, text("SET LOCAL lock_timeout = '50ms'"), lock)
