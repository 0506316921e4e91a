"""What is entered after its limit: judged by when the source came to say so, over both databases, however the line was."""

from typing import Any

import pytest
from sqlalchemy import select

from central import ticker
from central.core.judgement import WithdrawalState
from central.core.scope import EVERYTHING
from central.judge import World
from central.store import tables as t
from central.store import withdrawals
from central.store.engine import Store
from common.core.errors import UsageError
from common.core.instant import DAY, HOUR, MINUTE
from common.core.record import Cause, Record
from common.core.state import ClockKind, Light
from tests.contract.test_law import Driven
from tests.contract.test_store import at, lights, store, taken, welcomed, world
from tests.sender import Sender, case, passed

__all__ = ["store", "world"]

DUE = at("2026-03-11T00:00")  # five working days after Tuesday 03-03
FACTS: dict[str, Any] = {"accepted_at": "2026-03-03", "legal": 5}
DONE = {**FACTS, "finished_at": "2026-03-09"}


def story(entered_at: int) -> list[Record]:
    """A case whose completion of 03-09 stands in the source from `entered_at` on, captured in the round after it."""
    drafts = [case("1", at=at("2026-03-03T10:00"), **FACTS)]
    told = False
    for number in range(17):
        began = at("2026-03-04T08:00") + number * 12 * HOUR
        if not told and entered_at <= began:
            drafts.append(case("1", version=2, at=began + MINUTE, **DONE))
            told = True
        drafts.append(passed(began, tables=["case"], mapped=["case"]))
    return drafts


async def _judgement(store: Store) -> tuple[Any, ...]:
    async with store.read() as conn:
        clock = (await conn.execute(select(t.clock))).one()
        red = (await conn.execute(select(t.transition).where(t.transition.c.after == Light.RED))).first()
    said = None if red is None else (red.since_at, red.why)
    return clock.light, clock.since_at, clock.due_at, said


async def _live(store: Store, world: World, drafts: list[Record]) -> Sender:
    sender = Sender()
    sender.number(*drafts)
    assert await welcomed(store, sender) == ""
    for number, draft in enumerate(drafts, 1):
        await taken(store, world, sender.payload(number, number), now=draft.cap_at + MINUTE)
        await ticker.tick_once(store, world, Driven(draft.cap_at + 2 * MINUTE))
    return sender


async def _silent(store: Store, world: World, drafts: list[Record], order: list[int]) -> None:
    """Nothing until ten days after; then piece by piece, not in order."""
    sender = Sender()
    sender.number(*drafts)
    assert await welcomed(store, sender) == ""
    now = drafts[-1].cap_at + 10 * DAY
    for number in order:
        await taken(store, world, sender.payload(number, number), now=now)
        await ticker.tick_once(store, world, Driven(now))


ENTERED = {"in time": DUE - 20 * HOUR, "at the last minute": DUE - MINUTE, "a day late": DUE + 20 * HOUR}


@pytest.mark.parametrize("entered", list(ENTERED))
async def test_the_line_up_or_down_the_same_light(store: Store, world: World, entered: str) -> None:
    drafts = story(ENTERED[entered])
    await _live(store, world, drafts)
    straight = await _judgement(store)
    assert straight[0] == (Light.RED if entered == "a day late" else Light.GREEN)
    async with store.write() as conn:
        for table in (t.record, t.row_head, t.case, t.clock, t.transition, t.withdrawal, t.site_pass):
            await conn.execute(table.delete())
    back = list(range(len(drafts), 0, -1))
    await _silent(store, world, drafts, back)
    assert await _judgement(store) == straight
    async with store.read() as conn:
        red = (await conn.execute(select(t.transition).where(t.transition.c.after == Light.RED))).first()
    assert red is None or red.late, "it says that it was judged from late data"


