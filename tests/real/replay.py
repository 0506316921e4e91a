"""The municipalities replayed: offices that write, agents that read, a hall that judges, and kills all the while."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

from msgspec import Struct
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store import tables as t
from central.store.engine import look
from common.clock import Clock
from provisioning.core.identity import Box
from tests import processes, services
from tests.keyed import keyed, keyed_server
from tests.processes import Agent, Hall
from tests.real import chaos, compare, office
from tests.real.chaos import Progress, say
from tests.real.compare import Verdict
from tests.real.logs import LoggedCase
from tests.real.office import Entry, Office
from tests.real.vendors import VENDORS
from tests.server import Server
from tests.services import MariaDb, Mosquitto, PostgreSql

BATCHES = 40
"""Transactions in which a site's log is entered, at least."""
MAX_BATCH = 2000
LOOK_SECS = 0.25
DRAIN_SECS = 0.5


class Outcome(Struct, frozen=True):
    """How a run ended: `kills` by name; `quiet_secs` from the last restart or row to the last record in the hall."""

    verdict: Verdict
    kills: dict[str, int]
    quiet_secs: float
    secs: float


class Scene(Struct, frozen=True):
    """Everything that runs."""

    broker: Mosquitto
    hall: Hall
    agents: dict[str, Agent]
    offices: dict[str, Office]

    @property
    def victims(self) -> dict[str, Server]:
        return {**self.agents, "broker": self.broker, "hall": self.hall}


async def run(
    mariadb: MariaDb,
    postgresql: PostgreSql,
    cases: dict[str, list[LoggedCase]],
    *,
    kills: int,
    seed: int,
    hall_database: str = "sqlite",
    patience_secs: float = 120.0,
) -> Outcome:
    """Replay `cases` with `kills` kills. Raises TimeoutError where the hall is not whole `patience_secs` after."""
    began = time.monotonic()
    async with _scene(mariadb, postgresql, hall_database) as scene:
        chance, progress = random.Random(seed), Progress(kills)
        async with asyncio.TaskGroup() as group:
            for site, desk in scene.offices.items():
                entries = office.timeline(VENDORS[site], cases[site])
                group.create_task(_enter(site, desk, entries, progress))
            killing = group.create_task(chaos.havoc(scene.victims, kills, chance, progress))
        quiet_secs = await _settle(scene, patience_secs)
        verdict = await _judge(scene, cases)
        return Outcome(verdict, dict(killing.result()), quiet_secs, round(time.monotonic() - began, 1))


@asynccontextmanager
async def _scene(mariadb: MariaDb, postgresql: PostgreSql, hall_database: str) -> AsyncIterator[Scene]:
    boxes = [Box(site, 1) for site in VENDORS]
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(services.mosquitto(boxes))
        offices = {
            "m1": await office.mariadb_office(mariadb, VENDORS["m1"], broker.box("m1.1")),
            "m2": await office.postgresql_office(postgresql, VENDORS["m2"], broker.box("m2.1")),
            "m3": office.sqlite_office(VENDORS["m3"], broker.box("m3.1")),
        }
        for item in offices.values():
            stack.push_async_callback(item.desk.close)
        hall = await stack.enter_async_context(processes.hall(broker, boxes, hall_database))
        agents = {box.site: Agent(broker, box, offices[box.site].mapping) for box in boxes}
        for agent in agents.values():
            stack.push_async_callback(asyncio.to_thread, agent.stop)
        await asyncio.gather(*(asyncio.to_thread(agent.start) for agent in agents.values()))
        yield Scene(broker, hall, agents, offices)


async def _enter(site: str, item: Office, entries: Sequence[Entry], progress: Progress) -> None:
    """Enter everything in batches, never ahead of the faults."""
    size = min(MAX_BATCH, max(1, -(-len(entries) // BATCHES)))
    for start in range(0, len(entries), size):
        await progress.reaches(start / len(entries))
        now = datetime.now(UTC)
        await item.desk.write([row for entry in entries[start : start + size] for row in entry.make(now)])
    say(f"{site}: {len(entries)} entries written")


# the end ------------------------------------------------------------------------------------------------------


async def _settle(scene: Scene, patience_secs: float) -> float:
    """Wait until every site says it is whole past this moment and the hall holds every number. -> seconds.

    The agents are frozen then: passes that are under way would look like holes.
    """
    began, written_at = time.monotonic(), Clock().office()
    state = ["nothing"]
    try:
        async with asyncio.timeout(patience_secs), look(_address(scene.hall)) as conn:
            while state:
                for name, server in scene.victims.items():
                    chaos.check_alive(name, server)
                await asyncio.sleep(LOOK_SECS)
                state = await _unsettled(conn, written_at) or await _frozen(scene, conn)
    except TimeoutError:
        links = {site: agent.status() for site, agent in scene.agents.items()}
        raise TimeoutError(f"after {patience_secs} s: {state}; {links}") from None
    return round(time.monotonic() - began, 1)


async def _frozen(scene: Scene, conn: AsyncConnection) -> list[str]:
    """Stop the agents where they are. -> what is under way all the same; then they run on."""
    for agent in scene.agents.values():
        agent.freeze()
    await asyncio.sleep(DRAIN_SECS)
    state = await compare.broken_ranges(conn)
    await conn.rollback()
    if state:
        for agent in scene.agents.values():
            agent.thaw()
    return state


async def _unsettled(conn: AsyncConnection, written_at: int) -> list[str]:
    query = select(t.site_pass.c.site, func.min(t.site_pass.c.complete_until)).group_by(t.site_pass.c.site)
    whole = {site for site, until in await conn.execute(query) if until > written_at}
    late = [f"{site} is not whole" for site in VENDORS if site not in whole]
    state = late or await compare.broken_ranges(conn)
    await conn.rollback()
    return state


async def _judge(scene: Scene, cases: dict[str, list[LoggedCase]]) -> Verdict:
    boxes = {site: agent.folder for site, agent in scene.agents.items()}
    async with look(_address(scene.hall)) as conn:
        verdict = await compare.judge(conn, boxes, cases)
        for site, number in (await compare.epochs(conn)).items():
            if number != 1:
                verdict.problems.append(f"{site}: the buffer began {number} epochs")
    for site, box in boxes.items():
        verdict.note(site, "rows set aside", compare.quarantined(box))
    return verdict


def _address(hall: Hall) -> str:
    if hall.database == "sqlite":
        return keyed(hall.folder / "data" / "central.db")
    return keyed_server(hall.database, hall.folder)
