"""Scores and statistics over a million cases: the run of a period, a table of two dimensions, a workbook of 100,000 rows.

The cases are of the busiest year a city could have: each decided, with its two limits, at 18 sites, in 24 offices. Peers are measured in
the same run: a table beside the statement that somebody would write by hand for the same volumes and rates (it knows no working days, no
appeals, no special procedures), a workbook beside the same rows as CSV.
"""

import time
from collections.abc import AsyncIterator, Iterable
from datetime import date
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Integer, Select, case, cast, func, insert, select

from benchmarks.databases import both
from benchmarks.figure import Figure, line, percentile
from central import judge, scoring
from central.core import period
from central.core.scheme import MINGCHA_100
from central.core.scope import EVERYTHING
from central.core.score import Level
from central.export import as_csv, as_xlsx
from central.statistics import answer, asked_of
from central.store import audit, tallies
from central.store import tables as t
from central.store.dialect import write_rows
from central.store.engine import Store
from central.tally import Booker
from common.core.instant import DAY, MINUTE, end_of_day, start_of_day
from common.core.state import ClockKind, Light
from tests.integration import city
from tests.integration.city_cases import ITEMS, site_id

CASES, ASKED, ROWS = 1_000_000, 20, 100_000
SHARE = 10
"""One case in so many is of the month that a page is asked for."""
ZONE = ZoneInfo("Asia/Shanghai")
YEAR, MONTH, NOW = "2025", "2025-06", start_of_day(date(2026, 2, 2), ZONE)
OFFICES = 24
_PART = 10_000
_LATE_ONE_IN = 40
_CHANNELS = ("窗口", "网上", "自助")


async def measure(cases: int = CASES, asked: int = ASKED, rows: int = ROWS) -> AsyncIterator[Figure]:
    for figure in _exports(rows):
        yield figure
    async for hall in both():
        await _fill(hall.store, cases)
        async for figure in _of(hall.store, hall.name, cases, asked):
            yield figure


