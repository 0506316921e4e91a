"""Kills at named points: box, broker or hall, right before or after what it does there; then all must be as if not."""

import asyncio
import random
import sys
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from tests.journey.scene import Place, command, scene, until
from tests.killing import ONCE, POINTS, ROTATING, WRAPPING
from tests.processes import Agent, Hall
from tests.real.chaos import say
from tests.server import Server

MOST_NTH = 3
FIRE_SECS = 30.0


class Kill(Struct, frozen=True):
    """`victim`: agent, broker or central; the bomb lies in `program`."""

    program: str
    point: str
    when: str
    victim: str
    nth: int


class Tally(Struct):
    """`unreached`: bombs that nobody came by."""

    faults: int
    lost: int
    duplicated: int
    records: int
    unreached: list[Kill]
    unproven: str


def matrix() -> list[tuple[str, str, str, str]]:
    """(program, point, when, victim) of every kill there is."""
    return [
        (program, point, when, victim)
        for program, points in POINTS.items()
        for point in points
        for when in ("before", "after")
        for victim in ("agent", "broker", "central")
    ]


async def run(count: int, seed: int) -> Tally:
    """`count` kills, the whole matrix in turn, in an order of `seed`; one site, one broker, one hall."""
    rng = random.Random(seed)
    every = matrix()
    rng.shuffle(every)
    kills = []
    for number in range(count):
        program, point, when, victim = every[number % len(every)]
        nth = 1 if point in ONCE else rng.randint(1, MOST_NTH)
        kills.append(Kill(program, point, when, victim, nth))
    unreached = []
    async with scene() as place:
        await place.settled()
        for number, kill in enumerate(kills, 1):
            if not await killed(place, kill):
                unreached.append(kill)
            await place.settled()
            say(f"{number}: {kill.victim} killed {kill.when} {kill.program}.{kill.point}")
        truth, held = place.office.rows(), await place.hall_rows()
        code, out, _ = await command("mingcha", "verify", "--config", str(place.hall.config))
        return Tally(
            len(kills) - len(unreached),
            len(truth.items() ^ held.items()),
            len(await place.twice()),
            len(truth),
            unreached,
            out if code else "",
        )


async def killed(place: Place, kill: Kill) -> bool:
    """Arm, work until it goes off, start again who was killed. -> whether it went off."""
    servers: dict[str, Agent | Hall | Server] = {
        "agent": place.agent,
        "broker": place.broker,
        "central": place.hall,
    }
    armed, victim = servers[kill.program], servers[kill.victim]
    assert isinstance(armed, Agent | Hall)
    await place.stop(armed)
    pid = 0 if armed is victim else victim.pid
    armed.armed = ["tests.killing"]
    armed.env["MINGCHA_KILL"] = f"{kill.point}:{kill.when}:{kill.nth}:{pid}"
    starting = asyncio.create_task(place.start(armed))
    went_off = True
    await until("it is there", lambda: armed._process is not None or starting.done())
    try:
        await until("it goes off", lambda: tempt(place, kill, victim), FIRE_SECS)
    except AssertionError:
        went_off = False
    with suppress(RuntimeError):  # killed before it could answer
        await starting
    armed.armed = []
    del armed.env["MINGCHA_KILL"]
    await asyncio.to_thread(victim.kill)
    if not went_off:
        await asyncio.to_thread(armed.kill)
    await place.start(place.broker, place.hall, place.agent)
    return went_off


async def tempt(place: Place, kill: Kill, victim: Server) -> bool:
    """Do what leads by the point. -> whether the victim is dead."""
    if victim._process is None or victim._process.poll() is not None:
        return True
    place.office.receive(3)
    where = "--config", str(place.hall.config)
    if kill.point in ROTATING:
        await command("mingcha", "command", "send", "s01", "rotate", "--why", "演练", *where)
    if kill.point in WRAPPING:
        await change_key(place)
    await asyncio.sleep(0.3)
    return victim._process is None or victim._process.poll() is not None


async def change_key(place: Place) -> None:
    """It waits for the box to have wrapped everything anew, and ours may be dead by then."""
    program = str(Path(sys.executable).with_name("mingcha-agent"))
    args = "key", "change", "--config", str(place.agent.config)
    process = await asyncio.create_subprocess_exec(
        "timeout", "3", program, *args, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    await process.wait()
