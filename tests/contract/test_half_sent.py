"""Messages whose end is nearly lost: a database that goes away in the middle, receipts that come too early, many that wait before one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from central import dispatch, holding
from central.core.gateway import Receipt
from central.core.message import Channel, State
from central.core.silence import Silence, statement
from central.dispatch import Post
from central.judge import World
from central.notify.base import Parcel, UncertainError
from central.store import documents, silences
from central.store.engine import Store
from central.store.message_tables import message, message_entry
from central.world import Moment
from common.clock import Clock
from common.core import crypto
from common.core.errors import UnavailableError
from common.core.instant import DAY, HOUR, MINUTE
from tests.contract.posting import Scripted, office, people, rows
from tests.contract.test_messages import RED, RUNG, SHORT, YELLOW, Hall, lit
from tests.contract.test_store import NOW, store, world
from tests.papers import ISSUER, SECRET
from tests.sender import case

__all__ = ["store", "world"]


@pytest.fixture(autouse=True)
async def issuer(store: Store) -> None:
    async with store.write() as conn:
        await documents.set_issuer(conn, ISSUER, "w", "设置", 0)
    await people(store)


class Leaving:
    """A store whose n-th transaction finds the database gone, and no other."""

    def __init__(self, store: Store, left: int) -> None:
        self._store, self._left = store, left

    read = property(lambda self: self._store.read)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        self._left -= 1
        async with self._store.write() as conn:
            yield conn
            if self._left == 0:
                raise UnavailableError("数据库连不上", hint="会自动重试")


async def _attended(post: Post, store: Store) -> None:
    """The post office runs until nothing is on its way."""
    running = asyncio.create_task(dispatch.run(post))
    try:
        async with asyncio.timeout(60):
            while await rows(store, RUNG, message.c.state.in_([State.QUEUED, State.SENDING])):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@pytest.mark.parametrize("repeatable", [True, False])
async def test_a_database_that_goes_away_at_any_moment_leaves_no_message_half_sent(
    store: Store, world: World, monkeypatch: pytest.MonkeyPatch, *, repeatable: bool
) -> None:
    monkeypatch.setattr(dispatch, "LOOK_SECS", 0.01)
    await lit(store, world, case("1", **RED))
    async with store.read() as conn:
        before = (await conn.execute(message.select())).all()
    unsure = 0
    for left in range(1, 16):
        async with store.write() as conn:
            await conn.execute(message_entry.delete())
            await conn.execute(message.delete())
            await conn.execute(message.insert(), [dict(row._mapping) for row in before])
        sms = Scripted(is_repeatable=repeatable)
        post = office(store, world, Hall(NOW + MINUTE), sms)
        post.store = Leaving(store, left)  # type: ignore[assignment]
        await _attended(post, store)
        short = await rows(store, SHORT, RUNG)
        assert {row.state for row in short} <= ({"sent"} if repeatable else {"sent", "failed"}), left
        assert repeatable or len(sms.asked) == len(sms.taken), "a modem is never given a message twice"
        unsure += sum(row.state == "failed" for row in short)
    assert (unsure > 0) is not repeatable


async def test_mail_that_never_says_more_hides_no_short_message_without_a_receipt(
    store: Store, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "PAGE", 4)
    await lit(store, world, case("1", **RED))
    clock, sms, mail = Hall(NOW + MINUTE), Scripted(), Scripted()
    mail.has_receipts = False
    post = office(store, world, clock, sms)
    post.channels = {**post.channels, Channel.MAIL: mail}
    (one, *_) = await rows(store, SHORT, RUNG)
    earlier = {"channel": "mail", "state": "sent", "changed_wall": NOW}
    mails = [
        {**one._mapping, **earlier, "id": 1_000 + n, "key": f"m{n}", "key_index": f"m{n}"} for n in range(6)
    ]
    async with store.write() as conn:
        await conn.execute(message.insert(), mails)
    while await post.look_once():
        continue
    assert {row.state for row in await rows(store, SHORT, RUNG)} == {"sent"}
    clock.now += DAY + MINUTE
    await post.look_once()
    assert {row.state for row in await rows(store, SHORT, RUNG)} == {"failed"}
    assert {row.state for row in await rows(store, message.c.channel == "mail")} == {"sent"}


async def test_a_silence_that_goes_on_stands_before_no_other_that_has_ended(
    store: Store, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "PAGE", 2)
    await lit(store, world, *(case(f"{n}", **YELLOW) for n in range(4)))
    clock, sms = Hall(NOW + MINUTE), Scripted()
    (other,) = {row.person for row in await rows(store, SHORT, RUNG)} - {"chuang"}
    long, brief = (
        Silence(site="s01", person=who, reason="系统切换", who="w", from_at=NOW, until_at=NOW + hours * HOUR)
        for who, hours in (("chuang", 9), (other, 1))
    )
    async with store.write() as conn:
        for one in (long, brief):
            await silences.add(conn, one, crypto.sign(SECRET, statement(one)))
    post = office(store, world, clock, sms)
    await post.look_once()
    assert {row.person for row in await rows(store, message.c.cause == "silence", RUNG)} == {"chuang", other}
    clock.now = NOW + HOUR
    for _ in range(9):
        await post.look_once()
    held = await rows(store, message.c.cause == "silence", RUNG)
    assert {row.person for row in held} == {"chuang"}


async def test_what_a_genuine_silence_held_is_not_held_on_by_one_that_the_hall_has_not_signed(
    store: Store, world: World
) -> None:
    await lit(store, world, case("1", **YELLOW))
    clock, sms = Hall(NOW + MINUTE), Scripted()
    one = Silence(site="s01", person="", reason="系统切换", who="w", from_at=NOW, until_at=NOW + HOUR)
    planted = Silence(site="s01", person="", reason="系统切换", who="w", from_at=NOW, until_at=NOW + DAY)
    async with store.write() as conn:
        await silences.add(conn, one, crypto.sign(SECRET, statement(one)))
        await silences.add(conn, planted, crypto.sign(bytes(32), statement(planted)))
    post = office(store, world, clock, sms)
    await post.look_once()
    assert sms.taken == {}
    clock.now = NOW + HOUR
    await post.look_once()
    assert {row.state for row in await rows(store, SHORT, RUNG)} == {"sent"}


class Fast(Scripted):
    """A gateway whose receipt comes before its answer, which is lost when the script says so."""

    async def send(self, parcel: Parcel) -> str:
        ref = await super().send(parcel) if not self.script else ""
        self.taken.setdefault(parcel.key, parcel)
        await self.told(Receipt(parcel.key, is_delivered=True, detail="DELIVRD"))
        if self.script and (error := self.script.pop(0)) is not None:
            raise error
        return ref

    def __init__(self, store: Store, clock: Clock) -> None:
        super().__init__()
        self._store, self._clock = store, clock

    async def told(self, receipt: Receipt) -> None:
        """As the address for receipts takes it."""
        async with self._store.write() as conn:
            now = Moment(self._clock.office(), self._clock.wall())
            await holding.receive(conn, Channel.SMS, receipt, now)


async def test_a_receipt_that_is_faster_than_the_answer_is_believed(store: Store, world: World) -> None:
    await lit(store, world, case("1", **RED))
    clock = Hall(NOW + MINUTE)
    sms = Fast(store, clock)
    sms.script = [UncertainError("没有应答", hint="可能已经发出")]
    await office(store, world, clock, sms).look_once()
    assert {row.state for row in await rows(store, SHORT, RUNG)} == {"delivered"}


async def test_a_receipt_of_a_message_that_waits_to_be_tried_again_ends_the_trying(
    store: Store, world: World
) -> None:
    await lit(store, world, case("1", **RED))
    clock, sms = Hall(NOW + MINUTE), Scripted()
    sms.script = [UncertainError("没有应答", hint="可能已经发出")] * 4
    post = office(store, world, clock, sms)
    await post.look_once()
    first, second, *_ = await rows(store, SHORT, RUNG)
    assert (first.state, second.state) == ("queued", "queued")
    sms.kept = [
        Receipt(first.key, is_delivered=True, detail="DELIVRD"),
        Receipt(second.key, is_delivered=False, detail="UNDELIV"),
    ]
    await post.collect()
    clock.now += HOUR
    await post.look_once()
    asked = [parcel.key for parcel in sms.asked]
    assert (asked.count(first.key), asked.count(second.key)) == (1, 2), "what has arrived is not sent again"
    found = {row.id: row.state for row in await rows(store, SHORT, RUNG)}
    assert (found[first.id], found[second.id]) == ("delivered", "sent")


async def test_a_receipt_that_the_database_did_not_take_is_taken_later(store: Store, world: World) -> None:
    await lit(store, world, case("1", **RED))
    clock, sms = Hall(NOW + MINUTE), Scripted()
    post = office(store, world, clock, sms)
    await post.look_once()
    sent = await rows(store, SHORT, RUNG)
    sms.kept = [Receipt(row.ref, is_delivered=True, detail="DELIVRD") for row in sent]
    post.store = Leaving(store, 2)  # type: ignore[assignment]
    with pytest.raises(UnavailableError):
        await post.collect()
    await post.collect()
    assert {row.state for row in await rows(store, SHORT, RUNG)} == {"delivered"}
