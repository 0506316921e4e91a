"""The ticker under a flood of due clocks: it says after each portion that it lives, and takes up what is new meanwhile."""

import asyncio

import pytest
from sqlalchemy import func, select, update

from central import ticker
from central.judge import World
from central.store import tables as t
from central.store.engine import Store
from common.core.instant import DAY, SECOND
from common.core.state import Light
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
