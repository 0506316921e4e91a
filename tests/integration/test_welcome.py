"""Whom the hall believes: hellos, wills and gaps that are not what they say."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, insert, select, update

from central.core.calendar import Calendar
from central.core.noted import Noted
from central.ingest import ingest_batches
from central.judge import Moment, World
from central.opening import MOST_AHEAD, open_batch
from central.presence import Presence
from central.store import facts, status, trail
from central.store import tables as t
from central.store.engine import Store, open_store
from central.welcome import EPOCHS_A_DAY, REMEMBERED, Heard, introduce
from common.clock import Clock
from common.core import message
from common.core.batch import BatchError
from common.core.instant import DAY
from common.core.message import State
from common.core.record import SCHEMA, Gap
from tests.keyed import keyed
from tests.sender import SECRETS, SIGN_KEY, Sender, case, draft

NOW = 1_781_245_925_000_000
WORLD = World(ZoneInfo("Asia/Shanghai"), Calendar(1, date(2026, 1, 1), [True] * 365), {})


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await open_store(keyed(tmp_path / "central.db"))
    sites = [{"id": name, "name": name, "kind": "township", "position": 0} for name in ("s01", "s02")]
    box = {
        "site": "s01",
        "generation": 1,
        "sign_key": Sender().sign_key,
        "state": "active",
        "created_wall": 0,
    }
    async with opened.write() as conn:
        await conn.execute(insert(t.site), sites)
        await conn.execute(insert(t.box), [box, {**box, "site": "s02"}])
    yield opened
    await opened.close()


async def refusal(store: Store, sender: Sender, *, topic_site: str = "s01") -> str:
    async with store.write() as conn:
        return (await introduce(conn, topic_site, sender.hello(), NOW)).refused


async def known_epochs(store: Store) -> int:
    async with store.read() as conn:
        return int(await conn.scalar(select(func.count()).select_from(t.ingest_cursor)) or 0)


async def taken(store: Store, payload: bytes, *, now: int = NOW) -> message.Ack:
    async with store.write() as conn:
        outcome = await ingest_batches(
            conn, [open_batch("s01", payload, SECRETS, SIGN_KEY)], WORLD, Moment(now, now)
        )
    return outcome.acks[0][1]


@pytest.mark.parametrize(
    "sender",
    [
        Sender(generation=7),
        Sender(sign_secret=b"x" * 32),
        Sender(site="s02"),  # s02's own hello, published on the topic of s01
        Sender(site="nowhere"),
    ],
    ids=["unregistered generation", "another's key", "another site", "unknown site"],
)
async def test_a_hello_that_is_not_the_boxs_own_is_not_believed(store: Store, sender: Sender) -> None:
    """P-HELLO-02, P-SIGN-04"""
    with pytest.raises(ValueError, match=r"not registered|does not verify"):
        await refusal(store, sender)
    assert await known_epochs(store) == 0


@pytest.mark.parametrize("junk", [b"", b"\x93", b"\x93\xc4\x00\xa0\xc4\x00", b"junk"])
async def test_a_hello_that_is_garbage_is_a_value_error(store: Store, junk: bytes) -> None:
    """P-WIRE-05"""
    async with store.write() as conn:
        with pytest.raises(ValueError, match=r"."):
            await introduce(conn, "s01", junk, NOW)


@pytest.mark.parametrize("state", ["superseded", "revoked", "retired"])
async def test_a_box_that_may_not_write_any_more_is_told_why(store: Store, state: str) -> None:
    """P-HELLO-03, P-NACK-01"""
    sender = Sender()
    sender.number(case("1"))
    assert await refusal(store, sender) == ""
    async with store.write() as conn:
        await conn.execute(update(t.box).values(state=state))
    ack = await taken(store, sender.payload())
    assert [(nack.code, nack.permanent, ack.upto) for nack in ack.nacks] == [(state, True, 0)]
    assert await refusal(store, sender) == state
    assert await refusal(store, Sender()) == state
    assert await known_epochs(store) == 1


async def test_a_box_opens_a_hundred_epochs_a_day_and_goes_on_with_those_it_has(store: Store) -> None:
    """P-HELLO-03"""
    boxes = [Sender() for _ in range(EPOCHS_A_DAY + 1)]
    async with store.write() as conn:
        for box in boxes[:-1]:
            assert (await introduce(conn, "s01", box.hello(), DAY)).refused == ""
        with pytest.raises(ValueError, match="epochs in a day"):
            await introduce(conn, "s01", boxes[-1].hello(), 2 * DAY - 1)
        assert (await introduce(conn, "s01", boxes[0].hello(), 2 * DAY - 1)).refused == ""
        assert (await introduce(conn, "s01", boxes[-1].hello(), 2 * DAY)).refused == ""


async def test_a_restored_or_cloned_buffer_is_a_fork_at_its_hello(store: Store) -> None:
    """P-HELLO-04"""
    sender = Sender()
    sender.number(case("1"), case("2"))
    assert await refusal(store, sender) == ""
    assert (await taken(store, sender.payload())).upto == 2
    assert await refusal(store, sender) == ""
    behind = Sender()
    behind.epoch, behind.raws, behind.chain = sender.epoch, sender.raws[:1], sender.chain[:2]
    assert await refusal(store, behind) == "fork"
    other = Sender()
    other.epoch = sender.epoch
    other.number(case("1"), case("9"))
    assert await refusal(store, other) == "fork"
    async with store.write() as conn:
        box = {
            "site": "s01",
            "generation": 2,
            "sign_key": sender.sign_key,
            "state": "active",
            "created_wall": 0,
        }
        await conn.execute(insert(t.box), [box])
    heir = Sender(generation=2)
    heir.epoch, heir.raws, heir.chain = sender.epoch, sender.raws, sender.chain
    assert await refusal(store, heir) == "fork"


async def test_a_hello_that_the_broker_repeats_alarms_nobody(store: Store) -> None:
    """P-HELLO-05: more has come of its box meanwhile. A copy of the box names a connection of its own, and is a fork."""
    sender, heard = Sender(), Heard()
    sender.number(case("1"))
    said = sender.hello()
    for _ in range(2):  # the welcome may have been lost: a repeat is answered as long as it says what is so
        async with store.write() as conn:
            known = await introduce(conn, "s01", said, NOW, repeated=heard.knows("s01", said))
        assert known.refused == ""
        heard.keep("s01", said)
    sender.number(case("2"))
    assert (await taken(store, sender.payload())).upto == 2
    with pytest.raises(ValueError, match="repeated"):
        async with store.write() as conn:
            await introduce(conn, "s01", said, NOW, repeated=heard.knows("s01", said))
    async with store.read() as conn:
        assert (await conn.execute(select(t.alarm))).all() == []
    behind = Sender()
    behind.epoch, behind.raws, behind.chain = sender.epoch, sender.raws[:1], sender.chain[:2]
    assert heard.knows("s01", said)
    assert not heard.knows("s01", behind.hello("another"))
    assert await refusal(store, behind) == "fork"


def test_hellos_are_remembered_by_site_and_not_for_ever() -> None:
    heard = Heard()
    for number in range(REMEMBERED + 1):
        heard.keep("s01", b"%d" % number)
    assert [heard.knows("s01", b"%d" % number) for number in (0, 1, REMEMBERED)] == [False, True, True]
    assert not heard.knows("s02", b"1")


async def test_a_batch_that_reaches_over_what_is_held_must_agree_where_that_ends(store: Store) -> None:
    """P-CHAIN-04: a copy of the box went on by itself, and sends all it has."""
    sender, copy = Sender(), Sender()
    sender.number(case("1"), case("2"), case("3"))
    copy.epoch, copy.chain = sender.epoch, sender.chain[:1]
    copy.number(case("1"), case("2"), case("9"), case("10"))
    await refusal(store, sender)
    assert (await taken(store, sender.payload())).upto == 3
    ack = await taken(store, copy.payload())
    assert (ack.upto, [nack.code for nack in ack.nacks]) == (3, ["fork"])
    sender.number(case("4"))
    assert (await taken(store, sender.payload())).upto == 4


async def test_a_schema_that_no_upgrade_will_ever_read_is_not_kept(store: Store) -> None:
    """P-NACK-04"""
    sender = Sender()
    sender.number(case("1"))
    await refusal(store, sender)
    for schema in (0, SCHEMA + MOST_AHEAD + 1):
        with pytest.raises(BatchError, match="bad_batch"):
            open_batch("s01", sender.payload(schema=schema), SECRETS, SIGN_KEY)
    assert (await taken(store, sender.payload(schema=SCHEMA + MOST_AHEAD))).upto == 1


async def test_the_audit_says_how_far_the_epoch_before_has_come(store: Store) -> None:
    former, next_, third = Sender(), Sender(), Sender()
    former.number(case("1"), case("2"), case("3"))
    await refusal(store, former)
    await taken(store, former.payload(1, 2))
    await refusal(store, former)
    await refusal(store, next_)
    await refusal(store, third)
    said = Noted()
    async with store.read() as conn:
        async for page in trail.everything(conn):
            said.feed(page)
    assert said.reached == {("s01", former.epoch): {2: former.chain[2]}}, (
        "nothing had come of the one behind it"
    )
    assert said.epochs["s01"] == [former.epoch, next_.epoch, third.epoch]


async def test_a_gap_that_is_not_below_its_own_number_closes_nothing(store: Store) -> None:
    """P-GAP-02"""
    sender = Sender()
    sender.number(*(case(str(n)) for n in range(1, 4)))
    sender.number(*(draft(Gap(lo, hi, "damaged")) for lo, hi in [(1, 4), (3, 2), (0, 2), (2, 9)]))
    await refusal(store, sender)
    ack = await taken(store, sender.payload(4, 7))
    assert (ack.upto, ack.ranges, ack.nacks) == (0, [(4, 7)], [])
    sender.number(draft(Gap(1, 2, "damaged")))
    ack = await taken(store, sender.payload(8, 8))
    assert (ack.upto, ack.ranges) == (2, [(4, 8)])


async def test_a_box_whose_clock_is_wrong_by_ages_is_taken_like_any_other(store: Store) -> None:
    """P-CLOCK-04"""
    sender = Sender()
    late, early = 253_402_300_799_000_000, -62_135_596_800_000_000
    sender.number(*(case(str(n), at=at, wall=at) for n, at in enumerate([NOW, 0, late, early])))
    await refusal(store, sender)
    ack = await taken(store, sender.payload())
    assert (ack.upto, ack.nacks) == (4, [])
    async with store.read() as conn:
        assert len(await facts.heads(conn, "s01", [("case", str(n)) for n in range(4)])) == 4


async def test_a_will_of_a_connection_long_replaced_is_ignored(store: Store) -> None:
    """P-MQTT-04"""
    presence = Presence(store, Clock())

    async def online() -> bool:
        await presence._flush()
        async with store.read() as conn:
            return bool((await status.all_status(conn))["s01"].online)

    presence.state("s01", State("new", True, b"epoch--1", "0"))
    assert await online()
    presence.state("s01", State("old", False, b"epoch--1", "0"))
    assert await online()
    presence.state("s01", State("new", False, b"epoch--1", "0"))
    assert not await online()
