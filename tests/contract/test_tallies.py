"""Roll-ups over both databases: whatever happened in whatever order, they answer what a full recount and plain Python answer."""

import asyncio
from datetime import date

import pytest
from sqlalchemy import func, select, update

from central import statistics, tally
from central.core.access import Role
from central.core.correction import Actor, Event
from central.core.scope import EVERYTHING
from central.judge import World
from central.statistics import asked_of
from central.store import audit, tallies
from central.store import tables as t
from central.store.engine import Store
from central.tally import Booker
from common.core.instant import DAY
from tests.contract.rolling import ELSEWHERE, Story, booked, kept_bytes
from tests.contract.test_law import Driven
from tests.contract.test_store import ZONE, store, world
from tests.correcting import SIGNER, TO_SIGN, desk, moved

__all__ = ["store", "world"]
DEEDS = 16


@pytest.mark.parametrize("seed", range(2))
async def test_roll_ups_say_what_a_recount_and_plain_python_say_and_begun_anew_are_the_same_bytes(
    store: Store, world: World, seed: int
) -> None:
    """Late facts, corrections, cases filed again, withdrawals, other versions of items and of the calendar; booked in part."""
    story = Story(store, world, seed)
    await story.begin()
    for _ in range(3):
        await story.file()
    for number in range(DEEDS):
        await story.go_on(refiled=seed == 0)
        if number % 2:
            await story.is_told_alike()
        elif seed:
            await story.is_told_as_counted_by_hand()
    story.now += 20 * DAY
    for deed in (story.catch_up, story.look, story.finish, story.finish):
        await deed()
    await booked(story)
    for number in range(3):
        await story.act()
        await story.decide()
        await story.notice(40)
        await story.list(("SX1", "SX2")[number % 2], date(2026, 1, 1))
        await story.is_all_told_alike()
    await booked(story)
    await story.is_all_told_alike()
    kept = await kept_bytes(store)
    assert all(kept), "or nothing was compared"
    async with store.read() as conn:
        await audit.freeze(conn)
        first = await tally.examine(conn, ZONE)
        assert await conn.scalar(select(func.count()).select_from(t.correction)), "some lights were red"
    assert first is not None
    assert (first.differs, first.waiting) == ([], 0)
    async with store.write() as conn:
        assert await tallies.begin(conn, ZONE.key, "2"), "another program may count otherwise"
    await story.is_told_alike()
    await booked(story)
    assert await kept_bytes(store) == kept
    async with store.read() as conn:
        await audit.freeze(conn)
        again = await tally.examine(conn, ZONE)
    assert again is not None
    assert again.digest == first.digest


async def test_what_becomes_of_a_correction_is_counted(store: Store, world: World) -> None:
    """Each act by itself, after all else was booked."""
    story = Story(store, world, 3)
    await story.begin()
    late = {
        "accepted_at": story.spelt(story.now),
        "legal": 5,
        "org": "工商所",
        "item_name": "食品经营许可",
        "item_code": "SX1",
    }
    await story.tell(("s01", "k0"), late)
    story.now += 20 * DAY
    await story.catch_up()
    await story.look()
    async with store.read() as conn:
        row = (await conn.execute(select(t.correction).where(t.correction.c.is_red))).one()
    head = Actor("head", Role.HEAD, row.unit)
    for move in (
        *TO_SIGN,
        (Event.ISSUE, SIGNER),
        (Event.RECEIVE, head),
        (Event.EXPLAIN, head),
        (Event.EXCUSE, SIGNER),
    ):
        await booked(story)
        await moved(store, row.id, desk(Driven(story.now), world.calendar), move)
        await story.is_all_told_alike()
    asked = asked_of("2026", [], ["correction_of", "statute_late"], "")
    async with store.read() as conn:
        await audit.freeze(conn)
        total = (await statistics.answer(conn, EVERYTHING, asked, ZONE, story.now)).total.values
    assert [int(value or 0) for value in total] == [1, 0], "explained, and excused"


async def test_what_was_changed_behind_the_hall_s_back_is_named(store: Store, world: World) -> None:
    story = Story(store, world, 7)
    await story.begin()
    for _ in range(3):
        await story.file()
        await story.finish()
    await story.catch_up()
    await booked(story)
    key = next(key for site, key in story.told if site == "s01")
    async with store.write() as conn:
        await conn.execute(
            update(t.case).where(t.case.c.site == "s01", t.case.c.case_key == key).values(org="别处")
        )
        await conn.execute(
            update(t.tally_day).where(t.tally_day.c.site == "s02").values(number=t.tally_day.c.number + 1)
        )
    async with store.read() as conn:
        await audit.freeze(conn)
        found = await tally.examine(conn, ZONE)
    assert found is not None
    assert f"s01\t{key}\t汇总所记与重算不同" in found.differs
    assert any(one.startswith("s02\t2026-01-") and one.endswith("多 1") for one in found.differs)


async def test_bookers_and_judges_at_once_lose_nothing(store: Store, world: World) -> None:
    story = Story(store, world, 11)
    await story.begin()

    async def book() -> None:
        other = Booker(store, ZONE)
        for _ in range(25):
            await other.turn(2)

    async def live() -> None:
        for _ in range(12):
            await story.file()
            await story.finish()
            await story.catch_up()

    await asyncio.gather(live(), book(), book())
    await story.is_told_alike()
    await booked(story)
    async with store.read() as conn:
        await audit.freeze(conn)
        found = await tally.examine(conn, ZONE)
    assert found is not None
    assert (found.differs, found.waiting) == ([], 0)


async def test_where_too_many_wait_the_cases_are_counted(
    store: Store, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story(store, world, 5)
    await story.begin()
    for _ in range(3):
        await story.file()
    monkeypatch.setattr(tally, "MOST_WAITING", 2)
    async with store.read() as conn:
        await audit.freeze(conn)
        assert await tally.picture(conn, ZONE, world.calendar) is None
    await story.is_told_alike()
    await booked(story)
    async with store.read() as conn:
        await audit.freeze(conn)
        assert await tally.picture(conn, ZONE, world.calendar) is not None
        assert await tally.picture(conn, ELSEWHERE, world.calendar) is None
    await story.is_told_alike()
