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
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from msgspec import Struct

from agent.core.sync import Phase
from central.store import alarms
from tests import services
from tests.journey.scene import Place, scene, until
from tests.processes import Agent
from tests.real.chaos import say
from tests.services import MariaDb

TARGET_SECS = 5.0
LIMIT_SECS = 20.0
"""Of a machine that many tests share; what is measured is held against TARGET_SECS."""
PATIENCE_SECS = 300.0
FAULT_SECS = 900.0
"""Of one fault, struck, asked for and mended, each with its own patience: what takes longer stands still."""
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
    in time, and the fault mended. `ended`: programs that had ended by themselves and were started again. `alarms`: of the site's data,
    which were open behind it and healed by themselves.
    """

    fault: Fault
    detail: str
    secs: float
    cpu_secs: float
    code: int
    wrong: str
    ended: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()


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


class _SpoiltError(Exception):
    """The site is of no use any more."""


async def run(items: list[Fault], mariadb: MariaDb) -> list[Found]:
    """One after the other, on one site. Where a fault was not struck or mended as it should be, the next one gets a new site."""
    found, left = list[Found](), list(items)
    while left:
        with suppress(_SpoiltError):
            async with staged(mariadb) as stage:
                while left:
                    one, is_well = await struck(stage, left.pop(0))
                    found.append(one)
                    say(_line(one))
                    if not is_well:
                        raise _SpoiltError
    return found


def _line(one: Found) -> str:
    said = one.wrong or one.detail.partition("\n")[0]
    again = f"\tstarted again: {'、'.join(one.ended)}" if one.ended else ""
    alarmed = f"\talarms that healed: {'、'.join(one.alarms)}" if one.alarms else ""
    return f"{one.fault.name}\t{one.fault.check}\t{one.secs:.1f} s\t{said}{again}{alarmed}"


async def everything(count: int, seed: int) -> list[Found]:
    """`count` faults, in the order of `seed`, with a database server of their own."""
    from tests import faults  # noqa: F401  it fills FAULTS

    names = random.Random(seed).sample(sorted(FAULTS), min(count, len(FAULTS)))
    async with AsyncExitStack() as stack:
        mariadb = await stack.enter_async_context(services.mariadb())
        return await run([FAULTS[name] for name in names], mariadb)


def _has_met(agent: Agent) -> bool:
    said = agent.status()
    return said is not None and said.phase is Phase.STEADY


async def struck(stage: Stage, item: Fault, secs: float = FAULT_SECS) -> tuple[Found, bool]:
    """Strike, ask until it is named, mend. -> (what was found, whether the site is as it was before).

    Whatever stands still does so for `secs` at most, and is named by the line where it did.
    """
    stage.prefix, stage.env = (), {}
    found = Found(item, "", 0.0, 0.0, 0, "nobody was asked")
    try:
        async with asyncio.timeout(secs):
            async with asynccontextmanager(item.strike)(stage):
                found = await _named(stage, item)
            found.ended = await revived(stage)
            found.alarms = await healed(stage)
    except Exception as error:  # noqa: BLE001  what one fault meets is no end of the run
        stage.mariadb.thaw()
        what = f"stood still for {secs:.0f} s" if isinstance(error, TimeoutError) else repr(error)[:500]
        found.wrong = "; ".join(filter(None, (found.wrong, f"{what} ({_place(error)})")))
        return found, False
    return found, True


def _place(error: BaseException) -> str:
    """The last line of the tests' own that it came through; of a wait that was broken off, the line that waited."""
    while isinstance(error, TimeoutError) and error.__cause__ is not None:
        error = error.__cause__
    places = [at for at in traceback.extract_tb(error.__traceback__) if "/tests/" in at.filename]
    return f"{Path(places[-1].filename).name}:{places[-1].lineno}" if places else ""


async def _named(stage: Stage, item: Fault) -> Found:
    """What a process says of itself is two seconds old."""
    end = time.monotonic() + PATIENCE_SECS
    while True:
        found = await asked(stage, item)
        if not found.wrong or time.monotonic() > end:
            return found
        await asyncio.sleep(1)


async def revived(stage: Stage) -> tuple[str, ...]:
    """Start again what has ended though nobody stopped it, as a service manager would, and wait until the box has met its hall: the
    next fault is struck on a site that is well. -> the names of what had ended.
    """
    place = stage.place
    gone = [server for server in (place.broker, place.hall, place.agent) if server.has_ended()]
    for server in gone:
        server.kill()  # which forgets it
        await place.start(server)
    if gone:
        await place.settled()
    await until("the box has met its hall", lambda: _has_met(place.agent))
    return tuple(type(server).__name__ for server in gone)


async def healed(stage: Stage) -> tuple[str, ...]:
    """Wait until no alarm of the site's data is open: the next fault is struck on a site that is well. -> those that were."""
    store = await stage.place.hall.store()

    async def still_open() -> list[str]:
        async with store.read() as conn:
            return [f"{row.kind} {row.detail}" for row in await alarms.listed(conn)]

    async def are_over() -> bool:
        return not await still_open()

    try:
        found = await still_open()
        if found:
            await until(f"healed: {found}", are_over)
    finally:
        await store.close()
    return tuple(found)


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
    try:
        out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    secs, cpu_secs = time.monotonic() - began, _worked() - worked
    checks = {check["id"]: check for check in json.loads(out)["checks"]}
    faults = {name for name, check in checks.items() if check["status"] in {"fail", "warn"}}
    faults -= {"E-HALL-08", "E-HALL-11"} - {
        item.check
    }  # the calendar's end is near by itself; a site is not live
    wrong = (
        ""
        if faults == {item.check}
        else f"found { {name: checks[name]['detail'] for name in sorted(faults)} }"
    )
    wrong = wrong or ("" if secs < LIMIT_SECS else f"took {secs:.1f} s") or err.decode()
    said = checks.get(item.check, {})
    if not wrong and not (said["effect"] and said["remedy"] and process.returncode):
        wrong = "no effect, no remedy or no exit code"
    return Found(item, str(said.get("detail", "")), secs, cpu_secs, process.returncode or 0, wrong)
