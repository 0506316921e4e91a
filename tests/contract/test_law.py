"""A new version of calendar or catalogue while the hall runs: what it touches is judged anew, nothing else, and red stays."""

from datetime import date
from typing import Any

from sqlalchemy import delete, select

from central import judge, notice, rebuild, ticker
from central.core.calendar import Notice
from central.core.item import Item
from central.core.scope import EVERYTHING
from central.judge import Moment, World
from central.store import items, law, packs
from central.store import tables as t
from central.store.engine import Store
from common.clock import Clock
from common.core.instant import SECOND
from common.core.record import Step
from common.core.state import ClockKind, Light, StepKind
from tests.contract.test_store import ZONE, at, lights, sent, store, taken, world
from tests.sender import case, draft, passed

__all__ = ["store", "world"]

NOW = at("2026-12-21T10:00")
OFF_2027 = [date(2027, 1, 1), *(date(2027, 2, day) for day in range(5, 13)), date(2027, 4, 5)]
OFF_2027 += [date(2027, 5, day) for day in range(1, 6)] + [date(2027, 10, day) for day in range(1, 8)]
NOTICE = Notice(2027, "国办发明电〔2026〕9 号", OFF_2027, [date(2027, 2, 20)])


class Driven(Clock):
    """Stands where the test puts it."""

    def __init__(self, now: int) -> None:
        super().__init__()
        self.now = now

    def office(self, mono: int | None = None) -> int:
        return self.now


async def clocks(store: Store) -> dict[tuple[str, str], Any]:
    async with store.read() as conn:
        return {(row.case_key, row.kind): row for row in await conn.execute(select(t.clock))}


async def take_in(store: Store, given: Notice) -> list[notice.Move]:
    async with store.write() as conn:
        found = await notice.preview(conn, given, ZONE, Moment(NOW, NOW))
        await notice.take_in(conn, given, "w", "通知", Moment(NOW, NOW))
    return found.moves


async def test_a_new_year_moves_the_clocks_that_reach_into_it_and_lists_them(
    store: Store, world: World
) -> None:
    accepted = {"far": "2026-12-10", "near": "2026-12-18", "old": "2026-11-02", "edge": "2026-12-15"}
    drafts = [case(key, accepted_at=f"{day}T09:00:00+08:00", legal=45) for key, day in accepted.items()]
    drafts.append(case("soon", accepted_at="2026-12-18", legal=5))
    await sent(store, world, [*drafts, passed(NOW)], now=NOW)
    before = await clocks(store)
    assert before["far", "statute"].provisional
    moves = await take_in(store, NOTICE)
    assert {move.case_no for move in moves} >= {"SLfar"}
    clock = Driven(NOW + SECOND)
    await ticker.tick_once(store, world, clock)
    after = await clocks(store)
    assert world.calendar.published_until == date(2027, 12, 31)
    assert not after["far", "statute"].provisional
    async with store.read() as conn:
        listed = await law.due_changes(conn, EVERYTHING, 2)
        assert await law.count_due_changes(conn, EVERYTHING, 2) == len(listed) > 1
        assert len(await law.due_changes(conn, EVERYTHING, 2, 1)) == 1
    told = {
        (move.case_no.removeprefix("SL"), move.clock): (move.before_at, move.after_at)
        for move in moves
        if not move.confirmed
    }
    assert {(row.case_key, row.clock): (row.before_at, row.after_at) for row in listed} == told
    assert all(after[place].due_at == new for place, (_, new) in told.items())
    untouched = {
        place for place, row in before.items() if not row.provisional and row.due_at < at("2027-01-01T00:00")
    }
    assert ("soon", "statute") in untouched
    assert all(after[place].rev == before[place].rev for place in untouched)
    await ticker.tick_once(store, world, clock)
    assert await clocks(store) == after


async def test_a_calendar_that_came_while_the_hall_was_down_is_taken_up_at_its_start(
    store: Store, world: World
) -> None:
    await sent(store, world, [case("far", accepted_at="2026-12-10", legal=45), passed(NOW)], now=NOW)
    await take_in(store, NOTICE)
    async with store.write() as conn:
        fresh = await judge.load_world(conn, ZONE)
        assert await judge.recheck(conn, fresh, Moment(NOW, NOW)) == 1
    await ticker.tick_once(store, fresh, Driven(NOW + SECOND))
    assert not (await clocks(store))["far", "statute"].provisional
    async with store.write() as conn:
        assert await judge.recheck(conn, fresh, Moment(NOW, NOW)) == 0


