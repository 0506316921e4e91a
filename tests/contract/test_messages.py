"""Messages over both databases: each once, whatever dies when; held back while a site is cut off, and nothing lost afterwards."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central import correction_clock, holding, raising
from central.core.correction import Event
from central.core.document import Kind
from central.core.gateway import Receipt
from central.core.item_draft import DraftState
from central.core.ladder import LADDER, Level, Post, Rung
from central.core.message import State
from central.core.silence import Silence, statement
from central.judge import World
from central.notify.base import UncertainError
from central.store import documents, ladders, messages, silences
from central.store import tables as t
from central.store.engine import Store
from central.store.message_tables import message, message_entry
from common.core import crypto
from common.core.errors import RejectedError, UnavailableError, UsageError
from common.core.instant import DAY, HOUR, MINUTE
from tests import planted
from tests.contract.posting import ITEM, PEOPLE, Scripted, heard, office, people, rows
from tests.contract.test_law import Driven
from tests.contract.test_store import NOW, at, sent, store, taken, world
from tests.correcting import HEAD, OTHER, SIGNER, TO_SIGN, desk, moved, raised, signed
from tests.papers import ISSUER, SECRET
from tests.sender import Sender, case, passed

__all__ = ["store", "world"]
YELLOW: dict[str, Any] = {
    "accepted_at": "2026-03-12",
    "legal": 5,
    "item_code": "SX1",
    "item_name": "食品经营许可",
}
RED: dict[str, Any] = YELLOW | {"accepted_at": "2026-03-02"}


@pytest.fixture(autouse=True)
async def issuer(store: Store) -> None:
    async with store.write() as conn:
        await documents.set_issuer(conn, ISSUER, "w", "设置", 0)
    await people(store)


class Hall(Driven):
    """Office and wall time stand together where the test puts them."""

    def wall(self) -> int:
        return self.now


async def lit(
    store: Store, world: World, *cases: Any, now: int = NOW, sender: Sender | None = None
) -> Sender:
    """The hall takes in `cases`, by the box that it knows already or a new one, is whole up to `now`, and tells their lights."""
    world.items = {"SX1": (ITEM,)}
    if sender is None:
        sender = await sent(store, world, [passed(now - HOUR)], now=now)
    first = sender.newest + 1
    sender.number(*cases, passed(now))
    await taken(store, world, sender.payload(first), now=now)
    await told(store, world, now)
    return sender


async def told(store: Store, world: World, now: int) -> None:
    while await correction_clock.look_once(store, world, Driven(now), SECRET, set()):
        continue


async def states(store: Store, *where: Any) -> set[tuple[str, str]]:
    return {(row.person, row.state) for row in await rows(store, *where)}


SHORT, RUNG = message.c.channel == "sms", message.c.rung == 0


async def test_a_light_is_told_to_whom_the_ladder_says_once_however_often_it_is_told(
    store: Store, world: World
) -> None:
    await lit(store, world, case("1", **RED))
    red = message.c.level == "red"
    first = {(row.person, row.channel, row.address) for row in await rows(store, red, RUNG)}
    assert first == {
        ("chuang", "inbox", ""), ("chuang", "sms", "13800000001"), ("zhang", "inbox", ""),
        ("zhang", "sms", "13800000002"), ("jian", "inbox", ""), ("jian", "sms", "13800000003"),
        ("tel:13800000009", "sms", "13800000009"), ("group", "chat", ""),
    }  # fmt: skip
    (chief,) = await rows(store, red, message.c.rung == 1)
    assert (chief.person, chief.channel, chief.send_at) == ("ling", "inbox", at("2026-03-19T08:00"))
    (text,) = {row.text for row in await rows(store, red)}
    assert text == "【明察】云溪镇 食品经营许可（尾号SL1）超过法定时限办理，最后一日3月9日。请登录明察查看。"
    count = len(await rows(store))
    async with store.write() as conn:
        await conn.execute(update(t.outbox).values(done_wall=None))
    await told(store, world, NOW)
    assert len(await rows(store)) == count


async def test_an_act_that_is_waited_for_is_told_with_its_last_day_and_on_its_morning(
    store: Store, world: World
) -> None:
    """Complete on Thursday 03-12: to be accepted until the 19th, yellow from the 18th on."""
    said: dict[str, Any] = {
        "received_at": "2026-03-12",
        "complete_at": "2026-03-12",
        "item_name": "食品经营许可",
    }
    now = at("2026-03-18T10:00")
    await lit(store, world, case("1", item_code="SX1", **said), now=now)
    found = await rows(store, message.c.level == "yellow", message.c.channel == "inbox")
    (text,) = {row.text for row in found}
    assert "临近齐全后受理时限，最后一日3月19日" in text
    assert {row.send_at for row in found if row.rung == 2} == {at("2026-03-19T09:00")}


async def test_a_ladder_that_two_persons_have_changed_is_the_one_that_tells(
    store: Store, world: World
) -> None:
    wanted = LADDER | {
        Level.RED: (Rung(posts=(*LADDER[Level.RED][0].posts, Post.CHIEF)), *LADDER[Level.RED][2:])
    }
    for fault, wrong in (
        ("没有告诉承办人", LADDER | {Level.RED: (Rung(posts=(Post.CHIEF,)),)}),
        ("第一级须立即告知", LADDER | {Level.OWN: (Rung(posts=(Post.CHIEF,), halves=1),)}),
        ("与现行阶梯相同", LADDER),
    ):
        with pytest.raises(UsageError, match=fault):
            async with store.write() as conn:
                await ladders.add(conn, wrong, "a", "试改", 1)
    async with store.write() as conn:
        await ladders.add(conn, wanted, "a", "红灯当天报监察领导", 1)
    with pytest.raises(UsageError, match="已有一份"):
        async with store.write() as conn:
            await ladders.add(conn, wanted, "b", "再改", 2)
    for to, who in ((DraftState.APPROVED, "a"), (DraftState.WITHDRAWN, "b")):
        with pytest.raises(UsageError):
            async with store.write() as conn:
                await ladders.decide(conn, to, who, "同意", 3)
    sender = await lit(store, world, case("k1", **RED))
    async with store.write() as conn:
        await ladders.decide(conn, DraftState.APPROVED, "b", "同意", 4)
        assert await ladders.current(conn) == (1, wanted)
    await lit(store, world, case("k2", **RED), sender=sender)
    chiefs = await rows(store, message.c.level == "red", message.c.person_index == "ling")
    assert {(row.case_key, row.rung) for row in chiefs} == {("k1", 1), ("k2", 0)}, (
        "what was written down before stays as it was"
    )


async def test_nothing_is_told_of_what_was_rolled_back(store: Store, world: World) -> None:
    world.items = {"SX1": (ITEM,)}
    sender = await sent(store, world, [case("1", **RED), passed(NOW - HOUR)], now=NOW)
    sender.number(passed(NOW))
    await taken(store, world, sender.payload(sender.newest), now=NOW)
    async with store.read() as conn:
        outbox = (await conn.execute(select(t.outbox).where(t.outbox.c.event == "red"))).all()
    with suppress(ZeroDivisionError):
        async with store.write() as conn:
            assert await raising.take(conn, outbox[0], world, desk(Driven(NOW), world.calendar)) is not None
            assert await conn.scalar(select(func.count()).select_from(message)) != 0
            _ = 1 / 0
    assert await rows(store) == []


class Killed(BaseException):
    """The process is gone here."""


class Mortal:
    """A store that dies at its n-th commit, before or after it."""

    def __init__(self, store: Store, left: int, *, after: bool) -> None:
        self._store, self._left, self._after = store, left, after

    read = property(lambda self: self._store.read)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        self._left -= 1
        async with self._store.write() as conn:
            yield conn
            if self._left == 0 and not self._after:
                raise Killed
        if self._left == 0:
            raise Killed


@pytest.mark.parametrize("repeatable", [True, False])
async def test_a_hall_that_is_killed_at_any_commit_sends_each_message_once_or_says_that_it_is_unsure(
    store: Store, world: World, *, repeatable: bool
) -> None:
    await lit(store, world, case("1", **RED))
    async with store.read() as conn:
        before = (await conn.execute(select(message))).all()
    clock, deaths, died = Hall(NOW + MINUTE), 0, True
    for left in range(1, 40, 1 if repeatable else 2):
        if not died:
            break
        died = False
        for after in (False, True):
            async with store.write() as conn:
                await conn.execute(message_entry.delete())
                await conn.execute(message.delete())
                await conn.execute(message.insert(), [dict(row._mapping) for row in before])
            sms = Scripted(is_repeatable=repeatable)
            dying = office(store, world, clock, sms)
            dying.store = Mortal(store, left, after=after)  # type: ignore[assignment]
            try:
                await dying.look_once()
            except Killed:
                deaths, died = deaths + 1, True
            heir = office(store, world, clock, sms)
            await heir.begin()
            clock.now += HOUR
            while await heir.look_once():
                continue
            clock.now -= HOUR
            short = await rows(store, SHORT, RUNG)
            assert len(sms.taken) <= len(short) == 4
            assert repeatable or len(sms.asked) == len(sms.taken), "a modem is never given a message twice"
            for row in short:
                assert row.state == "sent" or (row.state == "failed" and not repeatable), (left, after)
                assert (row.key in sms.taken) or row.state == "failed"
            inbox = await states(store, message.c.channel == "inbox", RUNG)
            assert {state for _, state in inbox} == {"delivered"}
    assert deaths == (32 if repeatable else 16)


async def test_what_a_gateway_says_is_kept_and_what_does_not_arrive_is_the_next_rungs_turn(
    store: Store, world: World
) -> None:
    await lit(store, world, case("1", **RED))
    clock, sms = Hall(NOW + MINUTE), Scripted()
    post = office(store, world, clock, sms)
    sms.script = [UnavailableError("忙"), RejectedError("空号", hint="改"), UncertainError("没有应答"), None]
    await post.look_once()
    assert sorted(state for _, state in await states(store, SHORT, RUNG)) == [
        "failed",
        "queued",
        "queued",
        "sent",
    ]
    chief = message.c.person_index == "ling"
    assert (await rows(store, chief))[0].send_at <= clock.now, "the next rung is reached at once"
    clock.now += 31 * MINUTE
    await post.look_once()
    assert sorted(state for _, state in await states(store, SHORT, RUNG)) == [
        "failed",
        "sent",
        "sent",
        "sent",
    ]
    assert len(sms.taken) == 3
    assert len(sms.asked) == 6
    first, second, third = (row for row in await rows(store, SHORT, RUNG) if row.state == "sent")
    good, bad = Receipt(first.ref, is_delivered=True, detail="DELIVRD"), Receipt(second.ref, False, "UNDELIV")
    sms.kept = [good, good, bad, Receipt("nobody's", is_delivered=True, detail="x")]
    await post.collect()
    sms.kept = [Receipt(third.key, is_delivered=True, detail="by key"), Receipt(second.ref, True, "late")]
    await post.collect()
    found = {row.id: row.state for row in await rows(store, SHORT, RUNG)}
    assert [found[row.id] for row in (first, second, third)] == ["delivered", "delivered", "delivered"]
    async with store.read() as conn:
        number, wrong = await messages.failures(conn, 10)
        kept = await messages.entries(conn, second.id)
    assert (number, [row.state for row in wrong]) == (1, ["failed"])
    assert [row.state for row in kept][-3:] == ["sent", "failed", "delivered"]
    assert [row.number for row in kept] == list(range(1, len(kept) + 1))


async def test_a_gateway_that_is_down_for_a_day_loses_nothing_and_is_named_after_it(
    store: Store, world: World
) -> None:
    await lit(store, world, case("1", **RED))
    clock, sms = Hall(NOW + MINUTE), Scripted()
    post = office(store, world, clock, sms)
    begun = clock.now
    while clock.now < begun + 25 * HOUR:
        sms.script = [UnavailableError("连不上")] * 10
        await post.look_once()
        clock.now += 40 * MINUTE
    assert {state for _, state in await states(store, SHORT, RUNG)} == {"failed"}
    assert len(sms.asked) < 4 * 40, "it is not asked without end"
    row = (await rows(store, SHORT, RUNG))[0]
    async with store.write() as conn:
        assert await messages.move(conn, row, State.QUEUED, post.now, "重发", first_wall=None, next_wall=0)
    sms.script = []
    clock.now = at("2026-03-20T09:00")
    await post.look_once()
    assert row.key in sms.taken


async def test_no_receipt_for_a_day_is_no_delivery(store: Store, world: World) -> None:
    await lit(store, world, case("1", **RED))
    clock, sms = Hall(NOW + MINUTE), Scripted()
    post = office(store, world, clock, sms)
    sms.script = [ValueError()]  # a fault of ours is one message's, not the hall's
    await post.look_once()
    assert sorted(state for _, state in await states(store, SHORT, RUNG)) == [
        "failed",
        "sent",
        "sent",
        "sent",
    ]
    clock.now += DAY + MINUTE
    await post.look_once()
    assert {state for _, state in await states(store, SHORT, RUNG)} == {"failed"}


async def test_phones_are_silent_at_night_and_many_messages_become_one(store: Store, world: World) -> None:
    night = at("2026-03-18T21:00")
    await lit(store, world, *(case(f"{n}", **RED) for n in range(6)), now=night)
    clock, sms = Hall(night + MINUTE), Scripted()
    post = office(store, world, clock, sms)
    await post.look_once()
    assert sms.taken == {}
    assert {state for _, state in await states(store, message.c.channel == "inbox", RUNG)} == {"delivered"}
    clock.now = at("2026-03-19T08:00")
    for _ in range(3):
        await post.look_once()
    to = [parcel.to for parcel in sms.taken.values()]
    assert sorted(to) == sorted(["13800000001", "13800000002", "13800000003", "13800000009"])
    (text,) = {parcel.text for parcel in sms.taken.values()}
    assert text == "【明察】您有6条提示：红灯6件。请登录明察，在收件箱逐条查看。"
    mine = SHORT, message.c.person_index == "zhang"
    assert [row.state for row in await rows(store, *mine, message.c.level == "red")] == ["joined"] * 6
    (carrier,) = await rows(store, *mine, message.c.level == Level.DIGEST)
    sms.kept = [Receipt(carrier.ref, is_delivered=True, detail="DELIVRD")]
    await post.collect()
    assert {row.state for row in await rows(store, *mine)} == {"delivered"}
    async with store.read() as conn:
        assert (
            await planted.found(conn, ["李敏", *(number for _, number in PEOPLE.values() if number), *to])
            == []
        )


async def test_a_site_down_for_a_day_is_one_message_to_each_person_and_nothing_is_lost_afterwards(
    store: Store, world: World
) -> None:
    clock = Hall(NOW)
    await heard(store, clock)
    sms = Scripted()
    post = office(store, world, clock, sms)
    await holding.watch(store, world, clock)
    clock.now += HOUR
    await heard(store, clock, online=False)
    for _ in range(3):  # away for a moment is nothing
        await holding.watch(store, world, clock)
        clock.now += 3 * MINUTE
    assert await rows(store) == []
    clock.now += 5 * MINUTE
    # the clock runs on while the site is cut off: its reminders are written, and held back
    sender = await lit(store, world, *(case(f"{n}", **YELLOW) for n in range(5)), now=clock.now)
    await heard(store, clock, online=False)
    for _ in range(48):
        await holding.watch(store, world, clock)
        await post.look_once()
        clock.now += 30 * MINUTE
    told_to = [parcel.to for parcel in sms.taken.values()]
    assert sorted(told_to) == sorted(set(told_to)), "one message for each person"
    assert {"13800000001", "13800000002", "13800000005", "13800000009"} == set(told_to)
    assert all("站点断线，数据只到" in parcel.text for parcel in sms.taken.values())
    inboxes = await rows(store, message.c.channel == "inbox", message.c.state == "delivered")
    assert sorted(row.person for row in inboxes) == ["chuang", "wei", "zhang"]
    held = await rows(store, message.c.level == "yellow", RUNG)
    assert {row.state for row in held} == {"inhibited"}
    # back again: two of the five cases were decided in time meanwhile
    decided = [case(f"{n}", version=2, **YELLOW, finished_at="2026-03-18T15:00") for n in range(2)]
    await lit(store, world, *decided, now=clock.now, sender=sender)
    await heard(store, clock)
    for _ in range(4):
        await holding.watch(store, world, clock)
        await post.look_once()
        clock.now += MINUTE
    inbox = message.c.channel == "inbox"
    found = await rows(store, message.c.level == "yellow", inbox, message.c.person_index == "chuang", RUNG)
    assert sorted(row.state for row in found) == ["delivered"] * 3 + ["over"] * 2
    short = await rows(store, message.c.level == "yellow", SHORT, RUNG)
    assert {row.state for row in short if row.case_key in {"2", "3", "4"}} == {"sent"}


async def test_a_silence_holds_reminders_back_until_its_end_and_only_if_it_is_the_halls(
    store: Store, world: World
) -> None:
    sender = await lit(store, world, case("1", **YELLOW))
    clock, sms = Hall(NOW + MINUTE), Scripted()
    one = Silence(site="s01", person="", reason="系统切换", who="w", from_at=NOW, until_at=NOW + 2 * HOUR)
    forged = crypto.sign(bytes(32), statement(one))
    async with store.write() as conn:
        await silences.add(conn, one, forged)
    post = office(store, world, clock, sms)
    await post.look_once()
    assert len(sms.taken) == 2, "a silence that the hall has not signed silences nothing"
    await lit(store, world, case("2", **YELLOW), now=NOW + 2 * MINUTE, sender=sender)
    async with store.write() as conn:
        await silences.add(conn, one, crypto.sign(SECRET, statement(one)))
    clock.now += HOUR
    await post.look_once()
    assert len(sms.taken) == 2
    fresh = message.c.case_key == "2", SHORT, RUNG
    assert {row.cause for row in await rows(store, *fresh)} == {"silence"}
    clock.now = NOW + 2 * HOUR
    await post.look_once()
    assert {row.state for row in await rows(store, *fresh)} == {"sent"}


async def test_an_order_and_an_urging_are_told_to_the_unit_and_the_halls_own_delay_to_the_hall(
    store: Store, world: World
) -> None:
    start = at("2026-03-18T10:00")
    table = desk(Driven(start), world.calendar)
    number = await raised(store, table)
    await told(store, world, at("2026-03-20T00:00"))
    assert {row.person for row in await rows(store, message.c.level == "own")} == {"jian", "ling"}
    later = desk(Driven(at("2026-03-20T09:00")), world.calendar)
    await moved(store, number, later, *TO_SIGN, (Event.ISSUE, SIGNER))
    order = await rows(store, message.c.level == "order")
    assert {row.person for row in order} == {"chuang", "zhang"}
    assert (
        order[0].text
        == "【明察】云溪镇 食品经营许可（尾号SL1）已出具督办通知书，最后一日3月23日。请登录明察查收。"
    )
    await told(store, world, at("2026-03-24T00:00"))
    inbox, urging = message.c.channel == "inbox", message.c.level == "urging"
    assert {row.person for row in await rows(store, urging, inbox)} == {"chuang", "zhang", "jian"}
    assert "的督办逾期未答复" in (await rows(store, urging))[0].text
    # the document that urges is told when somebody has signed it
    signing = desk(Driven(at("2026-03-24T09:00")), world.calendar)
    await signed(store, number, Kind.URGING, OTHER, signing)
    assert "已出具催办通知书" in (await rows(store, urging))[-1].text
    assert await rows(store, message.c.level == "circular") == []
    await moved(store, number, signing, (Event.RECEIVE, HEAD))
    for day in ("2026-03-31", "2026-04-09"):
        await told(store, world, at(f"{day}T00:00"))
    await signed(store, number, Kind.CIRCULAR, OTHER, desk(Driven(at("2026-04-09T09:00")), world.calendar))
    circular = {row.person for row in await rows(store, message.c.level == "circular", inbox)}
    assert circular == {"chuang", "zhang", "jian", "ling"}