async def _of(store: Store, name: str, cases: int, asked: int) -> AsyncIterator[Figure]:
    wanted = asked_of(MONTH, ["org", "item"], ["decided", "promise_late", "on_time", "mean_days"], "")
    async with store.read() as conn:
        await audit.freeze(conn)
        began = time.perf_counter()
        counted = await answer(conn, EVERYTHING, wanted, ZONE, NOW)
        recount = (time.perf_counter() - began) / (cases // SHARE) * 1e6
    async with store.write() as conn:
        await tallies.begin(conn, ZONE.key, "1")
    booker, began = Booker(store, ZONE), time.perf_counter()
    while await booker.turn():
        pass
    booked = (time.perf_counter() - began) / cases * 1e6
    yield line(f"tally_book_{name}", booked, "us a case", ("to count it for one answer", recount), cases)
    ours, hand = [], []
    statement = _by_hand(MONTH)
    for _ in range(max(asked, 2)):
        async with store.read() as conn:
            await audit.freeze(conn)
            began = time.perf_counter()
            found = await answer(conn, EVERYTHING, wanted, ZONE, NOW)
            ours.append((time.perf_counter() - began) * 1e3)
            began = time.perf_counter()
            by_hand = (await conn.execute(statement)).all()
            hand.append((time.perf_counter() - began) * 1e3)
        _must_agree(found.rows, by_hand)
    assert (found.rows, found.total) == (counted.rows, counted.total), "the roll-up counts something else"
    peer = ("a statement by hand", percentile(hand, 95))
    yield line(f"statistics_p95_{name} {cases // SHARE:,} cases", percentile(ours, 95), "ms", peer, len(ours))
    by_person = []
    persons = asked_of(MONTH, ["person"], ["decided", "promise_late", "on_time", "mean_days"], "")
    for _ in range(max(asked, 2)):
        async with store.read() as conn:
            await audit.freeze(conn)
            began = time.perf_counter()
            total = (await answer(conn, EVERYTHING, persons, ZONE, NOW)).total
            by_person.append((time.perf_counter() - began) * 1e3)
    assert total.values == counted.total.values
    label = f"statistics_persons_p95_{name} {cases // SHARE:,} cases"
    yield line(
        label, percentile(by_person, 95), "ms", ("by office and item", percentile(ours, 95)), len(by_person)
    )
    async with store.read() as conn:
        await audit.freeze(conn)
        began = time.perf_counter()
        taken = await scoring.provisional(conn, period.parse(YEAR), MINGCHA_100, ZONE, NOW)
        scored = taken.scores()
        spent = time.perf_counter() - began
        began = time.perf_counter()
        await conn.execute(_by_hand(YEAR))
        peer = ("a statement by hand", time.perf_counter() - began)
    assert any(one.total is not None for one in scored)
    assert sum(one.counts["decided"] for one in taken.tallies[Level.SITE].values()) == cases, (
        "a case was left out"
    )
    yield line(f"score_run_{name} {cases:,} cases", spent, "s", peer, 1)


# what is there -----------------------------------------------------------------------------------------------


async def _fill(store: Store, count: int) -> None:
    chance = Random(13)
    async with store.write() as conn:
        await judge.load_world(conn, ZONE)
        sites = [
            {"id": site_id(place), "name": name, "kind": "township", "position": place}
            for place, name in enumerate(city.NAMES)
        ]
        await conn.execute(insert(t.site), sites)
        whole = [{"site": one["id"], "tbl": "case", "complete_until": NOW} for one in sites]
        await conn.execute(insert(t.site_pass), whole)
    for first in range(0, count, _PART):
        made = [_case(number, chance) for number in range(first, min(first + _PART, count))]
        async with store.write() as conn:
            await write_rows(conn, insert(t.case), [row for row, _ in made])
            await write_rows(conn, insert(t.clock), [row for _, clocks in made for row in clocks])
    async with store.write() as conn:
        await conn.exec_driver_sql("ANALYZE")


def _case(number: int, chance: Random) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A case with its promise and its legal limit; decided in the month that is asked for, or in another of the year."""
    month = 6 if number % SHARE == 0 else chance.choice([1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12])
    done = date(int(YEAR), month, chance.randint(1, 28))
    finished = start_of_day(done, ZONE) + 9 * 60 * MINUTE + chance.randrange(8 * 60) * MINUTE
    filed = finished - chance.randint(1, 14) * DAY
    is_late = chance.randrange(_LATE_ONE_IN) == 0
    due = end_of_day(done, ZONE) - (2 * DAY if is_late else 0)
    place, code = (
        {"site": site_id(number % len(city.NAMES)), "case_key": f"{number:07}"},
        chance.randrange(len(ITEMS)),
    )
    row = place | {
        "case_no": f"3702{number:014}", "item_code": f"SX{code}", "item_name": ITEMS[code][0],
        "applicant": None, "name_index": None, "phone_index": None, "org": f"科室{number % OFFICES:02}", "responsible": f"经办{number % 97}", "channel": _CHANNELS[number % 3],
        "received_at": filed, "accepted_at": filed, "finished_at": finished, "deadline_at": None, "status": "done", "outcome": "准予",
        "open": False, "deleted": False, "light": "none", "due_at": due, "rule_light": None, "rule": None, "filed_at": filed, "rev": 1,
    }  # fmt: skip
    return row, [
        _clock(place, ClockKind.PROMISE, due if is_late else finished, due, is_late=is_late),
        _clock(place, ClockKind.STATUTE, finished, finished + 20 * DAY, is_late=False),
    ]


def _clock(place: dict[str, Any], kind: ClockKind, since: int, due: int, *, is_late: bool) -> dict[str, Any]:
    light = Light.RED if is_late else Light.GREEN
    return place | {
        "kind": kind.value, "cycle": 1, "light": light.value, "since_at": since, "yellow_at": due - 3 * DAY, "yellowed_at": None,
        "due_at": due, "start_day": f"{YEAR}-01-02", "running": False, "stopped": True, "provisional": False, "calendar_version": 1,
        "next_check_at": None, "needs_until": None, "rev": 1,
    }  # fmt: skip


# peers -------------------------------------------------------------------------------------------------------


def _by_hand(name: str) -> Select[Any]:
    """Decided, late and days of a period by office and item, in one statement over the same tables."""
    of = period.parse(name)
    first, until = start_of_day(of.first, ZONE), start_of_day(of.until, ZONE)
    one, limit = t.case.c, t.clock.c
    late = func.sum(case((limit.light == Light.RED.value, 1), else_=0))
    days = func.sum((one.finished_at - one.accepted_at) / DAY)
    query = select(one.org, one.item_name, func.count(), cast(late, Integer), days).join(
        t.clock,
        (limit.site == one.site) & (limit.case_key == one.case_key) & (limit.kind == ClockKind.PROMISE.value),
    )
    return query.where(one.finished_at > first, one.finished_at <= until, one.deleted.is_(False)).group_by(
        one.org, one.item_name
    )


def _must_agree(ours: Iterable[Any], by_hand: Iterable[Any]) -> None:
    """On what both know: how many were decided where."""
    mine = {row.place: int(row.values[0] or 0) for row in ours if row.values[0]}
    other = {(row[0], row[1]): int(row[2]) for row in by_hand}
    assert mine == other, "the statement by hand counts something else"


def _exports(count: int) -> Iterable[Figure]:
    """The workbook, beside the same rows as CSV."""
    head = ["办件编号", "事项", "站点", "部门", "承办人", "受理", "办结", "灯"]
    rows = [
        [f"3702{number:014}", ITEMS[number % len(ITEMS)][0], city.NAMES[number % len(city.NAMES)],
         f"科室{number % OFFICES:02}", f"经办{number % 97}", "2025-06-02 09:30", "2025-06-09 16:20", "绿"]
        for number in range(count)
    ]  # fmt: skip
    spent = {}
    for name, write in (("csv", as_csv), ("xlsx", as_xlsx)):
        began = time.perf_counter()
        body = write(["导出"], head, rows)
        spent[name] = time.perf_counter() - began
        assert len(body) > count
    yield line(f"export_xlsx {count:,} rows", spent["xlsx"], "s", ("the same as CSV", spent["csv"]), 1)
