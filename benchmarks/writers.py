"""What writers of the vendor's notice of the agent at its default duty: the 95th percentile of a commit's time.

Three clerks in a process of their own write and commit without end, while a real agent with the limits of office hours
walks over the same table. It is held and let go in blocks that lie beside each other, because a machine changes more from
minute to minute than the agent changes anything: held, free, free, held, or the other way round, so that what drifts steadily
cancels within four blocks. The figure is the mean over these fours of the logarithm of free to held, a tenth at either end
left out; its upper bound, which is what the limit is held against, is that of 95 of 100 draws of as many fours. Held against held
of the same fours is the noise of the machine: it should be 1.

A site's agent has a machine of its own. Here it shares the server's cores, so it is given what server and clerks leave of them
(SCHED_IDLE): what is measured is what it asks of the server, not what its own reckoning takes away from it.
"""

import asyncio
import math
import os
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.figure import Figure, line, percentile

FOURS, BLOCK_SECS, SETTLE_SECS = 60, 1.0, 0.2
"""Four blocks each; what a block begins with does not count."""
DRAWS = 2_000
ROWS = 60_000
CLERKS, PAUSE_SECS = 3, 0.002
RECENT = int(os.environ.get("WRITERS_RECENT", "600"))
"""Rows that are worked on: were it all of them (`WRITERS_RECENT=60000`), every minute would be one great change of the whole table."""
LIMIT = "limit", 1.05
OFFICE_HOURS = '[capture]\nsweep_secs = 0.05\nnight = ""\n'
"""The defaults, but always walking, and never as freely as by night."""


async def measure() -> AsyncIterator[Figure]:
    for engine in ("mariadb", "postgresql"):
        async with _office(engine) as (agent, arguments):
            pipe, command = asyncio.subprocess.PIPE, ["-m", "benchmarks.writers", *arguments]
            writer = await asyncio.create_subprocess_exec(sys.executable, *command, stdin=pipe, stdout=pipe)
            assert writer.stdout is not None
            await writer.stdout.readline()  # they have begun
            blocks = await _blocks(agent)
            said, _ = await writer.communicate(b"")
            commits = msgspec.json.decode(said, type=list[tuple[float, float]])
        fours = [[math.log(_p95(commits, *block)) for block in four] for four in blocks]
        effects = [(free + again - held - last) / 2 for held, free, again, last in fours]
        for name, values in {"": effects, "_noise": [four[0] - four[3] for four in fours]}.items():
            middle, upper = _estimated(values)
            yield line(f"writers_p95_ratio{name}_{engine}", middle, "with / without", LIMIT, FOURS)
            yield line(f"writers_p95_ratio{name}_upper_{engine}", upper, "with / without", LIMIT, FOURS)
        held, free = (statistics.median(math.exp(four[place]) for four in fours) * 1000 for place in (0, 1))
        yield line(f"writers_p95_{engine}", free, "ms", ("the agent held", held), FOURS)


def _estimated(logs: list[float]) -> tuple[float, float]:
    """-> the ratio that these logarithms of one say, and what it is not above in 95 of 100 draws."""
    dice = random.Random(1)
    drawn = sorted(_trimmed(dice.choices(logs, k=len(logs))) for _ in range(DRAWS))
    return math.exp(_trimmed(logs)), math.exp(drawn[int(DRAWS * 0.95)])


def _trimmed(values: list[float]) -> float:
    """Their mean without a tenth at either end."""
    out = len(values) // 10
    return statistics.fmean(sorted(values)[out : len(values) - out])


async def _blocks(agent: Any) -> list[list[tuple[float, float]]]:
    """-> fours of blocks as (from, to) by the monotonic clock: held, free, free, held, whichever came first."""
    dice, found = random.Random(1), []
    for _ in range(FOURS):
        held: list[tuple[float, float]] = []
        free: list[tuple[float, float]] = []
        order = (False, True, True, False) if dice.random() < 0.5 else (True, False, False, True)
        for working in order:
            agent.thaw() if working else agent.freeze()
            await asyncio.sleep(SETTLE_SECS)
            began = time.monotonic()
            await asyncio.sleep(BLOCK_SECS)
            (free if working else held).append((began, time.monotonic()))
        found.append([held[0], *free, held[1]])
    agent.thaw()
    return found


def _p95(commits: list[tuple[float, float]], began: float, ended: float) -> float:
    return percentile([took for at, took in commits if began <= at < ended], 95)


