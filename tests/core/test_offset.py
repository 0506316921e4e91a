"""The box's idea of the hall's clock."""

from hypothesis import given
from hypothesis import strategies as st

from common.core import offset
from common.core.instant import HOUR, MINUTE, SECOND

HALL_AHEAD = 1_800_000_000 * SECOND


@given(
    asked=st.lists(
        st.tuples(st.integers(0, HOUR), st.integers(0, 20 * SECOND), st.integers(0, 20 * SECOND)), min_size=1
    ),
    drift=st.integers(-offset.DRIFT_PPM, offset.DRIFT_PPM),
    later=st.integers(0, 24 * HOUR),
)
def test_the_hall_is_where_the_best_sample_says_within_its_error(
    asked: list[tuple[int, int, int]], drift: int, later: int
) -> None:
    """P-CLOCK-05: true within the error it names, whatever the lines take there and back, and the crystals drift."""

    def hall(mono: int) -> int:
        return HALL_AHEAD + mono + mono * drift // 1_000_000

    samples: tuple[offset.Sample, ...] = ()
    now = 0
    for gap, there, back in asked:
        now += gap
        sent, answered, now = now, hall(now + there), now + there + back
        samples = offset.measured(samples, sent, now, answered)
    found = offset.best(samples, now + later)
    slack = 1 + 40 * SECOND * offset.DRIFT_PPM // 1_000_000
    assert abs(hall(now + later) - (found.ahead + now + later)) <= found.err_at(now + later) + slack


def test_the_shortest_round_trip_of_the_last_minutes_is_trusted() -> None:
    samples: tuple[offset.Sample, ...] = ()
    for mono, rtt in ((0, 2), (MINUTE, 1), (2 * MINUTE, 9)):
        samples = offset.measured(samples, mono, mono + rtt * SECOND, HALL_AHEAD + mono)
    assert offset.best(samples, 3 * MINUTE).err == SECOND // 2
    old = offset.measured(samples, HOUR, HOUR + SECOND, HALL_AHEAD)
    assert len(old) == 1