async def test_a_corrected_day_touches_what_crosses_it_and_whitens_no_red(store: Store, world: World) -> None:
    drafts = [
        case("late", accepted_at="2026-11-02", legal=5),
        case("early", accepted_at="2026-12-01", legal=15),
        case("after", accepted_at="2026-12-21", legal=5),
    ]
    await sent(store, world, [*drafts, passed(NOW)], now=NOW)
    assert (await lights(store))["late"] == Light.RED
    before = await clocks(store)
    async with store.read() as conn:
        days = await law.year(conn, 2026)
    off = [date.fromisoformat(day.day) for day in days if not day.workday]
    work = [day for row in days if row.workday and (day := date.fromisoformat(row.day)).weekday() >= 5]
    given = Notice(2026, "更正", sorted([*off, date(2026, 11, 6), date(2026, 12, 8)]), work)
    moves = await take_in(store, given)
    assert [(move.case_no, move.clock) for move in moves] == [("SLearly", ClockKind.STATUTE)]
    await ticker.tick_once(store, world, Driven(NOW + SECOND))
    after = await clocks(store)
    assert after["early", "statute"].due_at == at("2026-12-24T00:00")  # a day later: 12-23
    assert before["early", "statute"].due_at == at("2026-12-23T00:00")
    for key in ("late", "after"):
        assert after[key, "statute"] == before[key, "statute"]


async def test_a_decided_case_stays_by_the_calendar_of_its_day(store: Store, world: World) -> None:
    """A day that turns out to be a working day after all would make it late, when anything is told of it again."""
    facts: dict[str, Any] = {"accepted_at": "2026-09-24", "legal": 5, "finished_at": "2026-10-09"}
    sender = await sent(store, world, [case("done", **facts), passed(NOW)], now=NOW)
    assert await lights(store) == {"done": Light.GREEN}
    async with store.read() as conn:
        days = await law.year(conn, 2026)
    off = [date.fromisoformat(day.day) for day in days if not day.workday]
    work = [day for row in days if row.workday and (day := date.fromisoformat(row.day)).weekday() >= 5]
    given = Notice(
        2026, "更正", [day for day in off if day not in {date(2026, 10, 5), date(2026, 10, 6)}], work
    )
    await take_in(store, given)
    await ticker.tick_once(store, world, Driven(NOW + SECOND))
    assert world.calendar.version == 2
    for version in (2, 3):
        sender.number(case("done", version=version, org=f"又改{version}", **facts), passed(NOW + SECOND))
        await taken(store, world, sender.payload(sender.newest - 1), now=NOW + SECOND)
        found = await clocks(store)
        assert (found["done", "statute"].light, found["done", "statute"].calendar_version) == (Light.GREEN, 1)
    sender.number(case("new", **facts), passed(NOW + SECOND))
    await taken(store, world, sender.payload(sender.newest - 1), now=NOW + SECOND)
    assert (await lights(store))["new"] == Light.GREEN, "as if it had come in its time"


async def test_a_new_version_of_an_item_leaves_running_cases_alone(store: Store, world: World) -> None:
    drafts = [
        case("before", accepted_at="2026-12-17", item_code="SX1"),
        case("from", accepted_at="2026-12-21", item_code="SX1"),
    ]
    await sent(store, world, [*drafts, passed(NOW)], now=NOW)
    async with store.write() as conn:
        shorter = Item("SX1", "食品经营许可", 20, 3, version=2, valid_from=date(2026, 12, 21))
        await items.add(conn, [shorter], "w", "提速", NOW)
    clock = Driven(NOW + SECOND)
    await ticker.tick_once(store, world, clock)
    assert [item.version for item in world.items["SX1"]] == [1, 2]
    clock.now = at("2026-12-22T10:00")
    found = await clocks(store)
    assert found["before", "promise"].due_at == at("2026-12-31T00:00") + 24 * 3600 * SECOND
    await sent_again(store, world)
    found = await clocks(store)
    assert found["from", "promise"].due_at == at("2026-12-25T00:00")
    assert found["before", "promise"].due_at == at("2027-01-01T00:00")


async def sent_again(store: Store, world: World) -> None:
    """Judge both cases anew, as new facts would."""
    async with store.write() as conn:
        await judge.judge_cases(conn, "s01", ["before", "from"], world, Moment(NOW, NOW))


