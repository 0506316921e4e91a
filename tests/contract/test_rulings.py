"""The rules of the law as the hall keeps them, the replay of all facts, and a trial of other figures; over both databases."""

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import delete, select, update

from central import judge, rebuild, trial
from central.core.attendance import Ticket
from central.core.judgement import WithdrawalState
from central.core.pack import PACK
from central.core.portion import Portion
from central.core.scope import EVERYTHING
from central.judge import Moment, World
from central.store import cases, outbox, packs, rulings, tickets, wall, withdrawals
from central.store import tables as t
from central.store.engine import Store
from common.core.errors import UsageError
from common.core.instant import HOUR, MINUTE, start_of_day
from common.core.record import Step
from common.core.state import CaseStatus, Light, StepKind
from tests.contract.test_late import ENTERED, _live, story
from tests.contract.test_store import NOW, sent, store, taken, world
from tests.law import year
from tests.sender import case, draft, passed

__all__ = ["store", "world"]

REFUSED: dict[str, Any] = {
    "accepted_at": "2026-03-10",
    "finished_at": "2026-03-12",
    "status": CaseStatus.DONE,
    "outcome": "不予许可",
}


SHORT = {**REFUSED, "reason": "不合格", "remedy": "可以申请行政复议或者提起行政诉讼"}
MENDED = {**SHORT, "reason": "申请人不具备法律规定的资格条件"}


async def _lamp(store: Store) -> tuple[str | None, str | None]:
    async with store.read() as conn:
        row = (await conn.execute(select(t.case).where(t.case.c.case_key == "1"))).one()
    return row.rule_light, row.rule


async def _told(store: Store) -> list[tuple[str, str]]:
    async with store.read() as conn:
        return [(row.subject, row.event) for row in await outbox.waiting(conn, 10) if not row.cycle]


async def _ruled(store: Store) -> dict[str, tuple[str, str]]:
    async with store.read() as conn:
        rows = await conn.execute(select(t.ruling).where(t.ruling.c.case_key == "1"))
        return {row.rule: (row.answer, row.light) for row in rows}


async def test_a_broken_rule_is_a_dated_fact_and_what_corrects_it_goes_to_a_person(
    store: Store, world: World
) -> None:
    sender = await sent(store, world, [case("1", **SHORT), passed(NOW + MINUTE)], now=NOW + HOUR)
    assert await _ruled(store) == {"L38-1": ("broken", "red"), "W-1": ("watched", "none")}
    assert await _lamp(store) == ("red", "L38-1")
    sender.number(case("1", version=2, **MENDED))
    await taken(store, world, sender.payload(sender.newest), now=NOW + HOUR)
    assert await _ruled(store) == {"L38-1": ("broken", "red"), "W-1": ("watched", "none")}
    async with store.read() as conn:
        (row,) = await withdrawals.listed(conn, EVERYTHING, 10)
        (found,) = await rulings.listed(conn, EVERYTHING, "L38-1", 10)
        assert await rulings.counts(conn, EVERYTHING) == {("L38-1", Light.RED): 1, ("W-1", Light.NONE): 1}
    assert (row.clock, row.reason) == ("L38-1", "符合：说明了理由并告知救济途径")
    assert row.red_why == found.why == "不予许可没有说明理由"
    assert (found.pack, found.withdrawal) == (PACK.version, "proposed")
    sender.number(case("1", version=3, **SHORT))
    await taken(store, world, sender.payload(sender.newest), now=NOW + 2 * HOUR)
    async with store.read() as conn:
        assert await withdrawals.listed(conn, EVERYTHING, 10) == [], "the facts show it again"


async def test_a_red_rule_waits_for_whole_data_and_is_never_said_where_it_was_mended_meanwhile(
    store: Store, world: World
) -> None:
    sender = await sent(store, world, [case("1", at=NOW, **SHORT), passed(NOW - HOUR)])
    assert (await _lamp(store), await _told(store)) == (("grey", "L38-1"), [])
    sender.number(case("1", version=2, **MENDED))
    await taken(store, world, sender.payload(sender.newest), now=NOW + HOUR)
    assert (await _lamp(store), await _told(store)) == ((None, None), [])
    assert await _ruled(store) == {"W-1": ("watched", "none")}
    later = NOW + 2 * HOUR
    sender.number(case("1", version=3, at=later, **SHORT))
    await taken(store, world, sender.payload(sender.newest), now=later)
    assert await _lamp(store) == ("grey", "L38-1")
    sender.number(passed(later + MINUTE))
    await taken(store, world, sender.payload(sender.newest), now=later + HOUR)
    assert (await _lamp(store), await _told(store)) == (("red", "L38-1"), [("L38-1", "red")])


