"""A drill: faults are struck one by one, and each must be named rightly on the box and in the hall within a minute.

What counts as named: the doctor of the box finds exactly the causes written beside the fault, the doctor of the hall
exactly its own (that a site is not live says nothing of why, and is left out), and the three conditions of the site are
as written. Then the fault is mended: all must be well again by itself, and the hall hold what the office holds.
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from central.config import load as load_central
from central.core.conditions import conditions
from central.store import wall
from central.store.engine import look
from common.clock import Clock
from common.core.errors import UnavailableError
from common.core.state import AlarmKind, Health
from tests import services
from tests.journey.scene import Place, command, doctor, scene, until
from tests.journey.test_source import ServerOffice
from tests.journey.test_store import on
from tests.real.chaos import say
from tests.shaper import shaped

LIMIT_SECS = 60.0
LOOK_SECS = 2.0
"""Two doctors each time, one after the other, as each is given seconds: without a pause they were what the drill cost."""
PATIENCE_SECS = 120.0
AT_ONCE = 3
_FAST = 1e9
"""Bytes a second of a line that holds nothing back."""


class Stage(Struct):
    """What a fault is struck on; `server`: the database server that it needs, `line`: between box and broker."""

    place: Place
    line: Any = None
    server: Any = None
    office: Any = None

    async def whole(self) -> bool:
        """The hall says what the office says."""
        if self.office is None:
            return await self.place.agrees()
        try:
            return bool(await self.place.hall_rows() == await self.office.rows())
        except UnavailableError:
            return False

    async def work(self) -> None:
        """The office goes on."""
        if self.office is None:
            self.place.office.receive(3)
        else:
            await self.office.receive(3)


Strike = Callable[[Stage], AsyncIterator[None]]


class Fault(Struct):
    """`box`, `hall`: what the doctors find; `site`: line, box, source, or empty where the hall cannot say."""

    name: str
    strike: Strike
    box: set[str]
    hall: set[str]
    site: list[str]
    said: str
    needs: str


class Outcome(Struct):
    """One fault. `wrong` is empty where it was named, and mended itself."""

    name: str
    secs: float
    wrong: str


FAULTS: dict[str, Fault] = {}


def fault(
    name: str, *, box: str = "", hall: str = "", site: str = "ok ok ok", said: str = "", needs: str = ""
) -> Callable[[Strike], Strike]:
    """Decorates how a fault is struck, `yield`, how it is mended. `said`: words that the hall uses of the site."""

    def add(strike: Strike) -> Strike:
        FAULTS[name] = Fault(name, strike, set(box.split()), set(hall.split()), site.split(), said, needs)
        return strike

    return add


async def run(count: int, seed: int) -> list[Outcome]:
    """`count` of the faults, in the order of `seed`; a few at a time, each on a stage of its own."""
    from tests import drill_faults  # noqa: F401  it fills FAULTS

    rng, turn = random.Random(seed), asyncio.Semaphore(AT_ONCE)
    chosen = rng.sample(sorted(FAULTS), min(count, len(FAULTS)))

    async def one(name: str) -> Outcome:
        async with turn:
            try:
                outcome = await drill(FAULTS[name])
            except Exception as error:  # noqa: BLE001  one stage that fell down must not end the others
                outcome = Outcome(name, 0.0, f"{error!r}"[:2000])
        say(f"{outcome.name}: {outcome.wrong or f'{outcome.secs:.1f} s'}")
        return outcome

    return list(await asyncio.gather(*(one(name) for name in chosen)))


async def drill(item: Fault) -> Outcome:
    """Strike, ask both sides until they name it, mend, wait until all is well."""
    async with staged(item.needs) as stage:
        await settled(stage, "at the start")
        struck = asynccontextmanager(item.strike)
        began, secs, wrong = time.monotonic(), 0.0, "never"
        async with struck(stage):
            began = time.monotonic()
            while wrong and secs < LIMIT_SECS:
                wrong = await unnamed(stage.place, item)
                secs = time.monotonic() - began
                await asyncio.sleep(LOOK_SECS if wrong else 0)
        if wrong:
            return Outcome(item.name, secs, wrong)
        try:
            await settled(stage, "after it")
        except AssertionError as error:
            return Outcome(item.name, secs, str(error))
    return Outcome(item.name, secs, "")


async def unnamed(place: Place, item: Fault) -> str:
    """What of the fault is not named rightly; empty where all is."""
    looked = conditions_of(place) if item.site else asyncio.sleep(0, [])
    box, hall, site = await causes(place.agent), await causes(place.hall), await looked
    health, said = [word for word, _ in site], " ".join(text for _, text in site)
    if box != item.box:
        return f"the box says {sorted(box)}, not {sorted(item.box)}"
    if hall != item.hall:
        return f"the hall says {sorted(hall)}, not {sorted(item.hall)}"
    if item.site and health != item.site:
        return f"the site is {site}, not {item.site}"
    return "" if item.said in said else f"the hall says {said!r}"


async def causes(server: Any) -> set[str]:
    """Checks of its doctor that found a cause."""
    return (await doctor(server)).faults - {"E-HALL-11"}


async def conditions_of(place: Place, site: str = "s01") -> list[tuple[str, str]]:
    """As the site's page has them: (health, words); empty while the hall's database cannot be read."""
    config, clock = load_central(place.hall.config), Clock()
    try:
        async with look(config.database_url) as conn:
            found = {item.id: item.signals for item in await wall.sites(conn, 0, clock.office())}
    except UnavailableError:
        return []
    return [
        (item.health.value, item.detail) for item in conditions(found[site], clock.wall(), clock.office())
    ]


async def settled(stage: Stage, when: str) -> None:
    """Nothing is wrong, and what the office enters is in the hall."""
    await stage.work()
    await until(f"the hall holds what the office holds, {when}", stage.whole, PATIENCE_SECS)
    end = time.monotonic() + PATIENCE_SECS
    while True:
        box, hall = await causes(stage.place.agent), await causes(stage.place.hall)
        site = await conditions_of(stage.place)
        left = [*sorted(box | hall), *(text for health, text in site if health != Health.OK)]
        if not left and site:
            return
        if "E-HALL-14" in hall:
            await accept_all(stage.place)
        assert time.monotonic() < end, f"{when} still: {left}"
        await asyncio.sleep(LOOK_SECS)


async def accept_all(place: Place) -> None:
    """What does not heal is history: somebody has looked into it."""
    where = "--config", str(place.hall.config)
    _, out, _ = await command("mingcha", "alarm", "list", "--json", *where)
    for item in json.loads(out):
        if not AlarmKind(item["kind"]).heals:
            await command("mingcha", "alarm", "accept", str(item["id"]), "--why", "演练", *where)


@asynccontextmanager
async def staged(needs: str) -> AsyncIterator[Stage]:
    """A site, its box, a line, a broker, a hall; with the database server that the fault needs."""
    async with AsyncExitStack() as stack:
        server: Any = None
        office: Any = None
        if needs == "postgresql":
            server = await stack.enter_async_context(services.postgresql(durable=False))
            place = await stack.enter_async_context(on(server))
            await place.stop(place.agent)
        else:
            place = await stack.enter_async_context(scene(start=False))
        if needs == "mariadb":
            server = await stack.enter_async_context(services.mariadb())
            office = await ServerOffice.built(server)
            office.connect(place, await server.create_user(office.database))
        line = None
        if needs == "line":
            line = await stack.enter_async_context(
                shaped(place.broker.port, bytes_per_sec=_FAST, delay_secs=0.0)
            )
            swap(place.agent.config, f"port = {place.broker.port}", f"port = {line.port}")
        await place.start(place.agent)
        yield Stage(place, line, server, office)
        await place.stop(place.agent)


def swap(path: Path, old: str, new: str) -> None:
    """Change a text in a file, which must be there."""
    text = path.read_text("utf-8")
    assert old in text, (path, old)
    path.write_text(text.replace(old, new), "utf-8")
