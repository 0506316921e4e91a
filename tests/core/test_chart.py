"""The days of a limit against the clock that judges it; the small charts inside their frame."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st

from central.core import chart, clock
from central.core.calendar import CalendarData, build
from central.core.chart import Span
from central.core.clock import Stop
from common.core.state import Light

FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)
EXCEPTIONS = {"2026": {"02-16": "off", "02-17": "off", "02-28": "work", "05-01": "off", "05-09": "work"}}
CALENDAR = build(1, CalendarData(FIRST, LAST, EXCEPTIONS))
DAYS = {
    FIRST + timedelta(days=n): (CALENDAR.is_workday(FIRST + timedelta(days=n)), "")
    for n in range((LAST - FIRST).days + 1)
}
starts = st.dates(FIRST, date(2026, 6, 1))


@given(starts, st.integers(1, 45), st.lists(st.integers(0, 40), max_size=6))
def test_the_days_counted_up_to_the_limit_are_the_limit(start: date, limit: int, gaps: list[int]) -> None:
    state, stops, day = clock.begin(start, limit), [], start
    for before, long in zip(gaps[::2], gaps[1::2], strict=False):
        first = day + timedelta(days=before)
        day = first + timedelta(days=long)
        state = clock.resume(clock.pause(state, first, CALENDAR), day)
        stops.append(Stop(first, day))
    assume(state.remaining > 0)  # a limit used up before the pause ends with the next working day
    due = clock.due(state, CALENDAR)
    span = Span(start=start, yellow=clock.yellow(state, CALENDAR), due=due, until=due, beyond=Light.RED)
    days = chart.days(span, date(2026, 6, 12), DAYS, stops)
    assert days[-1].is_due
    assert days[-1].number == limit
    assert [day.number for day in days if day.number] == list(range(1, limit + 1))
    assert all(bool(day.number) != bool(day.why) for day in days)


def test_days_say_why_they_do_not_count_and_what_they_mean() -> None:
    span = Span(
        start=date(2026, 6, 4),
        yellow=date(2026, 6, 10),
        due=date(2026, 6, 11),
        until=date(2026, 6, 13),
        beyond=Light.RED,
    )
    works = {
        date(2026, 6, 4) + timedelta(days=n): (n not in {2, 3}, "" if n not in {2, 3} else "周末")
        for n in range(10)
    }
    days = chart.days(span, date(2026, 6, 12), works, [])
    assert [day.why or day.number for day in days] == ["当日", 1, "周末", "周末", 2, 3, 4, 5, 6, 7]
    assert [day.light for day in days[5:]] == [Light.GREEN, Light.YELLOW, Light.YELLOW, Light.RED, Light.RED]
    assert [day.is_today for day in days] == [False] * 8 + [True, False]


def test_a_pause_counts_its_first_day_and_the_end_of_it_counts_from_the_next() -> None:
    span = Span(
        start=date(2026, 3, 2), yellow=date.max, due=date.max, until=date(2026, 3, 11), beyond=Light.PAUSED
    )
    days = chart.days(span, date(2026, 3, 11), DAYS, [Stop(date(2026, 3, 4), date(2026, 3, 9))])
    assert [day.why or day.number for day in days] == [
        "当日",
        1,
        2,
        "停表",
        "停表",
        "休息",
        "休息",
        "停表",
        3,
        4,
    ]


@given(st.dictionaries(st.integers(0, 29), st.tuples(st.integers(0, 900), st.integers(0, 300)), max_size=30))
def test_every_bar_stays_inside_the_chart_and_to_scale(counts: dict[int, tuple[int, int]]) -> None:
    today = date(2026, 6, 12)
    drawn = chart.trend({today - timedelta(days=back): pair for back, pair in counts.items()}, today)
    half = int(drawn["axis"]["half"])
    for place in range(30):
        bar = drawn[str(place)]
        yellow, red = counts.get(29 - place, (0, 0))
        assert float(bar["yy"]) >= 0
        assert abs(float(bar["yy"]) + float(bar["yh"]) - 100) < 0.01
        assert float(bar["rh"]) <= 50.001
        assert abs(float(bar["yh"]) * half - yellow * 50) < 0.01 * half
        assert abs(float(bar["rh"]) * half - red * 50) < 0.01 * half


def test_time_goes_from_left_to_right_to_scale_with_the_period_before_behind_it() -> None:
    values = [
        ("2026-05-29", Decimal(5), Decimal(20)),
        ("2026-06-01", None, None),
        ("2026-06-02", Decimal(10), None),
    ]
    found = chart.columns(values, lambda one: "–" if one is None else f"{one}")
    assert [one.label for one in found] == ["5/29", "6/1", "2"]
    assert [one.value for one in found] == ["5", "–", "10"], "what there is nothing of keeps its place"
    assert [(one.y, one.height, one.before) for one in found] == [
        ("75.0", "25.0", "100.0"), ("100.0", "0.0", "0.0"), ("50.0", "50.0", "0.0")
    ]  # fmt: skip
    year = [(f"2026-{month:02}", Decimal(month), None) for month in range(1, 13)]
    assert [one.label for one in chart.columns(year, str)][::11] == ["1 月", "12 月"]
    days = [(str(date(2026, 1, 1) + timedelta(days=number)), Decimal(1), None) for number in range(365)]
    assert sum(bool(one.label) for one in chart.columns(days, str)) <= chart.MOST_LABELS


def test_the_forecast_shows_ten_days_and_no_due_case_falls_between_them() -> None:
    friday = date(2026, 6, 12)
    works = {friday + timedelta(days=n): (friday + timedelta(days=n)).weekday() < 5 for n in range(40)}
    due = {friday: 3, friday + timedelta(days=1): 2, friday + timedelta(days=3): 5}
    drawn = chart.forecast(due, works, friday)
    assert [(bar["day"], bar["n"]) for bar in drawn.values()][:3] == [
        ("今天", "3"),
        ("6/13", "2"),
        ("6/15", "5"),
    ]
    assert len(drawn) == 10
    assert drawn["2"]["h"] == "100"
