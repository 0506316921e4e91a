"""A herd: every site loses its line at the same moment and comes back at the same moment, with a backlog each."""

import asyncio
import json
import resource
import sys
import time
from contextlib import AsyncExitStack, suppress

from msgspec import Struct

from provisioning.core.identity import Box
from tests import services
from tests.journey.scene import SQLITE_MAPPING, Office, Place, Site, until
from tests.processes import Agent, hall
from tests.real.chaos import say

REAL = 18
REAL_LIMIT_SECS, LIGHT_LIMIT_SECS = 60.0, 300.0
MOST_AGAIN = 0.01
"""Of what was delivered after the outage, sent though the hall had it."""
AWAY_SECS = 60.0
CASES, RECORDS = 40, 100
"""Of each real office, and of each light one, while the line is away."""
_PER_PROCESS = 200
"""Light boxes: paho waits with select(), which knows 1,024 descriptors."""


class Tally(Struct):
    """Seconds from the line's return until all of a kind are steady; `again`: share that was sent in vain."""

    lost: int
    duplicated: int
    records: int
    real_secs: float
    light_secs: float
    again: float

    @property
    def unmet(self) -> int:
        """Limits that were not kept."""
        limits = (
            self.real_secs > REAL_LIMIT_SECS,
            self.light_secs > LIGHT_LIMIT_SECS,
            self.again > MOST_AGAIN,
        )
        return sum(limits)


class Flock:
    """Light boxes in processes of their own."""

    def __init__(self, processes: list[asyncio.subprocess.Process], sites: int) -> None:
        self._processes = processes
        self._sites = sites
        self.said = [(0, 0, 0)] * len(processes)
        self._tasks = [asyncio.create_task(self._read(place)) for place in range(len(processes))]

    async def _read(self, place: int) -> None:
        output = self._processes[place].stdout
        assert output is not None
        while line := await output.readline():
            with suppress(ValueError):
                steady, sent, given = map(int, line.split())
                self.said[place] = steady, sent, given

    @property
    def steady(self) -> int:
        return sum(item[0] for item in self.said)

    @property
    def are_steady(self) -> bool:
        assert all(process.returncode is None for process in self._processes), "a flock has ended"
        return self.steady == self._sites

    async def end(self) -> None:
        for process in self._processes:
            process.kill()
        await asyncio.gather(*(process.wait() for process in self._processes), *self._tasks)


async def run(light: int, _seed: int) -> Tally:
    """18 real boxes and `light` light ones, cut for a minute."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    real = [Box(f"s{number:02}", 1) for number in range(1, REAL + 1)]
    others = [Box(f"x{number:04}", 1) for number in range(1, light + 1)]
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(services.mosquitto([*real, *others]))
        running = await stack.enter_async_context(hall(broker, [*real, *others]))
        sites = [
            Site(agent, Office(agent.folder))
            for agent in (Agent(broker, box, SQLITE_MAPPING) for box in real)
        ]
        place = Place(broker, running, sites)
        await place.start()
        stack.push_async_callback(place.stop)
        flock = await flocked(broker.port, broker.folder / "boxes", [box.site for box in others])
        stack.push_async_callback(flock.end)
        await until("all are steady", lambda: flock.are_steady, LIGHT_LIMIT_SECS)
        await place.settled(LIGHT_LIMIT_SECS)
        return await _herd(place, flock)


async def flocked(port: int, folder: object, sites: list[str]) -> Flock:
    parts = [sites[first : first + _PER_PROCESS] for first in range(0, len(sites), _PER_PROCESS)]
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.light", str(port), str(folder), str(RECORDS), *part,
            stdout=asyncio.subprocess.PIPE,
        )
        for part in parts
    ]  # fmt: skip
    return Flock(processes, len(sites))


async def _herd(place: Place, flock: Flock) -> Tally:
    before = len(place.hall.log)
    await asyncio.to_thread(place.broker.kill)
    for site in place.sites:
        site.office.receive(CASES)
    await asyncio.sleep(AWAY_SECS)
    assert flock.steady == 0, "nobody can have told the hall anything"
    await asyncio.to_thread(place.broker.start)
    began = time.monotonic()
    took: dict[str, float] = {}
    while len(took) < 2 and time.monotonic() - began < 2 * LIGHT_LIMIT_SECS:
        if "light" not in took and flock.are_steady:
            took["light"] = time.monotonic() - began
        if "real" not in took and await place.agrees():
            took["real"] = time.monotonic() - began
        await asyncio.sleep(0.2)
    say(f"steady again: {took}")
    new, again = _counts(place.hall.log[before:])
    wrong = [site.id for site in place.sites if await place.hall_rows(site.id) != site.office.rows()]
    never = 10 * LIGHT_LIMIT_SECS
    return Tally(
        lost=len(wrong) + ("light" not in took),
        duplicated=len(await place.twice()),
        records=new,
        real_secs=took.get("real", never),
        light_secs=took.get("light", never),
        again=again / max(new, 1),
    )


def _counts(log: str) -> tuple[int, int]:
    """Records that the hall took in, and those among what came that it had already."""
    lines = [json.loads(line) for line in log.splitlines() if '"batch.committed"' in line]
    return sum(line["records"] for line in lines), sum(line["again"] for line in lines)
