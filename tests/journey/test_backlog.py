"""A backlog: what is entered now reaches the hall while the old still drains, and what is waiting holds up no start."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select

from central.config import load as load_central
from central.store import tables as t
from central.store.engine import look
from tests.backlog import fill
from tests.journey.scene import Place, scene, until
from tests.journey.together import together
from tests.shaper import shaped

pytestmark = pytest.mark.service
RATE = 32 * 1024
LEARNED = 60_000
"""As many as a quick machine cannot learn before it has said its first word."""


def learned(path: Path) -> int:
    """The last number of the buffer that the index knows."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        row = db.execute("SELECT v FROM meta WHERE k = 'indexed'").fetchone()
    return int(row[0][4:]) if row else 0  # behind its checksum


async def counts(place: Place) -> dict[str, int]:
    """Lane -> how many cases have come in it."""
    async with look(load_central(place.hall.config).database_url) as conn:
        rows = (
            select(t.record.c.lane, func.count()).where(t.record.c.kind == "case").group_by(t.record.c.lane)
        )
        return {row.lane: row[1] for row in await conn.execute(rows)}


@together
async def test_what_is_entered_now_does_not_wait_behind_the_backlog() -> None:
    async with (
        scene(start=False) as place,
        shaped(place.broker.port, bytes_per_sec=RATE, delay_secs=0.04) as way,
    ):
        await place.stop(place.hall)
        place.agent.config.write_text(
            place.agent.config.read_text("utf-8").replace(
                f"port = {place.broker.port}", f"port = {way.port}"
            ),
            "utf-8",
        )
        for _ in range(2):
            place.office.receive(1000)
        backlog = len(place.office.rows())
        await place.start(place.agent)
        await until("all of it waits", lambda: place.agent.waiting() >= backlog)
        sent = way.up_bytes
        await place.start(place.hall)
        await until("it drains", lambda: way.up_bytes - sent > RATE)
        for _ in range(5):
            place.office.receive(1)
            await asyncio.sleep(0.2)

        async def arrived() -> dict[str, int]:
            found = await counts(place)
            return found if found.get("live", 0) >= 5 else {}

        found = await until("the new ones are in the hall", arrived)
        assert 0 < found["bulk"] < backlog // 2, "the backlog was still on its way"
        await place.settled()
        assert await place.twice() == []


@together
async def test_a_lost_index_learns_all_that_waits_while_the_program_already_works() -> None:
    """It said nothing of itself for minutes where a million records waited, and the service manager would have ended it."""
    async with scene(start=False) as place:
        await place.stop(place.hall)
        await place.start(place.agent)
        await place.stop(place.agent)
        await fill(place.agent.config, LEARNED)
        for file in place.agent.folder.glob("data/index.db*"):
            file.unlink()
        await place.start(place.agent)
        found = place.agent.status()
        assert found is not None
        assert found.rows >= LEARNED
        assert not found.pass_wall, "nothing was read before the index knew what waits"
        assert learned(place.agent.folder / "data" / "index.db") < LEARNED, "it waited until all was learned"
        await until("it reads its source", lambda: (now := place.agent.status()) and now.pass_wall)
