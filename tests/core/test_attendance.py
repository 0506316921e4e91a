"""From what was said of a counter to the absences that are proposed."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from central.core import attendance
from central.core.attendance import SETTLE, Absence, Ticket, Told
from central.core.calendar import Calendar
from common.core.camera import Seat
from common.core.instant import DAY, HOUR, MINUTE, start_of_day

ZONE = ZoneInfo("Asia/Shanghai")
FRIDAY = date(2026, 6, 12)
MIDNIGHT = start_of_day(FRIDAY, ZONE)
CALENDAR = Calendar(
    1, date(2026, 6, 8), [(date(2026, 6, 8) + timedelta(days=n)).weekday() < 5 for n in range(14)]
)
HOURS = ((9 * 60, 12 * 60), (13 * 60 + 30, 17 * 60))
LATER = MIDNIGHT + 3 * DAY


def at(hour: float) -> int:
    return MIDNIGHT + int(hour * HOUR)


def told(seat: Seat, hour: float, *, thing: bool = False, hours: tuple[tuple[int, int], ...] = HOURS) -> Told:
    return Told(seat, at(hour), thing, hours, 10 * MINUTE)


def proposed(*said: Told, until: int = LATER) -> list[tuple[float, float, bool]]:
    found = attendance.absences(attendance.stretches(said), MIDNIGHT, until, CALENDAR, ZONE)
    return [((a.begin_at - MIDNIGHT) / HOUR, (a.end_at - MIDNIGHT) / HOUR, a.is_over) for a in found]


def test_an_absence_is_what_lies_in_the_hours_and_is_longer_than_allowed() -> None:
    on, off = Seat.ATTENDED, Seat.UNATTENDED
    assert proposed(told(on, 9), told(off, 10), told(on, 10.5)) == [(10, 10.5, True)]
    assert proposed(told(off, 10), told(on, 10 + 1 / 6)) == [], "ten minutes are allowed"
    assert proposed(told(off, 11.5), told(on, 14)) == [(11.5, 12, True), (13.5, 14, True)], "but not lunch"
    assert proposed(told(off, 18), told(on, 24 + 8)) == []
    assert proposed(told(off, 24 + 9), told(on, 24 + 17)) == [], "a Saturday"


def test_time_of_which_nobody_can_say_anything_ends_an_absence_and_a_coat_does_not() -> None:
    off = Seat.UNATTENDED
    assert proposed(told(off, 9), told(Seat.UNKNOWN, 9.1), told(off, 9.2), told(Seat.ATTENDED, 9.3)) == []
    assert proposed(told(off, 9), told(off, 9.1, thing=True), told(Seat.ATTENDED, 9.3)) == [(9, 9.3, True)]
    assert proposed(told(off, 9), told(Seat.UNKNOWN, 9.4), told(off, 9.3)) == [
        (9, 12, True),
        (13.5, 17, True),
    ]


def test_an_absence_is_as_sure_as_the_least_that_was_said_of_it() -> None:
    said = [
        replace(told(Seat.UNATTENDED, 9), sure=99),
        replace(told(Seat.UNATTENDED, 9.2, thing=True), sure=80),
        told(Seat.ATTENDED, 9.5),
        replace(told(Seat.UNATTENDED, 10), sure=99),
        told(Seat.ATTENDED, 10.5),
        told(Seat.UNATTENDED, 11),
    ]
    found = attendance.absences(attendance.stretches(said), MIDNIGHT, at(12), CALENDAR, ZONE)
    assert [item.trust for item in found] == [
        "把握不大（模拟画面上 80% 判对）",
        "较有把握（模拟画面上 99% 判对）",
        "",
    ]


def test_who_waited_meanwhile_is_counted_by_the_queue_of_the_counter_or_of_the_hall() -> None:
    absence = Absence(at(10), at(10.5), object=False, away_us=0, is_over=True)

    def waited(*day: Ticket) -> int | None:
        return attendance.waiting(absence, "3 号窗口", day)

    assert waited() is None
    assert waited(Ticket(at(10.1), at(10.2), "4号窗口")) is None, "another counter's"
    assert waited(Ticket(at(9), at(10), "3号窗口"), Ticket(at(10.5), at(10.6))) == 0
    assert waited(Ticket(at(9.9), at(10.1)), Ticket(at(10.4), at(11), "3号窗口"), Ticket(at(10.2))) == 3
    assert waited(Ticket(at(9.9))) == 0, "nobody knows when his turn came"


def test_what_may_still_change_is_not_over() -> None:
    off = told(Seat.UNATTENDED, 16)
    assert proposed(off, until=at(16.1)) == []
    assert proposed(off, until=at(16.5)) == [(16, 16.5, False)]
    assert proposed(off, until=at(17.01)) == [(16, 17, False)]
    assert proposed(off, until=at(17) + SETTLE) == [(16, 17, True)]


def test_a_day_whose_notice_is_not_published_is_none() -> None:
    far = (date(2026, 6, 24) - FRIDAY).days * 24
    assert (
        proposed(told(Seat.UNATTENDED, far + 9), told(Seat.ATTENDED, far + 12), until=LATER + 30 * DAY) == []
    )


said_any = st.lists(
    st.builds(
        Told,
        seat=st.sampled_from(Seat),
        since_at=st.integers(at(8), at(19)),
        object=st.booleans(),
        hours=st.sampled_from([HOURS, ((600, 660),), ()]),
        away_us=st.just(10 * MINUTE),
    ),
    max_size=12,
)


@given(said_any, st.integers(at(8), at(20)))
def test_every_moment_of_an_absence_was_said_to_be_unattended_in_open_hours(
    said: list[Told], until: int
) -> None:
    found = attendance.stretches(said)
    for item in attendance.absences(found, MIDNIGHT, until, CALENDAR, ZONE):
        assert item.end_at - item.begin_at > item.away_us
        assert item.end_at <= until
        inside = [
            one
            for one in found
            if one.told.since_at < item.end_at and (one.until_at is None or one.until_at > item.begin_at)
        ]
        assert {one.told.seat for one in inside} == {Seat.UNATTENDED}
        for moment in (item.begin_at, item.end_at - 1):
            assert attendance.is_open(moment, inside[0].told.hours, CALENDAR, ZONE)


@given(said_any)
@example([told(Seat.UNATTENDED, 8), told(Seat.UNATTENDED, 14, thing=True)])
def test_an_absence_that_is_over_stays_as_it_is(said: list[Told]) -> None:
    """What is ruled on is named by its begin and end."""
    found = attendance.stretches(said)

    def over(until: int) -> list[Absence]:
        every = attendance.absences(found, MIDNIGHT, until, CALENDAR, ZONE)
        return [item for item in every if item.is_over]

    first, last = over(at(14)), over(LATER)
    assert last[: len(first)] == first
