"""What cameras and the line to a site add to the counts of `measure.py`. Pure.

An absence counts once a person has confirmed it. Planned maintenance is nobody's fault: what lies in it leaves the base as well,
and is named.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from central.core import attendance
from central.core.attendance import Stretch
from central.core.band import OPENS, SLOT, SLOTS
from central.core.calendar import Calendar
from central.core.maintenance import Window
from central.core.measure import Added
from common.core.camera import Seat
from common.core.instant import HOUR, MINUTE, local_date, start_of_day

PLANNED = "计划维护"


def seat_days(
    found: Sequence[Stretch],
    from_at: int,
    until_at: int,
    planned: Sequence[Window],
    calendar: Calendar,
    zone: ZoneInfo,
) -> set[date]:
    """The working days on which a counter was seen while somebody should have been there, outside maintenance."""
    days = set()
    for item in found:
        begin, end = max(item.told.since_at, from_at), min(until_at, item.until_at or until_at)
        if item.told.seat is Seat.UNKNOWN or begin >= end:
            continue
        for opens, closes in attendance.openings(begin, end - 1, item.told.hours, calendar, zone):
            if _is_left(max(begin, opens), min(end, closes), planned):
                days.add(local_date(opens, zone))
    return days


def _is_left(begin: int, end: int, planned: Sequence[Window]) -> bool:
    """Whether anything of [begin, end) lies outside the windows."""
    for window in sorted(planned, key=lambda one: one.from_at):
        if window.from_at <= begin < window.until_at:
            begin = window.until_at
    return begin < end


def seated(
    day: date, absences: Iterable[tuple[int, int]], planned: Sequence[Window], *, is_seen: bool
) -> Iterator[Added]:
    """What one counter adds on one day; `absences`: the confirmed ones, from and until."""
    held = 0
    for begin, end in absences:
        if any(window.meets(Window(begin, end)) for window in planned):
            yield Added(day, "absence", PLANNED)
        else:
            held += end - begin
    if is_seen or held:
        yield Added(day, "seat_of")
    if held:
        yield Added(day, "absence")
        yield Added(day, "absence_minutes", count=max(1, held // MINUTE))


def arrived(
    slots: Mapping[int, bool], planned: Sequence[Window], calendar: Calendar, zone: ZoneInfo
) -> dict[date, list[Added]]:
    """Day -> what a site's line adds. `slots`: start of each quarter hour in which records came to be -> whether some came late."""
    found: dict[date, list[Added]] = {}
    for slot, is_late in sorted(slots.items()):
        day = local_date(slot, zone)
        opens = start_of_day(day, zone) + OPENS.hour * HOUR
        if (
            not opens <= slot < opens + SLOTS * SLOT
            or calendar.is_provisional(day)
            or not calendar.is_workday(day)
        ):
            continue
        mine = found.setdefault(day, [])
        if any(window.meets(Window(slot, slot + SLOT)) for window in planned):
            if is_late:
                mine.append(Added(day, "arrival_late", PLANNED))
            continue
        mine.append(Added(day, "arrival_of"))
        if is_late:
            mine.append(Added(day, "arrival_late"))
    return found
