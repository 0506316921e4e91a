"""Odd patterns, bottlenecks and the forecast, each held against a naive recount in plain Python that knows none of our code."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from central.core import bottleneck, case, pattern, workload
from central.core.calendar import Calendar
from central.core.measure import HINTS, MEASURES
from central.core.pattern import Decision
from central.core.scheme import NAMES
from common.core.record import Case, Step
from common.core.state import StepKind

ZONE = ZoneInfo("Asia/Shanghai")
FIRST = date(2026, 6, 1)
CALENDAR = Calendar(
    1, date(2026, 1, 1), [(date(2026, 1, 1) + timedelta(days=n)).weekday() < 5 for n in range(365)]
)
SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
MIDNIGHT = int(datetime(2026, 5, 31, 16, tzinfo=UTC).timestamp()) * SECOND
"""Of 2026-06-01, a Monday, in Shanghai."""


def decision(key: int, at: int, **more: Any) -> Decision:
    return Decision(
        **{
            "site": "s",
            "key": f"{key:03}",
            "no": "",
            "org": "所",
            "accepted_at": None,
            "finished_at": at,
            **more,
        }
    )


# patterns ----------------------------------------------------------------------------------------------------

_decided = st.fixed_dictionaries({
    "org": st.sampled_from(["甲所", "乙所"]),
    "day": st.integers(0, 40),
    "second": st.sampled_from([0, 9 * 3600, 17 * 3600 + 1700, 17 * 3600 + 2400, 17 * 3600 + 3540, 17 * 3600 + 3599]),
    "took": st.none() | st.sampled_from([0, 1, 59, 60, 61, 90_000]),
    "spot": st.booleans(),
    "reason": st.sampled_from(["", "", "短", "材料不齐全，不符合条件", "不属于本机关职权范围"]),
})  # fmt: skip


def _month(one: dict[str, Any]) -> int:
    """Of the decision; midnight is the end of the day before."""
    return int((one["day"] - (one["second"] == 0)) // 30)


def _naive(cases: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """(pattern, key): every case compared with every other one."""
    found = set()

    def key(one: dict[str, Any]) -> str:
        return f"{cases.index(one):03}"

    for one in cases:
        if (
            not one["spot"]
            and one["took"] is not None
            and one["took"] < 60
            and one["second"]
            and (one["second"] - one["took"])
        ):
            found.add(("odd_minute", key(one)))
        same = [
            other
            for other in cases
            if (other["org"], other["day"]) == (one["org"], one["day"]) and other["second"]
        ]
        last = max((other["second"] for other in same), default=0)
        late = [other for other in same if last - other["second"] < 900]
        if len(same) >= 5 and len(late) / len(same) >= 0.8 and one in late:
            found.add(("odd_crowd", key(one)))
        alike = [
            other for other in cases
            if (other["org"], other["reason"]) == (one["org"], one["reason"]) and _month(other) == _month(one)
        ]  # fmt: skip
        if len(one["reason"]) >= 6 and len(alike) >= 3:
            found.add(("odd_alike", key(one)))
    return found


@given(
    st.lists(_decided, max_size=40, unique_by=lambda one: tuple(sorted(map(str, one.items())))), st.randoms()
)
@settings(max_examples=60)
def test_patterns_equal_a_naive_recount(cases: list[dict[str, Any]], chance: Any) -> None:
    made = []
    for number, one in enumerate(cases):
        at = MIDNIGHT + one["day"] * DAY + one["second"] * SECOND
        accepted = None if one["took"] is None else at - one["took"] * SECOND
        made.append(
            decision(
                number, at, org=one["org"], accepted_at=accepted, is_instant=one["spot"], reason=one["reason"]
            )
        )
    chance.shuffle(made)
    found = pattern.groups(made, ZONE)
    marks = pattern.marks(found)
    assert {(kind, key) for (_, key), kinds in marks.items() for kind in kinds} == _naive(cases)
    assert all(len(group.cases) <= group.of for group in found)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 40)), max_size=40))
def test_entries_that_came_late_together_are_a_batch(entries: list[tuple[int, int]]) -> None:
    found = pattern.batches([(decision(key, MIDNIGHT), MIDNIGHT + at * MINUTE) for key, at in entries], ZONE)
    naive = {
        span: {key for key, at in entries if at // 10 == span}
        for span in range(5)
        if len({key for key, at in entries if at // 10 == span}) >= 5
    }
    assert sorted(sorted(int(one.key) for one in group.cases) for group in found) == sorted(
        map(sorted, naive.values())
    )


def test_no_score_may_read_a_suspicion() -> None:
    assert set(HINTS) == {"odd_minute", "odd_crowd", "odd_alike", "odd_batch"}
    assert not NAMES & set(HINTS)
    assert set(MEASURES) == NAMES | set(HINTS)


# bottlenecks -------------------------------------------------------------------------------------------------

_step = st.tuples(
    st.sampled_from(["审查", "决定", "制证"]), st.none() | st.integers(0, 20), st.none() | st.integers(0, 20)
)
_steps = st.lists(st.tuples(st.integers(0, 5), st.lists(_step, max_size=5)), max_size=12)


def _text(number: int) -> str:
    return str(FIRST + timedelta(days=number))


def _working(begin: int, end: int) -> int:
    """Days after `begin` up to and with `end`, counted one by one."""
    return sum((FIRST + timedelta(days=number)).weekday() < 5 for number in range(begin + 1, end + 1))


@given(_steps)
def test_where_days_went_equals_a_naive_recount(
    cases: list[tuple[int, list[tuple[str, int | None, int | None]]]],
) -> None:
    found, naive = bottleneck.stays(), dict[str, list[tuple[int, int]]]()
    for number, (accepted, steps) in enumerate(cases):
        rows = [case.Row("case", "1", False, Case(case_key="k", accepted_at=_text(accepted)))]
        before = accepted
        for place, (name, begin, end) in enumerate(steps):
            body = Step(
                case_key="k", seq=place, step_name=name, kind=StepKind.CHECK,
                started_at=None if begin is None else _text(begin), finished_at=None if end is None else _text(end),
            )  # fmt: skip
            rows.append(case.Row("step", str(place), False, body))
            if end is None:
                continue
            start = before if begin is None else begin
            if start <= end:
                waited = _working(before, start) if before < start else 0
                naive.setdefault(name, []).append((_working(start, end), waited))
            before = max(before, end)
        state = case.fold("k", rows, ZONE)
        bottleneck.fold(found, "许可", "s", str(number), "", bottleneck.went(state, CALENDAR, ZONE))
    lines = {line.step: line for line in bottleneck.table(found)}
    assert set(lines) == set(naive)
    whole = sum(took + waited for every in naive.values() for took, waited in every)
    for name, every in naive.items():
        line, took = lines[name], sorted(took for took, _ in every)
        assert (line.number, line.days) == (len(every), sum(map(sum, every)))
        assert abs(float(line.mean) - sum(took) / len(took)) <= 0.0501
        assert abs(float(line.wait) - sum(waited for _, waited in every) / len(every)) <= 0.0501
        assert line.median == took[(len(took) + 1) // 2 - 1] <= max(took)
        assert line.p90 == took[-(-len(took) * 9 // 10) - 1]
        assert abs(float(line.share) - (line.days * 100 / whole if whole else 0)) <= 0.0501
        assert [one.days for one in line.slowest] == sorted(map(sum, every), reverse=True)[:5]
    days = [line.days for line in bottleneck.table(found)]
    assert days == sorted(days, reverse=True)


def test_a_waiting_step_is_told_from_a_working_one() -> None:
    rows = [
        case.Row("case", "1", False, Case(case_key="k", accepted_at="2026-06-01")),
        case.Row("step", "1", False, Step(case_key="k", seq=1, kind=StepKind.TICKET, finished_at="2026-06-01T09:00:00")),
        case.Row("step", "2", False, Step(case_key="k", seq=2, step_name="审查", started_at="2026-06-05", finished_at="2026-06-08")),
        case.Row("step", "3", False, Step(case_key="k", seq=3, kind=StepKind.DECIDE, finished_at="2026-06-10")),
    ]  # fmt: skip
    found = list(bottleneck.went(case.fold("k", rows, ZONE), CALENDAR, ZONE))
    assert [(one.step, one.took, one.waited) for one in found] == [("审查", 1, 4), ("决定", 2, 0)]


# forecast ----------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 50), min_size=0, max_size=120))
@settings(max_examples=60)
def test_the_forecast_and_its_error_equal_a_naive_recount(numbers: list[int]) -> None:
    today = date(2026, 6, 12)
    first = today - timedelta(days=len(numbers))
    counts = {first + timedelta(days=place): number for place, number in enumerate(numbers) if number}
    found = workload.forecast(counts, first, today, CALENDAR)
    begun = next((place for place, number in enumerate(numbers) if number), len(numbers))
    workdays = [
        first + timedelta(days=place)
        for place in range(begun, len(numbers))
        if (first + timedelta(days=place)).weekday() < 5
    ]

    def naive(day: date) -> float | None:
        like = [counts.get(one, 0) for one in workdays if one < day and one.isoweekday() == day.isoweekday()][
            -8:
        ]
        return sum(like) / len(like) if len(like) >= 3 else None

    assert len(found.ahead) == 10
    assert found.ahead[0].day == today
    assert [one.day.isoweekday() for one in found.ahead] == [5, 1, 2, 3, 4, 5, 1, 2, 3, 4]
    for one in [*found.ahead, *found.tested]:
        told = naive(one.day)
        assert (told is None) is (one.foretold is None)
        assert told is None or abs(float(one.foretold or 0) - told) <= 0.0501
    tested = [day for day in workdays[-20:] if naive(day) is not None]
    assert [one.day for one in found.tested if one.foretold is not None] == tested
    assert (found.error is None) is (not tested)
    if found.error is not None:
        off = [(naive(day) or 0) - counts.get(day, 0) for day in tested]
        assert abs(float(found.error.mean) - sum(map(abs, off)) / len(off)) <= 0.11
        assert abs(float(found.error.bias) - sum(off) / len(off)) <= 0.11


def test_a_steady_office_is_foretold_without_error_and_a_holiday_is_no_day() -> None:
    works = [(FIRST - timedelta(days=100) + timedelta(days=n)).weekday() < 5 for n in range(130)]
    works[100 + 4] = False  # 2026-06-05
    calendar = Calendar(1, FIRST - timedelta(days=100), works)
    counts = {FIRST - timedelta(days=n): 10 + (FIRST - timedelta(days=n)).weekday() for n in range(1, 101)}
    found = workload.forecast(counts, FIRST - timedelta(days=100), FIRST, calendar)
    assert [one.foretold for one in found.ahead[:4]] == [10, 11, 12, 13]
    assert date(2026, 6, 5) not in [one.day for one in found.ahead]
    assert found.error == workload.Error(20, Decimal("0.0"), Decimal("0.0"), Decimal("0.0"))
    assert median(one.actual or 0 for one in found.tested) == 12
    assert Counter(one.weekday for one in found.tested)["周一"] == 4