async def test_evidence_of_a_case_that_nobody_entered_is_asked_about_when_its_day_is_over(
    store: Store, world: World
) -> None:
    ticket = Step(case_key="1", kind=StepKind.TICKET, started_at="2026-03-10T09:00:00+08:00")
    day = start_of_day(date(2026, 3, 10), world.zone)
    drafts = [draft(ticket, table="step", key="q", at=day + 10 * HOUR), passed(day + 11 * HOUR)]
    sender = await sent(store, world, drafts, now=day + 12 * HOUR)
    assert await _ruled(store) == {"S-1": ("no_data", "grey")}
    assert await _lamp(store) == (None, None)
    called = replace(ticket, finished_at="2026-03-10T09:20:00+08:00", step_name="3 号窗口")
    sender.number(draft(called, table="step", key="q", at=day + 20 * HOUR, version=2))
    sender.number(passed(day + 49 * HOUR))
    await taken(store, world, sender.payload(sender.newest - 1), now=day + 50 * HOUR)
    async with store.read() as conn:  # and the queue of that day is known
        queue = await tickets.of_day(conn, "s01", day)
        assert queue == [Ticket(day + 9 * HOUR, day + 9 * HOUR + 20 * MINUTE, "3 号窗口")]
        assert await tickets.of_day(conn, "s01", day + 24 * HOUR) == []
    assert await _ruled(store) == {"S-1": ("broken", "yellow")}
    assert await _lamp(store) == (None, None), "a person looks first"


async def test_an_application_that_is_complete_and_not_accepted_turns_red_by_time_alone(
    store: Store, world: World
) -> None:
    """No clock of the case waits for it: the rule itself does."""
    day = start_of_day(date(2026, 3, 10), world.zone)
    complete = case("1", at=day + 10 * HOUR, complete_at="2026-03-02")
    sender = await sent(store, world, [complete, passed(day - HOUR)], now=day + 12 * HOUR)
    assert await _ruled(store) == {"L32-4": ("no_data", "grey")}
    sender.number(passed(day + 11 * HOUR))
    await taken(store, world, sender.payload(sender.newest), now=day + 12 * HOUR)
    assert (await _ruled(store), await _lamp(store)) == (
        {"L32-4": ("broken", "red")},
        ("red", "L32-4"),
    )


async def _on_the_wall(store: Store) -> tuple[dict[str, dict[Light, int]], list[tuple[str, Light]]]:
    """(open cases by their rules' lamp, what lit last)."""
    async with store.read() as conn:
        told = [(item.rule, item.after) for item in await wall.newest_changes(conn, 3) if item.rule]
        return dict(await wall.open_ruled(conn)), told


async def test_a_rule_that_a_person_takes_back_lights_no_lamp(store: Store, world: World) -> None:
    waits = {"finished_at": None, "status": None}
    sender = await sent(store, world, [case("1", **SHORT | waits), passed(NOW + MINUTE)], now=NOW + HOUR)
    assert await _on_the_wall(store) == ({"s01": {Light.RED: 1}}, [("L38-1", Light.RED)])
    sender.number(case("1", version=2, **MENDED | waits))
    await taken(store, world, sender.payload(sender.newest), now=NOW + HOUR)
    place = ("s01", "1", "L38-1", 0)
    async with store.write() as conn:
        await withdrawals.decide(conn, place, WithdrawalState.WITHDRAWN, "王", "理由已补", NOW)
        await judge.judge_parked(conn, "s01", world, Moment(NOW + HOUR, NOW), Portion())
        assert await cases.parked(conn, "s01", NOW + HOUR, 10) == []
    assert await _lamp(store) == (None, None)
    assert (await _on_the_wall(store))[0] == {}
    assert (await _ruled(store))["L38-1"] == ("broken", "red"), "what was found stays on record"


async def test_what_is_not_recorded_is_no_violation(store: Store, world: World) -> None:
    await sent(store, world, [case("1", **REFUSED), passed(NOW - HOUR)])
    assert await _ruled(store) == {"W-1": ("watched", "none")}


async def test_other_figures_are_tried_on_the_past_and_written_nowhere(store: Store, world: World) -> None:
    told = {**REFUSED, "reason": "申请人不具备法律规定的资格条件", "remedy": "复议、诉讼"}
    await sent(store, world, [case("1", **told), case("2", **told), passed(NOW - HOUR)])
    before = await _ruled(store)
    async with store.read() as conn:
        assert await trial.differences(conn, world, {}, NOW) == []
        found = await trial.differences(conn, world, {"reason_length": 20}, NOW)
    assert [(one.case_no, one.rule) for one in found] == [("SL1", "L38-1"), ("SL2", "L38-1")]
    assert found[0].after == "不符合：不予许可没有说明理由"
    assert await _ruled(store) == before


