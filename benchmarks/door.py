"""The public door as one process of its own: pages a second, how long a page takes under load, a case among a million.

Who asks stands in the same machine and takes its part of it. Every request has an address of its own, as a city has, so that no
limit per address is met. A query is answered not before a quarter of a second, whatever it finds: that is its peer. At last a
thousand requests a second are sent whether they are answered or not, while somebody works in a hall beside it.
"""

import asyncio
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date
from itertools import cycle
from pathlib import Path
from random import Random

import aiohttp
import msgspec
from sqlalchemy import insert, make_url

from benchmarks import pages
from benchmarks.figure import Figure, line, percentile
from central.core.guide import Guide, Spot
from central.core.item import Item, RouteStep
from central.core.told import Standing, Told
from central.door import seal, tables
from central.door.app import HEAD_SECS
from central.door.case import ANSWER_AFTER
from central.door.store import VERSION, Beat, Name
from central.store.engine import Store, open_store, opened
from common.clock import Clock
from common.core import crypto
from common.core.instant import SECOND
from tests import halls
from tests.keyed import keyed
from tests.server import HOST, free_port

CASES = 1_000_000
ITEMS = 200
PAGES, QUERIES = 3_000, 600
FLOOD, FLOOD_SECS, HALL_PAGES = 1_000, 10, 200
"""Requests a second, for so long; pages of a hall meanwhile."""
AT_ONCE = 32
BUDGET_MS = 50.0
"""Of a page of the hall (interface.md 2.3); the door has none of its own for the server's part."""
PHONE = "1234"
_PART = 20_000
_KEY = bytes(range(32))


async def measure(count: int = CASES) -> AsyncIterator[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        await _fill(folder, count)
        port = free_port()
        config = folder / "door.toml"
        config.write_text(
            f'hosts = ["{HOST}"]\nfolder = "{folder}"\nhost = "{HOST}"\nport = {port}\nproxies = ["{HOST}"]\n',
            "utf-8",
        )
        door = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "central.door",
            "run",
            "--config",
            str(config),
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with aiohttp.ClientSession(f"http://{HOST}:{port}") as session:
                await _awake(session)
                async for figure in _figures(session, count):
                    yield figure
            async for figure in _flooded(folder, port):
                yield figure
        finally:
            door.terminate()
            await door.wait()


async def _figures(session: aiohttp.ClientSession, count: int) -> AsyncIterator[Figure]:
    codes = [f"SP-{place:03}" for place in range(ITEMS)]
    every = ["/p/", "/p/guides", "/p/search?q=许可", *(f"/p/guides/{code}" for code in codes[:17])]
    nothing, _ = await _asked(session, PAGES, iter(cycle(["/healthz"])))
    rate, times = await _asked(session, PAGES, iter(cycle(every)))
    yield line("door_pages", rate, "pages/s", ("the same process's /healthz", nothing), PAGES)
    yield line("door_page_p95", percentile(times, 95), "ms", ("limit", BUDGET_MS), PAGES)
    rng = Random(2)
    numbers = (_number(rng.randrange(count)) for _ in range(QUERIES))
    _, times = await _asked(
        session, QUERIES, iter(cycle(["/p/case"])), lambda: {"number": next(numbers), "tail": PHONE}
    )
    floor = ANSWER_AFTER * 1e3 / SECOND
    yield line(f"door_case_p95_of_{count}", percentile(times, 95), "ms", ("no answer before", floor), QUERIES)


async def _flooded(folder: Path, port: int) -> AsyncIterator[Figure]:
    """The door is asked more than it can answer: what becomes of that, and of a page of the hall meanwhile."""
    store = await open_store(await halls.empty(folder))
    try:
        cookies = await pages.fill(store, 1)
        async with pages.serving(keyed(folder / "central.db"), cookies) as hall:
            alone = percentile(await pages.timed(hall, "/hall/queue", HALL_PAGES), 95)
            counts: Counter[str] = Counter()
            times: list[float] = []
            flood = asyncio.create_task(_flood(port, counts, times))
            beside = percentile(await pages.timed(hall, "/hall/queue", HALL_PAGES), 95)
            await flood
            async with aiohttp.ClientSession(f"http://{HOST}:{port}") as session:
                await _awake(session)
    finally:
        await store.close()
    sent, lost = sum(counts.values()), counts["cut off"] + counts["gave up"]
    share = counts["answered"] / sent * 100
    yield line(
        "door_flood_answered",
        share,
        "% of requests",
        ("cut off, or gave up after a minute", lost / sent * 100),
        sent,
    )
    yield line(
        "door_flood_p95", percentile(times, 95), "ms", ("a request's head", HEAD_SECS * 1e3), len(times)
    )
    yield line("hall_page_beside_flood_p95", beside, "ms", ("without", alone), HALL_PAGES)


async def _flood(port: int, counts: Counter[str], times: list[float]) -> None:
    """`FLOOD` requests a second, whether anybody answers or not; whoever has waited for a minute gives up."""
    rng = Random(3)

    async def ask(session: aiohttp.ClientSession) -> None:
        head = {"X-Forwarded-For": f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}"}
        began = time.perf_counter()
        try:
            async with session.get(f"http://{HOST}:{port}/p/guides/SP-001", headers=head) as answer:
                await answer.read()
                counts["answered" if answer.status == 200 else str(answer.status)] += 1
                times.append((time.perf_counter() - began) * 1e3)
        except (aiohttp.ClientError, ConnectionError):
            counts["cut off"] += 1
        except TimeoutError:
            counts["gave up"] += 1

    connector = aiohttp.TCPConnector(limit=0)
    async with (
        aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as session,
        asyncio.TaskGroup() as group,
    ):
        begun = time.perf_counter()
        for number in range(FLOOD * FLOOD_SECS):
            await asyncio.sleep(max(0.0, begun + number / FLOOD - time.perf_counter()))
            group.create_task(ask(session))


async def _asked(
    session: aiohttp.ClientSession,
    number: int,
    paths: Iterator[str],
    form: Callable[[], dict[str, str]] | None = None,
) -> tuple[float, list[float]]:
    """-> answers a second, milliseconds of each. So many are asked at once."""
    times: list[float] = []
    rng, left = Random(1), iter(range(number))

    async def ask() -> None:
        for _ in left:
            head = {"X-Forwarded-For": f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}"}
            said = form() if form is not None else None
            began = time.perf_counter()
            async with session.request(
                "POST" if said else "GET", next(paths), data=said, headers=head
            ) as answer:
                body = await answer.read()
            times.append((time.perf_counter() - began) * 1e3)
            assert answer.status == 200, (answer.status, body[:200])

    began = time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(AT_ONCE)))
    return number / (time.perf_counter() - began), times


