"""What the hall's pages cost whoever waits for them: its HTML with 18 sites, its weight and first paint
in a slow browser (`paint.py`), a list among a million cases, 200 live streams.

The hall is a process of its own, asked over loopback by one client after the other; a time is from the request to the last byte.
The limits are those of interface.md 2.3. `python -m benchmarks.pages ADDRESS` is that process: the database's address, with its key.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import msgspec
from aiohttp import web
from msgspec import Struct
from sqlalchemy import insert, update

from benchmarks import paint
from benchmarks.databases import both
from benchmarks.figure import Figure, line, percentile
from central.config import CentralConfig, WebConfig
from central.core.access import Role
from central.store import sessions, users
from central.store import tables as t
from central.store.dialect import write_rows
from central.store.engine import Store, open_store
from central.web.app import make_app
from central.web.guard import COOKIE, digest
from central.web.live import PER_LOGIN
from common.clock import Clock
from common.core.instant import DAY, MINUTE
from common.core.state import Light
from common.mqtt import MqttConfig
from tests.integration import city
from tests.integration.city_cases import ITEMS, SURNAMES, site_id
from tests.integration.serving import OPERATIONS, demo_clock

CASES, OPEN_ONE_IN = 1_000_000, 40
ASKED, WARM, STREAMS, WATCHED_SECS = 200, 10, 200, 30
PAINTED = 10
PAGE_MS, LIST_MS, DELAY_MS = 50.0, 150.0, 1_000.0
PAGES = (
    "/hall",
    "/hall?scene=video",
    "/hall?scene=score",
    "/hall/sites",
    "/hall/sites/s09",
    "/hall/queue",
    "/hall/corrections",
)
"""Of the frame and its lists; statistics are counted while one waits, and have no such limit."""
LISTS = {
    "open": "", "site": "site=s09", "light": "light=red", "site_and_light": "site=s09&light=yellow", "all": "state=all",
    "all_of_a_site": "site=s09&state=all", "item": "item=低保", "item_among_all": "item=低保&state=all", "tail": "no=123457",
    "tail_among_all": "no=123457&state=all", "number_among_all": "no=370220260000123457&state=all",
}  # fmt: skip
"""What people look for: name of the figure -> filter in the address."""
_PART = 10_000


class Served(Struct, frozen=True):
    """A hall in its process. `cookies`: one of each session, supervisors first."""

    url: str
    pid: int
    cookies: Sequence[str]


async def measure(
    cases: int = CASES, asked: int = ASKED, streams: int = STREAMS, secs: int = WATCHED_SECS
) -> AsyncIterator[Figure]:
    async for hall in both():
        async for figure in _of(hall.store, hall.url, hall.name, cases, asked, streams, secs):
            yield figure


async def _of(
    store: Store, url: str, name: str, cases: int, asked: int, streams: int, secs: int
) -> AsyncIterator[Figure]:
    cookies = await fill(store, -(-streams // PER_LOGIN))
    async with serving(url, cookies) as hall:
        async for figure in _pages(hall, name, asked):
            yield figure
        async for figure in paint.measure(hall.url, (COOKIE, hall.cookies[0]), name, PAINTED):
            yield figure
        async for figure in _streams(hall, store, name, streams, secs):
            yield figure
    await _crowd(store, cases)
    async with serving(url, cookies) as hall:
        async for figure in _lists(hall, name, asked):
            yield figure


# what is there -----------------------------------------------------------------------------------------------


async def fill(store: Store, logins: int) -> list[str]:
    """The city as the tests know it, one supervisor and as many screens as the streams need. -> a cookie of each."""
    clock = demo_clock()
    cookies = [f"cookie-{number}" for number in range(logins + 1)]
    async with store.write() as conn:
        await city.fill(conn, clock.office(), clock.wall())
        await users.add(conn, "jian", Role.SUPERVISOR, "!", clock.wall())
        for number, cookie in enumerate(cookies):
            name = f"屏{number}" if number else "jian"
            if number:
                await users.add_wall(conn, name, clock.wall())
            await conn.execute(update(t.user).where(t.user.c.name == name).values(must_change=False))
            await sessions.begin(conn, digest(cookie), name, "csrf", clock.wall())
    return cookies


async def _crowd(store: Store, count: int) -> None:
    """Cases of two years at all sites, one in `OPEN_ONE_IN` open, with the lights of an ordinary day."""
    chance, now_at = Random(11), demo_clock().office()
    for first in range(0, count, _PART):
        rows = [_case(number, now_at, chance) for number in range(first, min(first + _PART, count))]
        async with store.write() as conn:
            await write_rows(conn, insert(t.case), rows)
    # What a database's own housekeeping has done some minutes after such a change.
    async with store.engine.connect() as conn:
        own = await conn.execution_options(isolation_level="AUTOCOMMIT")
        await own.exec_driver_sql("VACUUM ANALYZE" if store.dialect == "postgresql" else "ANALYZE")


def _case(number: int, now_at: int, chance: Random) -> dict[str, Any]:
    is_open, name = number % OPEN_ONE_IN == 0, chance.choice(SURNAMES) + chance.choice("明芳伟娜")
    filed = now_at - chance.randrange(20 if is_open else 730) * DAY - chance.randrange(9 * 60) * MINUTE
    light = chance.choices([Light.GREEN, Light.YELLOW, Light.RED], [96, 3, 1])[0] if is_open else Light.NONE
    code = chance.randrange(len(ITEMS))
    return {
        "site": site_id(number % len(city.NAMES)), "case_key": f"crowd{number:07}", "case_no": f"3702{2026_00000000 + number:014}",
        "item_code": f"SX{code}", "item_name": ITEMS[code][0], "applicant": name, "name_index": name, "phone_index": None,
        "org": "政务服务", "responsible": "李敏", "received_at": filed, "accepted_at": filed,
        "finished_at": None if is_open else filed + 5 * DAY, "deadline_at": None, "status": "accepted" if is_open else "done",
        "outcome": None if is_open else "准予", "open": is_open, "deleted": False, "light": light.value,
        "due_at": filed + 28 * DAY, "rule_light": None, "rule": None, "filed_at": filed, "rev": 1,
    }  # fmt: skip


# pages and lists ---------------------------------------------------------------------------------------------


async def _pages(hall: Served, engine: str, asked: int) -> AsyncIterator[Figure]:
    for path in PAGES:
        spent = await timed(hall, path, asked)
        yield line(f"page_p95_{engine} {path}", percentile(spent, 95), "ms", ("limit", PAGE_MS), len(spent))


async def _lists(hall: Served, engine: str, asked: int) -> AsyncIterator[Figure]:
    for name, query in LISTS.items():
        spent = await timed(hall, f"/hall/cases?{query}", max(asked // 5, 2))
        yield line(f"list_p95_{engine} {name}", percentile(spent, 95), "ms", ("limit", LIST_MS), len(spent))


async def timed(hall: Served, path: str, times: int) -> list[float]:
    """Milliseconds of each of `times` requests, one after the other."""
    spent = []
    async with aiohttp.ClientSession(cookies={COOKIE: hall.cookies[0]}) as session:
        for turn in range(WARM + times):
            began = time.perf_counter()
            async with session.get(hall.url + path) as answer:
                await answer.read()
                assert answer.status == 200, (path, answer.status)
            if turn >= WARM:
                spent.append((time.perf_counter() - began) * 1e3)
    return spent


# streams -----------------------------------------------------------------------------------------------------


async def _streams(hall: Served, store: Store, engine: str, number: int, secs: int) -> AsyncIterator[Figure]:
    """All listen while every second something changes at each site: what the process spends, how old a message is on arrival."""
    delays: list[float] = []
    gaps: list[int] = []
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None)
    ) as session:
        logins = [cookie for cookie in hall.cookies[1:] for _ in range(PER_LOGIN)][:number]
        listening = [
            asyncio.create_task(_listen(session, hall.url, cookie, delays, gaps)) for cookie in logins
        ]
        await asyncio.sleep(3)
        delays.clear()
        before, began = _cpu_secs(hall.pid), time.monotonic()
        for turn in range(secs):
            await _change(store, turn)
            await asyncio.sleep(1)
        spent = (_cpu_secs(hall.pid) - before) / (time.monotonic() - began)
        told = len(delays)
        for task in listening:
            task.cancel()
        ended = await asyncio.gather(*listening, return_exceptions=True)
        assert all(isinstance(one, asyncio.CancelledError) for one in ended), ended
    assert gaps == [], "a number is missing"
    yield line(f"streams_cpu_{engine}", spent * 100, "% of a core", ("one core", 100.0), 1)
    yield line(f"streams_delay_p95_{engine}", percentile(delays, 95), "ms", ("one look", DELAY_MS), told)
    yield line(f"streams_told_{engine}", told / secs / number, "messages/s each", ("limit", 1.0), number)


async def _listen(
    session: aiohttp.ClientSession, url: str, cookie: str, delays: list[float], gaps: list[int]
) -> None:
    """Until cancelled: how many ms after the look that it tells of each message is here; numbers that are no successors."""
    seq = -1
    async with session.get(f"{url}/api/v1/stream", cookies={COOKIE: cookie}) as answer:
        assert answer.status == 200, answer.status
        while True:
            block = await answer.content.readuntil(b"\n\n")
            said = msgspec.json.decode(block.removeprefix(b"data: "), type=_Head)
            delays.append(time.time() * 1e3 - said.wall)
            if seq >= 0 and not said.full and said.seq != seq + 1:
                gaps.append(said.seq)
            seq = said.seq


class _Head(Struct):
    seq: int
    wall: int
    full: bool = False


async def _change(store: Store, turn: int) -> None:
    """Every site's box is heard again, and one more case is done at each."""
    now_wall = Clock().wall()
    async with store.write() as conn:
        await conn.execute(update(t.site_status).values(heard_wall=now_wall, record_wall=now_wall))
        values = city.held(city.HELD + turn + 1)
        await conn.execute(update(t.ingest_cursor).where(t.ingest_cursor.c.site == "s09").values(values))


def _cpu_secs(pid: int) -> float:
    """Of all threads of the process, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# the process -------------------------------------------------------------------------------------------------


@asynccontextmanager
async def serving(url: str, cookies: Sequence[str]) -> AsyncIterator[Served]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.pages", url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(120):
            address = (await process.stdout.readline()).decode().strip()
        assert address, "the hall did not start"
        yield Served(address, process.pid, cookies)
    finally:
        process.terminate()
        await process.wait()


async def _serve(url: str) -> None:
    store = await open_store(url)
    config = CentralConfig(
        mqtt=MqttConfig(host="127.0.0.1"), web=WebConfig(secure_cookie=False, second_factor=())
    )
    runner = web.AppRunner(make_app(store, config, demo_clock(), OPERATIONS))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