@asynccontextmanager
async def _office(engine: str) -> AsyncIterator[tuple[Any, list[str]]]:
    """-> the agent that has loaded the table and walks, and the arguments of the writers' process."""
    from provisioning.core.identity import Box
    from tests import services
    from tests.hazard.run import MAPPING
    from tests.hazard.store import MariaDbStore, PostgreSqlStore
    from tests.processes import Agent

    box = Box("s01", 1)
    serve = services.mariadb if engine == "mariadb" else services.postgresql
    async with services.mosquitto([box]) as broker, serve() as server:
        home = broker.box(box.name)
        store = (
            MariaDbStore(server, home)
            if isinstance(server, services.MariaDb)
            else PostgreSqlStore(server, home)
        )
        await store.create()
        await server.execute(_FILL[engine], database=store.database)
        agent = Agent(broker, box, MAPPING.format(source=store.mapping()))
        text = agent.config.read_text("utf-8")
        begin, end = text.index("[capture]"), text.index("[mqtt]")
        config = "{}".join((text[:begin], text[end:]))
        agent.hand_over(*home.iterdir())
        agent.config.write_text(config.format(f"{OFFICE_HOURS}duty = 1.0\nrows_per_sec = 1e6\n"), "utf-8")
        await _walked(agent)
        agent.stop()
        agent.config.write_text(config.format(OFFICE_HOURS), "utf-8")
        await _walked(agent)
        _stand_back(agent.pid)
        try:
            yield agent, [engine, str(server.port), store.database]
        finally:
            agent.stop()


def _stand_back(pid: int) -> None:
    """Threads that it begins later inherit it."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setscheduler(int(task.name), os.SCHED_IDLE, os.sched_param(0))


async def _walked(agent: Any) -> None:
    """The first walk of a start is waited for, the very first loads all: both are over before anything is measured."""
    before = agent.log.count("walk.finished")
    agent.start()
    async with asyncio.timeout(900):
        while agent.log.count("walk.finished") == before:  # noqa: ASYNC110  another process
            await asyncio.sleep(1)


_FILL = {
    "mariadb": "INSERT INTO SP_YWSL (SLBH, SQR, ZT, BJSJ, BLR, XGSJ) "
    f"SELECT concat('SL', seq), '王秀英', 9, '2026-05-01', '赵敏', '2026-01-01' + INTERVAL seq MINUTE FROM seq_1_to_{ROWS}",
    "postgresql": 'INSERT INTO "SP_YWSL" ("SLBH", "SQR", "ZT", "BJSJ", "BLR", "XGSJ") '
    "SELECT 'SL' || n, '王秀英', 9, '2026-05-01', '赵敏', timestamp '2026-01-01' + n * interval '1 minute' "
    f"FROM generate_series(1, {ROWS}) n",
}
_EDIT = {
    "mariadb": "UPDATE SP_YWSL SET ZT = 10 - ZT WHERE ID = {}",
    "postgresql": 'UPDATE "SP_YWSL" SET "ZT" = 10 - "ZT" WHERE "ID" = {}',
}


# the writers' process -----------------------------------------------------------------------------------------


async def write(engine: str, port: str, database: str) -> list[tuple[float, float]]:
    """Until standard input ends. -> of every commit when it ended, by the monotonic clock, and the seconds it took."""
    commits: list[tuple[float, float]] = []
    clerks = [await _connected(engine, int(port), database) for _ in range(CLERKS)]
    print("begun", flush=True)
    working = [
        asyncio.create_task(_clerk(clerk, place, engine, commits)) for place, clerk in enumerate(clerks)
    ]
    await asyncio.to_thread(sys.stdin.read)
    for clerk in working:
        clerk.cancel()
    return commits


async def _clerk(run: Any, place: int, engine: str, commits: list[tuple[float, float]]) -> None:
    dice = random.Random(place)
    while True:
        began = time.monotonic()
        await run(_EDIT[engine].format(ROWS - dice.randrange(RECENT // CLERKS) * CLERKS - place))
        ended = time.monotonic()
        commits.append((ended, ended - began))
        await asyncio.sleep(PAUSE_SECS)


async def _connected(engine: str, port: int, database: str) -> Any:
    """-> what carries out a statement and commits it."""
    from tests.server import HOST
    from tests.services import ADMIN, PASSWORD

    login = {"host": HOST, "port": port, "user": ADMIN, "password": PASSWORD, "database": database}
    if engine == "postgresql":
        import asyncpg

        return (await asyncpg.connect(**login)).execute
    import asyncmy

    return (await asyncmy.connect(**login, autocommit=True)).query


if __name__ == "__main__":
    print(msgspec.json.encode(asyncio.run(write(*sys.argv[1:]))).decode())