async def _awake(session: aiohttp.ClientSession) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                async with session.get("/healthz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.1)


# what is published --------------------------------------------------------------------------------------------


def _number(place: int) -> str:
    return f"37022026{place:010}"


async def _fill(folder: Path, count: int) -> None:
    """What a hall would have published: items and sealed cases."""
    (folder / "door.key").write_bytes(_KEY)
    url = make_url(f"sqlite+aiosqlite:///{folder / 'public.db'}")
    store = await opened(url, tables.metadata.create_all)
    try:
        clock = Clock()
        beat = Beat(clock.office(), clock.wall(), crypto.wire_public(_KEY))
        async with store.write() as conn:
            said = {Name.VERSION: str(VERSION).encode(), Name.BEAT: msgspec.json.encode(beat)}
            await conn.execute(
                insert(tables.meta), [{"name": name.value, "body": body} for name, body in said.items()]
            )
            await conn.execute(insert(tables.guide), [_guide(place) for place in range(ITEMS)])
        await _add_cases(store, count)
    finally:
        await store.close()


def _guide(place: int) -> dict[str, object]:
    item = Item(
        code=f"SP-{place:03}",
        name=f"第{place}类经营许可",
        legal_days=20,
        promised_days=10,
        published_on=date(2026, 1, 1),
        basis="《某市试验条例》第三十五条",
        materials=["身份证原件", "申请表", "场所平面图"],
        route=[RouteStep("受理", 1), RouteStep("审查", 5), RouteStep("决定", 3)],
    )
    spots = tuple(Spot(f"第{site}便民服务中心", "综合窗口") for site in range(10))
    body = msgspec.json.encode(Guide(item.code, (item,), spots))
    return {"code": item.code, "name": item.name, "initials": "ljyxk leijingyingxuke", "body": body}


async def _add_cases(store: Store, count: int) -> None:
    for first in range(0, count, _PART):
        rows = [_case(place) for place in range(first, min(first + _PART, count))]
        async with store.write() as conn:
            await conn.execute(insert(tables.told), rows)


def _case(place: int) -> dict[str, object]:
    number = _number(place)
    one = Told(
        site="s01",
        key=number,
        number=number,
        item="经营许可",
        place="第1便民服务中心",
        standing=Standing.OPEN,
        accepted=date(2026, 6, 1),
        due=date(2026, 6, 15),
    )
    at = seal.place(_KEY, seal.CASE, number, PHONE)
    owner = seal.ref(_KEY, seal.CASE, number)
    sealed = seal.closed(at, owner, secrets.token_bytes(crypto.NONCE_BYTES), msgspec.json.encode(one))
    return {"lookup": at.lookup, "ref": owner, "sealed": sealed}
