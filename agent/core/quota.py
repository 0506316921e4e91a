"""How much of its room the buffer has used, and what follows from it (sync.md 3.8).

The office's own database is the buffer above ours: at 95 % reading stops and the position stays, so that nothing is
lost. Reading goes on below 90 %, because at the edge it would begin and stop with every batch.

From 85 % on what accuses and excuses nobody is left out, so that the rest of the room is the cases': how much it was is
counted and told. Nothing that is in the buffer is ever deleted for room.
"""

from collections.abc import Sequence
from enum import StrEnum

from common.core.record import Observation
from common.core.state import Observed

WARN_PERCENT = 70
SHED_PERCENT = 85
STOP_PERCENT = 95
RESUME_PERCENT = 90


class Level(StrEnum):
    """What the agent does at a fill of the quota."""

    OK = "ok"
    WARN = "warn"
    SHED = "shed"
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
    if filled >= SHED_PERCENT:
        return Level.SHED
    return Level.WARN if filled >= WARN_PERCENT else Level.OK


def kept(seen: Sequence[Observation], level: Level) -> list[Observation]:
    """What of `seen` is written at this level: above it mere notices are shed, never evidence (PROTOCOL.md P-OBS-05)."""
    return [item for item in seen if level not in SHEDDING or item.code not in NOTICES]


SHEDDING = {Level.SHED, Level.STOP}
NOTICES = {Observed.NUMBER_MISSING, Observed.COLUMN_NEW}
