"""Office time of a box that was compared with the hall: how sure it is, and how that fades."""

from common.clock import Clock
from common.core.instant import DAY, SECOND
from common.core.offset import DRIFT_PPM, Sample


class Stopped(Clock):
    """As the test says."""

    now_wall, now_mono = 1_800_000_000 * SECOND, 5 * DAY

    def wall(self) -> int:
        return self.now_wall

    def mono(self) -> int:
        return self.now_mono


def test_a_clock_that_was_never_compared_says_so_and_goes_by_its_own_wall() -> None:
    clock = Stopped()
    assert (clock.offset, clock.err, clock.office()) == (None, -1, clock.now_wall)


def test_office_time_is_the_halls_and_less_sure_the_longer_ago_they_were_compared() -> None:
    clock = Stopped()
    clock.compare(Sample(clock.now_wall + DAY - clock.now_mono, 5_000, clock.now_mono))
    assert (clock.offset, clock.err, clock.office()) == (DAY, 5_000, clock.now_wall + DAY)
    clock.now_wall = 0  # it jumps
    assert clock.office() == Stopped.now_wall + DAY
    assert clock.office(clock.now_mono - SECOND) == Stopped.now_wall + DAY - SECOND
    clock.now_mono += 7 * DAY
    assert clock.err == 5_000 + 7 * DAY * DRIFT_PPM // 1_000_000
