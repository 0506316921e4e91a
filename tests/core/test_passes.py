"""What a capture round says of completeness, whatever its box's clock showed."""

import pytest

from central.core.passes import begun_at
from common.core.record import Pass


@pytest.mark.parametrize(
    ("started_at", "clock_err", "received_at", "begun"),
    [
        (100, 0, 150, 100),
        (100, 30, 150, 70),  # it may have begun so much earlier
        (200, 30, 150, 150),  # a clock ahead: it began before it arrived
        (100, -1, 150, None),
    ],
)
def test_a_round_began_at_the_latest_when_it_arrived(
    started_at: int, clock_err: int, received_at: int, begun: int | None
) -> None:
    assert begun_at(Pass(started_at, {"case": 1}, clock_err=clock_err), received_at) == begun
