"""What the default scheme takes off beside its indicators, over both databases: hidden cases, rows of yellow lights, cases opened again."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from central import clue
from central.core.judgement import WithdrawalState
from central.core.scope import EVERYTHING, Scope
from central.core.score import Level, Line, Score
from central.judge import World
from central.store import clues, scores, withdrawals
from central.store import tables as t
from central.store.complaint_tables import complaint
from central.store.engine import Store
from central.store.trail import audit_line
from common.core.errors import UsageError
from common.core.instant import DAY, HOUR, start_of_day
from common.core.record import Step
from common.core.state import CaseStatus, StepKind
from tests.contract.test_cycle import REOPENED, story
from tests.contract.test_scores import AFTER, LAST, _case, run
from tests.contract.test_store import ZONE, at, sent, store, taken, world
from tests.sender import Sender, case, draft, passed

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


async def waits(store: Store, now: int = AFTER, **more: Any) -> dict[str, clue.Clue]:
    async with store.read() as conn:
        found = await clue.waiting(conn, EVERYTHING, ZONE, now, **{"complaints_too": True} | more)
    return {one.subject: one for one in found}


async def _numbered(store: Store, world: World) -> Sender:
    """Thirty cases of the tenth of March, of which two numbers and a licence's are missing, in a site that is watched since the first."""
    known = [number for number in range(30) if number not in {7, 12}]
    told = {"received_at": "2026-03-10", "at": TENTH}
    drafts = [_case(number, "2026-03-10", "2026-03-11", **told) for number in known]
    for number in range(30):
        licence = Step(case_key=f"{number:02}", kind=StepKind.DELIVER, doc_no=f"云许{number:03}号")
        if number in known and number != 20:
            drafts.append(draft(licence, table="step", key=f"z{number}", at=TENTH))
    first = case("old", at=start_of_day(date(2026, 3, 1), ZONE))
    return await sent(store, world, [first, *drafts, passed(AFTER - HOUR)], now=AFTER)


async def test_a_missing_number_counts_once_a_person_has_confirmed_it(store: Store, world: World) -> None:
    sender = await _numbered(store, world)
    found = await waits(store)
    assert {(no, one.kind.value) for no, one in found.items()} == {
        ("SL07", "case_no"), ("SL12", "case_no"),
        ("云许007号", "doc_no"), ("云许012号", "doc_no"), ("云许020号", "doc_no"),
    }  # fmt: skip
    assert found["SL07"].words == "SL06 与 SL08 之间没有 SL07"
    assert (found["SL07"].org, found["SL07"].item) == ("市场监管所", "食品经营许可")
    async with store.write() as conn:  # as another site of the same vendor numbers
        await conn.execute(
            update(t.case).where(t.case.c.case_no == "SLold").values(site="s02", case_no="SL12")
        )
    assert (await waits(store))["SL12"].words == "SL11 与 SL13 之间没有 SL12（s02有同号的办件）"
    assert not await waits(store, TENTH + 200 * DAY), "too long ago"
    sender.number(case("12", at=AFTER))  # entered at last, without any date
    await taken(store, world, sender.payload(sender.newest), now=AFTER + HOUR)
    found = await waits(store)
    assert "SL12" not in found
    async with store.write() as conn:
        for home in ("s01", "市场监管所"):
            with pytest.raises(UsageError, match="本单位"):
                await clue.examine(conn, found["SL07"], "confirmed", "m", "x", 7, frozenset({home}))
        await clue.examine(conn, found["SL07"], "confirmed", "m", "窗口承认线下办结", 7, frozenset())
        await clue.examine(conn, found["云许012号"], "rejected", "m", "是作废的空白证", 7, frozenset())
        with pytest.raises(UsageError, match="已由他人核实"):
            await clue.examine(conn, found["SL07"], "rejected", "n", "再看一次", 8, frozenset())
        with pytest.raises(UsageError, match="没有这条"):
            await clue.examine(conn, None, "confirmed", "n", "再看一次", 8, frozenset())
        acts = await conn.execute(select(audit_line.c.act, audit_line.c.subject))
        assert ("clue.confirmed", "s01/case_no/SL07") in {tuple(row) for row in acts}
    assert set(await waits(store)) == {"云许007号", "云许020号"}
    number, site = await scored(store)
    penalty = line(site, "concealed")
    assert (penalty.points, penalty.faults) == ("5.000", {"clue": [("s01", "case_no/SL07", "空号 SL07")]})
    async with store.write() as conn:
        fault = scores.Fault(number, "s01", "case_no/SL07", "clue")
        mine = await scores.object_to(conn, fault, LAST, "unit", "是试打的号", 3)
        assert await scores.offices_of(conn, await scores.objection_of(conn, mine)) == {"市场监管所"}
        assert await scores.number_of(conn, "s01", "case_no/SL07", "clue") == "空号 SL07"
        assert await scores.number_of(conn, "s01", "12.0", "complaint_slow") == "投诉 12"
        rows = await clues.counted(conn, TENTH, AFTER)
        assert [(row.site, row.org, row.kind, row.number) for row in rows] == [
            ("s01", "市场监管所", "case_no", 1)
        ]


