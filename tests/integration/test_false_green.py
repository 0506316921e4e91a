"""What is missing is never 实时, whatever a box says of it: heartbeats, the hall's tables, the state on the wall."""

import pytest
from msgspec.structs import replace

from central.core import site
from central.presence import Presence
from central.store import alarms, wall
from central.store.engine import Store
from common.clock import Clock
from common.core.instant import SECOND
from common.core.message import Heartbeat, State
from common.core.state import AlarmKind, Link
from tests.integration.test_welcome import NOW, refusal, store, taken
from tests.sender import Sender, case

__all__ = ["store"]
ROWS = 600


class Moved(Clock):
    """Goes as the test says."""

    now = NOW

    def wall(self) -> int:
        return self.now


async def linked(store: Store, clock: Clock) -> Link:
    async with store.read() as conn:
        found = next(item for item in await wall.sites(conn, 0, clock.wall()) if item.id == "s01")
    return site.derive(found.signals, clock.wall(), clock.wall())


@pytest.mark.parametrize(
    ("age_s", "rows", "lacking"),
    [
        (-3_500.0, ROWS, ROWS),  # a clock that was set back by an hour after the rows were captured
        (0.0, ROWS, ROWS),
        (0.0, 0, 0),  # a box that claims to have nothing
    ],
)
async def test_no_word_of_a_box_hides_what_is_missing(
    store: Store, age_s: float, rows: int, lacking: int
) -> None:
    """P-STATE-03, P-STATE-04: a live row comes every ten seconds; the backlog does not."""
    sender, clock = Sender(), Moved()
    presence = Presence(store, clock)
    sender.number(*(case(str(number), at=NOW) for number in range(ROWS)))
    assert await refusal(store, sender) == ""
    beat = Heartbeat(
        "c1",
        sender.epoch,
        0,
        0,
        rows,
        1,
        age_s,
        1.0,
        "",
        0,
        1.0,
        1.0,
        "steady",
        NOW,
        "1",
        lacking=lacking,
    )
    seen: dict[int, Link] = {}
    for second in range(0, 90, 10):
        clock.now = NOW + second * SECOND
        sender.number(case(f"live{second}", at=NOW))
        presence.state("s01", State("c1", True, sender.epoch, "1"))
        presence.beat("s01", replace(beat, newest=sender.newest))
        await presence._flush()
        await taken(store, sender.payload(sender.newest), now=clock.now)
        seen[second] = await linked(store, clock)
    assert {second for second, link in seen.items() if link is not Link.CATCHUP} <= {0, 10, 20}
    async with store.read() as conn:
        raised = [row.kind for row in await alarms.listed(conn)]
    assert raised == [AlarmKind.LAG.value], "its age, or what it says is missing, cannot be"
    await taken(store, sender.payload(1, ROWS), now=clock.now)
    assert await linked(store, clock) is Link.LIVE