async def test_what_ended_beyond_the_calendar_is_judged_when_its_notice_is_out(
    store: Store, world: World
) -> None:
    """The notice is taken in late: who was late is red, who was in time is not, and nothing stays grey for ever."""
    facts = {"late": "2027-01-20", "good": "2027-01-05"}
    drafts = [
        case(key, accepted_at="2026-12-28", legal=5, finished_at=day, at=at("2027-01-20T10:00"))
        for key, day in facts.items()
    ]
    now = at("2027-01-21T10:00")
    await sent(store, world, [*drafts, passed(now)], now=now)
    assert await lights(store) == {"late": Light.GREY, "good": Light.GREEN}
    async with store.write() as conn:
        await notice.take_in(conn, NOTICE, "w", "通知", Moment(now + SECOND, now))
        fresh = await judge.load_world(conn, ZONE)  # of a hall that was down meanwhile
        assert await judge.recheck(conn, fresh, Moment(now + SECOND, now)) == 1
    await ticker.tick_once(store, world, Driven(now + 2 * SECOND))
    assert await lights(store) == {"late": Light.RED, "good": Light.GREEN}
    found = await clocks(store)
    assert (found["late", "statute"].calendar_version, found["late", "statute"].due_at) == (
        2,
        at("2027-01-06T00:00"),
    )
    async with store.read() as conn:
        assert (await rebuild.examine(conn, world, now + 2 * SECOND)).differs == []


async def test_nothing_that_is_told_of_a_decided_case_later_lets_a_notice_reach_back(
    store: Store, world: World
) -> None:
    """Not even a delivery, which opens a new stretch of its past."""
    facts: dict[str, Any] = {"accepted_at": "2026-09-24", "legal": 5, "finished_at": "2026-10-09"}
    sender = await sent(store, world, [case("1", **facts), passed(NOW)], now=NOW)
    async with store.read() as conn:
        days = await law.year(conn, 2026)
    off = [day for row in days if not row.workday and (day := date.fromisoformat(row.day)).day not in {5, 6}]
    work = [day for row in days if row.workday and (day := date.fromisoformat(row.day)).weekday() >= 5]
    missing = [day for row in days if not row.workday and (day := date.fromisoformat(row.day)).month != 10]
    given = Notice(2026, "更正", sorted({*off, *missing}), work)
    await take_in(store, given)
    await ticker.tick_once(store, world, Driven(NOW + SECOND))
    later = NOW + 3600 * SECOND
    served = Step(case_key="1", kind=StepKind.DELIVER, finished_at="2026-12-21")
    sender.number(
        passed(later), draft(served, table="step", key="d", at=later + SECOND), passed(later + 2 * SECOND)
    )
    await taken(store, world, sender.payload(sender.newest - 2), now=later + 3 * SECOND)
    assert await lights(store) == {"1": Light.GREEN}
    async with store.read() as conn:
        assert (await rebuild.examine(conn, world, later + 3 * SECOND)).differs == []


async def test_what_is_judged_by_something_else_now_is_judged_at_once_whoever_follows_it(
    store: Store, world: World
) -> None:
    """No clock follows an open case; new figures and a new entry bring it to the ticker all the same."""
    complete = case("1", complete_at="2026-12-14", item_code="SX2", received_at="2026-12-01")
    other = case("2", accepted_at="2026-12-17", item_code="SX1")
    await sent(store, world, [complete, other, passed(NOW)], now=NOW)
    clock = Driven(NOW + SECOND)
    await ticker.tick_once(store, world, clock)
    before = {place: row for place, row in (await clocks(store)).items() if place[0] == "2"}
    async with store.write() as conn:
        await conn.execute(delete(t.clock).where(t.clock.c.case_key == "1"))
        await items.add(conn, [Item("SX2", "许可", 20, receipt_counts=True)], "w", "新增的事项", NOW)
    await ticker.tick_once(store, world, clock)
    found = await clocks(store)
    assert found["1", "statute"].start_day == "2026-12-01"
    assert {place: row for place, row in found.items() if place[0] == "2"} == before

    async with store.write() as conn:
        await conn.execute(delete(t.clock).where(t.clock.c.case_key == "1"))
        _, pack = await packs.add(conn, {"accept_days": 3}, "王", "依地方性法规", NOW, NOW)
        # Meanwhile the hall judges by the former figures: it has not looked for new ones yet.
        await judge.judge_cases(conn, "s01", ["1", "2"], world, Moment(NOW + SECOND, NOW))
    await ticker.tick_once(store, world, clock)
    async with store.read() as conn:
        rows = (await conn.execute(select(t.ruling).where(t.ruling.c.rule == "L32-4"))).all()
        assert [(row.case_key, row.answer, row.pack) for row in rows] == [("1", "broken", pack.version)]
        assert (await rebuild.examine(conn, world, NOW + SECOND)).differs == []
