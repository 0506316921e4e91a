"""How far our clock is from the hall's, by its own words and the time they took (Cristian, Distributed Computing 1989).

An answer that names the hall's time was given between our question and its arrival: the middle is right to half the
round trip. The shortest round trip of the last minutes says it best; an older one is trusted less, because crystals
drift. Compared is our *monotonic* time, so that a jump of the wall clock moves nothing.
"""

from msgspec import Struct

from common.core.instant import MINUTE

KEPT = 10 * MINUTE
DRIFT_PPM = 100
"""More than the crystals of ordinary boards do."""


class Sample(Struct, frozen=True):
    """`ahead`: the hall's wall time less our monotonic time, right to `err` at `mono`. Microseconds."""

    ahead: int
    err: int
    mono: int

    def err_at(self, mono: int) -> int:
        return self.err + (mono - self.mono) * DRIFT_PPM // 1_000_000


def measured(
    samples: tuple[Sample, ...], asked_mono: int, heard_mono: int, hall_wall: int
) -> tuple[Sample, ...]:
    """With one more answer; those that are old are forgotten."""
    sample = Sample(hall_wall - (asked_mono + heard_mono) // 2, (heard_mono - asked_mono) // 2, heard_mono)
    return (*(item for item in samples if heard_mono - item.mono < KEPT), sample)


def best(samples: tuple[Sample, ...], mono: int) -> Sample:
    """The one to trust at `mono`. `samples` is not empty."""
    return min(samples, key=lambda item: item.err_at(mono))
