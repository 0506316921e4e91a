"""A case that is filed again, over both databases: its clocks, what the console and the citizen are shown, and what remains."""

from typing import Any

from sqlalchemy import select

from central import correction_clock, correction_paper, public_case, rebuild, verify
from central.core import cycle
from central.core.flaw import What
from central.core.told import Standing
from central.judge import Moment, World
from central.store import cases, corrections, documents, subjects
from central.store import tables as t
from central.store.engine import Store
from common.core.instant import HOUR, MINUTE
from common.core.record import Record
from common.core.state import Light
from tests.contract.test_late import _live, _silent
from tests.contract.test_law import Driven
from tests.contract.test_store import ZONE, at, store, world
from tests.papers import ISSUER, SECRET
from tests.sender import case, passed

__all__ = ["store", "world"]

FIRST: dict[str, Any] = {"accepted_at": "2026-03-03", "legal": 5, "phone": "13900001111"}
OVER = {**FIRST, "finished_at": "2026-03-06"}
AGAIN = {**FIRST, "accepted_at": "2026-03-16"}
"""Due on 03-23: five working days after Monday 03-16."""


def story(*versions: tuple[str, dict[str, Any]]) -> list[Record]:
    """What a site captured, with a clean pass twice a day until 03-18."""
    drafts: list[Record] = []
    told = 0
    for number in range(31):
        began = at("2026-03-03T12:00") + number * 12 * HOUR
        while told < len(versions) and at(versions[told][0]) < began:
            drafts.append(case("1", version=told + 1, at=at(versions[told][0]), **versions[told][1]))
            told += 1
        drafts.append(passed(began, tables=["case"], mapped=["case"]))
    return drafts


REFILED = (("2026-03-03T10:00", FIRST), ("2026-03-06T15:00", OVER), ("2026-03-16T09:00", AGAIN))
REOPENED = (*REFILED[:2], ("2026-03-16T09:00", FIRST))
NOW = at("2026-03-18T12:00") + MINUTE


async def clocks(store: Store) -> dict[tuple[str, int], tuple[Any, ...]]:
    async with store.read() as conn:
        found = await conn.execute(select(t.clock))
        return {(row.kind, row.cycle): (row.light, row.due_at, row.stopped, row.since_at) for row in found}


async def one(store: Store) -> Any:
    async with store.read() as conn:
        return (await conn.execute(select(t.case))).one()


async def test_filed_again_it_has_a_clock_of_its_own_and_the_old_one_stays(
    store: Store, world: World
) -> None:
    drafts = story(*REFILED)
    await _live(store, world, drafts)
    live = await clocks(store)
    assert live == {
        ("statute", 1): (Light.GREEN, at("2026-03-11T00:00"), True, at("2026-03-07T00:00")),
        ("statute", 2): (Light.GREEN, at("2026-03-24T00:00"), False, None),
    }
    head = await one(store)
    assert (head.open, head.light, head.due_at) == (True, Light.GREEN, at("2026-03-24T00:00"))
    assert len(cycle.read(head.reopened)) == 1
    async with store.read() as conn:
        state = (await cases.states(conn, "s01", ["1"], ZONE, NOW))["1"]
        found = await public_case.tell(conn, "s01", "1", world, Moment(NOW, NOW))
        assert await differing(conn, world) == []
    assert (state.cycle, state.stood) == (2, [])
    assert found is not None
    assert str(found.told.due) == "2026-03-23", "the citizen is told of the new one"
    assert str(found.told.accepted) == "2026-03-16"
    async with store.write() as conn:
        for table in (t.record, t.row_head, t.case, t.clock, t.transition, t.site_pass):
            await conn.execute(table.delete())
    await _silent(store, world, drafts, list(range(len(drafts), 0, -1)))
    assert {place: one[:3] for place, one in (await clocks(store)).items()}["statute", 1] == live[
        "statute", 1
    ][:3]
    assert (await clocks(store))["statute", 2][1] == live["statute", 2][1]


async def test_taken_back_without_a_new_filing_it_has_the_days_that_were_left(
    store: Store, world: World
) -> None:
    """Three days were used when it was over; of the other two none while it was."""
    await _live(store, world, story(*REOPENED))
    assert await clocks(store) == {
        ("statute", 1): (Light.YELLOW, at("2026-03-19T00:00"), False, at("2026-03-17T00:00"))
    }
    async with store.read() as conn:
        assert (
            await conn.execute(select(t.transition).where(t.transition.c.after == Light.RED))
        ).first() is None
        assert await differing(conn, world) == []


