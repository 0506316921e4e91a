"""How many bytes of backlog may be under way: enough to fill the line, and little enough that live rows pass quickly.

Theory. What is under way beyond rate x base round trip only waits in a queue before the narrowest place, and every live
row waits behind it. The rate is measured as in BBR (draft-ietf-ccwg-bbr, delivery rate sampling): bytes acknowledged
between a run's sending and its acknowledgement, over that time; the largest of the last samples counts, because a burst
of acknowledgements spreads out but never hurries. The base is the least round trip of the last ten minutes. The window
is what the line delivers in the base and a quarter of a second, so the queue, and with it what a live row waits, stays
near that quarter.
"""

from msgspec import Struct
from msgspec.structs import replace

from common.core.instant import MINUTE, SECOND

QUEUE = SECOND // 4
LEAST_BYTES = 8 * 1024
FIRST_BYTES = 32 * 1024
SAMPLES = 8
BASE_AGE = 10 * MINUTE
MIN_ROWS = 20
MAX_ROWS = 500
"""Of a run. A longer one packs hardly better; a shorter one costs its header and seal."""
_FIRST_ROW_BYTES = 60.0


class Window(Struct, frozen=True):
    """State; times are monotonic microseconds."""

    delivered: int = 0  # bytes acknowledged in this connection
    rates: tuple[float, ...] = ()  # bytes per microsecond, newest last
    base: int = 0  # least round trip; 0: not measured
    base_mono: int = 0
    row_bytes: float = _FIRST_ROW_BYTES  # of a record on the wire, smoothed

    @property
    def bytes(self) -> int:
        """What may be under way."""
        if not self.rates:
            return FIRST_BYTES
        return max(LEAST_BYTES, int(max(self.rates) * (self.base + QUEUE)))

    @property
    def rows(self) -> int:
        """Of a run of the backlog. A quarter of the window: the last may begin while the others nearly fill it, because
        a window that had to hold whole runs would stop growing where the next does not fit."""
        return max(MIN_ROWS, min(MAX_ROWS, int(self.bytes / 4 / self.row_bytes)))


def sent(window: Window, rows: int, size: int) -> Window:
    """A run of `rows` records went out in `size` bytes."""
    return replace(window, row_bytes=window.row_bytes + (size / rows - window.row_bytes) / 8)


def acknowledged(window: Window, size: int, delivered: int, sent_mono: int, now: int) -> Window:
    """A run of `size` bytes was acknowledged; `delivered`: what `window.delivered` was when it was sent."""
    took = max(1, now - sent_mono)
    total = window.delivered + size
    is_old = now - window.base_mono > BASE_AGE
    is_least = not window.base or took < window.base or is_old
    return replace(
        window,
        delivered=total,
        rates=(*window.rates, (total - delivered) / took)[-SAMPLES:],
        base=took if is_least else window.base,
        base_mono=now if is_least else window.base_mono,
    )
