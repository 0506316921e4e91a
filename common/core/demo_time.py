"""The demonstration's office time: fast while offices work, far faster at night and on weekends.

Pure and the same in every process, because each derives it from the same start and the same elapsed real time.
Offices of the demonstration rest outside 8-18 o'clock and on Saturdays and Sundays; holidays are not skipped.
"""

from common.core.instant import DAY, HOUR

OPENS, CLOSES = 8 * HOUR, 18 * HOUR
_MONDAY = 4 * DAY  # 1970-01-05 in the local zone


def office_time(start_at: int, elapsed: int, pace: float, rest_pace: float, offset: int) -> int:
    """Office time, `elapsed` real microseconds after `start_at`.

    `pace` and `rest_pace` are office seconds per real second; `offset` is the zone's distance from UTC.
    """
    local, left = start_at + offset, float(max(elapsed, 0))
    while True:
        rate, until = _segment(local, pace, rest_pace)
        need = (until - local) / rate
        if left < need:
            return int(local + left * rate) - offset
        local, left = until, left - need


def pace_at(at: int, pace: float, rest_pace: float, offset: int) -> float:
    """Office seconds per real second at office time `at`."""
    return _segment(at + offset, pace, rest_pace)[0]


def _segment(local: int, pace: float, rest_pace: float) -> tuple[float, int]:
    """-> (rate now, local time at which it changes)."""
    midnight = local - local % DAY
    if (local - _MONDAY) // DAY % 7 >= 5:
        return rest_pace, midnight + DAY
    if local < midnight + OPENS:
        return rest_pace, midnight + OPENS
    if local < midnight + CLOSES:
        return pace, midnight + CLOSES
    return rest_pace, midnight + DAY
