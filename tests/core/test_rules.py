"""Which clocks a case has, and what light each shows: examples of supervision.md 3.2 to 3.4, and what no order may change."""

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import central
from central.core import acts, case, rules
from central.core import calendar as calendars
from central.core.calendar import CalendarData
from central.core.case import CaseState, Row
from central.core.item import Item
from central.core.limits import limits
from central.core.rules import Verdict
from common.core.instant import DAY, HOUR, to_us
from common.core.record import Case, Step
from common.core.state import CaseStatus, ClockKind, Light, StepKind

ZONE = ZoneInfo("Asia/Shanghai")
DATA = Path(central.__file__).parent / "data" / "calendar_cn.json"
CALENDAR = calendars.build(1, msgspec.json.decode(DATA.read_bytes(), type=CalendarData))
ITEM = Item("SX1", "食品经营许可（新办）", 20, 10)


DAYS = st.dates(date(2026, 3, 2), date(2026, 5, 20))


def at(text: str) -> int:
    return to_us(datetime.fromisoformat(text).replace(tzinfo=ZONE))


def folded(*steps: Step, **fields: object) -> CaseState:
    facts = Case(case_key="7", **fields)  # type: ignore[arg-type]
    rows = [Row("case", "7", deleted=False, body=facts)]
    rows += [Row("step", str(n), deleted=False, body=step) for n, step in enumerate(steps)]
    return case.fold("7", rows, ZONE)


def judged(
    state: CaseState,
    now: str,
    *,
    until: str | None = "",
    before: Light = Light.NONE,
    item: Item | None = ITEM,
) -> dict[ClockKind, Verdict]:
    """`until`: completeness; empty: whole up to now."""
    complete = None if until is None else at(until or now)
    state = case.as_of(state, at(now), ZONE)
    return {
        limit.kind: rules.judge(state, limit, before, complete, at(now), ZONE)
        for limit in limits(state, item, CALENDAR, ZONE)
    }


def test_promise_and_statute_run_side_by_side_from_acceptance() -> None:
    verdicts = judged(folded(accepted_at="2026-03-02T09:00:00+08:00"), "2026-03-03T10:00")
    assert verdicts[ClockKind.PROMISE].limit.due_at == at("2026-03-17T00:00")  # 24:00 of 03-16
    assert verdicts[ClockKind.STATUTE].limit.due_at == at("2026-03-31T00:00")
    assert {verdict.light for verdict in verdicts.values()} == {Light.GREEN}


def test_a_promise_equal_to_the_law_is_one_clock() -> None:
    state = folded(accepted_at="2026-03-02", promised=20, promised_unit="workdays")
    assert list(judged(state, "2026-03-03T10:00")) == [ClockKind.STATUTE]


def test_the_source_may_promise_more_than_the_catalogue() -> None:
    state = folded(accepted_at="2026-03-02", promised=5, promised_unit="workdays")
    assert judged(state, "2026-03-03T10:00")[ClockKind.PROMISE].limit.due_at == at("2026-03-10T00:00")


@pytest.mark.parametrize(
    ("now", "light"),
    [
        ("2026-03-12T23:59", Light.GREEN),
        ("2026-03-13T00:00", Light.YELLOW),
        ("2026-03-16T23:59", Light.YELLOW),
        ("2026-03-17T00:01", Light.RED),
    ],
)
def test_the_promise_turns_yellow_a_day_before_and_red_after_its_last_day(now: str, light: Light) -> None:
    assert judged(folded(accepted_at="2026-03-02"), now)[ClockKind.PROMISE].light is light


def test_no_red_light_comes_from_silence() -> None:
    state = folded(accepted_at="2026-03-02")
    grey = judged(state, "2026-04-20T10:00", until="2026-03-16T23:00")[ClockKind.PROMISE]
    assert (grey.light, grey.needs_until) == (Light.GREY, at("2026-03-17T00:00"))
    assert judged(state, "2026-04-20T10:00", until=None)[ClockKind.PROMISE].light is Light.GREY
    assert judged(state, "2026-04-20T10:00", until="2026-03-17T00:00")[ClockKind.PROMISE].light is Light.RED


def test_a_late_completion_is_red_only_once_the_data_is_whole() -> None:
    """The pause that makes it lawful may still lie in the box."""
    state = folded(accepted_at="2026-03-02", finished_at="2026-03-20T10:00:00+08:00")
    assert judged(state, "2026-03-21T10:00", until="2026-03-10T00:00")[ClockKind.PROMISE].light is Light.GREY
    assert judged(state, "2026-03-21T10:00")[ClockKind.PROMISE].light is Light.RED
    assert judged(state, "2026-03-21T10:00")[ClockKind.STATUTE].light is Light.GREEN


