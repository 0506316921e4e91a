"""The working-day calendar on the real years, and against day-by-day counting."""

from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import central
from central.core import calendar as module
from central.core import clock
from central.core.calendar import Calendar, CalendarData
from central.core.clock import Clock

DATA = Path(central.__file__).parent / "data" / "calendar_cn.json"
CALENDAR: Calendar = module.build(1, msgspec.json.decode(DATA.read_bytes(), type=CalendarData))
DAYS = st.dates(date(2008, 1, 1), date(2026, 6, 30))


def test_2026_has_248_working_days_and_its_make_up_days() -> None:
    year = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    assert sum(CALENDAR.is_workday(day) for day in year) == 248
    made_up = [day for day in year if CALENDAR.is_workday(day) and day.weekday() >= 5]
    assert [f"{day:%m-%d}" for day in made_up] == ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"]


@pytest.mark.parametrize(
    ("start", "days", "expected"),
    [
        ("2026-09-16", 20, "2026-10-20"),
        ("2026-09-17", 20, "2026-10-21"),
        ("2026-02-06", 20, "2026-03-12"),
        ("2026-09-30", 5, "2026-10-13"),
        ("2026-11-21", 5, "2026-11-27"),
        ("2026-09-20", 5, "2026-09-28"),
        ("2026-02-13", 10, "2026-03-05"),
        ("2026-03-02", 20, "2026-03-30"),
        ("2026-03-02", 30, "2026-04-14"),
        ("2026-11-23", 28, "2026-12-31"),
    ],
)
def test_the_golden_table_of_due_days(start: str, days: int, expected: str) -> None:
    due = clock.due(clock.begin(date.fromisoformat(start), days), CALENDAR)
    assert due == date.fromisoformat(expected)
    assert not CALENDAR.is_provisional(due)


@pytest.mark.parametrize(
    ("limit", "yellow", "due"),
    [
        (1, "2026-03-02", "2026-03-03"),
        (5, "2026-03-06", "2026-03-09"),
        (10, "2026-03-13", "2026-03-16"),
        (20, "2026-03-26", "2026-03-30"),
        (45, "2026-04-28", "2026-05-08"),
    ],
)
def test_the_golden_table_of_yellow_days(limit: int, yellow: str, due: str) -> None:
    started = clock.begin(date(2026, 3, 2), limit)
    assert clock.yellow(started, CALENDAR) == date.fromisoformat(yellow)
    assert clock.due(started, CALENDAR) == date.fromisoformat(due)


@pytest.mark.parametrize("resumed", ["2026-03-20", "2026-03-21", "2026-03-22"])
def test_a_pause_stops_the_count_and_a_resume_on_a_day_off_costs_nothing(resumed: str) -> None:
    paused = clock.pause(clock.begin(date(2026, 3, 2), 20), date(2026, 3, 9), CALENDAR)
    assert paused.remaining == 15
    assert clock.due(clock.resume(paused, date.fromisoformat(resumed)), CALENDAR) == date(2026, 4, 13)


def test_a_resume_with_nothing_left_rolls_to_a_working_day() -> None:
    paused = clock.pause(clock.begin(date(2026, 3, 2), 20), date(2026, 3, 30), CALENDAR)
    assert paused.remaining == 0
    assert clock.due(clock.resume(paused, date(2026, 4, 4)), CALENDAR) == date(2026, 4, 7)


def test_beyond_the_published_edge_a_due_day_is_provisional() -> None:
    assert CALENDAR.is_provisional(clock.due(clock.begin(date(2026, 11, 23), 29), CALENDAR))


def test_days_before_the_calendar_are_an_error_not_a_guess() -> None:
    with pytest.raises(ValueError, match="outside"):
        CALENDAR.nth(date(2007, 12, 31), 1)


@given(DAYS, st.integers(1, 60))
def test_the_nth_working_day_equals_counting_day_by_day(start: date, n: int) -> None:
    day, left = start, n
    while left:
        day += timedelta(days=1)
        left -= CALENDAR.is_workday(day)
    assert CALENDAR.nth(start, n) == day
    assert CALENDAR.count(start, day) == n


EVENTS = st.lists(st.tuples(st.sampled_from(["pause", "resume"]), st.integers(0, 40)), max_size=6)


@given(DAYS, st.integers(1, 45), EVENTS)
def test_pauses_and_resumes_agree_with_an_oracle_that_ticks_day_by_day(
    start: date, limit: int, events: list[tuple[str, int]]
) -> None:
    state: Clock = clock.begin(start, limit)
    day = start
    marks: list[tuple[date, str]] = []
    for kind, gap in events:
        day += timedelta(days=gap)
        state = clock.pause(state, day, CALENDAR) if kind == "pause" else clock.resume(state, day)
        marks.append((day, kind))
    if not state.running:
        state = clock.resume(state, day)
        marks.append((day, "resume"))
    assert clock.due(state, CALENDAR) == _oracle_due(start, limit, marks)


def _oracle_due(start: date, limit: int, marks: list[tuple[date, str]]) -> date:
    """Tick through the calendar one day at a time. A day counts where the clock ran throughout it or was paused
    at its end; after the last mark it runs on. Used up while running: due is that day. Used up when it resumes:
    the resume day, or the next working day."""
    left, running, day, due = limit, True, start, start
    queue = sorted(marks, key=lambda mark: mark[0])
    for _ in range(2000):
        while queue and queue[0][0] == day:
            kind = queue.pop(0)[1]
            if kind == "resume" and not running:
                due = day
                while not CALENDAR.is_workday(due):
                    due += timedelta(days=1)
            running = kind == "resume"
        if left == 0 and not queue:
            return due
        day += timedelta(days=1)
        if running and left and CALENDAR.is_workday(day):
            left, due = left - 1, day
    raise AssertionError


def test_what_is_guessed_is_listed_as_it_is_counted() -> None:
    """New Year is no working day, published or not: the list of days says so too."""
    days = CALENDAR.guessed(date(2027, 1, 4))
    assert days == {
        date(2027, 1, 1): (False, "节假日（推定）"),
        date(2027, 1, 2): (False, "周末"),
        date(2027, 1, 3): (False, "周末"),
        date(2027, 1, 4): (True, ""),
    }
    assert CALENDAR.guessed(date(2026, 12, 31)) == {}
    assert sum(works for works, _ in days.values()) == CALENDAR.count(date(2026, 12, 31), date(2027, 1, 4))
