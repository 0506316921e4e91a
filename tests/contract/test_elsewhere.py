"""Ratings, complaints, cameras and lines in scores and statistics, over both databases: with whom, on which day, and where not."""

from collections import Counter
from datetime import date
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, update

from central import scoring, statistics
from central.core import complaint, period, rating
from central.core.access import Permission, Role
from central.core.calendar import Calendar
from central.core.complaint import Actor, Side
from central.core.objection import ObjectionState
from central.core.rating import Event, Level
from central.core.scheme import MINGCHA_100
from central.core.scope import EVERYTHING, Scope
from central.core.score import Level as Of
from central.judge import World
from central.scoring import Sender
from central.store import complaints, elsewhere, law, ratings, scores
from central.store import tables as t
from central.store.complaint_tables import complaint as complaint_table
from central.store.engine import Store
from central.store.maintenance import maintenance
from central.store.rating_tables import rating as rating_table
from central.store.seats import absence_ruling, seat_state
from common.core.errors import UsageError
from common.core.instant import MINUTE
from tests.contract.test_scores import AFTER, LAST, MARCH, filled, run, whole
from tests.contract.test_store import ZONE, at, store, world

__all__ = ["store", "world"]
UNIT = "市场监管所"
ACTOR = Actor("officer", Role.COMPLAINTS)


async def rate(
    conn: Any,
    calendar: Calendar,
    number: int,
    told: str,
    level: Level,
    *acts: tuple[str, Event],
    aside: bool = False,
) -> None:
    """A rating of `told`, and what happened to it; the case of the same number where there is one."""
    day = date.fromisoformat(told)
    one = rating.rated(level, day, calendar)
    values = {
        "number": f"n{number}", "site": "s01", "case_key": f"{number:02}" if number < 12 else "", "window": "" if number < 12 else "3号",
        "org": UNIT, "item": "食品经营许可", "at": at(told), "day": told, "level": level.value, "text": "", "source": b"", "flags": "",
        "has_phone": False, "sealed": b"", "entries": 0, "body": msgspec.json.encode(one), "state": one.state.value, "is_aside": aside,
    }  # fmt: skip
    made = await ratings.add(conn, values)
    assert made is not None
    for when, event in acts:
        may = {Event.LAPSE: None, Event.MEND: Permission.ANSWER_RATING}.get(event, Permission.WORK_RATING)
        one = rating.applied(one, event, may, date.fromisoformat(when), calendar)
        row = await ratings.lock(conn, made)
        assert row is not None
        entry = {
            "at": at(when),
            "day": when,
            "who": "",
            "event": event.value,
            "after": one.state.value,
            "reason": "",
        }
        await ratings.write(conn, row, entry, body=msgspec.json.encode(one), state=one.state.value)


async def complain(
    conn: Any,
    calendar: Calendar,
    number: int,
    told: str,
    *acts: tuple[str, complaint.Event, Side],
    org: str = UNIT,
) -> None:
    one = complaint.received(date.fromisoformat(told), calendar)
    plain = dict.fromkeys(("topic", "unit", "case_no", "text", "brief", "answer", "reply", "site", "org"), "")
    values = {
        **plain, "number": f"T{number}", "is_named": False, "may_publish": False, "sealed": b"", "body": msgspec.json.encode(one), "state": one.state.value,
        "level": 1, "is_open": True, "entries": 0, "told": 0, "received_at": at(told),
    }  # fmt: skip
    made = await complaints.add(conn, values)
    assert made is not None
    for when, event, side in acts:
        who = {Side.HALL: ACTOR, Side.UNIT: Actor("head", Role.HEAD, frozenset({org}))}.get(side)
        one = complaint.applied(one, event, who, side, date.fromisoformat(when), calendar)
        if event is complaint.Event.ASSIGN:
            one = msgspec.structs.replace(one, site="s01", org=org)
        row = await complaints.lock(conn, made)
        assert row is not None
        entry = {
            "at": at(when), "day": when, "who": "", "role": "", "event": event.value, "after": one.state.value, "level": one.level,
            "site": one.site, "org": one.org, "reason": "",
        }  # fmt: skip
        is_open = one.state not in complaint.ENDS
        await complaints.write(
            conn, row, entry, body=msgspec.json.encode(one), state=one.state.value, is_open=is_open
        )