def test_a_red_light_stays_whatever_is_said_later() -> None:
    state = folded(accepted_at="2026-03-02", finished_at="2026-03-10")
    assert judged(state, "2026-03-21T10:00", before=Light.RED)[ClockKind.PROMISE].light is Light.RED


def test_a_completion_without_a_time_of_day_is_late_only_when_its_day_is() -> None:
    deadline = "2026-03-16T14:00:00+08:00"
    same_day = folded(accepted_at="2026-03-02", deadline=deadline, finished_at="2026-03-16")
    next_day = folded(accepted_at="2026-03-02", deadline=deadline, finished_at="2026-03-17")
    to_the_hour = folded(accepted_at="2026-03-02", deadline=deadline, finished_at="2026-03-16T15:00:00+08:00")
    lights = [
        judged(state, "2026-03-21T10:00")[ClockKind.STATED].light
        for state in (same_day, next_day, to_the_hour)
    ]
    assert lights == [Light.GREEN, Light.RED, Light.RED]


def test_the_clock_stands_still_in_a_special_procedure() -> None:
    pause = Step(case_key="7", kind=StepKind.PAUSE, started_at="2026-03-09T09:00:00+08:00")
    paused = judged(folded(pause, accepted_at="2026-03-02"), "2026-05-20T10:00")
    assert paused[ClockKind.STATUTE].light is Light.PAUSED
    for day in ("2026-03-20", "2026-03-21", "2026-03-22"):
        resume = Step(case_key="7", kind=StepKind.RESUME, started_at=day)
        verdicts = judged(folded(pause, resume, accepted_at="2026-03-02"), "2026-03-23T10:00")
        assert verdicts[ClockKind.STATUTE].limit.due_at == at("2026-04-14T00:00")


def test_a_limit_beyond_the_published_calendar_is_never_red() -> None:
    verdict = judged(folded(accepted_at="2026-11-23", legal=29), "2027-06-01T10:00", item=None)[
        ClockKind.STATUTE
    ]
    assert (verdict.limit.provisional, verdict.light) == (True, Light.GREY)


@pytest.mark.parametrize("year", ["1899", "1905", "9999"])
def test_a_year_nobody_can_mean_starts_no_clock(year: str) -> None:
    assert judged(folded(accepted_at=f"{year}-03-02"), "2026-03-03T10:00") == {}


def test_what_the_source_does_not_record_is_no_violation() -> None:
    ended = folded(accepted_at="2026-03-02", status=CaseStatus.DONE)
    verdict = judged(ended, "2026-06-01T10:00")[ClockKind.STATUTE]
    assert (verdict.light, verdict.next_check_at) == (Light.NONE, None)
    assert judged(folded(), "2026-06-01T10:00") == {}
    assert judged(folded(accepted_at="2026-03-02", status=CaseStatus.REFUSED_ACCEPTANCE), "2026-06-01") == {}


def test_a_case_known_only_by_its_steps_has_no_clock_yet() -> None:
    step = Step(case_key="7", kind=StepKind.ACCEPT, finished_at="2026-03-02")
    state = case.fold("7", [Row("step", "1", deleted=False, body=step)], ZONE)
    assert limits(state, ITEM, CALENDAR, ZONE) == []


def test_a_deleted_case_is_not_timed_and_keeps_its_content() -> None:
    rows = [Row("case", "7", deleted=True, body=Case(case_key="7", case_no="SL7", accepted_at="2026-03-02"))]
    state = case.fold("7", rows, ZONE)
    assert (state.facts.case_no, state.deleted, state.open) == ("SL7", True, False)
    assert judged(state, "2026-06-01T10:00")[ClockKind.STATUTE].light is Light.NONE


def test_the_next_check_is_the_instant_at_which_time_alone_changes_the_light() -> None:
    state = folded(accepted_at="2026-03-02")
    green = judged(state, "2026-03-03T10:00")[ClockKind.PROMISE]
    assert green.next_check_at == green.limit.yellow_at
    yellow = judged(state, "2026-03-14T10:00")[ClockKind.PROMISE]
    assert yellow.next_check_at == yellow.limit.due_at + 1


parts = st.lists(
    st.builds(
        Row,
        st.sampled_from(["case", "case.result", "step", "step.fee"]),
        st.text("123", min_size=1, max_size=2),
        st.booleans(),
        st.one_of(
            st.builds(
                Case,
                case_key=st.just("7"),
                case_no=st.sampled_from([None, "A", "B"]),
                accepted_at=st.sampled_from([None, "2026-03-02", "2026-03-03"]),
                finished_at=st.sampled_from([None, "2026-03-20"]),
            ),
            st.builds(
                Step,
                case_key=st.just("7"),
                seq=st.sampled_from([None, 1, 2]),
                kind=st.sampled_from([StepKind.ACCEPT, StepKind.PAUSE, StepKind.RESUME]),
                started_at=st.sampled_from([None, "2026-03-04", "2026-03-06T10:00:00+08:00"]),
            ),
        ),
    ),
    unique_by=lambda row: (row.table, row.key),
)