async def test_what_came_early_waits_for_what_tells_since_when_it_was_there(
    store: Store, world: World
) -> None:
    drafts = story(ENTERED["a day late"])
    sender = Sender()
    sender.number(*drafts)
    assert await welcomed(store, sender) == ""
    second = next(number for number, draft in enumerate(drafts, 1) if draft.version == 2)
    now = drafts[-1].cap_at
    await taken(store, world, sender.payload(1, 2), sender.payload(second, second), now=now)
    assert await lights(store) == {"1": Light.GREEN}
    await taken(store, world, sender.payload(), now=now)
    assert await lights(store) == {"1": Light.RED}


async def test_a_row_sent_again_because_its_record_was_lost_accuses_nobody(
    store: Store, world: World
) -> None:
    from msgspec.structs import replace

    drafts = [
        replace(draft, cause=Cause.AGAIN) if draft.version == 2 else draft
        for draft in story(ENTERED["a day late"])
    ]
    sender = Sender()
    sender.number(*drafts)
    assert await welcomed(store, sender) == ""
    await taken(store, world, sender.payload(), now=drafts[-1].cap_at)
    assert await lights(store) == {"1": Light.GREEN}


async def test_what_the_facts_no_longer_show_is_withdrawn_by_a_person_only(
    store: Store, world: World
) -> None:
    drafts = story(ENTERED["a day late"])
    sender = await _live(store, world, drafts)
    now = drafts[-1].cap_at + HOUR
    place = ("s01", "1", ClockKind.STATUTE.value, 1)
    async with store.read() as conn:
        (row,) = await withdrawals.listed(conn, EVERYTHING, 10)
    assert (row.case_key, row.clock, row.state) == ("1", "statute", "proposed")
    assert row.reason == "正常：在法定时限内办结"
    assert "仍未办结" in row.red_why
    async with store.write() as conn:
        await withdrawals.decide(conn, place, WithdrawalState.WITHDRAWN, "w", "系统故障，窗口已当日办结", now)
    await ticker.tick_once(store, world, Driven(now))
    assert await lights(store) == {"1": Light.GREEN}
    sender.number(
        case("1", version=3, at=now, org="又改", **DONE), passed(now, tables=["case"], mapped=["case"])
    )
    await taken(store, world, sender.payload(sender.newest - 1), now=now + MINUTE)
    assert await lights(store) == {"1": Light.GREEN}, "it stays withdrawn"
    async with store.read() as conn:
        assert await withdrawals.listed(conn, EVERYTHING, 10) == []
        (row,) = await withdrawals.listed(conn, EVERYTHING, 10, decided_too=True)
    assert (row.state, row.decided_by) == ("withdrawn", "w")
    with pytest.raises(UsageError):
        async with store.write() as conn:
            await withdrawals.decide(conn, place, WithdrawalState.KEPT, "w", "再改主意", now)


@pytest.mark.parametrize("decided", list(WithdrawalState)[1:3])
async def test_a_decision_on_a_light_whose_limit_is_gone_does_not_turn_the_ticker_in_circles(
    store: Store, world: World, decided: WithdrawalState
) -> None:
    drafts = story(ENTERED["a day late"])
    sender = await _live(store, world, drafts)
    now = drafts[-1].cap_at + HOUR
    sender.number(case("1", version=3, at=now), passed(now, tables=["case"], mapped=["case"]))
    await taken(store, world, sender.payload(sender.newest - 1), now=now + MINUTE)
    assert await lights(store) == {"1": Light.RED}, "without an acceptance there is no limit, and red stays"
    place = ("s01", "1", ClockKind.STATUTE.value, 1)
    async with store.write() as conn:
        await withdrawals.decide(conn, place, decided, "w", "查明", now)
    await ticker.tick_once(store, world, Driven(now + HOUR))
    expected = {WithdrawalState.WITHDRAWN: Light.NONE, WithdrawalState.KEPT: Light.RED}
    assert await lights(store) == {"1": expected[decided]}
