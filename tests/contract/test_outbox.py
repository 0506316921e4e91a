"""A light and what is to be told of it are written together, once, by however many workers; over both databases."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import insert, select

from central import judge, ticker
from central.judge import Moment, World
from central.store import outbox
from central.store import tables as t
from central.store.engine import Store
from common.core.instant import DAY, HOUR
from tests.contract.test_late import ENTERED, _live, story
from tests.contract.test_law import Driven
from tests.contract.test_store import NOW, sent, store, world
from tests.sender import case, passed

__all__ = ["store", "world"]


async def _waiting(store: Store) -> list[tuple[str, str, str]]:
    async with store.write() as conn:
        return [(row.case_key, row.subject, row.event) for row in await outbox.waiting(conn, 100)]


async def test_each_light_is_told_once_whatever_is_judged_again(store: Store, world: World) -> None:
    drafts = story(ENTERED["a day late"])
    await _live(store, world, drafts)
    told = [("1", "statute", "red"), ("1", "statute", "yellow")]  # a red light waits behind no reminder
    assert await _waiting(store) == told
    for hours in (1, 2):
        moment = Moment(drafts[-1].cap_at + hours * HOUR, 0)
        async with store.write() as conn:
            await judge.judge_cases(conn, "s01", ["1"], world, moment)
    assert await _waiting(store) == told
    async with store.write() as conn:
        first, *_ = await outbox.waiting(conn, 1)
        await outbox.done(conn, [first.id], NOW)
    assert await _waiting(store) == told[1:]


async def test_a_judgement_that_is_not_committed_tells_nobody(store: Store, world: World) -> None:
    await sent(store, world, [case("1", accepted_at="2026-02-02", legal=5), passed(NOW - 40 * DAY)], now=NOW)
    before = await _waiting(store)
    async with store.write() as conn:
        await conn.execute(insert(t.site_pass), [{"site": "s01", "tbl": "x", "complete_until": NOW}])

    async def cut_off() -> None:
        async with store.write() as conn:
            await conn.execute(t.site_pass.update().values(complete_until=NOW))
            assert await judge.judge_cases(conn, "s01", ["1"], world, Moment(NOW, NOW)) == 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await cut_off()
    assert await _waiting(store) == before


async def test_several_workers_share_what_is_due(store: Store, world: World) -> None:
    cases: list[Any] = [case(f"{n:03}", accepted_at="2026-03-16", legal=5) for n in range(120)]
    await sent(store, world, [*cases, passed(NOW)])
    later = Driven(NOW + 4 * DAY)
    counts = await asyncio.gather(*(ticker.tick_once(store, world, later) for _ in range(3)))
    assert sum(counts) == 120
    async with store.read() as conn:
        rows = (await conn.execute(select(t.clock))).all()
    assert {row.rev for row in rows} == {2}, "each was judged once"
    assert {row.light for row in rows} == {"yellow"}