@given(parts, st.randoms())
def test_a_case_is_the_same_in_whatever_order_its_rows_came(rows: list[Row], chance: object) -> None:
    shuffled = list(rows)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = case.fold("7", rows, ZONE), case.fold("7", shuffled, ZONE)
    assert one == other
    assert limits(one, ITEM, CALENDAR, ZONE) == limits(other, ITEM, CALENDAR, ZONE)


@given(st.dates(date(2026, 1, 5), date(2026, 6, 1)), st.integers(1, 45), st.integers(0, 200))
def test_lights_only_worsen_as_time_passes(start: date, days: int, later: int) -> None:
    state = folded(accepted_at=str(start), promised=days, promised_unit="workdays")
    now = to_us(datetime.combine(start, datetime.min.time(), tzinfo=ZONE)) + 9 * HOUR + later * 6 * HOUR
    for limit in limits(state, ITEM, CALENDAR, ZONE):
        before = rules.judge(state, limit, Light.NONE, now, now, ZONE).light
        after = rules.judge(state, limit, Light.NONE, now + DAY, now + DAY, ZONE).light
        assert after.rank >= before.rank
        assert limit.yellow_at <= limit.due_at


def test_the_stated_deadline_warns_a_tenth_before() -> None:
    state = folded(accepted_at="2026-03-02T10:00:00+08:00", deadline="2026-04-27T15:00:00+08:00")
    limit = limits(state, None, CALENDAR, ZONE)[0]
    assert limit.kind is ClockKind.STATED
    assert limit.yellow_at == at("2026-04-21T15:00")  # 39 working days: 4 of them before a Monday


@pytest.mark.parametrize("days", [0, -1])
def test_a_limit_of_no_days_is_no_statement(days: int) -> None:
    state = folded(accepted_at="2026-03-02", promised=days, promised_unit="workdays", legal=days)
    verdicts = judged(state, "2026-03-04T10:00")
    assert {verdict.light for verdict in verdicts.values()} == {Light.GREEN}
    assert verdicts[ClockKind.PROMISE].limit.due_at == at("2026-03-17T00:00")


def test_a_completion_that_cannot_be_read_accuses_nobody() -> None:
    unreadable = folded(accepted_at="2026-03-02", invalid={"finished_at": "2026-3-5 下午3:00"})
    assert judged(unreadable, "2026-06-01T10:00")[ClockKind.STATUTE].light is Light.NONE
    zero = folded(accepted_at="2026-03-02", invalid={"finished_at": "0000-00-00 00:00:00"})
    assert judged(zero, "2026-06-01T10:00")[ClockKind.STATUTE].light is Light.RED


@pytest.mark.parametrize("finished", ["2099-12-31", "2026-12-31", "2026-12-31T10:00:00+08:00"])
def test_a_completion_dated_ahead_has_ended_nothing_yet(finished: str) -> None:
    state = folded(accepted_at="2026-03-02", finished_at=finished)
    assert judged(state, "2026-03-03T10:00")[ClockKind.PROMISE].light is Light.GREEN
    assert judged(state, "2026-03-14T10:00")[ClockKind.PROMISE].light is Light.YELLOW
    today = folded(accepted_at="2026-03-02", finished_at="2026-03-03")
    assert judged(today, "2026-03-03T10:00")[ClockKind.PROMISE].stopped


def test_a_deadline_before_the_acceptance_is_no_limit() -> None:
    state = folded(accepted_at="2026-03-02T10:00:00+08:00", deadline="2026-03-01T10:00:00+08:00")
    assert ClockKind.STATED not in judged(state, "2026-03-03T10:00")


def test_a_stated_deadline_stands_still_in_a_special_procedure_too() -> None:
    pause = Step(case_key="7", kind=StepKind.PAUSE, started_at="2026-03-09T09:00:00+08:00")
    state = folded(pause, accepted_at="2026-03-02", deadline="2026-03-16T15:00:00+08:00")
    assert judged(state, "2026-05-20T10:00")[ClockKind.STATED].light is Light.PAUSED


def paused(first: str, last: str | None = None) -> Step:
    return Step(case_key="7", kind=StepKind.PAUSE, started_at=first, finished_at=last)


def resumed(day: str) -> Step:
    return Step(case_key="7", kind=StepKind.RESUME, started_at=day)


