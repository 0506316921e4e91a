"""The clock and the law: lights on time beside a million open cases, an idle tick, the reducer, a new calendar.

The thing to beat is the evaluation of each case with a calendar library, as offices' own systems do it; it is measured on a
sample in the same run and reckoned up, because a million take ten minutes.
"""

import asyncio
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import chinese_calendar
import msgspec
import structlog
from sqlalchemy import insert, select

from benchmarks.figure import Figure, line, percentile
from central import judge, notice, ticker
from central.core import calendar as calendars
from central.core import judgement
from central.core.calendar import Calendar, Notice
from central.core.case import Row
from central.core.judgement import Bench
from central.core.past import Saying
from central.judge import Moment, World
from central.store import cases, law
from central.store import tables as t
from central.store.engine import Store, open_store
from common.clock import Clock
from common.core.instant import DAY, end_of_day, from_us, local_date, start_of_day
from common.core.record import Case
from common.core.state import ClockKind, Light
from tests import services
from tests.keyed import keyed, keyed_server

CASES = 1_000_000
SAMPLE = 2_000
DUE = 400
"""Cases that fall due while the bench watches, 25 a second."""
ZONE = ZoneInfo("Asia/Shanghai")
FIRST = date(2026, 3, 2)
_PART = 20_000


async def measure(count: int = CASES) -> AsyncIterator[Figure]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    naive = _naive() * count
    peer = f"a calendar library, case by case, {count:,} cases (from {SAMPLE:,})", naive
    yield line("law_reducer", _reducer(), "cases/s", ("the same library", count / naive), 1)
    with tempfile.TemporaryDirectory() as folder:
        store = await open_store(keyed(Path(folder) / "central.db"))
        async for figure in _of("sqlite", store, count, peer):
            yield figure
        async with services.postgresql() as server:
            url = server.url(await server.create_database())
            store = await open_store(keyed_server(url, Path(folder)))
            async for figure in _of("postgresql", store, count, peer):
                yield figure


async def _of(name: str, store: Store, count: int, peer: tuple[str, float]) -> AsyncIterator[Figure]:
    clock = Clock()
    async with store.write() as conn:
        world = await judge.load_world(conn, ZONE)
    await _fill(store, world.calendar, count, clock)
    ticks = []
    for _ in range(50):
        began = time.perf_counter()
        async with store.read() as conn:
            await cases.due(conn, clock.office() - 10 * DAY, ticker.BATCH)
        ticks.append(time.perf_counter() - began)
    yield line(f"law_idle_tick_{name}", percentile(ticks, 50) * 1e3, "ms", (peer[0], peer[1] * 1e3), 50)
    late = await _lights(store, world, clock)
    yield line(f"law_light_p99_{name}", percentile(late, 99), "s", ("limit", 1.0), len(late))
    marked, judged, seconds = await _renewed(store, world, clock)
    yield line(f"law_calendar_{name}", marked, "s", peer, 1)
    yield line(
        f"law_calendar_judged_{name}", judged / seconds, "cases/s", ("the same library", count / peer[1]), 1
    )
    await store.close()


def _naive() -> float:
    """Seconds for one case: its due day by a library, and whether today is past it."""
    rng, today, late = Random(1), date(2026, 6, 1), 0
    began = time.perf_counter()
    for _ in range(SAMPLE):
        day, left = FIRST + timedelta(days=rng.randrange(90)), 20
        while left:
            day += timedelta(days=1)
            left -= chinese_calendar.is_workday(day)
        late += today > day
    return (time.perf_counter() - began) / SAMPLE


def _reducer() -> float:
    """Cases a second from rows to lights, in memory."""
    data = (Path(judge.__file__).parent / "data" / "calendar_cn.json").read_bytes()

    days = calendars.published_days(msgspec.json.decode(data, type=calendars.CalendarData))
    calendar = Calendar(1, days[0][0], [works for _, works, _ in days])
    world = World(ZONE, calendar, {})
    now = start_of_day(date(2026, 6, 1), ZONE)
    rng = Random(1)
    bodies = [
        Case(case_key="1", accepted_at=str(FIRST + timedelta(days=rng.randrange(90)))) for _ in range(SAMPLE)
    ]
    bench = Bench(world.law, lambda *_: Light.NONE, frozenset(), now, now)

    began = time.perf_counter()
    for body in bodies:
        rows = {("case", "1"): [Saying(Row("case", "1", deleted=False, body=body), None, 0)]}
        judgement.judged(judgement.look("1", rows, bench), bench)
    return SAMPLE / (time.perf_counter() - began)


def _rows(calendar: Calendar, count: int, now: int) -> Iterable[tuple[str, str, date, int, int]]:
    """Key, acceptance, its day, yellow and due instant: open, and due at the end of some later day."""
    rng = Random(7)
    today = local_date(now, ZONE)
    for number in range(count):
        day = today - timedelta(days=rng.randrange(20))
        due, yellow = calendar.nth(day, 20), calendar.nth(day, 18)
        yield f"{number:07}", str(day), day, start_of_day(yellow, ZONE), end_of_day(due, ZONE)


