"""A few bytes may touch a case of any size: what that costs the hall is bounded, on both engines."""

from typing import Any

from sqlalchemy import select

from central import judge, ticker
from central.core.portion import MOST_ROWS, Portion
from central.judge import Moment, World
from central.store import alarms, cases
from central.store import tables as t
from central.store.engine import Store
from common.clock import Clock
from common.core.instant import DAY, HOUR
from common.core.record import Record, Step
from common.core.state import AlarmKind, Light
from tests.contract.test_store import NOW, lights, store, taken, welcomed, world
from tests.sender import Sender, case, draft, passed

__all__ = ["store", "world"]
STATED: dict[str, Any] = {"accepted_at": "2026-03-02", "promised": 5, "promised_unit": "workdays"}


def steps(key: str, first: int, last: int) -> list[Record]:
    return [draft(Step(case_key=key, seq=n), key=f"{key}/{n}", at=NOW) for n in range(first, last + 1)]


async def test_a_case_of_more_rows_than_any_office_makes_is_not_judged_and_is_named(
    store: Store, world: World
) -> None:
    """P-LIMIT-05"""
    sender = Sender()
    await welcomed(store, sender)
    sender.number(case("X", **STATED), *steps("X", 1, MOST_ROWS - 1))
    await taken(store, world, sender.payload())
    assert await lights(store) == {"X": Light.GREY}
    first = sender.newest + 1
    sender.number(*steps("X", MOST_ROWS, MOST_ROWS + 1), case("Y", **STATED), passed(NOW - 1))
    for _ in range(2):  # again: it is named once
        ack = (await taken(store, world, sender.payload(first))).acks[0][1]
        assert ack.upto == sender.newest, "its records are kept all the same"
    assert await lights(store) == {"X": Light.GREY, "Y": Light.RED}
    async with store.read() as conn:
        (alarm,) = await alarms.listed(conn)
        assert (alarm.kind, alarm.subject) == (AlarmKind.CROWDED.value, "X")
        assert "办件 X 的记录超过 2,000 条" in alarm.detail
        clock = t.clock.c
        checks = set(await conn.scalars(select(clock.next_check_at).where(clock.case_key == "X")))
    assert checks == {NOW + HOUR}
    async with store.write() as conn:
        later = Moment(NOW + DAY, NOW + DAY)
        await judge.judge_cases(conn, "s01", ["X"], world, later)
        await alarms.accept(conn, alarm.id, "w", "y", NOW)
        await judge.judge_cases(conn, "s01", ["X"], world, later)
        assert await alarms.listed(conn) == [], "what a person has accepted is not raised again"


async def test_what_a_transaction_does_not_admit_is_judged_by_the_ticker(store: Store, world: World) -> None:
    """P-LIMIT-05"""
    sender = Sender()
    await welcomed(store, sender)
    sender.number(*(case(key) for key in "ABC"), *(step for key in "ABC" for step in steps(key, 1, 3)))
    await taken(store, world, sender.payload())
    now = Clock().office()
    portion = Portion()
    portion.left = 5
    async with store.write() as conn:
        await judge.judge_cases(conn, "s01", "ABC", world, Moment(now, now), portion=portion)
    assert portion.left == 5 - 2 * 4
    async with store.read() as conn:
        assert await cases.due(conn, now, 10) == {"s01": ["C"]}
    await ticker.tick_once(store, world, Clock())
    async with store.read() as conn:
        assert await cases.due(conn, now, 10) == {}


async def test_rows_are_counted_no_further_than_is_asked(store: Store, world: World) -> None:
    sender = Sender()
    await welcomed(store, sender)
    sender.number(case("A"), *steps("A", 1, 9), case("B"), *steps("C", 1, 3))
    await taken(store, world, sender.payload())
    async with store.read() as conn:
        found = await cases.row_counts(conn, "s01", ["A", "B", "C", "D"], 5)
        assert found == {"A": 5, "B": 1, "C": 3, "D": 0}
        assert await cases.row_counts(conn, "s02", ["A"], 5) == {"A": 0}
