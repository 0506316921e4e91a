"""What a site sends within the limits costs the hall little, and what a database refuses stops nobody: on both engines."""

import json
import random
from typing import Any

import msgspec
import pytest
from sqlalchemy import Executable, select, text
from sqlalchemy.exc import DBAPIError

from central.dead import parse, repaired, shown
from central.gaps import MOST_ALARMS
from central.ingest import take_letter
from central.judge import Moment, World
from central.store import alarms, facts, tallies
from central.store import tables as t
from central.store.engine import Store
from central.tally import Booker
from central.welcome import introduce
from common.core import ranges
from common.core.errors import UnavailableError, UsageError
from common.core.record import MOST_TABLES, Case, Checkpoint, Gap, IndexRoot, Pass, Root
from common.core.wire import LONGEST_KEY, LONGEST_TEXT, LONGEST_WORD
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


async def test_the_longest_texts_of_a_case_stop_no_batch(store: Store, world: World) -> None:
    """An index of PostgreSQL takes 2.7 kB a row; a field that is mapped wrongly may hold a page, and no two are alike."""
    sender, chance = Sender(), random.Random(3)
    await welcomed(store, sender)

    def page() -> str:
        return "".join(chr(chance.randrange(0x20000, 0x2A6D0)) for _ in range(LONGEST_TEXT))

    number = page()
    texts: dict[str, Any] = {
        name: page() for name in ("item_code", "item_name", "org", "responsible", "applicant", "phone")
    }
    whole: dict[str, Any] = {"accepted_at": "2026-03-02", "finished_at": "2026-03-03", "case_no": number}
    sender.number(draft(Case(case_key="1", **whole, **texts), key="1", at=NOW), case("2", at=NOW))
    assert (await taken(store, world, sender.payload())).acks[0][1].upto == 2
    async with store.write() as conn:
        await tallies.begin(conn, world.zone.key, "1")
    booker = Booker(store, world.zone)
    while await booker.turn():
        pass
    async with store.read() as conn:
        found = (await conn.execute(select(t.case).where(t.case.c.case_key == "1"))).one()
        assert (found.case_no, found.item_name) == (number[:LONGEST_KEY], texts["item_name"][:LONGEST_WORD])
        assert await dead(store) == []


async def test_a_pass_or_a_root_names_no_more_tables_than_a_mapping_has(store: Store, world: World) -> None:
    """P-LIMIT-06"""
    sender = Sender()
    await welcomed(store, sender)
    names = [f"case.{number}" for number in range(MOST_TABLES)]
    sender.number(
        draft(Pass(NOW, dict.fromkeys(names, 1), names), at=NOW),
        draft(Pass(NOW, {}, [*names, "x"]), at=NOW),
        draft(Pass(NOW, dict.fromkeys([*names, "x"], 1)), at=NOW),
    )
    sender.number(
        draft(IndexRoot(3, dict.fromkeys(names, Root(0, b"")))),
        draft(IndexRoot(3, dict.fromkeys([*names, "x"], Root(0, b"")))),
    )
    assert (await taken(store, world, sender.payload())).acks[0][1].upto == 5
    assert await dead(store) == [2, 3, 5]


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
    assert len(ack.ranges) == ranges.MOST, "of what would scatter an epoch the lowest are closed"
    assert (2_000, 2_000) in [tuple(part) for part in ack.ranges]
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


async def test_a_checkpoint_that_nobody_signed_is_not_taken_in_afterwards(store: Store, world: World) -> None:
    sender = Sender()
    await welcomed(store, sender)
    sender.number(
        case("A", at=NOW), draft(Checkpoint(1, sender.chain[1] if sender.newest else b"", NOW, b"x" * 64))
    )
    await taken(store, world, sender.payload())
    assert await dead(store) == [2]
    async with store.read() as conn:
        (row,) = (await conn.execute(select(t.dead_letter))).all()

    async def take() -> None:
        async with store.write() as conn:
            await take_letter(conn, row, row.raw, world, Moment(NOW, NOW))

    with pytest.raises(ValueError, match="signature"):
        await take()


@pytest.mark.parametrize(
    "body",
    [
        [13800000000, 440106199001011234, "王小明", "13800000000"],
        [{"王小明": 1, "x": {"13800000000": "王小明"}}],
        [[[["王小明", 13800000000.0]]]],
    ],
)
def test_a_letter_is_shown_without_a_name_or_a_number_of_anybody(body: list[Any]) -> None:
    items = [7, "case", "case.result", "王小明", 3, "put", "王小明", 1, 2, 3, b"d" * 16, body]
    said = shown(msgspec.msgpack.encode(items), full=False)
    assert said.startswith('[7, "case", "case.result", "王**"')
    for secret in ("小明", "1380000", "4401061"):
        assert secret not in said
    assert "王小明" in shown(msgspec.msgpack.encode(items), full=True)


@pytest.mark.parametrize("place", [1, 2, 3, 5, 6])
@pytest.mark.parametrize("value", [440106199001011234, "王小明"])
def test_a_letter_is_shown_without_what_stands_where_a_word_belongs(place: int, value: int | str) -> None:
    items: list[Any] = [7, "case", "case", "k", 3, "put", None, 1, 2, 3, b"d" * 16, []]
    items[place] = value
    said = shown(msgspec.msgpack.encode(items), full=False)
    assert said.startswith("[7, ")
    for secret in ("小明", "440106"):
        assert secret not in said


def test_a_letter_that_is_nothing_at_all_is_said_to_be_so() -> None:
    deep = b"\x9c" + b"\x01" * 11 + b"\x91" * 5_000 + b"\x01"
    for raw in (deep, b"\xc1", b"", msgspec.msgpack.encode(["x"])):
        assert shown(raw, full=False) == f"读不出的 {len(raw)} 字节"
        assert shown(raw, full=True) == raw.hex()


@pytest.mark.parametrize(
    "text", ["{", "[]", "[" * 50_000, "[1]", '{"a": 1}', "[" + "1," * 10 + '"zz", 1]', "99"]
)
def test_an_edited_text_that_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        repaired(b"", text, 1)
    huge = json.dumps([2**70, *range(9), "00", []])
    with pytest.raises(UsageError):
        repaired(b"", huge, 1)


@pytest.mark.parametrize("name", ["s01/00/99999999999999999999", "s01/00/0", "s01/00/-1", "s01/zz/1", "s01"])
def test_a_number_that_no_letter_has_is_wrong_usage(name: str) -> None:
    with pytest.raises(UsageError, match="不是死信的编号"):
        parse(name)