async def _fill(store: Store, calendar: Calendar, count: int, clock: Clock) -> None:
    now = clock.office()
    async with store.write() as conn:
        await conn.execute(
            insert(t.site), [{"id": "s01", "name": "云溪镇", "kind": "township", "position": 0}]
        )
        await conn.execute(
            insert(t.site_pass), [{"site": "s01", "tbl": "case", "complete_until": now + 400 * DAY}]
        )
    part: list[tuple[str, str, date, int, int]] = []
    for row in _rows(calendar, count, now):
        part.append(row)
        if len(part) == _PART:
            await _put(store, part)
            part = []
    await _put(store, part)


async def _put(store: Store, part: list[tuple[str, str, date, int, int]]) -> None:
    if not part:
        return
    async with store.write() as conn:
        await conn.execute(insert(t.row_head), [_head(key, text) for key, text, *_ in part])
        await conn.execute(insert(t.case), [_case(key, yellow) for key, _, _, yellow, _ in part])
        await conn.execute(insert(t.clock), [_clock(*row) for row in part])


def _head(key: str, text: str, deadline: str | None = None) -> dict[str, Any]:
    body = Case(case_key=key, accepted_at=text, deadline=deadline)
    return {
        "site": "s01", "tbl": "case", "key": key, "kind": "case", "case_key": key, "epoch_no": 1, "version": 1,
        "deleted": False, "digest": b"", "body": msgspec.msgpack.encode(body), "first_seen_at": 0, "cap_at": 0,
    }  # fmt: skip


def _case(key: str, due: int) -> dict[str, Any]:
    return {
        "site": "s01", "case_key": key, "open": True, "deleted": False, "light": "green", "due_at": due,
        "filed_at": 0, "rev": 1,
    }  # fmt: skip


def _clock(key: str, text: str, _day: date, yellow: int, due: int) -> dict[str, Any]:
    return {
        "site": "s01", "case_key": key, "kind": ClockKind.STATUTE.value, "cycle": 1, "light": "green", "yellow_at": yellow,
        "due_at": due, "start_day": text, "running": True, "stopped": False, "provisional": False,
        "calendar_version": 1, "next_check_at": yellow, "rev": 1,
    }  # fmt: skip


async def _lights(store: Store, world: World, clock: Clock) -> list[float]:
    """Seconds from the due instant to the commit of the red light, of cases that fall due one after the other."""
    begin = clock.office() + 3_000_000
    dues = {f"d{n:05}": begin + n * 40_000 for n in range(DUE)}
    heads = [_head(key, "2026-01-05", from_us(due, ZONE).isoformat()) for key, due in dues.items()]
    keys = sorted(dues)
    async with store.write() as conn:
        await conn.execute(insert(t.row_head), heads)
        await judge.judge_cases(conn, "s01", keys, world, Moment(clock.office(), clock.wall()))
    found: dict[str, float] = {}
    ticking = asyncio.create_task(ticker.run(store, world, clock, asyncio.Event(), ticker.TickerState()))
    while len(found) < DUE and clock.office() < max(dues.values()) + 60_000_000:
        await asyncio.sleep(0.02)
        query = select(t.transition.c.case_key).where(
            t.transition.c.after == Light.RED, t.transition.c.clock == ClockKind.STATED
        )
        async with store.read() as conn:
            lit = list(await conn.scalars(query))
        done = clock.office()
        for key in lit:
            found.setdefault(key, (done - dues[key]) / 1e6)
    ticking.cancel()
    return list(found.values())


async def _renewed(store: Store, world: World, clock: Clock) -> tuple[float, int, float]:
    """A day in the middle turns into a day off. -> (seconds to mark what it touches, how many, seconds to judge them)."""
    async with store.read() as conn:
        days = await law.year(conn, world.calendar.published_until.year)
    off = [date.fromisoformat(day.day) for day in days if not day.workday]
    work = [day for row in days if row.workday and (day := date.fromisoformat(row.day)).weekday() >= 5]
    last = world.calendar.published_until
    day = local_date(clock.office(), ZONE) + timedelta(days=10)
    changed = next(one for n in range(20) if world.calendar.is_workday(one := day + timedelta(days=n)))
    work = [one for one in work if one != changed]
    now = Moment(clock.office(), clock.wall())
    async with store.write() as conn:
        given = Notice(last.year, "更正", sorted([*off, changed]), work)
        await notice.take_in(conn, given, "bench", "bench", now)
    began = time.perf_counter()
    async with store.write() as conn:
        touched = await judge.renew_world(conn, world, now)
    marked = time.perf_counter() - began
    began = time.perf_counter()
    await ticker.tick_once(store, world, clock)
    return marked, touched, time.perf_counter() - began
