"""What the default scheme takes off beside its indicators, over both databases: hidden cases, rows of yellow lights, cases opened again."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from central.core.judgement import WithdrawalState
from central.core.scope import EVERYTHING, Scope
from central.core.score import Level, Line, Score
from central.judge import World
from central.store import scores, withdrawals
from central.store.engine import Store
from central.store.trail import audit_line
from common.core.errors import UsageError
from common.core.instant import HOUR, start_of_day
from common.core.record import Step
from common.core.state import CaseStatus, StepKind
from tests.contract.test_cycle import REOPENED, story
from tests.contract.test_scores import AFTER, LAST, _case, run
from tests.contract.test_store import ZONE, at, sent, store, taken, world
from tests.sender import case, draft, passed

__all__ = ["store", "world"]
TENTH = start_of_day(date(2026, 3, 10), ZONE)
KEPT, NOT = WithdrawalState.KEPT, WithdrawalState.WITHDRAWN


async def scored(store: Store) -> tuple[int, Score]:
    """March as it stands: (the run, the site's result)."""
    number, made = await run(store)
    (site,) = [one for one in made.scores() if one.level is Level.SITE]
    return number, site


def line(one: Score, name: str) -> Line:
    return next(each for each in [*one.lines, *one.penalties, *one.bonuses] if each.id == name)


def _ticket(key: str) -> Any:
    ticket = Step(case_key=key, kind=StepKind.TICKET, started_at="2026-03-10T09:00:00+08:00")
    return draft(ticket, table="step", key=f"q{key}", at=TENTH + 10 * HOUR)


async def test_a_hidden_case_costs_five_points_once_a_person_has_looked(store: Store, world: World) -> None:
    drafts = [_case(number, "2026-03-02", "2026-03-05") for number in range(10)]
    hidden = [_ticket("a"), _ticket("b"), _ticket("c"), _ticket("00")]
    sender = await sent(store, world, [*drafts, *hidden, passed(AFTER - HOUR)], now=AFTER)
    _, before = await scored(store)
    waits = {(key, name) for _, key, _, name, why in before.spared if why == "待人核实"}
    assert waits == {(key, name) for key in "abc" for name in ("unentered", "concealed")}, (
        "00 is in the system"
    )
    assert (line(before, "concealed").points, line(before, "data").value) == ("0.000", "100.000")
    async with store.write() as conn:
        for key in "ab":
            place = "s01", key, "S-1"
            await withdrawals.examine(conn, EVERYTHING, place, KEPT, "m", "窗口承认没有录入", 7)
        await withdrawals.examine(conn, EVERYTHING, ("s01", "c", "S-1"), NOT, "m", "只是咨询，不是申请", 7)
    sender.number(case("b", accepted_at="2026-03-20", status=CaseStatus.ACCEPTED, org="市场监管所", at=AFTER))
    await taken(store, world, sender.payload(sender.newest), now=AFTER + HOUR)
    number, after = await scored(store)
    penalty = line(after, "concealed")
    assert (penalty.points, penalty.faults) == ("5.000", {"concealed": [("s01", "a", "")]}), (
        "b was entered at last"
    )
    assert sorted(key for _, key, _ in line(after, "data").faults["unentered"]) == ["a", "b"]
    assert {why for _, key, _, _, why in after.spared if key == "c"} == {"不符合已撤销或核实不属实"}
    async with store.write() as conn:
        mine = await scores.object_to(
            conn, scores.Fault(number, "s01", "a", "concealed"), LAST, "unit", "是重复叫号", 3
        )
        assert mine


async def test_what_needs_a_person_is_said_once_and_by_nobody_of_the_office(
    store: Store, world: World
) -> None:
    done = _case(1, "2026-03-05", "2026-03-02")  # decided before it was accepted: S-2
    await sent(store, world, [done, _ticket("a"), passed(AFTER - HOUR)], now=AFTER)
    place = "s01", "01", "S-2"
    async with store.write() as conn:
        for home in ("s01", "市场监管所"):
            with pytest.raises(UsageError, match="本单位"):
                await withdrawals.examine(conn, EVERYTHING, place, KEPT, "m", "x", 7, frozenset({home}))
        elsewhere = Scope(frozenset({"s02"}), None)
        for reached, wrong in (
            (elsewhere, place),
            (EVERYTHING, ("s01", "01", "L58")),
            (EVERYTHING, ("s01", "a", "L38-1")),
        ):
            with pytest.raises(UsageError, match="没有这件"):
                await withdrawals.examine(conn, reached, wrong, KEPT, "m", "x", 7)
        await withdrawals.examine(conn, EVERYTHING, place, KEPT, "m", "日期确实填反", 7)
        with pytest.raises(UsageError, match="已由他人核实"):
            await withdrawals.examine(conn, EVERYTHING, place, NOT, "n", "再看一次", 8)
        acts = await conn.execute(
            select(audit_line.c.act, audit_line.c.subject).where(audit_line.c.act == "rule.confirmed")
        )
        assert [tuple(row) for row in acts] == [("rule.confirmed", "s01/01/S-2")]
    _, site = await scored(store)
    assert site.counts["disordered"] == 1


def _slow(number: int, person: str) -> list[Any]:
    """Seen open from its first day on, decided on its last."""
    told: dict[str, Any] = {
        "org": "市场监管所",
        "responsible": person,
        "item_code": "SX1",
        "item_name": "食品经营许可",
    }
    key, facts = f"{number:02}", told | {"accepted_at": "2026-03-02", "received_at": "2026-03-02"}
    done = facts | {"finished_at": "2026-03-16", "status": CaseStatus.DONE, "outcome": "准予许可"}
    return [
        case(key, at=at("2026-03-02T12:00"), **facts),
        case(key, at=at("2026-03-16T15:00"), version=2, **done),
    ]


async def test_three_yellow_lights_in_a_row_at_one_post(store: Store, world: World) -> None:
    """Ten days are promised, the last is yellow; 李红's third was decided in the green."""
    yellow = [one for number in range(4) for one in _slow(number, "王明")]
    other = [one for number in (4, 5) for one in _slow(number, "李红")]
    green = [_case(6, "2026-03-02", "2026-03-06", responsible="李红")]
    await sent(store, world, [*yellow, *other, *green, passed(AFTER - HOUR)], now=AFTER)
    number, site = await scored(store)
    assert site.counts["yellow"] == 6
    (row,) = line(site, "yellow_row").faults["yellow_row"]
    assert row[:2] == ("s01", "02")
    assert row[2].count("、") == 2, "all three are named"
    assert line(site, "yellow_row").points == "1.000"
    async with store.read() as conn:
        persons = {
            one.name: one.counts.get("yellow_row", 0)
            for one in await scores.units(conn, EVERYTHING, number, Level.PERSON)
        }
    assert persons == {"云溪镇 王明": 1, "云溪镇 李红": 0}
    async with store.write() as conn:
        mine = await scores.object_to(
            conn, scores.Fault(number, "s01", "02", "yellow_row"), LAST, "unit", "不是一个人", 3
        )
        assert mine


async def test_a_case_that_was_opened_again_is_named_where_the_bonus_is_lost(
    store: Store, world: World
) -> None:
    await sent(store, world, [*story(*REOPENED), passed(AFTER - HOUR)], now=AFTER)
    _, site = await scored(store)
    assert line(site, "early").why or line(site, "early").faults == {"reopened": [("s01", "1", "")]}
    assert site.counts["reopened"] == 1
