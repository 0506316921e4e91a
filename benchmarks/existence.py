"""Whether the time of an answer tells that a case's number exists: numbers of cases with wrong digits beside numbers of nobody, in random order.

What is told is how far the chance that the one comes later than the other is from a half (Mann and Whitney), beside what chance alone
keeps within in 99 of 100 runs. Once as anybody on the net may measure it, and once the look-up by itself, without the quarter of a
second before which no answer leaves.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import aiohttp

from benchmarks import door
from benchmarks.figure import Figure, line
from central.door import case
from central.door.store import open_as_door
from tests.server import HOST

CASES = 200_000
ASKED, LOOKED_UP, AT_ONCE = 3_000, 5_000, 16
WRONG = "9999"
_99 = 2.576
Ask = Callable[[str], Awaitable[bool]]
"""-> whether it was answered; what a crowd was refused is asked for again."""


async def measure() -> AsyncIterator[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        await door.fill(folder, CASES)
        async with (
            door.running(folder) as port,
            aiohttp.ClientSession(f"http://{HOST}:{port}") as session,
        ):
            await door.awake(session)
            rng = Random(5)

            async def ask(number: str) -> bool:
                head = {
                    "X-Forwarded-For": f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}"
                }
                form = {"number": number, "tail": WRONG}
                async with session.post("/p/case", data=form, headers=head) as answer:
                    await answer.read()
                assert answer.status in {404, 503}, answer.status
                return answer.status == 404

            yield told("door_existence_by_time", *await timed(ask, ASKED, AT_ONCE))
        store = await open_as_door(f"sqlite+aiosqlite:///{folder / 'public.db'}")
        here: Any = SimpleNamespace(store=store, key=door.KEY)

        async def look(number: str) -> bool:
            return await case.find(here, number, WRONG) is None

        try:
            yield told("door_existence_by_time_of_look_up", *await timed(look, LOOKED_UP, 1))
        finally:
            await store.close()


async def timed(ask: Ask, number: int, at_once: int) -> tuple[list[float], list[float]]:
    """-> milliseconds of so many that exist, and of as many that do not; each is asked for once."""
    rng = Random(4)
    numbers = [(door.number_of(place), True) for place in rng.sample(range(CASES), number)]
    numbers += [(door.number_of(CASES + place), False) for place in rng.sample(range(CASES), number)]
    rng.shuffle(numbers)
    times: dict[bool, list[float]] = {True: [], False: []}
    left = iter(numbers)

    async def some() -> None:
        for one, exists in left:
            while True:
                began = time.perf_counter()
                if await ask(one):
                    break
                await asyncio.sleep(1)
            times[exists].append((time.perf_counter() - began) * 1e3)

    await asyncio.gather(*(some() for _ in range(at_once)))
    return times[True], times[False]


def told(name: str, known: Sequence[float], unknown: Sequence[float]) -> Figure:
    by_chance = _99 * ((len(known) + len(unknown) + 1) / (12 * len(known) * len(unknown))) ** 0.5
    away = abs(later(known, unknown) - 0.5)
    return line(name, away, "of a half", ("by chance", by_chance), len(known) + len(unknown))


def later(one: Sequence[float], other: Sequence[float]) -> float:
    """The chance that a value of `one` is larger than one of `other`."""
    ranked = sorted([(value, True) for value in one] + [(value, False) for value in other])
    ranks = sum(rank for rank, (_, mine) in enumerate(ranked, 1) if mine)
    return (ranks - len(one) * (len(one) + 1) / 2) / (len(one) * len(other))
