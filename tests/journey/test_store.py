"""The hall's database goes away under it: no acknowledgement without a commit, and everything after it is back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests import services
from tests.journey.scene import Place, events, finds, scene, until
from tests.journey.together import together
from tests.services import PostgreSql

pytestmark = pytest.mark.service


@together
async def test_a_database_that_is_killed_holds_up_receipts_and_pages_and_nothing_else() -> None:
    async with services.postgresql(durable=False) as database, on(database) as place:
        await place.settled()
        assert (await place.page("/"))[0] == 200
        await asyncio.to_thread(database.kill)
        place.office.receive(20)
        await until("the hall has said so", lambda: events(place.hall, "store.unavailable"))
        hall = await finds(place.hall, "E-HALL-01")
        assert hall.code == 3
        status, text = await place.page("/")
        assert (status, "数据库暂时不可用" in text) == (503, True)
        assert "数据没有丢失，站点照常采集" in text
        await until("the box collects on", lambda: place.agent.waiting() >= 40)
        await asyncio.to_thread(database.start)
        await place.settled()
        assert len(events(place.hall, "store.unavailable")) == len(events(place.hall, "store.recovered")) == 1
        assert await place.twice() == []
        assert (await place.page("/"))[0] == 200
        assert (await finds(place.agent)).code == 0


@together
async def test_a_hall_that_starts_before_its_server_and_then_before_its_database_waits_for_both() -> None:
    async with services.postgresql(durable=False) as database, on(database) as place:
        await place.settled()
        name = place.hall.database.rpartition("/")[2]
        await asyncio.to_thread(place.hall.kill)
        await database.execute(f"ALTER DATABASE {name} RENAME TO away")
        await asyncio.to_thread(database.kill)
        place.office.receive(5)
        starting = asyncio.create_task(place.start(place.hall))
        await until("it waits", lambda: len(events(place.hall, "store.unavailable")) > 0)
        hall = await finds(place.hall, "E-HALL-01", "E-HALL-09")
        assert "连不上数据库" in hall.detail("E-HALL-01")
        await asyncio.to_thread(database.start)
        await asyncio.sleep(2)
        hall = await finds(place.hall, "E-HALL-01", "E-HALL-09")
        assert f'"{name}" does not exist' in hall.detail("E-HALL-01")
        assert not starting.done()
        await database.execute(f"ALTER DATABASE away RENAME TO {name}")
        await starting
        assert len(events(place.hall, "store.recovered")) == 1
        await place.settled()


@asynccontextmanager
async def on(database: PostgreSql) -> AsyncIterator[Place]:
    """A hall with its tables on this server."""
    async with scene(database=database.url(await database.create_database())) as place:
        yield place
