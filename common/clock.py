"""The one place that reads the time. Office time decides deadlines, wall time is for people, monotonic for ages.

In production office time *is* wall time, on a box the hall's: once compared with it, a wrong or jumping wall clock of the
box moves office time no more. In the demonstration it runs fast from a fixed start, in every process
alike, because each derives it from the same wall clock (`core/demo_time.py`).
"""

import time

from msgspec import Struct

from common.core import demo_time
from common.core.instant import HOUR, SECOND
from common.core.offset import Sample

_DEMO_OFFSET = 8 * HOUR  # 北京时间


class ClockConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[clock]` of a process's TOML; only the demonstration sets it."""

    demo_office_at: int = 0
    """Office time (microseconds UTC) at which the demonstration starts."""
    demo_start_wall: int = 0
    """Wall time at which it started."""
    demo_pace: float = 1.0
    """Office seconds per real second while offices work."""
    demo_rest_pace: float = 1.0
    """The same at night and on weekends."""


class Clock:
    """Reads the three clocks, each as int microseconds."""

    def __init__(self, config: ClockConfig | None = None) -> None:
        self._config = config or ClockConfig()
        self._sample: Sample | None = None

    @property
    def is_demo(self) -> bool:
        return self._config.demo_office_at > 0

    @property
    def pace(self) -> float:
        """Office seconds per real second, now."""
        if not self.is_demo:
            return 1.0
        config = self._config
        return demo_time.pace_at(self.office(), config.demo_pace, config.demo_rest_pace, _DEMO_OFFSET)

    @property
    def top_pace(self) -> float:
        """No office second passes faster than this: what a sleep until an office time must reckon with."""
        return max(self._config.demo_pace, self._config.demo_rest_pace) if self.is_demo else 1.0

    def wall(self) -> int:
        return time.time_ns() // 1_000

    def mono(self) -> int:
        return time.monotonic_ns() // 1_000

    def compare(self, sample: Sample) -> None:
        """With the hall's; the longer ago that was, the less `office` is sure."""
        self._sample = sample

    @property
    def offset(self) -> int | None:
        """The hall's wall time less ours; None: never compared since the process started."""
        return None if self._sample is None else self._sample.ahead + self.mono() - self.wall()

    @property
    def err(self) -> int:
        """How far `office` may be from the hall's; -1: never compared."""
        return -1 if self._sample is None else int(self._sample.err_at(self.mono()) * self.top_pace)

    def office(self, mono: int | None = None) -> int:
        """Now, or at `mono` of this boot."""
        wall = self.wall() + (self.offset or 0) - (0 if mono is None else self.mono() - mono)
        if not self.is_demo:
            return wall
        config = self._config
        return demo_time.office_time(
            config.demo_office_at,
            wall - config.demo_start_wall,
            config.demo_pace,
            config.demo_rest_pace,
            _DEMO_OFFSET,
        )

    def mono_secs(self) -> float:
        return self.mono() / SECOND
