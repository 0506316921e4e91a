"""A box's clock is a day wrong: nothing is refused, nothing is reordered, and the doctor says by how much."""

from pathlib import Path

import pytest

from provisioning.core.identity import Box
from tests.journey.scene import FIRST, finds, scene
from tests.journey.together import together

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(LIBRARY is None, reason="apt-get install libfaketime"),
]


def shifted(by: str) -> dict[str, str]:
    """The environment in which a process sees its wall clock `by` off; monotonic time is left alone."""
    return {"LD_PRELOAD": str(LIBRARY), "FAKETIME": by, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@together
async def test_boxes_whose_clocks_are_a_day_wrong_deliver_as_ever_and_say_so() -> None:
    async with scene([FIRST, Box("s02", 1)], start=False) as place:
        ahead, behind = place.sites
        ahead.agent.env, behind.agent.env = shifted("+1d"), shifted("-1d")
        await place.start()
        await place.settled()
        for site in place.sites:
            site.office.receive(5)
        await place.settled()
        assert await place.twice() == []
        # Files are stamped by the kernel's true clock: to a doctor a day ahead every status file looks stale.
        fast = await finds(ahead.agent, "E-SYS-07")
        slow = await finds(behind.agent, "E-SYS-07", **shifted("-1d"))
        for box in (fast, slow):
            assert box.code == 2
            assert "与市中心相差 86" in box.detail("E-SYS-07")