async def differing(conn: Any, world: World) -> list[str]:
    """What all facts judged anew would show otherwise."""
    return [str(one) for one in (await rebuild.examine(conn, world, NOW + 2 * MINUTE)).differs]


LATE = {**FIRST, "received_at": "2026-03-02", "finished_at": "2026-03-13"}
HANDED_IN = {**FIRST, "received_at": "2026-03-16"}
"""Handed in again and not accepted yet; the column still says when the first filing was accepted."""


async def test_a_red_light_of_the_old_filing_is_told_as_its_own_and_the_new_one_is_not_late(
    store: Store, world: World
) -> None:
    first = {**FIRST, "received_at": "2026-03-02"}
    versions = (
        ("2026-03-03T10:00", first),
        ("2026-03-13T15:00", LATE),
        ("2026-03-16T09:00", HANDED_IN),
    )
    await _live(store, world, story(*versions))
    assert {place: one[0] for place, one in (await clocks(store)).items()} == {("statute", 1): Light.RED}
    head = await one(store)
    assert (head.light, head.due_at, head.accepted_at) == (Light.RED, None, None)
    async with store.read() as conn:
        found = await public_case.tell(conn, "s01", "1", world, Moment(NOW, NOW))
        (report,) = await verify.examine(conn, ZONE, NOW)
        assert await differing(conn, world) == []
    assert found is not None
    assert (found.told.standing, found.told.due, found.told.accepted) == (Standing.RECEIVED, None, None)
    assert str(found.told.received) == "2026-03-16", "a day is not the one after it"
    assert What.CASE not in {item.what for item in report.everything}
    async with store.write() as conn:
        await documents.set_issuer(conn, ISSUER, "w", "设置", 0)
    await correction_clock.look_once(store, world, Driven(NOW), SECRET, set())
    async with store.read() as conn:
        found = await public_case.tell(conn, "s01", "1", world, Moment(NOW, NOW))
        assert found is not None
        assert [one.text for one in found.told.watched] == ["前一次申请：亮红灯"]
        (row,) = (await conn.execute(select(t.correction))).all()
        frozen = corrections.snapshot_of(row)
        state = correction_paper.stands(head, frozen.since_at, ZONE)
    assert (str(frozen.accepted), str(frozen.due)) == ("2026-03-03", "2026-03-10")
    assert sum(run.workdays for run in frozen.days) == 5
    assert state == frozen.state == "已于2026年3月13日办结，其后重新申请或者重新打开，现未办结"


async def test_that_a_new_filing_keeps_a_rule_acquits_the_old_one_of_nothing(
    store: Store, world: World
) -> None:
    """L32-4: complete on 03-03 and accepted on the 13th; the second time on one day."""
    first = {"received_at": "2026-03-02", "complete_at": "2026-03-03", "accepted_at": "2026-03-13"}
    again = {"received_at": "2026-03-17", "complete_at": "2026-03-17", "accepted_at": "2026-03-17"}
    versions = (
        ("2026-03-13T10:00", first),
        ("2026-03-16T15:00", {**first, "finished_at": "2026-03-16"}),
        ("2026-03-17T09:00", again),
    )
    await _live(store, world, story(*versions))
    async with store.read() as conn:
        (ruled,) = (await conn.execute(select(t.ruling).where(t.ruling.c.rule == "L32-4"))).all()
        assert ruled.light == Light.RED
        assert (await conn.execute(select(t.withdrawal))).all() == []


async def test_a_warning_is_counted_also_when_what_was_waited_for_has_come(
    store: Store, world: World
) -> None:
    """Yellow on 03-09, the day before the last one; accepted on the 10th, in time."""
    first = {"received_at": "2026-03-02", "complete_at": "2026-03-03"}
    versions = (("2026-03-03T10:00", first), ("2026-03-10T10:00", {**first, "accepted_at": "2026-03-10"}))
    await _live(store, world, story(*versions))
    assert {kind for kind, _ in await clocks(store)} == {"statute"}
    async with store.read() as conn:
        begin, end = at("2026-03-01T00:00"), at("2026-04-01T00:00")
        (known,) = [item async for item in subjects.of_period(conn, begin, end, ZONE)]
    assert [since for since, _ in known.subject.yellows] == [at("2026-03-09T00:00")]
