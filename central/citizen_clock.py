"""What moves complaints, consultations and ratings without anybody: days that have passed. It turns whatever the public database does.

What the hall owes is late whoever listens. Silence is not: it closes a complaint only where everything that was handed in by the
end of that day has been taken from the box, for the verdict may lie in it. So with a call-back: who has said by its last day whether
it is solved is not called any more.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from msgspec import Struct

from central import complaint, consult, rating
from central.complaint import Bench
from central.correction_clock import Skipped, Work, taken
from central.store import complaints, consults, ratings
from central.store.engine import Store
from central.world import Moment, World
from common.clock import Clock
from common.core.errors import UnavailableError
from common.core.instant import local_date

LOOK_SECS = 1.0
PAGE = 200


class Heard(Struct):
    """Until when (office time) all that was handed in at the door has been taken; 0: not once in this life of the hall."""

    at: int = 0


async def look_once(store: Store, bench: Bench, heard: Heard, skipped: Skipped) -> int:
    """Note what has passed. -> how much. Raises UnavailableError of the hall's own database."""
    spoken = local_date(heard.at, bench.zone)
    async with store.read() as conn:
        works: list[tuple[str, Sequence[int], Work]] = [
            (
                "complaint",
                await complaints.due(conn, bench.now.at, PAGE),
                lambda conn, number: complaint.pass_day(conn, number, bench, spoken),
            ),
            (
                "consult",
                await consults.due(conn, bench.now.at, PAGE),
                lambda conn, number: consult.pass_day(conn, number, bench),
            ),
            (
                "rating",
                await ratings.due(conn, bench.now.at, PAGE),
                lambda conn, number: rating.pass_day(conn, number, bench),
            ),
        ]
    return await taken(store, works, skipped)


async def run(store: Store, world: World, clock: Clock, secret: bytes, heard: Heard) -> None:
    """Look for ever. `secret`: the hall's raw operations key."""
    skipped: Skipped = set()
    while True:
        with suppress(UnavailableError):  # the writer of batches reports the database
            now = Moment(clock.office(), clock.wall())
            await look_once(store, Bench(now, world.zone, world.calendar, secret), heard, skipped)
        await asyncio.sleep(LOOK_SECS)