@pytest.mark.parametrize(
    ("steps", "spans"),
    [
        ([paused("2026-03-09", "2026-03-20")], [("2026-03-09", "2026-03-20")]),
        (
            [paused("2026-03-09T10:00:00+08:00"), resumed("2026-03-09")],
            [("2026-03-09", "2026-03-09")],
        ),
        ([paused("2026-03-09"), resumed("2026-03-08")], [("2026-03-09", None)]),
        ([resumed("2026-03-09")], []),
        (
            [paused("2026-03-09", "2026-03-20"), paused("2026-03-20", "2026-03-25")],
            [("2026-03-09", "2026-03-25")],
        ),
        (
            [paused("2026-03-09", "2026-03-20"), paused("2026-03-11", "2026-03-12")],
            [("2026-03-09", "2026-03-20")],
        ),
        ([paused("2026-03-09", "2026-03-01")], [("2026-03-09", None)]),
        ([paused("2026-03-09T10:00:00+08:00", "2026-03-09T10:10:00+08:00")], [("2026-03-09", None)]),
        ([paused("2026-03-09", "2026-03-12"), resumed("2026-03-16")], [("2026-03-09", "2026-03-16")]),
        ([paused("2026-03-09", "9999-12-31")], [("2026-03-09", None)]),
        (
            [paused("2026-03-09"), resumed("2026-03-12"), paused("2026-03-16"), resumed("2026-03-18")],
            [("2026-03-09", "2026-03-12"), ("2026-03-16", "2026-03-18")],
        ),
    ],
)
def test_special_procedures_are_spans_of_days(steps: list[Step], spans: list[tuple[str, str | None]]) -> None:
    found = acts.stops(acts.specials(folded(*steps, accepted_at="2026-03-02"), ITEM, ZONE))
    assert [(str(one.first), str(one.last) if one.last else None) for one in found] == spans


@given(st.lists(st.tuples(DAYS, st.none() | DAYS), max_size=4), st.lists(DAYS, max_size=3))
def test_the_statutory_day_is_that_of_an_oracle_that_counts_day_by_day(
    pauses: list[tuple[date, date | None]], resumptions: list[date]
) -> None:
    steps = [paused(str(first), str(last) if last else None) for first, last in pauses]
    steps += [resumed(str(day)) for day in resumptions]
    state = folded(*steps, accepted_at="2026-03-02")
    limit = next(x for x in limits(state, ITEM, CALENDAR, ZONE) if x.kind is ClockKind.STATUTE)
    ends = [
        min((day for day in resumptions if day >= first), default=last if last and last > first else date.max)
        for first, last in pauses
    ]
    due = _oracle([(first, end) for (first, _), end in zip(pauses, ends, strict=True)])
    assert limit.running == (due is not None)
    if due is not None:
        assert limit.due_at == at(f"{due + timedelta(days=1)}T00:00")


def _oracle(spans: list[tuple[date, date]]) -> date | None:
    """20 working days from 2026-03-02, of which no day after a span's first and up to its last is counted.

    A limit used up on the day a span begins ends with the span, or on the working day that follows; None: it never
    ends. A span that begins later changes nothing.
    """
    day, left, waited = date(2026, 3, 2), 20, False
    while True:
        end = CALENDAR.roll_forward(day) if waited else day
        if left == 0 and not any(first <= end and day < last for first, last in spans):
            return end
        if any(first <= day and last == date.max for first, last in spans):
            return None
        day += timedelta(days=1)
        if any(first < day <= last for first, last in spans):
            waited = True
        elif left:
            left -= CALENDAR.is_workday(day)
            waited = False


@pytest.mark.parametrize(
    ("finished", "wakes"),
    [("2026-03-20", "2026-03-20T00:00"), ("2026-03-20T15:00:00+08:00", "2026-03-20T14:00")],
)
def test_a_completion_that_is_dated_ahead_is_looked_at_when_its_day_comes(finished: str, wakes: str) -> None:
    """Stopped, done or under way meanwhile: somebody has to look again."""
    stop = Step(case_key="7", kind=StepKind.PAUSE, started_at="2026-03-05")
    for steps, status in (((), None), ((stop,), None), ((), CaseStatus.DONE)):
        state = folded(*steps, accepted_at="2026-03-02", finished_at=finished, status=status)
        for now, checked in (("2026-03-10T10:00", at(wakes)), (wakes, None)):
            seen = case.as_of(state, at(now), ZONE)
            assert seen.wake_at == checked
            found = rules.verdicts(seen, None, CALENDAR, lambda *_: Light.NONE, None, at(now), ZONE)
            checks = {one.next_check_at for one in found}
            assert checked is None or all(one is not None and one <= checked for one in checks)