async def spoken(store: Store) -> None:
    """Eight ratings and three complaints of March, of which one each is not answered in time."""
    hall, unit, clock, citizen = Side.HALL, Side.UNIT, Side.CLOCK, Side.COMPLAINANT
    done = complaint.Event
    begun = (("2026-03-03", done.ACCEPT, hall), ("2026-03-04", done.ASSIGN, hall))
    async with store.write() as conn:
        calendar = await law.calendar(conn)
        for number in range(5):
            await rate(conn, calendar, number, "2026-03-10", Level.GOOD)
        await rate(
            conn,
            calendar,
            5,
            "2026-03-02",
            Level.WORST,
            ("2026-03-24", Event.LAPSE),
            ("2026-03-25", Event.MEND),
        )
        await rate(
            conn,
            calendar,
            20,
            "2026-03-12",
            Level.POOR,
            ("2026-03-16", Event.MEND),
            ("2026-03-17", Event.CONTENT),
        )
        await rate(conn, calendar, 21, "2026-03-12", Level.WORST, aside=True)
        await complain(
            conn,
            calendar,
            1,
            "2026-03-02",
            *begun,
            ("2026-03-09", done.ANSWER, unit),
            ("2026-03-10", done.REPLY, hall),
        )
        await complain(
            conn, calendar, 2, "2026-03-02", *begun, ("2026-03-24", done.LAPSE, clock), org="城管所"
        )
        await complain(
            conn, calendar, 3, "2026-03-02", *begun, ("2026-03-06", done.REPLY, hall), ("2026-03-09", done.UNSOLVED, citizen),
        )  # fmt: skip
        await complain(conn, calendar, 4, "2026-03-05")


async def watched(store: Store) -> None:
    """A counter watched on two days of March, absent on both; the second day and one late quarter hour were planned."""
    common = {"site": "s01", "camera": "c1", "region": "w1"}
    told = {
        **common,
        "epoch": b"e",
        "hours": msgspec.msgpack.encode([(480, 720)]),
        "away_secs": 600,
        "sure": 99,
        "detail": "",
        "name": "1 号窗口",
    }
    says = [("2026-03-11T08:00", "attended"), ("2026-03-12T11:00", "unknown")]
    async with store.write() as conn:
        for seq, (when, seat) in enumerate(says):
            values = {"seq": seq, "seat": seat, "since_at": at(when), "cap_at": at(when), "object": False}
            await conn.execute(insert(seat_state).values(**told, **values))
        for begin, ruling in (
            ("2026-03-11T09:00", "confirmed"),
            ("2026-03-12T09:00", "confirmed"),
            ("2026-03-11T10:30", "rejected"),
        ):
            values = {
                "begin_at": at(begin),
                "end_at": at(begin) + 20 * MINUTE,
                "ruling": ruling,
                "who": "a",
                "why": "看过录像",
                "ruled_wall": 1,
            }
            await conn.execute(insert(absence_ruling).values(**common, **values))
        planned = {
            "site": "s01",
            "from_at": at("2026-03-12T08:00"),
            "until_at": at("2026-03-12T10:00"),
            "why": "换交换机",
            "who": "it",
            "set_wall": 1,
        }
        await conn.execute(insert(maintenance).values(**planned))
        await conn.execute(t.arrival.delete())
        for when, late in (
            ("2026-03-11T09:00", 0),
            ("2026-03-11T09:15", 3),
            ("2026-03-12T09:00", 5),
            ("2026-03-14T09:00", 1),
        ):
            await conn.execute(insert(t.arrival).values(site="s01", slot_at=at(when), live=1, late=late))


async def test_a_month_counts_what_people_said_and_what_was_watched(store: Store, world: World) -> None:
    await filled(store, world)
    await spoken(store)
    await watched(store)
    number, made = await run(store)
    city = whole(made)
    naive = {
        "cases": 12, "rating_of": 7, "rating_points": 5 * 80 + 30, "rating_good": 5, "rating_bad": 2, "complaint": 3, "complaint_of": 5,
        "complaint_slow": 2, "complaint_unsolved": 1, "callback_of": 1, "callback_slow": 0, "seat_of": 2, "absence": 1, "absence_minutes": 20, "arrival_of": 2, "arrival_late": 1,
    }  # fmt: skip
    assert {name: city[name] for name in naive} == naive
    (site,) = (one for one in made.scores() if one.level is Of.SITE)
    lines = {line.id: line for line in site.lines}
    assert lines["rating"].value == str(round((430 + 30 * 430 / 7) / 37, 3))
    assert lines["rating"].faults == {"rating_bad": [("s01", "6", "评价 6"), ("s01", "7", "评价 7")]}
    assert lines["complaint"].of == 5
    assert lines["complaint"].faults == {"complaint_slow": [("s01", "2.0", "投诉 2"), ("s01", "6", "评价 6")]}
    assert {(no, name, why) for _, _, no, name, why in site.spared} >= {
        ("评价 8", "rating_of", "经审核不计入"),
        ("1 号窗口 2026-03-12", "absence", "计划维护"),
        ("2026-03-12 的数据到达", "arrival_late", "计划维护"),
    }
    person = next(one for one in made.scores() if one.level is Of.PERSON)
    assert (person.name, person.counts["rating_of"]) == ("云溪镇 王明", 6), (
        "a window's rating is of no person"
    )
    office = {one.name: one.counts for one in made.scores() if one.level is Of.DEPARTMENT}
    assert office["云溪镇 城管所"] == {"complaint": 1, "complaint_of": 1, "complaint_slow": 1}
    body = list(scores.unpacked(made.packed))
    assert scoring.retake(body).digest == made.digest
    assert [line for line in body[1:] if b'"kind"' in line] == body[13:], "after the cases of their site"
    await _contested(store, number)


