"""The source's clock against the box's monotonic time: a jump of it makes times that nobody had (finding T7)."""

from msgspec import Struct

from common.core.instant import SECOND

LOOK_EVERY = 60 * SECOND
LEAST_JUMP = 30 * SECOND


class Reading(Struct, frozen=True):
    """The server's clock (microseconds since 1970) and our monotonic time, read together."""

    source: int
    mono: int


def jump_secs(before: Reading | None, now: Reading) -> int:
    """By how many seconds the source's clock moved beside time itself; 0: it did not, or nobody knows."""
    if before is None:
        return 0
    moved = (now.source - before.source) - (now.mono - before.mono)
    return 0 if abs(moved) < LEAST_JUMP else round(moved / SECOND)
