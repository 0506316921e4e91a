"""From when on backlog may be sent: a pause that the hall has ordered, and the rate that its policy allows.

What was just entered never waits for either.
"""

from common.clock import Clock
from common.core.instant import SECOND
from common.core.message import Policy

NONE = Policy("", 0)


class Pace:
    """`policy` is in force; `until_mono`: a pause ends then. Both are gone with the process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.policy = NONE
        self.until_mono = 0
        self._free_mono = 0

    @property
    def bulk_mono(self) -> int:
        """Monotonic time from which on backlog may be sent."""
        return max(self.until_mono, self._free_mono)

    def spend(self, size: int) -> None:
        """So many bytes of backlog are under way."""
        if self.policy.bulk_bytes_per_sec:
            now = self._clock.mono()
            self._free_mono = max(now, self._free_mono) + size * SECOND // self.policy.bulk_bytes_per_sec

    @property
    def notice(self) -> str:
        """What people should know, in Chinese; or empty."""
        left = self.until_mono - self._clock.mono()
        return f"按市中心指令暂停补传，还有 {left // (60 * SECOND) + 1} 分钟" if left > 0 else ""
