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

VICTIMS = ("agent", "broker", "central")
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
        for victim in VICTIMS
    ]


def order(seed: int) -> list[Kill]:
    """The whole matrix: first every named point once, before and after, with victims in turn; then with the next, and the last."""
    rng = random.Random(seed)
    steps = sorted({(program, point, when) for program, point, when, _ in matrix()})
    rng.shuffle(steps)
    return [
        Kill(program, point, when, VICTIMS[(number + again) % 3], nth(point, rng))
        for again in range(len(VICTIMS))
        for number, (program, point, when) in enumerate(steps)
    ]


def nth(point: str, rng: random.Random) -> int:
    """At which passing; the first one where each takes a connection or a command."""
    return 1 if point in ONCE | ROTATING | WRAPPING else rng.randint(1, MOST_NTH)


async def run(count: int, seed: int, first: int = 0) -> Tally:
    """`count` kills of the matrix in an order of `seed`, from the `first` on, in turn; one site, one broker, one hall."""
    every = order(seed)
    kills = [every[number % len(every)] for number in range(first, first + count)]
    unreached = []
    async with scene(start=False) as place:
        await place.stop(place.hall)
        for server in (place.hall, place.agent):
            server.armed = ["tests.killing"]
            server.env["MINGCHA_KILL"] = str(bomb(server))
        await place.start(place.hall, place.agent)
        await place.settled()
        for number, kill in enumerate(kills, 1):
            if not await killed(place, kill):
                unreached.append(kill)
            await place.settled()
            say(f"{number}: {kill.victim} killed {kill.when} {kill.program}.{kill.point}")
        truth, held = place.office.rows(), await place.hall_rows()
        return Tally(
            len(kills) - len(unreached),
            len(truth.items() ^ held.items()),
            len(await place.twice()),
            len(truth),
            unreached,
            await unproven(place),
        )


async def unproven(place: Place) -> str:
    """What `mingcha verify` finds, and of what the box complained; what is on its way while it looks is not missing."""
    said = ""

    async def proven() -> bool:
        nonlocal said
        code, said, _ = await command("mingcha", "verify", "--config", str(place.hall.config))
        return code == 0

    with suppress(AssertionError):
        await until("all is proven", proven, FIRE_SECS)
        return ""
    wrong = [line for line in place.agent.log.splitlines() if '"level": "error"' in line]
    return "\n".join([said, *wrong])


def bomb(server: Server) -> Path:
    return server.folder / "bomb"


async def killed(place: Place, kill: Kill) -> bool:
    """Arm, work until it goes off, start again who was killed. -> whether it went off."""
    servers: dict[str, Agent | Hall | Server] = {
        "agent": place.agent,
        "broker": place.broker,
        "central": place.hall,
    }
    armed, victim = servers[kill.program], servers[kill.victim]
    if kill.point in ONCE:
        await place.stop(armed)
    note = bomb(armed)
    pid = 0 if armed is victim else victim.pid
    note.with_suffix(".new").write_text(f"{kill.point}:{kill.when}:{kill.nth}:{pid}", "ascii")
    note.with_suffix(".new").replace(note)
    starting = asyncio.create_task(place.start(armed))
    went_off = True
    await until("it is there", lambda: armed._process is not None or starting.done())
    try:
        await until("it goes off", lambda: tempt(place, kill, victim), FIRE_SECS)
    except AssertionError:
        went_off = False
    with suppress(RuntimeError):  # killed before it could answer
        await starting
    note.unlink()
    await asyncio.to_thread(victim.kill)
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
