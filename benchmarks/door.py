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
from contextlib import asynccontextmanager
from datetime import date
from itertools import cycle
from pathlib import Path
from random import Random

import aiohttp
import msgspec
from sqlalchemy import insert, make_url

from benchmarks import pages, weights
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
"""Requests a second, for so long; pages of a hall without them."""
ROUNDS = 3
BEHIND = ("chrt", "--idle", "0")
"""Has what others leave."""
DOOR_UNIT, HALL_UNIT = "mingcha-door.service", "mingcha-central.service"
AT_ONCE = 32
BUDGET_MS = 50.0
"""Of a page of the hall (interface.md 2.3); the door has none of its own for the server's part."""
PHONE = "1234"
_PART = 20_000
KEY = bytes(range(32))


async def measure(count: int = CASES) -> AsyncIterator[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        await fill(folder, count)
        async with running(folder) as port, aiohttp.ClientSession(f"http://{HOST}:{port}") as session:
            await awake(session)
            async for figure in _figures(session, count):
                yield figure
        async for figure in _flooded(folder):
            yield figure


@asynccontextmanager
async def running(folder: Path, *before: str) -> AsyncIterator[int]:
    """A door as a process of its own; `before`: the command that starts it. -> its port."""
    port = free_port()
    config = folder / "door.toml"
    config.write_text(
        f'hosts = ["{HOST}"]\nfolder = "{folder}"\nhost = "{HOST}"\nport = {port}\nproxies = ["{HOST}"]\n',
        "utf-8",
    )
    command = [*before, sys.executable, "-m", "central.door", "run", "--config", str(config)]
    door = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    try:
        yield port
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
    numbers = (number_of(rng.randrange(count)) for _ in range(QUERIES))
    _, times = await _asked(
        session, QUERIES, iter(cycle(["/p/case"])), lambda: {"number": next(numbers), "tail": PHONE}
    )
    floor = ANSWER_AFTER * 1e3 / SECOND
    yield line(f"door_case_p95_of_{count}", percentile(times, 95), "ms", ("no answer before", floor), QUERIES)


class Flood(msgspec.Struct):
    """What became of the requests; seconds until all were sent; milliseconds of those that got a page, and of those that were refused."""

    secs: float
    counts: dict[str, int]
    answered: list[float]
    refused: list[float]


async def _flooded(folder: Path) -> AsyncIterator[Figure]:
    """The door is asked more than it can answer: what becomes of that, and of a page of the hall meanwhile.

    Once with all processes alike, once as the units have it, each in a control group of its unit's weight. Who asks stands behind
    both: a city is not on this machine.
    """
    store = await open_store(await halls.empty(folder))
    try:
        cookies = await pages.fill(store, 1)
        with weights.groups(DOOR_UNIT, HALL_UNIT) as (behind, before, alike):
            ways = {"alike": (alike, alike), "as_units": (behind, before)}
            alone: dict[str, list[float]] = {name: [] for name in ways}
            beside: dict[str, list[float]] = {name: [] for name in ways}
            floods: dict[str, list[Flood]] = {name: [] for name in ways}
            async with pages.serving(keyed(folder / "central.db"), cookies) as hall:
                await pages.timed(hall, "/hall/queue", HALL_PAGES)  # the first ones load what the others have
                for _ in range(ROUNDS):  # in turn, because the machine is not the same from minute to minute
                    for name, (of_door, of_hall) in ways.items():
                        of_hall.take(hall.pid)
                        alone[name] += await pages.timed(hall, "/hall/queue", HALL_PAGES)
                        async with running(folder, *of_door.before) as port:
                            times, flood = await _beside(port, hall)
                        beside[name] += times
                        floods[name].append(flood)
        for name in ways:
            for figure in _told(name, floods[name]):
                yield figure
            other = ("without", percentile(alone[name], 95))
            yield line(f"hall_page_beside_flood_p95_{name}", percentile(beside[name], 95), "ms", other, len(beside[name]))  # fmt: skip
    finally:
        await store.close()


async def _beside(port: int, hall: pages.Served) -> tuple[list[float], Flood]:
    """-> milliseconds of pages of the hall while the door is flooded, and what became of the flood."""
    async with aiohttp.ClientSession(f"http://{HOST}:{port}") as session:
        await awake(session)
    asker = await asyncio.create_subprocess_exec(
        *BEHIND, sys.executable, "-m", "benchmarks.door", str(port), stdout=asyncio.subprocess.PIPE, limit=2**24
    )  # fmt: skip
    assert asker.stdout is not None
    await asker.stdout.readline()  # it has begun
    sending = asyncio.create_task(asker.stdout.read())
    times: list[float] = []
    while not sending.done():
        times += await pages.timed(hall, "/hall/queue", HALL_PAGES // 10)
    await asker.wait()
    return times, msgspec.json.decode(await sending, type=Flood)


def _told(name: str, floods: list[Flood]) -> Iterator[Figure]:
    counts = sum((Counter(flood.counts) for flood in floods), Counter[str]())
    sent, secs = sum(counts.values()), sum(flood.secs for flood in floods)
    yield line(f"door_flood_sent_{name}", sent / secs, "requests/s", ("wanted", FLOOD), sent)
    lost = counts["cut off"] + counts["gave up"]
    for what in ("answered", "refused"):
        times = [one for flood in floods for one in getattr(flood, what)]
        other = ("cut off, or gave up after a minute", lost / sent * 100)
        yield line(f"door_flood_{what}_{name}", len(times) / sent * 100, "% of requests", other, sent)
        if len(times) > 1:
            head = ("a request's head", HEAD_SECS * 1e3)
            yield line(f"door_flood_{what}_p95_{name}", percentile(times, 95), "ms", head, len(times))


async def _flood(port: int) -> Flood:
    """`FLOOD` requests a second, whether anybody answers or not; whoever has waited for a minute gives up."""
    rng, counts = Random(3), Counter[str]()
    times: dict[int, list[float]] = {200: [], 503: []}

    async def ask(session: aiohttp.ClientSession) -> None:
        head = {"X-Forwarded-For": f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}"}
        began = time.perf_counter()
        try:
            async with session.get(f"http://{HOST}:{port}/p/guides/SP-001", headers=head) as answer:
                await answer.read()
                counts[str(answer.status)] += 1
                times[answer.status].append((time.perf_counter() - began) * 1e3)
        except (aiohttp.ClientError, ConnectionError):
            counts["cut off"] += 1
        except TimeoutError:
            counts["gave up"] += 1

    connector = aiohttp.TCPConnector(limit=0)
    async with (
        aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as session,
        asyncio.TaskGroup() as group,
    ):
        print(flush=True)
        begun = time.perf_counter()
        for number in range(FLOOD * FLOOD_SECS):
            await asyncio.sleep(max(0.0, begun + number / FLOOD - time.perf_counter()))
            group.create_task(ask(session))
        secs = time.perf_counter() - begun
    return Flood(secs, dict(counts), times[200], times[503])


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


async def awake(session: aiohttp.ClientSession) -> None:
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


def number_of(place: int) -> str:
    return f"37022026{place:010}"


async def fill(folder: Path, count: int) -> None:
    """What a hall would have published: items and sealed cases."""
    (folder / "door.key").write_bytes(KEY)
    url = make_url(f"sqlite+aiosqlite:///{folder / 'public.db'}")
    store = await opened(url, tables.metadata.create_all)
    try:
        clock = Clock()
        beat = Beat(clock.office(), clock.wall(), crypto.wire_public(KEY))
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
    number = number_of(place)
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
    at = seal.place(KEY, seal.CASE, number, PHONE)
    owner = seal.ref(KEY, seal.CASE, number)
    sealed = seal.closed(at, owner, secrets.token_bytes(crypto.NONCE_BYTES), msgspec.json.encode(one))
    return {"lookup": at.lookup, "ref": owner, "sealed": sealed}


if __name__ == "__main__":
    print(msgspec.json.encode(asyncio.run(_flood(int(sys.argv[1])))).decode())