async def test_no_number_is_missing_before_its_site_was_watched_and_past_where_it_is_whole(
    store: Store, world: World
) -> None:
    told = {"received_at": "2026-03-10", "at": TENTH + 2 * DAY}
    drafts = [_case(number, "2026-03-10", "2026-03-11", **told) for number in range(30) if number != 7]
    sender = await sent(store, world, [*drafts, passed(AFTER - HOUR)], now=AFTER)
    assert not await waits(store), "filed before the first capture"
    fresh = [
        _case(number, "2026-04-02", "2026-04-02", received_at="2026-04-02", at=AFTER)
        for number in range(30, 60)
        if number != 40
    ]
    sender.number(*fresh)
    await taken(store, world, sender.payload(sender.newest - len(fresh) + 1), now=AFTER + HOUR)
    assert not await waits(store), "its day is not over in whole data"
    sender.number(passed(AFTER + DAY))
    await taken(store, world, sender.payload(sender.newest), now=AFTER + DAY)
    assert set(await waits(store, AFTER + DAY)) == {"SL40"}


async def test_a_complaint_names_a_number_that_nobody_has_or_says_that_something_was_filed(
    store: Store, world: World
) -> None:
    await _numbered(store, world)
    told = {
        "has": ("SL06", "材料交了没有消息"), "none": ("SL2026-99", "一直没有消息"), "old": ("云许003号", "没有消息"),
        "filed": ("", "三月交了材料，没有给回执"), "rude": ("不知道", "窗口人员态度很差"),
    }  # fmt: skip
    async with store.write() as conn:
        for name, (no, words) in told.items():
            values = {
                **dict.fromkeys(("topic", "unit", "brief", "answer", "reply"), ""), "number": name, "case_no": no, "text": words,
                "site": "s01", "org": "市场监管所", "is_named": False, "may_publish": False, "sealed": b"", "body": b"{}",
                "state": "assigned", "level": 1, "is_open": True, "entries": 0, "told": 0, "received_at": TENTH,
            }  # fmt: skip
            await conn.execute(insert(complaint).values(**values))
    found = {one.words for one in (await waits(store)).values() if one.kind == "complaint"}
    assert found == {
        "投诉 none 所写的编号 SL2026-99，没有一个站点有", "投诉 filed 说交过件，没有关联到办件",
    }  # fmt: skip
    assert not [one for one in (await waits(store, complaints_too=False)).values() if one.kind == "complaint"]
    one = next(one for one in (await waits(store)).values() if one.words.startswith("投诉 none"))
    async with store.write() as conn:
        await clue.examine(conn, one, "confirmed", "m", "现场核实没有录入", 7, frozenset())
    _, site = await scored(store)
    assert line(site, "concealed").faults == {
        "clue": [("s01", f"complaint/{one.subject}", f"投诉 {one.subject}")]
    }


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
