"""The ticker under a flood of due clocks: it says after each portion that it lives, and takes up what is new meanwhile."""

import asyncio

import pytest
from sqlalchemy import func, select, update
from structlog.testing import capture_logs

from central import ticker
from central.core.item import Item
from central.judge import World
from central.store import tables as t
from central.store.engine import Store
from common.core.instant import DAY, HOUR, SECOND
from common.core.state import AlarmKind, Light
from tests.contract.test_law import Driven
from tests.contract.test_store import at, sent, store, world
from tests.sender import case, passed

__all__ = ["store", "world"]

CASES, PORTION = 12, 2
NOW = at("2026-06-01T10:00")


class Counted(ticker.TickerState):
    """How often it was said that the ticker turns."""

    def __init__(self) -> None:
        self.turns = 0

    @property
    def turned_mono(self) -> int:
        return self.turns

    @turned_mono.setter
    def turned_mono(self, mono: int) -> None:
        self.turns += 1


async def test_a_flood_of_due_clocks_is_told_from_a_ticker_that_hangs(
    store: Store, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticker, "BATCH", PORTION)
    later = NOW + 60 * DAY
    drafts = [case(str(number), accepted_at="2026-05-29", legal=20) for number in range(CASES)]
    await sent(store, world, [*drafts, passed(later)], now=NOW)
    async with store.write() as conn:
        await conn.execute(update(t.site_pass).values(complete_until=later))
    state = Counted()
    running = asyncio.create_task(ticker.run(store, world, Driven(later + SECOND), asyncio.Event(), state))
    reds = select(func.count()).where(t.transition.c.after == Light.RED)
    try:
        while True:
            async with store.read() as conn:
                if await conn.scalar(reds) == CASES:
                    break
            await asyncio.sleep(0.05)
    finally:
        running.cancel()
    assert state.turns >= CASES / PORTION


async def test_a_case_that_cannot_be_judged_is_put_off_told_and_holds_up_nobody(
    store: Store, world: World
) -> None:
    """An entry of the catalogue that no arithmetic can take: its case waits, the others do not."""
    broken = Item("SX8", "坏条目", legal_days=None)  # type: ignore[arg-type]
    world.items = {**world.items, "SX8": (broken,)}
    drafts = [case(key, accepted_at="2026-05-29", item_code="SX8") for key in ("bad", "worse")]
    drafts.append(case("good", accepted_at="2026-05-29"))
    with capture_logs() as logs:
        await sent(store, world, [*drafts, passed(NOW)], now=NOW)
    async with store.read() as conn:
        (alarm,) = (await conn.execute(select(t.alarm))).all()
    assert (alarm.kind, alarm.subject) == (AlarmKind.UNJUDGED.value, "TypeError")
    assert "办件 bad 无法判定" in alarm.detail
    told = [line for line in logs if line["event"] == "case.postponed"]
    assert [(line["site"], line["case_key"]) for line in told] == [("s01", "bad"), ("s01", "worse")]
    query = select(t.clock.c.case_key, t.clock.c.light, t.clock.c.next_check_at).order_by(t.clock.c.case_key)
    async with store.read() as conn:
        bad, good, worse = (await conn.execute(query)).all()
    for one in (bad, worse):
        assert (one.light, one.next_check_at) == (Light.NONE, NOW + HOUR)
    assert good.light == Light.GREEN
    world.items = {**world.items, "SX8": (Item("SX8", "好条目"),)}
    await ticker.tick_once(store, world, Driven(NOW + HOUR + SECOND))
    async with store.read() as conn:
        assert {row.light for row in await conn.execute(query)} == {Light.GREEN}