async def _contested(store: Store, number: int) -> None:
    async with store.write() as conn:
        with pytest.raises(UsageError, match="不是可以提异议的项"):
            await scores.object_to(
                conn, scores.Fault(number, "s01", "6", "rating_bad"), LAST, "unit", "不服", 3
            )
        fault = scores.Fault(number, "s01", "2.0", "complaint_slow")
        mine = await scores.object_to(conn, fault, LAST, "unit", "当时已转办", 3)
        moved = {old.name: (old.total or 0, new.total or 0) for old, new in await scoring.preview(conn, mine)}
        assert moved["云溪镇"][0] < moved["云溪镇"][1]
        with pytest.raises(UsageError, match="本单位"):
            await scores.decide(conn, mine, ObjectionState.GRANTED, "b", "属实", 4, frozenset({"城管所"}))
        await scores.decide(conn, mine, ObjectionState.GRANTED, "b", "属实", 4, frozenset({UNIT}))
        final = await scoring.finish(conn, number, Sender("b", "期满", at("2026-04-14T09:00"), 2), ZONE)
        row = await scores.run(conn, final)
        again = scoring.retake(scores.unpacked(await scores.snapshot(conn, row.digest)))
    assert whole(again)["complaint_slow"] == 1


async def test_statistics_group_them_and_an_office_sees_its_own(store: Store, world: World) -> None:
    await filled(store, world)
    await spoken(store)
    await watched(store)
    names = (
        "filed",
        "rating_of",
        "rating_mean",
        "complaint_of",
        "complaint_kept",
        "seat_share",
        "arrival_share",
    )
    asked = statistics.asked_of("2026-03", ["org"], names, "before")
    async with store.read() as conn:
        found = await statistics.answer(conn, EVERYTHING, asked, ZONE, AFTER)
        office = Scope(frozenset({"s01"}), frozenset({"城管所"}))
        own = await statistics.answer(conn, office, asked, ZONE, AFTER)
        cases = statistics.asked_of("2026-03", ["org"], ("filed", "rating_of"), "")
        plain = await statistics.answer(conn, EVERYTHING, cases, ZONE, AFTER)
    rows = {row.place[0]: [None if one is None else float(one) for one in row.values] for row in found.rows}
    assert rows[UNIT] == [12, 7, 61.4, 4, 75.0, None, None]
    assert rows["城管所"] == [0, 0, None, 1, 0.0, None, None]
    assert rows["不分部门"] == [0, 0, None, 0, None, 50.0, 50.0]
    assert [row.place for row in plain.rows] == [(UNIT,)], "what was not asked for makes no row"
    assert [(row.place, float(row.values[3] or 0)) for row in own.rows] == [(("城管所",), 1.0)]


async def test_a_site_without_cases_is_told_and_a_far_period_has_nothing(store: Store, world: World) -> None:
    await spoken(store)
    may = period.parse("2026-05")
    async with store.write() as conn:
        await conn.execute(update(rating_table).values(site="s00"))
        await conn.execute(update(complaint_table).values(is_open=False))
    async with store.read() as conn:
        calendar = await law.calendar(conn)
        made = await scoring.provisional(conn, MARCH, MINGCHA_100, ZONE, AFTER)
        later = await elsewhere.of_period(conn, may, calendar, ZONE, at("2026-06-02T09:00"))
    sums = Counter(one.kind for one in later if any(each.day.month == 5 for each in one.additions))
    assert sums == {}
    assert {one.unit[0] for one in made.scores() if one.level is Of.SITE} == {"s00", "s01"}
    assert made.tallies[Of.SITE][("s00",)].counts["cases"] == 0
