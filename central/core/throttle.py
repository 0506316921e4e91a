"""How long a name must wait after wrong passwords: three are free, then 2, 4, 8 ... seconds, at most five minutes."""

from msgspec import Struct

from common.core.instant import MINUTE, SECOND

FREE = 3
LONGEST_SECS = 300


PER_MINUTE = 30


class Allowance(Struct, frozen=True):
    """What an address may still ask, as at a moment of monotonic time."""

    left: float
    at_mono: int


def spend(
    before: Allowance | None, now_mono: int, most: int = PER_MINUTE, span: int = MINUTE
) -> Allowance | None:
    """One request of an address that may make `most` in `span` (microseconds), and as many at once.

    -> what is left; None: too many.
    """
    since = now_mono - before.at_mono if before else 0
    left = min(most, (before.left if before else most) + since * most / span)
    return Allowance(left - 1, now_mono) if left >= 1 else None


class Failures(Struct, frozen=True):
    """Wrong passwords in a row, and when the last one was: wall time, because it outlives the program."""

    count: int = 0
    last_wall: int = 0


def wait_secs(failures: Failures, now_wall: int) -> int:
    """Seconds until the next try is allowed; 0: now. A clock that was set back makes nobody wait longer than the pause."""
    if failures.count < FREE:
        return 0
    pause: int = min(2 ** min(failures.count - FREE + 1, 30), LONGEST_SECS) * SECOND
    return max(0, -(-min(failures.last_wall + pause - now_wall, pause) // SECOND))


def failed(failures: Failures, now_wall: int) -> Failures:
    return Failures(failures.count + 1, now_wall)
