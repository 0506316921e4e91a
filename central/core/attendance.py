"""What a box said of its counters -> the times nobody was there when somebody should have been (cameras.md 3.7).

An absence is proposed only where the box said `unattended` without a break for longer than is allowed, inside the hours
of a working day whose notice is published; time of which nobody can say anything is never counted. A proposal is nothing
until a person has looked and confirmed it.
"""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from central.core.calendar import Calendar
from common.core.camera import Seat
from common.core.instant import MINUTE, local_date, start_of_day

SETTLE = 5 * MINUTE
"""A box says what was up to so much earlier (a fault is dated back to its first frame): until then nothing is proposed."""


_TRUSTED = 95


class Ruling(StrEnum):
    """What a person said of a proposed absence."""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"

    @property
    def word(self) -> str:
        return {Ruling.CONFIRMED: "确认脱岗", Ruling.REJECTED: "不是脱岗"}[self]


class Told(Struct, frozen=True):
    """From `since_at` on a counter stands so. `hours`: minutes of a working day; none: it is watched no longer."""

    seat: Seat
    since_at: int
    object: bool = False
    hours: tuple[tuple[int, int], ...] = ()
    away_us: int = 0
    detail: str = ""
    sure: int = 0  # of a hundred scenes on which its box was tried; 0: it did not say


class Stretch(Struct, frozen=True):
    """`until_at`: None while it lasts."""

    told: Told
    until_at: int | None


class Ticket(Struct, frozen=True):
    """One number of the queue; `called_at`: when its turn came, None: not recorded. `counter`: which one, empty: any."""

    taken_at: int
    called_at: int | None = None
    counter: str = ""


class Absence(Struct, frozen=True):
    """Nobody was there from `begin_at` to `end_at`, all of it in the hours of one working day."""

    begin_at: int
    end_at: int
    object: bool
    away_us: int
    is_over: bool  # nothing that may still come can make it shorter
    is_end_seen: bool = True  # false: from then on nobody can tell, and it may have lasted longer
    sure: int = 0  # the least that was said in that time; 0: nothing

    @property
    def trust(self) -> str:
        """How far a person may rely on it, in words, with the figure behind; empty where the box said nothing."""
        if not self.sure:
            return ""
        return f"{'较有把握' if self.sure >= _TRUSTED else '把握不大'}（模拟画面上 {self.sure}% 判对）"


def stretches(said: Sequence[Told]) -> list[Stretch]:
    """In order of time, of what was said in the order in which it was said; what was said later of the same time counts."""
    kept: list[Told] = []
    for item in said:
        while kept and kept[-1].since_at >= item.since_at:
            kept.pop()
        if kept and replace(item, since_at=0) == replace(kept[-1], since_at=0):
            continue
        kept.append(item)
    ends: list[int | None] = [item.since_at for item in kept[1:]]
    return [Stretch(item, end) for item, end in zip(kept, [*ends, None], strict=False)]


def is_open(at: int, hours: Sequence[tuple[int, int]], calendar: Calendar, zone: ZoneInfo) -> bool:
    """Somebody should be there at this instant."""
    return any(begin <= at < end for begin, end in openings(at, at, hours, calendar, zone))


def openings(
    from_at: int, to_at: int, hours: Sequence[tuple[int, int]], calendar: Calendar, zone: ZoneInfo
) -> list[tuple[int, int]]:
    """The stretches of open time of the days from that of `from_at` to that of `to_at`; none of a provisional day."""
    found, day = [], local_date(from_at, zone)
    last = local_date(to_at, zone)
    while day <= last:
        if not calendar.is_provisional(day) and calendar.is_workday(day):
            midnight = start_of_day(day, zone)
            found += [(midnight + begin * MINUTE, midnight + end * MINUTE) for begin, end in sorted(hours)]
        day += timedelta(days=1)
    return found


def absences(
    found: Sequence[Stretch], from_at: int, known_until: int, calendar: Calendar, zone: ZoneInfo
) -> list[Absence]:
    """Those that reach beyond `from_at`, oldest first. `known_until`: what the site said of later times is not all here."""
    proposed = []
    lost = {item.told.since_at for item in found if item.told.seat is Seat.UNKNOWN and item.told.hours}
    for run in _runs(found, known_until):
        told, end_at = run.told, run.until_at
        assert end_at is not None
        begin_at = max(told.since_at, from_at)
        for opens, closes in openings(begin_at, end_at, told.hours, calendar, zone):
            begin, end = max(told.since_at, opens), min(end_at, closes)
            if end > from_at and end - begin > told.away_us:
                is_over = end + SETTLE <= known_until
                within = _within(found, begin, end)
                lay_there, sure = any(item.object for item in within), min(item.sure for item in within)
                is_seen = end == closes or end not in lost
                proposed.append(Absence(begin, end, lay_there, told.away_us, is_over, is_seen, sure))
    return proposed


def _within(found: Sequence[Stretch], begin_at: int, end_at: int) -> list[Told]:
    """What was said of that time."""
    return [
        item.told for item in found if item.told.since_at < end_at and (item.until_at or end_at) > begin_at
    ]


def waiting(absence: Absence, name: str, day: Sequence[Ticket]) -> int | None:
    """How many waited for the counter of this name meanwhile, of that day's tickets; None: no queue is recorded for it.

    Whose turn is not recorded waited only if he came during the absence: of the others nobody knows.
    """
    mine = [one for one in day if not one.counter or _plain(one.counter) == _plain(name)]
    if not mine:
        return None
    begin, end = absence.begin_at, absence.end_at
    return sum(
        one.taken_at < end and (one.taken_at >= begin if one.called_at is None else one.called_at > begin)
        for one in mine
    )


def _plain(name: str) -> str:
    return "".join(char for char in name if char.isalnum())


def _runs(found: Sequence[Stretch], known_until: int) -> list[Stretch]:
    """Unattended without a break under the same hours, whatever lay on the chair."""
    runs: list[Stretch] = []
    for item in found:
        told = item.told
        if told.seat is not Seat.UNATTENDED or told.since_at >= known_until:
            continue
        until = known_until if item.until_at is None else min(item.until_at, known_until)
        before = runs[-1] if runs else None
        if before is not None and before.until_at == told.since_at and _same_terms(before.told, told):
            runs[-1] = Stretch(before.told, until)
        else:
            runs.append(Stretch(told, until))
    return runs


def _same_terms(one: Told, other: Told) -> bool:
    return (one.hours, one.away_us) == (other.hours, other.away_us)
