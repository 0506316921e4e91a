"""Faults for the doctors: each is struck on one running site, and must be named by its one cause, alone.

The site is shared: a fault mends itself behind `yield`. What the drill (`tests/drill.py`) proves of both sides over time,
this proves of the doctor alone: nothing but the cause is a fault, whatever follows from it.
"""

import asyncio
import json
import os
import random
import resource
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from msgspec import Struct

from tests import services
from tests.journey.scene import Place, scene
from tests.real.chaos import say
from tests.services import MariaDb

TARGET_SECS = 5.0
LIMIT_SECS = 20.0
"""Of a machine that many tests share; what is measured is held against TARGET_SECS."""
PATIENCE_SECS = 300.0
ROWS = 1100
"""More than are read in one page: an index that is missing matters."""


class Stage(Struct):
    """What faults are struck on. A fault may set how the doctor is called: `prefix` and `env` of its process."""

    place: Place
    mariadb: MariaDb
    prefix: tuple[str, ...] = ()
    env: dict[str, str] = {}

    @property
    def folder(self) -> Path:
        """Of the box's files."""
        return self.place.agent.folder


Strike = Callable[[Stage], AsyncIterator[None]]


class Fault(Struct):
    """`check`: the cause that must be found alone; `hall`: by the hall's doctor."""

    name: str
    check: str
    strike: Strike
    hall: bool
    sampled: bool


class Found(Struct):
    """`secs` is of the last run, its process too, `cpu_secs` what it worked. `wrong`: empty where the cause was named, alone and
    in time.
    """

    fault: Fault
    detail: str
    secs: float
    cpu_secs: float
    code: int
    wrong: str


FAULTS: dict[str, Fault] = {}


def fault(name: str, check: str, *, hall: bool = False, sampled: bool = False) -> Callable[[Strike], Strike]:
    """Decorates how a fault is struck, `yield`, how it is mended."""

    def add(strike: Strike) -> Strike:
        assert name not in FAULTS
        FAULTS[name] = Fault(name, check, strike, hall, sampled)
        return strike

    return add


@asynccontextmanager
async def staged(mariadb: MariaDb) -> AsyncIterator[Stage]:
    """A site that is well, with enough rows to need its index."""
    async with scene() as place:
        place.office.receive(ROWS)
        await place.settled()
        yield Stage(place, mariadb)


async def run(names: list[str], mariadb: MariaDb) -> list[Found]:
    """One after the other, on one site."""
    found = []
    async with staged(mariadb) as stage:
        for name in names:
            found.append(await struck(stage, FAULTS[name]))
            said = found[-1].wrong or found[-1].detail.partition("\n")[0]
            say(f"{name}\t{FAULTS[name].check}\t{found[-1].secs:.1f} s\t{said}")
    return found


async def everything(count: int, seed: int) -> list[Found]:
    """`count` faults, in the order of `seed`, with a database server of their own."""
    from tests import doctor_faults, machine_faults  # noqa: F401  they fill FAULTS

    names = random.Random(seed).sample(sorted(FAULTS), min(count, len(FAULTS)))
    async with AsyncExitStack() as stack:
        return await run(names, await stack.enter_async_context(services.mariadb()))


async def struck(stage: Stage, item: Fault) -> Found:
    """Ask until it is named: what a process says of itself is two seconds old."""
    stage.prefix, stage.env = (), {}
    end = time.monotonic() + PATIENCE_SECS
    async with asynccontextmanager(item.strike)(stage):
        while True:
            found = await asked(stage, item)
            if not found.wrong or time.monotonic() > end:
                return found
            await asyncio.sleep(1)


def _worked() -> float:
    """CPU seconds of processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def asked(stage: Stage, item: Fault) -> Found:
    server = stage.place.hall if item.hall else stage.place.agent
    program = str(Path(sys.executable).with_name("mingcha" if item.hall else "mingcha-agent"))
    began, worked = time.monotonic(), _worked()
    process = await asyncio.create_subprocess_exec(
        *(*stage.prefix, program, "doctor", "--json", "--config", str(server.config)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | stage.env,
    )
    out, err = await process.communicate()
    secs, cpu_secs = time.monotonic() - began, _worked() - worked
    checks = {check["id"]: check for check in json.loads(out)["checks"]}
    faults = {name for name, check in checks.items() if check["status"] in {"fail", "warn"}}
    faults -= {"E-HALL-08", "E-HALL-11"} - {
        item.check
    }  # the calendar's end is near by itself; a site is not live
    wrong = "" if faults == {item.check} else f"found {sorted(faults)}"
    wrong = wrong or ("" if secs < LIMIT_SECS else f"took {secs:.1f} s") or err.decode()
    said = checks.get(item.check, {})
    if not wrong and not (said["effect"] and said["remedy"] and process.returncode):
        wrong = "no effect, no remedy or no exit code"
    return Found(item, str(said.get("detail", "")), secs, cpu_secs, process.returncode or 0, wrong)