async def _rebuilt(store: Store, world: World, now: int) -> rebuild.Report:
    async with store.read() as conn:
        return await rebuild.examine(conn, world, now)


async def test_figures_that_are_put_into_force_judge_open_cases_and_leave_decided_ones(
    store: Store, world: World
) -> None:
    known = MENDED | {"item_code": "SX1"}
    open_one = case("1", **known | {"finished_at": None, "status": None})
    await sent(store, world, [open_one, case("2", **known), passed(NOW + MINUTE)], now=NOW + HOUR)
    async with store.write() as conn:
        assert not await judge.is_renewed(conn, world)
        _, pack = await packs.add(conn, {"reason_length": 20}, "王", "理由太短", NOW + HOUR, NOW)
        marked = await conn.execute(select(t.clock.c.case_key).where(t.clock.c.next_check_at == 0))
        assert {row.case_key for row in marked} == {"1"}
        assert await judge.is_renewed(conn, world)
        await judge.renew_world(conn, world, Moment(NOW + HOUR, NOW))
        await judge.judge_cases(conn, "s01", ["1", "2"], world, Moment(NOW + HOUR, NOW))
        rows = (await conn.execute(select(t.ruling).where(t.ruling.c.rule == "L38-1"))).all()
        assert [(row.case_key, row.pack, row.light) for row in rows] == [("1", pack.version, "red")]
        assert (await rebuild.examine(conn, world, NOW + HOUR)).differs == []
        with pytest.raises(UsageError, match="相同"):
            await packs.add(conn, {"reason_length": 20}, "王", "再来一次", NOW, NOW)
    assert world.packs == [(0, PACK), (NOW + HOUR, pack)]


async def test_a_replay_of_all_facts_comes_to_the_same_lights(store: Store, world: World) -> None:
    """Cases that lived through late entries, corrections, stops and extensions, judged day by day."""
    now = await year.live(store, world, 12)
    report = await _rebuilt(store, world, now)
    assert report.differs == []
    assert (report.cases, report.waits) == (12, 0)
    assert report.reds > 5
    assert (await _rebuilt(store, world, now)).digest == report.digest
    async with store.write() as conn:
        await conn.execute(update(t.clock).where(t.clock.c.light == Light.RED).values(since_at=1))
    wrong = await _rebuilt(store, world, now)
    assert (len(wrong.differs) + wrong.proposed, wrong.digest) == (report.reds, report.digest)


@pytest.mark.parametrize("seed", [3105, 5769, 7056])
async def test_what_was_planned_or_told_late_leaves_a_red_light_with_one_reason(
    store: Store, world: World, seed: int
) -> None:
    """A procedure told before it began moved no limit until it did; a limit that moved back into the past says what stood at its day."""
    now = await year.live(store, world, 1, seed)
    report = await _rebuilt(store, world, now)
    assert (report.differs, report.cases, report.reds > 0) == ([], 1, True)


@pytest.mark.parametrize("seed", [21939, 23278])
async def test_a_case_that_no_limit_follows_is_asked_again_when_what_was_planned_comes(
    store: Store, world: World, seed: int
) -> None:
    """A procedure was told before it began, and of the applicant only later: nothing but its day brings the case to the ticker."""
    now = await year.live(store, world, 1, seed)
    report = await _rebuilt(store, world, now)
    assert (report.differs, report.rules > 0, report.clocks) == ([], True, 0)


async def test_a_replay_misses_a_broken_rule_that_is_not_kept(store: Store, world: World) -> None:
    await sent(store, world, [case("1", **SHORT), passed(NOW + MINUTE)], now=NOW + HOUR)
    whole = await _rebuilt(store, world, NOW + HOUR)
    assert (whole.rules, whole.differs) == (1, [])
    async with store.write() as conn:
        await conn.execute(delete(t.ruling))
    (missing,) = (await _rebuilt(store, world, NOW + HOUR)).differs
    assert (missing.clock, missing.kept, missing.rebuilt) == ("L38-1", "none", "broken red")


async def test_a_red_light_that_waits_for_a_person_is_no_difference(store: Store, world: World) -> None:
    drafts = story(ENTERED["a day late"])
    await _live(store, world, drafts)
    report = await _rebuilt(store, world, drafts[-1].cap_at + MINUTE)
    assert (report.differs, report.reds, report.proposed) == ([], 1, 0), "the records say it too"


async def test_a_hearing_needs_notice(store: Store, world: World) -> None:
    step = Step(case_key="1", kind=StepKind.HEAR, finished_at="2026-03-12", notified_at="2026-03-10")
    drafts = [case("1", accepted_at="2026-03-09"), draft(step, table="step", key="h"), passed(NOW - HOUR)]
    await sent(store, world, drafts)
    assert await _ruled(store) == {"L48": ("broken", "yellow")}
