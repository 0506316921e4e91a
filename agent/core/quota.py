"""How much of its room the buffer has used, and what follows from it (sync.md 3.8).

The office's own database is the buffer above ours: at 95 % reading stops and the position stays, so that nothing is
lost. Reading goes on below 90 %, because at the edge it would begin and stop with every batch.
"""

from enum import StrEnum

WARN_PERCENT = 70
STOP_PERCENT = 95
RESUME_PERCENT = 90


class Level(StrEnum):
    """What the agent does at a fill of the quota."""

    OK = "ok"
    WARN = "warn"
    STOP = "stop"


def limit(max_bytes: int, disk_bytes: int, share_percent: int) -> int:
    """The buffer's room in bytes: `max_bytes`, but no more than its share of the file system."""
    return min(max_bytes, disk_bytes * share_percent // 100)


def percent(used: int, room: int) -> float:
    """Of `room` bytes; a room of nothing is full."""
    return 100 * used / room if room > 0 else 100.0


def level(used: int, room: int, before: Level) -> Level:
    """The level at `used` of `room` bytes, after `before`."""
    filled = percent(used, room)
    if filled >= STOP_PERCENT or (before is Level.STOP and filled >= RESUME_PERCENT):
        return Level.STOP
    return Level.WARN if filled >= WARN_PERCENT else Level.OK
