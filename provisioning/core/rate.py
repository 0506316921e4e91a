"""How often one address may ask: a bucket that fills by itself."""

from msgspec import Struct

from common.core.instant import SECOND

BURST = 20
FILL = 3 * SECOND
"""One more request is allowed after so long."""


class Bucket(Struct):
    """Of one address: `level` requests are used up, as of `at_mono`."""

    level: float = 0.0
    at_mono: int = 0

    def take(self, now_mono: int) -> bool:
        """Whether one more request may be answered now; counts it if so."""
        self.level = max(0.0, self.level - (now_mono - self.at_mono) / FILL)
        self.at_mono = now_mono
        if self.level + 1 > BURST:
            return False
        self.level += 1
        return True

    def is_idle(self, now_mono: int) -> bool:
        """Nothing would be lost by forgetting it."""
        return self.level * FILL <= now_mono - self.at_mono
