"""The one place that reads the time. Office time decides deadlines, wall time is for people, monotonic for ages.

In production office time *is* wall time. In the demonstration it runs `pace` times as fast from a fixed start,
in every process alike, because each derives it from the same wall clock.
"""

import time

from msgspec import Struct

from common.core.instant import SECOND


class ClockConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[clock]` of a process's TOML; only the demonstration sets it."""

    demo_office_at: int = 0
    """Office time (microseconds UTC) at which the demonstration starts."""
    demo_start_wall: int = 0
    """Wall time at which it started."""
    demo_pace: float = 1.0
    """Office seconds per real second."""


class Clock:
    """Reads the three clocks, each as int microseconds."""

    def __init__(self, config: ClockConfig | None = None) -> None:
        self._config = config or ClockConfig()

    @property
    def is_demo(self) -> bool:
        return self._config.demo_office_at > 0

    @property
    def pace(self) -> float:
        """Office seconds per real second."""
        return self._config.demo_pace if self.is_demo else 1.0

    def wall(self) -> int:
        return time.time_ns() // 1_000

    def mono(self) -> int:
        return time.monotonic_ns() // 1_000

    def office(self) -> int:
        if not self.is_demo:
            return self.wall()
        elapsed = self.wall() - self._config.demo_start_wall
        return self._config.demo_office_at + int(elapsed * self._config.demo_pace)

    def mono_secs(self) -> float:
        return self.mono() / SECOND
